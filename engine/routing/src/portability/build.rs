//! From CSV to the packed file, in bounded memory.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::Xxh3;

use super::block;
use super::layout::{BLOCK, HEADER, Header};
use super::runs::{Chunk, Row, Runs};
use crate::id::UtcMicros;
use crate::number::read_number;
use crate::rows::{self, RejectedRows};

/// Most carriers of a table, by the width of their index.
pub const MAX_CARRIERS: usize = 1 << 16;

/// How a table is built.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Octet between columns.
    pub delimiter: u8,
    /// Rows sorted in memory at a time, 16 octets each; more are merged from temporary files beside the target.
    pub rows_in_memory: usize,
    /// More bad rows than this, and the table is not built.
    pub max_rejected: u64,
    /// When the facts of the table were true.
    pub as_of: UtcMicros,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { delimiter: b',', rows_in_memory: 2_000_000, max_rejected: u64::MAX, as_of: UtcMicros(0) }
    }
}

/// What building did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildReport {
    /// Rows read, without header and comments.
    pub rows: u64,
    /// Numbers in the table.
    pub numbers: u64,
    /// Rows dropped since a later row has the same number.
    pub duplicates: u64,
    /// Rows left out.
    pub rejected: RejectedRows,
    /// Carriers in the table.
    pub carriers: usize,
    /// Octets of the file.
    pub size: u64,
    /// Sorted parts written to temporary files, 0 when all rows fitted into memory.
    pub runs: usize,
}

/// Why a table was not built; an older one under the same name is still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The CSV cannot be read.
    #[error("portability rows cannot be read")]
    Read(#[from] csv::Error),
    /// The packed file cannot be written.
    #[error("portability table cannot be written")]
    Write(#[from] io::Error),
    /// There are more than [`MAX_CARRIERS`] carriers.
    #[error("line {line}: more than {MAX_CARRIERS} carriers")]
    TooManyCarriers {
        /// Row of the first that is too many, from 1 and without header and comments.
        line: u64,
    },
    /// More rows are bad than allowed, or all are.
    #[error("{} of {rows} rows are bad, the first: {}", rejected.count, first(rejected))]
    TooManyRejected {
        /// Rows read until then.
        rows: u64,
        /// The bad ones.
        rejected: RejectedRows,
    },
}

fn first(rejected: &RejectedRows) -> String {
    rejected.first.first().map_or_else(String::new, ToString::to_string)
}

/// Builds the packed file `target` from rows `number,carrier` (further columns, as routing numbers, are
/// ignored). Of rows of one number the last counts. The file appears whole, under its name, or not at all.
///
/// # Errors
/// When reading or writing fails, there are too many carriers, or too many rows are bad.
pub fn build(csv: impl Read, target: &Path, options: &BuildOptions) -> Result<BuildReport, BuildError> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let mut report = BuildReport::default();
    let mut chunk = Chunk::new(options.rows_in_memory);
    let mut runs = Runs::default();
    let mut codes = Codes::default();
    let mut rejected = RejectedRows::default();
    let mut seen = 0;
    report.rows = rows::each_row(csv, options.delimiter, &mut rejected, |number, carrier| {
        seen += 1;
        let row =
            read_number(number).map_err(Into::into).and_then(|number| Ok((number, rows::carrier(carrier)?)));
        let (number, code) = match row {
            Ok(row) => row,
            Err(fault) => return Ok(Err(fault)),
        };
        let carrier = codes.index(code).ok_or(BuildError::TooManyCarriers { line: seen })?;
        if chunk.is_full() {
            report.duplicates += runs.spill(&mut chunk, folder)?;
            report.runs += 1;
        }
        chunk.push(Row { number: number.get(), carrier });
        Ok::<_, BuildError>(Ok(()))
    })?;
    let all_bad = rejected.count > 0 && rejected.count == report.rows;
    if all_bad || rejected.count > options.max_rejected {
        return Err(BuildError::TooManyRejected { rows: report.rows, rejected });
    }
    report.rejected = rejected;
    report.carriers = codes.list.len();

    let mut packed = Packed::create(target)?;
    let last = if runs.is_empty() {
        chunk.drain_sorted(|row| packed.push(row))?
    } else {
        let dropped = runs.spill(&mut chunk, folder)?;
        report.runs += 1;
        dropped + runs.merge(|row| packed.push(row))?
    };
    report.duplicates += last;
    (report.numbers, report.size) = packed.finish(&codes.list, options.as_of, target, folder)?;
    Ok(report)
}

