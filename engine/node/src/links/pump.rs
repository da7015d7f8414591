//! The loop of one session: octets to events, events to the exchange, what the exchange says to octets.
//!
//! A turn works on whatever is there: one read gives many PDUs and one offer to the exchange, one batch of the
//! exchange gives many PDUs and one write. A turn never waits for the peer; the loop waits for whatever comes
//! first, and for the exchange only when its queue is full, which then holds the peer back too.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use signalbox_backends::failpoint;
use signalbox_core::backend::Clock;
use signalbox_core::exchange::Reply;
use signalbox_core::gate::Released;
use signalbox_core::time::Mono;
use signalbox_smpp::{Body, Event as SmppEvent};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, Sleep};

use super::line::{Ended, Line, Meaning};
use super::map::NotEncodable;
use super::transport::Transport;
use crate::spine::ToSession;
use crate::supervisor::{Order, Orders, caught};
use crate::watchdog::Heartbeat;

/// Octets that an idle session keeps room for.
const READ_SMALL: usize = 4 * 1024;
/// Octets that a busy session reads at once.
const READ_LARGE: usize = 64 * 1024;
/// Batches of the exchange that are looked at in one turn.
const BATCHES: usize = 64;
/// How long the last octets of a session may take to leave.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One side of SMPP: what it does with requests of the peer, and how it writes messages.
pub(super) trait Duty: Meaning + Send {
    /// An event of the session machine that is not the same on both sides.
    fn event(&mut self, line: &mut Line, event: SmppEvent);
    /// The exchange's answer to a request of the peer.
    fn reply(&mut self, line: &mut Line, token: u64, reply: Reply);
    /// The PDU for a message.
    fn encode(&self, line: &Line, released: &Released) -> Result<Body, NotEncodable>;
    /// Work of its own that is under way; ready when the loop should turn.
    fn poll(&mut self, line: &mut Line, context: &mut Context<'_>) -> Poll<()>;
    /// When it wants a turn at the latest.
    fn due(&self) -> Option<Mono>;
    /// Has the session follow its settings where they have changed; then how long an octet may wait for the peer.
    fn follow(&mut self, line: &mut Line) -> Option<Duration>;
    /// Looks at what was read before the session machine gets it; what it leaves in `input` is handed over.
    fn start(&mut self, line: &mut Line, input: &mut BytesMut);
}

/// What a pump is told about time.
#[derive(Clone, Copy, Debug)]
pub(super) struct PumpTimes {
    /// How long an octet may wait for the peer to read.
    pub write: Duration,
    /// How often it shows that it is alive.
    pub heartbeat: Duration,
}

/// See the [module](self).
pub(super) struct Pump<D> {
    pub line: Line,
    pub duty: D,
    transport: Transport,
    input: BytesMut,
    read_size: usize,
    batches: Vec<Vec<ToSession>>,
    clock: Arc<dyn Clock>,
    times: PumpTimes,
    stall: Stall,
    timer: Pin<Box<Sleep>>,
    timer_at: Mono,
    /// It has rung, and is to be set anew.
    timer_spent: bool,
    /// TLS has records that are not written yet.
    unflushed: bool,
    peer_closed: bool,
    read_something: bool,
    /// It was told to end.
    ordered: bool,
}

/// Watches that octets do not wait for the peer for too long.
#[derive(Clone, Copy, Debug, Default)]
struct Stall {
    /// All octets up to this one ...
    mark: u64,
    /// ... were there at this time.
    since: Option<Mono>,
    written: u64,
}

impl Stall {
    fn wrote(&mut self, octets: usize) {
        self.written += octets as u64;
    }

