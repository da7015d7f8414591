//! The index of a rule set: for each value of each dimension the set of rules that allow it, as bits.
//!
//! A query picks one set a dimension (a prefix trie for addresses, hash maps for the rest); the intersection,
//! taken word by word, leaves the rules whose plain conditions all hold, in order. 1,000 rules are 16 words.

use rustc_hash::{FxHashMap, FxHashSet};

use super::rule::{AddressCondition, Rule};
use crate::number::Country;
use crate::query::{Direction, MessageClass, Party, Query};
use crate::trie::DigitTrie;

/// Most octets that an index may take.
pub(crate) const MAX_INDEX_BYTES: usize = 256 << 20;

/// Position of a set in the arena, in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SetAt(u32);

/// Sets of rules, each of the same number of words; equal sets are kept once.
#[derive(Debug, Default)]
struct Sets {
    words: usize,
    arena: Vec<u64>,
    known: FxHashMap<Box<[u64]>, SetAt>,
}

/// The index needs more than [`MAX_INDEX_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    /// Octets needed up to the point where building stopped.
    pub(crate) bytes: usize,
}

impl Sets {
    fn keep(&mut self, set: Vec<u64>) -> Result<SetAt, TooLarge> {
        if let Some(at) = self.known.get(set.as_slice()) {
            return Ok(*at);
        }
        let bytes = (self.arena.len() + set.len()) * size_of::<u64>();
        if bytes > MAX_INDEX_BYTES {
            return Err(TooLarge { bytes });
        }
        let at = SetAt(u32::try_from(self.arena.len()).expect("the arena stays below 2^25 words"));
        self.arena.extend_from_slice(&set);
        self.known.insert(set.into(), at);
        Ok(at)
    }

    /// The set of rules for which `allows` says yes.
    fn of(&mut self, rules: &[Rule], allows: impl Fn(&Rule) -> bool) -> Result<SetAt, TooLarge> {
        let mut set = vec![0; self.words];
        for (position, _) in rules.iter().enumerate().filter(|(_, rule)| allows(rule)) {
            insert(&mut set, position);
        }
        self.keep(set)
    }
}

fn insert(set: &mut [u64], position: usize) {
    set[position / 64] |= 1 << (position % 64);
}

/// Sets by a value that a query has or has not.
#[derive(Debug)]
struct ByValue<K> {
    listed: FxHashMap<K, SetAt>,
    /// Rules without this condition: for values that no rule lists, and for none.
    other: SetAt,
}

impl<K: Copy + Eq + std::hash::Hash> ByValue<K> {
    fn build(rules: &[Rule], sets: &mut Sets, list: impl Fn(&Rule) -> &[K]) -> Result<Self, TooLarge> {
        let values: FxHashSet<K> = rules.iter().flat_map(|rule| list(rule).iter().copied()).collect();
        let any = any_bits(rules, sets.words, |rule| list(rule).is_empty());
        let mut bits: FxHashMap<K, Vec<u64>> = values.into_iter().map(|value| (value, any.clone())).collect();
        for (position, rule) in rules.iter().enumerate() {
            for value in list(rule) {
                if let Some(set) = bits.get_mut(value) {
                    insert(set, position);
                }
            }
        }
        let other = sets.keep(any)?;
        let listed = bits
            .into_iter()
            .map(|(value, set)| Ok((value, sets.keep(set)?)))
            .collect::<Result<_, TooLarge>>()?;
        Ok(Self { listed, other })
    }

    fn set(&self, value: Option<K>) -> SetAt {
        value.and_then(|value| self.listed.get(&value).copied()).unwrap_or(self.other)
    }
}

fn any_bits(rules: &[Rule], words: usize, any: impl Fn(&Rule) -> bool) -> Vec<u64> {
    let mut set = vec![0; words];
    for (position, _) in rules.iter().enumerate().filter(|(_, rule)| any(rule)) {
        insert(&mut set, position);
    }
    set
}

/// Sets by an address: whole numbers before the longest prefix, whole texts before any text.
#[derive(Debug)]
struct ByAddress {
    numbers: FxHashMap<Box<[u8]>, SetAt>,
    texts: FxHashMap<Box<[u8]>, SetAt>,
    prefixes: DigitTrie<SetAt>,
    /// For numbers without a listed prefix.
    other_number: SetAt,
    /// For texts that are not listed.
    other_text: SetAt,
}

type Positions<'a> = FxHashMap<&'a [u8], Vec<usize>>;

fn positions<'a>(
    rules: &'a [Rule],
    condition: &impl Fn(&Rule) -> &AddressCondition,
    list: impl Fn(&AddressCondition) -> &[Box<[u8]>],
) -> Positions<'a> {
    let mut found = Positions::default();
    for (position, rule) in rules.iter().enumerate() {
        for entry in list(condition(rule)) {
            found.entry(entry).or_default().push(position);
        }
    }
    found
}

