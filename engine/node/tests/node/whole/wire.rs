//! SMPP as the peers of these tests read and write it: a few functions of their own, so that they do not agree with
//! a fault of the codec under test.

use std::io::{self, Read};

pub const BIND_TRANSCEIVER: u32 = 0x0000_0009;
pub const SUBMIT_SM: u32 = 0x0000_0004;
pub const DELIVER_SM: u32 = 0x0000_0005;
pub const UNBIND: u32 = 0x0000_0006;
pub const QUERY_SM: u32 = 0x0000_0003;
pub const REPLACE_SM: u32 = 0x0000_0007;
pub const CANCEL_SM: u32 = 0x0000_0008;
pub const ENQUIRE_LINK: u32 = 0x0000_0015;
pub const RESPONSE: u32 = 0x8000_0000;

pub const OK: u32 = 0;
pub const SYSTEM_ERROR: u32 = 0x08;

pub const WRONG_PASSWORD: u32 = 0x0e;
pub const QUEUE_FULL: u32 = 0x14;
pub const THROTTLED: u32 = 0x58;

#[derive(Clone, Debug)]
pub struct Pdu {
    pub command: u32,
    pub status: u32,
    pub sequence: u32,
    pub body: Vec<u8>,
}

impl Pdu {
    pub fn new(command: u32, status: u32, sequence: u32, body: Vec<u8>) -> Self {
        Self { command, status, sequence, body }
    }

    pub fn octets(&self) -> Vec<u8> {
        let length = u32::try_from(16 + self.body.len()).expect("a short PDU");
        let mut octets = Vec::with_capacity(16 + self.body.len());
        for field in [length, self.command, self.status, self.sequence] {
            octets.extend_from_slice(&field.to_be_bytes());
        }
        octets.extend_from_slice(&self.body);
        octets
    }

    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut header = [0; 16];
        from.read_exact(&mut header)?;
        let field = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four octets"));
        let length = field(0) as usize;
        if !(16..=65_536).contains(&length) {
            return Err(io::Error::other(format!("command_length {length}")));
        }
        let mut body = vec![0; length - 16];
        from.read_exact(&mut body)?;
        Ok(Self { command: field(4), status: field(8), sequence: field(12), body })
    }

    /// The C-octet string that a body begins with: system_id, message_id.
    pub fn first_text(&self) -> String {
        text(&mut &*self.body)
    }

    /// system_id and password of a bind.
    pub fn credentials(&self) -> (String, String) {
        let mut rest = &*self.body;
        (text(&mut rest), text(&mut rest))
    }
}

fn text(rest: &mut &[u8]) -> String {
    let end = rest.iter().position(|octet| *octet == 0).unwrap_or(rest.len());
    let found = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[(end + 1).min(rest.len())..];
    found
}

pub fn bind_body(system_id: &str, password: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for field in [system_id, password, ""] {
        body.extend_from_slice(field.as_bytes());
        body.push(0);
    }
    // interface_version 3.4; no type of number, no plan, no range.
    body.extend_from_slice(&[0x34, 0, 0, 0]);
    body
}

/// What these tests look at in a submit_sm or deliver_sm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub source: String,
    pub destination: String,
    pub esm_class: u8,
    pub registered: u8,
    pub text: Vec<u8>,
    /// schedule_delivery_time.
    pub schedule: String,
    /// validity_period.
    pub validity: String,
    pub service_type: String,
    /// replace_if_present_flag.
    pub replaces: u8,
}

impl Message {
    pub fn body(&self) -> Vec<u8> {
        let mut body = self.service_type.clone().into_bytes();
        body.extend_from_slice(&[0, 0, 0]);
        body.extend_from_slice(self.source.as_bytes());
        body.extend_from_slice(&[0, 1, 1]);
        body.extend_from_slice(self.destination.as_bytes());
        body.extend_from_slice(&[0, self.esm_class, 0, 0]);
        for time in [&self.schedule, &self.validity] {
            body.extend_from_slice(time.as_bytes());
            body.push(0);
        }
        body.extend_from_slice(&[self.registered, self.replaces, 0, 0]);
        body.push(u8::try_from(self.text.len()).expect("a short text"));
        body.extend_from_slice(&self.text);
        body
    }

    pub fn read(body: &[u8]) -> Self {
        let mut rest = body;
        let service_type = text(&mut rest);
        rest = &rest[2..];
        let source = text(&mut rest);
        rest = &rest[2..];
        let destination = text(&mut rest);
        let esm_class = rest[0];
        rest = &rest[3..];
        let schedule = text(&mut rest);
        let validity = text(&mut rest);
        let (registered, replaces) = (rest[0], rest[1]);
        let length = usize::from(rest[4]);
        let text = rest[5..5 + length].to_vec();
        Self { source, destination, esm_class, registered, text, schedule, validity, service_type, replaces }
    }

    pub fn is_receipt(&self) -> bool {
        self.esm_class & 0x3c == 0x04
    }

    /// A field of a receipt's text (SMPP 3.4, appendix B).
    pub fn receipt_field(&self, name: &str) -> String {
        let text = String::from_utf8_lossy(&self.text).into_owned();
        let found = text.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix(':'));
        found.unwrap_or_default().to_owned()
    }
}
