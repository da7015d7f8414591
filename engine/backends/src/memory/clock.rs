use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use signalbox_core::backend::Clock;
use signalbox_core::time::{Micros, Now};

/// A clock that goes only when it is told to. Clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    now: Arc<Mutex<Now>>,
}

impl VirtualClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self { now: Arc::new(Mutex::new(now)) }
    }

    /// Lets time go by: both clocks, rounded down to whole microseconds of their sum on the wall.
    pub fn advance(&self, span: Duration) {
        let mut now = self.now.lock();
        let before = now.mono.0 / 1000;
        now.mono = now.mono + span;
        let gone = now.mono.0 / 1000 - before;
        now.wall = Micros(now.wall.0.saturating_add_unsigned(gone));
    }

    /// Sets the wall clock forward or back, as an operator or NTP does; the monotonic one goes on.
    pub fn step_wall(&self, micros: i64) {
        let mut now = self.now.lock();
        now.wall = Micros(now.wall.0.saturating_add(micros));
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        *self.now.lock()
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::time::Mono;

    use super::*;

    #[test]
    fn the_wall_keeps_pace_with_the_monotonic_clock() {
        let clock = VirtualClock::new(Now { wall: Micros(100), mono: Mono(0) });
        for _ in 0..1500 {
            clock.advance(Duration::from_nanos(900));
        }
        assert_eq!(clock.now(), Now { wall: Micros(1450), mono: Mono(1_350_000) });
    }

    #[test]
    fn a_step_moves_only_the_wall() {
        let clock = VirtualClock::new(Now::default());
        clock.clone().step_wall(-5);
        assert_eq!(clock.now(), Now { wall: Micros(-5), mono: Mono(0) });
    }
}
