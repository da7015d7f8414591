//! The data_coding octet: SMPP 3.4 clause 5.2.19 and the groups of 3GPP TS 23.038 clause 4.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::encoding::Encoding;
use crate::gsm7::Alphabet;
use crate::octets::OctetSet;

/// Which reading the values 0x00 to 0x0F have with a peer. From 0x10 on both are the groups of
/// TS 23.038; SMPP reserves most of these, and peers pass GSM values in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// SMPP 3.4 clause 5.2.19.
    #[default]
    Smpp,
    /// TS 23.038 throughout: 0x00 to 0x03 are GSM 7-bit, 0x04 to 0x07 octets, 0x08 to 0x0B UCS-2.
    Gsm,
}

/// The character set that a data_coding names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Charset {
    /// The SMSC's default alphabet, which a peer's profile names.
    SmscDefault,
    /// GSM 7-bit.
    Gsm7,
    /// A set of one octet a character.
    Octets(OctetSet),
    /// Octets without a meaning as text.
    Binary,
    /// UCS-2 or UTF-16.
    Ucs2,
    /// JIS X 0208-1990; its text is not decoded here.
    Jis,
    /// Pictograms; not decoded here.
    Pictogram,
    /// ISO-2022-JP, music codes; not decoded here.
    Iso2022Jp,
    /// Extended Kanji, JIS X 0212-1990; not decoded here.
    ExtendedKanji,
    /// KS C 5601; not decoded here.
    KsC5601,
    /// A value the standards keep free.
    Reserved,
}

/// Message class, TS 23.038 clause 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum MessageClass {
    /// Class 0: shown at once, not stored (flash).
    Flash = 0,
    /// Class 1: for the handset.
    Handset = 1,
    /// Class 2: for the SIM.
    Sim = 2,
    /// Class 3: for terminal equipment.
    Terminal = 3,
}

impl MessageClass {
    const fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::Flash,
            1 => Self::Handset,
            2 => Self::Sim,
            _ => Self::Terminal,
        }
    }
}

/// What waits for the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Waiting {
    /// Voicemail.
    Voicemail = 0,
    /// Fax.
    Fax = 1,
    /// Electronic mail.
    Email = 2,
    /// Something else.
    Other = 3,
}

/// Message waiting indication, TS 23.038 clause 4, groups 1100 to 1110.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Indication {
    /// Whether the indicator is to be lit, or put out.
    pub active: bool,
    /// What waits.
    pub waiting: Waiting,
    /// Whether the phone is to store the message itself.
    pub store: bool,
}

/// What a data_coding octet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DataCoding {
    /// Character set of the text.
    pub charset: Charset,
    /// Message class, where there is one.
    pub class: Option<MessageClass>,
    /// Whether the text is compressed (TS 23.042; it is not decompressed here).
    pub compressed: bool,
    /// Whether the phone is to delete the message after it was read (group 01xx).
    pub delete_after_reading: bool,
    /// Message waiting indication.
    pub indication: Option<Indication>,
}

impl DataCoding {
    /// A character set and nothing else.
    #[must_use]
    pub const fn plain(charset: Charset) -> Self {
        Self { charset, class: None, compressed: false, delete_after_reading: false, indication: None }
    }

    /// Reads the octet. Every value has a reading; reserved ones say so in their character set.
    #[must_use]
    pub const fn from_octet(octet: u8, scheme: Scheme) -> Self {
        match octet >> 4 {
            0x0 => match scheme {
                Scheme::Smpp => Self::plain(smpp_charset(octet)),
                // Without bit 4 the class bits have no meaning.
                Scheme::Gsm => Self::plain(general_charset(octet)),
            },
            0x1..=0x7 => Self {
                charset: general_charset(octet),
                class: if octet & 0x10 == 0 { None } else { Some(MessageClass::from_bits(octet)) },
                compressed: octet & 0x20 != 0,
                delete_after_reading: octet & 0x40 != 0,
                indication: None,
            },
            0xC => Self::waiting(Charset::Gsm7, octet, false),
            0xD => Self::waiting(Charset::Gsm7, octet, true),
            0xE => Self::waiting(Charset::Ucs2, octet, true),
            0xF => Self {
                charset: if octet & 0x04 == 0 { Charset::Gsm7 } else { Charset::Binary },
                class: Some(MessageClass::from_bits(octet)),
                compressed: false,
                delete_after_reading: false,
                indication: None,
            },
            _ => Self::plain(Charset::Reserved),
        }
    }

    const fn waiting(charset: Charset, octet: u8, store: bool) -> Self {
        let waiting = match octet & 0x03 {
            0 => Waiting::Voicemail,
            1 => Waiting::Fax,
            2 => Waiting::Email,
            _ => Waiting::Other,
        };
        Self {
            charset,
            class: None,
            compressed: false,
            delete_after_reading: false,
            indication: Some(Indication { active: octet & 0x08 != 0, waiting, store }),
        }
    }

