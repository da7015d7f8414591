use crate::time::Now;

/// The clocks.
pub trait Clock: Send + Sync {
    /// Reads both.
    fn now(&self) -> Now;
}

/// A source of random numbers.
pub trait Random: Send {
    /// 64 random bits.
    fn next(&mut self) -> u64;
}
