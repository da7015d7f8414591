use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{Count, Period};

settings! {
    /// Watchdog and restarts.
    pub struct SupervisionSettings agrees {
        /// Links, shards and the like show at this interval that they are alive.
        heartbeat: Period = "1s"; restart,
        /// One that is silent for so long is ended and started anew.
        stuck_after: Period = "30s"; restart,
        /// Restarts of one part within the time below; one more and it stays down, with an alarm, until the next
        /// reload.
        restarts: Count<1, 10_000> = 10,
        /// The time in which they count.
        restarts_within: Period = "60s",
        /// First wait before a restart; it doubles each time.
        restart_wait: Period = "100ms",
        /// Longest wait before a restart.
        restart_wait_max: Period = "30s",
    }
}

impl Agreement for SupervisionSettings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.heartbeat.is_zero()
            || self.stuck_after.as_milliseconds() < 3 * self.heartbeat.as_milliseconds()
        {
            problems.conflict(
                at,
                "stuck_after",
                "must be at least three times heartbeat, which must not be 0s",
            );
        }
        if self.restart_wait > self.restart_wait_max {
            problems.conflict(at, "restart_wait", "must not be longer than restart_wait_max");
        }
    }
}
