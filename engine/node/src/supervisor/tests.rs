use std::sync::atomic::{AtomicU32, Ordering};

use signalbox_core::time::{Micros, Mono, Now};
use tokio::sync::mpsc;

use super::*;

struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { wall: Micros(0), mono: Mono(0) }
    }
}

fn settings(restarts: u32) -> Settings {
    Settings {
        intensity: Intensity {
            restarts,
            within: Duration::from_secs(60),
            wait: Duration::from_millis(1),
            wait_max: Duration::from_millis(2),
        },
        clock: Arc::new(Still),
    }
}

fn child(name: &str, restart: Restart, work: impl FnMut(Orders) -> Work + Send + 'static) -> Child {
    Child { name: name.to_owned(), kind: "test", restart, work: Box::new(work) }
}

/// Work that tells when it starts and ends when it is told to.
fn waits(started: mpsc::UnboundedSender<&'static str>, name: &'static str) -> impl FnMut(Orders) -> Work {
    move |mut orders| {
        let started = started.clone();
        Box::pin(async move {
            let _ = started.send(name);
            orders.recv().await;
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_panic_is_followed_by_a_restart_and_touches_no_other() {
    let supervisor = SupervisorHandle::start(settings(10)).await.unwrap();
    let (started, mut starts) = mpsc::unbounded_channel();
    supervisor.start_child(child("calm", Restart::Always, waits(started.clone(), "calm"))).unwrap();
    assert_eq!(starts.recv().await, Some("calm"));
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let wild = child("wild", Restart::Always, move |mut orders: Orders| -> Work {
        let started = started.clone();
        let counted = counted.clone();
        Box::pin(async move {
            if counted.fetch_add(1, Ordering::SeqCst) < 3 {
                panic!("as planned");
            }
            let _ = started.send("wild");
            orders.recv().await;
            Ok(())
        })
    });
    supervisor.start_child(wild).unwrap();
    assert_eq!(starts.recv().await, Some("wild"));
    assert_eq!(tries.load(Ordering::SeqCst), 4);
    // The other one was started once.
    assert!(starts.try_recv().is_err());
    let states = supervisor.states().await;
    assert_eq!(states, [("calm".to_owned(), ChildState::Running), ("wild".to_owned(), ChildState::Running)]);
    supervisor.order_all(Order::Stop);
    assert!(supervisor.gone("", Duration::from_secs(5)).await);
}

#[tokio::test]
async fn who_fails_too_often_stays_down_until_started_anew() {
    let supervisor = SupervisorHandle::start(settings(3)).await.unwrap();
    let (tried, mut tries) = mpsc::unbounded_channel();
    let broken = child("broken", Restart::Always, move |_| -> Work {
        let tried = tried.clone();
        Box::pin(async move {
            let _ = tried.send(());
            Err(Failure::Failed("no luck".into()))
        })
    });
    supervisor.start_child(broken).unwrap();
    for _ in 0..4 {
        tries.recv().await.unwrap();
    }
    let given_up = async {
        while supervisor.states().await != [("broken".to_owned(), ChildState::GivenUp)] {
            assert!(tries.try_recv().is_err(), "tried more often than it may");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), given_up).await.expect("it is given up");
    let (started, mut starts) = mpsc::unbounded_channel();
    supervisor.start_child(child("broken", Restart::Always, waits(started, "again"))).unwrap();
    assert_eq!(starts.recv().await, Some("again"));
    assert_eq!(supervisor.states().await, [("broken".to_owned(), ChildState::Running)]);
}

#[tokio::test]
async fn a_child_of_the_same_name_is_drained_first() {
    let supervisor = SupervisorHandle::start(settings(3)).await.unwrap();
    let (told, mut tells) = mpsc::unbounded_channel();
    let first_told = told.clone();
    let first = child("one", Restart::Always, move |mut orders: Orders| -> Work {
        let told = first_told.clone();
        Box::pin(async move {
            let _ = told.send("first up");
            assert_eq!(orders.recv().await, Some(Order::Drain));
            let _ = told.send("first down");
            Ok(())
        })
    });
    supervisor.start_child(first).unwrap();
    supervisor.start_child(child("one", Restart::Always, waits(told, "second up"))).unwrap();
    for expected in ["first up", "first down", "second up"] {
        assert_eq!(tells.recv().await, Some(expected));
    }
}

#[tokio::test]
async fn who_is_not_to_be_restarted_is_forgotten() {
    let supervisor = SupervisorHandle::start(settings(3)).await.unwrap();
    let once = child("once", Restart::Never, |_| Box::pin(async { Err(Failure::Stuck) }));
    supervisor.start_child(once).unwrap();
    assert!(supervisor.gone("once", Duration::from_secs(5)).await);
    assert!(supervisor.states().await.is_empty());
}
