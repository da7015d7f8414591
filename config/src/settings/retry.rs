use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{Count, Period};

settings! {
    /// Waits between the attempts of a message, by the class of the error. Validity ends them all. What is refused
    /// because a session is of no use any more goes to another one at once.
    pub struct RetrySettings {
        /// The peer says that it may work later.
        temporary: RetrySchedule = schedule(&["15s", "1m", "5m", "15m", "1h"], "2h", 0),
        /// The peer says that we are too fast, on a link that is not `adaptive`: one that is learns its rate
        /// from that, and the message goes first as soon as the rate allows.
        throttling: RetrySchedule = schedule(&["1s"], "5s", 0),
        /// The peer's queue is full, likewise.
        queue_full: RetrySchedule = schedule(&["10s", "1m", "5m"], "15m", 0),
    }
}

settings! {
    /// The waits of one class.
    pub struct RetrySchedule agrees {
        /// The first waits, one after the other.
        waits: Vec<Period>,
        /// Every further wait.
        then_every: Period = "1h",
        /// Attempts at most; 0 for as many as validity allows.
        attempts: Count<0, 10_000> = 0,
        /// Each wait is longer or shorter by up to so many percent, so that messages that failed together do not
        /// come back together.
        jitter_percent: Count<0, 50> = 10,
    }
}

impl RetrySchedule {
    /// The wait after an attempt, counted from 1, without jitter; none after the last.
    pub fn wait_after(&self, attempt: u32) -> Option<Period> {
        let last = self.attempts.as_u32();
        if last != 0 && attempt >= last {
            return None;
        }
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        Some(self.waits.get(index).copied().unwrap_or(self.then_every))
    }
}

impl Agreement for RetrySchedule {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.then_every < Period::milliseconds(100) {
            problems.conflict(at, "then_every", "must be at least 100ms");
        }
    }
}

fn schedule(waits: &[&str], then_every: &str, attempts: i64) -> crate::tree::Tree {
    use crate::tree::{Entry, Tree, Value};
    let entry = |key: &str, value: Tree| Entry { key: key.to_owned(), at: None, value };
    let waits = Value::List(waits.iter().map(|wait| Tree::from(*wait)).collect());
    Value::Table(vec![
        entry("waits", waits.into()),
        entry("then_every", then_every.into()),
        entry("attempts", attempts.into()),
    ])
    .into()
}

/// Waits between deliveries to an HTTP target.
pub(crate) fn webhook_retry() -> crate::tree::Tree {
    schedule(&["1s", "5s", "30s", "2m", "10m"], "30m", 0)
}
