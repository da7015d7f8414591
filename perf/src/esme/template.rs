//! submit_sm encoded once, and patched for each message.

use super::options::{Encoding, EsmeOptions};
use crate::error::SimError;
use crate::smsc::add_digits;
use crate::wire::{self, Fields, Message};

/// Digits of a marker.
const MARKER_DIGITS: usize = 9;

#[derive(Clone, Debug)]
struct Frame {
    octets: Vec<u8>,
    destination: usize,
    marker: usize,
}

/// The messages of a run: the same index gives the same message.
#[derive(Clone, Debug)]
pub(super) struct Template {
    frames: Vec<Frame>,
    destination: Vec<u8>,
    destinations: u64,
    first_marker: u64,
    width: usize,
    sources: Vec<Vec<u8>>,
}

fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Gsm7 | Encoding::Binary => text.bytes().collect(),
        Encoding::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
        Encoding::Ucs2 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}

fn filler(encoding: Encoding, length: usize) -> String {
    let alphabet = match encoding {
        Encoding::Gsm7 => " the quick brown fox jumps over the lazy dog",
        Encoding::Latin1 => " \u{fc}ber caf\u{e9} ni\u{f1}o",
        Encoding::Ucs2 => " \u{43f}\u{440}\u{438}\u{432}\u{435}\u{442} \u{4f60}\u{597d}",
        Encoding::Binary => "\u{1}\u{2}\u{3}\u{7f}",
    };
    alphabet.chars().cycle().take(length).collect()
}

impl Template {
    pub(super) fn new(options: &EsmeOptions) -> Result<Template, SimError> {
        let destination = options.first_destination.clone().into_bytes();
        let last = options.destinations.saturating_sub(1);
        let digits = destination.iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
        let most = 10_u64.checked_pow(digits as u32).unwrap_or(u64::MAX);
        if destination.is_empty() || last >= most || options.sources.is_empty() {
            return Err(SimError::Options("destinations do not fit into the digits of the first".to_owned()));
        }
        let mark = format!("m={:0MARKER_DIGITS$}", 0);
        let text = match &options.text {
            Some(text) => format!("{mark} {text}"),
            None => {
                let rest = options.size.saturating_sub(mark.len());
                format!("{mark}{}", filler(options.encoding, rest))
            }
        };
        let text = encode(&text, options.encoding);
        let frames = options.sources.iter().map(|source| frame(options, source, &destination, &text));
        Ok(Template {
            frames: frames.collect(),
            destinations: options.destinations.max(1),
            first_marker: options.first_marker,
            width: options.encoding.width(),
            sources: options.sources.iter().map(|source| source.clone().into_bytes()).collect(),
            destination,
        })
    }

    /// Appends the `index`th message.
    #[inline]
    pub(super) fn put(&self, out: &mut Vec<u8>, index: u64, sequence: u32) {
        let frame = &self.frames[(index % self.frames.len() as u64) as usize];
        let start = out.len();
        out.extend_from_slice(&frame.octets);
        let written = &mut out[start..];
        written[12..16].copy_from_slice(&sequence.to_be_bytes());
        let end = frame.destination + self.destination.len();
        add_digits(&mut written[frame.destination..end], index % self.destinations);
        let mut marker = self.first_marker + index;
        for digit in (0..MARKER_DIGITS).rev() {
            written[frame.marker + digit * self.width + self.width - 1] = b'0' + (marker % 10) as u8;
            marker /= 10;
        }
    }

    /// The marker of the `index`th message.
    pub(super) fn marker(&self, index: u64) -> u64 {
        (self.first_marker + index) % 10_u64.pow(MARKER_DIGITS as u32)
    }

    /// The source of the `index`th message.
    pub(super) fn source(&self, index: u64) -> &[u8] {
        &self.sources[(index % self.sources.len() as u64) as usize]
    }

    /// The destination of the `index`th message.
    pub(super) fn destination(&self, index: u64) -> Vec<u8> {
        let mut destination = self.destination.clone();
        add_digits(&mut destination, index % self.destinations);
        destination
    }
}

fn frame(options: &EsmeOptions, source: &str, destination: &[u8], text: &[u8]) -> Frame {
    let number = |address: &str| address.bytes().all(|octet| octet.is_ascii_digit());
    let source_type = match (number(source), source.len()) {
        (false, _) => [5, 0],
        (true, 0..=6) => [3, 0],
        (true, _) => [1, 1],
    };
    let message = Message {
        source_type,
        source: source.as_bytes(),
        destination_type: [1, 1],
        destination,
        priority: options.priority,
        registered: options.registered,
        data_coding: options.encoding.data_coding(),
        text,
        ..Message::default()
    };
    let mut octets = Vec::new();
    wire::put_message(&mut octets, wire::SUBMIT_SM, 0, &Fields { message, payload: false });
    // Header, no service_type, ton and npi, source and its end, ton and npi.
    let at = wire::HEADER + 1 + 2 + source.len() + 1 + 2;
    let marker = octets.len() - text.len() + 2 * options.encoding.width();
    Frame { octets, destination: at, marker }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_carries_its_own_marker_and_destination() {
        for encoding in [Encoding::Gsm7, Encoding::Ucs2, Encoding::Latin1, Encoding::Binary] {
            for size in [20, 60, 400] {
                let options = EsmeOptions {
                    encoding,
                    size,
                    sources: vec!["12345".to_owned(), "Bank".to_owned()],
                    first_marker: 7,
                    ..EsmeOptions::default()
                };
                let template = Template::new(&options).unwrap();
                for index in [0, 1, 999, 1_000, 123_456] {
                    let mut out = Vec::new();
                    template.put(&mut out, index, 9);
                    let message = Message::read(&out).unwrap();
                    assert_eq!(wire::marker(message.text), Some(index + 7));
                    assert_eq!(message.destination, template.destination(index));
                    assert_eq!(message.source, template.source(index));
                    assert_eq!(template.marker(index), index + 7);
                    assert_eq!(wire::word(&out, 12), 9);
                }
            }
        }
    }

    #[test]
    fn too_many_destinations_are_refused() {
        let first_destination = "44x99".to_owned();
        let options = EsmeOptions { first_destination, destinations: 101, ..EsmeOptions::default() };
        assert!(Template::new(&options).is_err());
    }
}
