//! What is offered: refused with a reason, or accepted, counted, and put on its way.

use smallvec::SmallVec;

use super::Exchange;
use super::alike::Likeness;
use super::effect::{Refusal, Reply, Taken};
use super::entry::{Entry, Held, Key, Phase};
use super::event::{InParts, Inbound, Submit, SubmitChannel};
use super::group::Group;
use super::lookup::is_guess;
use super::note::Note;
use super::parts::Mark;
use super::requests::Answered;
use super::route::{Journey, Way};
use super::validity::{Asked, Term};
use crate::address::Address;
use crate::backend::Table;
use crate::dedupe::{self, MoFacts, MoKey};
use crate::gate::CounterVerdict;
use crate::id::{MessageId, PeerId};
use crate::message::{
    Body, Content, Direction, Envelope, Origin, OriginClass, Part, ReceiptRequest, TrafficClass, VisibleId,
};
use crate::outcome::{FinalState, Reason};
use crate::policy::IdStyle;
use crate::time::{Micros, Now};

/// Validity of an MO message: as long as a handset's owner may wonder.
const MO_VALIDITY: std::time::Duration = std::time::Duration::from_secs(3 * 86_400);

/// What is to be accepted, checked.
pub(super) struct Offer {
    /// The id it was answered with, if it was.
    pub id: Option<MessageId>,
    pub direction: Direction,
    pub origin: Origin,
    pub origin_class: OriginClass,
    pub class: TrafficClass,
    pub source: Address,
    pub destination: Address,
    pub not_before: Option<Micros>,
    pub expires_at: Micros,
    pub receipt: ReceiptRequest,
    pub first_part: bool,
    pub in_parts: Option<Box<InParts>>,
}

impl Exchange {
    pub(super) fn submit(&mut self, now: Now, submit: Submit) {
        if let Some(known) = submit.idempotency.and_then(|key| self.requests.get(&key)) {
            let taken =
                Taken { id: known.id, visible_id: known.visible.text(known.id), refused: SmallVec::new() };
            self.reply(submit.reply, Reply::Submitted(taken));
            return;
        }
        let reply = match self.try_submit(now, &submit) {
            Ok(taken) => Reply::Submitted(taken),
            Err(refusal) => {
                self.turn.notes.push(Note::Refused { why: refusal.name(), account: Some(submit.account) });
                Reply::Refused(refusal)
            }
        };
        self.reply(submit.reply, reply);
    }

