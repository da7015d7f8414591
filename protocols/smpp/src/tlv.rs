//! Tag-length-value parameters (SMPP 3.4 clause 3.2.4.1), kept as the octets they came in.

use crate::flags::MessageState;
use bytes::{BufMut, Bytes, BytesMut};
use std::fmt;

mod tag;
pub use tag::Tag;

/// One TLV, borrowed from its area.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is.
    pub tag: Tag,
    /// Its value, as received.
    pub value: &'a [u8],
}

impl fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.tag)?;
        if self.tag == Tag::MESSAGE_PAYLOAD {
            // Message text stays out of logs.
            return write!(f, "({} octets)", self.value.len());
        }
        self.value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// What is wrong with a TLV or with the area of all TLVs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlvError {
    /// The last one or its header reaches past the end of the PDU.
    #[error("tlv at offset {offset} of the optional part reaches past its end")]
    PastEnd {
        /// Where in the area the TLV starts.
        offset: usize,
    },
    /// The value's length is outside of what the specification allows for the tag.
    #[error("{tag} has {length} octets")]
    Length {
        /// The tag.
        tag: Tag,
        /// The length found.
        length: usize,
    },
    /// The value does not fit into the sixteen bits of the length field.
    #[error("{tag} of {length} octets is too long for a tlv")]
    TooLong {
        /// The tag.
        tag: Tag,
        /// The length given.
        length: usize,
    },
}

/// The TLVs of a PDU: a slice of its octets, byte-exact with duplicates, vendor tags and order.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Tlvs(Bytes);

impl Tlvs {
    /// No TLVs.
    pub const fn new() -> Self {
        Tlvs(Bytes::new())
    }

    /// Takes an area of encoded TLVs after checking that they end where it ends.
    ///
    /// # Errors
    /// [`TlvError::PastEnd`] when a header or value is cut off.
    pub fn from_bytes(area: Bytes) -> Result<Self, TlvError> {
        check_area(&area)?;
        Ok(Tlvs(area))
    }

    /// The caller has walked the area already.
    pub(crate) fn from_checked(area: Bytes) -> Self {
        Tlvs(area)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The encoded octets.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// All TLVs in the order of the wire.
    pub fn iter(&self) -> TlvIter<'_> {
        TlvIter { area: &self.0 }
    }

    /// The value of the first TLV with this tag.
    pub fn get(&self, tag: Tag) -> Option<&[u8]> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// The value of the first TLV with this tag, sharing the frame's memory.
    pub fn get_bytes(&self, tag: Tag) -> Option<Bytes> {
        self.get(tag).map(|value| self.0.slice_ref(value))
    }

    /// The values of all TLVs with this tag.
    pub fn get_all(&self, tag: Tag) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// Whether a TLV with this tag is there.
    pub fn contains(&self, tag: Tag) -> bool {
        self.get(tag).is_some()
    }

    fn fixed<const N: usize>(&self, tag: Tag) -> Option<[u8; N]> {
        self.get(tag)?.try_into().ok()
    }

    /// A one-octet integer; `None` when absent or of another length.
    pub fn u8(&self, tag: Tag) -> Option<u8> {
        self.fixed::<1>(tag).map(|[value]| value)
    }

    /// A two-octet integer; `None` when absent or of another length.
    pub fn u16(&self, tag: Tag) -> Option<u16> {
        self.fixed(tag).map(u16::from_be_bytes)
    }

    /// A four-octet integer; `None` when absent or of another length.
    pub fn u32(&self, tag: Tag) -> Option<u32> {
        self.fixed(tag).map(u32::from_be_bytes)
    }

    /// A C-octet string without its NUL. A missing NUL is tolerated; what follows one is ignored.
    pub fn c_octets(&self, tag: Tag) -> Option<&[u8]> {
        let value = self.get(tag)?;
        let end = value.iter().position(|&octet| octet == 0).unwrap_or(value.len());
        Some(&value[..end])
    }

