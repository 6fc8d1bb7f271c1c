//! What stands beside the commands: many at once, the feed, what is published, passwords and sessions, and what is watched.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::commands::{filled, responses};
use super::tree::{list, object};
use crate::domain::{Code, Name, RequestId, Serial, words};
use crate::limits::BATCH_MESSAGES_MAX;
use crate::server::feed::EventBody;
use crate::server::http::events::EventsQuery;
use crate::server::http::head::ON_BEHALF_OF;
use crate::server::http::history::EntriesQuery;
use crate::server::http::messages::{ItemBody, MessageBody};
use crate::server::http::passwords::{LogInBody, PasswordAnswer, RemovePasswordBody, SetPasswordBody};
use crate::server::http::platform::{LinkedBody, PageQuery, RowBody, SearchQuery};
use crate::server::http::resources::Method;
use crate::server::http::snapshots::SnapshotAnswer;
use crate::server::http::webhooks::{NewWebhookBody, WebhookAnswer};
use crate::server::json::HistoryBody;
use crate::server::shown::Show;

/// What stands beside the commands.
pub(super) fn others(
    taken: &mut SchemaGenerator,
    given: &mut SchemaGenerator,
) -> Vec<(Method, &'static str, Value)> {
    let get = |id: &str, summary: &str, parameters: Vec<Value>, answer: &Value| {
        let mut parameters = parameters;
        parameters.push(json!({ "$ref": "#/components/parameters/OnBehalfOf" }));
        json!({
            "operationId": id, "summary": summary, "tags": ["platform"], "parameters": parameters,
            "responses": responses(answer, Method::Get),
        })
    };
    let page = |row: &Value| {
        json!({
            "type": "object",
            "properties": {
                "data": { "type": "array", "items": row },
                "next_cursor": { "type": ["string", "null"] },
                "has_more": { "type": "boolean" },
            },
            "required": ["data", "next_cursor", "has_more"],
        })
    };
    let row = given.subschema_for::<RowBody>().to_value();
    let linked = given.subschema_for::<LinkedBody>().to_value();
    let account = json!({
        "name": "account", "in": "path", "required": true, "schema": taken.subschema_for::<Name>(),
    });
    let link = json!({ "name": "link", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } });
    let search = query::<SearchQuery>(taken);
    let of_page = query::<PageQuery>(taken);
    let health = |id: &str, summary: &str| {
        let status = json!({ "type": "object", "properties": { "status": { "type": "string" } }, "required": ["status"] });
        json!({
            "operationId": id, "summary": summary, "tags": ["health"], "security": [],
            "responses": {
                "200": { "description": "Yes.", "content": { "application/json": { "schema": status } } },
                "503": { "$ref": "#/components/responses/Later" },
            },
        })
    };
    let mut all = vec![
        (Method::Post, "/v1/messages", messages(taken, given)),
        (Method::Get, "/v1/events", events(taken, given)),
        (Method::Post, "/v1/snapshots", snapshots(given)),
        (
            Method::Get,
            "/v1/platform",
            get("search_platform", "Looks through what is published.", search, &page(&row)),
        ),
        (
            Method::Get,
            "/v1/accounts/{account}/page",
            get(
                "show_page",
                "Lists what an account has circulated, newest first.",
                [vec![account], of_page].concat(),
                &page(&linked),
            ),
        ),
        (Method::Get, "/v1/links/{link}", get("open_link", "Opens a page link.", vec![link], &linked)),
        (Method::Post, "/v1/sessions", log_in(taken, given)),
        (
            Method::Post,
            "/v1/accounts/{account}/password",
            password::<SetPasswordBody>("password_set", taken, given),
        ),
        (
            Method::Post,
            "/v1/accounts/{account}/password/remove",
            password::<RemovePasswordBody>("password_removed", taken, given),
        ),
        (Method::Get, "/v1/accounts/{account}/entries", entries("list_entries", "account", taken, given)),
        (
            Method::Get,
            "/v1/offerings/{offering}/certificates/{serial}/entries",
            entries("list_certificate_entries", "certificate", taken, given),
        ),
        (Method::Get, "/v1/offerings/{offering}/certificates/{serial}/receipt", receipt(taken)),
        (Method::Get, "/metrics", watched()),
        (Method::Get, "/livez", health("live", "Whether the process runs.")),
        (Method::Get, "/readyz", health("ready", "Whether the store is read and messages are taken.")),
    ];
    all.extend(webhooks(taken, given));
    all
}

