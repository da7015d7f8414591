//! Texts and octets of requests as the parts that the exchange carries.

use bytes::Bytes;
use serde::Deserialize;
use signalbox_config::value::Octets;
use signalbox_core::message::Content;
use signalbox_core::text::{UDHI, Writing, WritingError, write};
use signalbox_text::data_coding::{Charset, DataCoding, Scheme};
use signalbox_text::octets::OctetSet;
use signalbox_text::udh::peek_concat;
use signalbox_text::{Encoding, Udh};
use smallvec::SmallVec;
use utoipa::ToSchema;

use crate::api::problem::{Problem, chain};

/// data_coding of octets without a character set (cl. 5.2.19).
const OCTETS: u8 = 0x04;
/// Octets of one short message.
const LONGEST: usize = 140;

/// How a text is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TextEncoding {
    /// In what needs the fewest parts: GSM 7-bit, else UCS-2.
    #[default]
    Auto,
    /// GSM 7-bit.
    Gsm7,
    /// UCS-2.
    Ucs2,
    /// Latin-1.
    Latin1,
}

/// Content that is no text: one short message.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BinaryContent {
    /// The octets in hexadecimal digits.
    data: String,
    /// A user data header with its length octet, in hexadecimal digits.
    #[serde(default)]
    header: Option<String>,
    /// data_coding; 4 (octets without a character set) when it is not given.
    #[serde(default)]
    data_coding: Option<u8>,
}

/// What a message carries, cut into parts.
pub(super) struct Cut {
    pub parts: SmallVec<[Content; 1]>,
    /// `gsm7`, `ucs2`, `latin1` or `binary`.
    pub encoding: &'static str,
}

/// Cuts a text into parts with 16-bit references.
pub(super) fn of_text(text: &str, wish: TextEncoding, flash: bool, reference: u16) -> Result<Cut, Problem> {
    let encoding = match wish {
        TextEncoding::Auto => None,
        TextEncoding::Gsm7 => Some(Encoding::GSM7),
        TextEncoding::Ucs2 => Some(Encoding::Ucs2),
        TextEncoding::Latin1 => Some(Encoding::Octets(OctetSet::Latin1)),
    };
    let written = write(text, Writing { encoding, flash }, reference).map_err(|error| match error {
        WritingError::Flash => Problem::field("flash", "does not go with this encoding"),
        error => Problem::field("text", chain(&error)),
    })?;
    let encoding = match written.encoding {
        Encoding::Gsm7(_) => "gsm7",
        Encoding::Ucs2 => "ucs2",
        Encoding::Octets(_) => "latin1",
    };
    Ok(Cut { parts: written.parts, encoding })
}

/// Whether a content is no part of a longer message, or the first.
pub(super) fn is_first(content: &Content) -> bool {
    let concat = match content.esm_class & UDHI {
        0 => None,
        _ => peek_concat(&content.payload).ok().flatten(),
    };
    concat.is_none_or(|concat| concat.sequence <= 1)
}

/// The one part of octets.
pub(super) fn of_octets(binary: &BinaryContent) -> Result<Cut, Problem> {
    let read = |field: &str, hex: &str| -> Result<Bytes, Problem> {
        let octets: Result<Octets, String> = hex.parse();
        let octets = octets.map_err(|expects| Problem::field(field, format!("expected {expects}")))?;
        Ok(Bytes::copy_from_slice(octets.as_slice()))
    };
    let data = read("binary.data", &binary.data)?;
    let data_coding = binary.data_coding.unwrap_or(OCTETS);
    // GSM 7-bit comes unpacked, a septet an octet; on the air eight of them are seven octets.
    let packed = match DataCoding::from_octet(data_coding, Scheme::Smpp).charset {
        Charset::SmscDefault | Charset::Gsm7 => (data.len() * 7).div_ceil(8),
        _ => data.len(),
    };
    let mut length = packed;
    let payload = match &binary.header {
        None => data,
        Some(header) => {
            let header = read("binary.header", header)?;
            let (_, rest) =
                Udh::split(&header).map_err(|error| Problem::field("binary.header", chain(&error)))?;
            if !rest.is_empty() {
                return Err(Problem::field("binary.header", "has octets behind its end"));
            }
            length += header.len();
            [header, data].concat().into()
        }
    };
    if length > LONGEST {
        let problem = format!("header and data have {length} octets, a short message {LONGEST}");
        return Err(Problem::field("binary.data", problem));
    }
    let content = Content {
        esm_class: if binary.header.is_some() { UDHI } else { 0 },
        data_coding,
        payload,
        ..Content::default()
    };
    Ok(Cut { parts: SmallVec::from_iter([content]), encoding: "binary" })
}
