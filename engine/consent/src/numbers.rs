//! A packed, sorted set of telephone numbers.

use signalbox_text::E164;

/// What the octets of a set begin with; the last one is the version.
const MAGIC: &[u8; 8] = b"numbers\x01";
/// Octets before the numbers.
const HEAD: usize = 24;

/// The low bits of a number that are kept apart: two octets for each number.
const LOW_BITS: u32 = 16;

/// A set of numbers that is made once and asked often: two octets a number where they lie close together, as the
/// hundreds of millions of a national list do, and some 14 where each is alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedNumbers {
    /// What the numbers have in common above the low bits, ascending.
    highs: Vec<u64>,
    /// For each of `highs` where its numbers end in `lows`.
    ends: Vec<u32>,
    lows: Vec<u16>,
}

/// More numbers than the set can hold (2^32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than 4,294,967,295 numbers")]
pub struct TooManyNumbers;

impl PackedNumbers {
    /// Packs numbers, in any order and with repeats. Sorting takes eight octets a number for the time being.
    ///
    /// # Errors
    /// [`TooManyNumbers`].
    pub fn collect(numbers: impl IntoIterator<Item = E164>) -> Result<Self, TooManyNumbers> {
        let mut sorted: Vec<u64> = numbers.into_iter().map(E164::get).collect();
        sorted.sort_unstable();
        sorted.dedup();
        if u32::try_from(sorted.len()).is_err() {
            return Err(TooManyNumbers);
        }
        let mut packed = Self { lows: Vec::with_capacity(sorted.len()), ..Self::default() };
        for number in sorted {
            let high = number >> LOW_BITS;
            if packed.highs.last() != Some(&high) {
                packed.highs.push(high);
                packed.ends.push(0);
            }
            packed.lows.push((number & u64::from(u16::MAX)) as u16);
            if let Some(end) = packed.ends.last_mut() {
                *end = packed.lows.len() as u32;
            }
        }
        packed.highs.shrink_to_fit();
        packed.ends.shrink_to_fit();
        Ok(packed)
    }

    /// True when the number is in the set.
    #[must_use]
    pub fn contains(&self, number: E164) -> bool {
        let Ok(group) = self.highs.binary_search(&(number.get() >> LOW_BITS)) else { return false };
        let begin = if group == 0 { 0 } else { self.ends[group - 1] as usize };
        let low = (number.get() & u64::from(u16::MAX)) as u16;
        self.lows[begin..self.ends[group] as usize].binary_search(&low).is_ok()
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lows.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lows.is_empty()
    }

    /// The set as octets, of which [`decode`](Self::decode) makes it again: two for each number.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(HEAD + self.highs.len() * 12 + self.lows.len() * 2);
        octets.extend_from_slice(MAGIC);
        octets.extend_from_slice(&(self.highs.len() as u64).to_le_bytes());
        octets.extend_from_slice(&(self.lows.len() as u64).to_le_bytes());
        octets.extend(self.highs.iter().flat_map(|high| high.to_le_bytes()));
        octets.extend(self.ends.iter().flat_map(|end| end.to_le_bytes()));
        octets.extend(self.lows.iter().flat_map(|low| low.to_le_bytes()));
        octets
    }

    /// The set of these octets; `None` when they are none of a set.
    #[must_use]
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let head = octets.strip_prefix(MAGIC)?;
        let count = |at: usize| -> Option<usize> {
            usize::try_from(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?)).ok()
        };
        let (highs, lows) = (count(0)?, count(8)?);
        let rest = octets.get(HEAD..)?;
        let length = highs.checked_mul(12)?.checked_add(lows.checked_mul(2)?)?;
        if rest.len() != length {
            return None;
        }
        let (high, rest) = rest.split_at(highs * 8);
        let (end, low) = rest.split_at(highs * 4);
        let packed = Self {
            highs: high
                .chunks_exact(8)
                .filter_map(|of| Some(u64::from_le_bytes(of.try_into().ok()?)))
                .collect(),
            ends: end
                .chunks_exact(4)
                .filter_map(|of| Some(u32::from_le_bytes(of.try_into().ok()?)))
                .collect(),
            lows: low
                .chunks_exact(2)
                .filter_map(|of| Some(u16::from_le_bytes(of.try_into().ok()?)))
                .collect(),
        };
        let in_order = packed.ends.is_sorted() && packed.highs.is_sorted();
        let whole = packed.ends.last().map_or(0, |end| *end as usize) == lows;
        (in_order && whole).then_some(packed)
    }

    /// Octets of memory in use.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.highs.capacity() * size_of::<u64>()
            + self.ends.capacity() * size_of::<u32>()
            + self.lows.capacity() * size_of::<u16>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn number(value: u64) -> E164 {
        E164::from_value(value).unwrap()
    }

    #[test]
    fn numbers_close_together_take_two_octets() {
        let packed = PackedNumbers::collect((0..200_000).map(|n| number(12_025_550_000 + n))).unwrap();
        assert_eq!(packed.len(), 200_000);
        assert!(packed.memory() < 200_000 * 2 + 1_000, "{} octets", packed.memory());
        assert!(packed.contains(number(12_025_550_000)) && packed.contains(number(12_025_749_999)));
        assert!(!packed.contains(number(12_025_549_999)) && !packed.contains(number(12_025_750_000)));
    }

    #[test]
    fn octets_that_are_none_of_a_set_are_refused() {
        let packed = PackedNumbers::collect([12_025_550_000, 442_079_460_000].map(number)).unwrap();
        let octets = packed.encode();
        assert_eq!(PackedNumbers::decode(&octets), Some(packed));
        for cut in 0..octets.len() {
            assert_eq!(PackedNumbers::decode(&octets[..cut]), None, "{cut}");
        }
        let mut wrong = octets.clone();
        wrong[8] = 0xff;
        assert_eq!(PackedNumbers::decode(&wrong), None);
        wrong[8..24].fill(0xff);
        assert_eq!(PackedNumbers::decode(&wrong), None, "counts that are too large to be");
    }

    #[test]
    fn an_empty_set_has_nothing() {
        let packed = PackedNumbers::collect([]).unwrap();
        assert!(packed.is_empty() && !packed.contains(number(12_025_550_000)));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(
            some in proptest::collection::vec(1_000_000u64..1_400_000, 0..200),
            far in proptest::collection::vec(1_000_000u64..999_999_999_999_999, 0..50),
            asked in proptest::collection::vec(1_000_000u64..1_400_000, 0..200),
        ) {
            let all: BTreeSet<u64> = some.iter().chain(&far).copied().collect();
            let packed = PackedNumbers::collect(some.iter().chain(&far).copied().map(number)).unwrap();
            prop_assert_eq!(packed.len(), all.len());
            prop_assert!(PackedNumbers::decode(&packed.encode()).is_some_and(|again| again == packed));
            for value in all.iter().chain(&asked) {
                prop_assert_eq!(packed.contains(number(*value)), all.contains(value));
            }
        }
    }
}
