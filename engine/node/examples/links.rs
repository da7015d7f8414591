//! What the links alone cost: four ESMEs submit as fast as their windows allow, an exchange without a store passes
//! each message on to one of four sessions of a link, an SMSC takes it. CPU by group of threads.
//!
//! `cargo run --release -p signalbox --example links -- [seconds] [window] [receipts]`

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use rustc_hash::FxHashMap;
use signalbox::links::Links;
use signalbox::links::settings::{AccountSettings, LinkSettings, LinksSettings, ListenerSettings};
use signalbox::spine::{Register, SpineHandle, ToSession};
use signalbox_backends::system::SystemClock;
use signalbox_config::value::PasswordHash;
use signalbox_core::backend::Clock;
use signalbox_core::exchange::{Event, Reply, Taken};
use signalbox_core::gate::{Attempt, Case, ConsentVerdict, ContractVerdict, CounterVerdict, Gate, Released};
use signalbox_core::id::{AccountId, LinkId, MessageId, PeerId, PermitId, SessionId, ShardId};
use signalbox_core::message::{
    Body as CoreBody, Content, Direction, OriginClass, ReceiptContent, ReceiptState, TrafficClass,
};
use signalbox_core::time::Now;
use signalbox_smpp::{
    Address, Bind, BindResp, Body, CommandStatus, MessageResp, Pdu, Profile, ShortMessage, Version,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SESSIONS: u16 = 4;

fn runtime(name: &'static str, threads: usize) -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .enable_all()
        .build()?)
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let window: u32 = arguments.next().map_or(Ok(50), |text| text.parse())?;
    let receipts = arguments.next().is_some_and(|text| text == "receipts");

    let under_test = runtime("links", 2)?;
    let peers = runtime("peers", 2)?;
    let smsc = peers.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let port = smsc.local_addr()?.port();
    peers.spawn(serve(smsc));

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (spine, queue, register) = SpineHandle::new(1024);
    let exchange_clock = clock.clone();
    std::thread::Builder::new()
        .name("exchange".to_owned())
        .spawn(move || exchange(queue, &register, &*exchange_clock, receipts))?;

    let hash = PasswordHash::of("secret", [1; 16]).context("a hash")?;
    let account =
        AccountSettings { delivery_window: window, ..AccountSettings::new(AccountId(1), "load", hash) };
    let link = LinkSettings {
        sessions: SESSIONS,
        window,
        ..LinkSettings::new(LinkId(1), "sink", "127.0.0.1", port)
    };
    let settings = LinksSettings {
        links: vec![Arc::new(link)],
        accounts: vec![Arc::new(account)],
        listeners: vec![Arc::new(ListenerSettings::new("smpp", "127.0.0.1:0".parse()?))],
        ..LinksSettings::default()
    };
    let links = under_test.block_on(async {
        let links = Links::open(spine, settings, clock).await?;
        links.listens().await?;
        anyhow::Ok(links)
    })?;
    let address = *links.addresses().first().context("a listener")?;
    while links.states().iter().map(signalbox::links::LinkState::bound).sum::<usize>() < usize::from(SESSIONS)
    {
        std::thread::sleep(Duration::from_millis(10));
    }

    let answered = Arc::new(AtomicU64::new(0));
    let delivered = Arc::new(AtomicU64::new(0));
    for _ in 0..SESSIONS {
        peers.spawn(submit(address, window, answered.clone(), delivered.clone()));
    }
    std::thread::sleep(Duration::from_secs(1));
    let (from, cpu) = (counts(&answered, &delivered), cpu_by_group()?);
    let started = Instant::now();
    std::thread::sleep(Duration::from_secs(seconds));
    let took = started.elapsed().as_secs_f64();
    let (to, cpu_after) = (counts(&answered, &delivered), cpu_by_group()?);
    let messages = to.0 - from.0;
    if messages == 0 {
        bail!("nothing was submitted");
    }
    println!(
        "{:.0} messages/s, {:.0} receipts/s, window {window}",
        messages as f64 / took,
        (to.1 - from.1) as f64 / took
    );
    for (group, after) in cpu_after {
        let nanos = after - cpu.get(&group).copied().unwrap_or(0);
        println!("{group:>10}: {:6.2} us of CPU a message", nanos as f64 / 1000.0 / messages as f64);
    }
    std::process::exit(0)
}

