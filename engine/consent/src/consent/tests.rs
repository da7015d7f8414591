use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::caps::{CapOver, CapSpec};
use crate::confirmations::CONFIRM_WITHIN;
use crate::dnc::{DncList, ListKind};
use crate::id::{AccountId, CampaignId, EnterpriseId, LimitId, ListId, MatterId, SourceId, Tenant};
use crate::limits::LimitSpec;
use crate::line::{LineRule, LineType};
use crate::numbers::PackedNumbers;
use crate::place::Place;
use crate::question::{Origin, Settings};
use crate::time::Span;

const TENANT: Tenant =
    Tenant { enterprise: EnterpriseId(1), account: AccountId(10), campaign: Some(CampaignId(100)) };
const LEVELS: [Level; 3] =
    [Level::Enterprise(EnterpriseId(1)), Level::Account(AccountId(10)), Level::Campaign(CampaignId(100))];

fn at(text: &str) -> Micros {
    Micros(Timestamp::from_str(text).unwrap().as_microsecond())
}

/// Thursday, noon in New York.
fn noon() -> Micros {
    at("2026-01-15T17:00:00Z")
}

/// A number of New York; those from 100 on are of Florida.
fn number(n: u64) -> E164 {
    let area = if n < 100 { 12_125_550_000 } else { 13_055_550_000 };
    E164::from_value(area + n).unwrap()
}

fn cap(most: u16, hours: u32) -> Cap {
    Cap::new(&CapSpec { most, hours, over: CapOver::Matter }).unwrap()
}

fn list(kind: ListKind, numbers: &[u64]) -> DncList {
    DncList {
        name: "list".into(),
        kind,
        source: "a test".into(),
        as_of: at("2026-01-01T00:00:00Z"),
        bound: Some(Span::days(31)),
        channels: Channels::ALL,
        edition: String::new(),
        numbers: PackedNumbers::collect(numbers.iter().copied().map(number)).unwrap().into(),
    }
}

const NATIONAL: ListId = ListId(1);
const DAY: LimitId = LimitId(1);
const SOURCE: SourceId = SourceId(1);

fn consent() -> Consent {
    let mut consent = Consent::new(7, Bounds::default());
    consent.hours = QuietHours::shipped(consent.zones()).unwrap().into();
    Arc::make_mut(&mut consent.dnc).put(NATIONAL, list(ListKind::National, &[50]));
    consent.put_limit(DAY, &LimitSpec::PerDay { most: 3, zone: "America/Los_Angeles".into() }).unwrap();
    consent.put_source(SOURCE, 2, "America/New_York").unwrap();
    consent
}

fn question(origin: Origin, n: u64) -> Question<'static> {
    Question {
        origin,
        release: Release::First,
        channel: Channel::Text,
        marketing: true,
        tenant: TENANT,
        number: Some(number(n)),
        email: None,
        client: None,
        place: Place::default(),
        line: LineType::Wireless,
        matter: MatterId(1),
        source: SourceId(0),
        registration: Registration::NotNeeded,
        limits: &[],
        lists: &[],
        caps: &[],
        hours: &[],
        not_after: None,
        settings: Settings::default(),
    }
}

fn campaign(n: u64) -> Question<'static> {
    question(Origin::Campaign, n)
}

fn stop(consent: &mut Consent, level: Level, n: u64) {
    consent.opt_out(level, Subject::Number(number(n)), Channels::ALL, Extent::All, noon());
}

/// OPT-03: a person who opted out by the client's own id gets nothing on any device, of that account alone.
#[test]
fn a_client_id_that_opted_out_is_suppressed_on_any_device() {
    let mut consent = consent();
    consent.opt_out(LEVELS[1], Subject::Client("C-1"), Channels::ALL, Extent::All, noon());
    let of = |client, n| Question { client, ..campaign(n) };
    for n in [1, 2] {
        assert_eq!(consent.judge(&of(Some("C-1"), n), noon()), Verdict::Filter(Reason::OptedOutAccount));
    }
    assert_eq!(consent.judge(&of(Some("C-2"), 1), noon()), Verdict::Allow);
    assert_eq!(consent.judge(&of(None, 1), noon()), Verdict::Allow);
    let other = Tenant { account: AccountId(11), ..TENANT };
    assert_eq!(consent.judge(&Question { tenant: other, ..of(Some("C-1"), 1) }, noon()), Verdict::Allow);
}

