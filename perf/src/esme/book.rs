//! The receipts: which are due, which came, which nobody waited for.

use crate::latency::Latency;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug)]
struct Entry {
    sent: u64,
    marker: u64,
    receipts: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: HashMap<Box<[u8]>, Entry>,
    /// Receipts that came before the response that names their id: when, and how often.
    early: HashMap<Box<[u8]>, (u64, u64)>,
    expected: u64,
    matched: u64,
    duplicated: u64,
    intermediate: u64,
    repeated_ids: u64,
    states: BTreeMap<String, u64>,
    latency: Latency,
}

/// The receipts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceiptReport {
    /// Messages accepted that asked for one.
    pub expected: u64,
    /// Of these, how many got one.
    pub matched: u64,
    /// How many did not.
    pub missing: u64,
    /// Receipts after the first for the same message.
    pub duplicated: u64,
    /// Receipts for ids that no response named.
    pub wrong: u64,
    /// Intermediate notifications.
    pub intermediate: u64,
    /// Responses that named an id that was given before.
    pub repeated_ids: u64,
    /// Final receipts by the state in their text.
    pub states: BTreeMap<String, u64>,
}

impl Book {
    /// A message was accepted under this id.
    pub(super) fn accepted(&mut self, id: &[u8], marker: u64, sent: u64) {
        self.expected += 1;
        let mut entry = Entry { sent, marker, receipts: 0 };
        if let Some((at, count)) = self.early.remove(id) {
            entry.receipts = count;
            self.matched += 1;
            self.duplicated += count - 1;
            self.latency.record(at.saturating_sub(sent));
        }
        if self.entries.insert(id.into(), entry).is_some() {
            self.repeated_ids += 1;
        }
    }

    /// A receipt came. Returns the marker of its message.
    pub(super) fn receipt(&mut self, id: &[u8], stat: &[u8], intermediate: bool, now: u64) -> Option<u64> {
        if intermediate {
            self.intermediate += 1;
            return self.entries.get(id).map(|entry| entry.marker);
        }
        *self.states.entry(String::from_utf8_lossy(stat).into_owned()).or_default() += 1;
        let Some(entry) = self.entries.get_mut(id) else {
            self.early.entry(id.into()).or_insert((now, 0)).1 += 1;
            return None;
        };
        entry.receipts += 1;
        if entry.receipts == 1 {
            self.matched += 1;
            self.latency.record(now.saturating_sub(entry.sent));
        } else {
            self.duplicated += 1;
        }
        Some(entry.marker)
    }

    /// Whether each message has its receipt.
    pub(super) fn is_complete(&self) -> bool {
        self.matched >= self.expected
    }

    pub(super) fn latency(&self) -> &Latency {
        &self.latency
    }

    pub(super) fn report(&self) -> ReceiptReport {
        ReceiptReport {
            expected: self.expected,
            matched: self.matched,
            missing: self.expected - self.matched,
            duplicated: self.duplicated,
            wrong: self.early.values().map(|(_, count)| count).sum(),
            intermediate: self.intermediate,
            repeated_ids: self.repeated_ids,
            states: self.states.clone(),
        }
    }
}

/// Id and state of a receipt.
pub(super) fn read<'a>(message: &crate::wire::Message<'a>) -> (&'a [u8], &'a [u8]) {
    let text = message.text;
    let field = |key: &[u8]| {
        let start = text.windows(key.len()).position(|window| window == key)? + key.len();
        let value = &text[start..];
        let end = value.iter().position(|&octet| octet == b' ').unwrap_or(value.len());
        Some(&value[..end])
    };
    let by_tlv = crate::wire::tlv(message.tlvs, crate::wire::TLV_RECEIPTED_MESSAGE_ID)
        .map(|value| value.strip_suffix(b"\0").unwrap_or(value));
    (by_tlv.or_else(|| field(b"id:")).unwrap_or_default(), field(b"stat:").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_counted_once() {
        let mut book = Book::default();
        book.accepted(b"a", 1, 0);
        book.receipt(b"b", b"DELIVRD", false, 5);
        book.receipt(b"b", b"DELIVRD", false, 6);
        book.accepted(b"b", 2, 1);
        assert!(!book.is_complete());
        book.receipt(b"x", b"UNDELIV", false, 7);
        assert_eq!(book.receipt(b"a", b"ENROUTE", true, 7), Some(1));
        assert!(!book.is_complete());
        assert_eq!(book.receipt(b"a", b"DELIVRD", false, 8), Some(1));
        assert!(book.is_complete());
        book.accepted(b"c", 3, 9);
        let report = book.report();
        assert_eq!((report.expected, report.matched, report.missing), (3, 2, 1));
        assert_eq!((report.duplicated, report.wrong, report.intermediate), (1, 1, 1));
        assert_eq!(report.states["DELIVRD"], 3);
    }
}
