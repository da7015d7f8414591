//! What a session of an account does with the ESME's requests and our receipts and messages.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use signalbox_config::value::CertificateFingerprint;
use signalbox_core::exchange::{Event as CoreEvent, MessageReply, Reply, ReplyTo, Taken};
use signalbox_core::gate::Released;
use signalbox_core::gcra::Gcra;
use signalbox_core::id::{PeerId, SessionId};
use signalbox_core::message::Body as CoreBody;
use signalbox_core::outcome::ErrorClass;
use signalbox_core::time::{Mono, Now};
use signalbox_smpp::frame::frame_len;
use signalbox_smpp::{
    BindMode, Body, CommandId, CommandStatus, Event, Header, Limits, MessageResp, Outbind, Profile, Role,
    Session, SessionConfig, State, SubmitMultiResp, Unsuccessful, Version,
};
use tokio::task::JoinHandle;

use super::super::client::timers;
use super::super::line::{Ended, Ending, Line, Meaning};
use super::super::map::{self, NotEncodable, Origin, Side};
use super::super::metrics::{self, Flow, PeerMetrics, Throttle};
use super::super::pump::Duty;
use super::super::settings::{AccountSettings, ListenerSettings};
use super::super::token::Asked;
use super::accounts::{Account, BindPlace};
use super::door::{Admitted, Door, Refused, Request};
use super::places::Place;

/// Largest PDU of a peer that is not bound: no bind is longer.
const UNBOUND_PDU: usize = 4 * 1024;

/// Octets that may wait for an account's peer to read. Above it nothing more of its requests is looked at.
const MEMBER_OUTPUT: usize = 256 * 1024;

/// The connection of a session.
#[derive(Debug)]
pub(super) struct Connection {
    pub address: IpAddr,
    pub tls: bool,
    pub certificate: Option<CertificateFingerprint>,
    pub place: Option<Place>,
    pub pace: Arc<Mutex<Gcra>>,
}

/// Where the session stands with us.
enum Stage {
    /// Not bound.
    Outside,
    /// Its bind is being judged.
    AtTheDoor(JoinHandle<Result<Admitted, Refused>>, BindMode),
    /// Bound.
    Inside(Member),
}

struct Member {
    account: Arc<Account>,
    settings: Arc<AccountSettings>,
    session: SessionId,
    _place: BindPlace,
}

/// See the [module](self).
pub(in crate::links) struct ServerDuty {
    listener: Arc<ListenerSettings>,
    door: Arc<Door>,
    connection: Connection,
    stage: Stage,
    /// What came and is no whole PDU yet; empty once bound.
    opening: BytesMut,
    /// The bind as it came: it is read again with the account's own profile.
    bind: Option<Bytes>,
}

/// The machine of a connection that may be anybody's.
pub(super) fn unbound_machine(listener: &ListenerSettings, now: Now) -> Session {
    let limits = Limits { password: 64, system_id: 64, ..Limits::default() };
    let profile = Profile { max_pdu: UNBOUND_PDU, limits, ..Profile::lenient() };
    let config = SessionConfig {
        version: Version::V5_0,
        profile,
        timers: timers(&listener.times),
        window_out: 1,
        window_in: 1,
        max_output: 16 * 1024,
        ..SessionConfig::new(Role::Smsc)
    };
    Session::new(config, now.mono.0)
}

/// The machine of a session of this account.
fn member_machine(account: &AccountSettings, listener: &ListenerSettings, now: Now) -> Session {
    let config = SessionConfig {
        version: Version::V5_0,
        profile: Profile { max_pdu: listener.max_pdu, ..account.profile.clone() },
        timers: timers(&listener.times),
        window_out: account.delivery_window as usize,
        window_in: account.window as usize,
        max_output: MEMBER_OUTPUT,
        ..SessionConfig::new(Role::Smsc)
    };
    Session::new(config, now.mono.0)
}

impl ServerDuty {
    pub(super) fn new(listener: Arc<ListenerSettings>, door: Arc<Door>, connection: Connection) -> Self {
        Self { listener, door, connection, stage: Stage::Outside, opening: BytesMut::new(), bind: None }
    }

