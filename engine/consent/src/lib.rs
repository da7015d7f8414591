//! May this message leave? Opt-outs, do-not-call lists, quiet hours, frequency caps, carrier limits, line types, and the
//! words by which people opt out (requirement rows OPT-*, ACC-05, CON-07, INT-02).
//!
//! It is pure: no I/O, no clock, no chance. Rows are loaded at the start, times are given with each call, what is to be
//! stored comes back as rows. It keeps no evidence of consent: who asked for what, when and in which words is in the
//! ledger. It is not legal advice: the rules are data, and a lawyer must confirm them.
//!
//! ```
//! use signalbox_consent::{
//!     AccountId, Bounds, Channel, Channels, Consent, EnterpriseId, Extent, Level, LineType, MatterId, Micros, Origin,
//!     Place, Question, QuietHours, Reason, Registration, Release, Settings, SourceId, Subject, Tenant, Verdict,
//! };
//! use signalbox_text::E164;
//!
//! let mut consent = Consent::new(0x5eed, Bounds::default());
//! consent.hours = QuietHours::shipped(consent.zones())?.into();
//! let number = E164::from_digits(b"12125550100")?;
//! let question = Question {
//!     origin: Origin::Campaign,
//!     release: Release::First,
//!     channel: Channel::Text,
//!     marketing: true,
//!     tenant: Tenant { enterprise: EnterpriseId(1), account: AccountId(7), campaign: None },
//!     number: Some(number),
//!     email: None,
//!     client: None,
//!     place: Place::default(),
//!     line: LineType::Wireless,
//!     matter: MatterId(1),
//!     source: SourceId(1),
//!     registration: Registration::Registered,
//!     limits: &[],
//!     lists: &[],
//!     caps: &[],
//!     hours: &[],
//!     not_after: None,
//!     settings: Settings::default(),
//! };
//! // 15 January 2026: 3 in the morning in New York, and noon.
//! let (night, noon) = (Micros(1_768_464_000_000_000), Micros(1_768_496_400_000_000));
//! assert_eq!(consent.judge(&question, night), Verdict::DeferUntil(Micros(1_768_482_000_000_000)));
//! assert_eq!(consent.release(&question, noon), Verdict::Allow);
//!
//! let level = Level::Account(AccountId(7));
//! consent.opt_out(level, Subject::Number(number), Channels::ALL, Extent::All, noon);
//! assert_eq!(consent.judge(&question, noon), Verdict::Filter(Reason::OptedOutAccount));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod caps;
mod channel;
mod check;
mod confirmations;
mod consent;
mod dnc;
mod hours;
mod id;
mod limits;
mod line;
mod numbers;
mod place;
mod question;
mod reason;
mod region;
mod responses;
mod suppressions;
mod time;
pub mod words;
mod zones;

pub use caps::{
    Cap, CapError, CapKey, CapOver, CapRow, CapSpec, CapVerdict, FrequencyCaps, MAX_HOURS, MAX_MOST,
};
pub use channel::{Channel, Channels};
pub use check::{Check, Treatment};
pub use confirmations::{CONFIRM_WITHIN, ConfirmationRow};
pub use consent::{Bounds, Consent, ConsentRow, Finding, Verdict};
pub use dnc::{DncAnswer, DncList, DncLists, ListKind};
pub use hours::{
    HoursError, HoursVerdict, Jurisdiction, JurisdictionSpec, QuietHours, QuietHoursSpec, RuleScope, WeekSpec,
};
pub use id::{AccountId, CampaignId, EnterpriseId, LimitId, ListId, MatterId, SourceId, Tenant};
pub use limits::{DailyLimits, LimitError, LimitRow, LimitSpec, LimitVerdict};
pub use line::{LineRule, LineType};
pub use numbers::{PackedNumbers, TooManyNumbers};
pub use place::{Basis, Place, Places, Whereabouts};
pub use question::{OnWait, Origin, Question, Registration, Release, Settings};
pub use reason::Reason;
pub use region::{Country, Region, RegionError};
pub use responses::{Response, ResponseTexts, Responses, ResponsesError, ResponsesSpec};
pub use suppressions::{Extent, Level, Subject, Suppressed, Suppressions};
pub use time::{Micros, Span};
pub use words::{Asks, Certainty, Words};
pub use zones::{ZoneId, Zones};
