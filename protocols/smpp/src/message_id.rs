//! Message ids as peers write them: the same id comes as hexadecimal in submit_sm_resp and as decimal, upper
//! case or zero-padded in the receipt.

use std::fmt;

/// How a peer writes message ids, for [`IdCandidates::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum MessageIdForm {
    /// Not known: all readings are candidates, so that ids match without configuration.
    #[default]
    Any,
    /// An opaque text: equal but for case and leading zeros.
    Text,
    /// Decimal in both places.
    Decimal,
    /// Hexadecimal in both places (as 3.3 says).
    Hex,
    /// Hexadecimal in the response and decimal in the receipt.
    HexThenDecimal,
    /// Decimal in the response and hexadecimal in the receipt.
    DecimalThenHex,
}

/// Where an id was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdPlace {
    /// The response to a submission.
    Response,
    /// A receipt.
    Receipt,
}

/// One canonical reading of an id. Two ids are the same message when they share a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdKey {
    /// The text, upper case, without leading zeros.
    Text(String),
    /// The number.
    Number(u128),
}

impl fmt::Display for IdKey {
    /// A text that is the same for equal keys and different for others: `t:` or `n:` and the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdKey::Text(text) => write!(f, "t:{text}"),
            IdKey::Number(number) => write!(f, "n:{number}"),
        }
    }
}

/// The readings of one id, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdCandidates {
    keys: Vec<IdKey>,
}

/// How well two ids agree; the greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdMatch {
    /// The same number, read as decimal or as hexadecimal.
    Number,
    /// The same text but for case and leading zeros.
    Text,
}

impl IdCandidates {
    /// The readings of `id`, found at `place`, for a peer that writes ids in `form`. White space around it
    /// and `0x` before it are ignored. An empty id has none.
    pub fn of(id: &[u8], place: IdPlace, form: MessageIdForm) -> IdCandidates {
        let id = id.trim_ascii();
        let mut keys = Vec::with_capacity(3);
        if id.is_empty() {
            return IdCandidates { keys };
        }
        let decimal = || parse_radix(id, 10).map(IdKey::Number);
        let hex = || parse_radix(strip_0x(id), 16).map(IdKey::Number);
        let text = IdKey::Text(canonical_text(id));
        match (form, place) {
            (MessageIdForm::Any, _) => {
                keys.push(text);
                keys.extend(decimal());
                keys.extend(hex());
                keys.dedup();
            }
            (MessageIdForm::Text, _) => keys.push(text),
            (MessageIdForm::Decimal, _)
            | (MessageIdForm::HexThenDecimal, IdPlace::Receipt)
            | (MessageIdForm::DecimalThenHex, IdPlace::Response) => keys.push(decimal().unwrap_or(text)),
            (MessageIdForm::Hex, _)
            | (MessageIdForm::HexThenDecimal, IdPlace::Response)
            | (MessageIdForm::DecimalThenHex, IdPlace::Receipt) => keys.push(hex().unwrap_or(text)),
        }
        IdCandidates { keys }
    }

    /// Adds the readings of another writing of the same id, as less good ones.
    pub(crate) fn append(&mut self, other: IdCandidates) {
        for key in other.keys {
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
    }

    /// The keys to store or to look up, best first: at most three for one id.
    pub fn keys(&self) -> &[IdKey] {
        &self.keys
    }

    /// Whether there are none: the id was empty.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How well this id agrees with another; `None` when they share no reading.
    pub fn matches(&self, other: &IdCandidates) -> Option<IdMatch> {
        let shared = self.keys.iter().filter(|key| other.keys.contains(key));
        let ranks = shared.map(|key| match key {
            IdKey::Text(_) => IdMatch::Text,
            IdKey::Number(_) => IdMatch::Number,
        });
        ranks.max()
    }
}

/// Upper case, without `0X` and leading zeros; an id of zeros alone is `0`.
pub fn canonical_text(id: &[u8]) -> String {
    let text: String = strip_0x(id.trim_ascii()).iter().map(|&octet| char::from(octet)).collect();
    let text = text.to_uppercase();
    let bare = text.trim_start_matches('0');
    if bare.is_empty() && !text.is_empty() { "0".to_owned() } else { bare.to_owned() }
}

fn strip_0x(id: &[u8]) -> &[u8] {
    id.strip_prefix(b"0x").or_else(|| id.strip_prefix(b"0X")).unwrap_or(id)
}

fn parse_radix(id: &[u8], radix: u32) -> Option<u128> {
    // from_str_radix takes a sign, which is no digit here.
    if !id.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    u128::from_str_radix(std::str::from_utf8(id).ok()?, radix).ok()
}

#[cfg(test)]
mod tests;
