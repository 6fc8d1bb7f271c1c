//! A description as a tree of JSON: what is looked up in it, and what is changed all over it.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::SCHEMAS;

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

/// Gives the object within each of several forms, such as the fields of a command, a part of its own: whoever makes a client of the
/// description needs a name for it.
pub(super) fn name_inner_objects(document: &mut Value) {
    let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") else { return };
    let mut parts = Map::new();
    for (name, schema) in schemas.iter_mut() {
        let Some(Value::Array(forms)) = schema.get_mut("oneOf") else { continue };
        let members = forms.iter_mut().filter_map(|form| form.get_mut("properties")?.as_object_mut());
        // A form with more members than one is named by a word among them.
        for (member, inner) in members.filter(|members| members.len() == 1).flatten() {
            if inner.get("type").is_some_and(|kind| kind == "object") {
                let part = format!("{name}{}", in_one_word(member));
                let reference = json!({ "$ref": format!("{SCHEMAS}{part}") });
                parts.insert(part, std::mem::replace(inner, reference));
            }
        }
    }
    schemas.extend(parts);
}

/// What a request was answered is any answer but what a request was answered: so nothing in the description is a part of itself,
/// which makers of clients do not read.
pub(super) fn open_the_circle(document: &mut Value) {
    let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") else { return };
    let Some(Value::Array(forms)) = schemas.get_mut("Answer").and_then(|answer| answer.get_mut("oneOf"))
    else {
        return;
    };
    let asks = |form: &Value| form.pointer("/properties/type/const").is_some_and(|kind| kind == "request");
    let (mut asking, others): (Vec<Value>, Vec<Value>) = std::mem::take(forms).into_iter().partition(asks);
    let other = format!("{SCHEMAS}DoneAnswer");
    let whole = format!("{SCHEMAS}Answer");
    asking.iter_mut().for_each(|form| point_elsewhere(form, &whole, &other));
    forms.push(json!({ "$ref": other }));
    forms.append(&mut asking);
    if let Some(alone) = schemas.get_mut("RequestAnswer") {
        point_elsewhere(alone, &whole, &other);
    }
    schemas.insert("DoneAnswer".to_owned(), json!({ "oneOf": others }));
}

/// `credit_limit_set` as `CreditLimitSet`.
pub(super) fn in_one_word(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').filter(|part| !part.is_empty()).map(word).collect()
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
