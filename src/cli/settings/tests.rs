use std::fmt::Write as _;

use clap::Arg;

use super::file::{Kind, keys, said};
use super::{CONFIG, flags_of_serve, variable};

const PAGE: &str = include_str!("../../../docs/OPERATION.md");

/// The table of settings, as clap has them.
fn table() -> String {
    let mut table =
        "| flag | variable | key in the file | default | what it is |\n|---|---|---|---|---|\n".to_owned();
    let of = |flag: &Arg| {
        let name = flag.get_long()?;
        let value = flag.get_value_names().and_then(|names| names.first()).map(|name| name.to_string())?;
        let takes = if flag.is_require_equals_set() { format!("[={value}]") } else { format!(" {value}") };
        let key = if name == CONFIG { String::new() } else { format!("`{name}`") };
        let default = flag.get_default_values().first().map(|value| format!("`{}`", value.to_string_lossy()));
        let what = flag.get_help()?.to_string();
        let takes = takes.replace('|', "\\|");
        Some(format!(
            "| `--{name}{takes}` | `{}` | {key} | {} | {what} |",
            variable(name),
            default.unwrap_or_default()
        ))
    };
    for flag in flags_of_serve() {
        writeln!(table, "{}", of(&flag).expect("every flag has a name, a value and a word on what it is"))
            .unwrap();
    }
    table.replace("|  |", "| |").replace("|  |", "| |")
}

#[test]
fn the_page_has_the_table_of_all_settings() {
    let table = table();
    assert!(table.lines().count() > 12 && PAGE.contains(&table), "docs/OPERATION.md is to have\n\n{table}");
}

#[test]
fn every_key_of_a_file_is_read_with_its_line() {
    let keys = keys(&flags_of_serve());
    let kind = |name: &str| keys.iter().find(|(key, _)| key == name).map(|(_, kind)| *kind);
    assert_eq!(
        ["dev", "shards", "idle", "journal-max", "listen", "data", "log-format", CONFIG].map(kind),
        [
            Some(Kind::Flag),
            Some(Kind::Number),
            Some(Kind::Number),
            Some(Kind::Number),
            Some(Kind::Text),
            Some(Kind::Text),
            Some(Kind::Text),
            None
        ]
    );
    let text = "# settings\ndev = true\n\nshards = 0x1F\nidle = 1_0\n\"log\" = 'warn'\ndata = \"\"\"a\nb\"\"\"\nlisten = \"x\"";
    let read: Vec<(String, String, String)> =
        said("f", text, &keys).unwrap().into_iter().map(|said| (said.key, said.value, said.place)).collect();
    let mut expected = [
        ("dev", "true", 2),
        ("shards", "31", 4),
        ("idle", "10", 5),
        ("log", "warn", 6),
        ("data", "a\nb", 7),
        ("listen", "x", 9),
    ]
    .map(|(key, value, line)| (key.to_owned(), value.to_owned(), format!("f, line {line}")));
    expected.sort();
    let mut sorted = read;
    sorted.sort();
    assert_eq!(sorted, expected);
    assert_eq!(said("f", "", &keys).unwrap(), []);
}

#[test]
fn what_a_file_cannot_say_is_refused_with_its_line_and_what_to_give() {
    let keys = keys(&flags_of_serve());
    for (text, why) in [
        ("lisen = 'x'", "f, line 1: there is no key \"lisen\": give one of data, listen,"),
        ("snapshot_every = 1", "there is no key \"snapshot_every\""),
        ("\nlisten = 7", "f, line 2: listen is a number: give text in quotes"),
        ("dev = 'yes'", "dev is text: give true or false"),
        ("dev = 1", "dev is a number: give true or false"),
        ("shards = '2'", "shards is text: give a whole number"),
        ("shards = 2.5", "shards is a number with decimals: give a whole number"),
        ("shards = [2]", "shards is a list: give a whole number"),
        ("data = 2026-11-26", "data is a date or a time: give text in quotes"),
        ("data.here = 'x'", "data is a table: give text in quotes"),
        ("[serve]\nlisten = 'x'", "there is no key \"serve\""),
        ("config = 'other'", "there is no key \"config\""),
        ("shards = 1\nshards = 2", "f, line 2: duplicate key (shards)"),
        ("shards", "f, line 1: "),
        ("listen = 'x", "f, line 1: "),
        ("= 1", "f, line 1: "),
    ] {
        let refused = said("f", text, &keys).unwrap_err().to_string();
        assert!(
            refused.contains(why) && refused.lines().count() == 1,
            "{text:?} is refused with {refused:?}"
        );
    }
}
