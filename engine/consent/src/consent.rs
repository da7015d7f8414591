//! The whole: one question, one verdict.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use signalbox_text::E164;
use smallvec::SmallVec;

use crate::caps::{Cap, CapKey, CapRow, CapVerdict, FrequencyCaps};
use crate::channel::{Channel, Channels};
use crate::check::{Check, Treatment};
use crate::confirmations::{ConfirmationRow, Confirmations};
use crate::dnc::{DncAnswer, DncLists};
use crate::hours::{HoursVerdict, QuietHours};
use crate::limits::{DailyLimits, LimitRow, LimitVerdict};
use crate::place::{Places, Whereabouts};
use crate::question::{OnWait, Origin, Question, Registration, Release};
use crate::reason::Reason;
use crate::suppressions::{Extent, Level, Subject, Suppressed, Suppressions};
use crate::time::Micros;
use crate::zones::Zones;

#[cfg(test)]
mod tests;

/// Times that a wait is looked at again because another check lets nothing through at its end.
const MAX_ROUNDS: usize = 16;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may leave.
    Allow,
    /// Not before then; it is asked again at that time.
    DeferUntil(Micros),
    /// Never, for this reason.
    Filter(Reason),
}

/// What one check finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It does not ask about messages of this class.
    Skipped,
    /// Nothing against it.
    Passes,
    /// Not before then.
    Waits(Micros, Reason),
    /// Never.
    Filters(Reason),
}

/// A change to be written in the commit in which it was made; rows of these kinds restore the state. The latest of a
/// [key](ConsentRow::key) replaces the earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentRow {
    /// A message counted against frequency caps.
    Cap(CapRow),
    /// Use of a limit.
    Limit(LimitRow),
    /// A confirmation owed, or done with.
    Confirmation(ConfirmationRow),
}

impl ConsentRow {
    /// What it is stored by.
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        let (kind, of, number) = match self {
            Self::Cap(row) => (1, [row.key.account.0, row.key.matter.0], Some(row.key.number)),
            Self::Limit(LimitRow::Used { limit, .. } | LimitRow::Rate { limit, .. }) => {
                (2, [limit.0, 0], None)
            }
            Self::Limit(LimitRow::Recipient { source, place, .. }) => (3, [source.0, *place], None),
            Self::Confirmation(row) => {
                let (level, id) = row.level.tagged();
                (4, [u32::from(level), id], Some(row.number))
            }
        };
        let mut octets = [0u8; 17];
        octets[0] = kind;
        octets[1..5].copy_from_slice(&of[0].to_le_bytes());
        octets[5..9].copy_from_slice(&of[1].to_le_bytes());
        octets[9..].copy_from_slice(&number.map_or(0, E164::get).to_le_bytes());
        xxhash_rust::xxh3::xxh3_128(&octets).to_be_bytes()
    }

    /// The device it is about, if it is about one.
    #[must_use]
    pub fn number(&self) -> Option<E164> {
        match self {
            Self::Cap(row) => Some(row.key.number),
            Self::Confirmation(row) => Some(row.number),
            Self::Limit(_) => None,
        }
    }

    /// True when nothing is to be remembered any more: its row can go.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Cap(row) => row.times.is_empty(),
            Self::Limit(_) => false,
            Self::Confirmation(row) => row.opted_out.is_none(),
        }
    }
}

/// Bounds of what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Pairs of recipient and matter, or recipient and account, under frequency caps.
    pub cap_keys: usize,
    /// Confirmations due at a time.
    pub confirmations: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { cap_keys: 5_000_000, confirmations: 100_000 }
    }
}

/// All that decides whether a message may leave.
#[derive(Debug)]
pub struct Consent {
    /// Opt-outs, to be loaded; later changes go through [`Consent::opt_out`] and [`Consent::opt_in`].
    pub suppressions: Suppressions,
    /// Do-not-call lists.
    pub dnc: Arc<DncLists>,
    /// Jurisdictions, made with [`Consent::zones`] or [`Zones::shared`].
    pub hours: Arc<QuietHours>,
    /// Limits of carriers and source addresses.
    pub limits: DailyLimits,
    caps: FrequencyCaps,
    confirmations: Confirmations,
    zones: &'static Zones,
    places: &'static Places,
}

/// Places of the program's own tables.
static PLACES: LazyLock<Places> = LazyLock::new(|| Places::load(Zones::shared()));

