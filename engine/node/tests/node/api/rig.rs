//! A node without links: settings, catalog, exchange, CDR files, API, webhooks.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use signalbox::api::{LinkStates, Parts, PeerState, Server, SessionView};
use signalbox::control::Control;
use signalbox::gateway::Gateway;
use signalbox::gauges::Gauges;
use signalbox::spine::{Outbox, Relay, SpineBounds, SpineHandle, SpineParts, SpineThread, ToSession, start};
use signalbox_backends::files::{CdrFiles, CdrFilesOptions};
use signalbox_backends::ownership::EmbeddedOwnership;
use signalbox_backends::sqlite::{SpineOptions, SqliteSpine};
use signalbox_backends::system::{SystemClock, SystemRandom};
use signalbox_config::Settings;
use signalbox_core::address::Address;
use signalbox_core::backend::Clock;
use signalbox_core::exchange::{Answer, Event, Inbound, ReplyTo};
use signalbox_core::gate::Released;
use signalbox_core::id::{PeerId, SessionId};
use signalbox_core::message::Content;
use signalbox_core::time::Micros;
use signalbox_script::{Pool, WorkerCommand};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Nothing here takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Token of an operator with every right but that to send.
pub const OPERATOR: &str = "operator-token-0123456789";
/// The same without the right to see numbers.
pub const BLIND: &str = "blind-operator-0123456789";
/// Token of the account `alpha`, with every right of an account.
pub const ALPHA: &str = "alpha-token-0123456789";
/// Token of the account `beta`.
pub const BETA: &str = "beta-token-0123456789";

const SEED: &str = r#"
[[account]]
name = "alpha"
system_id = "alpha"
password = "alpha"
default_source = "12345"
mo_addresses = ["12345"]
default_country = "GB"

[[account]]
name = "beta"
system_id = "beta"
password = "beta"
class = "otp"
sources = ["BETA"]
rate = "1/s"
burst = 3

[[link]]
name = "up"
host = "127.0.0.1"
port = 2776
system_id = "signalbox"
password = "link-secret"
retry = { temporary = { waits = ["1h"] } }

[[link]]
name = "other"
host = "127.0.0.1"
port = 2777
system_id = "signalbox"
password = "link-secret"

[[carrier]]
name = "example-mobile"
prefixes = ["447700", "447400"]

[[route]]
name = "nowhere"
order = 1
when = { destination_prefix = ["999"] }
then = { reject = "not served" }

[[route]]
name = "mt"
when = { direction = "mt" }
then = { links = [{ link = "up" }] }

[[counter_policy]]
name = "sources"
kind = "source"
threshold = 2

[[token]]
name = "operator"
secret = "operator-token-0123456789"
rights = ["messages:read", "messages:reveal", "messages:cancel", "queue:operate", "catalog:read", "catalog:write",
    "links:read", "links:operate", "counters:read", "counters:operate", "numbers:read", "audit:read", "contacts:read",
    "contacts:write", "contacts:erase"]

[[token]]
name = "blind"
secret = "blind-operator-0123456789"
rights = ["messages:read", "counters:read", "audit:read", "contacts:read"]

[[token]]
name = "alpha"
secret = "alpha-token-0123456789"
account = "alpha"
rights = ["messages:send", "messages:read", "messages:reveal", "messages:cancel", "queue:operate", "catalog:read",
    "catalog:write", "links:read", "numbers:read", "contacts:read", "contacts:write"]

[[token]]
name = "beta"
secret = "beta-token-0123456789"
account = "beta"
rights = ["messages:send", "messages:read"]

[[token]]
name = "off"
secret = "switched-off-0123456789"
enabled = false
rights = ["messages:read"]

[[token]]
name = "old"
secret = "out-of-date-0123456789"
expires = "2020-01-01T00:00:00Z"
rights = ["messages:read"]
"#;

/// What differs from the usual node.
#[derive(Clone, Default)]
pub struct Wishes {
    /// Lines of the section `api`.
    pub api: String,
    /// Lines of the section `webhooks`.
    pub webhooks: String,
    /// Further sections of the settings.
    pub settings: String,
    /// Further rows.
    pub rows: String,
}

