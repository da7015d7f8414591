//! What devices write: its way, what it changes at once, and who answers it.

use std::sync::Arc;

use signalbox_core::time::Micros;
use signalbox_invocation::{Channel, Entry, Level, Side};

use super::{Dialog, Here, Told};
use crate::conversation::{Conversation, Past};
use crate::event::{Mo, Note, Said};
use crate::port::{Consent, Rows};
use crate::route::{Kind, Message, Route, route};
use crate::rules::{Instructions, Standing, SubCampaignRule, Texts};
use crate::run::{Handling, Pending, Run, What};
use signalbox_core::scope::ConversationId;
use signalbox_core::scope::Purpose;

impl Dialog {
    pub(super) fn mo(&mut self, here: &mut Here<'_>, mo: Mo) {
        let id = ConversationId::of(&mo.device, &mo.source);
        let mut conversation = self.take(here, &mo.device, &mo.source);
        let route = route(&self.rules, &Message::of(&mo), Some(&conversation), here.now.wall);
        conversation.address = route.address.unwrap_or(conversation.address);
        let sub = route.sub_campaign.and_then(|id| self.rules.sub_campaign(id)).cloned();
        let keyword = match &route.kind {
            Kind::Keyword(keyword) => Some(keyword.clone()),
            Kind::OptOut { .. } | Kind::OptIn | Kind::Help | Kind::Response | Kind::Other => None,
        };
        // What begins anew is a test or not by the rules of now.
        let anew = keyword.is_some();
        let test = sub.as_ref().is_some_and(|sub| match anew {
            true => self.rules.is_tester(mo.device.key(), sub, here.now.wall),
            false => self.is_test(&conversation, sub, here.now.wall),
        });
        if self.rules.testers.knows(mo.device.key()) {
            here.port.mark_test(mo.id, test);
        }
        let answer = sub.as_ref().map(|sub| {
            let fallback = self.default_texts(route.address, sub);
            let usual = handling_of(&route, sub, fallback.as_deref().map(|sub| &sub.texts));
            finishing(&route, &conversation, sub, usual)
        });
        let (purpose, mut handling) = answer.unwrap_or((Purpose::Answer, Handling::Nobody));
        // While an agent has the conversation nothing else answers, but to words of consent and to what begins anew.
        let agents = sub.as_ref().is_some_and(|sub| self.desk.holder(id, sub.id).is_some());
        let agents = agents && purpose == Purpose::Answer && keyword.is_none();
        if agents {
            handling = Handling::Nobody;
        }
        let silent = purpose == Purpose::Answer && handling == Handling::Nobody;
        let unanswered = sub.as_ref().is_some_and(|sub| sub.flags_unanswered) && silent;
        let flag = if agents { Some("agent_has_it") } else { flag_of(&route, sub.as_deref()) };
        let flag = flag.or(unanswered.then_some("unanswered"));
        let told = Told {
            account: sub.as_ref().map_or(0, |sub| sub.account),
            sub_campaign: sub.as_ref().map_or(0, |sub| sub.id),
            device: &mo.device,
            source: &mo.source,
            message: Some(mo.id),
            test,
        };
        let said = Said::Message {
            side: Side::Mo,
            text: mo.text.clone(),
            group: None,
            why: route.trace.clone(),
            flag: flag.map(str::to_owned),
        };
        self.record(here, told, said);
        self.note(Note::Routed { kind: name_of(&route.kind), unmatched: sub.is_none(), test });
        // Who begins something else has not answered.
        if !matches!(route.kind, Kind::Keyword(_)) || route.sub_campaign == conversation.owner {
            self.replied(here, told, &mut conversation);
        }
        // STOP wins (rule 7): it holds from this commit on, whatever is under way.
        self.consent_of(here, &mo, &route, sub.as_deref(), test);
        let (side, at) = (Side::Mo, here.now.wall);
        let sub_campaign = sub.as_ref().map_or(0, |sub| sub.id);
        let message = Past { id: mo.id, side, at, text: mo.text, sub_campaign, keyword };
        if let Some(reason) = flag {
            let kind = (name_of(&route.kind), reason);
            let answered = handling != Handling::Nobody;
            let mut work = self.work_for(&message, (&mo.device, &mo.source), sub.as_deref(), kind, answered);
            work.test = test;
            self.show_agent(here, conversation.address, work);
        }
        if sub.is_some() {
            conversation.made.clear();
            if conversation.waiting.len() >= self.rules.limits.waiting {
                // The exchange asks before it takes a message; this is for what it had taken already.
                self.note(Note::Limit { what: "messages_that_wait_for_a_run" });
            }
            conversation.waiting.push_back(Pending { message, purpose, handling });
            if conversation.run.is_none() {
                self.next(here, id, &mut conversation);
            }
        }
        self.put(here, id, conversation);
    }

