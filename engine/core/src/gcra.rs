//! Exact pacing: the generic cell rate algorithm (ITU-T I.371, annex A) in whole numbers.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Mono;

const NANOS: u64 = 1_000_000_000;
/// Longest period of a rate: a day.
const LONGEST: u64 = 86_400 * NANOS;

/// So many messages in a period; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Rate {
    messages: u32,
    period: u64,
}

/// A rate that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// Nothing would ever leave; a link is disabled in another way.
    #[error("a rate of 0 messages")]
    NoMessages,
    /// A period of no time, or of more than a day.
    #[error("a rate's period of {0} ns is not between 1 ns and a day")]
    Period(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    messages: u32,
    period_nanos: u64,
}

impl TryFrom<Written> for Rate {
    type Error = RateError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        Self::new(written.messages, Duration::from_nanos(written.period_nanos))
    }
}

impl From<Rate> for Written {
    fn from(rate: Rate) -> Self {
        Self { messages: rate.messages, period_nanos: rate.period }
    }
}

impl Rate {
    /// `messages` in each `period`, such as 90 in a minute.
    ///
    /// # Errors
    /// When there are no messages, or the period is empty or longer than a day.
    pub fn new(messages: u32, period: Duration) -> Result<Self, RateError> {
        if messages == 0 {
            return Err(RateError::NoMessages);
        }
        match u64::try_from(period.as_nanos()) {
            Ok(period @ 1..=LONGEST) => Ok(Self { messages, period }),
            Ok(period) => Err(RateError::Period(period)),
            Err(_) => Err(RateError::Period(u64::MAX)),
        }
    }

    /// So many messages a second.
    ///
    /// # Errors
    /// When there are none.
    pub fn per_second(messages: u32) -> Result<Self, RateError> {
        Self::new(messages, Duration::from_secs(1))
    }

    /// So many messages a minute.
    ///
    /// # Errors
    /// When there are none.
    pub fn per_minute(messages: u32) -> Result<Self, RateError> {
        Self::new(messages, Duration::from_secs(60))
    }

    /// Messages a second, rounded down, in thousandths.
    #[must_use]
    pub fn per_second_milli(self) -> u64 {
        let milli = u128::from(self.messages) * u128::from(NANOS) * 1000 / u128::from(self.period);
        u64::try_from(milli).unwrap_or(u64::MAX)
    }

    /// True when this rate allows fewer messages in the long run.
    #[must_use]
    pub fn is_below(self, other: Self) -> bool {
        u128::from(self.messages) * u128::from(other.period)
            < u128::from(other.messages) * u128::from(self.period)
    }
}

/// A limiter for one rate with bursts: in any span of time it lets through at most `burst` messages and what
/// the rate gives for the span.
///
/// Time is kept as whole nanoseconds and a remainder in shares of one, so nothing drifts. A span of the clock
/// that goes back counts as none.
#[derive(Clone, Debug)]
pub struct Gcra {
    rate: Option<Rate>,
    burst: u32,
    /// So late, in nanoseconds, a taker may come without losing what it could have taken in time.
    slack: u64,
    /// When all that was taken is paid for ("theoretical arrival time") ...
    paid: u64,
    /// ... plus so many parts of a nanosecond, in shares of `rate.messages`.
    remainder: u32,
}

impl Gcra {
    /// A limiter with all of its burst available; without a rate it is none. A burst of 0 is taken as 1.
    #[must_use]
    pub fn new(rate: Option<Rate>, burst: u32) -> Self {
        Self { rate, burst: burst.max(1), slack: 0, paid: 0, remainder: 0 }
    }

    /// Lets a taker that comes late by up to `slack` catch up, as timers of a millisecond need it at a burst of
    /// one. The bound for any span then holds for a span that is longer by `slack`.
    #[must_use]
    pub fn with_slack(mut self, slack: Duration) -> Self {
        self.slack = u64::try_from(slack.as_nanos()).unwrap_or(u64::MAX);
        self
    }

    /// The rate.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// The burst in messages.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// When the next message may leave: `now` or later.
    #[must_use]
    pub fn ready_at(&self, now: Mono) -> Mono {
        self.ready_for(now, 1)
    }

