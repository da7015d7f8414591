//! Reads the fields of one PDU from left to right, as leniently as the profile says.

use super::{DecodeError, Fault};
use crate::frame::{HEADER_LEN, Header};
use crate::tlv::{TlvError, Tlvs, check_area};
use crate::{
    COctets, CommandId, CommandStatus, Field, Leniency, MissingNul, Profile, SmLength, TimeCheck, TlvRule,
};
use bytes::Bytes;

/// Reads the fields of one PDU from left to right.
pub(crate) struct Reader<'a, 'p> {
    frame: &'a [u8],
    position: usize,
    header: Header,
    profile: &'p Profile,
}

impl<'a, 'p> Reader<'a, 'p> {
    /// Checks that `frame` is one whole PDU and stands after its header.
    #[inline]
    pub(crate) fn new(frame: &'a [u8], profile: &'p Profile) -> Result<Self, DecodeError> {
        match Header::read(frame) {
            Some(header) if header.length as usize == frame.len() => {
                Ok(Reader { frame, position: HEADER_LEN, header, profile })
            }
            header => Err(frame_error(header)),
        }
    }

    #[inline]
    pub(crate) fn header(&self) -> Header {
        self.header
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.frame[self.position..]
    }

    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.position == self.frame.len()
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn error(&self, field: Field, fault: Fault) -> DecodeError {
        let status = match fault {
            Fault::Truncated
            | Fault::MissingNul
            | Fault::MissingBody
            | Fault::StrayOctets { .. }
            | Fault::Frame => CommandStatus::RINVCMDLEN,
            Fault::PastEnd { .. } | Fault::BothTexts => CommandStatus::RINVMSGLEN,
            Fault::TlvsNotAllowed => CommandStatus::ROPTPARNOTALLWD,
            Fault::Tlv(TlvError::Length { .. }) => CommandStatus::RINVPARLEN,
            Fault::Tlv(TlvError::PastEnd { .. } | TlvError::TooLong { .. }) => {
                CommandStatus::RINVOPTPARSTREAM
            }
            Fault::TooLong { .. }
            | Fault::NotAscii { .. }
            | Fault::Time
            | Fault::Value { .. }
            | Fault::UnknownCommand => field.status(),
        };
        DecodeError {
            command: self.header.command,
            peer_status: self.header.status,
            sequence: self.header.sequence,
            status,
            field,
            offset: self.position,
            fault,
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, field: Field) -> Result<u8, DecodeError> {
        match self.frame.get(self.position) {
            Some(&octet) => {
                self.position += 1;
                Ok(octet)
            }
            None => Err(self.error(field, Fault::Truncated)),
        }
    }

    /// Several one-octet fields in a row; `field` is the first of them.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, field: Field) -> Result<[u8; N], DecodeError> {
        match self.rest().first_chunk::<N>() {
            Some(octets) => {
                self.position += N;
                Ok(*octets)
            }
            None => Err(self.error(field, Fault::Truncated)),
        }
    }

