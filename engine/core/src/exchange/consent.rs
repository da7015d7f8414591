//! The send gate's question for consent, and what people want of it (rule 7): opt-outs and opt-ins are in force, and in
//! the turn's commit, before the next message leaves.

use signalbox_consent::{
    AccountId as Account, CampaignId, Channel, Check, EnterpriseId, Finding, LineType, MatterId, Origin,
    Place, Question, Registration, Release, Settings, SourceId, Tenant, Verdict,
};

use super::effect::Reply;
use super::entry::Entry;
use super::event::ReplyTo;
use super::operate::{CommandReply, ConsentQuestion};
use super::{Bodies, Exchange, Key};
use crate::backend::{Op, Table};
use crate::consent::{AccountConsent, ConsentChange, ConsentPolicy, Suppression, Who, number_of, shard_of};
use crate::gate::ConsentVerdict;
use crate::id::{AccountId, CarrierId, ShardId};
use crate::message::{Direction, Envelope, OriginClass};
use crate::outcome::Reason;
use crate::scope::{ContactFacts, Purpose, Scope};
use crate::time::{Micros, Now};

/// Levels of which one question is answered, bounded like every answer.
const SUPPRESSIONS_MAX: usize = 1_000;

impl Exchange {
    /// Changes what is suppressed, for all that has not left yet. True when that changed something.
    pub fn change_consent(&mut self, now: Now, change: ConsentChange) -> bool {
        let ConsentChange { level, who, channels, extent, opt_in, ground } = change;
        let at = signalbox_consent::Micros(now.wall.0);
        let mut changed = false;
        for channel in channels.iter() {
            let one = signalbox_consent::Channels::one(channel);
            let (shard, key) = Suppression::place(level, &who, channel);
            if opt_in {
                if self.consent.opt_in(level, who.subject(), one) {
                    self.delete(shard, Table::Suppression, key);
                    changed = true;
                }
                continue;
            }
            if !self.consent.opt_out(level, who.subject(), one, extent, at) {
                continue;
            }
            changed = true;
            let (who, ground) = (who.clone(), ground.clone());
            let row = Suppression { level, who, channel, extent, since: now.wall, ground };
            self.put(shard, Table::Suppression, key, row.encode());
        }
        changed
    }

    /// How many pairs of device and level are suppressed.
    #[must_use]
    pub fn suppressed(&self) -> usize {
        self.consent.suppressions.len()
    }

    pub(super) fn restore_suppression(&mut self, row: &Suppression) {
        let channels = signalbox_consent::Channels::one(row.channel);
        self.consent.suppressions.insert(row.level, row.who.subject(), channels, row.extent);
    }

    /// What consent says of a message that is to leave.
    pub(super) fn consent_verdict(&self, now: Now, entry: &Entry) -> ConsentVerdict {
        let Some(question) = self.question(now, entry) else { return ConsentVerdict::NotAsked };
        verdict_of(self.consent.judge(&question, signalbox_consent::Micros(now.wall.0)))
    }

    /// Counts a message that leaves, in the turn whose commit releases it.
    pub(super) fn count_consent(&mut self, now: Now, key: Key) {
        let Self { consent, policy, scopes, groups, entries, .. } = self;
        let Some(entry) = entries.get(key) else { return };
        let scope = scopes.get(&entry.envelope.id.whole()).map(|scope| &**scope);
        let others = || has_left(groups, entries, entry);
        if let Some(question) = question_of(&policy.consent, now, entry, scope, others) {
            consent.count(&question, signalbox_consent::Micros(now.wall.0));
        }
    }

    fn question<'a>(&'a self, now: Now, entry: &'a Entry) -> Option<Question<'a>> {
        // The usual case of what is only carried: nobody has opted out of anything.
        if entry.envelope.origin_class == OriginClass::User && self.consent.suppressions.is_empty() {
            return None;
        }
        let scope = self.scopes.get(&entry.envelope.id.whole()).map(|scope| &**scope);
        let others = || has_left(&self.groups, &self.entries, entry);
        question_of(&self.policy.consent, now, entry, scope, others)
    }

