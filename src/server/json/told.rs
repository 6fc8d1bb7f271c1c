//! What is wrong with a value, in the words of this door: what is there, and what to give instead.
//!
//! serde tells it in words alone, and of our types by their names, so its words are read here and told anew. Of what a client sent, numbers
//! are shown, and text only where it stands for a word of ours or for a point of time, because other text may be a secret. Absent on
//! purpose: which field it is (`read`).

/// What serde says of a value, told anew; `is_beside` is true of members that stand elsewhere, such as in a path, and are not to be given.
pub(super) fn told(why: &str, is_beside: impl Fn(&str) -> bool) -> String {
    let why = without_a_place(why);
    let list = |text: &str| {
        let all: Vec<&str> = names(text).filter(|name| !is_beside(name)).collect();
        all.join(", ")
    };
    if why.starts_with("missing field `") {
        return "is left out: give it".to_owned();
    }
    if why.starts_with("duplicate field `") {
        return "is there twice: say it once".to_owned();
    }
    // What the client gave stands first and may say anything; what is known is ours, and last.
    if let Some(rest) = why.strip_prefix("unknown field `") {
        let known = if rest.ends_with("`, there are no fields") { None } else { rest.rsplit_once(EXPECTED) };
        let known = known.map(|(_, known)| list(known)).unwrap_or_default();
        return match &*known {
            "" => "is unknown: leave it out".to_owned(),
            known => format!("is unknown: leave it out; there is {known}"),
        };
    }
    if let Some((given, known)) =
        why.strip_prefix("unknown variant `").and_then(|rest| rest.rsplit_once(EXPECTED))
    {
        return format!("is {}: give {}", shown(given), either(&list(known)));
    }
    for (words, is) in [("invalid type: ", kind as fn(&str) -> String), ("invalid value: ", value)] {
        if let Some((given, wanted)) =
            why.strip_prefix(words).and_then(|rest| rest.rsplit_once(", expected "))
        {
            return format!("is {}: give {}", is(given), instead(wanted));
        }
    }
    own(why)
}

/// Stands between what was given and what is known.
const EXPECTED: &str = "`, expected ";

/// A text that a client gave, or its beginning, in quotation marks.
pub(super) fn shown(given: &str) -> String {
    format!("{:?}", cut(given, 100))
}

/// The beginning of a text that may be any client's.
pub(super) fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What a type of ours says of its own.
fn own(why: &str) -> String {
    // A refusal of the domain names its code, its own field and an advice, which the problem has in other places.
    let refusal = why.strip_prefix("bad_text: ").and_then(|rest| rest.split_once(' '));
    match refusal.and_then(|(_, detail)| detail.rsplit_once(" (")) {
        Some((detail, _)) => detail.to_owned(),
        None if ["is ", "has "].iter().any(|begins| why.starts_with(begins)) => why.to_owned(),
        None => format!("cannot be read: {}", cut(why, 300)),
    }
}

/// Lines and columns are of a text that may not be the one that was sent, and the field says more.
pub(super) fn without_a_place(why: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let place = why.rsplit_once(" at line ").filter(|(_, place)| {
        place.split_once(" column ").is_some_and(|(line, column)| is_number(line) && is_number(column))
    });
    place.map_or(why, |(why, _)| why)
}

/// The names that stand in backticks.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// One or several words of which one is to be given.
fn either(list: &str) -> String {
    if list.contains(',') { format!("one of {list}") } else { list.to_owned() }
}

/// What kind of value is there.
fn kind(given: &str) -> String {
    let told = match given.split(['`', '"']).next().unwrap_or(given).trim() {
        "integer" | "floating point" => return value(given),
        "string" | "character" => "text",
        "boolean" => "true or false",
        "null" | "unit value" | "Option value" => "null",
        "map" => "an object",
        "sequence" => "a list",
        "unit variant" => "a word alone",
        other => other,
    };
    told.to_owned()
}

/// The value that is there, where it is a number.
fn value(given: &str) -> String {
    let number = given.strip_prefix("integer `").or_else(|| given.strip_prefix("floating point `"));
    match number.and_then(|rest| rest.strip_suffix('`')) {
        Some(number) => format!("the number {number}"),
        None if given.starts_with("integer") || given.starts_with("floating") => "a number".to_owned(),
        None => kind(given),
    }
}

