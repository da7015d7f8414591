//! A listener: takes connections as far as there is room, and gives each a session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use rustls::ServerConfig;
use signalbox_core::gcra::{Gcra, Rate};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::super::line::{Ended, Ground, Line};
use super::super::metrics::{self, PeerMetrics};
use super::super::pump::{Pump, PumpTimes};
use super::super::settings::ListenerSettings;
use super::super::transport::{self, Transport};
use super::door::Door;
use super::duty::{self, Connection, ServerDuty};
use super::places::{Place, Places, Total};
use crate::supervisor::{Child, Failure, Order, Orders, Restart, SupervisorHandle};
use crate::tls::{self, Server};

/// Pause after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener works with.
#[derive(Clone)]
pub(in crate::links) struct Listening {
    pub ground: Ground,
    pub settings: Arc<ListenerSettings>,
    pub door: Arc<Door>,
    pub total: Arc<Total>,
    pub supervisor: SupervisorHandle,
    pub heartbeat: Duration,
}

/// What a listener says of itself: where it listens, or why it does not; nothing before it has tried.
pub(in crate::links) type Report = Option<Result<SocketAddr, String>>;

/// What a listener and those who look after it share.
#[derive(Debug)]
pub(in crate::links) struct Desk {
    report: watch::Sender<Report>,
    tls: ArcSwapOption<Server>,
}

impl Desk {
    pub(in crate::links) fn new() -> Self {
        Self { report: watch::Sender::new(None), tls: ArcSwapOption::empty() }
    }

    /// What the listener says of itself.
    pub(in crate::links) fn report(&self) -> watch::Receiver<Report> {
        self.report.subscribe()
    }

    /// When the first of its certificates expires, in seconds since the epoch.
    pub(in crate::links) fn expires(&self) -> Option<i64> {
        self.tls.load().as_ref().and_then(|server| server.expires)
    }

    /// Reads certificates and key again; sessions that are open keep theirs, and so do all when a file is wrong.
    pub(in crate::links) fn reload(&self, settings: &ListenerSettings) {
        let Some(tls) = &settings.tls else { return };
        match tls::server(tls) {
            Ok(server) => self.tls.store(Some(Arc::new(server))),
            Err(error) => {
                tracing::error!(
                    listener = settings.name,
                    error = crate::links::describe(&error),
                    "certificates stay as they were"
                );
            }
        }
    }
}

/// Listens until told to end. Sessions go on; they have orders of their own.
///
/// # Errors
/// When the address cannot be listened on, or TLS cannot be set up.
pub(in crate::links) async fn listen(
    listening: Listening,
    desk: Arc<Desk>,
    mut orders: Orders,
) -> Result<(), Failure> {
    let settings = listening.settings.clone();
    let failed = |why: String| {
        let why = format!("listener `{}`: {why}", settings.name);
        desk.report.send_replace(Some(Err(why.clone())));
        Failure::Failed(why)
    };
    if let Some(tls) = &settings.tls {
        let server = tls::server(tls).map_err(|error| failed(crate::links::describe(&error)))?;
        desk.tls.store(Some(Arc::new(server)));
    }
    let listener = TcpListener::bind(settings.address)
        .await
        .map_err(|error| failed(format!("{} cannot be listened on: {error}", settings.address)))?;
    let address = listener.local_addr().map_err(|error| failed(error.to_string()))?;
    desk.report.send_replace(Some(Ok(address)));
    tracing::info!(listener = settings.name, %address, tls = settings.tls.is_some(), "listening");
    let places = Places::new(&settings, listening.total.clone());
    let pace = Arc::new(Mutex::new(Gcra::new(
        Rate::per_second(settings.max_binds_per_second).ok(),
        settings.max_binds_per_second,
    )));
    let heart = listening.ground.watchdog.watch("listener", settings.name.clone());
    let mut number = 0_u64;
    let mut beats = tokio::time::interval(listening.heartbeat);
    loop {
        let accepted = tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Drain | Order::Stop) | None => break,
            },
            _ = beats.tick() => {
                heart.beat(listening.ground.clock.now().mono);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                metrics::refused_connection(&settings.name, "accept");
                tracing::warn!(listener = settings.name, %error, "connection not taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let place = match places.take(remote.ip().to_canonical()) {
            Ok(place) => place,
            Err(why) => {
                // No word to the peer: a PDU would cost more than the connection.
                metrics::refused_connection(&settings.name, why);
                tracing::debug!(listener = settings.name, %remote, why, "connection refused");
                continue;
            }
        };
        number += 1;
        let session = Incoming {
            stream,
            remote,
            place,
            tls: desk.tls.load().as_ref().map(|tls| tls.config.clone()),
            pace: pace.clone(),
            number,
        };
        if listening.supervisor.start_child(child(&listening, session)).is_err() {
            break;
        }
    }
    desk.report.send_replace(Some(Err(format!("listener `{}` has ended", settings.name))));
    tracing::info!(listener = settings.name, "not listening any more");
    Ok(())
}

