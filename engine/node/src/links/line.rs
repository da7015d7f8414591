//! What both sides of SMPP share: the session machine, its place in the exchange, its permits, its metrics.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::exchange::{Answer, Event, Unsent};
use signalbox_core::gate::Released;
use signalbox_core::id::{PeerId, PermitId, SessionId};
use signalbox_core::outcome::ErrorClass;
use signalbox_core::time::{Mono, Now};
use signalbox_smpp::{
    BindMode, Body, CloseReason, CommandId, CommandStatus, Event as SmppEvent, SendError, Session, State,
};

use super::map::NotEncodable;
use super::metrics::{Flow, PeerMetrics, Throttle};
use super::permits::Permits;
use super::state::{BoundAs, Phase, Posted};
use crate::spine::{Outbox, SpineHandle, ToSession};

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// The protocol ended it.
    #[error("{}", close_text(.0))]
    Protocol(CloseReason),
    /// The peer refused our bind.
    #[error("the peer refused the bind with {0}")]
    BindRefused(CommandStatus),
    /// We refused the peer's bind.
    #[error("the bind was refused with {0}")]
    Refused(CommandStatus),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The peer closed the connection.
    #[error("the peer closed the connection")]
    PeerClosed,
    /// The peer does not read.
    #[error("the peer read nothing for {} s", .0.as_secs())]
    Stalled(Duration),
    /// A permit ran out while its PDU was being written.
    #[error("a permit ran out while its pdu was written: the peer does not read")]
    PermitOverdue,
    /// The exchange has stopped.
    #[error("the exchange has stopped")]
    SpineGone,
    /// The exchange has closed the outbox, which was not read fast enough.
    #[error("the outbox overflowed")]
    OutboxLost,
    /// It panicked.
    #[error("panicked: {0}")]
    Panicked(String),
    /// The watchdog ended it.
    #[error("gave no sign of life")]
    Stuck,
}

fn close_text(reason: &CloseReason) -> String {
    let text = match reason {
        CloseReason::Local => "closed by us",
        CloseReason::Unbound => "unbound by us",
        CloseReason::PeerUnbound => "unbound by the peer",
        CloseReason::ConnectionLost => "the connection was lost",
        CloseReason::SessionInitTimeout => "no bind in time",
        CloseReason::BindTimeout => "the bind was not answered",
        CloseReason::EnquireLinkTimeout => "enquire_link was not answered",
        CloseReason::Inactivity => "no message for too long",
        CloseReason::UnbindTimeout => "unbind was not answered",
        CloseReason::Frame(error) => return format!("the stream cannot be read any more: {error}"),
        _ => "closed",
    };
    text.to_owned()
}

/// How far a session has come in ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Not at all.
    No,
    /// It finishes what is under way, until then; after it unbind is sent.
    Draining(Mono),
    /// Unbind is sent, or the session is to be closed. When nothing is under way, an answer to unbind is waited for
    /// until then.
    Leaving(Mono),
}

/// How long an answer to unbind is waited for when nothing else can come: it says nothing about any message.
const FAREWELL: Duration = Duration::from_secs(2);

/// A session's way to the exchange.
struct Mailbox {
    id: SessionId,
    outbox: Outbox,
    peer: PeerId,
    /// It was announced as one that takes messages, and not yet withdrawn.
    up: bool,
    /// It was announced once; open permits are settled one by one after it was withdrawn.
    was_up: bool,
}

/// See the [module](self).
pub(super) struct Line {
    pub session: Session,
    pub now: Now,
    /// Why the session is over, once it is.
    pub ended: Option<Ended>,
    pub ending: Ending,
    /// For the exchange, at the end of the turn.
    pub events: Vec<Event>,
    pub permits: Permits,
    pub metrics: PeerMetrics,
    pub posted: Posted,
    /// How long a drain may take.
    pub drain_limit: Duration,
    mailbox: Option<Mailbox>,
    spine: SpineHandle,
    congestion: Option<u8>,
    throttled: u64,
    /// The last thing heard of the peer's answers is that one did not come in time.
    silent: bool,
}

impl Line {
    pub(super) fn new(
        session: Session,
        spine: SpineHandle,
        metrics: PeerMetrics,
        posted: Posted,
        drain_limit: Duration,
        now: Now,
    ) -> Self {
        Self {
            session,
            now,
            ended: None,
            ending: Ending::No,
            events: Vec::new(),
            permits: Permits::default(),
            metrics,
            posted,
            drain_limit,
            mailbox: None,
            spine,
            congestion: None,
            throttled: 0,
            silent: false,
        }
    }

