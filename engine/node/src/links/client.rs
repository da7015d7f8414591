//! We as ESME: the sessions of a link. Each connects, binds, carries messages, and begins anew when it ends.

mod connect;
mod duty;
mod outbind;

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use signalbox_core::id::PeerId;
use signalbox_core::time::{Mono, Now};
use signalbox_smpp::{Bind, Npi, Role, Session, SessionConfig, Ton, Version};

use self::connect::ConnectError;
use self::duty::ClientDuty;
pub(super) use self::outbind::listen;
use super::describe;
use super::line::{Ended, Ground, Line};
use super::metrics::PeerMetrics;
use super::pump::{Pump, PumpTimes};
use super::settings::{LinkSettings, SessionTimes};
use super::state::Phase;
use super::transport::Transport;
use crate::supervisor::{Failure, Order, Orders};

/// A session that was bound for so long begins its waits anew when it ends.
const STEADY: Duration = Duration::from_secs(5);

/// Times of a session in the machine's form.
pub(super) fn timers(times: &SessionTimes) -> signalbox_smpp::Timers {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    signalbox_smpp::Timers {
        session_init: Some(nanos(times.bind)),
        enquire_link: times.enquire_link.map(nanos),
        inactivity: times.inactivity.map(nanos),
        response: Some(nanos(times.response)),
    }
}

/// The machine for a session of this link.
pub(super) fn machine(link: &LinkSettings, now: Now) -> Session {
    let version = link.version;
    let tuning = link.tuning();
    let config = SessionConfig {
        version,
        // A peer that does not tell its version speaks ours, if ours is as old as that.
        version_without_tlv: version.min(Version::V3_4),
        profile: tuning.profile.clone(),
        timers: timers(&tuning.times),
        window_out: tuning.window as usize,
        window_in: tuning.inbound_window as usize,
        last_sequence: link.last_sequence,
        ..SessionConfig::new(Role::Esme)
    };
    Session::new(config, now.mono.0)
}

/// The bind of this link.
pub(super) fn bind(link: &LinkSettings) -> Bind {
    Bind {
        system_type: link.system_type.as_str().into(),
        addr_ton: Ton(link.address_ton),
        addr_npi: Npi(link.address_npi),
        address_range: link.address_range.as_str().into(),
        ..Bind::new(link.system_id.as_str(), link.password.0.as_str(), link.version)
    }
}

/// Runs session `index` of a link until it is told to end.
///
/// # Errors
/// When a session panicked or was stuck: then the supervisor decides when to go on.
pub(super) async fn run(
    ground: Ground,
    link: Arc<LinkSettings>,
    index: u16,
    heartbeat_every: Duration,
    mut orders: Orders,
) -> Result<(), Failure> {
    let name = format!("{}/{index}", link.name);
    let heartbeat = ground.watchdog.watch("link", name.clone());
    let mut failures = 0;
    loop {
        let now = ground.clock.now();
        let posted = ground.board.post(name.clone(), Some(PeerId::Link(link.id)), now.wall);
        let metrics = PeerMetrics::of_link(&link.name);
        if failures > 0 {
            metrics.reconnecting();
        }
        let connecting = connect::connect(&link, link.tuning().times.bind);
        let connected = tokio::select! {
            connected = beating(connecting, &ground, &heartbeat, heartbeat_every) => connected,
            order = orders.recv() => match order {
                Some(Order::Drain | Order::Stop) | None => return Ok(()),
            },
        };
        let began = ground.clock.now().mono;
        let problem = match connected {
            Err(error) => describe(&error),
            Ok(transport) => {
                let line =
                    line(&ground, &link, transport.peer_address(), transport.is_tls(), metrics, posted);
                let mut pump = pump(&ground, &link, line, transport, heartbeat_every);
                pump.duty.bind(&mut pump.line);
                let ended = pump.run(&mut orders, &heartbeat).await;
                let told = pump.was_ordered();
                match ended {
                    Ended::Panicked(why) => return Err(Failure::Panicked(why)),
                    Ended::Stuck => return Err(Failure::Stuck),
                    Ended::SpineGone => return Ok(()),
                    ended if told => {
                        tracing::info!(link = link.name, session = index, %ended, "session ended as told");
                        return Ok(());
                    }
                    ended => {
                        if pump.duty.bound_since().is_some_and(|since| steady(since, &ground)) {
                            failures = 0;
                        }
                        ended.to_string()
                    }
                }
            }
        };
        let wait = link.tuning().reconnect.wait(failures, rand::rng().random());
        failures = failures.saturating_add(1);
        tracing::warn!(
            link = link.name,
            session = index,
            problem,
            wait_ms = wait.as_millis(),
            lasted_ms = (ground.clock.now().mono - began).as_millis(),
            "session ended, connecting again"
        );
        let posted = ground.board.post(name.clone(), Some(PeerId::Link(link.id)), ground.clock.now().wall);
        posted.set_phase(Phase::Waiting, ground.clock.now().wall);
        posted.set_error(problem);
        tokio::select! {
            () = beating(tokio::time::sleep(wait), &ground, &heartbeat, heartbeat_every) => {}
            order = orders.recv() => match order {
                Some(Order::Drain | Order::Stop) | None => return Ok(()),
            },
        }
    }
}

fn steady(since: Mono, ground: &Ground) -> bool {
    ground.clock.now().mono - since >= STEADY
}

/// Connects, to see whether the peer is there, and closes the connection again: the peer's address.
pub(super) async fn reach(link: &LinkSettings) -> Result<Option<std::net::SocketAddr>, ConnectError> {
    connect::connect(link, link.tuning().times.bind).await.map(|transport| transport.peer_address())
}

pub(super) fn line(
    ground: &Ground,
    link: &LinkSettings,
    remote: Option<std::net::SocketAddr>,
    tls: bool,
    metrics: PeerMetrics,
    posted: super::state::Posted,
) -> Line {
    posted.connected(remote, tls);
    let now = ground.clock.now();
    let response = link.tuning().times.response;
    Line::new(machine(link, now), ground.spine.clone(), metrics, posted, response, now)
}

pub(super) fn pump(
    ground: &Ground,
    link: &Arc<LinkSettings>,
    line: Line,
    transport: Transport,
    heartbeat: Duration,
) -> Pump<ClientDuty> {
    let times = PumpTimes { write: link.tuning().times.write, heartbeat };
    Pump::new(line, ClientDuty::new(link.clone()), transport, ground.clock.clone(), times)
}

/// Waits for a future that may take long, showing signs of life.
pub(super) async fn beating<F: Future>(
    future: F,
    ground: &Ground,
    heartbeat: &crate::watchdog::Heartbeat,
    every: Duration,
) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        heartbeat.beat(ground.clock.now().mono);
        tokio::select! {
            biased;
            output = &mut future => return output,
            () = tokio::time::sleep(every) => {}
        }
    }
}