    /// Takes leave for `n` messages at once. More than the burst may leave when nothing is owed, and is owed
    /// afterwards.
    ///
    /// # Errors
    /// When to ask again.
    pub fn take(&mut self, now: Mono, n: u32) -> Result<(), Mono> {
        let Some(rate) = self.rate else { return Ok(()) };
        let ready = self.ready_for(now, n);
        if ready > now {
            return Err(ready);
        }
        if self.is_idle(now) {
            (self.paid, self.remainder) = (now.0, 0);
        }
        let shares = cost(rate, n) + u128::from(self.remainder);
        let messages = u128::from(rate.messages);
        self.paid = self.paid.saturating_add(u64::try_from(shares / messages).unwrap_or(u64::MAX));
        self.remainder = (shares % messages) as u32;
        Ok(())
    }

    /// How many messages, at most `most`, may leave now.
    #[must_use]
    pub fn tokens_available(&self, now: Mono, most: u32) -> u32 {
        let Some(rate) = self.rate else { return most };
        let messages = u128::from(rate.messages);
        let time = u128::from(now.0) * messages;
        let paid = if self.is_idle(now) { time } else { self.paid_shares(rate) };
        let tokens = (time + cost(rate, self.burst)).saturating_sub(paid) / u128::from(rate.period);
        u32::try_from(tokens).unwrap_or(u32::MAX).min(most)
    }

    /// Gives back leave for `n` messages that did not leave after all.
    pub fn give_back(&mut self, n: u32) {
        let Some(rate) = self.rate else { return };
        self.set_shares(rate, self.paid_shares(rate).saturating_sub(cost(rate, n)));
    }

    /// Changes rate and burst. As many messages are owed after as before, so that the change neither grants a
    /// burst nor stops the flow; what exceeds the new burst is let go.
    pub fn set_rate(&mut self, now: Mono, rate: Option<Rate>, burst: u32) {
        let burst = burst.max(1);
        match (self.rate, rate) {
            (Some(old), Some(new)) => {
                // In 2^-20 of a message, rounded up: an error that never grants anything.
                let owed = (self.owed(old, now) << 20).div_ceil(u128::from(old.period));
                let owed = owed.min(u128::from(burst) << 20);
                let shares = (owed * u128::from(new.period)).div_ceil(1 << 20);
                let base = u128::from(now.0) * u128::from(new.messages);
                self.set_shares(new, base + shares);
            }
            // Without a rate nothing was counted.
            (None, Some(_)) | (Some(_), None) | (None, None) => (self.paid, self.remainder) = (0, 0),
        }
        self.rate = rate;
        self.burst = burst;
    }

    /// True when nothing was taken for longer than the slack: credit beyond the burst is gone.
    fn is_idle(&self, now: Mono) -> bool {
        self.paid.saturating_add(self.slack) < now.0
    }

    /// What is owed now, in shares of a nanosecond; a message costs `rate.period` of them.
    fn owed(&self, rate: Rate, now: Mono) -> u128 {
        self.paid_shares(rate).saturating_sub(u128::from(now.0) * u128::from(rate.messages))
    }

    fn paid_shares(&self, rate: Rate) -> u128 {
        u128::from(self.paid) * u128::from(rate.messages) + u128::from(self.remainder)
    }

    fn set_shares(&mut self, rate: Rate, shares: u128) {
        let messages = u128::from(rate.messages);
        self.paid = u64::try_from(shares / messages).unwrap_or(u64::MAX);
        self.remainder = (shares % messages) as u32;
    }

    fn ready_for(&self, now: Mono, n: u32) -> Mono {
        let Some(rate) = self.rate else { return now };
        let messages = u128::from(rate.messages);
        let allowance = cost(rate, self.burst - n.clamp(1, self.burst));
        let ready = self.paid_shares(rate).saturating_sub(allowance).div_ceil(messages);
        Mono(now.0.max(u64::try_from(ready).unwrap_or(u64::MAX)))
    }
}

/// The price of `n` messages in shares.
fn cost(rate: Rate, n: u32) -> u128 {
    u128::from(rate.period) * u128::from(n)
}
