//! SMPP 3.3, 3.4 and 5.0 without I/O: PDUs, sessions, windows, receipts.
//!
//! The crate turns octets and the time into events and octets. It has no sockets, no clock, no tasks and no
//! text encodings: whoever uses it reads and writes the connection and converts short_message.
//!
//! * [`frame`] cuts the stream by command_length before anything else is looked at, so that no bad PDU costs the
//!   next one.
//! * [`Pdu::decode`] shares the frame's memory; [`ShortMessageView`] borrows it. A fault is a [`DecodeError`]
//!   that knows its answer. [`Pdu::encode`] is strict. [`Profile`] says how a peer deviates.
//! * [`Session`] is the machine of both sides: binds, windows, timers, nacks.
//! * [`time`], [`receipt`] and [`message_id`] read what else is text in SMPP.
//!
//! What each profile makes of each fault is tabulated in `profiles.md`, whose cells are tests. Decoders and the
//! session are fuzzed on stable Rust by `tests/smpp/fuzz.rs`.
//!
//! Text fields are slices of the frame, and a frame is a slice of the read buffer. Who keeps a small part of a
//! message for long should copy it.
//!
//! # Smallest use
//!
//! An ESME and an SMSC in one thread:
//!
//! ```
//! use bytes::BytesMut;
//! use signalbox_smpp::{
//!     Address, Bind, BindMode, Body, CommandStatus, Event, MessageResp, Role, Session, SessionConfig,
//!     ShortMessage, Version,
//! };
//!
//! /// Stands for the connection.
//! fn carry(from: &mut Session, to: &mut Session, now: u64) {
//!     if let Some(output) = from.poll_transmit() {
//!         let mut octets: BytesMut = output.split();
//!         to.handle_input(now, &mut octets);
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = 0;
//! let mut esme = Session::new(SessionConfig::new(Role::Esme), now);
//! let mut smsc = Session::new(SessionConfig::new(Role::Smsc), now);
//!
//! esme.bind(now, BindMode::Transceiver, Bind::new("demo", "demo", Version::V3_4))?;
//! carry(&mut esme, &mut smsc, now);
//! let Some(Event::BindRequest { bind, .. }) = smsc.poll_event() else { panic!() };
//! assert_eq!(bind.system_id, "demo");
//! smsc.accept_bind(now, "signalbox")?;
//! carry(&mut smsc, &mut esme, now);
//! assert!(matches!(esme.poll_event(), Some(Event::Bound { version: Version::V3_4, .. })));
//!
//! let message = ShortMessage {
//!     source: Address::alphanumeric("Signalbox"),
//!     destination: Address::international("447700900123"),
//!     short_message: "hello".into(),
//!     ..ShortMessage::default()
//! };
//! esme.send(now, &Body::SubmitSm(message), 42)?;
//! carry(&mut esme, &mut smsc, now);
//! let Some(Event::Request { sequence, body: Body::SubmitSm(message), .. }) = smsc.poll_event() else { panic!() };
//! assert_eq!(&message.short_message[..], b"hello");
//! smsc.respond(now, sequence, CommandStatus::ROK, &Body::SubmitSmResp(MessageResp::new("1a2b")))?;
//! carry(&mut smsc, &mut esme, now);
//! let Some(Event::Response { token: 42, status, body: Body::SubmitSmResp(resp), .. }) = esme.poll_event() else {
//!     panic!()
//! };
//! assert!(status.is_ok());
//! assert_eq!(resp.message_id, "1a2b");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod address;
mod command;
mod decode;
mod encode;
mod field;
mod flags;
pub mod frame;
pub mod message_id;
mod named;
mod octets;
mod pdu;
mod profile;
pub mod receipt;
pub mod session;
mod status;
pub mod time;
mod tlv;

pub use address::{Address, Npi, Ton};
pub use command::CommandId;
pub use decode::{DecodeError, Fault};
pub use encode::EncodeError;
pub use field::Field;
pub use flags::{DataCoding, EsmClass, MessageState, RegisteredDelivery};
pub use frame::{FrameError, Header, split_frame};
pub use message_id::{IdCandidates, IdKey, IdMatch, IdPlace, MessageIdForm};
pub use octets::COctets;
pub use pdu::{
    AlertNotification, Bind, BindMode, BindResp, Body, BroadcastSm, CancelBroadcastSm, CancelSm, DataSm,
    Destination, MessageResp, MessageRespView, Outbind, ParamRetrieve, ParamRetrieveResp, Pdu,
    QueryBroadcastSm, QueryBroadcastSmResp, QueryLastMsgs, QueryLastMsgsResp, QueryMsgDetails,
    QueryMsgDetailsResp, QuerySm, QuerySmResp, ReplaceSm, ShortMessage, ShortMessageView, SubmitMulti,
    SubmitMultiResp, Unknown, Unsuccessful,
};
pub use profile::{
    Alphabet, Leniency, Limits, MissingNul, Packing, Profile, ReceiptRules, SmLength, TimeCheck, TlvRule,
    Version,
};
pub use receipt::Receipt;
pub use session::{
    CloseReason, Event, Pending, RespondError, Role, SendError, Session, SessionConfig, State, Stats, Timers,
};
pub use status::CommandStatus;
pub use tlv::{NetworkErrorCode, Sar, Tag, Tlv, TlvError, TlvIter, Tlvs};
