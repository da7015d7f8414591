use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{CounterKey, Key};

fn source(n: u64) -> EntryKey {
    EntryKey::new(CounterKey::Source(Key::e164_number(n + 1).unwrap()))
}

fn pair(a: u64, b: u64) -> EntryKey {
    let key = |n| Key::e164_number(n + 1).unwrap();
    EntryKey::new(CounterKey::Pair { source: key(a), destination: key(b) })
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u64),
    Remove(u64),
    Shrink,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let insert = (0..2_000u64).prop_map(Step::Insert);
    let remove = (0..2_000u64).prop_map(Step::Remove);
    let growing = prop::collection::vec(prop_oneof![6 => insert.clone(), 2 => remove.clone()], 0..2_000);
    let falling =
        prop::collection::vec(prop_oneof![1 => insert, 6 => remove, 1 => Just(Step::Shrink)], 0..1_000);
    (growing.clone(), falling, growing).prop_map(|(a, b, c)| [a, b, c].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Two segments, so that groups overflow: the table holds what a map holds, and every tag has its entry.
    #[test]
    fn behaves_like_a_map(steps in steps(), seed in any::<u64>()) {
        let mut table = Table::new(1, seed);
        let mut model: HashMap<u64, u32> = HashMap::new();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert(k) => {
                    let hash = table.hash(source(k));
                    if let Some(found) = table.find(hash, source(k)) {
                        table.entry_mut(found).first_seen = n as u32;
                    } else {
                        let mut entry = Entry::new(source(k), 0, 0);
                        entry.first_seen = n as u32;
                        let place = table.insert(hash, &entry);
                        prop_assert_eq!(table.entry(place).key, source(k));
                    }
                    model.insert(k, n as u32);
                }
                Step::Remove(k) => {
                    let hash = table.hash(source(k));
                    let found = table.find(hash, source(k));
                    prop_assert_eq!(found.is_some(), model.remove(&k).is_some());
                    if let Some(found) = found {
                        table.remove(hash, found);
                    }
                }
                Step::Shrink => (0..table.segments()).for_each(|segment| table.shrink(segment)),
            }
            prop_assert_eq!(table.len() as usize, model.len());
        }
        for k in 0..2_000 {
            let found = table.find(table.hash(source(k)), source(k));
            prop_assert_eq!(found.map(|place| table.entry(place).first_seen), model.get(&k).copied());
        }
        let entries: usize = (0..table.segments()).map(|segment| table.entries(segment).count()).sum();
        prop_assert_eq!(entries, model.len());
        // When all are gone, no group remembers having been passed over, short of the sticky ones.
        for k in model.keys() {
            let hash = table.hash(source(*k));
            let place = table.find(hash, source(*k)).unwrap();
            table.remove(hash, place);
        }
        for segment in &table.segments {
            prop_assert_eq!(segment.len, 0);
            prop_assert!(segment.groups.iter().all(|group| group.tags == [0; 16]));
        }
    }

    #[test]
    fn matching_is_exact(tags in prop::array::uniform16(0..4u8), tag in 0..4u8) {
        let places: Vec<usize> = (0..GROUP).filter(|place| tags[*place] == tag).collect();
        prop_assert_eq!(matching(&tags, tag).collect::<Vec<_>>(), places);
    }
}

#[test]
fn a_pair_and_its_reverse_share_a_hash_and_nothing_else_does() {
    let table = Table::new(1_000_000, 42);
    assert_eq!(table.hash(pair(1, 2)), table.hash(pair(2, 1)));
    let mut seen = std::collections::HashSet::new();
    for a in 0..300 {
        for b in a..300 {
            seen.insert(table.hash(pair(a, b)).0);
        }
        seen.insert(table.hash(source(a)).0);
    }
    assert_eq!(seen.len(), 300 * 301 / 2 + 300);
}

#[test]
fn both_directions_are_found_in_one_pass() {
    let mut table = Table::new(1, 42);
    for n in 0..500 {
        for key in [pair(n, 1_000), pair(1_000, n)] {
            table.insert(table.hash(key), &Entry::new(key, 0, 0));
        }
        table.insert(table.hash(pair(n, 2_000)), &Entry::new(pair(n, 2_000), 0, 0));
    }
    for n in 0..500 {
        let (there, back) = table.find_both(table.hash(pair(n, 1_000)), pair(n, 1_000));
        assert_eq!(table.entry(there.unwrap()).key, pair(n, 1_000));
        assert_eq!(table.entry(back.unwrap()).key, pair(1_000, n));
        let (there, back) = table.find_both(table.hash(pair(n, 2_000)), pair(n, 2_000));
        assert!(there.is_some() && back.is_none());
    }
}

#[test]
fn consecutive_numbers_spread_evenly() {
    let mut table = Table::new(400_000, 7);
    for n in 0..200_000 {
        let key = source(447_900_000_000 + n);
        table.insert(table.hash(key), &Entry::new(key, 0, 0));
    }
    let mean = 200_000 / table.segments() as u32;
    for segment in &table.segments {
        assert!(segment.len.abs_diff(mean) < mean / 5, "{} of {mean}", segment.len);
        let overflowing = segment.groups.iter().filter(|group| group.tags[OVERFLOW] > 0).count();
        assert!(overflowing * 2 < segment.groups.len(), "{overflowing} of {}", segment.groups.len());
    }
}
