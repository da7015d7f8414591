use std::fmt::Write;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Balance, Violation};
use crate::backend::{Offset, ShardMark};
use crate::cdr::{Cdr, CdrKind};
use crate::id::{Epoch, MessageId, PeerId, ShardId};
use crate::outcome::FinalState;
use crate::time::Mono;

/// A commit that stands, as far as the books are concerned.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Marks it wrote.
    pub marks: Vec<(ShardId, ShardMark)>,
    /// Attempts it released: message or part, attempt.
    pub released: Vec<(MessageId, u16)>,
    /// CDRs it put into the outbox.
    pub cdrs: Vec<Cdr>,
}

/// What a message came to.
#[derive(Clone, Copy, Debug)]
struct End {
    outcome: FinalState,
    parts: u8,
    possible_duplicate: bool,
}

/// What the books came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages in sums.
    pub balance: Balance,
    /// Messages and parts that a receiver saw more than once.
    pub duplicates: u64,
    /// CDRs published.
    pub published: u64,
}

/// The books of one run; see the [module](super).
#[derive(Debug, Default)]
pub struct Books {
    /// Accepted messages in the order of their acceptance.
    accepted: Vec<MessageId>,
    known: FxHashSet<MessageId>,
    /// Messages whose origin was told that they are accepted.
    promised: Vec<MessageId>,
    epochs: FxHashMap<ShardId, Epoch>,
    positions: FxHashMap<ShardId, Vec<Option<Offset>>>,
    /// Attempts that commits released, and the epoch of the last of these commits.
    permits: FxHashMap<(MessageId, u16), Epoch>,
    outstanding: FxHashMap<PeerId, FxHashSet<(MessageId, u16)>>,
    interrupted: FxHashSet<MessageId>,
    seen: FxHashMap<MessageId, u32>,
    /// Final CDRs of commits that stand.
    ended: FxHashMap<MessageId, End>,
    /// Ids of the CDRs of commits that stand, and how many commits have them.
    committed: FxHashMap<String, u32>,
    /// Ids of the CDRs of all commits that ever stood: one that was undone may have been published before.
    once_committed: FxHashSet<String>,
    published: FxHashSet<String>,
    /// Published final CDRs: these are what the world knows.
    outcomes: FxHashMap<MessageId, End>,
    last_sequence: u64,
}

impl Books {
    /// A message is accepted: its record survives the loss of process and power.
    pub fn durable(&mut self, message: MessageId) {
        if self.known.insert(message) {
            self.accepted.push(message);
        }
    }

    /// Its origin is told that it is accepted.
    ///
    /// # Errors
    /// [`Violation::AnsweredBeforeDurable`].
    pub fn answered(&mut self, message: MessageId) -> Result<(), Violation> {
        self.promised.push(message);
        if self.known.contains(&message) {
            return Ok(());
        }
        Err(Violation::AnsweredBeforeDurable { message })
    }

    /// A new owner has the shard.
    ///
    /// # Errors
    /// [`Violation::EpochOrder`] when its epoch is no newer.
    pub fn claimed(&mut self, shard: ShardId, epoch: Epoch) -> Result<(), Violation> {
        let held = self.epochs.get(&shard).copied().unwrap_or_default();
        if epoch <= held {
            return Err(Violation::EpochOrder { shard, held, offered: epoch });
        }
        self.epochs.insert(shard, epoch);
        Ok(())
    }

    /// A commit stands.
    ///
    /// # Errors
    /// When it is out of epoch order, puts a position back, or ends a message again.
    pub fn committed(&mut self, commit: &Committed) -> Result<(), Violation> {
        let mut verdict = Ok(());
        for &(shard, mark) in &commit.marks {
            verdict = verdict.and(self.marked(shard, mark));
        }
        for &(message, attempt) in &commit.released {
            let epoch = self.epochs.get(&message.shard()).copied().unwrap_or_default();
            self.permits.insert((message, attempt), epoch);
        }
        for cdr in &commit.cdrs {
            let id = cdr.id();
            *self.committed.entry(id.clone()).or_default() += 1;
            self.once_committed.insert(id);
            if cdr.kind == CdrKind::Final {
                verdict = verdict.and(self.ended(cdr));
            }
        }
        verdict
    }

