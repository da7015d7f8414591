//! An ESME and an SMSC glued together without a socket, with a bad network between them.

use bytes::{Buf, Bytes, BytesMut};
use signalbox_smpp::frame::frame_len;
use signalbox_smpp::{
    Address, Bind, BindMode, Body, CommandStatus, Event, MessageResp, Pdu, Profile, Role, Session,
    SessionConfig, ShortMessage, State, Version,
};

pub const SECOND: u64 = 1_000_000_000;

/// splitmix64: all chance of the tests comes from a seed.
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent as usize
    }
}

/// What the network does to one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Octets per delivery, at most; 0: all at once.
    pub fragment: usize,
    /// PDUs lost, in percent.
    pub drop: u32,
    /// PDUs delivered twice, in percent.
    pub duplicate: u32,
    /// Shuffle the PDUs of each turn.
    pub reorder: bool,
}

/// One direction of the connection.
#[derive(Debug)]
pub struct Wire {
    pub faults: Faults,
    /// Everything that arrived, PDU by PDU.
    pub log: Vec<Bytes>,
    chance: Chance,
}

impl Wire {
    fn new(seed: u64) -> Wire {
        Wire { faults: Faults::default(), log: Vec::new(), chance: Chance(seed) }
    }

    /// Carries the output of one side to the other and collects the events. Returns whether there was any.
    fn carry(&mut self, from: &mut Session, to: &mut Session, now: u64, events: &mut Vec<Event>) -> bool {
        let Some(output) = from.poll_transmit() else { return false };
        let mut octets = output.split();
        let mut pdus = Vec::new();
        while let Ok(Some(length)) = frame_len(&octets, usize::MAX) {
            pdus.push(octets.split_to(length).freeze());
        }
        assert!(octets.is_empty(), "a session writes whole PDUs");
        if self.faults.reorder {
            for at in (1..pdus.len()).rev() {
                let other = self.chance.below(at + 1);
                pdus.swap(at, other);
            }
        }
        let mut stream = BytesMut::new();
        for pdu in pdus {
            if self.chance.percent(self.faults.drop) {
                continue;
            }
            let times = 1 + usize::from(self.chance.percent(self.faults.duplicate));
            for _ in 0..times {
                stream.extend_from_slice(&pdu);
                self.log.push(pdu.clone());
            }
        }
        deliver(to, stream, self.faults.fragment, now, &mut self.chance, events);
        true
    }
}

/// Hands octets to a session in pieces, polling after each.
pub fn deliver(
    to: &mut Session,
    mut stream: BytesMut,
    fragment: usize,
    now: u64,
    chance: &mut Chance,
    events: &mut Vec<Event>,
) {
    while !stream.is_empty() {
        let most = if fragment == 0 { stream.len() } else { fragment.min(stream.len()) };
        let size = if fragment > 1 { 1 + chance.below(most) } else { most };
        // As a socket would: into a buffer of its own.
        let mut piece = BytesMut::from(&stream[..size]);
        stream.advance(size);
        to.handle_input(now, &mut piece);
        assert!(piece.is_empty(), "a session takes all input");
        events.extend(std::iter::from_fn(|| to.poll_event()));
    }
}

/// Two sessions and what happened to them.
#[derive(Debug)]
pub struct Pair {
    pub esme: Session,
    pub smsc: Session,
    pub up: Wire,
    pub down: Wire,
    pub now: u64,
    pub esme_events: Vec<Event>,
    pub smsc_events: Vec<Event>,
}

impl Pair {
    pub fn new(esme: SessionConfig, smsc: SessionConfig) -> Pair {
        assert_eq!((esme.role, smsc.role), (Role::Esme, Role::Smsc));
        Pair {
            esme: Session::new(esme, 0),
            smsc: Session::new(smsc, 0),
            up: Wire::new(1),
            down: Wire::new(2),
            now: 0,
            esme_events: Vec::new(),
            smsc_events: Vec::new(),
        }
    }

    /// Two sessions with default settings, changed by `change`, and bound.
    pub fn bound(mode: BindMode, change: impl Fn(&mut SessionConfig)) -> Pair {
        let config = |role| {
            let mut config = SessionConfig::new(role);
            change(&mut config);
            config
        };
        let mut pair = Pair::new(config(Role::Esme), config(Role::Smsc));
        pair.bind(mode);
        pair
    }

    pub fn bind(&mut self, mode: BindMode) {
        let version = self.esme.version();
        self.esme.bind(self.now, mode, Bind::new("demo", "demo", version)).expect("not bound yet");
        self.run();
        assert!(matches!(self.smsc_events.pop(), Some(Event::BindRequest { .. })));
        self.smsc.accept_bind(self.now, "smsc").expect("a bind waits");
        self.run();
        assert!(matches!(self.esme_events.pop(), Some(Event::Bound { .. })));
        assert_eq!(self.esme.state(), State::bound(mode));
        assert_eq!(self.smsc.state(), State::bound(mode));
        self.up.log.clear();
        self.down.log.clear();
    }

