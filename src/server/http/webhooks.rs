//! Webhooks over the network: each account's own, and all of them for whoever may hear everything.
//!
//! Absent on purpose: targets inside, which only whoever runs the server can allow.

use actix_web::http::header::HeaderValue;
use actix_web::web::{self, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::text;
use super::head::{act_of, idempotency_key, on_behalf_of, who};
use super::reply::{problem_response, response};
use super::resources::{REPLAYED, object};
use crate::domain::{Caller, Code, Name, Refusal};
use crate::server::batch::in_progress;
use crate::server::door::{Door, within};
use crate::server::identity::{Who, rights};
use crate::server::json::{Problem, ProblemCode, read};
use crate::server::management::Act;
use crate::server::webhooks::{MadeBy, MadeWebhook, NewWebhook, WebhookFile, WebhooksError};

/// A webhook as it is asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhookBody {
    /// Where events are sent, by POST: https, and outside.
    #[schemars(length(min = 1, max = 2048))]
    url: String,
    /// Only what concerns this account; a key of an account asks for its own alone.
    #[serde(default)]
    account: Option<Name>,
    /// Only of these types; of all where it is left out.
    #[serde(default)]
    #[schemars(length(max = 64))]
    types: Vec<String>,
}

/// A webhook as it is listed.
#[derive(JsonSchema, Serialize)]
pub(super) struct WebhookBody {
    webhook: String,
    url: String,
    account: Option<Name>,
    types: Vec<String>,
    /// Whether it may be without TLS, or inside.
    inside: bool,
    /// The id of the event up to which everything was taken, or was not for it; none where it has not begun.
    up_to: Option<String>,
}

/// What was done, or what there is.
#[derive(JsonSchema, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WebhookAnswer {
    /// It is made.
    WebhookMade {
        /// Its id.
        webhook: String,
        /// What its events are signed with; shown to whoever has made it, and to nobody else.
        secret: String,
    },
    /// Those that there are, in the order of their ids.
    Webhooks {
        /// All that the key may see.
        webhooks: Vec<WebhookBody>,
    },
    /// It is gone.
    WebhookRemoved {
        /// Its id.
        removed: String,
    },
}

/// `POST /v1/webhooks`.
pub(super) async fn create(door: Data<Door>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let mut act = None;
    let made = made(&door, &request, payload, &mut act).await;
    if let Some(act) = act {
        act.ended(made.as_ref());
    }
    match made {
        Ok(made) => {
            let mut response =
                response(Ok(WebhookAnswer::WebhookMade { webhook: made.id, secret: made.secret }));
            if made.again {
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            }
            response
        }
        Err(problem) => problem_response(&problem),
    }
}

/// Makes what is asked for. The act is on the account that it is for, as far as that is known.
async fn made(
    door: &Data<Door>,
    request: &HttpRequest,
    payload: Payload,
    act: &mut Option<Act>,
) -> Result<MadeWebhook, Problem> {
    let who = who(door, request)?;
    *act = act_of(&who, request, "webhook_created", "");
    let own = own(door, request, &who)?;
    let mut is_on = |on: &str| {
        if let Some(act) = act {
            act.is_on(on);
        }
    };
    is_on(own.as_ref().map_or("", Name::as_str));
    let key = idempotency_key(request)?;
    let asked = asked(text(&object(request, payload).await?)?)?;
    is_on(asked.account.as_ref().or(own.as_ref()).map_or("", Name::as_str));
    let asked = for_whom(asked, own.as_ref())?;
    let whose = asked.account.as_ref().map_or_else(String::new, |account| format!("{account}/"));
    let made = make_once(door, asked, MadeBy { account: own, key }).await?;
    is_on(&format!("{whose}{}", made.id));
    Ok(made)
}

/// Reads a body.
fn asked(text: &str) -> Result<NewWebhook, Problem> {
    if !text.trim_start().starts_with('{') {
        return Err(Problem::new(ProblemCode::Malformed, "body", "is no JSON object"));
    }
    let NewWebhookBody { url, account, types } = read(text)?;
    Ok(NewWebhook { url, account, types, inside: false })
}