    /// A C-octet string, without its NUL.
    #[inline]
    pub(crate) fn text(&mut self, field: Field) -> Result<&'a [u8], DecodeError> {
        let rest = self.rest();
        let limit = field.limit(self.profile);
        let Some(end) = find_nul(rest, limit) else {
            return self.text_without_nul(field, limit);
        };
        let text = &rest[..end];
        if field.is_address() && self.profile.latin1_address == Leniency::Refuse {
            self.check_ascii(field, text)?;
        }
        self.position += end + 1;
        Ok(text)
    }

    #[cold]
    fn text_without_nul(&mut self, field: Field, limit: usize) -> Result<&'a [u8], DecodeError> {
        let rest = self.rest();
        if rest.len() > limit {
            return Err(self.error(field, Fault::TooLong { limit }));
        }
        let allowed = match self.profile.missing_nul {
            MissingNul::Refuse => false,
            MissingNul::InResponses => self.header.command.is_response(),
            MissingNul::Accept => true,
        };
        if !allowed || rest.is_empty() {
            let fault = if rest.is_empty() { Fault::Truncated } else { Fault::MissingNul };
            return Err(self.error(field, fault));
        }
        if field.is_address() && self.profile.latin1_address == Leniency::Refuse {
            self.check_ascii(field, rest)?;
        }
        self.position = self.frame.len();
        Ok(rest)
    }

    #[cold]
    fn check_ascii(&self, field: Field, text: &[u8]) -> Result<(), DecodeError> {
        match text.iter().find(|octet| !matches!(octet, 0x20..=0x7e)) {
            Some(&octet) => Err(self.error(field, Fault::NotAscii { octet })),
            None => Ok(()),
        }
    }

    /// schedule_delivery_time or validity_period.
    #[inline]
    pub(crate) fn time(&mut self, field: Field) -> Result<&'a [u8], DecodeError> {
        let start = self.position;
        let text = self.text(field)?;
        if self.profile.times == TimeCheck::Format && !text.is_empty() && !crate::time::is_well_formed(text) {
            self.position = start;
            return Err(self.error(field, Fault::Time));
        }
        Ok(text)
    }

    /// sm_length, short_message and the octets of the TLVs after them, already checked.
    #[inline]
    pub(crate) fn message(&mut self) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
        let declared = usize::from(self.u8(Field::SmLength)?);
        let rest = self.rest();
        if let Some((text, tlvs)) = rest.split_at_checked(declared)
            && check_area(tlvs).is_ok()
        {
            if declared > self.profile.limits.short_message.into() {
                let limit = self.profile.limits.short_message.into();
                return Err(self.error(Field::ShortMessage, Fault::TooLong { limit }));
            }
            self.position += declared;
            self.check_tlvs(tlvs)?;
            self.position = self.frame.len();
            return Ok((text, tlvs));
        }
        self.message_off_by_one(declared)
    }

    #[cold]
    fn message_off_by_one(&mut self, declared: usize) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
        let rest = self.rest();
        if self.profile.sm_length == SmLength::OffByOne {
            let fewer = declared.checked_sub(1).and_then(|length| rest.split_at_checked(length));
            let more = rest.split_at_checked(declared + 1);
            for (text, tlvs) in [fewer, more].into_iter().flatten() {
                if check_area(tlvs).is_err() {
                    continue;
                }
                // A NUL that was sent but not counted is no part of the text.
                let uncounted = text.len() > declared && text.last() == Some(&0);
                let shown = if uncounted { &text[..declared] } else { text };
                self.position += text.len();
                self.check_tlvs(tlvs)?;
                self.position = self.frame.len();
                return Ok((shown, tlvs));
            }
        }
        match rest.split_at_checked(declared) {
            None => {
                self.position -= 1;
                Err(self.error(Field::SmLength, Fault::PastEnd { declared, available: rest.len() }))
            }
            Some((_, tlvs)) => {
                self.position += declared;
                let error = check_area(tlvs).expect_err("the caller found the area damaged");
                Err(self.error(Field::Tlvs, Fault::Tlv(error)))
            }
        }
    }

    /// sm_length and as many octets of text, in the middle of a PDU.
    pub(crate) fn counted_text(&mut self) -> Result<&'a [u8], DecodeError> {
        let declared = usize::from(self.u8(Field::SmLength)?);
        match self.rest().get(..declared) {
            Some(text) => {
                self.position += declared;
                Ok(text)
            }
            None => {
                let available = self.rest().len();
                self.position -= 1;
                Err(self.error(Field::SmLength, Fault::PastEnd { declared, available }))
            }
        }
    }

    /// `position` stands where the TLVs start.
    #[inline]
    fn check_tlvs(&self, area: &'a [u8]) -> Result<(), DecodeError> {
        if area.is_empty() || self.profile.tlvs == TlvRule::Keep {
            return Ok(());
        }
        self.check_tlvs_strictly(area)
    }

    #[cold]
    fn check_tlvs_strictly(&self, area: &'a [u8]) -> Result<(), DecodeError> {
        if self.profile.tlvs == TlvRule::Refuse {
            return Err(self.error(Field::Tlvs, Fault::TlvsNotAllowed));
        }
        Tlvs::from_checked(Bytes::copy_from_slice(area))
            .check_lengths()
            .map_err(|error| self.error(Field::Tlvs, Fault::Tlv(error)))
    }

    /// The rest of the PDU as TLVs.
    pub(crate) fn tlvs(&mut self, frame: &Bytes) -> Result<Tlvs, DecodeError> {
        let area = self.rest();
        if area.is_empty() {
            return Ok(Tlvs::new());
        }
        if let Err(error) = check_area(area) {
            if self.header.command.is_response() && self.profile.damaged_response_tlvs.accepts() {
                self.position = self.frame.len();
                return Ok(Tlvs::new());
            }
            return Err(self.error(Field::Tlvs, Fault::Tlv(error)));
        }
        self.check_tlvs(area)?;
        self.position = self.frame.len();
        Ok(Tlvs::from_checked(frame.slice_ref(area)))
    }

    /// The PDU must end here.
    pub(crate) fn end(&self) -> Result<(), DecodeError> {
        let count = self.rest().len();
        if count > 0 && !self.profile.stray_octets.accepts() {
            return Err(self.error(Field::Body, Fault::StrayOctets { count }));
        }
        Ok(())
    }

    pub(crate) fn octets(&mut self, frame: &Bytes, field: Field) -> Result<COctets, DecodeError> {
        Ok(COctets(share(frame, self.text(field)?)))
    }

    pub(crate) fn profile(&self) -> &'p Profile {
        self.profile
    }
}

