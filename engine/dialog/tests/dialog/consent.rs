//! Opt-outs (OPT-*, rule 7).

use std::sync::Arc;

use signalbox_core::scope::Purpose;
use signalbox_dialog::{Record, Said, Texts};
use signalbox_invocation::{Channel, Entry, Failure, Level, OptChange, OptSubject, Outcome};

use crate::world::{
    ACCOUNT, DEVICE, ENTERPRISE, NOTICE, POLL, REMINDER, SHARED, SURVEY, World, entry, rules, says,
};

#[test]
fn stop_holds_from_the_commit_that_takes_it_and_is_confirmed_once() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "Stop.");
    let change = world.given.consents.last().unwrap();
    assert_eq!((change.level, change.of, change.opt_in), (Level::Account, ACCOUNT, false));
    assert!(change.evidence.is_some());
    let task = world.next_task().unwrap();
    assert_eq!(entry(&task), Entry::OptOutHandler);
    world.ran(&task, Ok(says(&["bye"])));
    assert_eq!(world.given.sent.last().unwrap().1.scope.purpose, Purpose::OptOutConfirmation);
}

/// OPT-02: without any script the texts of the sub-campaign do it.
#[test]
fn stop_to_fixed_texts_is_confirmed_too() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "stop");
    world.run();
    assert_eq!(world.last_text(), "you are out");
    assert_eq!(world.given.consents.len(), 1);
}

/// D8: a sub-campaign may say other than its account.
#[test]
fn stop_reaches_as_far_as_the_sub_campaign_says() {
    let levels = [
        (Some(Level::Campaign), (Level::Campaign, 100 + SURVEY)),
        (Some(Level::Enterprise), (Level::Enterprise, ENTERPRISE)),
        (None, (Level::Account, ACCOUNT)),
    ];
    for (said, expected) in levels {
        let mut rules = rules();
        Arc::make_mut(rules.sub_campaigns.get_mut(&SURVEY).unwrap()).opt_out_level = said;
        let mut world = World::new(rules);
        world.mo(DEVICE, SHARED, "survey");
        world.run();
        world.mo(DEVICE, SHARED, "STOP");
        let change = world.given.consents.last().unwrap();
        assert_eq!((change.level, change.of), expected);
        // A script that does not say how far opts out as far.
        world.script = Box::new(|_| {
            let (subject, channels) = (OptSubject::Device, vec![Channel::Text]);
            Ok(Outcome { opt_outs: vec![OptChange { level: None, subject, channels }], ..Outcome::default() })
        });
        world.given.consents.clear();
        world.run();
        let change = world.given.consents.last().unwrap();
        assert_eq!((change.level, change.of), expected);
    }
}

#[test]
fn stop_beats_a_keyword_that_begins_like_it() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "STOP");
    let task = world.next_task().unwrap();
    assert_eq!((entry(&task), task.invocation.sub_campaign.id), (Entry::OptOutHandler, SURVEY));
}

/// Carriers ask that STOP works with the keyword that somebody began with behind it. What is only like one is an answer.
#[test]
fn stop_before_a_keyword_is_a_likely_opt_out() {
    for (text, opts_out) in [("STOP Survey", true), ("stop surveys", false), ("stop survey at 5", false)] {
        let mut world = World::new(rules());
        world.mo(DEVICE, SHARED, "survey");
        world.run();
        world.mo(DEVICE, SHARED, text);
        assert_eq!(world.given.consents.len(), usize::from(opts_out), "{text}");
        let task = world.next_task().unwrap();
        let expected = if opts_out { Entry::OptOutHandler } else { Entry::MoHandler };
        assert_eq!((entry(&task), task.invocation.sub_campaign.id), (expected, SURVEY), "{text}");
    }
}

#[test]
fn stop_does_not_wait_for_a_run() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.mo(DEVICE, SHARED, "stop");
    assert_eq!(world.given.consents.len(), 1);
    assert_eq!(world.texts(), []);
}

#[test]
fn start_ends_it_at_every_level() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "stop");
    world.run();
    world.given.consents.clear();
    world.mo(DEVICE, SHARED, "START");
    world.run();
    let ended: Vec<_> = world.given.consents.iter().map(|change| (change.level, change.of)).collect();
    assert!(world.given.consents.iter().all(|change| change.opt_in));
    assert!(ended.contains(&(Level::Account, ACCOUNT)) && ended.contains(&(Level::Enterprise, ENTERPRISE)));
    assert_eq!(world.last_text(), "you are in");
}

