//! How fast entries are judged and codes imported, on the disk of the temporary directory.
//!
//! ```text
//! cargo run --release -p signalbox-backends --example participation -- [entries] [codes] [batch]
//! ```
//!
//! 1. A million codes are imported.
//! 2. Entries go into a campaign in batches, as fast as they can: each redeems a code, with a limit for each
//!    participant, and one in five is rejected.
//! 3. As many again wait in the intake, as in a peak, and are taken out of it.

use std::io::{BufReader, Read};
use std::time::Instant;

use signalbox_backends::participation::{Campaigns, CampaignsOptions, Intake};
use signalbox_participation::{Channel, EntryId, RawEntry};

const RULES: &str = r#"{"name": "caps", "account": "demo", "kind": "code_redemption", "state": "open",
    "entry_points": [{"channel": "sms", "source_address": "70650", "keyword": "caps"}],
    "extraction": [{"field": "code", "kind": "code", "batch": "caps", "length": 10},
                   {"field": "flavour", "kind": "enumeration", "options": [{"value": "cherry"}, {"value": "lime"}]}],
    "requirements": [{"kind": "max_per_participant", "limit": 50, "per": "day"}, {"kind": "code_unused", "field": "code"}],
    "responses": {"accepted": "Thank you for {code}.", "rejected": {"CODE_UNKNOWN": "There is no such code."}}}"#;

/// The codes, one a line, in an order that is none; each is another, for the factor is odd.
struct Codes {
    next: u64,
    end: u64,
    line: Vec<u8>,
}

fn code(number: u64) -> String {
    format!("{:010X}", number.wrapping_mul(0x9E_3779_B97F) & 0xFF_FFFF_FFFF)
}

impl Read for Codes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.line.is_empty() && self.next < self.end {
            self.line = format!("{}\n", code(self.next)).into_bytes();
            self.next += 1;
        }
        let count = self.line.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.line[..count]);
        self.line.drain(..count);
        Ok(count)
    }
}

fn entry(number: u64, codes: u64) -> RawEntry {
    // One in five names a code that there is not.
    let code = code(if number.is_multiple_of(5) { codes + number } else { number % codes });
    RawEntry {
        id: EntryId(number.into()),
        channel: Channel::Sms,
        from: format!("4917{:09}", number.wrapping_mul(7_919) % 200_000),
        to: "70650".to_owned(),
        text: format!("Caps {code} lime please"),
        carrier: None,
        received_at: jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_millis(number as i64 / 2),
        smsc_at: None,
    }
}

fn rate(what: &str, count: u64, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    println!("{what}: {count} in {seconds:.2} s, {:.0}/s", count as f64 / seconds);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default));
    let (entries, codes, batch) = (next(200_000)?, next(1_000_000)?, next(500)?);
    let dir = tempfile::tempdir()?;
    let campaigns = Campaigns::open(CampaignsOptions::in_dir(dir.path()), Box::new(()))?;
    campaigns.put(RULES, 1)?;

    let start = Instant::now();
    let list = BufReader::new(Codes { next: 0, end: codes, line: Vec::new() });
    let report = campaigns.import_codes("caps", "caps", list, |_| ())?;
    rate("codes imported", report.added, start);

    let mut slowest = std::time::Duration::ZERO;
    let start = Instant::now();
    for first in (0..entries).step_by(batch as usize) {
        let waiting: Vec<RawEntry> = (first..first + batch).map(|number| entry(number, codes)).collect();
        let began = Instant::now();
        campaigns.enter("caps", &waiting)?;
        slowest = slowest.max(began.elapsed());
    }
    rate(&format!("entries in batches of {batch}"), entries, start);
    println!("slowest batch: {slowest:?}; accepted {}", campaigns.tally("caps")?.submissions);

    let intake = Intake::open(&dir.path().join("intake.db"), 10_000_000, std::time::Duration::from_secs(5))?;
    let start = Instant::now();
    for first in (entries..2 * entries).step_by(batch as usize) {
        let burst: Vec<RawEntry> = (first..first + batch).map(|number| entry(number, codes)).collect();
        intake.append(&burst)?;
    }
    rate("taken in", intake.waiting()?, start);
    let (start, mut taken) = (Instant::now(), 0);
    while intake.waiting()? > 0 {
        taken += campaigns.take_from(&intake, batch as usize)?.verdicts.len() as u64;
    }
    rate("taken out and judged", taken, start);
    let size = |name: &str| std::fs::metadata(dir.path().join(name)).map_or(0, |file| file.len() >> 20);
    println!(
        "caps.campaign.db {} MiB, caps.rejects.db {} MiB",
        size("caps.campaign.db"),
        size("caps.rejects.db")
    );
    Ok(())
}
