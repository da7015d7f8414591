//! Agents: messages that people answer by hand (TXS-20, KEY-11, KEY-13), the screens they look at, and conversations
//! that they begin (TXS-09).

mod consent;
mod events;
mod queue;
mod texts;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use signalbox_config::catalog::AgentQueue;
use signalbox_core::backend::Kind;
use signalbox_core::id::{AccountId, MessageId};
use signalbox_dialog::{AgentAnswer, AgentRefusal, Seen, Wanted, Work};
use signalbox_people::Scope;
use utoipa::ToSchema;

use super::caller::Caller;
use super::extract::timestamp;
use super::operations::Operation;
use super::problem::{Problem, ProblemKind};
use super::{Api, mask, peers};
use crate::catalog::Snapshot;
use crate::instructions::AgentError;

/// How long an agent has a message when he does not say.
const USUAL: Duration = Duration::from_secs(900);
/// The longest that he may say, in seconds.
const LONGEST: u64 = 8 * 3600;

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = queue::operations();
    operations.extend(texts::operations());
    operations.extend(consent::operations());
    operations.extend(events::operations());
    operations
}

/// A message for agents.
#[derive(Debug, Serialize, ToSchema)]
struct WorkInfo {
    /// Its number, that of the message.
    id: String,
    /// The queue that it is in; `inbound` is the account's own.
    queue: String,
    /// Whose it is; left out when it is nobody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    /// The sub-campaign that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_campaign: Option<String>,
    /// `keyword`, `response`, `default`, `help`, `opt_out`, `likely_opt_out`, `opt_in`; `silence` where a device did not
    /// write, `agent` where an agent began the conversation.
    kind: String,
    /// Why an agent is to see it.
    reason: String,
    /// When it came.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<jiff::Timestamp>,
    /// The device; masked without the right `messages:reveal`.
    device: String,
    /// Our address.
    source_address: String,
    /// What the device wrote; with the right `messages:reveal` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Its place before others, 0 to 100.
    priority: u8,
    /// True when a script or a text of the system answers it, too.
    answered: bool,
    /// The agent who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<String>,
    /// When it goes back into its queue, if nothing is heard of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    held_until: Option<jiff::Timestamp>,
    /// The agent who gave it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned_by: Option<String>,
    /// True where a tester wrote it: it is in no count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// How long an agent is to have a message.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct LeaseBody {
    /// Seconds; 900 when it is not given, 28800 at most.
    seconds: Option<u64>,
}

/// A span that an agent asks for.
fn lease(seconds: Option<u64>) -> Result<Duration, Problem> {
    match seconds {
        None => Ok(USUAL),
        Some(seconds) if (1..=LONGEST).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(Problem::field("seconds", format!("must be from 1 to {LONGEST}"))),
    }
}

/// The number of a message for agents; what is none is nobody's.
fn number(written: &str) -> Result<MessageId, Problem> {
    written.parse().map_err(|_| Problem::no("message for agents", written))
}

/// A queue by its name.
fn queue_named(snapshot: &Snapshot, name: &str) -> Result<u32, Problem> {
    if name == AgentQueue::OWN {
        return Ok(0);
    }
    snapshot.ids.of(Kind::AgentQueue, name).ok_or_else(|| Problem::no("queue", name))
}

fn info(snapshot: &Snapshot, caller: &Caller, work: &Work) -> WorkInfo {
    let whole = caller.reveals();
    let named = snapshot.ids.name(Kind::SubCampaign, work.sub_campaign);
    let rows = &snapshot.rows.sub_campaign;
    let row = named.and_then(|name| rows.iter().find(|row| row.name.as_str() == name));
    let held = work.held.as_ref();
    WorkInfo {
        id: work.id.to_string(),
        queue: snapshot.ids.name(Kind::AgentQueue, work.queue).unwrap_or(AgentQueue::OWN).to_owned(),
        account: (work.account != 0).then(|| peers::account(&snapshot.ids, AccountId(work.account))),
        campaign: row.and_then(|row| row.campaign.as_ref()).map(ToString::to_string),
        sub_campaign: named.map(str::to_owned),
        kind: work.kind.clone(),
        reason: work.reason.clone(),
        at: timestamp(work.at),
        device: mask::address(&work.device, whole),
        source_address: work.source.to_text(),
        text: whole.then(|| work.text.clone()),
        priority: work.priority,
        answered: work.answered,
        held_by: held.map(|held| held.by.clone()),
        held_until: held.and_then(|held| timestamp(held.until)),
        returned_by: work.returned_by.clone(),
        test: work.test,
    }
}

impl Api {
    /// The accounts whose messages for agents a caller sees: of the one that is asked for, else of all (MQ-31).
    fn seen(&self, caller: &Caller, account: Option<&str>) -> Result<Seen, Problem> {
        if account.is_some() {
            return Ok(Seen::Of([self.account_asked(caller, account)?.0].into()));
        }
        Ok(match self.scope(caller) {
            Scope::All => Seen::All,
            Scope::Accounts(accounts) => Seen::Of(accounts.iter().map(|account| account.0).collect()),
        })
    }

    /// Asks the dialog server on behalf of a caller.
    async fn ask_desk(&self, caller: &Caller, seen: Seen, wanted: Wanted) -> Result<AgentAnswer, Problem> {
        let agent = caller.agent().to_owned();
        Ok(self.agents().ask(self.gateway().spine(), agent, seen, wanted).await?)
    }

    /// The number of the device's contact in an account, as the client has it; empty for none.
    async fn client_id_of(&self, account: u32, device: &str) -> Result<String, Problem> {
        let (account, number) = (AccountId(account), format!("+{device}"));
        let scope = Scope::Accounts([account].into());
        let found = self.people().contacts_of_device(&scope, account, &number, 1).await?;
        Ok(found.into_iter().next().map(|contact| contact.client_id).unwrap_or_default())
    }
}

/// Messages of an answer.
fn work(answer: AgentAnswer) -> Result<Vec<Work>, Problem> {
    match answer {
        AgentAnswer::Work(work) => Ok(work),
        AgentAnswer::Conversation(..) | AgentAnswer::Sent { .. } => {
            Err(crate::gateway::GatewayError::Mismatched.into())
        }
    }
}

impl From<AgentError> for Problem {
    fn from(error: AgentError) -> Self {
        let text = error.to_string();
        let refusal = match error {
            AgentError::Refused(refusal) => refusal,
            AgentError::TimedOut => return Self::new(ProblemKind::TimedOut, text),
            AgentError::Stopped => return Self::new(ProblemKind::Unavailable, text).retry_after(5),
        };
        let kind = match &refusal {
            AgentRefusal::Absent | AgentRefusal::NoQueue | AgentRefusal::NoSubCampaign => {
                ProblemKind::NotFound
            }
            AgentRefusal::Held(_) | AgentRefusal::NotTaken => ProblemKind::NotInHand,
            AgentRefusal::Busy | AgentRefusal::Full(_) | AgentRefusal::Refused { temporary: true, .. } => {
                return Self::new(ProblemKind::NotAcceptedNow, text).retry_after(1);
            }
            _ => ProblemKind::MessageRefused,
        };
        Self::new(kind, text)
    }
}