/// A running node.
pub struct Node {
    dir: TempDir,
    wishes: Wishes,
    pub control: Arc<Control>,
    pub spine: SpineHandle,
    thread: SpineThread,
    relay: Relay,
    server: Server,
    webhooks: JoinHandle<()>,
    /// They hold the campaigns' files.
    receiving: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    scheme: &'static str,
    client: Client,
}

struct Played;

impl LinkStates for Played {
    fn states(&self) -> Vec<PeerState> {
        let session = |name: &str, phase: &str| SessionView {
            name: name.into(),
            phase: phase.into(),
            since: Micros(1_790_000_000_000_000),
            remote: Some("127.0.0.1:2776".into()),
            tls: false,
            mode: Some("transceiver".into()),
            version: Some("3.4".into()),
            window: 10,
            in_flight: 1,
            sent: 2,
            received: 3,
            last_error: None,
        };
        let sessions = vec![session("up/0", "bound"), session("up/1", "waiting")];
        vec![
            PeerState {
                peer: PeerId::Link(signalbox_core::id::LinkId(1)),
                name: "up".into(),
                enabled: true,
                wanted: 2,
                sessions,
            },
            PeerState {
                peer: PeerId::Account(signalbox_core::id::AccountId(1)),
                name: "alpha".into(),
                enabled: true,
                wanted: 0,
                sessions: vec![session("smpp/1", "bound")],
            },
        ]
    }
}

impl Node {
    pub async fn start() -> Self {
        Self::with(Wishes::default()).await
    }

    pub async fn with(wishes: Wishes) -> Self {
        Self::over(TempDir::new().unwrap(), wishes).await
    }

    async fn over(dir: TempDir, wishes: Wishes) -> Self {
        // There may be one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let seed = dir.path().join("seed.toml");
        std::fs::write(&seed, format!("{SEED}\n{}", wishes.rows)).unwrap();
        let settings = settings(dir.path(), &seed, &wishes);
        let scheme = if settings.api.tls.is_some() { "https" } else { "http" };
        let data = settings.node.data_directory.clone();
        std::fs::create_dir_all(&data).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let catalog = Arc::new(signalbox::rows::open(&settings, clock.clone()).unwrap());
        let control = Control::start(settings, None, catalog, || [7; 16]).unwrap();
        let store = SqliteSpine::open(SpineOptions::in_dir(&data), clock.clone()).unwrap();
        let (reader, epoch) = (store.reader().unwrap(), store.boot_epoch());
        let (lookups, _) = mpsc::channel(1);
        let (asked, to_do) = signalbox::instructions::Asked::new();
        let (spine, thread) = start(SpineParts {
            store: Box::new(store),
            ownership: Box::new(EmbeddedOwnership::new(epoch)),
            clock: clock.clone(),
            random: Box::new(SystemRandom::new().unwrap()),
            policy: control.in_force().policy.clone(),
            rules: Arc::new(signalbox_dialog::Rules::empty()),
            surroundings: Box::new(Gauges::new(control.names(), lookups).asking(asked)),
            counters: None,
            bounds: SpineBounds::default(),
        })
        .unwrap();
        control.attach(spine.clone());
        let control = Arc::new(control);
        let sink = CdrFiles::open(CdrFilesOptions {
            prefix: "sb1".into(),
            ..CdrFilesOptions::in_dir(data.join("cdr"))
        })
        .unwrap();
        let relay = Relay::start(Box::new(sink), Box::new(reader), clock.clone(), spine.clone()).unwrap();
        let participations =
            signalbox::participation::Participations::open(&control.in_force().settings, clock.clone());
        let participations = Arc::new(participations.unwrap());
        control.attach_participations(participations.clone());
        let people = Arc::new(signalbox::people::open(&control.in_force().settings).await.unwrap());
        let starts = Arc::new(signalbox::instructions::Starts::default());
        let entries = Arc::new(signalbox::instructions::Entries::new(
            participations.campaigns().clone(),
            participations.standing().clone(),
        ));
        let judged = entries.judged().clone();
        let intake = signalbox::participation::Participations::intake(&control.in_force().settings).unwrap();
        let (reception, receiving) = signalbox::intake::Reception::start(signalbox::intake::Parts {
            intake,
            campaigns: participations.campaigns().clone(),
            standing: participations.standing().clone(),
            judged: judged.clone(),
            judging: signalbox_config::settings::JudgedBy::Here,
            source: None,
            stopping: tokio::sync::watch::channel(false).1,
        });
        let pool = script_pool();
        let agents = Arc::<signalbox::instructions::Agents>::default();
        // Ends with the exchange's thread.
        drop(tokio::spawn(signalbox::instructions::run(
            signalbox::instructions::Parts {
                control: control.clone(),
                spine: spine.clone(),
                people: people.clone(),
                clock: clock.clone(),
                pool: pool.clone(),
                starts: starts.clone(),
                agents: agents.clone(),
                entries,
            },
            to_do,
        )));
        let server = Server::start(Parts {
            starts,
            agents,
            scripts: pool,
            reception,
            judged,
            participations,
            control: control.clone(),
            gateway: Gateway::open(spine.clone()),
            links: Arc::new(Played),
            clock: clock.clone(),
            people,
        })
        .await
        .unwrap()
        .unwrap();
        let (stop, stopping) = watch::channel(false);
        let delivering = signalbox::webhooks::run_until(control.clone(), spine.clone(), clock, stopping);
        let webhooks = tokio::spawn(delivering);
        let client = Client::builder().no_proxy().build().unwrap();
        Self { dir, wishes, control, spine, thread, relay, server, webhooks, receiving, stop, scheme, client }
    }

