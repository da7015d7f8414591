use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use signalbox_core::backend::{Commit, CommitError, Committed, Op, Row, ShardMark, Store, StoreError, Table};
use signalbox_core::id::{Epoch, SHARDS, ShardId};

use super::cluster::{Check, Cluster, World};
use super::fault::{Fault, Refusal};
use crate::fence::{self, Marks, Rule};

/// Commits that can be undone.
const REMEMBERED: usize = 64;
/// Most commits that [`Fault::StoreWentBack`] takes away.
const FURTHEST_BACK: u64 = 8;

/// Rows in the order in which they are loaded.
type RowKey = (Table, [u8; 16], ShardId);

/// What undoes one commit or claim.
#[derive(Default)]
struct Undo {
    marks: Vec<(ShardId, ShardMark)>,
    rows: Vec<(RowKey, Option<Bytes>)>,
    outbox_last: u64,
    added: Option<u64>,
    trimmed: Vec<(u64, Vec<Bytes>)>,
}

pub(super) struct StoreState {
    marks: Box<Marks>,
    rows: BTreeMap<RowKey, Bytes>,
    outbox: BTreeMap<u64, Vec<Bytes>>,
    outbox_last: u64,
    undo: VecDeque<Undo>,
    rule: Rule,
    octets: u64,
    pub(super) capacity: Option<u64>,
}

impl Default for StoreState {
    fn default() -> Self {
        Self {
            marks: Box::new([ShardMark::default(); SHARDS as usize]),
            rows: BTreeMap::new(),
            outbox: BTreeMap::new(),
            outbox_last: 0,
            undo: VecDeque::new(),
            rule: Rule::WHOLE,
            octets: 0,
            capacity: None,
        }
    }
}

fn octets_of(records: &[Bytes]) -> u64 {
    records.iter().map(|record| record.len() as u64).sum()
}

impl StoreState {
    pub(super) fn switch_off(&mut self, check: Check) {
        match check {
            Check::Epoch => self.rule.epoch = false,
            Check::Number => self.rule.number = false,
            Check::Position => self.rule.position = false,
        }
    }

    /// True when `more` octets fit beside those of rows, outbox and log.
    pub(super) fn has_room(&self, log: u64, more: u64) -> bool {
        self.capacity.is_none_or(|capacity| self.octets + log + more <= capacity)
    }

    fn set_mark(&mut self, shard: ShardId, mark: ShardMark) -> ShardMark {
        std::mem::replace(&mut self.marks[usize::from(shard.number())], mark)
    }

    fn set_row(&mut self, key: RowKey, value: Option<Bytes>) -> Option<Bytes> {
        let before = match value {
            Some(value) => {
                self.octets += value.len() as u64;
                self.rows.insert(key, value)
            }
            None => self.rows.remove(&key),
        };
        self.octets -= before.as_ref().map_or(0, |value| value.len() as u64);
        before
    }

    fn apply(&mut self, commit: &Commit, marks: Vec<(ShardId, ShardMark)>) -> Committed {
        let mut undo = Undo { outbox_last: self.outbox_last, ..Undo::default() };
        for (shard, mark) in marks {
            undo.marks.push((shard, self.set_mark(shard, mark)));
        }
        for op in &commit.ops {
            let (key, value) = match op {
                Op::Put { shard, table, key, value } => ((*table, *key, *shard), Some(value.clone())),
                Op::Delete { shard, table, key } => ((*table, *key, *shard), None),
            };
            undo.rows.push((key, self.set_row(key, value)));
        }
        if !commit.cdrs.is_empty() {
            self.outbox_last += 1;
            self.octets += octets_of(&commit.cdrs);
            self.outbox.insert(self.outbox_last, commit.cdrs.clone());
            undo.added = Some(self.outbox_last);
        }
        if let Some(upto) = commit.outbox_trim {
            let kept = upto.checked_add(1).map_or_else(BTreeMap::new, |first| self.outbox.split_off(&first));
            let trimmed = std::mem::replace(&mut self.outbox, kept);
            for (sequence, records) in trimmed {
                self.octets -= octets_of(&records);
                undo.trimmed.push((sequence, records));
            }
        }
        let outbox = undo.added;
        self.remember(undo);
        Committed { outbox }
    }

    fn remember(&mut self, undo: Undo) {
        if self.undo.len() == REMEMBERED {
            self.undo.pop_front();
        }
        self.undo.push_back(undo);
    }

    pub(super) fn rewind(&mut self, commits: usize) -> usize {
        let commits = commits.min(self.undo.len());
        for _ in 0..commits {
            let Some(undo) = self.undo.pop_back() else { break };
            for (sequence, records) in undo.trimmed {
                self.octets += octets_of(&records);
                self.outbox.insert(sequence, records);
            }
            if let Some(records) = undo.added.and_then(|added| self.outbox.remove(&added)) {
                self.octets -= octets_of(&records);
            }
            self.outbox_last = undo.outbox_last;
            for (key, value) in undo.rows.into_iter().rev() {
                self.set_row(key, value);
            }
            for (shard, mark) in undo.marks {
                self.set_mark(shard, mark);
            }
        }
        commits
    }
}