/// Who opts in again at once is told that, and not that he is out.
#[test]
fn an_opt_in_takes_the_confirmation_back_that_is_owed() {
    let mut before = consent();
    stop(&mut before, LEVELS[1], 1);
    let confirmation = question(Origin::OptOutConfirmation, 1);
    assert_eq!(before.judge(&confirmation, noon()), Verdict::Allow);
    assert!(before.opt_in(LEVELS[1], Subject::Number(number(1)), Channels::ALL));
    assert_eq!(before.judge(&confirmation, noon()), Verdict::Filter(Reason::ConfirmationNotDue));
    let rows: Vec<_> = before.drain_changes().collect();
    let mut again = consent();
    again.restore(rows);
    assert_eq!(again.judge(&confirmation, noon()), Verdict::Filter(Reason::ConfirmationNotDue));
}

#[test]
fn every_reason_is_reachable() {
    let mut seen = BTreeSet::new();
    let mut meet = |consent: &Consent, question: Question<'_>, now: Micros, expected: Reason| {
        assert_eq!(consent.judge(&question, now), Verdict::Filter(expected), "{expected}");
        let found = consent.explain(&question, now);
        let named = found.iter().any(|(_, finding)| match finding {
            Finding::Filters(reason) | Finding::Waits(_, reason) => *reason == expected,
            Finding::Skipped | Finding::Passes => false,
        });
        assert!(named, "{expected} is not explained: {found:?}");
        seen.insert(expected);
    };
    let settings = Settings::default();
    let base = consent();
    assert_eq!(base.judge(&campaign(1), noon()), Verdict::Allow);

    let contracted = Channels::one(Channel::Voice);
    let no_text = Question { settings: Settings { contracted, ..settings }, ..campaign(1) };
    meet(&base, no_text, noon(), Reason::ChannelNotContracted);
    meet(&base, Question { number: None, ..campaign(1) }, noon(), Reason::RecipientUnknown);
    let levels = [Reason::OptedOutEnterprise, Reason::OptedOutAccount, Reason::OptedOutCampaign];
    for (level, reason) in LEVELS.into_iter().zip(levels) {
        let mut consent = consent();
        stop(&mut consent, level, 1);
        meet(&consent, campaign(1), noon(), reason);
    }
    let mut likely = consent();
    likely.opt_out(LEVELS[1], Subject::Number(number(1)), Channels::ALL, Extent::Marketing, noon());
    meet(&likely, campaign(1), noon(), Reason::OptedOutMarketing);
    assert_eq!(likely.judge(&Question { marketing: false, ..campaign(1) }, noon()), Verdict::Allow);
    meet(&base, question(Origin::OptOutConfirmation, 1), noon(), Reason::ConfirmationNotDue);

    meet(&base, Question { lists: &[NATIONAL], ..campaign(50) }, noon(), Reason::DncListed);
    let clean = Question { lists: &[NATIONAL], ..campaign(1) };
    assert_eq!(base.judge(&clean, noon()), Verdict::Allow);
    meet(&base, clean, at("2026-02-15T17:00:00Z"), Reason::DncStale);
    meet(&base, Question { lists: &[ListId(9)], ..campaign(1) }, noon(), Reason::DncMissing);
    let lenient = Settings { stale_lists_filter: false, ..settings };
    let old = Question { settings: lenient, ..clean };
    assert_eq!(base.judge(&old, at("2026-02-16T17:00:00Z")), Verdict::Allow);

    let lines = LineRule { unknown: false, voip: false };
    let strict = Settings { lines, ..settings };
    meet(&base, Question { line: LineType::Landline, ..campaign(1) }, noon(), Reason::Landline);
    let voip = Question { line: LineType::Voip, settings: strict, ..campaign(1) };
    meet(&base, voip, noon(), Reason::VoipLine);
    let unknown = Question { line: LineType::Unknown, settings: strict, ..campaign(1) };
    meet(&base, unknown, noon(), Reason::LineTypeUnknown);
    let missing = Question { registration: Registration::Missing, ..campaign(1) };
    meet(&base, missing, noon(), Reason::NotRegistered);

    let night = at("2026-01-15T04:00:00Z");
    let drop = Settings { on_quiet_hours: OnWait::Filter, on_frequency_cap: OnWait::Filter, ..settings };
    meet(&base, Question { settings: drop, ..campaign(1) }, night, Reason::QuietHours);
    let nowhere = Question { number: E164::from_value(883_510_012_345), ..campaign(1) };
    meet(&base, nowhere, noon(), Reason::PlaceUnknown);
    let passes = Settings { unknown_place_passes: true, ..settings };
    assert_eq!(base.judge(&Question { settings: passes, ..nowhere }, noon()), Verdict::Allow);
    let without_rules = Question { number: E164::from_value(447_400_123_456), ..campaign(1) };
    assert_eq!(base.judge(&without_rules, night), Verdict::Allow, "a country known to have no rule");
    let mut narrow = consent();
    let two = include_str!("../../data/jurisdictions.toml").replace("08:00-21:00", "03:00-04:00");
    narrow.hours = QuietHours::read(&two, narrow.zones()).unwrap().into();
    meet(&narrow, campaign(101), noon(), Reason::NoAllowedHours);

    let mut used = consent();
    let caps = [cap(1, 24)];
    let capped = Question { caps: &caps, settings: drop, ..campaign(1) };
    assert_eq!(used.release(&capped, noon()), Verdict::Allow);
    meet(&used, capped, noon(), Reason::FrequencyCap);
    let limited = Question {
        limits: &[DAY],
        source: SOURCE,
        not_after: Some(noon().after(Span::hours(1))),
        ..campaign(2)
    };
    for n in [2, 3, 3] {
        assert_eq!(used.release(&Question { number: Some(number(n)), ..limited }, noon()), Verdict::Allow);
    }
    meet(&used, limited, noon(), Reason::CarrierLimit);
    let third = Question { number: Some(number(4)), limits: &[], ..limited };
    meet(&used, third, noon(), Reason::RecipientCap);
    meet(&used, Question { limits: &[LimitId(9)], ..campaign(1) }, noon(), Reason::LimitUnknown);

    let all: BTreeSet<Reason> = Reason::ALL.iter().copied().collect();
    assert_eq!(seen, all, "reasons that no test reaches");
}

