use std::str::FromStr;

use proptest::prelude::*;

use super::*;
use crate::place::{Place, Places};

struct Rig {
    zones: Zones,
    places: Places,
    hours: QuietHours,
}

fn rig() -> Rig {
    let zones = Zones::load();
    Rig { places: Places::load(&zones), hours: QuietHours::shipped(&zones).unwrap(), zones }
}

fn at(text: &str) -> Micros {
    Micros(Timestamp::from_str(text).unwrap().as_microsecond())
}

fn place<'a>(country: &str, state: Option<&str>, zone: Option<&'a str>) -> Place<'a> {
    let state = state.map(|state| state.parse().unwrap());
    Place { country: Some(country.parse().unwrap()), state, zone, postal: None }
}

impl Rig {
    fn judge(&self, place: &Place<'_>, channel: Channel, now: &str) -> HoursVerdict {
        let found = self.places.locate(&self.zones, place, None);
        self.hours.judge(&self.zones, &found, (channel, true), &[], at(now))
    }

    fn text(&self, place: &Place<'_>, now: &str) -> HoursVerdict {
        self.judge(place, Channel::Text, now)
    }
}

fn until(text: &str) -> HoursVerdict {
    HoursVerdict::Until(at(text))
}

#[test]
fn the_shipped_rows_have_source_and_date() {
    let rig = rig();
    let names: Vec<&str> = rig.hours.rules().iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["us-federal", "us-florida", "us-texas", "fr-calls", "fr-texts", "in-promotional"]);
    for rule in rig.hours.rules() {
        assert!(!rule.source.is_empty());
        assert!(!rule.is_older_than(365, at("2026-06-01T00:00:00Z")));
        assert!(rule.is_older_than(365, at("2027-06-01T00:00:00Z")));
    }
    assert_eq!(rig.hours.version(), 1);
}

#[test]
fn federal_hours_hold_in_the_recipients_zone() {
    let rig = rig();
    let new_york = place("US", Some("US-NY"), None);
    assert_eq!(rig.text(&new_york, "2026-01-15T12:59:59Z"), until("2026-01-15T13:00:00Z"));
    assert_eq!(rig.text(&new_york, "2026-01-15T13:00:00Z"), HoursVerdict::Allowed);
    assert_eq!(rig.text(&new_york, "2026-01-16T01:59:59Z"), HoursVerdict::Allowed);
    assert_eq!(rig.text(&new_york, "2026-01-16T02:00:00Z"), until("2026-01-16T13:00:00Z"));
    let hawaii = place("US", Some("US-HI"), None);
    assert_eq!(rig.text(&hawaii, "2026-01-15T13:00:00Z"), until("2026-01-15T18:00:00Z"));
    // Not marketing: the rule does not hold.
    let found = rig.places.locate(&rig.zones, &new_york, None);
    let verdict =
        rig.hours.judge(&rig.zones, &found, (Channel::Text, false), &[], at("2026-01-16T06:00:00Z"));
    assert_eq!(verdict, HoursVerdict::NoRule);
}

#[test]
fn florida_closes_at_eight_in_both_its_zones() {
    let rig = rig();
    // 20:00 in New York, 19:00 in Chicago.
    let eight = "2026-07-16T00:00:00Z";
    let florida = place("US", Some("US-FL"), None);
    assert_eq!(rig.text(&florida, eight), until("2026-07-16T13:00:00Z"), "8:00 in both zones");
    let pensacola = place("US", Some("US-FL"), Some("America/Chicago"));
    assert_eq!(rig.text(&pensacola, eight), HoursVerdict::Allowed);
    assert_eq!(rig.text(&pensacola, "2026-07-16T01:00:00Z"), until("2026-07-16T13:00:00Z"));
    let georgia = place("US", Some("US-GA"), None);
    assert_eq!(rig.text(&georgia, eight), HoursVerdict::Allowed, "the federal rule alone");
}

