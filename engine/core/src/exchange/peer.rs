//! Peers, their sessions and what is on its way to them.

use std::time::Duration;

use super::Exchange;
use super::entry::Key;
use crate::adaptive::AdaptiveRate;
use crate::id::{AccountId, LinkId, PeerId, SessionId};
use crate::message::Origin;
use crate::policy::{AccountPolicy, Limits, PeerPolicy, Policy};
use crate::queue::{Owner, PeerQueue, Share};
use crate::time::{Mono, Now};

/// One peer: its queue and its pace.
pub(super) struct Peer {
    pub queue: PeerQueue<Key>,
    pub sessions: Vec<SessionId>,
    pub pace: AdaptiveRate,
    /// False when an operator stopped it.
    pub enabled: bool,
    /// Permits that are out.
    pub in_flight: u32,
    /// Messages whose receipts are awaited.
    pub awaiting: u32,
    /// In the list of peers to serve.
    pub ready: bool,
    /// When the timer set for its pace rings.
    pub wake: Option<Mono>,
}

/// One session of a peer.
pub(super) struct Session {
    pub peer: PeerId,
    pub window: u32,
    /// Messages that are out; more than the window after it was made smaller.
    pub out: u32,
    /// It is to be closed, and is given nothing more.
    pub closing: bool,
}

impl Session {
    fn free(&self) -> u32 {
        if self.closing { 0 } else { self.window.saturating_sub(self.out) }
    }
}

impl Peer {
    fn new(now: Mono, policy: &PeerPolicy, limits: &Limits) -> Self {
        let mut peer = Self {
            queue: PeerQueue::new(policy.queue_max, limits.fairness),
            sessions: Vec::new(),
            pace: AdaptiveRate::new(
                policy.rate.map(|(rate, _)| rate),
                policy.rate.map_or(1, |(_, burst)| burst),
            ),
            enabled: true,
            in_flight: 0,
            awaiting: 0,
            ready: false,
            wake: None,
        };
        peer.pace.set_slowest(now, policy.slowest);
        peer
    }
}

