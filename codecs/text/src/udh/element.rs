//! Information elements of a user data header.

use super::UdhError;
use crate::gsm7::Language;

/// Element identifiers of 3GPP TS 23.040 clause 9.2.3.24 that are read here.
pub mod identifier {
    /// Concatenated short messages, 8-bit reference.
    pub const CONCAT_8: u8 = 0x00;
    /// Application port addressing, 8-bit.
    pub const PORTS_8: u8 = 0x04;
    /// Application port addressing, 16-bit.
    pub const PORTS_16: u8 = 0x05;
    /// Concatenated short messages, 16-bit reference.
    pub const CONCAT_16: u8 = 0x08;
    /// National language single shift.
    pub const SINGLE_SHIFT: u8 = 0x24;
    /// National language locking shift.
    pub const LOCKING_SHIFT: u8 = 0x25;
}

/// The place of a part in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// Reference that the parts of one message share; 8 bits of it unless `wide`.
    pub reference: u16,
    /// Number of parts, 1 to 255.
    pub total: u8,
    /// This part, 1 to `total`.
    pub sequence: u8,
    /// Whether the element has a 16-bit reference.
    pub wide: bool,
}

/// Application ports; WAP push goes to 2948, its secure form to 2949.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// The receiver's port.
    pub destination: u16,
    /// The sender's port.
    pub source: u16,
    /// Whether the element has 16-bit ports.
    pub wide: bool,
}

/// One information element. What is not understood is kept as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element<'a> {
    /// Concatenation, 8- or 16-bit (IEI 0x00, 0x08).
    Concat(Concat),
    /// Port addressing, 8- or 16-bit (IEI 0x04, 0x05).
    Ports(Ports),
    /// National language single shift table (IEI 0x24).
    SingleShift(Language),
    /// National language locking shift table (IEI 0x25).
    LockingShift(Language),
    /// Any other element; also one of the above with a value the standard says to ignore: a part
    /// number of zero or above the total, a reserved language.
    Other {
        /// The element identifier.
        identifier: u8,
        /// The octets after its length.
        data: &'a [u8],
    },
}

impl<'a> Element<'a> {
    /// Reads the data of one element that starts at `offset` of the header.
    pub(super) fn read(identifier: u8, data: &'a [u8], offset: usize) -> Result<Self, UdhError> {
        let other = Self::Other { identifier, data };
        let wrong = |expected| UdhError::ElementLength { identifier, expected, found: data.len(), offset };
        let element = match identifier {
            identifier::CONCAT_8 => {
                let &[reference, total, sequence] = data else { return Err(wrong(3)) };
                concat(u16::from(reference), total, sequence, false)
            }
            identifier::CONCAT_16 => {
                let &[high, low, total, sequence] = data else { return Err(wrong(4)) };
                concat(u16::from_be_bytes([high, low]), total, sequence, true)
            }
            identifier::PORTS_8 => {
                let &[destination, source] = data else { return Err(wrong(2)) };
                let (destination, source) = (u16::from(destination), u16::from(source));
                Some(Self::Ports(Ports { destination, source, wide: false }))
            }
            identifier::PORTS_16 => {
                let &[d1, d0, s1, s0] = data else { return Err(wrong(4)) };
                let (destination, source) = (u16::from_be_bytes([d1, d0]), u16::from_be_bytes([s1, s0]));
                Some(Self::Ports(Ports { destination, source, wide: true }))
            }
            identifier::SINGLE_SHIFT => {
                let &[language] = data else { return Err(wrong(1)) };
                Language::from_identifier(language).map(Self::SingleShift)
            }
            identifier::LOCKING_SHIFT => {
                let &[language] = data else { return Err(wrong(1)) };
                Language::from_identifier(language).map(Self::LockingShift)
            }
            _ => None,
        };
        Ok(element.unwrap_or(other))
    }

    /// Appends identifier, length and data. Values too large for an 8-bit form lose their high octet.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Concat(Concat { reference, total, sequence, wide }) => {
                let [high, low] = reference.to_be_bytes();
                if wide {
                    out.extend_from_slice(&[identifier::CONCAT_16, 4, high, low, total, sequence]);
                } else {
                    out.extend_from_slice(&[identifier::CONCAT_8, 3, low, total, sequence]);
                }
            }
            Self::Ports(Ports { destination, source, wide }) => {
                let ([d1, d0], [s1, s0]) = (destination.to_be_bytes(), source.to_be_bytes());
                if wide {
                    out.extend_from_slice(&[identifier::PORTS_16, 4, d1, d0, s1, s0]);
                } else {
                    out.extend_from_slice(&[identifier::PORTS_8, 2, d0, s0]);
                }
            }
            Self::SingleShift(language) => {
                out.extend_from_slice(&[identifier::SINGLE_SHIFT, 1, language.identifier()]);
            }
            Self::LockingShift(language) => {
                out.extend_from_slice(&[identifier::LOCKING_SHIFT, 1, language.identifier()]);
            }
            Self::Other { identifier, data } => {
                out.push(identifier);
                out.push(data.len() as u8);
                out.extend_from_slice(data);
            }
        }
    }
}

fn concat<'a>(reference: u16, total: u8, sequence: u8, wide: bool) -> Option<Element<'a>> {
    let valid = sequence >= 1 && sequence <= total;
    valid.then_some(Element::Concat(Concat { reference, total, sequence, wide }))
}
