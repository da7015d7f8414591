use super::*;
use crate::id::{LinkId, Names, RuleVersion};
use crate::lookup::LookupSource;
use crate::portability::{BuildOptions, build};
use crate::query::{Direction, Health, MessageClass};
use crate::rules::RuleSetSpec;

const NORTH: CarrierId = CarrierId(1);
const SOUTH: CarrierId = CarrierId(2);

/// Block 1202555 is of north; 12025550100 was ported to south, 12025550101 to somebody unknown.
fn router() -> Router {
    let mut names = Names::new();
    names.add_carrier("north", NORTH).add_carrier("south", SOUTH);
    names.add_link("to-north", LinkId(1), None).add_link("to-south", LinkId(2), None);
    let mut plan = NumberPlan::new();
    plan.set_carrier("1202555", NORTH).unwrap();
    plan.set_carrier("1202777", SOUTH).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let options = BuildOptions { as_of: UtcMicros(5), ..BuildOptions::default() };
    build("12025550100,south\n12025550101,east\n".as_bytes(), &path, &options).unwrap();
    let table = PortabilityTable::open(&path, &names).unwrap();
    let spec: RuleSetSpec = toml::from_str(
        "[[rules]]\nname = 'north'\nwhen.carrier = ['north']\nthen.links = [{ link = 'to-north' }]\n\
         [[rules]]\nname = 'south'\nwhen.carrier = ['south']\nthen.links = [{ link = 'to-south' }]",
    )
    .unwrap();
    let rules = RuleSet::compile(&spec, RuleVersion(3), Arc::new(names)).unwrap();
    Router { rules: Arc::new(rules), plan: Arc::new(plan), portability: Some(Arc::new(table)) }
}

fn lookup(finding: Finding) -> LookupAnswer {
    LookupAnswer { finding, source: LookupSource::Enum, as_of: UtcMicros(9), ttl_seconds: 60 }
}

fn answer(number: &str, finding: Option<Finding>) -> (Option<CarrierId>, AnswerSource, i64) {
    let lookup = finding.map(lookup);
    let answer = router().answer(Party::of(number.as_bytes()), lookup.as_ref(), UtcMicros(100));
    (answer.carrier, answer.source, answer.as_of.0)
}

#[test]
fn the_best_source_names_the_carrier() {
    use AnswerSource::{Enum, NumberPlan, Portability, Unknown};
    assert_eq!(answer("12025550199", None), (Some(NORTH), NumberPlan, 100));
    assert_eq!(answer("12025550100", None), (Some(SOUTH), Portability, 5));
    assert_eq!(answer("12025550101", None), (None, Portability, 5), "not the carrier that it left");
    assert_eq!(answer("12029990100", None), (None, Unknown, 100));
    assert_eq!(answer("BANK", None), (None, Unknown, 100));
    assert_eq!(answer("120255", None), (None, Unknown, 100), "a short code");
    let routed = Finding::RoutingNumber("12027770000".parse().unwrap());
    assert_eq!(answer("12025550199", Some(routed)), (Some(SOUTH), Enum, 9));
    assert_eq!(answer("12025550199", Some(Finding::NotPorted)), (Some(NORTH), Enum, 9));
    assert_eq!(
        answer("12025550100", Some(Finding::NotPorted)),
        (Some(NORTH), Enum, 9),
        "fresher than the table"
    );
    assert_eq!(answer("12025550199", Some(Finding::Carrier(SOUTH))), (Some(SOUTH), Enum, 9));
    // A routing number that leads nowhere is no answer.
    let lost = Finding::RoutingNumber("12029990000".parse().unwrap());
    assert_eq!(answer("12025550100", Some(lost)), (Some(SOUTH), Portability, 5));
}

#[test]
fn a_ported_number_takes_the_way_of_its_carrier() {
    let router = router();
    let up = |_: LinkId| Health::Up;
    let device = Party::of(b"12025550100");
    let query = Query {
        direction: Direction::Mt,
        source: Party::of(b"12345"),
        destination: device,
        account: None,
        ingress: None,
        class: MessageClass::Bulk,
        number: router.answer(device, None, UtcMicros(100)),
        max_cost: None,
        at: UtcMicros(100),
    };
    assert_eq!(router.decide(&query, &up).targets()[0].link, LinkId(2));
    let explanation = router.explain(&query, None, &up);
    let said: Vec<&str> = explanation.consulted.iter().map(|consulted| consulted.said.as_str()).collect();
    assert_eq!(said, ["south", "US, north by 7 digits"]);
    assert_eq!(explanation.carrier.as_deref(), Some("south"));
    assert_eq!(explanation.summary, "rule 1 \"south\" of version 3 chose to-south, 0 more to fail over to");
}

#[test]
fn each_source_is_told() {
    let router = router();
    let said = |number: &str, finding: Option<Finding>| -> Vec<String> {
        let lookup = finding.map(lookup);
        let consulted = router.consult(Party::of(number.as_bytes()), lookup.as_ref());
        consulted
            .into_iter()
            .map(|consulted| format!("{}: {}", consulted.source.as_str(), consulted.said))
            .collect()
    };
    let routed = Finding::RoutingNumber("12027770000".parse().unwrap());
    assert_eq!(
        said("12025550101", Some(routed)),
        [
            "enum: routing number +12027770000, whose block has south",
            "portability: ported to the unknown carrier \"east\"",
            "number_plan: US, north by 7 digits",
        ]
    );
    assert_eq!(said("99912345678", None), ["portability: not listed", "number_plan: no country, no carrier"]);
    assert_eq!(said("12345", None), ["unknown: international number has 5 digits, not 7 to 15"]);
    assert_eq!(said("BANK", None), ["unknown: the address is no number"]);
}
