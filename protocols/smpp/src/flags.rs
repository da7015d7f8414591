//! The one-octet fields with structure: esm_class, registered_delivery, data_coding, priority, message_state.

use crate::named::named_values;
use std::fmt;

macro_rules! octet {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub u8);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#04x}", self.0)
            }
        }

        impl From<u8> for $name {
            fn from(value: u8) -> Self {
                $name(value)
            }
        }
    };
}

octet! {
    /// esm_class (SMPP 3.4 clause 5.2.12): mode in bits 0-1, type in bits 2-5, GSM features in bits 6-7.
    EsmClass
}

impl EsmClass {
    /// The default: store and forward, default message type, no feature.
    pub const DEFAULT: EsmClass = EsmClass(0x00);
    /// Transaction mode (data_sm and submit_sm answered by the delivery itself): "forward".
    pub const FORWARD: EsmClass = EsmClass(0x02);
    /// A receipt in deliver_sm or data_sm.
    pub const DELIVERY_RECEIPT: EsmClass = EsmClass(0x04);
    /// An intermediate notification.
    pub const INTERMEDIATE: EsmClass = EsmClass(0x20);
    /// The bit that says short_message starts with a user data header.
    pub const UDHI: u8 = 0x40;
    /// The bit that asks for a reply path.
    pub const REPLY_PATH: u8 = 0x80;

    /// Bits 0-1: 0 default, 1 datagram, 2 forward, 3 store and forward.
    pub const fn mode(self) -> u8 {
        self.0 & 0x03
    }

    /// Bits 2-5, not shifted: 0x04 receipt, 0x08 SME delivery acknowledgement, 0x10 SME user
    /// acknowledgement, 0x18 conversation abort, 0x20 intermediate notification.
    pub const fn message_type(self) -> u8 {
        self.0 & 0x3c
    }

    /// Whether the type says delivery receipt.
    pub const fn is_receipt(self) -> bool {
        self.message_type() == 0x04
    }

    /// Whether the type says intermediate notification.
    pub const fn is_intermediate(self) -> bool {
        self.message_type() == 0x20
    }

    /// Whether short_message starts with a user data header.
    pub const fn has_udh(self) -> bool {
        self.0 & Self::UDHI != 0
    }

    /// Whether a reply path is asked for.
    pub const fn has_reply_path(self) -> bool {
        self.0 & Self::REPLY_PATH != 0
    }
}

octet! {
    /// registered_delivery (SMPP 3.4 clause 5.2.17).
    RegisteredDelivery
}

impl RegisteredDelivery {
    /// No receipt.
    pub const NONE: RegisteredDelivery = RegisteredDelivery(0);
    /// A receipt for success and for failure.
    pub const FINAL: RegisteredDelivery = RegisteredDelivery(1);
    /// A receipt for failure only.
    pub const FAILURE: RegisteredDelivery = RegisteredDelivery(2);
    /// A receipt for success only (5.0).
    pub const SUCCESS: RegisteredDelivery = RegisteredDelivery(3);
    /// The bit that asks for intermediate notifications.
    pub const INTERMEDIATE: u8 = 0x10;

    /// Whether a receipt is asked for when the message was delivered.
    pub const fn on_success(self) -> bool {
        matches!(self.0 & 0x03, 1 | 3)
    }

    /// Whether a receipt is asked for when the message was not delivered.
    pub const fn on_failure(self) -> bool {
        matches!(self.0 & 0x03, 1 | 2)
    }

    /// Whether intermediate notifications are asked for.
    pub const fn intermediate(self) -> bool {
        self.0 & Self::INTERMEDIATE != 0
    }

    /// Bits 2-3: acknowledgements asked of the recipient (1 delivery, 2 manual, 3 both).
    pub const fn sme_acknowledgement(self) -> u8 {
        (self.0 >> 2) & 0x03
    }
}

octet! {
    /// data_coding (SMPP 3.4 clause 5.2.19).
    DataCoding
}

impl DataCoding {
    /// The SMSC's default alphabet.
    pub const DEFAULT: DataCoding = DataCoding(0);
    /// ASCII (IA5).
    pub const ASCII: DataCoding = DataCoding(1);
    /// Octets.
    pub const BINARY: DataCoding = DataCoding(2);
    /// Latin-1.
    pub const LATIN1: DataCoding = DataCoding(3);
    /// Octets (the second value).
    pub const BINARY_ALTERNATIVE: DataCoding = DataCoding(4);
    /// JIS.
    pub const JIS: DataCoding = DataCoding(5);
    /// Cyrillic (ISO 8859-5).
    pub const CYRILLIC: DataCoding = DataCoding(6);
    /// Hebrew (ISO 8859-8).
    pub const HEBREW: DataCoding = DataCoding(7);
    /// UCS-2, in practice UTF-16BE.
    pub const UCS2: DataCoding = DataCoding(8);
}

named_values! {
    /// message_state (SMPP 3.4 clause 5.2.28, 5.0 clause 4.7.15).
    MessageState(u8) {
        /// Scheduled (5.0).
        SCHEDULED = 0 "SCHEDULED",
        /// On its way.
        ENROUTE = 1 "ENROUTE",
        /// Delivered.
        DELIVERED = 2 "DELIVERED",
        /// The validity period ran out.
        EXPIRED = 3 "EXPIRED",
        /// Deleted.
        DELETED = 4 "DELETED",
        /// Undeliverable.
        UNDELIVERABLE = 5 "UNDELIVERABLE",
        /// Accepted (read by hand on behalf of the subscriber).
        ACCEPTED = 6 "ACCEPTED",
        /// Unknown.
        UNKNOWN = 7 "UNKNOWN",
        /// Rejected.
        REJECTED = 8 "REJECTED",
        /// Skipped (5.0).
        SKIPPED = 9 "SKIPPED",
    }
}

impl MessageState {
    /// Whether no later state follows. ENROUTE, SCHEDULED and values without a name are not final.
    pub const fn is_final(self) -> bool {
        matches!(self.0, 2..=9)
    }
}
