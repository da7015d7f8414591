//! Campaigns and what runs in them (CAM-01, CAM-02, CAM-09).

use std::collections::HashMap;

use super::Catalog;
use super::enterprise::{Channel, OptOutLevel};
use super::program::{PoolPolicy, check_span};
use crate::error::{ConfigError, ConfigErrors, Problem};
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, FieldText, Name, Period, Prose, Text};

choices! {
    /// How conversations of a sub-campaign begin.
    pub enum SubCampaignKind {
        /// With a message of a device.
        Inbound = "inbound",
        /// With a message to a device.
        Outbound = "outbound",
    }
}

choices! {
    /// Where a sub-campaign is in its life.
    pub enum SubCampaignState {
        /// It is being made, and does nothing.
        Draft = "draft",
        /// It talks to testers alone, and nothing of it is counted or charged.
        Testing = "testing",
        /// It was tested and may be scheduled or begun; until then it talks to testers.
        Approved = "approved",
        /// It works from its first instant on.
        Scheduled = "scheduled",
        /// It works.
        Running = "running",
        /// It begins nothing new and answers nobody; opt-outs hold all the same.
        Paused = "paused",
        /// It is over.
        Ended = "ended",
        /// It is over and kept for the records: it does not change any more.
        Archived = "archived",
        /// It was called off.
        Cancelled = "cancelled",
    }
}

impl SubCampaignState {
    /// The states that it may come to next (MQ-29). What has not begun may go back to what is before; what has ended
    /// never begins again.
    #[must_use]
    pub const fn leads_to(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Testing, Self::Cancelled],
            Self::Testing => &[Self::Draft, Self::Approved, Self::Cancelled],
            Self::Approved => &[Self::Draft, Self::Testing, Self::Scheduled, Self::Running, Self::Cancelled],
            Self::Scheduled => {
                &[Self::Draft, Self::Approved, Self::Running, Self::Paused, Self::Ended, Self::Cancelled]
            }
            Self::Running => &[Self::Paused, Self::Ended, Self::Cancelled],
            Self::Paused => &[Self::Running, Self::Ended, Self::Cancelled],
            Self::Ended | Self::Cancelled => &[Self::Archived],
            Self::Archived => &[],
        }
    }

    /// Whether it has not come to life yet: at most testers talk to it, and its keywords are theirs alone (MQ-10).
    #[must_use]
    pub const fn is_before_life(self) -> bool {
        match self {
            Self::Draft | Self::Testing | Self::Approved => true,
            Self::Scheduled
            | Self::Running
            | Self::Paused
            | Self::Ended
            | Self::Archived
            | Self::Cancelled => false,
        }
    }

    /// Whether anybody talks to it, be they testers: then it must have what it takes.
    #[must_use]
    pub const fn works(self) -> bool {
        match self {
            Self::Testing | Self::Approved | Self::Scheduled | Self::Running => true,
            Self::Draft | Self::Paused | Self::Ended | Self::Archived | Self::Cancelled => false,
        }
    }
}

choices! {
    /// Which messages of devices agents are shown (KEY-11, TXS-20).
    pub enum AgentFlag {
        /// None, but for what a script flags.
        Script = "script",
        /// Those that nothing answered.
        Unanswered = "unanswered",
        /// All.
        All = "all",
    }
}

choices! {
    /// What a first message does when each address that it may go out on waits for the device's answer to another
    /// sub-campaign.
    pub enum WhenBusy {
        /// It goes out all the same; the device's answer is its own from then on.
        Share = "share",
        /// It waits until one is free, up to the conversation timeout.
        Wait = "wait",
        /// It is not sent, with the status `address_busy`.
        Expire = "expire",
    }
}

settings! {
    /// A series of sub-campaigns with what they have in common (CAM-01).
    pub struct Campaign {
        /// Name in sub-campaigns, opt-outs and reports.
        name: Name => "service",
        /// The account whose it is.
        account: Name => "demo",
        /// What it is.
        description: Prose<0, 4000> = "",
        /// Ways to reach devices that its sub-campaigns may use.
        channels: Vec<Channel> = ["text"],
        /// How far a plain STOP reaches; as the account says when it is not set.
        opt_out_level: Option<OptOutLevel> => "campaign",
        /// Priority of its sub-campaigns that say nothing else; higher comes first.
        priority: Count<0, 100> = 50,
    }
}

settings! {
    /// Conversations of one kind: their script, addresses, time and texts.
    pub struct SubCampaign agrees {
        /// Name in keywords, CDRs, traces and reports.
        name: Name => "balance-in",
        /// The account whose it is.
        account: Name => "demo",
        /// The campaign that it belongs to; its opt-outs may reach so far.
        campaign: Option<Name> => "service",
        /// How its conversations begin.
        kind: SubCampaignKind => "inbound",
        /// Where it is in its life.
        state: SubCampaignState = "draft",
        /// What talks: one of a script and fixed replies.
        instructions: Instructions,
        /// The only address that it sends from; one of the pool of the program when it is not set.
        source_address: Option<Name> => "us-70650",
        /// The programs that its messages belong to; a message that names none belongs to the first.
        programs: Vec<Name> => ["balance"],
        /// How one of several addresses is chosen; as the program says when it is not set.
        pool: Option<PoolPolicy> => "sticky",
        /// From when on it runs.
        from: Option<jiff::Timestamp> => "2026-01-01T00:00:00Z",
        /// Up to when.
        to: Option<jiff::Timestamp> => "2028-01-01T00:00:00Z",
        /// Texts of the system, each with fields of the contact and variables.
        texts: SubCampaignTexts,
        /// Fields of lists and variables that its texts may embed, beside those that every contact has. Where it is
        /// empty any may be one.
        fields: Vec<Text<1, 64>> => ["city", "amount_due"],
        /// Its place before others; higher comes first. As the campaign says when it is not set (CAM-10).
        priority: Option<Count<0, 100>> => 50,
        /// A conversation ends after so long without a message (decision: 24 hours).
        conversation_timeout: Period = "24h",
        /// Which messages of devices agents are shown.
        agents: AgentFlag = "script",
        /// The part of the account's queue that its messages for agents wait in; the account's queue itself when it is
        /// not set.
        agent_queue: Option<Name> => "billing",
        /// How far a plain STOP reaches; as the campaign or the account says when it is not set (decision D8).
        opt_out_level: Option<OptOutLevel> => "account",
        /// What a first message does when each address that it may go out on waits for the device's answer to another
        /// sub-campaign; a free one is taken first in any case.
        when_busy: WhenBusy = "share",
        /// Its first messages advertise: quiet hours, caps and do-not-call lists for marketing hold for them. What only
        /// informs, such as a fraud alert, sets it to false.
        marketing: bool = true,
    }
}

