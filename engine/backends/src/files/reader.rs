use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::line::{PublishedCdr, Trailer};
use super::place::Place;

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refuses.
    #[error("cannot read {path}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is no record.
    #[error("line {line} of {path} is no CDR: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A closed file does not agree with its trailer.
    #[error("{path} does not agree with its trailer: {reason}")]
    Untrue {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Reads the files that [`CdrFiles`](super::CdrFiles) writes, also while it writes them.
#[derive(Clone, Debug)]
pub struct CdrReader {
    place: Place,
}

impl CdrReader {
    /// A reader of the files in this directory with this prefix.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, prefix: impl Into<String>) -> Self {
        Self { place: Place::new(dir.into(), prefix.into()) }
    }

    /// The closed files, oldest first, and behind them the open one.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>, ReadError> {
        let found = self.place.files().map_err(|source| read_error(self.place.dir(), source))?;
        let closed = found.closed.into_iter();
        Ok(closed.chain(found.parts).map(|(_, path)| path).collect())
    }

    /// The records in the order of their sequence, which is the order of the commits that they tell of, beginning
    /// behind `after`.
    ///
    /// # Errors
    /// When the directory cannot be read; the iterator ends behind the first error of a file.
    pub fn forward(
        &self,
        after: u64,
    ) -> Result<impl Iterator<Item = Result<PublishedCdr, ReadError>> + use<>, ReadError> {
        let mut ended = false;
        let all = self.files()?.into_iter().filter(move |path| ends_behind(path, after)).flat_map(records);
        Ok(all
            .filter(move |record| record.as_ref().map_or(true, |record| record.sequence > after))
            .take_while(move |record| !std::mem::replace(&mut ended, record.is_err())))
    }

    /// The last records, newest first, that have this number as source or destination: at most `max`, from
    /// before the sequence `before`.
    ///
    /// `+` and `00` in front of a number do not matter. A file is read at a time, from its end.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn trace(
        &self,
        number: &str,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<PublishedCdr>, ReadError> {
        let number = bare(number);
        let before = before.unwrap_or(u64::MAX);
        let mut found = Vec::new();
        for path in self.files()?.into_iter().rev() {
            // A file closed between the look at the directory and now has another name.
            let Some(text) = read_if_there(&path)? else { continue };
            let lines: Vec<&[u8]> = whole_lines(&text).collect();
            for (at, line) in lines.iter().enumerate().rev() {
                // A record is parsed only when the digits are somewhere in its line.
                let candidate = std::str::from_utf8(line).is_ok_and(|line| line.contains(number));
                if found.len() == max || !candidate || Trailer::read(line).is_some() {
                    continue;
                }
                let record = parse(&path, at + 1, line)?;
                let cdr = &record.cdr;
                let named = bare(&cdr.source) == number || bare(&cdr.destination) == number;
                if named && record.sequence < before {
                    found.push(record);
                }
            }
            if found.len() == max {
                break;
            }
        }
        Ok(found)
    }

    /// Checks a closed file against its trailer.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn verify(path: &Path) -> Result<Trailer, ReadError> {
        let text = fs::read(path).map_err(|source| read_error(path, source))?;
        let trailer = trailer(path)?;
        let untrue = |reason: String| ReadError::Untrue { path: path.to_owned(), reason };
        let octets = usize::try_from(trailer.octets).unwrap_or(usize::MAX);
        let Some(before) = text.get(..octets) else {
            return Err(untrue(format!("it has {} octets, not {octets}", text.len())));
        };
        let digest: String = Sha256::digest(before).iter().map(|octet| format!("{octet:02x}")).collect();
        if digest != trailer.sha256 {
            return Err(untrue(format!("its SHA-256 is {digest}")));
        }
        let mut sequence = trailer.first_sequence;
        for (at, line) in whole_lines(before).enumerate() {
            let record = parse(path, at + 1, line)?;
            if record.sequence != sequence {
                return Err(untrue(format!(
                    "line {} has sequence {}, not {sequence}",
                    at + 1,
                    record.sequence
                )));
            }
            sequence += 1;
        }
        if sequence - trailer.first_sequence != trailer.count || sequence != trailer.last_sequence + 1 {
            return Err(untrue(format!("it has {} records", sequence - trailer.first_sequence)));
        }
        Ok(trailer)
    }
}

fn read_error(path: &Path, source: io::Error) -> ReadError {
    ReadError::Io { path: path.to_owned(), source }
}

/// A number without what says that it is international.
fn bare(number: &str) -> &str {
    number.strip_prefix('+').or_else(|| number.strip_prefix("00")).unwrap_or(number)
}

fn parse(path: &Path, line: usize, text: &[u8]) -> Result<PublishedCdr, ReadError> {
    PublishedCdr::read(text).map_err(|error| ReadError::Damaged {
        path: path.to_owned(),
        line,
        reason: error.to_string(),
    })
}

/// The lines that have their end; the writer may be in the middle of the last one.
fn whole_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&octet| octet == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    let path = &renamed(path);
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(read_error(path, error)),
    }
}

/// The name that the file has now: an open file may have been closed meanwhile.
fn renamed(path: &Path) -> PathBuf {
    let closed = path.with_extension("");
    if path.extension().is_some_and(|end| end == "part") && !path.exists() && closed.exists() {
        closed
    } else {
        path.to_owned()
    }
}

/// The records of one file; a reader of the open file stops at its last whole line.
fn records(path: PathBuf) -> Box<dyn Iterator<Item = Result<PublishedCdr, ReadError>>> {
    let path = renamed(&path);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Box::new(std::iter::empty()),
        Err(error) => return Box::new(std::iter::once(Err(read_error(&path, error)))),
    };
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut at = 0;
    Box::new(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match input.read_until(b'\n', &mut line) {
            Ok(_) => {}
            Err(error) => return Some(Err(read_error(&path, error))),
        }
        let line = line.strip_suffix(b"\n")?;
        at += 1;
        if Trailer::read(line).is_some() { None } else { Some(parse(&path, at, line)) }
    }))
}

/// False when the trailer says that nothing in the file is behind `after`.
fn ends_behind(path: &Path, after: u64) -> bool {
    after == 0 || trailer(path).map_or(true, |trailer| trailer.last_sequence > after)
}

/// The trailer of a closed file.
pub(super) fn trailer(path: &Path) -> Result<Trailer, ReadError> {
    /// Far longer than a trailer.
    const TAIL: u64 = 4096;
    let tail = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        io::Seek::seek(&mut file, io::SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    let tail = tail().map_err(|source| read_error(path, source))?;
    whole_lines(&tail)
        .last()
        .and_then(Trailer::read)
        .ok_or_else(|| ReadError::Untrue { path: path.to_owned(), reason: "it has none".into() })
}

/// The first record of a file.
pub(super) fn first(path: &Path) -> Result<PublishedCdr, ReadError> {
    let empty = || ReadError::Damaged { path: path.to_owned(), line: 1, reason: "it is empty".into() };
    records(path.to_owned()).next().unwrap_or_else(|| Err(empty()))
}
