//! Text of a peer's messages: data_coding, header and octets to a string and back, by the peer's
//! profile.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::choose::{Choices, choose};
use crate::data_coding::{Charset, DataCoding, MessageClass, Scheme};
use crate::encoding::{Encoding, Unrepresentable};
use crate::gsm7::{Alphabet, HighOctets, Language, Length, Padding, fill_bits, unpack};
use crate::reassembly::Part;
use crate::segments::{Concatenation, Count, Plan, Segment, SegmentError, split};
use crate::substitution::{Unknown, prepare};
use crate::ucs2::{self, ByteOrder};
use crate::udh::Udh;

/// How a peer writes text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// How the values of data_coding below 0x10 are read and written.
    pub scheme: Scheme,
    /// The SMSC's default alphabet, data_coding 0.
    pub default: Encoding,
    /// Whether septets are packed, and how spare bits are filled; unpacked where absent.
    pub packed: Option<PackedFill>,
    /// What octets above 0x7F mean among unpacked septets.
    pub high_octets: HighOctets,
    /// Byte order of UCS-2 that is received. What is sent is in network order.
    pub byte_order: ByteOrder,
    /// What becomes of characters without a place when text is sent.
    pub unknown: Unknown,
    /// National languages that may be used when text is sent.
    pub languages: Vec<Language>,
    /// Whether locking shift tables may be used.
    pub locking_shift: bool,
    /// Whether UCS-2 may be used when text is sent.
    pub ucs2: bool,
    /// How the parts of long messages are marked.
    pub concatenation: Concatenation,
    /// Most parts of a message that is sent.
    pub max_parts: u8,
}

/// The serialised form of [`Padding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackedFill {
    /// See [`Padding::Zero`].
    Zero,
    /// See [`Padding::CarriageReturn`].
    CarriageReturn,
}

impl From<PackedFill> for Padding {
    fn from(fill: PackedFill) -> Self {
        match fill {
            PackedFill::Zero => Self::Zero,
            PackedFill::CarriageReturn => Self::CarriageReturn,
        }
    }
}

impl Default for Profile {
    /// A peer that keeps to SMPP 3.4: GSM 7-bit unpacked by default, UCS-2 in network order, 8-bit
    /// references, no national languages; text that cannot be sent is refused.
    fn default() -> Self {
        Self {
            scheme: Scheme::Smpp,
            default: Encoding::GSM7,
            packed: None,
            high_octets: HighOctets::Replace,
            byte_order: ByteOrder::MarkOrBig,
            unknown: Unknown::Error,
            languages: Vec::new(),
            locking_shift: false,
            ucs2: true,
            concatenation: Concatenation::Udh8,
            max_parts: u8::MAX,
        }
    }
}

/// What was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// What could not be read and was replaced by U+FFFD or repaired; 0 for sound text.
        defects: usize,
    },
    /// No text: octets, compressed text, or a character set that is not decoded here. The caller has
    /// the octets.
    Binary {
        /// What the data_coding named.
        charset: Charset,
    },
}

/// A message ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The data_coding octet of all parts.
    pub data_coding: u8,
    /// The encoding chosen.
    pub encoding: Encoding,
    /// The parts.
    pub segments: Vec<Segment>,
    /// Parts as they are on the air, and units.
    pub count: Count,
    /// Characters that were replaced or transliterated.
    pub changed: usize,
}