settings! {
    /// What talks in a sub-campaign.
    pub struct Instructions agrees {
        /// A script.
        script: Option<Name> => "balance",
        /// Its version, for good; else the one that is published when a conversation begins.
        version: Option<Count<1, 1_000_000>> => 3,
        /// The answer to every message that is neither help nor opt-out.
        reply: Option<FieldText<1600>> => "Thank you, {first_name}.",
    }
}

settings! {
    /// Texts of the system in a sub-campaign. Where one is not set, the program's is sent, or none.
    pub struct SubCampaignTexts {
        /// Answers a message that comes before it begins.
        not_started: Option<FieldText<1600>> => "We have not opened yet.",
        /// Answers a message that comes after it ended.
        ended: Option<FieldText<1600>> => "This service has ended.",
        /// Answers HELP.
        help: Option<FieldText<1600>> => "Example Bank. Help: 1 555 0100. STOP to end.",
        /// Answers STOP, once (OPT-05).
        opt_out: Option<FieldText<1600>> => "You get no more texts from Example Bank.",
        /// Answers START after an opt-out.
        opt_in: Option<FieldText<1600>> => "You get texts from Example Bank again.",
        /// Answers when the script failed.
        failure: Option<FieldText<1600>> => "Something went wrong. Please try again later.",
    }
}

impl Agreement for SubCampaign {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        check_span(self.from, self.to, at, problems);
        let works = self.state.works();
        if self.state == SubCampaignState::Scheduled && self.from.is_none() {
            problems.conflict(at, "state", "scheduled needs `from`, the instant at which it begins");
        }
        let told = &self.instructions;
        // What waits for agents alone needs no instructions.
        if works && told.script.is_none() && told.reply.is_none() && self.agents != AgentFlag::All {
            problems.conflict(
                at,
                "state",
                format!("{} needs a script, a reply, or agents = \"all\"", self.state),
            );
        }
        if works && self.kind == SubCampaignKind::Outbound && self.programs.is_empty() {
            problems.conflict(at, "programs", "must name at least one program");
        }
        let declared: Vec<&str> = self.fields.iter().map(|field| field.as_str()).collect();
        for (table, key, text) in self.stated() {
            for unknown in text.iter().flat_map(|text| text.unknown_fields(&declared)) {
                match at.key(table) {
                    Some(table) => problems.conflict(&table, key, unknown),
                    None => problems.conflict(at, table, unknown),
                }
            }
        }
    }
}

impl SubCampaign {
    /// Its texts, each with table and key (TXS-16).
    fn stated(&self) -> [(&'static str, &'static str, &Option<FieldText<1600>>); 7] {
        let texts = &self.texts;
        [
            ("instructions", "reply", &self.instructions.reply),
            ("texts", "not_started", &texts.not_started),
            ("texts", "ended", &texts.ended),
            ("texts", "help", &texts.help),
            ("texts", "opt_out", &texts.opt_out),
            ("texts", "opt_in", &texts.opt_in),
            ("texts", "failure", &texts.failure),
        ]
    }
}

impl Agreement for Instructions {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.script.is_some() && self.reply.is_some() {
            problems.conflict(at, "reply", "cannot be set beside script");
        }
        if self.version.is_some() && self.script.is_none() {
            problems.conflict(at, "version", "needs a script");
        }
    }
}

impl Catalog {
    /// Checks that sub-campaigns which are there go from state to state as they may (MQ-29), and that archived ones stay
    /// as they are. One that is new may be in any state: it comes from a file, or from another system.
    ///
    /// # Errors
    /// Every step that there is not.
    pub fn check_lives(&self, before: &Self) -> Result<(), ConfigErrors> {
        let old: HashMap<&Name, &SubCampaign> =
            before.sub_campaign.iter().map(|row| (&row.name, row)).collect();
        let mut errors = Vec::new();
        for new in &self.sub_campaign {
            let Some(old) = old.get(&new.name).copied() else { continue };
            let wrong = if old.state == SubCampaignState::Archived && new != old {
                "is archived, and stays as it is".to_owned()
            } else if old.state == new.state || old.state.leads_to().contains(&new.state) {
                continue;
            } else {
                let ways: Vec<&str> = old.state.leads_to().iter().map(|state| state.as_str()).collect();
                format!("goes from {} to {}, not to {}", old.state, ways.join(", "), new.state)
            };
            errors.push(ConfigError {
                file: "catalog".to_owned(),
                place: None,
                key: format!("sub_campaign `{}`", new.name),
                problem: Problem::Conflict(wrong),
            });
        }
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
    }
}
