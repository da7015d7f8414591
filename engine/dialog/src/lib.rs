//! The dialog server (rows KEY-*, TXS-*, MT-*, OPT-*, MQ-12 to MQ-15): conversations between devices and source
//! addresses, the way of a message to its instructions, and what those want done.
//!
//! It is pure: no I/O, no clock, no threads. It shares each commit with the exchange: what it needs of that is the
//! [`Port`], what it reads of the store are [`Rows`]. It runs no scripts and no flows itself; it says which are to be
//! run and takes what they want.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod ask;
mod attempt;
mod conversation;
mod cut;
mod desk;
mod device;
mod dialog;
mod event;
mod families;
mod keywords;
mod port;
mod queues;
mod region;
mod route;
mod rules;
mod run;
mod source;
mod testers;
mod work;

pub use ask::{AgentAnswer, AgentAsk, AgentRefusal, AgentText, Begun, Wanted};
pub use attempt::{Attempt, Completion, OfPass};
pub use conversation::{Before, Conversation, Expected, NEXT_ACTION, Offered, Past, RowError};
pub use cut::separate;
pub use desk::Seen;
pub use device::{Device, Use};
pub use dialog::{Dialog, Wants};
pub use event::{
    Effect, Event, Load, Mo, Note, Ran, Record, Said, Start, StartRefusal, TakeBack, TakenBack, Task,
    WorkChange,
};
pub use families::{Families, Family};
pub use keywords::{Does, Keyword, KeywordError, Keywords, MAX_WORDS};
pub use port::{Consent, NotTaken, Port, Rows, timer_due, timer_key};
pub use queues::{QueueRule, Queues, Watch};
pub use region::{Region, Stored};
pub use route::{Kind, Message, Route, Why, route};
pub use rules::{
    AccountRule, AddressRule, Addresses, Instructions, Limits, Rules, Stage, Standing, SubCampaignRule,
    Texts, WhenBusy,
};
pub use run::{Calling, Handling, Pending, Run, RunId, What, Whose};
pub use source::{Chosen, NoSource, Sources, Wish};
pub use testers::{Tester, Testers};
pub use work::{BEGUN, Held, MOST_URGENT, Place, Work};
