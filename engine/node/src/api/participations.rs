//! Participation campaigns: entries over HTTP, results, draws and codes (CM-02, CM-13, CM-15, CM-16).

mod codes;
mod entries;
mod export;
mod judging;
mod tally;

pub(in crate::api) use codes::List;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use rand::Rng;
use serde::{Deserialize, Serialize};
use signalbox_backends::participation::DrawError;
use signalbox_config::catalog::{Participation, ParticipationState, Right};
use signalbox_participation::{EntryId, Seed};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, JsonBody, PathName, timestamp};
use super::mask;
use super::operations::{Operation, operation};
use super::problem::{Problem, ProblemKind, internal};
use super::rows::{View, find};

/// Winners of one draw at most.
const MOST_WINNERS: u32 = 100_000;

/// A draw that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DrawBody {
    /// How many winners.
    winners: u32,
    /// 64 hexadecimal digits that decide the draw; random ones where they are not given.
    seed: Option<String>,
    /// Draws only among submissions with the value `value` of this field.
    field: Option<String>,
    /// The value.
    value: Option<String>,
}

/// A draw, so that whoever has the export can check it.
#[derive(Debug, Serialize, ToSchema)]
struct DrawInfo {
    /// When it was drawn.
    #[schema(value_type = String, format = DateTime)]
    drawn_at: jiff::Timestamp,
    /// What decided it.
    seed: String,
    /// Submissions that took part.
    tickets: u64,
    /// Who was drawn, the first first.
    drawn: Vec<WinnerInfo>,
}

/// Who was drawn.
#[derive(Debug, Serialize, ToSchema)]
struct WinnerInfo {
    /// The entry.
    entry: String,
    /// Which of its votes, from 0.
    vote: u32,
    /// Whose it is.
    participant: String,
}

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = vec![
        operation(
            Method::POST,
            "/v1/participations/{name}/close",
            "participation.close",
            "Ends a participation campaign: nothing counts that comes from now on",
            close,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .nothing("it is closed")
        .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        operation(
            Method::POST,
            "/v1/participations/{name}/draw",
            "participation.draw",
            "Draws winners of a participation campaign that is over",
            draw,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .once()
        .body::<DrawBody>()
        .answer::<DrawInfo>(200, "the draw, which is written down")
        .problems(&[ProblemKind::NotFound, ProblemKind::TooLate]),
    ];
    operations.extend(tally::operations());
    operations.extend(entries::operations());
    operations.extend(export::operations());
    operations.extend(judging::operations());
    operations.extend(codes::operations());
    operations
}

/// The name of a campaign that the caller owns.
fn owned(api: &Api, caller: &Caller, name: &str) -> Result<Participation, Problem> {
    let in_force = api.control().in_force();
    let view = View::of(caller, &in_force.snapshot);
    let row = find::<Participation>(&in_force.snapshot, name).filter(|row| view.owns(*row));
    row.cloned().ok_or_else(|| Problem::no("participation", name))
}

/// The same where its entries are judged: there its database is.
fn judged_here(api: &Api, caller: &Caller, name: &str) -> Result<Participation, Problem> {
    let row = owned(api, caller, name)?;
    match api.0.reception.queue() {
        None => Ok(row),
        Some(_) => Err(Problem::new(ProblemKind::NotFound, "its entries are judged on another host")),
    }
}

/// Does what blocks on the disk.
async fn behind<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| internal(&error))
}

async fn close(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<StatusCode, Problem> {
    owned(&api, &caller, &name)?;
    api.change_row::<Participation>(&caller, &name, Condition::Exists, |row| {
        row.state = ParticipationState::Closed;
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn draw(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    JsonBody(body): JsonBody<DrawBody>,
) -> Result<Json<DrawInfo>, Problem> {
    let row = judged_here(&api, &caller, &name)?;
    if body.winners == 0 || body.winners > MOST_WINNERS {
        return Err(Problem::field("winners", format!("must be 1 to {MOST_WINNERS}")));
    }
    let seed = match &body.seed {
        Some(text) => text.parse().map_err(|problem: &str| Problem::field("seed", problem))?,
        None => Seed(rand::rng().random()),
    };
    let only = match (body.field, body.value) {
        (Some(field), Some(_)) if !row.extraction.iter().any(|rule| rule.field.as_str() == field) => {
            return Err(Problem::field("field", format!("no rule of extraction gives `{field}`")));
        }
        (Some(field), Some(value)) => Some((field, value)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(Problem::field("value", "`field` and `value` go together"));
        }
    };
    let (now, campaigns) = (timestamp(api.now().wall), api.0.participations.campaigns().clone());
    let drawn = behind(move || {
        let only = only.as_ref().map(|(field, value)| (field.as_str(), value.as_str()));
        campaigns.draw(&name, seed, body.winners as usize, only, now.unwrap_or_default())
    });
    let record = drawn.await??;
    let whole = caller.reveals();
    let winner = |(entry, vote, participant): (EntryId, u32, String)| WinnerInfo {
        entry: entry.to_string(),
        vote,
        participant: mask::text(&participant, whole),
    };
    Ok(Json(DrawInfo {
        drawn_at: record.drawn_at,
        seed: record.seed,
        tickets: record.tickets,
        drawn: record.drawn.into_iter().map(winner).collect(),
    }))
}

impl From<DrawError> for Problem {
    fn from(error: DrawError) -> Self {
        match &error {
            DrawError::Unknown(_) => Self::new(ProblemKind::NotFound, error.to_string()),
            DrawError::NotOver(_) => Self::new(ProblemKind::TooLate, error.to_string()),
            DrawError::Store(_) | DrawError::NotOpen(_) => internal(&error),
        }
    }
}
