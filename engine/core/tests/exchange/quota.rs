//! What the rows say of an account's messages: quotas, lines, approvals, hours of its own, and where its contacts are
//! (MQ-32, INT-02, PRG-03, ACC-05).

use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_consent::{
    Channels, LimitId, LimitSpec, LineRule, LineType, QuietHours, QuietHoursSpec, Reason as Why, WeekSpec,
    Zones,
};
use signalbox_core::consent::{AccountConsent, Approved, ConsentPolicy};
use signalbox_core::exchange::{Event, OwnText, Refusal, Submit};
use signalbox_core::id::{CarrierId, PeerId};
use signalbox_core::message::OriginClass;
use signalbox_core::outcome::Reason;
use signalbox_core::scope::{ContactFacts, Purpose};
use signalbox_core::time::Micros;

use crate::consent::{DEVICE, decided, own, world};
use crate::world::{LINK, TO_LINK, World};

const DAY: LimitId = LimitId(1);
const MONTH: LimitId = LimitId(2);

/// Midnight of New York after the world begins, which is at 14:13 of UTC on 21 September 2026.
const MIDNIGHT: Micros = Micros(1_790_049_600_000_000);

fn bounded(day: u32, month: u32) -> World {
    world(decided(|consent, own| {
        let zone = || "America/New_York".to_owned();
        consent.limit(DAY, LimitSpec::PerDay { most: day, zone: zone() }).unwrap();
        consent.limit(MONTH, LimitSpec::PerMonth { most: month, zone: zone() }).unwrap();
        own.quotas = vec![DAY, MONTH];
    }))
}

fn submit(world: &mut World) -> Result<(), Refusal> {
    let message = world.message(DEVICE);
    world.submit(message).map(|_| ())
}

/// MQ-32: what is submitted and what is sent of our own accord count together, over restarts, until midnight of the
/// account's zone.
#[test]
fn a_quota_of_a_day_is_refused_until_midnight() {
    let mut world = bounded(2, 100);
    submit(&mut world).unwrap();
    world.say(own(Purpose::Answer, DEVICE, &"long ".repeat(80)));
    let full = Err(Refusal::QuotaReached { until: MIDNIGHT });
    assert_eq!(submit(&mut world), full, "three parts are one message");
    assert_eq!(Refusal::QuotaReached { until: MIDNIGHT }.name(), "quota_reached");
    let send = |world: &mut World, text: OwnText| world.exchange.send_own(world.now, text).map(|_| ());
    assert_eq!(send(&mut world, own(Purpose::Begin, DEVICE, "x")), full);
    // Tests are not counted and not refused, and what a device is owed is not refused.
    let message = Submit { origin_class: OriginClass::Test, ..world.message(DEVICE) };
    world.submit(message).unwrap();
    let mut test = own(Purpose::Answer, DEVICE, "x");
    test.scope.test = true;
    send(&mut world, test).unwrap();
    send(&mut world, own(Purpose::Help, DEVICE, "help")).unwrap();
    world.settle();
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    assert_eq!(submit(&mut world), full);
    // A new version of the catalog forgets nothing.
    world.event(Event::Policy(std::sync::Arc::new(world.policy.clone())));
    assert_eq!(submit(&mut world), full);
    world.pass(Duration::from_micros((MIDNIGHT.0 - world.now.wall.0).unsigned_abs()));
    submit(&mut world).unwrap();
}

#[test]
fn a_quota_of_a_month_outlasts_the_day() {
    let mut world = bounded(2, 3);
    for _ in 0..2 {
        submit(&mut world).unwrap();
    }
    world.pass(Duration::from_secs(86_400));
    submit(&mut world).unwrap();
    // 1 October, midnight of New York.
    assert_eq!(submit(&mut world), Err(Refusal::QuotaReached { until: Micros(1_790_827_200_000_000) }));
}

/// The destinations of one submission are one message each.
#[test]
fn a_submission_to_many_takes_what_the_quota_has() {
    let mut world = bounded(2, 100);
    let message = world.message(DEVICE);
    let destinations = (0..4).map(|_| message.destinations[0].clone()).collect();
    let taken = world.submit(Submit { destinations, ..message }).unwrap();
    let refused: Vec<&Refusal> = taken.refused.iter().map(|(_, refusal)| refusal).collect();
    assert_eq!(refused, [&Refusal::QuotaReached { until: MIDNIGHT }; 2]);
}

fn told(facts: ContactFacts, purpose: Purpose, to: &str) -> OwnText {
    let mut text = own(purpose, to, "news");
    text.scope.facts = facts;
    text
}

/// CON-07, INT-02: the account's word goes before the carrier's, and that before the number plan's.
#[test]
fn texts_to_landlines_are_filtered_whoever_knows_it() {
    const LONDON: &str = "442079460000";
    const MOBILE: &str = "447400123456";
    let lines = |consent: &mut ConsentPolicy, own: &mut AccountConsent| {
        own.settings.quiet_hours = false;
        own.settings.unknown_place_passes = true;
        consent.lines.insert(CarrierId(5), LineType::Landline);
    };
    let of = |line| ContactFacts { line, ..ContactFacts::default() };
    let none = ContactFacts::default;
    let cases = [
        (told(none(), Purpose::Begin, LONDON), Some(Why::Landline)),
        (told(none(), Purpose::Begin, MOBILE), None),
        (told(of(LineType::Landline), Purpose::Begin, MOBILE), Some(Why::Landline)),
        (told(of(LineType::Wireless), Purpose::Begin, LONDON), None),
        // Who wrote a text takes one.
        (told(none(), Purpose::Answer, LONDON), None),
    ];
    for (text, why) in cases {
        let mut world = world(decided(lines));
        let to = text.destination.clone();
        world.say(text);
        assert_eq!(world.filtered(), why.map(Reason::Consent).into_iter().collect::<Vec<_>>(), "{to:?}");
    }
    let policy = decided(lines).consent;
    let number = signalbox_text::E164::from_digits(MOBILE.as_bytes()).unwrap();
    assert_eq!(
        policy.line_of(number, Some(CarrierId(5))),
        LineType::Landline,
        "it was moved to a fixed line"
    );
    assert_eq!(policy.line_of(number, Some(CarrierId(6))), LineType::Wireless);
}