    /// Asks the ESME to bind.
    pub(super) fn knock(&mut self, line: &mut Line, outbind: Outbind) {
        let at = line.at();
        if let Err(error) = line.session.outbind(at, outbind) {
            line.ended.get_or_insert(Ended::Connection(format!("the outbind cannot be sent: {error}")));
        }
    }

    /// Whose session it is, once that is known.
    pub(super) fn account_name(&self) -> Option<&str> {
        match &self.stage {
            Stage::Inside(member) => Some(&member.settings.name),
            Stage::Outside | Stage::AtTheDoor(..) => None,
        }
    }

    fn judged(&mut self, line: &mut Line, verdict: Result<Admitted, Refused>, mode: BindMode) {
        match verdict {
            Ok(admitted) => self.admit(line, admitted, mode),
            Err(refused) => self.turn_away(line, refused),
        }
    }

    fn turn_away(&mut self, line: &mut Line, refused: Refused) {
        self.stage = Stage::Outside;
        metrics::bind_answered(&self.listener.name, refused.why);
        tracing::debug!(
            listener = self.listener.name,
            address = %self.connection.address,
            why = refused.why,
            status = %refused.status,
            "bind refused"
        );
        let at = line.at();
        // The peer may have unbound or gone meanwhile.
        let _ = line.session.reject_bind(at, refused.status);
        // One try for each connection: a flood then costs a connection each.
        line.ended.get_or_insert(Ended::Refused(refused.status));
        line.session.close(at);
    }

    fn admit(&mut self, line: &mut Line, admitted: Admitted, mode: BindMode) {
        let Admitted { account, place } = admitted;
        let settings = account.settings();
        if !matches!(line.session.state(), State::Open | State::Outbound) || line.ending != Ending::No {
            return;
        }
        let at = line.at();
        if line.session.state() == State::Open {
            self.become_member(line, &settings);
        }
        let smsc = self.door.smsc();
        if let Err(error) = line.session.accept_bind(at, smsc.system_id.as_str()) {
            tracing::debug!(listener = self.listener.name, %error, "bind not answered");
            line.ended.get_or_insert(Ended::Refused(CommandStatus::RBINDFAIL));
            line.session.close(at);
            return;
        }
        metrics::bind_answered(&self.listener.name, "ok");
        line.metrics = PeerMetrics::of_account(&settings.name);
        if let Some(place) = &mut self.connection.place {
            place.set_bound();
        }
        let takes = mode != BindMode::Transmitter;
        let session = line.bound(PeerId::Account(settings.id), mode, takes, settings.delivery_window);
        self.stage = Stage::Inside(Member { account, settings, session, _place: place });
    }

    /// Puts a machine with the account's profile, windows and limits in the place of the one that anybody gets,
    /// and has it read the bind again.
    fn become_member(&mut self, line: &mut Line, settings: &AccountSettings) {
        let Some(bind) = self.bind.take() else { return };
        let mut machine = member_machine(settings, &self.listener, line.now);
        machine.handle_input(line.now.mono.0, &mut BytesMut::from(&bind[..]));
        // The machine gives the bind as an event, or answers it itself where the account's profile is stricter;
        // then accept_bind fails.
        while machine.poll_event().is_some() {}
        let mut before = std::mem::replace(&mut line.session, machine);
        if let (Some(unwritten), Some(output)) = (before.poll_transmit(), line.session.poll_transmit()) {
            let mut all = unwritten.split();
            all.unsplit(output.split());
            *output = all;
        }
    }

