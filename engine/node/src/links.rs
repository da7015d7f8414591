//! Links: the tokio drivers and actors that connect SMPP and HTTP peers to the exchange, both ways.
//!
//! * `http`: aggregators whose HTTP API we ask, and that call back ours.
//! * `client`: we as ESME. Each session of a link is a child that connects, binds and begins anew when it ends.
//! * `server`: we as SMSC. Listeners take connections; `door` decides who may bind; each connection is a child.
//! * `pump` is the loop of one session on either side, `line` what both sides share, `permits` which messages may
//!   have left. `map` is between PDUs and messages, and pure.
//!
//! Sessions reach the exchange by their [`SpineHandle`] alone. Each is a ractor actor with a task of its own: a
//! panic ends one session, is settled with the exchange like any end, and is followed by a restart within the
//! intensity limits. Everything is bounded: connections, windows, buffers, waits.

mod client;
pub mod http;
mod line;
mod map;
mod metrics;
mod permits;
mod pump;
mod server;
pub mod settings;
mod state;
mod token;
mod transport;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::backend::Clock;
use signalbox_core::id::PeerId;
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub use map::{
    AddressField, Change, DataCodings, ErrorTable, LongMessages, Rewrite, Rewrites, StatusMap, TlvEdits, Way,
    cut,
};
pub(crate) use server::{Hashing, LockOut, Locked};
pub use state::{LinkState, Phase, SessionState};

use line::Ground;
use server::{Desk, Door, Listening, Report, Total};
use settings::{ConversionError, LinkSettings, LinksSettings, ListenerSettings};
use state::Board;

use crate::control::{Control, InForce};
use crate::paces::Paces;
use crate::spine::SpineHandle;
use crate::supervisor::{self, Child, ChildState, Order, Restart, SupervisorGone, SupervisorHandle};
use crate::watchdog::Watchdog;

/// How long sessions that did not end by themselves may take to stop.
const STOP: Duration = Duration::from_secs(5);

/// All links, listeners and sessions of the node.
#[derive(Clone)]
pub struct Links {
    inner: Arc<Inner>,
}

/// What those who look at links, and do not start them, call it.
pub type LinksHandle = Links;

struct Inner {
    ground: Ground,
    supervisor: SupervisorHandle,
    door: Arc<Door>,
    total: Arc<Total>,
    settings: Mutex<LinksSettings>,
    /// What is shared with each listener.
    listeners: Mutex<FxHashMap<String, Arc<Desk>>>,
    /// One change at a time.
    applying: tokio::sync::Mutex<()>,
    /// The task that follows the catalog.
    following: Mutex<Option<AbortHandle>>,
}

