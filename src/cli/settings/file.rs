//! The file of settings: TOML, each key a flag's name.
//!
//! Absent on purpose: sections, and what a value means; that is the flag's own to judge.

use std::any::TypeId;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::Arg;
use clap::builder::ValueParser;
use toml::de::{DeTable, DeValue};

use super::CONFIG;
use crate::cli::failure::Failure;
use crate::limits::SETTINGS_FILE_BYTES_MAX;

/// What a key may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flag,
    Number,
    Text,
}

impl Kind {
    fn of(parser: &ValueParser) -> Kind {
        let is = |kind: TypeId| parser.type_id() == kind;
        if is(TypeId::of::<bool>()) {
            return Kind::Flag;
        }
        let numbers = [TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>()];
        if numbers.into_iter().any(is) { Kind::Number } else { Kind::Text }
    }

    fn text(self) -> &'static str {
        match self {
            Kind::Flag => "true or false",
            Kind::Number => "a whole number",
            Kind::Text => "text in quotes",
        }
    }
}

/// What a key says, where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) key: String,
    pub(super) value: String,
    /// The file and the line.
    pub(super) place: String,
}

/// The keys that there are, and what each may have.
pub(super) fn keys(flags: &[Arg]) -> Vec<(String, Kind)> {
    let named = flags.iter().filter_map(|flag| Some((flag.get_long()?, flag)));
    let keys = named.filter(|(name, _)| !["help", "version", CONFIG].contains(name));
    keys.map(|(name, flag)| (name.to_owned(), Kind::of(flag.get_value_parser()))).collect()
}

/// Reads a file.
///
/// # Errors
/// One that cannot be read, is too long or no TOML; a key that is unknown, there twice or has a value of another kind.
pub(super) fn read(path: &Path, keys: &[(String, Kind)]) -> Result<Vec<Said>, Failure> {
    let cannot = |why: String| Failure::Arguments(format!("{}: {why}", path.display()));
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(SETTINGS_FILE_BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| cannot(format!("cannot be read: {error}; give another file with --config")))?;
    if text.len() as u64 > SETTINGS_FILE_BYTES_MAX {
        return Err(cannot(format!(
            "is longer than {SETTINGS_FILE_BYTES_MAX} bytes: is it a file of settings?"
        )));
    }
    said(&path.display().to_string(), &text, keys)
}

/// What the text of a file says.
pub(super) fn said(path: &str, text: &str, keys: &[(String, Kind)]) -> Result<Vec<Said>, Failure> {
    let place = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        format!("{path}, line {}", before.matches('\n').count() + 1)
    };
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let there = text.get(span.clone()).unwrap_or_default().trim();
        let there =
            if there.is_empty() || there.contains('\n') { String::new() } else { format!(" ({there})") };
        Failure::Arguments(format!("{}: {}{there}", place(span.start), error.message()))
    })?;
    let mut all = Vec::new();
    for (key, value) in table.get_ref() {
        let (name, place) = (key.get_ref().as_ref(), place(key.span().start));
        let Some((_, kind)) = keys.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = keys.iter().map(|(known, _)| known.as_str()).collect();
            let why = format!("{place}: there is no key {name:?}: give one of {}", known.join(", "));
            return Err(Failure::Arguments(why));
        };
        let value = match (kind, value.get_ref()) {
            (Kind::Flag, DeValue::Boolean(flag)) => flag.to_string(),
            // One that is too long for its flag is told so by it.
            (Kind::Number, DeValue::Integer(number)) => {
                let whole = i128::from_str_radix(number.as_str(), number.radix());
                whole.map_or_else(|_| number.as_str().to_owned(), |whole| whole.to_string())
            }
            (Kind::Text, DeValue::String(text)) => text.clone().into_owned(),
            (kind, other) => {
                let why = format!("{place}: {name} is {}: give {}", what(other), kind.text());
                return Err(Failure::Arguments(why));
            }
        };
        all.push(Said { key: name.to_owned(), value, place });
    }
    Ok(all)
}

/// What a value is, where it is not what it should be.
fn what(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