    fn request(&mut self, line: &mut Line, sequence: u32, body: Body) {
        let Stage::Inside(member) = &self.stage else { return };
        let command = body.command();
        line.metrics.request(Flow::In, command);
        let asked = Asked::new(command, sequence, line.now.mono);
        if line.ending != Ending::No {
            return refuse(line, asked, CommandStatus::RX_T_APPN);
        }
        let messages = match &body {
            Body::SubmitMulti(multi) => u32::try_from(multi.destinations.len()).unwrap_or(u32::MAX).max(1),
            _ => 1,
        };
        if !member.account.take_rate(line.now.mono, messages) {
            line.metrics.throttled(Throttle::Rate, 1);
            return refuse(line, asked, CommandStatus::RTHROTTLED);
        }
        let origin = Origin {
            reply: ReplyTo { session: member.session, token: asked.token() },
            account: member.settings.id,
            class: member.settings.class,
            default_source: member.settings.default_source.as_ref(),
            region: member.settings.region,
            short_ids: line.session.version() < Version::V3_4,
            profile: line.session.profile(),
            now: line.now.wall,
        };
        let event = match body {
            Body::SubmitSm(message) => map::from_submit_sm(message, origin).map(submitted),
            Body::DataSm(message) => map::submit_data_sm(message, origin).map(submitted),
            Body::SubmitMulti(message) => map::from_submit_multi(message, origin).map(submitted),
            Body::QuerySm(request) => map::query(&request, origin).map(asked_about),
            Body::CancelSm(request) => map::cancel(&request, origin).map(asked_about),
            Body::ReplaceSm(request) => map::replace(&request, origin).map(asked_about),
            other => Err(unsupported(other.command(), line.session.version())),
        };
        match event {
            Ok(event) => line.events.push(event),
            Err(status) => refuse(line, asked, status),
        }
    }
}

fn submitted(submit: signalbox_core::exchange::Submit) -> CoreEvent {
    CoreEvent::Submit(Box::new(submit))
}

fn asked_about(query: signalbox_core::exchange::MessageQuery) -> CoreEvent {
    CoreEvent::Message(Box::new(query))
}

/// The answer to operations that no route of ours has. Broadcasts have statuses of their own in 5.0.
fn unsupported(command: CommandId, version: Version) -> CommandStatus {
    if version < Version::V5_0 {
        return CommandStatus::RINVCMDID;
    }
    match command {
        CommandId::BROADCAST_SM => CommandStatus::RBCASTFAIL,
        CommandId::QUERY_BROADCAST_SM => CommandStatus::RBCASTQUERYFAIL,
        CommandId::CANCEL_BROADCAST_SM => CommandStatus::RBCASTCANCELFAIL,
        _ => CommandStatus::RINVCMDID,
    }
}

fn refuse(line: &mut Line, asked: Asked, status: CommandStatus) {
    line.metrics.response(Flow::In, asked.command, status, asked.waited(line.now.mono));
    let at = line.at();
    if let Err(error) = line.session.reject(at, asked.sequence, status) {
        tracing::debug!(session = ?line.id(), %error, "request not answered");
    }
}

fn answer(line: &mut Line, asked: Asked, body: &Body) {
    let ok = CommandStatus::ROK;
    line.metrics.response(Flow::In, asked.command, ok, asked.waited(line.now.mono));
    let at = line.at();
    let Err(error) = line.session.respond(at, asked.sequence, ok, body) else { return };
    tracing::warn!(session = ?line.id(), %error, "answer cannot be written as it is");
    // The message is taken, and must not be offered again: an answer without an id is better than none.
    let _ = line.session.respond(at, asked.sequence, ok, &asked.blank());
}

fn taken(asked: Asked, taken: Taken) -> Body {
    let message_id = taken.visible_id.into();
    match asked.command {
        CommandId::SUBMIT_MULTI => Body::SubmitMultiResp(SubmitMultiResp {
            message_id,
            unsuccessful: taken
                .refused
                .iter()
                .map(|(destination, refusal)| Unsuccessful {
                    destination: map::smpp_address(destination),
                    status: map::of_refusal(refusal, Side::Account),
                })
                .collect(),
            ..SubmitMultiResp::default()
        }),
        CommandId::DATA_SM => Body::DataSmResp(MessageResp { message_id, ..MessageResp::default() }),
        _ => Body::SubmitSmResp(MessageResp { message_id, ..MessageResp::default() }),
    }
}

impl Meaning for ServerDuty {
    fn class(&self, status: CommandStatus) -> ErrorClass {
        match &self.stage {
            Stage::Inside(member) => member.settings.errors.class(status),
            Stage::Outside | Stage::AtTheDoor(..) => ErrorClass::Temporary,
        }
    }

    fn reported(&self, status: CommandStatus) -> CommandStatus {
        status
    }
}

