//! The schema that editors use, held against what the reader takes: enough of JSON Schema for this one.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Value, json};
use signalbox_flow::{Names, check};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(root().join("docs/interfaces/flow.schema.json")).unwrap())
        .unwrap()
}

fn fits(whole: &Value, schema: &Value, value: &Value) -> bool {
    let schema = schema.as_object().unwrap();
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(list) => list.len(),
        Value::Object(object) => object.len(),
        _ => 0,
    } as u64;
    schema.iter().all(|(keyword, wanted)| match keyword.as_str() {
        "$schema" | "title" | "description" | "$defs" => true,
        "$ref" => fits(whole, whole.pointer(&wanted.as_str().unwrap()[1..]).unwrap(), value),
        "type" => match wanted.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => value.is_i64(),
            other => panic!("type {other}"),
        },
        "const" => value == wanted,
        "enum" => wanted.as_array().unwrap().contains(value),
        "oneOf" => wanted.as_array().unwrap().iter().filter(|one| fits(whole, one, value)).count() == 1,
        "minimum" => value.as_f64().is_none_or(|value| value >= wanted.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|value| value <= wanted.as_f64().unwrap()),
        "minLength" | "minItems" | "minProperties" => size >= wanted.as_u64().unwrap(),
        "maxLength" | "maxItems" | "maxProperties" => size <= wanted.as_u64().unwrap(),
        "pattern" => {
            value.as_str().is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text))
        }
        "required" => wanted.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
        "items" => value.as_array().is_none_or(|list| list.iter().all(|item| fits(whole, wanted, item))),
        "properties" => value.as_object().is_none_or(|object| {
            object.iter().all(|(key, inner)| wanted.get(key).is_none_or(|wanted| fits(whole, wanted, inner)))
        }),
        "propertyNames" => {
            value.as_object().is_none_or(|object| object.keys().all(|key| fits(whole, wanted, &json!(key))))
        }
        "additionalProperties" => value.as_object().is_none_or(|object| {
            let known = schema.get("properties").and_then(Value::as_object);
            object.iter().filter(|(key, _)| !known.is_some_and(|known| known.contains_key(*key))).all(
                |(_, inner)| match wanted {
                    Value::Bool(allowed) => *allowed,
                    wanted => fits(whole, wanted, inner),
                },
            )
        }),
        other => panic!("the schema has a keyword that this does not know: {other}"),
    })
}

pub fn fits_schema(document: &Value) -> bool {
    let schema = schema();
    fits(&schema, &schema, document)
}

/// A document with a step of each kind and each key.
fn full() -> Value {
    json!({
        "$schema": "x", "version": 1, "name": "n", "description": "d", "start": "send", "afterEnd": "end",
        "zone": "UTC", "dateOrder": "dmy", "country": "US", "strict": true,
        "help": {"program": "p", "text": "t", "cut": "separate"},
        "optOut": {"program": "p", "text": "t", "level": "account"},
        "optIn": {"program": "p", "text": "t"},
        "steps": {
            "send": {"kind": "send", "title": "t", "canvas": {"x": 1}, "program": "p", "text": "t", "cut": "whole", "next": "ask"},
            "ask": {"kind": "ask", "program": "p", "text": "t", "answer": {"kind": "text", "most": 9}, "save": "a",
                "wait": {"seconds": 9, "next": "end"}, "retries": 1, "retryText": "r", "next": "branch", "otherwise": "end"},
            "branch": {"kind": "branch", "cases": [{"when": "true", "label": "l", "next": "set"}], "otherwise": "end"},
            "set": {"kind": "set", "name": "a", "value": "1", "next": "store"},
            "store": {"kind": "store", "name": "b", "value": "1", "next": "call"},
            "call": {"kind": "call", "service": "s", "path": "/", "body": "b", "bodyForm": "form", "save": "c",
                "next": "collect", "otherwise": "end"},
            "collect": {"kind": "collect", "from": "answer", "answer": {"kind": "number", "least": 1, "most": 2, "whole": true},
                "save": "d", "next": "date", "otherwise": "end"},
            "date": {"kind": "collect", "answer": {"kind": "date", "earliest": 0, "latest": 9}, "next": "choice", "otherwise": "end"},
            "choice": {"kind": "collect", "answer": {"kind": "choice", "choices": [{"value": "v", "words": ["w"]}]}, "next": "pattern", "otherwise": "end"},
            "pattern": {"kind": "collect", "answer": {"kind": "pattern", "pattern": "a+"}, "next": "email", "otherwise": "end"},
            "email": {"kind": "collect", "answer": {"kind": "email"}, "next": "phone", "otherwise": "end"},
            "phone": {"kind": "collect", "answer": {"kind": "phone"}, "next": "agent", "otherwise": "end"},
            "agent": {"kind": "agent", "reason": "r", "next": "optOut"},
            "optOut": {"kind": "optOut", "level": "enterprise", "next": "bad"},
            "bad": {"kind": "end", "badData": "b"},
            "end": {"kind": "end", "status": "s"}
        }
    })
}

/// Each value in the document, by its pointer.
fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        pointers(value, format!("{at}/{key}"), out);
    }
    out.push(at);
}

fn reads(document: &Value) -> bool {
    check(&document.to_string(), &Names::default()).flow.is_some()
}

/// The shape of a document is wrong for the schema when it is for the reader: whatever single value is taken away or
/// put in another's place.
#[test]
fn the_schema_says_what_the_reader_takes() {
    let full = full();
    assert!(fits_schema(&full) && reads(&full));
    let mut all = Vec::new();
    pointers(&full, String::new(), &mut all);
    for pointer in
        all.iter().filter(|pointer| !pointer.is_empty() && !pointer.starts_with("/steps/send/canvas"))
    {
        let free = pointer.ends_with("/$schema");
        let mut odd = full.clone();
        *odd.pointer_mut(pointer).unwrap() = json!({"odd": [1]});
        assert!(free || !fits_schema(&odd), "the schema takes an object at {pointer}");
        assert!(free || !reads(&odd), "the reader takes an object at {pointer}");
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let mut less = full.clone();
        let whole_step = parent == "/steps";
        if let (Some(parent), false) = (less.pointer_mut(parent).unwrap().as_object_mut(), whole_step) {
            parent.remove(key);
            // That `otherwise` belongs to some answers alone is for the reader to say.
            let rule = pointer == "/steps/ask/otherwise" || pointer == "/steps/ask/retries";
            assert!(
                rule || fits_schema(&less) == reads(&less),
                "without {pointer} the schema and the reader differ"
            );
        }
    }
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/country", json!("usa")),
        ("/steps/ask/retries", json!(11)),
        ("/steps/ask/wait/seconds", json!(0)),
        ("/steps/set/name", json!("1a")),
        ("/steps/call/bodyForm", json!("xml")),
        ("/steps/branch/cases", json!([])),
        ("/optOut/level", json!("all")),
        ("/dateOrder", json!("ymd")),
    ] {
        let mut odd = full.clone();
        *odd.pointer_mut(pointer).unwrap() = value;
        assert!(!fits_schema(&odd) && !reads(&odd), "{pointer}");
    }
}
