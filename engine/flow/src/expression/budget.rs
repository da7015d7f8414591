use signalbox_invocation::{Excess, Failure, Limits};

/// Operations that a run may do at most, whatever the limits say: some milliseconds.
const MAX_OPERATIONS: u64 = 200_000;
/// Operations of one tick (D10).
const TICK: u64 = 10_000;
/// Octets of a text within an expression.
pub(crate) const MAX_TEXT: usize = 64 << 10;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// It asks for what cannot be done.
    Wrong(String),
    /// A strict flow needs a value that is not there.
    Missing(String),
    /// It asks for too much.
    Failed(Failure),
}

/// What a run may still cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    limit: u64,
    spent: u64,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { limit: limits.ticks.saturating_mul(TICK).min(MAX_OPERATIONS), spent: 0 }
    }

    pub(crate) fn spend(&mut self, operations: u64) -> Result<(), Trouble> {
        self.spent = self.spent.saturating_add(operations);
        if self.spent <= self.limit {
            return Ok(());
        }
        Err(Trouble::Failed(Failure::TooMuch { ticks: self.limit / TICK }))
    }

    /// Pays for a text of so many octets, which is still to be made.
    pub(crate) fn text(&mut self, octets: usize) -> Result<(), Trouble> {
        if octets > MAX_TEXT {
            let what = "octets of a text within an expression".to_owned();
            let excess = Excess { what, found: octets as u64, limit: MAX_TEXT as u64 };
            return Err(Trouble::Failed(Failure::Excess(excess)));
        }
        self.spend(octets as u64 / 8)
    }

    /// Ticks so far, each that was begun.
    pub(crate) fn ticks(&self) -> u64 {
        self.spent.div_ceil(TICK)
    }
}
