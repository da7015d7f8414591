use bytes::Bytes;

use super::*;

const SECOND: i64 = 1_000_000;

fn key(reference: u16, total: u8) -> Key<&'static str> {
    Key { link: 1, source: "a", destination: "b", kind: Kind::Udh8, reference, total }
}

fn part(token: u128, sequence: u8) -> Part {
    body(token, sequence, format!("part {sequence}"))
}

fn body(token: u128, sequence: u8, body: impl Into<Bytes>) -> Part {
    Part { token, sequence, data_coding: 0, header: None, body: body.into() }
}

fn waiting(held: u8) -> Result<Outcome<&'static str>, Refusal> {
    Ok(Outcome::Waiting { held, conflicting_total: None })
}

fn limits() -> Limits {
    Limits {
        groups: 10,
        groups_per_link: 10,
        octets: 1 << 20,
        timeout: 60 * SECOND,
        completed: 2,
        completed_for: 30 * SECOND,
    }
}

fn is_drained(buffer: &Reassembler<&str>) -> bool {
    buffer.is_empty()
        && buffer.octets() == 0
        && buffer.next_deadline().is_none()
        && buffer.totals.is_empty()
        && buffer.by_number.is_empty()
        && buffer.per_link.is_empty()
}

fn tokens(group: &Group<&str>) -> Vec<u128> {
    group.parts.iter().map(|part| part.token).collect()
}

#[test]
fn parts_come_in_any_order() {
    let mut buffer = Reassembler::new(limits());
    assert_eq!(buffer.insert(key(1, 3), part(30, 3), 0), waiting(1));
    assert_eq!(buffer.insert(key(1, 3), part(10, 1), 1), waiting(2));
    let Ok(Outcome::Complete(group)) = buffer.insert(key(1, 3), part(20, 2), 2) else {
        panic!("not complete");
    };
    assert_eq!((tokens(&group), group.since, group.key), (vec![10, 20, 30], 0, key(1, 3)));
    assert!(is_drained(&buffer));
}

#[test]
fn everything_in_the_key_separates() {
    let mut buffer = Reassembler::new(limits());
    let base = key(1, 2);
    let keys = [
        base.clone(),
        Key { link: 2, ..base.clone() },
        Key { source: "c", ..base.clone() },
        Key { destination: "c", ..base.clone() },
        Key { kind: Kind::Sar, ..base.clone() },
        Key { kind: Kind::Udh16, ..base.clone() },
        Key { reference: 2, ..base },
    ];
    for key in &keys {
        assert_eq!(buffer.insert(key.clone(), part(1, 1), 0), waiting(1));
    }
    assert_eq!(buffer.len(), keys.len());
    for key in keys {
        assert!(matches!(buffer.insert(key, part(2, 2), 0), Ok(Outcome::Complete(_))));
    }
    assert!(is_drained(&buffer));
}

#[test]
fn the_same_part_again_names_the_one_held() {
    let mut buffer = Reassembler::new(limits());
    assert_eq!(buffer.insert(key(1, 2), part(10, 1), 0), waiting(1));
    let octets = buffer.octets();
    assert_eq!(buffer.insert(key(1, 2), part(11, 1), 0), Ok(Outcome::Duplicate { token: 10 }));
    assert_eq!((buffer.len(), buffer.octets()), (1, octets));
}

#[test]
fn a_reference_used_again_gives_the_old_parts_back() {
    let mut buffer = Reassembler::new(limits());
    buffer.insert(key(1, 3), part(10, 1), 0).unwrap();
    buffer.insert(key(1, 3), part(20, 2), 0).unwrap();
    let Ok(Outcome::Displaced(old)) = buffer.insert(key(1, 3), body(11, 1, "other"), 5) else {
        panic!("not displaced");
    };
    assert_eq!((tokens(&old), old.since), (vec![10, 20], 0));
    assert_eq!(buffer.insert(key(1, 3), part(21, 2), 6), waiting(2));
    let Ok(Outcome::Complete(new)) = buffer.insert(key(1, 3), part(31, 3), 7) else {
        panic!("not complete");
    };
    assert_eq!((tokens(&new), new.since), (vec![11, 21, 31], 5));
    assert!(is_drained(&buffer));
}

