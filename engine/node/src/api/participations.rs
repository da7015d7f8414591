//! Participation campaigns: entries over HTTP, results, draws and codes (CM-02, CM-13, CM-15, CM-16).

mod codes;
mod export;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_backends::participation::DrawError;
use signalbox_config::catalog::{EntryChannel, Participation, ParticipationState, Right};
use signalbox_participation::{Channel, EntryId, MAX_TEXT, Outcome, RawEntry, Reply, Seed};
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
/// Characters of an address or of the id of an entry at most.
const MOST_NAME: usize = 254;

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

/// An entry that came by a form or from another system.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EntryBody {
    /// Who takes part: a number with its country code, or an address of another kind.
    from: String,
    /// What was sent, with or without the keyword.
    text: String,
    /// `http` (the default) or `web`.
    channel: Option<String>,
    /// The sender's own id of the entry: the same one again has the verdict that it had.
    id: Option<String>,
}

/// What became of an entry.
#[derive(Debug, Serialize, ToSchema)]
struct EntryInfo {
    /// Its id in exports.
    entry: String,
    /// Whether it counts.
    accepted: bool,
    /// Submissions that it became.
    submissions: u32,
    /// Why it, or the first of its votes that does not count, does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<&'static str>,
    /// Prizes won at once.
    prizes: Vec<String>,
    /// The campaign's answer, for the one who took part.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
}

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
            Method::GET,
            "/v1/participations/{name}/tally",
            "participation.tally",
            "What counts in a participation campaign so far, or for ever",
            tally,
        )
        .right(Right::CatalogRead)
        .tenants()
        .answer::<TallyInfo>(200, "the tally")
        .problems(&[ProblemKind::NotFound]),
        operation(
            Method::POST,
            "/v1/participations/{name}/entries",
            "participation.enter",
            "Takes an entry; the answer says that its verdict is durable",
            enter,
        )
        .right(Right::MessagesSend)
        .tenants()
        .body::<EntryBody>()
        .answer::<EntryInfo>(202, "it has its verdict")
        .problems(&[ProblemKind::NotFound, ProblemKind::NotAcceptedNow]),
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
        .body::<DrawBody>()
        .answer::<DrawInfo>(200, "the draw, which is written down")
        .problems(&[ProblemKind::NotFound, ProblemKind::TooLate]),
    ];
    operations.extend(export::operations());
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

/// Does what blocks on the disk.
async fn behind<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| internal(&error))
}

async fn tally(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<Json<TallyInfo>, Problem> {
    owned(&api, &caller, &name)?;
    let campaigns = api.0.participations.campaigns().clone();
    let read = behind(move || -> Result<TallyInfo, DrawError> {
        let (tally, rejected) = (campaigns.tally(&name)?, campaigns.rejected(&name)?);
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
    Ok(Json(read.await??))
}

async fn enter(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    JsonBody(body): JsonBody<EntryBody>,
) -> Result<(StatusCode, Json<EntryInfo>), Problem> {
    let row = owned(&api, &caller, &name)?;
    let (channel, of_row) = match body.channel.as_deref() {
        None | Some("http") => (Channel::Http, EntryChannel::Http),
        Some("web") => (Channel::Web, EntryChannel::Web),
        Some(_) => return Err(Problem::field("channel", "must be `http` or `web`")),
    };
    let point = row.entry_points.iter().find(|point| point.channel == of_row);
    let Some(point) = point else {
        let detail = format!("`{name}` has no entry point of {of_row}");
        return Err(Problem::field("channel", detail));
    };
    if body.from.trim().is_empty() || body.from.len() > MOST_NAME {
        return Err(Problem::field("from", format!("must have 1 to {MOST_NAME} octets")));
    }
    if body.text.len() > MAX_TEXT {
        return Err(Problem::field("text", format!("must have at most {MAX_TEXT} octets")));
    }
    if body.id.as_ref().is_some_and(|id| id.is_empty() || id.len() > MOST_NAME) {
        return Err(Problem::field("id", format!("must have 1 to {MOST_NAME} octets")));
    }
    let now = api.now().wall;
    let entry = RawEntry {
        id: id_of(&name, body.id.as_deref()),
        channel,
        from: body.from,
        to: point.source_address.as_ref().map(ToString::to_string).unwrap_or_default(),
        text: body.text,
        carrier: None,
        received_at: timestamp(now).unwrap_or_default(),
        smsc_at: None,
    };
    let verdict = api.0.entries.enter(&name, entry).await.ok_or_else(|| {
        Problem::new(ProblemKind::NotAcceptedNow, "the node is about to stop").retry_after(1)
    })?;
    let (submissions, rejected, prizes) = match verdict.outcome {
        Outcome::Accepted { submissions, refused, prizes } => {
            (submissions, refused.map(|refused| refused.code.as_str()), prizes)
        }
        Outcome::Rejected(code) => (0, Some(code.as_str()), Vec::new()),
    };
    let reply = match verdict.reply {
        Reply::Text(text) => Some(text),
        Reply::None(_) => None,
    };
    let entry = verdict.entry.to_string();
    let info = EntryInfo { entry, accepted: submissions > 0, submissions, rejected, prizes, reply };
    Ok((StatusCode::ACCEPTED, Json(info)))
}

/// The id of an entry: random, or made of the sender's own.
fn id_of(campaign: &str, own: Option<&str>) -> EntryId {
    let Some(own) = own else { return EntryId(rand::rng().random()) };
    let mut hash = Sha256::new();
    // Names of campaigns have no zero octet.
    hash.update(campaign.as_bytes());
    hash.update([0]);
    hash.update(own.as_bytes());
    let digest = hash.finalize();
    EntryId(digest.iter().take(16).fold(0, |id, octet| id << 8 | u128::from(*octet)))
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
    owned(&api, &caller, &name)?;
    if body.winners == 0 || body.winners > MOST_WINNERS {
        return Err(Problem::field("winners", format!("must be 1 to {MOST_WINNERS}")));
    }
    let seed = match &body.seed {
        Some(text) => text.parse().map_err(|problem: &str| Problem::field("seed", problem))?,
        None => Seed(rand::rng().random()),
    };
    let only = match (body.field, body.value) {
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
            DrawError::Store(_) => internal(&error),
        }
    }
}
