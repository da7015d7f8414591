//! SMS text: alphabets, user data headers, segments, reassembly and phone numbers.
//!
//! Pure encodings: no I/O, no clock, no async. Bytes and times come in, values go out. What it does
//! not do: it speaks no protocol (the short_message and the TLVs are the caller's), it stores nothing
//! (the [`reassembly`] buffer can be rebuilt from what the caller stored), and it never guesses
//! silently: what could not be represented or read is counted or refused.
//!
//! ```
//! use signalbox_text::choose::{choose, Choices};
//! use signalbox_text::segments::{split, Plan};
//!
//! let text = "Grüße aus Köln: 5 € für Ağaç";
//! let choice = choose(text, &Choices::default()).unwrap();
//! assert_eq!(choice.count.segments, 1);
//! let parts = split(text, &Plan::new(choice.encoding)).unwrap();
//! assert_eq!(parts.len(), 1);
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod choose;
pub mod data_coding;
pub mod encoding;
pub mod fold;
pub mod gsm7;
pub mod octets;
pub mod phone;
pub mod reassembly;
pub mod segments;
pub mod substitution;
pub mod text;
pub mod ucs2;
pub mod udh;

pub use encoding::{Encoding, Unrepresentable};
pub use fold::fold;
pub use phone::{Address, E164};
pub use udh::Udh;
