//! What happens to the dialog server, and what it wants done once the commit stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signalbox_core::address::Address;
use signalbox_core::exchange::{OwnStep, ReplyTo};
use signalbox_core::id::{CarrierId, LinkId, MessageId};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::scope::ContactFacts;
use signalbox_core::time::Micros;
use signalbox_invocation::{
    Channel, Failure, Invocation, Level, Outcome, Side, Value, Version, WebAnswer, WebCall,
};

use crate::ask::{AgentAnswer, AgentAsk, AgentRefusal};
use crate::attempt::{Completion, OfPass};
use crate::route::Why;
use crate::rules::Rules;
use crate::run::{RunId, What, Whose};
use signalbox_core::scope::ConversationId;

/// A message of a device, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mo {
    /// Its id.
    pub id: MessageId,
    /// The device.
    pub device: Address,
    /// Our address.
    pub source: Address,
    /// Its text.
    pub text: String,
    /// The link that brought it; `None` for what a peer submitted.
    pub link: Option<LinkId>,
    /// The device's carrier, as far as it is known (CON-08).
    pub carrier: Option<CarrierId>,
}

/// A first message that somebody wants sent (TXS-03, MQ-26).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Who waits for the answer.
    pub reply: ReplyTo,
    /// The account that asks.
    pub account: u32,
    /// The sub-campaign that it is for.
    pub sub_campaign: u32,
    /// To whom.
    pub device: Address,
    /// The number of its contact, zero for none.
    pub contact: u64,
    /// The client id of its contact, or empty.
    pub client_id: String,
    /// The pass that attempts the contact, zero for none. In one pass a contact is begun once: who asks again is told
    /// of the run that there is.
    pub pass: u64,
    /// When the pass began.
    pub began: Micros,
    /// False asks only whether the pass has begun it.
    pub begins: bool,
    /// Only as a test: a device that is no tester's is refused (MQ-10).
    pub test: bool,
}

/// Why a first message is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartRefusal {
    /// There is no such sub-campaign of the account.
    #[error("the account has no such sub-campaign")]
    NoSubCampaign,
    /// It takes none now.
    #[error("the sub-campaign is not running")]
    NotRunning,
    /// The account has no contract for text messages (ACC-05).
    #[error("the account is not contracted for text messages")]
    NotContracted,
    /// The destination is no number.
    #[error("the device is no number")]
    NoDevice,
    /// It is to be a test, and the device is no tester of the account's.
    #[error("the device is no tester of the account for this program")]
    NoTester,
    /// The pass has not begun it, and does not begin it any more.
    #[error("it is not begun")]
    NotBegun,
    /// As many runs are under way as may be.
    #[error("{0} first messages are under way, the limit")]
    TooMany(usize),
}

/// Whose first texts are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeBack {
    /// A pass's.
    Pass(u64),
    /// Those of a sub-campaign, of all its passes and of none.
    SubCampaign(u32),
}