    fn marked(&mut self, shard: ShardId, mark: ShardMark) -> Result<(), Violation> {
        let history = self.positions.entry(shard).or_default();
        let before = history.last().copied().flatten();
        history.push(mark.position.or(before));
        let held = self.epochs.get(&shard).copied().unwrap_or_default();
        if mark.epoch != held {
            return Err(Violation::EpochOrder { shard, held, offered: mark.epoch });
        }
        match (before, mark.position) {
            (Some(held), Some(offered)) if offered < held => {
                Err(Violation::PositionBack { shard, held, offered })
            }
            _ => Ok(()),
        }
    }

    fn ended(&mut self, cdr: &Cdr) -> Result<(), Violation> {
        let message = cdr.message;
        if !self.known.contains(&message) {
            return Err(Violation::NeverAccepted { message });
        }
        match self.ended.insert(message, end_of(cdr)) {
            Some(first) => Err(Violation::EndedTwice { message, first: first.outcome, second: cdr.outcome }),
            None => Ok(()),
        }
    }

    /// A commit that stood is gone: the store went back in time. Undone last first.
    pub fn undone(&mut self, commit: &Committed) {
        for (shard, _) in &commit.marks {
            if let Some(history) = self.positions.get_mut(shard) {
                history.pop();
            }
        }
        for cdr in &commit.cdrs {
            if let Some(count) = self.committed.get_mut(&cdr.id()) {
                *count -= 1;
            }
            if cdr.kind == CdrKind::Final {
                self.ended.remove(&cdr.message);
            }
        }
    }

    /// An attempt is written to a peer that has room for `window` unanswered ones.
    ///
    /// # Errors
    /// When no commit released it, its deadline is over, or the window is full.
    pub fn transmitted(
        &mut self,
        (message, attempt): (MessageId, u16),
        (peer, window): (PeerId, usize),
        (now, deadline): (Mono, Mono),
    ) -> Result<(), Violation> {
        let Some(&epoch) = self.permits.get(&(message, attempt)) else {
            return Err(Violation::NotPermitted { message, attempt });
        };
        let late_ns = now.0.saturating_sub(deadline.0);
        let in_time =
            if late_ns > 0 { Err(Violation::AfterDeadline { message, attempt, late_ns }) } else { Ok(()) };
        if self.epochs.get(&message.shard()).is_some_and(|held| *held != epoch) {
            // A former owner's, still within its deadline: the new one is in doubt about it.
            self.interrupted.insert(message);
            return in_time;
        }
        let outstanding = self.outstanding.entry(peer).or_default();
        outstanding.insert((message, attempt));
        let found = outstanding.len();
        if found > window {
            return in_time.and(Err(Violation::WindowExceeded { peer, found, window }));
        }
        in_time
    }

    /// An attempt is answered, and the answer is durable.
    pub fn settled(&mut self, message: MessageId, attempt: u16) {
        for outstanding in self.outstanding.values_mut() {
            outstanding.remove(&(message, attempt));
        }
    }

    /// The fate of an attempt will not be known in time: its session, its node or its owner is gone, or the peer
    /// is silent.
    pub fn interrupted(&mut self, message: MessageId, attempt: u16) {
        self.settled(message, attempt);
        self.interrupted.insert(message);
    }

    /// Everything to all peers is interrupted that `of` names.
    pub fn interrupted_all(&mut self, of: impl Fn(PeerId, MessageId) -> bool) {
        for (peer, outstanding) in &mut self.outstanding {
            outstanding.retain(|(message, _)| {
                let gone = of(*peer, *message);
                if gone {
                    self.interrupted.insert(*message);
                }
                !gone
            });
        }
    }

    /// A receiver has taken a message or part into its hands.
    pub fn seen(&mut self, message: MessageId) {
        *self.seen.entry(message).or_default() += 1;
    }