impl Exchange {
    /// The peer, made when it is first needed; `None` when it is not configured.
    pub(super) fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        let policy = self.policy.peer(id)?;
        let limits = &self.policy.limits;
        Some(self.peers.entry(id).or_insert_with(|| Peer::new(Mono(0), policy, limits)))
    }

    /// Gives peers that exist what the policy says now.
    pub(super) fn configure_peers(&mut self, now: Now) {
        for (id, peer) in &mut self.peers {
            if let Some(policy) = self.policy.peer(*id) {
                peer.queue.set_capacity(policy.queue_max);
                peer.queue.set_fairness(self.policy.limits.fairness);
                peer.queue.set_weights(|owner| weight_of(&self.policy, owner));
                let (rate, burst) = policy.rate.map_or((None, 1), |(rate, burst)| (Some(rate), burst));
                peer.pace.set_configured(now.mono, rate, burst);
                peer.pace.set_slowest(now.mono, policy.slowest);
                if !policy.adaptive && peer.pace.learned().is_some() {
                    peer.pace.reset();
                }
            }
        }
        let links: Vec<LinkId> = self.policy.links.keys().copied().collect();
        for link in links {
            if let Some(policy) = self.policy.links.get(&link) {
                self.correlator.set_link(link, policy.ids);
            }
        }
        let all: Vec<PeerId> = self.peers.keys().copied().collect();
        for peer in all {
            self.peer_ready(peer);
        }
    }

    /// Whose share of a peer's queue an entry takes: that of the account or link that it came from. What goes to
    /// an account is all its own.
    pub(super) fn share(&self, id: PeerId, key: Key) -> Share {
        let origin = self.entries.get(key).map(|entry| entry.envelope.origin);
        let owner = match (id, origin) {
            (PeerId::Account(account), _) => owner_account(account),
            (PeerId::Link(_) | PeerId::Webhook(_) | PeerId::Dialog, Some(Origin::Link(link))) => {
                Owner(LINK_OWNERS | u64::from(link.0))
            }
            (
                PeerId::Link(_) | PeerId::Webhook(_) | PeerId::Dialog,
                Some(Origin::Smpp(account) | Origin::Http(account, _) | Origin::Exchange(account)),
            ) => owner_account(account),
            (PeerId::Link(_) | PeerId::Webhook(_) | PeerId::Dialog, None) => Owner(u64::MAX),
        };
        Share { owner, weight: weight_of(&self.policy, owner) }
    }

    /// Puts the peer on the list to be served in this turn.
    pub(super) fn peer_ready(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id)
            && !peer.ready
        {
            peer.ready = true;
            self.ready.push(id);
        }
    }

    pub(super) fn session_up(&mut self, _now: Now, id: PeerId, session: SessionId, window: u32) {
        let Some(peer) = self.peer_mut(id) else { return };
        if peer.sessions.contains(&session) {
            return;
        }
        let first = peer.sessions.is_empty();
        peer.sessions.push(session);
        self.sessions.insert(session, Session { peer: id, window, out: 0, closing: false });
        self.peer_ready(id);
        if first {
            self.link_usable(id);
        }
    }

    /// What waits for links that are down may go by this one, which came up or was switched on.
    pub(super) fn link_usable(&mut self, id: PeerId) {
        if matches!(id, PeerId::Link(_)) && self.usable(id) {
            self.strand_all();
        }
    }

    /// Marks every link whose messages might do better elsewhere.
    pub(super) fn strand_all(&mut self) {
        let stranded: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(id, peer)| {
                matches!(id, PeerId::Link(_)) && !peer.queue.is_empty() && !self.usable(**id)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in stranded {
            self.strand(id);
        }
    }

    /// Marks a peer's waiting messages for a new decision.
    pub(super) fn strand(&mut self, id: PeerId) {
        if !self.reroute.contains(&id) {
            self.reroute.push(id);
        }
    }

    /// True unless the peer is unknown or switched off, here or in the catalog.
    pub(super) fn switched_on(&self, id: PeerId) -> bool {
        self.policy.peer(id).is_some_and(|policy| policy.enabled)
            && self.peers.get(&id).is_none_or(|peer| peer.enabled)
    }

    /// True when messages for the peer can leave now or soon.
    pub(super) fn usable(&self, id: PeerId) -> bool {
        self.switched_on(id) && self.peers.get(&id).is_some_and(|peer| !peer.sessions.is_empty())
    }

    /// Gives a session back the credit of an attempt that ended.
    pub(super) fn credit(&mut self, session: SessionId) {
        let Some(slot) = self.sessions.get_mut(&session) else { return };
        slot.out = slot.out.saturating_sub(1);
        let peer = slot.peer;
        self.peer_ready(peer);
    }

    /// A session takes another number of messages at once.
    pub(super) fn resize(&mut self, session: SessionId, window: u32) {
        let Some(slot) = self.sessions.get_mut(&session) else { return };
        slot.window = window;
        let peer = slot.peer;
        self.peer_ready(peer);
    }

    /// The session of the peer with the most room, and that room.
    pub(super) fn roomiest(&self, peer: &Peer) -> Option<SessionId> {
        peer.sessions
            .iter()
            .filter_map(|id| self.sessions.get(id).map(|session| (session.free(), *id)))
            .filter(|(free, _)| *free > 0)
            .max_by_key(|(free, id)| (*free, std::cmp::Reverse(*id)))
            .map(|(_, id)| id)
    }

    /// True when the pace follows what the peer refuses.
    pub(super) fn adapts(&self, id: PeerId) -> bool {
        self.policy.peer(id).is_some_and(|policy| policy.adaptive)
    }

    pub(super) fn congestion(&mut self, now: Now, session: SessionId, state: u8) {
        let Some(id) = self.sessions.get(&session).map(|session| session.peer) else { return };
        if !self.adapts(id) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.pace.on_congestion(now.mono, state);
    }

    /// The peer of the session has asked for nothing more for so long.
    pub(super) fn pause(&mut self, now: Now, session: SessionId, wait: Duration) {
        let Some(id) = self.sessions.get(&session).map(|session| session.peer) else { return };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.pace.hold_until(now.mono + wait);
    }
}

/// Set in the keys of owners that are links.
const LINK_OWNERS: u64 = 1 << 32;

fn owner_account(account: AccountId) -> Owner {
    Owner(account.0.into())
}

fn weight_of(policy: &Policy, owner: Owner) -> u32 {
    let account = u32::try_from(owner.0).ok().and_then(|number| policy.accounts.get(&AccountId(number)));
    account.map_or(AccountPolicy::DEFAULT_WEIGHT, |account| account.weight)
}

/// How long receipts for origins wait to be taken.
pub(super) const RECEIPT_VALIDITY: Duration = Duration::from_secs(3 * 86_400);
