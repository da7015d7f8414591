//! Back from the store: what was accepted and not final goes on where it was.

use bytes::Bytes;
use rustc_hash::FxHashMap;
use signalbox_consent::ConsentRow;

use super::alike::Likeness;
use super::entry::{Entry, Held, Key, Phase};
use super::group::Group;
use super::note::Note;
use super::own::OwnStep;
use super::receipt::{Opening, Parked};
use super::requests::Answered;
use super::row::{MessageRow, RowError, StateRow, StoredPhase};
use super::{Bodies, Exchange};
use crate::backend::{Row, Table};
use crate::consent::Suppression;
use crate::dedupe::{MoKey, SeenMo, SeenRow};
use crate::id::{MessageId, PeerId, ShardId};
use crate::message::Direction;
use crate::scope::Scope;
use crate::time::Now;

/// Rows that are put in place only once all are read.
#[derive(Debug, Default)]
pub struct Restoring {
    seen: Vec<(MoKey, SeenRow)>,
    phases: Vec<(Key, StoredPhase)>,
    later: FxHashMap<Key, StoredPhase>,
    dialog: Vec<Row>,
}

impl Restoring {
    /// The rows of the dialog server, in the order in which they were read.
    #[must_use]
    pub fn take_dialog_rows(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.dialog)
    }
}

/// A row of the store as far as it can be read without the exchange, so that one thread reads what another puts in
/// its place.
pub struct ReadRow(Read);

enum Read {
    Message { entry: Box<Entry>, likeness: Option<Likeness>, phase: StoredPhase, scope: Option<Box<Scope>> },
    State { id: MessageId, state: Box<StateRow> },
    Suppression(Box<Suppression>),
    Consent(ConsentRow),
    Other(Row),
    Damaged { why: String },
}

impl ReadRow {
    /// Reads a row.
    #[must_use]
    pub fn of(row: Row) -> Self {
        let read = match row.table {
            Table::Message => message_of(&row),
            Table::State => StateRow::decode(&row.value)
                .map(|state| Read::State { id: MessageId::from_bytes(row.key), state: Box::new(state) }),
            Table::Suppression => Suppression::decode(&row.value)
                .map(|of| Read::Suppression(Box::new(of)))
                .map_err(RowError::from),
            Table::Consent => postcard::from_bytes(&row.value).map(Read::Consent).map_err(RowError::from),
            Table::Group
            | Table::Seen
            | Table::EarlyReceipt
            | Table::Inbox
            | Table::Request
            | Table::Start
            | Table::Record
            | Table::Conversation
            | Table::Device
            | Table::Timer
            | Table::Desk => {
                return Self(Read::Other(row));
            }
        };
        Self(read.unwrap_or_else(|error| Read::Damaged { why: damage(&row, &error) }))
    }
}

fn message_of(row: &Row) -> Result<Read, RowError> {
    let message = MessageRow::decode(&row.value)?;
    let StateRow { phase, peer, progress } = message.state;
    let mut entry = Box::new(Entry::new(message.envelope, Held::Cold, message.data_coding));
    entry.fresh = false;
    entry.mark = message.mark;
    entry.peer = peer;
    entry.progress = progress;
    Ok(Read::Message { entry, likeness: message.likeness, phase, scope: message.scope })
}

fn damage(row: &Row, error: &RowError) -> String {
    format!("{:?} of shard {}: {error}", row.table, row.shard)
}

impl Exchange {
    /// Takes one row of the store, in the order in which it shows them. A row that cannot be read stays in the
    /// store and is reported.
    pub fn restore_row(&mut self, restoring: &mut Restoring, row: Row) {
        self.restore_read(restoring, ReadRow::of(row));
    }

    /// The same for a row that is read already.
    pub fn restore_read(&mut self, restoring: &mut Restoring, row: ReadRow) {
        // What recovery puts in place is as the store has it; nothing of it is written again.
        self.restoring = true;
        match row.0 {
            Read::Message { entry, likeness, phase, scope } => {
                if let Some(scope) = scope {
                    self.scopes.insert(entry.envelope.id.whole(), scope);
                }
                let key = self.add(entry, likeness);
                restoring.phases.push((key, phase));
            }
            Read::State { id, state } => self.restore_state(restoring, id, *state),
            Read::Suppression(row) => self.restore_suppression(&row),
            Read::Consent(row) => self.consent.restore([row]),
            Read::Other(row) => {
                if let Err(error) = self.restore_other(restoring, &row) {
                    self.turn.notes.push(Note::RowDamaged { why: damage(&row, &error) });
                }
            }
            Read::Damaged { why } => self.turn.notes.push(Note::RowDamaged { why }),
        }
    }

    fn restore_state(&mut self, restoring: &mut Restoring, id: MessageId, state: StateRow) {
        let Some(key) = self.by_id.get(&id).copied() else { return };
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.state_stored = true;
        entry.peer = state.peer;
        entry.progress = state.progress;
        restoring.later.insert(key, state.phase);
    }

