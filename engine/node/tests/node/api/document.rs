//! The OpenAPI document.

use std::path::Path;

use serde_json::Value;

use super::rig::{Node, OPERATOR};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/interfaces/openapi.json");

#[test]
fn the_document_is_the_one_in_the_repository() {
    let now = format!("{:#}\n", signalbox::api::document());
    if std::env::var_os("SIGNALBOX_BLESS").is_some() {
        std::fs::write(FILE, &now).unwrap();
    }
    let then = std::fs::read_to_string(Path::new(FILE)).unwrap();
    assert!(now == then, "the api has changed; SIGNALBOX_BLESS=1 writes docs/interfaces/openapi.json anew");
}

/// The page lists the types of problems as they are.
#[test]
fn the_page_lists_all_problems() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/interfaces/http.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("## Problems").nth(1).unwrap().split("## Messages").next().unwrap();
    let listed: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let kinds = signalbox::api::ProblemKind::ALL;
    assert_eq!(listed.len(), kinds.len());
    for (line, kind) in listed.iter().zip(kinds) {
        assert!(line.starts_with(&format!("| `{}` | {} |", kind.name(), kind.status())), "{line}");
    }
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.push(reference);
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = signalbox::api::document();
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.iter().any(|reference| reference.ends_with(&format!("/{name}"))), "{name}");
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let document = signalbox::api::document();
    let mut names: Vec<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[tokio::test]
async fn the_node_gives_it_out() {
    let node = Node::start().await;
    assert_eq!(node.get(OPERATOR, "openapi.json").await.body, signalbox::api::document());
    node.stop().await;
}
