//! What all this looks like, for programs and people: OpenAPI 3.1, made from the table of resources and from the types that
//! bodies are read into and answers are written from.
//!
//! Absent on purpose: anything that could differ from what is done.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::events::EventsQuery;
use super::head::ON_BEHALF_OF;
use super::messages::{ItemBody, MessageBody};
use super::platform::{LinkedBody, PageQuery, RowBody, SearchQuery};
use super::resources::{Method, RESOURCES, Resource};
use crate::domain::{Name, RequestId};
use crate::limits::BATCH_MESSAGES_MAX;
use crate::server::feed::EventBody;
use crate::server::json::{AnswerBody, CommandBody, Problem};

/// Where the description's parts stand in it.
const SCHEMAS: &str = "#/components/schemas/";

/// The description as text; it is made once.
pub(super) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| document().to_string())
}

/// The description.
fn document() -> Value {
    let mut taken = generator(Contract::Deserialize);
    let mut given = generator(Contract::Serialize);
    let commands = commands(&mut taken);
    let mut paths = Map::new();
    for resource in RESOURCES {
        add(&mut paths, resource.1, resource.0, operation(resource, &commands));
    }
    for (path, operation) in others(&mut taken, &mut given) {
        let method = if path == "/v1/messages" { Method::Post } else { Method::Get };
        add(&mut paths, path, method, operation);
    }
    let problem = given.subschema_for::<Problem>();
    let answers = answers(&mut given);
    let mut schemas = parts(taken);
    let mut shown = parts(given);
    // A type that is both taken and given has everything where it is given, and may have left it out where it is taken.
    let both: Vec<String> = shown.keys().filter(|name| schemas.contains_key(*name)).cloned().collect();
    for name in both {
        if schemas.get(&name) != shown.get(&name)
            && let Some(schema) = shown.remove(&name)
        {
            let (old, new) = (format!("{SCHEMAS}{name}"), format!("{SCHEMAS}{name}Shown"));
            shown.insert(format!("{name}Shown"), schema);
            shown.values_mut().for_each(|schema| point_elsewhere(schema, &old, &new));
        }
    }
    schemas.extend(shown);
    schemas.extend(answers);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hongbao",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "Flash sales in which every certificate and every account is an actor. Each message is decided for \
                            itself, all or nothing, and its answer leaves when it is durable. Every POST has an \
                            Idempotency-Key: the same key to the same target has no second effect.",
        },
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key of `hongbao keys create`." },
            },
            "parameters": parameters(&mut generator(Contract::Deserialize)),
            "responses": {
                "Problem": {
                    "description": "Refused; `code` says why and `advice` what to do.",
                    "content": { "application/problem+json": { "schema": problem } },
                },
                "Later": {
                    "description": "Not now: the same request may succeed later.",
                    "headers": {
                        "Retry-After": {
                            "description": "Seconds to wait.",
                            "schema": { "type": "string", "pattern": "^[0-9]+$" },
                        },
                    },
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
            "schemas": schemas,
        },
    });
    bound_numbers(&mut document);
    shorten_names(&mut document);
    document
}

fn generator(contract: Contract) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings.contract = contract;
    });
    settings.into_generator()
}

fn parts(mut generator: SchemaGenerator) -> Map<String, Value> {
    generator.take_definitions(true).into_iter().collect()
}

/// A command: what it does, and its fields.
struct Described {
    what: String,
    fields: Map<String, Value>,
    needed: Vec<String>,
}

/// All commands by name.
fn commands(taken: &mut SchemaGenerator) -> BTreeMap<String, Described> {
    let schema = CommandBody::json_schema(taken).to_value();
    let mut commands = BTreeMap::new();
    for variant in list(&schema, "oneOf") {
        for (name, inner) in object(variant, "properties") {
            let what = variant["description"].as_str().unwrap_or_default().replace('\n', " ");
            let needed =
                list(inner, "required").iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let described = Described { what, fields: object(inner, "properties").clone(), needed };
            commands.insert(name.clone(), described);
        }
    }
    commands
}

/// All answers, each a part of its own, by the text of its type.
fn answers(given: &mut SchemaGenerator) -> Map<String, Value> {
    let schema = AnswerBody::json_schema(given).to_value();
    let mut answers = Map::new();
    for variant in list(&schema, "oneOf") {
        let name = variant.pointer("/properties/type/const").and_then(Value::as_str).unwrap_or_default();
        answers.insert(part_of_answer(name), variant.clone());
    }
    answers
}

