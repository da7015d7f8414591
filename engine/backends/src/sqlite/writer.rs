use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::Sender;
use parking_lot::Mutex;
use rusqlite::{Connection, params};
use signalbox_core::backend::{Clock, Commit, CommitError, Committed, LogRecord, Offset, ShardMark};
use signalbox_core::id::{Epoch, ShardId};

use super::gauge::SpineGauge;
use super::schema::PAGE;
use super::{checkpoint, fate, frame, marks, rows};
use crate::failpoint;
use crate::fence::{self, Marks, Rule};

/// The row that every commit changes: counts of starts, outbox and log, and the marks.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) boot: u64,
    pub(super) outbox: u64,
    pub(super) log: u64,
    pub(super) packed: Vec<u8>,
    pub(super) marks: Box<Marks>,
}

impl Head {
    /// Reads the row; the reason when it makes no sense.
    pub(super) fn read(connection: &Connection) -> Result<Self, String> {
        let mut statement = connection
            .prepare_cached("SELECT boot, outbox, log, marks FROM head WHERE id = 1")
            .map_err(|error| error.to_string())?;
        let (boot, outbox, log, packed): (i64, i64, i64, Vec<u8>) = statement
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .map_err(|error| error.to_string())?;
        let marks = marks::read(&packed).ok_or_else(|| format!("the marks have {} octets", packed.len()))?;
        Ok(Self {
            boot: boot.cast_unsigned(),
            outbox: outbox.cast_unsigned(),
            log: log.cast_unsigned(),
            packed,
            marks: Box::new(marks),
        })
    }

    fn set(&mut self, shard: ShardId, mark: ShardMark) {
        self.marks[usize::from(shard.number())] = mark;
        marks::write(&mut self.packed, shard, mark);
    }

    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached("UPDATE head SET boot = ?1, outbox = ?2, log = ?3, marks = ?4 WHERE id = 1")?
            .execute(params![
                self.boot.cast_signed(),
                self.outbox.cast_signed(),
                self.log.cast_signed(),
                self.packed
            ])?;
        Ok(())
    }
}

/// The one connection that writes.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) head: Head,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) gauge: Arc<SpineGauge>,
    pub(super) delay: Duration,
    /// Set when an fsync failed, here or in the checkpoint thread; nothing is acknowledged after that.
    pub(super) broken: Arc<AtomicBool>,
    pub(super) wal: Wal,
}

/// How the writer keeps the WAL short.
pub(super) struct Wal {
    pub(super) path: PathBuf,
    /// Octets above which a checkpoint is finished here.
    pub(super) bound: u64,
    /// Octets after which the second thread is woken.
    pub(super) checkpoint_every: u64,
    /// Wakes the second thread, if there is one.
    pub(super) wake: Option<Sender<()>>,
    /// Set by the second thread when the WAL is at its bound and little is left to copy.
    pub(super) finish: Arc<AtomicBool>,
    /// Held while a checkpoint is made.
    pub(super) turn: Arc<Mutex<()>>,
    /// About how much was written since the second thread was woken, and since the size was looked at.
    pub(super) since_wake: u64,
    pub(super) since_look: u64,
}

impl Writer {
    /// See `Store::commit`.
    pub(super) fn commit(&mut self, commit: &Commit) -> Result<Committed, CommitError> {
        let next = fence::follow(&self.head.marks, commit, Rule::WHOLE)?;
        if commit.is_empty() && next.is_empty() {
            return Ok(Committed::default());
        }
        let mut head = self.head.clone();
        for (shard, mark) in next {
            head.set(shard, mark);
        }
        let outbox = if commit.cdrs.is_empty() {
            None
        } else {
            head.outbox += 1;
            let packed = frame::pack(&commit.cdrs)
                .ok_or_else(|| CommitError::Refused { reason: "a CDR has 4 GiB or more".into() })?;
            Some((head.outbox, packed))
        };
        let (records, _) = placed(&mut head, &commit.appends)?;
        let weight = outbox.as_ref().map_or(0, |(_, packed)| packed.len())
            + commit.ops.iter().map(rows::weight).sum::<usize>()
            + commit.appends.iter().map(|record| record.data.len() + 64).sum::<usize>();
        self.durable(head, weight, |connection| {
            rows::apply(connection, &commit.ops)?;
            if let Some((sequence, packed)) = &outbox {
                connection
                    .prepare_cached("INSERT INTO outbox(sequence, records) VALUES(?1, ?2)")?
                    .execute(params![sequence.cast_signed(), packed])?;
            }
            if let Some(upto) = commit.outbox_trim {
                connection
                    .prepare_cached("DELETE FROM outbox WHERE sequence <= ?1")?
                    .execute(params![i64::try_from(upto).unwrap_or(i64::MAX)])?;
            }
            insert(connection, &records)
        })?;
        let gauge = &self.gauge;
        gauge.rows.fetch_add(commit.ops.len() as u64, Ordering::Relaxed);
        gauge.cdrs.fetch_add(commit.cdrs.len() as u64, Ordering::Relaxed);
        gauge.records.fetch_add(commit.appends.len() as u64, Ordering::Relaxed);
        Ok(Committed { outbox: outbox.map(|(sequence, _)| sequence) })
    }

    /// See `Store::claim`.
    pub(super) fn claim(&mut self, shards: &[ShardId], epoch: Epoch) -> Result<Vec<ShardMark>, CommitError> {
        let found = fence::claim(&self.head.marks, shards, epoch, Rule::WHOLE)?;
        let mut head = self.head.clone();
        for (&shard, mark) in shards.iter().zip(&found) {
            head.set(shard, ShardMark { epoch, ..*mark });
        }
        self.durable(head, 0, |_| Ok(()))?;
        Ok(found)
    }

