//! One run of instructions from its commit to the commit of what it wants.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use signalbox_core::id::MessageId;
use signalbox_core::scope::{ConversationId, Purpose};
use signalbox_core::time::Micros;
use signalbox_invocation::{Entry, Version, WebAnswer};

use crate::conversation::Past;

/// Number of a run, unique for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub MessageId);

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Instructions, from an entry.
    Instructions {
        /// Which.
        version: Version,
        /// Where they begin.
        entry: Entry,
    },
    /// A fixed text, whose fields are filled in (OPT-05).
    Text {
        /// The text with its fields in braces.
        text: String,
    },
    /// The message is an entry of a participation campaign, and the campaign's reply its answer (CM-02, CM-11).
    Participation {
        /// The campaign's number.
        campaign: u32,
        /// The number of the source address that the message came to.
        source_address: u32,
    },
}

/// A web service that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// The service.
    pub service: String,
    /// What is run with its answer.
    pub then: String,
}

/// A run, or a call of a web service, that was begun and whose end is not committed. It is part of the conversation's
/// state: after a crash it is begun again, with the same time and seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// For which sub-campaign.
    pub sub_campaign: u32,
    /// What is run; `None` while a web service is waited for.
    pub what: Option<What>,
    /// What is waited for.
    pub calling: Option<Calling>,
    /// For what.
    pub purpose: Purpose,
    /// The message that it answers.
    pub message: Option<Past>,
    /// The answer that it is run for.
    pub answer: Option<WebAnswer>,
    /// True when a wait ran out.
    pub timed_out: bool,
    /// The instant that it sees.
    pub at: Micros,
    /// What its random numbers are made from.
    pub seed: u64,
    /// How often it was begun.
    pub tries: u8,
    /// When it is begun again, if nothing came of it.
    pub until: Micros,
    /// True for a test: what it wants is marked so and counts nowhere (MQ-10).
    pub test: bool,
}

impl Run {
    /// How long the message that it answers has waited.
    #[must_use]
    pub fn waited(&self, now: Micros) -> Option<Duration> {
        self.message.as_ref().map(|message| now.since(message.at))
    }
}

/// Who answers a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handling {
    /// The instructions of its sub-campaign.
    Instructions {
        /// True when the conversation begins anew with it (KEY-05).
        begins: bool,
    },
    /// A fixed text.
    Text(String),
    /// Nobody but, perhaps, an agent.
    Nobody,
}

/// A message that waits for a run to end. How it was understood when it came is part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The message.
    pub message: Past,
    /// For what its answer is.
    pub purpose: Purpose,
    /// Who answers it.
    pub handling: Handling,
}

/// Whose run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Whose {
    /// A conversation's.
    Conversation(ConversationId),
    /// That of the first message to a device, before its source address is known.
    Start(RunId),
}
