//! From when and until when a message is worth something.

use std::time::Duration;

use super::effect::Refusal;
use crate::address::Address;
use crate::policy::{AccountPolicy, LongValidity};
use crate::time::{Micros, Now};

/// What an origin says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub not_before: Option<Micros>,
    pub expires_at: Option<Micros>,
}

/// Schedule and end of validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub not_before: Option<Micros>,
    pub expires_at: Micros,
    /// How much longer was asked for.
    pub cut: Option<Duration>,
}

impl Term {
    /// What a submission or a replacement asks for, within what its account may have; nothing may be scheduled
    /// `furthest` ahead. A replacement without a validity leaves the end that the message `had`.
    pub(super) fn of(
        now: Now,
        asked: Asked,
        had: Option<Micros>,
        account: &AccountPolicy,
        furthest: Duration,
    ) -> Result<Self, Refusal> {
        let not_before = asked.not_before.filter(|at| *at > now.wall);
        if not_before.is_some_and(|at| at > now.wall.after(furthest)) {
            return Err(Refusal::BadSchedule);
        }
        let start = not_before.unwrap_or(now.wall);
        let latest = start.after(account.max_validity);
        let (expires_at, cut) = match asked.expires_at {
            Some(at) if at <= start => return Err(Refusal::AlreadyExpired),
            Some(at) if at > latest => match account.long_validity {
                LongValidity::Refuse => return Err(Refusal::ValidityTooLong),
                LongValidity::Cut => (latest, Some(at.since(latest))),
            },
            Some(at) => (at, None),
            None => (had.unwrap_or_else(|| start.after(account.default_validity)), None),
        };
        if not_before.is_some_and(|at| at >= expires_at) {
            return Err(Refusal::BadSchedule);
        }
        Ok(Self { not_before, expires_at, cut })
    }
}

impl AccountPolicy {
    /// True when the account may send from this address.
    #[must_use]
    pub fn may_send_from(&self, source: &Address) -> bool {
        if self.sources.is_empty() {
            return true;
        }
        self.sources.iter().any(|rule| rule.fits(source))
    }
}
