//! The simulators' own reading and writing of SMPP.
//!
//! It shares nothing with `signalbox-smpp` on purpose: a peer built from the code under test would agree with its
//! faults. It reads only what a simulator needs and trusts nothing it reads.

/// Octets of a header (SMPP 3.4 clause 3.2).
pub const HEADER: usize = 16;

/// The largest command_length that is taken for one.
pub const MAX_FRAME: usize = 128 * 1024;

/// generic_nack.
pub const GENERIC_NACK: u32 = 0x8000_0000;
/// bind_receiver.
pub const BIND_RECEIVER: u32 = 0x0000_0001;
/// bind_transmitter.
pub const BIND_TRANSMITTER: u32 = 0x0000_0002;
/// query_sm.
pub const QUERY_SM: u32 = 0x0000_0003;
/// submit_sm.
pub const SUBMIT_SM: u32 = 0x0000_0004;
/// deliver_sm.
pub const DELIVER_SM: u32 = 0x0000_0005;
/// unbind.
pub const UNBIND: u32 = 0x0000_0006;
/// replace_sm.
pub const REPLACE_SM: u32 = 0x0000_0007;
/// cancel_sm.
pub const CANCEL_SM: u32 = 0x0000_0008;
/// bind_transceiver.
pub const BIND_TRANSCEIVER: u32 = 0x0000_0009;
/// enquire_link.
pub const ENQUIRE_LINK: u32 = 0x0000_0015;
/// submit_multi.
pub const SUBMIT_MULTI: u32 = 0x0000_0021;
/// data_sm.
pub const DATA_SM: u32 = 0x0000_0103;
/// Set in the command_id of a response.
pub const RESPONSE: u32 = 0x8000_0000;

/// ESME_ROK.
pub const ROK: u32 = 0x00;
/// ESME_RINVCMDID.
pub const RINVCMDID: u32 = 0x03;
/// ESME_RINVBNDSTS.
pub const RINVBNDSTS: u32 = 0x04;
/// ESME_RALYBND.
pub const RALYBND: u32 = 0x05;
/// ESME_RSYSERR.
pub const RSYSERR: u32 = 0x08;
/// ESME_RINVPASWD.
pub const RINVPASWD: u32 = 0x0e;
/// ESME_RMSGQFUL.
pub const RMSGQFUL: u32 = 0x14;
/// ESME_RTHROTTLED.
pub const RTHROTTLED: u32 = 0x58;
/// ESME_RX_T_APPN.
pub const RX_T_APPN: u32 = 0x64;

/// TLV receipted_message_id.
pub const TLV_RECEIPTED_MESSAGE_ID: u16 = 0x001e;
/// TLV message_payload.
pub const TLV_MESSAGE_PAYLOAD: u16 = 0x0424;
/// TLV message_state.
pub const TLV_MESSAGE_STATE: u16 = 0x0427;
/// TLV sc_interface_version.
pub const TLV_SC_INTERFACE_VERSION: u16 = 0x0210;

/// Reads four octets; 0 past the end.
#[inline]
pub fn word(octets: &[u8], at: usize) -> u32 {
    match octets.get(at..at + 4).and_then(|four| four.first_chunk::<4>()) {
        Some(four) => u32::from_be_bytes(*four),
        None => 0,
    }
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// command_length.
    pub length: usize,
    /// command_id.
    pub command: u32,
    /// command_status.
    pub status: u32,
    /// sequence_number.
    pub sequence: u32,
}

/// The header of the next whole frame in `octets`, or `None` when it is not there yet.
///
/// # Errors
/// The impossible command_length.
#[inline]
pub fn next_frame(octets: &[u8]) -> Result<Option<Header>, u32> {
    if octets.len() < HEADER {
        return Ok(None);
    }
    let length = word(octets, 0);
    if (length as usize) < HEADER || length as usize > MAX_FRAME {
        return Err(length);
    }
    if octets.len() < length as usize {
        return Ok(None);
    }
    Ok(Some(Header {
        length: length as usize,
        command: word(octets, 4),
        status: word(octets, 8),
        sequence: word(octets, 12),
    }))
}

