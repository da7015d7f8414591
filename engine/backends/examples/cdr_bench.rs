//! What it costs to publish CDRs to files: CPU a record, records a second with an fsync for each publication.
//!
//! `cargo run --release -p signalbox-backends --example cdr_bench -- DIRECTORY`

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Instant;

use signalbox_backends::files::{CdrFiles, CdrFilesOptions, CdrReader};
use signalbox_core::backend::{CdrBatch, CdrSink};
use signalbox_core::cdr::{Cdr, CdrKind, Channel, SCHEMA};
use signalbox_core::id::{MessageId, ShardId};
use signalbox_core::message::{Direction, OriginClass, TrafficClass};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::Micros;

const COMMITS: u64 = 4000;
const RECORDS: u64 = 50;

fn cpu_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

fn record(number: u64) -> Cdr {
    let at = Micros(1_790_000_000_000_000 + number.cast_signed() * 50);
    let message = MessageId::new(at, ShardId::of(&number.to_be_bytes()), number);
    Cdr {
        schema: SCHEMA,
        kind: CdrKind::Final,
        channel: Channel::Sms,
        message,
        attempt: 1,
        visible_id: message.to_string(),
        direction: Direction::Mt,
        origin_class: OriginClass::User,
        class: TrafficClass::Bulk,
        account: Some(3),
        origin_link: None,
        peer: Some("link:1".into()),
        source: "12345".into(),
        source_ton_npi: (3, 0),
        destination: format!("49176{:08}", number % 100_000_000),
        destination_ton_npi: (1, 1),
        carrier: Some(26201),
        part: None,
        parts: 1,
        data_coding: 0,
        octets: 60,
        accepted_at: at,
        first_sent_at: Some(Micros(at.0 + 1000)),
        taken_at: Some(Micros(at.0 + 2000)),
        final_at: Micros(at.0 + 900_000),
        outcome: FinalState::Delivered,
        reason: Reason::Receipt,
        status: 0,
        network_error: None,
        remote_id: format!("{number:x}"),
        doubt: false,
        possible_duplicate: false,
        rule: "germany".into(),
        rule_version: 4,
        lookup: "portability".into(),
        charge: None,
        voice: None,
    }
}

fn main() {
    let dir = std::env::args().nth(1).expect("a directory on a disk");
    let dir = Path::new(&dir).join("cdr_bench");
    let _ = std::fs::remove_dir_all(&dir);
    let batches: Vec<CdrBatch> = (0..COMMITS)
        .map(|commit| CdrBatch {
            sequence: commit + 1,
            records: (0..RECORDS).map(|index| record(commit * RECORDS + index).encode()).collect(),
        })
        .collect();
    let total = (COMMITS * RECORDS) as f64;
    let mut sink = CdrFiles::open(CdrFilesOptions::in_dir(&dir)).unwrap();
    let (cpu, start) = (cpu_nanos(), Instant::now());
    for some in batches.chunks(10) {
        sink.publish(some).unwrap();
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "published: {:.0} records/s, CPU {:.2} us a record, {} octets a record in the outbox",
        total / seconds,
        (cpu_nanos() - cpu) as f64 / 1000.0 / total,
        batches[0].records[0].len()
    );
    drop(sink);
    let start = Instant::now();
    CdrFiles::open(CdrFilesOptions::in_dir(&dir)).unwrap();
    println!("opened after a crash in {:?}", start.elapsed());
    let reader = CdrReader::new(&dir, "signalbox");
    let start = Instant::now();
    assert_eq!(reader.forward(0).unwrap().count(), total as usize);
    println!("read: {:.0} records/s", total / start.elapsed().as_secs_f64());
    let start = Instant::now();
    let found = reader.trace("4917600000007", None, 10).unwrap().len();
    println!("traced {found} of a number in {:?}", start.elapsed());
    std::fs::remove_dir_all(&dir).unwrap();
}
