//! A text as the parts that carry it over SMPP.

use signalbox_text::choose::{Choices, choose};
use signalbox_text::data_coding::{Charset, DataCoding, MessageClass, Scheme};
use signalbox_text::segments::{Concatenation, Plan, Segment, SegmentError, split};
use signalbox_text::{Encoding, Unrepresentable};
use smallvec::SmallVec;

use crate::message::Content;

/// esm_class: a user data header is there (SMPP 3.4 cl. 5.2.12).
pub const UDHI: u8 = 0x40;

/// How a text is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// In this alphabet; `None` for the one that needs the fewest parts: GSM 7-bit, else UCS-2.
    pub encoding: Option<Encoding>,
    /// Shown at once and not kept (message class 0, 3GPP TS 23.038 cl. 4).
    pub flash: bool,
}

/// A text that cannot be written so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WritingError {
    /// No alphabet has all of it.
    #[error(transparent)]
    Unrepresentable(#[from] Unrepresentable),
    /// It cannot be cut into parts.
    #[error(transparent)]
    Parts(#[from] SegmentError),
    /// data_coding cannot say flash and this alphabet at once (SMPP 3.4 cl. 5.2.19).
    #[error("flash does not go with this encoding")]
    Flash,
}

/// A text in an alphabet.
#[derive(Clone, Debug)]
pub struct Written {
    /// One for each short message, with 16-bit references where there are several (3GPP TS 23.040 cl. 9.2.3.24.8).
    pub parts: SmallVec<[Content; 1]>,
    /// The alphabet.
    pub encoding: Encoding,
}

/// Writes a text; `reference` is that of its parts.
///
/// # Errors
/// When the alphabet does not have the text, or it is too long.
pub fn write(text: &str, writing: Writing, reference: u16) -> Result<Written, WritingError> {
    let concatenation = Concatenation::Udh16;
    let encoding = match writing.encoding {
        Some(encoding) => encoding,
        None => choose(text, &Choices { concatenation, ..Choices::default() })?.encoding,
    };
    let class = writing.flash.then_some(MessageClass::Flash);
    let charset =
        if writing.flash { Charset::named(encoding) } else { Charset::of(encoding, Encoding::GSM7) };
    let coding = DataCoding { class, ..DataCoding::plain(charset) };
    let data_coding = coding.to_octet(Scheme::Smpp).ok_or(WritingError::Flash)?;
    let segments = split(text, &Plan { concatenation, reference, ..Plan::new(encoding) })?;
    let part = |segment: &Segment| Content {
        esm_class: if segment.header.is_some() { UDHI } else { 0 },
        data_coding,
        payload: segment.user_data(),
        ..Content::default()
    };
    Ok(Written { parts: segments.iter().map(part).collect(), encoding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_one_message_does_not_take_it() {
        let written = write(&"é".repeat(161), Writing::default(), 0x0102).unwrap();
        assert_eq!((written.parts.len(), written.encoding), (2, Encoding::GSM7));
        assert!(written.parts.iter().all(|part| part.esm_class == UDHI && part.data_coding == 0));
        assert!(written.parts[1].payload.starts_with(&[6, 8, 4, 1, 2, 2, 2]));
        let chinese = write("你好", Writing::default(), 1).unwrap();
        assert_eq!(
            (chinese.parts.len(), chinese.parts[0].data_coding, chinese.parts[0].esm_class),
            (1, 8, 0)
        );
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let gsm7 = Writing { encoding: Some(Encoding::GSM7), flash: false };
        assert!(write("你好", gsm7, 1).is_err());
        let too_long = write(&"x".repeat(152 * 255 + 1), Writing::default(), 1);
        assert!(
            matches!(too_long, Err(WritingError::Parts(SegmentError::TooManyParts { needed: 256, .. }))),
            "{too_long:?}"
        );
    }

    #[test]
    fn flash_names_its_alphabet() {
        let flash = write("now", Writing { encoding: None, flash: true }, 1).unwrap();
        assert_eq!(flash.parts[0].data_coding, 0xf0);
    }
}
