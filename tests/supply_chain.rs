//! The packages of others: what `deny.toml` excuses is still there, and nothing else is. What needs a package's own files
//! or a database of advisories, licences for one, is `.ci/supply_chain`'s.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files must stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const LOCKS: [&str; 2] = ["Cargo.lock", "benches/peers/Cargo.lock"];
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// The packages of this repository itself, which come from nowhere.
const OURS: [&str; 2] = ["hongbao", "peers"];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A package of a lock file: its name, its version without what is only built in, and where it comes from.
type Package = (String, String, Option<String>);

fn packages(lock: &str) -> Vec<Package> {
    let text = read(lock);
    let package = |block: &str| {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        let version = field("version").unwrap();
        let version = version.split('+').next().unwrap().to_owned();
        (field("name").unwrap(), version, field("source"))
    };
    text.split("[[package]]").skip(1).map(package).collect()
}

/// Names and versions of all packages of both lock files.
fn all() -> BTreeSet<(String, String)> {
    let packages = LOCKS.iter().flat_map(|lock| packages(lock));
    packages.map(|(name, version, _)| (name, version)).collect()
}

/// The lines of a list of `deny.toml`.
fn list(name: &str) -> Vec<String> {
    let text = read("deny.toml");
    let (_, behind) = text.split_once(&format!("\n{name} = [")).unwrap();
    let (list, _) = behind.split_once("\n]").unwrap();
    list.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What stands in a line between these quotes.
fn quoted<'line>(line: &'line str, field: &str) -> &'line str {
    let (_, behind) = line.split_once(&format!("{field} = \"")).unwrap();
    behind.split_once('"').unwrap().0
}

#[test]
fn every_package_comes_from_the_registry() {
    for lock in LOCKS {
        let packages = packages(lock);
        assert!(packages.len() > 100, "{lock} has {} packages: is it read?", packages.len());
        for (name, version, source) in packages {
            let expected = (!OURS.contains(&name.as_str())).then_some(REGISTRY);
            assert_eq!(source.as_deref(), expected, "{name} {version} of {lock}");
        }
    }
}

#[test]
fn every_excused_advisory_is_of_a_package_that_is_still_there() {
    let all = all();
    let excuses = list("ignore");
    assert!(!excuses.is_empty());
    for excuse in excuses {
        let (package, _) = quoted(&excuse, "reason").split_once(": ").unwrap();
        let (name, version) = package.split_once(' ').unwrap();
        assert!(
            all.contains(&(name.to_owned(), version.to_owned())),
            "{package} is in no lock file any more: take {} out of deny.toml",
            quoted(&excuse, "id")
        );
    }
}

#[test]
fn every_older_version_that_is_let_pass_is_still_there_beside_a_newer_one() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, version) in all() {
        versions.entry(name).or_default().insert(version);
    }
    let passed = list("skip");
    assert!(!passed.is_empty());
    for line in passed {
        let (name, version) = quoted(&line, "crate").split_once('@').unwrap();
        let found = versions.get(name).cloned().unwrap_or_default();
        assert!(
            found.contains(version) && found.len() > 1,
            "of {name} there is {found:?}: take {version} out of deny.toml"
        );
    }
}
