//! Tokens of the HTTP API.

use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Name, TokenDigest};

choices! {
    /// What a token lets do.
    pub enum Right {
        /// Submit messages for its account.
        MessagesSend = "messages:send",
        /// Query messages; those of its account, where it has one.
        MessagesRead = "messages:read",
        /// See whole numbers and texts.
        MessagesReveal = "messages:reveal",
        /// Cancel messages.
        MessagesCancel = "messages:cancel",
        /// Search, hold, release, reroute, purge and retry what waits.
        QueueOperate = "queue:operate",
        /// See accounts, links, routes and policies, without their secrets.
        CatalogRead = "catalog:read",
        /// Change them.
        CatalogWrite = "catalog:write",
        /// See the state of links and sessions.
        LinksRead = "links:read",
        /// Switch links and accounts on and off.
        LinksOperate = "links:operate",
        /// See counters and alarms.
        CountersRead = "counters:read",
        /// Acknowledge alarms and change white lists.
        CountersOperate = "counters:operate",
        /// See contacts, devices, lists and what passed with them.
        ContactsRead = "contacts:read",
        /// Change contacts and lists, and upload files of them.
        ContactsWrite = "contacts:write",
        /// Erase people for good.
        ContactsErase = "contacts:erase",
        /// See the messages that wait for agents, and which agent has which.
        AgentsRead = "agents:read",
        /// Work as an agent: take messages, answer, finish and hand them on, opt people out and in, begin conversations.
        AgentsWork = "agents:work",
        /// Read entries of participation campaigns out of the queue, to judge them on another host.
        ParticipationsJudge = "participations:judge",
        /// Look numbers up and explain routes.
        NumbersRead = "numbers:read",
        /// Read the audit trail.
        AuditRead = "audit:read",
    }
}

settings! {
    /// A token of the HTTP API and what it lets do.
    pub struct Token agrees {
        /// Name in the audit trail.
        name: Name => "operator",
        /// The token, at least 16 characters; or `sha256:` and its SHA-256 in hexadecimal. It is kept as that only.
        secret: TokenDigest => "sha256:3c9683017f9e4bf33d0fbedd26bf143fd72de9b9dd145441b75f0604047ea28e",
        /// False refuses it.
        enabled: bool = true,
        /// The person whose it is: it lets do no more than they may, and sees what they see (ACC-08).
        user: Option<Name> => "ann",
        /// What it lets do.
        rights: Vec<Right> => ["catalog:read", "links:read"],
        /// The account that it sends for; it sees its rows and those of all accounts below it. All rows when neither
        /// this nor `enterprise` is set.
        account: Option<Name> => "demo",
        /// The enterprise whose rows it sees and writes, with those of all below it (MQ-31).
        enterprise: Option<Name> => "example-corp",
        /// Up to when.
        expires: Option<jiff::Timestamp> => "2027-12-31T23:59:59Z",
    }
}

impl Agreement for Token {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.rights.is_empty() {
            problems.conflict(at, "rights", "must name at least one right");
        }
        if self.account.is_some() && self.enterprise.is_some() {
            problems.conflict(at, "enterprise", "cannot be set beside account");
        }
        if self.user.is_some() && (self.account.is_some() || self.enterprise.is_some()) {
            problems.conflict(at, "user", "cannot be set beside account or enterprise: they are the user's");
        }
        let sends = self.rights.contains(&Right::MessagesSend);
        if sends && self.account.is_none() && self.user.is_none() {
            problems.conflict(at, "rights", "messages:send needs an account");
        }
    }
}
