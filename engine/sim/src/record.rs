//! What the log of a shard holds.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_core::address::Address;
use signalbox_core::backend::Offset;
use signalbox_core::exchange::{Answer, LinkReceipt, ReplyTo, Submit, SubmitChannel};
use signalbox_core::id::{AccountId, Epoch, LinkId, MessageId, PeerId, SessionId};
use signalbox_core::message::{Content, OriginClass, ReceiptRequest, ReceiptState, TrafficClass};
use signalbox_core::outcome::ErrorClass;
use signalbox_core::time::Micros;

/// A message as an ESME offers it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub account: AccountId,
    pub class: TrafficClass,
    pub source: Address,
    pub destination: Address,
    pub parts: Vec<Content>,
    /// End of validity, seconds from acceptance.
    pub validity: Option<u32>,
    pub receipt: ReceiptRequest,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    Taken(Bytes),
    Refused(ErrorClass, u32),
}

/// A receipt as an SMSC sends it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    pub link: LinkId,
    pub remote_id: Bytes,
    pub device: Address,
    pub state: ReceiptState,
    pub text: Bytes,
}

/// What time and credit decided in a turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TurnRecord {
    pub epoch: Epoch,
    /// The last record that was handled when it was decided; those between it and this one were not read yet.
    pub upto: Option<Offset>,
    /// Attempts let go.
    pub attempts: Vec<(MessageId, u16, PeerId)>,
    /// CDRs, encoded.
    pub cdrs: Vec<Bytes>,
}

/// One record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Record {
    /// An accepted message, with the id that it was answered with.
    Submit { id: MessageId, offer: Offer },
    /// An owner takes over: turns of former ones behind this are void.
    Claim { epoch: Epoch },
    /// What an owner is about to commit that a replay might decide otherwise.
    Turn(TurnRecord),
    /// What a peer said to an attempt.
    Answered { message: MessageId, attempt: u16, said: Said },
    /// What a link told of a message.
    Receipt(Told),
}

/// Nobody waits: what comes through the log was answered before.
const NOBODY: ReplyTo = ReplyTo { session: SessionId(0), token: 0 };

impl Record {
    pub(crate) fn encode(&self) -> Bytes {
        postcard::to_stdvec(self).expect("a vector takes any number of octets").into()
    }

    pub(crate) fn decode(octets: &[u8]) -> Self {
        postcard::from_bytes(octets).expect("the log holds what was appended")
    }
}

impl Offer {
    /// The submission that was accepted at `at`.
    pub(crate) fn submit(&self, at: Micros) -> Submit {
        Submit {
            reply: NOBODY,
            account: self.account,
            channel: SubmitChannel::Smpp,
            origin_class: OriginClass::User,
            class: self.class,
            source: self.source.clone(),
            destinations: [self.destination.clone()].into_iter().collect(),
            parts: self.parts.iter().cloned().collect(),
            not_before: None,
            expires_at: self.validity.map(|seconds| at.after(std::time::Duration::from_secs(seconds.into()))),
            receipt: self.receipt,
            idempotency: None,
            first_part: true,
            in_parts: None,
            short_id: false,
        }
    }
}

impl Said {
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Taken(remote_id) => Answer::Taken { remote_id },
            Self::Refused(class, status) => Answer::Refused { class, status },
        }
    }
}

impl Told {
    pub(crate) fn receipt(self) -> LinkReceipt {
        LinkReceipt {
            reply: NOBODY,
            link: self.link,
            remote_id: self.remote_id,
            device: self.device,
            state: self.state,
            error: 0,
            network_error: None,
            text: self.text,
        }
    }
}
