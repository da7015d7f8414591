//! Beginning and end of a session: bind, outbind, unbind, close.

use super::*;

impl Session {
    /// ESME: asks to bind. The answer comes as [`Event::Bound`] or [`Event::BindRefused`].
    ///
    /// # Errors
    /// [`SendError::NotAllowed`] when bound, or while another bind is not answered; [`SendError::Encode`].
    pub fn bind(&mut self, now: u64, mode: BindMode, bind: Bind) -> Result<u32, SendError> {
        let command = mode.command();
        if self.binding != Binding::Idle || !self.state.allows(command, self.config.role) {
            return Err(SendError::NotAllowed { command, state: self.state });
        }
        let sequence = self.peek_sequence();
        mode.request(bind).encode(CommandStatus::ROK, sequence, &mut self.output, &self.profile)?;
        self.now = now;
        self.take_sequence(sequence);
        self.binding = Binding::Sent { sequence, mode, at: now };
        Ok(sequence)
    }

    /// SMSC: asks the ESME to bind as receiver; it answers with a bind, or not.
    ///
    /// # Errors
    /// [`SendError::NotAllowed`] when a bind has come already; [`SendError::Encode`].
    pub fn outbind(&mut self, now: u64, outbind: Outbind) -> Result<u32, SendError> {
        let command = CommandId::OUTBIND;
        if self.binding != Binding::Idle || !self.state.allows(command, self.config.role) {
            return Err(SendError::NotAllowed { command, state: self.state });
        }
        let sequence = self.peek_sequence();
        Body::Outbind(outbind).encode(CommandStatus::ROK, sequence, &mut self.output, &self.profile)?;
        self.now = now;
        self.take_sequence(sequence);
        self.state = State::Outbound;
        Ok(sequence)
    }

    /// SMSC: accepts the bind of [`Event::BindRequest`] under our system_id. The session is bound from here
    /// on, with the lower of both versions; a peer of 3.4 or later is told ours by sc_interface_version.
    ///
    /// # Errors
    /// [`RespondError::NoRequest`] when no bind waits; [`RespondError::Encode`].
    pub fn accept_bind(&mut self, now: u64, system_id: impl Into<COctets>) -> Result<(), RespondError> {
        let Binding::Received { sequence, mode, version } = self.binding else {
            return Err(RespondError::NoRequest { sequence: 0, command: CommandId::BIND_TRANSCEIVER_RESP });
        };
        let agreed = version.min(self.config.version);
        let mut resp = BindResp { system_id: system_id.into(), ..BindResp::default() };
        // Responses to a 3.3 peer are encoded without their TLVs.
        resp.tlvs.push_u8(Tag::SC_INTERFACE_VERSION, self.config.version.interface());
        let before = std::mem::replace(&mut self.profile.version, agreed);
        if let Err(error) = self.encode_response(sequence, CommandStatus::ROK, &mode.response(resp)) {
            self.profile.version = before;
            return Err(error.into());
        }
        self.stats.responses_sent += 1;
        self.binding = Binding::Idle;
        self.enter_bound(now, mode);
        Ok(())
    }

    /// SMSC: refuses the bind of [`Event::BindRequest`]. The peer may try again until the session-init time
    /// is over; [`Session::close`] ends that.
    ///
    /// # Errors
    /// [`RespondError::NoRequest`] when no bind waits.
    pub fn reject_bind(&mut self, now: u64, status: CommandStatus) -> Result<(), RespondError> {
        let Binding::Received { sequence, mode, .. } = self.binding else {
            return Err(RespondError::NoRequest { sequence: 0, command: CommandId::BIND_TRANSCEIVER_RESP });
        };
        self.now = now;
        self.write_response(sequence, status, &mode.response(BindResp::default()));
        self.binding = Binding::Idle;
        Ok(())
    }

    /// Sends unbind; [`Event::Closed`] follows with its answer. Until then responses still come in, and
    /// requests of the peer should still be answered, but nothing can be sent.
    ///
    /// # Errors
    /// [`SendError::NotAllowed`] when not bound.
    pub fn unbind(&mut self, now: u64) -> Result<(), SendError> {
        if !self.state.is_bound() {
            return Err(SendError::NotAllowed { command: CommandId::UNBIND, state: self.state });
        }
        self.now = now;
        self.send_unbind(CloseReason::Unbound);
        Ok(())
    }

    pub(super) fn send_unbind(&mut self, reason: CloseReason) {
        let sequence = self.write_bare_request(&Body::Unbind);
        self.unbinding = Unbinding::Sent { sequence, at: self.now, reason };
        self.state = State::Unbound;
    }

    /// Writes a request without fields under a new sequence_number.
    pub(super) fn write_bare_request(&mut self, body: &Body) -> u32 {
        let sequence = self.peek_sequence();
        body.encode(CommandStatus::ROK, sequence, &mut self.output, &self.profile)
            .expect("a header has no field to refuse");
        self.take_sequence(sequence);
        sequence
    }

