//! Opt-outs of people who said so otherwise than by a message, the end of one with a reason, and what is suppressed
//! (OPT-01 to OPT-03).

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use signalbox_config::catalog::Right;
use signalbox_consent::{AccountId as Account, CampaignId, Channel, Channels, EnterpriseId, Extent, Level};
use signalbox_core::backend::Kind;
use signalbox_core::consent::{By, ConsentChange, Ground, Suppression, Who};
use signalbox_core::exchange::{Command, CommandReply};
use signalbox_core::id::{AccountId, MessageId};
use signalbox_people::{Action, NewConsent};
use utoipa::ToSchema;

use super::caller::Caller;
use super::extract::{JsonBody, QueryOf, timestamp};
use super::operations::{Operation, operation};
use super::page::{Page, PageQuery};
use super::problem::{Problem, ProblemKind};
use super::queue::{Changed, changed};
use super::routing::address;
use super::{Api, mask, peers};
use crate::control::InForce;

/// Longest reason, in octets.
const REASON_MAX: usize = 500;

/// How far an opt-out reaches.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reach {
    /// One campaign.
    Campaign,
    /// All campaigns of an account, and what it submits.
    Account,
    /// All accounts of an enterprise.
    Enterprise,
}

impl Reach {
    fn of_ledger(self) -> signalbox_people::Level {
        match self {
            Self::Campaign => signalbox_people::Level::Campaign,
            Self::Account => signalbox_people::Level::Account,
            Self::Enterprise => signalbox_people::Level::Enterprise,
        }
    }
}

/// A way to reach a person.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// SMS and MMS.
    Text,
    /// Calls.
    Voice,
    /// Mail.
    Email,
}

/// Who opts out, or in again, of what, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuppressionBody {
    /// The device: a number, or an e-mail address. One of this and `client_id`.
    #[serde(default)]
    device: Option<String>,
    /// The client's own id of the person.
    #[serde(default)]
    client_id: Option<String>,
    /// How far it reaches.
    level: Reach,
    /// Name of the campaign, account or enterprise.
    name: String,
    /// From which channels; text messages when there are none.
    #[serde(default)]
    channels: Vec<Way>,
    /// Why: what the person said, and how.
    reason: String,
}

/// Whose opt-outs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuppressionQuery {
    /// The device: a number, or an e-mail address.
    device: String,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    limit: Option<usize>,
}

/// An opt-out in force.
#[derive(Debug, Serialize, ToSchema)]
struct SuppressionInfo {
    /// How far it reaches.
    level: Reach,
    /// Name of the campaign, account or enterprise.
    name: String,
    /// On which channel.
    channel: Way,
    /// `all`, or `marketing` for what is probably an opt-out.
    extent: &'static str,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Option<jiff::Timestamp>,
    /// How it came: `mo`, `script`, `agent` or `api`.
    by: &'static str,
    /// The message that said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<String>,
    /// Who did it and why, where a person did.
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: Box<str>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/v1/suppressions", "suppression.list", "What a device is opted out of", list)
            .right(Right::ContactsRead)
            .query::<SuppressionQuery>()
            .page::<SuppressionInfo>("the opt-outs that are in force")
            .problems(&[ProblemKind::Invalid]),
        operation(
            Method::POST,
            "/v1/suppressions",
            "suppression.create",
            "Opts somebody out: nothing that has not left leaves any more",
            opt_out,
        )
        .right(Right::ContactsWrite)
        .once()
        .body::<SuppressionBody>()
        .answer::<Changed>(200, "1 where that changed something"),
        operation(
            Method::POST,
            "/v1/suppressions/end",
            "suppression.end",
            "Ends an opt-out because the person wants it",
            opt_in,
        )
        .right(Right::ContactsWrite)
        .body::<SuppressionBody>()
        .answer::<Changed>(200, "1 where there was one"),
    ]
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<SuppressionQuery>,
) -> Result<Json<Page<SuppressionInfo>>, Problem> {
    let who = device(&query.device)?;
    let CommandReply::Suppressions(found) = api.gateway().command(Command::Suppressions(who)).await? else {
        return Err(crate::gateway::GatewayError::Mismatched.into());
    };
    let in_force = api.control().in_force();
    let seen = found.into_iter().filter(|row| sees(&in_force, &caller, row.level));
    let page = PageQuery { cursor: query.cursor, limit: query.limit };
    let items = seen.map(|row| info(&in_force, row)).collect();
    let place = |one: &SuppressionInfo| format!("{:?} {} {:?}", one.level, one.name, one.channel);
    Ok(Json(Page::of(&api, &page, items, place)?))
}

