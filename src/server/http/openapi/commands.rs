//! A command at its path, its answer, and what may come next.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::SCHEMAS;
use super::tree::{in_one_word, list, object};
use crate::server::http::resources::{Method, RESOURCES, Resource};
use crate::server::json::{AnswerBody, CommandBody};
use crate::server::shown::ShownBody;

/// A command: what it does, and its fields.
pub(super) struct Described {
    what: String,
    fields: Map<String, Value>,
    needed: Vec<String>,
}

/// All commands by name.
pub(super) fn commands(taken: &mut SchemaGenerator) -> BTreeMap<String, Described> {
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
pub(super) fn answers(given: &mut SchemaGenerator) -> Map<String, Value> {
    let schema = AnswerBody::json_schema(given).to_value();
    let mut answers = Map::new();
    let shown = given.subschema_for::<ShownBody>().to_value();
    for variant in list(&schema, "oneOf") {
        let name = variant.pointer("/properties/type/const").and_then(Value::as_str).unwrap_or_default();
        let mut answer = variant.clone();
        answer["properties"]["shown"] = shown.clone();
        answers.insert(part_of_answer(name), answer);
    }
    answers
}

/// The name of an answer's part: `credit_limit_set` is described as `CreditLimitSetAnswer`.
pub(super) fn part_of_answer(name: &str) -> String {
    in_one_word(name) + "Answer"
}

/// One command at one path.
pub(super) fn operation(
    (method, path, command, answer): &Resource,
    commands: &BTreeMap<String, Described>,
) -> Value {
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
        for name in ["IdempotencyKey", "IfMatch", "Show"] {
            parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
        }
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
pub(super) fn filled(schema: Option<&Value>) -> Value {
    let Some(schema) = schema else { return json!({ "type": "string" }) };
    let chosen = list(schema, "anyOf").iter().find(|one| one["type"] != "null");
    chosen.unwrap_or(schema).clone()
}

/// The command's name; with the word for what it names where the same command stands at two paths.
pub(super) fn operation_id(path: &str, command: &str) -> String {
    let twice = RESOURCES.iter().filter(|(_, _, other, _)| *other == command).count() > 1;
    if twice && path.contains("{serial}") { format!("{command}_certificate") } else { command.to_owned() }
}

/// The statuses that an operation may have.
pub(super) fn responses(answer: &Value, method: Method) -> Value {
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
    if method == Method::Get {
        responses["200"]["headers"] = json!({
            "ETag": {
                "description": "How many entries the chain of what is shown has, in quotes, where it has one: send it back as If-Match.",
                "schema": { "type": "string" },
            },
        });
    }
    let always = ["400", "401", "403", "404", "409", "422", "500"];
    let with_a_body = ["408", "412", "413", "415"].into_iter().filter(|_| method == Method::Post);
    for status in always.into_iter().chain(with_a_body) {
        responses[status] = json!({ "$ref": "#/components/responses/Problem" });
    }
    responses
}

/// A command, the operation that may come next, and from where each field of that one's path is known.
type Next = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What can be done next with what a command has made.
pub(super) const NEXT: &[Next] = &[
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
