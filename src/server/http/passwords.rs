//! Passwords, and the sessions that begin with them.
//!
//! None of it is a message of the engine, and none needs an `Idempotency-Key`: a password that is set twice is set, and each
//! session is one more of the same. Absent on purpose: showing whether an account has a password.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::body::{is_json, short_body, text};
use super::head::{act_of, on_behalf_of, who};
use super::reply::response;
use super::resources::object;
use crate::domain::{Code, Name, Refusal, Status, Timestamp};
use crate::server::door::{Door, within};
use crate::server::identity::rights::{caller, check_password};
use crate::server::identity::{SentPassword, Session};
use crate::server::json::{Problem, ProblemCode, Within, no_lists, read, time_text};

/// Who logs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogInBody {
    account: Name,
    password: SentPassword,
}

/// A password to set.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPasswordBody {
    password: SentPassword,
    /// The one that counts until now: whoever has logged in has to give it.
    #[serde(default)]
    current_password: Option<SentPassword>,
}

/// A password to remove.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemovePasswordBody {
    /// The one that counts until now: whoever has logged in has to give it.
    #[serde(default)]
    current_password: Option<SentPassword>,
}

/// What was done.
#[derive(JsonSchema, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PasswordAnswer {
    /// A session has begun.
    Session {
        /// Send it as a key: `Authorization: Bearer TOKEN`.
        token: String,
        /// As whom it speaks.
        account: Name,
        /// It counts until then.
        expires_at: String,
    },
    /// The password is set, and sessions that began with another have ended.
    PasswordSet {
        /// Whose.
        account: Name,
    },
    /// There is no password any more, and no session.
    PasswordRemoved {
        /// Whose.
        account: Name,
    },
}

/// `POST /v1/sessions`.
pub(super) async fn log_in(door: &Door, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let begun = async {
        let bytes = short_body(payload).await?;
        if !is_json(request) {
            return Err(Problem::new(ProblemCode::NotJson, "Content-Type", "is not application/json"));
        }
        let LogInBody { account, password } = taken(&bytes)?;
        let password = password.to_try("password")?;
        let Session { token, account, expires_at_ms } =
            within(door.identity().log_in(account, password)).await?;
        Ok(PasswordAnswer::Session { token, account, expires_at: time_text(Timestamp(expires_at_ms)) })
    }
    .await;
    door.count("log_in", begun.as_ref().map(|_| ()));
    let mut response = response(begun);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `POST /v1/accounts/{account}/password`.
pub(super) async fn set(door: &Door, request: &HttpRequest, payload: Payload, account: &str) -> HttpResponse {
    let mut act = None;
    let done = async {
        let who = who(door, request)?;
        act = act_of(&who, request, "set_password", account);
        let bytes = object(request, payload).await?;
        door.identity().pace(&who.role)?;
        let SetPasswordBody { password, current_password } = taken(&bytes)?;
        let caller = caller(&who.role, on_behalf_of(request)?)?;
        let account = Name::new(account)?;
        check_password(&who, &caller, &account, current_password.is_some())?;
        let password = password.to_set("password")?;
        let current = current_password.map(|current| current.to_try("current_password")).transpose()?;
        is_open(door, &account)?;
        if door.engine()?.status_of(&account) == Some(Status::Closed) {
            return Err(Problem::from(Refusal::of(Code::AccountClosed)));
        }
        within(door.identity().set_password(account.clone(), password, current)).await?;
        Ok(PasswordAnswer::PasswordSet { account })
    }
    .await;
    door.count("set_password", done.as_ref().map(|_| ()));
    if let Some(act) = act {
        act.ended(done.as_ref());
    }
    response(done)
}

/// `POST /v1/accounts/{account}/password/remove`.
pub(super) async fn remove(
    door: &Door,
    request: &HttpRequest,
    payload: Payload,
    account: &str,
) -> HttpResponse {
    let mut act = None;
    let done = async {
        let who = who(door, request)?;
        act = act_of(&who, request, "remove_password", account);
        let bytes = object(request, payload).await?;
        door.identity().pace(&who.role)?;
        let RemovePasswordBody { current_password } =
            if bytes.is_empty() { RemovePasswordBody::default() } else { taken(&bytes)? };
        let caller = caller(&who.role, on_behalf_of(request)?)?;
        let account = Name::new(account)?;
        check_password(&who, &caller, &account, current_password.is_some())?;
        let current = current_password.map(|current| current.to_try("current_password")).transpose()?;
        is_open(door, &account)?;
        within(door.identity().remove_password(account.clone(), current)).await?;
        Ok(PasswordAnswer::PasswordRemoved { account })
    }
    .await;
    door.count("remove_password", done.as_ref().map(|_| ()));
    if let Some(act) = act {
        act.ended(done.as_ref());
    }
    response(done)
}

/// Reads an object.
fn taken<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = text(body)?;
    no_lists(Within::Body, text)?;
    read(text)
}

fn is_open(door: &Door, account: &Name) -> Result<(), Problem> {
    if door.engine()?.currency_of(account).is_some() {
        return Ok(());
    }
    Err(Problem::from(Refusal::new(Code::UnknownAccount, "account", format!("{account} is not open"))))
}
