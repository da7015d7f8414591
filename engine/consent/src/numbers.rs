//! A packed, sorted set of telephone numbers.

use signalbox_text::E164;

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
            for value in all.iter().chain(&asked) {
                prop_assert_eq!(packed.contains(number(*value)), all.contains(value));
            }
        }
    }
}
