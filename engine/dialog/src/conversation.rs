//! The messages between one device and one of our addresses, and where they stand (MT-07, D13).

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_core::address::Address;
use signalbox_core::id::MessageId;
use signalbox_core::scope::{ContactFacts, ConversationId, Purpose};
use signalbox_core::time::Micros;
use signalbox_invocation::{Side, Value, Version, WebCall};

use crate::attempt::OfPass;
use crate::run::{Pending, Run, RunId};

/// First octet of a row.
const FORMAT: u8 = 6;

/// A message of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Its id.
    pub id: MessageId,
    /// Which way it went.
    pub side: Side,
    /// When it came or was handed to the exchange.
    pub at: Micros,
    /// Its text, cut at the limit.
    pub text: String,
    /// The sub-campaign that handled or sent it.
    pub sub_campaign: u32,
    /// The keyword that it is, folded.
    pub keyword: Option<String>,
}

/// Until when a message of the device is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The instant after which it is too late.
    pub until: Micros,
    /// The method or step that is run then; empty: the conversation ends.
    pub then: String,
}

/// A text that the exchange had no room for, and that is offered again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The run that wants it.
    pub run: RunId,
    /// For what it is.
    pub purpose: Purpose,
    /// The sub-campaign.
    pub sub_campaign: u32,
    /// The message that it answers.
    pub answers: Option<MessageId>,
    /// The client id of the contact, or empty.
    pub client_id: String,
    /// What the account has told of that contact.
    pub facts: ContactFacts,
    /// Number of the source address.
    pub address: u32,
    /// The source address.
    pub source: Address,
    /// Its program.
    pub program: String,
    /// What it says.
    pub text: String,
    /// Until when it is offered.
    pub until: Micros,
    /// True for a test (MQ-10).
    pub test: bool,
}

/// Where a conversation stood before a first message that has not reached the device yet. If it never does, it stands
/// there again: a text that was not delivered makes nobody the owner (D5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// The run of the first message.
    pub run: RunId,
    /// Its texts that may reach the device yet: with the exchange, and held.
    pub texts: Vec<MessageId>,
    /// See [`Conversation::owner`].
    pub owner: Option<u32>,
    /// See [`Conversation::version`].
    pub version: Option<Version>,
    /// See [`Conversation::variables`].
    pub variables: BTreeMap<String, Value>,
    /// See [`Conversation::position`].
    pub position: String,
    /// See [`Conversation::expected`].
    pub expected: Option<Expected>,
    /// See [`Conversation::pass`].
    pub pass: Option<OfPass>,
    /// See [`Conversation::test`].
    pub test: bool,
}

impl Before {
    /// There was nothing.
    #[must_use]
    pub fn nothing(run: RunId) -> Self {
        Self {
            run,
            texts: Vec::new(),
            owner: None,
            version: None,
            variables: BTreeMap::new(),
            position: String::new(),
            expected: None,
            pass: None,
            test: false,
        }
    }
}

/// All that is kept of the messages between one device and one of our addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The device.
    pub device: Address,
    /// Our address.
    pub source: Address,
    /// How often it began anew (MT-01, KEY-05).
    pub episode: u32,
    /// The sub-campaign of the latest message to the device (D5); `None` before the first.
    pub owner: Option<u32>,
    /// The version of the instructions that this episode stays on until its end; a flow that remembers its end stays on
    /// it for good (MQ-29).
    pub version: Option<Version>,
    /// Session variables (API-13).
    pub variables: BTreeMap<String, Value>,
    /// Where a flow stands.
    pub position: String,
    /// The last messages, oldest first.
    pub history: VecDeque<Past>,
    /// Messages that wait for the run to end.
    pub waiting: VecDeque<Pending>,
    /// The run that is under way.
    pub run: Option<Run>,
    /// Web services that are still to be called.
    pub calls: VecDeque<WebCall>,
    /// What is waited for.
    pub expected: Option<Expected>,
    /// The earliest instant for which a timer row is in the store.
    pub timer: Option<Micros>,
    /// How often each web service was called since the last message of the device.
    pub made: BTreeMap<String, u8>,
    /// Texts that the exchange had no room for, in their order.
    pub held: VecDeque<Offered>,
    /// When they are offered again.
    pub offers: Option<Micros>,
    /// What a first message put aside that may yet come to nothing.
    pub before: Option<Box<Before>>,
    /// The pass that began this episode (API-01).
    pub pass: Option<OfPass>,
    /// The device has answered to it.
    pub replied: bool,
    /// The number of our address in the catalog, zero while it is not known: short codes of two countries may have the
    /// same digits.
    pub address: u32,
    /// The fixed reply of a sub-campaign without instructions that was in force when it began: the answer that is waited
    /// for gets this one, whatever the row says meanwhile (MQ-29).
    pub reply: Option<String>,
    /// This episode is a test, from its beginning to its end: nothing of it counts (MQ-10).
    pub test: bool,
}

/// A row that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// It has another format.
    #[error("format {0:?} is not known")]
    Format(Option<u8>),
    /// It is damaged.
    #[error("damaged: {0}")]
    Damaged(#[from] postcard::Error),
}

