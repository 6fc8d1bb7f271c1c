//! The readable page of the API, where everything can be tried: Swagger UI, which comes with the program.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use utoipa_swagger_ui::{Config, serve};

use super::router::no_such_resource;

/// `GET /docs`: leads to the page.
pub(super) fn there() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header(("Location", "/docs/")).finish()
}

/// `GET /docs/…`: the page and its parts.
pub(super) fn show(request: &HttpRequest, file: &str) -> HttpResponse {
    let config = Arc::new(Config::from("/openapi.json").try_it_out_enabled(true));
    match serve(file, config) {
        Ok(Some(file)) => HttpResponse::Ok().content_type(file.content_type).body(file.bytes.into_owned()),
        Ok(None) | Err(_) => no_such_resource(request),
    }
}
