//! What a session of a link does with the SMSC's requests and our messages.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use signalbox_core::exchange::{Reply, ReplyTo};
use signalbox_core::gate::Released;
use signalbox_core::id::PeerId;
use signalbox_core::message::Body as CoreBody;
use signalbox_core::outcome::ErrorClass;
use signalbox_core::time::Mono;
use signalbox_smpp::{BindMode, Body, CommandId, CommandStatus, Event, Outbind};

use super::super::line::{Ended, Line, Meaning};
use super::super::map::{self, Arrival, NotEncodable, Side};
use super::super::metrics::Flow;
use super::super::pump::Duty;
use super::super::settings::{LinkSettings, Tuning};
use super::super::token::Asked;

/// See the [module](self).
pub(in crate::links) struct ClientDuty {
    link: Arc<LinkSettings>,
    mode: BindMode,
    bound_since: Option<Mono>,
    /// What the session follows now.
    tuning: Arc<Tuning>,
}

impl ClientDuty {
    pub(super) fn new(link: Arc<LinkSettings>) -> Self {
        Self { mode: link.mode, tuning: link.tuning(), link, bound_since: None }
    }

    /// Asks the SMSC to bind.
    pub(super) fn bind(&mut self, line: &mut Line) {
        let at = line.at();
        if let Err(error) = line.session.bind(at, self.mode, super::bind(&self.link)) {
            // The settings do not fit the protocol, such as a password that is too long for the profile.
            line.ended.get_or_insert(Ended::Connection(format!("the bind cannot be sent: {error}")));
        }
    }

    /// When the session was bound.
    pub(super) fn bound_since(&self) -> Option<Mono> {
        self.bound_since
    }

    /// An SMSC has knocked: if it is the one that is expected, we bind as receiver (SMPP 3.4 cl. 2.2.1).
    fn knocked(&mut self, line: &mut Line, knock: &Outbind) {
        let expected = self.link.outbind.as_ref().is_some_and(|expected| {
            let password = expected.password.0.as_bytes();
            knock.system_id == expected.system_id.as_str() && same(&knock.password, password)
        });
        if !expected {
            tracing::warn!(link = self.link.name, system_id = %knock.system_id, "outbind of a stranger");
            line.ended.get_or_insert(Ended::Refused(CommandStatus::RBINDFAIL));
            let at = line.at();
            line.session.close(at);
            return;
        }
        self.mode = match self.link.mode {
            BindMode::Transceiver => BindMode::Transceiver,
            BindMode::Transmitter | BindMode::Receiver => BindMode::Receiver,
        };
        self.bind(line);
    }

    fn request(&mut self, line: &mut Line, sequence: u32, body: Body) {
        let command = body.command();
        line.metrics.request(Flow::In, command);
        let Some(session) = line.id() else { return };
        if line.is_ending() {
            self.refuse(line, Asked::new(command, sequence, line.now.mono), CommandStatus::RX_T_APPN);
            return;
        }
        let asked = Asked::new(command, sequence, line.now.mono);
        let rules = self.link.rules.now();
        let arrival = Arrival {
            reply: ReplyTo { session, token: asked.token() },
            link: self.link.id,
            rules: &rules,
            profile: line.session.profile(),
        };
        let event = match body {
            Body::DeliverSm(message) => map::from_deliver_sm(message, arrival),
            Body::DataSm(message) => map::from_data_sm(message, arrival),
            // The machine lets an SMSC ask nothing else.
            _ => Err(CommandStatus::RINVCMDID),
        };
        drop(rules);
        match event {
            Ok(event) => line.events.push(event),
            Err(status) => self.refuse(line, asked, status),
        }
    }

    fn refuse(&mut self, line: &mut Line, asked: Asked, status: CommandStatus) {
        let status = self.link.rules.now().status_out.apply(status);
        line.metrics.response(Flow::In, asked.command, status, asked.waited(line.now.mono));
        let at = line.at();
        if let Err(error) = line.session.reject(at, asked.sequence, status) {
            tracing::debug!(link = self.link.name, %error, "request not answered");
        }
    }
}

