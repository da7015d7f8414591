//! The OpenAPI document, made of the list of operations and the schemas of their types.

use serde_json::{Map, Value, json};
use signalbox_config::catalog::Row;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::operations::{Operation, RequestHeader, all, row_component};
use super::problem::{FieldError, MEDIA_TYPE, ProblemBody, ProblemKind};
use super::rows::{HasWarnings, WARNINGS};
use crate::webhooks::WebhookEventBody;

/// Schemas by their names.
#[derive(Default)]
pub(super) struct Components(Map<String, Value>);

fn refer(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn as_json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// The type's place among the components.
pub(super) fn reference<T: ToSchema>(components: &mut Components) -> Value {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    for (name, schema) in schemas {
        components.0.entry(name).or_insert_with(|| as_json(&schema));
    }
    refer(&T::name())
}

/// The type's schema itself.
pub(super) fn inline<T: ToSchema>(_: &mut Components) -> Value {
    as_json(&T::schema())
}

/// A page of the type.
pub(super) fn page<T: ToSchema>(components: &mut Components) -> Value {
    let item = reference::<T>(components);
    page_of(&item)
}

fn page_of(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next": { "type": "string", "description": "given back as `cursor` it brings the next page" },
        },
    })
}

/// A row of the catalog, by the schema of its settings.
pub(super) fn row<R: Row>(components: &mut Components) -> Value {
    let name = row_component::<R>();
    let warning = R::KIND.has_warnings().then(|| reference::<FieldError>(components));
    components.0.entry(name.to_owned()).or_insert_with(|| {
        let mut schema = R::shape().json_schema();
        if let Some(warning) = warning {
            schema["properties"][WARNINGS] = json!({
                "type": "array", "items": warning, "readOnly": true,
                "description": "what somebody should look at; in answers to writes alone",
            });
        }
        schema
    });
    refer(name)
}

/// A page of rows.
pub(super) fn row_page<R: Row>(components: &mut Components) -> Value {
    let item = row::<R>(components);
    page_of(&item)
}

/// A text that is a TOML document.
pub(super) fn toml_text(_: &mut Components) -> Value {
    json!({ "type": "string", "description": "a catalog file in TOML" })
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut components = Components::default();
    let problem = reference::<ProblemBody>(&mut components);
    describe_problem(&mut components);
    let event = reference::<WebhookEventBody>(&mut components);
    let mut paths: Map<String, Value> = Map::new();
    for operation in all() {
        let path = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = describe(&operation, &mut components);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Signalbox",
            "version": "1",
            "description": "Messages, queues, links, routes, counters and the catalog of a Signalbox node.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "webhooks": { "event": { "post": webhook(&event) } },
        "components": {
            "schemas": components.0,
            "responses": { "Problem": {
                "description": "a problem (RFC 9457); `x-problems` of an operation lists the types that it has",
                "content": { MEDIA_TYPE: { "schema": problem } },
            } },
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{ "token": [] }],
    })
}

fn describe_problem(components: &mut Components) {
    let types: Vec<String> =
        ProblemKind::ALL.iter().map(|kind| format!("urn:signalbox:problem:{}", kind.name())).collect();
    if let Some(schema) = components.0.get_mut("Problem") {
        schema["properties"]["type"]["enum"] = json!(types);
    }
}

fn describe(operation: &Operation, components: &mut Components) -> Value {
    let mut parameters = path_parameters(operation.path);
    if let Some(query) = operation.query {
        parameters.extend(query_parameters(&query(components)));
    }
    parameters.extend(operation.headers.iter().map(|header| header_parameter(*header)));
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.id.split('.').next().unwrap_or_default()],
        "parameters": parameters,
        "responses": responses(operation, components),
        "x-problems": problems(operation),
    });
    match operation.right {
        Some(right) => described["x-right"] = right.as_str().into(),
        None => described["x-right"] = Value::Null,
    }
    if operation.open {
        described["security"] = json!([]);
    }
    if let Some((media, schema)) = operation.body {
        let schema = schema(components);
        described["requestBody"] = json!({ "required": true, "content": { media: { "schema": schema } } });
    }
    described
}

fn path_parameters(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect()
}

fn query_parameters(schema: &Value) -> Vec<Value> {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    properties
        .iter()
        .map(|(name, schema)| {
            json!({ "name": name, "in": "query", "required": required(name), "schema": schema })
        })
        .collect()
}

fn header_parameter(header: RequestHeader) -> Value {
    let (name, what) = match header {
        RequestHeader::IdempotencyKey => {
            ("Idempotency-Key", "a request with a key that was answered gets the same answer again")
        }
        RequestHeader::IfMatch => ("If-Match", "the ETag that the change is based on"),
        RequestHeader::IfNoneMatch => ("If-None-Match", "`*`: only if it is not there"),
        RequestHeader::Known => ("If-None-Match", "an ETag that is known: only if there is another"),
    };
    json!({ "name": name, "in": "header", "required": false, "description": what,
        "schema": { "type": "string" } })
}

fn responses(operation: &Operation, components: &mut Components) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for answer in &operation.answers {
        let mut described = json!({ "description": answer.what });
        if let Some(schema) = answer.schema {
            described["content"] = json!({ "application/json": { "schema": schema(components) } });
        }
        for header in &answer.headers {
            described["headers"][header] = json!({ "schema": { "type": "string" } });
        }
        responses.insert(answer.status.to_string(), described);
    }
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    responses.into()
}

/// The problems of an operation by their statuses.
fn problems(operation: &Operation) -> Value {
    let everywhere = [
        ProblemKind::Unauthenticated,
        ProblemKind::Forbidden,
        ProblemKind::Overloaded,
        ProblemKind::Unavailable,
        ProblemKind::TimedOut,
        ProblemKind::Internal,
    ];
    let mut kinds: Vec<ProblemKind> =
        everywhere.into_iter().chain(operation.problems.iter().copied()).collect();
    kinds.sort_by_key(|kind| (kind.status(), kind.name()));
    kinds.dedup();
    kinds.into_iter().map(ProblemKind::name).collect()
}

fn webhook(event: &Value) -> Value {
    let header = |name: &str, what: &str| {
        json!({ "name": name, "in": "header", "required": true, "description": what,
            "schema": { "type": "string" } })
    };
    json!({
        "summary": "A receipt or an MO message, posted to the URL of a webhook",
        "operationId": "webhook.event",
        "security": [],
        "parameters": [
            header("Signalbox-Signature",
                "`t=SECONDS,v1=HEX`: HMAC-SHA-256 with the webhook's secret over SECONDS, a full stop and the body"),
            header("Signalbox-Event", "id of the event: the same each time it is tried"),
            header("Signalbox-Attempt", "which try it is, from 1"),
        ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": event } } },
        "responses": {
            "2XX": { "description": "taken" },
            "408": { "description": "to be tried again" },
            "429": { "description": "to be tried again, slower" },
            "4XX": { "description": "refused for good" },
            "5XX": { "description": "to be tried again" },
        },
    })
}
