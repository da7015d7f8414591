//! What origins ask of their messages: query_sm, cancel_sm, replace_sm and their API counterparts.
//!
//! One id may name several messages, those of one submit_multi: it is then all of them that are asked about. Questions
//! wait for the end of the turn's events, where the store can be read.

use super::effect::{Refusal, Reply};
use super::entry::{Entry, Held, Key, Phase};
use super::group::severity;
use super::naming::Named;
use super::note::Note;
use super::operate::{Ask, MessageQuery, MessageReply, MessageView};
use super::parts::Mark;
use super::rewording::Rewording;
use super::validity::{Asked, Term};
use super::{Bodies, Exchange};
use crate::address::Address;
use crate::id::{AccountId, MessageId};
use crate::message::{Body, Content, Direction, ReceiptRequest};
use crate::outcome::{FinalState, Reason};
use crate::time::{Micros, Now};

/// Texts that one cancel_sm by addresses and service_type reads from the store at most.
const SERVICE_READS: u32 = 1_000;

/// What a replace_sm puts in the place of what a message has.
struct Change<'a> {
    content: &'a Content,
    rewording: &'a Rewording,
    not_before: Option<Micros>,
    expires_at: Option<Micros>,
    receipt: ReceiptRequest,
}

/// The service whose messages a cancel_sm means, if it names one.
struct Service<'a> {
    service_type: &'a [u8],
    bodies: &'a dyn Bodies,
}

impl Exchange {
    pub(super) fn answer_questions(&mut self, now: Now, bodies: &dyn Bodies) {
        for query in std::mem::take(&mut self.asked) {
            let reply = match &query.ask {
                Ask::Query => Reply::Message(self.query(&query)),
                Ask::Cancel { destination, service_type } => {
                    let of = Service { service_type, bodies };
                    Reply::Message(self.cancel(now, &query, destination.as_ref(), &of))
                }
                Ask::Replace { content, rewording, not_before, expires_at, receipt } => {
                    let (not_before, expires_at, receipt) = (*not_before, *expires_at, *receipt);
                    let change = Change { content, rewording, not_before, expires_at, receipt };
                    match self.replace(now, &query, &change, bodies) {
                        Ok(reply) => Reply::Message(reply),
                        Err(refusal) => Reply::Refused(refusal),
                    }
                }
            };
            self.reply(query.reply, reply);
        }
    }

    /// The first that is open, else the one that ended worst.
    fn query(&self, query: &MessageQuery) -> MessageReply {
        let rank = |view: &MessageView| view.outcome.map_or(u8::MAX, severity);
        self.named(query.account, &query.visible_id)
            .into_iter()
            .filter_map(|named| self.view(named))
            .filter(|view| owned(view, query))
            .reduce(|told, other| if rank(&other) > rank(&told) { other } else { told })
            .map_or(MessageReply::NotFound, |view| MessageReply::State(Box::new(view)))
    }

    fn view(&self, named: Named) -> Option<MessageView> {
        match named {
            Named::Open(key) => self.entries.get(key).map(Entry::view),
            Named::Group(id) => self.group_view(id),
            Named::Ended(id) => self.finished.get(id).map(super::finish::Done::view),
        }
    }

    fn group_view(&self, id: MessageId) -> Option<MessageView> {
        let group = self.groups.get(&id)?;
        let key = group.parts.iter().find(|key| self.entries.get(**key).is_some())?;
        let mut view = self.entries.get(*key)?.view();
        view.id = id;
        view.visible_id = group.envelope.visible_id.text(id);
        Some(view)
    }

    fn cancel(
        &mut self,
        now: Now,
        query: &MessageQuery,
        destination: Option<&Address>,
        service: &Service<'_>,
    ) -> MessageReply {
        let mut too_late = false;
        let keys = if query.visible_id.is_empty() {
            let (Some(source), Some(destination)) = (&query.source, destination) else {
                return MessageReply::NotFound;
            };
            self.between(query, source, destination, service)
        } else {
            let mut keys = Vec::new();
            for named in self.named(query.account, &query.visible_id) {
                let Some(view) = self.view(named).filter(|view| owned(view, query)) else { continue };
                if destination.is_some_and(|to| !to.is_empty() && to.key() != view.destination.key()) {
                    continue;
                }
                match named {
                    Named::Open(key) => keys.push(key),
                    Named::Group(id) => keys.extend(self.open_of(id)),
                    Named::Ended(_) => too_late = true,
                }
            }
            keys
        };
        let mut cancelled = 0;
        for key in keys {
            let lead = self.lead_of(key);
            let Some(entry) = self.entries.get(lead) else { continue };
            if entry.may_be_withdrawn() {
                self.leave_parts(now, key);
                self.finish(now, key, FinalState::Cancelled, Reason::CancelledByOrigin);
                cancelled += 1;
            } else {
                too_late = true;
            }
        }
        match (cancelled, too_late) {
            (0, true) => MessageReply::TooLate,
            (0, false) => MessageReply::NotFound,
            (cancelled, _) => MessageReply::Cancelled(cancelled),
        }
    }