    /// Looks at what waits now: for how long its oldest octet has waited at least.
    fn waited(&mut self, now: Mono, buffered: usize) -> Duration {
        if buffered == 0 {
            self.since = None;
            return Duration::ZERO;
        }
        match self.since {
            Some(since) if self.written < self.mark => now - since,
            Some(_) | None => {
                self.mark = self.written + buffered as u64;
                self.since = Some(now);
                Duration::ZERO
            }
        }
    }
}

impl<D: Duty> Pump<D> {
    pub(super) fn new(
        line: Line,
        duty: D,
        transport: Transport,
        clock: Arc<dyn Clock>,
        times: PumpTimes,
    ) -> Self {
        let timer_at = line.now.mono;
        Self {
            line,
            duty,
            transport,
            input: BytesMut::new(),
            read_size: READ_SMALL,
            batches: Vec::new(),
            clock,
            times,
            stall: Stall::default(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            timer_at,
            timer_spent: true,
            unflushed: false,
            peer_closed: false,
            read_something: false,
            ordered: false,
        }
    }

    /// Whether it was told to end, rather than ending by itself.
    pub(super) fn was_ordered(&self) -> bool {
        self.ordered
    }

    /// Runs the session to its end, whatever that is, and settles with the exchange.
    pub(super) async fn run(&mut self, orders: &mut Orders, heartbeat: &Heartbeat) -> Ended {
        let ended = {
            let turning = pin!(caught(self.turn_on(orders, heartbeat)));
            let stuck = pin!(heartbeat.ended());
            // Biased to the end of the session itself.
            tokio::select! {
                biased;
                ended = turning => ended.unwrap_or_else(Ended::Panicked),
                () = stuck => Ended::Stuck,
            }
        };
        let batches = std::mem::take(&mut self.batches);
        let settled = pin!(self.line.settle(batches));
        alive_while(settled, heartbeat, &self.clock, self.times.heartbeat).await;
        ended
    }

    async fn turn_on(&mut self, orders: &mut Orders, heartbeat: &Heartbeat) -> Ended {
        loop {
            self.turn();
            heartbeat.beat(self.line.now.mono);
            let was_full = !self.line.session.wants_input();
            std::future::poll_fn(|context| {
                self.poll_write(context);
                Poll::Ready(())
            })
            .await;
            if !self.offer(heartbeat).await {
                return Ended::SpineGone;
            }
            if let Some(ended) = self.line.ended.clone() {
                self.last_words().await;
                return ended;
            }
            if was_full && self.line.session.wants_input() {
                // Input that was held back can be looked at now.
                continue;
            }
            std::future::poll_fn(|context| self.poll_wait(orders, context)).await;
        }
    }

    /// Looks at everything that is there.
    fn turn(&mut self) {
        self.line.now = self.clock.now();
        let at = self.line.at();
        if let Some(write) = self.duty.follow(&mut self.line) {
            self.times.write = write;
        }
        if !self.input.is_empty() {
            self.duty.start(&mut self.line, &mut self.input);
            self.line.session.handle_input(at, &mut self.input);
        }
        self.poll_events();
        for batch in std::mem::take(&mut self.batches) {
            for item in batch {
                match item {
                    ToSession::Reply { token, reply } => self.duty.reply(&mut self.line, token, reply),
                    ToSession::Send(released) => self.line.take(released),
                    ToSession::Close { status } => {
                        tracing::warn!(session = ?self.line.id(), status, "the peer's status ends the session");
                        self.line.leave();
                    }
                }
            }
        }
        if self.peer_closed {
            self.line.ended.get_or_insert(Ended::PeerClosed);
            self.line.session.connection_lost(at);
        }
        if self.line.session.poll_timeout().is_some_and(|due| due <= at) {
            self.line.session.handle_timeout(at);
        }
        failpoint::reach_of("link.turn", self.line.posted.name());
        let duty = &self.duty;
        self.line.send_waiting(|line, released| duty.encode(line, released));
        self.line.go_on_ending();
        self.poll_events();
        self.check_stall();
        self.line.note();
    }

    fn poll_events(&mut self) {
        while let Some(event) = self.line.session.poll_event() {
            if let Some(event) = self.line.common(event, &self.duty) {
                self.duty.event(&mut self.line, event);
            }
        }
    }

    fn check_stall(&mut self) {
        let now = self.line.now.mono;
        let buffered = self.line.buffered();
        if self.stall.waited(now, buffered) >= self.times.write {
            self.end(Ended::Stalled(self.times.write));
        } else if self.line.permits.is_overdue(now) {
            self.end(Ended::PermitOverdue);
        }
    }

    /// Ends the session for a reason of the connection's.
    fn end(&mut self, why: Ended) {
        self.line.ended.get_or_insert(why);
        let at = self.line.at();
        self.line.session.connection_lost(at);
        self.poll_events();
    }

    /// Offers the turn's events; false when the exchange is gone.
    async fn offer(&mut self, heartbeat: &Heartbeat) -> bool {
        if self.line.events.is_empty() {
            return true;
        }
        let room = self.line.events.len();
        let events = std::mem::replace(&mut self.line.events, Vec::with_capacity(room.min(256)));
        let offer = pin!(self.line.spine().offer(events));
        alive_while(offer, heartbeat, &self.clock, self.times.heartbeat).await.is_ok()
    }

    /// Waits for whatever comes first.
    fn poll_wait(&mut self, orders: &mut Orders, context: &mut Context<'_>) -> Poll<()> {
        let mut ready = false;
        if let Poll::Ready(order) = orders.poll_recv(context) {
            ready = true;
            self.ordered = true;
            match order {
                Some(Order::Drain) => self.line.drain(),
                // Whoever gave orders is gone: nobody wants this session any more.
                Some(Order::Stop) | None => self.line.leave(),
            }
            if order.is_none() {
                // A closed channel is always ready; one turn is enough to end.
                self.line.ended.get_or_insert(Ended::Protocol(signalbox_smpp::CloseReason::Local));
            }
        }
        if let Some(outbox) = self.line.outbox() {
            match outbox.poll_recv_many(context, &mut self.batches, BATCHES) {
                Poll::Ready(0) => {
                    ready = true;
                    self.line.ended.get_or_insert(Ended::OutboxLost);
                }
                Poll::Ready(_) => ready = true,
                Poll::Pending => {}
            }
        }
        ready |= self.duty.poll(&mut self.line, context).is_ready();
        ready |= self.poll_write(context);
        ready |= self.poll_read(context);
        ready |= self.poll_timer(context);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Writes what the kernel takes; true when something changed that a turn should look at.
    fn poll_write(&mut self, context: &mut Context<'_>) -> bool {
        let mut changed = false;
        while let Some(output) = self.line.session.poll_transmit() {
            match Pin::new(&mut self.transport).poll_write(context, output) {
                Poll::Ready(Ok(0)) => {
                    self.end(Ended::Connection("the connection takes no more octets".to_owned()));
                    return true;
                }
                Poll::Ready(Ok(octets)) => {
                    output.advance(octets);
                    let empty = output.is_empty();
                    self.line.permits.wrote(octets);
                    self.stall.wrote(octets);
                    self.unflushed = self.transport.is_tls();
                    changed |= empty;
                }
                Poll::Ready(Err(error)) => {
                    self.end(Ended::Connection(error.to_string()));
                    return true;
                }
                Poll::Pending => return changed,
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.transport).poll_flush(context) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => {
                    self.end(Ended::Connection(error.to_string()));
                    return true;
                }
                Poll::Pending => {}
            }
        }
        changed
    }

    /// Reads once; true when there is something to look at.
    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        if self.peer_closed || !self.line.session.wants_input() {
            return false;
        }
        // Frames that are in use keep the memory; what is free of it is used again.
        if self.input.capacity() - self.input.len() < self.read_size / 2 {
            self.input.reserve(self.read_size);
        }
        let room = self.input.capacity() - self.input.len();
        match pin!(self.transport.read_buf(&mut self.input)).poll(context) {
            Poll::Ready(Ok(0)) => {
                self.peer_closed = true;
                true
            }
            Poll::Ready(Ok(octets)) => {
                self.transport.acknowledge_now();
                self.read_size = if octets == room { READ_LARGE } else { self.read_size };
                self.read_something = true;
                true
            }
            Poll::Ready(Err(error)) => {
                self.end(Ended::Connection(error.to_string()));
                true
            }
            Poll::Pending => false,
        }
    }

