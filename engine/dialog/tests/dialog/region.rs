//! The dialog server over the real exchange: one commit for both.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::backend::{Op, Random, Row, ShardMark, Table};
use signalbox_core::cdr::Cdr;
use signalbox_core::exchange::{
    Answer, Bodies, Effect as Sent, Event as Happens, Exchange, Inbound, Reply, ReplyTo, Restoring, Submit,
    SubmitChannel,
};
use signalbox_core::gate::Released;
use signalbox_core::id::{AccountId, Epoch, LinkId, PeerId, SessionId, ShardId};
use signalbox_core::message::{Body, Content, OriginClass, ReceiptRequest, TrafficClass};
use signalbox_core::outcome::ErrorClass;
use signalbox_core::policy::{AccountPolicy, DialogPolicy, PeerPolicy, Policy};
use signalbox_core::time::{Micros, Mono, Now};
use signalbox_dialog::{Dialog, Effect, Event, Ran, Region, Rows, Rules, Task, Tester};
use signalbox_routing::{Router, RuleSet};

use crate::world::{ACCOUNT, DEVICE, OTHER_ACCOUNT, SHARED, code, echo, number, rules};

const LINK: LinkId = LinkId(5);
const SESSION: SessionId = SessionId(9);

struct Numbers(u64);

impl Random for Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 8
    }
}

#[derive(Default)]
struct Disk(BTreeMap<(Table, [u8; 16], ShardId), Bytes>);

impl Bodies for Disk {
    fn row(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<Bytes> {
        self.0.get(&(table, *key, shard)).cloned()
    }
}

impl Rows for Disk {
    fn get(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<Bytes> {
        self.0.get(&(table, *key, shard)).cloned()
    }

    fn timers(&self, after: [u8; 16], upto: [u8; 16], max: usize) -> Vec<(ShardId, [u8; 16], Bytes)> {
        let timers = self
            .0
            .iter()
            .filter(|((table, key, _), _)| *table == Table::Timer && *key > after && *key <= upto);
        timers.map(|((_, key, shard), value)| (*shard, *key, value.clone())).take(max).collect()
    }
}

struct Both {
    region: Region,
    disk: Disk,
    now: Now,
    commits: usize,
    sent: Vec<Released>,
    tasks: Vec<Task>,
    replies: Vec<Reply>,
    cdrs: Vec<Cdr>,
    marks: BTreeMap<ShardId, ShardMark>,
    epoch: u64,
}

fn policy() -> Policy {
    let account = |name: &str| AccountPolicy {
        name: name.into(),
        default_validity: Duration::from_secs(3_600),
        max_validity: Duration::from_secs(86_400),
        ..AccountPolicy::default()
    };
    let addresses = [(SHARED.as_bytes().into(), 1)].into_iter().collect();
    let links = [(1, vec![LINK])].into_iter().collect();
    Policy {
        accounts: [(AccountId(ACCOUNT), account("one")), (AccountId(OTHER_ACCOUNT), account("two"))]
            .into_iter()
            .collect(),
        links: [(LINK, PeerPolicy::default())].into_iter().collect(),
        dialog: Some(DialogPolicy::new(addresses, links)),
        ..Policy::new(Router::new(RuleSet::default()))
    }
}

fn region(rules: Rules, now: Now, seed: u64) -> Region {
    let exchange = Exchange::new(Arc::new(policy()), Box::new(Numbers(seed)), now);
    Region::new(exchange, Dialog::new(Arc::new(rules)))
}

impl Both {
    fn new() -> Self {
        Self::with(rules())
    }

    fn with(rules: Rules) -> Self {
        let now = Now { wall: Micros(1_790_000_000_000_000), mono: Mono(1_000_000_000) };
        let mut both = Self {
            region: region(rules, now, 1),
            disk: Disk::default(),
            now,
            commits: 0,
            sent: Vec::new(),
            tasks: Vec::new(),
            replies: Vec::new(),
            cdrs: Vec::new(),
            marks: BTreeMap::new(),
            epoch: 0,
        };
        both.own();
        both.link_up();
        both
    }

    fn own(&mut self) {
        self.epoch += 1;
        for shard in ShardId::all() {
            let mark = self.marks.get(&shard).copied().unwrap_or_default();
            self.region.exchange.own(shard, Epoch(self.epoch), mark);
        }
    }

    fn link_up(&mut self) {
        let up = Happens::SessionUp { peer: PeerId::Link(LINK), session: SESSION, window: 10 };
        self.region.exchange.handle(self.now, up);
        self.settle();
    }

