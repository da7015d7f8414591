//! What is changed in messages on their way to or from a link.

use std::fmt;
use std::str::FromStr;

use crate::setting::{Agreement, Cursor, Problems, choices, settings, text_setting};
use crate::value::{Count, Octets, Text, TlvTag};

choices! {
    /// Which way a message goes.
    pub enum Way {
        /// To the peer.
        Out = "out",
        /// From the peer.
        In = "in",
    }
}

choices! {
    /// One of the two addresses of a message.
    pub enum AddressField {
        /// Who sends.
        Source = "source",
        /// Who receives.
        Destination = "destination",
    }
}

settings! {
    /// A change of one address of messages that it fits.
    pub struct AddressRewrite agrees {
        /// The way of the messages.
        way: Way = "out",
        /// The address.
        address: AddressField => "source",
        /// It fits addresses that begin so; all when it is not set.
        prefix: Option<Text<1, 20>> => "00",
        /// It fits addresses with this type of number; all when it is not set.
        ton: Option<Count<0, 255>> => 0,
        /// It fits addresses with this numbering plan; all when it is not set.
        npi: Option<Count<0, 255>> => 1,
        /// Characters that are taken from the beginning.
        strip: Count<0, 20> = 0,
        /// What is put at the beginning then.
        add: Text<0, 20> = "",
        /// What stands in place of the whole address instead.
        replace: Option<Text<1, 20>> => "Signalbox",
        /// The type of number then.
        set_ton: Option<Count<0, 255>> => 1,
        /// The numbering plan then.
        set_npi: Option<Count<0, 255>> => 1,
    }
}

impl Agreement for AddressRewrite {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.replace.is_some() && (self.strip.get() > 0 || !self.add.is_empty()) {
            problems.conflict(at, "replace", "goes without strip and add");
        }
        let changes = self.replace.is_some()
            || self.strip.get() > 0
            || !self.add.is_empty()
            || self.set_ton.is_some()
            || self.set_npi.is_some();
        if !changes {
            problems.conflict(
                at,
                "address",
                "nothing is changed: set strip, add, replace, set_ton or set_npi",
            );
        }
    }
}

settings! {
    /// TLVs that are taken away or added on the way.
    pub struct TlvRules {
        /// Tags that do not leave.
        strip_out: Vec<TlvTag> => ["0x1400"],
        /// Tags that are not taken in.
        strip_in: Vec<TlvTag>,
        /// TLVs that leave with each message that has none of the same tag.
        add_out: Vec<Tlv>,
    }
}

settings! {
    /// One TLV.
    pub struct Tlv {
        /// Its tag.
        tag: TlvTag => "0x1401",
        /// Its value in hexadecimal.
        value: Octets => "0001",
    }
}

/// A data_coding (SMPP 3.4, 5.2.19), written `0x08` or `8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataCoding(pub u8);

const DATA_CODING: &str = "a data_coding such as \"0x08\"";

text_setting!(DataCoding, DATA_CODING);

impl FromStr for DataCoding {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let code = match text.strip_prefix("0x") {
            Some(digits) => u8::from_str_radix(digits, 16),
            None => text.parse(),
        };
        code.map(Self).map_err(|_| DATA_CODING.into())
    }
}

impl fmt::Display for DataCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02x}", self.0)
    }
}