    /// The account's open messages from one address to another, of one service if it is named. Texts that are only
    /// in the store are read for that; past so many, messages are not looked at.
    fn between(
        &self,
        query: &MessageQuery,
        source: &Address,
        destination: &Address,
        service: &Service<'_>,
    ) -> Vec<Key> {
        let mut reads = SERVICE_READS;
        self.entries
            .iter()
            .filter(|(_, entry)| {
                entry.envelope.direction == Direction::Mt
                    && entry.envelope.origin.account() == Some(query.account)
                    && entry.envelope.source.key() == source.key()
                    && entry.envelope.destination.key() == destination.key()
            })
            .filter(|(_, entry)| {
                if service.service_type.is_empty() {
                    return true;
                }
                if matches!(entry.body, Held::Cold) {
                    if reads == 0 {
                        return false;
                    }
                    reads -= 1;
                }
                match self.body(entry, service.bodies) {
                    Some(Body::Content(content)) => content.service_type == service.service_type,
                    Some(Body::Receipt(_)) | None => false,
                }
            })
            .map(|(key, _)| key)
            .collect()
    }

    fn replace(
        &mut self,
        now: Now,
        query: &MessageQuery,
        change: &Change<'_>,
        bodies: &dyn Bodies,
    ) -> Result<MessageReply, Refusal> {
        let mut found = false;
        let mut keys = Vec::new();
        for named in self.named(query.account, &query.visible_id) {
            if !self.view(named).is_some_and(|view| owned(&view, query)) {
                continue;
            }
            found = true;
            if let Named::Open(key) = named
                && let Some(entry) = self.entries.get(key)
                && entry.may_be_withdrawn()
                && entry.envelope.part.is_none()
                && !self.joined.contains_key(&key)
            {
                keys.push((key, self.term(now, entry, query.account, change)?));
            }
        }
        match (found, keys.is_empty()) {
            (false, _) => return Ok(MessageReply::NotFound),
            (true, true) => return Ok(MessageReply::TooLate),
            (true, false) => {}
        }
        for (key, term) in keys {
            // What is new of it is no part any more.
            self.leave_parts(now, key);
            self.replace_body(key, change, bodies);
            if let Some(term) = term {
                self.replace_term(now, key, change, term);
            }
            self.touch(key);
            self.queue_reworded(now, key);
            self.arm(now, key);
        }
        Ok(MessageReply::Replaced)
    }

    /// What the new times come to, as at submit; `None` where none is given.
    fn term(
        &self,
        now: Now,
        entry: &Entry,
        account: AccountId,
        change: &Change<'_>,
    ) -> Result<Option<Term>, Refusal> {
        if change.not_before.is_none() && change.expires_at.is_none() {
            return Ok(None);
        }
        let account = self.policy.accounts.get(&account).ok_or(Refusal::AccountInactive)?;
        let not_before = change.not_before.or(entry.scheduled());
        let asked = Asked { not_before, expires_at: change.expires_at };
        let had = Some(entry.envelope.expires_at);
        Term::of(now, asked, had, account, self.policy.limits.schedule).map(Some)
    }

    fn replace_term(&mut self, now: Now, key: Key, change: &Change<'_>, term: Term) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.envelope.expires_at = term.expires_at;
        if let (Some(by), Some(account)) = (term.cut, entry.envelope.origin.account()) {
            self.turn.notes.push(Note::ValidityCut { account, message: entry.envelope.id, by });
        }
        match (change.not_before, term.not_before) {
            (Some(_), Some(at)) => {
                entry.envelope.not_before = Some(at);
                self.unqueue(key);
                self.wait(now, key, at);
            }
            // A time that is over is now.
            (Some(_), None) if entry.scheduled().is_some() => self.wait(now, key, now.wall),
            (Some(_), None) | (None, _) => {}
        }
    }

    /// Queues a message anew whose new text may have to be cut for its peer.
    fn queue_reworded(&mut self, now: Now, key: Key) {
        let Some(entry) = self.entries.get(key) else { return };
        if entry.phase == Phase::Queued && entry.peer.is_some_and(|peer| self.may_be_too_long(entry, peer)) {
            self.unqueue(key);
            self.enqueue(now, key);
        }
    }

    fn replace_body(&mut self, key: Key, change: &Change<'_>, bodies: &dyn Bodies) {
        let Some(entry) = self.entries.get(key) else { return };
        let data_coding = entry.data_coding;
        let old = match self.body(entry, bodies) {
            Some(Body::Content(old)) => old,
            // A row that cannot be read is replaced by what can be sent.
            Some(Body::Receipt(_)) | None => Content { data_coding, ..Content::default() },
        };
        let replaced = change.rewording.of(old.with_text_of(change.content));
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.envelope.octets = u16::try_from(replaced.payload.len()).unwrap_or(u16::MAX);
        entry.data_coding = replaced.data_coding;
        entry.envelope.receipt = change.receipt;
        self.hot_octets -= u64::from(std::mem::take(&mut entry.hot_octets));
        entry.mark = Mark::of(&replaced);
        entry.body = Held::hot(Body::Content(replaced));
        entry.replaced = true;
    }
}

/// True when the message is the asking account's, and its source is as the question says.
fn owned(view: &MessageView, query: &MessageQuery) -> bool {
    view.account == Some(query.account)
        && view.direction != Direction::Receipt
        && query.source.as_ref().is_none_or(|source| source.is_empty() || source.key() == view.source.key())
}
