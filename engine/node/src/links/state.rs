//! What can be seen of sessions from outside: the API, `admin links`, readiness.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::Serialize;
use signalbox_core::id::{PeerId, SessionId};
use signalbox_core::time::Micros;
use signalbox_smpp::{BindMode, Version};

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waits before it connects again.
    Waiting,
    /// Connects, or is connected and not bound.
    Connecting,
    /// Bound.
    Bound,
    /// Finishes what is under way; gets nothing new.
    Draining,
    /// Over.
    Closed,
}

/// One session.
#[derive(Clone, Debug)]
pub struct SessionState {
    /// `link/number`, or `listener/number`.
    pub name: String,
    /// Whose it is, once that is known.
    pub peer: Option<PeerId>,
    /// Its number in the exchange, while bound.
    pub session: Option<SessionId>,
    /// Where it is.
    pub phase: Phase,
    /// Since when.
    pub since: Micros,
    /// The peer's address.
    pub remote: Option<SocketAddr>,
    /// Over TLS.
    pub tls: bool,
    /// What it may do, while bound.
    pub mode: Option<BindMode>,
    /// The version agreed, while bound.
    pub version: Option<Version>,
    /// Requests of ours that may be without an answer.
    pub window: u32,
    /// Requests of ours without an answer.
    pub in_flight: u64,
    /// Requests sent.
    pub sent: u64,
    /// Requests received.
    pub received: u64,
    /// Why it ended the last time, or could not begin.
    pub last_error: Option<String>,
}

#[derive(Debug)]
struct Facts {
    peer: Option<PeerId>,
    session: Option<SessionId>,
    phase: Phase,
    since: Micros,
    remote: Option<SocketAddr>,
    tls: bool,
    mode: Option<BindMode>,
    version: Option<Version>,
    window: u32,
    last_error: Option<String>,
}

/// Where a session writes what can be seen of it.
#[derive(Debug)]
pub struct SessionCell {
    name: String,
    facts: Mutex<Facts>,
    in_flight: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

/// All sessions.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<String, Arc<SessionCell>>>);

/// A session's place on the board; it is taken off when this is dropped.
#[derive(Debug)]
pub struct Posted {
    cell: Arc<SessionCell>,
    board: Arc<Board>,
}

/// How a session is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundAs {
    /// Whose it is.
    pub peer: PeerId,
    /// Its number.
    pub session: SessionId,
    /// What it may do.
    pub mode: BindMode,
    /// The version agreed; none over HTTP.
    pub version: Option<Version>,
    /// Its window.
    pub window: u32,
}

impl Board {
    /// Puts a session on the board.
    #[must_use]
    pub fn post(self: &Arc<Self>, name: String, peer: Option<PeerId>, now: Micros) -> Posted {
        let facts = Facts {
            peer,
            session: None,
            phase: Phase::Connecting,
            since: now,
            remote: None,
            tls: false,
            mode: None,
            version: None,
            window: 0,
            last_error: None,
        };
        let cell = Arc::new(SessionCell {
            name: name.clone(),
            facts: Mutex::new(facts),
            in_flight: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        });
        self.0.lock().insert(name, cell.clone());
        Posted { cell, board: self.clone() }
    }

    /// All sessions, by name.
    #[must_use]
    pub fn states(&self) -> Vec<SessionState> {
        self.0.lock().values().map(|cell| cell.state()).collect()
    }

    /// Whether a session of this peer is bound that takes messages from it.
    #[must_use]
    pub fn has_receiver(&self, peer: PeerId) -> bool {
        self.0.lock().values().any(|cell| {
            let facts = cell.facts.lock();
            facts.peer == Some(peer)
                && facts.phase == Phase::Bound
                && matches!(facts.mode, Some(BindMode::Receiver | BindMode::Transceiver))
        })
    }
}

impl Posted {
    /// The session is in another phase.
    pub fn set_phase(&self, phase: Phase, now: Micros) {
        let mut facts = self.cell.facts.lock();
        facts.phase = phase;
        facts.since = now;
        match phase {
            Phase::Waiting | Phase::Connecting | Phase::Closed => {
                facts.session = None;
                facts.mode = None;
                facts.version = None;
                facts.window = 0;
            }
            Phase::Bound | Phase::Draining => {}
        }
    }

    /// The session is connected.
    pub fn connected(&self, remote: Option<SocketAddr>, tls: bool) {
        let mut facts = self.cell.facts.lock();
        facts.remote = remote;
        facts.tls = tls;
    }

    /// The session is bound.
    pub fn bound(&self, bound: BoundAs, now: Micros) {
        let mut facts = self.cell.facts.lock();
        facts.phase = Phase::Bound;
        facts.since = now;
        facts.peer = Some(bound.peer);
        facts.session = Some(bound.session);
        facts.mode = Some(bound.mode);
        facts.version = bound.version;
        facts.window = bound.window;
        facts.last_error = None;
    }

    /// The session has another window.
    pub fn set_window(&self, window: u32) {
        self.cell.facts.lock().window = window;
    }

    /// Its name: of a link with the number of its session, of a listener with that of the connection.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// Why it ended, or could not begin.
    pub fn set_error(&self, error: String) {
        self.cell.facts.lock().last_error = Some(error);
    }

    /// What it has counted by now.
    #[inline]
    pub fn count(&self, in_flight: usize, sent: u64, received: u64) {
        self.cell.in_flight.store(in_flight as u64, Ordering::Relaxed);
        self.cell.sent.store(sent, Ordering::Relaxed);
        self.cell.received.store(received, Ordering::Relaxed);
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        let mut cells = self.board.0.lock();
        // A later session may have taken the name.
        if cells.get(&self.cell.name).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell)) {
            cells.remove(&self.cell.name);
        }
    }
}

impl SessionCell {
    fn state(&self) -> SessionState {
        let facts = self.facts.lock();
        SessionState {
            name: self.name.clone(),
            peer: facts.peer,
            session: facts.session,
            phase: facts.phase,
            since: facts.since,
            remote: facts.remote,
            tls: facts.tls,
            mode: facts.mode,
            version: facts.version,
            window: facts.window,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            last_error: facts.last_error.clone(),
        }
    }
}

/// One link or account with its sessions.
#[derive(Clone, Debug)]
pub struct LinkState {
    /// Which.
    pub peer: PeerId,
    /// Its name.
    pub name: String,
    /// False when it is switched off.
    pub enabled: bool,
    /// Sessions that should be up; zero where the peer decides.
    pub wanted: u32,
    /// Its sessions.
    pub sessions: Vec<SessionState>,
}

impl LinkState {
    /// How many of its sessions are bound.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.sessions.iter().filter(|session| session.phase == Phase::Bound).count()
    }
}
