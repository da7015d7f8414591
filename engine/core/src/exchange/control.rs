//! What operators ask and order while a message is open.

use std::collections::BTreeSet;

use super::Exchange;
use super::effect::Reply;
use super::entry::{Entry, Key, Phase, Progress};
use super::event::ReplyTo;
use super::finish::Done;
use super::operate::{Command, CommandReply, MessageView, Selection, Stage};
use crate::id::{MessageId, PeerId};
use crate::message::{Direction, Envelope, VisibleId};
use crate::outcome::{FinalState, Reason};
use crate::time::Now;

/// Messages that one search answers with at most.
const SEARCH_MAX: usize = 1_000;

impl Exchange {
    pub(super) fn command(&mut self, now: Now, to: ReplyTo, command: Command) {
        let reply = match command {
            Command::Search { selection, after, limit } => self.search(&selection, after, limit),
            Command::Hold(selection) => self.each(&selection, |exchange, key| exchange.hold(now, key)),
            Command::Release(selection) => self.each(&selection, |exchange, key| exchange.let_go(now, key)),
            Command::Reroute { selection, to } => {
                if to.is_some_and(|peer| self.policy.peer(peer).is_none()) {
                    CommandReply::NotFound
                } else {
                    self.each(&selection, |exchange, key| exchange.reroute_message(now, key, to))
                }
            }
            Command::Purge(selection) => self.each(&selection, |exchange, key| exchange.purge(now, key)),
            Command::RetryNow(selection) => {
                self.each(&selection, |exchange, key| exchange.retry_now(now, key))
            }
            Command::PeerEnabled { peer, enabled } => self.enable_peer(peer, enabled),
            Command::Queues => CommandReply::Queues(self.queues(now)),
            Command::Explain(request) => {
                CommandReply::Explained(Box::new(self.explain_request(now, &request)))
            }
            Command::Counters(query) => self.counter_query(now, &query),
            Command::ChangeConsent(change) => {
                CommandReply::Changed(u64::from(self.change_consent(now, *change)))
            }
            // The rows are read at the end of the turn's events.
            Command::Suppressions(who) => return self.ask_suppressions(to, who),
            Command::OptedOut { account, who } => CommandReply::OptedOut(self.opted_out(account, &who)),
            Command::ExplainConsent(asked) => self.explain_consent(now, &asked),
        };
        self.reply(to, Reply::Command(Box::new(reply)));
    }

    fn selected(&self, selection: &Selection) -> Vec<Key> {
        if !selection.ids.is_empty() {
            let wholes: BTreeSet<MessageId> = selection.ids.iter().map(|id| id.whole()).collect();
            return wholes
                .into_iter()
                .flat_map(|id| self.open_of(id))
                .filter(|key| self.entries.get(*key).is_some_and(|entry| matches(entry, selection)))
                .collect();
        }
        self.entries.iter().filter(|(_, entry)| matches(entry, selection)).map(|(key, _)| key).collect()
    }

    /// The entries of a message: itself, or its parts that are open.
    pub(super) fn open_of(&self, id: MessageId) -> Vec<Key> {
        match self.groups.get(&id) {
            Some(group) => group.parts.clone(),
            None => self.by_id.get(&id).copied().into_iter().collect(),
        }
    }

    fn search(&self, selection: &Selection, after: Option<MessageId>, limit: usize) -> CommandReply {
        let mut found: Vec<&Entry> = self
            .selected(selection)
            .into_iter()
            .filter_map(|key| self.entries.get(key))
            .filter(|entry| after.is_none_or(|after| entry.envelope.id > after))
            .collect();
        found.sort_unstable_by_key(|entry| entry.envelope.id);
        found.truncate(limit.min(SEARCH_MAX));
        let mut views: Vec<MessageView> = found.into_iter().map(Entry::view).collect();
        if after.is_none() {
            // A message asked for by its id may have ended a moment ago.
            let open = views.len();
            views.extend(selection.ids.iter().filter_map(|id| self.finished.get(*id)).map(Done::view));
            debug_assert!(views.len() <= open + selection.ids.len());
        }
        CommandReply::Messages(views)
    }

    fn each(&mut self, selection: &Selection, mut act: impl FnMut(&mut Self, Key) -> bool) -> CommandReply {
        let keys = self.selected(selection);
        let mut changed = BTreeSet::new();
        for key in keys {
            let Some(id) = self.entries.get(key).map(|entry| entry.envelope.id.whole()) else { continue };
            if act(self, key) {
                changed.insert(id);
            }
        }
        CommandReply::Changed(changed.len() as u64)
    }