/// INT-02: what becomes of numbers of which nothing is known is said by country.
#[test]
fn lines_of_no_known_type_are_filtered_by_country() {
    let strict = LineRule { unknown: false, voip: true };
    for (country, filtered) in [("US", true), ("GB", false)] {
        let mut world = world(decided(|_, own| own.lines = vec![(country.parse().unwrap(), strict)]));
        world.say(own(Purpose::Begin, DEVICE, "news"));
        let expected = if filtered { vec![Reason::Consent(Why::LineTypeUnknown)] } else { Vec::new() };
        assert_eq!(world.filtered(), expected, "{country}");
    }
}

/// INT-02: the contact's own zone goes before what the number tells, and outlasts a restart.
#[test]
fn quiet_hours_are_those_of_the_contact_s_zone() {
    let zone = |zone: &str| ContactFacts { zone: zone.into(), ..ContactFacts::default() };
    let mut world = world(decided(|_, _| {}));
    // It is morning in New York, where the number is of, and night in Honolulu, where the contact is.
    world.say(told(zone("Pacific/Honolulu"), Purpose::Begin, DEVICE));
    assert_eq!(world.sent.len(), 0);
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.pass(Duration::from_secs(3_600));
    assert_eq!(world.sent.len(), 0);
    world.say(told(zone("America/New_York"), Purpose::Begin, DEVICE));
    assert_eq!(world.sent.len(), 1);
    for _ in 0..5 {
        world.pass(Duration::from_secs(3_600));
    }
    assert_eq!(world.sent.len(), 2, "it is morning there, too");
    let state = ContactFacts { state: "US-HI".into(), ..ContactFacts::default() };
    let mut by_state = crate::consent::world(decided(|_, _| {}));
    by_state.say(told(state, Purpose::Begin, DEVICE));
    assert_eq!(by_state.sent.len(), 0);
}

/// Hours that an account keeps wherever its recipients are.
#[test]
fn an_account_may_keep_the_hours_of_a_place() {
    let mut free = world(decided(|_, _| {}));
    free.say(own(Purpose::Begin, DEVICE, "news"));
    assert_eq!(free.sent.len(), 1);
    let strict = |consent: &mut ConsentPolicy, own: &mut AccountConsent| {
        let mut spec = QuietHoursSpec::shipped().unwrap();
        let mut rule = spec.jurisdictions.iter().find(|rule| rule.name == "us-texas").unwrap().clone();
        (rule.name, rule.channels) = ("night".to_owned(), Channels::ALL);
        let night = || vec!["02:00-03:00".to_owned()];
        rule.hours = WeekSpec { mon: night(), tue: night(), ..WeekSpec::default() };
        spec.jurisdictions.push(rule);
        consent.hours = QuietHours::new(&spec, Zones::shared()).unwrap().into();
        own.hours = vec![consent.hours.place_of("night").unwrap()];
    };
    let mut kept = world(decided(strict));
    kept.say(own(Purpose::Begin, DEVICE, "news"));
    kept.say(own(Purpose::Answer, DEVICE, "answer"));
    assert_eq!(
        kept.sent.len(),
        1,
        "the answer alone: New York is not in Texas, and the account keeps its hours"
    );
}

/// PRG-03: an approval that ends, or is taken back, while a message waits keeps it from leaving.
#[test]
fn what_is_not_approved_does_not_leave() {
    let approved = |approved, to| Approved { approved, to, ..Approved::default() };
    let later = Some(Micros(i64::MAX));
    let cases = [
        (Some(approved(true, later)), None),
        (Some(approved(true, Some(Micros(1)))), Some(Why::NotRegistered)),
        (Some(approved(false, None)), Some(Why::NotRegistered)),
        (None, Some(Why::NotRegistered)),
    ];
    for (row, why) in cases {
        let consent = |consent: &mut ConsentPolicy, _: &mut AccountConsent| {
            let mut of_program = FxHashMap::default();
            of_program.extend(row.map(|row| ((7, CarrierId(5)), row)));
            consent.programs.insert("alerts".into(), of_program);
        };
        let mut policy = decided(consent);
        let plan = std::sync::Arc::make_mut(&mut policy.router.plan);
        plan.set_carrier("1212", CarrierId(5)).unwrap();
        let mut world = world(policy);
        world.say(own(Purpose::Answer, DEVICE, "hello"));
        assert_eq!(world.filtered(), why.map(Reason::Consent).into_iter().collect::<Vec<_>>());
        // What is owed leaves, whatever is approved.
        let before = world.sent.len();
        world.say(own(Purpose::Help, DEVICE, "help"));
        assert_eq!(world.sent.len(), before + 1);
    }
}
