//! The accounts that may bind, and what their sessions share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use arc_swap::ArcSwap;
use rustc_hash::{FxHashMap, FxHashSet};
use signalbox_core::id::AccountId;
use signalbox_core::time::Mono;

use super::super::settings::AccountSettings;
use super::password::Passwords;
use crate::paces::{Pace, Paces};

/// An account, as all its sessions see it. Limits change in place; what its sessions were admitted by does not:
/// then there is a new entry, and sessions of the old one end.
#[derive(Debug)]
pub struct Account {
    settings: ArcSwap<AccountSettings>,
    pace: Arc<Pace>,
    binds: AtomicU32,
    active: AtomicBool,
    /// What is known of its password.
    pub passwords: Passwords,
}

/// One of the binds that an account may have.
#[derive(Debug)]
pub struct BindPlace(Arc<Account>);

impl Account {
    fn new(settings: Arc<AccountSettings>, pace: Arc<Pace>) -> Self {
        Self {
            pace,
            settings: ArcSwap::new(settings),
            binds: AtomicU32::new(0),
            active: AtomicBool::new(true),
            passwords: Passwords::default(),
        }
    }

    /// What it is told now.
    #[must_use]
    pub fn settings(&self) -> Arc<AccountSettings> {
        self.settings.load_full()
    }

    /// False when its sessions are to end.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Takes leave for so many requests; false when they come too fast.
    pub fn take_rate(&self, now: Mono, requests: u32) -> bool {
        self.pace.take(now, requests).is_ok()
    }

    /// Takes one of the account's binds.
    pub fn take_bind(self: &Arc<Self>) -> Option<BindPlace> {
        let most = self.settings.load().max_binds;
        self.binds
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |binds| (binds < most).then_some(binds + 1))
            .ok()
            .map(|_| BindPlace(self.clone()))
    }

    /// Its binds now.
    #[cfg(test)]
    pub fn binds(&self) -> u32 {
        self.binds.load(Ordering::Relaxed)
    }
}

