//! What a PDU of the peer does.

use super::*;

impl Session {
    /// Handles one frame. `None`: the session has dealt with it by itself.
    pub(super) fn handle_frame(&mut self, frame: Bytes) -> Option<Event> {
        self.stats.pdus_received += 1;
        let Pdu { status, sequence, body } = match Pdu::decode(&frame, &self.profile) {
            Ok(pdu) => pdu,
            Err(error) => return self.handle_malformed(error, frame),
        };
        match body {
            Body::SubmitSm(_) | Body::DeliverSm(_) => self.handle_request(sequence, body, frame),
            Body::SubmitSmResp(_) | Body::DeliverSmResp(_) => self.handle_response(sequence, status, body),
            Body::EnquireLink => {
                self.stats.enquiries_answered += 1;
                self.write_response(sequence, CommandStatus::ROK, &Body::EnquireLinkResp);
                None
            }
            Body::EnquireLinkResp => self.handle_enquiry_answer(sequence, status, body),
            Body::BindTransmitter(bind) => self.handle_bind(sequence, BindMode::Transmitter, bind),
            Body::BindReceiver(bind) => self.handle_bind(sequence, BindMode::Receiver, bind),
            Body::BindTransceiver(bind) => self.handle_bind(sequence, BindMode::Transceiver, bind),
            Body::BindTransmitterResp(_) | Body::BindReceiverResp(_) | Body::BindTransceiverResp(_) => {
                self.handle_bind_answer(sequence, status, body)
            }
            Body::Outbind(outbind) => self.handle_outbind(outbind),
            Body::Unbind => self.handle_unbind(sequence),
            Body::UnbindResp => self.handle_unbind_answer(sequence, status, body),
            Body::AlertNotification(alert) => {
                if self.state.allows(CommandId::ALERT_NOTIFICATION, self.config.role.peer()) {
                    self.last_operation = self.now;
                    Some(Event::Alert(alert))
                } else {
                    // It has no response to refuse it with.
                    self.stats.wrong_state += 1;
                    None
                }
            }
            Body::GenericNack => self.handle_nack(sequence, status),
            Body::Unknown(_) => self.handle_unknown(sequence, status, body, frame),
            Body::SubmitMulti(_)
            | Body::DataSm(_)
            | Body::QuerySm(_)
            | Body::CancelSm(_)
            | Body::ReplaceSm(_)
            | Body::BroadcastSm(_)
            | Body::QueryBroadcastSm(_)
            | Body::CancelBroadcastSm(_)
            | Body::ParamRetrieve(_)
            | Body::QueryLastMsgs(_)
            | Body::QueryMsgDetails(_) => self.handle_request(sequence, body, frame),
            Body::SubmitMultiResp(_)
            | Body::DataSmResp(_)
            | Body::QuerySmResp(_)
            | Body::CancelSmResp
            | Body::ReplaceSmResp
            | Body::BroadcastSmResp(_)
            | Body::QueryBroadcastSmResp(_)
            | Body::CancelBroadcastSmResp
            | Body::ParamRetrieveResp(_)
            | Body::QueryLastMsgsResp(_)
            | Body::QueryMsgDetailsResp(_) => self.handle_response(sequence, status, body),
        }
    }

    #[inline]
    fn handle_request(&mut self, sequence: u32, body: Body, frame: Bytes) -> Option<Event> {
        let command = body.command();
        // While our unbind is under way the peer may still send, but after its own it may not.
        let allowed = match self.unbinding {
            Unbinding::Idle => self.state.allows(command, self.config.role.peer()),
            Unbinding::Sent { .. } => true,
            Unbinding::Received { .. } => false,
        };
        if !allowed {
            return self.refuse(command, sequence, CommandStatus::RINVBNDSTS);
        }
        self.last_operation = self.now;
        if self.incoming.is_full() {
            self.stats.throttled += 1;
            self.answer_blank(command, sequence, CommandStatus::RTHROTTLED);
            return None;
        }
        let duplicate = self.incoming.contains(sequence);
        self.stats.duplicate_sequences += u64::from(duplicate);
        self.stats.requests_received += 1;
        self.incoming.insert(Pending { sequence, command, token: 0, at: self.now });
        Some(Event::Request { sequence, body, frame, duplicate })
    }

    #[inline]
    pub(super) fn handle_response(
        &mut self,
        sequence: u32,
        status: CommandStatus,
        body: Body,
    ) -> Option<Event> {
        let command = body.command();
        self.note_congestion(&body);
        let answered = self.outgoing.remove(sequence, |pending| pending.command.response() == command);
        let Some(Pending { token, at, .. }) = answered else {
            return Some(self.unmatched(sequence, status, body));
        };
        self.stats.responses_received += 1;
        self.last_operation = self.now;
        Some(Event::Response { token, sequence, status, body, sent_at: at })
    }