/// A first message makes its sub-campaign the one that answers, which often has nothing to say to START.
#[test]
fn words_that_are_owed_an_answer_get_that_of_the_address_where_the_sub_campaign_has_none() {
    let mut rules = rules();
    for id in [NOTICE, POLL] {
        let silent = Arc::make_mut(rules.sub_campaigns.get_mut(&id).unwrap());
        silent.texts = Texts { reply: Some("notice".into()), ..Texts::default() };
    }
    let mut world = World::new(rules);
    world.start(NOTICE, DEVICE).unwrap();
    world.run();
    assert_eq!(world.last_text(), "notice");
    for (word, answer) in [("HELP", "help"), ("STOP", "you are out"), ("START", "you are in")] {
        world.mo(DEVICE, SHARED, word);
        world.run();
        assert_eq!(world.last_text(), answer, "{word}");
    }
    // Not in the name of another account.
    world.script = Box::new(|task| match entry(task) {
        entry if entry.is_opt_in() => Err(Failure::NoMethod(entry.to_string())),
        _ => Ok(crate::world::echo(task)),
    });
    world.mo(DEVICE, SHARED, "poll");
    world.run();
    let before = world.texts().len();
    world.mo(DEVICE, SHARED, "START");
    world.run();
    assert_eq!(world.texts().len(), before);
}

/// TXS-16: instructions say what START is answered with; where they say nothing, the text of the sub-campaign does, and
/// that is no failure. One that fails is stood in for by the text of the address where the sub-campaign has none.
#[test]
fn start_is_answered_by_the_script_or_the_fixed_text() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "START");
    let task = world.next_task().unwrap();
    assert_eq!(entry(&task), Entry::opt_in());
    world.ran(&task, Ok(says(&["welcome back"])));
    assert_eq!(world.given.sent.last().unwrap().1.scope.purpose, Purpose::OptIn);
    world.mo(DEVICE, SHARED, "START");
    let task = world.next_task().unwrap();
    world.ran(&task, Err(Failure::NoMethod("optInHandler".into())));
    world.run();
    assert_eq!(world.last_text(), "you are in");
    let failed = |world: &World| {
        let failed = |record: &&Record| matches!(record.what, Said::Failed { .. });
        world.records.iter().filter(failed).count()
    };
    assert_eq!(failed(&world), 0);

    let mut rules = rules();
    Arc::make_mut(rules.sub_campaigns.get_mut(&SURVEY).unwrap()).texts = Texts::default();
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    for (word, text) in [("STOP", "you are out"), ("HELP", "help"), ("START", "you are in")] {
        world.mo(DEVICE, SHARED, word);
        let task = world.next_task().unwrap();
        world.ran(&task, Err(Failure::TooLong { millis: 50 }));
        world.run();
        assert_eq!(world.last_text(), text);
    }
    assert_eq!(failed(&world), 3);
}

#[test]
fn help_is_answered_by_the_script_or_the_fixed_text() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "help");
    world.run();
    assert_eq!(world.last_text(), "help");
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "HELP");
    world.run();
    assert_eq!(world.last_text(), "helpHandler:HELP");
    assert_eq!(world.given.sent.last().unwrap().1.scope.purpose, Purpose::Help);
    assert!(world.given.consents.is_empty());
}

#[test]
fn a_script_opts_out_by_client_id_and_level() {
    let mut world = World::new(rules());
    world.script = Box::new(|_| {
        let change = OptChange {
            level: Some(Level::Enterprise),
            subject: OptSubject::ClientId,
            channels: vec![Channel::Text, Channel::Voice],
        };
        Ok(Outcome { opt_outs: vec![change], ..Outcome::default() })
    });
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    // Nothing was sent, so there is no conversation: what the script wants of people holds all the same.
    let change = world.given.consents.last().unwrap();
    assert_eq!((change.level, change.of), (Level::Enterprise, ENTERPRISE));
    assert_eq!(change.client_id.as_deref(), Some("client-5"));
    assert_eq!(change.channels, [Channel::Text, Channel::Voice]);
}
