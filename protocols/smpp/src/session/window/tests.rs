use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

fn pending(sequence: u32, at: u64) -> Pending {
    Pending { sequence, command: CommandId::SUBMIT_SM, token: at, at }
}

#[test]
fn the_oldest_leaves_first() {
    let mut window = Window::new(3);
    for (sequence, at) in [(5, 10), (6, 11), (7, 12)] {
        window.insert(pending(sequence, at));
    }
    assert!(window.is_full());
    assert_eq!(window.remove(6, |_| true).map(|found| found.at), Some(11));
    assert_eq!(window.pop_oldest_if(|oldest| oldest.at < 10), None);
    assert_eq!(window.pop_oldest_if(|oldest| oldest.at <= 10).map(|found| found.sequence), Some(5));
    assert_eq!(window.iter().map(|left| left.sequence).collect::<Vec<_>>(), [7]);
    assert!(!window.contains(6));
}

#[test]
fn a_request_that_is_never_answered_costs_one_slot() {
    let mut window = Window::new(4);
    window.insert(pending(1, 0));
    for sequence in 2..100_000 {
        window.insert(pending(sequence, sequence.into()));
        assert!(window.remove(sequence, |_| true).is_some());
    }
    assert_eq!(window.len(), 1);
    assert!(window.slots.len() <= 2);
    assert_eq!(window.index.len(), 8);
}

#[test]
fn same_sequence_twice_is_answered_in_order() {
    let mut window = Window::new(4);
    window.insert(pending(9, 1));
    window.insert(pending(9, 2));
    assert_eq!(window.remove(9, |_| true).map(|found| found.at), Some(1));
    assert_eq!(window.remove(9, |_| true).map(|found| found.at), Some(2));
    assert!(window.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u32),
    Remove(u32),
    Pop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few values that collide in an index of 16.
    let sequence = prop_oneof![0_u32..24, (0_u32..4).prop_map(|n| 0x7fff_fff0 + n * 16)];
    let step = prop_oneof![
        3 => sequence.clone().prop_map(Step::Insert),
        2 => sequence.prop_map(Step::Remove),
        1 => Just(Step::Pop),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn does_what_a_list_does(steps in steps()) {
        let mut window = Window::new(8);
        let mut list: VecDeque<Pending> = VecDeque::new();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert(sequence) if !window.is_full() => {
                    let one = pending(sequence, at as u64);
                    window.insert(one);
                    list.push_back(one);
                }
                Step::Insert(_) => {}
                Step::Remove(sequence) => {
                    let found = window.remove(sequence, |_| true);
                    let place = list.iter().position(|one| one.sequence == sequence);
                    prop_assert_eq!(found, place.and_then(|place| list.remove(place)));
                }
                Step::Pop => prop_assert_eq!(window.pop_oldest_if(|_| true), list.pop_front()),
            }
            prop_assert_eq!(window.len(), list.len());
            prop_assert_eq!(window.is_empty(), list.is_empty());
            prop_assert!(window.iter().eq(list.iter()));
            prop_assert_eq!(window.oldest(), list.front());
        }
    }
}
