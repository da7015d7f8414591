//! Where calls of web services wait: so many of a service are on their way at once, and begin no faster than it takes
//! them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::backend::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::dialog::Service;
use crate::paces::{self, Pace};

/// The doors of all services, by name.
#[derive(Default)]
pub(super) struct Doors(Mutex<FxHashMap<String, Door>>);

#[derive(Clone)]
struct Door {
    window: usize,
    room: Arc<Semaphore>,
    pace: Arc<Pace>,
}

impl Doors {
    /// Waits until a call may begin; it is on its way until what this gives is dropped.
    ///
    /// # Errors
    /// When the node ends.
    pub(super) async fn enter(
        &self,
        clock: &dyn Clock,
        service: &Service,
    ) -> Result<OwnedSemaphorePermit, String> {
        let door = self.door(service);
        let room = door.room.acquire_owned().await.map_err(|_| "the node is about to stop".to_owned())?;
        loop {
            let now = clock.now().mono;
            door.pace.set(now, service.rate.and_then(paces::rate), 1);
            let Err(at) = door.pace.take(now, 1) else { return Ok(room) };
            tokio::time::sleep((at - now).max(Duration::from_millis(1))).await;
        }
    }

    /// The door of a service, as wide as the catalog has it now: calls that are on their way through a former one are
    /// not counted again.
    fn door(&self, service: &Service) -> Door {
        let mut doors = self.0.lock();
        let window = service.window.max(1);
        let room = || Arc::new(Semaphore::new(window));
        let door = doors.entry(service.name.clone()).or_insert_with(|| Door {
            window,
            room: room(),
            pace: Arc::new(Pace::unlimited()),
        });
        if door.window != window {
            (door.window, door.room) = (window, room());
        }
        door.clone()
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::time::{Micros, Mono, Now};

    use super::super::tests::service;
    use super::*;

    struct Running(std::time::Instant);

    impl Clock for Running {
        fn now(&self) -> Now {
            Now { wall: Micros(0).after(self.0.elapsed()), mono: Mono(0) + self.0.elapsed() }
        }
    }

    fn doors() -> (Doors, Running) {
        (Doors::default(), Running(std::time::Instant::now()))
    }

    #[tokio::test]
    async fn calls_begin_no_faster_than_their_service_takes_them() {
        let (doors, clock) = doors();
        let paced = Service { rate: Some("100/s".parse().unwrap()), window: 100, ..service(false) };
        for _ in 0..11 {
            drop(doors.enter(&clock, &paced).await.unwrap());
        }
        assert!(clock.0.elapsed() >= Duration::from_millis(95), "{:?}", clock.0.elapsed());
    }

    #[tokio::test]
    async fn as_many_are_on_their_way_as_the_catalog_says_now() {
        let (doors, clock) = doors();
        let narrow = Service { window: 1, ..service(false) };
        let first = doors.enter(&clock, &narrow).await.unwrap();
        let second = tokio::time::timeout(Duration::ZERO, doors.enter(&clock, &narrow)).await;
        assert!(second.is_err(), "one is on its way");
        drop(first);
        let _first = doors.enter(&clock, &narrow).await.unwrap();
        let wide = Service { window: 2, ..service(false) };
        let _second = doors.enter(&clock, &wide).await.unwrap();
        let _third = doors.enter(&clock, &wide).await.unwrap();
    }
}
