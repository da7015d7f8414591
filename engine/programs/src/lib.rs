//! Programs, approvals and source addresses: which approvals make a family (PRG-04 to PRG-07), and on which address
//! a message goes out to a device (SRC-04 to SRC-16, INT-04).
//!
//! Pure: rows and times come in, values go out. What it does not do: it keeps no history and counts nothing; who asks
//! brings the uses of the device and the counts of the day.
//!
//! ```
//! use signalbox_programs::{Address, Book, Device, Program, Request, Rows, Today};
//!
//! let book = Book::new(Rows {
//!     programs: vec![Program::new("alerts")],
//!     addresses: vec![Address::new("us-70650", "70650", "US").carrier("acme").program("alerts")],
//!     approvals: vec![signalbox_programs::Approval::new("alerts", "us-70650", "acme")],
//!     keywords: vec![],
//! });
//! let device = Device { number: "12125550100", country: "US", carrier: Some("acme") };
//! let choice = book.choose(&Request::new("alerts", "bank", device), &Today::default()).unwrap();
//! assert_eq!(choice.address, "us-70650");
//! ```

mod book;
mod choice;
mod family;
mod rows;

pub use book::Book;
pub use choice::{Choice, Device, Exclusion, LastUse, Reason, Refusal, Request, Today};
pub use family::{Family, Member};
pub use rows::{
    Address, Approval, ApprovalStatus, Combination, KeywordBinding, Mode, Policy, Program, Rows, User,
};
