//! Builds a portability table of 10 M numbers, maps it and asks it at random: time, memory, octets a number.
//!
//! `cargo run --release -p signalbox-routing --example portability [-- ROWS [SPREAD]]`; `SPREAD` is how many
//! numbers there are in the ranges for each one listed (default 8; 1000000 gives the widest blocks).

use std::fs;
use std::hint::black_box;
use std::io::{self, Read};
use std::time::Instant;

use signalbox_routing::portability::{BuildOptions, PortabilityTable, build};
use signalbox_routing::{CarrierId, E164, Names};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }
}

/// CSV rows in random order, made as they are read.
struct Rows {
    random: Random,
    left: u64,
    range: u64,
    line: Vec<u8>,
    at: usize,
}

const FIRST: u64 = 10_000_000_000;
const CARRIERS: u64 = 200;

impl Read for Rows {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.line.len() {
            self.line.clear();
            self.at = 0;
            while self.left > 0 && self.line.len() < 1 << 16 {
                self.left -= 1;
                let number = FIRST + self.random.next() % self.range;
                let carrier = self.random.next() % CARRIERS;
                io::Write::write_fmt(&mut self.line, format_args!("{number},carrier-{carrier},{number}\n"))?;
            }
        }
        let count = into.len().min(self.line.len() - self.at);
        into[..count].copy_from_slice(&self.line[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn status(field: &str) -> String {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.map_or_else(|| "?".into(), |line| line.trim_start_matches(':').trim().to_owned())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let spread: u64 = arguments.next().map_or(Ok(8), |text| text.parse())?;
    let range = rows * spread;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("portability.table");
    let csv = Rows { random: Random(1), left: rows, range, line: Vec::new(), at: 0 };

    let start = Instant::now();
    let report = build(csv, &path, &BuildOptions::default())?;
    let spent = start.elapsed();
    println!(
        "build: {} rows in {spent:.2?} ({:.2} M rows/s), {} numbers, {} duplicates, {} runs, peak memory {}",
        report.rows,
        report.rows as f64 / spent.as_secs_f64() / 1e6,
        report.numbers,
        report.duplicates,
        report.runs,
        status("VmHWM"),
    );
    println!(
        "file: {} octets, {:.2} octets a number",
        report.size,
        report.size as f64 / report.numbers as f64
    );

    let mut names = Names::new();
    for carrier in 0..CARRIERS {
        names.add_carrier(&format!("carrier-{carrier}"), CarrierId(u32::try_from(carrier)?));
    }
    for (kind, mapped) in [("mapped", true), ("in memory", false)] {
        let start = Instant::now();
        let table = if mapped {
            PortabilityTable::open(&path, &names)?
        } else {
            PortabilityTable::read(&path, &names)?
        };
        println!(
            "{kind}: opened and checked in {:.2?}, {:.2} octets a number with the directory, resident {} (file {})",
            start.elapsed(),
            (table.size() + table.memory()) as f64 / table.len() as f64,
            status("RssAnon"),
            status("RssFile"),
        );
        ask(kind, &table, range);
    }
    raw(report.size);
    Ok(())
}

/// What memory allows: dependent random reads in an array of the size of the table.
fn raw(size: u64) {
    const READS: u64 = 4_000_000;
    let length = (size / 8).next_power_of_two();
    let array: Vec<u64> = (0..length).map(|at| at ^ 0x5555).collect();
    let (mut random, mut last) = (Random(3), 0);
    let start = Instant::now();
    for _ in 0..READS {
        last = array[((random.next() ^ last) & (length - 1)) as usize];
    }
    black_box(last);
    println!(
        "raw: {} ns a dependent random read of 8 octets",
        start.elapsed().as_nanos() / u128::from(READS)
    );
}

/// Random look-ups: of numbers that are listed, and of any number of the ranges.
fn ask(kind: &str, table: &PortabilityTable, range: u64) {
    const ASKED: usize = 4_000_000;
    let mut random = Random(2);
    let mut listed: Vec<E164> = table.iter().map(|(number, _)| number).step_by(3).collect();
    for at in (1..listed.len()).rev() {
        listed.swap(at, (random.next() % (at as u64 + 1)) as usize);
    }
    let any: Vec<E164> = (0..ASKED).filter_map(|_| E164::from_value(FIRST + random.next() % range)).collect();
    for (what, numbers) in [("listed", &listed), ("any", &any)] {
        let start = Instant::now();
        let mut found = 0u64;
        for number in numbers.iter().take(ASKED) {
            found += u64::from(black_box(table.look_up(*number)).is_some());
        }
        let asked = numbers.len().min(ASKED) as u128;
        println!(
            "{kind}: {} ns a look-up of {what} numbers, {found} of {asked} found",
            start.elapsed().as_nanos() / asked
        );
    }
}