    /// See `Log::append`.
    pub(super) fn append(&mut self, records: &[LogRecord]) -> Result<Vec<Offset>, CommitError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let mut head = self.head.clone();
        let (records, offsets) = placed(&mut head, records)?;
        let weight = records.iter().map(|(_, data)| data.len() + 64).sum();
        self.durable(head, weight, |connection| insert(connection, &records))?;
        self.gauge.records.fetch_add(offsets.len() as u64, Ordering::Relaxed);
        Ok(offsets)
    }

    /// See `Log::trim`.
    pub(super) fn trim(&mut self, shard: ShardId, upto: Offset) -> Result<(), CommitError> {
        let first = rows::place(shard, 0);
        let last = rows::place(shard, upto.0.min(self.head.log));
        self.durable(self.head.clone(), 0, |connection| {
            connection
                .prepare_cached("DELETE FROM log WHERE place BETWEEN ?1 AND ?2")?
                .execute(params![first, last])?;
            Ok(())
        })
    }

    /// Counts this start.
    pub(super) fn count_start(&mut self) -> Result<Epoch, CommitError> {
        let mut head = self.head.clone();
        let highest = head.marks.iter().map(|mark| mark.epoch.0).max().unwrap_or(0);
        head.boot = head.boot.max(highest) + 1;
        self.durable(head, 0, |_| Ok(()))?;
        Ok(Epoch(self.head.boot))
    }

    /// Writes `head` and what `change` does, whole or not at all.
    fn durable(
        &mut self,
        head: Head,
        weight: usize,
        change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), CommitError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(CommitError::Unknown { reason: "an earlier write failed; start again".into() });
        }
        failpoint::reach("spine.before-commit");
        let done = self.write(&head, change);
        if let Err(error) = done {
            self.gauge.refused.fetch_add(1, Ordering::Relaxed);
            return Err(self.roll_back(error));
        }
        failpoint::reach("spine.after-commit");
        self.head = head;
        self.gauge.commits.fetch_add(1, Ordering::Relaxed);
        self.after_commit(weight);
        Ok(())
    }

    fn write(
        &self,
        head: &Head,
        change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), CommitError> {
        let connection = &self.connection;
        let run = |sql: &str| connection.prepare_cached(sql)?.execute([]).map(|_| ());
        run("BEGIN IMMEDIATE")
            .and_then(|()| change(connection))
            .and_then(|()| head.write(connection))
            .map_err(|error| fate::of_statement(&error))?;
        failpoint::reach("spine.mid-commit");
        let started = self.clock.now().mono;
        run("COMMIT").map_err(|error| fate::of_commit(&error))?;
        if !self.delay.is_zero() {
            std::thread::sleep(self.delay);
        }
        self.gauge.durations.record(self.clock.now().mono - started);
        Ok(())
    }

    /// Leaves no transaction open; what cannot be undone is of unknown fate.
    fn roll_back(&self, error: CommitError) -> CommitError {
        let mut error = error;
        if !self.connection.is_autocommit()
            && let Err(failed) = self.connection.execute_batch("ROLLBACK")
            && !self.connection.is_autocommit()
        {
            error = CommitError::Unknown { reason: format!("{error}; and it cannot be undone: {failed}") };
        }
        if matches!(error, CommitError::Unknown { .. }) {
            self.broken.store(true, Ordering::Release);
        }
        error
    }

    fn after_commit(&mut self, weight: usize) {
        let wal = &mut self.wal;
        let Some(wake) = &wal.wake else { return };
        let weight = weight as u64 + 2 * PAGE;
        wal.since_wake += weight;
        wal.since_look += weight;
        if wal.since_wake >= wal.checkpoint_every {
            // When the channel is full the thread has been woken already.
            let _ = wake.try_send(());
            wal.since_wake = 0;
        }
        let mut finish = wal.finish.load(Ordering::Acquire);
        if !finish && wal.since_look >= wal.checkpoint_every / 4 {
            wal.since_look = 0;
            // The file is cut back to twice its bound when it starts anew, so a greater length tells of this round:
            // the second thread is too slow, and commits wait for the disk.
            finish = std::fs::metadata(&wal.path).is_ok_and(|file| file.len() > 2 * wal.bound);
        }
        if finish {
            self.finish_checkpoint();
        }
    }

    fn finish_checkpoint(&self) {
        let _turn = self.wal.turn.lock();
        match checkpoint::pass(&self.connection) {
            Ok(pass) if pass.is_complete() => {
                self.wal.finish.store(false, Ordering::Release);
                self.gauge.finished.fetch_add(1, Ordering::Relaxed);
            }
            // A reader holds on to an old state; the next commits try again.
            Ok(_) => {}
            Err(error) => checkpoint::failed(&error, &self.broken),
        }
    }
}

/// A record of the log with its rowid.
type Placed = (i64, Bytes);

/// Gives the records their offsets, which are counted over all shards.
fn placed(head: &mut Head, records: &[LogRecord]) -> Result<(Vec<Placed>, Vec<Offset>), CommitError> {
    let mut rows = Vec::with_capacity(records.len());
    let mut offsets = Vec::with_capacity(records.len());
    for record in records {
        head.log += 1;
        let place = rows::place(record.shard, head.log)
            .ok_or_else(|| CommitError::Refused { reason: "the offsets of the log are used up".into() })?;
        rows.push((place, record.data.clone()));
        offsets.push(Offset(head.log));
    }
    Ok((rows, offsets))
}

fn insert(connection: &Connection, records: &[Placed]) -> rusqlite::Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached("INSERT INTO log(place, data) VALUES(?1, ?2)")?;
    for (place, data) in records {
        statement.execute(params![place, &data[..]])?;
    }
    Ok(())
}