/// The name of an answer's part: `credit_limit_set` is described as `CreditLimitSetAnswer`.
fn part_of_answer(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(word).collect::<String>() + "Answer"
}

fn add(paths: &mut Map<String, Value>, path: &str, method: Method, operation: Value) {
    let method = if method == Method::Get { "get" } else { "post" };
    let there = paths.entry(path).or_insert_with(|| json!({}));
    there[method] = operation;
}

/// One command at one path.
fn operation((method, path, command, answer): &Resource, commands: &BTreeMap<String, Described>) -> Value {
    let Some(Described { what, fields, needed }) = commands.get(*command) else { return json!({}) };
    let in_path: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
    let mut parameters: Vec<Value> = in_path
        .iter()
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": filled(fields.get(*name)) })
        })
        .collect();
    let others: Map<String, Value> = fields
        .iter()
        .filter(|(name, _)| !in_path.contains(&name.as_str()))
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect();
    let needed: Vec<&String> = needed.iter().filter(|name| others.contains_key(*name)).collect();
    parameters.push(json!({ "$ref": "#/components/parameters/OnBehalfOf" }));
    let mut operation = json!({
        "operationId": operation_id(path, command),
        "summary": what,
        "tags": [path.split('/').nth(2).unwrap_or_default()],
    });
    if *method == Method::Post {
        parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
        if !others.is_empty() {
            let schema = json!({
                "type": "object", "properties": others, "required": needed, "additionalProperties": false,
            });
            operation["requestBody"] = json!({
                "required": !needed.is_empty(),
                "content": { "application/json": { "schema": schema } },
            });
        }
    } else {
        parameters.extend(others.iter().map(|(name, schema)| {
            json!({ "name": name, "in": "query", "required": needed.contains(&name), "schema": schema })
        }));
    }
    operation["parameters"] = Value::from(parameters);
    let mut done = responses(&json!({ "$ref": format!("{SCHEMAS}{}", part_of_answer(answer)) }), *method);
    let links = links(command);
    if !links.is_empty() {
        done["200"]["links"] = Value::from(links);
    }
    operation["responses"] = done;
    operation
}

/// A path has no null.
fn filled(schema: Option<&Value>) -> Value {
    let Some(schema) = schema else { return json!({ "type": "string" }) };
    let chosen = list(schema, "anyOf").iter().find(|one| one["type"] != "null");
    chosen.unwrap_or(schema).clone()
}

/// The command's name; with the word for what it names where the same command stands at two paths.
fn operation_id(path: &str, command: &str) -> String {
    let twice = RESOURCES.iter().filter(|(_, _, other, _)| *other == command).count() > 1;
    if twice && path.contains("{serial}") { format!("{command}_certificate") } else { command.to_owned() }
}

/// The statuses that an operation may have.
fn responses(answer: &Value, method: Method) -> Value {
    let mut responses = json!({
        "200": {
            "description": "Done.",
            "headers": {
                "Idempotent-Replayed": {
                    "description": "true where it was done before, by a request with the same key; else it is left out.",
                    "schema": { "type": "string", "const": "true" },
                },
            },
            "content": { "application/json": { "schema": answer } },
        },
        "429": { "$ref": "#/components/responses/Later" },
        "503": { "$ref": "#/components/responses/Later" },
    });
    let always = ["400", "401", "403", "404", "409", "422", "500"];
    let with_a_body = ["408", "413", "415"].into_iter().filter(|_| method == Method::Post);
    for status in always.into_iter().chain(with_a_body) {
        responses[status] = json!({ "$ref": "#/components/responses/Problem" });
    }
    responses
}

/// A command, the operation that may come next, and from where each field of that one's path is known.
type Next = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What can be done next with what a command has made.
const NEXT: &[Next] = &[
    ("open_account", "show_account", &[("account", "$request.body#/account")]),
    ("open_account", "deposit", &[("account", "$request.body#/account")]),
    ("open_account", "close", &[("account", "$request.body#/account")]),
    ("issue", "show_offering", &[("offering", "$request.body#/offering")]),
    ("issue", "attach_commission", &[("offering", "$request.body#/offering")]),
    ("issue", "publish", &[("offering", "$request.body#/offering")]),
    ("publish", "circulate", &[("offering", "$request.path.offering")]),
    ("publish", "purchase", &[("offering", "$request.path.offering")]),
    ("publish", "reserve", &[("offering", "$request.path.offering")]),
    (
        "circulate",
        "purchase_certificate",
        &[("offering", "$request.path.offering"), ("serial", "$response.body#/serial")],
    ),
    (
        "circulate",
        "show_certificate",
        &[("offering", "$request.path.offering"), ("serial", "$response.body#/serial")],
    ),
    (
        "reserve",
        "pay_reservation",
        &[("offering", "$request.path.offering"), ("serial", "$response.body#/serial")],
    ),
    ("purchase", "refund", &[("offering", "$request.path.offering"), ("serial", "$response.body#/serial")]),
    ("grant_mandate", "show_mandate", &[("mandate", "$request.header.Idempotency-Key")]),
    ("withhold", "show_order", &[("order", "$request.body#/order")]),
    ("withhold", "provide", &[("order", "$request.body#/order")]),
];