    /// Carries everything in both directions until there is nothing to carry.
    pub fn run(&mut self) {
        loop {
            let up = self.up.carry(&mut self.esme, &mut self.smsc, self.now, &mut self.smsc_events);
            let down = self.down.carry(&mut self.smsc, &mut self.esme, self.now, &mut self.esme_events);
            self.smsc_events.extend(std::iter::from_fn(|| self.smsc.poll_event()));
            self.esme_events.extend(std::iter::from_fn(|| self.esme.poll_event()));
            if !up && !down {
                return;
            }
        }
    }

    /// Lets time pass, waking both sides whenever they ask for it.
    pub fn pass(&mut self, span: u64) {
        let end = self.now + span;
        loop {
            let due = [self.esme.poll_timeout(), self.smsc.poll_timeout()].into_iter().flatten().min();
            match due {
                Some(at) if at <= end => {
                    self.now = self.now.max(at);
                    self.esme.handle_timeout(self.now);
                    self.smsc.handle_timeout(self.now);
                    self.run();
                }
                Some(_) | None => break,
            }
        }
        self.now = end;
    }

    /// Answers every request among the SMSC's events with ESME_ROK and `id-<sequence>`.
    pub fn answer_all(&mut self) -> usize {
        let mut answered = 0;
        for event in std::mem::take(&mut self.smsc_events) {
            let Event::Request { sequence, body, .. } = event else { continue };
            let resp = match body {
                Body::SubmitSm(_) => Body::SubmitSmResp(MessageResp::new(format!("id-{sequence}"))),
                Body::DataSm(_) => Body::DataSmResp(MessageResp::new(format!("id-{sequence}"))),
                other => panic!("no answer to {other:?}"),
            };
            self.smsc.respond(self.now, sequence, CommandStatus::ROK, &resp).expect("it waits");
            answered += 1;
        }
        answered
    }

    pub fn take_esme_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.esme_events)
    }

    pub fn take_smsc_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.smsc_events)
    }
}

pub fn submit(text: &str) -> Body {
    Body::SubmitSm(message(text))
}

pub fn deliver_sm(text: &str) -> Body {
    Body::DeliverSm(message(text))
}

pub fn message(text: &str) -> ShortMessage {
    ShortMessage {
        source: Address::short_code("4242"),
        destination: Address::international("447700900123"),
        short_message: Bytes::copy_from_slice(text.as_bytes()),
        ..ShortMessage::default()
    }
}

/// One side alone, for tests that write the other side's octets by hand.
pub struct Lone {
    pub session: Session,
    pub now: u64,
}

impl Lone {
    pub fn smsc() -> Lone {
        Lone { session: Session::new(SessionConfig::new(Role::Smsc), 0), now: 0 }
    }

    /// An SMSC with a bound peer of the given version.
    pub fn bound_smsc(mode: BindMode, version: Version, config: SessionConfig) -> Lone {
        let mut lone = Lone { session: Session::new(config, 0), now: 0 };
        lone.give_pdu(&Pdu::new(1, mode.request(Bind::new("demo", "demo", version))));
        lone.session.accept_bind(0, "smsc").expect("a bind waits");
        lone.take();
        lone
    }

    /// An ESME bound to a peer whose bind response says `version`.
    pub fn bound_esme(mode: BindMode, config: SessionConfig) -> Lone {
        let mut lone = Lone { session: Session::new(config, 0), now: 0 };
        let version = lone.session.version();
        let sequence = lone.session.bind(0, mode, Bind::new("demo", "demo", version)).expect("not bound yet");
        lone.take();
        let resp = signalbox_smpp::BindResp { system_id: "smsc".into(), ..Default::default() };
        lone.give_pdu(&Pdu::new(sequence, mode.response(resp)));
        lone
    }

    /// Hands over octets and returns the events.
    pub fn give(&mut self, octets: &[u8]) -> Vec<Event> {
        let mut octets = BytesMut::from(octets);
        self.session.handle_input(self.now, &mut octets);
        self.events()
    }

    pub fn give_pdu(&mut self, pdu: &Pdu) -> Vec<Event> {
        let octets = encoded(pdu);
        self.give(&octets)
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// Lets `span` pass and returns the events.
    pub fn pass(&mut self, span: u64) -> Vec<Event> {
        let end = self.now + span;
        let mut events = Vec::new();
        while let Some(at) = self.session.poll_timeout()
            && at <= end
        {
            self.now = self.now.max(at);
            self.session.handle_timeout(self.now);
            events.extend(self.events());
        }
        self.now = end;
        events
    }

    /// What the session has written.
    pub fn take(&mut self) -> Vec<Pdu> {
        let mut pdus = Vec::new();
        if let Some(output) = self.session.poll_transmit() {
            let mut octets = output.split();
            while let Some(frame) = signalbox_smpp::split_frame(&mut octets, usize::MAX).expect("a length") {
                pdus.push(Pdu::decode(&frame, &Profile::default()).expect("a good pdu"));
            }
            assert!(octets.is_empty());
        }
        pdus
    }
}

/// A PDU as octets, for a peer of the highest version.
pub fn encoded(pdu: &Pdu) -> Bytes {
    let mut out = BytesMut::new();
    let profile = Profile { version: Version::V5_0, ..Profile::default() };
    pdu.encode(&mut out, &profile).expect("a good pdu");
    out.freeze()
}