    fn hold(&mut self, now: Now, key: Key) -> bool {
        let Some(entry) = self.entries.get(key) else { return false };
        if entry.progress.held || !entry.may_be_withdrawn() {
            return false;
        }
        if entry.phase == Phase::Gathering {
            self.leave_parts(now, key);
        }
        self.unqueue(key);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.progress.held = true;
        }
        self.touch(key);
        true
    }

    fn let_go(&mut self, now: Now, key: Key) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        if !std::mem::take(&mut entry.progress.held) {
            return false;
        }
        let waits = matches!(entry.phase, Phase::Waiting { .. });
        self.touch(key);
        if !waits {
            self.route_entry(now, key, None);
        }
        true
    }

    /// Sends a message elsewhere, all of its parts that have not left: a message does not go by two links because
    /// the selection names one of its parts.
    fn reroute_message(&mut self, now: Now, key: Key, to: Option<PeerId>) -> bool {
        let Some(entry) = self.entries.get(key) else { return false };
        if !entry.may_be_rerouted() {
            return false;
        }
        if to.is_some() && entry.progress.pinned && entry.peer == to {
            return true;
        }
        let mut again = Vec::new();
        for key in self.open_of(entry.envelope.id.whole()) {
            let Some(entry) = self.entries.get(key).filter(|entry| entry.may_be_rerouted()) else { continue };
            let waits = matches!(entry.phase, Phase::Waiting { .. });
            if entry.phase == Phase::Gathering {
                self.leave_parts(now, key);
            }
            self.unqueue(key);
            let Some(entry) = self.entries.get_mut(key) else { continue };
            entry.progress.pinned = to.is_some();
            entry.peer = to.or(entry.peer);
            if !waits {
                entry.phase = Phase::Resolving;
                again.push(key);
            }
            self.touch(key);
        }
        for key in again {
            self.route_entry(now, key, None);
        }
        true
    }

    fn purge(&mut self, now: Now, key: Key) -> bool {
        if !self.entries.get(key).is_some_and(Entry::may_be_withdrawn) {
            return false;
        }
        if self.entries.get(key).is_some_and(|entry| entry.phase == Phase::Gathering) {
            self.leave_parts(now, key);
        }
        self.finish(now, key, FinalState::Cancelled, Reason::PurgedByOperator);
        true
    }

    fn retry_now(&mut self, now: Now, key: Key) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        if !matches!(entry.phase, Phase::Waiting { .. }) || entry.scheduled().is_some() {
            return false;
        }
        entry.phase = Phase::Waiting { due: now.wall };
        self.touch(key);
        self.arm(now, key);
        true
    }

    fn enable_peer(&mut self, id: PeerId, enabled: bool) -> CommandReply {
        let Some(peer) = self.peer_mut(id) else { return CommandReply::NotFound };
        let changed = peer.enabled != enabled;
        peer.enabled = enabled;
        if enabled {
            self.peer_ready(id);
            self.link_usable(id);
        } else {
            self.strand(id);
        }
        CommandReply::Changed(u64::from(changed))
    }
}

impl Entry {
    /// True while nothing of it is with a peer.
    pub(super) fn may_be_withdrawn(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. } | Phase::Queued | Phase::Resolving | Phase::Gathering)
    }

    /// True while another peer may be chosen for it.
    fn may_be_rerouted(&self) -> bool {
        self.may_be_withdrawn() && self.envelope.direction != Direction::Receipt
    }

    /// What can be seen of it.
    pub(super) fn view(&self) -> MessageView {
        let seen = view(&self.envelope, self.peer, &self.progress, stage_of(self));
        MessageView { due_at: self.phase.due(), ..seen }
    }
}

impl Done {
    /// What can be seen of it.
    pub(super) fn view(&self) -> MessageView {
        let ending = &self.ending;
        MessageView {
            outcome: Some(ending.state),
            reason: ending.reason,
            final_at: Some(ending.at),
            ..view(&self.envelope, ending.peer, &ending.progress, Stage::Final)
        }
    }
}

/// What can be seen of a message whether it is open or not.
fn view(envelope: &Envelope, peer: Option<PeerId>, progress: &Progress, stage: Stage) -> MessageView {
    MessageView {
        id: envelope.id,
        visible_id: visible(envelope),
        direction: envelope.direction,
        account: envelope.origin.account(),
        source: envelope.source.clone(),
        destination: envelope.destination.clone(),
        class: envelope.class,
        stage,
        outcome: None,
        reason: Reason::None,
        peer,
        attempts: progress.attempts,
        status: progress.status,
        remote_id: String::from_utf8_lossy(&progress.remote_id).into_owned(),
        accepted_at: envelope.id.accepted_at(),
        due_at: None,
        expires_at: envelope.expires_at,
        final_at: None,
    }
}

fn matches(entry: &Entry, selection: &Selection) -> bool {
    let envelope = &entry.envelope;
    let stage = stage_of(entry);
    selection.peer.is_none_or(|peer| entry.peer == Some(peer))
        && selection.account.is_none_or(|account| envelope.origin.account() == Some(account))
        && selection.stage.is_none_or(|wanted| stage == wanted)
        && selection.class.is_none_or(|class| envelope.class == class)
        && selection.accepted_before.is_none_or(|before| envelope.id.accepted_at() < before)
        && selection.address.as_ref().is_none_or(|address| {
            let wanted = address.strip_prefix('+').unwrap_or(address).as_bytes();
            envelope.source.key() == wanted || envelope.destination.key() == wanted
        })
}

fn stage_of(entry: &Entry) -> Stage {
    if entry.progress.held { Stage::Held } else { entry.phase.stage() }
}

fn visible(envelope: &Envelope) -> String {
    match (envelope.part, envelope.visible_id) {
        (Some(part), VisibleId::Long) => part.whole.to_string(),
        (_, visible) => visible.text(envelope.id),
    }
}
