//! Scripts and flows beside their use: what is said of them before they are kept (TXS-02), and rehearsals of the
//! conversations that they would have (MQ-10).
//!
//! Nothing here sends or stores anything. Flows are read in this process; JavaScript, which is not trusted, is read and
//! run by the workers of a [`Pool`](signalbox_script::Pool).

mod command;
mod people;
mod rehearsal;
mod review;
mod seed;
mod unpack;

pub use command::{flow, script};
pub use people::{TriedContact, TriedDevice};
pub use rehearsal::{Happening, MAX_HAPPENINGS, Rehearsal, Rehearsed, RehearsedText};
pub use review::{Remark, ReviewError, Reviewed, Severity, needs_worker, review};

pub use seed::{SeedError, check_seed, told};
pub use unpack::{UnpackError, from_folder, from_zip};

pub(crate) use command::one_worker;
