//! The session: one SMPP connection, either side, without a socket and without a clock.
//!
//! The driver gives octets and the time, and takes events and octets:
//!
//! ```text
//! read  -> handle_input(now, &mut buffer)          poll_event()    -> Event, until None
//! timer -> handle_timeout(now)                     poll_transmit() -> &mut BytesMut to write from
//! calls -> send, respond, accept_bind, unbind ...  poll_timeout()  -> when to call handle_timeout
//! ```
//!
//! Events are decoded one at a time as they are polled, so an owner that stops polling holds the peer back and
//! nothing is queued. Time is a monotonic number of nanoseconds from any origin.

use crate::decode::DecodeError;
use crate::frame::{Header, frame_len, patch_sequence};
use crate::pdu::{Bind, BindMode, BindResp, Body, Outbind, Pdu};
use crate::tlv::Tag;
use crate::{COctets, CommandId, CommandStatus, Profile, Version};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

mod config;
mod event;
mod inbound;
mod lifecycle;
mod live;
mod state;
mod stats;
mod timers;
mod window;

pub use config::{Role, SECOND_NS, SessionConfig, Timers, UnknownCommands};
pub use event::{CloseReason, Event, RespondError, SendError};
pub use state::State;
pub use stats::Stats;
pub use window::Pending;
use window::Window;

/// Largest sequence_number (SMPP 3.4 clause 5.1.4); after it comes 1.
pub const MAX_SEQUENCE: u32 = 0x7fff_ffff;

/// Requests that ran out of time and are remembered for a late response, at most.
const MAX_EXPIRED: usize = 1024;

/// Where a bind stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binding {
    /// No bind is under way.
    Idle,
    /// ESME: sent, not answered.
    Sent { sequence: u32, mode: BindMode, at: u64 },
    /// SMSC: received, not answered by the owner.
    Received { sequence: u32, mode: BindMode, version: Version },
}

/// Where an unbind stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unbinding {
    /// None is under way.
    Idle,
    /// Ours, sent.
    Sent { sequence: u32, at: u64, reason: CloseReason },
    /// The peer's, to be answered.
    Received { sequence: u32, at: u64 },
}

/// An enquire_link of ours that is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Enquiry {
    sequence: u32,
    at: u64,
}

/// One session, ESME or SMSC side; see the module.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    profile: Profile,
    state: State,
    now: u64,
    input: BytesMut,
    output: BytesMut,
    events: VecDeque<Event>,
    outgoing: Window,
    incoming: Window,
    expired: VecDeque<(u32, CommandId, u64)>,
    next_sequence: u32,
    last_sequence: u32,
    binding: Binding,
    unbinding: Unbinding,
    enquiry: Option<Enquiry>,
    started: u64,
    last_received: u64,
    last_operation: u64,
    peer_congestion: Option<u8>,
    own_congestion: Option<u8>,
    stats: Stats,
}

impl Session {
    /// A session over a connection that has just been made.
    pub fn new(config: SessionConfig, now: u64) -> Self {
        let profile = Profile { version: config.version, ..config.profile.clone() };
        Session {
            profile,
            state: State::Open,
            now,
            input: BytesMut::new(),
            output: BytesMut::new(),
            events: VecDeque::new(),
            outgoing: Window::new(config.window_out),
            incoming: Window::new(config.window_in),
            expired: VecDeque::new(),
            next_sequence: config.first_sequence.clamp(1, MAX_SEQUENCE),
            // With fewer numbers than requests that wait there would be none for the next.
            last_sequence: config.last_sequence.clamp(least_last(config.window_out), MAX_SEQUENCE),
            binding: Binding::Idle,
            unbinding: Unbinding::Idle,
            enquiry: None,
            started: now,
            last_received: now,
            last_operation: now,
            peer_congestion: None,
            own_congestion: None,
            stats: Stats::default(),
            config,
        }
    }