    /// Ends the session at once, without unbind.
    pub fn close(&mut self, now: u64) {
        self.now = now;
        self.end(CloseReason::Local);
    }

    /// The connection has ended or failed.
    pub fn connection_lost(&mut self, now: u64) {
        self.now = now;
        self.end(CloseReason::ConnectionLost);
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.input = BytesMut::new();
        self.binding = Binding::Idle;
        self.unbinding = Unbinding::Idle;
        self.enquiry = None;
        self.events.push_back(Event::Closed(reason));
    }

    fn enter_bound(&mut self, now: u64, mode: BindMode) {
        self.now = now;
        self.last_operation = now;
        self.last_received = self.last_received.max(now);
        self.state = State::bound(mode);
    }

    pub(super) fn handle_bind(&mut self, sequence: u32, mode: BindMode, bind: Bind) -> Option<Event> {
        let command = mode.command();
        if self.config.role == Role::Smsc && (self.state.is_bound() || self.binding != Binding::Idle) {
            return self.refuse(command, sequence, CommandStatus::RALYBND);
        }
        if !self.state.allows(command, self.config.role.peer()) {
            return self.refuse(command, sequence, CommandStatus::RINVBNDSTS);
        }
        self.binding = Binding::Received { sequence, mode, version: bind.version() };
        Some(Event::BindRequest { mode, bind })
    }

    pub(super) fn handle_bind_answer(
        &mut self,
        sequence: u32,
        status: CommandStatus,
        body: Body,
    ) -> Option<Event> {
        match self.binding {
            Binding::Sent { sequence: sent, mode, .. }
                if sent == sequence && mode.command().response() == body.command() =>
            {
                Some(self.bind_answered(mode, status, body))
            }
            Binding::Sent { .. } | Binding::Idle | Binding::Received { .. } => {
                self.stats.unsolicited += 1;
                Some(Event::Unsolicited { sequence, status, body })
            }
        }
    }

    pub(super) fn bind_answered(&mut self, mode: BindMode, status: CommandStatus, body: Body) -> Event {
        self.binding = Binding::Idle;
        let (Body::BindTransmitterResp(resp)
        | Body::BindReceiverResp(resp)
        | Body::BindTransceiverResp(resp)) = body
        else {
            return Event::BindRefused { status };
        };
        if !status.is_ok() {
            return Event::BindRefused { status };
        }
        let peer = resp.version().unwrap_or(self.config.version_without_tlv);
        let version = peer.min(self.config.version);
        self.profile.version = version;
        self.enter_bound(self.now, mode);
        Event::Bound { version, resp }
    }

    pub(super) fn handle_outbind(&mut self, outbind: Outbind) -> Option<Event> {
        if self.binding != Binding::Idle || !self.state.allows(CommandId::OUTBIND, self.config.role.peer()) {
            // It has no response to refuse it with.
            self.stats.wrong_state += 1;
            return None;
        }
        self.state = State::Outbound;
        Some(Event::Outbind(outbind))
    }

    pub(super) fn handle_unbind(&mut self, sequence: u32) -> Option<Event> {
        match self.unbinding {
            // Both sides unbind at once: answer, and wait for our own answer.
            Unbinding::Sent { .. } => {
                self.write_response(sequence, CommandStatus::ROK, &Body::UnbindResp);
                None
            }
            Unbinding::Received { .. } => self.refuse(CommandId::UNBIND, sequence, CommandStatus::RINVBNDSTS),
            Unbinding::Idle if !self.state.is_bound() => {
                self.refuse(CommandId::UNBIND, sequence, CommandStatus::RINVBNDSTS)
            }
            Unbinding::Idle => {
                self.state = State::Unbound;
                self.unbinding = Unbinding::Received { sequence, at: self.now };
                let pending = self.incoming.len();
                self.settle_peer_unbind();
                // Closed is queued behind, if nothing was left to answer.
                Some(Event::PeerUnbind { pending })
            }
        }
    }

    /// Answers the peer's unbind once all its requests are answered.
    pub(super) fn settle_peer_unbind(&mut self) {
        if self.incoming.is_empty() {
            self.answer_peer_unbind();
        }
    }

    pub(super) fn answer_peer_unbind(&mut self) {
        if let Unbinding::Received { sequence, .. } = self.unbinding {
            self.write_response(sequence, CommandStatus::ROK, &Body::UnbindResp);
            self.end(CloseReason::PeerUnbound);
        }
    }

    pub(super) fn handle_unbind_answer(
        &mut self,
        sequence: u32,
        status: CommandStatus,
        body: Body,
    ) -> Option<Event> {
        match self.unbinding {
            Unbinding::Sent { sequence: sent, reason, .. } if sent == sequence => {
                self.end(reason);
                None
            }
            Unbinding::Sent { .. } | Unbinding::Idle | Unbinding::Received { .. } => {
                self.stats.unsolicited += 1;
                Some(Event::Unsolicited { sequence, status, body })
            }
        }
    }
}
