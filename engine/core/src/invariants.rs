//! The rules that never break, as code: what the simulation, the integration tests and the metrics check.
//!
//! [`Books`] take the facts of a run in the order in which they happen, say at once where one breaks a rule, and
//! close at the end; what broke a rule is booked all the same. They know a message by its `MessageId`; a part counts for its whole where the rule is about
//! outcomes, and for itself where it is about what a peer sees. [`Balance`] is the sum that a running node can
//! afford to check.
//!
//! ```
//! use signalbox_core::id::{MessageId, ShardId};
//! use signalbox_core::invariants::{Books, Violation};
//! use signalbox_core::time::Micros;
//!
//! let message = MessageId::new(Micros(1), ShardId::of(b"4917"), 0);
//! let mut books = Books::default();
//! assert_eq!(books.answered(message), Err(Violation::AnsweredBeforeDurable { message }));
//! books.durable(message);
//! assert_eq!(books.answered(message), Ok(()));
//! assert_eq!(books.close(|_| false), Err(Violation::Lost { message }));
//! ```

mod balance;
mod books;
#[cfg(test)]
mod tests;
mod violation;

pub use balance::Balance;
pub use books::{Books, Committed, Summary};
pub use violation::Violation;
