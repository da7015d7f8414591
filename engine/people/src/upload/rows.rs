//! A file becomes rows in normal form.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use csv::ByteRecord;
use signalbox_core::time::Micros;
use tokio::sync::mpsc;

use super::UploadOrder;
use super::columns::{Columns, Target};
use crate::contact::{CLIENT_ID, FIELD_VALUE, NAME};
use crate::device::{DeviceKind, Medium};
use crate::normal::{self, Normal, NotNormal};

/// Rows of a batch, which is one transaction where no other writer waits: the more, the more of them share a page of
/// an index that is written.
pub(super) const BATCH: usize = 32_768;
/// Octets of a batch's rows, more or less.
const BATCH_OCTETS: usize = 16 << 20;
/// Octets of a line at most: a quote that is never closed ends there.
const LINE: u64 = 1 << 20;

/// A chunk of the file, or why there is none.
pub(super) type Chunk = std::io::Result<Vec<u8>>;

/// A contact of the file.
#[derive(Default)]
pub(super) struct UploadRow {
    /// Which of its batch it was in the file, from 0.
    pub(super) place: usize,
    pub(super) line: u64,
    pub(super) client_id: String,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) company: Option<String>,
    pub(super) email: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) language: Option<String>,
    pub(super) consent: Option<Micros>,
    pub(super) devices: Vec<(DeviceKind, String)>,
    /// Index of the column, and the value.
    pub(super) fields: Vec<(usize, String)>,
}

/// A line that is rejected.
pub(super) struct Refused {
    pub(super) line: u64,
    pub(super) reason: Cow<'static, str>,
    /// Index of the column.
    pub(super) column: Option<usize>,
}

/// Some rows of the file, as they follow each other.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<UploadRow>,
    pub(super) refused: Vec<Refused>,
    /// Octets of the file up to here.
    pub(super) octets: u64,
}

impl Batch {
    /// Rows by client id: neighbours share pages of the index. The first row of a contact stays its first, and ids
    /// follow the file.
    fn in_order(mut self) -> Self {
        for (place, row) in self.rows.iter_mut().enumerate() {
            row.place = place;
        }
        self.rows.sort_by(|a, b| a.client_id.cmp(&b.client_id));
        self
    }
}

/// What the reading thread hands on.
pub(super) enum Item {
    /// What the columns are called; first, and once.
    Columns(Columns),
    /// Rows.
    Batch(Batch),
    /// The file cannot be read further; why, in words.
    Failed(String),
}

/// Reads a file to its end, or until nobody takes its rows.
pub(super) fn read(order: &UploadOrder, chunks: mpsc::Receiver<Chunk>, items: &mpsc::Sender<Item>) {
    if let Err(problem) = read_all(order, chunks, items) {
        // Nobody takes it when the upload was stopped.
        let _ = items.blocking_send(Item::Failed(problem));
    }
}

fn read_all(
    order: &UploadOrder,
    chunks: mpsc::Receiver<Chunk>,
    items: &mpsc::Sender<Item>,
) -> Result<(), String> {
    let since = Rc::new(Cell::new(0));
    let source = Source { chunks, rest: Vec::new(), at: 0, since: since.clone(), first: true };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(order.delimiter)
        .buffer_capacity(64 << 10)
        .from_reader(source);
    let normal = Normal::new(order.home);
    let mut record = ByteRecord::new();
    let mut columns: Option<Columns> = None;
    let mut batch = Batch::default();
    let mut size = 0;
    while reader.read_byte_record(&mut record).map_err(|error| broken(&error))? {
        since.set(0);
        let line = record.position().map_or(0, csv::Position::line);
        let columns = match &columns {
            Some(columns) => columns,
            None => {
                let header = if order.header { Some(header(&record)?) } else { None };
                let resolved = order.columns.resolve(header.as_deref(), record.len())?;
                if items.blocking_send(Item::Columns(resolved.clone())).is_err() {
                    return Ok(());
                }
                let resolved = columns.insert(resolved);
                if order.header {
                    continue;
                }
                &*resolved
            }
        };
        match row(&record, columns, &normal) {
            Ok(row) => batch.rows.push(UploadRow { line, ..row }),
            Err((reason, column)) => batch.refused.push(Refused { line, reason, column }),
        }
        size += record.as_slice().len();
        if batch.rows.len() + batch.refused.len() >= BATCH || size >= BATCH_OCTETS {
            batch.octets = reader.position().byte();
            size = 0;
            let full = std::mem::take(&mut batch).in_order();
            if items.blocking_send(Item::Batch(full)).is_err() {
                return Ok(());
            }
            batch.rows.reserve(BATCH);
        }
    }
    if columns.is_none() {
        return Err("the file is empty".to_owned());
    }
    batch.octets = reader.position().byte();
    // Nobody takes it when the upload was stopped.
    let _ = items.blocking_send(Item::Batch(batch.in_order()));
    Ok(())
}

