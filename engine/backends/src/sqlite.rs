//! One machine's store: state, log and CDR outbox in one SQLite file.
//!
//! One connection writes, used by one thread at a time; readers have connections of their own and never wait
//! for it. WAL with `synchronous=FULL`: a commit returns when it survives the loss of power. Checkpoints run
//! on a second connection, since in the writer they made pauses of 40 ms.
//!
//! A NOC engineer finds the queue with the `sqlite3` shell, while the node runs:
//!
//! ```sql
//! SELECT accepted_at, id, shard, octets, handled FROM queue ORDER BY id LIMIT 20;
//! SELECT count(*), min(accepted_at) FROM queue;
//! SELECT id FROM queue WHERE instr(body, CAST('4917612345678' AS BLOB));   -- by number
//! SELECT * FROM shards WHERE commits > 0;                                 -- epoch, commits, position
//! SELECT count(*), sum(length(records)) FROM outbox;                      -- CDRs not yet published
//! ```
//!
//! Rows lie in `WITHOUT ROWID` tables by key and shard. The measurement (`examples/row_layouts.rs`; CPU of
//! the writer for an insert or delete, everything of the commit included, 8 KiB pages): 4.2 us at batches of
//! 50 and 1.6 us at 500, within the noise of rowid tables with an index or a derived rowid, and the only
//! one of the three that is read in key order at the start without sorting.

mod checkpoint;
mod fate;
mod frame;
mod gauge;
mod marks;
mod options;
mod reader;
mod rows;
mod schema;
mod spine;
mod writer;

pub use gauge::{Durations, SpineGauge, SpineReading};
pub use options::{OpenError, SpineOptions, Synchronous};
pub use reader::SqliteReader;
pub use spine::SqliteSpine;
