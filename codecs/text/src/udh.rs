//! User data headers: 3GPP TS 23.040 clause 9.2.3.24.
//!
//! A [`Udh`] keeps its octets as they came, so that a header passed through is the same to the octet;
//! the accessors read from them.

mod element;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use element::{Concat, Element, Ports, identifier};

use crate::gsm7::Alphabet;

/// What is wrong with a header. Offsets count from its length octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UdhError {
    /// There is no length octet.
    #[error("user data header is empty")]
    Empty,
    /// The length octet asks for more than there is.
    #[error("user data header of {length} octets at offset 0 runs past the {available} that follow")]
    Overrun {
        /// What the length octet says.
        length: u8,
        /// Octets behind it.
        available: usize,
    },
    /// An identifier without a length octet ends the header.
    #[error("element 0x{identifier:02x} at offset {offset} of the user data header has no length")]
    Truncated {
        /// The element identifier.
        identifier: u8,
        /// Where the element starts.
        offset: usize,
    },
    /// The length of an element runs past the header.
    #[error(
        "element 0x{identifier:02x} at offset {offset} of the user data header has {length} octets, \
         {available} are left"
    )]
    ElementOverrun {
        /// The element identifier.
        identifier: u8,
        /// What its length octet says.
        length: u8,
        /// Octets left in the header.
        available: usize,
        /// Where the element starts.
        offset: usize,
    },
    /// A known element has not the length that the standard gives it.
    #[error(
        "element 0x{identifier:02x} at offset {offset} of the user data header has {found} octets, \
         not {expected}"
    )]
    ElementLength {
        /// The element identifier.
        identifier: u8,
        /// Octets that the standard asks for.
        expected: usize,
        /// Octets found.
        found: usize,
        /// Where the element starts.
        offset: usize,
    },
    /// A header that is built would not fit its length octet or a message.
    #[error("user data header of {length} octets is longer than {MAX_ELEMENT_OCTETS}")]
    TooLong {
        /// Octets of all elements.
        length: usize,
    },
}

/// Octets of elements that leave room for at least one octet of user data.
pub const MAX_ELEMENT_OCTETS: usize = crate::encoding::OCTETS_PER_MESSAGE - 2;

/// A well-formed header with its length octet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Udh(Bytes);

impl Udh {
    /// Splits user data that starts with a header (the UDHI bit of esm_class says so) from what
    /// follows, without copying.
    ///
    /// # Errors
    /// Any [`UdhError`] but `TooLong`; the message then has no header that could be read.
    pub fn split(user_data: &Bytes) -> Result<(Self, Bytes), UdhError> {
        let length = header_len(user_data)?;
        let header = Self(user_data.slice(..length));
        for element in header.walk() {
            element?;
        }
        Ok((header, user_data.slice(length..)))
    }

    /// Builds a header.
    ///
    /// # Errors
    /// [`UdhError::TooLong`].
    pub fn build(elements: &[Element<'_>]) -> Result<Self, UdhError> {
        let mut octets = vec![0];
        for element in elements {
            if let Element::Other { data, .. } = element
                && data.len() > MAX_ELEMENT_OCTETS
            {
                return Err(UdhError::TooLong { length: data.len() + 2 });
            }
            element.write(&mut octets);
        }
        let length = octets.len() - 1;
        if length > MAX_ELEMENT_OCTETS {
            return Err(UdhError::TooLong { length });
        }
        octets[0] = length as u8;
        Ok(Self(octets.into()))
    }

    /// The octets, the length octet first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The octets without copying.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Its elements in order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        // Both ways to make a header have walked it without an error.
        self.walk().filter_map(Result::ok)
    }

    /// The concatenation element. Where there are several, the last one counts (clause 9.2.3.24).
    #[must_use]
    pub fn concat(&self) -> Option<Concat> {
        self.elements()
            .filter_map(|element| if let Element::Concat(concat) = element { Some(concat) } else { None })
            .last()
    }

    /// The port element, the last one where there are several.
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        self.elements()
            .filter_map(|element| if let Element::Ports(ports) = element { Some(ports) } else { None })
            .last()
    }

    /// The GSM 7-bit tables that this header selects.
    #[must_use]
    pub fn alphabet(&self) -> Alphabet {
        let mut alphabet = Alphabet::DEFAULT;
        for element in self.elements() {
            match element {
                Element::SingleShift(language) => alphabet.single = language,
                Element::LockingShift(language) => alphabet.locking = language,
                Element::Concat(_) | Element::Ports(_) | Element::Other { .. } => {}
            }
        }
        alphabet
    }

    fn walk(&self) -> Walk<'_> {
        Walk { header: &self.0, offset: 1 }
    }
}

/// Reads the concatenation element of user data without keeping the header: the hot path of intake.
///
/// # Errors
/// As [`Udh::split`], for what precedes the element.
pub fn peek_concat(user_data: &[u8]) -> Result<Option<Concat>, UdhError> {
    let header = &user_data[..header_len(user_data)?];
    let mut concat = None;
    for element in (Walk { header, offset: 1 }) {
        if let Element::Concat(found) = element? {
            concat = Some(found);
        }
    }
    Ok(concat)
}

/// Octets of the header at the start of user data, its length octet included.
fn header_len(user_data: &[u8]) -> Result<usize, UdhError> {
    let (&length, rest) = user_data.split_first().ok_or(UdhError::Empty)?;
    if usize::from(length) > rest.len() {
        return Err(UdhError::Overrun { length, available: rest.len() });
    }
    Ok(usize::from(length) + 1)
}

struct Walk<'a> {
    header: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Element<'a>, UdhError>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        let (&identifier, rest) = self.header.get(offset..)?.split_first()?;
        // After an error there is no next element.
        self.offset = self.header.len();
        let Some((&length, rest)) = rest.split_first() else {
            return Some(Err(UdhError::Truncated { identifier, offset }));
        };
        let Some(data) = rest.get(..usize::from(length)) else {
            let available = rest.len();
            return Some(Err(UdhError::ElementOverrun { identifier, length, available, offset }));
        };
        self.offset = offset + 2 + data.len();
        Some(Element::read(identifier, data, offset))
    }
}
