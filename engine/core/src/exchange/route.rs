//! Where a message goes: rules, number, state of the links.

use signalbox_routing::lookup::LookupAnswer;
use signalbox_routing::{
    Direction as RouteDirection, Health, MessageClass, NumberAnswer, Outcome, Party, Query, UtcMicros,
};

use super::Exchange;
use super::effect::Refusal;
use super::entry::{Decided, Entry, Key, Phase, Place};
use super::timers::Timer;
use crate::address::Address;
use crate::id::{AccountId, LinkId, MessageId, PeerId};
use crate::message::{Direction, Origin, TrafficClass};
use crate::outcome::{FinalState, Reason};
use crate::time::{Now, Since};

/// Waiting messages that one turn decides anew for.
const REROUTE_SLICE: usize = 2_000;

/// How often the rules are asked again for a message whose links are all switched off.
const SWITCHED_OFF: std::time::Duration = std::time::Duration::from_secs(5);

/// What the rules are asked.
pub(super) struct Journey<'a> {
    pub direction: Direction,
    pub source: &'a Address,
    pub destination: &'a Address,
    pub account: Option<AccountId>,
    pub ingress: Option<LinkId>,
    pub class: TrafficClass,
    /// The message, where it is one of our own.
    pub message: Option<MessageId>,
}

/// What they say.
#[derive(Clone)]
pub(super) enum Way {
    /// To this peer.
    Peer(PeerId),
    /// To links that are all switched off at the moment.
    Later,
    /// Nowhere.
    Nowhere(Refusal, Reason),
}

fn party(address: &Address) -> Party<'_> {
    address.digits().map_or(Party::Text(address.octets()), Party::Number)
}

fn class_of(class: TrafficClass) -> MessageClass {
    match class {
        TrafficClass::Otp => MessageClass::Otp,
        TrafficClass::Reply => MessageClass::Reply,
        TrafficClass::Transactional => MessageClass::Transactional,
        TrafficClass::Bulk => MessageClass::Bulk,
    }
}

impl<'a> Journey<'a> {
    /// The address of the device.
    pub(super) fn device(&self) -> &'a Address {
        match self.direction {
            Direction::Mo => self.source,
            Direction::Mt | Direction::Receipt => self.destination,
        }
    }

    fn query(&self, number: NumberAnswer, now: Now) -> Query<'a> {
        Query {
            direction: match self.direction {
                Direction::Mo => RouteDirection::Mo,
                Direction::Mt | Direction::Receipt => RouteDirection::Mt,
            },
            source: party(self.source),
            destination: party(self.destination),
            account: self.account,
            ingress: self.ingress,
            class: class_of(self.class),
            number,
            max_cost: None,
            at: UtcMicros(now.wall.0),
        }
    }
}

impl Exchange {
    /// What is known about a device without asking outside.
    pub(super) fn number_answer(&self, device: &Address, now: Now) -> NumberAnswer {
        self.policy.router.answer(party(device), None, UtcMicros(now.wall.0))
    }

    fn health(&self, link: LinkId) -> Health {
        let id = PeerId::Link(link);
        match self.policy.links.get(&link) {
            Some(policy) if policy.enabled => {}
            _ => return Health::Disabled,
        }
        let Some(peer) = self.peers.get(&id) else { return Health::Down };
        if !peer.enabled {
            return Health::Disabled;
        }
        if peer.sessions.is_empty() { Health::Down } else { Health::Up }
    }

    /// What is known about a device after an outside look-up.
    pub(super) fn looked_up(
        &self,
        device: &Address,
        lookup: Option<&LookupAnswer>,
        now: Now,
    ) -> NumberAnswer {
        self.policy.router.answer(party(device), lookup, UtcMicros(now.wall.0))
    }