    /// Tells the pass that began the conversation that its device writes, once.
    fn replied(&mut self, here: &mut Here<'_>, told: Told<'_>, conversation: &mut Conversation) {
        if let Some(of) = conversation.pass.filter(|_| !conversation.replied) {
            conversation.replied = true;
            let test = conversation.test;
            self.record(here, Told { test, ..told }, Said::Replied { of });
        }
    }

    /// The default sub-campaign of an address: what it says to STOP, HELP and START is said where a sub-campaign of the
    /// same account has no text of its own. Another account's words are not said in its name.
    pub(super) fn default_texts(
        &self,
        address: Option<u32>,
        sub: &SubCampaignRule,
    ) -> Option<Arc<SubCampaignRule>> {
        let default = self.rules.sub_campaign(self.rules.address(address?)?.default_inbound?)?;
        (default.account == sub.account && default.id != sub.id).then(|| default.clone())
    }

    /// What the message says of consent, if it does.
    fn consent_of(
        &mut self,
        here: &mut Here<'_>,
        mo: &Mo,
        route: &Route,
        sub: Option<&SubCampaignRule>,
        test: bool,
    ) {
        let opt_in = match &route.kind {
            Kind::OptOut { .. } => false,
            Kind::OptIn => true,
            Kind::Help | Kind::Keyword(_) | Kind::Response | Kind::Other => return,
        };
        let account = sub.map(|sub| sub.account).or_else(|| self.rules.address(route.address?)?.account);
        // Whoever owns the address that is told to stop has to; where nobody does, nobody writes from it either.
        let Some(account) = account else { return };
        let Some(rule) = self.rules.accounts.get(&account) else { return };
        let campaign = sub.map_or(0, |sub| sub.campaign);
        let enterprise = rule.enterprise;
        let number = |level: Level| match level {
            Level::Campaign => campaign,
            Level::Account => account,
            Level::Enterprise => enterprise,
        };
        // START ends what STOP began, at each level that it may have had.
        let levels: &[Level] =
            match (opt_in, sub.and_then(|sub| sub.opt_out_level).unwrap_or(rule.opt_out_level)) {
                (true, _) => &[Level::Campaign, Level::Account, Level::Enterprise],
                (false, Level::Campaign) if campaign != 0 => &[Level::Campaign],
                (false, Level::Campaign | Level::Account) => &[Level::Account],
                (false, Level::Enterprise) => &[Level::Enterprise],
            };
        for level in levels.iter().copied().filter(|level| number(*level) != 0) {
            let change = Consent {
                device: mo.device.clone(),
                client_id: None,
                level,
                of: number(level),
                account,
                channels: vec![Channel::Text],
                opt_in,
                evidence: Some(mo.id),
                by: "mo",
            };
            let told = Told {
                account,
                sub_campaign: sub.map_or(0, |sub| sub.id),
                device: &mo.device,
                source: &mo.source,
                message: Some(mo.id),
                test,
            };
            self.change_consent(here, told, change, Some(&mo.text));
        }
    }

    /// Takes up the next message that waits, or the next call. A first message of which nothing is taken has begun
    /// nothing (D5).
    pub(super) fn next(&mut self, here: &mut Here<'_>, id: ConversationId, conversation: &mut Conversation) {
        conversation.run = None;
        conversation.go_back();
        if !conversation.calls.is_empty() {
            return self.next_call(here, id, conversation);
        }
        while let Some(pending) = conversation.waiting.pop_front() {
            let limits = self.rules.limits;
            conversation.remember(pending.message.clone(), limits.history, limits.history_text);
            if let Some(run) = self.run_for(here, id, conversation, pending) {
                return self.begin_run(here, id, conversation, run);
            }
        }
    }