fn counts(answered: &AtomicU64, delivered: &AtomicU64) -> (u64, u64) {
    (answered.load(Ordering::Relaxed), delivered.load(Ordering::Relaxed))
}

/// Nanoseconds of CPU that the threads of each name have used.
fn cpu_by_group() -> Result<BTreeMap<String, u64>> {
    let mut groups = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        let name = std::fs::read_to_string(task.join("comm"))?.trim().to_owned();
        let stat = std::fs::read_to_string(task.join("schedstat"))?;
        let nanos: u64 = stat.split_whitespace().next().context("a time")?.parse()?;
        *groups.entry(name).or_default() += nanos;
    }
    Ok(groups)
}

/// Takes everything and passes it on, within the windows; one batch for each session a turn, as the exchange does.
fn exchange(
    mut queue: tokio::sync::mpsc::Receiver<Vec<Event>>,
    register: &Register,
    clock: &dyn Clock,
    receipts: bool,
) {
    let mut credit: FxHashMap<SessionId, u32> = FxHashMap::default();
    let mut holder: FxHashMap<PermitId, SessionId> = FxHashMap::default();
    let mut peers: FxHashMap<SessionId, PeerId> = FxHashMap::default();
    let mut waiting: BTreeMap<PeerId, VecDeque<(signalbox_core::address::Address, CoreBody)>> =
        BTreeMap::new();
    let mut next = 0_u64;
    let mut batches: FxHashMap<SessionId, Vec<ToSession>> = FxHashMap::default();
    while let Some(first) = queue.blocking_recv() {
        let now = clock.now();
        let mut events = first;
        while let Ok(more) = queue.try_recv() {
            events.extend(more);
        }
        for event in events {
            match event {
                Event::SessionUp { session, peer, window } => {
                    credit.insert(session, window);
                    peers.insert(session, peer);
                }
                Event::Submit(submit) => {
                    next += 1;
                    let id = MessageId::new(now.wall, ShardId::of(b"1"), next);
                    let taken = Taken { id, visible_id: id.to_string(), refused: smallvec::SmallVec::new() };
                    let reply =
                        ToSession::Reply { token: submit.reply.token, reply: Reply::Submitted(taken) };
                    batches.entry(submit.reply.session).or_default().push(reply);
                    let content = submit.parts.into_iter().next().unwrap_or_default();
                    let to = submit.destinations.into_iter().next().unwrap_or_default();
                    let body = CoreBody::Content(Content { tlvs: Bytes::new(), ..content });
                    waiting.entry(PeerId::Link(LinkId(1))).or_default().push_back((to, body));
                }
                Event::Answered { permit, .. } | Event::Unsent { permit, .. } => {
                    let Some(session) = holder.remove(&permit) else { continue };
                    *credit.entry(session).or_default() += 1;
                    if receipts && matches!(peers.get(&session), Some(PeerId::Link(_))) {
                        let id = MessageId::new(now.wall, ShardId::of(b"1"), permit.0);
                        let receipt = ReceiptContent {
                            message_id: id.to_string(),
                            message: id,
                            state: ReceiptState::Delivered,
                            submitted_at: now.wall,
                            done_at: now.wall,
                            error: 0,
                            network_error: None,
                            text: Bytes::new(),
                        };
                        let to = signalbox_core::address::Address::default();
                        let body = CoreBody::Receipt(receipt);
                        waiting.entry(PeerId::Account(AccountId(1))).or_default().push_back((to, body));
                    }
                }
                _ => {}
            }
        }
        for (session, free) in &mut credit {
            let Some(peer) = peers.get(session) else { continue };
            let Some(queue) = waiting.get_mut(peer) else { continue };
            while *free > 0
                && let Some((to, body)) = queue.pop_front()
            {
                *free -= 1;
                next += 1;
                let permit = PermitId(next);
                holder.insert(permit, *session);
                let Some(released) = release(permit, *peer, to, body, now) else { continue };
                batches.entry(*session).or_default().push(ToSession::Send(released));
            }
        }
        for (session, batch) in batches.drain() {
            let _ = register.deliver(session, batch);
        }
    }
}