    fn restore_other(&mut self, restoring: &mut Restoring, row: &Row) -> Result<(), RowError> {
        match row.table {
            Table::Group => {
                let group: Group = postcard::from_bytes(&row.value)?;
                self.groups.insert(group.envelope.id, group);
            }
            Table::Seen => {
                restoring.seen.push((MoKey::from_bytes(row.key), postcard::from_bytes(&row.value)?));
            }
            Table::EarlyReceipt => {
                let parked: Parked = postcard::from_bytes(&row.value)?;
                self.park_again(parked, crate::time::Mono(0));
            }
            Table::Request => {
                self.requests.restore(row.key, Answered::decode(&row.value)?);
            }
            // The dialog server's are its own to take.
            Table::Start | Table::Record | Table::Desk => restoring.dialog.push(row.clone()),
            Table::Inbox
            | Table::Message
            | Table::State
            | Table::Suppression
            | Table::Conversation
            | Table::Device
            | Table::Timer
            | Table::Consent => {}
        }
        Ok(())
    }

    /// Puts everything in its place. Attempts that were out when the process ended are in doubt (rule 4).
    pub fn restored(&mut self, now: Now, restoring: Restoring) {
        self.requests.sort();
        let (seen, dropped) = SeenMo::load(self.policy.limits.dedupe, restoring.seen, None);
        self.seen = seen;
        for key in dropped {
            self.delete(key.shard(), Table::Seen, key.to_bytes());
        }
        let mut later = restoring.later;
        let mut phases = restoring.phases;
        for (key, phase) in &mut phases {
            *phase = later.remove(key).unwrap_or(*phase);
            // Before their leads go anywhere.
            if let StoredPhase::Joined(lead) = *phase
                && !self.follow_again(*key, lead)
            {
                *phase = StoredPhase::Gathering;
            }
        }
        for (key, phase) in phases {
            let Some(entry) = self.entries.get(key) else { continue };
            if let Some(part) = entry.envelope.part
                && let Some(group) = self.groups.get_mut(&part.whole)
            {
                group.parts.push(key);
            }
            self.resume(now, key, phase);
        }
        self.restoring = false;
    }

    fn resume(&mut self, now: Now, key: Key, phase: StoredPhase) {
        match phase {
            StoredPhase::Queued | StoredPhase::Resolving | StoredPhase::Gathering => {
                self.requeue_restored(now, key);
            }
            StoredPhase::Joined(_) => {}
            StoredPhase::Waiting(due) => {
                self.hold_lane(key);
                if let Some(entry) = self.entries.get_mut(key) {
                    entry.phase = Phase::Waiting { due };
                    entry.deferred = entry.progress.attempts == 0;
                }
                self.moved(key, OwnStep::Deferred);
                self.arm(now, key);
            }
            StoredPhase::Released => {
                self.hold_lane(key);
                match self.entries.get(key).and_then(|entry| entry.peer) {
                    Some(peer) if self.policy.peer(peer).is_some() => {
                        self.doubt_about(now, key, peer, Opening::default());
                    }
                    _ => self.requeue_restored(now, key),
                }
            }
            StoredPhase::AwaitingReceipt(until) => {
                self.hold_lane(key);
                match self.entries.get(key).and_then(|entry| entry.peer) {
                    Some(PeerId::Link(link)) => {
                        self.moved(key, OwnStep::Taken);
                        self.await_receipt(now, key, link, until);
                    }
                    _ => self.requeue_restored(now, key),
                }
            }
            StoredPhase::InDoubt(until) => {
                self.hold_lane(key);
                if let Some(entry) = self.entries.get_mut(key) {
                    entry.phase = Phase::InDoubt { until };
                }
                self.enter_doubt(key, Opening::default());
                self.arm(now, key);
            }
        }
    }

    fn requeue_restored(&mut self, now: Now, key: Key) {
        if let Some(unrouted) = &mut self.unrouted {
            unrouted.push(key);
            return;
        }
        let receipt =
            self.entries.get(key).is_some_and(|entry| entry.envelope.direction == Direction::Receipt);
        if receipt || self.still_decided(key) {
            self.enqueue(now, key);
        } else {
            self.route_entry(now, key, None);
        }
    }

    /// True when the rules that decided for a message are in force, and the peer they chose is there: its way stays.
    /// Peers that do not come up again have their messages decided anew like any other that is down.
    fn still_decided(&self, key: Key) -> bool {
        self.entries.get(key).is_some_and(|entry| {
            entry.progress.decided.rule.is_some()
                && entry.progress.decided.version == self.policy.router.rules.version().0
                && entry.peer.is_some_and(|peer| self.switched_on(peer))
        })
    }

    /// Holds the lane of an entry that left its queue before the restart.
    pub(super) fn hold_lane(&mut self, key: Key) {
        let Some(entry) = self.entries.get(key) else { return };
        let (Some(id), lane) = (entry.peer, entry.lane_key()) else { return };
        if entry.progress.attempts == 0 || !self.policy.peer(id).is_some_and(|policy| policy.ordered) {
            return;
        }
        let held = self.peer_mut(id).is_some_and(|peer| peer.queue.hold_lane(lane));
        if held && let Some(entry) = self.entries.get_mut(key) {
            entry.in_lane = true;
        }
    }
}

/// A store that keeps no bodies; for exchanges whose bodies all stay in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBodies;

impl Bodies for NoBodies {
    fn row(&self, _shard: ShardId, _table: Table, _key: &[u8; 16]) -> Option<Bytes> {
        None
    }
}
