//! Who may bind. From cheap to dear: account, address, TLS, mode, lock-out, known password, hash.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use signalbox_config::value::CertificateFingerprint;
use signalbox_core::backend::Clock;
use signalbox_core::gcra::Gcra;
use signalbox_smpp::{Bind, BindMode, CommandStatus, Version};

use super::super::settings::SmscSettings;
use super::accounts::{Account, Accounts, BindPlace};
use super::hashing::{Busy, Hashing};
use super::lock_out::{LockOut, Locked};
use super::password::{DigestKey, Finding, Known};

/// Addresses that have bound before and are remembered for it.
const KNOWN_ADDRESSES: usize = 65_536;

/// A bind, and where it comes from.
#[derive(Debug)]
pub struct Request {
    /// The peer's address.
    pub address: IpAddr,
    /// The connection is TLS.
    pub tls: bool,
    /// The client certificate, if one was shown.
    pub certificate: Option<CertificateFingerprint>,
    /// What the session wants to do.
    pub mode: BindMode,
    /// The bind.
    pub bind: Bind,
}

/// A bind that is welcome.
#[derive(Debug)]
pub struct Admitted {
    /// Whose it is.
    pub account: Arc<Account>,
    /// One of its binds.
    pub place: BindPlace,
}

/// A bind that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the peer is told.
    pub status: CommandStatus,
    /// What the metrics and the log are told.
    pub why: &'static str,
}

const fn refused(status: CommandStatus, why: &'static str) -> Refused {
    Refused { status, why }
}

/// See the [module](self). Shared by all listeners.
pub struct Door {
    /// The accounts.
    pub accounts: Accounts,
    smsc: ArcSwap<SmscSettings>,
    lock_out: Mutex<LockOut>,
    hashing: Hashing,
    key: DigestKey,
    known: Mutex<FxHashSet<IpAddr>>,
    clock: Arc<dyn Clock>,
}