    /// A CDR is published in the batch of this sequence.
    ///
    /// # Errors
    /// When no commit has it, it was published before, or a sequence is missing.
    pub fn published(&mut self, sequence: u64, cdr: &Cdr) -> Result<(), Violation> {
        let id = cdr.id();
        let last = std::mem::replace(&mut self.last_sequence, sequence);
        let mut verdict = if sequence == last || sequence == last + 1 {
            Ok(())
        } else {
            Err(Violation::SequenceGap { last, found: sequence })
        };
        if !self.once_committed.contains(&id) {
            verdict = verdict.and(Err(Violation::PublishedUncommitted { id: id.clone() }));
        }
        if !self.published.insert(id.clone()) {
            return verdict.and(Err(Violation::PublishedTwice { id }));
        }
        if cdr.kind == CdrKind::Final
            && let Some(first) = self.outcomes.insert(cdr.message, end_of(cdr))
        {
            let (first, second) = (first.outcome, cdr.outcome);
            return verdict.and(Err(Violation::EndedTwice { message: cdr.message, first, second }));
        }
        verdict
    }

    /// Closes the books; `open` says whether a message is still on its way. All CDRs must be published.
    ///
    /// # Errors
    /// The first message or CDR for which they do not close.
    pub fn close(&self, open: impl Fn(MessageId) -> bool) -> Result<Summary, Violation> {
        let mut summary = Summary { published: self.published.len() as u64, ..Summary::default() };
        summary.balance.accepted = self.accepted.len() as u64;
        if let Some(id) = self
            .committed
            .iter()
            .find_map(|(id, &count)| (count > 0 && !self.published.contains(id)).then(|| id.clone()))
        {
            return Err(Violation::Unpublished { id });
        }
        if let Some(&message) = self.promised.iter().find(|message| !self.known.contains(message)) {
            return Err(Violation::Lost { message });
        }
        for &message in &self.accepted {
            match (self.outcomes.get(&message), open(message)) {
                (None, false) => return Err(Violation::Lost { message }),
                (Some(_), true) => return Err(Violation::EndedAndOpen { message }),
                (None, true) => summary.balance.open += 1,
                (Some(end), false) => {
                    summary.balance.end(end.outcome);
                    self.check_seen(message, *end)?;
                }
            }
        }
        summary.balance.check()?;
        for (&message, &times) in self.seen.iter().filter(|(_, times)| **times > 1) {
            summary.duplicates += 1;
            if !self.interrupted.contains(&message) {
                return Err(Violation::NeedlessDuplicate { message, times });
            }
            let end = self.outcomes.get(&message.whole());
            if end.is_some_and(|end| !end.possible_duplicate) {
                return Err(Violation::UnmarkedDuplicate { message, times });
            }
        }
        Ok(summary)
    }

    fn check_seen(&self, whole: MessageId, end: End) -> Result<(), Violation> {
        let outcome = end.outcome;
        if !outcome.is_success() {
            return Ok(());
        }
        let unseen = |message: &MessageId| !self.seen.contains_key(message);
        let missing = match end.parts {
            0 | 1 => Some(whole).filter(unseen),
            parts => (1..=parts).map(|number| whole.part(number)).find(unseen),
        };
        missing.map_or(Ok(()), |message| Err(Violation::NeverSeen { message, outcome }))
    }

    /// What the books say of one message, for the trace of a failure.
    #[must_use]
    pub fn describe(&self, message: MessageId) -> String {
        let whole = message.whole();
        let mut text = String::new();
        let ended = self.ended.get(&whole).map(|end| (end.outcome, end.possible_duplicate));
        let outcome = self.outcomes.get(&whole).map(|end| (end.outcome, end.possible_duplicate));
        let _ = write!(
            text,
            "{message}: accepted {}, seen {}, interrupted {}, ended {ended:?}, published {outcome:?}",
            self.known.contains(&whole),
            self.seen.get(&message).copied().unwrap_or(0),
            self.interrupted.contains(&message),
        );
        text
    }
}

fn end_of(cdr: &Cdr) -> End {
    End { outcome: cdr.outcome, parts: cdr.parts, possible_duplicate: cdr.possible_duplicate }
}
