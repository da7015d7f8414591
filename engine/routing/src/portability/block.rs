//! Blocks of numbers in the packed file.

use super::layout::BLOCK;
use super::runs::Row;

/// How wide the distances of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// Distances of 16 bits, with the carrier in a word of 32.
    Narrow,
    /// Distances of 32 bits.
    Wide,
    /// Distances of 64 bits.
    Full,
}

impl Width {
    /// The narrowest that holds this distance.
    fn of(distance: u64) -> Self {
        if distance <= u64::from(u16::MAX) {
            Self::Narrow
        } else if distance <= u64::from(u32::MAX) {
            Self::Wide
        } else {
            Self::Full
        }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Narrow => 0,
            Self::Wide => 1,
            Self::Full => 2,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Narrow, Self::Wide, Self::Full].into_iter().find(|width| width.code() == code)
    }

    /// Octets of an entry, distance and carrier.
    pub(super) const fn entry(self) -> usize {
        match self {
            Self::Narrow => 4,
            Self::Wide => 6,
            Self::Full => 10,
        }
    }
}

/// Writes at most [`BLOCK`] rows, ascending by number, and says how wide they are; `None` when there are none.
pub(super) fn write(rows: &[Row], into: &mut Vec<u8>) -> Option<(u64, Width)> {
    let (base, last) = (rows.first()?.number, rows.last()?.number);
    let width = Width::of(last - base);
    let distances = rows.iter().map(|row| (row.number - base, row.carrier));
    if width == Width::Narrow {
        for (distance, carrier) in distances {
            into.extend_from_slice(&carrier.to_le_bytes());
            into.extend_from_slice(&distance.to_le_bytes()[..2]);
        }
        return Some((base, width));
    }
    for (distance, _) in distances {
        into.extend_from_slice(&distance.to_le_bytes()[..width.entry() - 2]);
    }
    for row in rows {
        into.extend_from_slice(&row.carrier.to_le_bytes());
    }
    Some((base, width))
}

/// A block of numbers in the mapped file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    base: u64,
    width: Width,
    octets: &'a [u8],
}

impl<'a> Block<'a> {
    /// The block whose entries are all of `octets`.
    pub(super) fn new(base: u64, width: Width, octets: &'a [u8]) -> Self {
        Self { base, width, octets }
    }

    /// Index of the carrier of this number.
    pub(super) fn find(&self, number: u64) -> Option<u16> {
        let distance = number.checked_sub(self.base)?;
        match self.width {
            Width::Narrow => {
                let words = self.octets.as_chunks::<4>().0;
                let wanted = u32::from(u16::try_from(distance).ok()?) << 16;
                let at = below(words, wanted, u32::from_le_bytes);
                let word = u32::from_le_bytes(*words.get(at)?);
                (word >> 16 == wanted >> 16).then_some(word as u16)
            }
            Width::Wide => {
                let (distances, carriers) = self.columns::<4>();
                let wanted = u32::try_from(distance).ok()?;
                let at = below(distances, wanted, u32::from_le_bytes);
                (u32::from_le_bytes(*distances.get(at)?) == wanted).then(|| carrier(carriers, at))?
            }
            Width::Full => {
                let (distances, carriers) = self.columns::<8>();
                let at = below(distances, distance, u64::from_le_bytes);
                (u64::from_le_bytes(*distances.get(at)?) == distance).then(|| carrier(carriers, at))?
            }
        }
    }

    /// Number and carrier with this position.
    pub(super) fn entry(&self, at: usize) -> Option<(u64, u16)> {
        let (distance, carrier) = match self.width {
            Width::Narrow => {
                let word = u32::from_le_bytes(*self.octets.as_chunks::<4>().0.get(at)?);
                (u64::from(word >> 16), word as u16)
            }
            Width::Wide => {
                let (distances, carriers) = self.columns::<4>();
                (u64::from(u32::from_le_bytes(*distances.get(at)?)), carrier(carriers, at)?)
            }
            Width::Full => {
                let (distances, carriers) = self.columns::<8>();
                (u64::from_le_bytes(*distances.get(at)?), carrier(carriers, at)?)
            }
        };
        Some((self.base.checked_add(distance)?, carrier))
    }

    /// Entries, in ascending order.
    pub(super) fn entries(self) -> impl Iterator<Item = (u64, u16)> + use<'a> {
        (0..BLOCK).map_while(move |at| self.entry(at))
    }

    fn columns<const N: usize>(&self) -> (&'a [[u8; N]], &'a [u8]) {
        let entries = self.octets.len() / (N + 2);
        let (distances, carriers) = self.octets.split_at(entries * N);
        (distances.as_chunks::<N>().0, carriers)
    }
}

fn carrier(carriers: &[u8], at: usize) -> Option<u16> {
    carriers.as_chunks().0.get(at).map(|chunk| u16::from_le_bytes(*chunk))
}

/// How many values of an ascending list are below `wanted`. Counting has no branch to mispredict, and becomes a
/// handful of vector operations.
fn below<const N: usize, T: Ord + Copy>(values: &[[u8; N]], wanted: T, read: fn([u8; N]) -> T) -> usize {
    values.iter().filter(|chunk| read(**chunk) < wanted).count()
}
