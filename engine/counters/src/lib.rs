//! Spam and loop counters (US 8,126,980; requirement rows DC-*): one set of counters per address finds both mass
//! messaging and routing loops by a true sliding window.
//!
//! It is pure: no I/O, no clock, no threads. Times are given with each call; what is to be told comes back as events.
//! It is not a rate limiter of links, and it holds nothing back unless a policy says so.
//!
//! ```
//! use signalbox_counters::{Counters, Key, Limits, Mono, PolicySet, Sighting, Verdict, Wall};
//!
//! let mut counters = Counters::new(&PolicySet::default(), Limits::default())?;
//! let (source, destination) = (Key::e164("+447900900123")?, Key::digits("60777")?);
//! let (now, wall) = (Mono::from_millis(5), Wall::from_micros(1_800_000_000_000_000));
//!
//! let outcome = counters.count(now, wall, &Sighting::new(source, destination, 1));
//! assert_eq!((outcome.verdict, outcome.counts.source), (Verdict::Pass, 1));
//!
//! // Often, for instance after every thousand messages and at least every 100 ms:
//! for event in counters.sweep(now, wall, 10_000).events {
//!     println!("{:?} {:?}", event.change, event.alarm);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod alarm;
mod alarms;
mod blocks;
mod counters;
mod entry;
mod evidence;
mod judge;
mod key;
mod limits;
mod look;
mod policy;
mod prefix;
mod rules;
mod sighting;
mod snapshot;
mod stats;
mod sweep;
mod table;
mod time;
mod verdict;
mod white_list;

pub use alarm::{Alarm, AlarmChange, AlarmError, AlarmEvent, AlarmId, AlarmKind, AlarmState, CounterKey};
pub use counters::Counters;
pub use key::{Key, KeyClass, KeyError, MAX_DIGITS};
pub use limits::{AtBound, Limits};
pub use look::Look;
pub use policy::{
    Action, KeyKind, Kinds, MAX_MANY, MAX_POLICIES, MAX_WEIGHT, MAX_WINDOW_MS, Mode, Parts, Policy,
    PolicyError, PolicyFault, PolicySet, Scope, Tap,
};
pub use prefix::Prefix;
pub use sighting::{OriginClass, Sighting};
pub use snapshot::{Restored, SavedAlarms, SavedCount, SavedEntry};
pub use stats::{Stats, Tallies};
pub use sweep::SweepReport;
pub use time::{Mono, Wall};
pub use verdict::{Cause, Counts, Outcome, Verdict};
pub use white_list::{Listed, Side, WhiteList, WhiteListEntry, WhiteListError};
