use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use signalbox_core::backend::{CdrBatch, CdrSink, OutboxPosition, SinkError};
use signalbox_core::cdr::Cdr;
use signalbox_core::time::Now;

use super::line::PublishedCdr;
use super::part::{AppendError, Part};
use super::place::{Closed, Place};
use super::reader;
use crate::lock::{LockError, LockFile};
use crate::outbox;

/// About how many octets a record has as a line.
const USUAL_LINE: usize = 640;

/// Where the files are and when one is closed.
#[derive(Clone, Debug)]
pub struct CdrFilesOptions {
    /// Their directory; made if it is not there.
    pub dir: PathBuf,
    /// What their names begin with: letters, digits, `-`, `_`, `.`.
    pub prefix: String,
    /// Octets at which a file is closed.
    pub max_octets: u64,
    /// Age at which a file with records is closed, counted from the first tick that saw it.
    pub max_age: Duration,
}

impl CdrFilesOptions {
    /// Files of 64 MiB or five minutes, named `signalbox-0000000001.cdr` and so on.
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            prefix: "signalbox".into(),
            max_octets: 64 << 20,
            max_age: Duration::from_secs(300),
        }
    }
}

/// Files that could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CdrFilesError {
    /// Another process writes them.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The prefix cannot be part of a file name.
    #[error("`{0}` is no prefix of CDR files")]
    BadPrefix(String),
    /// A file or the directory cannot be used.
    #[error("cannot use the CDR files in {dir}")]
    Io {
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The files do not fit together.
    #[error("the CDR files in {dir} do not fit together: {reason}")]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Writes CDRs to files. See the [module](crate::files).
pub struct CdrFiles {
    options: CdrFilesOptions,
    place: Place,
    closed: Closed,
    part: Option<Part>,
    /// Why nothing more is published by this process.
    broken: Option<String>,
    _lock: LockFile,
}

impl CdrFiles {
    /// Opens the files and repairs what a crash has left.
    ///
    /// # Errors
    /// See [`CdrFilesError`].
    pub fn open(options: CdrFilesOptions) -> Result<Self, CdrFilesError> {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
        if options.prefix.is_empty() || !options.prefix.bytes().all(allowed) {
            return Err(CdrFilesError::BadPrefix(options.prefix));
        }
        let dir = options.dir.clone();
        let failed = |source| CdrFilesError::Io { dir: dir.clone(), source };
        let damaged = |reason| CdrFilesError::Damaged { dir: dir.clone(), reason };
        std::fs::create_dir_all(&options.dir).map_err(failed)?;
        let place = Place::new(options.dir.clone(), options.prefix.clone());
        let lock = LockFile::take(&place.lock())?;
        let mut closed = place.read_position().map_err(failed)?;
        let mut found = place.files().map_err(failed)?;
        if let Some((serial, path)) = found.closed.last()
            && *serial > closed.serial
        {
            // Only when the position file was removed: it is written before a file is closed.
            let trailer = reader::trailer(path).map_err(|error| damaged(error.to_string()))?;
            let (sequence, commit) = (trailer.last_sequence, trailer.last_commit);
            closed = Closed { serial: *serial, sequence, commit };
        }
        let mut files = Self { options, place, closed, part: None, broken: None, _lock: lock };
        let last = found.parts.pop();
        if let Some((serial, path)) = found.parts.first() {
            return Err(damaged(format!("{} of serial {serial} is not the last one", path.display())));
        }
        if let Some((serial, path)) = last {
            let closed = files.closed.serial;
            if serial != closed && serial != closed + 1 {
                return Err(damaged(format!("serial {serial} is open, the last one closed is {closed}")));
            }
            files.take_over(serial, path).map_err(failed)?;
        }
        Ok(files)
    }

    /// Goes on with the open file of an earlier process.
    fn take_over(&mut self, serial: u64, path: PathBuf) -> io::Result<()> {
        // The position file may speak of this very file already: then its trailer is there, only its name is not.
        let before = if self.closed.serial == serial { self.closed_before(serial)? } else { self.closed };
        let mut part = Part::recover(path, serial, before)?;
        if part.is_sealed() {
            self.closed = part.close(&self.place).map_err(|error| match error {
                AppendError::Refused(error) | AppendError::Torn(error) => error,
            })?;
        } else {
            self.closed = before;
            self.part = Some(part);
        }
        Ok(())
    }

    /// What the files before `serial` end with, read from the first line of the file itself.
    fn closed_before(&self, serial: u64) -> io::Result<Closed> {
        let first = reader::first(&self.place.part(serial))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        Ok(Closed { serial: serial - 1, sequence: first.sequence - 1, commit: first.commit - 1 })
    }

    /// How many records were ever published.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.last().sequence
    }

    /// Closes the open file, if there is one with records.
    ///
    /// # Errors
    /// [`SinkError::Unavailable`]; the records in it are published all the same.
    pub fn close_open(&mut self) -> Result<(), SinkError> {
        self.usable()?;
        let Some(part) = self.part.as_mut().filter(|part| !part.is_empty()) else { return Ok(()) };
        match part.close(&self.place) {
            Ok(closed) => {
                self.closed = closed;
                self.part = None;
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn last(&self) -> Closed {
        self.part.as_ref().map_or(self.closed, Part::last)
    }

    fn usable(&self) -> Result<(), SinkError> {
        match &self.broken {
            Some(reason) => Err(SinkError::Unavailable { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    fn failed(&mut self, error: AppendError) -> SinkError {
        let reason = match error {
            AppendError::Refused(error) => error.to_string(),
            AppendError::Torn(error) => {
                let reason = format!("a write was torn, start again: {error}");
                self.broken = Some(reason.clone());
                reason
            }
        };
        SinkError::Unavailable { reason }
    }

    /// The lines of the batches and what they end with.
    fn lines(&self, batches: &[CdrBatch]) -> Result<(Vec<u8>, Closed), SinkError> {
        let mut last = self.last();
        let records: usize = batches.iter().map(|batch| batch.records.len()).sum();
        let mut lines = Vec::with_capacity(records * USUAL_LINE);
        for batch in batches {
            let of = u32::try_from(batch.records.len()).unwrap_or(u32::MAX);
            for (index, record) in (0..of).zip(&batch.records) {
                last.sequence += 1;
                let damaged =
                    |reason| SinkError::Damaged { sequence: batch.sequence, index: index as usize, reason };
                let cdr = decode(record).map_err(damaged)?;
                let line = PublishedCdr { sequence: last.sequence, commit: batch.sequence, index, of, cdr };
                line.write(&mut lines).map_err(|error| damaged(error.to_string()))?;
            }
            last.commit = batch.sequence;
        }
        Ok((lines, last))
    }
}

fn decode(record: &Bytes) -> Result<Cdr, String> {
    Cdr::decode(record).map_err(|error| error.to_string())
}

impl CdrSink for CdrFiles {
    fn position(&mut self) -> Result<OutboxPosition, SinkError> {
        self.usable()?;
        Ok(self.last().commit)
    }

    fn publish(&mut self, batches: &[CdrBatch]) -> Result<OutboxPosition, SinkError> {
        self.usable()?;
        let batches = outbox::new_batches(self.last().commit, batches)?;
        let (Some(first), Some(_)) =
            (batches.first(), batches.iter().find(|batch| !batch.records.is_empty()))
        else {
            return Ok(self.last().commit);
        };
        if self.part.as_ref().is_some_and(Part::is_sealed) {
            self.close_open()?;
        }
        let (lines, last) = self.lines(batches)?;
        let part = match &mut self.part {
            Some(part) => part,
            None => {
                let part = Part::create(&self.place, self.closed)
                    .map_err(|error| SinkError::Unavailable { reason: error.to_string() })?;
                self.part.insert(part)
            }
        };
        if let Err(error) = part.append(&lines, first.sequence, last) {
            return Err(self.failed(error));
        }
        if part.octets() >= self.options.max_octets
            && let Err(error) = self.close_open()
        {
            // What was published is published; the file is closed at the next call.
            tracing::warn!(%error, dir = %self.place.dir().display(), "a CDR file could not be closed");
        }
        Ok(self.last().commit)
    }

    fn tick(&mut self, now: Now) -> Result<(), SinkError> {
        let Some(part) = self.part.as_mut().filter(|part| !part.is_empty()) else { return Ok(()) };
        let since = *part.since.get_or_insert(now.mono);
        if !part.is_sealed() && now.mono - since < self.options.max_age {
            return Ok(());
        }
        self.close_open()
    }
}
