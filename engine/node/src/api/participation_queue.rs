//! The queue of entries for a host that judges them (CM-16, ACC-09): it reads behind its place, keeps what it read, and
//! then lets go of it here. What it did not let go of is read again.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::Right;
use signalbox_participation::{Participant, RawEntry, Verdict};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{JsonBody, QueryOf};
use super::operations::{Operation, operation};
use super::problem::{Problem, ProblemKind, internal};
use crate::intake::Queue;

/// Entries of one answer at most.
const MOST: u32 = 1_000;
/// Entries are waited for so long at most, so that proxies do not give up before.
const LONGEST: u32 = 25;
/// Participants and verdicts of one request at most.
const MANY: usize = 1_000;

/// From where, how many, and how long the answer may wait.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EntryQueueQuery {
    /// Entries behind this place; those from the first on without it.
    after: Option<i64>,
    /// Entries at most: 1 to 1,000.
    limit: Option<u32>,
    /// Seconds that the answer may wait for an entry, 25 at most.
    wait: Option<u32>,
}

/// Entries that wait to be judged.
#[derive(Debug, Serialize, ToSchema)]
struct EntryQueueInfo {
    /// Which queue it is: places are its own.
    queue: String,
    /// The last place that it ever gave; a reader whose place is beyond it begins anew.
    last: i64,
    /// The first entries behind the place, in the order in which they came.
    entries: Vec<EntryPlaceInfo>,
}

/// An entry that waits.
#[derive(Debug, Serialize, ToSchema)]
struct EntryPlaceInfo {
    /// Its place.
    place: i64,
    /// The entry as it came; its id is a number of 128 bits.
    #[schema(value_type = Object)]
    entry: RawEntry,
}

/// What a reader keeps for itself now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EntryReleaseBody {
    /// The queue, as it was read.
    queue: String,
    /// The last place that the reader keeps durably.
    through: i64,
}

/// Verdicts for those who wait for them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EntryVerdictsBody {
    /// The verdicts, 1,000 at most.
    #[schema(value_type = Vec<Object>)]
    verdicts: Vec<Verdict>,
}

/// Who is asked about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EntryBarredBody {
    /// The account of the campaign.
    account: String,
    /// Participants, 1,000 at most.
    participants: Vec<String>,
}

/// Who has opted out.
#[derive(Debug, Serialize, ToSchema)]
struct EntryBarredInfo {
    /// Whether each of the participants has, in their order.
    barred: Vec<bool>,
}

pub(super) fn operations() -> Vec<Operation> {
    let of = |operation: Operation| {
        operation.right(Right::ParticipationsJudge).problems(&[ProblemKind::NotFound, ProblemKind::Invalid])
    };
    vec![
        of(operation(
            Method::GET,
            "/v1/participation-queue",
            "participation_queue.read",
            "Entries of participation campaigns that wait for another host to judge them",
            read,
        ))
        .query::<EntryQueueQuery>()
        .answer::<EntryQueueInfo>(200, "the first ones; none when none came in time"),
        of(operation(
            Method::POST,
            "/v1/participation-queue/release",
            "participation_queue.release",
            "Lets go of entries that the host that judges keeps durably",
            release,
        ))
        .body::<EntryReleaseBody>()
        .nothing("they are gone here"),
        of(operation(
            Method::POST,
            "/v1/participation-queue/verdicts",
            "participation_queue.verdicts",
            "Tells those who wait for them what became of entries",
            verdicts,
        ))
        .body::<EntryVerdictsBody>()
        .nothing("they are told"),
        of(operation(
            Method::POST,
            "/v1/participation-queue/barred",
            "participation_queue.barred",
            "Who of some participants has opted out of an account's messages",
            barred,
        ))
        .body::<EntryBarredBody>()
        .answer::<EntryBarredInfo>(200, "whether each has"),
    ]
}

/// The queue, for a caller that may have all of it.
fn queue<'a>(api: &'a Api, caller: &Caller) -> Result<&'a Queue, Problem> {
    caller.unscoped()?;
    let none = || Problem::new(ProblemKind::NotFound, "entries are judged by this node itself");
    api.0.reception.queue().ok_or_else(none)
}

async fn read(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<EntryQueueQuery>,
) -> Result<Json<EntryQueueInfo>, Problem> {
    let (after, limit, wait) =
        (query.after.unwrap_or(0), query.limit.unwrap_or(MOST), query.wait.unwrap_or(0));
    if limit == 0 || limit > MOST {
        return Err(Problem::field("limit", format!("must be 1 to {MOST}")));
    }
    if wait > LONGEST {
        return Err(Problem::field("wait", format!("must be at most {LONGEST} seconds")));
    }
    let until = Instant::now() + Duration::from_secs(u64::from(wait));
    let queue = queue(&api, &caller)?;
    let mut came = queue.watch();
    loop {
        came.borrow_and_update();
        let page = queue.read(after, limit as usize).await.map_err(|error| internal(&error))?;
        if !page.entries.is_empty() || page.last < after || Instant::now() >= until {
            let placed = |(place, entry)| EntryPlaceInfo { place, entry };
            let entries = page.entries.into_iter().map(placed).collect();
            return Ok(Json(EntryQueueInfo { queue: page.queue, last: page.last, entries }));
        }
        // Woken or not, it looks again.
        let _ = tokio::time::timeout_at(until, came.changed()).await;
    }
}

async fn release(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<EntryReleaseBody>,
) -> Result<StatusCode, Problem> {
    let queue = queue(&api, &caller)?;
    let is_of = queue.release(&body.queue, body.through).await.map_err(|error| internal(&error))?;
    if !is_of {
        return Err(Problem::field("queue", "is another one"));
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn verdicts(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<EntryVerdictsBody>,
) -> Result<StatusCode, Problem> {
    queue(&api, &caller)?;
    if body.verdicts.len() > MANY {
        return Err(Problem::field("verdicts", format!("must be at most {MANY}")));
    }
    api.0.reception.told(body.verdicts);
    Ok(StatusCode::NO_CONTENT)
}

async fn barred(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<EntryBarredBody>,
) -> Result<Json<EntryBarredInfo>, Problem> {
    queue(&api, &caller)?;
    if body.participants.len() > MANY {
        return Err(Problem::field("participants", format!("must be at most {MANY}")));
    }
    let participants: Vec<Participant> = body.participants.iter().map(|name| Participant::of(name)).collect();
    let barred = api.0.participations.barred(&body.account, &participants).await;
    let barred = barred
        .map_err(|error| Problem::new(ProblemKind::NotAcceptedNow, error.to_string()).retry_after(1))?;
    Ok(Json(EntryBarredInfo { barred }))
}
