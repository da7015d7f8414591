//! Metrics of sessions, with handles made once. No number and no text is a label; a status that SMPP does not
//! define counts as `other`, so that a peer cannot make up series.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use rustc_hash::FxHashMap;
use signalbox_smpp::{CommandId, CommandStatus};

/// Commands that are counted apart.
const COMMANDS: [CommandId; 9] = [
    CommandId::SUBMIT_SM,
    CommandId::DELIVER_SM,
    CommandId::DATA_SM,
    CommandId::SUBMIT_MULTI,
    CommandId::QUERY_SM,
    CommandId::CANCEL_SM,
    CommandId::REPLACE_SM,
    CommandId::BROADCAST_SM,
    CommandId::ALERT_NOTIFICATION,
];
const OTHER: usize = COMMANDS.len();
const SLOTS: usize = COMMANDS.len() + 1;

/// Which way a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From the peer.
    In,
    /// To the peer.
    Out,
}

/// Whose limit slowed a request down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// The peer said so.
    Peer,
    /// Our rate for it.
    Rate,
    /// Our window for it.
    Window,
}

/// The series of one link or account; each session has its own handles to them.
pub struct PeerMetrics {
    label: &'static str,
    name: String,
    requests_in: [Counter; SLOTS],
    requests_out: [Counter; SLOTS],
    durations_in: [Histogram; SLOTS],
    durations_out: [Histogram; SLOTS],
    ok: [Counter; SLOTS],
    responses: FxHashMap<(usize, u32), Counter>,
    throttled: [Counter; 3],
    bound: Gauge,
    reconnects: Counter,
    window_in_use: Gauge,
    window_limit: Gauge,
    malformed: Counter,
    in_use: usize,
    limit: u32,
    is_bound: bool,
}

impl PeerMetrics {
    /// The series of a link.
    #[must_use]
    pub fn of_link(name: &str) -> Self {
        Self::new("link", name)
    }

    /// The series of an account.
    #[must_use]
    pub fn of_account(name: &str) -> Self {
        Self::new("account", name)
    }

