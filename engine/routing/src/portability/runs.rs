//! Sorted runs: what does not fit into memory at once is sorted by parts, kept in unnamed temporary files, and
//! merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A number and the index of its carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) carrier: u16,
}

/// Rows in the order in which they were read; at most `limit` of them.
#[derive(Debug)]
pub(super) struct Chunk {
    rows: Vec<(u64, u32, u16)>,
    limit: usize,
}

impl Chunk {
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, u32::MAX as usize);
        Self { rows: Vec::with_capacity(limit.min(1 << 16)), limit }
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= self.limit
    }

    pub(super) fn push(&mut self, row: Row) {
        // The position orders rows of one number; it fits, since the limit does.
        self.rows.push((row.number, self.rows.len() as u32, row.carrier));
    }

    /// Sorts by number, keeps the last row of each, empties the chunk; says how many rows were dropped.
    pub(super) fn drain_sorted(&mut self, mut take: impl FnMut(Row) -> io::Result<()>) -> io::Result<u64> {
        self.rows.sort_unstable_by_key(|(number, position, _)| (*number, *position));
        let mut dropped = 0;
        for (at, (number, _, carrier)) in self.rows.iter().enumerate() {
            if self.rows.get(at + 1).is_some_and(|(next, _, _)| next == number) {
                dropped += 1;
                continue;
            }
            take(Row { number: *number, carrier: *carrier })?;
        }
        self.rows.clear();
        Ok(dropped)
    }
}

const ROW: usize = 10;
const BUFFER: usize = 1 << 16;

/// Runs on disk, oldest first.
#[derive(Debug, Default)]
pub(super) struct Runs(Vec<File>);

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes a chunk as a run into a temporary file of `folder`, which goes when it is closed.
    pub(super) fn spill(&mut self, chunk: &mut Chunk, folder: &Path) -> io::Result<u64> {
        let mut output = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(folder)?);
        let dropped = chunk.drain_sorted(|row| {
            output.write_all(&row.number.to_le_bytes())?;
            output.write_all(&row.carrier.to_le_bytes())
        })?;
        let mut file = output.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        self.0.push(file);
        Ok(dropped)
    }

    /// Merges all runs in ascending order; of rows of one number that of the last run counts. Says how many rows
    /// were dropped.
    pub(super) fn merge(self, mut take: impl FnMut(Row) -> io::Result<()>) -> io::Result<u64> {
        let mut inputs: Vec<BufReader<File>> =
            self.0.into_iter().map(|file| BufReader::with_capacity(BUFFER, file)).collect();
        let mut heads = BinaryHeap::with_capacity(inputs.len());
        for (run, input) in inputs.iter_mut().enumerate() {
            if let Some(row) = next(input)? {
                heads.push(Reverse((row.number, run, row.carrier)));
            }
        }
        let mut dropped = 0;
        while let Some(Reverse((number, run, carrier))) = heads.pop() {
            if let Some(row) = next(&mut inputs[run])? {
                heads.push(Reverse((row.number, run, row.carrier)));
            }
            // A later run has the same number: its row comes out next and replaces this one.
            if heads.peek().is_some_and(|Reverse((following, _, _))| *following == number) {
                dropped += 1;
                continue;
            }
            take(Row { number, carrier })?;
        }
        Ok(dropped)
    }
}

fn next(input: &mut BufReader<File>) -> io::Result<Option<Row>> {
    let mut octets = [0; ROW];
    match input.read_exact(&mut octets) {
        Ok(()) => {}
        Err(end) if end.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(other) => return Err(other),
    }
    let [a, b, c, d, e, f, g, h, i, j] = octets;
    let number = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    Ok(Some(Row { number, carrier: u16::from_le_bytes([i, j]) }))
}
