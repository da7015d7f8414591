//! What the exchange does and holds, as metrics (names: docs/operations/metrics.md). Handles are kept, so that
//! the spine's thread pays nanoseconds; no number and no text is ever a label.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use rustc_hash::FxHashMap;
use signalbox_core::exchange::{Exchange, Note};
use signalbox_core::id::{LinkId, MessageId, PeerId};
use signalbox_core::message::{Direction, TrafficClass};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::{Micros, Now};
use tokio::sync::mpsc;

use crate::instructions::Asked;
use crate::spine::Surroundings;

/// Gives peers their names; follows the catalog.
pub type PeerNames = Arc<arc_swap::ArcSwap<FxHashMap<PeerId, String>>>;

/// A number to look up outside.
#[derive(Debug)]
pub struct LookupRequest {
    /// The message that waits.
    pub message: MessageId,
    /// Digits of E.164.
    pub number: Vec<u8>,
    /// When an answer comes too late.
    pub until: Micros,
}

/// The spine's reports as metrics, log lines and requests to the rest of the node.
pub struct Gauges {
    names: PeerNames,
    lookups: mpsc::Sender<LookupRequest>,
    asked: Option<Asked>,
    accepted: FxHashMap<(Direction, Option<PeerId>), Counter>,
    refused: FxHashMap<&'static str, Counter>,
    attempts: FxHashMap<PeerId, Counter>,
    outcomes: FxHashMap<(Option<PeerId>, FinalState), Counter>,
    latency: Histogram,
    commit: Histogram,
    batch: Histogram,
    events: Counter,
    records: Counter,
    queues: FxHashMap<PeerId, QueueGauges>,
    named: FxHashMap<PeerId, String>,
}

struct QueueGauges {
    waiting: [Gauge; 4],
    in_flight: Gauge,
    awaiting: Gauge,
    oldest: Gauge,
    oldest_of_class: [Gauge; 4],
    rate: Gauge,
}

impl Gauges {
    /// Reports under these names; look-ups go to the channel.
    #[must_use]
    pub fn new(names: PeerNames, lookups: mpsc::Sender<LookupRequest>) -> Self {
        Self {
            names,
            lookups,
            asked: None,
            accepted: FxHashMap::default(),
            refused: FxHashMap::default(),
            attempts: FxHashMap::default(),
            outcomes: FxHashMap::default(),
            latency: histogram!("delivery_latency_seconds"),
            commit: histogram!("store_commit_duration_seconds"),
            batch: histogram!("store_commit_batch_records"),
            events: counter!("exchange_events_total"),
            records: counter!("cdr_records_total", "type" => "final"),
            queues: FxHashMap::default(),
            named: FxHashMap::default(),
        }
    }

    /// Hands on what the dialog server wants done.
    #[must_use]
    pub fn asking(self, asked: Asked) -> Self {
        Self { asked: Some(asked), ..self }
    }

    /// The labels `kind` and name of a peer: a link and an account may have the same name.
    fn labels(&mut self, peer: Option<PeerId>) -> (&'static str, String) {
        peer.map_or_else(Default::default, |peer| (kind_name(peer), self.name(peer)))
    }

    fn name(&mut self, peer: PeerId) -> String {
        if let Some(name) = self.named.get(&peer) {
            return name.clone();
        }
        let name = self.names.load().get(&peer).cloned().unwrap_or_else(|| format!("{peer:?}"));
        self.named.insert(peer, name.clone());
        name
    }

    fn count_accepted(&mut self, direction: Direction, from: Option<PeerId>) {
        if let Some(counter) = self.accepted.get(&(direction, from)) {
            counter.increment(1);
            return;
        }
        let (kind, name) = self.labels(from);
        let direction_label = direction_name(direction);
        let counter = counter!(
            "messages_accepted_total", "direction" => direction_label, "kind" => kind, "from" => name
        );
        counter.increment(1);
        self.accepted.insert((direction, from), counter);
    }

    fn count_outcome(&mut self, peer: Option<PeerId>, outcome: FinalState) {
        if let Some(counter) = self.outcomes.get(&(peer, outcome)) {
            counter.increment(1);
            return;
        }
        let (kind, link) = self.labels(peer);
        let counter = counter!(
            "delivery_outcomes_total", "kind" => kind, "link" => link, "outcome" => outcome.name()
        );
        counter.increment(1);
        self.outcomes.insert((peer, outcome), counter);
    }