impl Consent {
    /// Without opt-outs, lists, limits or jurisdictions. `seed` is a secret of the installation.
    #[must_use]
    pub fn new(seed: u64, bounds: Bounds) -> Self {
        Self {
            suppressions: Suppressions::new(seed),
            dnc: Arc::default(),
            hours: Arc::default(),
            limits: DailyLimits::default(),
            caps: FrequencyCaps::new(bounds.cap_keys),
            confirmations: Confirmations::new(bounds.confirmations),
            places: &PLACES,
            zones: Zones::shared(),
        }
    }

    /// The time zones, to read jurisdictions and limits with.
    #[must_use]
    pub fn zones(&self) -> &'static Zones {
        self.zones
    }

    /// Sets a limit; see [`DailyLimits::put`].
    ///
    /// # Errors
    /// [`LimitError`](crate::LimitError) when it is not usable.
    pub fn put_limit(
        &mut self,
        id: crate::LimitId,
        spec: &crate::LimitSpec,
    ) -> Result<(), crate::LimitError> {
        self.limits.put(id, spec, self.zones)
    }

    /// Bounds the recipients of a source address; see [`DailyLimits::put_source`].
    ///
    /// # Errors
    /// [`LimitError`](crate::LimitError) when it is not usable.
    pub fn put_source(
        &mut self,
        id: crate::SourceId,
        most: u32,
        zone: &str,
    ) -> Result<(), crate::LimitError> {
        self.limits.put_source(id, most, zone, self.zones)
    }

    /// Forgets the limits and source addresses that are not among these, with what they counted.
    pub fn retain_limits(
        &mut self,
        limit: impl Fn(crate::LimitId) -> bool,
        source: impl Fn(crate::SourceId) -> bool,
    ) {
        self.limits.retain(limit, source);
    }

    /// Takes over what the store remembers, the latest row of each key, after the limits are set.
    pub fn restore(&mut self, rows: impl IntoIterator<Item = ConsentRow>) {
        for row in rows {
            match row {
                ConsentRow::Cap(row) => self.caps.restore([row]),
                ConsentRow::Limit(row) => self.limits.restore([row]),
                ConsentRow::Confirmation(row) => self.confirmations.restore([row]),
            }
        }
    }

    /// Somebody opts out. The first time, and of everything, one confirmation to the device is owed. True when that
    /// changed something.
    pub fn opt_out(
        &mut self,
        level: Level,
        subject: Subject<'_>,
        channels: Channels,
        extent: Extent,
        now: Micros,
    ) -> bool {
        let changed = self.suppressions.insert(level, subject, channels, extent);
        if let (Subject::Number(number), Extent::All, true) = (subject, extent, changed) {
            self.confirmations.owe(level, number, now);
        }
        changed
    }

    /// An opt-out ends: by START, or by an agent with a reason. True when there was one.
    pub fn opt_in(&mut self, level: Level, subject: Subject<'_>, channels: Channels) -> bool {
        if let Subject::Number(number) = subject {
            self.confirmations.cancel(level, number);
        }
        self.suppressions.remove(level, subject, channels)
    }

    /// Whether a message may leave now.
    #[must_use]
    pub fn judge(&self, question: &Question<'_>, now: Micros) -> Verdict {
        let at = self.place_for(question);
        let (mut until, mut cause) = (now, None);
        for check in Check::ALL {
            match self.find(check, question, &at, now) {
                Finding::Skipped | Finding::Passes => {}
                Finding::Filters(reason) => return Verdict::Filter(reason),
                Finding::Waits(to, reason) => {
                    if to > until {
                        (until, cause) = (to, Some(reason));
                    }
                }
            }
        }
        let Some(mut cause) = cause else { return Verdict::Allow };
        let too_late = |until: Micros| question.not_after.is_some_and(|end| until > end);
        // The end of one wait may lie in another: a cap that ends at night. The first wait that is too long is the
        // reason.
        for _ in 0..MAX_ROUNDS {
            if too_late(until) {
                return Verdict::Filter(cause);
            }
            let before = until;
            for check in [Check::Hours, Check::Frequency, Check::CarrierLimit, Check::RecipientCap] {
                match self.find(check, question, &at, before) {
                    Finding::Skipped | Finding::Passes => {}
                    Finding::Filters(reason) => return Verdict::Filter(reason),
                    Finding::Waits(to, reason) => {
                        if to > until {
                            (until, cause) = (to, reason);
                        }
                    }
                }
            }
            if until == before {
                break;
            }
        }
        if too_late(until) { Verdict::Filter(cause) } else { Verdict::DeferUntil(until) }
    }

    /// What every check finds, for traces; the verdict is [`Consent::judge`]'s.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>, now: Micros) -> Vec<(Check, Finding)> {
        let at = self.place_for(question);
        Check::ALL.into_iter().map(|check| (check, self.find(check, question, &at, now))).collect()
    }

    /// Counts a message that leaves: in the turn whose commit releases it.
    pub fn count(&mut self, question: &Question<'_>, now: Micros) {
        if question.release != Release::First {
            return;
        }
        let counts = |check: Check| check.treats(question.origin) != Treatment::Skipped;
        if let (true, Some(number)) = (counts(Check::Confirmation), question.number) {
            self.confirmations.done(&question.tenant, number);
        }
        if let (true, Some(key)) = (counts(Check::Frequency), cap_key(question)) {
            let at = self.whereabouts(question);
            let capped = self.caps_for(question, &at).next().is_some();
            if capped {
                self.caps.count(&key, now);
            }
        }
        if counts(Check::CarrierLimit) {
            self.limits.count(question.limits, question.source, question.number, now, self.zones);
        }
    }

    /// Counts a message against limits that are asked elsewhere than at its release.
    pub fn count_limits(&mut self, limits: &[crate::LimitId], source: crate::SourceId, now: Micros) {
        self.limits.count(limits, source, None, now, self.zones);
    }

    /// Judges, and counts the message if it may leave.
    pub fn release(&mut self, question: &Question<'_>, now: Micros) -> Verdict {
        let verdict = self.judge(question, now);
        if verdict == Verdict::Allow {
            self.count(question, now);
        }
        verdict
    }

    /// What has changed since the last call. Opt-outs are not among it: their rows are the ledger's.
    pub fn drain_changes(&mut self) -> impl Iterator<Item = ConsentRow> + '_ {
        let caps = self.caps.drain_changes().map(ConsentRow::Cap);
        let limits = self.limits.drain_changes().map(ConsentRow::Limit);
        caps.chain(limits).chain(self.confirmations.drain_changes().map(ConsentRow::Confirmation))
    }

    /// Forgets a part of what is too old to count; called often, some times a second.
    pub fn sweep(&mut self, now: Micros) {
        self.caps.sweep(now);
        self.confirmations.sweep(now);
    }

    /// Where the recipient may be.
    #[must_use]
    pub fn whereabouts(&self, question: &Question<'_>) -> Whereabouts {
        self.places.locate(self.zones, &question.place, question.number)
    }

    /// Where the recipient may be, as far as a check asks for that: what is only carried, and answers, are not looked
    /// up in the number plans.
    fn place_for(&self, question: &Question<'_>) -> Whereabouts {
        let asks = |check: Check| check.treats(question.origin) == Treatment::Asked;
        if asks(Check::Hours) || asks(Check::Frequency) {
            return self.whereabouts(question);
        }
        Whereabouts::unknown()
    }

    fn find(&self, check: Check, question: &Question<'_>, at: &Whereabouts, now: Micros) -> Finding {
        match check.treats(question.origin) {
            Treatment::Skipped | Treatment::Counted => return Finding::Skipped,
            Treatment::Asked if !check.asks(question.release) => return Finding::Skipped,
            Treatment::Asked => {}
        }
        match check {
            Check::Contract => {
                filter_if(!question.settings.contracted.has(question.channel), Reason::ChannelNotContracted)
            }
            Check::Confirmation => {
                let is_due = |number| self.confirmations.is_due(&question.tenant, number, now);
                filter_if(!question.number.is_some_and(is_due), Reason::ConfirmationNotDue)
            }
            Check::Suppression => self.suppression(question),
            Check::DoNotCall => self.do_not_call(question, now),
            Check::LineType => match question.settings.lines.judge(question.channel, question.line) {
                Some(reason) => Finding::Filters(reason),
                None => Finding::Passes,
            },
            Check::Registration => {
                filter_if(question.registration == Registration::Missing, Reason::NotRegistered)
            }
            Check::Hours => self.quiet_hours(question, at, now),
            Check::Frequency => {
                let Some(key) = cap_key(question) else { return Finding::Passes };
                match self.caps.ask(&key, self.caps_for(question, at), now) {
                    CapVerdict::Free => Finding::Passes,
                    CapVerdict::Until(until) => {
                        wait(question.settings.on_frequency_cap, until, Reason::FrequencyCap)
                    }
                }
            }
            Check::CarrierLimit => limited(self.limits.ask(question.limits, now), Reason::CarrierLimit),
            Check::RecipientCap => {
                let Some(number) = question.number else { return Finding::Passes };
                limited(self.limits.ask_source(question.source, number, now), Reason::RecipientCap)
            }
        }
    }

    fn suppression(&self, question: &Question<'_>) -> Finding {
        let number = question.number.map(Subject::Number);
        let email = question.email.map(Subject::Email);
        let client = question.client.map(Subject::Client);
        let subjects: SmallVec<[Subject<'_>; 3]> = number.into_iter().chain(email).chain(client).collect();
        // Whoever cannot be named cannot be found among those who opted out.
        let named = match question.channel {
            Channel::Text | Channel::Voice => number.is_some(),
            Channel::Email => email.is_some(),
        };
        if !named {
            // What others answer for may go to names that are none of a device.
            if question.origin == Origin::Transit {
                return Finding::Passes;
            }
            return Finding::Filters(Reason::RecipientUnknown);
        }
        let widest =
            self.suppressions.widest(&question.tenant, &subjects, question.channel, question.marketing);
        match widest {
            None => Finding::Passes,
            Some(Suppressed { extent: Extent::Marketing, .. }) => Finding::Filters(Reason::OptedOutMarketing),
            Some(Suppressed { level, extent: Extent::All }) => Finding::Filters(match level {
                Level::Campaign(_) => Reason::OptedOutCampaign,
                Level::Account(_) => Reason::OptedOutAccount,
                Level::Enterprise(_) => Reason::OptedOutEnterprise,
            }),
        }
    }

    fn do_not_call(&self, question: &Question<'_>, now: Micros) -> Finding {
        let Some(number) = question.number else { return Finding::Passes };
        let channel = Channels::one(question.channel);
        let filters = question.settings.stale_lists_filter;
        match self.dnc.ask(question.lists, number, channel, question.marketing, now) {
            DncAnswer::Clear => Finding::Passes,
            DncAnswer::Listed(_) => Finding::Filters(Reason::DncListed),
            DncAnswer::Stale(_) => filter_if(filters, Reason::DncStale),
            DncAnswer::Missing(_) => filter_if(filters, Reason::DncMissing),
        }
    }

    fn quiet_hours(&self, question: &Question<'_>, at: &Whereabouts, now: Micros) -> Finding {
        if !question.settings.quiet_hours {
            return Finding::Passes;
        }
        match self.hours.judge(self.zones, at, (question.channel, question.marketing), question.hours, now) {
            // Without a country no rule is found; that is not the same as there being none.
            HoursVerdict::NoRule if at.country.is_none() && question.marketing => {
                filter_if(!question.settings.unknown_place_passes, Reason::PlaceUnknown)
            }
            HoursVerdict::NoRule | HoursVerdict::Allowed => Finding::Passes,
            HoursVerdict::Until(until) => wait(question.settings.on_quiet_hours, until, Reason::QuietHours),
            HoursVerdict::Never => Finding::Filters(Reason::NoAllowedHours),
            HoursVerdict::UnknownPlace => {
                filter_if(!question.settings.unknown_place_passes, Reason::PlaceUnknown)
            }
        }
    }

    /// The caps of account, campaign and of the jurisdictions that may apply.
    fn caps_for<'a>(
        &'a self,
        question: &'a Question<'_>,
        at: &'a Whereabouts,
    ) -> impl Iterator<Item = &'a Cap> {
        let rules = self.hours.rules_for(at, question.channel, question.marketing);
        question.caps.iter().chain(rules.flat_map(|rule| &rule.caps))
    }
}

fn cap_key(question: &Question<'_>) -> Option<CapKey> {
    let key = |number: E164| CapKey { number, account: question.tenant.account, matter: question.matter };
    question.number.map(key)
}

fn filter_if(wrong: bool, reason: Reason) -> Finding {
    if wrong { Finding::Filters(reason) } else { Finding::Passes }
}

fn wait(on: OnWait, until: Micros, reason: Reason) -> Finding {
    match on {
        OnWait::Defer => Finding::Waits(until, reason),
        OnWait::Filter => Finding::Filters(reason),
    }
}

fn limited(verdict: LimitVerdict, reason: Reason) -> Finding {
    match verdict {
        LimitVerdict::Free => Finding::Passes,
        LimitVerdict::Until(until) => Finding::Waits(until, reason),
        LimitVerdict::Unknown => Finding::Filters(Reason::LimitUnknown),
    }
}
