//! Contacts and what belongs to them, in SQL: devices, fields, lists, uploads, consent, suppressions, trace,
//! passes; and of those who ask over the API their sessions and what they asked with a key.
//!
//! One set of queries runs on the embedded SQLite (a file of its own beside the spine, so that an upload of millions
//! of rows never makes a message wait) and on PostgreSQL (a cluster). It decides nothing about messages: the send
//! gate and the conversations do, on what they read here.
//!
//! Every operation takes a [`Scope`], the accounts its caller sees; what belongs to another account is not there for
//! it. Names, numbers and texts are personal data: they are never written to a log, and errors do not quote them.
//!
//! ```no_run
//! use signalbox_core::time::Micros;
//! use signalbox_people::{AccountId, Draft, People, Place, Scope};
//!
//! # async fn example() -> Result<(), signalbox_people::PeopleError> {
//! let people = People::open(&Place::File("people.db".into()), "node-1").await?;
//! let draft = Draft { client_id: Some("C-17".into()), ..Draft::default() };
//! let contact = people.create_contact(&Scope::All, AccountId(1), draft, Micros(0)).await?;
//! assert_eq!(contact.client_id, "C-17");
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod asked;
mod bulk;
mod consent;
mod contact;
mod device;
mod episode;
mod erasure;
mod error;
mod id;
mod list;
mod normal;
mod owned;
mod pass;
mod pseudonym;
mod quota;
mod session;
mod store;
mod suppression;
mod trace;
mod upload;

pub use asked::{Answer, Asked as AskedOnce, Known as KnownKey};
pub use consent::{Action, Channels, Consent, Level, NewConsent};
pub use contact::{Asked, Contact, Draft, Inbound, Known};
pub use device::{ContactDevice, Device, DeviceKind, DeviceOrder, Fact, LineType, Medium, UnknownKind};
pub use episode::Episode;
pub use erasure::Erased;
pub use error::{Invalid, PeopleError};
pub use id::{ContactId, DeviceId, ListId, PassId, Scope, UploadId};
pub use list::{List, ListState};
pub use normal::{Normal, NotNormal};
pub use pass::{
    Attempted, Candidate, Ended, Pass, PassChange, PassDevice, PassOrder, PassRate, PassState, Tally,
};
pub use pseudonym::ErasureKey;
pub use session::Session;
pub use signalbox_core::id::AccountId;
pub use store::{People, Place};
pub use suppression::Suppression;
pub use trace::{Before, Direction, NewTrace, TraceEntry};
pub use upload::{
    ColumnMap, Counts, Existing, Reject, Target, UnknownTarget, Unmapped, Upload, UploadOrder, UploadState,
};
