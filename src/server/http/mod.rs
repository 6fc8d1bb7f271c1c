//! HTTP and JSON: a resource for each command, and many at once.
//!
//! Absent on purpose: who may send what (`identity`), and what a command or an answer looks like (`json`).

mod body;
mod head;
mod messages;
mod openapi;
mod page;
mod platform;
mod reply;
mod resources;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use reply::response;
use resources::Method::{self, Get, Post};
use serde_json::json;

use super::door::Door;
use super::json::{Problem, ProblemCode};
use crate::domain::{Code, Refusal};

/// Everything that there is.
pub(super) fn routes(services: &mut web::ServiceConfig) {
    let plain = |path: &str, method: Method, route| {
        let refused = move || resources::not_allowed(vec![method]);
        web::resource(path).route(route).default_service(web::to(refused))
    };
    services
        .service(plain("/livez", Get, Get.route().to(live)))
        .service(plain("/readyz", Get, Get.route().to(ready)))
        .service(plain("/openapi.json", Get, Get.route().to(description)))
        .service(plain("/docs/{file:.*}", Get, Get.route().to(page::show)))
        .service(plain("/docs", Get, Get.route().to(page::there)))
        .service(plain("/v1/messages", Post, Post.route().to(messages::post)))
        .service(plain("/v1/platform", Get, Get.route().to(platform::search)))
        .service(plain("/v1/accounts/{account}/page", Get, Get.route().to(platform::private)))
        .service(plain("/v1/links/{link}", Get, Get.route().to(platform::link)))
        .configure(resources::configure)
        .default_service(web::to(no_such_resource));
}

/// `GET /openapi.json`: what all this looks like.
async fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::text())
}

/// `GET /livez`: the process runs.
async fn live() -> HttpResponse {
    response(Ok(json!({ "status": "alive" })))
}

/// `GET /readyz`: the engine is open and takes messages.
async fn ready(door: Data<Door>) -> HttpResponse {
    response(door.engine().and_then(|engine| match engine.fault() {
        None => Ok(json!({ "status": "ready" })),
        Some(_) => Err(Problem::from(Refusal::of(Code::Stopped))),
    }))
}

pub(super) async fn no_such_resource(request: HttpRequest) -> HttpResponse {
    let path: String = request.path().chars().take(200).collect();
    let detail = format!("there is nothing at {path}");
    response::<()>(Err(Problem::new(ProblemCode::NoSuchResource, "", detail)))
}