    /// The run that answers a message, if something is to answer it.
    fn run_for(
        &mut self,
        here: &mut Here<'_>,
        id: ConversationId,
        conversation: &mut Conversation,
        pending: Pending,
    ) -> Option<Run> {
        let Pending { message, purpose, handling } = pending;
        let sub = self.rules.sub_campaign(message.sub_campaign)?.clone();
        let now = here.now.wall;
        let mut test = self.is_test(conversation, &sub, now);
        let what = match handling {
            Handling::Nobody => return None,
            Handling::Text(text) => {
                let standing = sub.standing(now, test);
                let replies = sub.instructions == Instructions::Texts && standing == Standing::Open;
                // Who begins something with fixed texts goes on with that (KEY-08, D5).
                if replies && purpose == Purpose::Answer && message.keyword.is_some() {
                    self.episode_over(here, conversation);
                    test = self.anew(conversation, &sub, now);
                    conversation.begin(sub.id, None, test);
                }
                What::Text { text }
            }
            Handling::Instructions { begins } => {
                let goes_on = !begins && conversation.owner == Some(sub.id);
                // What is open stays on its version, whatever the sub-campaign says meanwhile (MQ-29).
                let stays = conversation.version.filter(|_| goes_on);
                let version = match sub.instructions {
                    Instructions::Version(version) => {
                        let tested = sub.version(self.anew(conversation, &sub, now));
                        stays.or(tested).unwrap_or(version)
                    }
                    Instructions::Participation(campaign) => {
                        // An entry is no part of a conversation: one that is open waits on.
                        let source_address = conversation.address;
                        let what = What::Participation { campaign, source_address };
                        let test = self.anew(conversation, &sub, now);
                        let mut run = self.new_run(here, id.shard, sub.id, what, purpose, test);
                        run.message = Some(message);
                        return Some(run);
                    }
                    Instructions::Texts | Instructions::Agent => stays?,
                };
                if !goes_on {
                    self.episode_over(here, conversation);
                    test = self.anew(conversation, &sub, now);
                    conversation.begin(sub.id, Some(version), test);
                }
                conversation.version = Some(version);
                let entry = match purpose {
                    Purpose::OptOutConfirmation => Entry::OptOutHandler,
                    Purpose::Help => Entry::HelpHandler,
                    Purpose::OptIn => Entry::opt_in(),
                    Purpose::Begin | Purpose::Answer | Purpose::Agent => self.next_action(conversation),
                };
                What::Instructions { version, entry }
            }
        };
        conversation.expected = None;
        let mut run = self.new_run(here, id.shard, sub.id, what, purpose, test);
        run.message = Some(message);
        Some(run)
    }

    /// Where instructions begin for a message that is neither opt-out nor help (TXS-08).
    fn next_action(&self, conversation: &Conversation) -> Entry {
        let named = conversation.variables.get(crate::conversation::NEXT_ACTION);
        named.and_then(|name| Entry::method(name.as_text()?).ok()).unwrap_or(Entry::MoHandler)
    }

    /// The account of a sub-campaign, zero when that is gone.
    pub(super) fn account_of(&self, sub_campaign: u32) -> u32 {
        self.rules.sub_campaigns.get(&sub_campaign).map_or(0, |sub| sub.account)
    }

    /// Whether what is said between a conversation's device and a sub-campaign is a test: an episode stays what it was when
    /// it began.
    pub(super) fn is_test(&self, conversation: &Conversation, sub: &SubCampaignRule, at: Micros) -> bool {
        if conversation.goes_on_with(sub.id) { conversation.test } else { self.anew(conversation, sub, at) }
    }

    /// Whether it is one where it begins now.
    fn anew(&self, conversation: &Conversation, sub: &SubCampaignRule, at: Micros) -> bool {
        self.rules.is_tester(conversation.device.key(), sub, at)
    }

    /// Whether a message of a device that was not taken yet is going to be a test. Of a part of a longer one that is
    /// judged by its own words.
    #[must_use]
    pub fn would_test(&self, message: &Message<'_>, rows: &dyn Rows, now: Micros) -> bool {
        if !self.rules.testers.knows(message.device.key()) {
            return false;
        }
        let id = ConversationId::of(message.device, message.to);
        let judge = |before: Option<&Conversation>| {
            let route = route(&self.rules, message, before, now);
            let sub = route.sub_campaign.and_then(|id| self.rules.sub_campaign(id));
            let begins = matches!(route.kind, Kind::Keyword(_));
            sub.is_some_and(|sub| match before.filter(|before| !begins && before.goes_on_with(sub.id)) {
                Some(before) => before.test,
                None => self.rules.is_tester(message.device.key(), sub, now),
            })
        };
        self.memory.peek(id, rows, |before| judge(Some(before))).unwrap_or_else(|| judge(None))
    }
}

