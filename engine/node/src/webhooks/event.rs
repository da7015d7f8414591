//! Events as JSON.

use serde::Serialize;
use signalbox_core::gate::Released;
use signalbox_core::inbound::{DeviceMessage, Words};
use signalbox_core::message::{Body, ReceiptContent, ReceiptState};
use utoipa::ToSchema;

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
    /// What the user data header has besides the place of a part, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// data_coding.
    pub data_coding: u8,
    /// In how many parts the device sent it.
    pub parts: u8,
    /// The numbers of the parts that did not come in time, from 1; absent for a complete message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<u8>,
    /// When it was accepted, of several parts the first.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Option<jiff::Timestamp>,
    /// When the last of several parts was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<jiff::Timestamp>,
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
            Body::Content(_) => ("mo", None, DeviceMessage::of(released).map(MoEvent::from)),
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

impl From<DeviceMessage> for MoEvent {
    fn from(message: DeviceMessage) -> Self {
        let DeviceMessage { source, destination, words, header, data_coding, parts, missing, .. } = message;
        let (text, unreadable, data) = match words {
            Words::Text { text, unreadable } => (Some(text), unreadable, None),
            Words::Data(octets) => (None, 0, Some(hex(&octets))),
        };
        Self {
            source: source.to_text(),
            destination: destination.to_text(),
            text,
            unreadable,
            data,
            header: header.as_ref().map(|header| hex(header.as_bytes())),
            data_coding,
            parts,
            missing,
            received_at: instant(message.first_at),
            completed_at: if parts > 1 { instant(message.last_at) } else { None },
        }
    }
}
