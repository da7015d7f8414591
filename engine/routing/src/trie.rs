//! A trie over decimal digits: prefixes of numbers in an array, ten links a node.

/// Longest-prefix map over digits.
#[derive(Clone, Debug)]
pub(crate) struct DigitTrie<V> {
    /// Child nodes by digit; 0 is none, since the root is nobody's child.
    children: Vec<[u32; 10]>,
    values: Vec<Option<V>>,
}

/// A prefix with something other than digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotDigits;

impl<V> Default for DigitTrie<V> {
    fn default() -> Self {
        Self { children: vec![[0; 10]], values: vec![None] }
    }
}

impl<V> DigitTrie<V> {
    /// The value of exactly this prefix, to be read or set; the node is made if need be.
    pub(crate) fn entry(&mut self, prefix: &[u8]) -> Result<&mut Option<V>, NotDigits> {
        if !prefix.iter().all(u8::is_ascii_digit) {
            return Err(NotDigits);
        }
        let mut node = 0usize;
        for octet in prefix {
            let digit = usize::from(octet - b'0');
            let child = self.children[node][digit] as usize;
            node = if child == 0 { self.grow(node, digit) } else { child };
        }
        Ok(&mut self.values[node])
    }

    fn grow(&mut self, parent: usize, digit: usize) -> usize {
        let child = self.children.len();
        self.children.push([0; 10]);
        self.values.push(None);
        self.children[parent][digit] =
            u32::try_from(child).expect("nodes of 40 octets fill the memory long before 2^32 of them");
        child
    }

    /// Calls `visit` with the value of each prefix of `digits`, the shortest first; stops at the first octet
    /// that is no digit.
    pub(crate) fn each_prefix<'a>(&'a self, digits: &[u8], mut visit: impl FnMut(usize, &'a V)) {
        let mut node = 0usize;
        if let Some(value) = &self.values[0] {
            visit(0, value);
        }
        for (depth, octet) in digits.iter().enumerate() {
            let digit = usize::from(octet.wrapping_sub(b'0'));
            let Some(&child) = self.children[node].get(digit) else { return };
            if child == 0 {
                return;
            }
            node = child as usize;
            if let Some(value) = &self.values[node] {
                visit(depth + 1, value);
            }
        }
    }

    /// The value of the longest prefix of `digits`.
    pub(crate) fn longest(&self, digits: &[u8]) -> Option<&V> {
        let mut found = None;
        self.each_prefix(digits, |_, value| found = Some(value));
        found
    }

    /// Octets of memory.
    pub(crate) fn memory(&self) -> usize {
        self.children.capacity() * size_of::<[u32; 10]>() + self.values.capacity() * size_of::<Option<V>>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        let mut trie = DigitTrie::default();
        for (prefix, value) in [("1", 'a'), ("1202", 'b'), ("44", 'c')] {
            *trie.entry(prefix.as_bytes()).unwrap() = Some(value);
        }
        assert_eq!(trie.longest(b"12025550100"), Some(&'b'));
        assert_eq!(trie.longest(b"120"), Some(&'a'));
        assert_eq!(trie.longest(b"4"), None);
        assert_eq!(trie.longest(b"1x202"), Some(&'a'));
        assert_eq!(trie.entry(b"1x"), Err(NotDigits));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_map(
            rows in proptest::collection::btree_map("[0-3]{0,5}", any::<u8>(), 0..40),
            numbers in proptest::collection::vec("[0-3]{0,7}", 1..40),
        ) {
            let rows: BTreeMap<String, u8> = rows;
            let mut trie = DigitTrie::default();
            for (prefix, value) in &rows {
                *trie.entry(prefix.as_bytes()).unwrap() = Some(*value);
            }
            for number in numbers {
                let expected = (0..=number.len()).rev().find_map(|end| rows.get(&number[..end]));
                prop_assert_eq!(trie.longest(number.as_bytes()), expected);
            }
        }
    }
}