    /// No series: nobody knows yet whose session it is.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self {
            label: "nobody",
            name: String::new(),
            requests_in: std::array::from_fn(|_| Counter::noop()),
            requests_out: std::array::from_fn(|_| Counter::noop()),
            durations_in: std::array::from_fn(|_| Histogram::noop()),
            durations_out: std::array::from_fn(|_| Histogram::noop()),
            ok: std::array::from_fn(|_| Counter::noop()),
            responses: FxHashMap::default(),
            throttled: std::array::from_fn(|_| Counter::noop()),
            bound: Gauge::noop(),
            reconnects: Counter::noop(),
            window_in_use: Gauge::noop(),
            window_limit: Gauge::noop(),
            malformed: Counter::noop(),
            in_use: 0,
            limit: 0,
            is_bound: false,
        }
    }

    fn new(label: &'static str, name: &str) -> Self {
        let with = |direction: &'static str| {
            std::array::from_fn(|slot| {
                counter!(
                    "smpp_requests_total",
                    label => name.to_owned(),
                    "direction" => direction,
                    "command" => command_name(slot)
                )
            })
        };
        let durations = |direction: &'static str| {
            std::array::from_fn(|slot| {
                histogram!(
                    "smpp_request_duration_seconds",
                    label => name.to_owned(),
                    "direction" => direction,
                    "command" => command_name(slot)
                )
            })
        };
        let throttled = |origin: &'static str| counter!("smpp_throttled_total", label => name.to_owned(), "origin" => origin);
        Self {
            label,
            requests_in: with("in"),
            requests_out: with("out"),
            durations_in: durations("in"),
            durations_out: durations("out"),
            ok: std::array::from_fn(|slot| response_counter(label, name, slot, CommandStatus::ROK)),
            responses: FxHashMap::default(),
            throttled: [throttled("peer"), throttled("rate"), throttled("window")],
            bound: gauge!("smpp_link_bound", label => name.to_owned()),
            reconnects: counter!("smpp_link_reconnects_total", label => name.to_owned()),
            window_in_use: gauge!("smpp_window_in_use", label => name.to_owned()),
            window_limit: gauge!("smpp_window_limit", label => name.to_owned()),
            malformed: counter!("smpp_malformed_total", label => name.to_owned()),
            in_use: 0,
            limit: 0,
            is_bound: false,
            name: name.to_owned(),
        }
    }

    /// A request was sent or received.
    #[inline]
    pub fn request(&self, flow: Flow, command: CommandId) {
        let slot = slot(command);
        match flow {
            Flow::In => self.requests_in[slot].increment(1),
            Flow::Out => self.requests_out[slot].increment(1),
        }
    }

    /// A request was answered; `flow` is the request's.
    #[inline]
    pub fn response(&mut self, flow: Flow, request: CommandId, status: CommandStatus, took: Duration) {
        let slot = slot(request);
        match flow {
            Flow::In => self.durations_in[slot].record(took),
            Flow::Out => self.durations_out[slot].record(took),
        }
        if status.is_ok() {
            self.ok[slot].increment(1);
            return;
        }
        let known = if status.name().is_some() { status.0 } else { u32::MAX };
        let (label, name) = (self.label, &self.name);
        self.responses
            .entry((slot, known))
            .or_insert_with(|| response_counter(label, name, slot, status))
            .increment(1);
    }

    /// Somebody was too fast.
    pub fn throttled(&self, by: Throttle, times: u64) {
        let counter = match by {
            Throttle::Peer => &self.throttled[0],
            Throttle::Rate => &self.throttled[1],
            Throttle::Window => &self.throttled[2],
        };
        counter.increment(times);
    }

    /// A PDU could not be read.
    pub fn malformed(&self) {
        self.malformed.increment(1);
    }

    /// A connection is tried again.
    pub fn reconnecting(&self) {
        self.reconnects.increment(1);
    }

    /// The session is bound, with this window, or is not any more.
    pub fn set_bound(&mut self, bound: bool, window: u32) {
        match (self.is_bound, bound) {
            (false, true) => self.bound.increment(1.0),
            (true, false) => self.bound.decrement(1.0),
            (true, true) | (false, false) => {}
        }
        self.is_bound = bound;
        let window = if bound { window } else { 0 };
        self.window_limit.increment(f64::from(window) - f64::from(self.limit));
        self.limit = window;
    }

    /// So many requests of ours are without an answer.
    #[inline]
    pub fn set_window_in_use(&mut self, in_use: usize) {
        if in_use != self.in_use {
            self.window_in_use.increment(in_use as f64 - self.in_use as f64);
            self.in_use = in_use;
        }
    }
}

impl Drop for PeerMetrics {
    fn drop(&mut self) {
        self.set_bound(false, 0);
        self.set_window_in_use(0);
    }
}

impl std::fmt::Debug for PeerMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerMetrics").field(self.label, &self.name).finish_non_exhaustive()
    }
}

fn response_counter(label: &'static str, name: &str, slot: usize, status: CommandStatus) -> Counter {
    counter!(
        "smpp_responses_total",
        label => name.to_owned(),
        "command" => command_name(slot),
        "status" => status.name().unwrap_or("other")
    )
}

#[inline]
fn slot(command: CommandId) -> usize {
    COMMANDS.iter().position(|&known| known == command).unwrap_or(OTHER)
}

fn command_name(slot: usize) -> &'static str {
    COMMANDS.get(slot).and_then(|command| command.name()).unwrap_or("other")
}

/// Counts a connection that was not taken.
pub fn refused_connection(listener: &str, why: &'static str) {
    counter!("smpp_connections_refused_total", "listener" => listener.to_owned(), "reason" => why)
        .increment(1);
}

/// Counts a bind that was answered.
pub fn bind_answered(listener: &str, result: &'static str) {
    counter!("smpp_binds_total", "listener" => listener.to_owned(), "result" => result).increment(1);
}
