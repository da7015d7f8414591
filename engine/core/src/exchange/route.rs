//! Where a message goes: rules, number, state of the links.

use signalbox_routing::lookup::LookupAnswer;
use signalbox_routing::{
    Direction as RouteDirection, Health, MessageClass, NumberAnswer, Outcome, Party, Query, UtcMicros,
};

use super::Exchange;
use super::effect::Refusal;
use super::entry::{Decided, Key, Phase};
use crate::address::Address;
use crate::id::{AccountId, LinkId, PeerId};
use crate::message::{Direction, Origin, TrafficClass};
use crate::outcome::{FinalState, Reason};
use crate::time::Now;

/// Messages that one turn decides anew for peers that cannot take them.
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
}

/// What they say.
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
        if entry.progress.pinned && entry.peer.is_some_and(|peer| self.policy.peer(peer).is_some()) {
            self.enqueue(now, key);
            return;
        }
        if entry.envelope.direction == Direction::Receipt {
            // Receipts go to their origin and nowhere else.
            self.enqueue(now, key);
            return;
        }
        let envelope = &entry.envelope;
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
        };
        let number = number.unwrap_or_else(|| self.number_answer(journey.device(), now));
        let (way, decided) = self.decide(&journey, number, now);
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.progress.decided = decided;
        match way {
            Way::Peer(peer) => {
                entry.peer = Some(peer);
                self.enqueue(now, key);
            }
            // Links are switched off for maintenance: what was accepted waits for one of them.
            Way::Later => self.wait(now, key, now.wall.after(SWITCHED_OFF)),
            Way::Nowhere(_, reason) => self.finish(now, key, FinalState::Rejected, reason),
        }
    }

    /// Decides anew, in slices, for messages that wait for peers that cannot take them.
    pub(super) fn reroute_stranded(&mut self, now: Now) {
        let Some(id) = self.reroute.pop() else { return };
        if self.usable(id) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let before = peer.queue.len();
        let moved = peer.queue.drain(REROUTE_SLICE);
        let mut elsewhere = 0;
        for queued in &moved {
            let key = queued.item;
            self.leave_lane(id, key, queued.waits_in.is_none());
            let Some(entry) = self.entries.get_mut(key) else { continue };
            entry.phase = Phase::Resolving;
            entry.place = None;
            self.route_entry(now, key, None);
            elsewhere += usize::from(self.entries.get(key).is_none_or(|entry| entry.peer != Some(id)));
        }
        // A whole slice that came back means that the rest has nowhere else to go either.
        if elsewhere > 0 && before > moved.len() {
            self.strand(id);
        }
    }
}