/// Where the first NUL is, if at most `limit` octets stand before it. Eight octets at a time: this search is
/// most of the work of decoding a submit_sm.
#[inline]
fn find_nul(octets: &[u8], limit: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while at <= limit {
        let rest = octets.get(at..)?;
        let Some(chunk) = rest.first_chunk::<8>() else {
            let end = at + rest.iter().position(|&octet| octet == 0)?;
            return (end <= limit).then_some(end);
        };
        let word = u64::from_le_bytes(*chunk);
        // The lowest top bit left stands in the first octet that is zero.
        let zeros = word.wrapping_sub(ONES) & !word & TOPS;
        if zeros != 0 {
            let end = at + zeros.trailing_zeros() as usize / 8;
            return (end <= limit).then_some(end);
        }
        at += 8;
    }
    None
}

/// A slice of `frame` without copying; an empty one holds no reference.
#[inline]
pub(crate) fn share(frame: &Bytes, part: &[u8]) -> Bytes {
    if part.is_empty() { Bytes::new() } else { frame.slice_ref(part) }
}

#[cold]
fn frame_error(header: Option<Header>) -> DecodeError {
    let header = header.unwrap_or(Header {
        length: 0,
        command: CommandId(0),
        status: CommandStatus::ROK,
        sequence: 0,
    });
    DecodeError {
        command: header.command,
        peer_status: header.status,
        sequence: header.sequence,
        status: CommandStatus::RINVCMDLEN,
        field: Field::Header,
        offset: 0,
        fault: Fault::Frame,
    }
}

#[cfg(test)]
mod tests {
    use super::find_nul;

    #[test]
    fn nul_is_found_where_a_plain_search_finds_it() {
        for length in 0..40 {
            for nul in 0..=length {
                // 0x80 and 0x01 beside a NUL are what a word-wise search may mistake.
                for filler in [b'a', 0x01, 0x80, 0xff] {
                    let mut octets = vec![filler; length];
                    if let Some(octet) = octets.get_mut(nul) {
                        *octet = 0;
                    }
                    for limit in 0..40 {
                        let plain = octets.iter().position(|&octet| octet == 0).filter(|&end| end <= limit);
                        assert_eq!(find_nul(&octets, limit), plain, "{octets:?} {limit}");
                    }
                }
            }
        }
    }
}