/// Why an agent is to see a message, before any instructions said so.
fn flag_of(route: &Route, sub: Option<&SubCampaignRule>) -> Option<&'static str> {
    let Some(sub) = sub else { return Some("unmatched") };
    let inactive = route.trace.iter().any(|why| matches!(why, crate::route::Why::KeywordInactive(_)));
    let of_others = route.trace.iter().any(|why| matches!(why, crate::route::Why::OtherFamily(_)));
    match (&route.kind, sub.instructions) {
        (Kind::OptOut { certain: false }, _) => Some("likely_opt_out"),
        _ if inactive => Some("keyword_inactive"),
        (Kind::Response | Kind::Other, _) if of_others => Some("keyword_of_other_family"),
        (Kind::Response | Kind::Other | Kind::Keyword(_), Instructions::Agent) => Some("no_instructions"),
        _ if sub.flags => Some("all_of_the_sub_campaign"),
        _ => None,
    }
}

/// For what the answer to a message is, and who gives it.
fn handling_of(route: &Route, sub: &SubCampaignRule, fallback: Option<&Texts>) -> (Purpose, Handling) {
    let text = |text: &Option<String>| text.clone().map_or(Handling::Nobody, Handling::Text);
    let owed = |of: fn(&Texts) -> &Option<String>| {
        let own = of(&sub.texts).as_ref().or_else(|| of(fallback?).as_ref());
        own.cloned().map_or(Handling::Nobody, Handling::Text)
    };
    let scripted = matches!(sub.instructions, Instructions::Version(_));
    let instructions = |begins: bool| Handling::Instructions { begins };
    match (&route.kind, route.standing) {
        // Whatever days a sub-campaign has, who opts out or asks for help is answered.
        (Kind::OptOut { .. }, _) if scripted => (Purpose::OptOutConfirmation, instructions(false)),
        (Kind::OptOut { .. }, _) => (Purpose::OptOutConfirmation, owed(|texts| &texts.opt_out)),
        (Kind::Help, _) if scripted => (Purpose::Help, instructions(false)),
        (Kind::Help, _) => (Purpose::Help, owed(|texts| &texts.help)),
        (Kind::OptIn, _) if scripted => (Purpose::OptIn, instructions(false)),
        (Kind::OptIn, _) => (Purpose::OptIn, owed(|texts| &texts.opt_in)),
        (_, Standing::NotStarted) => (Purpose::Answer, text(&sub.texts.not_started)),
        (_, Standing::Ended) => (Purpose::Answer, text(&sub.texts.ended)),
        (_, Standing::Paused) => (Purpose::Answer, Handling::Nobody),
        (kind, Standing::Open) => {
            let begins = matches!(kind, Kind::Keyword(_));
            let handling = match sub.instructions {
                Instructions::Version(_) | Instructions::Participation(_) => instructions(begins),
                Instructions::Texts => text(&sub.texts.reply),
                Instructions::Agent => Handling::Nobody,
            };
            (Purpose::Answer, handling)
        }
    }
}

/// What is open finishes as it began, whatever the row of its sub-campaign says meanwhile (MQ-29): an answer gets the
/// instructions, or the fixed reply, that asked for it. Texts of consent, of help and of the sub-campaign's days are
/// those of now: they are owed as they are in force, and not a part of what was begun.
fn finishing(
    route: &Route,
    conversation: &Conversation,
    sub: &SubCampaignRule,
    usual: (Purpose, Handling),
) -> (Purpose, Handling) {
    let answers = match route.kind {
        Kind::Response | Kind::Other => route.standing == Standing::Open,
        Kind::OptOut { .. } | Kind::OptIn | Kind::Help | Kind::Keyword(_) => false,
    };
    if !answers {
        return usual;
    }
    if let Some(reply) = conversation.kept_reply(sub.id) {
        return (Purpose::Answer, Handling::Text(reply.to_owned()));
    }
    match sub.instructions {
        Instructions::Texts | Instructions::Agent if conversation.is_open_with(sub.id) => {
            (Purpose::Answer, Handling::Instructions { begins: false })
        }
        Instructions::Version(_)
        | Instructions::Texts
        | Instructions::Agent
        | Instructions::Participation(_) => usual,
    }
}

fn name_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::OptOut { certain: true } => "opt_out",
        Kind::OptOut { certain: false } => "likely_opt_out",
        Kind::OptIn => "opt_in",
        Kind::Help => "help",
        Kind::Keyword(_) => "keyword",
        Kind::Response => "response",
        Kind::Other => "default",
    }
}
