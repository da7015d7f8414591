//! One invocation of program instructions (MQ-12): what a script or a flow is given, and what it answers.
//!
//! Instructions of each kind (JavaScript in a worker process, flows in the process) get an [`Invocation`] and give an
//! [`Outcome`] or a [`Failure`]. Both are data: while instructions run nothing is sent and nothing is stored
//! (API-07); the dialog server checks the outcome and commits all of it at once. So an invocation can be repeated
//! after a crash: it is given the same time, the same seed and the same history, and wants the same.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod entry;
mod failure;
mod given;
mod limits;
mod outcome;
mod people;
mod value;

pub use entry::{Entry, EntryError, MAX_METHOD, Method};
pub use failure::Failure;
pub use given::{
    Account, CallPass, ContactAttempt, Conversation, Invocation, InvocationId, Side, SubCampaign,
    SubCampaignKind, Version, WebAnswer,
};
pub use limits::{Excess, Limits};
pub use outcome::{Cost, Cut, Level, OptChange, OptSubject, Outcome, Send, Status, Step, Wait, WebCall};
pub use people::{Channel, Contact, Device, LineType};
pub use value::Value;
