//! Imports point one way: `cli → simulation, server, client → engine → actors → journal, receipt → domain`, and each named package has one home.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own source must stop")]

use std::fs;
use std::path::{Path, PathBuf};

/// Folders and files of `src/` from the top to the bottom; a module may name only what stands below it.
const LAYERS: [&[&str]; 6] = [
    &["main", "cli"],
    &["simulation", "server", "client"],
    &["engine"],
    &["actors"],
    &["snapshot", "journal", "receipt"],
    &["domain"],
];

/// What every layer may name.
const EVERYWHERE: &[&str] = &["limits", "panics", "planted", "proto", "codec", "sync"];

/// Packages with one home.
const HOMES: [(&str, &str); 21] = [
    ("argon2", "server/identity/"),
    ("actix_web", "server/"),
    ("actix_http", "server/http/"),
    ("actix_server", "server/"),
    ("actix_tls", "server/http/listening.rs"),
    ("actix_service", "server/"),
    ("actix", "actors/shard.rs"),
    ("dashmap", "actors/directory.rs"),
    ("siphasher", "domain/keyed.rs"),
    ("bincode", "codec.rs"),
    ("rust_decimal", "domain/money.rs"),
    ("rand_chacha", "domain/commission/draw.rs"),
    ("clap", "cli/"),
    ("opentelemetry", "server/trace/otlp.rs"),
    ("toml", "cli/settings/file.rs"),
    ("shuttle", "sync/schedules.rs"),
    ("sled", "snapshot/database.rs"),
    ("ureq", "server/webhooks/"),
    ("prometheus_client", "server/metrics.rs"),
    ("schemars", "server/"),
    ("matchit", "server/http/router.rs"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its path below `src/` and its code without comments.
fn code() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let without_comments = |text: String| {
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    };
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (name, without_comments(fs::read_to_string(&path).unwrap()))
        })
        .collect()
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for (name, text) in code() {
        let own = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        let Some(own_layer) = layer_of(&own) else { continue };
        for part in text.split("crate::").skip(1) {
            let named: String =
                part.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            if let Some(layer) = layer_of(&named)
                && layer < own_layer
            {
                wrong.push(format!("{name} names crate::{named}, which stands above it"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_names_nothing_of_the_world() {
    let forbidden =
        ["std::fs", "std::time", "std::thread", "std::sync::mpsc", "tokio", "async ", "std::net", "actix"];
    let allowed_crate = ["domain", "limits", "codec", "planted"];
    let mut wrong = Vec::new();
    for (name, text) in code().into_iter().filter(|(name, _)| name.starts_with("domain/")) {
        for word in forbidden.iter().filter(|word| text.contains(**word)) {
            wrong.push(format!("{name} names {word}"));
        }
        for part in text.split("crate::").skip(1) {
            let named: String =
                part.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            if !allowed_crate.contains(&named.as_str()) {
                wrong.push(format!("{name} names crate::{named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_named_package_has_one_home() {
    let mut wrong = Vec::new();
    for (name, text) in code() {
        for (package, home) in HOMES {
            let names_it =
                text.contains(&format!("{package}::")) || text.contains(&format!("use {package};"));
            let tests = name.contains("/tests");
            if names_it && !name.starts_with(home) && !tests {
                wrong.push(format!("{name} names {package}, whose home is {home}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_layer_is_known() {
    let mut unknown: Vec<String> = code()
        .into_iter()
        .map(|(name, _)| name.split('/').next().unwrap().trim_end_matches(".rs").to_owned())
        .filter(|module| layer_of(module).is_none() && !EVERYWHERE.contains(&module.as_str()))
        .filter(|module| !matches!(module.as_str(), "lib" | "simulator"))
        .collect();
    unknown.dedup();
    assert!(unknown.is_empty(), "give these a layer: {unknown:?}");
}
