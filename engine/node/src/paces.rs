//! The rate of each account, over all its channels together: what SMPP has used up is gone for HTTP too.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::gcra::{Gcra, Rate};
use signalbox_core::id::AccountId;
use signalbox_core::time::Mono;

/// The rate of one account.
#[derive(Debug)]
pub struct Pace(Mutex<Gcra>);

impl Pace {
    pub(crate) fn unlimited() -> Self {
        Self(Mutex::new(Gcra::new(None, 1)))
    }

    /// Sets the rate; what is owed stays owed.
    pub fn set(&self, now: Mono, rate: Option<Rate>, burst: u32) {
        let mut gcra = self.0.lock();
        if gcra.rate() != rate || gcra.burst() != burst.max(1) {
            gcra.set_rate(now, rate, burst);
        }
    }

    /// Takes leave for so many messages.
    ///
    /// # Errors
    /// When they come too fast: from when on there is leave for them.
    pub fn take(&self, now: Mono, messages: u32) -> Result<(), Mono> {
        self.0.lock().take(now, messages)
    }
}

/// The rates of all accounts.
#[derive(Debug, Default)]
pub struct Paces(Mutex<FxHashMap<AccountId, Arc<Pace>>>);

impl Paces {
    /// The rate of an account; without a limit until one is set.
    #[must_use]
    pub fn of(&self, account: AccountId) -> Arc<Pace> {
        self.0.lock().entry(account).or_insert_with(|| Arc::new(Pace::unlimited())).clone()
    }

    /// Forgets accounts that are gone.
    pub fn keep(&self, is_there: impl Fn(AccountId) -> bool) {
        self.0.lock().retain(|account, _| is_there(*account));
    }
}

/// A rate in the limiter's form: whole messages a second where there are some, else one in so much time.
#[must_use]
pub fn rate(rate: signalbox_config::value::Rate) -> Option<Rate> {
    match u32::try_from(rate.whole_per_second()) {
        Ok(0) | Err(_) => Rate::new(1, Duration::from_nanos(rate.interval_nanoseconds())).ok(),
        Ok(messages) => Rate::per_second(messages).ok(),
    }
}