impl Drop for BindPlace {
    fn drop(&mut self) {
        self.0.binds.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether sessions that were admitted by `old` would be by `new` too.
fn admits_alike(old: &AccountSettings, new: &AccountSettings) -> bool {
    old.id == new.id
        && old.system_id == new.system_id
        && old.password == new.password
        && old.system_type == new.system_type
        && old.allow_from == new.allow_from
        && old.tls_required == new.tls_required
        && old.client_certificates == new.client_certificates
        && old.modes == new.modes
        && old.profile == new.profile
        && old.window == new.window
        && old.delivery_window == new.delivery_window
        && old.name == new.name
}

/// All accounts, by system_id, and their rates.
#[derive(Debug, Default)]
pub struct Accounts {
    by_system_id: ArcSwap<FxHashMap<Vec<u8>, Arc<Account>>>,
    paces: Arc<Paces>,
}

impl Accounts {
    /// The account that binds with this system_id.
    #[must_use]
    pub fn by_system_id(&self, system_id: &[u8]) -> Option<Arc<Account>> {
        self.by_system_id.load().get(system_id).cloned()
    }

    /// The rates, for the other channels of the accounts.
    #[must_use]
    pub fn paces(&self) -> &Arc<Paces> {
        &self.paces
    }

    /// Other accounts from now on. Sessions of those that are gone, switched off or admitted by other rules end.
    pub fn apply(&self, accounts: &[Arc<AccountSettings>], now: Mono) {
        let before = self.by_system_id.load_full();
        let there: FxHashSet<AccountId> = accounts.iter().map(|settings| settings.id).collect();
        self.paces.keep(|id| there.contains(&id));
        let mut after = FxHashMap::default();
        for settings in accounts.iter().filter(|settings| settings.enabled) {
            let system_id = settings.system_id.as_bytes().to_vec();
            let pace = self.paces.of(settings.id);
            pace.set(now, settings.rate, settings.burst);
            let account = match before.get(&system_id) {
                Some(account) if admits_alike(&account.settings.load(), settings) => {
                    account.settings.store(settings.clone());
                    account.clone()
                }
                Some(_) | None => Arc::new(Account::new(settings.clone(), pace)),
            };
            after.insert(system_id, account);
        }
        for (system_id, account) in before.iter() {
            if !after.get(system_id).is_some_and(|kept| Arc::ptr_eq(kept, account)) {
                account.active.store(false, Ordering::Relaxed);
            }
        }
        self.by_system_id.store(Arc::new(after));
    }
}

#[cfg(test)]
mod tests {
    use signalbox_config::value::PasswordHash;
    use signalbox_core::gcra::Rate;

    use super::*;

    fn settings(name: &str) -> AccountSettings {
        let hash: PasswordHash =
            "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA".parse().unwrap();
        AccountSettings::new(AccountId(1), name, hash)
    }

    #[test]
    fn limits_change_in_place_and_admission_does_not() {
        let accounts = Accounts::default();
        accounts.apply(&[Arc::new(settings("a")), Arc::new(settings("b"))], Mono(0));
        let (a, b) = (accounts.by_system_id(b"a").unwrap(), accounts.by_system_id(b"b").unwrap());
        let faster =
            AccountSettings { rate: Some(Rate::per_second(5).unwrap()), max_binds: 1, ..settings("a") };
        let tls = AccountSettings { tls_required: true, ..settings("b") };
        accounts.apply(&[Arc::new(faster), Arc::new(tls)], Mono(0));
        assert!(a.is_active() && a.settings().max_binds == 1);
        assert!(Arc::ptr_eq(&a, &accounts.by_system_id(b"a").unwrap()));
        assert!(!b.is_active());
        assert!(accounts.by_system_id(b"b").unwrap().settings().tls_required);
    }

    #[test]
    fn who_is_switched_off_or_gone_ends() {
        let accounts = Accounts::default();
        accounts.apply(&[Arc::new(settings("a")), Arc::new(settings("b"))], Mono(0));
        let (a, b) = (accounts.by_system_id(b"a").unwrap(), accounts.by_system_id(b"b").unwrap());
        accounts.apply(&[Arc::new(AccountSettings { enabled: false, ..settings("a") })], Mono(0));
        assert!(!a.is_active() && !b.is_active());
        assert!(accounts.by_system_id(b"a").is_none());
    }

    #[test]
    fn binds_are_counted_and_given_back() {
        let accounts = Accounts::default();
        accounts.apply(&[Arc::new(AccountSettings { max_binds: 2, ..settings("a") })], Mono(0));
        let account = accounts.by_system_id(b"a").unwrap();
        let places = [account.take_bind().unwrap(), account.take_bind().unwrap()];
        assert!(account.take_bind().is_none());
        drop(places);
        assert_eq!(account.binds(), 0);
        assert!(account.take_bind().is_some());
    }

    #[test]
    fn the_rate_is_shared_by_all_sessions() {
        let accounts = Accounts::default();
        let limited =
            AccountSettings { rate: Some(Rate::per_second(10).unwrap()), burst: 3, ..settings("a") };
        accounts.apply(&[Arc::new(limited)], Mono(0));
        let (one, two) = (accounts.by_system_id(b"a").unwrap(), accounts.by_system_id(b"a").unwrap());
        assert!(one.take_rate(Mono(0), 1) && two.take_rate(Mono(0), 1) && one.take_rate(Mono(0), 1));
        assert!(!two.take_rate(Mono(0), 1));
        assert!(two.take_rate(Mono(100_000_000), 1));
    }

    #[test]
    fn the_rate_is_shared_with_other_channels_and_outlives_the_admission() {
        let accounts = Accounts::default();
        let limited =
            AccountSettings { rate: Some(Rate::per_second(10).unwrap()), burst: 2, ..settings("a") };
        accounts.apply(&[Arc::new(limited.clone())], Mono(0));
        let http = accounts.paces().of(AccountId(1));
        assert!(accounts.by_system_id(b"a").unwrap().take_rate(Mono(0), 1));
        assert_eq!(http.take(Mono(0), 1), Ok(()));
        assert_eq!(http.take(Mono(0), 1), Err(Mono(100_000_000)));
        assert!(!accounts.by_system_id(b"a").unwrap().take_rate(Mono(0), 1));
        // Who must bind again for another rule has not paid less.
        accounts.apply(&[Arc::new(AccountSettings { tls_required: true, ..limited })], Mono(0));
        assert!(!accounts.by_system_id(b"a").unwrap().take_rate(Mono(0), 1));
        accounts.apply(&[], Mono(0));
        assert_eq!(
            accounts.paces().of(AccountId(1)).take(Mono(0), 1),
            Ok(()),
            "nothing is kept of who is gone"
        );
    }
}
