use signalbox_text::phone::{self, E164};

use super::*;

fn country(digits: &str) -> String {
    NumberPlan::new().look_up(digits.as_bytes()).country.map_or("-".into(), |country| country.to_string())
}

#[test]
fn countries_that_share_a_code_are_told_apart() {
    let expected = [
        ("12025550100", "US"),
        ("14165550100", "CA"),
        ("18765550100", "JM"),
        ("77012345678", "KZ"),
        ("79161234567", "RU"),
        ("447700900123", "GB"),
        ("447781123456", "GG"),
        ("390669812345", "VA"),
        ("390612345678", "IT"),
        ("59991234567", "CW"),
        ("5997123456", "BQ"),
        ("4915112345678", "DE"),
        ("8821612345678", "-"),
        ("999123456789", "-"),
        ("", "-"),
    ];
    for (digits, expected) in expected {
        assert_eq!(country(digits), expected, "{digits}");
    }
}

/// Linear congruential steps: the same numbers in each run.
fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn countries_agree_with_the_library_of_number_plans() {
    let plan = NumberPlan::new();
    let mut state = 1;
    let mut compared = std::collections::BTreeMap::new();
    let mut shown = Vec::new();
    // Each leading four digits, with tails of changing length.
    for head in 1000..10_000u64 {
        for tail in [5 + (head % 4) as u32] {
            let number = head * 10u64.pow(tail) + step(&mut state) % 10u64.pow(tail);
            let Some(number) = E164::from_value(number) else { continue };
            let info = phone::look_up(number);
            let Some(region) = info.region.filter(|_| info.valid) else { continue };
            let ours = plan.look_up(number.to_ascii().as_bytes()).country;
            *compared.entry(region.as_str().to_owned()).or_insert(0) += 1;
            let ours = ours.map_or("-".into(), |country| country.to_string());
            // The library leaves open what no prefix tells; toll-free and personal numbers of +1 have no country.
            let same_block = |a: &str| matches!(a, "GP" | "BL" | "MF");
            let alike = ours == region.as_str()
                || (same_block(&ours) && same_block(region.as_str()))
                || (region.as_str() == "EH" && ours == "MA")
                || number.to_string().starts_with("+1")
                // A trunk prefix 8 that the library takes off behind +7.
                || number.to_string().starts_with("+787");
            if !alike && shown.len() < 40 {
                shown.push(format!("{number}: {ours} here, {region} there"));
            }
        }
    }
    assert!(shown.is_empty(), "{shown:#?}");
    assert!(compared.len() > 130, "{} countries met", compared.len());
}

#[test]
fn areas_of_north_america_agree_with_the_library() {
    let plan = NumberPlan::new();
    let mut state = 2;
    let mut met = std::collections::BTreeMap::<String, u32>::new();
    for area in 200..1000u64 {
        // Toll-free, personal and machine numbers are shared by the whole zone.
        if area % 100 % 11 == 0 || matches!(area / 100, 5..=9) && area % 100 == 0 || area / 10 == 52 {
            continue;
        }
        // Small islands use few of their numbers: more tries to meet a valid one.
        let large = ["US", "CA"]
            .map(|name| name.parse().ok())
            .contains(&plan.look_up(format!("1{area}").as_bytes()).country);
        let mut found = 0;
        for _ in 0..if large { 8 } else { 250 } {
            let number = 10_000_000_000 + area * 10_000_000 + (2_000_000 + step(&mut state) % 8_000_000);
            let info = phone::look_up(E164::from_value(number).unwrap());
            let Some(region) = info.region.filter(|_| info.valid) else { continue };
            let ours = plan.look_up(number.to_string().as_bytes()).country.unwrap();
            assert_eq!(ours.as_str(), region.as_str(), "{number}");
            *met.entry(region.as_str().to_owned()).or_default() += 1;
            found += 1;
            if found == 2 {
                break;
            }
        }
    }
    assert!(met.len() >= 24, "{met:?}");
}

fn names() -> Names {
    let mut names = Names::new();
    names
        .add_carrier("north", CarrierId(1))
        .add_carrier("south", CarrierId(2))
        .add_carrier("310-260", CarrierId(1));
    names
}

#[test]
fn the_longest_prefix_gives_the_carrier() {
    let mut plan = NumberPlan::new();
    let csv =
        "prefix,carrier,remark\n1202,north,x\n# a comment\n1202555,south\n+49151, 310-260 \n1202,310-260\n";
    let report = plan.load_carriers(csv.as_bytes(), &names()).unwrap();
    assert_eq!((report.rows, report.replaced, report.rejected.count), (4, 1, 0));
    assert_eq!(plan.carriers(), 3);
    let carrier = |digits: &str| {
        let answer = plan.look_up(digits.as_bytes());
        answer.carrier.map(|carrier| (carrier.0, answer.carrier_digits))
    };
    assert_eq!(carrier("12025550100"), Some((2, 7)));
    assert_eq!(carrier("12025560100"), Some((1, 4)));
    assert_eq!(carrier("4915112345678"), Some((1, 5)));
    assert_eq!(carrier("4916012345678"), None);
    assert_eq!(plan.look_up(b"12025550100").country, "US".parse().ok());
}

#[test]
fn bad_rows_are_reported_by_line() {
    let mut plan = NumberPlan::new();
    let csv = "1202,north\n12x,north\n0123,north\n1203\n1204,\n1205,east\n1234567890123456,north\n";
    let report = plan.load_carriers(csv.as_bytes(), &names()).unwrap();
    let told: Vec<String> = report.rejected.first.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 2: a prefix has 1 to 15 digits and does not begin with 0",
            "line 3: a prefix has 1 to 15 digits and does not begin with 0",
            "line 4: a row has a number or prefix and a carrier",
            "line 5: no carrier",
            "line 6: unknown carrier \"east\"",
            "line 7: a prefix has 1 to 15 digits and does not begin with 0",
        ]
    );
    assert_eq!((report.rows, report.rejected.count, plan.carriers()), (7, 6, 1));
}
