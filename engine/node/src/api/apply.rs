//! `POST /v1/catalog/apply`: the catalog as a file, with diff and dry run.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use signalbox_config::Catalog as Rows;
use signalbox_config::CatalogPlan;
use signalbox_config::catalog::{KindVisitor, Right, Row, RowChange, RowChangeKind, each_kind};
use signalbox_config::value::Name;
use signalbox_core::backend::CatalogChange;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{QueryOf, TextBody};
use super::openapi::toml_text;
use super::operations::{Operation, operation};
use super::problem::{FieldError, Problem, ProblemKind, internal};
use super::rows::{check_references, frozen};
use crate::catalog::{Snapshot, kind_of};

/// How a file is applied.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApplyQuery {
    /// Says what would change, and changes nothing.
    #[serde(default)]
    dry_run: bool,
    /// Removes rows that the file does not have.
    #[serde(default)]
    prune: bool,
}

/// What a file changes.
#[derive(Debug, Serialize, ToSchema)]
struct Applied {
    /// True when nothing was changed.
    dry_run: bool,
    /// The version of the catalog now.
    version: u64,
    /// The rows that change.
    changes: Vec<AppliedRow>,
    /// What somebody should look at in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<FieldError>,
}

/// One row that changes.
#[derive(Debug, Serialize, ToSchema)]
struct AppliedRow {
    /// Its kind.
    kind: &'static str,
    /// Its name.
    name: String,
    /// `add`, `change` or `remove`.
    change: &'static str,
    /// The fields that change, secrets masked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<AppliedField>,
}

/// One field that changes.
#[derive(Debug, Serialize, ToSchema)]
struct AppliedField {
    /// The field as a path.
    field: String,
    /// Its value before, as TOML writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// Its value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::POST,
            "/v1/catalog/apply",
            "catalog.apply",
            "Makes the catalog what a file says",
            apply,
        )
        .right(Right::CatalogWrite)
        .query::<ApplyQuery>()
        .body_of("application/toml", toml_text)
        .answer::<Applied>(200, "what changes")
        .problems(&[ProblemKind::BrokenReference, ProblemKind::VersionMismatch, ProblemKind::Frozen]),
    ]
}

async fn apply(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<ApplyQuery>,
    TextBody(text): TextBody,
) -> Result<Json<Applied>, Problem> {
    caller.unscoped()?;
    let _one_at_a_time = api.0.changing.lock().await;
    let in_force = api.control().in_force();
    let current = &in_force.snapshot;
    // What is to go cannot be referred to.
    let wanted = if query.prune {
        Rows::parse("request", &text)?
    } else {
        Rows::parse_over("request", &text, &current.rows)?
    };
    let wanted = api.settle_passwords(wanted, query.dry_run).await?;
    let (plan, warnings) = api.plan(wanted, query.prune).await?;
    let changes: Vec<AppliedRow> = plan.changes.iter().map(shown).collect();
    if query.dry_run || plan.is_empty() {
        return Ok(Json(Applied { dry_run: query.dry_run, version: current.version.0, changes, warnings }));
    }
    let version = api.change(&caller, catalog_changes(plan, current)).await?;
    Ok(Json(Applied { dry_run: false, version: version.0, changes, warnings }))
}

fn shown(change: &RowChange) -> AppliedRow {
    let (what, fields) = match &change.change {
        RowChangeKind::Add => ("add", Vec::new()),
        RowChangeKind::Remove => ("remove", Vec::new()),
        RowChangeKind::Change(changes) => {
            let fields = changes.0.iter().map(|change| AppliedField {
                field: change.key.clone(),
                before: change.before.clone(),
                after: change.after.clone(),
            });
            ("change", fields.collect())
        }
    };
    AppliedRow { kind: change.kind.as_str(), name: change.name.clone(), change: what, fields }
}

fn catalog_changes(plan: CatalogPlan, current: &Snapshot) -> Vec<CatalogChange> {
    plan.changes
        .into_iter()
        .map(|change| {
            let kind = kind_of(change.kind);
            let held = current.version_of(kind, &change.name);
            let (name, expected) = (change.name, Some(held));
            match change.document {
                Some(document) => CatalogChange::Put { kind, name, document, expected },
                None => CatalogChange::Delete { kind, name, expected },
            }
        })
        .collect()
}

impl Api {
    /// Passwords that fit the hashes that are there become these, so that they are no change; the others are
    /// hashed, unless nothing is going to be kept.
    async fn settle_passwords(&self, mut wanted: Rows, dry_run: bool) -> Result<Rows, Problem> {
        let control = self.control().clone();
        let kept = tokio::task::spawn_blocking(move || {
            let in_force = control.in_force();
            wanted.keep_passwords(&in_force.snapshot.rows, in_force.settings.secret_places());
            wanted
        });
        let kept = kept.await.map_err(|error| internal(&error))?;
        if dry_run { Ok(kept) } else { self.hash_passwords(kept).await }
    }

    /// What would change, checked as a whole, with what somebody should look at.
    async fn plan(&self, wanted: Rows, prune: bool) -> Result<(CatalogPlan, Vec<FieldError>), Problem> {
        let control = self.control().clone();
        let planned = tokio::task::spawn_blocking(move || {
            let in_force = control.in_force();
            let places = in_force.settings.secret_places();
            let plan = CatalogPlan::between(&in_force.snapshot.rows, &wanted, prune, places);
            let left = if prune { wanted } else { merged(&in_force.snapshot.rows, wanted) };
            (plan, left)
        });
        let (plan, left) = planned.await.map_err(|error| internal(&error))?;
        let in_force = self.control().in_force();
        let before = &in_force.snapshot.rows;
        left.check_versions(before).map_err(frozen)?;
        left.check_lives(before)?;
        left.check_approvals(before).map_err(frozen)?;
        check_references(&left)?;
        self.check_unused(&left, before).await?;
        let warnings = self.review(&left, before, None).await?;
        Ok((plan, warnings))
    }
}

/// The rows that are there with those of a file in their place or behind them.
fn merged(current: &Rows, wanted: Rows) -> Rows {
    let mut merge = Merge { all: current.clone(), wanted };
    each_kind(&mut merge);
    merge.all
}

struct Merge {
    all: Rows,
    wanted: Rows,
}

impl KindVisitor for Merge {
    fn visit<R: Row>(&mut self) {
        let wanted = std::mem::take(R::rows_mut(&mut self.wanted));
        let replaced: HashSet<&Name> = wanted.iter().map(Row::name).collect();
        let rows = R::rows_mut(&mut self.all);
        rows.retain(|row| !replaced.contains(row.name()));
        rows.extend(wanted);
    }
}