/// What a key of this account may ask for.
fn for_whom(asked: NewWebhook, own: Option<&Name>) -> Result<NewWebhook, Problem> {
    match (own, &asked.account) {
        (Some(own), Some(account)) if own != account => {
            let detail = "is not the account of this key: leave it out";
            Err(Problem::from(Refusal::new(Code::NotAllowed, "account", detail)))
        }
        (Some(own), None) => Ok(NewWebhook { account: Some(own.clone()), ..asked }),
        _ => Ok(asked),
    }
}

/// Makes a webhook, unless the same message is making it.
async fn make_once(door: &Data<Door>, asked: NewWebhook, made_by: MadeBy) -> Result<MadeWebhook, Problem> {
    let mut noted = door.begun().batch_of(1);
    if !noted.add(&("webhook", &made_by, &asked)) {
        return Err(in_progress());
    }
    let make = move |file: &WebhookFile| {
        let made = file.create_by(asked, Some(made_by));
        drop(noted);
        made
    };
    apart(door, make).await
}

/// `GET /v1/webhooks`.
pub(super) async fn list(door: Data<Door>, request: HttpRequest) -> HttpResponse {
    let listed = async {
        let own = own(&door, &request, &who(&door, &request)?)?;
        let all = apart(&door, WebhookFile::list).await?.into_iter();
        let mine = all.filter(|shown| own.is_none() || shown.asked.account == own);
        let webhooks = mine.map(|shown| WebhookBody {
            webhook: shown.id,
            url: shown.asked.url,
            account: shown.asked.account,
            types: shown.asked.types,
            inside: shown.asked.inside,
            up_to: shown.up_to.map(|id| id.to_string()),
        });
        Ok(WebhookAnswer::Webhooks { webhooks: webhooks.collect() })
    };
    response(listed.await)
}

/// `POST /v1/webhooks/{webhook}/remove`.
pub(super) async fn remove(door: Data<Door>, request: HttpRequest, webhook: &str) -> HttpResponse {
    let mut act = None;
    let removed = async {
        let who = who(&door, &request)?;
        act = act_of(&who, &request, "webhook_removed", webhook);
        let own = own(&door, &request, &who)?;
        let id = webhook.to_owned();
        apart(&door, move |file| file.remove_of(own.as_ref(), &id)).await?;
        Ok(WebhookAnswer::WebhookRemoved { removed: webhook.to_owned() })
    };
    let removed = removed.await;
    if let Some(act) = act {
        act.ended(removed.as_ref());
    }
    response(removed)
}

/// Whose webhooks it is about: those of the account of whoever asks, or everybody's where there is none.
fn own(door: &Door, request: &HttpRequest, who: &Who) -> Result<Option<Name>, Problem> {
    door.identity().pace(&who.role)?;
    match rights::caller(&who.role, on_behalf_of(request)?)? {
        Caller::Account(own) => Ok(Some(own)),
        Caller::FundsManagement => Ok(None),
    }
}

/// Works on the file where nobody else waits for it.
async fn apart<T: Send + 'static>(
    door: &Data<Door>,
    work: impl FnOnce(&WebhookFile) -> Result<T, WebhooksError> + Send + 'static,
) -> Result<T, Problem> {
    let door = Data::clone(door);
    let done = within(async { Ok(web::block(move || work(door.webhooks())).await) }).await?;
    let failed = |why: String| {
        tracing::error!(why, "the webhooks cannot be read or written");
        Problem::from(Refusal::new(Code::Internal, "", "the webhooks cannot be read or written"))
    };
    done.map_err(|error| failed(error.to_string()))?.map_err(|error| match error {
        WebhooksError::Asked { field, why } => Problem::from(Refusal::new(Code::BadValue, field, why)),
        WebhooksError::Full { .. } => Problem::new(ProblemCode::TooMany, "", error.to_string()),
        WebhooksError::Reused => {
            Problem::from(Refusal::new(Code::IdReused, "Idempotency-Key", "has made another webhook"))
        }
        WebhooksError::Unknown { id, .. } => {
            let detail =
                format!("{:?} is none that this key may see", id.chars().take(100).collect::<String>());
            Problem::new(ProblemCode::UnknownWebhook, "webhook", detail)
        }
        WebhooksError::File(ref file) if file.is_for_want_of_room() => {
            tracing::error!(why = %error, "the webhooks cannot be written");
            Problem::no_room("webhooks cannot be written: the device has no room")
        }
        WebhooksError::File(_) | WebhooksError::Damaged { .. } => failed(error.to_string()),
    })
}
