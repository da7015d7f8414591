//! No part is lost in the reassembly buffer, whatever comes, and its bounds hold.

use std::collections::HashMap;

use bytes::Bytes;
use signalbox_text::reassembly::{Group, Key, Kind, Limits, Outcome, Part, Reassembler};

use crate::generator::{Generator, fuzz};

/// Where each token is that the buffer has taken.
#[derive(Default)]
struct Books {
    held: HashMap<u128, i64>,
    out: usize,
}

impl Books {
    fn take_out(&mut self, group: &Group<u8>) {
        assert!(!group.parts.is_empty());
        assert!(group.parts.is_sorted_by(|a, b| a.sequence < b.sequence));
        for part in &group.parts {
            assert!(self.held.remove(&part.token).is_some(), "token {} comes out twice", part.token);
            self.out += 1;
        }
    }
}

/// Keys of few values, so that groups fill; `spread` makes them many.
fn random_key(generator: &mut Generator, spread: usize) -> Key<u8> {
    Key {
        link: generator.below(spread) as u64,
        source: generator.below(spread) as u8,
        destination: 0,
        kind: [Kind::Udh8, Kind::Udh16, Kind::Sar][generator.below(spread)],
        reference: generator.below(spread) as u16,
        total: [2, 4, 5, 1, 0][generator.below(1 + spread)],
    }
}

fn random_part(generator: &mut Generator, token: u128) -> Part {
    let length = if generator.below(8) == 0 { generator.below(200) } else { 50 };
    let body = Bytes::from(vec![0; length]);
    Part { token, sequence: generator.below(6) as u8, data_coding: 0, header: None, body }
}

#[test]
fn every_token_comes_out_once() {
    fuzz("reassembly", |generator| {
        let limits = Limits {
            groups: 1 + generator.below(8),
            groups_per_link: 1 + generator.below(8),
            octets: 500 + generator.below(4000),
            timeout: 50,
            completed: generator.below(4),
            completed_for: 40,
        };
        let mut buffer = Reassembler::new(limits);
        let mut books = Books::default();
        let spread = 1 + generator.below(3);
        let mut now = 0;
        for token in 0..100 {
            now += generator.below(20) as i64;
            let key = random_key(generator, spread);
            let before = (buffer.len(), buffer.octets());
            match buffer.insert(key.clone(), random_part(generator, token), now) {
                Ok(outcome) => {
                    // A part that is not kept is told from one that is.
                    if !matches!(outcome, Outcome::Duplicate { .. }) {
                        books.held.insert(token, now);
                    }
                    match outcome {
                        Outcome::Complete(group) => {
                            assert_eq!(group.parts.len(), usize::from(group.key.total));
                            books.take_out(&group);
                        }
                        Outcome::Displaced(group) => books.take_out(&group),
                        Outcome::Duplicate { token: held } => assert!(books.held.contains_key(&held)),
                        Outcome::Waiting { held, conflicting_total } => {
                            assert!(held >= 1 && conflicting_total != Some(key.total));
                        }
                    }
                }
                Err(_) => assert_eq!((buffer.len(), buffer.octets()), before),
            }
            assert!(buffer.len() <= limits.groups && buffer.octets() <= limits.octets);
            if generator.below(10) == 0 {
                while let Some(group) = buffer.expire(now) {
                    assert!(group.since + limits.timeout <= now);
                    books.take_out(&group);
                }
                assert!(buffer.next_deadline().is_none_or(|deadline| deadline > now));
            }
        }
        while let Some(group) = buffer.expire(i64::MAX) {
            books.take_out(&group);
        }
        assert!(books.held.is_empty(), "tokens that never came out: {:?}", books.held);
        assert_eq!((buffer.len(), buffer.octets(), buffer.next_deadline()), (0, 0, None));
    });
}