struct Incoming {
    stream: TcpStream,
    remote: SocketAddr,
    place: Place,
    tls: Option<Arc<ServerConfig>>,
    pace: Arc<Mutex<Gcra>>,
    number: u64,
}

fn child(listening: &Listening, incoming: Incoming) -> Child {
    let name = format!("session/{}/{}", listening.settings.name, incoming.number);
    let listening = listening.clone();
    let mut incoming = Some(incoming);
    Child {
        name,
        kind: "session",
        restart: Restart::Never,
        work: Box::new(move |orders| {
            let listening = listening.clone();
            let incoming = incoming.take();
            Box::pin(async move {
                match incoming {
                    Some(incoming) => serve(listening, incoming, orders).await,
                    None => Ok(()),
                }
            })
        }),
    }
}

async fn serve(listening: Listening, incoming: Incoming, mut orders: Orders) -> Result<(), Failure> {
    let settings = &listening.settings;
    let Incoming { stream, remote, place, tls, pace, number } = incoming;
    if transport::set_options(&stream).is_err() {
        return Ok(());
    }
    let transport = match tls {
        None => Transport::Plain(stream),
        Some(config) => {
            let handshake = tokio::time::timeout(settings.times.bind, Transport::server(stream, config));
            match handshake.await {
                Ok(Ok(transport)) => transport,
                Ok(Err(error)) => {
                    metrics::refused_connection(&settings.name, "tls");
                    tracing::debug!(listener = settings.name, %remote, %error, "tls handshake failed");
                    return Ok(());
                }
                Err(_) => {
                    metrics::refused_connection(&settings.name, "tls");
                    return Ok(());
                }
            }
        }
    };
    let name = format!("{}/{number}", settings.name);
    run(listening, name, transport, remote, Some(place), pace, None, &mut orders).await
}

/// Runs a session on the SMSC side. `knocked` is the account that was asked to bind by outbind, if it was.
#[allow(clippy::too_many_arguments, reason = "each is another owner's part of one session")]
pub(super) async fn run(
    listening: Listening,
    name: String,
    transport: Transport,
    remote: SocketAddr,
    place: Option<Place>,
    pace: Arc<Mutex<Gcra>>,
    knocked: Option<signalbox_smpp::Outbind>,
    orders: &mut Orders,
) -> Result<(), Failure> {
    let Listening { ground, settings, door, heartbeat, .. } = listening;
    let heart = ground.watchdog.watch("session", name.clone());
    let now = ground.clock.now();
    let posted = ground.board.post(name.clone(), None, now.wall);
    posted.connected(Some(remote), transport.is_tls());
    let machine = duty::unbound_machine(&settings, now);
    let connection = Connection {
        address: remote.ip().to_canonical(),
        tls: transport.is_tls(),
        certificate: transport.peer_certificate(),
        place,
        pace,
    };
    let metrics = PeerMetrics::of_nobody();
    let line = Line::new(machine, ground.spine.clone(), metrics, posted, settings.times.response, now);
    let mut duty = ServerDuty::new(settings.clone(), door, connection);
    let mut line = line;
    if let Some(outbind) = knocked {
        duty.knock(&mut line, outbind);
    }
    let times = PumpTimes { write: settings.times.write, heartbeat };
    let mut pump = Pump::new(line, duty, transport, ground.clock.clone(), times);
    match pump.run(orders, &heart).await {
        Ended::Panicked(why) => Err(Failure::Panicked(why)),
        Ended::Stuck => Err(Failure::Stuck),
        ended @ Ended::Refused(_) => {
            tracing::debug!(session = name, %remote, %ended, "session ended");
            Ok(())
        }
        ended => {
            tracing::info!(session = name, %remote, account = pump.duty.account_name(), %ended, "session ended");
            Ok(())
        }
    }
}
