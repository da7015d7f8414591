//! The other side of the spine: takes events, answers as told, hands out messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use signalbox::links::Links;
use signalbox::links::settings::{AccountSettings, LinkSettings, LinksSettings, ListenerSettings};
use signalbox::spine::{Register, SpineHandle, ToSession};
use signalbox::supervisor::Intensity;
use signalbox_config::value::PasswordHash;
use signalbox_core::address::Address;
use signalbox_core::backend::Clock;
use signalbox_core::exchange::{Answer, Event, Reply, ReplyTo, Taken, Unsent};
use signalbox_core::gate::{Attempt, Case, ConsentVerdict, ContractVerdict, CounterVerdict, Gate, Released};
use signalbox_core::id::{AccountId, LinkId, MessageId, PeerId, PermitId, SessionId, ShardId};
use signalbox_core::message::{
    Body, Content, Direction, OriginClass, ReceiptContent, ReceiptRequest, ReceiptState, TrafficClass,
};
use signalbox_core::time::{Micros, Mono, Now};
use tokio::sync::mpsc;

/// Longer than anything here takes, short enough that a broken test ends.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The machine's clocks; the monotonic one can be put forward.
pub struct TestClock {
    origin: Instant,
    ahead: AtomicU64,
}

impl TestClock {
    pub fn put_forward(&self, span: Duration) {
        self.ahead.fetch_add(u64::try_from(span.as_nanos()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Now {
            wall: Micros(i64::try_from(wall.as_micros()).unwrap()),
            mono: Mono(
                u64::try_from(self.origin.elapsed().as_nanos()).unwrap() + self.ahead.load(Ordering::SeqCst),
            ),
        }
    }
}

/// What the exchange says to requests.
type Answers = Arc<Mutex<Box<dyn FnMut(&Event) -> Option<Reply> + Send>>>;

/// A fake exchange with links before it.
pub struct Exchange {
    pub links: Links,
    pub clock: Arc<TestClock>,
    register: Arc<Register>,
    events: mpsc::UnboundedReceiver<Event>,
    seen: VecDeque<Event>,
    answers: Answers,
    permits: AtomicU64,
    spine: SpineHandle,
    /// Held while the exchange does nothing.
    at_work: Arc<tokio::sync::Mutex<()>>,
}

/// Batches that wait for the exchange at most.
const QUEUE: usize = 64;

/// Whom an event asks an answer for.
fn asked(event: &Event) -> Option<ReplyTo> {
    match event {
        Event::Submit(submit) => Some(submit.reply),
        Event::Inbound(inbound) => Some(inbound.reply),
        Event::Receipt(receipt) => Some(receipt.reply),
        Event::Message(query) => Some(query.reply),
        Event::Command { reply, .. } => Some(*reply),
        _ => None,
    }
}

/// Takes everything; ids count up from 1.
pub fn takes_all() -> impl FnMut(&Event) -> Option<Reply> + Send {
    let mut next = 0_u64;
    move |event| match event {
        Event::Submit(_) => {
            next += 1;
            Some(Reply::Submitted(taken(next)))
        }
        Event::Inbound(_) | Event::Receipt(_) => Some(Reply::Inbound),
        _ => None,
    }
}

/// The answer to a submission that was taken under this number.
pub fn taken(number: u64) -> Taken {
    let id = MessageId::new(Micros(1), ShardId::of(b"1"), number);
    Taken { id, visible_id: format!("{number:08X}"), refused: smallvec::SmallVec::new() }
}

impl Exchange {
    pub async fn open(settings: LinksSettings) -> Self {
        let clock = Arc::new(TestClock { origin: Instant::now(), ahead: AtomicU64::new(0) });
        let (spine, mut queue, register) = SpineHandle::new(QUEUE);
        let answers: Answers = Arc::new(Mutex::new(Box::new(takes_all())));
        let (sender, events) = mpsc::unbounded_channel();
        let (says, to) = (answers.clone(), register.clone());
        let at_work = Arc::new(tokio::sync::Mutex::new(()));
        let working = at_work.clone();
        tokio::spawn(async move {
            while let Some(batch) = queue.recv().await {
                let _working = working.lock().await;
                for event in batch {
                    if let Some(reply_to) = asked(&event)
                        && let Some(reply) = says.lock()(&event)
                    {
                        let _ = to.deliver(
                            reply_to.session,
                            vec![ToSession::Reply { token: reply_to.token, reply }],
                        );
                    }
                    let _ = sender.send(event);
                }
            }
        });
        let links = Links::open(spine.clone(), settings, clock.clone()).await.unwrap();
        links.listens().await.unwrap();
        let (seen, permits) = (VecDeque::new(), AtomicU64::new(0));
        Self { links, clock, register, events, seen, answers, permits, spine, at_work }
    }

    /// Stops the exchange until the guard is dropped, and fills its queue, so that who offers has to wait.
    pub async fn stop(&self) -> tokio::sync::OwnedMutexGuard<()> {
        let stopped = self.at_work.clone().lock_owned().await;
        // One batch more than the queue holds: the first is taken out, and then waits.
        for _ in 0..=QUEUE {
            self.spine.offer(vec![Event::Draining(false)]).await.unwrap();
        }
        stopped
    }

    /// Answers requests so from now on.
    pub fn answer(&self, answers: impl FnMut(&Event) -> Option<Reply> + Send + 'static) {
        *self.answers.lock() = Box::new(answers);
    }

    pub fn reply(&self, to: ReplyTo, reply: Reply) {
        let _ = self.register.deliver(to.session, vec![ToSession::Reply { token: to.token, reply }]);
    }

    pub fn close(&self, session: SessionId, status: u32) {
        let _ = self.register.deliver(session, vec![ToSession::Close { status }]);
    }

    /// The first event, seen or to come, that `wanted` makes something of; it is taken out.
    pub async fn event<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        for (index, event) in self.seen.iter().enumerate() {
            if let Some(found) = wanted(event) {
                self.seen.remove(index);
                return found;
            }
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let event = tokio::time::timeout_at(deadline, self.events.recv()).await;
            let Ok(Some(event)) = event else { panic!("no {what}; seen: {:#?}", self.seen) };
            if let Some(found) = wanted(&event) {
                return found;
            }
            self.seen.push_back(event);
        }
    }

    /// The next session that takes messages.
    pub async fn up(&mut self) -> (PeerId, SessionId, u32) {
        self.event("session up", |event| match event {
            Event::SessionUp { peer, session, window } => Some((*peer, *session, *window)),
            _ => None,
        })
        .await
    }

    /// The end of a session: its permits that were not sent, and those in doubt.
    pub async fn down(&mut self, of: SessionId) -> (Vec<PermitId>, Vec<PermitId>) {
        self.event("session down", |event| match event {
            Event::SessionDown { session, unsent, in_flight } if *session == of => {
                Some((unsent.clone(), in_flight.clone()))
            }
            _ => None,
        })
        .await
    }

    /// What a peer said to an attempt.
    pub async fn answered(&mut self, of: PermitId) -> Answer {
        self.event("answer", |event| match event {
            Event::Answered { permit, answer } if *permit == of => Some(answer.clone()),
            _ => None,
        })
        .await
    }

    /// Why an attempt was not written.
    pub async fn unsent(&mut self, of: PermitId) -> Unsent {
        self.event("unsent", |event| match event {
            Event::Unsent { permit, why } if *permit == of => Some(*why),
            _ => None,
        })
        .await
    }

    /// Events that nobody has asked for yet.
    pub fn rest(&mut self) -> Vec<Event> {
        while let Ok(event) = self.events.try_recv() {
            self.seen.push_back(event);
        }
        self.seen.drain(..).collect()
    }

    /// Hands a message with a text to a session.
    pub fn send_text(&self, session: SessionId, peer: PeerId, text: &str) -> PermitId {
        let content = Content { payload: Bytes::copy_from_slice(text.as_bytes()), ..Content::default() };
        self.send(session, peer, Body::Content(content), Duration::from_secs(60))
    }

    /// Hands a receipt to a session.
    pub fn send_receipt(&self, session: SessionId, peer: PeerId, message_id: &str) -> PermitId {
        let receipt = ReceiptContent {
            message_id: message_id.to_owned(),
            message: MessageId::new(Micros(1), ShardId::of(b"1"), 1),
            state: ReceiptState::Delivered,
            submitted_at: Micros(1_767_225_600_000_000),
            done_at: Micros(1_767_225_660_000_000),
            error: 0,
            network_error: None,
            text: Bytes::new(),
        };
        self.send(session, peer, Body::Receipt(receipt), Duration::from_secs(60))
    }

    /// Hands a message to a session, with a permit for so long.
    pub fn send(&self, session: SessionId, peer: PeerId, body: Body, permit_for: Duration) -> PermitId {
        let released = self.released(peer, body, permit_for);
        let permit = released.permit();
        self.register.deliver(session, vec![ToSession::Send(released)]).expect("the session listens");
        permit
    }

    /// Hands many messages at once.
    pub fn send_batch(&self, session: SessionId, peer: PeerId, texts: usize) -> Vec<PermitId> {
        let batch: Vec<Box<Released>> = (0..texts)
            .map(|number| {
                let content = Content { payload: format!("text {number}").into(), ..Content::default() };
                self.released(peer, Body::Content(content), Duration::from_secs(60))
            })
            .collect();
        let permits = batch.iter().map(|released| released.permit()).collect();
        let batch = batch.into_iter().map(ToSession::Send).collect();
        self.register.deliver(session, batch).expect("the session listens");
        permits
    }

    fn released(&self, peer: PeerId, body: Body, permit_for: Duration) -> Box<Released> {
        let now = self.clock.now();
        let permit = PermitId(self.permits.fetch_add(1, Ordering::Relaxed) + 1);
        let case = Case {
            origin_class: OriginClass::User,
            direction: Direction::Mt,
            contract: ContractVerdict::NoContract,
            consent: ConsentVerdict::NotAsked,
            counters: CounterVerdict::Pass,
            rate: None,
            now: now.mono,
            wall: now.wall,
        };
        let attempt = Attempt {
            permit,
            deadline: now.mono + permit_for,
            id: MessageId::new(now.wall, ShardId::of(b"1"), permit.0),
            attempt: 1,
            peer,
            source: Address::new(5, 0, b"Bank").unwrap(),
            destination: Address::new(1, 1, b"447700900123").unwrap(),
            class: TrafficClass::Transactional,
            expires_at: now.wall.after(Duration::from_secs(3600)),
            receipt: ReceiptRequest::FINAL,
            ingress: None,
            carrier: None,
            body,
            joined: None,
        };
        Box::new(Gate.release(&case, attempt).unwrap())
    }
}

/// Settings whose restarts are quick.
pub fn settings() -> LinksSettings {
    let mut settings = LinksSettings::default();
    settings.supervision.heartbeat = Duration::from_millis(50);
    settings.supervision.intensity = Intensity {
        wait: Duration::from_millis(1),
        wait_max: Duration::from_millis(10),
        ..Intensity::default()
    };
    settings
}

/// A listener on any port.
pub fn listener() -> ListenerSettings {
    ListenerSettings::new("smpp", "127.0.0.1:0".parse().unwrap())
}

/// The account `demo` with the password `secret`.
pub fn account(number: u32, system_id: &str) -> AccountSettings {
    AccountSettings::new(AccountId(number), system_id, hash())
}

/// The hash of `secret`; made once, for it takes its time.
pub fn hash() -> PasswordHash {
    static HASH: std::sync::OnceLock<PasswordHash> = std::sync::OnceLock::new();
    HASH.get_or_init(|| PasswordHash::of("secret", [9; 16]).unwrap()).clone()
}

/// A link to this port.
pub fn link(number: u32, name: &str, port: u16) -> LinkSettings {
    let mut link = LinkSettings::new(LinkId(number), name, "127.0.0.1", port);
    link.reconnect.min = Duration::from_millis(5);
    link.reconnect.max = Duration::from_millis(50);
    link
}

/// One listener with these accounts.
pub fn serving(accounts: Vec<AccountSettings>) -> LinksSettings {
    serving_by(listener(), accounts)
}

/// This listener with these accounts.
pub fn serving_by(listener: ListenerSettings, accounts: Vec<AccountSettings>) -> LinksSettings {
    LinksSettings {
        listeners: vec![Arc::new(listener)],
        accounts: accounts.into_iter().map(Arc::new).collect(),
        ..settings()
    }
}

/// These links.
pub fn linked(links: Vec<LinkSettings>) -> LinksSettings {
    LinksSettings { links: links.into_iter().map(Arc::new).collect(), ..settings() }
}
