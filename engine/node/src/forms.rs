//! Public forms of participation campaigns (CM-02, CM-03): a listener of its own, with a page for each campaign that has
//! one. What is sent is written as it came and acknowledged, like a message; what becomes of it is said on another page.
//!
//! Nobody logs in and no cookie is set, so that another site's page can have nothing done in anybody's name; what a
//! browser says comes from another site is refused all the same, for it would spend what its visitor's address may send.
//! Everything that is written to a page is escaped, and pages allow no script, frame or foreign content.

mod gate;
mod handlers;
mod page;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum_server::Handle;
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use parking_lot::Mutex;
use signalbox_backends::participation::Campaigns;
use signalbox_config::settings::FormSettings;
use signalbox_core::backend::Clock;
use tokio::task::JoinHandle;

use crate::api::{ApiError, Door, server_tls};
use crate::control::Control;
use crate::intake::Reception;
use gate::Gate;

/// Octets of an entry as a form sends it, beside its fields' names.
const BODY: usize = 64 << 10;
/// Requests that are in work get so long to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);
/// A client gets so long for the head of a request, and for its TLS handshake.
const HEAD: Duration = Duration::from_secs(10);

/// What the forms need of the node.
pub struct Parts {
    /// Settings and catalog.
    pub control: Arc<Control>,
    /// The way of entries into the queue.
    pub reception: Reception,
    /// Who knows the verdicts.
    pub campaigns: Arc<Campaigns>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
}

/// What handlers share.
struct Forms {
    control: Arc<Control>,
    reception: Reception,
    campaigns: Arc<Campaigns>,
    clock: Arc<dyn Clock>,
    gate: Mutex<Gate>,
    behind_proxy: bool,
}

/// The running listener.
pub struct Server {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Listens, where the settings say so.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn start(parts: Parts) -> Result<Option<Self>, ApiError> {
        let settings = parts.control.in_force().settings.clone();
        let Some(settings) = &settings.participation.forms else { return Ok(None) };
        let address = settings.address;
        if settings.is_exposed() {
            return Err(ApiError::Plain(address));
        }
        let listen = |source| ApiError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let service = router(parts, settings).into_make_service_with_connect_info::<SocketAddr>();
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(listener).map_err(listen)?.handle(handle.clone());
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        server
            .http_builder()
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD)
            .keep_alive_timeout(HEAD);
        let places = settings.max_connections.as_usize();
        let serving = match &settings.tls {
            None => {
                let server = server.acceptor(Door::new(places, DefaultAcceptor::new()));
                tokio::spawn(async move { ended(server.serve(service).await) })
            }
            Some(tls) => {
                let config = RustlsConfig::from_config(server_tls(tls)?.config);
                let acceptor = RustlsAcceptor::new(config).handshake_timeout(HEAD);
                let server = server.acceptor(Door::new(places, acceptor));
                tokio::spawn(async move { ended(server.serve(service).await) })
            }
        };
        Ok(Some(Self { address, handle, serving }))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections, lets requests in work end, and stops.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(GRACE));
        // A panic of the listener is on stderr; it has stopped all the same.
        let _ = self.serving.await;
    }
}

fn ended(result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::error!(error = &error as &dyn std::error::Error, "the forms have ended");
    }
}

fn router(parts: Parts, settings: &FormSettings) -> Router {
    let forms = Forms {
        control: parts.control,
        reception: parts.reception,
        campaigns: parts.campaigns,
        clock: parts.clock,
        gate: Mutex::new(Gate::new(settings.entries_per_minute.as_u32())),
        behind_proxy: settings.behind_proxy,
    };
    Router::new()
        .route(page::STYLE_PATH, get(handlers::style))
        .route("/{campaign}", get(handlers::show).post(handlers::receive))
        .route("/{campaign}/{entry}", get(handlers::tell))
        .fallback(handlers::nothing)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(Arc::new(forms))
}
