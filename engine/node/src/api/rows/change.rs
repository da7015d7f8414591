//! Changes of rows: checked against all others, written, put in force.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use signalbox_config::catalog::Owner;
use signalbox_config::{Catalog as Rows, ConfigErrors};
use signalbox_core::backend::{CatalogChange, Version};
use signalbox_core::id::AccountId;

use super::granted::check_granted;
use super::{ApiRow, View, WARNINGS, check, etag, find, version_of};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::Condition;
use crate::api::problem::{Problem, ProblemKind, internal};
use crate::catalog::kind_of;

/// Refuses what would leave a reference to nothing, or something twice.
pub(in crate::api) fn check_references(rows: &Rows) -> Result<(), Problem> {
    rows.check().map_err(|errors| {
        let broken = Problem::from(errors);
        Problem::new(ProblemKind::BrokenReference, broken.body().detail)
    })
}

/// The same for what a caller changes, and refuses changes of versions of scripts that do not change any more, and of
/// approvals that do not follow each other.
pub(in crate::api) fn check_change(caller: &Caller, rows: &Rows, before: &Rows) -> Result<(), Problem> {
    rows.check_versions(before).map_err(frozen)?;
    rows.check_lives(before)?;
    rows.check_approvals(before).map_err(frozen)?;
    match rows.check() {
        Ok(()) => Ok(()),
        Err(_) if caller.scope() == Owner::Platform => check_references(rows),
        Err(errors) => {
            // What is wrong may name rows of others: where it is wrong is told alone.
            let mut keys: Vec<&str> = errors.all().iter().map(|error| error.key.as_str()).collect();
            keys.sort_unstable();
            keys.dedup();
            let detail = format!("not there, not yours, or taken: {}", keys.join(", "));
            Err(Problem::new(ProblemKind::BrokenReference, detail))
        }
    }
}

/// What does not change in this way: a version of a script, or the status of an approval.
pub(in crate::api) fn frozen(errors: ConfigErrors) -> Problem {
    Problem::new(ProblemKind::Frozen, Problem::from(errors).body().detail)
}

/// A row that was written.
pub(in crate::api) struct Written {
    new: bool,
    version: Version,
    shown: serde_json::Value,
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        let status = if self.new { StatusCode::CREATED } else { StatusCode::OK };
        (status, etag(self.version), Json(self.shown)).into_response()
    }
}

impl Api {
    pub(in crate::api) async fn write_row<R: ApiRow>(
        &self,
        caller: &Caller,
        row: R,
        condition: Condition,
    ) -> Result<Written, Problem> {
        if !View::of(caller, &self.control().in_force().snapshot).owns(&row) {
            return Err(Problem::new(ProblemKind::Forbidden, "the row would be another account's"));
        }
        let row = self.hashed(row).await?;
        let _one_at_a_time = self.0.changing.lock().await;
        let in_force = self.control().in_force();
        let before = find::<R>(&in_force.snapshot, row.name().as_str());
        // Asked while nobody else changes rows: another's may have come since the request was read.
        if before.is_some_and(|before| !View::of(caller, &in_force.snapshot).owns(before)) {
            return Err(Problem::new(ProblemKind::Forbidden, "the row is another account's"));
        }
        check_granted(caller, &row, before)?;
        self.store(caller, row, condition).await
    }

    /// Changes some fields of a row that is there.
    pub(in crate::api) async fn change_row<R: ApiRow>(
        &self,
        caller: &Caller,
        name: &str,
        condition: Condition,
        change: impl FnOnce(&mut R) -> Result<(), Problem>,
    ) -> Result<Version, Problem> {
        let _one_at_a_time = self.0.changing.lock().await;
        let in_force = self.control().in_force();
        let mut row =
            find::<R>(&in_force.snapshot, name).ok_or_else(|| Problem::no(R::KIND.as_str(), name))?.clone();
        change(&mut row)?;
        self.store(caller, row, condition).await.map(|written| written.version)
    }

    /// Writes a row while no other change is under way.
    async fn store<R: ApiRow>(
        &self,
        caller: &Caller,
        row: R,
        condition: Condition,
    ) -> Result<Written, Problem> {
        let in_force = self.control().in_force();
        let name = row.name().to_string();
        let held = version_of::<R>(&in_force.snapshot, &name);
        check(condition, held, R::KIND, &name)?;
        let mut shown = serde_json::to_value(&row).map_err(|error| internal(&error))?;
        let document = row.to_document();
        let mut rows = in_force.snapshot.rows.clone();
        let all = R::rows_mut(&mut rows);
        all.retain(|other| other.name().as_str() != name);
        all.push(row);
        // Which place the row has among those of all accounts is nothing to its writer.
        let place = format!("{}[{}].", R::KIND, R::rows(&rows).len().saturating_sub(1));
        let told = |problem: Problem| match caller.scope() {
            Owner::Platform => problem,
            Owner::Enterprise(_) | Owner::Account(_) | Owner::Script(_) | Owner::Program(_) => {
                problem.without(&place)
            }
        };
        check_change(caller, &rows, &in_force.snapshot.rows).map_err(told)?;
        let warnings = self.review(&rows, &in_force.snapshot.rows, Some((R::KIND, &name))).await?;
        if !warnings.is_empty() {
            shown[WARNINGS] = serde_json::to_value(&warnings).map_err(|error| internal(&error))?;
        }
        let change = CatalogChange::Put { kind: kind_of(R::KIND), name, document, expected: Some(held) };
        let version = self.change(caller, vec![change]).await?;
        Ok(Written { new: held == Version(0), version, shown })
    }

    /// Makes changes to the catalog and puts them in force.
    pub(in crate::api) async fn change(
        &self,
        caller: &Caller,
        changes: Vec<CatalogChange>,
    ) -> Result<Version, Problem> {
        let (control, by) = (self.control().clone(), caller.token.clone());
        let done = tokio::task::spawn_blocking(move || control.apply(&by, &changes)).await;
        Ok(done.map_err(|error| internal(&error))??)
    }

    /// The row with its password hashed, where it has one.
    async fn hashed<R: ApiRow>(&self, row: R) -> Result<R, Problem> {
        let mut rows = Rows::default();
        R::rows_mut(&mut rows).push(row);
        let mut rows = self.hash_passwords(rows).await?;
        let row = R::rows_mut(&mut rows).pop();
        row.ok_or_else(|| Problem::new(ProblemKind::Internal, "a row was lost while its password was hashed"))
    }

    /// Rows with all passwords hashed.
    pub(in crate::api) async fn hash_passwords(&self, mut rows: Rows) -> Result<Rows, Problem> {
        let control = self.control().clone();
        let hashed = tokio::task::spawn_blocking(move || {
            let settings = control.in_force().settings.clone();
            rows.hash_passwords(settings.secret_places(), rand::random).map(|()| rows)
        });
        let rows = hashed.await.map_err(|error| internal(&error))?;
        rows.map_err(|error| Problem::field("password", crate::api::problem::chain(&error)))
    }

    /// The number of an account by its name.
    pub(in crate::api) fn account(&self, name: &str) -> Option<AccountId> {
        self.control().in_force().snapshot.ids.account(name)
    }
}
