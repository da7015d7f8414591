//! The life of versions of scripts: tested, published, gone back from, compared (MQ-10, MQ-12, MQ-29).
//!
//! Conversations that are open stay on the version that they began with; these orders are for those that begin.

use std::collections::HashSet;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use signalbox_config::Catalog as Rows;
use signalbox_config::catalog::{Right, Row, RowKind, Script, ScriptKind, ScriptVersion, VersionState};
use signalbox_config::value::{Count, Name};
use signalbox_core::backend::CatalogChange;
use signalbox_script::Bundle;
use similar::{ChangeTag, TextDiff};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, JsonBody, PathName, QueryOf};
use super::operations::{Operation, RequestHeader, operation};
use super::problem::{FieldError, Problem, ProblemKind, internal};
use super::rows::{View, check, check_change, etag, find, version_of};
use crate::catalog::{Snapshot, kind_of};

/// A comparison of two texts takes so long at most; it is coarser then.
const COMPARING: Duration = Duration::from_millis(500);
/// Lines around each difference.
const CONTEXT: usize = 3;

/// A version of a script.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VersionBody {
    /// Its number.
    version: u64,
}

/// How far a script goes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RollbackBody {
    /// The published version to go back to; the highest below the one in use when it is not given.
    version: Option<u64>,
}

/// Where a script stands.
#[derive(Debug, Serialize, ToSchema)]
struct ScriptLife {
    /// The version that conversations begin with.
    published: Option<u64>,
    /// The version that testers talk to.
    testing: Option<u64>,
    /// What somebody should look at in the version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<FieldError>,
}

/// Which versions are compared.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DiffQuery {
    /// The older one; the published one when it is not given.
    from: Option<u64>,
    /// The newer one; the one with the highest number when it is not given.
    to: Option<u64>,
}

/// What differs between two versions.
#[derive(Debug, Serialize, ToSchema)]
struct ScriptDiff {
    /// The older one.
    from: u64,
    /// The newer one.
    to: u64,
    /// Lines that the newer one has more.
    added: usize,
    /// Lines that it lacks.
    removed: usize,
    /// The lines that differ with three around them, as a unified diff. Flows are compared as indented JSON.
    diff: String,
}

pub(super) fn operations() -> Vec<Operation> {
    let order = |operation: Operation| {
        operation
            .right(Right::CatalogWrite)
            .tenants()
            .header(RequestHeader::IfMatch)
            .answer::<ScriptLife>(200, "where the script stands")
            .with("ETag")
            .problems(&[
                ProblemKind::NotFound,
                ProblemKind::VersionMismatch,
                ProblemKind::BrokenReference,
                ProblemKind::Frozen,
            ])
    };
    vec![
        order(
            operation(
                Method::POST,
                "/v1/scripts/{name}/test",
                "script.test",
                "Gives a version to testers; from then on it does not change",
                test,
            )
            .body::<VersionBody>(),
        ),
        order(
            operation(
                Method::POST,
                "/v1/scripts/{name}/publish",
                "script.publish",
                "Lets conversations begin with a tested version",
                publish,
            )
            .body::<VersionBody>(),
        ),
        order(
            operation(
                Method::POST,
                "/v1/scripts/{name}/rollback",
                "script.rollback",
                "Lets conversations begin with a version that was published before",
                rollback,
            )
            .body::<RollbackBody>(),
        ),
        operation(
            Method::GET,
            "/v1/scripts/{name}/diff",
            "script.diff",
            "What differs between two versions",
            diff,
        )
        .right(Right::CatalogRead)
        .tenants()
        .query::<DiffQuery>()
        .answer::<ScriptDiff>(200, "what differs")
        .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
    ]
}

async fn test(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<VersionBody>,
) -> Result<Response, Problem> {
    api.bring(&caller, &name, condition, body.version, VersionState::Test).await
}

async fn publish(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<VersionBody>,
) -> Result<Response, Problem> {
    api.bring(&caller, &name, condition, body.version, VersionState::Published).await
}

