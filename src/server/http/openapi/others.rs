//! What stands beside the commands: many at once, the feed, what is published, and what is watched.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::commands::{filled, responses};
use super::tree::object;
use crate::domain::{Name, RequestId};
use crate::limits::BATCH_MESSAGES_MAX;
use crate::server::feed::EventBody;
use crate::server::http::events::EventsQuery;
use crate::server::http::head::ON_BEHALF_OF;
use crate::server::http::messages::{ItemBody, MessageBody};
use crate::server::http::platform::{LinkedBody, PageQuery, RowBody, SearchQuery};
use crate::server::http::resources::Method;
use crate::server::http::snapshots::SnapshotBody;

/// What stands beside the commands.
pub(super) fn others(taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Vec<(&'static str, Value)> {
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
    vec![
        ("/v1/messages", messages(taken, given)),
        ("/v1/events", events(taken, given)),
        ("/v1/snapshots", snapshots(given)),
        ("/v1/platform", get("search_platform", "Looks through what is published.", search, &page(&row))),
        (
            "/v1/accounts/{account}/page",
            get(
                "show_page",
                "Lists what an account has circulated, newest first.",
                [vec![account], of_page].concat(),
                &page(&linked),
            ),
        ),
        ("/v1/links/{link}", get("open_link", "Opens a page link.", vec![link], &linked)),
        ("/metrics", watched()),
        ("/livez", health("live", "Whether the process runs.")),
        ("/readyz", health("ready", "Whether the store is read and messages are taken.")),
    ]
}

/// The fields of a query.
fn query<T: JsonSchema>(taken: &mut SchemaGenerator) -> Vec<Value> {
    let schema = T::json_schema(taken).to_value();
    let parameter = |(name, schema): (&String, &Value)| json!({ "name": name, "in": "query", "required": false, "schema": filled(Some(schema)) });
    object(&schema, "properties").iter().map(parameter).collect()
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
    let body = given.subschema_for::<SnapshotBody>();
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
        "OnBehalfOf": {
            "name": ON_BEHALF_OF, "in": "header", "required": false,
            "description": "As whom an operator's key speaks; without it, as the institution.",
            "schema": Name::json_schema(taken),
        },
    })
}
