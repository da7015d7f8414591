//! The admin port: live, ready, metrics, log level, drain, version. No passwords: it belongs on loopback or on
//! a network of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::sync::Notify;

use crate::telemetry::LogLevel;
use crate::vitals::Vitals;

/// What the node says of itself.
#[derive(Debug, Default)]
pub struct Health {
    ready: AtomicBool,
    draining: AtomicBool,
    drain: Notify,
}

impl Health {
    /// Says whether traffic is taken.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// True while traffic is taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) && !self.draining.load(Ordering::Acquire)
    }

    /// Says that it finishes what is under way.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// True from the moment that a drain was asked for.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Asks the node to finish and stop.
    pub fn ask_to_drain(&self) {
        self.set_draining();
        self.drain.notify_one();
    }

    /// Returns when a drain is asked for.
    pub async fn drain_asked(&self) {
        self.drain.notified().await;
    }
}

/// What the handlers need.
#[derive(Clone)]
pub struct Admin {
    /// The node's health.
    pub health: Arc<Health>,
    /// The register of metrics.
    pub metrics: PrometheusHandle,
    /// Brings up to date what is only looked at when the metrics are read.
    pub vitals: Arc<Vitals>,
    /// The log's level.
    pub log: Option<LogLevel>,
    /// What is missing of what the settings ask for before traffic may come, if anything is.
    pub missing: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

impl Admin {
    /// The handlers.
    pub fn router(self) -> Router {
        Router::new()
            .route("/live", get(|| async { "live\n" }))
            .route("/ready", get(ready))
            .route("/metrics", get(metrics_text))
            .route("/log-level", get(log_level).put(set_log_level))
            .route("/drain", post(drain))
            .route("/version", get(version))
            .with_state(self)
    }
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, String) {
    let unready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("not ready{why}\n"));
    if !admin.health.is_ready() {
        return unready("");
    }
    match (admin.missing)() {
        Some(what) => unready(&format!(": {what}")),
        None => (StatusCode::OK, "ready\n".to_owned()),
    }
}

async fn metrics_text(State(admin): State<Admin>) -> String {
    admin.vitals.report();
    admin.metrics.run_upkeep();
    admin.metrics.render()
}

async fn log_level(State(admin): State<Admin>) -> String {
    admin.log.map(|log| log.get()).unwrap_or_default() + "\n"
}

async fn set_log_level(State(admin): State<Admin>, text: String) -> (StatusCode, String) {
    let Some(log) = admin.log else { return (StatusCode::NOT_FOUND, "no log\n".to_owned()) };
    match log.set(text.trim()) {
        Ok(()) => (StatusCode::OK, log.get() + "\n"),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

async fn drain(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    admin.health.ask_to_drain();
    (StatusCode::ACCEPTED, "draining\n")
}

async fn version() -> Json<serde_json::Value> {
    Json(json!({ "name": "signalbox", "version": env!("CARGO_PKG_VERSION") }))
}
