use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use signalbox_core::time::Mono;

use super::line::{PublishedCdr, Trailer};
use super::place::{Closed, Place};
use crate::failpoint;

/// The file that records are appended to.
pub(super) struct Part {
    file: File,
    serial: u64,
    hash: Sha256,
    octets: u64,
    count: u64,
    /// What the closed files before it end with.
    before: Closed,
    /// What it ends with itself, once it has a record.
    last: Closed,
    first_commit: u64,
    /// When it was first seen with a record in it, by the clock of the ticks.
    pub(super) since: Option<Mono>,
    /// True once the trailer is written: nothing may follow.
    sealed: bool,
}

impl Part {
    /// A new, empty file behind the closed ones.
    pub(super) fn create(place: &Place, before: Closed) -> io::Result<Self> {
        let serial = before.serial + 1;
        let path = place.part(serial);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        // Without its name in the directory the file and all in it would be gone after a loss of power.
        place.sync()?;
        failpoint::reach("cdr.created");
        Ok(Self::empty(file, serial, before))
    }

    fn empty(file: File, serial: u64, before: Closed) -> Self {
        Self {
            file,
            serial,
            hash: Sha256::new(),
            octets: 0,
            count: 0,
            before,
            last: Closed { serial, ..before },
            first_commit: 0,
            since: None,
            sealed: false,
        }
    }

    /// Opens the file that a process left behind: what is behind its last whole commit is cut off, unless that
    /// is its trailer.
    pub(super) fn recover(path: PathBuf, serial: u64, before: Closed) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let mut part = Self::empty(file, serial, before);
        let mut at = 0;
        let mut commit_at = 0;
        let mut first_commit = 0;
        let mut sequence = before.sequence;
        let mut expected = None;
        for line in text.split_inclusive(|&octet| octet == b'\n') {
            let whole = line.strip_suffix(b"\n");
            let Some(record) = whole.and_then(|line| PublishedCdr::read(line).ok()) else { break };
            if at == 0 && record.sequence != sequence + 1 {
                // Not torn but another sink's: nothing of it is cut.
                let reason = format!("it begins with record {}, not {}", record.sequence, sequence + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            let starts = expected.is_none() && record.index == 0 && record.commit > part.last.commit;
            if record.sequence != sequence + 1 || !(starts || expected == Some((record.commit, record.index)))
            {
                break;
            }
            sequence += 1;
            at += line.len();
            if part.count == 0 && first_commit == 0 {
                first_commit = record.commit;
            }
            expected = Some((record.commit, record.index + 1));
            if record.ends_commit() {
                expected = None;
                commit_at = at;
                part.count = sequence - before.sequence;
                part.last = Closed { serial, sequence, commit: record.commit };
                part.first_commit = first_commit;
            }
        }
        part.octets = commit_at as u64;
        part.hash.update(&text[..commit_at]);
        let rest = &text[commit_at..];
        let trailer = rest.strip_suffix(b"\n").and_then(Trailer::read);
        if trailer.is_some_and(|trailer| part.count > 0 && trailer == part.trailer()) {
            part.sealed = true;
        } else {
            part.file.set_len(part.octets)?;
            part.file.seek(SeekFrom::Start(part.octets))?;
        }
        // The process before may have died between writing and syncing what is taken as published now.
        part.file.sync_all()?;
        Ok(part)
    }

    /// How far the outbox is published with this file.
    pub(super) fn last(&self) -> Closed {
        if self.count == 0 { Closed { serial: self.before.serial, ..self.before } } else { self.last }
    }

    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// True when it only waits to be renamed.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Appends lines that end a commit, durably.
    ///
    /// On an error the file is cut back to what it was; when that fails or the disk did not take what was
    /// written, the error is [`AppendError::Torn`] and the file must be opened again by a new process.
    pub(super) fn append(
        &mut self,
        lines: &[u8],
        first_commit: u64,
        last: Closed,
    ) -> Result<(), AppendError> {
        if let Err(error) = self.write(lines) {
            return Err(self.cut_back(error));
        }
        self.file.sync_data().map_err(AppendError::Torn)?;
        failpoint::reach("cdr.synced");
        if self.count == 0 {
            self.first_commit = first_commit;
        }
        self.count = last.sequence - self.before.sequence;
        self.last = Closed { serial: self.serial, ..last };
        self.octets += lines.len() as u64;
        self.hash.update(lines);
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let half = if failpoint::is_set("cdr.half-written") { lines.len() / 2 } else { lines.len() };
        self.file.write_all(&lines[..half])?;
        failpoint::reach("cdr.half-written");
        self.file.write_all(&lines[half..])?;
        failpoint::reach("cdr.written");
        Ok(())
    }

    fn cut_back(&mut self, error: io::Error) -> AppendError {
        let cut = self.file.set_len(self.octets).and_then(|()| self.file.seek(SeekFrom::Start(self.octets)));
        match cut {
            Ok(_) => AppendError::Refused(error),
            Err(error) => AppendError::Torn(error),
        }
    }

    fn trailer(&self) -> Trailer {
        let digest = self.hash.clone().finalize();
        Trailer {
            serial: self.serial,
            count: self.count,
            first_sequence: self.before.sequence + 1,
            last_sequence: self.last.sequence,
            first_commit: self.first_commit,
            last_commit: self.last.commit,
            octets: self.octets,
            sha256: digest.iter().map(|octet| format!("{octet:02x}")).collect(),
        }
    }

    /// Writes the trailer, if it is not there yet, and gives the file its final name.
    ///
    /// The position file comes before the name: whoever sees the closed file may take it away at once.
    pub(super) fn close(&mut self, place: &Place) -> Result<Closed, AppendError> {
        if !self.sealed {
            let mut line = Vec::new();
            self.trailer().write(&mut line).map_err(|error| AppendError::Refused(error.into()))?;
            if let Err(error) = self.file.write_all(&line) {
                return Err(self.cut_back(error));
            }
            failpoint::reach("cdr.trailer-written");
            self.file.sync_all().map_err(AppendError::Torn)?;
            failpoint::reach("cdr.trailer-synced");
            self.sealed = true;
        }
        self.publish_name(place).map_err(AppendError::Refused)?;
        Ok(self.last)
    }

    fn publish_name(&self, place: &Place) -> io::Result<()> {
        place.write_position(self.last)?;
        failpoint::reach("cdr.position-written");
        let mut permissions = self.file.metadata()?.permissions();
        permissions.set_readonly(true);
        self.file.set_permissions(permissions)?;
        fs::rename(place.part(self.serial), place.closed(self.serial))?;
        failpoint::reach("cdr.renamed");
        place.sync()?;
        failpoint::reach("cdr.closed");
        Ok(())
    }
}

/// An append that failed.
#[derive(Debug)]
pub(super) enum AppendError {
    /// The file is as it was before.
    Refused(io::Error),
    /// What is in the file is not known any more.
    Torn(io::Error),
}
