//! How often one address may send an entry.

use std::net::IpAddr;
use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_core::gcra::{Gcra, Rate};
use signalbox_core::time::Mono;

/// Addresses that are remembered.
const MOST: usize = 65_536;

/// So many entries of an address in a minute, and all of them at once when it was silent before.
#[derive(Debug)]
pub(super) struct Gate {
    rate: Option<Rate>,
    burst: u32,
    addresses: FxHashMap<u128, Gcra>,
}

impl Gate {
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            rate: Rate::new(per_minute, Duration::from_secs(60)).ok(),
            burst: per_minute,
            addresses: FxHashMap::default(),
        }
    }

    /// Whether it may send one now.
    pub(super) fn lets(&mut self, address: IpAddr, now: Mono) -> bool {
        let key = match address.to_canonical() {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            // Who has one address of a /64 has them all.
            IpAddr::V6(address) => u128::from(address) >> 64 << 64,
        };
        if self.addresses.len() >= MOST && !self.addresses.contains_key(&key) {
            let burst = self.burst;
            self.addresses.retain(|_, taken| taken.tokens_available(now, burst) < burst);
            if self.addresses.len() >= MOST {
                return false;
            }
        }
        let taken = self.addresses.entry(key).or_insert_with(|| Gcra::new(self.rate, self.burst));
        taken.take(now, 1).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_sends_so_many_in_a_minute_whatever_others_do() {
        let mut gate = Gate::new(3);
        let (one, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let at = |seconds: u64| Mono(1_000_000_000 * (1_000 + seconds));
        assert_eq!([0, 0, 0, 0].map(|second| gate.lets(one, at(second))), [true, true, true, false]);
        assert!(gate.lets("::ffff:192.0.2.2".parse().unwrap(), at(0)));
        assert!(gate.lets(other, at(0)) && gate.lets(other, at(0)) && !gate.lets(other, at(0)));
        assert!(!gate.lets(one, at(19)));
        assert!(gate.lets(one, at(21)));
        assert!(!gate.lets(one, at(21)));
    }

    #[test]
    fn a_network_is_one_and_idle_ones_make_room() {
        let mut gate = Gate::new(1);
        let now = Mono(1_000_000_000_000);
        assert!(gate.lets("2001:db8::1".parse().unwrap(), now));
        assert!(!gate.lets("2001:db8::2".parse().unwrap(), now));
        assert!(gate.lets("2001:db8:0:1::1".parse().unwrap(), now));
        for address in 0..u32::try_from(MOST).unwrap() - 2 {
            assert!(gate.lets(IpAddr::V4(address.into()), now));
        }
        assert!(!gate.lets("203.0.113.9".parse().unwrap(), now), "nobody is idle");
        assert!(gate.lets("203.0.113.9".parse().unwrap(), now + Duration::from_secs(61)));
    }
}