    /// An event that its HTTP target did not get (rule 5).
    fn event_dropped(&mut self, webhook: Option<PeerId>, direction: Direction, reason: Reason) {
        let webhook = webhook.map_or_else(String::new, |webhook| self.name(webhook));
        let (event, reason) = (direction_name(direction), reason.name());
        counter!("webhook_events_dropped_total", "webhook" => webhook.clone(), "reason" => reason)
            .increment(1);
        tracing::warn!(webhook, event, reason, "an event was dropped without having been delivered");
    }

    fn count_attempt(&mut self, peer: PeerId) {
        if let Some(counter) = self.attempts.get(&peer) {
            counter.increment(1);
            return;
        }
        let (kind, link) = self.labels(Some(peer));
        let counter = counter!("delivery_attempts_total", "kind" => kind, "link" => link);
        counter.increment(1);
        self.attempts.insert(peer, counter);
    }

    fn queue_gauges(&mut self, peer: PeerId) -> &QueueGauges {
        if !self.queues.contains_key(&peer) {
            let (kind, link) = self.labels(Some(peer));
            let state = |state: &'static str| gauge!("queue_messages", "kind" => kind, "link" => link.clone(), "state" => state);
            let gauges = QueueGauges {
                waiting: TrafficClass::ALL.map(|class| match class {
                    TrafficClass::Otp => state("waiting_otp"),
                    TrafficClass::Reply => state("waiting_reply"),
                    TrafficClass::Transactional => state("waiting_transactional"),
                    TrafficClass::Bulk => state("waiting_bulk"),
                }),
                in_flight: state("sent"),
                awaiting: state("awaiting_receipt"),
                oldest: gauge!("queue_oldest_age_seconds", "kind" => kind, "link" => link.clone()),
                oldest_of_class: TrafficClass::ALL.map(|class| {
                    gauge!(
                        "queue_class_oldest_age_seconds",
                        "kind" => kind,
                        "link" => link.clone(),
                        "class" => class_name(class)
                    )
                }),
                rate: gauge!("pacing_limit_tps", "kind" => kind, "link" => link.clone()),
            };
            self.queues.insert(peer, gauges);
        }
        &self.queues[&peer]
    }
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Mt => "mt",
        Direction::Mo => "mo",
        Direction::Receipt => "receipt",
    }
}

fn class_name(class: TrafficClass) -> &'static str {
    match class {
        TrafficClass::Otp => "otp",
        TrafficClass::Reply => "reply",
        TrafficClass::Transactional => "transactional",
        TrafficClass::Bulk => "bulk",
    }
}

fn kind_name(peer: PeerId) -> &'static str {
    match peer {
        PeerId::Link(_) => "link",
        PeerId::Account(_) => "account",
        PeerId::Webhook(_) => "webhook",
        PeerId::Dialog => "dialog",
    }
}

fn link_name(gauges: &mut Gauges, link: LinkId) -> String {
    gauges.name(PeerId::Link(link))
}

impl Surroundings for Gauges {
    fn dialog(&mut self, wants: signalbox_dialog::Wants) {
        if let Some(asked) = &self.asked {
            asked.take(wants);
        }
    }

