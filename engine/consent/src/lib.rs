//! May this message leave? Opt-outs, do-not-call lists, quiet hours, frequency caps, carrier limits, line types, and the
//! words by which people opt out (requirement rows OPT-*, ACC-05, CON-07, INT-02).
//!
//! It is pure: no I/O, no clock, no chance. Rows are loaded at the start, times are given with each call, what is to be
//! stored comes back as rows. It keeps no evidence of consent: who asked for what, when and in which words is in the
//! ledger. It is not legal advice: the rules are data, and a lawyer must confirm them.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod caps;
mod channel;
mod dnc;
mod hours;
mod id;
mod line;
mod numbers;
mod place;
mod reason;
mod region;
mod suppressions;
mod time;
pub mod words;
mod zones;

pub use caps::{
    Cap, CapError, CapKey, CapOver, CapRow, CapSpec, CapVerdict, FrequencyCaps, MAX_HOURS, MAX_MOST,
};
pub use channel::{Channel, Channels};
pub use dnc::{DncAnswer, DncList, DncLists, ListKind};
pub use hours::{
    HoursError, HoursVerdict, Jurisdiction, JurisdictionSpec, QuietHours, QuietHoursSpec, RuleScope, WeekSpec,
};
pub use id::{AccountId, CampaignId, EnterpriseId, LimitId, ListId, MatterId, SourceId, Tenant};
pub use line::{LineRule, LineType};
pub use numbers::{PackedNumbers, TooManyNumbers};
pub use place::{Basis, Place, Places, Whereabouts};
pub use reason::Reason;
pub use region::{Country, Region, RegionError};
pub use suppressions::{Extent, Level, Subject, Suppressed, Suppressions};
pub use time::{Micros, Span};
pub use words::{Asks, Certainty, Words, folded};
pub use zones::{ZoneId, Zones};
