//! Rows of the CSV files that feed the number plan and the portability table, and what is wrong with some.

use signalbox_text::phone::E164Error;

/// Why a row was left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowFault {
    /// A row has at least two columns.
    #[error("a row has a number or prefix and a carrier")]
    MissingColumn,
    /// The first column is no international number.
    #[error(transparent)]
    BadNumber(#[from] E164Error),
    /// The first column is no prefix.
    #[error("a prefix has 1 to 15 digits and does not begin with 0")]
    BadPrefix,
    /// The second column is empty.
    #[error("no carrier")]
    EmptyCarrier,
    /// The second column is too long or no UTF-8.
    #[error("a carrier is 1 to {MAX_CARRIER} octets of UTF-8")]
    BadCarrier,
    /// No carrier has this name.
    #[error("unknown carrier \"{0}\"")]
    UnknownCarrier(String),
}

/// Most octets of a carrier's name or code.
pub const MAX_CARRIER: usize = 64;

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct RejectedRow {
    /// Its line, from 1.
    pub line: u64,
    /// Why.
    pub fault: RowFault,
}

/// Rows that were left out: how many, and the first [`RejectedRows::KEPT`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedRows {
    /// How many.
    pub count: u64,
    /// The first.
    pub first: Vec<RejectedRow>,
}

impl RejectedRows {
    /// How many are kept with line and reason.
    pub const KEPT: usize = 100;

    pub(crate) fn add(&mut self, line: u64, fault: RowFault) {
        self.count += 1;
        if self.first.len() < Self::KEPT {
            self.first.push(RejectedRow { line, fault });
        }
    }
}

/// Reads rows of at least two columns, hands the first two over without surrounding blanks, and notes the
/// faults that come back. Lines that begin with `#` and a first line that begins with a letter (a header) are
/// skipped; further columns are ignored.
///
/// # Errors
/// When reading fails, or from `take` for good.
pub(crate) fn each_row<E: From<csv::Error>>(
    input: impl std::io::Read,
    delimiter: u8,
    rejected: &mut RejectedRows,
    mut take: impl FnMut(&[u8], &[u8]) -> Result<Result<(), RowFault>, E>,
) -> Result<u64, E> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .comment(Some(b'#'))
        .buffer_capacity(1 << 18)
        .from_reader(input);
    let mut record = csv::ByteRecord::new();
    let mut rows = 0u64;
    let mut first = true;
    while reader.read_byte_record(&mut record)? {
        let key = record.get(0).unwrap_or_default().trim_ascii();
        let header = first && key.first().is_some_and(u8::is_ascii_alphabetic);
        first = false;
        if header {
            continue;
        }
        rows += 1;
        let outcome = match record.get(1) {
            Some(carrier) => take(key, carrier.trim_ascii())?,
            None => Err(RowFault::MissingColumn),
        };
        if let Err(fault) = outcome {
            rejected.add(record.position().map_or(0, csv::Position::line), fault);
        }
    }
    Ok(rows)
}

/// The carrier column as text.
pub(crate) fn carrier(octets: &[u8]) -> Result<&str, RowFault> {
    if octets.is_empty() {
        return Err(RowFault::EmptyCarrier);
    }
    if octets.len() > MAX_CARRIER {
        return Err(RowFault::BadCarrier);
    }
    std::str::from_utf8(octets).map_err(|_| RowFault::BadCarrier)
}
