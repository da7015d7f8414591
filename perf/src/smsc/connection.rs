//! One connection to the simulated SMSC: reads a batch, decides on it, writes a batch.

use super::delivery::{Delivery, Kind};
use super::options::{Drop, SmscOptions};
use super::stats::Counters;
use super::{Shared, lock, reset, stopped};
use crate::event_log::Line;
use crate::wire::{self, Header, Message};
use bytes::{Buf, BytesMut};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::watch;

mod decide;
mod requests;

/// Octets of output above which nothing is read.
const MAX_OUTPUT: usize = 1 << 20;
const READ: usize = 256 * 1024;

/// Something to do later.
#[derive(Debug)]
enum Later {
    Write(Vec<u8>),
    Deliver(Delivery),
}

#[derive(Debug)]
struct Scheduled {
    due: Instant,
    order: u64,
    what: Later,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    /// The earliest is the greatest, so that the heap gives it first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

/// How the connection ends, once the output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Close,
    Reset,
}

#[derive(Debug)]
struct Bound {
    account: Arc<str>,
    transmits: bool,
    receives: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    shared: Arc<Shared>,
    options: Arc<SmscOptions>,
    stream: TcpStream,
    number: u64,
    input: BytesMut,
    out: Vec<u8>,
    written: usize,
    later: BinaryHeap<Scheduled>,
    order: u64,
    in_flight: HashMap<u32, Delivery>,
    next_sequence: u32,
    bound: Option<Bound>,
    submits: u64,
    silent: bool,
    ending: Option<Ending>,
    lines: Vec<u8>,
    unsynced: bool,
    random: SmallRng,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, stream: TcpStream, number: u64) -> Self {
        let options = shared.options();
        let _ = stream.set_nodelay(options.nodelay);
        Counters::add(&shared.counters.open, 1);
        Connection {
            random: SmallRng::seed_from_u64(options.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number)),
            shared,
            options,
            stream,
            number,
            input: BytesMut::with_capacity(READ),
            out: Vec::with_capacity(64 * 1024),
            written: 0,
            later: BinaryHeap::new(),
            order: 0,
            in_flight: HashMap::new(),
            next_sequence: 1,
            bound: None,
            submits: 0,
            silent: false,
            ending: None,
            lines: Vec::new(),
            unsynced: false,
        }
    }

    pub(super) async fn run(mut self) {
        let mut stop = self.shared.stop.subscribe();
        let mut drop_all = self.shared.drop_all.subscribe();
        drop_all.mark_unchanged();
        self.serve(&mut stop, &mut drop_all).await;
        self.give_back();
        self.shared.counters.open.fetch_sub(1, Ordering::Relaxed);
        let shared = Arc::clone(&self.shared);
        if self.ending == Some(Ending::Reset) {
            reset(self.stream);
        }
        shared.changed.notify_waiters();
    }

    async fn serve(&mut self, stop: &mut watch::Receiver<bool>, drop_all: &mut watch::Receiver<u64>) {
        let shared = Arc::clone(&self.shared);
        loop {
            let pooled = shared.pool_changed.notified();
            tokio::pin!(pooled);
            pooled.as_mut().enable();
            self.options = shared.options();
            self.do_due();
            self.take_pooled();
            if self.flush().await.is_err() {
                return;
            }
            shared.changed.notify_waiters();
            if self.ending.is_some() && self.out.is_empty() {
                return;
            }
            let writes = !self.out.is_empty();
            let mut interest = if writes { Interest::WRITABLE } else { Interest::READABLE };
            if writes && self.out.len() - self.written < MAX_OUTPUT {
                interest = interest.add(Interest::READABLE);
            }
            let due = self.later.peek().map(|scheduled| scheduled.due);
            let room = self.receives() && self.in_flight.len() < self.options.deliver_window;
            tokio::select! {
                ready = self.stream.ready(interest) => match ready {
                    Ok(ready) if ready.is_readable() => {
                        if self.read().is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(_) => return,
                },
                () = sleep_until(due), if due.is_some() => {}
                () = &mut pooled, if room => {}
                () = stopped(stop) => {
                    self.ending = Some(Ending::Close);
                    return;
                }
                _ = drop_all.changed() => {
                    self.drop_connection();
                    return;
                }
            }
        }
    }

    fn receives(&self) -> bool {
        self.bound.as_ref().is_some_and(|bound| bound.receives)
    }

    fn drop_connection(&mut self) {
        self.ending = Some(match self.options.faults.drop {
            Drop::Reset => Ending::Reset,
            Drop::Close => Ending::Close,
        });
        Counters::add(&self.shared.counters.drops, 1);
        let refuse = self.options.faults.refuse;
        if !refuse.is_zero() {
            *lock(&self.shared.refused_until) = Some(Instant::now() + refuse);
        }
    }

    /// Reads what is there and handles it.
    fn read(&mut self) -> Result<(), ()> {
        self.input.reserve(READ / 2);
        match self.stream.try_read_buf(&mut self.input) {
            Ok(0) => return Err(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return Err(()),
        }
        if self.options.quickack {
            let _ = socket2::SockRef::from(&self.stream).set_tcp_quickack(true);
        }
        let mut input = std::mem::take(&mut self.input);
        let mut at = 0;
        while self.ending.is_none() {
            match wire::next_frame(&input[at..]) {
                Ok(None) => break,
                Ok(Some(header)) => {
                    let frame = &input[at..at + header.length];
                    at += header.length;
                    if !self.silent {
                        self.handle(header, frame);
                    }
                }
                Err(_) => {
                    Counters::add(&self.shared.counters.malformed, 1);
                    wire::put_header(&mut self.out, wire::GENERIC_NACK, 2, 0);
                    self.ending = Some(Ending::Close);
                }
            }
        }
        input.advance(at);
        self.input = input;
        Ok(())
    }

    /// Writes what can be written now, after the log has what it tells.
    async fn flush(&mut self) -> Result<(), ()> {
        if let Some(log) = &self.shared.log {
            if !self.lines.is_empty() {
                log.append(&self.lines);
                self.lines.clear();
                self.unsynced = true;
            }
            if self.unsynced && self.options.log_sync {
                if let Err(error) = log.synced().await {
                    eprintln!("{error}");
                    self.ending = Some(Ending::Reset);
                    return Err(());
                }
                self.unsynced = false;
            }
        }
        while self.written < self.out.len() {
            let rest = &self.out[self.written..];
            let rest = if self.options.faults.one_byte_writes { &rest[..1] } else { rest };
            match self.stream.try_write(rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(()),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    fn schedule(&mut self, after: Duration, what: Later) {
        self.order += 1;
        self.later.push(Scheduled { due: Instant::now() + after, order: self.order, what });
    }

    fn do_due(&mut self) {
        if self.later.is_empty() || self.silent || self.ending.is_some() {
            return;
        }
        let now = Instant::now();
        let mut elsewhere = Vec::new();
        while self.later.peek().is_some_and(|scheduled| scheduled.due <= now) {
            let Some(scheduled) = self.later.pop() else { break };
            match scheduled.what {
                Later::Write(frame) => self.out.extend_from_slice(&frame),
                Later::Deliver(delivery) => {
                    if self.receives() && self.in_flight.len() < self.options.deliver_window {
                        self.deliver(delivery);
                    } else {
                        elsewhere.push(delivery);
                    }
                }
            }
        }
        if !elsewhere.is_empty() {
            self.shared.pooled(elsewhere);
        }
    }

    fn take_pooled(&mut self) {
        let Some(bound) = self.bound.as_ref().filter(|bound| bound.receives) else { return };
        if self.silent || self.ending.is_some() {
            return;
        }
        let mut room = self.options.deliver_window.saturating_sub(self.in_flight.len());
        let mut taken = Vec::new();
        let mut pool = lock(&self.shared.pool);
        let mut at = 0;
        while room > 0 && at < pool.len() {
            let mine = pool[at].account.as_ref().is_none_or(|account| *account == bound.account);
            if !mine {
                at += 1;
                continue;
            }
            let delivery = if at == 0 { pool.pop_front() } else { pool.remove(at) };
            taken.extend(delivery);
            room -= 1;
        }
        drop(pool);
        let mos = taken.iter().filter(|delivery| delivery.kind == Kind::Mo).count() as u64;
        if mos > 0 {
            let _ = self.shared.counters.mo_waiting.fetch_update(
                Ordering::Relaxed,
                Ordering::Relaxed,
                |waiting| Some(waiting.saturating_sub(mos)),
            );
        }
        for delivery in taken {
            self.deliver(delivery);
        }
    }

    /// Sends a receipt or MO message.
    fn deliver(&mut self, delivery: Delivery) {
        let sequence = self.next_sequence;
        self.next_sequence = if sequence >= 0x7fff_ffff { 1 } else { sequence + 1 };
        let start = self.out.len();
        self.out.extend_from_slice(&delivery.frame);
        self.out[start + 12..start + 16].copy_from_slice(&sequence.to_be_bytes());
        let counters = &self.shared.counters;
        match delivery.kind {
            Kind::Receipt => Counters::add(&counters.receipts_sent, 1),
            Kind::Mo => Counters::add(&counters.mo_sent, 1),
        }
        if self.shared.log.is_some() {
            log_delivery(&mut self.lines, self.number, &delivery, None);
        }
        self.in_flight.insert(sequence, delivery);
    }

    /// The peer answered a receipt or MO message.
    fn delivered(&mut self, header: Header) {
        let Some(delivery) = self.in_flight.remove(&header.sequence) else { return };
        if self.shared.log.is_some() {
            log_delivery(&mut self.lines, self.number, &delivery, Some(header.status));
        }
        let counters = &self.shared.counters;
        let (ok, refused) = match delivery.kind {
            Kind::Receipt => (&counters.receipts_ok, &counters.receipts_refused),
            Kind::Mo => (&counters.mo_ok, &counters.mo_refused),
        };
        Counters::add(if header.status == wire::ROK { ok } else { refused }, 1);
        let temporary =
            matches!(header.status, wire::RTHROTTLED | wire::RMSGQFUL | wire::RSYSERR | wire::RX_T_APPN);
        if temporary {
            self.schedule(self.options.deliver_retry, Later::Deliver(delivery));
        }
    }

    /// What this connection still owes to its peer goes to another one.
    fn give_back(&mut self) {
        let mut rest: Vec<_> = std::mem::take(&mut self.in_flight).into_iter().collect();
        rest.sort_by_key(|(sequence, _)| *sequence);
        let mut owed: Vec<_> = rest.into_iter().map(|(_, delivery)| delivery).collect();
        while let Some(scheduled) = self.later.pop() {
            if let Later::Deliver(delivery) = scheduled.what {
                owed.push(delivery);
            }
        }
        if !owed.is_empty() {
            self.shared.pooled(owed);
        }
        if let Some(log) = &self.shared.log
            && !self.lines.is_empty()
        {
            log.append(&self.lines);
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
}

fn log_delivery(lines: &mut Vec<u8>, session: u64, delivery: &Delivery, status: Option<u32>) {
    let event = match (delivery.kind, status) {
        (Kind::Receipt, None) => "receipt",
        (Kind::Receipt, Some(_)) => "receipt_answer",
        (Kind::Mo, None) => "mo",
        (Kind::Mo, Some(_)) => "mo_answer",
    };
    let line = Line::begin(lines, event)
        .number("session", session)
        .maybe("m", delivery.marker)
        .text("source", &delivery.source)
        .text("destination", &delivery.destination);
    let line = match delivery.kind {
        Kind::Receipt => line.text("id", &delivery.id).text("stat", delivery.stat.as_bytes()),
        Kind::Mo => line,
    };
    match status {
        Some(status) => line.number("status", status.into()).end(),
        None => line.end(),
    }
}
