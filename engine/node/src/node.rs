//! A node from start to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use metrics_exporter_prometheus::PrometheusHandle;
use signalbox_backends::files::{CdrFiles, CdrFilesOptions};
use signalbox_backends::ownership::EmbeddedOwnership;
use signalbox_backends::sqlite::{SpineOptions, SqliteSpine, Synchronous};
use signalbox_backends::system::SystemRandom;
use signalbox_config::Settings;
use signalbox_config::settings::{CounterRestart, StoreDurability};
use signalbox_core::backend::{CdrSink, Clock, Random};
use signalbox_core::exchange::Event;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::admin::{Admin, Health};
use crate::control::{Control, ControlError};
use crate::gateway::Gateway;
use crate::gauges::Gauges;
use crate::instructions::{self, Agents, Asked, Entries, Starts, script_pool};
use crate::intake::{Reception, Source, SourceError};
use crate::links::Links;
use crate::participation::Participations;
use crate::spine::{
    CounterStore, Relay, RelayError, SpineBounds, SpineError, SpineHandle, SpineParts, SpineThread, start,
};
use crate::telemetry::{LogLevel, filter_text};
use crate::vitals::{Vitals, VitalsParts};

/// Octets that are written between two checkpoints at least.
const CHECKPOINT_LEAST: u64 = 256 << 10;