impl Duty for ServerDuty {
    fn event(&mut self, line: &mut Line, event: Event) {
        match event {
            Event::BindRequest { mode, bind } => {
                let request = Request {
                    address: self.connection.address,
                    tls: self.connection.tls,
                    certificate: self.connection.certificate,
                    mode,
                    bind,
                };
                let (door, pace) = (self.door.clone(), self.connection.pace.clone());
                // A task of its own: a peer that hangs up while its password is hashed is counted all the same.
                let judging = tokio::spawn(async move { door.admit(&request, &pace).await });
                self.stage = Stage::AtTheDoor(judging, mode);
            }
            Event::Request { sequence, body, .. } => self.request(line, sequence, body),
            other => tracing::debug!(listener = self.listener.name, event = ?other, "event of no use"),
        }
    }

    fn reply(&mut self, line: &mut Line, token: u64, reply: Reply) {
        let asked = Asked::of(token);
        match reply {
            Reply::Submitted(message) => answer(line, asked, &taken(asked, message)),
            Reply::Refused(refusal) => {
                tracing::debug!(session = ?line.id(), why = refusal.name(), "request refused");
                refuse(line, asked, map::of_refusal(&refusal, Side::Account));
            }
            Reply::Message(reply) => {
                let status = map::of_message_reply(&reply, asked.command);
                if !status.is_ok() {
                    return refuse(line, asked, status);
                }
                let body = match &reply {
                    MessageReply::State(view) => Body::QuerySmResp(map::query_resp(view)),
                    MessageReply::Cancelled(_)
                    | MessageReply::Replaced
                    | MessageReply::NotFound
                    | MessageReply::TooLate => asked.blank(),
                };
                answer(line, asked, &body);
            }
            Reply::Inbound | Reply::Command(_) => refuse(line, asked, CommandStatus::RSYSERR),
        }
    }

    fn encode(&self, line: &Line, released: &Released) -> Result<Body, NotEncodable> {
        let profile = line.session.profile();
        let as_data_sm = match &self.stage {
            Stage::Inside(member) => member.settings.deliver_as_data_sm,
            Stage::Outside | Stage::AtTheDoor(..) => false,
        };
        match released.body() {
            CoreBody::Content(content) => map::deliver(released, content, profile, as_data_sm),
            CoreBody::Receipt(receipt) => {
                Ok(map::receipt(receipt, released.source(), released.destination(), profile, as_data_sm))
            }
        }
    }

    fn poll(&mut self, line: &mut Line, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.stage {
            Stage::Outside => Poll::Pending,
            Stage::AtTheDoor(judging, mode) => {
                let mode = *mode;
                let Poll::Ready(verdict) = Pin::new(judging).poll(context) else { return Poll::Pending };
                let verdict =
                    verdict.unwrap_or(Err(Refused { status: CommandStatus::RSYSERR, why: "internal" }));
                self.judged(line, verdict, mode);
                Poll::Ready(())
            }
            Stage::Inside(member) if !member.account.is_active() && line.ending == Ending::No => {
                line.drain();
                Poll::Ready(())
            }
            Stage::Inside(_) => Poll::Pending,
        }
    }

    fn due(&self) -> Option<Mono> {
        None
    }

    fn follow(&mut self, _line: &mut Line) -> Option<Duration> {
        // Limits of an account are looked at where they count; what its sessions are made with ends them.
        None
    }

    fn start(&mut self, line: &mut Line, input: &mut BytesMut) {
        if let Stage::Inside(member) = &mut self.stage {
            if !self.opening.is_empty() {
                let mut all = std::mem::take(&mut self.opening);
                all.unsplit(input.split());
                *input = all;
            }
            member.settings = member.account.settings();
            if line.session.version() >= Version::V5_0 {
                let load = line.spine().load();
                line.session.set_congestion(Some(load));
            }
            return;
        }
        // Whole PDUs only: what follows a bind belongs to the machine that the account will have.
        self.opening.unsplit(input.split());
        let mut whole = 0;
        while let Ok(Some(length)) = frame_len(&self.opening[whole..], UNBOUND_PDU) {
            let frame = &self.opening[whole..whole + length];
            let is_bind = Header::read(frame).is_some_and(|header| {
                matches!(
                    header.command,
                    CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER
                )
            });
            if is_bind && matches!(self.stage, Stage::Outside) {
                self.bind = Some(Bytes::copy_from_slice(frame));
            }
            whole += length;
        }
        let broken = frame_len(&self.opening[whole..], UNBOUND_PDU).is_err();
        *input = if broken { self.opening.split() } else { self.opening.split_to(whole) };
    }
}
