//! What applying a file would change.

use signalbox_config::Catalog;
use signalbox_config::catalog::{CatalogPlan, RowChangeKind, RowKind};
use signalbox_config::value::SecretPlaces;

const FILE: &str = "\
[[account]]
name = 'a'
system_id = 'a'
password = 'secret'

[[link]]
name = 'l'
host = 'one.example'
port = 2775
system_id = 'us'
password = 'pw'

[[route]]
name = 'r'
then = { links = [{ link = 'l' }] }
";

fn places() -> SecretPlaces<'static> {
    SecretPlaces { directory: std::path::Path::new("/nonexistent") }
}

fn parse(text: &str) -> Catalog {
    Catalog::parse("c", text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn stored(text: &str) -> Catalog {
    let mut catalog = parse(text);
    catalog.hash_passwords(places(), || [3; 16]).unwrap();
    catalog
}

#[test]
fn an_empty_catalog_takes_all_rows_those_first_that_others_refer_to() {
    let plan = CatalogPlan::between(&Catalog::default(), &parse(FILE), false, places());
    assert_eq!(plan.to_string(), "+ account a\n+ link l\n+ route r\n");
    assert!(plan.changes.iter().all(|change| change.document.is_some()));
}

#[test]
fn the_same_file_again_changes_nothing_though_passwords_are_hashed() {
    assert!(CatalogPlan::between(&stored(FILE), &parse(FILE), true, places()).is_empty());
    let other = FILE.replace("'secret'", "'other'");
    let plan = CatalogPlan::between(&stored(FILE), &parse(&other), true, places());
    assert_eq!(plan.to_string(), "~ account a\n    password: changed\n");
}

#[test]
fn changed_fields_are_named_and_secrets_masked() {
    let wanted = FILE.replace("one.example", "two.example").replace("'pw'\n", "'new'\nwindow = 99\n");
    let plan = CatalogPlan::between(&stored(FILE), &parse(&wanted), false, places());
    assert_eq!(
        plan.to_string(),
        "~ link l\n    host: \"one.example\" -> \"two.example\"\n    password: changed\n    window: 10 -> 99\n"
    );
    let document = plan.changes[0].document.as_ref().unwrap();
    assert!(document.contains("\"new\""), "the store needs the secret");
}

#[test]
fn rows_that_the_file_lacks_go_only_when_asked_and_those_that_refer_first() {
    let without = &FILE[..FILE.find("[[link]]").unwrap()];
    let keep = CatalogPlan::between(&stored(FILE), &parse(without), false, places());
    assert!(keep.is_empty());
    let prune = CatalogPlan::between(&stored(FILE), &parse(without), true, places());
    assert_eq!(prune.to_string(), "- route r\n- link l\n");
    assert_eq!(prune.changes[0].kind, RowKind::Route);
    assert_eq!(prune.changes[0].change, RowChangeKind::Remove);
}
