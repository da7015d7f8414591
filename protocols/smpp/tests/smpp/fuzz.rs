//! Fuzzing on stable Rust: mutated captures and arbitrary octets against each decoder and the session.
//!
//! In an ordinary test run each target gets a fixed number of inputs from a fixed seed. For more:
//!
//! ```text
//! SIGNALBOX_FUZZ_SECONDS=600 cargo test --release -p signalbox-smpp --test smpp fuzz::
//! ```
//!
//! `SIGNALBOX_FUZZ_SEED` repeats a run. Inputs whose outcome is new (command, field and kind of fault, or shape of
//! the events) join the corpus, which stands in for the coverage feedback that needs a nightly compiler. The seeds
//! are the captures in `tests/golden`. An input that fails is printed in hexadecimal.

use crate::golden::captures;

mod engine;
mod targets;

fn pdus() -> Vec<Vec<u8>> {
    captures().into_iter().map(|(_, octets)| octets.to_vec()).collect()
}

#[test]
fn decode() {
    let outcomes = engine::run("decode", pdus(), 30_000, targets::decode);
    assert!(outcomes > 200, "only {outcomes} kinds of outcome: the mutations do not get anywhere");
}

#[test]
fn session() {
    let outcomes = engine::run("session", pdus(), 8_000, targets::session);
    assert!(outcomes > 200, "only {outcomes} kinds of outcome: the mutations do not get anywhere");
}

#[test]
fn frame() {
    let outcomes = engine::run("frame", pdus(), 30_000, targets::frame);
    assert!(outcomes >= 4, "only {outcomes} kinds of outcome");
}

#[test]
fn receipt() {
    let seeds = [
        "id:0123456789 sub:001 dlvrd:001 submit date:2405101543 done date:2405101544 stat:DELIVRD err:000 text:Hello",
        "ID:00AB SUB:001 DLVRD:001 SUBMIT DATE:240510154300 DONE DATE:240510154300 STAT:DELIVRD ERR:000 TEXT:hi",
        "id:7 submit_date:20240510154300 done_date:202405101543 stat:UNDELIV err:0x27",
        "stat:ACCEPTD,mccmnc:23415;id:9|price:0.01 err: network:x text:",
    ];
    let seeds = seeds.iter().map(|text| text.as_bytes().to_vec()).collect();
    let outcomes = engine::run("receipt", seeds, 60_000, targets::receipt);
    assert!(outcomes > 50, "only {outcomes} kinds of outcome");
}

#[test]
fn times_and_ids() {
    let seeds = ["240510154307304+", "000001000000000R", "0x1A2B", "0000006699", "991231235959948-"];
    let seeds = seeds.iter().map(|text| text.as_bytes().to_vec()).collect();
    let outcomes = engine::run("times_and_ids", seeds, 60_000, targets::times_and_ids);
    assert!(outcomes >= 8, "only {outcomes} kinds of outcome");
}