    /// Writes what was counted since the last time.
    pub(super) fn write_consent(&mut self) {
        let changes: Vec<_> = self.consent.drain_changes().collect();
        for row in changes {
            let key = row.key();
            let shard = row.number().map_or_else(|| ShardId::of(&key), shard_of);
            if row.is_over() {
                self.delete(shard, Table::Consent, key);
            } else {
                let value = postcard::to_stdvec(&row).expect("a vector takes any number of octets");
                self.put(shard, Table::Consent, key, value.into());
            }
        }
    }

    /// Answers who asked what a device is opted out of.
    pub(super) fn answer_suppressions(&mut self, bodies: &dyn Bodies) {
        for (to, who) in std::mem::take(&mut self.asked_suppressions) {
            let found = self.suppressions_of(&who, bodies);
            self.reply(to, Reply::Command(Box::new(CommandReply::Suppressions(found))));
        }
    }

    pub(super) fn ask_suppressions(&mut self, to: ReplyTo, who: Who) {
        self.asked_suppressions.push((to, who));
    }

    /// Which of these would get no text message of the account, whatever it is for.
    pub(super) fn opted_out(&self, account: AccountId, who: &[Who]) -> Vec<bool> {
        let tenant = Tenant {
            enterprise: EnterpriseId(self.policy.consent.account(account).enterprise),
            account: Account(account.0),
            campaign: None,
        };
        let index = &self.consent.suppressions;
        let is_out = |who: &Who| index.widest(&tenant, &[who.subject()], Channel::Text, false).is_some();
        who.iter().map(is_out).collect()
    }

    fn suppressions_of(&self, who: &Who, bodies: &dyn Bodies) -> Vec<Suppression> {
        let index = &self.consent.suppressions;
        let all = self.policy.consent.levels();
        let closed = all.flat_map(|level| Channel::ALL.map(|channel| (level, channel)));
        let closed = closed.filter(|(level, channel)| index.get(*level, who.subject(), *channel).is_some());
        let row = |(level, channel)| {
            let (shard, key) = Suppression::place(level, who, channel);
            // What this turn has written is not in the store yet.
            let fresh = self.turn.commit.ops.iter().rev().find_map(|op| match op {
                Op::Put { table: Table::Suppression, key: of, value, .. } if *of == key => {
                    Some(value.clone())
                }
                Op::Put { .. } | Op::Delete { .. } => None,
            });
            let stored = fresh.or_else(|| bodies.row(shard, Table::Suppression, &key))?;
            Suppression::decode(&stored).ok()
        };
        closed.filter_map(row).take(SUPPRESSIONS_MAX).collect()
    }

    /// What each check would say of a message, and the verdict.
    pub(super) fn explain_consent(&self, now: Now, asked: &ConsentQuestion) -> CommandReply {
        let policy = &self.policy.consent;
        let account = policy.account(asked.account);
        let campaign = (asked.campaign != 0).then_some(asked.campaign);
        let tenant = Tenant {
            enterprise: EnterpriseId(account.enterprise),
            account: Account(asked.account.0),
            campaign: campaign.map(CampaignId),
        };
        let origin = origin_of(asked.purpose, false);
        let question = question_for(policy, account, tenant, origin, number_of(&asked.device));
        let carrier = self.carrier_of_device(&asked.device, now);
        let question = Question {
            client: asked.client_id.as_deref(),
            source: SourceId(asked.address),
            marketing: question.marketing && !policy.informing.contains(&asked.sub_campaign),
            ..of_line(policy, account, question, LineType::Unknown, carrier)
        };
        let at = signalbox_consent::Micros(now.wall.0);
        let findings: Vec<(Check, Finding)> = self.consent.explain(&question, at);
        let verdict = verdict_of(self.consent.judge(&question, at));
        CommandReply::Consent { verdict, findings }
    }
}

