//! How one peer deviates from the specification: lenient in, strict out.

use crate::flags::DataCoding;
use crate::frame::DEFAULT_MAX_PDU;
use crate::message_id::MessageIdForm;

/// The version of the protocol, as interface_version carries it (SMPP 3.4 clause 5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// 3.3 and all before it: no TLVs, message ids of 8 hexadecimal digits.
    V3_3,
    /// 3.4.
    #[default]
    V3_4,
    /// 5.0.
    V5_0,
}

impl Version {
    /// The version an interface_version octet stands for. 0x00 to 0x33 are 3.3 (3.4 clause 5.2.4); values
    /// above 3.4 and below 5.0 are 3.4.
    pub const fn from_interface(octet: u8) -> Version {
        match octet {
            0x00..=0x33 => Version::V3_3,
            0x34..=0x4f => Version::V3_4,
            0x50..=0xff => Version::V5_0,
        }
    }

    /// The interface_version octet.
    pub const fn interface(self) -> u8 {
        match self {
            Version::V3_3 => 0x33,
            Version::V3_4 => 0x34,
            Version::V5_0 => 0x50,
        }
    }
}

/// What to do with one kind of deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Leniency {
    /// Take the PDU and make the best of it.
    #[default]
    Accept,
    /// Answer with the error status that fits.
    Refuse,
}

impl Leniency {
    /// Whether the deviation is taken.
    #[inline]
    pub const fn accepts(self) -> bool {
        matches!(self, Leniency::Accept)
    }
}

/// Where the NUL of the last C-octet string may be missing at the end of the PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum MissingNul {
    /// Nowhere.
    Refuse,
    /// In responses, such as the message_id of submit_sm_resp.
    #[default]
    InResponses,
    /// Everywhere.
    Accept,
}

/// How exact sm_length is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SmLength {
    /// It counts the octets of short_message.
    #[default]
    Exact,
    /// It may be one too large or one too small (a NUL counted that is not there, or there and not counted);
    /// the length that lets the TLVs end where the PDU ends is taken, the exact one first.
    OffByOne,
}

/// How TLVs of a peer are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TlvRule {
    /// All are kept as they are; only their framing is checked.
    #[default]
    Keep,
    /// Framing and the lengths of known tags are checked (ESME_RINVPARLEN).
    CheckLengths,
    /// None is allowed (ESME_ROPTPARNOTALLWD), as for a peer of version 3.3.
    Refuse,
}

/// How schedule_delivery_time and validity_period of a peer are checked on decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TimeCheck {
    /// Up to 16 characters of any content; the owner finds out by [`crate::time::SmppTime::parse`].
    #[default]
    Length,
    /// Empty or a well-formed absolute or relative time (ESME_RINVSCHED, ESME_RINVEXPIRY).
    Format,
}

/// The alphabet of text with data_coding 0, which 3.4 leaves to the SMSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Alphabet {
    /// GSM 03.38 default alphabet.
    #[default]
    Gsm7,
    /// ASCII.
    Ascii,
    /// Latin-1.
    Latin1,
    /// UTF-8.
    Utf8,
    /// UCS-2 or UTF-16, big endian.
    Ucs2,
    /// Not text.
    Binary,
    /// An alphabet this crate has no name for: ask data_coding.
    Other(DataCoding),
}

/// How septets of GSM 03.38 lie in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Packing {
    /// One septet an octet, as nearly every SMPP peer does.
    #[default]
    Unpacked,
    /// Eight septets in seven octets.
    Packed,
}

/// Longest texts accepted and sent, in octets without NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// service_type.
    pub service_type: u8,
    /// Addresses of all PDUs but data_sm.
    pub address: u8,
    /// Addresses of data_sm and alert_notification.
    pub data_address: u8,
    /// system_id.
    pub system_id: u8,
    /// password; many peers send more than the 8 of the specification.
    pub password: u8,
    /// system_type.
    pub system_type: u8,
    /// address_range.
    pub address_range: u8,
    /// message_id.
    pub message_id: u8,
    /// Name of a distribution list.
    pub dl_name: u8,
    /// short_message; 254 in 3.4, 255 in 5.0.
    pub short_message: u8,
}