    /// Refuses what no message may pass: full, low on room, draining.
    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        if self.draining {
            return Err(Refusal::Draining);
        }
        if self.store_low {
            return Err(Refusal::StoreFull);
        }
        let waiting = self.unpublished;
        if waiting >= self.policy.limits.outbox {
            return Err(Refusal::OutboxFull { waiting });
        }
        let held = self.entries.len() as u64;
        if held >= self.policy.limits.messages {
            return Err(Refusal::QueueFull { held });
        }
        Ok(())
    }

    fn try_submit(&mut self, now: Now, submit: &Submit) -> Result<Taken, Refusal> {
        self.check_room()?;
        let policy = self.policy.clone();
        let account = policy.accounts.get(&submit.account).ok_or(Refusal::AccountInactive)?;
        if !account.active {
            return Err(Refusal::AccountInactive);
        }
        if !account.may_send_from(&submit.source) {
            return Err(Refusal::SourceNotAllowed);
        }
        let held = self.open_by_account.get(&submit.account).copied().unwrap_or(0);
        if held >= account.queue_max {
            return Err(Refusal::AccountQueueFull { held });
        }
        let asked = Asked { not_before: submit.not_before, expires_at: submit.expires_at };
        let Term { not_before, expires_at, cut } =
            Term::of(now, asked, None, account, policy.limits.schedule)?;
        let short_ids = match account.ids {
            IdStyle::Auto => submit.short_id,
            IdStyle::Short => true,
            IdStyle::Long => false,
        };
        let origin = match submit.channel {
            SubmitChannel::Smpp => Origin::Smpp(submit.account),
            SubmitChannel::Http(webhook) => Origin::Http(submit.account, webhook),
        };
        let origin_class = self.class_of_taken(submit.origin_class);
        let offer = |destination: &Address| Offer {
            id: None,
            // What a peer submits to a source address of ours is what a device of its network writes.
            direction: if policy.is_dialog_address(destination) { Direction::Mo } else { Direction::Mt },
            origin,
            origin_class,
            class: submit.class,
            source: submit.source.clone(),
            destination: destination.clone(),
            not_before,
            expires_at,
            receipt: submit.receipt,
            first_part: submit.first_part,
            in_parts: submit.in_parts.clone(),
        };
        let mut taken: Option<(MessageId, VisibleId)> = None;
        let mut refused = SmallVec::new();
        for destination in &submit.destinations {
            let visible = taken.map(|(first, visible)| match visible {
                VisibleId::Short(number) => VisibleId::Short(number),
                VisibleId::Long | VisibleId::Shared(_) => VisibleId::Shared(first),
            });
            let offer = offer(destination);
            let bounded = offer.direction == Direction::Mt && submit.first_part;
            let room = match submit.origin_class {
                OriginClass::User if bounded => self.check_quota(now, submit.account),
                _ => Ok(()),
            };
            match room.and_then(|()| self.accept(now, offer, &submit.parts, visible, short_ids)) {
                Ok(accepted) => {
                    taken.get_or_insert(accepted);
                }
                Err(refusal) if submit.destinations.len() == 1 => return Err(refusal),
                Err(refusal) => refused.push((destination.clone(), refusal)),
            }
        }
        let Some((id, visible)) = taken else {
            return Err(refused.into_iter().next().map_or(Refusal::NoDestination, |(_, refusal)| refusal));
        };
        if let Some(by) = cut {
            self.turn.notes.push(Note::ValidityCut { account: submit.account, message: id, by });
        }
        if let Some(request) = submit.idempotency {
            let until = now.wall.after(policy.limits.requests_for);
            self.remember(request, Answered { id, until, visible });
        }
        Ok(Taken { id, visible_id: visible.text(id), refused })
    }

    /// Accepts one message to one destination, in as many entries as it has parts.
    pub(super) fn accept(
        &mut self,
        now: Now,
        offer: Offer,
        parts: &[Content],
        visible: Option<VisibleId>,
        short_ids: bool,
    ) -> Result<(MessageId, VisibleId), Refusal> {
        if offer.destination.is_empty() {
            return Err(Refusal::NoDestination);
        }
        let shard = match offer.direction {
            Direction::Mo => offer.source.shard(),
            Direction::Mt | Direction::Receipt => offer.destination.shard(),
        };
        let id = offer.id.unwrap_or_else(|| self.new_id(now, shard));
        let journey = Journey {
            direction: offer.direction,
            source: &offer.source,
            destination: &offer.destination,
            account: offer.origin.account(),
            ingress: match offer.origin {
                Origin::Link(link) => Some(link),
                Origin::Smpp(_) | Origin::Http(..) | Origin::Exchange(_) => None,
            },
            class: offer.class,
            message: Some(id),
        };
        let number = self.number_answer(journey.device(), now);
        let asks_outside =
            self.policy.lookups && is_guess(number.source) && journey.device().digits().is_some();
        let (way, decided) = self.decide(&journey, number, now);
        let way = match way {
            // A device is not turned away from its own side: what nobody takes is kept in the books.
            Way::Nowhere(refusal, _)
                if offer.direction == Direction::Mt && !asks_outside && self.unrouted.is_none() =>
            {
                return Err(refusal);
            }
            way => way,
        };
        if let (Way::Peer(peer), [content], true) = (&way, parts, self.unrouted.is_none()) {
            self.check_parts(&offer, content, *peer)?;
        }
        let counters = match self.count(now, &offer, id, number.carrier, parts) {
            Err(_) if self.unrouted.is_some() => CounterVerdict::Pass,
            counted => counted?,
        };
        let parts = match (&offer.in_parts, &way) {
            (Some(long), Way::Peer(peer)) if self.is_too_long(*peer, long.octets) => &long.parts,
            (Some(_) | None, _) => parts,
        };
        let replaced = self.replaced_by(&offer, parts);
        if let Some(replaced) = replaced {
            self.finish(now, replaced, FinalState::Replaced, Reason::ReplacedByOrigin);
        }
        self.count_quota(now, &offer);
        let visible = visible.unwrap_or_else(|| self.visible_id(offer.origin, short_ids));
        // A device names no validity of its own.
        let expires_at = match way {
            Way::Peer(peer) if offer.direction == Direction::Mo => {
                self.worth_until(now, peer, offer.expires_at)
            }
            Way::Peer(_) | Way::Later | Way::Nowhere(..) => offer.expires_at,
        };
        let total = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        let envelope = Envelope {
            id,
            direction: offer.direction,
            origin: offer.origin,
            origin_class: offer.origin_class,
            class: offer.class,
            source: offer.source,
            destination: offer.destination,
            not_before: offer.not_before,
            expires_at,
            receipt: offer.receipt,
            visible_id: visible,
            part: None,
            octets: octets_of(parts),
        };
        self.turn.notes.push(Note::Accepted {
            direction: envelope.direction,
            account: envelope.origin.account(),
            link: match envelope.origin {
                Origin::Link(link) => Some(link),
                Origin::Smpp(_) | Origin::Http(..) | Origin::Exchange(_) => None,
            },
            test: envelope.origin_class == OriginClass::Test,
        });
        if total > 1 {
            self.add_group(Group::new(envelope.clone(), total, parts[0].data_coding));
        }
        for (index, content) in parts.iter().enumerate() {
            let mut part = envelope.clone();
            if total > 1 {
                let number = index as u8 + 1;
                part.id = id.part(number);
                part.part = Some(Part { whole: id, number, total });
                part.octets = octets_of(std::slice::from_ref(content));
            }
            let likeness = Likeness::of(&part, content);
            let mut content = content.clone();
            // What it was to replace is replaced here; and parts would replace each other where they arrive.
            content.replace_if_present &= replaced.is_none() && total == 1;
            let data_coding = content.data_coding;
            let mark = if Entry::may_be_part(&part) { Mark::of(&content) } else { None };
            let mut entry = Entry::new(part, Held::hot(Body::Content(content)), data_coding);
            entry.counters = counters;
            entry.mark = mark;
            entry.progress.decided = decided.clone();
            if let Way::Peer(peer) = way {
                entry.peer = Some(peer);
            }
            let key = self.add(Box::new(entry), likeness);
            if total > 1
                && let Some(group) = self.groups.get_mut(&id)
            {
                group.parts.push(key);
            }
            match &mut self.unrouted {
                Some(unrouted) => unrouted.push(key),
                None => self.start(now, key, asks_outside),
            }
        }
        Ok((id, visible))
    }

    /// Puts a fresh entry into the books.
    pub(super) fn add(&mut self, entry: Box<Entry>, likeness: Option<Likeness>) -> Key {
        let envelope = &entry.envelope;
        let id = envelope.id;
        let account = envelope.origin.account();
        let visible = envelope.visible_id;
        let whole = envelope.part.map_or(id, |part| part.whole);
        let is_message = envelope.direction != Direction::Receipt;
        let key = self.entries.insert(entry, likeness);
        self.by_id.insert(id, key);
        if is_message && let Some(account) = account {
            *self.open_by_account.entry(account).or_default() += 1;
            match visible {
                VisibleId::Short(number) => {
                    let first = *self.short_ids.entry((account, number)).or_insert(whole);
                    if first != whole {
                        self.siblings.entry(first).or_default().insert(whole);
                    }
                }
                VisibleId::Shared(first) => {
                    self.siblings.entry(first).or_default().insert(whole);
                }
                VisibleId::Long => {}
            }
        }
        self.touch(key);
        key
    }

    /// Sets a fresh entry on its way: to wait for its time, for a look-up, or into a queue.
    fn start(&mut self, now: Now, key: Key, asks_outside: bool) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(at) = entry.envelope.not_before.filter(|at| *at > now.wall) {
            entry.phase = Phase::Waiting { due: at };
            self.arm(now, key);
            return;
        }
        if asks_outside {
            self.look_up(now, key);
            return;
        }
        if entry.peer.is_some() {
            self.enqueue(now, key);
        } else {
            self.route_entry(now, key, None);
        }
    }

    pub(super) fn inbound(&mut self, now: Now, inbound: Inbound) {
        let reply = match self.try_inbound(now, &inbound) {
            Ok(()) => Reply::Inbound,
            Err(refusal) => {
                self.turn.notes.push(Note::Refused { why: refusal.name(), account: None });
                Reply::Refused(refusal)
            }
        };
        self.reply(inbound.reply, reply);
    }

    fn try_inbound(&mut self, now: Now, inbound: &Inbound) -> Result<(), Refusal> {
        let class = self.policy.links.get(&inbound.link).ok_or(Refusal::LinkUnknown)?.mo_class;
        self.check_room()?;
        let copy = MoKey::of(&MoFacts {
            link: inbound.link,
            source: &inbound.source,
            destination: &inbound.destination,
            data_coding: inbound.content.data_coding,
            esm_class: inbound.content.esm_class,
            payload: if inbound.content.payload.is_empty() {
                &inbound.content.tlvs
            } else {
                &inbound.content.payload
            },
            reference: inbound.reference,
        });
        let checked = self.seen.check(copy, inbound.reply.session, now.wall);
        let row = postcard::to_stdvec(&checked.row).expect("a vector takes any number of octets");
        self.put(copy.shard(), Table::Seen, copy.to_bytes(), row.into());
        if let Some(evicted) = checked.evicted {
            self.delete(evicted.shard(), Table::Seen, evicted.to_bytes());
        }
        if checked.verdict == dedupe::Verdict::Duplicate {
            self.turn.notes.push(Note::DuplicateMo { link: inbound.link });
            return Ok(());
        }
        let offer = Offer {
            id: None,
            direction: Direction::Mo,
            origin: Origin::Link(inbound.link),
            origin_class: self.class_of_taken(OriginClass::User),
            class,
            source: inbound.source.clone(),
            destination: inbound.destination.clone(),
            not_before: None,
            expires_at: now.wall.after(MO_VALIDITY),
            receipt: ReceiptRequest::NONE,
            first_part: inbound.first_part,
            in_parts: None,
        };
        let accepted =
            self.accept(now, offer, std::slice::from_ref(&inbound.content), Some(VisibleId::Long), false);
        if let Err(refusal) = accepted {
            self.seen.restore(copy, checked.before);
            return Err(refusal);
        }
        Ok(())
    }
}

pub(super) fn octets_of(parts: &[Content]) -> u16 {
    let octets: usize = parts.iter().map(|part| part.payload.len()).sum();
    u16::try_from(octets).unwrap_or(u16::MAX)
}

impl Exchange {
    /// True when the contract behind an open message still covers it.
    pub(super) fn contract(&self, envelope: &Envelope) -> crate::gate::ContractVerdict {
        use crate::gate::ContractVerdict;
        let Some(account) = envelope.origin.account() else { return ContractVerdict::NoContract };
        match self.policy.accounts.get(&account) {
            Some(policy) if policy.active && policy.may_send_from(&envelope.source) => {
                ContractVerdict::Covered
            }
            _ => ContractVerdict::NotCovered,
        }
    }

    /// Where a receipt for the origin of a message goes.
    pub(super) fn origin_peer(origin: Origin) -> Option<PeerId> {
        match origin {
            Origin::Smpp(account) => Some(PeerId::Account(account)),
            Origin::Http(_, webhook) => webhook.map(PeerId::Webhook),
            Origin::Link(_) | Origin::Exchange(_) => None,
        }
    }
}
