//! Queues of messages that agents answer (KEY-13, TXS-20).

use std::collections::HashSet;

use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, KeywordText, Name, Text};

choices! {
    /// What is done with a message that enters the account's queue and begins with a watched keyword.
    pub enum QueueAction {
        /// It goes to this queue.
        Move = "move",
        /// It goes to this queue and comes before all others there.
        First = "first",
        /// No agent is shown it; the history keeps it.
        Archive = "archive",
    }
}

settings! {
    /// A named part of an account's queue of messages for agents. What nothing leads elsewhere waits in the account's
    /// queue itself, which needs no row.
    pub struct AgentQueue agrees {
        /// Name in the API, sub-campaigns and history.
        name: Name => "billing",
        /// The account whose it is.
        account: Name => "demo",
        /// What people call it.
        title: Option<Text<1, 200>> => "Bills and refunds",
        /// Priority of what waits in it; higher comes first. As the sub-campaign of the message says when it is not set.
        priority: Option<Count<0, 100>> => 70,
        /// Keywords that messages are watched for when they enter the account's queue (KEY-13).
        watch: Vec<QueueWatch>,
    }
}

settings! {
    /// A keyword that messages for agents are watched for, and what is done with those that begin with it.
    pub struct QueueWatch {
        /// The words; case and accents do not count. Of several that fit the longest counts.
        keyword: KeywordText => "refund",
        /// The source address on which it is watched for; all that the account's messages come to when it is not set.
        source_address: Option<Name> => "us-70650",
        /// What is done.
        action: QueueAction = "move",
    }
}

impl AgentQueue {
    /// What an account's queue itself is called, which has no row.
    pub const OWN: &'static str = "inbound";
}

impl Agreement for AgentQueue {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.name.as_str() == Self::OWN {
            problems.conflict(at, "name", "is what an account's queue itself is called");
        }
        let mut seen = HashSet::new();
        if self
            .watch
            .iter()
            .any(|watch| !seen.insert((watch.keyword.folded(), watch.source_address.as_ref())))
        {
            problems.conflict(at, "watch", "names a keyword twice");
        }
    }
}