    /// message_payload: the text when short_message is empty.
    pub fn message_payload(&self) -> Option<Bytes> {
        self.get_bytes(Tag::MESSAGE_PAYLOAD)
    }

    /// receipted_message_id: the message a receipt is about.
    pub fn receipted_message_id(&self) -> Option<&[u8]> {
        self.c_octets(Tag::RECEIPTED_MESSAGE_ID)
    }

    /// message_state of a receipt.
    pub fn message_state(&self) -> Option<MessageState> {
        self.u8(Tag::MESSAGE_STATE).map(MessageState)
    }

    /// network_error_code of a receipt.
    pub fn network_error_code(&self) -> Option<NetworkErrorCode> {
        let [network, high, low] = self.fixed(Tag::NETWORK_ERROR_CODE)?;
        Some(NetworkErrorCode { network, code: u16::from_be_bytes([high, low]) })
    }

    /// The three sar_ TLVs, when all are there.
    pub fn sar(&self) -> Option<Sar> {
        Some(Sar {
            reference: self.u16(Tag::SAR_MSG_REF_NUM)?,
            total: self.u8(Tag::SAR_TOTAL_SEGMENTS)?,
            segment: self.u8(Tag::SAR_SEGMENT_SEQNUM)?,
        })
    }

    /// congestion_state, 0 (idle) to 99 (congested) (5.0 clause 4.8.4.18).
    pub fn congestion_state(&self) -> Option<u8> {
        self.u8(Tag::CONGESTION_STATE)
    }

    /// Appends a TLV. The area is copied unless this is its only owner.
    ///
    /// # Errors
    /// [`TlvError::TooLong`] for a value above 65535 octets.
    pub fn push(&mut self, tag: Tag, value: &[u8]) -> Result<(), TlvError> {
        let length =
            u16::try_from(value.len()).map_err(|_| TlvError::TooLong { tag, length: value.len() })?;
        let area = std::mem::take(&mut self.0);
        let mut area = area.try_into_mut().unwrap_or_else(|shared| {
            let mut copy = BytesMut::with_capacity(shared.len() + 4 + value.len());
            copy.extend_from_slice(&shared);
            copy
        });
        area.reserve(4 + value.len());
        area.put_u16(tag.0);
        area.put_u16(length);
        area.put_slice(value);
        self.0 = area.freeze();
        Ok(())
    }

    /// Appends a one-octet integer.
    pub fn push_u8(&mut self, tag: Tag, value: u8) {
        self.push_short(tag, &[value]);
    }

    /// Appends a two-octet integer.
    pub fn push_u16(&mut self, tag: Tag, value: u16) {
        self.push_short(tag, &value.to_be_bytes());
    }

    /// Appends a four-octet integer.
    pub fn push_u32(&mut self, tag: Tag, value: u32) {
        self.push_short(tag, &value.to_be_bytes());
    }

    fn push_short(&mut self, tag: Tag, value: &[u8]) {
        self.push(tag, value).expect("at most four octets fit a tlv");
    }

    /// Appends a C-octet string with its NUL.
    ///
    /// # Errors
    /// [`TlvError::TooLong`] for a text above 65534 octets.
    pub fn push_c_octets(&mut self, tag: Tag, text: &[u8]) -> Result<(), TlvError> {
        let mut value = Vec::with_capacity(text.len() + 1);
        value.extend_from_slice(text);
        value.push(0);
        self.push(tag, &value)
    }

    /// Appends the three sar_ TLVs.
    pub fn push_sar(&mut self, sar: Sar) {
        self.push_u16(Tag::SAR_MSG_REF_NUM, sar.reference);
        self.push_u8(Tag::SAR_TOTAL_SEGMENTS, sar.total);
        self.push_u8(Tag::SAR_SEGMENT_SEQNUM, sar.segment);
    }

