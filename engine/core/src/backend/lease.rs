use std::time::Duration;

use crate::id::PeerId;
use crate::time::Now;

/// What a shared limit belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateKey(pub PeerId);

/// Leave to send some messages of a shared rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// How many; may be fewer than wanted, zero when the limit is reached.
    pub tokens: u32,
    /// Tokens not used by then are lost.
    pub valid_for: Duration,
    /// When to ask again if there were none.
    pub retry_after: Duration,
}

/// Tokens of a limit that all nodes share.
pub trait RateLease: Send {
    /// Sets the limit in messages per second, or takes it away.
    fn limit(&mut self, key: RateKey, per_second: Option<u32>);

    /// Asks for up to `want` tokens.
    fn lease(&mut self, key: RateKey, want: u32, now: Now) -> Lease;
}
