use super::*;
use crate::entry::{Channel, EntryId};

fn rules(several: &str, extraction: &str) -> Rules {
    Rules::from_json(&format!(
        r#"{{"name": "c", "account": "demo", "kind": "vote", "several": "{several}", "extraction": [{extraction}],
            "entry_points": [{{"channel": "sms", "keyword": "song"}}, {{"channel": "sms", "keyword": "song final"}}]}}"#
    ))
    .unwrap()
}

fn entry(text: &str) -> RawEntry {
    RawEntry {
        id: EntryId(1),
        channel: Channel::Sms,
        from: "+4917612345678".into(),
        to: "70650".into(),
        text: text.into(),
        carrier: None,
        received_at: "2026-05-01T19:00:00Z".parse().unwrap(),
        smsc_at: None,
    }
}

/// The fields of each vote as `name=value`, or the reject code.
fn taken(rules: &Rules, text: &str) -> Vec<String> {
    match extract(rules, &entry(text)) {
        Err(lacks) => vec![format!("{} {}", lacks.code, lacks.field)],
        Ok(votes) => votes
            .iter()
            .map(|vote| {
                let fields: Vec<String> =
                    vote.fields.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
                fields.join(" ")
            })
            .collect(),
    }
}

const SONGS: &str = r#"{"field": "choice", "kind": "enumeration", "options": [
    {"value": "a", "label": "Blue Skies", "synonyms": ["1"]},
    {"value": "b", "label": "Blue", "synonyms": ["2"], "weight": 3},
    {"value": "c", "label": "Café", "synonyms": ["3"]}]}"#;

#[test]
fn an_option_is_found_by_any_of_its_names_among_other_words() {
    let rules = rules("first", SONGS);
    for (text, expected) in [
        ("SONG A", "choice=a"),
        ("Söng a)", "choice=a"),
        ("song \"B\"!", "choice=b"),
        ("ＳＯＮＧ　３", "choice=c"),
        ("song ٣", "choice=c"),
        ("song CAFE", "choice=c"),
        ("Song I vote for blue skies please", "choice=a"),
        ("song blue", "choice=b"),
        ("song final 2", "choice=b"),
        ("2", "choice=b"),
        ("song 2 or 3", "choice=b"),
        ("song 2,3", "choice=b"),
        ("song d", "BAD_OPTION choice"),
        ("song 12", "BAD_OPTION choice"),
        ("song", "BAD_FORMAT choice"),
        ("song ?!", "BAD_FORMAT choice"),
        ("", "BAD_FORMAT choice"),
    ] {
        assert_eq!(taken(&rules, text), [expected], "{text}");
    }
}

#[test]
fn several_votes_follow_the_policy() {
    let all = rules("all", SONGS);
    assert_eq!(taken(&all, "song a, 3 and a again"), ["choice=a", "choice=c"]);
    assert_eq!(taken(&all, "song 1/2/3"), ["choice=a", "choice=b", "choice=c"]);
    assert_eq!(taken(&all, "song a,x"), ["BAD_OPTION choice"]);
    let reject = rules("reject", SONGS);
    assert_eq!(taken(&reject, "song a b"), ["BAD_FORMAT choice"]);
    assert_eq!(taken(&reject, "song a a"), ["choice=a"]);
}

#[test]
fn certainty_is_less_where_more_was_left_behind() {
    let rules = rules("first", SONGS);
    let confidence = |text| extract(&rules, &entry(text)).unwrap()[0].confidence;
    assert_eq!(
        (confidence("song blue skies"), confidence("song hey 2"), confidence("song 2,3")),
        (100, 90, 80)
    );
    assert_eq!(extract(&rules, &entry("song 2")).unwrap()[0].weight(), 3);
}

#[test]
fn each_rule_takes_its_words_and_the_rest_remains() {
    let rules = rules(
        "first",
        r#"{"field": "why", "kind": "remainder", "required": false},
           {"field": "first", "kind": "token", "position": 1},
           {"field": "born", "kind": "date"},
           {"field": "mail", "kind": "regex", "pattern": "([a-z0-9.]+@[a-z0-9.]+)"},
           {"field": "size", "kind": "number", "min": 30, "max": 50},
           {"field": "code", "kind": "code", "batch": "caps", "length": 8}"#,
    );
    assert_eq!(
        taken(&rules, "song Ännie, 24.12.1990 AB12-CD34 Ann.B@Example.com size 42 - it is GREAT!"),
        ["why=size it is GREAT! first=annie born=1990-12-24 mail=Ann.B@Example.com size=42 code=AB12CD34"]
    );
    assert_eq!(
        taken(&rules, "song x 24 12 90 a@b.c 42 ab12 cd34"),
        ["first=x born=1990-12-24 mail=a@b.c size=42 code=AB12CD34"]
    );
    assert_eq!(taken(&rules, "song x 24.12.1990 a@b.c 99 AB12CD34"), ["BAD_OPTION size"]);
    assert_eq!(taken(&rules, "song x 24.12.1990 a@b.c 40 AB12CD3"), ["BAD_FORMAT code"]);
    assert_eq!(taken(&rules, "song x 24.12.1990 40 AB12CD34"), ["BAD_FORMAT mail"]);
    assert_eq!(taken(&rules, "song"), ["BAD_FORMAT first"]);
}

#[test]
fn a_position_is_counted_behind_the_keyword() {
    let rules = rules("all", r#"{"field": "n", "kind": "number", "position": 2}"#);
    assert_eq!(taken(&rules, "song 5 6 7"), ["n=6"]);
    assert_eq!(taken(&rules, "song 5"), ["BAD_FORMAT n"]);
    assert_eq!(taken(&rules, "song 5 x 7"), ["BAD_FORMAT n"]);
}

#[test]
fn a_dash_is_a_sign_where_numbers_may_be_negative() {
    let any = rules("first", r#"{"field": "n", "kind": "number"}"#);
    let natural = rules("first", r#"{"field": "n", "kind": "number", "min": 1}"#);
    for (text, of_any, of_natural) in [
        ("song -5", "n=-5", "n=5"),
        ("song \u{2212}5!", "n=-5", "n=5"),
        ("song +5", "n=5", "n=5"),
        ("song -٥", "n=-5", "n=5"),
        ("song 0", "n=0", "BAD_OPTION n"),
        ("song 99999999999999999999", "BAD_FORMAT n", "BAD_FORMAT n"),
    ] {
        assert_eq!(taken(&any, text), [of_any], "{text}");
        assert_eq!(taken(&natural, text), [of_natural], "{text}");
    }
}

#[test]
fn a_text_beyond_all_bounds_is_not_looked_at() {
    assert_eq!(taken(&rules("first", SONGS), &"a ".repeat(MAX_TEXT)), ["BAD_FORMAT choice"]);
}

#[test]
fn a_campaign_without_rules_takes_nothing() {
    let found = extract(&rules("first", ""), &entry("song anything")).unwrap();
    assert_eq!((found.len(), found[0].fields.len()), (1, 0));
}

proptest::proptest! {
    /// Whatever is sent, a vote is one of the options.
    #[test]
    fn rubbish_gives_an_option_or_a_code(text in "\\PC{0,60}") {
        for votes in extract(&rules("all", SONGS), &entry(&text)).into_iter().flatten() {
            proptest::prop_assert!(["a", "b", "c"].contains(&votes.value("choice").unwrap()));
        }
    }
}
