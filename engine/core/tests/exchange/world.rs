//! An exchange with two links, two accounts and a store that can be read back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::backend::{Op, Random, Row, ShardMark, Table};
use signalbox_core::cdr::Cdr;
use signalbox_core::exchange::{
    Answer, Bodies, Effect, Event, Exchange, Inbound, LinkReceipt, Note, Refusal, Reply, ReplyTo, Restoring,
    Submit, SubmitChannel, Taken,
};
use signalbox_core::gate::Released;
use signalbox_core::id::{AccountId, Epoch, LinkId, PeerId, PermitId, SessionId, ShardId};
use signalbox_core::message::{Content, OriginClass, ReceiptRequest, ReceiptState, TrafficClass};
use signalbox_core::policy::{AccountPolicy, PeerPolicy, Policy};
use signalbox_core::time::{Micros, Mono, Now};
use signalbox_routing::{Names, Router, RuleSet, RuleVersion};

pub const LINK: LinkId = LinkId(1);
pub const SECOND: LinkId = LinkId(2);
pub const ACCOUNT: AccountId = AccountId(1);
pub const OTHER: AccountId = AccountId(2);
pub const ESME: SessionId = SessionId(100);
pub const TO_LINK: SessionId = SessionId(200);

struct Numbers(u64);

impl Random for Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 11
    }
}

/// What a log tells after a restart.
type Replay = Box<dyn FnOnce(&mut World)>;

type Rows = BTreeMap<(Table, ShardId, [u8; 16]), Bytes>;

struct StoredBodies<'a>(&'a Rows);

impl Bodies for StoredBodies<'_> {
    fn row(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<Bytes> {
        self.0.get(&(table, shard, *key)).cloned()
    }
}

pub struct World {
    pub exchange: Exchange,
    pub now: Now,
    pub policy: Policy,
    pub rows: Rows,
    pub cdrs: Vec<Cdr>,
    pub notes: Vec<Note>,
    pub replies: Vec<(ReplyTo, Reply)>,
    pub sent: Vec<(SessionId, Released)>,
    pub closed: Vec<SessionId>,
    marks: BTreeMap<ShardId, ShardMark>,
    epoch: u64,
    token: u64,
}

pub fn address(digits: &str) -> Address {
    Address::new(1, 1, digits.as_bytes()).unwrap()
}

fn account(name: &str) -> AccountPolicy {
    AccountPolicy {
        name: name.into(),
        default_validity: Duration::from_secs(3600),
        max_validity: Duration::from_secs(86_400),
        ..AccountPolicy::default()
    }
}

pub fn policy() -> Policy {
    let mut names = Names::new();
    names.add_link("one", LINK, None).add_link("two", SECOND, None).add_account("a", ACCOUNT);
    let spec = serde_json::from_value(serde_json::json!({ "rules": [
        { "name": "refused", "when": { "destination_prefix": ["99"] }, "then": { "reject": "no" } },
        { "name": "mo", "when": { "direction": "mo", "destination": ["12345"] }, "then": { "account": "a" } },
        { "name": "mt", "when": { "direction": "mt", "destination_prefix": ["4", "1"] },
          "then": { "links": [{ "link": "one", "priority": 0 }, { "link": "two", "priority": 1 }] } },
    ]}))
    .unwrap();
    Policy {
        accounts: [(ACCOUNT, account("a")), (OTHER, account("b"))].into_iter().collect(),
        links: [(LINK, PeerPolicy::default()), (SECOND, PeerPolicy::default())].into_iter().collect(),
        ..Policy::new(Router::new(RuleSet::compile(&spec, RuleVersion(7), Arc::new(names)).unwrap()))
    }
}

impl World {
    /// Both sides up: an ESME that may receive, and a session of the first link, each with a window of 10.
    pub fn new() -> Self {
        let mut world = Self::with(policy());
        world.up(PeerId::Account(ACCOUNT), ESME, 10);
        world.up(PeerId::Link(LINK), TO_LINK, 10);
        world
    }

