use crate::setting::settings;
use crate::value::{ByteSize, Count, Period};

settings! {
    /// Processes that run scripts, and what a run may cost (TXS-14, TXS-15).
    pub struct ScriptSettings {
        /// Worker processes. An account has half of them at a time at most, and at least one.
        workers: Count<1, 256> = 2; restart,
        /// Runs that may wait for a worker.
        queue: Count<1, 1_000_000> = 10_000; restart,
        /// A run that has the processor for longer is interrupted; what it waits for a busy machine does not count.
        soft_limit: Period = "50ms"; restart,
        /// The process of a run that takes longer by the clock is killed.
        hard_limit: Period = "500ms"; restart,
        /// A run that goes through more operations is terminated, in ticks of 10,000.
        max_ticks: Count<1, 1_000_000> = 1_000; restart,
        /// Memory of a run.
        memory: ByteSize = "4MiB"; restart,
        /// Failures of its process after which a version of a script is suspended.
        strikes: Count<1, 1_000> = 3; restart,
    }
}