    fn settle(&mut self) {
        let Some((turn, wants)) = self.region.settle(self.now, &self.disk, false) else { return };
        if !turn.commit.is_empty() {
            self.commits += 1;
        }
        self.cdrs.extend(turn.commit.cdrs.iter().map(|cdr| Cdr::decode(cdr).unwrap()));
        self.marks.extend(turn.commit.marks);
        for op in turn.commit.ops {
            match op {
                Op::Put { shard, table, key, value } => drop(self.disk.0.insert((table, key, shard), value)),
                Op::Delete { shard, table, key } => drop(self.disk.0.remove(&(table, key, shard))),
            }
        }
        for effect in turn.effects {
            match effect {
                Sent::Send { released, .. } => self.sent.push(*released),
                Sent::Reply { reply, .. } => self.replies.push(reply),
                _ => {}
            }
        }
        for effect in wants.effects {
            if let Effect::Run(task) = effect {
                self.tasks.push(*task);
            }
        }
    }

    fn writes(&mut self, text: &str) {
        let inbound = Inbound {
            reply: ReplyTo { session: SESSION, token: 1 },
            link: LINK,
            source: number(DEVICE),
            destination: code(SHARED),
            content: Content { payload: text.as_bytes().to_vec().into(), ..Content::default() },
            reference: None,
            first_part: true,
        };
        self.region.take(self.now, Happens::Inbound(Box::new(inbound)), &self.disk);
        self.settle();
    }

    /// A peer submits what a device of its network writes.
    fn submits(&mut self, text: &str) {
        let submit = Submit {
            reply: ReplyTo { session: SESSION, token: 2 },
            account: AccountId(OTHER_ACCOUNT),
            channel: SubmitChannel::Smpp,
            origin_class: OriginClass::User,
            class: TrafficClass::Reply,
            source: number(DEVICE),
            destinations: [code(SHARED)].into_iter().collect::<smallvec::SmallVec<[Address; 1]>>(),
            parts: [Content { payload: text.as_bytes().to_vec().into(), ..Content::default() }]
                .into_iter()
                .collect(),
            not_before: None,
            expires_at: None,
            receipt: ReceiptRequest::NONE,
            idempotency: None,
            first_part: true,
            short_id: false,
            in_parts: None,
        };
        self.region.take(self.now, Happens::Submit(Box::new(submit)), &self.disk);
        self.settle();
    }

    fn ran(&mut self, task: &Task) {
        let outcome = echo(task);
        let result = Ok(Box::new(Ran { outcome, client_id: String::new(), facts: Default::default() }));
        let event = Event::Ran { whose: task.whose, run: task.run, result };
        self.region.handle(self.now, event, &self.disk);
        self.settle();
    }

    fn restart(&mut self) {
        self.epoch += 1;
        self.region = region(rules(), self.now, self.epoch + 7);
        self.tasks.clear();
        self.sent.clear();
        self.own();
        let mut restoring = Restoring::default();
        for ((table, key, shard), value) in &self.disk.0 {
            if Table::LOADED.contains(table) {
                let row = Row { shard: *shard, table: *table, key: *key, value: value.clone() };
                self.region.exchange.restore_row(&mut restoring, row);
            }
        }
        let rows = restoring.take_dialog_rows();
        self.region.exchange.restored(self.now, restoring);
        for row in rows {
            self.region.restore_row(&row);
        }
        self.region.resume(self.now, &self.disk);
        self.link_up();
        self.settle();
    }