#[test]
fn sundays_in_texas_begin_at_noon() {
    let rig = rig();
    let houston = place("US", Some("US-TX"), Some("America/Chicago"));
    assert_eq!(rig.text(&houston, "2026-01-18T15:00:00Z"), until("2026-01-18T18:00:00Z"), "sunday");
    assert_eq!(rig.text(&houston, "2026-01-17T14:30:00Z"), until("2026-01-17T15:00:00Z"), "saturday");
    assert_eq!(rig.text(&houston, "2026-01-17T15:00:00Z"), HoursVerdict::Allowed);
    assert_eq!(rig.text(&houston, "2026-01-18T03:00:00Z"), until("2026-01-18T18:00:00Z"), "saturday, 21:00");
}

#[test]
fn calls_in_france_keep_lunch_weekends_and_holidays() {
    let rig = rig();
    let france = place("FR", None, None);
    let call = |now| rig.judge(&france, Channel::Voice, now);
    assert_eq!(call("2026-01-15T09:00:00Z"), HoursVerdict::Allowed, "thursday, 10:00");
    assert_eq!(call("2026-01-15T12:00:00Z"), until("2026-01-15T13:00:00Z"), "13 to 14");
    assert_eq!(call("2026-01-16T19:00:00Z"), until("2026-01-19T09:00:00Z"), "friday 20:00 to monday");
    assert_eq!(call("2026-04-03T18:00:00Z"), until("2026-04-07T08:00:00Z"), "over easter monday");
    assert_eq!(call("2026-12-24T20:00:00Z"), until("2026-12-28T09:00:00Z"), "christmas is every year");
    let text = |now| rig.text(&france, now);
    assert_eq!(text("2026-01-17T10:00:00Z"), HoursVerdict::Allowed, "saturday");
    assert_eq!(text("2026-01-18T10:00:00Z"), until("2026-01-19T07:00:00Z"), "sunday");
}

#[test]
fn india_is_half_an_hour_off() {
    let rig = rig();
    let india = place("IN", None, None);
    assert_eq!(rig.text(&india, "2026-01-15T04:29:59Z"), until("2026-01-15T04:30:00Z"));
    assert_eq!(rig.text(&india, "2026-01-15T15:29:59Z"), HoursVerdict::Allowed);
    assert_eq!(rig.text(&india, "2026-01-15T15:30:00Z"), until("2026-01-16T04:30:00Z"));
}

#[test]
fn hours_follow_the_change_of_clocks() {
    let rig = rig();
    let new_york = place("US", Some("US-NY"), None);
    // 8 March 2026: clocks go forward, 8:00 is 12:00 UTC from then on.
    assert_eq!(rig.text(&new_york, "2026-03-08T02:00:00Z"), until("2026-03-08T12:00:00Z"));
    assert_eq!(rig.text(&new_york, "2026-03-07T02:00:00Z"), until("2026-03-07T13:00:00Z"));
    // 1 November 2026: back again.
    assert_eq!(rig.text(&new_york, "2026-11-01T01:00:00Z"), until("2026-11-01T13:00:00Z"));
    assert_eq!(rig.text(&new_york, "2026-10-31T01:00:00Z"), until("2026-10-31T12:00:00Z"));
    // Arizona keeps its clock.
    let phoenix = place("US", Some("US-AZ"), Some("America/Phoenix"));
    assert_eq!(rig.text(&phoenix, "2026-03-08T06:00:00Z"), until("2026-03-08T15:00:00Z"));
    assert_eq!(rig.text(&phoenix, "2026-03-07T06:00:00Z"), until("2026-03-07T15:00:00Z"));
}

/// A span that begins while the clock skips it begins with the first minute that there is.
#[test]
fn a_span_begins_where_the_clock_jumps_into_it() {
    let zones = Zones::load();
    let nights = spec(|of| of.hours = WeekSpec { sun: vec!["02:30-05:00".into()], ..WeekSpec::default() });
    let hours = QuietHours::new(&nights, &zones).unwrap();
    let rig = Rig { places: Places::load(&zones), zones, hours };
    let new_york = place("US", Some("US-NY"), None);
    // 8 March 2026, 1:00: after 1:59 comes 3:00, which is 7:00 UTC.
    assert_eq!(rig.text(&new_york, "2026-03-08T06:00:00Z"), until("2026-03-08T07:00:00Z"));
    assert_eq!(rig.text(&new_york, "2026-03-15T06:00:00Z"), until("2026-03-15T06:30:00Z"));
}