    /// The octet that says this, in the plainest form there is; `None` where the scheme has no value
    /// for the combination: Latin-1 or the SMSC's default with a message class, UCS-2 with a
    /// discarded indication, in SMPP also
    /// GSM 7-bit without a class where it is not the default alphabet.
    ///
    /// The class of GSM 7-bit and octets without further marks is written in group 1111 (0xF0 to
    /// 0xF7), which every SMSC knows; all other classes in the general group.
    #[must_use]
    pub const fn to_octet(self, scheme: Scheme) -> Option<u8> {
        if let Some(indication) = self.indication {
            return self.waiting_octet(indication);
        }
        let marked = self.compressed || self.delete_after_reading;
        let bits = match self.charset {
            // SMPP has no value for GSM 7-bit without a class but the default alphabet's own.
            Charset::Gsm7 if matches!(scheme, Scheme::Smpp) && !marked && self.class.is_none() => {
                return None;
            }
            Charset::Gsm7 => 0x00,
            Charset::Binary => 0x04,
            Charset::Ucs2 => 0x08,
            _ => {
                if marked || self.class.is_some() {
                    return None;
                }
                return match scheme {
                    Scheme::Smpp => smpp_octet(self.charset),
                    // The default of a GSM network is its 7-bit alphabet.
                    Scheme::Gsm => match self.charset {
                        Charset::SmscDefault => Some(0x00),
                        _ => None,
                    },
                };
            }
        };
        let flags = (self.compressed as u8) << 5 | (self.delete_after_reading as u8) << 6;
        match self.class {
            // Binary is 0x04 in both schemes, UCS-2 0x08.
            None => Some(bits | flags),
            Some(class) if !marked && bits != 0x08 => Some(0xF0 | bits | class as u8),
            Some(class) => Some(0x10 | bits | flags | class as u8),
        }
    }

    const fn waiting_octet(self, indication: Indication) -> Option<u8> {
        if self.compressed || self.delete_after_reading || self.class.is_some() {
            return None;
        }
        let group = match (self.charset, indication.store) {
            (Charset::Gsm7, false) => 0xC0,
            (Charset::Gsm7, true) => 0xD0,
            (Charset::Ucs2, true) => 0xE0,
            _ => return None,
        };
        Some(group | (indication.active as u8) << 3 | indication.waiting as u8)
    }

    /// Whether the message is shown at once and not stored.
    #[must_use]
    pub const fn is_flash(self) -> bool {
        matches!(self.class, Some(MessageClass::Flash))
    }

    /// The same with a message class.
    #[must_use]
    pub const fn with_class(mut self, class: MessageClass) -> Self {
        self.class = Some(class);
        self
    }
}

impl Charset {
    /// The encoding of this character set, with `default` for the SMSC's own and `alphabet` for the
    /// tables of GSM 7-bit; `None` for what is not text here.
    #[must_use]
    pub const fn encoding(self, default: Encoding, alphabet: Alphabet) -> Option<Encoding> {
        match self {
            Self::SmscDefault => match default {
                Encoding::Gsm7(_) => Some(Encoding::Gsm7(alphabet)),
                Encoding::Octets(_) | Encoding::Ucs2 => Some(default),
            },
            Self::Gsm7 => Some(Encoding::Gsm7(alphabet)),
            Self::Octets(set) => Some(Encoding::Octets(set)),
            Self::Ucs2 => Some(Encoding::Ucs2),
            Self::Binary
            | Self::Jis
            | Self::Pictogram
            | Self::Iso2022Jp
            | Self::ExtendedKanji
            | Self::KsC5601
            | Self::Reserved => None,
        }
    }

    /// The character set of an encoding by its own name.
    #[must_use]
    pub const fn named(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Gsm7(_) => Self::Gsm7,
            Encoding::Octets(set) => Self::Octets(set),
            Encoding::Ucs2 => Self::Ucs2,
        }
    }

    /// How an encoding is named to a peer whose own default alphabet is `default`: as that default
    /// where it is the same, else by its own value.
    #[must_use]
    pub const fn of(encoding: Encoding, default: Encoding) -> Self {
        match (encoding, default) {
            (Encoding::Gsm7(_), Encoding::Gsm7(_)) | (Encoding::Ucs2, Encoding::Ucs2) => Self::SmscDefault,
            (Encoding::Octets(set), Encoding::Octets(own)) if set as u8 == own as u8 => Self::SmscDefault,
            (encoding, _) => Self::named(encoding),
        }
    }
}

const fn smpp_charset(octet: u8) -> Charset {
    match octet {
        0x00 => Charset::SmscDefault,
        0x01 => Charset::Octets(OctetSet::Ascii),
        0x02 | 0x04 => Charset::Binary,
        0x03 => Charset::Octets(OctetSet::Latin1),
        0x05 => Charset::Jis,
        0x06 => Charset::Octets(OctetSet::Cyrillic),
        0x07 => Charset::Octets(OctetSet::Hebrew),
        0x08 => Charset::Ucs2,
        0x09 => Charset::Pictogram,
        0x0A => Charset::Iso2022Jp,
        0x0D => Charset::ExtendedKanji,
        0x0E => Charset::KsC5601,
        _ => Charset::Reserved,
    }
}

const fn smpp_octet(charset: Charset) -> Option<u8> {
    match charset {
        Charset::SmscDefault => Some(0x00),
        Charset::Octets(OctetSet::Ascii) => Some(0x01),
        Charset::Octets(OctetSet::Latin1) => Some(0x03),
        Charset::Binary => Some(0x04),
        Charset::Jis => Some(0x05),
        Charset::Octets(OctetSet::Cyrillic) => Some(0x06),
        Charset::Octets(OctetSet::Hebrew) => Some(0x07),
        Charset::Ucs2 => Some(0x08),
        Charset::Pictogram => Some(0x09),
        Charset::Iso2022Jp => Some(0x0A),
        Charset::ExtendedKanji => Some(0x0D),
        Charset::KsC5601 => Some(0x0E),
        Charset::Gsm7 | Charset::Reserved => None,
    }
}

const fn general_charset(octet: u8) -> Charset {
    match octet >> 2 & 0x03 {
        0 => Charset::Gsm7,
        1 => Charset::Binary,
        2 => Charset::Ucs2,
        _ => Charset::Reserved,
    }
}