#[test]
fn two_totals_for_one_reference_are_told() {
    let mut buffer = Reassembler::new(limits());
    assert_eq!(buffer.insert(key(1, 3), part(1, 1), 0), waiting(1));
    let conflict = |held, total| Ok(Outcome::Waiting { held, conflicting_total: Some(total) });
    assert_eq!(buffer.insert(key(1, 4), part(2, 1), 0), conflict(1, 3));
    assert_eq!(buffer.insert(key(1, 3), part(3, 2), 0), conflict(2, 4));
    assert!(matches!(buffer.insert(key(1, 3), part(4, 3), 0), Ok(Outcome::Complete(_))));
    assert_eq!(buffer.insert(key(1, 4), part(5, 2), 0), waiting(2));
}

#[test]
fn what_never_completes_comes_back() {
    let mut buffer = Reassembler::new(limits());
    buffer.insert(key(1, 3), part(10, 3), 0).unwrap();
    buffer.insert(key(2, 2), part(20, 1), SECOND).unwrap();
    buffer.insert(key(1, 3), part(11, 1), 2 * SECOND).unwrap();
    assert_eq!(buffer.next_deadline(), Some(60 * SECOND));
    assert_eq!(buffer.expire(60 * SECOND - 1), None);
    let group = buffer.expire(60 * SECOND).unwrap();
    assert_eq!((tokens(&group), group.key), (vec![11, 10], key(1, 3)));
    assert_eq!(buffer.expire(60 * SECOND), None);
    assert_eq!(tokens(&buffer.expire(i64::MAX).unwrap()), [20]);
    assert!(is_drained(&buffer));
}

#[test]
fn a_full_buffer_refuses_and_stays_as_it_was() {
    let mut buffer = Reassembler::new(Limits { groups: 2, groups_per_link: 2, ..limits() });
    buffer.insert(key(1, 2), part(1, 1), 0).unwrap();
    buffer.insert(key(2, 2), part(2, 1), 0).unwrap();
    let octets = buffer.octets();
    assert_eq!(buffer.insert(key(3, 2), part(3, 1), 0), Err(Refusal::Groups { limit: 2 }));
    assert_eq!((buffer.len(), buffer.octets()), (2, octets));
    // Parts of messages that wait are still taken, and make room.
    assert!(matches!(buffer.insert(key(1, 2), part(4, 2), 0), Ok(Outcome::Complete(_))));
    assert_eq!(buffer.insert(key(3, 2), part(3, 1), 0), waiting(1));
}

#[test]
fn one_link_does_not_take_the_room_of_all() {
    let mut buffer = Reassembler::new(Limits { groups_per_link: 1, ..limits() });
    buffer.insert(key(1, 2), part(1, 1), 0).unwrap();
    let refusal = Refusal::LinkGroups { link: 1, limit: 1 };
    assert_eq!(buffer.insert(key(2, 2), part(2, 1), 0), Err(refusal));
    assert_eq!(buffer.insert(Key { link: 2, ..key(2, 2) }, part(2, 1), 0), waiting(1));
}

#[test]
fn octets_are_bounded() {
    let mut buffer = Reassembler::new(Limits { octets: 3000, ..limits() });
    buffer.insert(key(1, 3), body(1, 1, vec![1; 1000]), 0).unwrap();
    let before = buffer.octets();
    let refused = buffer.insert(key(1, 3), body(2, 2, vec![2; 2000]), 0);
    assert!(matches!(refused, Err(Refusal::Octets { limit: 3000, held, .. }) if held == before));
    assert_eq!(buffer.octets(), before);
    assert_eq!(buffer.insert(key(1, 3), body(2, 2, "2"), 0), waiting(2));
    // A part that displaces has the room of what it displaces.
    let displaced = buffer.insert(key(1, 3), body(3, 1, vec![3; 2000]), 0);
    assert!(matches!(displaced, Ok(Outcome::Displaced(_))));
    assert!(buffer.octets() <= 3000);
}

