//! Splitting text and octets into the parts of a concatenated message, 3GPP TS 23.040 clause
//! 9.2.3.24, SMPP 3.4 clauses 5.3.2.22 to 5.3.2.24 (SAR) and 5.3.2.32 (message_payload).

mod cluster;
mod count;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use count::{Capacity, Count};

use crate::encoding::{Encoding, Unrepresentable};
use crate::gsm7::{Language, Padding, fill_bits, pack};
use crate::udh::{Concat, Element, Udh, UdhError};
use count::Cuts;

/// How the parts of one message are marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Concatenation {
    /// A header with an 8-bit reference: 153 septets, 134 octets a part.
    #[default]
    Udh8,
    /// A header with a 16-bit reference: 152 septets, 133 octets a part.
    Udh16,
    /// The SAR TLVs; the SMSC makes the header, so parts are as for [`Self::Udh8`].
    Sar,
    /// One PDU with message_payload; the SMSC cuts. Counts are as for [`Self::Udh8`].
    Payload,
    /// A message that needs more than one part is refused.
    Refuse,
}

/// How a message is to be split.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The encoding; its national languages get their header elements.
    pub encoding: Encoding,
    /// How the parts are marked.
    pub concatenation: Concatenation,
    /// The reference that the parts share. [`Concatenation::Udh8`] uses its low octet.
    pub reference: u16,
    /// Most parts that are allowed, up to 255.
    pub max_parts: u8,
    /// Elements that every part carries, such as ports.
    pub elements: &'a [Element<'a>],
    /// Whether septets are packed, and what fills their spare bits.
    pub packed: Option<Padding>,
}

impl Plan<'_> {
    /// A plan with 8-bit references, starting with reference 0, of at most 255 unpacked parts.
    #[must_use]
    pub const fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            concatenation: Concatenation::Udh8,
            reference: 0,
            max_parts: u8::MAX,
            elements: &[],
            packed: None,
        }
    }

    /// Units that fit one part. For octets without a character set ask with an octet encoding.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        let (shifts, language_octets) = language_elements(self.encoding);
        let own: usize = self.elements.iter().map(element_octets).sum();
        let common = own + language_octets;
        let concat = match self.concatenation {
            Concatenation::Udh16 => 6,
            Concatenation::Udh8 | Concatenation::Sar | Concatenation::Payload | Concatenation::Refuse => 5,
        };
        let bare = self.elements.is_empty() && shifts[0].is_none() && shifts[1].is_none();
        Capacity {
            single: self.encoding.capacity(if bare { 0 } else { 1 + common }),
            part: self.encoding.capacity(1 + common + concat),
        }
    }
}

/// The TLVs sar_msg_ref_num, sar_total_segments and sar_segment_seqnum of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sar {
    /// Reference of the message.
    pub reference: u16,
    /// Number of parts.
    pub total: u8,
    /// This part, from 1.
    pub sequence: u8,
}

/// Where in a PDU the user data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// short_message.
    ShortMessage,
    /// The TLV message_payload.
    MessagePayload,
}

/// One part, ready for a PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Header; with one, esm_class needs its UDHI bit (0x40).
    pub header: Option<Udh>,
    /// Encoded text or octets behind the header.
    pub body: Bytes,
    /// SAR TLVs.
    pub sar: Option<Sar>,
    /// Where the user data goes.
    pub field: Field,
}

impl Segment {
    /// Header and body as one.
    #[must_use]
    pub fn user_data(&self) -> Bytes {
        let Some(header) = &self.header else { return self.body.clone() };
        [header.as_bytes(), &self.body].concat().into()
    }
}

