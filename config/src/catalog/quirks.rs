//! What a peer's SMPP has of its own: lenient in, strict out.

use crate::setting::{choices, settings};
use crate::value::{Count, SignedCount};

choices! {
    /// Characters of address fields.
    pub enum AddressCharset {
        /// ASCII alone; other octets are refused with the status of their field.
        Ascii = "ascii",
        /// Latin-1 comes and goes.
        Latin1 = "latin1",
    }
}

choices! {
    /// Where the NUL of the last text of a PDU may be missing.
    pub enum MissingNul {
        /// Nowhere.
        Refuse = "refuse",
        /// In responses.
        InResponses = "in_responses",
        /// Everywhere.
        Accept = "accept",
    }
}

choices! {
    /// What the peer counts in sm_length.
    pub enum SmLength {
        /// The octets of short_message.
        Exact = "exact",
        /// One more or one less.
        OffByOne = "off_by_one",
    }
}

choices! {
    /// How TLVs of the peer are read.
    pub enum TlvCheck {
        /// All are kept as they are.
        Keep = "keep",
        /// The lengths of known ones are checked.
        CheckLengths = "check_lengths",
        /// None is allowed.
        Refuse = "refuse",
    }
}

choices! {
    /// How times of the peer are checked.
    pub enum TimeCheck {
        /// By their length; odd ones count as not there.
        Length = "length",
        /// They must be well-formed.
        Format = "format",
    }
}

choices! {
    /// How the peer writes message ids in receipts, compared with its responses.
    pub enum MessageIdForm {
        /// Whatever matches: hexadecimal, decimal, upper case, zero-padded.
        Auto = "auto",
        /// Compared as text.
        Text = "text",
        /// Hexadecimal in responses, decimal in receipts.
        HexThenDecimal = "hex_then_decimal",
        /// Decimal in responses, hexadecimal in receipts.
        DecimalThenHex = "decimal_then_hex",
    }
}

choices! {
    /// The alphabet that data_coding 0 stands for at the peer.
    pub enum DefaultAlphabet {
        /// GSM 03.38.
        Gsm7 = "gsm7",
        /// ASCII.
        Ascii = "ascii",
        /// Latin-1.
        Latin1 = "latin1",
        /// UTF-8.
        Utf8 = "utf8",
        /// UCS-2.
        Ucs2 = "ucs2",
    }
}

settings! {
    /// What a peer's SMPP has of its own. The defaults suit most peers.
    pub struct Quirks {
        /// Characters of address fields.
        addresses: AddressCharset = "latin1",
        /// Responses without an error may lack their body.
        missing_body: bool = true,
        /// Where the NUL of the last text of a PDU may be missing.
        missing_nul: MissingNul = "in_responses",
        /// What the peer counts in sm_length.
        sm_length: SmLength = "exact",
        /// short_message and message_payload may both be filled.
        both_texts: bool = true,
        /// How TLVs are read.
        tlvs: TlvCheck = "keep",
        /// Responses whose TLVs are damaged count without them.
        damaged_response_tlvs: bool = true,
        /// PDUs without a body may be followed by octets that mean nothing.
        stray_octets: bool = true,
        /// How times are checked.
        times: TimeCheck = "length",
        /// Longest password in octets; 8 in SMPP 3.4.
        password_length: Count<8, 64> = 32,
        /// Our responses with an error have their (empty) body.
        error_response_body: bool = false,
        /// How the peer writes message ids in receipts.
        message_ids: MessageIdForm = "auto",
        /// deliver_sm whose text reads like a receipt is one, even when esm_class does not say so.
        receipts_by_text: bool = true,
        /// Quarters of an hour between UTC and the dates in receipts.
        receipt_utc_offset: SignedCount<-48, 56> = 0,
        /// Dates in our receipts have seconds.
        receipt_seconds: bool = false,
        /// Eight septets of GSM 03.38 lie in seven octets.
        gsm7_packed: bool = false,
        /// The alphabet that data_coding 0 stands for.
        default_alphabet: DefaultAlphabet = "gsm7",
    }
}
