//! The simulated SMSC: takes submits, answers as it is told to, sends receipts and messages from devices.

mod connection;
mod delivery;
mod options;
mod stats;

pub use options::{
    Drop, Faults, MoOptions, ReceiptBy, ReceiptOptions, ReceiptPolicy, ReceiptState, SmscOptions,
};
pub use stats::SmscStats;

pub(crate) use delivery::add_digits;

use crate::bucket::TokenBucket;
use crate::error::SimError;
use crate::event_log::{EventLog, unix_us};
use crate::handsets::Heard;
use connection::Connection;
use delivery::Delivery;
use stats::Counters;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

/// A submit as it was received, for tests that look at every field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// The connection, from 1.
    pub session: u64,
    /// system_id of the bind.
    pub system_id: String,
    /// The whole PDU.
    pub frame: Vec<u8>,
    /// source_addr.
    pub source: String,
    /// destination_addr.
    pub destination: String,
    /// short_message or message_payload.
    pub text: Vec<u8>,
    /// esm_class.
    pub esm_class: u8,
    /// data_coding.
    pub data_coding: u8,
    /// registered_delivery.
    pub registered: u8,
    /// priority_flag.
    pub priority: u8,
    /// The marker in its text.
    pub marker: Option<u64>,
    /// The message id given to it.
    pub id: String,
    /// command_status answered, `None` for no answer.
    pub status: Option<u32>,
}

