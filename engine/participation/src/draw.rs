//! Drawing winners so that everyone can check it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::entry::{EntryId, Participant};

/// What decides a draw; written down with it. It comes from outside, and best from a source that nobody rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl FromStr for Seed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTS: &str = "a seed is 64 hexadecimal digits";
        if text.len() != 64 || !text.is_ascii() {
            return Err(EXPECTS);
        }
        let mut octets = [0; 32];
        for (index, octet) in octets.iter_mut().enumerate() {
            *octet = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| EXPECTS)?;
        }
        Ok(Self(octets))
    }
}

/// A submission in a draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The entry that it came with.
    pub entry: EntryId,
    /// Which one of the entry's submissions.
    pub seq: u32,
    /// Whose it is.
    pub participant: Participant,
}

impl Ticket {
    /// Its place in the draw: SHA-256 of the seed, the entry's id and the number of the submission, both with the high
    /// octet first.
    #[must_use]
    pub fn place(&self, seed: Seed) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(seed.0);
        hash.update(self.entry.0.to_be_bytes());
        hash.update(self.seq.to_be_bytes());
        hash.finalize().into()
    }
}

/// A draw: the tickets with the lowest places win, at most one of each participant.
///
/// The order in which tickets come does not matter, and each can be checked alone. Every submission is a chance; it
/// holds no more than the winners so far.
#[derive(Debug)]
pub struct Draw {
    seed: Seed,
    winners: usize,
    tickets: u64,
    best: BTreeMap<[u8; 32], Ticket>,
    places: BTreeMap<Participant, [u8; 32]>,
}

impl Draw {
    /// A draw of so many winners.
    #[must_use]
    pub fn new(seed: Seed, winners: usize) -> Self {
        Self { seed, winners, tickets: 0, best: BTreeMap::new(), places: BTreeMap::new() }
    }

    /// Puts a ticket in.
    pub fn add(&mut self, ticket: Ticket) {
        self.tickets += 1;
        let place = ticket.place(self.seed);
        let is_full = self.best.len() >= self.winners;
        if is_full && self.best.last_key_value().is_none_or(|(last, _)| place >= *last) {
            return;
        }
        if let Some(before) = self.places.get(&ticket.participant) {
            if *before <= place {
                return;
            }
            self.best.remove(before);
        }
        self.places.insert(ticket.participant.clone(), place);
        self.best.insert(place, ticket);
        if self.best.len() > self.winners
            && let Some((_, last)) = self.best.pop_last()
        {
            self.places.remove(&last.participant);
        }
    }

    /// Tickets put in so far.
    #[must_use]
    pub fn tickets(&self) -> u64 {
        self.tickets
    }

    /// The winners, the first first.
    #[must_use]
    pub fn winners(self) -> Vec<Ticket> {
        self.best.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ticket(entry: u128, from: u32) -> Ticket {
        Ticket { entry: EntryId(entry), seq: 0, participant: Participant::of(&format!("49{from}")) }
    }

    proptest! {
        /// The bounded draw has the winners that a draw of everyone sorted has, in any order of the tickets.
        #[test]
        fn the_lowest_places_win_once_each(
            froms in prop::collection::vec(0..8u32, 0..40), winners in 0..6usize, seed in any::<[u8; 32]>(),
            turn in any::<prop::sample::Index>(),
        ) {
            let seed = Seed(seed);
            let mut tickets: Vec<Ticket> = (0..).zip(&froms).map(|(entry, from)| ticket(entry, *from)).collect();
            let mut sorted = tickets.clone();
            sorted.sort_by_key(|ticket| ticket.place(seed));
            let mut seen = Vec::new();
            sorted.retain(|ticket| {
                let is_new = !seen.contains(&ticket.participant);
                seen.push(ticket.participant.clone());
                is_new
            });
            sorted.truncate(winners);

            if !tickets.is_empty() {
                let middle = turn.index(tickets.len());
                tickets.rotate_left(middle);
            }
            let mut draw = Draw::new(seed, winners);
            tickets.into_iter().for_each(|ticket| draw.add(ticket));
            prop_assert_eq!(draw.winners(), sorted);
        }
    }

    #[test]
    fn another_seed_draws_others() {
        let won = |octet: u8| {
            let mut draw = Draw::new(Seed([octet; 32]), 3);
            (0..1000).for_each(|number| draw.add(ticket(number.into(), number)));
            draw.winners()
        };
        assert_eq!(won(1), won(1));
        assert_ne!(won(1), won(2));
    }

    #[test]
    fn a_seed_is_read_as_it_is_written() {
        let seed = Seed([0xa7; 32]);
        assert_eq!(seed.to_string().parse(), Ok(seed));
        assert!("a7".parse::<Seed>().is_err());
        assert!("é".repeat(32).parse::<Seed>().is_err());
    }
}
