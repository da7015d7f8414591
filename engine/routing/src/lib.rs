//! Routing as data: rules, number plan, portability table, explanations.
//!
//! Pure: no sockets, no clock, no async. The owner keeps each part in an `Arc` and swaps it to reload.

#![deny(unsafe_code)]
#![deny(missing_docs)]

mod decision;
mod id;
pub mod lookup;
mod number;
pub mod plan;
pub mod portability;
mod query;
mod router;
pub mod rows;
pub mod rules;
mod trie;

pub use decision::{Decision, Outcome, Reason, Target, Targets};
pub use id::{AccountId, CarrierId, Cost, LinkId, Names, RuleIndex, RuleVersion, UtcMicros};
pub use number::{AnswerSource, Country, InvalidCountry, NumberAnswer};
pub use query::{Direction, Health, LinkHealth, MessageClass, Party, Query};
pub use router::{Consulted, Router};
pub use rules::{Explanation, RuleErrors, RuleSet, RuleSetSpec};
pub use signalbox_text::phone::E164;
