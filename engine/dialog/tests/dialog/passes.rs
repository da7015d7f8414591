//! Attempts of passes: begun once each, and one end for each group of texts (MT-04 to MT-06, REP-02, TXS-09, API-01).

use std::sync::Arc;

use signalbox_core::backend::Table;
use signalbox_core::exchange::OwnStep;
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_dialog::{Event, Load, NoSource, NotTaken, Said, Sources, StartRefusal, Wish};
use signalbox_invocation::{Failure, Outcome, Send, Status};

use crate::world::{DEVICE, NOTICE, REMINDER, SHARED, World, rules, says};

const PASS: u64 = 3;
const CONTACT: u64 = 41;

/// A contact whose script wants these texts.
fn begun(texts: &[&str]) -> World {
    let mut world = World::new(rules());
    world.start_in(PASS, REMINDER, CONTACT, DEVICE, true).unwrap();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(texts)));
    world
}

fn load(waiting: u32, deferred: u32, out: u32) -> Load {
    Load { waiting, deferred, out }
}

#[test]
fn a_contact_is_begun_once_however_often_it_is_asked_for() {
    let mut world = World::new(rules());
    let first = world.start_in(PASS, REMINDER, CONTACT, DEVICE, true).unwrap();
    assert_eq!(world.start_in(PASS, REMINDER, CONTACT, DEVICE, true), Ok(first));
    world.run();
    assert_eq!(world.start_in(PASS, REMINDER, CONTACT, DEVICE, true), Ok(first));
    world.ended(0, FinalState::Delivered, Reason::Receipt);
    assert_eq!(world.start_in(PASS, REMINDER, CONTACT, DEVICE, true), Ok(first), "until it is settled");
    assert_eq!(world.texts().len(), 1);
    // Another pass is another attempt.
    let other = world.start_in(PASS + 1, REMINDER, CONTACT, DEVICE, true).unwrap();
    assert_ne!(other, first);
    world.run();
    assert_eq!(world.texts().len(), 2);
}

/// The kill is at each place between two commits: before the run's end, before the text's, and before the pass has it.
#[test]
fn a_contact_is_begun_once_over_kills() {
    let mut world = World::new(rules());
    let first = world.start_in(PASS, REMINDER, CONTACT, DEVICE, true).unwrap();
    world.restart();
    assert_eq!(world.start_in(PASS, REMINDER, CONTACT, DEVICE, true), Ok(first));
    world.run();
    world.restart();
    assert_eq!(world.start_in(PASS, REMINDER, CONTACT, DEVICE, true), Ok(first));
    world.ended(0, FinalState::Delivered, Reason::Receipt);
    assert_eq!(world.completions(), [(CONTACT, "delivered", "")]);
    world.restart();
    assert_eq!(world.start_in(PASS, REMINDER, CONTACT, DEVICE, true), Ok(first));
    assert_eq!(world.texts().len(), 1);
    world.settle(PASS, &[CONTACT]);
    assert_eq!((world.store.count(Table::Start), world.dialog.attempts()), (0, 0));
}

#[test]
fn whether_a_contact_is_begun_can_be_asked_without_beginning_it() {
    let mut world = World::new(rules());
    assert_eq!(world.start_in(PASS, REMINDER, CONTACT, DEVICE, false), Err(StartRefusal::NotBegun));
    let first = world.start_in(PASS, REMINDER, CONTACT, DEVICE, true).unwrap();
    assert_eq!(world.start_in(PASS, REMINDER, CONTACT, DEVICE, false), Ok(first));
}