    /// Nanoseconds of the session machine's clock.
    #[inline]
    pub(super) fn at(&self) -> u64 {
        self.now.mono.0
    }

    /// The session is bound: it gets its number and, if it takes messages, is announced.
    pub(super) fn bound(&mut self, peer: PeerId, mode: BindMode, takes: bool, window: u32) -> SessionId {
        let (id, outbox) = self.spine.open_session();
        if takes {
            self.events.push(Event::SessionUp { peer, session: id, window });
        }
        let window = if takes { window } else { 0 };
        self.metrics.set_bound(true, window);
        let version = self.session.version();
        self.posted.bound(BoundAs { peer, session: id, mode, version: Some(version), window }, self.now.wall);
        tracing::info!(session = id.0, peer = ?peer, mode = ?mode, version = ?version, window, "bound");
        self.mailbox = Some(Mailbox { id, outbox, peer, up: takes, was_up: takes });
        id
    }

    /// The session has other windows from now on.
    pub(super) fn set_windows(&mut self, out: u32, incoming: u32) {
        self.session.set_windows(out as usize, incoming as usize);
        let Some(mailbox) = self.mailbox.as_ref().filter(|mailbox| mailbox.up) else { return };
        self.events.push(Event::Window { session: mailbox.id, window: out });
        self.metrics.set_bound(true, out);
        self.posted.set_window(out);
    }

    /// The session's number, once it is bound.
    pub(super) fn id(&self) -> Option<SessionId> {
        self.mailbox.as_ref().map(|mailbox| mailbox.id)
    }

    /// Where the exchange's batches are read.
    pub(super) fn outbox(&mut self) -> Option<&mut Outbox> {
        self.mailbox.as_mut().map(|mailbox| &mut mailbox.outbox)
    }

    /// Offers a batch; waits while the exchange is behind.
    pub(super) fn spine(&self) -> &SpineHandle {
        &self.spine
    }

    /// The session takes no more messages: the exchange gives it none from now on. What is under way is answered
    /// one by one.
    pub(super) fn withdraw(&mut self) {
        let Some(mailbox) = &mut self.mailbox else { return };
        if !std::mem::replace(&mut mailbox.up, false) {
            return;
        }
        let unsent = self.permits.take_waiting();
        self.events.push(Event::SessionDown { session: mailbox.id, unsent, in_flight: Vec::new() });
        self.posted.set_phase(Phase::Draining, self.now.wall);
    }

    /// Begins to end the session: nothing new, then unbind.
    pub(super) fn drain(&mut self) {
        if self.ending != Ending::No {
            return;
        }
        self.withdraw();
        self.ending = Ending::Draining(self.now.mono + self.drain_limit);
    }

    /// Ends the session now, with unbind if it is bound.
    pub(super) fn leave(&mut self) {
        self.withdraw();
        if !matches!(self.ending, Ending::Leaving(_)) {
            // Who has not answered what mattered is not waited for once more.
            let farewell = if self.silent { Duration::ZERO } else { FAREWELL };
            self.ending = Ending::Leaving(self.now.mono + farewell);
        }
        let at = self.at();
        if self.session.unbind(at).is_err() {
            // Not bound, or unbinding already: there is nobody to say it to, or it was said.
            self.session.close(at);
        }
    }

    /// Goes on with ending, when nothing is under way any more or it has taken too long.
    pub(super) fn go_on_ending(&mut self) {
        let until = match self.ending {
            Ending::No => return,
            Ending::Draining(until) => until,
            Ending::Leaving(until) => return self.go_on_leaving(until),
        };
        let idle = match self.session.state() {
            State::Open | State::Outbound => true,
            State::BoundTx | State::BoundRx | State::BoundTrx => {
                self.session.in_flight_len() == 0
                    && self.session.unanswered_len() == 0
                    && !self.permits.has_waiting()
            }
            // The peer unbinds by itself.
            State::Unbound | State::Closed => false,
        };
        if idle || self.now.mono >= until {
            self.leave();
            if let Ending::Leaving(until) = self.ending {
                self.go_on_leaving(until);
            }
        }
    }

    /// Closes a session whose peer does not answer unbind, once there is nothing that it could tell besides.
    fn go_on_leaving(&mut self, until: Mono) {
        if self.leaving_due(until).is_some_and(|due| self.now.mono >= due) {
            self.ended.get_or_insert(Ended::Protocol(CloseReason::UnbindTimeout));
            let at = self.at();
            self.session.close(at);
        }
    }

    /// True when the session must not be given anything new.
    pub(super) fn is_ending(&self) -> bool {
        self.ending != Ending::No
            || self.mailbox.as_ref().is_some_and(|mailbox| mailbox.was_up && !mailbox.up)
    }

