//! The way of an MO (KEY-*, D5, D6, MQ flow 4).

use std::sync::Arc;

use signalbox_core::time::Micros;
use signalbox_dialog::{Does, Keyword, Note, Said, Stage, Why};

use crate::world::{DEVICE, INFO, OTHER_ACCOUNT, POLL, SECOND, SHARED, SURVEY, World, rules};

fn why(world: &World) -> Vec<Why> {
    let messages = world.records.iter().rev().find_map(|record| match &record.what {
        Said::Message { why, side: signalbox_invocation::Side::Mo, .. } => Some(why.clone()),
        _ => None,
    });
    messages.unwrap_or_default()
}

#[test]
fn a_keyword_begins_a_conversation_with_its_sub_campaign() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "Survey please");
    world.run();
    assert_eq!(world.last_text(), "moHandler:Survey please");
    assert_eq!(why(&world), [Why::Keyword("survey".into())]);
    assert_eq!(world.given.sent[0].1.scope.sub_campaign, SURVEY);
}

/// OPT-01: nobody is kept in by a keyword that is bound to a word of consent, or begins like one.
#[test]
fn words_of_consent_go_before_keywords() {
    let mut rules = rules();
    for (id, text) in [(11, "stop"), (12, "help"), (13, "start")] {
        let (text, does) = (text.into(), Does::Begin);
        let bound = Keyword {
            id,
            text,
            program: None,
            sub_campaign: POLL,
            from: None,
            to: None,
            whole: false,
            does,
            tests: None,
        };
        rules.keywords.add(1, bound).unwrap();
    }
    let mut world = World::new(rules);
    for (text, kind) in [("STOP!", "opt_out"), ("Help", "help"), ("start.", "opt_in")] {
        world.mo(DEVICE, SHARED, text);
        world.run();
        let routed = world.notes.iter().rev().find_map(|note| match note {
            Note::Routed { kind, .. } => Some(*kind),
            _ => None,
        });
        assert_eq!(routed, Some(kind), "{text}");
    }
    assert!(world.given.consents.iter().any(|change| !change.opt_in), "he is out");
    assert!(world.given.sent.iter().all(|(_, own)| own.scope.sub_campaign == INFO));
}

#[test]
fn what_is_no_keyword_answers_the_last_contact_on_that_address() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "blue");
    world.run();
    assert_eq!(world.last_text(), "moHandler:blue");
    assert_eq!(why(&world), [Why::PreviousContact(SURVEY)]);
}

/// KEY-08, D5: the latest text to the device was that of the second keyword, though no script said it.
#[test]
fn what_follows_a_keyword_with_a_fixed_text_is_an_answer_to_that() {
    let mut rules = rules();
    let facts = Keyword {
        id: 9,
        text: "facts".into(),
        program: None,
        sub_campaign: INFO,
        from: None,
        to: None,
        whole: false,
        does: Does::Begin,
        tests: None,
    };
    rules.keywords.add(1, facts).unwrap();
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "facts");
    world.run();
    world.mo(DEVICE, SHARED, "more");
    world.run();
    assert_eq!(world.last_text(), "reply");
    assert_eq!(why(&world), [Why::PreviousContact(INFO)]);
}

#[test]
fn what_is_neither_goes_to_the_default_of_the_address() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "hello");
    world.run();
    assert_eq!(world.last_text(), "reply");
    assert_eq!(why(&world), [Why::DefaultInbound(INFO)]);
}

#[test]
fn what_nobody_is_there_for_is_kept_and_shown_to_an_agent() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SECOND, "hello");
    world.run();
    assert_eq!(world.texts(), []);
    let Said::Message { flag, .. } = &world.records[0].what else { panic!() };
    assert_eq!(flag.as_deref(), Some("unmatched"));
    assert_eq!(why(&world), [Why::NoDefault]);
}

#[test]
fn a_keyword_starts_anew_in_the_middle_of_another_conversation() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "POLL");
    world.run();
    assert_eq!(world.given.sent.last().unwrap().1.scope.sub_campaign, POLL);
    world.mo(DEVICE, SHARED, "yellow");
    world.run();
    assert_eq!(why(&world), [Why::PreviousContact(POLL)]);
}

#[test]
fn an_account_has_words_of_its_own() {
    let mut spec = signalbox_consent::words::WordsSpec::shipped().unwrap();
    spec.languages[0].opt_out.push("basta".into());
    let words = Arc::new(signalbox_consent::Words::new(&spec).unwrap());
    let mut rules = rules();
    rules.words_of.insert(OTHER_ACCOUNT, words);
    let mut world = World::new(rules);
    // The default of the address is the first account's, whose word it is not.
    world.mo(DEVICE, SHARED, "basta");
    assert_eq!(world.given.consents, []);
    world.run();
    world.mo(DEVICE, SHARED, "poll");
    world.run();
    world.mo(DEVICE, SHARED, "basta");
    assert_eq!(why(&world), [Why::OptOutWord, Why::PreviousContact(POLL)]);
    assert_eq!(world.given.consents.last().map(|change| change.of), Some(OTHER_ACCOUNT));
}

/// D6: the next rule, and the message is flagged.
#[test]
fn a_keyword_whose_sub_campaign_rests_is_no_keyword() {
    let mut rules = rules();
    let paused = Arc::make_mut(rules.sub_campaigns.get_mut(&SURVEY).unwrap());
    paused.stage = Stage::Paused;
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    assert_eq!(world.last_text(), "reply");
    assert_eq!(why(&world), [Why::KeywordInactive("survey".into()), Why::DefaultInbound(INFO)]);
    let Said::Message { flag, .. } = &world.records[0].what else { panic!() };
    assert_eq!(flag.as_deref(), Some("keyword_inactive"));
}

#[test]
fn who_writes_before_the_first_day_or_after_the_last_is_told_so() {
    for (from, to, told) in [(Some(Micros(i64::MAX)), None, "not yet"), (None, Some(Micros(1)), "over")] {
        let mut rules = rules();
        let sub = Arc::make_mut(rules.sub_campaigns.get_mut(&SURVEY).unwrap());
        (sub.from, sub.to) = (from, to);
        let mut world = World::new(rules);
        world.mo(DEVICE, SHARED, "survey");
        world.run();
        assert_eq!(world.last_text(), told);
    }
}

#[test]
fn accounts_of_a_suspended_tenant_are_not_there() {
    let mut rules = rules();
    rules.accounts.get_mut(&1).unwrap().active = false;
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    assert_eq!(world.texts(), []);
    assert_eq!(why(&world), [Why::KeywordInactive("survey".into()), Why::NoDefault]);
}

/// Acceptance (a) of messaging.md: two programs at once, on addresses of their own.
#[test]
fn one_device_answers_two_sub_campaigns_on_two_addresses() {
    let mut rules = rules();
    rules.addresses.get_mut(2).unwrap().default_inbound = Some(POLL);
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.mo(DEVICE, SECOND, "vote");
    world.run();
    world.mo(DEVICE, SHARED, "a");
    world.mo(DEVICE, SECOND, "b");
    world.run();
    let subs: Vec<(u32, String)> =
        world.given.sent.iter().map(|(_, mt)| (mt.scope.sub_campaign, mt.text.clone())).collect();
    let expected = [
        (SURVEY, "moHandler:survey"),
        (POLL, "moHandler:vote"),
        (SURVEY, "moHandler:a"),
        (POLL, "moHandler:b"),
    ];
    assert_eq!(subs, expected.map(|(sub, text)| (sub, text.to_owned())));
}
