//! Spam and loop counters (US 8,126,980; requirement rows DC-*): one set of counters per address finds both mass
//! messaging and routing loops by a sliding window. See `docs` of [`Counters`].
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
