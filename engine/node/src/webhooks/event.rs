//! Events as JSON.

use serde::Serialize;
use signalbox_core::gate::Released;
use signalbox_core::message::{Body, Content, ReceiptContent, ReceiptState};
use signalbox_smpp::Tlvs;
use signalbox_text::Udh;
use signalbox_text::text::{Content as Text, Profile};
use utoipa::ToSchema;

/// esm_class: a user data header is there (SMPP 3.4 cl. 5.2.12).
const UDHI: u8 = 0x40;

/// What is posted to a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct WebhookEventBody {
    /// Id of the event: the same each time it is tried.
    pub id: String,
    /// `receipt` or `mo`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Which try it is, from 1.
    pub attempt: u16,
    /// The account whose event it is.
    pub account: String,
    /// What became of a message, for a receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptEvent>,
    /// The message, for an MO message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MoEvent>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReceiptEvent {
    /// The id that its submission was answered with.
    pub message_id: String,
    /// `enroute`, `delivered`, `expired`, `deleted`, `undeliverable`, `accepted`, `unknown`, `rejected`,
    /// `scheduled` or `skipped`.
    #[schema(value_type = String)]
    pub state: ReceiptState,
    /// True when a later state may follow.
    pub intermediate: bool,
    /// From, as it was submitted.
    pub source: String,
    /// To: the device.
    pub destination: String,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Option<jiff::Timestamp>,
    /// When it reached the state.
    #[schema(value_type = String, format = DateTime)]
    pub done_at: Option<jiff::Timestamp>,
    /// The error code of the network, zero for none.
    pub error: u16,
    /// The network's own error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_error: Option<NetworkError>,
}

/// network_error_code (SMPP 3.4 cl. 5.3.2.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NetworkError {
    /// Type of network.
    pub network: u8,
    /// Code.
    pub code: u16,
}

/// A message from a device.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MoEvent {
    /// From: the device.
    pub source: String,
    /// To: the account's address.
    pub destination: String,
    /// The text; absent when it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Characters that could not be read and are U+FFFD in the text.
    #[serde(skip_serializing_if = "is_zero")]
    pub unreadable: usize,
    /// The octets in hexadecimal digits, where they are no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The user data header in hexadecimal digits, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// data_coding.
    pub data_coding: u8,
    /// The place in a longer message, if it is a part of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<PartPlace>,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Option<jiff::Timestamp>,
}

/// The place of a part in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartPlace {
    /// Common to the parts of one message from one device.
    pub reference: u16,
    /// From 1.
    pub number: u8,
    /// How many there are.
    pub total: u8,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn instant(at: signalbox_core::time::Micros) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(at.0).ok()
}

impl WebhookEventBody {
    /// The event that a released message is to `account`.
    pub(super) fn of(released: &Released, account: &str) -> Self {
        let (kind, receipt, message) = match released.body() {
            Body::Receipt(content) => ("receipt", Some(receipt(released, content)), None),
            Body::Content(content) => ("mo", None, Some(mo(released, content))),
        };
        Self {
            id: released.id().to_string(),
            kind,
            attempt: released.attempt(),
            account: account.to_owned(),
            receipt,
            message,
        }
    }
}

fn receipt(released: &Released, content: &ReceiptContent) -> ReceiptEvent {
    ReceiptEvent {
        message_id: content.message_id.clone(),
        state: content.state,
        intermediate: content.state.is_intermediate(),
        // A receipt goes back: its source is the device.
        source: released.destination().to_text(),
        destination: released.source().to_text(),
        submitted_at: instant(content.submitted_at),
        done_at: instant(content.done_at),
        error: content.error,
        network_error: content.network_error.map(|(network, code)| NetworkError { network, code }),
    }
}

fn mo(released: &Released, content: &Content) -> MoEvent {
    let tlvs = Tlvs::from_bytes(content.tlvs.clone()).unwrap_or_default();
    let user_data = if content.payload.is_empty() {
        tlvs.message_payload().unwrap_or_default()
    } else {
        content.payload.clone()
    };
    let (header, body) = if content.esm_class & UDHI == 0 {
        (None, user_data)
    } else {
        match Udh::split(&user_data) {
            Ok((header, body)) => (Some(header), body),
            // A header that cannot be read is told as it came.
            Err(_) => (None, user_data),
        }
    };
    let by_header = header.as_ref().and_then(Udh::concat).map(|concat| PartPlace {
        reference: concat.reference,
        number: concat.sequence,
        total: concat.total,
    });
    let by_tlvs = || {
        tlvs.sar().map(|sar| PartPlace { reference: sar.reference, number: sar.segment, total: sar.total })
    };
    let (text, unreadable) = match Profile::default().decode(content.data_coding, header.as_ref(), &body) {
        Text::Text { text, defects } => (Some(text), defects),
        Text::Binary { .. } => (None, 0),
    };
    MoEvent {
        source: released.source().to_text(),
        destination: released.destination().to_text(),
        data: if text.is_none() { Some(hex(&body)) } else { None },
        text,
        unreadable,
        header: header.as_ref().map(|header| hex(header.as_bytes())),
        data_coding: content.data_coding,
        part: by_header.or_else(by_tlvs),
        received_at: instant(released.id().accepted_at()),
    }
}
