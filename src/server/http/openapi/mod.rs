//! What all this looks like, for programs and people: OpenAPI 3.1, made from the table of resources and from the types that
//! bodies are read into and answers are written from.
//!
//! Absent on purpose: anything that could differ from what is done.

mod commands;
mod others;
mod tree;

use std::sync::OnceLock;

use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use commands::{answers, commands, operation};
use others::{others, parameters};
use tree::{bound_numbers, name_inner_objects, open_the_circle, point_elsewhere, shorten_names};

use super::resources::{Method, RESOURCES};
use crate::server::json::Problem;

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
    for (method, path, operation) in others(&mut taken, &mut given) {
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
                            itself, all or nothing, and its answer leaves when it is durable. Every POST of a command has an \
                            Idempotency-Key: the same key to the same target has no second effect.",
        },
        "security": [{ "key": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key of `hongbao keys create`." },
                "session": {
                    "type": "http", "scheme": "bearer",
                    "description": "The token of a session: an account that has logged in (`/v1/sessions`).",
                },
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
    name_inner_objects(&mut document);
    open_the_circle(&mut document);
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

fn add(paths: &mut Map<String, Value>, path: &str, method: Method, operation: Value) {
    let method = if method == Method::Get { "get" } else { "post" };
    let there = paths.entry(path).or_insert_with(|| json!({}));
    there[method] = operation;
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::commands::{NEXT, operation_id, part_of_answer};
    use super::tree::object;
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
    fn nothing_is_a_part_of_itself_and_every_object_within_a_form_has_a_name() {
        let document = document();
        let schemas = object(&document["components"], "schemas");
        let mut within: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (name, schema) in schemas {
            let mut found = Vec::new();
            references(schema, &mut found);
            let names = found.iter().filter_map(|found| found.strip_prefix(SCHEMAS)).map(str::to_owned);
            within.insert(name, names.collect());
        }
        for _ in 0..schemas.len() {
            for name in schemas.keys() {
                let further = within[name.as_str()].iter().flat_map(|part| within[part.as_str()].clone());
                let further: Vec<String> = further.collect();
                within.get_mut(name.as_str()).unwrap().extend(further);
            }
        }
        for (name, parts) in &within {
            assert!(!parts.contains(*name), "{name} is a part of itself");
        }
        let purchase = &schemas["Command"]["oneOf"].to_string();
        assert!(
            purchase.contains(r##""purchase":{"$ref":"#/components/schemas/CommandPurchase"}"##),
            "{purchase}"
        );
        assert_eq!(schemas["CommandPurchase"]["type"], "object");
        assert!(!within["DoneAnswer"].contains("RequestAnswer") && within["Answer"].contains("DoneAnswer"));
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
        assert_eq!(names.len(), RESOURCES.len() + 18);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RESOURCES.len() + 18);
        for (.., answer) in RESOURCES {
            let part = document.pointer(&format!("/components/schemas/{}", part_of_answer(answer)));
            assert_eq!(part.unwrap()["properties"]["type"]["const"], *answer);
        }
    }

    #[test]
    fn answers_of_webhooks_and_snapshots_have_a_type() {
        let document = document();
        let answer = |method: &str, path: &str| {
            let operation = &document["paths"][path][method];
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            let named = schema["$ref"].as_str().and_then(|reference| document.pointer(&reference[1..]));
            named.unwrap_or(schema).clone()
        };
        for (method, path, kind) in [
            ("get", "/v1/webhooks", "webhooks"),
            ("post", "/v1/webhooks", "webhook_made"),
            ("post", "/v1/webhooks/{webhook}/remove", "webhook_removed"),
        ] {
            let schema = answer(method, path);
            assert_eq!(schema["properties"]["type"]["const"], kind, "{path}: {schema}");
            assert!(schema["required"].as_array().unwrap().contains(&json!("type")), "{path}: {schema}");
        }
        let snapshot = answer("post", "/v1/snapshots");
        assert!(snapshot.to_string().contains(r#""const":"snapshot""#), "{snapshot}");
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