/// Why a text cannot be sent to a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A character has no place in any encoding that the peer takes.
    #[error("the text cannot be encoded for the peer")]
    Unrepresentable(#[from] Unrepresentable),
    /// The text cannot be split.
    #[error("the text cannot be split for the peer")]
    Segments(#[from] SegmentError),
    /// No data_coding value says what was asked for.
    #[error("no data_coding of the peer says {charset:?} with class {class:?}")]
    DataCoding {
        /// The character set chosen.
        charset: Charset,
        /// The message class asked for.
        class: Option<MessageClass>,
    },
}

impl Profile {
    /// Reads one message or part that is read alone.
    #[must_use]
    pub fn decode(&self, data_coding: u8, header: Option<&Udh>, body: &[u8]) -> Content {
        let mut reader = Reader::new(self);
        reader.read(data_coding, header, body);
        reader.finish()
    }

    /// Reads the parts of a complete message in their order. What a careless sender cut, an escape
    /// sequence or a surrogate pair, is whole again. With a part that is no text, all is binary.
    #[must_use]
    pub fn decode_parts(&self, parts: &[Part]) -> Content {
        let mut reader = Reader::new(self);
        for part in parts {
            reader.read(part.data_coding, part.header.as_ref(), &part.body);
        }
        reader.finish()
    }

    /// Encodes and splits a text in the encoding that needs the fewest parts.
    ///
    /// # Errors
    /// See [`TextError`].
    pub fn encode(
        &self,
        text: &str,
        class: Option<MessageClass>,
        reference: u16,
    ) -> Result<Outgoing, TextError> {
        let (choices, fallback) = self.choices(class);
        let mut text = std::borrow::Cow::Borrowed(text);
        let mut changed = 0;
        let choice = match choose(&text, &choices) {
            Ok(choice) => choice,
            Err(_) => {
                let prepared = prepare(&text, fallback, self.unknown)?;
                changed = prepared.changed;
                text = prepared.text.into_owned().into();
                choose(&text, &choices)?
            }
        };
        let charset = match class {
            None => Charset::of(choice.encoding, self.default),
            Some(_) => Charset::named(choice.encoding),
        };
        let data_coding = DataCoding { class, ..DataCoding::plain(charset) }
            .to_octet(self.scheme)
            .ok_or(TextError::DataCoding { charset, class })?;
        let plan = Plan {
            concatenation: self.concatenation,
            reference,
            max_parts: self.max_parts,
            packed: self.packed.map(Padding::from),
            ..Plan::new(choice.encoding)
        };
        let segments = split(&text, &plan)?;
        Ok(Outgoing { data_coding, encoding: choice.encoding, segments, count: choice.count, changed })
    }

    /// What may be chosen from, and what text is made to fit where nothing fits it. A message class can
    /// be said of GSM 7-bit and UCS-2 only.
    fn choices(&self, class: Option<MessageClass>) -> (Choices<'_>, Encoding) {
        let (gsm7, octets, fallback) = match self.default {
            Encoding::Octets(set) if class.is_none() => (false, Some(set), Encoding::Octets(set)),
            Encoding::Ucs2 => (false, None, Encoding::Ucs2),
            Encoding::Gsm7(_) | Encoding::Octets(_) => (true, None, Encoding::GSM7),
        };
        let choices = Choices {
            gsm7,
            languages: &self.languages,
            locking: self.locking_shift,
            octets,
            ucs2: self.ucs2 || self.default == Encoding::Ucs2,
            concatenation: self.concatenation,
        };
        (choices, fallback)
    }
}

/// Joins the octets of parts as long as they are of one kind, so that nothing stays cut.
struct Reader<'a> {
    profile: &'a Profile,
    text: String,
    defects: usize,
    binary: Option<Charset>,
    pending: Vec<u8>,
    encoding: Option<Encoding>,
}

impl<'a> Reader<'a> {
    fn new(profile: &'a Profile) -> Self {
        let (text, pending) = (String::new(), Vec::new());
        Self { profile, text, defects: 0, binary: None, pending, encoding: None }
    }

    fn read(&mut self, data_coding: u8, header: Option<&Udh>, body: &[u8]) {
        let coding = DataCoding::from_octet(data_coding, self.profile.scheme);
        let alphabet = header.map_or(Alphabet::DEFAULT, Udh::alphabet);
        let encoding = match coding.charset.encoding(self.profile.default, alphabet) {
            Some(encoding) if !coding.compressed => encoding,
            Some(_) | None => {
                self.binary.get_or_insert(coding.charset);
                return;
            }
        };
        // Half a unit would shift all that follows.
        let torn = encoding == Encoding::Ucs2 && !self.pending.len().is_multiple_of(2);
        if self.encoding != Some(encoding) || torn {
            self.flush();
        }
        self.encoding = Some(encoding);
        match (encoding, self.profile.packed) {
            (Encoding::Gsm7(_), Some(fill)) => {
                let header_octets = header.map_or(0, |header| header.as_bytes().len());
                let length = Length::Octets(fill.into());
                unpack(body, fill_bits(header_octets), length, &mut self.pending);
            }
            _ => self.pending.extend_from_slice(body),
        }
    }

    fn flush(&mut self) {
        let (pending, text) = (std::mem::take(&mut self.pending), &mut self.text);
        self.defects += match self.encoding {
            Some(Encoding::Gsm7(alphabet)) => alphabet.decode(&pending, self.profile.high_octets, text),
            Some(Encoding::Octets(set)) => set.decode(&pending, text),
            Some(Encoding::Ucs2) => ucs2::decode(&pending, self.profile.byte_order, text),
            None => 0,
        };
    }

    fn finish(mut self) -> Content {
        if let Some(charset) = self.binary {
            return Content::Binary { charset };
        }
        self.flush();
        Content::Text { text: self.text, defects: self.defects }
    }
}
