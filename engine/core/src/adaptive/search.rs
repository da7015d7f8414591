//! Which rate to try next.

use std::time::Duration;

/// The search begins no lower, in thousandths of a message a second.
const FIRST: u64 = 10_000;
/// No link is slower.
const LEAST: u64 = 50;
/// No link is faster.
const MOST: u64 = 4_000_000_000;
/// Share of the best rate at which a link runs when nothing is tried, in per cent.
const STEADY: u64 = 99;
/// How much is kept of a rate that was thought good and is not, by how often that happened in a row.
const KEPT: [u64; 5] = [97, 92, 80, 65, 50];
/// For so long a link runs steadily between tries of more.
const STEADY_TIME: Duration = Duration::from_secs(20);

/// What is being tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Doubling: no bad rate is known.
    Ascend,
    /// Lowering: no good rate is known.
    Descend,
    /// Halving the gap between a good and a bad rate.
    Narrow,
    /// Running just below the best rate.
    Steady,
    /// Trying more, by so many doublings of the first step.
    Probe(u32),
}

/// A search for the highest rate that is not refused, in thousandths of a message a second.
#[derive(Clone, Debug)]
pub(super) struct Search {
    mode: Mode,
    rate: u64,
    /// The highest rate known to be good, zero when none is.
    good: u64,
    /// The lowest rate known to be bad; meaningful in `Descend` and `Narrow`.
    bad: u64,
    /// The rate at which the link last ran steadily.
    steady: u64,
    falls: usize,
    /// The lowest rate that is tried.
    least: u64,
}

impl Search {
    /// Begins at the rate that was last taken, and never tries one below `least`.
    pub(super) fn new(taken: u64, least: u64) -> Self {
        let rate = taken.clamp(FIRST, MOST);
        let mut search =
            Self { mode: Mode::Ascend, rate, good: 0, bad: 0, steady: 0, falls: 2, least: LEAST };
        search.set_least(least);
        search
    }

    /// Sets the lowest rate that is tried.
    pub(super) fn set_least(&mut self, least: u64) {
        self.least = least.clamp(LEAST, MOST);
        self.rate = self.rate.max(self.least);
    }

    /// The rate to try.
    pub(super) fn rate(&self) -> u64 {
        self.rate
    }

    /// Time between two messages of that rate.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_nanos(1_000_000_000_000 / self.rate)
    }

    /// True when the rate is higher than what is known to be good.
    pub(super) fn is_rising(&self) -> bool {
        match self.mode {
            Mode::Ascend | Mode::Narrow | Mode::Probe(_) => true,
            Mode::Descend | Mode::Steady => false,
        }
    }

    /// How long the rate is to be tried.
    pub(super) fn trial_time(&self) -> Duration {
        match self.mode {
            Mode::Ascend => Duration::from_millis(500),
            // So long that a limiter by the second has a whole one of it.
            Mode::Descend | Mode::Narrow => Duration::from_secs(2),
            Mode::Steady => STEADY_TIME,
            Mode::Probe(_) => Duration::from_secs(1),
        }
    }

    /// How many answers are needed to judge by.
    pub(super) fn trial_answers(&self) -> u64 {
        match self.mode {
            Mode::Ascend => 2,
            Mode::Descend | Mode::Narrow => 4,
            // A probe costs a few refusals, which are to be few among so many.
            Mode::Steady => 300,
            Mode::Probe(_) => 4,
        }
    }

    /// The rate was taken for long enough. No more than `cap` is tried.
    pub(super) fn pass(&mut self, cap: Option<u64>) {
        self.good = self.rate;
        let cap = cap.unwrap_or(MOST).min(MOST);
        match self.mode {
            Mode::Ascend => self.rate = (self.rate * 2).min(cap.max(self.rate)),
            Mode::Descend | Mode::Narrow => self.narrow(),
            Mode::Steady => self.probe(0, self.rate, cap),
            Mode::Probe(step) => self.probe(step + 1, self.rate, cap),
        }
    }

    /// A rate was refused: this one or, when its refusal came late, the one before.
    pub(super) fn fail(&mut self, refused: u64) {
        self.bad = refused;
        let known = if matches!(self.mode, Mode::Probe(_)) { self.steady } else { self.good };
        if refused <= known || known == 0 {
            return self.descend();
        }
        match self.mode {
            Mode::Ascend | Mode::Narrow | Mode::Descend => self.narrow(),
            Mode::Steady => self.descend(),
            // A deep bucket may have hidden for some steps that they were too much. It is empty now.
            Mode::Probe(_) => {
                self.good = self.steady;
                self.narrow();
            }
        }
    }

    fn probe(&mut self, step: u32, base: u64, cap: u64) {
        let more = (base << step.min(10)) / 100;
        self.mode = Mode::Probe(step);
        self.rate = (base + more.max(1)).min(cap.max(base));
    }

    fn descend(&mut self) {
        if self.mode != Mode::Descend && self.mode != Mode::Ascend {
            self.falls = 0;
        }
        let kept = KEPT[self.falls.min(KEPT.len() - 1)];
        self.falls += 1;
        self.mode = Mode::Descend;
        self.good = 0;
        self.rate = (self.bad * kept / 100).max(self.least);
    }

    fn narrow(&mut self) {
        let gap = self.bad.saturating_sub(self.good);
        if gap <= (self.good / 50).max(LEAST) {
            self.mode = Mode::Steady;
            self.rate = (self.good * STEADY / 100).max(self.least);
            self.good = self.rate;
            self.steady = self.rate;
            return;
        }
        // After a probe the good rate is more likely than any above it.
        let share = if matches!(self.mode, Mode::Probe(_)) { 4 } else { 2 };
        self.mode = Mode::Narrow;
        self.rate = (self.good + gap / share).max(self.least);
    }
}
