//! Routing as data: rules, number plan, portability table, explanations.
//!
//! [`RuleSet`] decides which links a message may take; [`plan::NumberPlan`], [`portability::PortabilityTable`] and
//! the answers of [`lookup`] tell it the carrier of the device; [`Router`] holds them together. All is immutable once
//! built: the owner keeps it in an `Arc` and swaps it to reload, and a message keeps the [`RuleVersion`] that decided.
//!
//! Pure, apart from reading and writing the portability file: no sockets, no clock, no async. DNS and HTTP are the
//! node's, which hands the texts over to [`lookup`].
//!
//! ```
//! use std::sync::Arc;
//! use signalbox_routing::{
//!     Direction, Health, LinkId, MessageClass, Names, NumberAnswer, Party, Query, RuleSet, RuleSetSpec, RuleVersion,
//!     UtcMicros,
//! };
//!
//! let mut names = Names::new();
//! names.add_link("east", LinkId(1), None).add_link("west", LinkId(2), None);
//! let spec: RuleSetSpec = toml::from_str(
//!     r#"
//!     [[rules]]
//!     name = "north america"
//!     when = { direction = "mt", destination_prefix = ["1"] }
//!     then.links = [{ link = "east", weight = 3 }, { link = "west", priority = 1 }]
//!
//!     [[rules]]
//!     name = "rest"
//!     then.reject = "no agreement for this destination"
//!     "#,
//! )?;
//! let rules = RuleSet::compile(&spec, RuleVersion(1), Arc::new(names))?;
//! let query = Query {
//!     direction: Direction::Mt,
//!     source: Party::of(b"12345"),
//!     destination: Party::of(b"+12025550100"),
//!     account: None,
//!     ingress: None,
//!     class: MessageClass::Otp,
//!     number: NumberAnswer::default(),
//!     max_cost: None,
//!     at: UtcMicros(1_800_000_000_000_000),
//! };
//! let east_is_down = |link: LinkId| if link == LinkId(1) { Health::Down } else { Health::Up };
//! let decision = rules.decide(&query, &east_is_down);
//! assert_eq!(decision.targets()[0].link, LinkId(2));
//! assert!(rules.explain(&query, &east_is_down).summary.contains("\"north america\" of version 1 chose west"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