#[test]
fn an_unknown_state_is_any_state() {
    let rig = rig();
    let anywhere = place("US", None, None);
    // 8:00 in Honolulu and on Adak's side 9:00; Florida closes at 20:00 New York.
    assert_eq!(rig.text(&anywhere, "2026-01-15T17:59:00Z"), until("2026-01-15T18:00:00Z"));
    assert_eq!(rig.text(&anywhere, "2026-01-16T00:59:00Z"), HoursVerdict::Allowed);
    assert_eq!(rig.text(&anywhere, "2026-01-16T01:00:00Z"), until("2026-01-16T18:00:00Z"), "florida");
    assert_eq!(
        rig.text(&anywhere, "2026-01-18T17:59:00Z"),
        until("2026-01-18T19:00:00Z"),
        "sunday in el paso"
    );
    // Who has the clock of Los Angeles is neither in Florida nor in Texas.
    let pacific = place("US", None, Some("America/Los_Angeles"));
    assert_eq!(rig.text(&pacific, "2026-01-18T17:00:00Z"), HoursVerdict::Allowed);
    assert_eq!(rig.text(&pacific, "2026-01-19T04:59:00Z"), HoursVerdict::Allowed);
    // Who has that of New York under another name may be.
    let detroit = place("US", None, Some("America/Detroit"));
    assert_eq!(rig.text(&detroit, "2026-01-16T01:30:00Z"), until("2026-01-16T13:00:00Z"));
}

#[test]
fn no_rule_and_no_clock_are_told_apart() {
    let rig = rig();
    assert_eq!(rig.text(&place("JP", None, None), "2026-01-15T18:00:00Z"), HoursVerdict::NoRule);
    assert_eq!(rig.text(&Place::default(), "2026-01-15T18:00:00Z"), HoursVerdict::NoRule);
    let nowhere = Whereabouts {
        country: Some("US".parse().unwrap()),
        region: None,
        zones: SmallVec::new(),
        basis: crate::place::Basis::Unknown,
    };
    let verdict =
        rig.hours.judge(&rig.zones, &nowhere, (Channel::Text, true), &[], at("2026-01-15T18:00:00Z"));
    assert_eq!(verdict, HoursVerdict::UnknownPlace);
}

fn spec(change: impl Fn(&mut JurisdictionSpec)) -> QuietHoursSpec {
    let mut of = JurisdictionSpec {
        name: "test".into(),
        title: String::new(),
        countries: vec!["US".parse().unwrap()],
        states: vec![],
        zones: vec![],
        channels: Channels::ALL,
        scope: RuleScope::All,
        source: "a test".into(),
        as_of: "2026-01-01".parse().unwrap(),
        hours: WeekSpec { mon: vec!["09:00-10:00".into()], ..WeekSpec::default() },
        holidays: vec![],
        on_holidays: vec![],
        caps: vec![],
    };
    change(&mut of);
    QuietHoursSpec { version: 1, jurisdictions: vec![of] }
}

#[test]
fn wrong_rows_name_field_and_problem() {
    let zones = Zones::load();
    let error =
        |change: fn(&mut JurisdictionSpec)| QuietHours::new(&spec(change), &zones).unwrap_err().to_string();
    let bad_span = "jurisdiction test: hours.tue: \"9-10\" is no span of a day such as 08:00-21:00";
    assert_eq!(error(|of| of.hours.tue = vec!["9-10".into()]), bad_span);
    assert!(error(|of| of.hours.mon = vec!["21:00-08:00".into()]).contains("a span over midnight is two"));
    assert!(error(|of| of.hours.mon = vec!["08:00-12:00".into(), "11:00-13:00".into()]).contains("overlap"));
    assert!(error(|of| of.hours.mon = vec![]).contains("hours: no hour of the week is allowed"));
    assert!(error(|of| of.holidays = vec!["christmas".into()]).contains("holidays: \"christmas\""));
    assert!(error(|of| of.zones = vec!["Mars/Dome".into()]).contains("zones: \"Mars/Dome\""));
    assert!(error(|of| of.countries.clear()).contains("countries"));
    assert!(error(|of| of.channels = Channels::NONE).contains("channels"));
    let cap = |of: &mut JurisdictionSpec| {
        of.caps = vec![crate::caps::CapSpec { most: 0, hours: 24, over: crate::caps::CapOver::Matter }];
    };
    assert!(error(cap).contains("caps: most is 0"));
    let mut twice = spec(|_| ());
    twice.jurisdictions.push(twice.jurisdictions[0].clone());
    assert!(QuietHours::new(&twice, &zones).unwrap_err().to_string().contains("has this name"));
    assert!(matches!(QuietHours::read("nothing", &zones), Err(HoursError::Unreadable(_))));
}

