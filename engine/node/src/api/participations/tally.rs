//! What counts, now or as soon as it changes (CM-13).

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use signalbox_backends::participation::DrawError;
use signalbox_config::catalog::Right;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{behind, judged_here};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{PathName, QueryOf};
use crate::api::operations::{Operation, RequestHeader, operation};
use crate::api::problem::{Problem, ProblemKind};

/// A change is waited for so long at most, so that proxies do not give up before.
const LONGEST: u32 = 25;
/// Between two looks at a tally that changes all the time.
const PACE: Duration = Duration::from_millis(500);
/// A tally that nobody tells of is looked at this often: another host may judge its entries.
const LOOK: Duration = Duration::from_secs(2);

/// What counts so far, or for ever.
#[derive(Debug, Serialize, ToSchema)]
struct TallyInfo {
    /// The campaign.
    name: String,
    /// Where it is in its life.
    state: &'static str,
    /// All submissions.
    submissions: u64,
    /// Those with each value of enumerated fields and of numbers.
    rows: Vec<TallyRowInfo>,
    /// Votes that do not count.
    rejected: Vec<RejectedInfo>,
}

/// How often a value was chosen.
#[derive(Debug, Serialize, ToSchema)]
struct TallyRowInfo {
    /// The field.
    field: String,
    /// Its value.
    value: String,
    /// Submissions with it.
    submissions: u64,
    /// The sum of their weights.
    weight: u64,
}

/// How many votes do not count.
#[derive(Debug, Serialize, ToSchema)]
struct RejectedInfo {
    /// Why.
    code: &'static str,
    /// How many.
    votes: u64,
}

/// How long a change is waited for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TallyQuery {
    /// With `If-None-Match`: seconds that the answer may wait for another tally, 25 at most.
    wait: Option<u32>,
    /// The tally of what testers sent, which counts nowhere; without `rejected`.
    #[serde(default)]
    test: bool,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/participations/{name}/tally",
            "participation.tally",
            "What counts in a participation campaign so far, or for ever; with its ETag and `wait`, as soon as it changes",
            tally,
        )
        .right(Right::CatalogRead)
        .tenants()
        .query::<TallyQuery>()
        .header(RequestHeader::Known)
        .answer::<TallyInfo>(200, "the tally")
        .with("ETag")
        .unchanged("it is as it was")
        .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        operation(
            Method::POST,
            "/v1/participations/{name}/forget-tests",
            "participation.forget_tests",
            "Forgets what testers sent to a participation campaign: limits and codes are theirs anew",
            forget,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .nothing("they are forgotten")
        .problems(&[ProblemKind::NotFound]),
    ]
}

async fn forget(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<StatusCode, Problem> {
    judged_here(&api, &caller, &name)?;
    let campaigns = api.0.participations.campaigns().clone();
    behind(move || campaigns.forget_tests(&name)).await??;
    Ok(StatusCode::NO_CONTENT)
}

async fn tally(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    QueryOf(query): QueryOf<TallyQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wait = query.wait.unwrap_or(0);
    if wait > LONGEST {
        return Err(Problem::field("wait", format!("must be at most {LONGEST} seconds")));
    }
    let known = headers.get(IF_NONE_MATCH).and_then(|tag| tag.to_str().ok()).map(str::trim);
    // Those who wait are bounded; who finds no place is answered at once.
    let place = if wait > 0 { api.0.watchers.clone().try_acquire_owned().ok() } else { None };
    let until = Instant::now() + Duration::from_secs(u64::from(if place.is_some() { wait } else { 0 }));
    let mut judged = api.0.judged.watch();
    loop {
        // The campaign, or the right to see it, may be gone by the next look.
        judged_here(&api, &caller, &name)?;
        judged.borrow_and_update();
        let info = read(&api, name.clone(), query.test).await?;
        let tag = info.tag();
        if known != Some(tag.as_str()) {
            let headers = [(ETAG, tag), (CACHE_CONTROL, "no-cache".to_owned())];
            return Ok((headers, Json(info)).into_response());
        }
        let now = Instant::now();
        if now >= until {
            return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
        }
        let look = until.min(now + LOOK);
        // Woken or not, it looks again.
        let _ = tokio::time::timeout_at(look, judged.changed()).await;
        tokio::time::sleep_until(look.min(now + PACE)).await;
    }
}

/// The tally as it is now.
async fn read(api: &Api, name: String, test: bool) -> Result<TallyInfo, Problem> {
    let campaigns = api.0.participations.campaigns().clone();
    let read = behind(move || -> Result<TallyInfo, DrawError> {
        let (tally, rejected) = match test {
            true => (campaigns.test_tally(&name)?, Vec::new()),
            false => (campaigns.tally(&name)?, campaigns.rejected(&name)?),
        };
        let state = campaigns.state(&name)?.as_str();
        let row = |row: signalbox_participation::TallyRow| TallyRowInfo {
            field: row.field,
            value: row.value,
            submissions: row.submissions,
            weight: row.weight,
        };
        let rejected =
            rejected.into_iter().map(|(code, votes)| RejectedInfo { code: code.as_str(), votes }).collect();
        let rows = tally.rows.into_iter().map(row).collect();
        Ok(TallyInfo { name, state, submissions: tally.submissions, rows, rejected })
    });
    Ok(read.await??)
}

impl TallyInfo {
    /// Another one with each entry that is judged, and with each state.
    fn tag(&self) -> String {
        let rejected: u64 = self.rejected.iter().map(|rejected| rejected.votes).sum();
        format!("\"{}-{}-{rejected}\"", self.state, self.submissions)
    }
}
