//! The snapshot of the spam and loop counters in a file (DC-25).
//!
//! `SBCOUNT` and the number of the version, then frames: length, checksum, octets. The checksum is over the octets
//! and the frame's number, so that frames can neither change nor change places. First comes the head, last the
//! tail; what has no tail is not whole. A new snapshot is written beside the old one and put in its place when it
//! is on the disk.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use signalbox_core::id::Epoch;
use signalbox_core::time::Micros;
use signalbox_counters::{SavedAlarms, SavedEntry};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const MAGIC: &[u8; 8] = b"SBCOUNT\x01";
/// Octets of a frame at most: a segment whose keys all have the longest arrays of timestamps is far below.
const FRAME_MAX: u32 = 1 << 30;

/// What a snapshot begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotHead {
    /// The start of the node that wrote it.
    pub epoch: Epoch,
    /// When it was begun.
    pub taken_at: Micros,
}

/// What it ends with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotTail {
    /// Alarms that stand.
    pub alarms: SavedAlarms,
    /// True when nothing was counted after it: it was written at the orderly end of the node.
    pub complete: bool,
}

#[derive(Serialize, Deserialize)]
enum Frame {
    Head(SnapshotHead),
    Entries(Vec<SavedEntry>),
    Tail(SnapshotTail),
}

/// A snapshot that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no snapshot of this version.
    #[error("{0} is no snapshot of counters, or one of another version")]
    Foreign(PathBuf),
    /// It is cut off or changed.
    #[error("{path} is damaged in frame {frame}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of the frame, from 0.
        frame: u64,
    },
}

/// Writes one snapshot. Without [`SnapshotWriter::finish`] the old one stays.
pub struct SnapshotWriter {
    file: BufWriter<File>,
    path: PathBuf,
    part: PathBuf,
    frames: u64,
}

impl SnapshotWriter {
    /// Begins the snapshot that is to be at `path`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn begin(path: &Path, head: SnapshotHead) -> io::Result<Self> {
        let part = path.with_extension("part");
        let mut file = BufWriter::new(File::create(&part)?);
        file.write_all(MAGIC)?;
        let mut writer = Self { file, path: path.to_owned(), part, frames: 0 };
        writer.frame(&Frame::Head(head))?;
        Ok(writer)
    }

    /// Adds entries.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn entries(&mut self, entries: Vec<SavedEntry>) -> io::Result<()> {
        self.frame(&Frame::Entries(entries))
    }

    /// Ends it, and puts it in the place of the one before once it is on the disk.
    ///
    /// # Errors
    /// When that fails; the one before is there still.
    pub fn finish(mut self, tail: SnapshotTail) -> io::Result<()> {
        self.frame(&Frame::Tail(tail))?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&self.part, &self.path)?;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        let octets = postcard::to_stdvec(frame).map_err(io::Error::other)?;
        let length = u32::try_from(octets.len()).ok().filter(|length| *length <= FRAME_MAX);
        let length = length.ok_or_else(|| io::Error::other("a frame is too long"))?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&xxh3_64_with_seed(&octets, self.frames).to_le_bytes())?;
        self.frames += 1;
        self.file.write_all(&octets)
    }
}

/// A snapshot that is whole.
#[derive(Debug)]
pub struct SnapshotReader {
    path: PathBuf,
    /// How it begins.
    pub head: SnapshotHead,
    /// How it ends.
    pub tail: SnapshotTail,
}

impl SnapshotReader {
    /// Opens the snapshot at `path` and checks all of it; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be used; no part of it is to be.
    pub fn open(path: &Path) -> Result<Option<Self>, SnapshotError> {
        let mut frames = match Frames::open(path) {
            Ok(frames) => frames,
            Err(SnapshotError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let first = frames.next_octets()?.unwrap_or_default();
        let Frame::Head(head) = frames.decode(&first)? else { return Err(frames.damaged()) };
        // Of the entries only the sums are checked: they are many, and read when they are taken.
        let mut last = first;
        while let Some(octets) = frames.next_octets()? {
            last = octets;
        }
        let Frame::Tail(tail) = frames.decode(&last)? else { return Err(frames.damaged()) };
        Ok(Some(Self { path: path.to_owned(), head, tail }))
    }

    /// Reads the entries, some thousand at a time.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn entries(&self, mut take: impl FnMut(Vec<SavedEntry>)) -> Result<(), SnapshotError> {
        let mut frames = Frames::open(&self.path)?;
        while let Some(octets) = frames.next_octets()? {
            match frames.decode(&octets)? {
                Frame::Entries(entries) => take(entries),
                Frame::Head(_) | Frame::Tail(_) => {}
            }
        }
        Ok(())
    }
}

struct Frames {
    file: BufReader<File>,
    path: PathBuf,
    left: u64,
    read: u64,
}

impl Frames {
    fn open(path: &Path) -> Result<Self, SnapshotError> {
        let failed = |source| SnapshotError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let left = file.metadata().map_err(failed)?.len();
        let mut frames = Self { file: BufReader::new(file), path: path.to_owned(), left, read: 0 };
        let mut magic = [0; MAGIC.len()];
        if frames.take(&mut magic).is_err() || magic != *MAGIC {
            return Err(SnapshotError::Foreign(frames.path));
        }
        Ok(frames)
    }

    fn damaged(&self) -> SnapshotError {
        SnapshotError::Damaged { path: self.path.clone(), frame: self.read.saturating_sub(1) }
    }

    fn take(&mut self, octets: &mut [u8]) -> Result<(), SnapshotError> {
        self.left = self.left.checked_sub(octets.len() as u64).ok_or_else(|| self.damaged())?;
        self.file.read_exact(octets).map_err(|source| SnapshotError::Io { path: self.path.clone(), source })
    }

    fn next_octets(&mut self) -> Result<Option<Vec<u8>>, SnapshotError> {
        if self.left == 0 {
            return Ok(None);
        }
        let number = self.read;
        self.read += 1;
        let (mut length, mut sum) = ([0; 4], [0; 8]);
        self.take(&mut length)?;
        self.take(&mut sum)?;
        let length = u32::from_le_bytes(length);
        if length > FRAME_MAX || u64::from(length) > self.left {
            return Err(self.damaged());
        }
        let mut octets = vec![0; length as usize];
        self.take(&mut octets)?;
        if xxh3_64_with_seed(&octets, number) != u64::from_le_bytes(sum) {
            return Err(self.damaged());
        }
        Ok(Some(octets))
    }

    fn decode(&self, octets: &[u8]) -> Result<Frame, SnapshotError> {
        postcard::from_bytes(octets).map_err(|_| self.damaged())
    }
}
