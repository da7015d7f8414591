//! The fields of a receipt's text.

use crate::ReceiptRules;
use crate::flags::MessageState;
use crate::time::{civil, civil_seconds};
use bytes::Bytes;

const SECOND_US: i64 = 1_000_000;

/// The values of the keys, as slices of the text; empty where a key is missing.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) id: Bytes,
    pub(super) sub: Bytes,
    pub(super) dlvrd: Bytes,
    pub(super) submit_date: Bytes,
    pub(super) done_date: Bytes,
    pub(super) stat: Bytes,
    pub(super) err: Bytes,
    pub(super) text: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

/// The words of each key; what may stand between two words is none, a blank, `_` or `-`.
const KEYS: [(Key, &[&str]); 8] = [
    (Key::Id, &["id"]),
    (Key::Sub, &["sub"]),
    (Key::Dlvrd, &["dlvrd"]),
    (Key::SubmitDate, &["submit", "date"]),
    (Key::DoneDate, &["done", "date"]),
    (Key::Stat, &["stat"]),
    (Key::Err, &["err"]),
    (Key::Text, &["text"]),
];

/// The key and colon that `octets` begin with, and their length.
fn key_at(octets: &[u8]) -> Option<(Key, usize)> {
    KEYS.iter().find_map(|(key, words)| {
        let mut at = 0;
        for (index, word) in words.iter().enumerate() {
            if index > 0 && matches!(octets.get(at), Some(b' ' | b'_' | b'-')) {
                at += 1;
            }
            if !octets.get(at..at + word.len())?.eq_ignore_ascii_case(word.as_bytes()) {
                return None;
            }
            at += word.len();
        }
        while octets.get(at) == Some(&b' ') {
            at += 1;
        }
        (octets.get(at) == Some(&b':')).then_some((*key, at + 1))
    })
}

fn is_separator(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b'|' | 0)
}

fn skip(octets: &[u8], mut at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    while octets.get(at).is_some_and(|&octet| wanted(octet)) {
        at += 1;
    }
    at
}

/// Splits a text into the fields known here. Others are passed over; the first of two with one key wins;
/// `text` ends it all, since the message quoted may look like anything.
pub(super) fn split(text: &Bytes) -> Fields {
    let mut fields = Fields::default();
    let mut at = 0;
    while at < text.len() {
        at = skip(text, at, is_separator);
        let Some((key, length)) = key_at(&text[at..]) else {
            at = skip(text, at, |octet| !is_separator(octet));
            continue;
        };
        at += length;
        if key == Key::Text {
            fields.text = text.slice(at..);
            break;
        }
        let start = skip(text, at, |octet| octet == b' ');
        // An empty value is followed by the next key at once.
        let end = if key_at(&text[start..]).is_some() {
            start
        } else {
            skip(text, start, |octet| !is_separator(octet))
        };
        let slot = match key {
            Key::Id => &mut fields.id,
            Key::Sub => &mut fields.sub,
            Key::Dlvrd => &mut fields.dlvrd,
            Key::SubmitDate => &mut fields.submit_date,
            Key::DoneDate => &mut fields.done_date,
            Key::Stat => &mut fields.stat,
            Key::Err => &mut fields.err,
            Key::Text => &mut fields.text,
        };
        if slot.is_empty() && end > start {
            *slot = text.slice(start..end);
        }
        at = end;
    }
    fields
}

/// Whether an unmarked message reads like a receipt: it begins with a key and has both `id` and `stat`.
pub(super) fn looks_like_receipt(text: &Bytes) -> bool {
    let start = skip(text, 0, is_separator);
    if key_at(&text[start..]).is_none() {
        return false;
    }
    let fields = split(text);
    !fields.id.is_empty() && !fields.stat.is_empty()
}

