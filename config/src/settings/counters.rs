use crate::setting::{choices, settings};
use crate::value::{ByteSize, Count, Period};

choices! {
    /// Whether verdicts of the counters reach the traffic.
    pub enum CounterMode {
        /// They stand in the way of the messages: what a policy orders is done.
        Inline = "inline",
        /// They see a copy: they raise alarms and touch nothing, and their failure stops nothing.
        Passive = "passive",
        /// They do not count.
        Off = "off",
    }
}

choices! {
    /// What happens to a new key when as many are held as may be.
    pub enum AtKeyBound {
        /// The key that was seen longest ago gives way.
        DropStalest = "drop_stalest",
        /// The new key is not counted.
        Refuse = "refuse",
    }
}

choices! {
    /// What the counters know after a restart.
    pub enum CounterRestart {
        /// What the last snapshot held, without what left its window since.
        Reload = "reload",
        /// Nothing: alarms say that they are warming up until one window has passed.
        Warm = "warm",
    }
}

settings! {
    /// Spam and loop counters. What they count and when they alarm is in the catalog's counter policies.
    pub struct CounterSettings {
        /// Whether verdicts reach the traffic.
        mode: CounterMode = "inline",
        /// Keys that are held (source, destination, pair and group together).
        max_keys: Count<1_000, 100_000_000> = 12_000_000; restart,
        /// What happens to a new key when as many are held.
        at_bound: AtKeyBound = "drop_stalest"; restart,
        /// Memory of the timestamps of busy keys, beside some 100 bytes for each key.
        timestamp_memory: ByteSize = "256MiB"; restart,
        /// Keys near or over their threshold whose counterparts and bodies are observed.
        max_evidence: Count<64, 10_000_000> = 262_144; restart,
        /// Alarms that stand at once.
        max_alarms: Count<16, 1_000_000> = 65_536; restart,
        /// Cleared alarms that are kept for the record.
        alarm_history: Count<0, 1_000_000> = 4_096; restart,
        /// An alarm that stays over its threshold is repeated after this time.
        repeat_after: Period = "15m",
        /// What the counters know after a restart.
        on_restart: CounterRestart = "reload"; restart,
        /// Time between two snapshots.
        snapshot_every: Period = "60s",
    }
}
