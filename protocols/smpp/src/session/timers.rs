//! The four timers of SMPP 3.4 clause 7.2.

use super::*;

impl Session {
    /// When [`Session::handle_timeout`] must be called next, on the clock of `now`; `None`: nothing is due.
    pub fn poll_timeout(&self) -> Option<u64> {
        if self.state == State::Closed {
            return None;
        }
        let timers = &self.config.timers;
        let after = |at: u64, wait: Option<u64>| wait.map(|wait| at.saturating_add(wait));
        let bound = self.state.is_bound();
        let init = if bound || self.state == State::Unbound {
            None
        } else {
            after(self.started, timers.session_init)
        };
        let bind = match self.binding {
            Binding::Sent { at, .. } => after(at, timers.response),
            Binding::Idle | Binding::Received { .. } => None,
        };
        let unbind = match self.unbinding {
            Unbinding::Sent { at, .. } | Unbinding::Received { at, .. } => after(at, timers.response),
            Unbinding::Idle => None,
        };
        let enquiry = match self.enquiry {
            Some(Enquiry { at, .. }) => after(at, timers.response),
            None if bound => after(self.last_received, timers.enquire_link),
            None => None,
        };
        let inactivity = if bound { after(self.last_operation, timers.inactivity) } else { None };
        let response = self.outgoing.oldest().and_then(|oldest| after(oldest.at, timers.response));
        [init, bind, unbind, enquiry, inactivity, response].into_iter().flatten().min()
    }

    /// Does what is due at `now`. Poll events and output afterwards. Octets that have arrived must be handed
    /// over and their events polled before, so that an answer that is there is not called missing.
    pub fn handle_timeout(&mut self, now: u64) {
        self.now = now;
        if self.state == State::Closed {
            return;
        }
        let timers = self.config.timers;
        let due = |at: u64, wait: Option<u64>| wait.is_some_and(|wait| at.saturating_add(wait) <= now);
        self.expire_requests(timers.response);
        if !self.state.is_bound() && self.state != State::Unbound && due(self.started, timers.session_init) {
            return self.end(CloseReason::SessionInitTimeout);
        }
        if let Binding::Sent { at, .. } = self.binding
            && due(at, timers.response)
        {
            return self.end(CloseReason::BindTimeout);
        }
        match self.unbinding {
            Unbinding::Sent { at, .. } if due(at, timers.response) => {
                return self.end(CloseReason::UnbindTimeout);
            }
            Unbinding::Received { at, .. } if due(at, timers.response) => return self.answer_peer_unbind(),
            Unbinding::Sent { .. } | Unbinding::Received { .. } | Unbinding::Idle => {}
        }
        if let Some(Enquiry { at, .. }) = self.enquiry
            && due(at, timers.response)
        {
            if self.last_received <= at {
                return self.end(CloseReason::EnquireLinkTimeout);
            }
            self.stats.enquiries_unanswered += 1;
            self.enquiry = None;
        }
        if !self.state.is_bound() {
            return;
        }
        if due(self.last_operation, timers.inactivity) {
            return self.send_unbind(CloseReason::Inactivity);
        }
        if self.enquiry.is_none() && due(self.last_received, timers.enquire_link) {
            self.enquire(now);
        }
    }

    /// Sends enquire_link now, unless one is not answered yet. The session does so by itself after the
    /// enquire-link time.
    pub fn enquire(&mut self, now: u64) {
        if self.enquiry.is_some() || !self.state.is_bound() {
            return;
        }
        self.now = now;
        let sequence = self.write_bare_request(&Body::EnquireLink);
        self.stats.enquiries_sent += 1;
        self.enquiry = Some(Enquiry { sequence, at: now });
    }

    fn expire_requests(&mut self, wait: Option<u64>) {
        let Some(wait) = wait else { return };
        let now = self.now;
        let remembered = self.outgoing.limit().min(MAX_EXPIRED);
        while let Some(late) = self.outgoing.pop_oldest_if(|oldest| oldest.at.saturating_add(wait) <= now) {
            let Pending { sequence, command, token, .. } = late;
            self.stats.timeouts += 1;
            if self.expired.len() >= remembered {
                self.expired.pop_front();
            }
            self.expired.push_back((sequence, command, token));
            self.events.push_back(Event::Timeout { token, sequence, command });
        }
    }

    pub(super) fn handle_enquiry_answer(
        &mut self,
        sequence: u32,
        status: CommandStatus,
        body: Body,
    ) -> Option<Event> {
        if self.enquiry.is_some_and(|enquiry| enquiry.sequence == sequence) {
            self.enquiry = None;
            return None;
        }
        self.stats.unsolicited += 1;
        Some(Event::Unsolicited { sequence, status, body })
    }
}