    /// Sees to it that the loop turns when something is due; true when it is.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> bool {
        if !self.timer_spent && self.timer.as_mut().poll(context).is_ready() {
            self.timer_spent = true;
            if !std::mem::replace(&mut self.read_something, false) && self.input.is_empty() {
                // Idle for a heartbeat: give the room back.
                self.input = BytesMut::new();
                self.read_size = READ_SMALL;
            }
            return true;
        }
        let due = self.next_due();
        if !self.timer_spent && due >= self.timer_at {
            // It rings early enough.
            return false;
        }
        let wait = due - self.clock.now().mono;
        self.timer_at = due;
        self.timer_spent = false;
        self.timer.as_mut().reset(Instant::now() + wait);
        self.timer_spent = self.timer.as_mut().poll(context).is_ready();
        self.timer_spent
    }

    fn next_due(&self) -> Mono {
        let line = &self.line;
        let stall = self.stall.since.map(|since| since + self.times.write);
        let ending = match line.ending {
            super::line::Ending::Draining(until) => Some(until),
            super::line::Ending::Leaving(until) => line.leaving_due(until),
            super::line::Ending::No => None,
        };
        let session = line.session.poll_timeout().map(Mono);
        let others = [session, stall, ending, line.permits.next_deadline(), self.duty.due()];
        others.into_iter().flatten().fold(line.now.mono + self.times.heartbeat, Mono::min)
    }

