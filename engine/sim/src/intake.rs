//! What ESMEs offer: bounded, given an id and a time, appended to the log, and only then answered.
//!
//! An append whose fate is unknown gets no answer until it is known; past a deadline the session is closed without
//! one, never refused: what is in the log is accepted.

use std::collections::VecDeque;

use signalbox_backends::memory::SeededRandom;
use signalbox_core::backend::{Log, LogError, Random, Store};
use signalbox_core::id::{MessageId, SessionId};
use signalbox_core::time::{Micros, Mono, Now};

use crate::incident::Incident;
use crate::plan::Bug;
use crate::record::{Offer, Record};
use crate::scene::Scene;
use crate::setting::{FATE_DEADLINE, STORE_RESERVE};
use crate::wire::{ToPeer, Verdict};

/// Submissions that wait for the log at most.
const WAITING_MAX: usize = 4;
/// Submissions of one append.
const BATCH: usize = 3;

struct Waiting {
    session: SessionId,
    token: u64,
    offer: Offer,
}

struct Unknown {
    session: SessionId,
    token: u64,
    id: MessageId,
    until: Mono,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Intake {
    waiting: VecDeque<Waiting>,
    unknown: Vec<Unknown>,
    last: Micros,
}

impl Intake {
    pub(crate) fn offered(
        &mut self,
        scene: &mut Scene,
        store: &impl Store,
        session: SessionId,
        token: u64,
        offer: Offer,
    ) {
        let refusal = if self.waiting.len() >= WAITING_MAX {
            Some(Incident::RefusedBusy)
        } else if store.free().is_some_and(|free| free < STORE_RESERVE) {
            Some(Incident::RefusedStoreLow)
        } else {
            None
        };
        let Some(refusal) = refusal else {
            self.waiting.push_back(Waiting { session, token, offer });
            return;
        };
        scene.judge.note(refusal);
        scene.send_to_peer(session, ToPeer::Submitted { token, verdict: Verdict::TryLater });
    }

    pub(crate) fn step(&mut self, scene: &mut Scene, now: Now, random: &mut SeededRandom) {
        self.ask_again(scene, now);
        if self.waiting.is_empty() {
            return;
        }
        let mut batch: Vec<(MessageId, Waiting)> = Vec::new();
        while batch.len() < BATCH
            && let Some(waiting) = self.waiting.pop_front()
        {
            batch.push((self.new_id(now, &waiting.offer, random), waiting));
        }
        let records: Vec<_> = batch
            .iter()
            .map(|(id, waiting)| (id.shard(), Record::Submit { id: *id, offer: waiting.offer.clone() }))
            .collect();
        let hasty = scene.has(Bug::RespondBeforeAppend);
        if hasty {
            for (id, waiting) in &batch {
                accept(scene, waiting.session, waiting.token, *id);
            }
        }
        let result = scene.judge.append(&scene.cluster, &records);
        scene.judge.tell(scene.now, || format!("intake appends {records:?}: {result:?}"));
        for (id, Waiting { session, token, .. }) in batch {
            match &result {
                _ if hasty => {}
                Ok(_) => accept(scene, session, token, id),
                Err(LogError::Unknown { .. }) => {
                    self.unknown.push(Unknown { session, token, id, until: now.mono + FATE_DEADLINE });
                }
                Err(_) => {
                    scene.judge.note(Incident::RefusedByLog);
                    scene.send_to_peer(session, ToPeer::Submitted { token, verdict: Verdict::TryLater });
                }
            }
        }
    }

    /// Ids of one node rise, whatever its wall clock does meanwhile, so that order in the log is order of ids.
    fn new_id(&mut self, now: Now, offer: &Offer, random: &mut SeededRandom) -> MessageId {
        self.last = Micros(now.wall.0.max(self.last.0 + 1));
        MessageId::new(self.last, offer.destination.shard(), random.next() << 8)
    }

    /// Looks for records of unknown fate in the log.
    fn ask_again(&mut self, scene: &mut Scene, now: Now) {
        for unknown in std::mem::take(&mut self.unknown) {
            let answers = scene.chance(500);
            if answers && is_in_log(scene, unknown.id) {
                scene.judge.note(Incident::FateFound);
                accept(scene, unknown.session, unknown.token, unknown.id);
            } else if now.mono > unknown.until {
                scene.judge.note(Incident::FateUnknown);
                scene.wire.close(scene.now, unknown.session);
            } else {
                self.unknown.push(unknown);
            }
        }
    }
}

fn is_in_log(scene: &Scene, id: MessageId) -> bool {
    let records = scene.cluster.log().read(id.shard(), None, usize::MAX).unwrap_or_default();
    records
        .iter()
        .any(|(_, data)| matches!(Record::decode(data), Record::Submit { id: found, .. } if found == id))
}

fn accept(scene: &mut Scene, session: SessionId, token: u64, id: MessageId) {
    if scene.wire.connection(session).is_none_or(|connection| !connection.open) {
        return;
    }
    let verdict = scene.judge.books.answered(id);
    scene.judge.check(verdict);
    scene.send_to_peer(session, ToPeer::Submitted { token, verdict: Verdict::Accepted(id) });
}