    /// Ends everything but the webhooks' requests in order, and gives back the directory.
    pub async fn stop(self) -> (TempDir, Wishes) {
        self.server.stop().await;
        // The way of entries ends with who brings them.
        for task in self.receiving {
            tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
        }
        self.webhooks.abort();
        let _ = self.webhooks.await;
        self.spine.close();
        let (thread, relay) = (self.thread, self.relay);
        tokio::task::spawn_blocking(move || {
            thread.join().unwrap();
            relay.stop();
        })
        .await
        .unwrap();
        (self.dir, self.wishes)
    }

    /// Lets the webhooks end what is on its way.
    pub async fn drain_webhooks(&mut self) {
        self.stop.send(true).unwrap();
        tokio::time::timeout(PATIENCE, &mut self.webhooks).await.unwrap().unwrap();
        self.webhooks = tokio::spawn(async {});
    }

    /// The same node after a stop.
    pub async fn again(self) -> Self {
        let (dir, wishes) = self.stop().await;
        Self::over(dir, wishes).await
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn base(&self) -> String {
        format!("{}://{}", self.scheme, self.server.address())
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// A request with a token; none when it is empty.
    pub fn request(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/v1/{path}", self.base()));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        reply(self.request(token, Method::GET, path)).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Reply {
        reply(self.request(token, Method::POST, path).json(body)).await
    }

    pub async fn put(&self, token: &str, path: &str, body: &Value) -> Reply {
        reply(self.request(token, Method::PUT, path).json(body)).await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Reply {
        reply(self.request(token, Method::DELETE, path)).await
    }

    /// Submits a text of `alpha`, and gives its id.
    pub async fn submit(&self, destination: &str, text: &str) -> String {
        let body = serde_json::json!({ "destination": destination, "text": text });
        let reply = self.post(ALPHA, "messages", &body).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        reply.body["id"].as_str().unwrap().to_owned()
    }

    /// Plays a session of a link.
    pub async fn link(&self, name: &str) -> PlayedLink {
        let id = self.control.in_force().snapshot.ids.link(name).unwrap();
        let (session, outbox) = self.spine.open_session();
        let up = Event::SessionUp { peer: PeerId::Link(id), session, window: 10 };
        self.spine.offer(vec![up]).await.unwrap();
        PlayedLink { spine: self.spine.clone(), session, outbox, waiting: Vec::new() }
    }

    /// Brings an MO message from the link `up`.
    pub async fn inbound(&self, from: &str, to: &str, content: Content) {
        let link = self.control.in_force().snapshot.ids.link("up").unwrap();
        let (session, mut outbox) = self.spine.open_session();
        let inbound = Inbound {
            reply: ReplyTo { session, token: 1 },
            link,
            source: Address::new(1, 1, from.as_bytes()).unwrap(),
            destination: Address::new(3, 0, to.as_bytes()).unwrap(),
            content,
            reference: None,
            first_part: true,
        };
        self.spine.offer(vec![Event::Inbound(Box::new(inbound))]).await.unwrap();
        let batch = tokio::time::timeout(PATIENCE, outbox.recv()).await.unwrap().unwrap();
        assert!(matches!(batch[0], ToSession::Reply { .. }), "{batch:?}");
        self.spine.close_session(session);
    }

    /// Asks until the answer is as it should be.
    pub async fn until(&self, token: &str, path: &str, good: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let reply = self.get(token, path).await;
            if reply.status == 200 && good(&reply.body) {
                return reply.body;
            }
            assert!(begun.elapsed() < PATIENCE, "{path}: {} {}", reply.status, reply.body);
            tokio::task::yield_now().await;
        }
    }
}

/// The workers of all nodes here: each is a process. A debug build is slow, so runs may take longer.
fn script_pool() -> Arc<Pool> {
    static POOL: OnceLock<Arc<Pool>> = OnceLock::new();
    let start = || {
        let worker = WorkerCommand {
            program: env!("CARGO_BIN_EXE_signalbox").into(),
            arguments: vec!["script-worker".into()],
        };
        let mut settings = signalbox_script::Settings::new(worker);
        (settings.limits.soft_ms, settings.limits.hard_ms) = (500, 5_000);
        Arc::new(Pool::start(settings, |_| {}).unwrap())
    };
    POOL.get_or_init(start).clone()
}

fn settings(dir: &Path, seed: &Path, wishes: &Wishes) -> Settings {
    let text = format!(
        r#"
[node]
name = "test"
data_directory = "{data}"
[store]
free_space_reserve = "1MiB"
[api]
address = "127.0.0.1:0"
{api}
[admin]
address = "127.0.0.1:0"
[counters]
max_keys = 10000
timestamp_memory = "1MiB"
[webhooks]
{webhooks}
[catalog]
seed = "{seed}"
{more}
"#,
        data = dir.join("data").display(),
        seed = seed.display(),
        api = wishes.api,
        webhooks = wishes.webhooks,
        more = wishes.settings,
    );
    Settings::parse("test.toml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that it is a problem of this type, well formed.
    pub fn is_problem(&self, status: u16, kind: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("urn:signalbox:problem:{kind}"), "{}", self.body);
        assert_eq!(self.body["status"], status);
        assert!(self.body["title"].is_string());
    }
}

pub async fn reply(request: RequestBuilder) -> Reply {
    let response = tokio::time::timeout(PATIENCE, request.send()).await.unwrap().unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
    Reply { status, headers, body }
}

/// A session of a link that a test plays.
pub struct PlayedLink {
    spine: SpineHandle,
    session: SessionId,
    outbox: Outbox,
    waiting: Vec<Released>,
}

impl PlayedLink {
    /// The next message that leaves.
    pub async fn next(&mut self) -> Released {
        while self.waiting.is_empty() {
            let batch = tokio::time::timeout(PATIENCE, self.outbox.recv()).await.unwrap().unwrap();
            for item in batch.into_iter().rev() {
                match item {
                    ToSession::Send(released) => self.waiting.push(*released),
                    ToSession::Reply { .. } | ToSession::Close { .. } => {}
                }
            }
        }
        self.waiting.pop().unwrap()
    }

    /// Answers a message.
    pub async fn answer(&self, released: &Released, answer: Answer) {
        let event = Event::Answered { permit: released.permit(), answer };
        self.spine.offer(vec![event]).await.unwrap();
    }

    /// Takes a message under an id.
    pub async fn take(&self, released: &Released, remote_id: &'static str) {
        self.answer(released, Answer::Taken { remote_id: remote_id.into() }).await;
    }

    pub fn session(&self) -> SessionId {
        self.session
    }
}
