//! Each fault of a rule set, with rule and field.

use super::*;

fn faults(text: &str) -> Vec<String> {
    let spec: RuleSetSpec = toml::from_str(text).unwrap();
    let errors = RuleSet::compile(&spec, RuleVersion(1), names()).unwrap_err();
    errors.0.iter().map(ToString::to_string).collect()
}

fn fault(when: &str, then: &str) -> Vec<String> {
    faults(&format!("currency = 'USD'\n[[rules]]\nname = 'r'\nwhen = {{ {when} }}\nthen = {{ {then} }}"))
}

const LINKS: &str = "links = [{ link = 'a' }]";

#[test]
fn names_that_nobody_knows() {
    assert_eq!(
        fault("carrier = ['north', 'east']", LINKS),
        ["rules[0] \"r\", when.carrier[1]: unknown carrier \"east\""]
    );
    assert_eq!(fault("account = ['x']", LINKS), ["rules[0] \"r\", when.account[0]: unknown account \"x\""]);
    assert_eq!(fault("ingress = ['x']", LINKS), ["rules[0] \"r\", when.ingress[0]: unknown link \"x\""]);
    assert_eq!(fault("", "account = 'x'"), ["rules[0] \"r\", then.account: unknown account \"x\""]);
    assert_eq!(
        fault("", "links = [{ link = 'a' }, { link = 'z' }]"),
        ["rules[0] \"r\", then.links[1].link: unknown link \"z\""]
    );
}

#[test]
fn fields_that_say_nothing_sensible() {
    for prefix in ["", "12a", "1234567890123456", "++1", "-1"] {
        let expected =
            format!("rules[0] \"r\", when.destination_prefix[0]: \"{prefix}\" is no prefix (1 to 15 digits)");
        assert_eq!(fault(&format!("destination_prefix = ['{prefix}']"), LINKS), [expected]);
    }
    assert_eq!(
        fault("source = ['']", LINKS),
        ["rules[0] \"r\", when.source[0]: \"\" is no address (1 to 64 octets)"]
    );
    assert_eq!(
        fault("country = ['usa']", LINKS),
        ["rules[0] \"r\", when.country[0]: \"usa\" is no country (two capital letters, ISO 3166-1)"]
    );
    assert_eq!(
        fault("time = [{ zone = 'Europe/Atlantis' }]", LINKS),
        ["rules[0] \"r\", when.time[0].zone: unknown time zone \"Europe/Atlantis\""]
    );
    assert_eq!(
        fault("time = [{ zone = 'UTC', to = '9:00' }]", LINKS),
        ["rules[0] \"r\", when.time[0].to: \"9:00\" is no time of day (HH:MM, 00:00 to 24:00)"]
    );
    assert_eq!(fault("", "reject = ' '"), ["rules[0] \"r\", then.reject: a rejection needs a reason"]);
}

#[test]
fn targets_that_cannot_work() {
    assert_eq!(fault("", "links = []"), ["rules[0] \"r\", then.links: no links"]);
    assert_eq!(
        fault("", "links = [{ link = 'a' }, { link = 'a' }]"),
        ["rules[0] \"r\", then.links[1].link: link \"a\" is listed twice"]
    );
    assert_eq!(
        fault("", "links = [{ link = 'a', weight = 0 }, { link = 'b', priority = 1 }]"),
        ["rules[0] \"r\", then.links: all links of priority 0 have weight 0"]
    );
    assert_eq!(
        fault("", "links = [{ link = 'a', cost = -5 }]"),
        ["rules[0] \"r\", then.links[0].cost: a cost is not below zero, this is -5"]
    );
    assert_eq!(
        fault("max_cost = 600", "links = [{ link = 'b' }, { link = 'c' }]"),
        ["rules[0] \"r\", when.max_cost: no link is known to cost at most 600"]
    );
    assert_eq!(
        faults(
            "currency = 'USD'\n[[rules]]\nname = 'r'\nsharing = 'cheapest'\nthen.links = [{ link = 'c' }]"
        ),
        ["rules[0] \"r\", then.links[0].cost: sharing by cost needs the cost of link \"c\""]
    );
}

#[test]
fn names_and_currency() {
    let twice =
        "[[rules]]\nname = 'x'\nthen.reject = 'r'\n[[rules]]\nname = 'x'\nenabled = false\nthen.reject = 'r'";
    assert_eq!(faults(twice), ["rules[1] \"x\", name: the name is taken by rules[0]"]);
    assert_eq!(
        faults("[[rules]]\nname = ''\nthen.reject = 'r'"),
        ["rules[0] \"\", name: a rule has a name of 1 to 100 characters without control characters"]
    );
    assert_eq!(
        faults("[[rules]]\nname = 'x'\nthen.links = [{ link = 'a', cost = 1 }]"),
        ["currency: the set has costs but no currency"]
    );
    assert_eq!(
        faults("currency = 'usd'"),
        ["currency: \"usd\" is no currency (three capital letters, ISO 4217)"]
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let found = fault("carrier = ['x'], country = ['y']", "links = []");
    assert_eq!(found.len(), 3);
}

#[test]
fn a_set_is_bounded() {
    let rule = RuleSpec {
        name: String::new(),
        enabled: true,
        when: Conditions::default(),
        then: ActionSpec::Reject("r".into()),
        sharing: Sharing::Weighted,
    };
    let rules = (0..=MAX_RULES).map(|n| RuleSpec { name: n.to_string(), ..rule.clone() }).collect();
    let spec = RuleSetSpec { currency: None, rules };
    let errors = RuleSet::compile(&spec, RuleVersion(1), names()).unwrap_err();
    assert_eq!(errors.to_string(), "rules: 16385 rules are more than 16384");
    let links: Vec<String> = (0..33).map(|n| format!("{{ link = 'l{n}' }}")).collect();
    let found = fault("", &format!("links = [{}]", links.join(",")));
    assert!(found.contains(&"rules[0] \"r\", then.links: 33 links are more than 32".to_owned()));
}
