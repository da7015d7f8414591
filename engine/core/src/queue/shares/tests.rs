use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::message::TrafficClass;
use crate::queue::{Fairness, PeerQueue, Queued, Ticket};
use crate::time::Mono;

const BULK: TrafficClass = TrafficClass::Bulk;

/// Items name their owner in their high half.
fn item(owner: u32, number: u32) -> u64 {
    u64::from(owner) << 32 | u64::from(number)
}

fn owner_of(queued: &Queued<u64>) -> u32 {
    (queued.item >> 32) as u32
}

fn share(owner: u32, weight: u32) -> Share {
    Share { owner: Owner(owner.into()), weight }
}

fn queue() -> PeerQueue<u64> {
    PeerQueue::new(0, Fairness::default())
}

fn push(queue: &mut PeerQueue<u64>, owner: u32, weight: u32, numbers: std::ops::Range<u32>) {
    for number in numbers {
        queue.push_back(item(owner, number), BULK, share(owner, weight), None, Mono(0));
    }
}

fn pop(queue: &mut PeerQueue<u64>) -> Queued<u64> {
    queue.pop(Mono(0)).unwrap()
}

#[test]
fn a_heavy_account_does_not_hold_up_another() {
    let mut queue = queue();
    push(&mut queue, 1, 10, 0..1_000_000);
    push(&mut queue, 2, 10, 0..10);
    let first: Vec<u32> = (0..20).map(|_| owner_of(&pop(&mut queue))).collect();
    assert_eq!(first.iter().filter(|owner| **owner == 2).count(), 10, "{first:?}");
}

#[test]
fn one_that_comes_again_and_again_gets_no_more_than_its_share() {
    let mut queue = queue();
    push(&mut queue, 1, 30, 0..10_000);
    push(&mut queue, 2, 10, 0..1);
    let mut light = 0;
    for number in 1..4_001 {
        // The second has never more than one waiting: it comes back the moment its last one has left.
        if owner_of(&pop(&mut queue)) == 2 {
            light += 1;
            push(&mut queue, 2, 10, number..number + 1);
        }
    }
    assert!((990..=1_010).contains(&light), "{light}");
}

#[test]
fn nobody_saves_up_shares_while_away() {
    let mut queue = queue();
    push(&mut queue, 1, 10, 0..20_000);
    push(&mut queue, 2, 10, 0..1);
    for _ in 0..10_000 {
        pop(&mut queue);
    }
    push(&mut queue, 2, 10, 1..1_000);
    let light = (0..100).filter(|_| owner_of(&pop(&mut queue)) == 2).count();
    assert!((49..=51).contains(&light), "{light}");
}

#[test]
fn weights_can_be_set_while_items_wait() {
    let mut queue = queue();
    push(&mut queue, 1, 10, 0..1_000);
    push(&mut queue, 2, 10, 0..1_000);
    queue.set_weights(|owner| if owner == Owner(2) { 40 } else { 10 });
    let second = (0..500).filter(|_| owner_of(&pop(&mut queue)) == 2).count();
    assert!((395..=405).contains(&second), "{second}");
}

#[test]
fn owners_that_are_gone_take_no_room() {
    let mut queue: ClassQueue<u64> = ClassQueue::new();
    for owner in 0..10_000 {
        for number in 0..2 {
            let (slot, place) = (queue.slot(share(owner, 1)), queue.allot());
            queue.push(slot, place, Entry { item: item(owner, number), since: Since(0) });
        }
        queue.pop().unwrap();
        queue.pop().unwrap();
    }
    assert!(queue.owners() <= REMEMBERED, "{}", queue.owners());
}

#[test]
fn what_comes_back_after_its_owner_was_forgotten_is_its_own() {
    let mut queue = queue();
    push(&mut queue, 1, 10, 0..1);
    let first = pop(&mut queue);
    for owner in 2..100 {
        push(&mut queue, owner, 10, 0..1);
        pop(&mut queue);
    }
    let ticket = queue.push_front(first, share(1, 10));
    assert_eq!(queue.remove(ticket, None).unwrap().item, first.item);
    assert!(queue.is_empty());
}

/// Releases of a queue in which all owners always have something waiting.
fn releases(weights: &[u32], most: usize) -> Vec<u32> {
    let mut queue = queue();
    for (owner, weight) in weights.iter().enumerate() {
        push(&mut queue, owner as u32, *weight, 0..2);
    }
    let mut released = Vec::new();
    for number in 0..most {
        let owner = owner_of(&pop(&mut queue));
        released.push(owner);
        push(&mut queue, owner, weights[owner as usize], number as u32 + 2..number as u32 + 3);
    }
    released
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What was released to any two owners differs by no more than one each from what their weights say, at any
    /// time: so nobody starves either.
    #[test]
    fn shares_follow_the_weights(weights in proptest::collection::vec(1..=1_000u32, 1..12)) {
        let mut counts = vec![0u64; weights.len()];
        for owner in releases(&weights, 3_000) {
            counts[owner as usize] += 1;
            for (count, weight) in counts.iter().zip(&weights) {
                let clock = |count: u64, weight: u32| count * (STRIDE / u64::from(weight));
                let least = counts.iter().zip(&weights).map(|(count, weight)| clock(*count, *weight)).min();
                prop_assert!(clock(count.saturating_sub(1), *weight) <= least.unwrap(), "{counts:?} {weights:?}");
            }
        }
    }

    /// Whatever comes, goes, comes back and is removed: each owner's own leaves in the order it came.
    #[test]
    fn what_is_ones_own_leaves_in_order(steps in proptest::collection::vec((0..40u32, 1..4u32, 0..4u8), 1..400)) {
        let mut queue = queue();
        let mut waiting: BTreeMap<u32, BTreeMap<u32, Ticket>> = BTreeMap::new();
        for (number, (owner, weight, what)) in (0..).zip(steps) {
            match what {
                0 | 1 => {
                    let ticket =
                        queue.push_back(item(owner, number), BULK, share(owner, weight), None, Mono(0));
                    waiting.entry(owner).or_default().insert(number, ticket);
                }
                2 => {
                    let Some(queued) = queue.pop(Mono(0)) else { continue };
                    let of = waiting.get_mut(&owner_of(&queued)).unwrap();
                    prop_assert_eq!(of.pop_first().map(|(number, _)| number), Some(queued.item as u32));
                    if weight == 1 {
                        let back = queue.push_front(queued, share(owner_of(&queued), weight));
                        of.insert(queued.item as u32, back);
                    }
                }
                _ => {
                    let Some((number, ticket)) = waiting.entry(owner).or_default().pop_last() else { continue };
                    prop_assert_eq!(queue.remove(ticket, None).map(|queued| queued.item), Some(item(owner, number)));
                }
            }
            prop_assert_eq!(queue.len(), waiting.values().map(BTreeMap::len).sum::<usize>());
        }
    }
}
