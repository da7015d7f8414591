//! What the exchange and its store cost by themselves: submissions in batches as a listener offers them, a link
//! that takes everything, no sockets.
//!
//! `cargo run --release -p signalbox --example spine -- [DIRECTORY] [MESSAGES] [WINDOW] [BATCH] [receipts]`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use signalbox::spine::{SpineBounds, SpineParts, Surroundings, ToSession, start};
use signalbox_backends::ownership::EmbeddedOwnership;
use signalbox_backends::sqlite::{SpineOptions, SqliteSpine};
use signalbox_backends::system::{SystemClock, SystemRandom};
use signalbox_core::address::Address;
use signalbox_core::exchange::{Answer, Event, Exchange, LinkReceipt, Note, ReplyTo, Submit, SubmitChannel};
use signalbox_core::id::{AccountId, LinkId, MessageId, PeerId};
use signalbox_core::message::{Content, OriginClass, ReceiptRequest, ReceiptState, TrafficClass};
use signalbox_core::policy::{AccountPolicy, PeerPolicy, Policy};
use signalbox_core::time::{Micros, Now};
use signalbox_routing::{Names, Router, RuleSet, RuleVersion};

struct Quiet;

impl Surroundings for Quiet {
    fn notes(&mut self, _notes: &[Note]) {}
    fn alarm(&mut self, _event: signalbox_counters::AlarmEvent) {}
    fn look_up(&mut self, _message: MessageId, _number: &[u8], _until: Micros) {}
    fn committed(&mut self, _took: Duration, _operations: usize, _events: usize) {}
    fn store_full(&mut self, _full: bool) {}
    fn holding(&mut self, _exchange: &Exchange, _free: Option<u64>, _now: Now) {}
}

fn policy() -> anyhow::Result<Policy> {
    let mut names = Names::new();
    names.add_link("one", LinkId(1), None);
    let spec = serde_json::from_value(
        serde_json::json!({ "rules": [{ "name": "all", "then": { "links": [{ "link": "one" }] } }] }),
    )?;
    let account = AccountPolicy { name: "a".into(), queue_max: u64::MAX, ..AccountPolicy::default() };
    Ok(Policy {
        accounts: [(AccountId(1), account)].into_iter().collect(),
        links: [(LinkId(1), PeerPolicy::default())].into_iter().collect(),
        ..Policy::new(Router::new(RuleSet::compile(&spec, RuleVersion(1), Arc::new(names))?))
    })
}

fn cpu_of(thread: &str) -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let mut ticks = 0u64;
    for task in tasks.flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.trim() != thread {
            continue;
        }
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        ticks += fields.get(11).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
        ticks += fields.get(12).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    }
    ticks as f64 / 100.0
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().unwrap_or_else(|| "./var/bench".into()));
    let total: u64 = args.next().map_or(Ok(200_000), |n| n.parse())?;
    let window: u64 = args.next().map_or(Ok(400), |n| n.parse())?;
    let batch: u64 = args.next().map_or(Ok(50), |n| n.parse())?;
    let receipts = args.next().is_some();
    // A directory of its own, so that nothing is overwritten.
    let dir = dir.join(format!("spine-{}", std::process::id()));
    let clock = Arc::new(SystemClock::new());
    let store = SqliteSpine::open(SpineOptions::in_dir(&dir), clock.clone())?;
    let epoch = store.boot_epoch();
    let gauge = store.gauge().clone();
    let (spine, thread) = start(SpineParts {
        store: Box::new(store),
        ownership: Box::new(EmbeddedOwnership::new(epoch)),
        clock,
        random: Box::new(SystemRandom::new()?),
        policy: Arc::new(policy()?),
        rules: Arc::new(signalbox_dialog::Rules::empty()),
        surroundings: Box::new(Quiet),
        counters: None,
        bounds: SpineBounds::default(),
    })?;
    let (esme, mut replies) = spine.open_session();
    let (link, mut sends) = spine.open_session();
    let up = |peer, session| Event::SessionUp { peer, session, window: window as u32 };
    spine.offer(vec![up(PeerId::Link(LinkId(1)), link), up(PeerId::Account(AccountId(1)), esme)]).await?;

    let begun = Instant::now();
    let taker = spine.clone();
    tokio::spawn(async move {
        let mut number = 0u64;
        while let Some(items) = sends.recv().await {
            let mut answers = Vec::with_capacity(items.len());
            for item in items {
                let ToSession::Send(released) = item else { continue };
                number += 1;
                let remote_id = Bytes::from(format!("{number:010}"));
                let device = released.destination().clone();
                answers.push(Event::Answered {
                    permit: released.permit(),
                    answer: Answer::Taken { remote_id: remote_id.clone() },
                });
                if receipts {
                    answers.push(Event::Receipt(Box::new(LinkReceipt {
                        reply: ReplyTo { session: link, token: number },
                        link: LinkId(1),
                        remote_id,
                        device,
                        state: ReceiptState::Delivered,
                        error: 0,
                        network_error: None,
                        text: Bytes::new(),
                    })));
                }
            }
            if taker.offer(answers).await.is_err() {
                return;
            }
        }
    });

    let mut offered = 0u64;
    let (mut answered, mut delivered) = (0u64, 0u64);
    let expected_receipts = if receipts { total } else { 0 };
    while answered < total || delivered < expected_receipts {
        while offered < total && offered - answered + batch <= window {
            let mut events = Vec::with_capacity(batch as usize);
            for _ in 0..batch.min(total - offered) {
                offered += 1;
                let to = format!("4477{:08}", offered % 1_000_000);
                events.push(Event::Submit(Box::new(Submit {
                    reply: ReplyTo { session: esme, token: offered },
                    account: AccountId(1),
                    channel: SubmitChannel::Smpp,
                    origin_class: OriginClass::User,
                    class: TrafficClass::Transactional,
                    source: Address::new(5, 0, b"BANK")?,
                    destinations: [Address::new(1, 1, to.as_bytes())?].into_iter().collect(),
                    parts: [Content { payload: Bytes::from_static(&[b'x'; 60]), ..Content::default() }]
                        .into_iter()
                        .collect(),
                    not_before: None,
                    expires_at: None,
                    receipt: if receipts { ReceiptRequest::FINAL } else { ReceiptRequest::NONE },
                    idempotency: None,
                    first_part: true,
                    in_parts: None,
                    short_id: false,
                })));
            }
            spine.offer(events).await?;
        }
        let Some(items) = replies.recv().await else { break };
        let mut answers = Vec::new();
        for item in items {
            match item {
                ToSession::Reply { .. } => answered += 1,
                ToSession::Send(released) => {
                    delivered += 1;
                    let answer = Answer::Taken { remote_id: Bytes::new() };
                    answers.push(Event::Answered { permit: released.permit(), answer });
                }
                ToSession::Close { .. } => {}
            }
        }
        if !answers.is_empty() {
            spine.offer(answers).await?;
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let commits = gauge.commit_durations();
    println!(
        "{total} messages in {took:.2} s: {:.0}/s, spine thread {:.1} us CPU a message, {:.1} commits a 1000, \
         commit p50 {:?} p99 {:?}",
        total as f64 / took,
        cpu_of("spine") * 1e6 / total as f64,
        commits.count() as f64 * 1000.0 / total as f64,
        commits.quantile(500),
        commits.quantile(990),
    );
    spine.close();
    thread.join()?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