    /// Writes what is left, for a while.
    async fn last_words(&mut self) {
        if matches!(self.line.ended, Some(Ended::Connection(_) | Ended::Stalled(_) | Ended::PermitOverdue)) {
            return;
        }
        let write = std::future::poll_fn(|context| {
            self.poll_write(context);
            let done = self.line.buffered() == 0 && !self.unflushed || self.line_failed();
            if done { Poll::Ready(()) } else { Poll::Pending }
        });
        if tokio::time::timeout(LAST_WORDS, write).await.is_ok() {
            let close = std::future::poll_fn(|context| Pin::new(&mut self.transport).poll_shutdown(context));
            // A peer that does not wait for the end of TLS or TCP is gone all the same.
            let _ = tokio::time::timeout(LAST_WORDS, close).await;
        }
    }

    fn line_failed(&self) -> bool {
        matches!(self.line.ended, Some(Ended::Connection(_)))
    }
}

/// Waits for a future, and shows all the while that the waiting is no death.
async fn alive_while<F: Future>(
    mut future: Pin<&mut F>,
    heartbeat: &Heartbeat,
    clock: &Arc<dyn Clock>,
    every: Duration,
) -> F::Output {
    loop {
        tokio::select! {
            biased;
            output = &mut future => return output,
            () = tokio::time::sleep(every) => heartbeat.beat(clock.now().mono),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_does_not_hide_that_octets_wait_for_too_long() {
        let second = |n: u64| Mono(n * 1_000_000_000);
        let mut stall = Stall::default();
        assert_eq!(stall.waited(second(0), 1000), Duration::ZERO);
        for n in 1..30 {
            stall.wrote(1);
            assert_eq!(stall.waited(second(n), 1000), Duration::from_secs(n));
        }
        // When all that was there at the beginning is out, the rest has waited since then at most.
        stall.wrote(971);
        assert_eq!(stall.waited(second(30), 500), Duration::ZERO);
        assert_eq!(stall.waited(second(31), 500), Duration::from_secs(1));
        stall.wrote(500);
        assert_eq!(stall.waited(second(40), 0), Duration::ZERO);
        assert_eq!(stall.waited(second(50), 10), Duration::ZERO);
    }
}