/// Who is sent what has happened.
fn webhooks(taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> [(Method, &'static str, Value); 3] {
    let one = |method, id: &str, summary: &str, parameters: Value, answer: Value| {
        json!({
            "operationId": id, "summary": summary, "tags": ["webhooks"], "parameters": parameters,
            "responses": responses(&answer, method),
        })
    };
    let (as_whom, key) = (
        json!({ "$ref": "#/components/parameters/OnBehalfOf" }),
        json!({ "$ref": "#/components/parameters/IdempotencyKey" }),
    );
    let mut create = one(
        Method::Post,
        "create_webhook",
        "Makes a webhook: what happens from then on is sent there by POST, signed, until it is taken.",
        json!([&as_whom, &key]),
        of_type::<WebhookAnswer>("webhook_made", given),
    );
    let asked = taken.subschema_for::<NewWebhookBody>();
    create["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": asked } } });
    let webhook = json!({ "name": "webhook", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } });
    let list = one(
        Method::Get,
        "list_webhooks",
        "Lists webhooks: the account's own, or all.",
        json!([&as_whom]),
        of_type::<WebhookAnswer>("webhooks", given),
    );
    let remove = one(
        Method::Post,
        "remove_webhook",
        "Removes a webhook: it is sent nothing more within a second.",
        json!([webhook, as_whom]),
        of_type::<WebhookAnswer>("webhook_removed", given),
    );
    [
        (Method::Get, "/v1/webhooks", list),
        (Method::Post, "/v1/webhooks", create),
        (Method::Post, "/v1/webhooks/{webhook}/remove", remove),
    ]
}

/// The history of an account or a certificate.
fn entries(id: &str, whose: &str, taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let mut parameters = if whose == "account" {
        vec![
            json!({ "name": "account", "in": "path", "required": true, "schema": taken.subschema_for::<Name>() }),
        ]
    } else {
        certificate(taken)
    };
    parameters.extend(query::<EntriesQuery>(taken));
    let (types, details) = row_words(whose);
    for (name, words) in [("types", types), ("details", details)] {
        if let Some(parameter) = parameters.iter_mut().find(|parameter| parameter["name"] == name) {
            let description = parameter["schema"]["description"].take();
            *parameter = json!({
                "name": name, "in": "query", "required": false, "style": "form", "explode": false,
                "description": description,
                "schema": { "type": "array", "items": { "type": "string", "enum": words } },
            });
        }
    }
    parameters.push(json!({ "$ref": "#/components/parameters/OnBehalfOf" }));
    let mut responses = responses(given.subschema_for::<HistoryBody>().as_value(), Method::Get);
    responses["410"] = json!({ "$ref": "#/components/responses/Problem" });
    json!({
        "operationId": id,
        "summary": format!("Reads what has become of the {whose}, newest first, as far back as the journal is kept."),
        "tags": ["history"],
        "parameters": parameters,
        "responses": responses,
    })
}

/// The types and the details of the rows of an account or a certificate; what an order has failed by is a code.
fn row_words(whose: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    if whose != "account" {
        return (words::CERTIFICATE_TYPES.to_vec(), words::CERTIFICATE_DETAILS.to_vec());
    }
    let codes = Code::ALL.iter().map(|code| code.text());
    let codes = codes.filter(|code| !words::ACCOUNT_DETAILS.contains(code));
    (words::ACCOUNT_TYPES.to_vec(), words::ACCOUNT_DETAILS.iter().copied().chain(codes).collect())
}

