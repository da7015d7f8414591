//! The rate of each account over HTTP.

use rustc_hash::FxHashMap;
use signalbox_config::catalog::Account;
use signalbox_core::gcra::{Gcra, Rate};
use signalbox_core::id::AccountId;
use signalbox_core::time::Mono;

use super::Api;
use super::problem::{Problem, ProblemKind};

/// The rates in use.
#[derive(Default)]
pub(super) struct Paces(FxHashMap<AccountId, (Option<Rate>, u32, Gcra)>);

impl Paces {
    fn take(&mut self, id: AccountId, account: &Account, now: Mono) -> Result<(), Mono> {
        let rate = account
            .rate
            .and_then(|rate| Rate::new(1, std::time::Duration::from_nanos(rate.interval_nanoseconds())).ok());
        let burst = account.burst.as_u32();
        let (known, known_burst, gcra) =
            self.0.entry(id).or_insert_with(|| (rate, burst, Gcra::new(rate, burst)));
        if (*known, *known_burst) != (rate, burst) {
            (*known, *known_burst) = (rate, burst);
            gcra.set_rate(now, rate, burst);
        }
        gcra.take(now, 1)
    }
}

impl Api {
    /// Takes a message from the account's rate.
    pub(super) fn pace(&self, id: AccountId, account: &Account) -> Result<(), Problem> {
        let now = self.now().mono;
        self.0.paces.lock().take(id, account, now).map_err(|at| {
            let wait = (at - now).as_secs_f64().ceil();
            let detail = format!("the account `{}` is above its rate", account.name);
            Problem::new(ProblemKind::TooManyRequests, detail).retry_after((wait as u64).max(1))
        })
    }
}
