use std::time::Instant;

use parking_lot::Mutex;
use signalbox_core::cdr::{CdrKind, Channel, SCHEMA};
use signalbox_core::id::{MessageId, ShardId};
use signalbox_core::message::{Direction, OriginClass, TrafficClass};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::Mono;

use super::*;

const ENDED: Micros = Micros(1_790_000_000_000_000);

fn record() -> bytes::Bytes {
    let cdr = Cdr {
        schema: SCHEMA,
        kind: CdrKind::Final,
        channel: Channel::Sms,
        message: MessageId::new(ENDED, ShardId::of(b"491761"), 7),
        attempt: 1,
        visible_id: "0000002A".into(),
        direction: Direction::Mt,
        origin_class: OriginClass::User,
        class: TrafficClass::Otp,
        account: Some(3),
        origin_link: None,
        peer: Some("link:1".into()),
        source: "BANK".into(),
        source_ton_npi: (5, 0),
        destination: "491761".into(),
        destination_ton_npi: (1, 1),
        carrier: None,
        part: None,
        parts: 1,
        data_coding: 0,
        octets: 12,
        accepted_at: ENDED,
        first_sent_at: None,
        taken_at: None,
        final_at: ENDED,
        outcome: FinalState::Delivered,
        reason: Reason::Receipt,
        status: 0,
        network_error: None,
        remote_id: String::new(),
        doubt: false,
        possible_duplicate: false,
        rule: String::new(),
        rule_version: 1,
        lookup: String::new(),
        charge: None,
        voice: None,
    };
    cdr.encode()
}

/// A minute after the message ended.
struct Later;

impl Clock for Later {
    fn now(&self) -> Now {
        Now { wall: ENDED.after(Duration::from_secs(60)), mono: Mono(0) }
    }
}

/// An outbox with one commit.
struct One;

impl Outbox for One {
    fn read(&mut self, after: OutboxPosition, _max: usize) -> Result<Vec<CdrBatch>, StoreError> {
        let batch = CdrBatch { sequence: 1, records: vec![record()] };
        Ok((after == 0).then_some(batch).into_iter().collect())
    }
}

/// A sink that takes nothing before it is told to.
#[derive(Clone, Default)]
struct Stubborn(Arc<Mutex<bool>>);

impl CdrSink for Stubborn {
    fn position(&mut self) -> Result<OutboxPosition, SinkError> {
        Ok(0)
    }

    fn publish(&mut self, batches: &[CdrBatch]) -> Result<OutboxPosition, SinkError> {
        match *self.0.lock() {
            true => Ok(batches.last().map_or(0, |batch| batch.sequence)),
            false => Err(SinkError::Unavailable { reason: "no room".into() }),
        }
    }

    fn tick(&mut self, _now: Now) -> Result<(), SinkError> {
        Ok(())
    }
}

fn until(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn the_oldest_cdr_has_an_age_until_it_is_published() {
    let sink = Stubborn::default();
    let (spine, _events, _register) = SpineHandle::new(16);
    let relay = Relay::start(Box::new(sink.clone()), Box::new(One), Arc::new(Later), spine).unwrap();
    let oldest = relay.oldest();
    // The age is the message's, not that of the failure.
    until("it waits", || oldest.age(Later.now()) == Duration::from_secs(60));
    *sink.0.lock() = true;
    relay.stop();
    assert_eq!(oldest.age(Later.now()), Duration::ZERO);
}