/// A receipt. What it says stands in docs/API.md: whoever keeps one reads it with `hongbao verify`.
fn receipt(taken: &mut SchemaGenerator) -> Value {
    let mut parameters = certificate(taken);
    parameters.push(json!({ "$ref": "#/components/parameters/OnBehalfOf" }));
    let object = json!({ "type": "object" });
    let receipt = json!({
        "type": "object",
        "properties": {
            "format": { "type": "string", "const": "hongbao receipt 1" },
            "facts": object, "chain": object,
            "checksum": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
        },
        "required": ["format", "facts", "chain", "checksum"],
    });
    let mut responses = responses(&receipt, Method::Get);
    responses["410"] = json!({ "$ref": "#/components/responses/Problem" });
    json!({
        "operationId": "get_receipt",
        "summary": "Gives the receipt of a purchase, which anybody can verify offline.",
        "tags": ["history"],
        "parameters": parameters,
        "responses": responses,
    })
}

/// A certificate in a path.
fn certificate(taken: &mut SchemaGenerator) -> Vec<Value> {
    vec![
        json!({ "name": "offering", "in": "path", "required": true, "schema": taken.subschema_for::<Name>() }),
        json!({ "name": "serial", "in": "path", "required": true, "schema": taken.subschema_for::<Serial>() }),
    ]
}

/// The fields of a query.
fn query<T: JsonSchema>(taken: &mut SchemaGenerator) -> Vec<Value> {
    let schema = T::json_schema(taken).to_value();
    let parameter = |(name, schema): (&String, &Value)| json!({ "name": name, "in": "query", "required": false, "schema": filled(Some(schema)) });
    object(&schema, "properties").iter().map(parameter).collect()
}

/// The answer of a type, of all that there are in one enumeration.
fn of_type<T: JsonSchema>(answer: &str, given: &mut SchemaGenerator) -> Value {
    let answers = T::json_schema(given).to_value();
    let own = list(&answers, "oneOf").iter().find(|one| one["properties"]["type"]["const"] == answer);
    own.unwrap_or(&answers).clone()
}

/// An operation about passwords, by the type of its answer: what it takes, and whether it has to.
fn about_passwords<T: JsonSchema>(
    answer: &str,
    needed: bool,
    taken: &mut SchemaGenerator,
    given: &mut SchemaGenerator,
) -> Value {
    let mut responses = responses(&of_type::<PasswordAnswer>(answer, given), Method::Post);
    // It needs no Idempotency-Key, so nothing says that it was done before.
    responses["200"]["headers"] = json!({});
    json!({
        "requestBody": {
            "required": needed,
            "content": { "application/json": { "schema": taken.subschema_for::<T>() } },
        },
        "responses": responses,
    })
}

/// Beginning a session.
fn log_in(taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let mut operation = about_passwords::<LogInBody>("session", true, taken, given);
    operation["operationId"] = json!("log_in");
    operation["summary"] =
        json!("Begins a session of an account by its password; its token counts as a key of the account.");
    operation["tags"] = json!(["sessions"]);
    operation["security"] = json!([]);
    operation
}

/// Setting or removing a password.
fn password<T: JsonSchema>(answer: &str, taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let set = answer == "password_set";
    let mut operation = about_passwords::<T>(answer, set, taken, given);
    let (id, summary) = if set {
        ("set_password", "Sets the password of an account, and ends its sessions; its own, or an operator's.")
    } else {
        (
            "remove_password",
            "Removes the password of an account, and ends its sessions; its own, or an operator's.",
        )
    };
    operation["operationId"] = json!(id);
    operation["summary"] = json!(summary);
    operation["tags"] = json!(["accounts"]);
    operation["parameters"] = json!([
        { "name": "account", "in": "path", "required": true, "schema": taken.subschema_for::<Name>() },
        { "$ref": "#/components/parameters/OnBehalfOf" },
    ]);
    operation
}

