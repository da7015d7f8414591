//! Program instructions as data (MQ-12): flows of steps that are written in JSON, edited by a designer, checked when
//! they are saved and run for one message at a time.
//!
//! Pure: a run is given an [`Invocation`](signalbox_invocation::Invocation) and answers with an
//! [`Outcome`](signalbox_invocation::Outcome); it sends nothing, stores nothing, reads no clock and takes its chance
//! from the invocation's seed. Each run is held to [`MAX_STEPS`] steps and a budget of operations.
//!
//! ```
//! let flow = signalbox_flow::Flow::read(r#"{
//!     "version": 1, "name": "hello", "start": "greet",
//!     "help": {"program": "p", "text": "Help: example.com"},
//!     "optOut": {"program": "p", "text": "You get no more messages."},
//!     "steps": {"greet": {"kind": "send", "program": "p", "text": "Hello @contact.first_name!"}}
//! }"#).unwrap();
//! assert_eq!(flow.name(), "hello");
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod answer;
mod document;
mod expression;
mod fill;
mod flow;
mod picture;
mod run;
mod step;
mod template;

pub use document::{Checked, Names, Problem, Problems, Severity, check};
pub use expression::{FUNCTIONS, Function, SyntaxError};
pub use fill::{Filled, fill, fill_noting};
pub use flow::Flow;
pub use picture::picture;
pub use run::{MAX_STEPS, run};