/// MT-04: the texts of a group are handed over in one commit, in their order.
#[test]
fn the_texts_of_a_group_are_scheduled_together() {
    let mut world = begun(&["a", "b", "c"]);
    let groups: Vec<_> =
        world.given.sent.iter().map(|(_, own)| (own.scope.group, own.text.clone())).collect();
    assert_eq!(groups.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(groups.iter().all(|(group, _)| *group == groups[0].0));
    assert_eq!(world.completions(), []);
    for text in 0..3 {
        world.ended(text, FinalState::Delivered, Reason::Receipt);
    }
    assert_eq!(world.completions(), [(CONTACT, "delivered", "")]);
}

/// MT-05.
#[test]
fn a_text_that_fails_at_once_fails_the_original() {
    let mut world = begun(&["a", "b"]);
    world.ended(1, FinalState::Rejected, Reason::PeerRefused);
    assert_eq!(world.completions(), [(CONTACT, "failed", "peer_refused")], "while the other is on its way");
    world.settle(PASS, &[CONTACT]);
    assert_eq!(world.dialog.attempts(), 1, "the other is on its way");
    world.ended(0, FinalState::Delivered, Reason::Receipt);
    assert_eq!(world.completions().len(), 1);
    assert_eq!((world.store.count(Table::Start), world.dialog.attempts()), (0, 0));
}

/// MT-06.
#[test]
fn a_text_that_is_not_attempted_makes_the_original_not_attempted() {
    let mut world = World::new(rules());
    world.start_in(PASS, REMINDER, CONTACT, DEVICE, true).unwrap();
    let task = world.next_task().unwrap();
    let mut wanted = says(&["a"]);
    let cut = wanted.sends[0].cut;
    wanted.sends.push(Send { program: "no-such".into(), text: "b".into(), cut });
    world.ran(&task, Ok(wanted));
    assert_eq!(world.completions(), []);
    world.ended(0, FinalState::Delivered, Reason::Receipt);
    assert_eq!(world.completions(), [(CONTACT, "filtered", "program_not_supported")]);
    let mut world = begun(&["a", "b"]);
    world.ended(0, FinalState::Filtered, Reason::RouteRejects);
    world.ended(1, FinalState::Delivered, Reason::Receipt);
    assert_eq!(world.completions(), [(CONTACT, "filtered", "route_rejects")]);
}

/// Refuses everything with one status.
#[derive(Debug)]
struct Refuses(&'static str);

impl Sources for Refuses {
    fn choose(&self, _: &Wish<'_>) -> Result<signalbox_dialog::Chosen, NoSource> {
        Err(NoSource(self.0))
    }
}

/// REP-02: each reason for which no address is chosen is the completion status of the attempt.
#[test]
fn each_reason_of_the_pool_is_the_status_of_the_attempt() {
    let statuses = [
        "program_not_supported",
        "address_not_for_account",
        "address_not_in_use",
        "fteu_not_supported",
        "country_not_supported",
        "carrier_not_supported",
        "combination_disabled",
        "combination_test_only",
        "program_not_approved",
        "carrier_daily_limit",
        "address_recipient_limit",
        "address_busy",
    ];
    for status in statuses {
        let mut world = World::new(signalbox_dialog::Rules { sources: Arc::new(Refuses(status)), ..rules() });
        world.start_in(PASS, NOTICE, CONTACT, DEVICE, true).unwrap();
        world.run();
        assert_eq!(world.filtered(), [status]);
        assert_eq!(world.completions(), [(CONTACT, "filtered", status)]);
    }
}

/// REP-02: each reason for which the send gate holds a text back for good is that of the attempt.
#[test]
fn each_reason_of_the_gate_is_the_status_of_the_attempt() {
    for reason in Reason::all() {
        let mut world = begun(&["a"]);
        world.ended(0, FinalState::Filtered, reason);
        assert_eq!(world.completions(), [(CONTACT, "filtered", reason.name())]);
        let last = world.records.iter().rev().find_map(|record| match &record.what {
            Said::Ended { outcome, reason } => Some((outcome.as_str(), reason.as_str())),
            _ => None,
        });
        assert_eq!(last, Some(("filtered", reason.name())));
    }
}

/// REP-02, TXS-21: what the instructions say, what they fail at, and what the exchange refuses for good.
#[test]
fn scripts_and_the_exchange_give_attempts_their_status_too() {
    let of = |result: Result<Outcome, Failure>, refuses: Option<NotTaken>| {
        let mut world = World::new(rules());
        world.given.refuses = refuses;
        world.start_in(PASS, REMINDER, CONTACT, DEVICE, true).unwrap();
        let task = world.next_task().unwrap();
        world.ran(&task, result);
        let completions = world.completions();
        completions
            .iter()
            .map(|(_, status, reason)| ((*status).to_owned(), (*reason).to_owned()))
            .collect::<Vec<_>>()
    };
    let one = |status: &str, reason: &str| vec![(status.to_owned(), reason.to_owned())];
    let bad = Outcome { status: Status::BadData("no birthday".into()), ..says(&["x"]) };
    assert_eq!(of(Ok(bad), None), one("filtered", "bad_data"));
    assert_eq!(of(Ok(Outcome::default()), None), one("no_text", ""));
    let threw = Failure::Threw { message: "no".into(), at: "begin:1".into() };
    assert_eq!(of(Err(threw), None), one("failed", "script_threw"));
    let refused = NotTaken { reason: "account_inactive", temporary: false };
    assert_eq!(of(Ok(says(&["x"])), Some(refused)), one("filtered", "account_inactive"));
}

/// MT-02: who paces a pass sees what of it waits, what the gate defers and what has left.
#[test]
fn what_of_a_pass_waits_is_told_as_it_changes() {
    let mut world = begun(&["a"]);
    assert_eq!(world.loads.get(&PASS), Some(&load(1, 0, 0)));
    let group = signalbox_dialog::RunId(world.given.sent[0].1.scope.group);
    world.event(Event::Moved { group, step: OwnStep::Deferred });
    assert_eq!(world.loads.get(&PASS), Some(&load(0, 1, 0)));
    world.event(Event::Moved { group, step: OwnStep::Taken });
    assert_eq!(world.loads.get(&PASS), Some(&load(0, 0, 1)));
    // Late news of what has left already.
    world.event(Event::Moved { group, step: OwnStep::Deferred });
    world.ended(0, FinalState::Delivered, Reason::Receipt);
    assert_eq!(world.loads.get(&PASS), Some(&load(0, 0, 0)));
}

/// API-01: the pass is given to the first run and to those of its answers; the first answer counts as a reply.
#[test]
fn the_pass_is_given_to_its_scripts_and_told_that_the_device_answered() {
    let mut world = World::new(rules());
    world.start_in(PASS, REMINDER, CONTACT, DEVICE, true).unwrap();
    let task = world.next_task().unwrap();
    let pass = task.invocation.call_pass.clone().unwrap();
    assert_eq!((pass.id, pass.started_at), (PASS, 1_780_000_000_000_000));
    world.ran(&task, Ok(says(&["a"])));
    for _ in 0..2 {
        world.mo(DEVICE, SHARED, "yes");
        let task = world.next_task().unwrap();
        assert_eq!(task.invocation.call_pass.as_ref(), Some(&pass));
        world.ran(&task, Ok(says(&["thanks"])));
    }
    let replied = |world: &World| {
        world.records.iter().filter(|record| matches!(record.what, Said::Replied { .. })).count()
    };
    assert_eq!(replied(&world), 1);
    // A keyword begins something else: that is not of the pass.
    world.mo(DEVICE, SHARED, "survey");
    assert_eq!(world.next_task().unwrap().invocation.call_pass, None);
    let mut world = begun(&["a"]);
    world.mo(DEVICE, SHARED, "survey");
    assert_eq!(replied(&world), 0);
}

#[test]
fn attempts_are_bounded_and_more_are_refused_for_the_time_being() {
    let mut bounded = rules();
    bounded.limits.attempts = 1;
    let mut world = World::new(bounded);
    world.start_in(PASS, REMINDER, 1, DEVICE, true).unwrap();
    assert_eq!(world.start_in(PASS, REMINDER, 2, DEVICE, true), Err(StartRefusal::TooMany(1)));
}
