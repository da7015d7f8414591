//! What an invocation costs: raw calls of the engine in this process beside single runs and batches of 64 through a
//! pool, in turns of the same run.
//!
//! `cargo run --release -p signalbox-script --example invocation`. A worker of another program is measured by naming
//! it: `... --example invocation -- PATH/signalbox script-worker`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use signalbox_invocation::{
    Account, Channel, Contact, ContactAttempt, Conversation, Device, Entry, Invocation, InvocationId, Limits,
    LineType, Side, SubCampaign, SubCampaignKind, Value, Version,
};
use signalbox_script::{Answer, Event, Pool, Program, Settings, WorkerCommand};

const TURNS: usize = 20;
const RUNS: usize = 2_000;
const BATCH: usize = 64;

/// Five calls of the host, two entities, a date and a regular expression, as a real `begin` has them.
const SOURCE: &str = r#"
    const PROGRAM = "welcome";
    function begin() {
      const contact = getContact();
      const conversation = getConversation();
      const due = new Date(Date.now() + 86400000);
      const name = /^\p{L}+$/u.test(contact.firstName) ? contact.firstName : "there";
      conversation.set("due", due);
      sendTextMessage(PROGRAM, `Hello ${name} of ${contact.field("city")}, your bill is due on ${formatDate(due, "yyyy-MM-dd")}.`);
      waitForReply(3600);
    }
    function moHandler() {} function optOutHandler() {} function helpHandler() {}
"#;

/// The same amount of work without a host, for what the engine takes by itself.
const RAW: &str = r#"(function () { let sent = []; return function (text) {
      const given = JSON.parse(text).invocation; const due = new Date(given.now / 1000 + 86400000);
      const name = /^\p{L}+$/u.test(given.contact.first_name) ? given.contact.first_name : "there";
      sent = [`Hello ${name} of ${given.contact.fields.city}, your bill is due on ${due.toISOString()}.`];
      return JSON.stringify({ sends: sent, due: due.getTime() });
    }; })()"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "worker") {
        signalbox_script::worker::run().unwrap();
        return;
    }
    let worker = match arguments.split_first() {
        Some((program, rest)) => {
            let program = std::path::absolute(program).unwrap();
            WorkerCommand { program, arguments: rest.iter().map(Into::into).collect() }
        }
        None => WorkerCommand::this_program(&["worker"]).unwrap(),
    };
    let given = invocation();
    let started = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&started);
    let pool = Pool::start(Settings::new(worker), move |event| {
        if let Event::Started { took, .. } = event {
            kept.lock().unwrap().push(took);
        }
    })
    .unwrap();
    pool.load(given.version, SOURCE).unwrap();
    let limits = Limits::default();
    let mut program = Program::compile(SOURCE, &limits).unwrap();
    let (mut raw, mut here, mut single, mut batched) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let in_turn = [
            engine(&given),
            timed(|| drop(program.run(&given, &limits).unwrap())),
            timed(|| drop(pool.run(given.clone()).wait().unwrap())),
            batches(&pool, &given),
        ];
        // The first turn warms.
        if turn > 0 {
            for (all, mut some) in [&mut raw, &mut here, &mut single, &mut batched].into_iter().zip(in_turn) {
                all.append(&mut some);
            }
        }
    }
    println!("{TURNS} turns of {RUNS} runs each; microseconds for one run");
    println!("{:42} {:>8} {:>8} {:>8}", "", "p50", "p99", "mean");
    tell("raw call of the engine, text in and out", raw);
    tell("sandboxed, in this process", here);
    tell("over the process boundary, one at a time", single);
    tell(&format!("over the process boundary, {BATCH} at a time"), batched);
    let started = started.lock().unwrap();
    println!("workers came up in {:?}", *started);
}

fn timed(mut run: impl FnMut()) -> Vec<Duration> {
    (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .collect()
}

/// Each sample is the share of one run in a batch.
fn batches(pool: &Pool, given: &Invocation) -> Vec<Duration> {
    (0..RUNS / BATCH)
        .map(|_| {
            let began = Instant::now();
            let answers: Vec<_> = (0..BATCH).map(|_| pool.run(given.clone())).collect();
            for answer in answers.into_iter().map(Answer::wait) {
                answer.unwrap();
            }
            began.elapsed() / BATCH as u32
        })
        .collect()
}

fn engine(given: &Invocation) -> Vec<Duration> {
    let text = serde_json::to_string(&serde_json::json!({ "invocation": given })).unwrap();
    let runtime = rquickjs::Runtime::new().unwrap();
    let context = rquickjs::Context::full(&runtime).unwrap();
    context.with(|ctx| {
        let function: rquickjs::Function<'_> = ctx.eval(RAW).unwrap();
        timed(|| {
            let answer: String = function.call((text.as_str(),)).unwrap();
            assert!(answer.contains("Hello Ann"));
        })
    })
}

fn tell(what: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let micros = |time: Duration| time.as_nanos() as f64 / 1_000.0;
    let at = |share: f64| micros(samples[((samples.len() - 1) as f64 * share) as usize]);
    let mean = micros(samples.iter().sum::<Duration>()) / samples.len() as f64;
    println!("{what:42} {:8.1} {:8.1} {mean:8.1}", at(0.5), at(0.99));
}

fn invocation() -> Invocation {
    let device = Device {
        address: "15550001111".into(),
        kind: "cell".into(),
        line: LineType::Wireless,
        carrier: Some("Carrier".into()),
        country: Some("US".into()),
    };
    let message = |side, text: &str| ContactAttempt {
        id: "m-1".into(),
        side,
        at: 1_772_368_245_678_000,
        device: device.address.clone(),
        source_address: "78887".into(),
        text: text.into(),
        status: "delivered".into(),
        sub_campaign: "spring".into(),
        keyword: None,
    };
    Invocation {
        id: InvocationId(1),
        version: Version { account: 1, script: 1, version: 1 },
        entry: Entry::Begin,
        now: 1_772_368_245_678_000,
        seed: 7,
        test: false,
        account: Account { name: "acme".into(), channels: vec![Channel::Text] },
        contact: Contact {
            id: 9,
            client_id: "c-9".into(),
            first_name: "Ann".into(),
            fields: BTreeMap::from([("city".into(), "Springfield".into())]),
            devices: vec![device.clone()],
            ..Contact::default()
        },
        conversation: Conversation {
            id: "v-1".into(),
            source_address: "78887".into(),
            variables: BTreeMap::from([("age".into(), Value::Number(41.0))]),
            history: vec![message(Side::Mt, "How old are you?"), message(Side::Mo, "41")],
            ..Conversation::default()
        },
        attempt: Some(message(Side::Mo, "41")),
        device,
        sub_campaign: SubCampaign {
            id: 3,
            name: "spring".into(),
            campaign: "survey".into(),
            kind: SubCampaignKind::Outbound,
        },
        call_pass: None,
        stored: BTreeMap::new(),
        answer: None,
        timed_out: false,
    }
}
