//! The network: sessions, and what is on its way over them.

use std::collections::BTreeMap;
use std::time::Duration;

use signalbox_core::address::Address;
use signalbox_core::id::{MessageId, PeerId, SessionId};
use signalbox_core::message::{Body, ReceiptRequest};
use signalbox_core::time::Mono;

use crate::record::{Offer, Said, Told};

/// What an ESME hears of what it offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted(MessageId),
    TryLater,
}

/// From a peer to a node.
#[derive(Clone, Debug)]
pub(crate) enum ToNode {
    Submit { token: u64, offer: Offer },
    Answer { token: u64, said: Said },
    Receipt { token: u64, told: Told },
    Gone,
}

/// From a node to a peer.
#[derive(Clone, Debug)]
pub(crate) enum ToPeer {
    Submitted { token: u64, verdict: Verdict },
    Attempt { token: u64, attempt: Sent },
    ReceiptTaken { token: u64, taken: bool },
    Gone,
}

/// An attempt on the wire. The id is there for the judge, peers make nothing of it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub message: MessageId,
    pub device: Address,
    pub receipt: ReceiptRequest,
    /// How long the message is worth something yet.
    pub valid_for: Duration,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Frame {
    ToNode(ToNode),
    ToPeer(ToPeer),
}

#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub node: usize,
    pub peer: PeerId,
    pub open: bool,
    /// When the last frame of each direction arrives: a session keeps the order.
    last: [Mono; 2],
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Wire {
    frames: BTreeMap<(Mono, u64), (SessionId, Frame)>,
    serial: u64,
    connections: BTreeMap<SessionId, Connection>,
    /// Those that are up, in the order in which they came up.
    up: Vec<(SessionId, PeerId)>,
}

impl Wire {
    pub(crate) fn connect(&mut self, node: usize, peer: PeerId) -> SessionId {
        self.serial += 1;
        let session = SessionId(self.serial);
        self.up.push((session, peer));
        self.connections.insert(session, Connection { node, peer, open: true, last: [Mono(0); 2] });
        session
    }

    /// Ends a session. Both sides hear of it; what is under way to the peer may still arrive.
    pub(crate) fn close(&mut self, now: Mono, session: SessionId) {
        let Some(connection) = self.connections.get_mut(&session).filter(|connection| connection.open) else {
            return;
        };
        connection.open = false;
        self.up.retain(|(other, _)| *other != session);
        self.push(now, session, Frame::ToNode(ToNode::Gone));
        let after = self.connections.get(&session).map_or(now, |connection| connection.last[1].max(now));
        self.push(after, session, Frame::ToPeer(ToPeer::Gone));
    }

    fn push(&mut self, at: Mono, session: SessionId, frame: Frame) {
        self.serial += 1;
        self.frames.insert((at, self.serial), (session, frame));
    }

    /// Puts a frame on its way; nothing goes over a session that has ended.
    pub(crate) fn send(&mut self, now: Mono, latency: Duration, session: SessionId, frame: Frame) {
        let Some(connection) = self.connections.get_mut(&session).filter(|connection| connection.open) else {
            return;
        };
        let direction = match frame {
            Frame::ToNode(_) => 0,
            Frame::ToPeer(_) => 1,
        };
        let at = (now + latency).max(connection.last[direction]);
        connection.last[direction] = at;
        self.push(at, session, frame);
    }

    /// The next frame that has arrived.
    pub(crate) fn due(&mut self, now: Mono) -> Option<(SessionId, Frame)> {
        let (&at, _) = self.frames.first_key_value()?;
        if at.0 > now {
            return None;
        }
        self.frames.remove(&at)
    }

    pub(crate) fn connection(&self, session: SessionId) -> Option<&Connection> {
        self.connections.get(&session)
    }

    /// Sessions that are up.
    pub(crate) fn up(&self) -> &[(SessionId, PeerId)] {
        &self.up
    }

    /// Sessions of a peer that are up.
    pub(crate) fn up_to(&self, peer: PeerId) -> Vec<SessionId> {
        self.up.iter().filter(|(_, of)| *of == peer).map(|(session, _)| *session).collect()
    }
}