/// What the connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    options: RwLock<Arc<SmscOptions>>,
    counters: Counters,
    changed: Notify,
    next_id: AtomicU64,
    bucket: Mutex<Option<TokenBucket>>,
    pool: Mutex<VecDeque<Delivery>>,
    pool_changed: Notify,
    log: Option<EventLog>,
    recorded: Mutex<Vec<Submit>>,
    refused_until: Mutex<Option<Instant>>,
    stop: watch::Sender<bool>,
    drop_all: watch::Sender<u64>,
    start: Instant,
    /// Who is told of texts to devices.
    heard: Option<mpsc::Sender<Heard>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn options(&self) -> Arc<SmscOptions> {
        Arc::clone(&self.options.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn throttles(&self) -> bool {
        let now = self.now_ns();
        lock(&self.bucket).as_mut().is_some_and(|bucket| !bucket.take(now))
    }

    fn pooled(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        let mut pool = lock(&self.pool);
        pool.extend(deliveries);
        let waiting = pool.iter().filter(|delivery| delivery.kind == delivery::Kind::Mo).count();
        drop(pool);
        self.counters.mo_waiting.store(waiting as u64, Ordering::Relaxed);
        self.pool_changed.notify_waiters();
    }

    fn refuses(&self) -> bool {
        lock(&self.refused_until).is_some_and(|until| Instant::now() < until)
    }
}

/// A running SMSC. It stops when this is dropped.
#[derive(Debug)]
pub struct SmscSim {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Option<JoinHandle<()>>,
    mo: Option<JoinHandle<()>>,
}

impl SmscSim {
    /// Listens and serves from now on.
    ///
    /// # Errors
    /// [`SimError::Io`] when it cannot listen or open its log; [`SimError::Options`].
    pub async fn start(options: SmscOptions) -> Result<SmscSim, SimError> {
        Self::start_with(options, None).await
    }

    /// The same, and tells of each text that it takes for a device. What finds no room there is not told of.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_heard(options: SmscOptions, heard: mpsc::Sender<Heard>) -> Result<SmscSim, SimError> {
        Self::start_with(options, Some(heard)).await
    }

    async fn start_with(
        options: SmscOptions,
        heard: Option<mpsc::Sender<Heard>>,
    ) -> Result<SmscSim, SimError> {
        if options.log_sync && options.log.is_none() {
            return Err(SimError::Options("a synced log needs a file".to_owned()));
        }
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|source| SimError::io(format!("cannot listen on {}", options.listen), source))?;
        let address = listener
            .local_addr()
            .map_err(|source| SimError::io("the listener has no address".to_owned(), source))?;
        let log = options.log.as_deref().map(EventLog::open).transpose()?;
        // Ids of one start lie above those of the starts before it.
        let first_id = options.first_id.unwrap_or_else(unix_us);
        let mo = options.mo.clone();
        let shared = Arc::new(Shared {
            bucket: Mutex::new(options.faults.throttle.map(|rate| TokenBucket::new(rate, 0))),
            options: RwLock::new(Arc::new(options)),
            counters: Counters::default(),
            changed: Notify::new(),
            next_id: AtomicU64::new(first_id),
            pool: Mutex::default(),
            pool_changed: Notify::new(),
            log,
            recorded: Mutex::default(),
            refused_until: Mutex::new(None),
            stop: watch::Sender::new(false),
            drop_all: watch::Sender::new(0),
            start: Instant::now(),
            heard,
        });
        let server = tokio::spawn(serve(Arc::clone(&shared), listener));
        let mo = mo.map(|mo| tokio::spawn(make_mo(Arc::clone(&shared), mo)));
        Ok(SmscSim { shared, address, server: Some(server), mo })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What was counted until now.
    pub fn stats(&self) -> SmscStats {
        self.shared.counters.read()
    }

    /// Waits until what was counted fulfils `condition`; put a time limit around it.
    pub async fn until(&self, condition: impl Fn(&SmscStats) -> bool) -> SmscStats {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let stats = self.stats();
            if condition(&stats) {
                return stats;
            }
            changed.await;
        }
    }

    /// The submits kept because of `record`, in the order in which they came.
    pub fn submits(&self) -> Vec<Submit> {
        lock(&self.shared.recorded).clone()
    }

    /// Changes its behaviour from now on. Address, log and MO population stay as they were at the start.
    pub fn change(&self, change: impl FnOnce(&mut SmscOptions)) {
        let mut options = SmscOptions::clone(&self.shared.options());
        let throttle = options.faults.throttle;
        change(&mut options);
        if options.faults.throttle != throttle {
            let now = self.shared.now_ns();
            *lock(&self.shared.bucket) = options.faults.throttle.map(|rate| TokenBucket::new(rate, now));
        }
        *self.shared.options.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(options);
    }

    /// Drops every connection as the faults say, and resets new ones for `refuse`.
    pub fn drop_connections(&self, refuse: Duration) {
        if !refuse.is_zero() {
            *lock(&self.shared.refused_until) = Some(Instant::now() + refuse);
        }
        self.shared.drop_all.send_modify(|number| *number += 1);
    }

    /// Sends a message from a device to whoever is bound and receives, or once someone does.
    pub fn send_mo(&self, source: &str, destination: &str, text: &[u8], data_coding: u8) {
        let delivery = delivery::mo_of(source.as_bytes(), destination.as_bytes(), text, data_coding);
        self.shared.pooled([delivery]);
    }

    /// Closes everything, and the log with it.
    ///
    /// # Errors
    /// [`SimError::Log`] when the log is not on the disk.
    pub async fn stop(mut self) -> Result<SmscStats, SimError> {
        self.shared.stop.send_replace(true);
        if let Some(mo) = self.mo.take() {
            mo.abort();
        }
        if let Some(server) = self.server.take() {
            // It ends only by `stop`; a panic in it was printed already.
            let _ = server.await;
        }
        if let Some(log) = &self.shared.log {
            log.close()?;
        }
        Ok(self.stats())
    }
}

impl std::ops::Drop for SmscSim {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        for task in [self.mo.take(), self.server.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    let mut stop = shared.stop.subscribe();
    let mut number = 0;
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of descriptors, or the peer was gone before: the next may do.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                if shared.refuses() {
                    Counters::add(&shared.counters.refused, 1);
                    reset(stream);
                    shared.changed.notify_waiters();
                    continue;
                }
                number += 1;
                Counters::add(&shared.counters.connections, 1);
                let connection = Connection::new(Arc::clone(&shared), stream, number);
                connections.spawn(connection.run());
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Waits until the simulator is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that the simulator is gone, which is the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Closes with a TCP reset.
pub(crate) fn reset(stream: TcpStream) {
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

async fn make_mo(shared: Arc<Shared>, options: MoOptions) {
    let start = tokio::time::Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    let mut made = 0_u64;
    loop {
        ticks.tick().await;
        let due = (start.elapsed().as_secs_f64() * options.per_second) as u64;
        let due = due.min(options.count.unwrap_or(u64::MAX));
        if due > made {
            shared.pooled((made..due).map(|index| delivery::mo(&options, index)));
            made = due;
        }
        if options.count.is_some_and(|count| made >= count) {
            return;
        }
    }
}