/// The fields of submit_sm, deliver_sm or data_sm that a simulator looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Message<'a> {
    /// source_addr_ton, source_addr_npi.
    pub source_type: [u8; 2],
    /// source_addr.
    pub source: &'a [u8],
    /// dest_addr_ton, dest_addr_npi.
    pub destination_type: [u8; 2],
    /// destination_addr.
    pub destination: &'a [u8],
    /// esm_class.
    pub esm_class: u8,
    /// priority_flag.
    pub priority: u8,
    /// registered_delivery.
    pub registered: u8,
    /// data_coding.
    pub data_coding: u8,
    /// short_message, or message_payload where that is empty.
    pub text: &'a [u8],
    /// The TLVs as they came.
    pub tlvs: &'a [u8],
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|&octet| octet == 0)?;
        let (text, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Some(text)
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

impl<'a> Message<'a> {
    /// Reads a submit_sm, deliver_sm or data_sm frame; `None` when its fields do not fit into it.
    #[inline]
    pub fn read(frame: &'a [u8]) -> Option<Message<'a>> {
        let mut cursor = Cursor(frame.get(HEADER..)?);
        cursor.text()?;
        let source_type = cursor.take()?;
        let source = cursor.text()?;
        let destination_type = cursor.take()?;
        let destination = cursor.text()?;
        let mut message =
            Message { source_type, source, destination_type, destination, ..Message::default() };
        if word(frame, 4) & !RESPONSE == DATA_SM {
            [message.esm_class, message.registered, message.data_coding] = cursor.take()?;
        } else {
            let [esm_class, _, priority] = cursor.take()?;
            cursor.text()?;
            cursor.text()?;
            let [registered, _, data_coding, _, length] = cursor.take()?;
            (message.text, cursor.0) = cursor.0.split_at_checked(usize::from(length))?;
            message.esm_class = esm_class;
            message.priority = priority;
            message.registered = registered;
            message.data_coding = data_coding;
        }
        message.tlvs = cursor.0;
        if message.text.is_empty() {
            message.text = tlv(cursor.0, TLV_MESSAGE_PAYLOAD).unwrap_or_default();
        }
        Some(message)
    }

    /// Whether esm_class says delivery receipt or intermediate notification.
    pub fn is_receipt(&self) -> bool {
        matches!(self.esm_class & 0x3c, 0x04 | 0x20)
    }
}

/// The value of the first TLV with this tag.
pub fn tlv(mut octets: &[u8], tag: u16) -> Option<&[u8]> {
    while let Some((head, rest)) = octets.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let (value, after) = rest.split_at_checked(length)?;
        if u16::from_be_bytes([head[0], head[1]]) == tag {
            return Some(value);
        }
        octets = after;
    }
    None
}

/// The first C-octet string of a body: system_id of a bind, message_id of a response.
pub fn first_text(frame: &[u8]) -> &[u8] {
    let body = frame.get(HEADER..).unwrap_or_default();
    body.split(|&octet| octet == 0).next().unwrap_or_default()
}

/// system_id and password of a bind.
pub fn credentials(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut cursor = Cursor(frame.get(HEADER..)?);
    Some((cursor.text()?, cursor.text()?))
}

/// Begins a PDU whose length is set by [`end`].
#[inline]
pub fn begin(out: &mut Vec<u8>, command: u32, status: u32, sequence: u32) -> usize {
    let start = out.len();
    let mut header = [0; HEADER];
    header[4..8].copy_from_slice(&command.to_be_bytes());
    header[8..12].copy_from_slice(&status.to_be_bytes());
    header[12..16].copy_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&header);
    start
}

/// Sets the length of the PDU begun at `start`.
#[inline]
pub fn end(out: &mut [u8], start: usize) {
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// A PDU without a body.
#[inline]
pub fn put_header(out: &mut Vec<u8>, command: u32, status: u32, sequence: u32) {
    let start = begin(out, command, status, sequence);
    end(out, start);
}

/// A PDU whose body is one C-octet string.
#[inline]
pub fn put_text_pdu(out: &mut Vec<u8>, command: u32, status: u32, sequence: u32, text: &[u8]) {
    let start = begin(out, command, status, sequence);
    out.extend_from_slice(text);
    out.push(0);
    end(out, start);
}

/// A TLV.
pub fn put_tlv(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&value[..usize::from(length)]);
}