fn verdict_of(verdict: Verdict) -> ConsentVerdict {
    match verdict {
        Verdict::Allow => ConsentVerdict::Allowed,
        Verdict::DeferUntil(at) => ConsentVerdict::DeferUntil(Micros(at.0)),
        Verdict::Filter(reason) => ConsentVerdict::Filter(Reason::Consent(reason)),
    }
}

/// True when another part of the same message has left, and has counted it.
fn has_left(
    groups: &rustc_hash::FxHashMap<crate::id::MessageId, super::Group>,
    entries: &super::Entries,
    entry: &Entry,
) -> bool {
    let Some(part) = entry.envelope.part else { return false };
    let Some(group) = groups.get(&part.whole) else { return false };
    let left = |key: &Key| {
        entries
            .get(*key)
            .is_some_and(|other| other.envelope.id != entry.envelope.id && other.progress.counted)
    };
    group.worst.as_ref().is_some_and(|worst| worst.progress.attempts > 0) || group.parts.iter().any(left)
}

/// What is asked about a message; `None` for what consent has no say in: receipts, notices, and what devices write.
fn question_of<'a>(
    policy: &'a ConsentPolicy,
    now: Now,
    entry: &'a Entry,
    scope: Option<&'a Scope>,
    others_left: impl FnOnce() -> bool,
) -> Option<Question<'a>> {
    let envelope = &entry.envelope;
    if envelope.direction != Direction::Mt {
        return None;
    }
    let release = if others_left() {
        Release::Rest
    } else if entry.progress.counted {
        Release::Again
    } else {
        Release::First
    };
    let question = match (envelope.origin_class, scope) {
        (OriginClass::Receipt | OriginClass::Notification, _) => return None,
        (OriginClass::Conversation | OriginClass::Test, Some(scope)) => own(policy, now, entry, scope),
        (OriginClass::User | OriginClass::Test | OriginClass::Conversation, _) => carried(policy, envelope)?,
    };
    Some(Question { release, ..question })
}

/// About a text of our own.
fn own<'a>(policy: &'a ConsentPolicy, now: Now, entry: &'a Entry, scope: &'a Scope) -> Question<'a> {
    let envelope = &entry.envelope;
    let carrier = entry.progress.decided.carrier;
    let account = policy.account(AccountId(scope.account));
    let tenant = Tenant {
        enterprise: EnterpriseId(scope.enterprise),
        account: Account(scope.account),
        campaign: (scope.campaign != 0).then_some(CampaignId(scope.campaign)),
    };
    let origin = origin_of(scope.purpose, scope.test);
    let question = question_for(policy, account, tenant, origin, number_of(&envelope.destination));
    let question = of_line(policy, account, question, scope.facts.line, carrier);
    let question = of_program(policy, now, question, scope, carrier);
    Question {
        client: (!scope.client_id.is_empty()).then_some(&*scope.client_id),
        place: place_of(&scope.facts),
        // A test is none of the address's recipients, whatever it is for.
        source: SourceId(if scope.test { 0 } else { scope.address }),
        not_after: Some(signalbox_consent::Micros(envelope.expires_at.0)),
        marketing: question.marketing && !policy.informing.contains(&scope.sub_campaign),
        ..question
    }
}

/// About a message of a peer or an API user, where somebody may have opted out of what the account sends.
fn carried<'a>(policy: &'a ConsentPolicy, envelope: &Envelope) -> Option<Question<'a>> {
    let id = envelope.origin.account()?;
    let account = policy.account(id);
    let number = number_of(&envelope.destination).filter(|_| account.transit)?;
    let enterprise = EnterpriseId(account.enterprise);
    let tenant = Tenant { enterprise, account: Account(id.0), campaign: None };
    Some(question_for(policy, account, tenant, Origin::Transit, Some(number)))
}