/// Why the links could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinksError {
    /// A row of the catalog cannot be used.
    #[error(transparent)]
    Settings(#[from] ConversionError),
    /// A listener does not listen.
    #[error("{0}")]
    Listen(String),
    /// The runtime is about to end.
    #[error(transparent)]
    Supervisor(#[from] SupervisorGone),
}

impl Links {
    /// Starts what the settings and the catalog say, and follows their changes. When this returns, peers can bind.
    ///
    /// # Errors
    /// When a listener cannot listen, or a row cannot be used.
    pub async fn start(
        spine: SpineHandle,
        control: Arc<Control>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LinksError> {
        let mut changes = control.changes();
        let in_force = control.in_force();
        let settings = LinksSettings::of(&in_force.settings, &in_force.snapshot)?;
        let links = Self::open(spine, settings, clock).await?;
        links.listens().await?;
        let following = links.clone();
        // Its control is not kept alive by it, and its end is that of the links.
        let control = Arc::downgrade(&control);
        let task = tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                let Some(control) = control.upgrade() else { return };
                let in_force = control.in_force();
                drop(control);
                following.follow(&in_force).await;
            }
        });
        *links.inner.following.lock() = Some(task.abort_handle());
        Ok(links)
    }

    async fn follow(&self, in_force: &InForce) {
        let settings = match LinksSettings::of(&in_force.settings, &in_force.snapshot) {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "links and accounts stay as they were"
                );
                return;
            }
        };
        // Fails only when everything is about to end.
        let _ = self.apply(settings).await;
    }

    /// Starts everything that the settings name.
    ///
    /// # Errors
    /// When the runtime is about to end.
    pub async fn open(
        spine: SpineHandle,
        settings: LinksSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SupervisorGone> {
        let watchdog = Watchdog::new(clock.clone(), settings.supervision.stuck_after);
        let supervisor = SupervisorHandle::start(supervisor::Settings {
            intensity: settings.supervision.intensity,
            clock: clock.clone(),
        })
        .await?;
        let looked_after = watchdog.clone();
        let every = settings.supervision.heartbeat;
        supervisor.start_child(Child {
            name: "watchdog".to_owned(),
            kind: "watchdog",
            restart: Restart::Always,
            work: Box::new(move |orders| Box::pin(looked_after.clone().run(every, orders))),
        })?;
        let door = Arc::new(Door::new(&settings.smsc, clock.clone()));
        let inner = Inner {
            ground: Ground { spine, clock, board: Arc::new(Board::default()), watchdog },
            supervisor,
            door,
            total: Arc::new(Total::default()),
            settings: Mutex::new(LinksSettings::default()),
            listeners: Mutex::new(FxHashMap::default()),
            applying: tokio::sync::Mutex::new(()),
            following: Mutex::new(None),
        };
        let links = Self { inner: Arc::new(inner) };
        links.apply(settings).await?;
        Ok(links)
    }

    /// Waits until each listener listens.
    ///
    /// # Errors
    /// When one cannot.
    pub async fn listens(&self) -> Result<(), LinksError> {
        let reports: Vec<watch::Receiver<Report>> =
            self.inner.listeners.lock().values().map(|desk| desk.report()).collect();
        for mut report in reports {
            match report.wait_for(Option::is_some).await.map(|report| report.clone()) {
                Ok(Some(Ok(_)) | None) => {}
                Ok(Some(Err(why))) => return Err(LinksError::Listen(why)),
                Err(_) => return Err(SupervisorGone.into()),
            }
        }
        Ok(())
    }

    /// The rates of the accounts.
    #[must_use]
    pub fn paces(&self) -> Arc<Paces> {
        self.inner.door.accounts.paces().clone()
    }

    /// Puts other settings in force: what did not change is not touched, what did is drained and begins anew, and
    /// what had failed too often is tried again. Sessions of a link follow its rules, windows, timers and quirks without
    /// beginning anew.
    ///
    /// # Errors
    /// When the runtime is about to end.
    pub async fn apply(&self, mut settings: LinksSettings) -> Result<(), SupervisorGone> {
        let _one = self.inner.applying.lock().await;
        let before = self.inner.settings.lock().clone();
        let states: FxHashMap<String, ChildState> =
            self.inner.supervisor.states().await.into_iter().collect();
        let given_up = |name: &str| states.get(name) == Some(&ChildState::GivenUp);

        self.inner.total.set_most(settings.smsc.max_sessions);
        self.inner.door.apply(&settings.smsc);
        let now = self.inner.ground.clock.now().mono;
        self.inner.door.accounts.apply(&settings.accounts, now);

        for link in &mut settings.links {
            let old = before.links.iter().find(|old| old.name == link.name);
            if let Some(old) = old.filter(|old| link.keeps_sessions_of(old)) {
                old.follow(link);
                *link = old.clone();
            }
        }
        for link in &settings.links {
            let old = before.links.iter().find(|old| old.name == link.name);
            let unchanged = old.is_some_and(|old| old == link);
            for child in self.children_of_link(link, &settings) {
                if !unchanged || given_up(&child.name) {
                    self.inner.supervisor.start_child(child)?;
                }
            }
        }
        let wanted: Vec<String> = settings.links.iter().flat_map(|link| names_of_link(link)).collect();
        for name in before.links.iter().flat_map(|link| names_of_link(link)) {
            if !wanted.contains(&name) {
                self.inner.supervisor.order(&name, Order::Drain);
            }
        }

        for listener in &settings.listeners {
            let old = before.listeners.iter().find(|old| old.name == listener.name);
            let name = format!("listener/{}", listener.name);
            if old.is_none_or(|old| old != listener) || given_up(&name) {
                self.inner.supervisor.start_child(self.listener_child(&name, listener, &settings))?;
            } else if let Some(desk) = self.inner.listeners.lock().get(&listener.name) {
                desk.reload(listener);
            }
        }
        for old in &before.listeners {
            if !settings.listeners.iter().any(|listener| listener.name == old.name) {
                self.inner.supervisor.order(&format!("listener/{}", old.name), Order::Drain);
                self.inner.listeners.lock().remove(&old.name);
            }
        }

        self.apply_knockers(&before, &settings)?;
        *self.inner.settings.lock() = settings;
        Ok(())
    }

    fn children_of_link(&self, link: &Arc<LinkSettings>, settings: &LinksSettings) -> Vec<Child> {
        if !link.enabled {
            return Vec::new();
        }
        let every = settings.supervision.heartbeat;
        if link.http.is_some() {
            let (ground, link) = (self.inner.ground.clone(), link.clone());
            return vec![Child {
                name: format!("link/{}/0", link.name),
                kind: "link",
                restart: Restart::Always,
                work: Box::new(move |orders| {
                    Box::pin(http::run(ground.clone(), link.clone(), every, orders))
                }),
            }];
        }
        if let Some(outbind) = &link.outbind {
            let (ground, link, address) = (self.inner.ground.clone(), link.clone(), outbind.address);
            return vec![Child {
                name: format!("link/{}/outbind", link.name),
                kind: "link",
                restart: Restart::Always,
                work: Box::new(move |orders| {
                    Box::pin(client::listen(ground.clone(), link.clone(), address, every, orders))
                }),
            }];
        }
        (0..link.sessions)
            .map(|index| {
                let (ground, link) = (self.inner.ground.clone(), link.clone());
                Child {
                    name: format!("link/{}/{index}", link.name),
                    kind: "link",
                    restart: Restart::Always,
                    work: Box::new(move |orders| {
                        Box::pin(client::run(ground.clone(), link.clone(), index, every, orders))
                    }),
                }
            })
            .collect()
    }

    fn listener_child(
        &self,
        name: &str,
        listener: &Arc<ListenerSettings>,
        settings: &LinksSettings,
    ) -> Child {
        let listening = self.listening(listener.clone(), settings);
        let desk = Arc::new(Desk::new());
        self.inner.listeners.lock().insert(listener.name.clone(), desk.clone());
        Child {
            name: name.to_owned(),
            kind: "listener",
            restart: Restart::Always,
            work: Box::new(move |orders| Box::pin(server::listen(listening.clone(), desk.clone(), orders))),
        }
    }

    fn listening(&self, listener: Arc<ListenerSettings>, settings: &LinksSettings) -> Listening {
        Listening {
            ground: self.inner.ground.clone(),
            settings: listener,
            door: self.inner.door.clone(),
            total: self.inner.total.clone(),
            supervisor: self.inner.supervisor.clone(),
            heartbeat: settings.supervision.heartbeat,
        }
    }

    fn apply_knockers(&self, before: &LinksSettings, settings: &LinksSettings) -> Result<(), SupervisorGone> {
        for account in settings.accounts.iter().filter(|account| account.enabled) {
            let Some(target) = &account.outbind else { continue };
            let old = before.accounts.iter().find(|old| old.name == account.name && old.enabled);
            if old.is_some_and(|old| old.outbind == account.outbind && old.id == account.id) {
                continue;
            }
            // Its sessions are like those of the first listener, but for the connection.
            let listener = settings.listeners.first().cloned().unwrap_or_else(|| {
                Arc::new(ListenerSettings::new("outbind", SocketAddr::from(([127, 0, 0, 1], 0))))
            });
            let listening = self.listening(listener, settings);
            let (account, target) = (account.clone(), target.clone());
            self.inner.supervisor.start_child(Child {
                name: format!("knock/{}", account.name),
                kind: "outbind",
                restart: Restart::Always,
                work: Box::new(move |orders| {
                    Box::pin(server::knock(listening.clone(), account.clone(), target.clone(), orders))
                }),
            })?;
        }
        for old in before.accounts.iter().filter(|old| old.enabled && old.outbind.is_some()) {
            let kept = settings
                .accounts
                .iter()
                .any(|account| account.name == old.name && account.enabled && account.outbind.is_some());
            if !kept {
                self.inner.supervisor.order(&format!("knock/{}", old.name), Order::Drain);
            }
        }
        Ok(())
    }

    /// Ends everything with grace: no new connections, nothing new on those that are, then unbind. False when not
    /// all had ended within the limit and the rest was cut off.
    pub async fn drain(&self, limit: Duration) -> bool {
        if let Some(following) = self.inner.following.lock().take() {
            following.abort();
        }
        let _one = self.inner.applying.lock().await;
        let listeners: Vec<String> =
            self.inner.settings.lock().listeners.iter().map(|listener| listener.name.clone()).collect();
        for listener in listeners {
            self.inner.supervisor.order(&format!("listener/{listener}"), Order::Stop);
        }
        self.inner.supervisor.gone("listener/", STOP).await;
        self.inner.supervisor.order_all(Order::Drain);
        let all = self.inner.supervisor.gone("", limit).await;
        if !all {
            tracing::warn!("sessions were still open at the end of the drain, closing them");
            self.inner.supervisor.order_all(Order::Stop);
            self.inner.supervisor.gone("", STOP).await;
        }
        self.inner.supervisor.stop();
        all
    }

    /// Links and accounts with their sessions, in the order of the settings.
    #[must_use]
    pub fn states(&self) -> Vec<LinkState> {
        let mut sessions: FxHashMap<PeerId, Vec<SessionState>> = FxHashMap::default();
        for session in self.inner.ground.board.states() {
            if let Some(peer) = session.peer {
                sessions.entry(peer).or_default().push(session);
            }
        }
        let settings = self.inner.settings.lock();
        let links = settings.links.iter().map(|link| {
            let wanted = if link.enabled { u32::from(link.sessions) } else { 0 };
            (PeerId::Link(link.id), link.name.clone(), link.enabled, wanted)
        });
        let accounts = settings
            .accounts
            .iter()
            .map(|account| (PeerId::Account(account.id), account.name.clone(), account.enabled, 0));
        links
            .chain(accounts)
            .map(|(peer, name, enabled, wanted)| LinkState {
                peer,
                name,
                enabled,
                wanted,
                sessions: sessions.remove(&peer).unwrap_or_default(),
            })
            .collect()
    }

    /// The settings of a link, by its name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<Arc<LinkSettings>> {
        self.inner.settings.lock().links.iter().find(|link| link.name == name).cloned()
    }

    /// Connections that have not bound.
    #[must_use]
    pub fn unbound(&self) -> usize {
        self.inner.ground.board.states().iter().filter(|session| session.peer.is_none()).count()
    }

    /// Where the listeners listen that do, in the order of the settings.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let settings = self.inner.settings.lock();
        let listeners = self.inner.listeners.lock();
        let desks = settings.listeners.iter().filter_map(|listener| listeners.get(&listener.name));
        desks.filter_map(|desk| desk.report().borrow().clone().and_then(Result::ok)).collect()
    }

    /// When the certificates of the listeners with TLS expire, in seconds since the epoch, by their names.
    #[must_use]
    pub fn expiries(&self) -> Vec<(String, i64)> {
        let listeners = self.inner.listeners.lock();
        listeners.iter().filter_map(|(name, desk)| Some((name.clone(), desk.expires()?))).collect()
    }

    /// How many sessions each link over SMPP should have, by its name; none where it is switched off.
    #[must_use]
    pub fn sessions_wanted(&self) -> Vec<(String, u32)> {
        let settings = self.inner.settings.lock();
        let over_smpp = settings.links.iter().filter(|link| link.http.is_none());
        // Where the peer is to connect after an outbind, it decides.
        let wanted = |link: &LinkSettings| match link.enabled && link.outbind.is_none() {
            true => u32::from(link.sessions),
            false => 0,
        };
        over_smpp.map(|link| (link.name.clone(), wanted(link))).collect()
    }

    /// Watches over sessions, and over whoever else shows that he is alive.
    #[must_use]
    pub fn watchdog(&self) -> Arc<Watchdog> {
        self.inner.ground.watchdog.clone()
    }

    /// The supervisor, for other children of the node.
    #[must_use]
    pub fn supervisor(&self) -> SupervisorHandle {
        self.inner.supervisor.clone()
    }
}

/// An error with its causes in one line.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn names_of_link(link: &LinkSettings) -> Vec<String> {
    if !link.enabled {
        return Vec::new();
    }
    if link.outbind.is_some() {
        return vec![format!("link/{}/outbind", link.name)];
    }
    (0..link.sessions).map(|index| format!("link/{}/{index}", link.name)).collect()
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").finish_non_exhaustive()
    }
}