fn links(command: &str) -> Map<String, Value> {
    let next = NEXT.iter().filter(|(after, ..)| *after == command);
    next.map(|(_, operation, from)| {
        let parameters: Map<String, Value> =
            from.iter().map(|(name, known)| ((*name).to_owned(), Value::from(*known))).collect();
        ((*operation).to_owned(), json!({ "operationId": operation, "parameters": parameters }))
    })
    .collect()
}

/// What stands beside the commands.
fn others(taken: &mut SchemaGenerator, given: &mut SchemaGenerator) -> Vec<(&'static str, Value)> {
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

fn parameters(taken: &mut SchemaGenerator) -> Value {
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

/// Numbers with a width have the bounds that it gives them.
fn bound_numbers(value: &mut Value) {
    if let Value::Object(members) = value {
        let max = match members.get("format").and_then(Value::as_str) {
            Some("uint8") => Some(u64::from(u8::MAX)),
            Some("uint32") => Some(u64::from(u32::MAX)),
            Some("uint64") => Some(u64::MAX),
            _ => None,
        };
        if let Some(max) = max {
            members.remove("format");
            members.entry("maximum").or_insert_with(|| Value::from(max));
        }
    }
    each(value, bound_numbers);
}

/// Takes the word `Body` out of all names.
fn shorten_names(document: &mut Value) {
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        *schemas = std::mem::take(schemas)
            .into_iter()
            .map(|(name, schema)| (name.replace("Body", ""), schema))
            .collect();
    }
    shorten_references(document);
}

fn shorten_references(value: &mut Value) {
    if let Value::Object(members) = value
        && let Some(Value::String(reference)) = members.get_mut("$ref")
    {
        *reference = reference.replace("Body", "");
    }
    each(value, shorten_references);
}

fn point_elsewhere(value: &mut Value, old: &str, new: &str) {
    if let Value::Object(members) = value
        && let Some(Value::String(reference)) = members.get_mut("$ref")
        && reference == old
    {
        new.clone_into(reference);
    }
    each(value, |inner| point_elsewhere(inner, old, new));
}

fn each(value: &mut Value, change: impl Fn(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(change),
        Value::Object(members) => members.values_mut().for_each(change),
        _ => {}
    }
}

fn list<'value>(value: &'value Value, name: &str) -> &'value [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn object<'value>(value: &'value Value, name: &str) -> &'value Map<String, Value> {
    static NOTHING: OnceLock<Map<String, Value>> = OnceLock::new();
    value.get(name).and_then(Value::as_object).unwrap_or_else(|| NOTHING.get_or_init(Map::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            _ => {}
        }
    }

    #[test]
    fn everything_that_is_pointed_to_is_there() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 200, "{}", found.len());
        for reference in found {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference} is nowhere");
        }
    }

    #[test]
    fn every_resource_is_an_operation_with_its_answer_and_no_two_have_one_name() {
        let document = document();
        let mut names: Vec<&str> = Vec::new();
        for (path, methods) in object(&document, "paths") {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(
                    operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
                    "{method} {path}"
                );
                names.push(operation["operationId"].as_str().unwrap());
            }
        }
        assert_eq!(names.len(), RESOURCES.len() + 8);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RESOURCES.len() + 8);
        for (.., answer) in RESOURCES {
            let part = document.pointer(&format!("/components/schemas/{}", part_of_answer(answer)));
            assert_eq!(part.unwrap()["properties"]["type"]["const"], *answer);
        }
    }

    #[test]
    fn every_link_leads_to_an_operation() {
        let ids: Vec<String> =
            RESOURCES.iter().map(|(_, path, command, _)| operation_id(path, command)).collect();
        for (after, next, _) in NEXT {
            assert!(RESOURCES.iter().any(|(_, _, command, _)| command == after), "{after}");
            assert!(ids.iter().any(|id| id == next), "{next}");
        }
    }
}