/// A bind.
pub fn put_bind(out: &mut Vec<u8>, command: u32, sequence: u32, system_id: &str, password: &str) {
    let start = begin(out, command, ROK, sequence);
    out.extend_from_slice(system_id.as_bytes());
    out.push(0);
    out.extend_from_slice(password.as_bytes());
    // No system_type, interface_version 3.4, ton, npi, no address_range.
    out.extend_from_slice(&[0, 0, 0x34, 0, 0, 0]);
    end(out, start);
}

/// What [`put_message`] writes beside the header.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
    /// The fields; `tlvs` is copied as it is.
    pub message: Message<'a>,
    /// Puts the text into message_payload whatever its length.
    pub payload: bool,
}

/// Writes a submit_sm, deliver_sm or data_sm. Text that short_message does not hold goes into message_payload.
pub fn put_message(out: &mut Vec<u8>, command: u32, sequence: u32, fields: &Fields<'_>) {
    let Fields { message, payload } = fields;
    let start = begin(out, command, ROK, sequence);
    out.push(0);
    out.extend_from_slice(&message.source_type);
    out.extend_from_slice(message.source);
    out.push(0);
    out.extend_from_slice(&message.destination_type);
    out.extend_from_slice(message.destination);
    out.push(0);
    let long = *payload || command == DATA_SM || message.text.len() > 254;
    if command == DATA_SM {
        out.extend_from_slice(&[message.esm_class, message.registered, message.data_coding]);
    } else {
        out.extend_from_slice(&[message.esm_class, 0, message.priority, 0, 0]);
        out.extend_from_slice(&[message.registered, 0, message.data_coding, 0]);
        let short = if long { &[][..] } else { message.text };
        out.push(short.len() as u8);
        out.extend_from_slice(short);
    }
    if long {
        put_tlv(out, TLV_MESSAGE_PAYLOAD, message.text);
    }
    out.extend_from_slice(message.tlvs);
    end(out, start);
}

/// The number of a marker such as `m=000123` in a text of one or of two octets a character.
pub fn marker(text: &[u8]) -> Option<u64> {
    let narrow = text.windows(2).position(|pair| pair == b"m=");
    let (start, step) = match narrow {
        Some(at) => (at + 2, 1),
        None => (text.windows(4).position(|four| four == b"\0m\0=")? + 4, 2),
    };
    let mut number = None;
    for unit in text.get(start..)?.chunks_exact(step) {
        let digit = unit[step - 1];
        if !digit.is_ascii_digit() || (step == 2 && unit[0] != 0) {
            break;
        }
        number = Some(number.unwrap_or(0_u64).wrapping_mul(10) + u64::from(digit - b'0'));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        for command in [SUBMIT_SM, DELIVER_SM, DATA_SM] {
            for text in [&b"m=000123 hello"[..], &[b'x'; 300]] {
                let mut out = Vec::new();
                let message = Message {
                    source_type: [5, 0],
                    source: b"Bank",
                    destination_type: [1, 1],
                    destination: b"447700900123",
                    esm_class: 4,
                    registered: 1,
                    data_coding: 3,
                    text,
                    ..Message::default()
                };
                put_message(&mut out, command, 7, &Fields { message, payload: false });
                let header = next_frame(&out).unwrap().unwrap();
                assert_eq!((header.length, header.command, header.sequence), (out.len(), command, 7));
                let read = Message::read(&out).unwrap();
                assert_eq!((read.source, read.destination), (message.source, message.destination));
                assert_eq!((read.esm_class, read.registered, read.data_coding), (4, 1, 3));
                assert_eq!(read.text, text);
            }
        }
    }

    #[test]
    fn a_cut_message_is_none() {
        let mut out = Vec::new();
        let message = Message { source: b"1", destination: b"2", text: b"hello", ..Message::default() };
        put_message(&mut out, SUBMIT_SM, 7, &Fields { message, payload: false });
        for length in 0..out.len() {
            assert!(Message::read(&out[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn an_impossible_length_is_an_error() {
        assert_eq!(next_frame(&[0; 16]), Err(0));
        assert_eq!(next_frame(&[0xff; 16]), Err(u32::MAX));
        assert_eq!(next_frame(&[0; 15]), Ok(None));
    }

    #[test]
    fn markers_are_found_narrow_and_wide() {
        assert_eq!(marker(b"hello m=000123 x"), Some(123));
        assert_eq!(marker(b"\0a\0m\0=\x000\x001\x009\0 "), Some(19));
        assert_eq!(marker(b"m="), None);
        assert_eq!(marker(b"nothing"), None);
    }
}
