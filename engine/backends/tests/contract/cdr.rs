//! CDRs for tests.

use signalbox_core::cdr::{Cdr, CdrKind, Channel, Charge, SCHEMA, VoiceFacts};
use signalbox_core::id::{MessageId, ShardId};
use signalbox_core::message::{Direction, OriginClass, TrafficClass};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::Micros;

/// A record with something in each field.
pub fn full() -> Cdr {
    let shard = ShardId::new(118).unwrap();
    Cdr {
        schema: SCHEMA,
        kind: CdrKind::Final,
        channel: Channel::Sms,
        message: MessageId::new(Micros(1_790_000_000_000_000), shard, 7),
        attempt: 2,
        visible_id: "0000002A".into(),
        direction: Direction::Mt,
        origin_class: OriginClass::User,
        class: TrafficClass::Otp,
        account: Some(3),
        origin_link: Some(9),
        peer: Some("link:1".into()),
        source: "B\u{e4}nk \"1\"".into(),
        source_ton_npi: (5, 0),
        destination: "4917612345678".into(),
        destination_ton_npi: (1, 1),
        carrier: Some(26201),
        part: Some((MessageId::new(Micros(1_790_000_000_000_000), shard, 6), 1, 3)),
        parts: 1,
        data_coding: 8,
        octets: 140,
        accepted_at: Micros(1_790_000_000_000_000),
        first_sent_at: Some(Micros(1_790_000_000_001_002)),
        taken_at: Some(Micros(1_790_000_000_002_300)),
        final_at: Micros(1_790_000_001_500_000),
        outcome: FinalState::Delivered,
        reason: Reason::Receipt,
        status: 88,
        network_error: Some((3, 12)),
        remote_id: "1A2B".into(),
        doubt: true,
        possible_duplicate: true,
        rule: "germany".into(),
        rule_version: 4,
        lookup: "portability".into(),
        charge: Some(Charge { micros: -75_000, currency: "EUR".into(), sequence: 1 }),
        voice: Some(VoiceFacts { duration_ms: 61_500, cause: 16 }),
    }
}

/// A record with nothing that can be absent.
pub fn bare() -> Cdr {
    Cdr {
        kind: CdrKind::Amendment,
        attempt: 0,
        account: None,
        origin_link: None,
        peer: None,
        carrier: None,
        part: None,
        first_sent_at: None,
        taken_at: None,
        network_error: None,
        charge: None,
        voice: None,
        source: String::new(),
        remote_id: String::new(),
        rule: String::new(),
        lookup: String::new(),
        outcome: FinalState::Expired,
        reason: Reason::ValidityEnded,
        final_at: Micros(-1),
        ..full()
    }
}

/// One that differs from all others of these numbers.
pub fn numbered(sequence: u64, index: u64) -> Cdr {
    let number = sequence * 1000 + index;
    let at = Micros(1_790_000_000_000_000 + number.cast_signed());
    let message = MessageId::new(at, ShardId::new(1).unwrap(), number);
    let destination = format!("49176{:07}", number % 10);
    Cdr { message, destination, accepted_at: at, ..full() }
}
