//! The judge: sees what truly happens in log, store, sink and on the wire, and keeps the books of it.

use std::hash::Hasher;

use signalbox_backends::memory::{Cluster, Fault, MemoryStore};
use signalbox_core::backend::{Commit, CommitError, Log, LogError, LogRecord, Offset, ShardMark, Store};
use signalbox_core::cdr::Cdr;
use signalbox_core::exchange::Effect;
use signalbox_core::id::{Epoch, MessageId, PeerId, ShardId};
use signalbox_core::invariants::{Books, Committed, Violation};
use signalbox_core::time::Mono;

use crate::incident::{Incident, Incidents};
use crate::record::Record;

/// Lines of the trace that are kept.
const TRACE_LINES: usize = 20_000;
/// Commits that the store may forget at once.
const FURTHEST_BACK: usize = 8;

/// See the [module](self).
pub(crate) struct Judge {
    pub books: Books,
    pub incidents: Incidents,
    pub violation: Option<Violation>,
    outcomes_only: bool,
    /// Commits that the store may still forget, last one last. A claim is synchronous: it and what was before it
    /// stays.
    history: Vec<Committed>,
    kept_appends: u64,
    kept_commits: u64,
    published: usize,
    digest: std::hash::DefaultHasher,
    trace: Option<Vec<String>>,
}

impl Judge {
    pub(crate) fn new(traced: bool, outcomes_only: bool) -> Self {
        Self {
            books: Books::default(),
            incidents: Incidents::default(),
            violation: None,
            outcomes_only,
            history: Vec::new(),
            kept_appends: 0,
            kept_commits: 0,
            published: 0,
            digest: std::hash::DefaultHasher::new(),
            trace: traced.then(Vec::new),
        }
    }

    pub(crate) fn note(&mut self, incident: Incident) {
        self.digest.write_u8(incident as u8);
        self.incidents.note(incident);
    }

    pub(crate) fn tell(&mut self, now: Mono, line: impl FnOnce() -> String) {
        if let Some(trace) = self.trace.as_mut().filter(|trace| trace.len() < TRACE_LINES) {
            trace.push(format!("{:>9.3} {}", now.0 as f64 / 1e9, line()));
        }
    }

    pub(crate) fn finish(&mut self) -> (u64, Vec<String>) {
        (self.digest.finish(), self.trace.take().unwrap_or_default())
    }

    pub(crate) fn check(&mut self, verdict: Result<(), Violation>) {
        if let Err(violation) = verdict
            && self.violation.is_none()
            && !(self.outcomes_only && is_of_machinery(&violation))
        {
            self.violation = Some(violation);
        }
    }

    /// Appends, and books what is durable then, whatever the caller hears.
    pub(crate) fn append(
        &mut self,
        cluster: &Cluster,
        records: &[(ShardId, Record)],
    ) -> Result<Vec<Offset>, LogError> {
        let encoded: Vec<LogRecord> = records
            .iter()
            .map(|(shard, record)| LogRecord { shard: *shard, data: record.encode() })
            .collect();
        let result = cluster.log().append(&encoded);
        let durable = match &result {
            Ok(_) => true,
            Err(LogError::Unknown { .. }) => {
                let kept = cluster.tally().count(Fault::AppendKept);
                std::mem::replace(&mut self.kept_appends, kept) < kept
            }
            Err(_) => false,
        };
        if !durable {
            return result;
        }
        for (_, record) in records {
            match record {
                Record::Submit { id, .. } => self.books.durable(*id),
                Record::Answered { message, attempt, .. } => self.books.settled(*message, *attempt),
                Record::Claim { .. } | Record::Turn(_) | Record::Receipt(_) => {}
            }
        }
        result
    }

    pub(crate) fn claim(
        &mut self,
        store: &mut MemoryStore,
        shard: ShardId,
        epoch: Epoch,
    ) -> Result<ShardMark, CommitError> {
        let found = store.claim(&[shard], epoch)?;
        self.history.clear();
        let verdict = self.books.claimed(shard, epoch);
        self.check(verdict);
        self.books.interrupted_all(|_, message| message.shard() == shard);
        Ok(found.first().copied().unwrap_or_default())
    }

    /// Commits, and books it when it stands, whatever the caller hears.
    pub(crate) fn commit(
        &mut self,
        cluster: &Cluster,
        store: &mut MemoryStore,
        commit: &Commit,
        effects: &[Effect],
    ) -> Result<(), CommitError> {
        let result = store.commit(commit);
        let stands = match &result {
            Ok(_) => true,
            Err(CommitError::Unknown { .. }) => {
                let kept = cluster.tally().count(Fault::CommitKept);
                std::mem::replace(&mut self.kept_commits, kept) < kept
            }
            Err(_) => false,
        };
        if stands {
            let facts = Committed {
                marks: commit.marks.clone(),
                released: effects
                    .iter()
                    .filter_map(permitted)
                    .map(|(id, attempt, _)| (id, attempt))
                    .collect(),
                cdrs: commit.cdrs.iter().filter_map(|cdr| Cdr::decode(cdr).ok()).collect(),
            };
            for cdr in &facts.cdrs {
                self.digest.write(&cdr.message.to_bytes());
                self.digest.write_i64(cdr.final_at.0);
            }
            let verdict = self.books.committed(&facts);
            self.check(verdict);
            self.history.push(facts);
        }
        result.map(|_| ())
    }

    /// Lets the store forget some commits. Returns how many.
    pub(crate) fn rewind(&mut self, cluster: &Cluster, wanted: usize) -> usize {
        let commits = wanted.min(self.history.len()).min(FURTHEST_BACK);
        let undone = cluster.rewind_store(commits);
        for _ in 0..undone {
            if let Some(facts) = self.history.pop() {
                self.books.undone(&facts);
            }
        }
        undone
    }

    /// Books what the sink has that it had not before.
    pub(crate) fn look_at_sink(&mut self, cluster: &Cluster) {
        let published = cluster.published();
        for (sequence, record) in &published[self.published..] {
            let Ok(cdr) = Cdr::decode(record) else { continue };
            let verdict = self.books.published(*sequence, &cdr);
            self.check(verdict);
        }
        self.published = published.len();
    }

    pub(crate) fn seen(&mut self, message: MessageId) {
        self.digest.write(&message.to_bytes());
        self.books.seen(message);
    }
}

/// True for what does no harm by itself.
fn is_of_machinery(violation: &Violation) -> bool {
    matches!(
        violation,
        Violation::AnsweredBeforeDurable { .. }
            | Violation::EpochOrder { .. }
            | Violation::PositionBack { .. }
            | Violation::NotPermitted { .. }
            | Violation::AfterDeadline { .. }
            | Violation::PublishedUncommitted { .. }
    )
}

/// The attempt that an effect lets go.
pub(crate) fn permitted(effect: &Effect) -> Option<(MessageId, u16, PeerId)> {
    match effect {
        Effect::Send { released, .. } => Some((released.id(), released.attempt(), released.peer())),
        Effect::Reply { .. } | Effect::CloseSession { .. } | Effect::Lookup { .. } | Effect::Alarm(_) => None,
    }
}
