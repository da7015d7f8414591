//! Where the events of a webhook go.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use reqwest::{Client, Url};
use rustls::{ClientConfig, RootCertStore};
use signalbox_config::catalog::Webhook;
use signalbox_config::value::{SecretError, SecretPlaces};
use signalbox_core::id::WebhookId;

use super::guard::{GuardedResolver, NotPublic, check_literal};
use crate::control::InForce;

/// Idle connections that are kept for a target.
const IDLE: usize = 4;

/// What a session is made from; another one, another session.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    id: WebhookId,
    row: Webhook,
    timeout: Duration,
    max_answer: usize,
    private_targets: bool,
}

impl Wanted {
    /// The webhooks that are switched on.
    pub(super) fn all(in_force: &InForce) -> Vec<Self> {
        let settings = &in_force.settings.webhooks;
        let rows = in_force.snapshot.rows.webhook.iter().filter(|row| row.enabled);
        rows.filter_map(|row| {
            Some(Self {
                id: in_force.snapshot.ids.webhook(row.name.as_str())?,
                row: row.clone(),
                timeout: row.timeout.unwrap_or(settings.timeout).duration(),
                max_answer: usize::try_from(settings.max_answer.bytes()).unwrap_or(usize::MAX),
                private_targets: settings.private_targets,
            })
        })
        .collect()
    }

    pub(super) fn name(&self) -> String {
        self.row.name.to_string()
    }
}

/// A webhook that cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    #[error("its url cannot be used: {0}")]
    Url(String),
    #[error("its url names an address that is not public")]
    NotPublic(#[from] NotPublic),
    #[error("its secret cannot be had")]
    Secret(#[from] SecretError),
    #[error("no client can be made for it")]
    Client(#[from] reqwest::Error),
    #[error("tls cannot be used")]
    Tls(#[from] rustls::Error),
}

/// Where the events of a webhook go, ready to be used.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) id: WebhookId,
    pub(super) name: String,
    pub(super) account: String,
    pub(super) url: Url,
    pub(super) secret: String,
    pub(super) timeout: Duration,
    pub(super) max_answer: usize,
    pub(super) window: u32,
    pub(super) client: Client,
}

/// The system's certificates, read once.
static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

impl Target {
    pub(super) fn new(wanted: &Wanted, places: SecretPlaces<'_>) -> Result<Self, TargetError> {
        let row = &wanted.row;
        let url: Url = row.url.as_str().parse().map_err(|error| TargetError::Url(format!("{error}")))?;
        if !wanted.private_targets {
            check_literal(&url)?;
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(ROOTS.clone())
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(GuardedResolver { private: wanted.private_targets }))
            .pool_max_idle_per_host(IDLE)
            .user_agent(concat!("signalbox/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            id: wanted.id,
            name: row.name.to_string(),
            account: row.account.to_string(),
            url,
            secret: row.secret.reveal(places)?,
            timeout: wanted.timeout,
            max_answer: wanted.max_answer,
            window: row.window.as_u32(),
            client,
        })
    }
}