impl ByAddress {
    fn build(
        rules: &[Rule],
        sets: &mut Sets,
        condition: impl Fn(&Rule) -> &AddressCondition,
    ) -> Result<Self, TooLarge> {
        let any = any_bits(rules, sets.words, |rule| condition(rule).is_any());
        let any_text =
            any_bits(rules, sets.words, |rule| condition(rule).is_any() || condition(rule).any_text);
        let with = |sets: &mut Sets, base: &[u64], more: &[usize]| {
            let mut set = base.to_vec();
            more.iter().for_each(|position| insert(&mut set, *position));
            sets.keep(set)
        };

        // Shorter prefixes first: the set of each contains that of the longest prefix of it.
        let prefix_rules = positions(rules, &condition, |address| &address.prefixes);
        let mut listed: Vec<&[u8]> = prefix_rules.keys().copied().collect();
        listed.sort_unstable_by_key(|prefix| prefix.len());
        let other_number = sets.keep(any)?;
        let mut prefixes: DigitTrie<SetAt> = DigitTrie::default();
        for prefix in listed {
            let base = *prefixes.longest(prefix).unwrap_or(&other_number);
            let base = sets.slice(base).to_vec();
            let set = with(sets, &base, &prefix_rules[prefix])?;
            if let Ok(entry) = prefixes.entry(prefix) {
                *entry = Some(set);
            }
        }

        let mut numbers = FxHashMap::default();
        for (number, found) in positions(rules, &condition, |address| &address.numbers) {
            let base = *prefixes.longest(number).unwrap_or(&other_number);
            let base = sets.slice(base).to_vec();
            numbers.insert(number.into(), with(sets, &base, &found)?);
        }
        let mut texts = FxHashMap::default();
        for (text, found) in positions(rules, &condition, |address| &address.texts) {
            texts.insert(text.into(), with(sets, &any_text, &found)?);
        }
        let other_text = sets.keep(any_text)?;
        Ok(Self { numbers, texts, prefixes, other_number, other_text })
    }

    fn set(&self, party: Party<'_>) -> SetAt {
        match party {
            Party::Number(digits) => {
                if let Some(set) = self.numbers.get(digits) {
                    return *set;
                }
                *self.prefixes.longest(digits).unwrap_or(&self.other_number)
            }
            Party::Text(text) => self.texts.get(text).copied().unwrap_or(self.other_text),
        }
    }
}

impl Sets {
    fn slice(&self, at: SetAt) -> &[u64] {
        &self.arena[at.0 as usize..][..self.words]
    }
}

/// The index of the rules of a set that are on.
#[derive(Debug)]
pub(crate) struct Index {
    sets: Sets,
    /// By direction and class.
    kinds: [[SetAt; 4]; 2],
    destination: ByAddress,
    source: ByAddress,
    country: ByValue<Country>,
    carrier: ByValue<crate::CarrierId>,
    account: ByValue<crate::AccountId>,
    ingress: ByValue<crate::LinkId>,
}

impl Index {
    /// Builds the index of these rules.
    ///
    /// # Errors
    /// When it would take more than [`MAX_INDEX_BYTES`].
    pub(crate) fn build(rules: &[Rule]) -> Result<Self, TooLarge> {
        let mut sets = Sets { words: rules.len().div_ceil(64), ..Sets::default() };
        let mut kinds = [[SetAt::default(); 4]; 2];
        for direction in [Direction::Mt, Direction::Mo] {
            for class in MessageClass::ALL {
                kinds[direction as usize][class as usize] = sets.of(rules, |rule| {
                    rule.direction.is_none_or(|wanted| wanted == direction)
                        && (rule.classes.is_empty() || rule.classes.contains(&class))
                })?;
            }
        }
        let destination = ByAddress::build(rules, &mut sets, |rule| &rule.destination)?;
        let source = ByAddress::build(rules, &mut sets, |rule| &rule.source)?;
        let country = ByValue::build(rules, &mut sets, |rule| &rule.countries)?;
        let carrier = ByValue::build(rules, &mut sets, |rule| &rule.carriers)?;
        let account = ByValue::build(rules, &mut sets, |rule| &rule.accounts)?;
        let ingress = ByValue::build(rules, &mut sets, |rule| &rule.ingress)?;
        sets.known = FxHashMap::default();
        sets.arena.shrink_to_fit();
        Ok(Self { sets, kinds, destination, source, country, carrier, account, ingress })
    }

    /// The first position for which `accept` says yes among the rules whose indexed conditions all hold.
    pub(crate) fn first(&self, query: &Query<'_>, mut accept: impl FnMut(usize) -> bool) -> Option<usize> {
        let sets = [
            self.kinds[query.direction as usize][query.class as usize],
            self.destination.set(query.destination),
            self.source.set(query.source),
            self.country.set(query.number.country),
            self.carrier.set(query.number.carrier),
            self.account.set(query.account),
            self.ingress.set(query.ingress),
        ]
        .map(|at| self.sets.slice(at));
        for word in 0..self.sets.words {
            let mut candidates = sets.iter().fold(u64::MAX, |left, set| left & set[word]);
            while candidates != 0 {
                let position = word * 64 + candidates.trailing_zeros() as usize;
                if accept(position) {
                    return Some(position);
                }
                candidates &= candidates - 1;
            }
        }
        None
    }

    /// Octets of memory, about.
    pub(crate) fn memory(&self) -> usize {
        self.sets.arena.capacity() * size_of::<u64>()
            + self.destination.prefixes.memory()
            + self.source.prefixes.memory()
    }
}