    /// A response whose request is not in the window: late, or to nothing.
    fn unmatched(&mut self, sequence: u32, status: CommandStatus, body: Body) -> Event {
        let command = body.command();
        let late = self.expired.iter().position(|&(expired, request, _)| {
            expired == sequence && (request.response() == command || command == CommandId::GENERIC_NACK)
        });
        match late.and_then(|at| self.expired.remove(at)) {
            Some((_, _, token)) => {
                self.stats.late_responses += 1;
                Event::LateResponse { token, sequence, status, body }
            }
            None => {
                self.stats.unsolicited += 1;
                Event::Unsolicited { sequence, status, body }
            }
        }
    }

    fn handle_nack(&mut self, sequence: u32, status: CommandStatus) -> Option<Event> {
        if self.enquiry.is_some_and(|enquiry| enquiry.sequence == sequence) {
            // A peer that does not know enquire_link is alive all the same.
            self.enquiry = None;
            return None;
        }
        if let Binding::Sent { sequence: sent, .. } = self.binding
            && sent == sequence
        {
            self.binding = Binding::Idle;
            return Some(Event::BindRefused { status });
        }
        if let Unbinding::Sent { sequence: sent, reason, .. } = self.unbinding
            && sent == sequence
        {
            self.end(reason);
            return None;
        }
        match self.outgoing.remove(sequence, |_| true) {
            Some(Pending { token, at, .. }) => {
                self.stats.responses_received += 1;
                Some(Event::Response { token, sequence, status, body: Body::GenericNack, sent_at: at })
            }
            None => Some(self.unmatched(sequence, status, Body::GenericNack)),
        }
    }

    fn handle_unknown(
        &mut self,
        sequence: u32,
        status: CommandStatus,
        body: Body,
        frame: Bytes,
    ) -> Option<Event> {
        let command = body.command();
        if command.is_response() {
            return self.handle_response(sequence, status, body);
        }
        self.stats.unknown_commands += 1;
        if self.config.unknown_commands == UnknownCommands::Pass {
            return self.handle_request(sequence, body, frame);
        }
        self.write_response(sequence, CommandStatus::RINVCMDID, &Body::GenericNack);
        let error = DecodeError::unknown_command(command, status, sequence);
        Some(Event::Malformed { error, frame })
    }

    fn handle_malformed(&mut self, error: DecodeError, frame: Bytes) -> Option<Event> {
        self.stats.malformed += 1;
        if let Some(reply) = error.reply() {
            self.write_response(reply.sequence, reply.status, &reply.body);
            return Some(Event::Malformed { error, frame });
        }
        if !error.command.is_response() {
            return Some(Event::Malformed { error, frame });
        }
        let command = error.command;
        if let Binding::Sent { sequence, mode, .. } = self.binding
            && sequence == error.sequence
            && mode.command().response() == command
        {
            // What is wrong in the answer does not matter: its status says whether we are bound.
            let body = mode.response(BindResp::default());
            let answered = self.bind_answered(mode, error.peer_status, body);
            self.events.push_back(answered);
            return Some(Event::Malformed { error, frame });
        }
        match self.outgoing.remove(error.sequence, |pending| pending.command.response() == command) {
            Some(Pending { token, .. }) => {
                self.stats.responses_received += 1;
                self.last_operation = self.now;
                Some(Event::BadResponse { token, error })
            }
            None => Some(Event::Malformed { error, frame }),
        }
    }

    /// Answers a request that may not come now.
    pub(super) fn refuse(
        &mut self,
        command: CommandId,
        sequence: u32,
        status: CommandStatus,
    ) -> Option<Event> {
        self.stats.wrong_state += 1;
        self.answer_blank(command, sequence, status);
        None
    }

    pub(super) fn answer_blank(&mut self, command: CommandId, sequence: u32, status: CommandStatus) {
        let body = Body::blank_response(command.response()).unwrap_or(Body::GenericNack);
        self.write_response(sequence, status, &body);
    }

    /// congestion_state may come in any response (5.0 clause 4.8.4.18).
    #[inline]
    fn note_congestion(&mut self, body: &Body) {
        let tlvs = match body {
            Body::SubmitSmResp(resp)
            | Body::DeliverSmResp(resp)
            | Body::DataSmResp(resp)
            | Body::BroadcastSmResp(resp) => &resp.tlvs,
            Body::SubmitMultiResp(resp) => &resp.tlvs,
            Body::QuerySmResp(resp) => &resp.tlvs,
            Body::QueryBroadcastSmResp(resp) => &resp.tlvs,
            _ => return,
        };
        if let Some(congestion) = tlvs.congestion_state() {
            self.peer_congestion = Some(congestion);
        }
    }
}