fn weight(commit: &Commit) -> u64 {
    let rows = commit.ops.iter().map(|op| match op {
        Op::Put { value, .. } => value.len() as u64,
        Op::Delete { .. } => 0,
    });
    rows.sum::<u64>()
        + octets_of(&commit.cdrs)
        + commit.appends.iter().map(|record| record.data.len() as u64).sum::<u64>()
}

impl World {
    fn commit(&mut self, commit: &Commit) -> Result<Committed, CommitError> {
        let marks = fence::follow(&self.store.marks, commit, self.store.rule)
            .inspect_err(|error| self.faults.tally.refuse(refusal_of(error)))?;
        if commit.is_empty() && marks.is_empty() {
            return Ok(Committed::default());
        }
        let more = weight(commit);
        if more > 0 && !self.store.has_room(self.log.octets, more) {
            self.faults.tally.refuse(Refusal::NoRoom);
            return Err(CommitError::Full);
        }
        let possible = [
            Fault::CommitRefused,
            Fault::CommitLost,
            Fault::CommitKept,
            Fault::StoreFull,
            Fault::StoreWentBack,
        ];
        let reason = || "injected".to_owned();
        let fault = self.faults.strike(&possible);
        match fault {
            Some(Fault::CommitRefused) => return Err(CommitError::Refused { reason: reason() }),
            Some(Fault::CommitLost) => return Err(CommitError::Unknown { reason: reason() }),
            Some(Fault::StoreFull) => return Err(CommitError::Full),
            _ => {}
        }
        let committed = self.store.apply(commit, marks);
        self.log.append(&commit.appends);
        match fault {
            Some(Fault::CommitKept) => return Err(CommitError::Unknown { reason: reason() }),
            Some(Fault::StoreWentBack) => {
                let back = self.faults.amount(FURTHEST_BACK);
                self.store.rewind(usize::try_from(back).unwrap_or(1));
            }
            _ => {}
        }
        Ok(committed)
    }

    fn claim(&mut self, shards: &[ShardId], epoch: Epoch) -> Result<Vec<ShardMark>, CommitError> {
        let found = fence::claim(&self.store.marks, shards, epoch, self.store.rule)
            .inspect_err(|_| self.faults.tally.refuse(Refusal::ClaimFenced))?;
        let mut undo = Undo { outbox_last: self.store.outbox_last, ..Undo::default() };
        for (&shard, mark) in shards.iter().zip(&found) {
            undo.marks.push((shard, self.store.set_mark(shard, ShardMark { epoch, ..*mark })));
        }
        self.store.remember(undo);
        Ok(found)
    }
}

fn refusal_of(error: &CommitError) -> Refusal {
    match error {
        CommitError::Fenced { .. } => Refusal::Fenced,
        CommitError::OutOfOrder { .. } => Refusal::OutOfOrder,
        _ => Refusal::Wrong,
    }
}

/// A handle of the store that all nodes share.
#[derive(Clone)]
pub struct MemoryStore {
    cluster: Cluster,
}

impl MemoryStore {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }
}

impl Store for MemoryStore {
    fn claim(&mut self, shards: &[ShardId], epoch: Epoch) -> Result<Vec<ShardMark>, CommitError> {
        self.cluster.world().claim(shards, epoch)
    }

    fn load(&self, shard: Option<ShardId>, visit: &mut dyn FnMut(Row)) -> Result<(), StoreError> {
        // The rows are copied out, so that a visitor may use the cluster.
        let rows: Vec<Row> = self
            .cluster
            .world()
            .store
            .rows
            .iter()
            .filter(|((table, _, owner), _)| {
                Table::LOADED.contains(table) && shard.is_none_or(|shard| shard == *owner)
            })
            .map(|(&(table, key, shard), value)| Row { shard, table, key, value: value.clone() })
            .collect();
        rows.into_iter().for_each(visit);
        Ok(())
    }

    fn get(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.cluster.world().store.rows.get(&(table, *key, shard)).cloned())
    }

    fn range(
        &self,
        table: Table,
        after: &[u8; 16],
        upto: &[u8; 16],
        max: usize,
    ) -> Result<Vec<Row>, StoreError> {
        if after >= upto {
            return Ok(Vec::new());
        }
        let world = self.cluster.world();
        let rows = world.store.rows.range((table, *after, ShardId::LAST)..=(table, *upto, ShardId::LAST));
        let within = rows.filter(|((_, key, _), _)| key > after);
        let row = |(&(table, key, shard), value): (&RowKey, &Bytes)| Row {
            shard,
            table,
            key,
            value: value.clone(),
        };
        Ok(within.map(row).take(max).collect())
    }

    fn commit(&mut self, commit: &Commit) -> Result<Committed, CommitError> {
        self.cluster.world().commit(commit)
    }

    fn outbox(&self, after: u64, max: usize) -> Result<Vec<(u64, Vec<Bytes>)>, StoreError> {
        let world = self.cluster.world();
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        let found = world.store.outbox.range(first..).take(max);
        Ok(found.map(|(&sequence, records)| (sequence, records.clone())).collect())
    }

    fn free(&self) -> Option<u64> {
        let world = self.cluster.world();
        let capacity = world.store.capacity?;
        Some(capacity.saturating_sub(world.store.octets + world.log.octets))
    }
}