impl Limits {
    /// The limits of SMPP 3.4.
    pub const SPECIFICATION: Limits = Limits {
        service_type: 5,
        address: 20,
        data_address: 64,
        system_id: 15,
        password: 8,
        system_type: 12,
        address_range: 40,
        message_id: 64,
        dl_name: 20,
        short_message: 254,
    };
}

impl Default for Limits {
    /// The specification's, but longer passwords and short_message of 255 octets.
    fn default() -> Self {
        Limits { password: 32, short_message: 255, ..Limits::SPECIFICATION }
    }
}

/// How receipts of this peer are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReceiptRules {
    /// Take a deliver_sm whose esm_class does not say so for a receipt when its text reads like one.
    pub by_text: bool,
    /// Offset of the dates in the text from UTC, in quarters of an hour.
    pub utc_offset_quarters: i8,
    /// Digits of the dates we write: minutes (YYMMDDhhmm) or seconds too.
    pub seconds: bool,
    /// Also send receipted_message_id, message_state and network_error_code (never to a 3.3 peer).
    pub tlvs: bool,
}

impl Default for ReceiptRules {
    fn default() -> Self {
        ReceiptRules { by_text: true, utc_offset_quarters: 0, seconds: false, tlvs: true }
    }
}

/// The quirks of one peer. The default is what serves most peers; [`Profile::strict`] is the specification.
///
/// | quirk | field | default | where it bites |
/// |---|---|---|---|
/// | Latin-1 in addresses | `latin1_address` | accept | ESME_RINVSRCADR, ESME_RINVDSTADR |
/// | body missing in a response with status 0 | `missing_body` | accept | ESME_RINVCMDLEN |
/// | last NUL missing | `missing_nul` | in responses | ESME_RINVCMDLEN |
/// | sm_length off by one | `sm_length` | exact | ESME_RINVMSGLEN, ESME_RINVOPTPARSTREAM |
/// | short_message and message_payload both filled | `both_texts` | accept | ESME_RINVMSGLEN |
/// | TLVs | `tlvs` | keep | ESME_RINVPARLEN, ESME_ROPTPARNOTALLWD |
/// | damaged TLVs in a response | `damaged_response_tlvs` | accept, dropped | ESME_RINVOPTPARSTREAM |
/// | octets after a PDU without a body | `stray_octets` | accept, dropped | ESME_RINVCMDLEN |
/// | odd times | `times` | length only | ESME_RINVSCHED, ESME_RINVEXPIRY |
/// | longer fields | `limits` | password 32 | the field's own status |
/// | message id hexadecimal in one place, decimal in the other | `message_id` | any | correlation |
/// | receipt's text | `receipt` | all variants | correlation |
/// | GSM7 packed | `gsm7` | unpacked | text |
/// | default alphabet | `default_alphabet` | GSM7 | text |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Version agreed with the peer; decides what may be sent.
    pub version: Version,
    /// Largest PDU accepted, in octets.
    pub max_pdu: usize,
    /// Longest fields accepted and sent.
    pub limits: Limits,
    /// Octets above 0x7f (and control characters) in addresses.
    pub latin1_address: Leniency,
    /// No body in a response with status ESME_ROK that should have one. (With an error status it is allowed
    /// to be missing.)
    pub missing_body: Leniency,
    /// No NUL after a C-octet string that ends the PDU.
    pub missing_nul: MissingNul,
    /// sm_length off by one.
    pub sm_length: SmLength,
    /// short_message and message_payload both not empty (3.4 clause 5.3.2.32 forbids it).
    pub both_texts: Leniency,
    /// TLVs.
    pub tlvs: TlvRule,
    /// TLVs cut off in a response: they are dropped, and the response is still used.
    pub damaged_response_tlvs: Leniency,
    /// Octets after the end of a PDU that has no body.
    pub stray_octets: Leniency,
    /// schedule_delivery_time and validity_period.
    pub times: TimeCheck,
    /// Send a response with an error status with its (empty) body instead of the header alone.
    pub error_response_body: bool,
    /// How the peer writes message ids.
    pub message_id: MessageIdForm,
    /// Receipts.
    pub receipt: ReceiptRules,
    /// How GSM7 lies in short_message.
    pub gsm7: Packing,
    /// The alphabet of data_coding 0.
    pub default_alphabet: Alphabet,
}