/// Carriers' codes in the order in which they appear.
#[derive(Default)]
struct Codes {
    known: FxHashMap<Box<str>, u16>,
    list: Vec<Box<str>>,
}

impl Codes {
    fn index(&mut self, code: &str) -> Option<u16> {
        if let Some(index) = self.known.get(code) {
            return Some(*index);
        }
        let index = u16::try_from(self.list.len()).ok()?;
        self.known.insert(code.into(), index);
        self.list.push(code.into());
        Some(index)
    }
}

/// The packed file while it is written, as `.part`; dropped unfinished, it is removed.
struct Packed {
    path: PathBuf,
    output: BufWriter<File>,
    hash: Xxh3,
    at: u64,
    block: Vec<Row>,
    count: u64,
    bases: Vec<u64>,
    widths: Vec<u8>,
    finished: bool,
}

impl Packed {
    fn create(target: &Path) -> io::Result<Self> {
        let mut name = target.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let mut output = BufWriter::with_capacity(1 << 18, File::create(&path)?);
        // The header comes last, when all it says is known.
        output.write_all(&[0; HEADER])?;
        Ok(Self {
            path,
            output,
            hash: Xxh3::new(),
            at: HEADER as u64,
            block: Vec::with_capacity(BLOCK),
            count: 0,
            bases: Vec::new(),
            widths: Vec::new(),
            finished: false,
        })
    }

    fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        self.hash.update(octets);
        self.at += octets.len() as u64;
        self.output.write_all(octets)
    }

    /// Adds a row; numbers ascend.
    fn push(&mut self, row: Row) -> io::Result<()> {
        self.block.push(row);
        self.count += 1;
        if self.block.len() == BLOCK { self.flush_block() } else { Ok(()) }
    }

    fn flush_block(&mut self) -> io::Result<()> {
        let mut octets = Vec::with_capacity(BLOCK * 10);
        let Some((base, width)) = block::write(&self.block, &mut octets) else { return Ok(()) };
        self.block.clear();
        self.bases.push(base);
        self.widths.push(width.code());
        self.put(&octets)
    }

    /// Completes the file, makes it durable and gives it its name; says how many numbers and octets it has.
    fn finish(
        mut self,
        codes: &[Box<str>],
        as_of: UtcMicros,
        target: &Path,
        folder: &Path,
    ) -> Result<(u64, u64), BuildError> {
        self.flush_block()?;
        let directory_at = self.at;
        for base in std::mem::take(&mut self.bases) {
            self.put(&base.to_le_bytes())?;
        }
        let widths = std::mem::take(&mut self.widths);
        self.put(&widths)?;
        let carriers_at = self.at;
        for code in codes {
            self.put(&[u8::try_from(code.len()).unwrap_or(u8::MAX)])?;
            self.put(code.as_bytes())?;
        }
        let header = Header {
            count: self.count,
            blocks: widths.len() as u64,
            directory_at,
            carriers_at,
            carriers: u32::try_from(codes.len()).unwrap_or(u32::MAX),
            as_of,
        };
        let header = header.write(self.hash.clone());
        self.output.seek(SeekFrom::Start(0))?;
        self.output.write_all(&header)?;
        self.output.flush()?;
        self.output.get_ref().sync_all()?;
        fs::rename(&self.path, target)?;
        self.finished = true;
        // The name is durable when the folder is.
        File::open(folder)?.sync_all()?;
        Ok((self.count, self.at))
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        if !self.finished {
            // The table that failed says why; a left-over part is overwritten by the next.
            let _ = fs::remove_file(&self.path);
        }
    }
}
