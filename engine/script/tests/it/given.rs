//! Invocations, scripts and pools that tests begin with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use signalbox_invocation::{
    Account, CallPass, Channel, Contact, ContactAttempt, Conversation, Device, Entry, Failure, Invocation,
    InvocationId, Limits, LineType, Outcome, Side, SubCampaign, SubCampaignKind, Value, Version, WebAnswer,
};
use signalbox_script::{Event, Pool, Program, Settings, WorkerCommand};

/// 2026-03-01T12:30:45.678Z.
pub const NOW: i64 = 1_772_368_245_678_000;

pub fn version(account: u32) -> Version {
    Version { account, script: 1, version: 1 }
}

pub fn attempt(side: Side, text: &str) -> ContactAttempt {
    ContactAttempt {
        id: "m-1".into(),
        side,
        at: NOW - 60_000_000,
        device: "15550001111".into(),
        source_address: "78887".into(),
        text: text.into(),
        status: "delivered".into(),
        sub_campaign: "spring".into(),
        keyword: None,
    }
}

pub fn invocation(account: u32, entry: &str) -> Invocation {
    Invocation {
        id: InvocationId(7),
        version: version(account),
        entry: Entry::method(entry).unwrap(),
        now: NOW,
        seed: 42,
        test: false,
        account: Account { name: "acme".into(), channels: vec![Channel::Text, Channel::Voice] },
        contact: Contact {
            id: 9,
            client_id: "c-9".into(),
            first_name: "Ann".into(),
            last_name: "Müller".into(),
            company: "ACME".into(),
            email: "ann@example.org".into(),
            devices: vec![device()],
            fields: BTreeMap::from([("city".into(), "Köln".into()), ("__proto__".into(), "odd".into())]),
        },
        device: device(),
        conversation: Conversation {
            id: "v-1".into(),
            source_address: "78887".into(),
            variables: BTreeMap::from([
                ("age".into(), Value::Number(41.0)),
                ("name".into(), Value::from("Ann")),
                ("since".into(), Value::Date(NOW)),
            ]),
            position: String::new(),
            history: vec![attempt(Side::Mt, "how old are you?"), attempt(Side::Mo, "41")],
            elsewhere: vec![attempt(Side::Mt, "other")],
        },
        sub_campaign: SubCampaign {
            id: 3,
            name: "spring".into(),
            campaign: "survey".into(),
            kind: SubCampaignKind::Outbound,
        },
        call_pass: Some(CallPass { id: 5, name: "pass one".into(), started_at: 1_772_000_000_000_000 }),
        attempt: Some(attempt(Side::Mo, "hello")),
        stored: BTreeMap::from([("verified".into(), Value::Date(NOW - 3_600_000_000))]),
        answer: Some(WebAnswer {
            service: "crm".into(),
            status: 200,
            body: r#"{"level":"gold"}"#.into(),
            error: String::new(),
        }),
        timed_out: false,
    }
}

fn device() -> Device {
    Device {
        address: "15550001111".into(),
        kind: "cell".into(),
        line: LineType::Wireless,
        carrier: Some("Carrier".into()),
        country: Some("US".into()),
    }
}

/// A script whose `begin` is this body, and whose other entry points are empty.
pub fn script(begin: &str) -> String {
    format!(
        "function begin() {{ {begin} }}\nfunction moHandler() {{}}\nfunction optOutHandler() {{}}\nfunction helpHandler() {{}}\n"
    )
}

/// Runs a source in this process.
pub fn run(source: &str, invocation: &Invocation) -> Result<Outcome, Failure> {
    let limits = limits();
    Program::compile(source, &limits)?.run(invocation, &limits)
}

/// Runs a body of `begin`.
pub fn begin(body: &str) -> Result<Outcome, Failure> {
    run(&script(body), &invocation(1, "begin"))
}

/// What a body of `begin` logs.
pub fn logged(body: &str) -> Vec<String> {
    begin(body).unwrap_or_else(|failure| panic!("{failure}")).log
}

/// Generous in time: machines that build and test are slow.
pub fn limits() -> Limits {
    Limits { soft_ms: 200, hard_ms: 1_000, ..Limits::default() }
}

pub type Events = Arc<Mutex<Vec<Event>>>;

/// A pool of real processes, and what it tells.
pub fn pool(change: impl FnOnce(&mut Settings)) -> (Pool, Events) {
    let worker = WorkerCommand {
        program: env!("CARGO_BIN_EXE_signalbox-script-worker").into(),
        arguments: Vec::new(),
    };
    let mut settings = Settings::new(worker);
    settings.limits = limits();
    change(&mut settings);
    let events = Events::default();
    let kept = Arc::clone(&events);
    let pool = Pool::start(settings, move |event| kept.lock().unwrap().push(event)).unwrap();
    (pool, events)
}

/// Waits for a condition, with a deadline.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// An outcome without what it cost, which is not the same twice.
pub fn free(mut outcome: Outcome) -> Outcome {
    outcome.cost.micros = 0;
    outcome.cost.ticks = 0;
    outcome
}
