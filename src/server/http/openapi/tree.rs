//! A description as a tree of JSON: what is looked up in it, and what is changed all over it.

use std::sync::OnceLock;

use serde_json::{Map, Value};

/// Numbers with a width have the bounds that it gives them.
pub(super) fn bound_numbers(value: &mut Value) {
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
pub(super) fn shorten_names(document: &mut Value) {
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

pub(super) fn point_elsewhere(value: &mut Value, old: &str, new: &str) {
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

pub(super) fn list<'value>(value: &'value Value, name: &str) -> &'value [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn object<'value>(value: &'value Value, name: &str) -> &'value Map<String, Value> {
    static NOTHING: OnceLock<Map<String, Value>> = OnceLock::new();
    value.get(name).and_then(Value::as_object).unwrap_or_else(|| NOTHING.get_or_init(Map::new))
}
