use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Names of the files of one sink.
#[derive(Clone, Debug)]
pub(super) struct Place {
    dir: PathBuf,
    prefix: String,
}

/// How far the closed files go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Closed {
    /// Serial of the last closed file.
    pub(super) serial: u64,
    /// Sequence of its last record.
    pub(super) sequence: u64,
    /// Commit of the outbox of its last record.
    pub(super) commit: u64,
}

/// The files found, by serial.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) closed: Vec<(u64, PathBuf)>,
    pub(super) parts: Vec<(u64, PathBuf)>,
}

impl Place {
    pub(super) fn new(dir: PathBuf, prefix: String) -> Self {
        Self { dir, prefix }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn closed(&self, serial: u64) -> PathBuf {
        self.dir.join(format!("{}-{serial:010}.cdr", self.prefix))
    }

    pub(super) fn part(&self, serial: u64) -> PathBuf {
        self.dir.join(format!("{}-{serial:010}.cdr.part", self.prefix))
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join(format!("{}.lock", self.prefix))
    }

    fn position(&self) -> PathBuf {
        self.dir.join(format!("{}.position", self.prefix))
    }

    /// All files of this sink in the order of their serials; others in the directory are passed over.
    pub(super) fn files(&self) -> io::Result<Found> {
        let mut found = Found::default();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let serial = |end: &str| -> Option<u64> {
                let digits = name.strip_prefix(&self.prefix)?.strip_prefix('-')?.strip_suffix(end)?;
                let digits =
                    (digits.len() >= 10 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits);
                digits?.parse().ok()
            };
            if let Some(serial) = serial(".cdr") {
                found.closed.push((serial, entry.path()));
            } else if let Some(serial) = serial(".cdr.part") {
                found.parts.push((serial, entry.path()));
            }
        }
        found.closed.sort_unstable();
        found.parts.sort_unstable();
        Ok(found)
    }

    /// What the position file says; the beginning when there is none.
    pub(super) fn read_position(&self) -> io::Result<Closed> {
        match fs::read(self.position()) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Closed::default()),
            Err(error) => Err(error),
        }
    }

    /// Puts another position file in the place of the old one, durably.
    pub(super) fn write_position(&self, closed: Closed) -> io::Result<()> {
        let aside = self.dir.join(format!("{}.position.new", self.prefix));
        let mut file = File::create(&aside)?;
        file.write_all(&serde_json::to_vec(&closed)?)?;
        file.sync_all()?;
        fs::rename(&aside, self.position())?;
        self.sync()
    }

    /// Makes names in the directory durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}