fn question_for<'a>(
    policy: &ConsentPolicy,
    account: &'a AccountConsent,
    tenant: Tenant,
    origin: Origin,
    number: Option<signalbox_text::E164>,
) -> Question<'a> {
    let campaign = tenant.campaign.and_then(|id| policy.campaigns.get(&id.0));
    let marketing = campaign.and_then(|campaign| campaign.marketing).unwrap_or(account.marketing);
    let matter = campaign.and_then(|campaign| campaign.matter);
    Question {
        origin,
        release: Release::First,
        channel: Channel::Text,
        // An answer, and what is only carried, advertise nothing of their own accord.
        marketing: marketing && matches!(origin, Origin::Campaign),
        tenant,
        number,
        email: None,
        client: None,
        place: Place::default(),
        line: LineType::Unknown,
        matter: matter.unwrap_or(MatterId(tenant.campaign.map_or(0, |id| id.0))),
        source: SourceId(0),
        registration: Registration::NotNeeded,
        limits: &account.limits,
        lists: &account.lists,
        caps: &account.caps,
        hours: &account.hours,
        not_after: None,
        settings: account.settings,
    }
}

/// With what is known of the line (INT-02). Who has just written a text has a line that takes texts.
fn of_line<'a>(
    policy: &ConsentPolicy,
    account: &AccountConsent,
    question: Question<'a>,
    told: LineType,
    carrier: Option<CarrierId>,
) -> Question<'a> {
    let Some(number) = question.number else { return question };
    let line = match question.origin {
        Origin::ConversationReply | Origin::OptOutConfirmation | Origin::HelpResponse => LineType::Wireless,
        Origin::Campaign | Origin::Agent | Origin::Test | Origin::Transit if told != LineType::Unknown => {
            told
        }
        Origin::Campaign | Origin::Agent | Origin::Test | Origin::Transit => policy.line_of(number, carrier),
    };
    let settings = Settings { lines: ConsentPolicy::line_rule(account, number), ..question.settings };
    Question { line, settings, ..question }
}

/// With the carrier's word on the program (PRG-03). What a device is owed goes out whatever is approved.
fn of_program<'a>(
    policy: &'a ConsentPolicy,
    now: Now,
    question: Question<'a>,
    scope: &Scope,
    carrier: Option<CarrierId>,
) -> Question<'a> {
    let (registration, limits) = policy.registration(&scope.program, scope.address, carrier, now.wall);
    let registration = match question.origin {
        Origin::OptOutConfirmation | Origin::HelpResponse => Registration::NotNeeded,
        Origin::ConversationReply if scope.purpose == Purpose::OptIn => Registration::NotNeeded,
        Origin::ConversationReply | Origin::Campaign | Origin::Agent | Origin::Transit | Origin::Test => {
            registration
        }
    };
    // The limits of the program's approval, unless the account names its own.
    let limits = if question.limits.is_empty() { limits } else { question.limits };
    Question { registration, limits, ..question }
}

/// Where the contact is, as its account says.
fn place_of(facts: &ContactFacts) -> Place<'_> {
    Place {
        zone: (!facts.zone.is_empty()).then_some(&*facts.zone),
        country: None,
        state: facts.state.parse().ok(),
        postal: (!facts.postal.is_empty()).then_some(&*facts.postal),
    }
}

/// What the table of checks calls this purpose. A tester is owed the answer to his STOP like anybody.
fn origin_of(purpose: Purpose, test: bool) -> Origin {
    match (purpose, test) {
        (Purpose::OptOutConfirmation, _) => Origin::OptOutConfirmation,
        (Purpose::Help, _) => Origin::HelpResponse,
        (Purpose::Begin | Purpose::Answer | Purpose::OptIn | Purpose::Agent, true) => Origin::Test,
        (Purpose::Begin, false) => Origin::Campaign,
        (Purpose::Answer | Purpose::OptIn, false) => Origin::ConversationReply,
        (Purpose::Agent, false) => Origin::Agent,
    }
}