#[test]
fn names_of_reasons_are_those_of_the_data() {
    let names: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        #[derive(serde::Serialize)]
        struct Row {
            reason: Reason,
        }
        let text = toml::to_string(&Row { reason: *reason }).unwrap();
        assert_eq!(text.trim(), format!("reason = \"{reason}\""));
    }
}

#[test]
fn a_confirmation_leaves_once_and_within_five_minutes() {
    let mut consent = consent();
    let confirmation = question(Origin::OptOutConfirmation, 1);
    let not_due = Verdict::Filter(Reason::ConfirmationNotDue);
    assert_eq!(consent.release(&confirmation, noon()), not_due);
    stop(&mut consent, LEVELS[1], 1);
    assert_eq!(consent.judge(&campaign(1), noon()), Verdict::Filter(Reason::OptedOutAccount));
    let late = noon().after(CONFIRM_WITHIN);
    assert_eq!(consent.judge(&confirmation, Micros(late.0 + 1)), not_due);
    assert_eq!(consent.release(&confirmation, late), Verdict::Allow);
    assert_eq!(consent.release(&confirmation, late), not_due, "a second one");
    stop(&mut consent, LEVELS[1], 1);
    assert_eq!(consent.release(&confirmation, noon()), not_due, "a second STOP has nothing to confirm");
    // START, and STOP again: a new opt-out.
    assert!(consent.opt_in(LEVELS[1], Subject::Number(number(1)), Channels::ALL));
    assert_eq!(consent.judge(&campaign(1), noon()), Verdict::Allow);
    stop(&mut consent, LEVELS[1], 1);
    assert_eq!(consent.release(&confirmation, noon()), Verdict::Allow);
}

#[test]
fn a_confirmation_does_not_wait_for_night_or_limits() {
    let mut consent = consent();
    let night = at("2026-01-15T04:00:00Z");
    consent.opt_out(LEVELS[1], Subject::Number(number(1)), Channels::ALL, Extent::All, night);
    let limited = Question { limits: &[DAY], ..campaign(2) };
    (0..3).for_each(|_| consent.count(&limited, night));
    let confirmation = Question { limits: &[DAY], ..question(Origin::OptOutConfirmation, 1) };
    assert_eq!(consent.release(&confirmation, night), Verdict::Allow);
}

#[test]
fn help_is_answered_even_after_an_opt_out_and_nothing_else_is() {
    let mut consent = consent();
    stop(&mut consent, LEVELS[0], 1);
    for origin in Origin::ALL {
        let verdict = consent.judge(&question(origin, 1), noon());
        let expected = match origin {
            Origin::ConversationReply | Origin::Campaign | Origin::Agent | Origin::Transit | Origin::Test => {
                Verdict::Filter(Reason::OptedOutEnterprise)
            }
            Origin::OptOutConfirmation | Origin::HelpResponse => Verdict::Allow,
        };
        assert_eq!(verdict, expected, "{origin:?}");
    }
}