    /// When a session that leaves is closed whether the peer answers or not; `None` while something is under way.
    pub(super) fn leaving_due(&self, until: Mono) -> Option<Mono> {
        let nothing_to_come = self.session.in_flight_len() == 0 && self.session.unanswered_len() == 0;
        (nothing_to_come && self.session.state() == State::Unbound).then_some(until)
    }

    /// Takes a message to send.
    pub(super) fn take(&mut self, released: Box<Released>) {
        if self.is_ending() || self.mailbox.is_none() {
            self.events.push(Event::Unsent { permit: released.permit(), why: Unsent::NotWritten });
            return;
        }
        self.permits.push(released);
    }

    /// Sends what waits, as far as window, buffer and permits allow. `encode` makes the PDU.
    pub(super) fn send_waiting(
        &mut self,
        mut encode: impl FnMut(&Self, &Released) -> Result<Body, NotEncodable>,
    ) {
        for permit in self.permits.take_expired(self.now.mono) {
            self.events.push(Event::Unsent { permit, why: Unsent::NotWritten });
        }
        while self.session.credit() > 0 {
            let Some(released) = self.permits.pop() else { return };
            let permit = released.permit();
            let body = match encode(self, &released) {
                Ok(body) => body,
                Err(error) => {
                    self.not_encodable(&released, &error);
                    continue;
                }
            };
            let command = body.command();
            match self.session.send(self.now.mono.0, &body, permit.0) {
                Ok(_) => {
                    let buffered = self.buffered();
                    self.permits.encoded(permit, released.deadline(), buffered);
                    self.metrics.request(Flow::Out, command);
                }
                Err(SendError::WindowFull { .. } | SendError::OutputFull { .. }) => {
                    self.permits.push_front(released);
                    return;
                }
                Err(SendError::Encode(error)) => self.not_encodable(&released, &error),
                Err(_) => self.events.push(Event::Unsent { permit, why: Unsent::NotWritten }),
            }
        }
    }

    fn not_encodable(&mut self, released: &Released, error: &dyn std::error::Error) {
        tracing::warn!(
            message = %released.id(),
            destination = crate::privacy::shown(released.destination()),
            error = %error,
            "message cannot be written to the peer"
        );
        self.events.push(Event::Unsent { permit: released.permit(), why: Unsent::NotEncodable });
    }

    /// Octets that wait for the kernel.
    #[inline]
    pub(super) fn buffered(&mut self) -> usize {
        self.session.poll_transmit().map_or(0, |output| output.len())
    }

    /// Handles events that are the same on both sides. Gives back those that are not.
    pub(super) fn common(&mut self, event: SmppEvent, meaning: &impl Meaning) -> Option<SmppEvent> {
        match event {
            SmppEvent::Response { token, status, body, sent_at, .. } => {
                self.silent = false;
                let took = Duration::from_nanos(self.at().saturating_sub(sent_at));
                let status = told(status, &body);
                self.metrics.response(Flow::Out, request_of(&body), status, took);
                self.answered(token, status, body, meaning);
            }
            SmppEvent::LateResponse { token, status, body, .. } => {
                let status = told(status, &body);
                tracing::debug!(session = ?self.id(), %status, "late response");
                self.answered(token, status, body, meaning);
            }
            SmppEvent::BadResponse { token, error } => {
                self.metrics.malformed();
                tracing::warn!(session = ?self.id(), %error, "response cannot be read");
                self.answered(token, error.peer_status, Body::GenericNack, meaning);
            }
            SmppEvent::Timeout { token, command, .. } => {
                self.silent = true;
                tracing::warn!(session = ?self.id(), %command, "no response in time");
                self.events.push(Event::Answered { permit: PermitId(token), answer: Answer::Silent });
            }
            SmppEvent::Unsolicited { sequence, status, .. } => {
                tracing::debug!(session = ?self.id(), sequence, %status, "response to nothing");
            }
            SmppEvent::Malformed { error, .. } => {
                self.metrics.malformed();
                tracing::debug!(session = ?self.id(), %error, "pdu cannot be read");
            }
            SmppEvent::PeerUnbind { pending } => {
                tracing::info!(session = ?self.id(), pending, "the peer unbinds");
                self.withdraw();
            }
            SmppEvent::Closed(reason) => {
                let ended = self.ended.take().unwrap_or(Ended::Protocol(reason));
                self.ended = Some(ended);
            }
            other => return Some(other),
        }
        None
    }