/// What can be watched.
fn watched() -> Value {
    let mut responses = responses(&json!({}), Method::Get);
    responses["200"] = json!({
        "description": "OpenMetrics, as Prometheus reads it.",
        "content": { "application/openmetrics-text": { "schema": { "type": "string" } } },
    });
    json!({
        "operationId": "read_metrics",
        "summary": "Counts and gauges; an operator's or the funds management's to see.",
        "tags": ["health"],
        "responses": responses,
    })
}

/// The feed.
fn events(taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let event = given.subschema_for::<EventBody>();
    let mut parameters = query::<EventsQuery>(taken);
    parameters.push(json!({
        "name": "Last-Event-ID", "in": "header", "required": false, "schema": { "type": "string" },
        "description": "The id behind which to go on.",
    }));
    parameters.push(json!({ "$ref": "#/components/parameters/OnBehalfOf" }));
    let mut responses = responses(&json!({}), Method::Get);
    responses["200"] = json!({
        "description": "Events without end, each with id, event (its type) and data: an object in the form of CloudEvents 1.0.",
        "content": { "text/event-stream": { "schema": event } },
    });
    responses["410"] = json!({ "$ref": "#/components/responses/Problem" });
    json!({
        "operationId": "read_events",
        "summary": "Reads what has happened, for good, in its order: from an event on, or from now on.",
        "tags": ["events"],
        "parameters": parameters,
        "responses": responses,
    })
}

/// A snapshot now.
fn snapshots(given: &mut SchemaGenerator) -> Value {
    let body = given.subschema_for::<SnapshotAnswer>();
    let mut responses = responses(body.as_value(), Method::Post);
    responses["200"] = json!({
        "description": "It is finished.",
        "content": { "application/json": { "schema": body } },
    });
    responses["202"] = json!({
        "description": "It is under way still; /metrics counts it when it is finished.",
        "content": { "application/json": { "schema": body } },
    });
    json!({
        "operationId": "take_snapshot",
        "summary": "Takes a snapshot now, and answers when it is finished or has failed; an operator's to ask.",
        "tags": ["health"],
        "responses": responses,
    })
}

/// Many messages at once.
fn messages(taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Value {
    let (message, item) = (taken.subschema_for::<MessageBody>(), given.subschema_for::<ItemBody>());
    let many = |one: &Value| json!({ "type": "array", "items": one, "maxItems": BATCH_MESSAGES_MAX });
    let lines = json!({ "schema": { "type": "string", "description": "One object a line." } });
    let mut responses = responses(&json!({}), Method::Post);
    responses["200"]["content"] = json!({
        "application/json": { "schema": many(item.as_value()) },
        "application/x-ndjson": lines,
    });
    json!({
        "operationId": "send_messages",
        "summary": "Sends up to 8,190 messages at once; each is decided for itself, and answered in its place.",
        "tags": ["messages"],
        "requestBody": {
            "required": true,
            "content": {
                "application/json": { "schema": many(message.as_value()) },
                "application/x-ndjson": lines,
            },
        },
        "responses": responses,
    })
}

pub(super) fn parameters(taken: &mut SchemaGenerator) -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "The client's id for this request: a repeat with the same id has no second effect.",
            "schema": RequestId::json_schema(taken),
        },
        "IfMatch": {
            "name": "If-Match", "in": "header", "required": false,
            "description": "The ETag of a view of what this is addressed to: it is done only where nothing has happened there since.",
            "schema": { "type": "string", "pattern": "^(\\*|[0-9]{1,18}|\"[0-9]{1,18}\")$" },
        },
        "Show": {
            "name": "show", "in": "query", "required": false, "style": "form", "explode": false,
            "description": "What the answer is to show beside itself, as it is then.",
            "schema": { "type": "array", "items": taken.subschema_for::<Show>(), "maxItems": 3, "uniqueItems": true },
        },
        "OnBehalfOf": {
            "name": ON_BEHALF_OF, "in": "header", "required": false,
            "description": "As whom an operator's key speaks; without it, as the institution.",
            "schema": Name::json_schema(taken),
        },
    })
}
