//! The watchdog: sessions and the like show that they are alive; who does not is ended and started anew.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::backend::Clock;
use signalbox_core::time::Mono;
use tokio::sync::Notify;

use crate::supervisor::{Failure, Order, Orders};

/// See the [module](self).
pub struct Watchdog {
    clock: Arc<dyn Clock>,
    stuck_after: Duration,
    entries: Mutex<FxHashMap<u64, Entry>>,
    next: AtomicU64,
}

struct Entry {
    kind: &'static str,
    name: String,
    pulse: Arc<Pulse>,
    /// Found stuck already.
    found: bool,
}

#[derive(Debug, Default)]
struct Pulse {
    beat: AtomicU64,
    ended: AtomicBool,
    end: Notify,
}

/// Somebody who gave no sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// How long it has been silent.
    pub silent: Duration,
}

impl Watchdog {
    /// A watchdog that ends who is silent for longer than `stuck_after`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, stuck_after: Duration) -> Arc<Self> {
        Arc::new(Self {
            clock,
            stuck_after,
            entries: Mutex::new(FxHashMap::default()),
            next: AtomicU64::new(0),
        })
    }

    /// Watches somebody from now on, until the heartbeat is dropped.
    #[must_use]
    pub fn watch(self: &Arc<Self>, kind: &'static str, name: String) -> Heartbeat {
        let pulse = Arc::new(Pulse::default());
        pulse.beat.store(self.clock.now().mono.0, Ordering::Relaxed);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.entries.lock().insert(id, Entry { kind, name, pulse: pulse.clone(), found: false });
        Heartbeat { pulse, id, watchdog: Arc::downgrade(self) }
    }

    /// Looks at everybody once: who is newly found stuck is told to end, and returned.
    pub fn look(&self) -> Vec<Stuck> {
        let now = self.clock.now().mono;
        let mut stuck = Vec::new();
        for entry in self.entries.lock().values_mut() {
            let silent = now - Mono(entry.pulse.beat.load(Ordering::Relaxed));
            if silent <= self.stuck_after {
                entry.found = false;
                continue;
            }
            if std::mem::replace(&mut entry.found, true) {
                continue;
            }
            entry.pulse.ended.store(true, Ordering::Release);
            entry.pulse.end.notify_one();
            stuck.push(Stuck { kind: entry.kind, name: entry.name.clone(), silent });
        }
        stuck
    }

    /// True while everybody has shown lately that he is alive; the process itself is to be restarted when this
    /// stays false, for then somebody does not even end when told to.
    #[must_use]
    pub fn all_alive(&self) -> bool {
        let now = self.clock.now().mono;
        let entries = self.entries.lock();
        entries.values().all(|entry| now - Mono(entry.pulse.beat.load(Ordering::Relaxed)) <= self.stuck_after)
    }

    /// Looks at this interval, until told to end.
    ///
    /// # Errors
    /// None.
    pub async fn run(self: Arc<Self>, every: Duration, mut orders: Orders) -> Result<(), Failure> {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    for stuck in self.look() {
                        metrics::counter!("actor_stuck_total", "kind" => stuck.kind).increment(1);
                        tracing::error!(
                            kind = stuck.kind,
                            name = stuck.name,
                            silent_ms = stuck.silent.as_millis(),
                            "no sign of life, ending it"
                        );
                    }
                }
                order = orders.recv() => match order {
                    Some(Order::Drain | Order::Stop) | None => return Ok(()),
                },
            }
        }
    }
}

/// The sign of life of one session.
#[derive(Debug)]
pub struct Heartbeat {
    pulse: Arc<Pulse>,
    id: u64,
    watchdog: Weak<Watchdog>,
}

impl Heartbeat {
    /// Shows that the owner is alive.
    #[inline]
    pub fn beat(&self, now: Mono) {
        self.pulse.beat.store(now.0, Ordering::Relaxed);
    }

    /// Waits until the watchdog ends the owner.
    pub async fn ended(&self) {
        while !self.pulse.ended.load(Ordering::Acquire) {
            self.pulse.end.notified().await;
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if let Some(watchdog) = self.watchdog.upgrade() {
            watchdog.entries.lock().remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::time::{Micros, Now};

    use super::*;

    #[derive(Default)]
    struct Hand(AtomicU64);

    impl Hand {
        fn turn(&self, seconds: u64) {
            self.0.fetch_add(seconds * 1_000_000_000, Ordering::SeqCst);
        }
    }

    impl Clock for Hand {
        fn now(&self) -> Now {
            Now { wall: Micros(0), mono: Mono(self.0.load(Ordering::SeqCst)) }
        }
    }

    #[tokio::test]
    async fn who_is_silent_is_found_once_and_told_to_end() {
        let clock = Arc::new(Hand::default());
        let watchdog = Watchdog::new(clock.clone(), Duration::from_secs(30));
        let silent = watchdog.watch("link", "a/0".into());
        let lively = watchdog.watch("link", "b/0".into());
        clock.turn(20);
        lively.beat(clock.now().mono);
        assert!(watchdog.look().is_empty() && watchdog.all_alive());
        clock.turn(11);
        let found = watchdog.look();
        assert_eq!(found, [Stuck { kind: "link", name: "a/0".into(), silent: Duration::from_secs(31) }]);
        tokio::time::timeout(Duration::from_secs(10), silent.ended()).await.expect("it is told to end");
        assert!(watchdog.look().is_empty(), "found once");
        assert!(!watchdog.all_alive());
        drop(silent);
        assert!(watchdog.all_alive());
    }

    #[tokio::test]
    async fn who_recovers_can_be_found_again() {
        let clock = Arc::new(Hand::default());
        let watchdog = Watchdog::new(clock.clone(), Duration::from_secs(1));
        let heart = watchdog.watch("link", "a/0".into());
        clock.turn(2);
        assert_eq!(watchdog.look().len(), 1);
        heart.beat(clock.now().mono);
        assert!(watchdog.look().is_empty());
        clock.turn(2);
        assert_eq!(watchdog.look().len(), 1);
    }
}