impl Door {
    /// A door without accounts.
    #[must_use]
    pub fn new(smsc: &SmscSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            accounts: Accounts::default(),
            lock_out: Mutex::new(LockOut::new(smsc.lock_out)),
            hashing: Hashing::new(smsc.hashes_at_once, smsc.hash_queue),
            smsc: ArcSwap::from_pointee(smsc.clone()),
            key: DigestKey::random(),
            known: Mutex::new(FxHashSet::default()),
            clock,
        }
    }

    /// Other settings from now on; the number of hashes stays what it was at the start.
    pub fn apply(&self, smsc: &SmscSettings) {
        self.lock_out.lock().set_rules(smsc.lock_out);
        self.smsc.store(Arc::new(smsc.clone()));
    }

    /// What we call ourselves.
    #[must_use]
    pub fn smsc(&self) -> Arc<SmscSettings> {
        self.smsc.load_full()
    }

    /// Judges a bind. `pace` is the listener's limit of passwords looked at.
    ///
    /// # Errors
    /// What to answer, and why.
    pub async fn admit(&self, request: &Request, pace: &Mutex<Gcra>) -> Result<Admitted, Refused> {
        let system_id = request.bind.system_id.as_slice();
        let now = self.clock.now().mono;
        if self.lock_out.lock().check_pair(now, request.address, system_id).is_err() {
            return Err(refused(CommandStatus::RBINDFAIL, "locked_out"));
        }
        let Some(account) = self.accounts.by_system_id(system_id) else {
            return Err(self.unknown(request));
        };
        check_rules(&account, request)?;
        self.check_password(&account, request, pace).await?;
        // The account may have been switched off while its password was hashed.
        if !account.is_active() {
            return Err(refused(CommandStatus::RBINDFAIL, "inactive"));
        }
        let place = account.take_bind().ok_or(refused(CommandStatus::RALYBND, "max_binds"))?;
        self.remember(request.address);
        Ok(Admitted { account, place })
    }

    /// A system_id that no account has: it counts like a wrong password, so that names cannot be tried without
    /// end either.
    fn unknown(&self, request: &Request) -> Refused {
        let now = self.clock.now().mono;
        let mut lock_out = self.lock_out.lock();
        let system_id = request.bind.system_id.as_slice();
        match lock_out.begin(now, request.address, system_id) {
            Err(_) => refused(CommandStatus::RBINDFAIL, "locked_out"),
            Ok(attempt) => {
                lock_out.end(now, attempt, false);
                refused(CommandStatus::RINVSYSID, "unknown_account")
            }
        }
    }

    async fn check_password(
        &self,
        account: &Arc<Account>,
        request: &Request,
        pace: &Mutex<Gcra>,
    ) -> Result<(), Refused> {
        let wrong = refused(CommandStatus::RINVPASWD, "wrong_password");
        let settings = account.settings();
        let digest = self.key.digest(
            request.bind.system_id.as_slice(),
            settings.password.as_str(),
            &request.bind.password,
        );
        let now = self.clock.now().mono;
        match account.passwords.look(digest, now) {
            Known::Right => Ok(()),
            Known::Wrong => {
                self.failed(request);
                Err(wrong)
            }
            Known::Soon(mut result) => match result.wait_for(Option::is_some).await.map(|right| *right) {
                Ok(Some(true)) => Ok(()),
                Ok(Some(false)) => {
                    self.failed(request);
                    Err(wrong)
                }
                Ok(None) | Err(_) => Err(refused(CommandStatus::RBINDFAIL, "busy")),
            },
            Known::Nothing(finding) => {
                if self.hash(account, request, pace, finding).await? {
                    Ok(())
                } else {
                    Err(wrong)
                }
            }
        }
    }

    async fn hash(
        &self,
        account: &Arc<Account>,
        request: &Request,
        pace: &Mutex<Gcra>,
        finding: Finding,
    ) -> Result<bool, Refused> {
        let now = self.clock.now().mono;
        let system_id = request.bind.system_id.as_slice();
        let begun = self.lock_out.lock().begin(now, request.address, system_id);
        let attempt = begun.map_err(|locked| match locked {
            Locked::Until(_) => refused(CommandStatus::RBINDFAIL, "locked_out"),
            Locked::Busy => refused(CommandStatus::RBINDFAIL, "busy"),
        })?;
        let settings = account.settings();
        let is_known = !settings.allow_from.is_empty() || self.known.lock().contains(&request.address);
        let hashed = if pace.lock().take(now, 1).is_err() && !is_known {
            Err(Busy)
        } else {
            self.hashing.matches(settings.password.clone(), &request.bind.password, is_known).await
        };
        let now = self.clock.now().mono;
        match hashed {
            Ok(right) => {
                if self.lock_out.lock().end(now, attempt, right) {
                    tracing::warn!(
                        address = %request.address,
                        system_id = %request.bind.system_id,
                        "locked out after wrong passwords"
                    );
                }
                account.passwords.found(finding, right, now, self.smsc.load().verified_for);
                Ok(right)
            }
            Err(Busy) => {
                // Nothing is known of it, so nothing is held against it.
                self.lock_out.lock().cancel(attempt);
                Err(refused(CommandStatus::RBINDFAIL, "busy"))
            }
        }
    }

    fn failed(&self, request: &Request) {
        let now = self.clock.now().mono;
        let locked = self.lock_out.lock().failed(now, request.address, request.bind.system_id.as_slice());
        if locked {
            tracing::warn!(
                address = %request.address,
                system_id = %request.bind.system_id,
                "locked out after wrong passwords"
            );
        }
    }

    fn remember(&self, address: IpAddr) {
        let mut known = self.known.lock();
        if known.len() >= KNOWN_ADDRESSES {
            known.clear();
        }
        known.insert(address);
    }
}

/// Everything that an account asks of a bind but the password.
fn check_rules(account: &Account, request: &Request) -> Result<(), Refused> {
    let settings = account.settings();
    let from_here = |network: &signalbox_config::value::IpNetwork| network.contains(request.address);
    if !settings.allow_from.is_empty() && !settings.allow_from.iter().any(from_here) {
        return Err(refused(CommandStatus::RBINDFAIL, "address"));
    }
    if settings.tls_required && !request.tls {
        return Err(refused(CommandStatus::RBINDFAIL, "tls_required"));
    }
    let listed = |certificate| settings.client_certificates.contains(certificate);
    if !settings.client_certificates.is_empty() && !request.certificate.as_ref().is_some_and(listed) {
        return Err(refused(CommandStatus::RBINDFAIL, "certificate"));
    }
    if settings.system_type.as_ref().is_some_and(|wanted| request.bind.system_type != wanted.as_str()) {
        return Err(refused(CommandStatus::RINVSYSTYP, "system_type"));
    }
    if !settings.modes.allows(request.mode) {
        return Err(refused(CommandStatus::RBINDFAIL, "mode"));
    }
    if settings.long_ids && request.bind.version() < Version::V3_4 {
        return Err(refused(CommandStatus::RBINDFAIL, "version"));
    }
    Ok(())
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
