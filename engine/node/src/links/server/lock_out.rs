//! Lock-out after wrong passwords, by address and by address and system_id together.
//!
//! It is asked before any password is hashed, and what is being hashed counts as wrong until it is known, so a
//! flood costs at most as many hashes as wrong passwords are allowed. Addresses of IPv6 count by their /64, which
//! is what one customer of a provider has.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};

use rustc_hash::{FxBuildHasher, FxHashMap};
use signalbox_core::time::Mono;

use super::super::settings::LockOut as Rules;

/// Who tries: an address, or an address for one system_id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Who {
    address: IpAddr,
    /// A digest of the system_id; `None` for the address as such.
    system_id: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Record {
    wrong: VecDeque<Mono>,
    locked_until: Option<Mono>,
    /// Passwords of his that are being hashed.
    pending: u32,
}

/// Why nobody looks at a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// Too many wrong ones; the lock holds until then.
    Until(Mono),
    /// As many as could still be wrong are being looked at.
    Busy,
}

/// A password that may be looked at; to be given back with the result.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    pair: Who,
    alone: Who,
}

/// See the [module](self).
#[derive(Debug)]
pub struct LockOut {
    rules: Rules,
    records: FxHashMap<Who, Record>,
    /// In the order in which they came to be known.
    order: VecDeque<Who>,
}

impl LockOut {
    /// Nobody is known.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, records: FxHashMap::default(), order: VecDeque::new() }
    }

    /// Other rules from now on; locks that hold keep their end.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    fn pair(address: IpAddr, system_id: &[u8]) -> Who {
        Who { address: network(address), system_id: Some(FxBuildHasher.hash_one(system_id)) }
    }

    fn alone(address: IpAddr) -> Who {
        Who { address: network(address), system_id: None }
    }

    /// Whether this address is locked for this system_id. To be asked before anything that knows a password.
    ///
    /// # Errors
    /// Until when.
    pub fn check_pair(&self, now: Mono, address: IpAddr, system_id: &[u8]) -> Result<(), Locked> {
        self.check(now, Self::pair(address, system_id))
    }

    fn check(&self, now: Mono, who: Who) -> Result<(), Locked> {
        let until = self.records.get(&who).and_then(|record| record.locked_until);
        match until {
            Some(until) if until > now => Err(Locked::Until(until)),
            Some(_) | None => Ok(()),
        }
    }

    /// Asks to have a password hashed.
    ///
    /// # Errors
    /// When it is not to be looked at.
    pub fn begin(&mut self, now: Mono, address: IpAddr, system_id: &[u8]) -> Result<Attempt, Locked> {
        let (pair, alone) = (Self::pair(address, system_id), Self::alone(address));
        let limits = [(pair, self.rules.failures_per_account), (alone, self.rules.failures_per_address)];
        for (who, limit) in limits {
            self.check(now, who)?;
            let within = self.rules.within;
            if let Some(record) = self.records.get_mut(&who) {
                record.forget(now, within);
                if record.wrong.len() as u64 + u64::from(record.pending) >= u64::from(limit) {
                    return Err(Locked::Busy);
                }
            }
        }
        self.record(pair).pending += 1;
        self.record(alone).pending += 1;
        Ok(Attempt { pair, alone })
    }

    /// What became of a password that was hashed. True when this locked somebody out.
    pub fn end(&mut self, now: Mono, attempt: Attempt, right: bool) -> bool {
        let mut locked = false;
        let limits = [
            (attempt.pair, self.rules.failures_per_account),
            (attempt.alone, self.rules.failures_per_address),
        ];
        for (who, limit) in limits {
            let record = self.record(who);
            record.pending = record.pending.saturating_sub(1);
            if right {
                continue;
            }
            locked |= self.wrong(now, who, limit);
        }
        if right {
            // Who knows the password is not guessing it.
            self.forget(attempt.pair);
        }
        locked
    }

    /// A password that was not looked at after all.
    pub fn cancel(&mut self, attempt: Attempt) {
        for who in [attempt.pair, attempt.alone] {
            let record = self.record(who);
            record.pending = record.pending.saturating_sub(1);
        }
    }

    /// A password that was wrong without being hashed, or a system_id that does not exist. True when this locked
    /// somebody out.
    pub fn failed(&mut self, now: Mono, address: IpAddr, system_id: &[u8]) -> bool {
        let pair = self.wrong(now, Self::pair(address, system_id), self.rules.failures_per_account);
        let alone = self.wrong(now, Self::alone(address), self.rules.failures_per_address);
        pair || alone
    }

    /// How many are known.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    fn wrong(&mut self, now: Mono, who: Who, limit: u32) -> bool {
        let Rules { within, lasts, .. } = self.rules;
        let record = self.record(who);
        record.forget(now, within);
        record.wrong.push_back(now);
        if record.wrong.len() < limit as usize {
            return false;
        }
        record.wrong.clear();
        record.locked_until = Some(now + lasts);
        true
    }

    fn record(&mut self, who: Who) -> &mut Record {
        if !self.records.contains_key(&who) {
            while self.records.len() >= self.rules.remembered.max(2) {
                let Some(oldest) = self.order.pop_front() else { break };
                self.records.remove(&oldest);
            }
            self.order.push_back(who);
        }
        self.records.entry(who).or_default()
    }

    fn forget(&mut self, who: Who) {
        if let Some(record) = self.records.get_mut(&who) {
            record.wrong.clear();
        }
    }
}