    fn answered(&mut self, token: u64, status: CommandStatus, body: Body, meaning: &impl Meaning) {
        let permit = PermitId(token);
        if status.is_ok() {
            let remote_id = match body {
                Body::SubmitSmResp(resp) | Body::DataSmResp(resp) | Body::DeliverSmResp(resp) => {
                    resp.message_id.0
                }
                // An answer that could not be read, whose status says that the message was taken.
                _ => bytes::Bytes::new(),
            };
            self.events.push(Event::Answered { permit, answer: Answer::Taken { remote_id } });
            return;
        }
        let class = meaning.class(status);
        match class {
            ErrorClass::Throttling | ErrorClass::QueueFull => self.metrics.throttled(Throttle::Peer, 1),
            ErrorClass::Temporary | ErrorClass::Permanent | ErrorClass::Fatal => {}
        }
        let status = meaning.reported(status).0;
        self.events.push(Event::Answered { permit, answer: Answer::Refused { class, status } });
    }

    /// At the end of a turn: what is to be seen, and what the machine noticed by itself.
    pub(super) fn note(&mut self) {
        let stats = *self.session.stats();
        let in_flight = self.session.in_flight_len();
        self.metrics.set_window_in_use(in_flight);
        self.posted.count(in_flight, stats.requests_sent, stats.requests_received);
        if stats.throttled > self.throttled {
            self.metrics.throttled(Throttle::Window, stats.throttled - self.throttled);
            self.throttled = stats.throttled;
        }
        let congestion = self.session.peer_congestion();
        if congestion != self.congestion {
            self.congestion = congestion;
            if let (Some(state), Some(mailbox)) = (congestion, &self.mailbox)
                && mailbox.up
            {
                self.events.push(Event::Congestion { session: mailbox.id, state });
            }
        }
    }

    /// Settles the session's account with the exchange: everything it was given is answered for. `batches` are
    /// those that were read and not looked at.
    pub(super) async fn settle(&mut self, batches: Vec<Vec<ToSession>>) {
        self.metrics.set_bound(false, 0);
        self.metrics.set_window_in_use(0);
        self.posted.set_phase(Phase::Closed, self.now.wall);
        let mut events = std::mem::take(&mut self.events);
        if let Some(mut mailbox) = self.mailbox.take() {
            let mut unsent = self.permits.take_waiting();
            mailbox.outbox.close();
            let mut batches = batches;
            while let Some(batch) = mailbox.outbox.recv().await {
                batches.push(batch);
            }
            for item in batches.into_iter().flatten() {
                if let ToSession::Send(released) = item {
                    unsent.push(released.permit());
                }
            }
            let unwritten = self.permits.unwritten();
            let mut in_flight = Vec::new();
            for pending in self.session.in_flight() {
                let permit = PermitId(pending.token);
                if unwritten.contains(&permit) { unsent.push(permit) } else { in_flight.push(permit) }
            }
            if !unsent.is_empty() || !in_flight.is_empty() {
                tracing::info!(
                    session = mailbox.id.0,
                    peer = ?mailbox.peer,
                    unsent = unsent.len(),
                    in_doubt = in_flight.len(),
                    "session ended with permits out"
                );
            }
            if mailbox.up {
                events.push(Event::SessionDown { session: mailbox.id, unsent, in_flight });
            } else if mailbox.was_up {
                let not_written = |permit| Event::Unsent { permit, why: Unsent::NotWritten };
                events.extend(unsent.into_iter().map(not_written));
                let silent = |permit| Event::Answered { permit, answer: Answer::Silent };
                events.extend(in_flight.into_iter().map(silent));
            }
            // When the exchange is gone, its store has all that there is to know.
            let _ = self.spine.offer(events).await;
            self.spine.close_session(mailbox.id);
        }
    }
}

/// What a peer's errors mean.
pub(super) trait Meaning {
    /// For the message and the session.
    fn class(&self, status: CommandStatus) -> ErrorClass;
    /// As the message's origin sees it.
    fn reported(&self, status: CommandStatus) -> CommandStatus;
}

/// The status of a response. A generic_nack takes nothing, whatever its status says.
fn told(status: CommandStatus, body: &Body) -> CommandStatus {
    if status.is_ok() && *body == Body::GenericNack { CommandStatus::RUNKNOWNERR } else { status }
}

/// The command that this is the response to; of a generic_nack it is not known.
fn request_of(body: &Body) -> CommandId {
    body.command().request()
}

/// Shared by all sessions of the node.
#[derive(Clone)]
pub(super) struct Ground {
    pub spine: SpineHandle,
    pub clock: Arc<dyn signalbox_core::backend::Clock>,
    pub board: Arc<super::state::Board>,
    pub watchdog: Arc<crate::watchdog::Watchdog>,
}
