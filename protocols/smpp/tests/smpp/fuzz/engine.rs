//! Mutates a corpus until a number of inputs or a time is used up.

use crate::harness::Chance;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// Inputs that are kept at most, beside the seeds.
const MAX_CORPUS: usize = 4096;
/// Octets of an input at most.
const MAX_INPUT: usize = 2048;

/// What decoders of SMPP look at: tags, lengths, keys.
const WORDS: [&[u8]; 18] = [
    b"\0\0\0\x10",
    b"\x80\0\0\x04",
    b"\0\0\0\x04",
    b"\0\0\0\x21",
    b"\xff\xff\xff\xff",
    b"\x04\x24\0\x03abc",
    b"\x04\x24\xff\xff",
    b"\x02\x0e\0\x01\x03",
    b"\x00\x1e\0\x05abcd\0",
    b"\x04\x28\0\x01\x50",
    b"\x14\x01\0\0",
    b"240510154307304+",
    b"000001000000000R",
    b"id:",
    b" stat:DELIVRD",
    b"submit date:",
    b" text:",
    b"\0\0\0\0",
];

fn seconds() -> Option<f64> {
    let text = std::env::var("SIGNALBOX_FUZZ_SECONDS").ok()?;
    Some(text.parse().expect("SIGNALBOX_FUZZ_SECONDS is a number of seconds"))
}

fn seed() -> u64 {
    match std::env::var("SIGNALBOX_FUZZ_SEED") {
        Ok(text) => text.parse().expect("SIGNALBOX_FUZZ_SEED is a number"),
        Err(_) => 0x5109_a1b0,
    }
}

/// Runs `target` on mutations of `seeds`; it returns what kind of outcome an input had. Returns how many kinds
/// there were.
pub fn run(name: &str, seeds: Vec<Vec<u8>>, inputs: u64, target: fn(&[u8]) -> u64) -> usize {
    let seed = seed();
    let until = seconds().map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let mut chance = Chance(seed);
    let mut kinds = HashSet::new();
    let fixed = seeds.len();
    let mut corpus = seeds;
    for input in &corpus {
        kinds.insert(checked(name, seed, input, target));
    }
    let mut done = 0_u64;
    loop {
        let enough = match until {
            Some(until) => done.is_multiple_of(256) && Instant::now() >= until,
            None => done >= inputs,
        };
        if enough {
            break;
        }
        done += 1;
        let input = mutated(&corpus, &mut chance);
        if kinds.insert(checked(name, seed, &input, target)) {
            if corpus.len() < fixed + MAX_CORPUS {
                corpus.push(input);
            } else {
                let at = fixed + chance.below(MAX_CORPUS);
                corpus[at] = input;
            }
        }
    }
    println!("{name}: {done} inputs, {} kinds of outcome, seed {seed}", kinds.len());
    kinds.len()
}

fn checked(name: &str, seed: u64, input: &[u8], target: fn(&[u8]) -> u64) -> u64 {
    match catch_unwind(AssertUnwindSafe(|| target(input))) {
        Ok(kind) => kind,
        Err(panic) => {
            let hex: String = input.iter().map(|octet| format!("{octet:02x}")).collect();
            eprintln!("{name} failed, seed {seed}, on {hex}");
            resume_unwind(panic)
        }
    }
}

fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    if chance.percent(2) {
        return (0..chance.below(200)).map(|_| chance.next() as u8).collect();
    }
    let mut input = corpus[chance.below(corpus.len())].clone();
    for _ in 0..1 + chance.below(6) {
        mutate(&mut input, corpus, chance);
    }
    input.truncate(MAX_INPUT);
    input
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], chance: &mut Chance) {
    let at = chance.below(input.len() + 1);
    match chance.below(10) {
        0 => {
            if let Some(octet) = input.get_mut(at) {
                *octet ^= 1 << chance.below(8);
            }
        }
        1 => {
            if let Some(octet) = input.get_mut(at) {
                *octet = [0, 1, 0x7f, 0x80, 0xff, b':', b' ', b'0'][chance.below(8)];
            }
        }
        2 => {
            if let Some(octet) = input.get_mut(at) {
                *octet = octet.wrapping_add(1).wrapping_sub(2 * chance.below(2) as u8);
            }
        }
        3 => input.insert(at, chance.next() as u8),
        4 => {
            let end = (at + 1 + chance.below(8)).min(input.len());
            input.drain(at.min(end)..end);
        }
        5 => input.truncate(at),
        6 => {
            let word = WORDS[chance.below(WORDS.len())];
            let end = (at + word.len() * chance.below(2)).min(input.len());
            input.splice(at..end, word.iter().copied());
        }
        7 => {
            // The head of one and the tail of another.
            let other = &corpus[chance.below(corpus.len())];
            let from = chance.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        8 => {
            let end = (at + chance.below(40)).min(input.len());
            let again = input[at..end].to_vec();
            input.splice(at..at, again);
        }
        _ => {
            // Another command over the same body, and the other way round.
            let other = &corpus[chance.below(corpus.len())];
            if input.len() >= 8 && other.len() >= 8 {
                input[4..8].copy_from_slice(&other[4..8]);
            }
        }
    }
}