    /// Which side this is.
    pub fn role(&self) -> Role {
        self.config.role
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The version agreed with the peer once bound, ours before.
    pub fn version(&self) -> Version {
        self.profile.version
    }

    /// The peer's profile with the version agreed.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What was counted so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Requests of ours that wait for a response, oldest first. After [`Event::Closed`]: those whose fate is
    /// not known.
    pub fn in_flight(&self) -> impl Iterator<Item = &Pending> {
        self.outgoing.iter()
    }

    /// How many requests of ours wait for a response.
    pub fn in_flight_len(&self) -> usize {
        self.outgoing.len()
    }

    /// How many more requests the window takes.
    pub fn credit(&self) -> usize {
        // A window that was made smaller may hold more than it takes.
        self.outgoing.limit().saturating_sub(self.outgoing.len())
    }

    /// How many requests of the peer wait for our response.
    pub fn unanswered_len(&self) -> usize {
        self.incoming.len()
    }

    /// congestion_state the peer reported last, 0 to 99 (5.0).
    pub fn peer_congestion(&self) -> Option<u8> {
        self.peer_congestion
    }

    /// Reports congestion, 0 to 99, in responses to a peer of version 5.0; `None` reports nothing.
    pub fn set_congestion(&mut self, congestion: Option<u8>) {
        self.own_congestion = congestion.map(|value| value.min(99));
    }

    /// Whether the driver should read. `false` while the peer does not read our answers, or the owner does
    /// not poll the events of what was read before.
    pub fn wants_input(&self) -> bool {
        self.state != State::Closed && !self.output_full() && self.input.len() < self.profile.max_pdu
    }

    /// Takes what was read. Poll events afterwards. Octets after the end of the session are dropped.
    pub fn handle_input(&mut self, now: u64, octets: &mut BytesMut) {
        self.now = now;
        if self.state == State::Closed {
            octets.clear();
            return;
        }
        if octets.is_empty() {
            return;
        }
        self.last_received = now;
        if self.input.is_empty() {
            self.input = octets.split();
        } else {
            self.input.unsplit(octets.split());
        }
    }

    /// The next event, or `None` when there is nothing more until the next input, timeout or write.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.state == State::Closed || self.output_full() {
                return None;
            }
            match frame_len(&self.input, self.profile.max_pdu) {
                Ok(None) => {
                    if self.input.is_empty() {
                        // An empty part of the driver's buffer would keep it from using that memory again.
                        self.input = BytesMut::new();
                    }
                    return None;
                }
                Ok(Some(length)) => {
                    let frame = self.input.split_to(length).freeze();
                    if let Some(event) = self.handle_frame(frame) {
                        return Some(event);
                    }
                }
                Err(error) => {
                    // Nothing after this can be understood.
                    let nack = Body::GenericNack;
                    self.write_response(error.sequence(), CommandStatus::RINVCMDLEN, &nack);
                    self.end(CloseReason::Frame(error));
                }
            }
        }
    }

    /// The output to write, if there is any. The driver removes what it has written from the front
    /// (`advance`, `split_to`, or `write_buf`).
    pub fn poll_transmit(&mut self) -> Option<&mut BytesMut> {
        if self.output.is_empty() { None } else { Some(&mut self.output) }
    }

    /// Sends a request under the window; its response comes as an event with `token`. Commands without a
    /// response (alert_notification) go out beside the window. Binds, unbind, outbind and enquire_link have
    /// their own calls.
    ///
    /// Returns the sequence_number given to it.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    #[inline]
    pub fn send(&mut self, now: u64, body: &Body, token: u64) -> Result<u32, SendError> {
        let command = body.command();
        self.check_send(command)?;
        let sequence = self.peek_sequence();
        body.encode(CommandStatus::ROK, sequence, &mut self.output, &self.profile)?;
        self.sent_request(now, command, sequence, token);
        Ok(sequence)
    }

    /// As [`Session::send`] for a request that is encoded already, such as one received from another peer: its
    /// sequence_number is replaced, all else goes out as it is.
    ///
    /// # Errors
    /// [`SendError`]; [`SendError::NotAllowed`] also when `frame` is no whole request.
    pub fn send_frame(&mut self, now: u64, frame: &[u8], token: u64) -> Result<u32, SendError> {
        let whole = Header::read(frame).filter(|header| header.length as usize == frame.len());
        let Some(Header { command, .. }) = whole else {
            return Err(SendError::NotAllowed { command: CommandId(0), state: self.state });
        };
        self.check_send(command)?;
        let sequence = self.peek_sequence();
        let start = self.output.len();
        self.output.extend_from_slice(frame);
        patch_sequence(&mut self.output[start..], sequence);
        self.sent_request(now, command, sequence, token);
        Ok(sequence)
    }

    fn check_send(&self, command: CommandId) -> Result<(), SendError> {
        let own_call = matches!(
            command,
            CommandId::BIND_RECEIVER
                | CommandId::BIND_TRANSMITTER
                | CommandId::BIND_TRANSCEIVER
                | CommandId::OUTBIND
                | CommandId::UNBIND
                | CommandId::ENQUIRE_LINK
        );
        if own_call || command.is_response() || !self.state.allows(command, self.config.role) {
            return Err(SendError::NotAllowed { command, state: self.state });
        }
        if self.outgoing.is_full() && command != CommandId::ALERT_NOTIFICATION {
            return Err(SendError::WindowFull { limit: self.outgoing.limit() });
        }
        if self.output_full() {
            return Err(SendError::OutputFull { waiting: self.output.len() });
        }
        Ok(())
    }

    fn sent_request(&mut self, now: u64, command: CommandId, sequence: u32, token: u64) {
        self.now = now;
        self.last_operation = now;
        self.take_sequence(sequence);
        self.stats.requests_sent += 1;
        if command != CommandId::ALERT_NOTIFICATION {
            self.outgoing.insert(Pending { sequence, command, token, at: now });
        }
    }

    /// Answers a request of the peer.
    ///
    /// # Errors
    /// [`RespondError`]; the request still waits then.
    #[inline]
    pub fn respond(
        &mut self,
        now: u64,
        sequence: u32,
        status: CommandStatus,
        body: &Body,
    ) -> Result<(), RespondError> {
        let command = body.command();
        let fits =
            |pending: &Pending| pending.command.response() == command || command == CommandId::GENERIC_NACK;
        if self.state == State::Closed || self.incoming.get(sequence, fits).is_none() {
            return Err(RespondError::NoRequest { sequence, command });
        }
        self.encode_response(sequence, status, body)?;
        self.now = now;
        self.last_operation = now;
        self.incoming.remove(sequence, fits);
        self.stats.responses_sent += 1;
        self.settle_peer_unbind();
        Ok(())
    }

    /// Answers a request of the peer with an error status, whatever the request was.
    ///
    /// # Errors
    /// [`RespondError::NoRequest`].
    pub fn reject(&mut self, now: u64, sequence: u32, status: CommandStatus) -> Result<(), RespondError> {
        let command = match self.incoming.get(sequence, |_| true) {
            Some(pending) => pending.command.response(),
            None => return Err(RespondError::NoRequest { sequence, command: CommandId::GENERIC_NACK }),
        };
        let body = Body::blank_response(command).unwrap_or(Body::GenericNack);
        self.respond(now, sequence, status, &body)
    }

    fn output_full(&self) -> bool {
        self.output.len() >= self.config.max_output
    }

    /// The next sequence_number that no request in the window has.
    #[inline]
    fn peek_sequence(&self) -> u32 {
        let mut sequence = self.next_sequence;
        while self.outgoing.contains(sequence) {
            sequence = self.following(sequence);
        }
        sequence
    }

    fn take_sequence(&mut self, sequence: u32) {
        self.next_sequence = self.following(sequence);
    }

    const fn following(&self, sequence: u32) -> u32 {
        if sequence >= self.last_sequence { 1 } else { sequence + 1 }
    }

    fn encode_response(
        &mut self,
        sequence: u32,
        status: CommandStatus,
        body: &Body,
    ) -> Result<(), crate::EncodeError> {
        let start = self.output.len();
        body.encode(status, sequence, &mut self.output, &self.profile)?;
        if let Some(congestion) = self.own_congestion
            && self.profile.version >= Version::V5_0
        {
            append_congestion(&mut self.output, start, congestion);
        }
        Ok(())
    }

    /// Writes an answer of the session's own, which always can be encoded.
    fn write_response(&mut self, sequence: u32, status: CommandStatus, body: &Body) {
        self.encode_response(sequence, status, body).expect("a blank response has no field to refuse");
        self.stats.responses_sent += 1;
    }
}

/// The smallest last sequence_number for a window.
fn least_last(window: usize) -> u32 {
    u32::try_from(window.saturating_mul(2)).unwrap_or(MAX_SEQUENCE).clamp(2, MAX_SEQUENCE)
}

/// Appends congestion_state to the response at `start`, unless it has no body.
fn append_congestion(output: &mut BytesMut, start: usize, congestion: u8) {
    let length = output.len() - start;
    if length <= crate::frame::HEADER_LEN {
        return;
    }
    let [high, low] = Tag::CONGESTION_STATE.0.to_be_bytes();
    output.extend_from_slice(&[high, low, 0, 1, congestion]);
    let length = (length + 5) as u32;
    output[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests;