#[test]
fn parts_that_cannot_be() {
    let mut buffer = Reassembler::new(limits());
    for (sequence, total) in [(0, 2), (3, 2), (1, 0)] {
        let refusal = Refusal::Sequence { sequence, total };
        assert_eq!(buffer.insert(key(1, total), part(1, sequence), 0), Err(refusal));
    }
    assert!(matches!(buffer.insert(key(1, 1), part(1, 1), 9), Ok(Outcome::Complete(_))));
    assert!(is_drained(&buffer));
}

#[test]
fn a_buffer_is_built_again_from_what_was_stored() {
    let mut first = Reassembler::new(limits());
    let stored =
        [(key(1, 3), part(1, 1), 0), (key(2, 2), part(2, 2), SECOND), (key(1, 3), part(3, 3), 2 * SECOND)];
    for (key, part, at) in stored.clone() {
        first.insert(key, part, at).unwrap();
    }
    let mut second = Reassembler::new(limits());
    for (key, part, at) in stored {
        second.insert(key, part, at).unwrap();
    }
    assert_eq!(second.octets(), first.octets());
    for buffer in [&mut first, &mut second] {
        assert_eq!(buffer.expire(60 * SECOND).map(|group| tokens(&group)), Some(vec![1, 3]));
        assert!(matches!(buffer.insert(key(2, 2), part(4, 1), 3), Ok(Outcome::Complete(_))));
        assert!(is_drained(buffer));
    }
}

fn complete(buffer: &mut Reassembler<&'static str>, reference: u16, text: &'static str, now: i64) -> bool {
    buffer.insert(key(reference, 2), body(1, 1, "same"), now).unwrap();
    match buffer.insert(key(reference, 2), body(2, 2, text), now) {
        Ok(Outcome::Complete(group)) => group.repeated,
        other => panic!("{other:?}"),
    }
}

#[test]
fn late_duplicates_are_known_when_they_time_out() {
    let mut buffer = Reassembler::new(limits());
    assert!(!complete(&mut buffer, 1, "a", 0));
    assert_eq!(buffer.insert(key(1, 2), body(3, 2, "a"), SECOND), waiting(1));
    assert!(buffer.expire(i64::MAX).unwrap().repeated);
    // The same place with another text, and the same text under another reference, are new.
    assert_eq!(buffer.insert(key(1, 2), body(4, 2, "b"), SECOND), waiting(1));
    assert!(!buffer.expire(i64::MAX).unwrap().repeated);
    assert_eq!(buffer.insert(key(2, 2), body(5, 2, "a"), SECOND), waiting(1));
    assert!(!buffer.expire(i64::MAX).unwrap().repeated);
    // So is what comes when the message is forgotten.
    assert_eq!(buffer.insert(key(1, 2), body(6, 2, "a"), 30 * SECOND), waiting(1));
    assert!(!buffer.expire(i64::MAX).unwrap().repeated);
}

#[test]
fn a_new_message_with_an_old_first_part_is_complete() {
    // A sender that uses one reference for all: nothing of the second message may be dropped.
    let mut buffer = Reassembler::new(limits());
    assert!(!complete(&mut buffer, 1, "a", 0));
    assert!(!complete(&mut buffer, 1, "b", 1));
    assert!(complete(&mut buffer, 1, "b", 2));
    assert!(is_drained(&buffer));
}

#[test]
fn the_memory_of_completed_messages_is_bounded() {
    let mut buffer = Reassembler::new(limits());
    for reference in 1..=3 {
        complete(&mut buffer, reference, "a", 0);
    }
    assert!(!complete(&mut buffer, 1, "a", 1), "the oldest of three is forgotten");
    assert!(complete(&mut buffer, 3, "a", 1));
    let mut without = Reassembler::new(Limits { completed: 0, ..limits() });
    complete(&mut without, 1, "a", 0);
    assert!(!complete(&mut without, 1, "a", 0));
}
