//! Spam and loop counters (US 8,126,980; requirement rows DC-*): one set of counters per address finds both mass
//! messaging and routing loops by a sliding window. See `docs` of [`Counters`].
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod alarm;
mod counters;
mod key;
mod limits;
mod policy;
mod prefix;
mod sighting;
mod stats;
mod time;
mod verdict;
mod white_list;

pub use alarm::{Alarm, AlarmChange, AlarmError, AlarmEvent, AlarmId, AlarmKind, AlarmState, CounterKey};
pub use counters::{Counters, SweepReport};
pub use key::{Key, KeyClass, KeyError, MAX_DIGITS};
pub use limits::{AtBound, Limits};
pub use policy::{
    Action, KeyKind, MAX_POLICIES, MAX_WEIGHT, MAX_WINDOW_MS, Mode, Parts, Policy, PolicyError, PolicyFault,
    PolicySet, Scope, Tap,
};
pub use prefix::Prefix;
pub use sighting::{OriginClass, Sighting};
pub use stats::Stats;
pub use time::{Mono, Wall};
pub use verdict::{Cause, Counts, Outcome, Verdict};
pub use white_list::{Listed, Side, WhiteList, WhiteListEntry, WhiteListError};
