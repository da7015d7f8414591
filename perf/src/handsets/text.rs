//! Texts of devices in short messages.

/// data_coding of UCS-2 (SMPP 3.4 clause 5.2.19).
const UCS2: u8 = 8;
/// esm_class: a user data header stands before the text (clause 5.2.12).
const HEADER: u8 = 0x40;

/// data_coding and octets of a text: the default alphabet where letters, digits and a few signs do, else UCS-2.
#[must_use]
pub fn encode(text: &str) -> (u8, Vec<u8>) {
    let same = |c: char| c.is_ascii_alphanumeric() || " !\"#%&'()*+,-./:;<=>?\n\r".contains(c);
    if text.chars().all(same) {
        return (0, text.as_bytes().to_vec());
    }
    (UCS2, text.encode_utf16().flat_map(u16::to_be_bytes).collect())
}

/// The text of a short message; `None` of a part that is not the first, so that each text is heard once.
#[must_use]
pub fn decode(octets: &[u8], data_coding: u8, esm_class: u8) -> Option<String> {
    let mut text = octets;
    if esm_class & HEADER != 0 {
        let length = usize::from(*octets.first()?);
        let header = octets.get(1..=length)?;
        // Concatenation with a reference of one or of two octets (3GPP TS 23.040 clause 9.2.3.24.1, .8).
        let number = match header {
            [0x00, 3, _, _, number, ..] | [0x08, 4, _, _, _, number, ..] => *number,
            _ => 1,
        };
        if number != 1 {
            return None;
        }
        text = &octets[1 + length..];
    }
    if data_coding == UCS2 {
        let units = text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return Some(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect());
    }
    Some(text.iter().map(|octet| char::from(*octet)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_heard_as_it_was_written_and_once() {
        for text in ["song 7", "Grüße"] {
            let (data_coding, octets) = encode(text);
            assert_eq!(decode(&octets, data_coding, 0).as_deref(), Some(text));
        }
        assert_eq!(decode(&[5, 0, 3, 9, 2, 1, b'a'], 0, HEADER).as_deref(), Some("a"));
        assert_eq!(decode(&[5, 0, 3, 9, 2, 2, b'b'], 0, HEADER), None);
        assert_eq!(decode(&[6, 8, 4, 0, 9, 2, 2, b'b'], 0, HEADER), None);
        assert_eq!(decode(&[9, 0], 0, HEADER), None);
        assert_eq!(decode(&[], 0, HEADER), None);
    }
}