/// What was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// First messages of which something was: a run, or a text.
    pub contacts: u32,
    /// Texts that were made already.
    pub texts: u32,
    /// There may be more: one turn takes back so many.
    pub more: bool,
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// What it wants.
    pub outcome: Outcome,
    /// The client id of the contact that it was given, or empty.
    pub client_id: String,
    /// What the account has told of that contact.
    pub facts: ContactFacts,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A device wrote.
    Mo(Box<Mo>),
    /// A first message is wanted.
    Start(Box<Start>),
    /// A run ended.
    Ran {
        /// Whose.
        whose: Whose,
        /// Which.
        run: RunId,
        /// With what.
        result: Result<Box<Ran>, Failure>,
    },
    /// A web service answered, or did not.
    Called {
        /// Whose call.
        whose: Whose,
        /// Which.
        run: RunId,
        /// What it said.
        answer: WebAnswer,
    },
    /// A text of a conversation ended.
    Ended {
        /// Its conversation.
        conversation: ConversationId,
        /// The text.
        message: MessageId,
        /// The run that it is of.
        group: RunId,
        /// How it ended.
        outcome: FinalState,
        /// Why.
        reason: Reason,
    },
    /// A first text moved on.
    Moved {
        /// The run that it is of.
        group: RunId,
        /// How far.
        step: OwnStep,
    },
    /// A pass has the ends of these contacts, durably, and will not ask for them again.
    Settled {
        /// Who waits for that to be committed.
        reply: ReplyTo,
        /// The pass.
        pass: u64,
        /// Its contacts.
        contacts: Vec<u64>,
    },
    /// First texts that have not left are to be taken back.
    TakeBack {
        /// Who waits for that to be committed.
        reply: ReplyTo,
        /// Whose.
        of: TakeBack,
    },
    /// A device is to be forgotten as far as an account knows it.
    Erase {
        /// Who waits for that to be committed.
        reply: ReplyTo,
        /// The account.
        account: u32,
        /// The device.
        device: Address,
    },
    /// An agent, or who watches over them, wants something.
    Agent(Box<AgentAsk>),
    /// Records are in the catalog's database.
    Recorded(Vec<MessageId>),
    /// A new version of the rules.
    Rules(Arc<Rules>),
}

/// A run to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Whose.
    pub whose: Whose,
    /// Which.
    pub run: RunId,
    /// What.
    pub what: What,
    /// The program of a fixed text.
    pub program: String,
    /// What it is given; contact and device are filled in by who runs it.
    pub invocation: Invocation,
}

/// A line of the trace history (CON-10, REP-03): a message of a conversation, or what became of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its own number.
    pub id: MessageId,
    /// The message.
    pub message: MessageId,
    /// When.
    pub at: Micros,
    /// Account; zero for an MO that nobody's is.
    pub account: u32,
    /// Sub-campaign; zero for none.
    pub sub_campaign: u32,
    /// Device.
    pub device: Address,
    /// Our address.
    pub source: Address,
    /// What it says.
    pub what: Said,
    /// True for a test: it counts among no results (MQ-10).
    pub test: bool,
}

impl Record {
    /// The record of a row. Those from before there were tests end before their mark.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn decode(row: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(row).or_else(|error| match error {
            postcard::Error::DeserializeUnexpectedEnd => postcard::from_bytes(&[row, &[0]].concat()),
            other => Err(other),
        })
    }
}

/// See [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Said {
    /// A message that came or left.
    Message {
        /// Which way.
        side: Side,
        /// Its text.
        text: String,
        /// The attempt group of an MT.
        group: Option<RunId>,
        /// How the way of an MO was found.
        why: Vec<Why>,
        /// Why an agent is to see it, if one is to.
        flag: Option<String>,
    },
    /// A text that did not come to be: it was filtered before it was queued (REP-02).
    Filtered {
        /// Its text.
        text: String,
        /// The completion status by name.
        status: String,
    },
    /// How a message ended.
    Ended {
        /// By name.
        outcome: String,
        /// By name.
        reason: String,
    },
    /// An attempt of a pass ended (D12).
    Attempt {
        /// Whose.
        of: OfPass,
        /// How.
        completion: Completion,
    },
    /// A device answered to what a pass sent it.
    Replied {
        /// Whose.
        of: OfPass,
    },
    /// A run failed.
    Failed {
        /// The name of the failure.
        name: String,
        /// What it says.
        detail: String,
    },
    /// An agent is to look (TXS-20).
    Flagged {
        /// Why.
        reason: String,
    },
    /// What a script wrote for its author.
    Log(Vec<String>),
    /// Somebody opted out, or in again; for the ledger (OPT-03). Its evidence is the message of the record.
    Consent {
        /// How far it reaches.
        level: Level,
        /// Number of the campaign, account or enterprise.
        of: u32,
        /// The client id; `None` when the device is meant.
        client_id: Option<String>,
        /// From which channels.
        channels: Vec<Channel>,
        /// True to end suppressions.
        opt_in: bool,
        /// How it came: `mo` or `script`.
        by: String,
        /// The words of the device.
        wording: Option<String>,
    },
    /// A text that an agent wrote (TXS-09).
    Agent {
        /// Who.
        agent: String,
        /// The text.
        text: String,
        /// The message that he answers, or the conversation that he began.
        work: MessageId,
    },
    /// What became of a message for agents.
    Work {
        /// Who did it, where somebody did.
        agent: Option<String>,
        /// What, by name.
        did: String,
        /// The queue that it is in then; zero for the account's own.
        queue: u32,
    },
    /// Where an episode of a conversation stands, and its session variables (API-15).
    Episode {
        /// The conversation.
        conversation: ConversationId,
        /// Its episode.
        number: u32,
        /// The version that it stays on.
        version: Version,
        /// The client id of the contact, or empty.
        client_id: String,
        /// Session variables.
        variables: BTreeMap<String, Value>,
        /// True when it is over.
        ended: bool,
    },
}

