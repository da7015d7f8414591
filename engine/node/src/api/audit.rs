//! Who did what when: changes of rows and orders of operators, in one trail.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::Serialize;
use serde_json::Value;
use signalbox_config::catalog::{KindVisitor, Right, Row};
use signalbox_core::backend::{Kind, TrailEntry, TrailPlace, Version};
use utoipa::ToSchema;

use super::caller::Caller;
use super::extract::{QueryOf, timestamp};
use super::operations::{Operation, operation};
use super::page::{Page, PageQuery, odd_cursor};
use super::problem::{Problem, internal};
use super::{Api, mask};
use crate::catalog::row_kind;

/// One entry of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
struct AuditInfo {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Option<jiff::Timestamp>,
    /// Name of the token, or the part of the node.
    by: String,
    /// `create`, `update` or `delete` of a row, or the operation.
    action: String,
    /// Kind of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Name of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Version of the catalog that the change made, or at which the order came.
    version: u64,
    /// The row before.
    #[serde(skip_serializing_if = "Value::is_null")]
    before: Value,
    /// The row after.
    #[serde(skip_serializing_if = "Value::is_null")]
    after: Value,
    /// What the order said.
    #[serde(skip_serializing_if = "Value::is_null")]
    detail: Value,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/v1/audit", "audit.list", "Who did what when, newest first", list)
            .right(Right::AuditRead)
            .query::<PageQuery>()
            .page::<AuditInfo>("entries"),
    ]
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<AuditInfo>>, Problem> {
    caller.unscoped()?;
    let limit = api.page_limit(query.limit)?;
    let before = query.cursor.as_deref().map(read_place).transpose()?;
    let control = api.control().clone();
    let entries = tokio::task::spawn_blocking(move || control.catalog().trail(before, limit + 1))
        .await
        .map_err(|error| internal(&error))??;
    let page = Page::cut(entries, limit, |entry| format!("{}.{}", entry.place.version.0, entry.place.step));
    let items = page.items.into_iter().map(|entry| shown(entry, caller.reveals())).collect();
    Ok(Json(Page { items, next: page.next }))
}

fn read_place(cursor: &str) -> Result<TrailPlace, Problem> {
    let place = cursor.split_once('.').and_then(|(version, step)| {
        Some(TrailPlace { version: Version(version.parse().ok()?), step: step.parse().ok()? })
    });
    place.ok_or_else(odd_cursor)
}

fn shown(entry: TrailEntry, whole: bool) -> AuditInfo {
    let mut info = AuditInfo {
        at: timestamp(entry.at),
        by: entry.actor,
        action: entry.action,
        kind: None,
        name: None,
        version: entry.place.version.0,
        before: Value::Null,
        after: Value::Null,
        detail: Value::Null,
    };
    match entry.row {
        Some((kind, name)) => {
            info.before = entry.before.map_or(Value::Null, |document| masked(kind, &document));
            info.after = entry.after.map_or(Value::Null, |document| masked(kind, &document));
            info.kind = Some(kind.name());
            info.name = Some(name);
        }
        None => {
            info.detail =
                entry.after.and_then(|detail| serde_json::from_str(&detail).ok()).unwrap_or_default();
            if !whole {
                mask::json(&mut info.detail);
            }
        }
    }
    info
}

/// A row's document without its secrets; nothing when this version of the program cannot tell which they are.
fn masked(kind: Kind, document: &str) -> Value {
    let mut masking = Masking { document, shown: Value::Null };
    row_kind(kind).visit(&mut masking);
    masking.shown
}

struct Masking<'a> {
    document: &'a str,
    shown: Value,
}

impl KindVisitor for Masking<'_> {
    fn visit<R: Row>(&mut self) {
        let row = R::from_stored(self.document).ok();
        self.shown = row.and_then(|(row, _)| serde_json::to_value(row).ok()).unwrap_or_default();
    }
}

impl Api {
    /// Puts an order into the trail before it is carried out: what is not recorded is not done.
    pub(super) async fn record(
        &self,
        caller: &Caller,
        action: &'static str,
        detail: Value,
    ) -> Result<(), Problem> {
        let (control, by) = (self.control().clone(), caller.token.clone());
        tokio::task::spawn_blocking(move || control.catalog().record(&by, action, &detail.to_string()))
            .await
            .map_err(|error| internal(&error))??;
        Ok(())
    }
}