    /// Appends network_error_code.
    pub fn push_network_error_code(&mut self, error: NetworkErrorCode) {
        let [high, low] = error.code.to_be_bytes();
        self.push_short(Tag::NETWORK_ERROR_CODE, &[error.network, high, low]);
    }

    /// The same TLVs, chained: `Tlvs::new().with(Tag::SOURCE_PORT, &[0, 80])?`.
    ///
    /// # Errors
    /// As [`Tlvs::push`].
    pub fn with(mut self, tag: Tag, value: &[u8]) -> Result<Self, TlvError> {
        self.push(tag, value)?;
        Ok(self)
    }

    /// A copy that keeps only the TLVs for which `keep` says so; shares memory when all are kept.
    pub fn filtered(&self, mut keep: impl FnMut(Tlv<'_>) -> bool) -> Tlvs {
        let mut area = BytesMut::new();
        let mut dropped = false;
        for tlv in self.iter() {
            if keep(tlv) {
                area.put_u16(tlv.tag.0);
                // The value came out of a sixteen-bit length.
                area.put_u16(tlv.value.len() as u16);
                area.put_slice(tlv.value);
            } else {
                dropped = true;
            }
        }
        if dropped { Tlvs(area.freeze()) } else { self.clone() }
    }

    /// Checks each known tag's length against the specification.
    ///
    /// # Errors
    /// [`TlvError::Length`] for the first that is wrong.
    pub fn check_lengths(&self) -> Result<(), TlvError> {
        for tlv in self.iter() {
            if let Some((least, most)) = tlv.tag.value_len()
                && !(usize::from(least)..=usize::from(most)).contains(&tlv.value.len())
            {
                return Err(TlvError::Length { tag: tlv.tag, length: tlv.value.len() });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Tlvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Tlvs {
    type Item = Tlv<'a>;
    type IntoIter = TlvIter<'a>;
    fn into_iter(self) -> TlvIter<'a> {
        self.iter()
    }
}

/// Walks the area of a [`Tlvs`] or of a borrowed view.
#[derive(Clone, Debug)]
pub struct TlvIter<'a> {
    area: &'a [u8],
}

impl<'a> TlvIter<'a> {
    /// Iterates over an area that may end in the middle of a TLV: iteration stops there.
    pub fn over(area: &'a [u8]) -> Self {
        TlvIter { area }
    }
}

impl<'a> Iterator for TlvIter<'a> {
    type Item = Tlv<'a>;

    #[inline]
    fn next(&mut self) -> Option<Tlv<'a>> {
        let (header, rest) = self.area.split_first_chunk::<4>()?;
        let tag = Tag(u16::from_be_bytes([header[0], header[1]]));
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let Some((value, rest)) = rest.split_at_checked(length) else {
            self.area = &[];
            return None;
        };
        self.area = rest;
        Some(Tlv { tag, value })
    }
}

/// Whether the TLVs of `area` end exactly at its end.
#[inline]
pub(crate) fn check_area(area: &[u8]) -> Result<(), TlvError> {
    let mut rest = area;
    while !rest.is_empty() {
        let next = rest.split_first_chunk::<4>().and_then(|(header, values)| {
            values.get(usize::from(u16::from_be_bytes([header[2], header[3]]))..)
        });
        match next {
            Some(next) => rest = next,
            None => return Err(TlvError::PastEnd { offset: area.len() - rest.len() }),
        }
    }
    Ok(())
}

/// network_error_code (SMPP 3.4 clause 5.3.2.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetworkErrorCode {
    /// 1 ANSI-136, 2 IS-95, 3 GSM, others reserved or (5.0) more.
    pub network: u8,
    /// The network's own code.
    pub code: u16,
}

/// One segment's place by the sar_ TLVs (SMPP 3.4 clauses 5.3.2.22 to 5.3.2.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sar {
    /// Shared by all segments of one message.
    pub reference: u16,
    /// How many segments there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub segment: u8,
}

#[cfg(test)]
mod tests;