    /// Asks the rules.
    pub(super) fn decide(&self, journey: &Journey<'_>, number: NumberAnswer, now: Now) -> (Way, Decided) {
        if journey.direction == Direction::Mo && self.policy.is_dialog_address(journey.destination) {
            let version = self.policy.router.rules.version().0;
            let decided = Decided { rule: None, version, carrier: number.carrier, lookup: number.source };
            return (Way::Peer(PeerId::Dialog), decided);
        }
        let query = journey.query(number, now);
        let decision = self.policy.router.decide(&query, &|link| self.health(link));
        let decided = Decided {
            rule: decision.rule.and_then(|index| self.rule_names.get(index.0 as usize).cloned()),
            version: decision.version.0,
            carrier: number.carrier,
            lookup: number.source,
        };
        let way = match decision.outcome {
            Outcome::Links(targets) => match targets.first() {
                Some(target) => Way::Peer(PeerId::Link(target.link)),
                None => Way::Later,
            },
            Outcome::Account(account) => match self.policy.accounts.get(&account) {
                Some(policy) => {
                    Way::Peer(policy.mo_webhook.map_or(PeerId::Account(account), PeerId::Webhook))
                }
                None => Way::Nowhere(Refusal::NoRoute, Reason::NoRoute),
            },
            Outcome::Reject(_) => Way::Nowhere(
                Refusal::RouteRejects { rule: decided.rule.as_deref().unwrap_or_default().to_owned() },
                Reason::RouteRejects,
            ),
            Outcome::NoRoute => Way::Nowhere(Refusal::NoRoute, Reason::NoRoute),
        };
        let way = match journey.message {
            Some(message) => self.way_of_own(message, way),
            None => way,
        };
        (way, decided)
    }

    /// The trace of what [`decide`](Self::decide) would say.
    pub(super) fn explain(&self, journey: &Journey<'_>, now: Now) -> signalbox_routing::Explanation {
        let number = self.number_answer(journey.device(), now);
        self.policy.router.explain(&journey.query(number, now), None, &|link| self.health(link))
    }

    /// Decides for an open message and puts it where it belongs: in a queue, or to its end.
    pub(super) fn route_entry(&mut self, now: Now, key: Key, number: Option<NumberAnswer>) {
        let Some(entry) = self.entries.get(key) else { return };
        let since = entry.waits_since(now);
        match self.way_of(entry, number, now) {
            Some((way, decided)) => self.take_way(now, key, way, decided, since),
            None => self.enqueue_since(now, key, since),
        }
    }

    /// What the rules say of an open message; `None` where its peer is not theirs to choose.
    fn way_of(&self, entry: &Entry, number: Option<NumberAnswer>, now: Now) -> Option<(Way, Decided)> {
        if entry.progress.pinned && entry.peer.is_some_and(|peer| self.policy.peer(peer).is_some()) {
            return None;
        }
        let envelope = &entry.envelope;
        if envelope.direction == Direction::Receipt {
            // Receipts go to their origin and nowhere else.
            return None;
        }
        if let Some((peer, decided)) = self.way_of_siblings(entry) {
            return Some((Way::Peer(peer), decided));
        }
        let journey = Journey {
            direction: envelope.direction,
            source: &envelope.source,
            destination: &envelope.destination,
            account: envelope.origin.account(),
            ingress: match envelope.origin {
                Origin::Link(link) => Some(link),
                Origin::Smpp(_) | Origin::Http(..) | Origin::Exchange(_) => None,
            },
            class: envelope.class,
            message: Some(envelope.id),
        };
        let number = number.unwrap_or_else(|| self.number_answer(journey.device(), now));
        Some(self.decide(&journey, number, now))
    }