impl Conversation {
    /// One that has not begun.
    #[must_use]
    pub fn new(device: Address, source: Address) -> Self {
        Self {
            device,
            source,
            episode: 0,
            owner: None,
            version: None,
            variables: BTreeMap::new(),
            position: String::new(),
            history: VecDeque::new(),
            waiting: VecDeque::new(),
            run: None,
            calls: VecDeque::new(),
            expected: None,
            timer: None,
            made: BTreeMap::new(),
            held: VecDeque::new(),
            offers: None,
            before: None,
            pass: None,
            replied: false,
            address: 0,
            reply: None,
            test: false,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> ConversationId {
        ConversationId::of(&self.device, &self.source)
    }

    /// Begins anew for a sub-campaign. What an earlier episode of the same one left stays, so that a survey can be gone
    /// on with (TXS-12); another's is not its business.
    pub fn begin(&mut self, owner: u32, version: Option<Version>, test: bool) {
        self.episode = self.episode.wrapping_add(1);
        if self.owner != Some(owner) {
            self.variables.clear();
            self.position.clear();
        }
        if self.version.map(|version| version.script) != version.map(|version| version.script) {
            // Steps of one script mean nothing to another.
            self.position.clear();
        }
        self.owner = Some(owner);
        self.version = version;
        self.calls.clear();
        self.expected = None;
        self.made.clear();
        self.before = None;
        self.pass = None;
        self.replied = false;
        self.reply = None;
        self.test = test;
    }

    /// Where it stands, to go back to if the first message of a run does not reach the device.
    #[must_use]
    pub fn standing(&self, run: RunId) -> Box<Before> {
        Box::new(Before {
            run,
            texts: Vec::new(),
            owner: self.owner,
            version: self.version,
            variables: self.variables.clone(),
            position: self.position.clone(),
            expected: self.expected.clone(),
            pass: self.pass,
            test: self.test,
        })
    }

    /// The exchange has a text of a run. One that is not of the first message's owns the conversation, whatever becomes
    /// of that.
    pub fn handed_over(&mut self, run: RunId, message: MessageId) {
        match &mut self.before {
            Some(before) if before.run == run => before.texts.push(message),
            other => *other = None,
        }
    }

    /// Goes back to where it stood if nothing of the first message can reach the device any more. What runs meanwhile
    /// ends first: it may send something that does.
    pub fn go_back(&mut self) {
        if self.run.is_some() {
            return;
        }
        let run = match &self.before {
            Some(before) if before.texts.is_empty() => before.run,
            Some(_) | None => return,
        };
        if self.held.iter().any(|held| held.run == run) {
            return;
        }
        let Some(before) = self.before.take() else { return };
        self.owner = before.owner;
        self.version = before.version;
        self.variables = before.variables;
        self.position = before.position;
        self.expected = before.expected;
        self.pass = before.pass;
        self.reply = None;
        self.test = before.test;
        self.calls.clear();
    }

    /// True while it is under way with a sub-campaign: what its instructions began they finish (MQ-29).
    #[must_use]
    pub fn is_open_with(&self, sub_campaign: u32) -> bool {
        let waits = self.expected.is_some() || self.run.is_some();
        self.owner == Some(sub_campaign) && self.version.is_some() && waits
    }

    /// The reply that it began with, while an answer to it is waited for.
    #[must_use]
    pub fn kept_reply(&self, sub_campaign: u32) -> Option<&str> {
        let waits = self.owner == Some(sub_campaign) && self.version.is_none() && self.expected.is_some();
        self.reply.as_deref().filter(|_| waits)
    }

    /// True while another sub-campaign would take the device's next message for its own: its answer is waited for
    /// (MQ-28).
    #[must_use]
    pub fn is_taken_from(&self, sub_campaign: u32, now: Micros) -> bool {
        let waits = self.expected.as_ref().is_some_and(|expected| expected.until > now);
        self.owner.is_some_and(|owner| owner != sub_campaign) && (waits || self.run.is_some())
    }

    /// Ends the episode: the next message of the device is still a response to the owner (KEY-08).
    pub fn end(&mut self) {
        self.variables.remove(NEXT_ACTION);
        self.position.clear();
        self.version = None;
        self.calls.clear();
        self.expected = None;
        self.reply = None;
    }

    /// Remembers a message.
    pub fn remember(&mut self, mut past: Past, most: usize, text: usize) {
        if past.text.len() > text {
            let end = (0..=text).rev().find(|at| past.text.is_char_boundary(*at)).unwrap_or(0);
            past.text.truncate(end);
        }
        self.history.push_back(past);
        while self.history.len() > most {
            self.history.pop_front();
        }
    }

    /// True while an episode of a sub-campaign is open: instructions have not ended, or an answer is waited for.
    #[must_use]
    pub fn goes_on_with(&self, sub_campaign: u32) -> bool {
        let open = self.version.is_some() || self.expected.is_some() || self.run.is_some();
        self.owner == Some(sub_campaign) && open
    }

    /// True when no run, call or message is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.run.is_none() && self.calls.is_empty() && self.waiting.is_empty() && self.held.is_empty()
    }

    /// When something is due that only time brings.
    #[must_use]
    pub fn due(&self) -> Option<Micros> {
        let run = self.run.as_ref().map(|run| run.until);
        let expected = self.expected.as_ref().filter(|_| self.run.is_none()).map(|expected| expected.until);
        run.into_iter().chain(expected).chain(self.offers).min()
    }

    /// The row.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let row = vec![FORMAT];
        postcard::to_extend(self, row).expect("a vector takes any number of octets").into()
    }

    /// The conversation of a row.
    ///
    /// # Errors
    /// When the row is damaged or of another format.
    pub fn decode(row: &[u8]) -> Result<Self, RowError> {
        match row.split_first() {
            Some((&FORMAT, rest)) => Ok(postcard::from_bytes(rest)?),
            other => Err(RowError::Format(other.map(|(format, _)| *format))),
        }
    }
}

/// The session variable that names the method for the next message (TXS-08).
pub const NEXT_ACTION: &str = "nextAction";