impl Record {
    fn forget(&mut self, now: Mono, within: std::time::Duration) {
        while self.wrong.front().is_some_and(|&at| now - at > within) {
            self.wrong.pop_front();
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RULES: Rules = Rules {
        failures_per_address: 6,
        failures_per_account: 3,
        within: Duration::from_secs(60),
        lasts: Duration::from_secs(300),
        remembered: 100,
    };

    fn second(second: u64) -> Mono {
        Mono(second * 1_000_000_000)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn try_wrong(lock: &mut LockOut, at: Mono, from: IpAddr, id: &[u8]) -> Result<bool, Locked> {
        let attempt = lock.begin(at, from, id)?;
        Ok(lock.end(at, attempt, false))
    }

    #[test]
    fn the_pair_is_locked_and_nobody_else() {
        let mut lock = LockOut::new(RULES);
        let results: Vec<_> = (0..4).map(|n| try_wrong(&mut lock, second(n), address(1), b"demo")).collect();
        assert_eq!(results, [Ok(false), Ok(false), Ok(true), Err(Locked::Until(second(302)))]);
        assert!(lock.check_pair(second(3), address(1), b"demo").is_err());
        assert!(lock.begin(second(3), address(1), b"other").is_ok());
        assert!(lock.begin(second(3), address(2), b"demo").is_ok());
        assert!(lock.begin(second(303), address(1), b"demo").is_ok(), "the lock ends");
    }

    #[test]
    fn an_address_that_tries_many_names_is_locked() {
        let mut lock = LockOut::new(RULES);
        for name in 0..5 {
            assert_eq!(try_wrong(&mut lock, second(0), address(1), &[name]), Ok(false));
        }
        assert_eq!(try_wrong(&mut lock, second(0), address(1), b"six"), Ok(true));
        assert!(matches!(lock.begin(second(1), address(1), b"seven"), Err(Locked::Until(_))));
    }

    #[test]
    fn what_is_being_hashed_counts_as_wrong_until_it_is_known() {
        let mut lock = LockOut::new(RULES);
        let open: Vec<Attempt> =
            (0..3).map(|_| lock.begin(second(0), address(1), b"demo").unwrap()).collect();
        assert!(matches!(lock.begin(second(0), address(1), b"demo"), Err(Locked::Busy)));
        for attempt in open {
            lock.end(second(1), attempt, true);
        }
        assert!(lock.begin(second(1), address(1), b"demo").is_ok());
    }

    #[test]
    fn old_failures_and_failures_before_a_success_do_not_count() {
        let mut lock = LockOut::new(RULES);
        for n in 0..10 {
            assert_eq!(try_wrong(&mut lock, second(n * 31), address(1), b"demo"), Ok(false));
        }
        let mut lock = LockOut::new(RULES);
        for _ in 0..2 {
            assert_eq!(try_wrong(&mut lock, second(0), address(1), b"demo"), Ok(false));
        }
        let attempt = lock.begin(second(0), address(1), b"demo").unwrap();
        lock.end(second(0), attempt, true);
        assert_eq!(try_wrong(&mut lock, second(0), address(1), b"demo"), Ok(false));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut lock = LockOut::new(RULES);
        for n in 0..1000_u32 {
            let from = IpAddr::from(Ipv6Addr::from_bits(u128::from(n) << 64));
            let _ = try_wrong(&mut lock, second(0), from, b"demo");
        }
        assert!(lock.len() <= 100);
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let mut lock = LockOut::new(RULES);
        let from = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        for n in 0..3 {
            let _ = try_wrong(&mut lock, second(0), from(n), b"demo");
        }
        assert!(lock.check_pair(second(0), from(9), b"demo").is_err());
    }
}