    fn texts(&self) -> Vec<String> {
        let text = |released: &Released| match released.body() {
            Body::Content(content) => String::from_utf8_lossy(&content.payload).into_owned(),
            Body::Receipt(_) => panic!("a receipt"),
        };
        self.sent.iter().map(text).collect()
    }
}

#[test]
fn a_message_is_accepted_and_its_run_begun_in_one_commit_and_its_answer_leaves_in_the_next() {
    let mut both = Both::new();
    let before = both.commits;
    both.writes("survey");
    assert_eq!(both.commits, before + 1);
    assert!(matches!(both.replies[..], [Reply::Inbound]), "{:?}", both.replies);
    assert_eq!(both.tasks.len(), 1);
    assert!(both.disk.0.keys().all(|(table, ..)| *table != Table::Message), "nothing waits in the exchange");
    let task = both.tasks.remove(0);
    both.ran(&task);
    assert_eq!(both.commits, before + 2);
    assert_eq!(both.texts(), ["moHandler:survey"]);
    let released = &both.sent[0];
    assert_eq!((released.source(), released.destination()), (&code(SHARED), &number(DEVICE)));
}

/// Acceptance (b) of messaging.md: killed between the commit of the answer and its way to the link, exactly one
/// leaves.
#[test]
fn killed_between_the_commit_of_an_answer_and_its_way_out() {
    let mut both = Both::new();
    both.writes("survey");
    let task = both.tasks.remove(0);
    let down = Happens::SessionDown { session: SESSION, unsent: Vec::new(), in_flight: Vec::new() };
    both.region.exchange.handle(both.now, down);
    both.ran(&task);
    assert_eq!(both.texts(), Vec::<String>::new());
    both.restart();
    assert_eq!(both.texts(), ["moHandler:survey"]);
    assert!(both.tasks.is_empty(), "what is committed is not run again");
}

#[test]
fn killed_between_a_message_and_its_answer_it_is_answered_once() {
    let mut both = Both::new();
    both.writes("survey");
    let early = both.tasks.remove(0);
    both.restart();
    let late = both.tasks.remove(0);
    both.ran(&late);
    both.ran(&early);
    assert_eq!(both.texts(), ["moHandler:survey"]);
}

#[test]
fn how_a_text_ended_is_told_to_its_conversation() {
    let mut both = Both::new();
    both.writes("survey");
    let task = both.tasks.remove(0);
    both.ran(&task);
    let permit = both.sent[0].permit();
    let answer = Answer::Refused { class: signalbox_core::outcome::ErrorClass::Permanent, status: 11 };
    both.region.exchange.handle(both.now, Happens::Answered { permit, answer });
    both.settle();
    both.writes("again");
    let task = both.tasks.remove(0);
    let history: Vec<_> = task.invocation.conversation.history.iter().map(|past| past.text.clone()).collect();
    assert_eq!(history, ["survey", "again"], "what failed is no part of the conversation");
}

/// A peer's own submission to a source address is what a device of its network writes.
#[test]
fn what_a_peer_submits_to_a_source_address_is_a_message_of_a_device() {
    let mut both = Both::new();
    both.submits("survey");
    assert!(matches!(both.replies[..], [Reply::Submitted(_)]), "{:?}", both.replies);
    assert_eq!(both.tasks.len(), 1);
}

/// The same bound holds for what a peer submits: it is refused for the time being, before it is accepted.
#[test]
fn a_peer_that_submits_faster_than_its_device_is_answered_is_refused_for_the_time_being() {
    let mut both = Both::new();
    for number in 0..20 {
        both.submits(&format!("survey {number}"));
    }
    let taken = both.replies.iter().filter(|reply| matches!(reply, Reply::Submitted(_))).count();
    let refused = both.replies.iter().filter(|reply| {
        matches!(reply, Reply::Refused(refusal) if refusal.is_temporary() && refusal.name() == "device_busy")
    });
    assert_eq!((taken, refused.count()), (17, 3));
    for _ in 0..17 {
        let task = both.tasks.remove(0);
        both.ran(&task);
    }
    both.submits("survey again");
    assert!(matches!(both.replies.last(), Some(Reply::Submitted(_))), "{:?}", both.replies.last());
}

/// At the bound a message is refused for the time being, before it is accepted: nothing that was accepted is lost.
#[test]
fn a_device_that_writes_faster_than_it_is_answered_is_refused_for_the_time_being() {
    let mut both = Both::new();
    for number in 0..20 {
        both.writes(&format!("survey {number}"));
    }
    let refused = both.replies.iter().filter(|reply| {
        matches!(reply, Reply::Refused(refusal) if refusal.is_temporary() && refusal.name() == "device_busy")
    });
    assert_eq!(refused.count(), 20 - 1 - 16);
    for _ in 0..17 {
        let task = both.tasks.remove(0);
        both.ran(&task);
    }
    assert!(both.tasks.is_empty());
    both.writes("survey again");
    assert_eq!(both.tasks.len(), 1);
}

/// MQ-10: every record of a test says so, what billing reads, and the spam counters have not seen it.
#[test]
fn a_test_is_marked_in_its_records_and_no_counter_counts_it() {
    let classes = |tested: bool| {
        let mut rules = rules();
        if tested {
            let tester = Tester { account: ACCOUNT, programs: Vec::new(), until: None };
            rules.testers.add(number(DEVICE).key(), tester);
        }
        let mut both = Both::with(rules);
        // A message of two parts is one, and each part has a record of its own.
        both.writes("survey");
        let task = both.tasks.remove(0);
        both.ran(&task);
        let permit = both.sent[0].permit();
        let answer = Answer::Refused { class: ErrorClass::Permanent, status: 0x45 };
        both.region.exchange.handle(both.now, Happens::Answered { permit, answer });
        both.settle();
        let counted = both.region.exchange.counter_stats().tallies.counted;
        (both.cdrs.iter().map(|cdr| cdr.origin_class).collect::<Vec<_>>(), counted)
    };
    assert_eq!(classes(true), (vec![OriginClass::Test; 2], 0));
    assert_eq!(classes(false), (vec![OriginClass::User, OriginClass::Conversation], 2));
}