    /// The link that has another part of the same message, or that another part waits for: parts stay together, for
    /// a device puts together what came one way. A link that is switched off keeps nobody.
    fn way_of_siblings(&self, entry: &Entry) -> Option<(PeerId, Decided)> {
        let group = self.groups.get(&entry.envelope.part?.whole)?;
        let siblings = || {
            let others = group.parts.iter().filter_map(|key| self.entries.get(*key));
            others.filter(|other| other.envelope.id != entry.envelope.id)
        };
        let way = |other: &Entry| Some((other.peer?, other.progress.decided.clone()));
        let left = siblings().find(|other| match other.phase {
            Phase::Released { .. } | Phase::AwaitingReceipt { .. } | Phase::InDoubt { .. } => true,
            Phase::Waiting { .. } | Phase::Queued | Phase::Resolving | Phase::Gathering | Phase::Joined => {
                false
            }
        });
        let ended = || {
            let worst = group.worst.as_ref().filter(|worst| worst.progress.taken_at.is_some())?;
            Some((worst.peer?, worst.progress.decided.clone()))
        };
        if let Some(way) = left.and_then(way).or_else(ended).filter(|(peer, _)| self.switched_on(*peer)) {
            return Some(way);
        }
        let waits =
            |other: &&Entry| other.phase == Phase::Queued && other.peer.is_some_and(|id| self.usable(id));
        siblings().find(waits).and_then(way)
    }

    fn take_way(&mut self, now: Now, key: Key, way: Way, decided: Decided, since: Since) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.progress.decided = decided;
        match way {
            Way::Peer(peer) => {
                entry.peer = Some(peer);
                self.enqueue_since(now, key, since);
            }
            // Links are switched off for maintenance: what was accepted waits for one of them.
            Way::Later => self.wait(now, key, now.wall.after(SWITCHED_OFF)),
            Way::Nowhere(_, reason) => self.finish(now, key, FinalState::Rejected, reason),
        }
    }

    /// Decides anew, in slices, for messages that wait for peers that cannot take them. What is to wait where it is
    /// keeps its place; what goes elsewhere goes in its order, and has waited as long.
    pub(super) fn reroute_stranded(&mut self, now: Now) {
        if self.rerouting.is_empty() {
            let Some(id) = self.reroute.pop() else { return };
            let Some(peer) = self.peers.get(&id) else { return };
            self.rerouting = peer.queue.in_order().into_iter().map(|queued| (id, queued.item)).collect();
        }
        let slice = self.rerouting.len().min(REROUTE_SLICE);
        let slice: Vec<(PeerId, Key)> = self.rerouting.drain(..slice).collect();
        for (id, key) in slice {
            if self.usable(id) {
                self.rerouting.clear();
                break;
            }
            self.reroute_waiting(now, id, key);
        }
        if !self.rerouting.is_empty() || !self.reroute.is_empty() {
            // The rest has its turn soon even if nothing else happens.
            self.timers.push(now.mono, Timer::Reroute);
        }
    }

    /// Decides anew for a message that waits in the queue of `id`, unless it is there no more.
    fn reroute_waiting(&mut self, now: Now, id: PeerId, key: Key) {
        let Some(entry) = self.entries.get(key) else { return };
        let Some(Place { since, .. }) = entry.place else { return };
        if entry.phase != Phase::Queued || entry.peer != Some(id) {
            return;
        }
        let Some((way, decided)) = self.way_of(entry, None, now) else { return };
        // Parts of one message that wait here go together.
        let keys = match entry.envelope.part {
            Some(part) => self.open_of(part.whole),
            None => vec![key],
        };
        let stays = matches!(way, Way::Peer(peer) if peer == id);
        let mut leaving = Vec::new();
        for key in keys {
            let Some(entry) = self.entries.get_mut(key) else { continue };
            if entry.phase != Phase::Queued || entry.peer != Some(id) {
                continue;
            }
            if stays {
                entry.progress.decided = decided.clone();
            } else {
                leaving.push((key, entry.place.map_or(since, |place| place.since)));
            }
        }
        for &(key, _) in &leaving {
            self.unqueue(key);
            if let Some(entry) = self.entries.get_mut(key) {
                entry.phase = Phase::Resolving;
            }
        }
        for (key, since) in leaving {
            self.take_way(now, key, way.clone(), decided.clone(), since);
        }
    }
}
