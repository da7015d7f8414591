//! The HTTP API under `/v1`: JSON, problem details, cursors, ETags, idempotency keys, tokens with rights.
//!
//! `operations` is the list that router and OpenAPI document are made of; each other file holds the handlers of
//! one noun. Handlers reach the exchange by the [`Gateway`] and the catalog by the [`Control`]; nothing here keeps
//! state that a restart would miss, but which body the idempotency key of a message came with.

mod about;
mod agents;
mod apply;
mod audit;
mod batch;
mod bindings;
mod bundles;
mod callbacks;
mod caller;
mod connection;
mod conversations;
mod counters;
mod dnc;
mod extract;
mod families;
mod idempotency;
mod limits;
mod links;
mod mask;
mod messages;
mod numbers;
mod once;
mod openapi;
mod operations;
mod pace;
mod page;
mod participation_queue;
mod participations;
mod passes;
mod peers;
mod people;
mod problem;
mod queue;
mod rehearsal;
mod review;
mod routing;
mod rows;
mod scripts;
mod selection;
mod server;
mod sessions;
mod stream;
mod sub_campaigns;
mod suppressions;
mod tenants;
mod trace;

pub(crate) use connection::Door;
pub use links::{LinkStates, PeerState, SessionView};
pub use openapi::document;
pub use problem::{FieldError, Problem, ProblemBody, ProblemKind};
pub(crate) use server::server_tls;
pub use server::{ApiError, Parts, Server};

use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::time::Duration;

use parking_lot::Mutex;
use signalbox_core::backend::Clock;
use signalbox_core::time::Now;
use signalbox_people::People;
use signalbox_script::Pool;
use tokio::sync::Semaphore;

use crate::control::Control;
use crate::gateway::Gateway;
use crate::instructions::{Agents, Judged, Starts};
use crate::intake::Reception;
use crate::paces::Paces;
use crate::participation::Participations;

/// Scans of CDR files at once: they read much.
const SCANS: usize = 2;
/// Requests that wait for a tally to change at once; one beyond them is answered at once.
const WATCHERS: usize = 64;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Api(Arc<Shared>);

struct Shared {
    control: Arc<Control>,
    gateway: Gateway,
    links: Arc<dyn LinkStates>,
    clock: Arc<dyn Clock>,
    people: Arc<People>,
    starts: Arc<Starts>,
    scripts: Arc<Pool>,
    participations: Arc<Participations>,
    reception: Reception,
    judged: Arc<Judged>,
    watchers: Arc<Semaphore>,
    agents: Arc<Agents>,
    requests: Semaphore,
    request_timeout: Duration,
    scans: Arc<Semaphore>,
    paces: Arc<Paces>,
    sessions: sessions::Sessions,
    keys: Mutex<idempotency::Keys>,
    once: once::Once,
    reference: AtomicU16,
    /// One change of the catalog at a time: each is checked against what the one before left.
    changing: tokio::sync::Mutex<()>,
}

impl Api {
    fn new(parts: Parts) -> Self {
        let settings = parts.control.in_force().settings.api.clone();
        let (patience, keys) = (settings.request_timeout.duration(), settings.idempotency_keys.as_usize());
        let once = once::Once::start(parts.people.clone(), patience, keys as u64);
        Self(Arc::new(Shared {
            paces: parts.links.paces(),
            control: parts.control,
            gateway: parts.gateway,
            links: parts.links,
            clock: parts.clock,
            people: parts.people,
            starts: parts.starts,
            scripts: parts.scripts,
            participations: parts.participations,
            reception: parts.reception,
            judged: parts.judged,
            watchers: Arc::new(Semaphore::new(WATCHERS)),
            agents: parts.agents,
            requests: Semaphore::new(settings.max_requests.as_usize()),
            request_timeout: settings.request_timeout.duration(),
            scans: Arc::new(Semaphore::new(SCANS)),
            sessions: sessions::Sessions::default(),
            keys: Mutex::new(idempotency::Keys::new(settings.idempotency_keys.as_usize())),
            once,
            reference: AtomicU16::new(rand::random()),
            changing: tokio::sync::Mutex::new(()),
        }))
    }

    fn control(&self) -> &Arc<Control> {
        &self.0.control
    }

    fn gateway(&self) -> &Gateway {
        &self.0.gateway
    }

    fn starts(&self) -> &Starts {
        &self.0.starts
    }

    fn links(&self) -> &Arc<dyn LinkStates> {
        &self.0.links
    }

    fn scripts(&self) -> &Pool {
        &self.0.scripts
    }

    fn agents(&self) -> &Agents {
        &self.0.agents
    }

    fn sessions(&self) -> &sessions::Sessions {
        &self.0.sessions
    }

    fn now(&self) -> Now {
        self.0.clock.now()
    }

    fn requests(&self) -> &Semaphore {
        &self.0.requests
    }

    fn request_timeout(&self) -> Duration {
        self.0.request_timeout
    }
}
