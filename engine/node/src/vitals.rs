//! What is looked at only when the metrics are read: the process, the drain, the commit under way, certificates,
//! sessions that should be. None of it waits for a disk, so that a disk that hangs shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use metrics::{Gauge, gauge};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::backend::Clock;

use crate::admin::Health;
use crate::links::Links;
use crate::process::Usage;
use crate::spine::{OldestUnpublished, SpineHandle};

/// What is looked at.
pub struct VitalsParts {
    /// Whether it drains.
    pub health: Arc<Health>,
    /// The commit under way.
    pub spine: SpineHandle,
    /// CDRs that wait.
    pub cdrs: OldestUnpublished,
    /// Links and listeners.
    pub links: Links,
    /// When the API's certificate expires, in seconds since the epoch; zero without one.
    pub api_expires: Option<Arc<AtomicI64>>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
}

/// See the [module](self).
pub struct Vitals {
    parts: VitalsParts,
    wanted: Mutex<Series>,
    expiries: Mutex<Series>,
}

/// Gauges of things that have names and come and go.
#[derive(Default)]
struct Series(FxHashMap<String, Gauge>);

impl Series {
    /// Sets the gauge of each; those of things that are gone are 0.
    fn set(&mut self, now: Vec<(String, f64)>, register: impl Fn(String) -> Gauge) {
        for (name, gauge) in &self.0 {
            if !now.iter().any(|(there, _)| there == name) {
                gauge.set(0.0);
            }
        }
        for (name, value) in now {
            self.0.entry(name.clone()).or_insert_with(|| register(name)).set(value);
        }
    }
}

impl Vitals {
    /// Looks at these parts. The process is taken to begin now: the kernel's own time of its start moves when the
    /// clock is set.
    #[must_use]
    pub fn new(parts: VitalsParts) -> Self {
        gauge!("process_start_time_seconds").set(parts.clock.now().wall.0 as f64 / 1e6);
        Self { parts, wanted: Mutex::default(), expiries: Mutex::default() }
    }

    /// Brings the metrics up to date.
    pub fn report(&self) {
        let now = self.parts.clock.now();
        gauge!("node_draining").set(f64::from(u8::from(self.parts.health.is_draining())));
        let commit =
            self.parts.spine.committing_since().map_or(0.0, |since| (now.mono - since).as_secs_f64());
        gauge!("store_commit_age_seconds").set(commit);
        gauge!("cdr_outbox_oldest_age_seconds").set(self.parts.cdrs.age(now).as_secs_f64());

        let wanted = self.parts.links.sessions_wanted();
        let wanted = wanted.into_iter().map(|(name, sessions)| (name, f64::from(sessions))).collect();
        self.wanted.lock().set(wanted, |link| gauge!("smpp_link_sessions_wanted", "link" => link));

        let listeners =
            self.parts.links.expiries().into_iter().map(|(name, at)| (format!("smpp/{name}"), at));
        let api = self.parts.api_expires.as_ref().map(|at| at.load(Ordering::Acquire));
        let api = api.filter(|at| *at != 0).map(|at| ("api".to_owned(), at));
        let expiries = listeners.chain(api).map(|(name, at)| (name, at as f64)).collect();
        self.expiries
            .lock()
            .set(expiries, |name| gauge!("tls_certificate_expiry_seconds", "listener" => name));

        let Some(usage) = Usage::read() else { return };
        gauge!("process_resident_memory_bytes").set(usage.resident_bytes as f64);
        // A gauge, for counters here are whole numbers.
        gauge!("process_cpu_seconds_total").set(usage.cpu_seconds);
        gauge!("process_open_fds").set(usage.open_fds as f64);
        if let Some(most) = usage.max_fds {
            gauge!("process_max_fds").set(most as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn what_is_gone_is_zero_and_comes_back() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let register = recorder.handle();
        let mut series = Series::default();
        let mut set = |now: &[(&str, f64)]| {
            let now = now.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            metrics::with_local_recorder(&recorder, || {
                series.set(now, |link| gauge!("smpp_link_sessions_wanted", "link" => link));
            });
        };
        let has = |line: &str| register.render().lines().any(|found| found == line);
        set(&[("a", 2.0), ("b", 1.0)]);
        assert!(has("smpp_link_sessions_wanted{link=\"a\"} 2"));
        set(&[("b", 1.0)]);
        assert!(has("smpp_link_sessions_wanted{link=\"a\"} 0"));
        assert!(has("smpp_link_sessions_wanted{link=\"b\"} 1"));
        set(&[("a", 3.0)]);
        assert!(has("smpp_link_sessions_wanted{link=\"a\"} 3"));
    }
}
