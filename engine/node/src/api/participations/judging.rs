//! How a campaign's judging stands: what waits, and since when and why it does.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::Serialize;
use signalbox_config::catalog::Right;
use utoipa::ToSchema;

use super::judged_here;
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{PathName, timestamp};
use crate::api::operations::{Operation, operation};
use crate::api::problem::{Problem, ProblemKind};

/// How a campaign's judging stands.
#[derive(Debug, Serialize, ToSchema)]
struct JudgingInfo {
    /// The campaign.
    name: String,
    /// `judging`, or `failing` while its database cannot be used: entries are taken and wait.
    state: &'static str,
    /// Entries by form and API that are durable and have no verdict yet, beside those that just came.
    waiting: u64,
    /// Since when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<jiff::Timestamp>,
    /// Tries that failed since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    tries: Option<u64>,
    /// Why the last one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/participations/{name}/judging",
            "participation.judging",
            "Whether entries of a participation campaign are judged, and what waits for it",
            judging,
        )
        .right(Right::CatalogRead)
        .tenants()
        .answer::<JudgingInfo>(200, "how it stands")
        .problems(&[ProblemKind::NotFound]),
    ]
}

async fn judging(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<Json<JudgingInfo>, Problem> {
    judged_here(&api, &caller, &name)?;
    let standing = api.0.participations.standing();
    let (waiting, failing) = (standing.waiting(&name), standing.failing(&name));
    let state = if failing.is_some() { "failing" } else { "judging" };
    Ok(Json(JudgingInfo {
        name,
        state,
        waiting,
        since: failing.as_ref().and_then(|failing| timestamp(failing.since)),
        tries: failing.as_ref().map(|failing| failing.tries),
        reason: failing.map(|failing| failing.reason),
    }))
}
