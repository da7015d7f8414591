use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use signalbox_backends::ownership::EmbeddedOwnership;
use signalbox_backends::system::{SystemClock, SystemRandom};
use signalbox_core::backend::{Committed, Row, ShardMark, Table};
use signalbox_core::consent::Who;
use signalbox_core::exchange::{Command, ReplyTo};
use signalbox_core::id::{Epoch, ShardId};
use signalbox_routing::{Router, RuleSet};

use super::*;

/// A store that takes everything and keeps nothing.
#[derive(Default)]
struct Nowhere {
    /// Rows can be read so often; then the disk is gone.
    reads: Option<AtomicU32>,
}

impl Nowhere {
    fn read(&self) -> Result<(), StoreError> {
        let Some(reads) = &self.reads else { return Ok(()) };
        let left = reads.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| StoreError { reason: "the disk is gone".into() })
    }
}

impl Store for Nowhere {
    fn claim(&mut self, shards: &[ShardId], _: Epoch) -> Result<Vec<ShardMark>, CommitError> {
        Ok(vec![ShardMark::default(); shards.len()])
    }
    fn load(&self, _: Option<ShardId>, _: &mut dyn FnMut(Row)) -> Result<(), StoreError> {
        Ok(())
    }
    fn get(&self, _: ShardId, _: Table, _: &[u8; 16]) -> Result<Option<Bytes>, StoreError> {
        self.read().map(|()| None)
    }
    fn range(&self, _: Table, _: &[u8; 16], _: &[u8; 16], _: usize) -> Result<Vec<Row>, StoreError> {
        self.read().map(|()| Vec::new())
    }
    fn commit(&mut self, _: &Commit) -> Result<Committed, CommitError> {
        Ok(Committed::default())
    }
    fn outbox(&self, _: u64, _: usize) -> Result<Vec<(u64, Vec<Bytes>)>, StoreError> {
        Ok(Vec::new())
    }
    fn free(&self) -> Option<u64> {
        None
    }
}

/// Tells how many events each commit answered.
struct Commits(std::sync::mpsc::Sender<usize>);

impl Surroundings for Commits {
    fn notes(&mut self, _: &[Note]) {}
    fn alarm(&mut self, _: signalbox_counters::AlarmEvent) {}
    fn look_up(&mut self, _: MessageId, _: &[u8], _: signalbox_core::time::Micros) {}
    fn committed(&mut self, _: Duration, _: usize, events: usize) {
        self.0.send(events).unwrap();
    }
    fn store_full(&mut self, _: bool) {}
    fn holding(&mut self, _: &Exchange, _: Option<u64>, _: Now) {}
}

fn started(
    store: Nowhere,
    most: usize,
    told: std::sync::mpsc::Sender<usize>,
) -> Result<(SpineHandle, SpineThread), SpineError> {
    start(SpineParts {
        store: Box::new(store),
        ownership: Box::new(EmbeddedOwnership::new(Epoch(1))),
        clock: Arc::new(SystemClock::new()),
        random: Box::new(SystemRandom::new().unwrap()),
        policy: Arc::new(Policy::new(Router::new(RuleSet::default()))),
        rules: Arc::new(signalbox_dialog::Rules::empty()),
        surroundings: Box::new(Commits(told)),
        counters: None,
        bounds: SpineBounds { commit: most, ..SpineBounds::default() },
    })
}

/// Twenty events, of which each second one is answered, in one batch.
fn commits_of(most: usize) -> Vec<usize> {
    let (told, commits) = std::sync::mpsc::channel();
    let (spine, thread) = started(Nowhere::default(), most, told).unwrap();
    let (session, _outbox) = spine.open_session();
    let events = (1..=10).flat_map(|number| {
        let reply = ReplyTo { session, token: number };
        [Event::Published(number), Event::Command { reply, command: Box::new(Command::Queues) }]
    });
    spine.offer_blocking(events.collect());
    spine.close();
    drop(spine);
    thread.join().unwrap();
    commits.iter().collect()
}

#[test]
fn a_commit_answers_as_many_events_as_it_may() {
    assert_eq!(commits_of(100), [20]);
    assert_eq!(commits_of(4), [4; 5]);
}

#[test]
fn nothing_is_committed_that_was_decided_without_a_row() {
    let (told, commits) = std::sync::mpsc::channel();
    let unreadable = |reads| Nowhere { reads: Some(AtomicU32::new(reads)) };
    let error = started(unreadable(0), 100, told.clone()).err();
    assert!(matches!(&error, Some(SpineError::Read(why)) if why.reason == "the disk is gone"), "{error:?}");

    let (spine, thread) = started(unreadable(1), 100, told).unwrap();
    let who = Who::Number("+447400123456".parse().unwrap());
    let (session, _outbox) = spine.open_session();
    let ask = Event::Command {
        reply: ReplyTo { session, token: 1 },
        command: Box::new(Command::Suppressions(who)),
    };
    spine.offer_blocking(vec![ask]);
    let error = thread.join().err();
    assert!(matches!(error, Some(SpineError::Read(_))), "{error:?}");
    assert_eq!(commits.iter().count(), 0);
}
