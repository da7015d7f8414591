//! Cutting a text into parts without allocation, and counting them.

use super::cluster::Cluster;
use crate::encoding::{Encoding, Unrepresentable};

/// How many parts a text needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Count {
    /// Parts; an empty text is one.
    pub segments: usize,
    /// Septets or octets of the text, without headers.
    pub units: usize,
    /// Units that still fit the last part.
    pub spare: usize,
}

/// Units that fit a message of one part, and each part of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Capacity {
    /// A single message.
    pub single: usize,
    /// A part of a concatenated message.
    pub part: usize,
}

/// Counts parts as they would be cut.
pub(super) fn count(text: &str, encoding: Encoding, capacity: Capacity) -> Result<Count, Unrepresentable> {
    let units = encoding.count(text)?;
    if units <= capacity.single {
        return Ok(Count { segments: 1, units, spare: capacity.single - units });
    }
    let mut segments = 0;
    let mut last = 0;
    for (_, units) in Cuts::new(text, encoding, capacity.part) {
        segments += 1;
        last = units;
    }
    Ok(Count { segments, units, spare: capacity.part.saturating_sub(last) })
}

/// The parts of a text in which every character has a place, each with its units. An escape and its
/// septet, and a surrogate pair, are one character here and are never cut.
pub(super) struct Cuts<'a> {
    rest: &'a str,
    encoding: Encoding,
    ascii: [u8; 128],
    capacity: usize,
}

impl<'a> Cuts<'a> {
    /// Parts of `capacity` units, at least 4: the dearest character has to fit.
    pub(super) fn new(text: &'a str, encoding: Encoding, capacity: usize) -> Self {
        let mut ascii = [0; 128];
        for (character, cost) in ('\0'..).zip(&mut ascii) {
            *cost = encoding.cost(character).unwrap_or(1);
        }
        Self { rest: text, encoding, ascii, capacity }
    }
}

impl<'a> Iterator for Cuts<'a> {
    type Item = (&'a str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (end, units) = self.cut();
        let (part, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some((part, units))
    }
}

impl Cuts<'_> {
    fn cut(&self) -> (usize, usize) {
        let mut units = 0;
        let mut cluster = Cluster::new();
        let mut start = (0, 0);
        for (offset, character) in self.rest.char_indices() {
            let joins = cluster.joins(character);
            if !joins {
                start = (offset, units);
            }
            let cost = match self.ascii.get(character as usize) {
                Some(&cost) => cost,
                None => self.encoding.cost(character).unwrap_or(1),
            };
            let cost = usize::from(cost);
            if units + cost > self.capacity {
                // A cluster that fills a whole part is cut all the same.
                return if joins && start.0 > 0 { start } else { (offset, units) };
            }
            units += cost;
        }
        (self.rest.len(), units)
    }
}
