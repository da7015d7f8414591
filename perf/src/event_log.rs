//! A log of JSON lines that a judge may trust: written by one thread, synced in groups.
//!
//! [`EventLog::append`] hands a line over, [`EventLog::synced`] waits until all that was handed over before is on
//! the disk. Whoever answers a peer only after that has a log without holes, whatever is killed.

use crate::error::SimError;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Octets that may wait for the disk; whoever appends more waits.
const MAX_WAITING: usize = 64 << 20;

/// Microseconds since 1970, UTC.
pub fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[derive(Default)]
struct Waiting {
    octets: Vec<u8>,
    appended: u64,
    closed: bool,
    failed: bool,
}

struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module. Clones write to the same file.
#[derive(Clone)]
pub struct EventLog {
    shared: Arc<Shared>,
    synced: watch::Receiver<Result<u64, String>>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog").finish_non_exhaustive()
    }
}

impl EventLog {
    /// Opens a log at its end, and makes the file when there is none.
    ///
    /// # Errors
    /// [`SimError::Io`].
    pub fn open(path: &Path) -> Result<EventLog, SimError> {
        let failed = |source| SimError::io(format!("cannot open the log {}", path.display()), source);
        let file = File::options().create(true).append(true).open(path).map_err(failed)?;
        let shared = Arc::new(Shared { waiting: Mutex::default(), changed: Condvar::new() });
        let (progress, synced) = watch::channel(Ok(0));
        let theirs = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || write_groups(&theirs, file, &progress))
            .map_err(|source| SimError::io("cannot start the log's thread".to_owned(), source))?;
        Ok(EventLog { shared, synced, writer: Arc::new(Mutex::new(Some(writer))) })
    }

    /// Hands over whole lines, each with its LF.
    pub fn append(&self, lines: &[u8]) {
        let mut waiting = self.shared.lock();
        while waiting.octets.len() > MAX_WAITING && !waiting.failed {
            waiting = self.shared.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.octets.extend_from_slice(lines);
        waiting.appended += lines.len() as u64;
        drop(waiting);
        self.shared.changed.notify_all();
    }

    /// Waits until all that was appended before is synced.
    ///
    /// # Errors
    /// [`SimError::Log`] when the disk refused.
    pub async fn synced(&self) -> Result<(), SimError> {
        let wanted = self.shared.lock().appended;
        let mut synced = self.synced.clone();
        let reached = |state: &Result<u64, String>| state.as_ref().map_or(true, |octets| *octets >= wanted);
        match synced.wait_for(reached).await.as_deref() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(reason)) => Err(SimError::Log(reason.clone())),
            Err(_) => Err(SimError::Log("the writer has ended".to_owned())),
        }
    }

    /// Writes and syncs what waits, and ends the writer.
    ///
    /// # Errors
    /// [`SimError::Log`] when the disk refused.
    pub fn close(&self) -> Result<(), SimError> {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            return Err(SimError::Log("the writer failed".to_owned()));
        }
        self.synced.borrow().as_ref().map(|_| ()).map_err(|reason| SimError::Log(reason.clone()))
    }
}

fn write_groups(shared: &Shared, mut file: File, progress: &watch::Sender<Result<u64, String>>) {
    let mut group = Vec::new();
    let mut done = 0;
    loop {
        let mut waiting = shared.lock();
        while waiting.octets.is_empty() && !waiting.closed {
            waiting = shared.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.octets.is_empty() {
            return;
        }
        std::mem::swap(&mut group, &mut waiting.octets);
        drop(waiting);
        shared.changed.notify_all();
        if let Err(error) = file.write_all(&group).and_then(|()| file.sync_data()) {
            progress.send_modify(|state| *state = Err(error.to_string()));
            shared.lock().failed = true;
            shared.changed.notify_all();
            return;
        }
        done += group.len() as u64;
        group.clear();
        progress.send_modify(|state| *state = Ok(done));
    }
}

/// One line under construction.
#[derive(Debug)]
pub struct Line<'a>(&'a mut Vec<u8>);

impl<'a> Line<'a> {
    /// Begins a line with the time and the kind of event.
    pub fn begin(out: &'a mut Vec<u8>, event: &str) -> Self {
        crate::id_form::put(out, format_args!("{{\"t\":{},\"e\":\"{event}\"", unix_us()));
        Line(out)
    }

    /// A number.
    pub fn number(self, key: &str, value: u64) -> Self {
        crate::id_form::put(self.0, format_args!(",\"{key}\":{value}"));
        self
    }

    /// A number, or null.
    pub fn maybe(self, key: &str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.number(key, value),
            None => {
                crate::id_form::put(self.0, format_args!(",\"{key}\":null"));
                self
            }
        }
    }

    /// A text, octets outside printable ASCII as Latin-1.
    pub fn text(self, key: &str, value: &[u8]) -> Self {
        crate::id_form::put(self.0, format_args!(",\"{key}\":\""));
        for &octet in value {
            match octet {
                b'"' | b'\\' => self.0.extend_from_slice(&[b'\\', octet]),
                0x20..=0x7e => self.0.push(octet),
                _ => crate::id_form::put(self.0, format_args!("\\u{octet:04x}")),
            }
        }
        self.0.push(b'"');
        self
    }

    /// Ends the line.
    pub fn end(self) {
        self.0.extend_from_slice(b"}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_synced_is_in_the_file_and_is_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = EventLog::open(&path).unwrap();
        let mut line = Vec::new();
        Line::begin(&mut line, "submit")
            .number("session", 1)
            .maybe("m", None)
            .text("source", b"a\"\\\n\xe9")
            .end();
        log.append(&line);
        log.synced().await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["source"], "a\"\\\n\u{e9}");
        assert_eq!(value["m"], serde_json::Value::Null);
        log.append(&line);
        log.close().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }
}