/// A node that could not be started, or that ended by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A directory or address cannot be used.
    #[error("cannot use {what}")]
    Io {
        /// Which.
        what: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A database cannot be opened.
    #[error(transparent)]
    Open(#[from] signalbox_backends::sqlite::OpenError),
    /// The queue of another host cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The catalog cannot be opened.
    #[error(transparent)]
    Catalog(#[from] crate::rows::OpenCatalogError),
    /// The CDR files cannot be used.
    #[error("the cdr files cannot be used")]
    Cdr(#[from] signalbox_backends::files::CdrFilesError),
    /// The CDR files do not say how far they are.
    #[error("the cdr files cannot be read")]
    Sink(#[source] signalbox_core::backend::SinkError),
    /// The CDR files are of another store: its first CDRs would be taken for published.
    #[error(
        "the cdr files go up to outbox position {published}, the store only to {outbox_last}: they are of another store"
    )]
    ForeignCdrs {
        /// Last position in the files.
        published: u64,
        /// Last position of the store.
        outbox_last: u64,
    },
    /// Scripts of the catalog's seed.
    #[error(transparent)]
    Seed(#[from] crate::scripts::SeedError),
    /// Settings and catalog do not work together.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The exchange.
    #[error(transparent)]
    Spine(#[from] SpineError),
    /// The relay of the CDRs.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The links.
    #[error(transparent)]
    Links(#[from] crate::links::LinksError),
    /// The database of contacts.
    #[error(transparent)]
    People(#[from] crate::people::OpenPeopleError),
    /// The script workers.
    #[error(transparent)]
    Scripts(#[from] signalbox_script::PoolError),
    /// The API.
    #[error(transparent)]
    Api(#[from] crate::api::ApiError),
}

/// What is process-wide, and therefore not the node's own.
pub struct Surrounds {
    /// The register of metrics.
    pub metrics: PrometheusHandle,
    /// The log's level.
    pub log: Option<LogLevel>,
    /// The settings file, read again on SIGHUP.
    pub file: Option<PathBuf>,
    /// The machine's clocks.
    pub clock: Arc<dyn Clock>,
    /// The program whose `script-worker` runs scripts; this very one when it is not given.
    pub program: Option<PathBuf>,
}

/// A running node.
pub struct Node {
    control: Arc<Control>,
    spine: SpineHandle,
    spine_thread: SpineThread,
    relay: Relay,
    links: Links,
    health: Arc<Health>,
    api: Option<crate::api::Server>,
    forms: Option<crate::forms::Server>,
    admin: tokio::task::JoinHandle<()>,
    webhooks: tokio::task::JoinHandle<()>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    listening: Listening,
    stop: watch::Sender<bool>,
    log: Option<LogLevel>,
}

/// Where a node listens; ports that the system chose are filled in.
#[derive(Clone, Debug)]
pub struct Listening {
    /// SMPP, one for each listener of the settings.
    pub smpp: Vec<SocketAddr>,
    /// The HTTP API.
    pub api: Option<SocketAddr>,
    /// Public forms.
    pub forms: Option<SocketAddr>,
    /// The admin port.
    pub admin: SocketAddr,
}

impl Node {
    /// Starts everything; when this returns, peers can bind.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn start(settings: Settings, surrounds: Surrounds) -> Result<Self, NodeError> {
        let clock = surrounds.clock;
        let data = settings.node.data_directory.clone();
        std::fs::create_dir_all(&data).map_err(io(data.display()))?;
        let mut random = SystemRandom::new().map_err(io("the system's random numbers"))?;

        // The library of phone numbers reads its tables at its first use; not while a message waits.
        let numbers = tokio::task::spawn_blocking(signalbox_text::phone::load);

        let store = SqliteSpine::open(spine_options(&settings), clock.clone())?;
        let catalog = Arc::new(crate::rows::open(&settings, clock.clone())?);
        let salt = || {
            let mut salt = [0; 16];
            salt[..8].copy_from_slice(&random.next().to_be_bytes());
            salt[8..].copy_from_slice(&random.next().to_be_bytes());
            salt
        };
        // Before it is read: what is written from here on is seen as a change.
        let ported = portability_written(&settings);
        let pool = Arc::new(script_pool(&settings.scripts, surrounds.program.as_deref())?);
        crate::scripts::check_seed(&settings, &*catalog, &pool).await?;
        let control = Control::start(settings, surrounds.file.clone(), catalog, salt)?;
        let participations = Arc::new(Participations::open(&control.in_force().settings, clock.clone())?);
        control.attach_participations(participations.clone());
        let in_force = control.in_force();
        let settings = in_force.settings.clone();

        let (lookups, lookup_requests) = mpsc::channel(settings.numbers.max_pending.as_usize());
        let reader = store.reader()?;
        let outbox_last = store.outbox_last();
        let mut cdrs = CdrFiles::open(cdr_options(&settings))?;
        let published = cdrs.position().map_err(NodeError::Sink)?;
        if published > outbox_last {
            return Err(NodeError::ForeignCdrs { published, outbox_last });
        }
        let epoch = store.boot_epoch();
        let gauge = store.gauge().clone();
        let (asked, to_do) = Asked::new();
        let (spine, spine_thread) = start(SpineParts {
            store: Box::new(store),
            ownership: Box::new(EmbeddedOwnership::new(epoch)),
            clock: clock.clone(),
            random: Box::new(random),
            policy: in_force.policy.clone(),
            rules: in_force.dialog.rules.clone(),
            surroundings: Box::new(Gauges::new(control.names(), lookups).asking(asked)),
            counters: (settings.counters.on_restart == CounterRestart::Reload)
                .then(|| CounterStore { path: data.join("counters.snapshot"), epoch }),
            bounds: SpineBounds {
                queue: settings.store.queue.as_usize(),
                commit: settings.store.commit_batch.as_usize(),
                published,
                outbox_last,
            },
        })?;
        control.attach(spine.clone());
        let control = Arc::new(control);
        let relay = Relay::start(Box::new(cdrs), Box::new(reader), clock.clone(), spine.clone())?;

        let people = Arc::new(crate::people::open(&settings).await?);
        let gateway = Gateway::open(spine.clone());
        let starts = Arc::new(Starts::default());
        let agents = Arc::new(Agents::default());
        let entries =
            Arc::new(Entries::new(participations.campaigns().clone(), participations.standing().clone()));
        let (stop, stopping) = watch::channel(false);
        let named = settings.participation.source.as_ref();
        let source = named.map(|source| Source::new(source, settings.secret_places())).transpose()?;
        let source = source.map(Arc::new);
        participations.attach(crate::participation::Way {
            source: source.clone(),
            clock: clock.clone(),
            control: Arc::downgrade(&control),
            gateway: gateway.clone(),
            people: people.clone(),
            runtime: tokio::runtime::Handle::current(),
        });
        let intake = Participations::intake(&settings)?;
        let (reception, receiving) = Reception::start(crate::intake::Parts {
            intake,
            campaigns: participations.campaigns().clone(),
            standing: participations.standing().clone(),
            judged: entries.judged().clone(),
            judging: settings.participation.judging,
            source,
            stopping: stopping.clone(),
        });
        if reception.queue().is_some() {
            entries.elsewhere(reception.clone());
        }
        let health = Arc::new(Health::default());
        let links = Links::start(spine.clone(), control.clone(), clock.clone()).await?;
        let api = crate::api::Server::start(crate::api::Parts {
            control: control.clone(),
            gateway,
            links: Arc::new(links.clone()),
            clock: clock.clone(),
            people: people.clone(),
            starts: starts.clone(),
            scripts: pool.clone(),
            participations: participations.clone(),
            reception: reception.clone(),
            judged: entries.judged().clone(),
            agents: agents.clone(),
        })
        .await?;
        let forms = crate::forms::Server::start(crate::forms::Parts {
            control: control.clone(),
            reception,
            campaigns: participations.campaigns().clone(),
            clock: clock.clone(),
        })
        .await?;
        let webhooks = tokio::spawn(crate::webhooks::run_until(
            control.clone(),
            spine.clone(),
            clock.clone(),
            stopping.clone(),
        ));
        let mut tasks = vec![
            tokio::spawn(crate::lookup::run(control.clone(), spine.clone(), clock.clone(), lookup_requests)),
            tokio::spawn(store_gauges(gauge, stopping.clone())),
        ];
        let parts = instructions::Parts {
            control: control.clone(),
            spine: spine.clone(),
            people: people.clone(),
            clock: clock.clone(),
            pool,
            starts: starts.clone(),
            entries,
            agents,
        };
        tasks.extend(receiving);
        tasks.push(tokio::spawn(instructions::run(parts, to_do)));
        let parts = crate::passes::Parts {
            control: control.clone(),
            people: people.clone(),
            clock: clock.clone(),
            starts: starts.clone(),
            spine: spine.clone(),
        };
        tasks.push(tokio::spawn(crate::passes::run(parts, stopping.clone())));
        let files = crate::uploads::run(control.clone(), people.clone(), clock.clone(), stopping.clone());
        tasks.push(tokio::spawn(files));
        tasks.push(tokio::spawn(crate::rows::follow(control.clone(), stopping.clone())));
        tasks.push(tokio::spawn(watch_portability(control.clone(), ported, stopping)));

        let address = settings.admin.address;
        let listener = TcpListener::bind(address).await.map_err(io(address))?;
        let admin_address = listener.local_addr().map_err(io(address))?;
        let log = surrounds.log;
        let (watched, followed) = (links.clone(), control.clone());
        let vitals = Vitals::new(VitalsParts {
            health: health.clone(),
            spine: spine.clone(),
            cdrs: relay.oldest(),
            links: links.clone(),
            api_expires: api.as_ref().map(crate::api::Server::expires),
            clock: clock.clone(),
        });
        let admin = Admin {
            health: health.clone(),
            vitals: Arc::new(vitals),
            metrics: surrounds.metrics,
            log: log.clone(),
            missing: Arc::new(move || {
                followed.in_force().settings.admin.ready_needs_links.then(|| unbound(&watched)).flatten()
            }),
        };
        let admin = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, admin.router()).await {
                tracing::error!(error = &error as &dyn std::error::Error, "the admin port has ended");
            }
        });
        // That it panicked would show at its first real use as well.
        let _ = numbers.await;
        health.set_ready(true);
        let listening = Listening {
            smpp: links.addresses(),
            api: api.as_ref().map(crate::api::Server::address),
            forms: forms.as_ref().map(crate::forms::Server::address),
            admin: admin_address,
        };
        tracing::info!(?listening, "ready");
        Ok(Self {
            control,
            spine,
            spine_thread,
            relay,
            links,
            health,
            api,
            forms,
            admin,
            webhooks,
            tasks,
            listening,
            stop,
            log,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn listening(&self) -> &Listening {
        &self.listening
    }

    /// Settings and catalog.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Its health; a drain is asked for there.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Reads settings and catalog again; what is wrong with them is logged, and then nothing changes.
    pub async fn reload(&self) {
        let control = self.control.clone();
        let filter = filter_text(&control.in_force().settings);
        let done = tokio::task::spawn_blocking(move || control.reload()).await;
        let successful = match done {
            Ok(Ok(version)) => {
                self.follow_filter(&filter);
                tracing::info!(version = version.0, "reloaded");
                true
            }
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "not reloaded");
                false
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "not reloaded");
                false
            }
        };
        metrics::gauge!("config_last_reload_successful").set(f64::from(u8::from(successful)));
    }

    /// Puts the log levels of the settings in force where a reload changed them; otherwise what the admin port set
    /// stays.
    fn follow_filter(&self, before: &str) {
        let wanted = filter_text(&self.control.in_force().settings);
        let Some(log) = self.log.as_ref().filter(|_| wanted != before) else { return };
        if let Err(error) = log.set(&wanted) {
            tracing::error!(error = &error as &dyn std::error::Error, "the log levels stay as they were");
        }
    }

    /// Returns when the exchange has ended by itself: nothing can go on then.
    pub async fn failed(&self) {
        while !self.spine_thread.is_finished() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Finishes what is under way and stops: refuses what is new, lets windows run empty, unbinds, commits,
    /// publishes CDRs.
    ///
    /// # Errors
    /// When the exchange failed.
    pub async fn drain(self) -> Result<(), NodeError> {
        let drain = self.control.in_force().settings.drain.clone();
        self.health.set_ready(false);
        self.health.set_draining();
        tokio::time::sleep(drain.not_ready_for.duration()).await;
        // That the exchange has stopped shows when its thread is joined.
        let _ = self.spine.offer(vec![Event::Draining(true)]).await;
        self.links.drain(drain.deadline.duration()).await;
        if let Some(forms) = self.forms {
            forms.stop().await;
        }
        if let Some(api) = self.api {
            api.stop().await;
        }
        let _ = self.stop.send(true);
        // What a target has already been sent is booked by its answer, so that it is not sent again.
        if tokio::time::timeout(drain.deadline.duration(), self.webhooks).await.is_err() {
            tracing::warn!("webhooks did not end in time; what they had under way is in doubt");
        }
        for task in &self.tasks {
            task.abort();
        }
        self.admin.abort();
        let (relay, spine_thread) = (self.relay, self.spine_thread);
        self.spine.close();
        drop((self.spine, self.links, self.control));
        let ended = tokio::task::spawn_blocking(move || {
            let ended = spine_thread.join();
            relay.stop();
            ended
        });
        match ended.await {
            Ok(ended) => Ok(ended?),
            Err(panic) => Err(SpineError::Panicked(panic.to_string()).into()),
        }
    }
}

fn io(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> NodeError {
    let what = what.to_string();
    move |source| NodeError::Io { what, source }
}

/// A link that is switched on and has no session bound.
fn unbound(links: &Links) -> Option<String> {
    use crate::links::Phase;
    let lacks = |state: &crate::links::LinkState| {
        state.wanted > 0 && !state.sessions.iter().any(|session| session.phase == Phase::Bound)
    };
    links.states().into_iter().find(lacks).map(|state| format!("link `{}` is not bound", state.name))
}

fn spine_options(settings: &Settings) -> SpineOptions {
    SpineOptions {
        synchronous: match settings.store.durability {
            StoreDurability::Full => Synchronous::Full,
            StoreDurability::UnsafeOff => Synchronous::Off,
        },
        fsync_delay: Duration::from_micros(settings.store.bench_fsync_delay_us.get()),
        wal_bound: settings.store.checkpoint_at.bytes(),
        // Often enough that the bound is far away while the disk keeps up.
        checkpoint_every: (settings.store.checkpoint_at.bytes() / 8).max(CHECKPOINT_LEAST),
        lock_wait: settings.store.lock_wait.duration(),
        ..SpineOptions::in_dir(&settings.node.data_directory)
    }
}

fn cdr_options(settings: &Settings) -> CdrFilesOptions {
    CdrFilesOptions {
        dir: settings.in_data_directory(Path::new(&settings.cdr.directory)),
        prefix: settings.cdr.serial_prefix.to_string(),
        max_octets: settings.cdr.rotate_bytes.bytes(),
        max_age: settings.cdr.rotate_after.duration(),
    }
}

async fn store_gauges(
    gauge: Arc<signalbox_backends::sqlite::SpineGauge>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stopping.changed() => return,
        }
        let commits = gauge.commit_durations();
        metrics::gauge!("store_fsync_seconds", "quantile" => "0.5").set(commits.quantile(500).as_secs_f64());
        metrics::gauge!("store_fsync_seconds", "quantile" => "0.99").set(commits.quantile(990).as_secs_f64());
        metrics::counter!("store_commits_total").absolute(commits.count());
    }
}

/// When the portability file was written last; nothing when there is none.
fn portability_written(settings: &Settings) -> Option<SystemTime> {
    let table = settings.numbers.portability.as_ref()?;
    std::fs::metadata(table.file.path()).and_then(|meta| meta.modified()).ok()
}

/// Looks at the portability file now and then, and loads it when it has changed.
async fn watch_portability(
    control: Arc<Control>,
    mut seen: Option<SystemTime>,
    mut stopping: watch::Receiver<bool>,
) {
    let failures = metrics::counter!("portability_load_failures_total");
    // The series is there before its first event.
    failures.increment(0);
    loop {
        let settings = control.in_force().settings.clone();
        let every = settings.numbers.portability.as_ref().map(|table| table.check_every.duration());
        tokio::select! {
            () = tokio::time::sleep(every.unwrap_or(Duration::from_secs(60))) => {}
            _ = stopping.changed() => return,
        }
        let written = portability_written(&control.in_force().settings);
        if written.is_none() || written == seen {
            continue;
        }
        seen = written;
        let control = control.clone();
        match behind_traffic(move || control.reload_portability()).await {
            Ok(Ok(())) => tracing::info!("the portability table is loaded anew"),
            Ok(Err(error)) => {
                failures.increment(1);
                tracing::error!(error = &error as &dyn std::error::Error, "the old portability table stays");
            }
            Err(error) => {
                failures.increment(1);
                tracing::error!(error = &error as &dyn std::error::Error, "the old portability table stays")
            }
        }
    }
}

/// Does long work on a thread of its own, which the system runs when no message needs the processor.
///
/// # Errors
/// When the work panicked or its thread could not be started.
async fn behind_traffic<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, oneshot::error::RecvError> {
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name("background".into()).spawn(move || {
        // On Linux the niceness is the thread's and that of the threads it starts. Without it the work is done too.
        let _ = rustix::process::nice(15);
        // Nobody waits for it when the node stops.
        let _ = done.send(work());
    });
    if let Err(error) = thread {
        tracing::error!(%error, "no thread for work in the background");
    }
    result.await
}