async fn opt_out(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<SuppressionBody>,
) -> Result<Json<Changed>, Problem> {
    change(&api, &caller, "suppression.create", body, false).await
}

async fn opt_in(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<SuppressionBody>,
) -> Result<Json<Changed>, Problem> {
    change(&api, &caller, "suppression.end", body, true).await
}

async fn change(
    api: &Api,
    caller: &Caller,
    action: &'static str,
    body: SuppressionBody,
    opt_in: bool,
) -> Result<Json<Changed>, Problem> {
    let reason = reason_of(&body.reason)?;
    let (who, shown) = match (&body.device, &body.client_id) {
        (Some(written), None) => (device(written)?, mask::address(&address("device", written)?, false)),
        (None, Some(id)) if !id.is_empty() => (Who::Client(id.as_str().into()), String::from("by client id")),
        (None, _) => return Err(Problem::field("device", "a device or a client_id is needed")),
        (Some(_), Some(_)) => return Err(Problem::field("client_id", "goes without a device")),
    };
    let (level, account) = level(&api.control().in_force(), caller, body.level, &body.name)?;
    let change = Change {
        who,
        shown,
        reach: body.level,
        level,
        name: body.name,
        account,
        channels: channels_of(&body.channels),
        reason,
        opt_in,
        by: By::Api,
        source: None,
        evidence: None,
    };
    apply(api, caller, action, change).await
}

/// A reason that somebody gives, without what surrounds it.
pub(super) fn reason_of(written: &str) -> Result<String, Problem> {
    let reason = written.trim();
    if reason.is_empty() || reason.len() > REASON_MAX {
        return Err(Problem::field("reason", format!("has 1 to {REASON_MAX} octets")));
    }
    Ok(reason.to_owned())
}

/// Channels that somebody names; text messages when he names none.
pub(super) fn channels_of(ways: &[Way]) -> Channels {
    match ways {
        [] => Channels::one(Channel::Text),
        some => some.iter().map(|way| way.channel()).collect(),
    }
}

/// What is to change, of whom, and why.
pub(super) struct Change {
    pub who: Who,
    /// The same as the audit trail has it.
    pub shown: String,
    pub reach: Reach,
    pub level: Level,
    /// Name of the campaign, account or enterprise.
    pub name: String,
    /// Number of the account in whose name it is, zero for none.
    pub account: u32,
    pub channels: Channels,
    pub reason: String,
    pub opt_in: bool,
    pub by: By,
    /// Our address that the person wrote to.
    pub source: Option<String>,
    /// The message that says so.
    pub evidence: Option<MessageId>,
}

/// Carries out a change that somebody decided for, and puts it into audit trail and ledger.
pub(super) async fn apply(
    api: &Api,
    caller: &Caller,
    action: &'static str,
    change: Change,
) -> Result<Json<Changed>, Problem> {
    let Change { who, shown, reach, level, name, account, channels, reason, opt_in, by, source, evidence } =
        change;
    let detail = json!({ "who": shown, "level": reach, "name": name, "reason": reason });
    api.record(caller, action, detail).await?;
    let said = NewConsent {
        event: format!("api-{:032x}", rand::random::<u128>()),
        account: AccountId(account),
        level: reach.of_ledger(),
        level_id: name,
        subject: match &who {
            Who::Number(number) => number.to_string(),
            Who::Email(text) | Who::Client(text) => text.to_string(),
        },
        action: if opt_in { Action::OptIn } else { Action::OptOut },
        channels: in_ledger(channels),
        at: api.now().wall,
        who: caller.agent().to_owned(),
        how: by.name().to_owned(),
        wording: Some(reason.clone()),
        source,
        evidence: evidence.map(|id| id.to_string()),
    };
    let reason = format!("{}: {reason}", caller.agent()).into();
    let ground = Ground { account, evidence, by, reason };
    let change = ConsentChange { level, who, channels, extent: Extent::All, opt_in, ground };
    let changed = changed(api, Command::ChangeConsent(Box::new(change))).await?;
    // What stops messages comes first; who is told that the ledger failed says it again.
    api.people().record_consent(&said).await?;
    Ok(changed)
}

