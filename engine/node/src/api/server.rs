//! The listener: plain or TLS, ordered stop.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum_server::Handle;
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use signalbox_config::settings::{ApiSettings, TlsListener};
use signalbox_core::backend::Clock;
use signalbox_people::People;
use signalbox_script::Pool;
use tokio::task::JoinHandle;

use super::connection::Door;
use super::links::LinkStates;
use super::problem::{Problem, ProblemKind};
use super::{Api, limits, operations};
use crate::control::Control;
use crate::gateway::Gateway;
use crate::links::settings::ServerTls;
use crate::tls::{self, TlsError};

/// Requests that are in work get so long to end when the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// Connections for each request that may be in work.
const CONNECTIONS: usize = 4;
/// A client gets so long for the head of a request.
const HEAD: Duration = Duration::from_secs(30);
/// A client gets so long for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// An API that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The address cannot be used.
    #[error("the api cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Without TLS, tokens and texts would cross a network in the clear.
    #[error(
        "the api would listen on {0} without tls; set api.tls, or api.plain_beyond_loopback if a proxy ends it"
    )]
    Plain(SocketAddr),
    /// The certificates.
    #[error("the api's certificates cannot be used")]
    Tls(#[from] TlsError),
}

/// What the API needs of the node.
pub struct Parts {
    /// Settings and catalog.
    pub control: Arc<Control>,
    /// The way into the exchange.
    pub gateway: Gateway,
    /// States of links and accounts.
    pub links: Arc<dyn LinkStates>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Contacts and what belongs to them.
    pub people: Arc<People>,
    /// Who waits for first messages to be taken.
    pub starts: Arc<crate::instructions::Starts>,
    /// Who reads and rehearses scripts.
    pub scripts: Arc<Pool>,
    /// Participation campaigns.
    pub participations: Arc<crate::participation::Participations>,
    /// The way of entries to them.
    pub reception: crate::intake::Reception,
    /// That there are verdicts.
    pub judged: Arc<crate::instructions::Judged>,
    /// The way of agents to the dialog server.
    pub agents: Arc<crate::instructions::Agents>,
}

/// The running API.
pub struct Server {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<()>,
    following: Option<JoinHandle<()>>,
    expires: Arc<AtomicI64>,
}

impl Server {
    /// Listens; `None` never yet, since a node without an API cannot be operated.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn start(parts: Parts) -> Result<Option<Self>, ApiError> {
        let settings = parts.control.in_force().settings.api.clone();
        let address = settings.address;
        if settings.is_exposed() {
            return Err(ApiError::Plain(address));
        }
        // The first look-up of a number would wait for the plans.
        drop(tokio::task::spawn_blocking(signalbox_text::phone::load));
        let listen = |source| ApiError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let control = parts.control.clone();
        let service = router(Api::new(parts), &settings).into_make_service_with_connect_info::<SocketAddr>();
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(listener).map_err(listen)?.handle(handle.clone());
        // A client that begins a request and does not go on, or keeps an idle connection, loses it.
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        server
            .http_builder()
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD)
            .keep_alive_timeout(HEAD);
        let places = settings.max_requests.as_usize().saturating_mul(CONNECTIONS);
        let expires = Arc::new(AtomicI64::new(0));
        let (serving, following) = match &settings.tls {
            None => {
                let server = server.acceptor(Door::new(places, DefaultAcceptor::new()));
                (tokio::spawn(async move { ended(server.serve(service).await) }), None)
            }
            Some(tls) => {
                let tls = server_tls(tls)?;
                expires.store(tls.expires.unwrap_or(0), Ordering::Release);
                let config = RustlsConfig::from_config(tls.config);
                let acceptor =
                    axum_server::tls_rustls::RustlsAcceptor::new(config.clone()).handshake_timeout(HANDSHAKE);
                let server = server.acceptor(Door::new(places, acceptor));
                let serving = tokio::spawn(async move { ended(server.serve(service).await) });
                (serving, Some(tokio::spawn(follow_certificates(control, config, expires.clone()))))
            }
        };
        Ok(Some(Self { address, handle, serving, following, expires }))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// When its first certificate expires, in seconds since the epoch; zero without TLS. Follows what is loaded.
    #[must_use]
    pub fn expires(&self) -> Arc<AtomicI64> {
        self.expires.clone()
    }

    /// Takes no new connections, lets requests in work end, and stops.
    pub async fn stop(self) {
        if let Some(following) = self.following {
            following.abort();
        }
        self.handle.graceful_shutdown(Some(GRACE));
        // A panic of the listener is on stderr; it has stopped all the same.
        let _ = self.serving.await;
    }
}

fn ended(result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::error!(error = &error as &dyn std::error::Error, "the api has ended");
    }
}

/// Certificates of a listener for HTTP.
pub(crate) fn server_tls(tls: &TlsListener) -> Result<tls::Server, TlsError> {
    let server = tls::server(&ServerTls {
        certificate: tls.certificate.path().clone(),
        key: tls.key.path().clone(),
        client_ca: tls.client_ca.as_ref().map(|file| file.path().clone()),
        client_certificate_required: tls.client_certificate_required,
    })?;
    let mut config = (*server.config).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls::Server { config: Arc::new(config), expires: server.expires })
}

/// Reads the certificates again whenever settings or catalog change; connections that are open keep theirs.
async fn follow_certificates(control: Arc<Control>, config: RustlsConfig, expires: Arc<AtomicI64>) {
    let mut changes = control.changes();
    while changes.changed().await.is_ok() {
        let in_force = control.in_force();
        let Some(tls) = &in_force.settings.api.tls else { continue };
        match server_tls(tls) {
            Ok(new) => {
                expires.store(new.expires.unwrap_or(0), Ordering::Release);
                config.reload_from_config(new.config);
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the api keeps its old certificates"
                );
            }
        }
    }
}

fn router(api: Api, settings: &ApiSettings) -> Router {
    let largest = usize::try_from(settings.max_body.bytes()).unwrap_or(usize::MAX);
    operations::router(&api)
        .fallback(|| async { Problem::new(ProblemKind::NotFound, "there is no such path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(ProblemKind::MethodNotAllowed, "the path has other methods")
        })
        .layer(DefaultBodyLimit::max(largest))
        .layer(from_fn_with_state(api, limits::bound))
}
