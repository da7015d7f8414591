//! Look-ups of numbers outside: DNS (ENUM), then HTTP, with a cache before both. No message waits longer than
//! the deadline: without an answer the tables decide.

mod dns;
mod http;

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_core::backend::Clock;
use signalbox_core::exchange::{Event, LookupDone};
use signalbox_core::id::MessageId;
use signalbox_core::time::Now;
use signalbox_routing::lookup::{
    CacheLimits, Freshness, LookupAnswer, LookupCache, LookupReply, MonoNanos, Remembered, Request,
};
use signalbox_routing::{E164, Names, UtcMicros};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::control::Control;
use crate::gauges::LookupRequest;
use crate::spine::SpineHandle;

pub use dns::DnsLookup;
pub use http::HttpLookup;

/// Requests taken together.
const BATCH: usize = 256;

/// The sources, in the order in which they are asked.
struct Sources {
    dns: Option<DnsLookup>,
    http: Option<HttpLookup>,
    names: Arc<Names>,
}

impl Sources {
    fn of(control: &Control) -> Self {
        let in_force = control.in_force();
        let numbers = &in_force.settings.numbers;
        let names = Arc::new(crate::policy::names(&in_force.snapshot));
        let places = in_force.settings.secret_places();
        Self {
            dns: numbers.dns.as_ref().and_then(|dns| {
                DnsLookup::new(dns)
                    .inspect_err(|error| {
                        tracing::error!(error = error as &dyn std::error::Error, "no dns look-ups")
                    })
                    .ok()
            }),
            http: numbers.http.as_ref().and_then(|http| {
                HttpLookup::new(http, places, numbers.deadline.duration())
                    .inspect_err(|error| {
                        tracing::error!(error = error as &dyn std::error::Error, "no http look-ups")
                    })
                    .ok()
            }),
            names,
        }
    }

    /// Asks one source after the other until one knows the number.
    async fn ask(&self, number: E164, at: UtcMicros) -> LookupReply {
        let mut outcome = LookupReply::Failed;
        if let Some(dns) = &self.dns {
            outcome = dns.ask(number, &self.names, at).await;
        }
        if let (LookupReply::NotFound | LookupReply::Failed, Some(http)) = (outcome, &self.http) {
            let by_http = http.ask(number, &self.names, at).await;
            outcome = match (outcome, by_http) {
                (LookupReply::NotFound, LookupReply::Failed) => LookupReply::NotFound,
                (_, reply) => reply,
            };
        }
        outcome
    }
}

struct Desk {
    cache: LookupCache,
    waiting: FxHashMap<E164, Vec<MessageId>>,
    spine: SpineHandle,
    clock: Arc<dyn Clock>,
    answers: Vec<Event>,
}

/// Carries out look-ups until the exchange has ended.
pub async fn run(
    control: Arc<Control>,
    spine: SpineHandle,
    clock: Arc<dyn Clock>,
    mut requests: mpsc::Receiver<LookupRequest>,
) {
    let settings = control.in_force().settings.clone();
    let deadline = settings.numbers.deadline.duration();
    let limits = CacheLimits {
        numbers: settings.numbers.cache_entries.as_usize(),
        pending: settings.numbers.max_pending.as_usize(),
        deadline,
        longest: settings.numbers.cache_for.duration(),
        not_found: settings.numbers.cache_misses_for.duration(),
        ..CacheLimits::default()
    };
    let mut sources = Arc::new(Sources::of(&control));
    let mut changes = control.changes();
    let mut desk = Desk {
        cache: LookupCache::new(limits),
        waiting: FxHashMap::default(),
        spine,
        clock,
        answers: Vec::new(),
    };
    let mut under_way: JoinSet<(E164, LookupReply)> = JoinSet::new();
    let mut tick = tokio::time::interval((deadline / 4).max(Duration::from_millis(10)));
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            count = requests.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return;
                }
                for request in batch.drain(..) {
                    if let Some(number) = desk.take(&request) {
                        let (sources, at) = (sources.clone(), desk.now().wall.0);
                        under_way.spawn(async move { (number, sources.ask(number, UtcMicros(at)).await) });
                    }
                }
            }
            Some(Ok((number, reply))) = under_way.join_next() => desk.complete(number, reply),
            _ = tick.tick() => desk.expire(),
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                sources = Arc::new(Sources::of(&control));
            }
        }
        if desk.flush().await.is_err() {
            return;
        }
    }
}

impl Desk {
    fn now(&self) -> Now {
        self.clock.now()
    }

    /// Answers from memory, joins a look-up under way, or gives back the number to ask for.
    fn take(&mut self, request: &LookupRequest) -> Option<E164> {
        let now = self.now();
        let Ok(number) = E164::from_digits(&request.number) else {
            self.answer(request.message, None);
            return None;
        };
        match self.cache.request(number, Freshness::Any, MonoNanos(now.mono.0)) {
            Request::Known(Remembered::Found(answer)) => self.answer(request.message, Some(answer)),
            Request::Known(Remembered::NotFound | Remembered::Failed) | Request::Overloaded => {
                self.answer(request.message, None);
            }
            Request::Wait(_) => self.waiting.entry(number).or_default().push(request.message),
            Request::Ask(_) => {
                self.waiting.entry(number).or_default().push(request.message);
                return Some(number);
            }
        }
        None
    }

    fn complete(&mut self, number: E164, reply: LookupReply) {
        let now = self.now();
        let outcome = match reply {
            LookupReply::Found(_) => "found",
            LookupReply::NotFound => "not_found",
            LookupReply::Failed => "failed",
        };
        metrics::counter!("number_lookups_total", "outcome" => outcome).increment(1);
        self.cache.complete(number, reply, MonoNanos(now.mono.0), UtcMicros(now.wall.0));
        let answer = match reply {
            LookupReply::Found(answer) => Some(answer),
            LookupReply::NotFound | LookupReply::Failed => None,
        };
        self.release(number, answer);
    }

    fn expire(&mut self) {
        let now = self.now();
        for number in self.cache.expire(MonoNanos(now.mono.0), UtcMicros(now.wall.0)) {
            metrics::counter!("number_lookups_total", "outcome" => "timed_out").increment(1);
            self.release(number, None);
        }
    }

    fn release(&mut self, number: E164, answer: Option<LookupAnswer>) {
        for message in self.waiting.remove(&number).unwrap_or_default() {
            self.answer(message, answer);
        }
    }

    fn answer(&mut self, message: MessageId, answer: Option<LookupAnswer>) {
        self.answers.push(Event::LookupDone(LookupDone { message, answer }));
    }

    async fn flush(&mut self) -> Result<(), crate::spine::SpineGone> {
        self.spine.offer(std::mem::take(&mut self.answers)).await
    }
}