    pub fn with(policy: Policy) -> Self {
        let now = Now { wall: Micros(1_790_000_000_000_000), mono: Mono(1_000_000_000) };
        let exchange = Exchange::new(Arc::new(policy.clone()), Box::new(Numbers(1)), now);
        let mut world = Self {
            exchange,
            now,
            policy,
            rows: Rows::new(),
            cdrs: Vec::new(),
            notes: Vec::new(),
            replies: Vec::new(),
            sent: Vec::new(),
            closed: Vec::new(),
            marks: BTreeMap::new(),
            epoch: 0,
            token: 0,
        };
        world.own();
        world
    }

    fn own(&mut self) {
        self.epoch += 1;
        for shard in ShardId::all() {
            let mark = self.marks.get(&shard).copied().unwrap_or_default();
            self.exchange.own(shard, Epoch(self.epoch), mark);
        }
    }

    /// The process dies and starts again: what was committed is all there is.
    pub fn restart(&mut self) {
        self.start_again(None);
    }

    /// The same with a log that is replayed.
    pub fn restart_with(&mut self, replay: impl FnOnce(&mut Self) + 'static) {
        self.start_again(Some(Box::new(replay)));
    }

    fn start_again(&mut self, replay: Option<Replay>) {
        self.exchange =
            Exchange::new(Arc::new(self.policy.clone()), Box::new(Numbers(self.epoch + 9)), self.now);
        self.own();
        let mut restoring = Restoring::default();
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|((table, _, key), _)| (*table, *key));
        for ((table, shard, key), value) in rows {
            let row = Row { shard: *shard, table: *table, key: *key, value: value.clone() };
            self.exchange.restore_row(&mut restoring, row);
        }
        if replay.is_some() {
            self.exchange.replay();
        }
        self.exchange.restored(self.now, restoring);
        if let Some(replay) = replay {
            replay(self);
            self.exchange.replayed(self.now);
        }
        self.sent.clear();
        self.replies.clear();
        self.settle();
    }

    /// One turn: commit, then effects.
    pub fn settle(&mut self) {
        let turn = self.exchange.settle(self.now, &StoredBodies(&self.rows));
        for (shard, mark) in turn.commit.marks {
            let before = self.marks.insert(shard, mark);
            assert_eq!(mark.commit, before.map_or(0, |mark| mark.commit) + 1, "commits of a shard follow");
        }
        for op in turn.commit.ops {
            match op {
                Op::Put { shard, table, key, value } => {
                    self.rows.insert((table, shard, key), value);
                }
                Op::Delete { shard, table, key } => {
                    self.rows.remove(&(table, shard, key));
                }
            }
        }
        self.cdrs.extend(turn.commit.cdrs.iter().map(|cdr| Cdr::decode(cdr).unwrap()));
        self.notes.extend(turn.notes);
        for effect in turn.effects {
            match effect {
                Effect::Reply { to, reply } => self.replies.push((to, reply)),
                Effect::Send { session, released } => self.sent.push((session, *released)),
                Effect::CloseSession { session, .. } => self.closed.push(session),
                Effect::Lookup { .. } | Effect::Alarm(_) => {}
            }
        }
    }

    pub fn event(&mut self, event: Event) {
        self.exchange.handle(self.now, event);
        self.settle();
    }

    pub fn up(&mut self, peer: PeerId, session: SessionId, window: u32) {
        self.event(Event::SessionUp { peer, session, window });
    }

    pub fn down(&mut self, session: SessionId, unsent: &[PermitId], in_flight: &[PermitId]) {
        self.event(Event::SessionDown { session, unsent: unsent.to_vec(), in_flight: in_flight.to_vec() });
    }

    pub fn pass(&mut self, span: Duration) {
        self.now.mono = self.now.mono + span;
        self.now.wall = self.now.wall.after(span);
        self.settle();
    }

    fn reply_to(&mut self) -> ReplyTo {
        self.token += 1;
        ReplyTo { session: ESME, token: self.token }
    }

    pub fn message(&mut self, to: &str) -> Submit {
        Submit {
            reply: self.reply_to(),
            account: ACCOUNT,
            channel: SubmitChannel::Smpp,
            origin_class: OriginClass::User,
            class: TrafficClass::Transactional,
            source: address("12345"),
            destinations: [address(to)].into_iter().collect(),
            parts: [text("hello")].into_iter().collect(),
            not_before: None,
            expires_at: None,
            receipt: ReceiptRequest::NONE,
            idempotency: None,
            first_part: true,
            in_parts: None,
            short_id: false,
        }
    }

    pub fn submit(&mut self, submit: Submit) -> Result<Taken, Refusal> {
        let to = submit.reply;
        self.event(Event::Submit(Box::new(submit)));
        match self.replies.iter().rev().find(|(reply_to, _)| *reply_to == to) {
            Some((_, Reply::Submitted(taken))) => Ok(taken.clone()),
            Some((_, Reply::Refused(refusal))) => Err(refusal.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// Submits a message that wants a receipt, and takes it over the link under `remote_id`.
    pub fn taken(&mut self, to: &str, remote_id: &str) -> Taken {
        let submit = Submit { receipt: ReceiptRequest::FINAL, ..self.message(to) };
        let taken = self.submit(submit).unwrap();
        let permit = self.last_sent().permit();
        self.answer(permit, remote_id);
        taken
    }

    pub fn last_sent(&self) -> &Released {
        &self.sent.last().unwrap().1
    }

    pub fn answer(&mut self, permit: PermitId, remote_id: &str) {
        let remote_id = Bytes::copy_from_slice(remote_id.as_bytes());
        self.event(Event::Answered { permit, answer: Answer::Taken { remote_id } });
    }

    pub fn inbound(&mut self, from: &str, to: &str, session: SessionId) -> ReplyTo {
        let reply = ReplyTo { session, ..self.reply_to() };
        self.event(Event::Inbound(Box::new(Inbound {
            reply,
            link: LINK,
            source: address(from),
            destination: Address::new(3, 0, to.as_bytes()).unwrap(),
            content: text("yes"),
            reference: None,
            first_part: true,
        })));
        reply
    }

    pub fn receipt(&mut self, remote_id: &str, device: &str, state: ReceiptState) {
        self.receipt_of(remote_id, device, state, "");
    }

    pub fn receipt_with_text(&mut self, remote_id: &str, device: &str, text: &str) {
        self.receipt_of(remote_id, device, ReceiptState::Delivered, text);
    }

    pub fn receipt_over(&mut self, link: LinkId, remote_id: &str, device: &str, state: ReceiptState) {
        let reply = self.reply_to();
        let Event::Receipt(receipt) = link_receipt(reply, remote_id, device, state, "") else { return };
        self.event(Event::Receipt(Box::new(LinkReceipt { link, ..*receipt })));
    }

    /// A receipt whose turn is not closed.
    pub fn open_receipt(&mut self, remote_id: &str, device: &str) {
        let reply = self.reply_to();
        let receipt = link_receipt(reply, remote_id, device, ReceiptState::Delivered, "");
        self.exchange.handle(self.now, receipt);
    }

    fn receipt_of(&mut self, remote_id: &str, device: &str, state: ReceiptState, text: &str) {
        let reply = self.reply_to();
        self.event(link_receipt(reply, remote_id, device, state, text));
        assert!(
            self.replies.iter().any(|(to, answer)| *to == reply && matches!(answer, Reply::Inbound)),
            "a receipt is always answered"
        );
    }

    pub fn rows_of(&self, table: Table) -> usize {
        self.rows.keys().filter(|(of, _, _)| *of == table).count()
    }
}

fn link_receipt(reply: ReplyTo, remote_id: &str, device: &str, state: ReceiptState, text: &str) -> Event {
    Event::Receipt(Box::new(LinkReceipt {
        reply,
        link: LINK,
        remote_id: Bytes::copy_from_slice(remote_id.as_bytes()),
        device: address(device),
        state,
        error: 0,
        network_error: None,
        text: Bytes::copy_from_slice(text.as_bytes()),
    }))
}

pub fn text(text: &str) -> Content {
    Content { payload: Bytes::copy_from_slice(text.as_bytes()), ..Content::default() }
}
