//! One session of the simulated ESME: connects, binds, sends what is due, reads what comes.

use super::options::BindAs;
use super::window::{Slot, Window};
use super::{Shared, lock, nanoseconds};
use crate::error::SimError;
use crate::event_log::Line;
use crate::latency::Latency;
use crate::wire;
use bytes::{Buf, BytesMut};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

mod answers;

const READ: usize = 256 * 1024;
/// Octets of output above which nothing is read.
const MAX_OUTPUT: usize = 1 << 20;
/// How often time limits are looked at.
const SWEEP: u64 = 100_000_000;
/// An idle session sends enquire_link this often.
const ENQUIRE: u64 = 20_000_000_000;
/// Waits between attempts to connect.
const RECONNECT: Duration = Duration::from_millis(50);
const MAX_RECONNECT: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Session {
    shared: Arc<Shared>,
    number: u64,
    sends: bool,
    window: Window,
    input: BytesMut,
    out: Vec<u8>,
    written: usize,
    lines: Vec<u8>,
    latency: Latency,
    last_heard: u64,
    last_sweep: u64,
    peer_unbinds: bool,
    random: SmallRng,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, number: u64, sends: bool) -> Self {
        let options = &shared.options;
        Session {
            window: Window::new(options.window),
            random: SmallRng::seed_from_u64(options.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number)),
            shared,
            number,
            sends,
            input: BytesMut::with_capacity(READ),
            out: Vec::with_capacity(64 * 1024),
            written: 0,
            lines: Vec::new(),
            latency: Latency::default(),
            last_heard: 0,
            last_sweep: 0,
            peer_unbinds: false,
        }
    }

    pub(super) async fn run(mut self) -> Result<(), SimError> {
        let result = self.live().await;
        lock(&self.shared.latency).merge(&self.latency);
        self.log_lines();
        result
    }

    async fn live(&mut self) -> Result<(), SimError> {
        let shared = Arc::clone(&self.shared);
        let mut wait = RECONNECT;
        let mut first = true;
        loop {
            let error = match self.connect().await {
                Ok(mut stream) => {
                    wait = RECONNECT;
                    shared.was_bound(first);
                    first = false;
                    let result = self.serve(&mut stream).await;
                    shared.counters.bound.fetch_sub(1, Ordering::Relaxed);
                    match result {
                        Ok(()) => return Ok(()),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.abandon();
            if !shared.options.reconnect {
                return Err(error);
            }
            if shared.is_over(shared.now()) {
                return Ok(());
            }
            shared.counters.reconnects.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MAX_RECONNECT);
        }
    }

    async fn connect(&mut self) -> Result<TcpStream, SimError> {
        let options = &self.shared.options;
        let failed = |source| SimError::io(format!("cannot connect to {}", options.connect), source);
        let mut stream = TcpStream::connect(options.connect).await.map_err(failed)?;
        stream.set_nodelay(options.nodelay).map_err(failed)?;
        let command = match (self.sends, options.bind) {
            (false, _) => wire::BIND_RECEIVER,
            (true, BindAs::Transceiver) => wire::BIND_TRANSCEIVER,
            (true, BindAs::Transmitter) => wire::BIND_TRANSMITTER,
        };
        let mut bind = Vec::new();
        let sequence = self.window.skip();
        wire::put_bind(&mut bind, command, sequence, &options.system_id, &options.password);
        stream.write_all(&bind).await.map_err(failed)?;
        self.input.clear();
        self.out.clear();
        self.written = 0;
        self.peer_unbinds = false;
        let answer = tokio::time::timeout(options.response_timeout, read_frame(&mut stream, &mut self.input));
        let answer = answer.await.map_err(|_| SimError::Lost("the bind was not answered in time"))?;
        let header = answer.map_err(failed)?.ok_or(SimError::Lost("closed during the bind"))?;
        if header.status != wire::ROK {
            let system_id = options.system_id.clone();
            return Err(SimError::BindRefused { system_id, status: header.status });
        }
        self.input.advance(header.length);
        self.last_heard = self.shared.now();
        Ok(stream)
    }

    /// Works until all is over or the connection is lost.
    async fn serve(&mut self, stream: &mut TcpStream) -> Result<(), SimError> {
        let shared = Arc::clone(&self.shared);
        let lost = |source| SimError::io("connection lost".to_owned(), source);
        // What came together with the bind response.
        self.handle_input()?;
        loop {
            let changed = shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = shared.now();
            self.sweep(now);
            self.send_due(now);
            self.flush(stream).map_err(lost)?;
            if shared.is_over(now) && self.out.is_empty() {
                shared.changed.notify_waiters();
                return self.unbind(stream).await;
            }
            if self.peer_unbinds && self.out.is_empty() {
                return Err(SimError::Lost("the peer unbound"));
            }
            let writes = !self.out.is_empty();
            let mut interest = if writes { Interest::WRITABLE } else { Interest::READABLE };
            if writes && self.out.len() - self.written < MAX_OUTPUT {
                interest = interest.add(Interest::READABLE);
            }
            let wait = self.wait(now);
            tokio::select! {
                biased;
                ready = stream.ready(interest) => {
                    if ready.map_err(lost)?.is_readable() {
                        self.read(stream)?;
                    }
                }
                () = tokio::time::sleep(wait) => {}
                () = &mut changed => {}
            }
        }
    }

    /// Until there is something to do without having read anything.
    fn wait(&self, now: u64) -> Duration {
        let shared = &self.shared;
        let mut until = now + SWEEP;
        if self.sends && self.window.room() > 0 {
            if shared.options.rate.is_some() && !shared.is_exhausted(now) {
                until = until.min(shared.intended(shared.next.load(Ordering::Relaxed), now));
            }
            if let Some((due, _)) = lock(&shared.retries).front() {
                until = until.min(*due);
            }
        }
        Duration::from_nanos(until.saturating_sub(now))
    }

    fn send_due(&mut self, now: u64) {
        if !self.sends || self.peer_unbinds {
            return;
        }
        let shared = Arc::clone(&self.shared);
        if shared.options.retry {
            let mut retries = lock(&shared.retries);
            while self.window.room() > 0 && retries.front().is_some_and(|(due, _)| *due <= now) {
                let Some((_, index)) = retries.pop_front() else { break };
                shared.counters.retried.fetch_add(1, Ordering::Relaxed);
                self.send(index, shared.intended(index, now));
            }
        }
        let (first, count) = shared.take(self.window.room() as u64, now);
        for index in first..first + count {
            self.send(index, shared.intended(index, now));
        }
        if count > 0 {
            shared.counters.submitted.fetch_add(count, Ordering::Relaxed);
        }
    }

    #[inline]
    fn send(&mut self, index: u64, intended: u64) {
        let shared = &self.shared;
        let sequence = self.window.insert(Slot { index, intended, sent: shared.now() });
        shared.template.put(&mut self.out, index, sequence);
        if shared.log.is_some() {
            Line::begin(&mut self.lines, "submit")
                .number("session", self.number)
                .number("m", shared.template.marker(index))
                .text("source", shared.template.source(index))
                .text("destination", &shared.template.destination(index))
                .end();
        }
    }

    fn log_lines(&mut self) {
        if let Some(log) = &self.shared.log
            && !self.lines.is_empty()
        {
            log.append(&self.lines);
            self.lines.clear();
        }
    }

    fn flush(&mut self, stream: &TcpStream) -> std::io::Result<()> {
        self.log_lines();
        while self.written < self.out.len() {
            match stream.try_write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    fn read(&mut self, stream: &TcpStream) -> Result<(), SimError> {
        self.input.reserve(READ / 2);
        match stream.try_read_buf(&mut self.input) {
            Ok(0) => return Err(SimError::Lost("closed by the peer")),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(source) => return Err(SimError::io("connection lost".to_owned(), source)),
        }
        if self.shared.options.quickack {
            let _ = socket2::SockRef::from(stream).set_tcp_quickack(true);
        }
        self.last_heard = self.shared.now();
        self.handle_input()
    }

    /// Gives up what took too long, and asks an idle peer whether it lives.
    fn sweep(&mut self, now: u64) {
        if now < self.last_sweep + SWEEP {
            return;
        }
        self.last_sweep = now;
        let limit = nanoseconds(self.shared.options.response_timeout);
        let late = self.window.take_older(now.saturating_sub(limit));
        self.shared.counters.timed_out.fetch_add(late.len() as u64, Ordering::Relaxed);
        self.give_up(&late, "timed_out");
        if now > self.last_heard + ENQUIRE {
            self.last_heard = now;
            let sequence = self.window.skip();
            wire::put_header(&mut self.out, wire::ENQUIRE_LINK, wire::ROK, sequence);
        }
    }

    /// The connection is gone: nobody knows what became of what was in the window.
    fn abandon(&mut self) {
        let lost = self.window.take_older(u64::MAX);
        self.shared.counters.ambiguous.fetch_add(lost.len() as u64, Ordering::Relaxed);
        self.give_up(&lost, "ambiguous");
    }

    fn give_up(&mut self, slots: &[Slot], event: &str) {
        if self.shared.log.is_some() {
            for slot in slots {
                let marker = self.shared.template.marker(slot.index);
                Line::begin(&mut self.lines, event).number("session", self.number).number("m", marker).end();
            }
        }
        self.shared.ended(slots.len() as u64);
    }

    async fn unbind(&mut self, stream: &mut TcpStream) -> Result<(), SimError> {
        let mut unbind = Vec::new();
        wire::put_header(&mut unbind, wire::UNBIND, wire::ROK, self.window.skip());
        let goodbye = async {
            stream.write_all(&unbind).await?;
            while let Some(header) = read_frame(stream, &mut self.input).await? {
                self.input.advance(header.length);
                if header.command == wire::UNBIND | wire::RESPONSE {
                    break;
                }
            }
            std::io::Result::Ok(())
        };
        // All that was to be found out is known: a peer that is gone already takes nothing from it.
        let _ = tokio::time::timeout(Duration::from_secs(2), goodbye).await;
        Ok(())
    }

    fn drawn_refusal(&mut self) -> u32 {
        let mut drawn = self.random.random::<f64>() * 100.0;
        for (status, percent) in &self.shared.options.deliver_errors {
            if drawn < *percent {
                return *status;
            }
            drawn -= percent;
        }
        wire::ROK
    }
}

/// Reads until a whole frame is at the front of `input`; `None` at the end of the stream.
async fn read_frame(stream: &mut TcpStream, input: &mut BytesMut) -> std::io::Result<Option<wire::Header>> {
    loop {
        match wire::next_frame(input) {
            Ok(Some(header)) => return Ok(Some(header)),
            Ok(None) => {}
            Err(_) => return Err(std::io::ErrorKind::InvalidData.into()),
        }
        if stream.read_buf(input).await? == 0 {
            return Ok(None);
        }
    }
}