#[test]
fn a_wait_that_ends_at_night_goes_on_until_morning() {
    let mut consent = consent();
    let caps = [cap(1, 12)];
    let capped = Question { caps: &caps, ..campaign(1) };
    assert_eq!(consent.release(&capped, noon()), Verdict::Allow);
    // Twelve hours after noon it is midnight in New York.
    assert_eq!(consent.judge(&capped, noon()), Verdict::DeferUntil(at("2026-01-16T13:00:00Z")));
    let stale = Question { not_after: Some(at("2026-01-16T12:59:59Z")), ..capped };
    assert_eq!(consent.judge(&stale, noon()), Verdict::Filter(Reason::QuietHours));
}

#[test]
fn florida_brings_its_own_cap() {
    let mut consent = consent();
    for hour in 0..3 {
        assert_eq!(consent.release(&campaign(101), noon().after(Span::hours(hour))), Verdict::Allow);
    }
    let fourth = consent.judge(&campaign(101), noon().after(Span::hours(3)));
    assert_eq!(fourth, Verdict::DeferUntil(noon().after(Span::hours(24))));
    let other_matter = Question { matter: MatterId(2), ..campaign(101) };
    assert_eq!(consent.judge(&other_matter, noon().after(Span::hours(3))), Verdict::Allow);
    for hour in 0..4 {
        assert_eq!(
            consent.release(&campaign(1), noon().after(Span::hours(hour))),
            Verdict::Allow,
            "new york"
        );
    }
}

/// A try after one that came to nothing is not stopped by what counted it, nor the rest of a message by anything but an
/// opt-out.
#[test]
fn what_is_counted_does_not_stand_in_its_own_way() {
    let mut consent = consent();
    let caps = [cap(1, 24)];
    let sent = Question { caps: &caps, limits: &[DAY], source: SOURCE, ..campaign(1) };
    assert_eq!(consent.release(&sent, noon()), Verdict::Allow);
    assert_ne!(consent.judge(&sent, noon()), Verdict::Allow);
    let again = Question { release: Release::Again, ..sent };
    let rest = Question { release: Release::Rest, ..sent };
    assert_eq!(consent.release(&again, noon()), Verdict::Allow);
    assert_eq!(consent.drain_changes().count(), 3, "counted once");
    let night = at("2026-01-15T08:00:00Z");
    assert!(matches!(consent.judge(&again, night), Verdict::DeferUntil(_)));
    assert_eq!(consent.judge(&rest, night), Verdict::Allow);
    stop(&mut consent, LEVELS[1], 1);
    for question in [again, rest] {
        assert_eq!(consent.judge(&question, noon()), Verdict::Filter(Reason::OptedOutAccount));
    }
}

/// What others answer for is stopped by an opt-out all the same, and by nothing else.
#[test]
fn an_opt_out_holds_for_transit() {
    let mut consent = consent();
    let night = at("2026-01-15T08:00:00Z");
    assert_eq!(consent.judge(&question(Origin::Transit, 1), night), Verdict::Allow);
    assert_eq!(
        consent.judge(&Question { number: None, ..question(Origin::Transit, 1) }, night),
        Verdict::Allow
    );
    stop(&mut consent, LEVELS[0], 1);
    assert_eq!(
        consent.judge(&question(Origin::Transit, 1), night),
        Verdict::Filter(Reason::OptedOutEnterprise)
    );
}

/// A confirmation that nobody fetched leaves no row behind.
#[test]
fn what_is_over_says_so() {
    let mut consent = consent();
    stop(&mut consent, LEVELS[1], 2);
    let owed: Vec<ConsentRow> = consent.drain_changes().collect();
    assert!(!owed[0].is_over());
    consent.sweep(noon().after(CONFIRM_WITHIN).after(CONFIRM_WITHIN));
    let over: Vec<ConsentRow> = consent.drain_changes().collect();
    assert_eq!((over[0].key(), over[0].is_over()), (owed[0].key(), true));
    let mut counts = FrequencyCaps::new(10);
    let key = CapKey { number: number(1), account: AccountId(1), matter: MatterId(1) };
    counts.count(&key, noon());
    let counted: Vec<CapRow> = counts.drain_changes().collect();
    assert_eq!(counted[0].times, [noon()]);
    for _ in 0..256 {
        counts.sweep(noon().after(Span::days(32)));
    }
    let gone: Vec<CapRow> = counts.drain_changes().collect();
    assert_eq!(gone, [CapRow { key, times: Vec::new() }]);
}