/// Compares without telling by its time where the difference is.
fn same(given: &[u8], expected: &[u8]) -> bool {
    given.len() == expected.len() && given.iter().zip(expected).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

impl Meaning for ClientDuty {
    fn class(&self, status: CommandStatus) -> ErrorClass {
        self.link.rules.now().errors.class(status)
    }

    fn reported(&self, status: CommandStatus) -> CommandStatus {
        self.link.rules.now().status_in.apply(status)
    }
}

impl Duty for ClientDuty {
    fn event(&mut self, line: &mut Line, event: Event) {
        match event {
            Event::Bound { .. } => {
                self.bound_since = Some(line.now.mono);
                let takes = self.mode != BindMode::Receiver;
                line.bound(PeerId::Link(self.link.id), self.mode, takes, self.tuning.window);
            }
            Event::BindRefused { status } => {
                line.ended.get_or_insert(Ended::BindRefused(status));
                let at = line.at();
                line.session.close(at);
            }
            Event::Request { sequence, body, .. } => self.request(line, sequence, body),
            Event::Alert(alert) => {
                line.metrics.request(Flow::In, CommandId::ALERT_NOTIFICATION);
                if let Ok(device) = map::core_address(&alert.source, CommandStatus::RINVSRCADR) {
                    tracing::debug!(
                        link = self.link.name,
                        device = crate::privacy::shown(&device),
                        "device is available"
                    );
                }
            }
            Event::Outbind(knock) => self.knocked(line, &knock),
            other => tracing::debug!(link = self.link.name, event = ?other, "event of no use"),
        }
    }

    fn reply(&mut self, line: &mut Line, token: u64, reply: Reply) {
        let asked = Asked::of(token);
        match reply {
            Reply::Inbound => {
                let ok = CommandStatus::ROK;
                line.metrics.response(Flow::In, asked.command, ok, asked.waited(line.now.mono));
                let at = line.at();
                // deliver_sm_resp has an empty message_id (SMPP 3.4 cl. 4.6.2).
                if let Err(error) = line.session.respond(at, asked.sequence, ok, &asked.blank()) {
                    tracing::debug!(link = self.link.name, %error, "request not answered");
                }
            }
            Reply::Refused(refusal) => {
                tracing::debug!(link = self.link.name, why = refusal.name(), "request refused");
                self.refuse(line, asked, map::of_refusal(&refusal, Side::Link));
            }
            Reply::Submitted(_) | Reply::Message(_) | Reply::Command(_) => {
                self.refuse(line, asked, CommandStatus::RX_T_APPN);
            }
        }
    }

    fn encode(&self, line: &Line, released: &Released) -> Result<Body, NotEncodable> {
        let profile = line.session.profile();
        match released.body() {
            CoreBody::Content(content) => {
                map::submit_to_link(released, content, &self.link.rules.now(), profile, line.now.wall)
            }
            // A receipt that goes to a link is one that we pass on as the SMSC of another.
            CoreBody::Receipt(receipt) => {
                Ok(map::receipt(receipt, released.source(), released.destination(), profile, true))
            }
        }
    }

    fn poll(&mut self, _line: &mut Line, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    fn due(&self) -> Option<Mono> {
        None
    }

    fn start(&mut self, _line: &mut Line, _input: &mut BytesMut) {}

    fn follow(&mut self, line: &mut Line) -> Option<Duration> {
        let tuning = self.link.retuned(&self.tuning)?;
        if tuning == self.tuning {
            self.tuning = tuning;
            return None;
        }
        line.session.set_timers(super::timers(&tuning.times));
        line.session.set_profile(&tuning.profile);
        line.drain_limit = tuning.times.response;
        line.set_windows(tuning.window, tuning.inbound_window);
        tracing::info!(link = self.link.name, session = ?line.id(), "the session follows its settings");
        self.tuning = tuning;
        Some(self.tuning.times.write)
    }
}
