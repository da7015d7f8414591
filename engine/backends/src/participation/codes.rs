//! Unique codes by the million.

use std::io::{self, BufRead, Read};

use rusqlite::{Transaction, TransactionBehavior, params};
use signalbox_participation::{Find, Rules, normalised_code};

use super::campaign::CampaignFile;

/// Codes in one transaction: a few tens of milliseconds, between which entries are judged.
const CHUNK: usize = 10_000;
/// Octets of a line.
const LINE: u64 = 1_024;
/// Bad lines that are told one by one.
const TOLD: usize = 1_000;

/// What became of a list of codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodesImported {
    /// Codes that were not there before.
    pub added: u64,
    /// Codes that were there, or were in the list twice.
    pub repeated: u64,
    /// Lines that are no codes.
    pub bad: u64,
    /// The first thousand of them.
    pub bad_lines: Vec<BadCode>,
}

/// A line that is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCode {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// A list of codes that could not be read or stored to its end. What came before is stored; the list may be imported
/// again as a whole.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such campaign.
    #[error(transparent)]
    Unknown(#[from] super::Unknown),
    /// Its database cannot be used.
    #[error(transparent)]
    NotOpen(#[from] super::NotOpen),
    /// No field of the campaign is a code of this batch.
    #[error("no rule of the campaign finds codes of the batch {0}")]
    NoBatch(String),
    /// The list cannot be read.
    #[error("cannot read the list of codes")]
    Read(#[source] io::Error),
    /// The codes cannot be stored.
    #[error("cannot store codes")]
    Store(#[source] rusqlite::Error),
}

/// The length that codes of a batch have, when its rules say one.
pub(super) fn length_of(rules: &Rules, batch: &str) -> Result<Option<usize>, ImportError> {
    let of_batch = rules.extraction.iter().find_map(|rule| match &rule.find {
        Find::Code { batch: named, length } if named == batch => Some(*length),
        Find::Code { .. }
        | Find::Token
        | Find::Regex(_)
        | Find::Enumeration(_)
        | Find::Number { .. }
        | Find::Date(_)
        | Find::Remainder => None,
    });
    of_batch.ok_or_else(|| ImportError::NoBatch(batch.to_owned()))
}

/// Reads a chunk of codes, one a line; empty lines are passed over. False at the end.
pub(super) fn read_chunk(
    list: &mut impl BufRead,
    length: Option<usize>,
    line: &mut u64,
    report: &mut CodesImported,
) -> Result<(Vec<String>, bool), ImportError> {
    let mut codes = Vec::with_capacity(CHUNK);
    let mut octets = Vec::new();
    while codes.len() < CHUNK {
        octets.clear();
        let read = list.by_ref().take(LINE).read_until(b'\n', &mut octets).map_err(ImportError::Read)?;
        if read == 0 {
            return Ok((codes, false));
        }
        *line += 1;
        let is_cut = read as u64 == LINE && octets.last() != Some(&b'\n');
        if is_cut {
            skip_line(list)?;
        }
        let text = std::str::from_utf8(&octets).map(str::trim);
        let reason = match text {
            Ok("") => continue,
            _ if is_cut => "the line is too long",
            Err(_) => "it is not UTF-8",
            Ok(text) => match normalised_code(text) {
                None => "a code is 1 to 64 letters of ASCII and digits",
                Some(code) if length.is_some_and(|length| code.len() != length) => "it has another length",
                Some(code) => {
                    codes.push(code);
                    continue;
                }
            },
        };
        report.bad += 1;
        if report.bad_lines.len() < TOLD {
            report.bad_lines.push(BadCode { line: *line, reason });
        }
    }
    Ok((codes, true))
}

fn skip_line(list: &mut impl BufRead) -> Result<(), ImportError> {
    loop {
        let buffer = list.fill_buf().map_err(ImportError::Read)?;
        let end = buffer.iter().position(|octet| *octet == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        list.consume(length);
        if end.is_some() || length == 0 {
            return Ok(());
        }
    }
}

/// Stores a chunk in one transaction.
pub(super) fn store(
    file: &mut CampaignFile,
    batch: &str,
    mut codes: Vec<String>,
    report: &mut CodesImported,
) -> rusqlite::Result<()> {
    // Neighbours in the tree are written together.
    codes.sort_unstable();
    let transaction = Transaction::new(&mut file.connection, TransactionBehavior::Immediate)?;
    let mut added = 0;
    {
        let mut statement =
            transaction.prepare_cached("INSERT OR IGNORE INTO codes(code, batch) VALUES(?1, ?2)")?;
        for code in &codes {
            added += statement.execute(params![code, batch])? as u64;
        }
    }
    transaction.commit()?;
    report.added += added;
    report.repeated += codes.len() as u64 - added;
    Ok(())
}
