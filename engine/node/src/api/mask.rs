//! Numbers as those see them who may not see them whole (rule 9).

use signalbox_core::address::{Address, ton};

/// Digits that a short code has at most; it is nobody's number.
const SHORT_CODE: usize = 6;

/// An address, whole or masked. Short codes and alphanumeric senders are nobody's and always whole.
pub(super) fn address(address: &Address, whole: bool) -> String {
    let nobodys = match address.digits() {
        Some(digits) => digits.len() <= SHORT_CODE,
        None => address.ton == ton::ALPHANUMERIC || !address.to_text().contains('@'),
    };
    if whole || nobodys { address.to_text() } else { address.masked().to_string() }
}

/// The same of a text without type of number.
pub(super) fn text(written: &str, whole: bool) -> String {
    let known = Address::new(ton::UNKNOWN, 0, written.as_bytes());
    known.map_or_else(|_| "***".to_owned(), |known| address(&known, whole))
}

/// Members of JSON documents that hold addresses.
const MEMBERS: &[&str] = &["address", "with", "source", "destination", "msisdn"];

/// Masks the addresses in the members of a JSON document that hold some.
pub(super) fn json(document: &mut serde_json::Value) {
    match document {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                match value {
                    serde_json::Value::String(written) if MEMBERS.contains(&name.as_str()) => {
                        *written = text(written, false);
                    }
                    other => json(other),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(json),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_senders_are_not() {
        assert_eq!(text("+447700900123", false), "+4*********23");
        assert_eq!(text("447700900123", true), "447700900123");
        assert_eq!(text("12345", false), "12345");
        assert_eq!(text("BANK", false), "BANK");
        assert_eq!(text("someone@example.com", false), "so***************om");
    }

    #[test]
    fn documents_are_masked_where_they_hold_addresses() {
        let mut document = serde_json::json!({"address": "447700900123", "ids": ["447700900123"],
            "inner": {"with": "447700900123"}});
        json(&mut document);
        assert_eq!(document["address"], "44********23");
        assert_eq!(document["inner"]["with"], "44********23");
        assert_eq!(document["ids"][0], "447700900123");
    }
}
