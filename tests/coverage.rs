//! The coverage table names tests that exist.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_coverage_table_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/SPEC-COVERAGE.md")).unwrap();
    let mut named = 0;
    let mut missing = Vec::new();
    for part in table.split('`').filter(|part| part.contains("::") && part.contains(".rs")) {
        // Tests of the simulator are named without their folder.
        let Some((file, test)) = part.split_once("::").filter(|(file, _)| file.ends_with(".rs")) else {
            continue;
        };
        let places = [root.join(file), root.join("src/simulator").join(file)];
        let text = places.iter().find_map(|place| fs::read_to_string(place).ok()).unwrap_or_default();
        named += 1;
        if !text.contains(&format!("fn {test}(")) {
            missing.push(part);
        }
    }
    assert!(named > 200, "{named} tests are named: is the table read?");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
