use std::collections::BTreeMap;

use super::*;

fn located(place: Place<'_>, number: Option<u64>) -> (String, Vec<String>, Basis) {
    let zones = Zones::load();
    let places = Places::load(&zones);
    let found = places.locate(&zones, &place, number.map(|number| E164::from_value(number).unwrap()));
    let name = match (found.region, found.country) {
        (Some(region), _) => region.to_string(),
        (None, Some(country)) => country.to_string(),
        (None, None) => "?".to_owned(),
    };
    (name, found.zones.iter().map(|zone| zones.name(*zone).to_owned()).collect(), found.basis)
}

fn of(name: &str, zones: &[&str], basis: Basis) -> (String, Vec<String>, Basis) {
    (name.to_owned(), zones.iter().map(|zone| (*zone).to_owned()).collect(), basis)
}

fn us() -> Option<Country> {
    Some("US".parse().unwrap())
}

#[test]
fn every_zone_of_the_tables_is_in_the_database() {
    let zones = Zones::load();
    let names = countries::COUNTRIES
        .iter()
        .map(|(_, names)| names)
        .chain(nanp::STATES.iter().map(|(_, names)| names))
        .chain(nanp::AREAS.iter().map(|(_, names, _)| names))
        .chain(postal::ZIP.iter().map(|(_, names, _)| names))
        .chain(postal::CANADA.iter().map(|(_, _, names)| names));
    for name in names.flat_map(|names| names.split_ascii_whitespace()) {
        assert!(zones.find(name).is_some(), "{name}");
    }
    let places = Places::load(&zones);
    assert_eq!(places.areas.len(), nanp::AREAS.len() + postal::ZIP.len() + postal::CANADA.len());
    assert_eq!(places.countries.len(), countries::COUNTRIES.len());
    assert!(places.areas.iter().all(|area| !area.zones.is_empty()));
}

#[test]
fn no_area_code_and_no_postal_code_is_listed_twice() {
    let mut seen = BTreeMap::new();
    for (name, _, codes) in nanp::AREAS {
        for code in codes.split_ascii_whitespace() {
            assert_eq!(code.len(), 3, "{code}");
            assert_eq!(seen.insert(code, name), None, "{code}");
        }
    }
    let mut seen = BTreeMap::new();
    for (name, _, ranges) in postal::ZIP {
        for code in ranges.iter().flat_map(|(from, to)| *from..=*to) {
            assert_eq!(seen.insert(code, name), None, "{code}");
        }
    }
}

#[test]
fn the_area_code_tells_state_and_zones() {
    let (new_york, chicago) = ("America/New_York", "America/Chicago");
    let by = Basis::AreaCode;
    let code = |number| located(Place::default(), Some(number));
    assert_eq!(code(12_125_550_100), of("US-NY", &[new_york], by));
    assert_eq!(code(13_055_550_100), of("US-FL", &[new_york], by));
    assert_eq!(code(18_505_550_100), of("US-FL", &[new_york, chicago], by));
    assert_eq!(code(19_155_550_100), of("US-TX", &["America/Denver"], by));
    assert_eq!(code(14_165_550_100), of("CA-ON", &["America/Toronto"], by));
    assert_eq!(code(19_025_550_100), of("CA", &["America/Halifax"], by));
    assert_eq!(code(17_875_550_100), of("PR", &["America/Puerto_Rico"], by));
    assert_eq!(code(18_765_550_100), of("JM", &["America/Jamaica"], by));
    // A number plan that knows +1 as the United States does not hide the territory.
    assert_eq!(located(Place { country: us(), ..Place::default() }, Some(17_875_550_100)).0, "PR");
    assert_eq!(code(18_005_550_100).1.len(), 8, "toll-free: any zone of the country");
    // Of a global service: nowhere.
    assert_eq!(code(883_510_012_345), of("?", &[], Basis::Unknown));
}

#[test]
fn a_number_without_an_area_code_is_in_the_country_of_its_plan() {
    let code = |number| located(Place::default(), Some(number));
    assert_eq!(code(447_400_123_456), of("GB", &["Europe/London"], Basis::Country));
    assert_eq!(code(33_612_345_678), of("FR", &["Europe/Paris"], Basis::Country));
    assert_eq!(code(77_012_345_678).0, "KZ", "7 is of two countries");
    let moved = Place { country: us(), ..Place::default() };
    assert_eq!(located(moved, Some(447_400_123_456)).0, "US", "the contact knows better");
}

#[test]
fn better_sources_go_first() {
    let number = Some(13_055_550_100);
    let state = Place { state: Some("US-CA".parse().unwrap()), ..Place::default() };
    let pacific = ["America/Los_Angeles"];
    assert_eq!(located(state, number), of("US-CA", &pacific, Basis::State));
    let postal = Place { country: us(), postal: Some("94103"), ..Place::default() };
    assert_eq!(located(postal, number), of("US-CA", &pacific, Basis::Postal));
    let zone = Place { zone: Some("America/Denver"), ..postal };
    assert_eq!(located(zone, number), of("US-CA", &["America/Denver"], Basis::Zone));
    // Only the zone is known of the contact; the state still comes from the number.
    let zone = Place { zone: Some("America/Denver"), ..Place::default() };
    assert_eq!(located(zone, number), of("US-FL", &["America/Denver"], Basis::Zone));
    // What is no zone and no postal code tells nothing.
    let wrong = Place { zone: Some("Denver"), postal: Some("9410"), country: us(), ..Place::default() };
    assert_eq!(located(wrong, number), of("US-FL", &["America/New_York"], Basis::AreaCode));
    let abroad = Place { country: Some("FR".parse().unwrap()), ..Place::default() };
    assert_eq!(located(abroad, number), of("FR", &["Europe/Paris"], Basis::Country));
}

#[test]
fn postal_codes_tell_states() {
    let code = |country: &str, postal| {
        located(
            Place { country: Some(country.parse().unwrap()), postal: Some(postal), ..Place::default() },
            None,
        )
    };
    assert_eq!(code("US", "79901"), of("US-TX", &["America/Chicago", "America/Denver"], Basis::Postal));
    assert_eq!(code("US", "33101-1234"), of("US-FL", &["America/New_York"], Basis::Postal));
    assert_eq!(code("US", "00901"), of("PR", &["America/Puerto_Rico"], Basis::Postal));
    assert_eq!(code("CA", "m5v 2t6"), of("CA-ON", &["America/Toronto"], Basis::Postal));
    assert_eq!(code("DE", "10115"), of("DE", &["Europe/Berlin"], Basis::Country));
    assert_eq!(
        code("CA", "?"),
        of(
            "CA",
            &located(Place { country: Some("CA".parse().unwrap()), ..Place::default() }, None)
                .1
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            Basis::Country
        )
    );
}

#[test]
fn a_state_without_a_table_has_the_zones_of_its_country() {
    let place = Place { state: Some("DE-BY".parse().unwrap()), ..Place::default() };
    assert_eq!(located(place, Some(12_125_550_100)), of("DE-BY", &["Europe/Berlin"], Basis::Country));
}