impl Default for Profile {
    fn default() -> Self {
        Profile {
            version: Version::V3_4,
            max_pdu: DEFAULT_MAX_PDU,
            limits: Limits::default(),
            latin1_address: Leniency::Accept,
            missing_body: Leniency::Accept,
            missing_nul: MissingNul::InResponses,
            sm_length: SmLength::Exact,
            both_texts: Leniency::Accept,
            tlvs: TlvRule::Keep,
            damaged_response_tlvs: Leniency::Accept,
            stray_octets: Leniency::Accept,
            times: TimeCheck::Length,
            error_response_body: false,
            message_id: MessageIdForm::Any,
            receipt: ReceiptRules::default(),
            gsm7: Packing::Unpacked,
            default_alphabet: Alphabet::Gsm7,
        }
    }
}

impl Profile {
    /// What the specification says, to the letter.
    pub fn strict(version: Version) -> Self {
        Profile {
            version,
            limits: Limits {
                short_message: if version >= Version::V5_0 { 255 } else { 254 },
                ..Limits::SPECIFICATION
            },
            latin1_address: Leniency::Refuse,
            missing_body: Leniency::Refuse,
            missing_nul: MissingNul::Refuse,
            sm_length: SmLength::Exact,
            both_texts: Leniency::Refuse,
            tlvs: if version == Version::V3_3 { TlvRule::Refuse } else { TlvRule::CheckLengths },
            damaged_response_tlvs: Leniency::Refuse,
            stray_octets: Leniency::Refuse,
            times: TimeCheck::Format,
            message_id: MessageIdForm::Text,
            ..Profile::default()
        }
    }

    /// As lenient as this crate can be.
    pub fn lenient() -> Self {
        Profile { missing_nul: MissingNul::Accept, sm_length: SmLength::OffByOne, ..Profile::default() }
    }

    /// The alphabet and packing of text with this data_coding. data_coding groups of GSM 03.38 (0xf0 to 0xff
    /// and below 0xc0) are resolved too.
    pub fn alphabet(&self, coding: DataCoding) -> (Alphabet, Packing) {
        let alphabet = match coding.0 {
            0x00 => self.default_alphabet,
            0x01 => Alphabet::Ascii,
            0x02 | 0x04 => Alphabet::Binary,
            0x03 => Alphabet::Latin1,
            0x08 => Alphabet::Ucs2,
            // GSM 03.38 clause 4: 0xC0 discard and 0xD0 store a waiting indication, GSM7; 0xE0 UCS-2.
            0xc0..=0xdf => Alphabet::Gsm7,
            0xe0..=0xef => Alphabet::Ucs2,
            // Message class group: bit 2 says 8-bit data.
            0xf0..=0xff if coding.0 & 0x04 != 0 => Alphabet::Binary,
            0xf0..=0xff => Alphabet::Gsm7,
            // General group with class: bits 2-3 are the alphabet. Its class-less form collides with SMPP's
            // own values, so it begins where bit 4 is set.
            0x10..=0x7f if coding.0 & 0x30 == 0x10 => match coding.0 & 0x0c {
                0x00 => Alphabet::Gsm7,
                0x04 => Alphabet::Binary,
                0x08 => Alphabet::Ucs2,
                _ => Alphabet::Other(coding),
            },
            _ => Alphabet::Other(coding),
        };
        let packing = if alphabet == Alphabet::Gsm7 { self.gsm7 } else { Packing::Unpacked };
        (alphabet, packing)
    }
}