async fn rollback(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<RollbackBody>,
) -> Result<Response, Problem> {
    api.move_on(&caller, &name, condition, |rows, script| {
        let Some(current) = script.published else {
            return Err(Problem::field("version", "no version is published"));
        };
        let wanted = match body.version {
            Some(version) => version,
            None => {
                let published = versions(rows, script).filter(|row| row.state == VersionState::Published);
                let below = published.map(|row| row.version.get()).filter(|number| *number < current.get());
                below.max().ok_or_else(|| {
                    Problem::field("version", format!("nothing was published before version {current}"))
                })?
            }
        };
        let version = version_mut(rows, script, wanted)?;
        match version.state {
            VersionState::Published => script.published = Some(version.version),
            VersionState::Draft | VersionState::Test => {
                return Err(Problem::field("version", format!("version {wanted} was never published")));
            }
        }
        Ok(())
    })
    .await
}

/// The versions of a script.
fn versions<'a>(rows: &'a Rows, script: &'a Script) -> impl Iterator<Item = &'a ScriptVersion> {
    rows.script_version.iter().filter(|row| row.script == script.name)
}

fn no_version(script: &Script, number: u64) -> Problem {
    Problem::no("version", &format!("{}.{number}", script.name))
}

fn version_mut<'a>(
    rows: &'a mut Rows,
    script: &Script,
    number: u64,
) -> Result<&'a mut ScriptVersion, Problem> {
    let mut all = rows.script_version.iter_mut();
    all.find(|row| row.script == script.name && row.version.get() == number)
        .ok_or_else(|| no_version(script, number))
}

impl Api {
    /// Refuses to let go of a version that was given to testers while conversations are open that stay on it (MQ-29).
    pub(super) async fn check_unused(&self, rows: &Rows, before: &Rows) -> Result<(), Problem> {
        let kept: HashSet<&Name> = rows.script_version.iter().map(|row| &row.name).collect();
        let gone = before.script_version.iter().filter(|row| !kept.contains(&row.name));
        for version in gone.filter(|row| row.state != VersionState::Draft) {
            let script = before.script.iter().find(|row| row.name == version.script);
            let Some(account) = script.and_then(|script| self.account(script.account.as_str())) else {
                continue;
            };
            let open = self.people().open_on_version(account, version.name.as_str()).await?;
            if open > 0 {
                let detail = format!("{open} open conversations are on the version `{}`", version.name);
                return Err(Problem::new(ProblemKind::Frozen, detail));
            }
        }
        Ok(())
    }

    /// Brings a version as far as testers, or as everybody.
    async fn bring(
        &self,
        caller: &Caller,
        name: &str,
        condition: Condition,
        number: u64,
        to: VersionState,
    ) -> Result<Response, Problem> {
        self.move_on(caller, name, condition, |rows, script| {
            let version = version_mut(rows, script, number)?;
            if (version.state, to) == (VersionState::Draft, VersionState::Published) {
                let problem = format!("version {number} is a draft: it is tested before it is published");
                return Err(Problem::field("version", problem));
            }
            version.state = version.state.max(to);
            if to < VersionState::Published {
                script.testing = Some(version.version);
                return Ok(());
            }
            script.published = Some(version.version);
            // Testers go on with what everybody has.
            script.testing = script.testing.filter(|testing| *testing != version.version);
            Ok(())
        })
        .await
    }