/// Why a message cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// A character has no place in the encoding.
    #[error("the text cannot be encoded")]
    Unrepresentable(#[from] Unrepresentable),
    /// The message needs more parts than allowed.
    #[error("the message needs {needed} parts, {allowed} are allowed")]
    TooManyParts {
        /// Parts needed.
        needed: usize,
        /// Parts allowed.
        allowed: usize,
    },
    /// The elements of the plan leave no room, or cannot be built.
    #[error("the header of the parts cannot be built")]
    Header(#[from] UdhError),
    /// message_payload holds at most 65,535 octets.
    #[error("the message has {octets} octets, message_payload holds 65535")]
    PayloadTooLong {
        /// Octets of header and text.
        octets: usize,
    },
}

/// Counts the parts of a text without allocation.
///
/// # Errors
/// The first character without a place in the encoding. The bounds of the plan are not looked at.
pub fn count(text: &str, plan: &Plan<'_>) -> Result<Count, Unrepresentable> {
    count::count(text, plan.encoding, plan.capacity())
}

/// Splits a text. An escape sequence or a surrogate pair is never cut, a combined character only where
/// it would not fit a part of its own.
///
/// # Errors
/// See [`SegmentError`].
pub fn split(text: &str, plan: &Plan<'_>) -> Result<Vec<Segment>, SegmentError> {
    let capacity = checked_capacity(plan)?;
    let count = count::count(text, plan.encoding, capacity)?;
    if count.segments == 1 || plan.concatenation == Concatenation::Payload {
        return Ok(vec![whole(plan, count.segments, |fill| encode_part(text, plan, fill))?]);
    }
    let total = checked_total(plan, count.segments)?;
    let cuts = Cuts::new(text, plan.encoding, capacity.part);
    cuts.zip(1..=u8::MAX)
        .map(|((part, _), sequence)| build_part(plan, total, sequence, |fill| encode_part(part, plan, fill)))
        .collect()
}

/// Splits octets without a character set (data_coding 0x04, WAP push and the like), 140 alone or 134 a
/// part. The encoding of the plan is not looked at.
///
/// # Errors
/// See [`SegmentError`].
pub fn split_octets(octets: &Bytes, plan: &Plan<'_>) -> Result<Vec<Segment>, SegmentError> {
    let plan = &Plan { encoding: Encoding::Octets(crate::octets::OctetSet::Latin1), ..*plan };
    let capacity = checked_capacity(plan)?;
    let segments = if octets.len() <= capacity.single { 1 } else { octets.len().div_ceil(capacity.part) };
    if segments == 1 || plan.concatenation == Concatenation::Payload {
        return Ok(vec![whole(plan, segments, |_| Ok(octets.clone()))?]);
    }
    let total = checked_total(plan, segments)?;
    (1..=total)
        .map(|sequence| {
            let start = (usize::from(sequence) - 1) * capacity.part;
            let end = octets.len().min(start + capacity.part);
            build_part(plan, total, sequence, |_| Ok(octets.slice(start..end)))
        })
        .collect()
}

fn checked_capacity(plan: &Plan<'_>) -> Result<Capacity, SegmentError> {
    let capacity = plan.capacity();
    if capacity.part < 4 {
        let length = plan.elements.iter().map(element_octets).sum();
        return Err(UdhError::TooLong { length }.into());
    }
    Ok(capacity)
}

fn checked_total(plan: &Plan<'_>, needed: usize) -> Result<u8, SegmentError> {
    let allowed = match plan.concatenation {
        Concatenation::Refuse => 1,
        Concatenation::Udh8 | Concatenation::Udh16 | Concatenation::Sar | Concatenation::Payload => {
            plan.max_parts
        }
    };
    match u8::try_from(needed) {
        Ok(total) if total <= allowed => Ok(total),
        _ => Err(SegmentError::TooManyParts { needed, allowed: usize::from(allowed) }),
    }
}

/// A message of one PDU.
fn whole(
    plan: &Plan<'_>,
    segments: usize,
    body: impl FnOnce(u8) -> Result<Bytes, SegmentError>,
) -> Result<Segment, SegmentError> {
    let header = header(plan, None)?;
    let body = body(fill_after(header.as_ref()))?;
    if segments == 1 {
        return Ok(Segment { header, body, sar: None, field: Field::ShortMessage });
    }
    checked_total(plan, segments)?;
    let octets = body.len() + header.as_ref().map_or(0, |header| header.as_bytes().len());
    if octets > usize::from(u16::MAX) {
        return Err(SegmentError::PayloadTooLong { octets });
    }
    Ok(Segment { header, body, sar: None, field: Field::MessagePayload })
}

fn build_part(
    plan: &Plan<'_>,
    total: u8,
    sequence: u8,
    body: impl FnOnce(u8) -> Result<Bytes, SegmentError>,
) -> Result<Segment, SegmentError> {
    let reference = plan.reference;
    let (concat, sar) = match plan.concatenation {
        Concatenation::Udh8 => {
            (Some(Concat { reference: reference & 0xFF, total, sequence, wide: false }), None)
        }
        Concatenation::Udh16 => (Some(Concat { reference, total, sequence, wide: true }), None),
        Concatenation::Sar | Concatenation::Payload | Concatenation::Refuse => {
            (None, Some(Sar { reference, total, sequence }))
        }
    };
    let header = header(plan, concat)?;
    let body = body(fill_after(header.as_ref()))?;
    Ok(Segment { header, body, sar, field: Field::ShortMessage })
}

fn header(plan: &Plan<'_>, concat: Option<Concat>) -> Result<Option<Udh>, UdhError> {
    let (shifts, _) = language_elements(plan.encoding);
    let elements: Vec<Element<'_>> = concat
        .map(Element::Concat)
        .into_iter()
        .chain(plan.elements.iter().copied())
        .chain(shifts.into_iter().flatten())
        .collect();
    if elements.is_empty() { Ok(None) } else { Udh::build(&elements).map(Some) }
}

fn fill_after(header: Option<&Udh>) -> u8 {
    header.map_or(0, |header| fill_bits(header.as_bytes().len()))
}

fn encode_part(part: &str, plan: &Plan<'_>, fill: u8) -> Result<Bytes, SegmentError> {
    let mut encoded = Vec::new();
    plan.encoding.encode(part, &mut encoded)?;
    if let (Encoding::Gsm7(_), Some(padding)) = (plan.encoding, plan.packed) {
        let mut packed = Vec::new();
        pack(&encoded, fill, padding, &mut packed);
        return Ok(packed.into());
    }
    Ok(encoded.into())
}

/// The header elements that name an encoding's national languages, and their octets.
fn language_elements(encoding: Encoding) -> ([Option<Element<'static>>; 2], usize) {
    let Encoding::Gsm7(alphabet) = encoding else { return ([None, None], 0) };
    let single = (alphabet.single != Language::Default).then_some(Element::SingleShift(alphabet.single));
    let locking = alphabet.locking.has_locking_table().then_some(Element::LockingShift(alphabet.locking));
    let octets = 3 * (usize::from(single.is_some()) + usize::from(locking.is_some()));
    ([single, locking], octets)
}

fn element_octets(element: &Element<'_>) -> usize {
    match element {
        Element::Concat(Concat { wide, .. }) => 5 + usize::from(*wide),
        Element::Ports(ports) => {
            if ports.wide {
                6
            } else {
                4
            }
        }
        Element::SingleShift(_) | Element::LockingShift(_) => 3,
        Element::Other { data, .. } => 2 + data.len(),
    }
}