#[test]
fn rows_bring_everything_back() {
    let mut first = consent();
    let caps = [cap(1, 24)];
    let sent = Question { caps: &caps, limits: &[DAY], source: SOURCE, ..campaign(1) };
    assert_eq!(first.release(&sent, noon()), Verdict::Allow);
    stop(&mut first, LEVELS[1], 2);
    let rows: Vec<ConsentRow> = first.drain_changes().collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert_eq!(first.drain_changes().count(), 0);
    let mut again = consent();
    again.suppressions.insert(LEVELS[1], Subject::Number(number(2)), Channels::ALL, Extent::All);
    again.restore(rows);
    for question in [sent, campaign(2), question(Origin::OptOutConfirmation, 2)] {
        assert_eq!(again.judge(&question, noon()), first.judge(&question, noon()));
    }
    assert_eq!(again.judge(&question(Origin::OptOutConfirmation, 2), noon()), Verdict::Allow);
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::DeferUntil(_) => 1,
        Verdict::Filter(_) => 2,
    }
}

fn any_question() -> impl Strategy<Value = Question<'static>> {
    let origin = proptest::sample::select(Origin::ALL.to_vec());
    let place =
        proptest::sample::select(vec![None, Some("US-TX"), Some("US-HI"), Some("FR-75C"), Some("IN-DL")]);
    let lists = proptest::sample::select(vec![&[] as &[ListId], &[NATIONAL]]);
    let limits = proptest::sample::select(vec![&[] as &[LimitId], &[DAY]]);
    let n = prop_oneof![0u64..4, 48u64..52, 100u64..104];
    (origin, any::<bool>(), n, place, lists, limits, any::<bool>()).prop_map(
        |(origin, marketing, n, state, lists, limits, voice)| Question {
            marketing,
            channel: if voice { Channel::Voice } else { Channel::Text },
            place: Place { state: state.map(|state| state.parse().unwrap()), ..Place::default() },
            lists,
            limits,
            source: SOURCE,
            ..question(origin, n)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// An opt-out never lets anything through that was held before.
    #[test]
    fn an_opt_out_never_opens(
        sent in proptest::collection::vec(any_question(), 0..12),
        asked in proptest::collection::vec(any_question(), 1..12),
        level in 0usize..3, n in prop_oneof![0u64..4, 100u64..104], marketing: bool, minute in 0i64..7 * 24 * 60,
    ) {
        let now = Micros(noon().0 + minute * 60_000_000);
        let mut consent = consent();
        for question in &sent {
            consent.release(question, now);
        }
        let before: Vec<Verdict> = asked.iter().map(|question| consent.judge(question, now)).collect();
        let extent = if marketing { Extent::Marketing } else { Extent::All };
        consent.suppressions.insert(LEVELS[level], Subject::Number(number(n)), Channels::ALL, extent);
        for (question, before) in asked.iter().zip(before) {
            let after = consent.judge(question, now);
            prop_assert!(severity(after) >= severity(before), "{before:?} became {after:?}");
        }
    }

    /// What is suppressed leaves at no time, and what waits may leave when its wait ends, if nothing else happened.
    #[test]
    fn waits_end_and_suppressions_hold(
        sent in proptest::collection::vec(any_question(), 0..12),
        asked in any_question(),
        stopped in 0u64..4, minute in 0i64..7 * 24 * 60,
    ) {
        let now = Micros(noon().0 + minute * 60_000_000);
        let mut consent = consent();
        for question in &sent {
            consent.release(question, now);
        }
        stop(&mut consent, LEVELS[0], stopped);
        match consent.judge(&asked, now) {
            Verdict::Allow => {
                let checked = Check::Suppression.treats(asked.origin) == Treatment::Asked;
                prop_assert!(!checked || asked.number != Some(number(stopped)));
            }
            Verdict::DeferUntil(until) => {
                prop_assert!(until > now);
                prop_assert_eq!(consent.judge(&asked, until), Verdict::Allow);
                prop_assert_ne!(consent.judge(&asked, Micros(until.0 - 1)), Verdict::Allow);
            }
            Verdict::Filter(_) => {}
        }
    }

    /// A replay decides the same, and a node that starts anew from the rows goes on as the old one would.
    #[test]
    fn a_restart_changes_no_verdict(
        sent in proptest::collection::vec((any_question(), 0i64..600), 0..20),
        asked in proptest::collection::vec(any_question(), 1..10),
    ) {
        let (mut first, mut second, mut rows) = (consent(), consent(), BTreeMap::new());
        let mut now = noon();
        for (question, minutes) in &sent {
            now = Micros(now.0 + minutes * 60_000_000);
            prop_assert_eq!(first.release(question, now), second.release(question, now));
            rows.extend(first.drain_changes().map(|row| (row.key(), row)));
        }
        let mut third = consent();
        third.restore(rows.into_values());
        for question in &asked {
            prop_assert_eq!(first.judge(question, now), third.judge(question, now));
        }
    }
}