    fn notes(&mut self, notes: &[Note]) {
        for note in notes {
            match note {
                Note::Accepted { direction, test: true, .. } => {
                    let direction = direction_name(*direction);
                    counter!("messages_tested_total", "direction" => direction).increment(1);
                }
                Note::Accepted { direction, account, link, test: false } => {
                    let from = account.map(PeerId::Account).or(link.map(PeerId::Link));
                    self.count_accepted(*direction, from);
                }
                Note::Refused { why, .. } => self
                    .refused
                    .entry(why)
                    .or_insert_with(|| counter!("messages_refused_total", "reason" => *why))
                    .increment(1),
                Note::Released { peer } => self.count_attempt(*peer),
                Note::AttemptFailed { peer, class } => {
                    let (kind, link) = self.labels(Some(*peer));
                    let class = format!("{class:?}").to_lowercase();
                    counter!(
                        "delivery_attempts_failed_total", "kind" => kind, "link" => link, "class" => class
                    )
                    .increment(1);
                }
                Note::InDoubt { peer } => {
                    let (kind, link) = self.labels(Some(*peer));
                    counter!("delivery_doubts_total", "kind" => kind, "link" => link).increment(1);
                }
                // A test has its CDR, and is none of the outcomes.
                Note::Ended { direction, test: true, .. } => {
                    if *direction != Direction::Receipt {
                        self.records.increment(1);
                    }
                }
                Note::Ended { direction, peer, outcome, after, reason, test: false } => {
                    if let Some(PeerId::Webhook(_)) = peer
                        && *outcome != FinalState::Delivered
                    {
                        self.event_dropped(*peer, *direction, *reason);
                    }
                    if *direction != Direction::Receipt {
                        self.records.increment(1);
                        self.latency.record(after.as_secs_f64());
                    }
                    self.count_outcome(*peer, *outcome);
                }
                Note::ValidityCut { account, message, by } => {
                    let account = self.name(PeerId::Account(*account));
                    counter!("messages_validity_cut_total", "account" => account.clone()).increment(1);
                    tracing::info!(
                        account,
                        %message,
                        by_seconds = by.as_secs(),
                        "the validity asked for is longer than the account's longest and was cut"
                    );
                }
                Note::KeyForgotten => counter!("api_idempotency_keys_forgotten_total").increment(1),
                Note::DuplicateMo { link } => {
                    counter!("mo_duplicates_total", "link" => link_name(self, *link)).increment(1);
                }
                Note::Gathered { direction, complete } => {
                    let result = if *complete { "complete" } else { "incomplete" };
                    counter!(
                        "messages_joined_total", "direction" => direction_name(*direction), "result" => result
                    )
                    .increment(1);
                }
                Note::PartAlone { direction, why } => {
                    counter!(
                        "parts_alone_total", "direction" => direction_name(*direction), "bound" => *why
                    )
                    .increment(1);
                }
                Note::ReceiptStray { link, why } => {
                    let link = link_name(self, *link);
                    counter!("receipts_stray_total", "link" => link, "reason" => why.name()).increment(1);
                }
                Note::RowDamaged { why } => {
                    counter!("store_rows_damaged_total").increment(1);
                    tracing::error!(reason = why, "a row of the store cannot be read; it stays where it is");
                }
            }
        }
    }

    fn alarm(&mut self, event: signalbox_counters::AlarmEvent) {
        let kind = format!("{:?}", event.alarm.kind);
        counter!("spam_alarms_total", "kind" => kind.clone(), "change" => format!("{:?}", event.change))
            .increment(1);
        tracing::warn!(
            alarm = event.alarm.id.0,
            kind,
            count = event.alarm.count,
            threshold = event.alarm.threshold,
            change = ?event.change,
            "counter alarm"
        );
    }

    fn look_up(&mut self, message: MessageId, number: &[u8], until: Micros) {
        let request = LookupRequest { message, number: number.to_vec(), until };
        if self.lookups.try_send(request).is_err() {
            // The message goes by the number plan when its deadline has passed.
            counter!("number_lookups_dropped_total").increment(1);
        }
    }

    fn committed(&mut self, took: Duration, operations: usize, events: usize) {
        self.commit.record(took.as_secs_f64());
        self.batch.record(operations as f64);
        self.events.increment(events as u64);
    }

    fn store_full(&mut self, full: bool) {
        gauge!("store_full").set(f64::from(u8::from(full)));
        if full {
            tracing::error!("the store has no room: new messages are refused");
        } else {
            tracing::info!("the store has room again");
        }
    }

    fn holding(&mut self, exchange: &Exchange, free: Option<u64>, now: Now) {
        if let Some(free) = free {
            gauge!("store_free_bytes").set(free as f64);
        }
        gauge!("store_reserve_bytes").set(exchange.store_reserve() as f64);
        gauge!("exchange_open_messages").set(exchange.open() as f64);
        gauge!("messages_waiting_for_parts").set(exchange.waiting_for_parts() as f64);
        gauge!("cdr_outbox_records").set(exchange.unpublished() as f64);
        let counters = exchange.counter_stats();
        gauge!("spam_counter_keys").set(counters.keys as f64);
        gauge!("spam_counter_memory_bytes").set(counters.memory_bytes as f64);
        gauge!("spam_alarms_open").set(counters.alarms as f64);
        for view in exchange.queues(now) {
            let gauges = self.queue_gauges(view.peer);
            for (gauge, waiting) in gauges.waiting.iter().zip(view.waiting) {
                gauge.set(waiting as f64);
            }
            gauges.in_flight.set(view.in_flight as f64);
            gauges.awaiting.set(view.awaiting_receipt as f64);
            gauges.oldest.set(view.oldest_age as f64 / 1e6);
            for (gauge, age) in gauges.oldest_of_class.iter().zip(view.oldest_ages) {
                gauge.set(age as f64 / 1e6);
            }
            gauges.rate.set(view.rate.map_or(0.0, |rate| rate.per_second_milli() as f64 / 1e3));
        }
    }
}

#[cfg(test)]
mod tests;