fn broken(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => "the file is no csv".to_owned(),
    }
}

fn header(record: &ByteRecord) -> Result<Vec<String>, String> {
    let text = |field: &[u8]| std::str::from_utf8(field).map(str::to_owned);
    record.iter().map(text).collect::<Result<_, _>>().map_err(|_| "the header is no UTF-8".to_owned())
}

type NoRow = (Cow<'static, str>, Option<usize>);

/// One record in normal form.
fn row(record: &ByteRecord, columns: &Columns, normal: &Normal) -> Result<UploadRow, NoRow> {
    if record.len() != columns.targets.len() {
        let reason = format!("has {} fields instead of {}", record.len(), columns.targets.len());
        return Err((reason.into(), None));
    }
    let mut row = UploadRow::default();
    for (index, (field, target)) in record.iter().zip(&columns.targets).enumerate() {
        let at = |problem: NotNormal| -> NoRow { (problem.to_string().into(), Some(index)) };
        let text =
            std::str::from_utf8(field).map_err(|_| (Cow::Borrowed("is no UTF-8"), Some(index)))?.trim();
        if text.is_empty() {
            continue;
        }
        match target {
            Target::ClientId => row.client_id = normal::line(text, CLIENT_ID).map_err(at)?.to_owned(),
            Target::FirstName => row.first_name = Some(name(text).map_err(at)?),
            Target::LastName => row.last_name = Some(name(text).map_err(at)?),
            Target::Company => row.company = Some(name(text).map_err(at)?),
            Target::Zone => row.zone = Some(normal.zone(text).map_err(at)?),
            Target::Language => row.language = Some(normal::language(text).map_err(at)?),
            Target::Consent => row.consent = Some(normal::instant(text).map_err(at)?),
            Target::Device(kind) => {
                let address = match kind.medium() {
                    Medium::Phone => normal.number(text).map_err(at)?.to_string(),
                    Medium::Email => normal::email(text).map_err(at)?,
                };
                if *kind == DeviceKind::Email && row.email.is_none() {
                    row.email = Some(address.clone());
                }
                if !row.devices.iter().any(|(_, other)| *other == address) {
                    row.devices.push((*kind, address));
                }
            }
            Target::Field(_) if text.len() > FIELD_VALUE => return Err(at(NotNormal::TooLong)),
            Target::Field(_) if text.contains('\0') => return Err(at(NotNormal::Control)),
            Target::Field(_) => row.fields.push((index, text.to_owned())),
            Target::Ignore => {}
        }
    }
    if row.devices.len() > crate::contact::DEVICES {
        return Err(("has too many devices".into(), None));
    }
    let Some((_, first)) = row.devices.first() else {
        return Err(("has no number and no e-mail address".into(), None));
    };
    if row.client_id.is_empty() {
        row.client_id = first.clone();
    }
    Ok(row)
}

fn name(text: &str) -> Result<String, NotNormal> {
    normal::line(text, NAME).map(str::to_owned)
}

/// The chunks of the file as one stream.
struct Source {
    chunks: mpsc::Receiver<Chunk>,
    rest: Vec<u8>,
    at: usize,
    /// Octets since the last line ended, more or less a buffer.
    since: Rc<Cell<u64>>,
    first: bool,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.rest.len() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => {
                    self.rest = chunk?;
                    // The byte order mark that spreadsheets write.
                    self.at = if self.first && self.rest.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
                    self.first &= self.rest.is_empty();
                }
            }
        }
        if self.since.get() > LINE {
            let problem = format!("a line is longer than {LINE} octets; is a quote never closed?");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, problem));
        }
        let rest = &self.rest[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        self.since.set(self.since.get() + count as u64);
        Ok(count)
    }
}
