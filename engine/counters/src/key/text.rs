//! The text form of a key: `+4479...`, `code:60777`, `name:acme`, `name#HEX`, `missing:`, `missing:7`, `vendor:3`,
//! `carrier:7`, `group:1`, `text#HEX`; read also `text:someone@example.net`.

use std::fmt;

use super::{DIGITS_SHIFT, EXACT_NAME, Key, KeyClass, KeyError, PAYLOAD};

pub(super) fn hash(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes()) & PAYLOAD
}

pub(super) fn write(key: Key, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let payload = key.payload();
    match key.class() {
        KeyClass::E164 => write!(f, "+{payload}"),
        KeyClass::Digits => {
            let width = (payload >> DIGITS_SHIFT) as usize;
            write!(f, "code:{:0width$}", payload & ((1 << DIGITS_SHIFT) - 1))
        }
        KeyClass::Name => {
            f.write_str("name:")?;
            let packed = (0..EXACT_NAME).rev().map(|i| (payload >> (7 * i) & 0x7f) as u8);
            packed.filter(|b| *b != 0).try_for_each(|b| write!(f, "{}", char::from(b)))
        }
        KeyClass::LongName => write!(f, "name#{payload:015x}"),
        KeyClass::Missing if payload == 0 => f.write_str("missing:"),
        KeyClass::Missing => write!(f, "missing:{}", payload - 1),
        KeyClass::Vendor => write!(f, "vendor:{payload}"),
        KeyClass::Carrier => write!(f, "carrier:{payload}"),
        KeyClass::Text => write!(f, "text#{payload:015x}"),
        KeyClass::Group => write!(f, "group:{payload}"),
    }
}

pub(super) fn read(s: &str) -> Result<Key, KeyError> {
    if s.is_empty() {
        return Err(KeyError::Empty);
    }
    if s.starts_with(|c: char| c == '+' || c.is_ascii_digit()) {
        return Key::e164(s);
    }
    if let Some(hex) = s.strip_prefix("name#") {
        return hashed(KeyClass::LongName, hex);
    }
    if let Some(hex) = s.strip_prefix("text#") {
        return hashed(KeyClass::Text, hex);
    }
    let Some((class, value)) = s.split_once(':') else {
        return Err(KeyError::UnknownClass(s.to_owned()));
    };
    match class {
        "code" => Key::digits(value),
        "name" if value.is_empty() => Err(KeyError::Empty),
        "name" => Ok(Key::name(value)),
        "text" if value.is_empty() => Err(KeyError::Empty),
        "text" => Ok(Key::text(value)),
        "missing" if value.is_empty() => Ok(Key::missing(None)),
        "missing" => id(value).map(|id| Key::missing(Some(id))),
        "vendor" => id(value).map(Key::vendor),
        "carrier" => id(value).map(Key::carrier),
        "group" => id(value).map(Key::group),
        _ => Err(KeyError::UnknownClass(class.to_owned())),
    }
}

fn id(value: &str) -> Result<u32, KeyError> {
    value.parse().map_err(|_| KeyError::BadValue { value: value.to_owned(), expected: "32-bit id" })
}

fn hashed(class: KeyClass, hex: &str) -> Result<Key, KeyError> {
    let bad = || KeyError::BadValue { value: hex.to_owned(), expected: "60-bit hexadecimal hash" };
    let payload = u64::from_str_radix(hex, 16).map_err(|_| bad())?;
    if payload > PAYLOAD {
        return Err(bad());
    }
    Ok(Key::pack(class, payload))
}
