//! CDRs as files of JSON lines, each record once and for good.
//!
//! `docs/interfaces/cdr.md` describes the files for those who read them. Inside:
//!
//! - Records are appended to `PREFIX-SERIAL.cdr.part` and synced before a publication is acknowledged. Each line
//!   names its commit in the outbox, which of the commit's records it is and of how many; so the lines
//!   themselves say how far the outbox is published, in the same write.
//! - A file is closed by a trailer line (count, ranges, SHA-256 of all before it), then `PREFIX.position` is
//!   written, then it is renamed to `PREFIX-SERIAL.cdr` and never touched again. Readers may take closed files
//!   away: the position file still knows serial, sequence and position.
//! - After a crash a torn tail is cut behind the last whole commit; a file that has its trailer is renamed.
//!   A serial is used once, the sequence of the records has no gap.

mod line;
mod part;
mod place;
mod reader;
mod sink;

pub use line::{PublishedCdr, Trailer};
pub use reader::{CdrReader, ReadError};
pub use sink::{CdrFiles, CdrFilesError, CdrFilesOptions};
