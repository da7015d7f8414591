//! How many connections there may be: on a listener, in all, from one address, and not yet bound.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::super::settings::ListenerSettings;

/// Connections of all listeners together.
#[derive(Debug, Default)]
pub struct Total {
    connections: AtomicU32,
    most: AtomicU32,
}

impl Total {
    /// Another bound from now on.
    pub fn set_most(&self, most: u32) {
        self.most.store(most, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        self.connections
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| (now < most).then_some(now + 1))
            .is_ok()
    }

    fn give_back(&self) {
        self.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Debug, Default)]
struct Counts {
    connections: u32,
    unbound: u32,
    /// Connections and unbound ones of each address that has some.
    by_address: FxHashMap<IpAddr, (u32, u32)>,
}

/// The connections of one listener.
#[derive(Debug)]
pub struct Places {
    counts: Mutex<Counts>,
    limits: Limits,
    total: Arc<Total>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    connections: u32,
    unbound: u32,
    per_address: u32,
    unbound_per_address: u32,
}

/// A connection's place; it is given back when this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
    bound: bool,
}

impl Places {
    /// None is taken.
    #[must_use]
    pub fn new(listener: &ListenerSettings, total: Arc<Total>) -> Arc<Self> {
        let limits = Limits {
            connections: listener.max_sessions,
            unbound: listener.max_unbound,
            per_address: listener.max_per_address,
            unbound_per_address: listener.max_unbound_per_address,
        };
        Arc::new(Self { counts: Mutex::default(), limits, total })
    }

    /// Takes a place for a connection that is not bound.
    ///
    /// # Errors
    /// The name of the bound that is reached.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, &'static str> {
        let limits = self.limits;
        let mut counts = self.counts.lock();
        if counts.connections >= limits.connections {
            return Err("sessions");
        }
        if counts.unbound >= limits.unbound {
            return Err("unbound");
        }
        let (connections, unbound) = counts.by_address.get(&address).copied().unwrap_or_default();
        if connections >= limits.per_address {
            return Err("sessions_of_address");
        }
        if unbound >= limits.unbound_per_address {
            return Err("unbound_of_address");
        }
        if !self.total.take() {
            return Err("sessions_of_node");
        }
        counts.connections += 1;
        counts.unbound += 1;
        counts.by_address.insert(address, (connections + 1, unbound + 1));
        drop(counts);
        Ok(Place { places: self.clone(), address, bound: false })
    }
}

impl Place {
    /// The connection is bound.
    pub fn set_bound(&mut self) {
        if std::mem::replace(&mut self.bound, true) {
            return;
        }
        let mut counts = self.places.counts.lock();
        counts.unbound -= 1;
        if let Some((_, unbound)) = counts.by_address.get_mut(&self.address) {
            *unbound -= 1;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.set_bound();
        let mut counts = self.places.counts.lock();
        counts.connections -= 1;
        if let Some((connections, _)) = counts.by_address.get_mut(&self.address) {
            *connections -= 1;
            if *connections == 0 {
                counts.by_address.remove(&self.address);
            }
        }
        drop(counts);
        self.places.total.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(total: u32) -> Arc<Places> {
        let listener = ListenerSettings {
            max_sessions: 4,
            max_unbound: 3,
            max_per_address: 3,
            max_unbound_per_address: 2,
            ..ListenerSettings::new("l", "127.0.0.1:0".parse().unwrap())
        };
        let all = Arc::new(Total::default());
        all.set_most(total);
        Places::new(&listener, all)
    }

    fn from(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn each_bound_has_its_name() {
        let places = places(100);
        let mut kept: Vec<Place> = (0..2).map(|_| places.take(from(1)).unwrap()).collect();
        assert_eq!(places.take(from(1)).unwrap_err(), "unbound_of_address");
        kept.push(places.take(from(2)).unwrap());
        assert_eq!(places.take(from(3)).unwrap_err(), "unbound");
        kept.iter_mut().for_each(Place::set_bound);
        kept.push(places.take(from(1)).unwrap());
        assert_eq!(places.take(from(3)).unwrap_err(), "sessions");
        drop(kept);
        let mut again: Vec<Place> = Vec::new();
        for _ in 0..3 {
            let mut place = places.take(from(1)).unwrap();
            place.set_bound();
            again.push(place);
        }
        assert_eq!(places.take(from(1)).unwrap_err(), "sessions_of_address");
        drop(again);
        assert!(places.counts.lock().by_address.is_empty());
    }

    #[test]
    fn the_node_has_a_bound_of_its_own() {
        let places = places(1);
        let first = places.take(from(1)).unwrap();
        assert_eq!(places.take(from(2)).unwrap_err(), "sessions_of_node");
        drop(first);
        assert!(places.take(from(2)).is_ok());
    }
}
