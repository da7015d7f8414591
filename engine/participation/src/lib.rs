//! Participation campaigns: people take part by message, form or API (CM-01 to CM-16).
//!
//! Three layers, each of which knows only what the one before it hands over:
//!
//! 1. **Intake** writes a [`RawEntry`] durably and acknowledges it. It knows nothing of campaigns (CM-03).
//! 2. **Extraction** ([`extract()`]) takes out of the text what the campaign's [`Rules`] ask for, and nothing else
//!    (CM-04).
//! 3. **Validation** ([`Rules::judge`]) compares that with the campaign's requirements and, when it complies, accepts
//!    it into a [`Ledger`], the campaign's own database (CM-05 to CM-07).
//!
//! This crate is the pure half: it stores nothing, reads no clock and draws no random number. Times come with the
//! entries; draws and instant wins are decided by a recorded seed. `signalbox_backends::participation` has the
//! databases and [`Verdict`]s for batches of entries.
//!
//! ```
//! use signalbox_participation::{Rules, RawEntry, Channel, EntryId, extract};
//!
//! let rules = Rules::from_json(r#"{
//!     "name": "song-2026", "account": "demo", "kind": "vote", "state": "open",
//!     "entry_points": [{"channel": "sms", "source_address": "us-70650", "keyword": "song"}],
//!     "extraction": [{"field": "choice", "kind": "enumeration", "options": [
//!         {"value": "7", "synonyms": ["seven"]}, {"value": "8"}]}]
//! }"#).unwrap();
//! let entry = RawEntry {
//!     id: EntryId(1), channel: Channel::Sms, from: "+4917612345678".into(), to: "70650".into(),
//!     text: "Song SEVEN please!".into(), carrier: None,
//!     received_at: "2026-05-01T19:00:00Z".parse().unwrap(), smsc_at: None,
//! };
//! let found = extract(&rules, &entry).unwrap();
//! assert_eq!(found[0].value("choice"), Some("7"));
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod draw;
mod entry;
mod extract;
mod judge;
mod ledger;
mod rules;
mod selection;
mod state;
mod tally;
mod verdict;

pub use draw::{Draw, Seed, Ticket};
pub use entry::{Channel, EntryId, MAX_TEXT, Participant, RawEntry};
pub use extract::{Extracted, Field, MAX_VOTES, Unextractable, extract, normalised_code};
pub use judge::{Facts, Submission};
pub use ledger::{CodeState, Ledger};
pub use rules::EntryPoint;
pub use rules::{
    Check, Choice, DateOrder, FieldRule, Find, Kind, Prize, Requirement, Responses, Rules, RulesError,
    Several, Span,
};
pub use selection::{Conflict, Selection};
pub use state::{State, StateError};
pub use tally::{Tally, TallyRow};
pub use verdict::{NoReply, Outcome, Refused, RejectCode, Reply, Verdict};
