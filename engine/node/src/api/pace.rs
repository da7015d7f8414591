//! The rate of each account, as HTTP says it.

use signalbox_config::catalog::Account;
use signalbox_core::id::AccountId;

use super::Api;
use super::problem::{Problem, ProblemKind};
use crate::paces::rate;

impl Api {
    /// Takes a message from the account's rate, which SMPP takes from too.
    pub(super) fn pace(&self, id: AccountId, account: &Account) -> Result<(), Problem> {
        let now = self.now().mono;
        let pace = self.0.paces.of(id);
        pace.set(now, account.rate.and_then(rate), account.burst.as_u32());
        pace.take(now, 1).map_err(|at| {
            let wait = (at - now).as_secs_f64().ceil();
            let detail = format!("the account `{}` is above its rate", account.name);
            Problem::new(ProblemKind::TooManyRequests, detail).retry_after((wait as u64).max(1))
        })
    }
}