    /// Changes a script, and perhaps a version of it, in one change of the catalog.
    async fn move_on(
        &self,
        caller: &Caller,
        name: &str,
        condition: Condition,
        change: impl FnOnce(&mut Rows, &mut Script) -> Result<(), Problem>,
    ) -> Result<Response, Problem> {
        let _one_at_a_time = self.0.changing.lock().await;
        let in_force = self.control().in_force();
        let before = &in_force.snapshot;
        let view = View::of(caller, before);
        let found = find::<Script>(before, name).filter(|row| view.owns(*row));
        let mut script = found.ok_or_else(|| Problem::no(RowKind::Script.as_str(), name))?.clone();
        check(condition, version_of::<Script>(before, name), RowKind::Script, name)?;
        let mut rows = before.rows.clone();
        change(&mut rows, &mut script)?;
        rows.script.retain(|row| row.name != script.name);
        rows.script.push(script.clone());
        check_change(caller, &rows, &before.rows)?;
        let warnings = self.review(&rows, &before.rows, None).await?;
        let version = rows.script_version.iter().find(|row| {
            row.script == script.name && find::<ScriptVersion>(before, row.name.as_str()) != Some(row)
        });
        let changes = version.map(|row| put(row, before)).into_iter().chain([put(&script, before)]);
        let changed = self.change(caller, changes.collect()).await?;
        let number = |version: &Option<Count<1, 1_000_000>>| version.as_ref().map(|version| version.get());
        let (published, testing) = (number(&script.published), number(&script.testing));
        let life = ScriptLife { published, testing, warnings };
        Ok((etag(changed), Json(life)).into_response())
    }
}

/// The change that writes a row which is there.
fn put<R: Row>(row: &R, before: &Snapshot) -> CatalogChange {
    CatalogChange::Put {
        kind: kind_of(R::KIND),
        name: row.name().to_string(),
        document: row.to_document(),
        expected: Some(version_of::<R>(before, row.name().as_str())),
    }
}

async fn diff(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    QueryOf(query): QueryOf<DiffQuery>,
) -> Result<Json<ScriptDiff>, Problem> {
    let in_force = api.control().in_force();
    let view = View::of(&caller, &in_force.snapshot);
    let script = find::<Script>(&in_force.snapshot, &name).filter(|row| view.sees(*row));
    let script = script.ok_or_else(|| Problem::no(RowKind::Script.as_str(), &name))?;
    let rows = &in_force.snapshot.rows;
    let from = query.from.or(script.published.as_ref().map(|version| version.get()));
    let from = from.ok_or_else(|| Problem::field("from", "no version is published"))?;
    let newest = || versions(rows, script).map(|row| row.version.get()).max();
    let to = query.to.or_else(newest).unwrap_or(from);
    let text = |number: u64| {
        let version = versions(rows, script).find(|row| row.version.get() == number);
        version.map(|row| row.body.shared()).ok_or_else(|| no_version(script, number))
    };
    let (old, new, kind) = (text(from)?, text(to)?, script.kind);
    let names = (format!("{name}.{from}"), format!("{name}.{to}"));
    let compared = tokio::task::spawn_blocking(move || {
        let (old, new) = (comparable(&old, kind), comparable(&new, kind));
        let mut config = TextDiff::configure();
        let compared = config.timeout(COMPARING).diff_lines(&old, &new);
        let count = |tag| compared.iter_all_changes().filter(|change| change.tag() == tag).count();
        let diff = compared.unified_diff().context_radius(CONTEXT).header(&names.0, &names.1).to_string();
        (count(ChangeTag::Insert), count(ChangeTag::Delete), diff)
    });
    let (added, removed, diff) = compared.await.map_err(|error| internal(&error))?;
    Ok(Json(ScriptDiff { from, to, added, removed, diff }))
}

/// A text in lines that can be compared: a designer writes a flow in one.
fn comparable(body: &str, kind: ScriptKind) -> String {
    let indented = match kind {
        // A bundle is compared file by file, as people wrote them.
        ScriptKind::Javascript => Bundle::of(body).and_then(Result::ok).map(|bundle| {
            let files = bundle.files.iter().map(|(path, text)| format!("=== {path}\n{}\n", text.trim_end()));
            files.collect()
        }),
        ScriptKind::Flow => serde_json::from_str::<serde_json::Value>(body)
            .ok()
            .and_then(|value| serde_json::to_string_pretty(&value).ok()),
    };
    indented.unwrap_or_else(|| body.to_owned())
}
