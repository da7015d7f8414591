//! Accounts that wait for one link share it by their weights.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::exchange::{Event, Submit};
use signalbox_core::id::{AccountId, PeerId};

use crate::world::{ACCOUNT, LINK, OTHER, TO_LINK, World, policy};

/// Submits so many messages of an account, to a device each.
fn submit(world: &mut World, account: AccountId, count: u64) {
    for number in 0..count {
        let submit = Submit { account, ..world.message(&format!("44700{}{number:05}", account.0)) };
        world.submit(submit).unwrap();
    }
}

/// Lets so many leave, each answered before the next, and counts those of the second account.
fn of_the_other(world: &mut World, count: usize) -> usize {
    let mut others = 0;
    for _ in 0..count {
        let released = world.last_sent();
        others += usize::from(released.destination().octets().starts_with(b"447002"));
        let permit = released.permit();
        world.answer(permit, "1");
    }
    others
}

#[test]
fn a_long_queue_of_one_account_does_not_hold_up_another() {
    let mut world = World::with(policy());
    submit(&mut world, ACCOUNT, 1_000);
    submit(&mut world, OTHER, 10);
    world.up(PeerId::Link(LINK), TO_LINK, 1);
    assert_eq!(of_the_other(&mut world, 25), 10);
}

#[test]
fn shares_follow_the_weights_and_change_with_them() {
    let mut policy = policy();
    policy.accounts.get_mut(&OTHER).unwrap().weight = 30;
    let mut world = World::with(policy);
    submit(&mut world, ACCOUNT, 1_000);
    submit(&mut world, OTHER, 1_000);
    world.up(PeerId::Link(LINK), TO_LINK, 1);
    let others = of_the_other(&mut world, 400);
    assert!((299..=301).contains(&others), "{others}");
    world.policy.accounts.get_mut(&OTHER).unwrap().weight = 10;
    world.event(Event::Policy(Arc::new(world.policy.clone())));
    let others = of_the_other(&mut world, 400);
    assert!((198..=202).contains(&others), "{others}");
}

#[test]
fn shares_hold_again_after_a_restart() {
    let mut policy = policy();
    policy.accounts.get_mut(&OTHER).unwrap().weight = 30;
    let mut world = World::with(policy);
    submit(&mut world, ACCOUNT, 1_000);
    submit(&mut world, OTHER, 1_000);
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 1);
    let others = of_the_other(&mut world, 400);
    assert!((299..=301).contains(&others), "{others}");
}

#[test]
fn the_order_to_one_destination_is_kept_across_accounts() {
    let mut policy = policy();
    policy.links.get_mut(&LINK).unwrap().ordered = true;
    policy.accounts.get_mut(&OTHER).unwrap().weight = 1_000;
    let mut world = World::with(policy);
    let mut accepted = Vec::new();
    for number in 0..40 {
        let account = if number % 2 == 0 { ACCOUNT } else { OTHER };
        let submit = Submit { account, ..world.message("447001") };
        accepted.push(world.submit(submit).unwrap().id);
        world.pass(Duration::from_millis(1));
    }
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    let mut sent = Vec::new();
    for _ in 0..40 {
        let released = world.last_sent();
        sent.push(released.id());
        let permit = released.permit();
        world.answer(permit, "1");
    }
    assert_eq!(sent, accepted);
}
