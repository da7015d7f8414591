//! Contacts and what belongs to them: whose they are, and how their errors are told.

mod contacts;
mod history;
mod lists;
mod uploads;

pub(super) use uploads::{CSV, is_csv};

use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::{Owner, Tenancy};
use signalbox_core::id::AccountId;
use signalbox_people::{People, PeopleError, Scope};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::Condition;
use super::operations::Operation;
use super::problem::{Problem, ProblemKind, internal};

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = contacts::operations();
    operations.extend(lists::operations());
    operations.extend(uploads::operations());
    operations.extend(history::operations());
    operations
}

/// Which page of what an account has.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountPage {
    /// The account; that of the token where it has one.
    pub(super) account: Option<String>,
    /// Where to go on: `next` of the page before.
    pub(super) cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    pub(super) limit: Option<usize>,
}

impl Api {
    pub(super) fn people(&self) -> &People {
        &self.0.people
    }

    /// The account that a request is about.
    pub(super) fn account_asked(&self, caller: &Caller, asked: Option<&str>) -> Result<AccountId, Problem> {
        match (asked, &caller.account) {
            (None, Some(own)) => Ok(own.id),
            (None, None) => Err(Problem::field("account", "is needed: the token is for more than one")),
            (Some(name), _) => {
                let scope = self.scope(caller);
                let found = self.account(name).filter(|id| scope.sees(*id));
                found.ok_or_else(|| Problem::no("account", name))
            }
        }
    }

    /// Whose rows a caller sees: those of its token's account or enterprise, and of all accounts below.
    pub(super) fn scope(&self, caller: &Caller) -> Scope {
        let in_force = self.control().in_force();
        let rows = &in_force.snapshot.rows;
        let owner = match caller.scope() {
            Owner::Platform => return Scope::All,
            owner => owner,
        };
        let tenancy = Tenancy::of(rows);
        let within = rows.account.iter().filter(|row| tenancy.is_within(Owner::Account(&row.name), owner));
        let ids = within.filter_map(|row| in_force.snapshot.ids.account(row.name.as_str()));
        Scope::Accounts(ids.collect())
    }

    /// The name of an account.
    pub(super) fn account_called(&self, id: AccountId) -> String {
        super::peers::account(&self.control().in_force().snapshot.ids, id)
    }
}

/// The id in a path; what is no number is nobody's id.
pub(super) fn id_of<T: std::str::FromStr>(what: &'static str, written: &str) -> Result<T, Problem> {
    written.parse().map_err(|_| Problem::no(what, written))
}

/// The version that a change is based on; whether there is one is for the row to say.
fn version(condition: Condition) -> Result<Option<i64>, Problem> {
    match condition {
        Condition::None | Condition::Exists => Ok(None),
        Condition::Is(version) => Ok(Some(i64::try_from(version.0).unwrap_or(i64::MAX))),
        Condition::Absent => Err(Problem::new(ProblemKind::Malformed, "if-none-match has no meaning here")),
    }
}

/// An answer with its ETag, and its place where it is new.
pub(super) fn tagged(
    status: StatusCode,
    version: i64,
    place: Option<String>,
    body: impl Serialize,
) -> Response {
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        headers.insert(ETAG, tag);
    }
    if let Some(place) = place.and_then(|place| HeaderValue::try_from(place).ok()) {
        headers.insert(LOCATION, place);
    }
    (status, headers, axum::Json(body)).into_response()
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        match &error {
            PeopleError::Absent { .. } => Self::new(ProblemKind::NotFound, error.to_string()),
            PeopleError::PassOver { .. } => Self::new(ProblemKind::TooLate, error.to_string()),
            PeopleError::Exists { .. } => Self::new(ProblemKind::AlreadyExists, error.to_string()),
            PeopleError::Changed { .. } => Self::new(ProblemKind::VersionMismatch, error.to_string()),
            PeopleError::InUse { .. } | PeopleError::NotReady { .. } => {
                Self::new(ProblemKind::BrokenReference, error.to_string())
            }
            PeopleError::Full { .. } => Self::new(ProblemKind::QuotaReached, error.to_string()),
            PeopleError::Invalid(invalid) => Self::field(invalid.field.clone(), invalid.problem.clone()),
            PeopleError::Busy => Self::new(ProblemKind::NotAcceptedNow, error.to_string()).retry_after(1),
            _ => internal(&error),
        }
    }
}