/// Channels as the ledger has them.
fn in_ledger(channels: Channels) -> signalbox_people::Channels {
    use signalbox_people::Channels as Bits;
    let bits = channels.iter().map(|channel| match channel {
        Channel::Text => Bits::TEXT.0,
        Channel::Voice => Bits::VOICE.0,
        Channel::Email => Bits::EMAIL.0,
    });
    Bits(bits.fold(0, |all, one| all | one))
}

fn device(written: &str) -> Result<Who, Problem> {
    if written.contains('@') {
        return Ok(Who::Email(written.trim().to_lowercase().into()));
    }
    let address = address("device", written)?;
    Who::device(&address).ok_or_else(|| Problem::field("device", "is no international number"))
}

/// The level of these names, and the number of the account that it is of. What an account's token does not see is not
/// there for it, and an enterprise is not its own to decide for.
fn level(in_force: &InForce, caller: &Caller, reach: Reach, name: &str) -> Result<(Level, u32), Problem> {
    let ids = &in_force.snapshot.ids;
    let none = || Problem::field("name", "there is none of this name");
    let own = |account: u32| if caller.sees(Some(AccountId(account))) { Ok(account) } else { Err(none()) };
    match reach {
        Reach::Campaign => {
            let id = ids.of(Kind::Campaign, name).ok_or_else(none)?;
            let account = in_force.policy.consent.campaigns.get(&id).map_or(0, |campaign| campaign.account);
            Ok((Level::Campaign(CampaignId(id)), own(account)?))
        }
        Reach::Account => {
            let account = own(ids.account(name).ok_or_else(none)?.0)?;
            Ok((Level::Account(Account(account)), account))
        }
        Reach::Enterprise => {
            caller.unscoped()?;
            let id = ids.of(Kind::Enterprise, name).ok_or_else(none)?;
            Ok((Level::Enterprise(EnterpriseId(id)), 0))
        }
    }
}

fn sees(in_force: &InForce, caller: &Caller, level: Level) -> bool {
    let Some(own) = &caller.account else { return true };
    let consent = &in_force.policy.consent;
    match level {
        Level::Campaign(id) => consent.campaigns.get(&id.0).is_some_and(|of| of.account == own.id.0),
        Level::Account(id) => id.0 == own.id.0,
        Level::Enterprise(id) => consent.account(own.id).enterprise == id.0,
    }
}

fn info(in_force: &InForce, row: Suppression) -> SuppressionInfo {
    let (level, kind, id) = match row.level {
        Level::Campaign(id) => (Reach::Campaign, Kind::Campaign, id.0),
        Level::Account(id) => (Reach::Account, Kind::Account, id.0),
        Level::Enterprise(id) => (Reach::Enterprise, Kind::Enterprise, id.0),
    };
    SuppressionInfo {
        level,
        name: peers::named(&in_force.snapshot.ids, kind, id),
        channel: Way::of(row.channel),
        extent: match row.extent {
            Extent::All => "all",
            Extent::Marketing => "marketing",
        },
        since: timestamp(row.since),
        by: row.ground.by.name(),
        evidence: row.ground.evidence.map(|id| id.to_string()),
        reason: row.ground.reason,
    }
}

impl Way {
    fn channel(self) -> Channel {
        match self {
            Self::Text => Channel::Text,
            Self::Voice => Channel::Voice,
            Self::Email => Channel::Email,
        }
    }

    fn of(channel: Channel) -> Self {
        match channel {
            Channel::Text => Self::Text,
            Channel::Voice => Self::Voice,
            Channel::Email => Self::Email,
        }
    }
}