/// Something changed among the messages for agents; for their screens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkChange {
    /// Its number.
    pub id: MessageId,
    /// Whose.
    pub account: u32,
    /// The queue; zero for the account's own.
    pub queue: u32,
    /// What became of it, by name.
    pub did: &'static str,
    /// Who has it then.
    pub held_by: Option<String>,
}

/// Attempts of a pass that have not come to their end (MT-02).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Their instructions run, or their texts wait for a link.
    pub waiting: u32,
    /// The send gate has them wait, such as for the end of quiet hours.
    pub deferred: u32,
    /// A peer has their texts.
    pub out: u32,
}

/// Something to do once the commit stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Run instructions; their end is an [`Event::Ran`].
    Run(Box<Task>),
    /// Call a web service; its end is an [`Event::Called`].
    Call {
        /// Whose.
        whose: Whose,
        /// Which.
        run: RunId,
        /// On whose behalf.
        account: u32,
        /// How many of this service its conversation makes with it since its device wrote.
        number: u8,
        /// The call.
        call: WebCall,
        /// When an answer comes too late.
        until: Micros,
    },
    /// Answer who asked for a first message.
    Started {
        /// Who.
        to: ReplyTo,
        /// The run, or why there is none.
        result: Result<RunId, StartRefusal>,
    },
    /// Answer an agent.
    Agent {
        /// Who asked.
        to: ReplyTo,
        /// What he gets, or why not.
        result: Result<AgentAnswer, AgentRefusal>,
    },
    /// Tell agents' screens.
    Work(WorkChange),
    /// Tell who waits that the ends of contacts are settled.
    Settled {
        /// Who.
        to: ReplyTo,
    },
    /// Tell who waits what was taken back.
    TakenBack {
        /// Who.
        to: ReplyTo,
        /// What.
        taken: TakenBack,
    },
    /// Tell who waits that a device is forgotten.
    Erased {
        /// Who.
        to: ReplyTo,
    },
    /// Put a record into the catalog's database; then it is an [`Event::Recorded`].
    Record(Box<Record>),
}

/// What a metric or a log wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An MO found its way.
    Routed {
        /// Its kind by name.
        kind: &'static str,
        /// True when nobody is there for it.
        unmatched: bool,
        /// True for a test.
        test: bool,
    },
    /// A run ended.
    Ran {
        /// `ok`, or the name of the failure.
        end: &'static str,
        /// Since the message that it answers was accepted.
        waited: Option<Duration>,
        /// True for a test.
        test: bool,
    },
    /// A text was handed to the exchange, or not taken.
    Sent {
        /// `queued`, or the name of the reason.
        end: String,
        /// True for a test.
        test: bool,
    },
    /// A bound was hit (rule 5).
    Limit {
        /// Which.
        what: &'static str,
    },
    /// How many messages there are for agents, tests apart.
    Work {
        /// Those that wait.
        waiting: usize,
        /// Those in the hands of agents.
        held: usize,
        /// When the oldest of those that wait came.
        oldest: Option<Micros>,
    },
    /// A row could not be read.
    RowDamaged {
        /// What is wrong.
        why: String,
    },
}