/// The state a `stat` stands for, in the spellings of appendix B, in full, of vendors, or as a digit.
pub(super) fn state(stat: &[u8]) -> Option<MessageState> {
    let upper = stat.to_ascii_uppercase();
    Some(match upper.as_slice() {
        b"DELIVRD" | b"DELIVERED" | b"DELIVERD" | b"DELIVER" | b"DELIVED" | b"2" => MessageState::DELIVERED,
        b"EXPIRED" | b"EXPIRD" | b"3" => MessageState::EXPIRED,
        b"DELETED" | b"DELETE" | b"CANCELED" | b"CANCELLED" | b"4" => MessageState::DELETED,
        b"UNDELIV" | b"UNDELIVERED" | b"UNDELIVERABLE" | b"UNDELIVRD" | b"UNDELVRD" | b"UNDELIVER"
        | b"FAILED" | b"FAIL" | b"5" => MessageState::UNDELIVERABLE,
        b"ACCEPTD" | b"ACCEPTED" | b"ACCEPT" | b"6" => MessageState::ACCEPTED,
        b"UNKNOWN" | b"UNKNOWD" | b"UNKNWN" | b"7" => MessageState::UNKNOWN,
        b"REJECTD" | b"REJECTED" | b"REJECT" | b"8" => MessageState::REJECTED,
        b"ENROUTE" | b"EN_ROUTE" | b"BUFFERED" | b"BUFFRED" | b"PENDING" | b"1" => MessageState::ENROUTE,
        b"SCHEDULED" | b"SCHEDUL" | b"SCHEDLD" | b"0" => MessageState::SCHEDULED,
        b"SKIPPED" | b"9" => MessageState::SKIPPED,
        _ => return None,
    })
}

/// How appendix B spells a state.
pub(super) fn stat(state: MessageState) -> &'static str {
    match state {
        MessageState::SCHEDULED => "SCHEDULED",
        MessageState::ENROUTE => "ENROUTE",
        MessageState::DELIVERED => "DELIVRD",
        MessageState::EXPIRED => "EXPIRED",
        MessageState::DELETED => "DELETED",
        MessageState::UNDELIVERABLE => "UNDELIV",
        MessageState::ACCEPTED => "ACCEPTD",
        MessageState::REJECTED => "REJECTD",
        MessageState::SKIPPED => "SKIPPED",
        _ => "UNKNOWN",
    }
}

/// A date of 10 (YYMMDDhhmm), 12 (YYMMDDhhmmss, or YYYYMMDDhhmm where that cannot be) or 14 digits
/// (YYYYMMDDhhmmss) in the SMSC's zone, as microseconds since 1970; `None` for anything else.
pub(super) fn date(text: &[u8], rules: &ReceiptRules) -> Option<i64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pair = |at: usize| (text[at] - b'0') * 10 + (text[at + 1] - b'0');
    let civil = |year: i64, at: usize, seconds: bool| {
        let second = if seconds { pair(at + 8) } else { 0 };
        civil_seconds(year, pair(at), pair(at + 2), pair(at + 4), pair(at + 6), second).ok()
    };
    let short_year = |at: usize| 2000 + i64::from(pair(at));
    let long_year = || i64::from(pair(0)) * 100 + i64::from(pair(2));
    let local = match text.len() {
        10 => civil(short_year(0), 2, false)?,
        12 => civil(short_year(0), 2, true).or_else(|| civil(long_year(), 4, false))?,
        14 => civil(long_year(), 4, true)?,
        _ => return None,
    };
    Some((local - i64::from(rules.utc_offset_quarters) * 900) * SECOND_US)
}

/// YYMMDDhhmm, with seconds if the rules say so.
pub(super) fn format_date(unix_us: Option<i64>, rules: &ReceiptRules) -> String {
    let Some(unix_us) = unix_us else {
        return if rules.seconds { "000000000000".to_owned() } else { "0000000000".to_owned() };
    };
    let offset_us = i64::from(rules.utc_offset_quarters) * 900 * SECOND_US;
    let (date, us_of_day) = civil(unix_us.saturating_add(offset_us));
    let second = us_of_day / SECOND_US;
    let mut text = format!(
        "{:02}{:02}{:02}{:02}{:02}",
        date.year.rem_euclid(100),
        date.month,
        date.day,
        second / 3600,
        second / 60 % 60
    );
    if rules.seconds {
        text.push_str(&format!("{:02}", second % 60));
    }
    text
}