fn release(
    permit: PermitId,
    peer: PeerId,
    destination: signalbox_core::address::Address,
    body: CoreBody,
    now: Now,
) -> Option<Box<Released>> {
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
        deadline: now.mono + Duration::from_secs(10),
        id: MessageId::new(now.wall, ShardId::of(b"1"), permit.0),
        attempt: 1,
        peer,
        source: signalbox_core::address::Address::new(5, 0, b"Bank").ok()?,
        destination,
        class: TrafficClass::Transactional,
        expires_at: now.wall.after(Duration::from_secs(3600)),
        receipt: signalbox_core::message::ReceiptRequest::FINAL,
        ingress: None,
        carrier: None,
        body,
        joined: None,
    };
    Gate.release(&case, attempt).ok().map(Box::new)
}

/// The SMSC: binds whoever comes, and takes everything.
async fn serve(listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(sink(stream));
    }
}

fn word(octets: &[u8], at: usize) -> u32 {
    octets.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn encoded(pdu: &Pdu) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    pdu.encode(&mut out, &Profile { version: Version::V3_4, ..Profile::default() }).ok()?;
    Some(out)
}

async fn sink(mut stream: TcpStream) -> Option<()> {
    let taken = encoded(&Pdu::new(1, Body::SubmitSmResp(MessageResp::new("0123456789abcdef"))))?;
    let mut input = BytesMut::with_capacity(1 << 16);
    let mut output = Vec::with_capacity(1 << 16);
    loop {
        if stream.read_buf(&mut input).await.ok()? == 0 {
            return None;
        }
        while input.len() >= 16 && input.len() >= word(&input, 0) as usize {
            let (command, sequence) = (word(&input, 4), word(&input, 12));
            let _ = input.split_to(word(&input, 0) as usize);
            let answer = match command {
                0x04 => taken.clone(),
                0x09 => encoded(&Pdu::new(sequence, Body::BindTransceiverResp(BindResp::default())))?,
                0x15 => encoded(&Pdu::new(sequence, Body::EnquireLinkResp))?,
                _ => continue,
            };
            let start = output.len();
            output.extend_from_slice(&answer);
            output[start + 12..start + 16].copy_from_slice(&sequence.to_be_bytes());
        }
        stream.write_all(&output).await.ok()?;
        output.clear();
        input.reserve(1 << 16);
    }
}

/// An ESME that keeps its window full.
async fn submit(
    to: std::net::SocketAddr,
    window: u32,
    answered: Arc<AtomicU64>,
    delivered: Arc<AtomicU64>,
) -> Option<()> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let bind = Body::BindTransceiver(Bind::new("load", "secret", Version::V3_4));
    stream.write_all(&encoded(&Pdu::new(1, bind))?).await.ok()?;
    let message = ShortMessage {
        source: Address::alphanumeric("Bank"),
        destination: Address::international("447700900123"),
        short_message: Bytes::from_static(b"your code is 123456; it is good for ten minutes from now on"),
        ..ShortMessage::default()
    };
    let template = encoded(&Pdu::new(1, Body::SubmitSm(message)))?;
    let taken = encoded(&Pdu::response(1, CommandStatus::ROK, Body::DeliverSmResp(MessageResp::default())))?;
    let mut sequence = 1_u32;
    let mut free = 0;
    let mut input = BytesMut::with_capacity(1 << 16);
    let mut output = Vec::with_capacity(1 << 16);
    loop {
        if stream.read_buf(&mut input).await.ok()? == 0 {
            return None;
        }
        while input.len() >= 16 && input.len() >= word(&input, 0) as usize {
            let (command, of) = (word(&input, 4), word(&input, 12));
            let _ = input.split_to(word(&input, 0) as usize);
            match command {
                0x8000_0009 => free = window,
                0x8000_0004 => {
                    answered.fetch_add(1, Ordering::Relaxed);
                    free += 1;
                }
                0x05 => {
                    delivered.fetch_add(1, Ordering::Relaxed);
                    let start = output.len();
                    output.extend_from_slice(&taken);
                    output[start + 12..start + 16].copy_from_slice(&of.to_be_bytes());
                }
                _ => {}
            }
        }
        while free > 0 {
            free -= 1;
            sequence += 1;
            let start = output.len();
            output.extend_from_slice(&template);
            output[start + 12..start + 16].copy_from_slice(&sequence.to_be_bytes());
        }
        stream.write_all(&output).await.ok()?;
        output.clear();
        input.reserve(1 << 16);
    }
}