/// What is to be given instead.
fn instead(wanted: &str) -> String {
    let below = |bits: u32| format!("a whole number from 0 to {}", u64::MAX >> (64 - bits));
    match wanted {
        "u8" => below(8),
        "u16" => below(16),
        "u32" => below(32),
        "u64" | "usize" => below(64),
        "a boolean" => "true or false".to_owned(),
        "a string" | "text" | "a borrowed string" => "text, in quotation marks".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" | "map" => "an object".to_owned(),
        "string or map" => "a word in quotation marks, or an object with one member".to_owned(),
        "map with a single key" => "an object with one member".to_owned(),
        "unit" | "unit variant" => "the word alone, in quotation marks".to_owned(),
        "newtype variant" | "struct variant" => "an object with this word as its member".to_owned(),
        other if other.starts_with("struct ") || other.starts_with("internally tagged enum ") => {
            "an object".to_owned()
        }
        other if other.starts_with("enum ") => "one of its words".to_owned(),
        // What a name of ours expects says how long it may be.
        other if other.ends_with(" bytes") => {
            format!("text, in quotation marks: {}", other.replace("request_id", "key"))
        }
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_says_is_told_in_our_words() {
        let cases = [
            ("missing field `amount`", "is left out: give it"),
            ("missing field `amount` at line 1 column 20", "is left out: give it"),
            ("duplicate field `serial` at line 1 column 20", "is there twice: say it once"),
            ("unknown field `x`, there are no fields", "is unknown: leave it out"),
            ("unknown field `x`, expected `account`", "is unknown: leave it out"),
            ("unknown field `x`, expected `to` or `amount`", "is unknown: leave it out; there is to, amount"),
            (
                "unknown variant `afar`, expected one of `public`, `link`",
                "is \"afar\": give one of public, link",
            ),
            ("unknown variant `afar`, expected `public`", "is \"afar\": give public"),
            (
                "invalid type: integer `5`, expected an amount as decimal text, such as \"29.33\"",
                "is the number 5: give an amount as decimal text, such as \"29.33\"",
            ),
            (
                "invalid type: floating point `5.5`, expected u32",
                "is the number 5.5: give a whole number from 0 to 4294967295",
            ),
            (
                "invalid value: integer `-1`, expected u32 at line 1 column 2",
                "is the number -1: give a whole number from 0 to 4294967295",
            ),
            (
                "invalid value: integer `300`, expected u8",
                "is the number 300: give a whole number from 0 to 255",
            ),
            (
                "invalid type: string \"secret, expected\", expected u64",
                "is text: give a whole number from 0 to 18446744073709551615",
            ),
            (
                "invalid type: boolean `true`, expected a string",
                "is true or false: give text, in quotation marks",
            ),
            ("invalid type: null, expected struct OfferBody", "is null: give an object"),
            (
                "invalid type: map, expected a name of 1 to 128 bytes",
                "is an object: give text, in quotation marks: a name of 1 to 128 bytes",
            ),
            ("invalid type: sequence, expected a boolean", "is a list: give true or false"),
            (
                "bad_text: name has 129 bytes: give 1 to 128 (give printable text within the limit)",
                "has 129 bytes: give 1 to 128",
            ),
            ("is \"now\", which is no point of time", "is \"now\", which is no point of time"),
            ("recursion limit exceeded at line 1 column 128", "cannot be read: recursion limit exceeded"),
            ("number out of range at line 1 column 30", "cannot be read: number out of range"),
            // What a client says, and what it says as if we said it.
            (
                "unknown field `a`, expected `b`, expected `to` or `amount`",
                "is unknown: leave it out; there is to, amount",
            ),
            ("unknown field `a`, expected `b`, there are no fields", "is unknown: leave it out"),
            (
                "unknown variant `a`, expected `b`, expected `public` or `link` at line 1 column 20",
                "is \"a`, expected `b\": give one of public, link",
            ),
            (
                "unknown variant `a at line 1 column 2`, expected `public`",
                "is \"a at line 1 column 2\": give public",
            ),
            ("is \"so at line now\", which is no point", "is \"so at line now\", which is no point"),
            ("is so at line 1 column", "is so at line 1 column"),
            ("is so at line 1 column 2nd", "is so at line 1 column 2nd"),
        ];
        for (why, expected) in cases {
            assert_eq!(told(why, |name| name == "account"), expected, "{why}");
        }
    }

    #[test]
    fn a_long_word_is_cut_and_the_advice_is_not() {
        let names: Vec<String> = (0..100).map(|number| format!("name_{number}")).collect();
        let known = format!("one of `{}`", names.join("`, `"));
        let long = "é".repeat(5_000);
        let expected = format!("is \"{}…\": give one of {}", "é".repeat(100), names.join(", "));
        assert_eq!(told(&format!("unknown variant `{long}`, expected {known}"), |_| false), expected);
    }
}