#[test]
fn rules_without_a_common_hour_never_allow() {
    let zones = Zones::load();
    let mut two = spec(|_| ());
    let mut other = two.jurisdictions[0].clone();
    other.name = "other".into();
    other.hours = WeekSpec { tue: vec!["09:00-10:00".into()], ..WeekSpec::default() };
    two.jurisdictions.push(other);
    let hours = QuietHours::new(&two, &zones).unwrap();
    let places = Places::load(&zones);
    let found = places.locate(&zones, &place("US", Some("US-NY"), None), None);
    let verdict = hours.judge(&zones, &found, (Channel::Text, false), &[], at("2026-01-15T18:00:00Z"));
    assert_eq!(verdict, HoursVerdict::Never);
}

/// Zones with odd clocks: half hours, a change of half an hour, changes at midnight, none.
const ODD: [&str; 6] = [
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/New_York",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Scoresbysund",
];

/// So far ahead every fifth minute is tried.
const SEARCHED_DAYS: i64 = 30;

fn span() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(0u16..24 * 12, 0..4).prop_map(|mut edges| {
        edges.sort_unstable();
        edges.dedup();
        let text = |edge: u16| format!("{:02}:{:02}", edge / 12, edge % 12 * 5);
        edges.chunks_exact(2).map(|two| format!("{}-{}", text(two[0]), text(two[1]))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// The first allowed instant is the one that trying every minute finds, in the weeks of the changes of clocks too.
    #[test]
    fn the_next_hour_is_the_one_that_trying_finds(
        days in proptest::collection::vec(span(), 7),
        zone in 0usize..6,
        second in 0usize..6,
        week in 0i64..54,
        minute in 0i64..7 * 24 * 12,
    ) {
        let days: [Vec<String>; 7] = days.try_into().unwrap();
        let [mon, tue, wed, thu, fri, sat, sun] = days;
        let hours = WeekSpec { mon, tue, wed, thu, fri, sat, sun };
        let zones = Zones::load();
        let Ok(rules) = QuietHours::new(&spec(|of| of.hours = hours.clone()), &zones) else { return Ok(()) };
        let found = Whereabouts {
            country: Some("US".parse().unwrap()),
            region: None,
            zones: [ODD[zone], ODD[second]].iter().map(|name| zones.find(name).unwrap()).collect(),
            basis: crate::place::Basis::Zone,
        };
        let now = Micros(at("2026-01-05T00:00:00Z").0 + (week * 7 * 24 * 60 + minute * 5) * 60_000_000);
        let verdict = rules.judge(&zones, &found, (Channel::Text, false), &[], now);
        let allows = |at: Micros| {
            let mut clocks = found.zones.iter().map(|zone| zones.get(*zone).to_datetime(at.timestamp()));
            clocks.all(|local| rules.rules()[0].week.allows(local))
        };
        let steps = (0..SEARCHED_DAYS * 24 * 12).map(|step| Micros(now.0 + step * 5 * 60_000_000));
        let expected = steps.into_iter().find(|at| allows(*at));
        match verdict {
            HoursVerdict::Allowed => prop_assert_eq!(expected, Some(now)),
            HoursVerdict::Until(at) => {
                prop_assert!(at > now);
                // Two zones may share no hour until a change of clocks: later than what is tried.
                let tried = at.0 - now.0 < SEARCHED_DAYS * 86_400_000_000;
                prop_assert_eq!(expected, tried.then_some(at));
            }
            HoursVerdict::Never => prop_assert_eq!(expected, None),
            HoursVerdict::NoRule | HoursVerdict::UnknownPlace => prop_assert!(false, "the rule applies"),
        }
    }
}
