use crate::setting::{choices, settings};
use crate::value::{ByteSize, Count, Period};

choices! {
    /// When a commit counts as durable.
    pub enum StoreDurability {
        /// After it survives the loss of the power (`PRAGMA synchronous = FULL`). The only one for traffic.
        Full = "full",
        /// Never: for the test that shows that the other one matters.
        UnsafeOff = "unsafe-off",
    }
}

settings! {
    /// The embedded store: log, state, timers, queues and the CDR outbox in one database.
    pub struct StoreSettings {
        /// `full`: accepted means that it survives the loss of the power. `unsafe-off` loses messages; it exists
        /// for the test that shows so.
        durability: StoreDurability = "full"; restart,
        /// Batches of events that may wait for the writer; above it who brings more waits, and with it its peer.
        queue: Count<64, 1_048_576> = 4_096; restart,
        /// Events that one commit answers at most.
        commit_batch: Count<1, 65_536> = 2_048; restart,
        /// Longest wait of the writer for a lock of the database, such as a backup's.
        lock_wait: Period = "5s"; restart,
        /// Room that stays free on the file system: below it new messages are refused and the node goes on.
        free_space_reserve: ByteSize = "256MiB",
        /// The write-ahead log is brought back into the database when it is this large.
        checkpoint_at: ByteSize = "64MiB"; restart,
        /// For benches only: each commit takes so many microseconds longer, as on a slower disk. 0 in production.
        bench_fsync_delay_us: Count<0, 1_000_000> = 0; restart,
    }
}
