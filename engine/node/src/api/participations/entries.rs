//! Entries over HTTP (CM-02, CM-03): each is written as it came, durably, before it is judged like any other.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_config::catalog::{EntryChannel, Right};
use signalbox_participation::{Channel, EntryId, MAX_TEXT, Outcome, RawEntry, Reply, Verdict};
use utoipa::ToSchema;

use super::{behind, judged_here, owned};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{JsonBody, PathName, PathPair, timestamp};
use crate::api::operations::{Operation, operation};
use crate::api::problem::{Problem, ProblemKind};
use crate::intake::NotTaken;
use crate::participation::text_for;

/// Characters of an address or of the id of an entry at most.
const MOST_NAME: usize = 254;
/// A verdict is waited for so long; the entry has it later then.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// Whether it has a verdict; if not, it will, for it is durable.
    judged: bool,
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

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::POST,
            "/v1/participations/{name}/entries",
            "participation.enter",
            "Takes an entry; the answer says that it is durable, and what became of it where that is known by then",
            enter,
        )
        .right(Right::MessagesSend)
        .tenants()
        .once()
        .body::<EntryBody>()
        .answer::<EntryInfo>(202, "it is durable")
        .problems(&[ProblemKind::NotFound, ProblemKind::NotAcceptedNow]),
        operation(
            Method::GET,
            "/v1/participations/{name}/entries/{entry}",
            "participation.entry",
            "What became of an entry",
            verdict,
        )
        .right(Right::MessagesSend)
        .tenants()
        .answer::<EntryInfo>(200, "its verdict")
        .problems(&[ProblemKind::NotFound]),
    ]
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
    let (now, text) = (api.now().wall, text_for(point, &body.text));
    let entry = RawEntry {
        id: id_of(&name, body.id.as_deref()),
        channel,
        from: body.from,
        to: name.clone(),
        text,
        carrier: None,
        received_at: timestamp(now).unwrap_or_default(),
        smsc_at: None,
    };
    let id = entry.id;
    let verdict = api.0.reception.ask(&name, entry, PATIENCE).await.map_err(|error| match error {
        NotTaken::Later => Problem::new(ProblemKind::NotAcceptedNow, error.to_string()).retry_after(1),
        NotTaken::TooLong => Problem::field("text", error.to_string()),
    })?;
    Ok((StatusCode::ACCEPTED, Json(EntryInfo::of(id, verdict))))
}

async fn verdict(
    State(api): State<Api>,
    caller: Caller,
    PathPair(name, entry): PathPair,
) -> Result<Json<EntryInfo>, Problem> {
    judged_here(&api, &caller, &name)?;
    let none = || Problem::no("entry with a verdict", &entry);
    let id = u128::from_str_radix(&entry, 16).map(EntryId).map_err(|_| none())?;
    let campaigns = api.0.participations.campaigns().clone();
    let found = behind(move || campaigns.verdict(&name, id)).await??.ok_or_else(none)?;
    Ok(Json(EntryInfo::of(id, Some(found))))
}

impl EntryInfo {
    fn of(entry: EntryId, verdict: Option<Verdict>) -> Self {
        let entry = entry.to_string();
        let Some(verdict) = verdict else {
            return Self {
                entry,
                judged: false,
                accepted: false,
                submissions: 0,
                rejected: None,
                prizes: Vec::new(),
                reply: None,
            };
        };
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
        Self { entry, judged: true, accepted: submissions > 0, submissions, rejected, prizes, reply }
    }
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
