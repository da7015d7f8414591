//! The part of JSON Schema that the published schemas use, as a check.

use serde_json::Value;

/// What is wrong with `value`, with the path to it.
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "$", &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = schema.as_object().unwrap();
    for (keyword, wanted) in schema {
        match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "format" => {}
            "type" => {
                let fits = match wanted.as_str().unwrap() {
                    "object" => value.is_object(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "boolean" => value.is_boolean(),
                    other => panic!("type {other}"),
                };
                if !fits {
                    found.push(format!("{at} is no {wanted}: {value}"));
                }
            }
            "enum" => {
                if !wanted.as_array().unwrap().contains(value) {
                    found.push(format!("{at} is {value}, not one of {wanted}"));
                }
            }
            "minimum" => {
                if value.as_i64().is_some_and(|value| value < wanted.as_i64().unwrap()) {
                    found.push(format!("{at} is {value}, below {wanted}"));
                }
            }
            "maximum" => {
                if value.as_u64().is_some_and(|value| value > wanted.as_u64().unwrap()) {
                    found.push(format!("{at} is {value}, above {wanted}"));
                }
            }
            "minLength" | "maxLength" => {
                let length = value.as_str().map_or(0, |text| text.chars().count()) as u64;
                let wanted = wanted.as_u64().unwrap();
                if (keyword == "minLength" && length < wanted) || (keyword == "maxLength" && length > wanted)
                {
                    found.push(format!("{at} has {length} characters"));
                }
            }
            "required" => {
                let missing = wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|name| value.get(name.as_str().unwrap()).is_none());
                found.extend(missing.map(|name| format!("{at} has no {name}")));
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    match wanted.get(name) {
                        Some(schema) => check(schema, value, &format!("{at}.{name}"), found),
                        None => found.push(format!("{at}.{name} is not described")),
                    }
                }
            }
            // An unknown property is a violation here in any case.
            "additionalProperties" => {}
            other => panic!("keyword {other}"),
        }
    }
}
