//! An SMSC with moods.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::wire::{self, Message, Pdu, RESPONSE};

/// How it treats what is submitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    /// Takes it and answers after the delay.
    Takes(Duration),
    /// Takes it and never answers.
    Silent,
    /// Resets the connection at every nth.
    Resets(u64),
    /// Takes so many a second and throttles the others.
    Throttles(u32),
    /// Sends octets that make no sense before each nth answer: a PDU nobody knows, one cut short, a response to
    /// nothing.
    Garbage(u64),
    /// Sends octets in which no PDU can be found before each nth answer.
    Noise(u64),
    /// Answers with this status.
    Refuses(u32),
}

/// A submit that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub message: Message,
    pub id: u64,
    pub status: u32,
}

struct Receipt {
    due: Instant,
    body: Vec<u8>,
}

/// When it is due, its octets, and whether it is one to a submit.
type Answer = (Instant, Vec<u8>, bool);

struct Shared {
    mood: Mutex<Mood>,
    /// Receipts come so long after the response, if at all.
    receipts: Option<Duration>,
    /// Receipts of odd ids come so much later.
    odd: Mutex<Duration>,
    hexadecimal: bool,
    taken: Mutex<Vec<Taken>>,
    waiting: Mutex<VecDeque<Receipt>>,
    streams: Mutex<HashMap<u64, TcpStream>>,
    unanswered: AtomicU64,
    sessions: AtomicU64,
    next_id: AtomicU64,
    throttle: Mutex<(Option<Instant>, u32)>,
    closed: AtomicBool,
}

/// See the module. It closes when it goes out of scope.
pub struct Smsc {
    shared: Arc<Shared>,
    pub address: SocketAddr,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Smsc {
    /// An SMSC that takes everything at once; receipts come so long after the response.
    pub fn start(receipts: Option<Duration>) -> Self {
        Self::with_ids(receipts, false)
    }

    /// With `hexadecimal`, responses have hexadecimal ids and receipts decimal ones.
    pub fn with_ids(receipts: Option<Duration>, hexadecimal: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            mood: Mutex::new(Mood::Takes(Duration::ZERO)),
            receipts,
            odd: Mutex::default(),
            hexadecimal,
            taken: Mutex::default(),
            waiting: Mutex::default(),
            streams: Mutex::default(),
            unanswered: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            next_id: AtomicU64::new(0x00ab_cdef),
            throttle: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let theirs = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if theirs.closed.load(Ordering::Acquire) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = theirs.clone();
                std::thread::spawn(move || Connection::serve(stream, shared));
            }
        });
        Self { shared, address }
    }

    pub fn set(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// From now on receipts of odd ids come so much later.
    pub fn delay_odd_receipts(&self, by: Duration) {
        *lock(&self.shared.odd) = by;
    }

    /// Sends a message of a device.
    pub fn deliver(&self, message: &Message) {
        let receipt = Receipt { due: Instant::now(), body: message.body() };
        lock(&self.shared.waiting).push_front(receipt);
    }

    pub fn taken(&self) -> Vec<Taken> {
        lock(&self.shared.taken).clone()
    }

    pub fn count(&self) -> usize {
        lock(&self.shared.taken).len()
    }

    /// Submits that it has and has not answered yet.
    pub fn unanswered(&self) -> u64 {
        self.shared.unanswered.load(Ordering::Acquire)
    }

    /// Sessions that were ever bound.
    pub fn sessions(&self) -> u64 {
        self.shared.sessions.load(Ordering::Acquire)
    }

    /// Sessions that are bound now.
    pub fn bound(&self) -> usize {
        lock(&self.shared.streams).len()
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        for stream in lock(&self.shared.streams).values() {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

struct Connection {
    shared: Arc<Shared>,
    number: u64,
    stream: TcpStream,
    /// Answers on their way; the flag says whether it is one to a submit.
    answers: Arc<Mutex<VecDeque<Answer>>>,
    /// Receipts that were sent and not answered: they go to another session when this one is lost.
    sent: Arc<Mutex<HashMap<u32, Vec<u8>>>>,
    submits: u64,
}

impl Connection {
    fn serve(stream: TcpStream, shared: Arc<Shared>) {
        // Without it small answers wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        let Ok(mut input) = stream.try_clone() else { return };
        let Ok(bind) = Pdu::read(&mut input) else { return };
        let mut body = b"smsc\0".to_vec();
        body.extend_from_slice(&[0x02, 0x10, 0, 1, 0x34]);
        if bind.credentials() != ("signalbox".to_owned(), "secret".to_owned()) {
            let refusal = Pdu::new(bind.command | RESPONSE, wire::WRONG_PASSWORD, bind.sequence, Vec::new());
            let _ = (&stream).write_all(&refusal.octets());
            return;
        }
        let response = Pdu::new(bind.command | RESPONSE, wire::OK, bind.sequence, body);
        if (&stream).write_all(&response.octets()).is_err() {
            return;
        }
        let number = shared.sessions.fetch_add(1, Ordering::AcqRel) + 1;
        lock(&shared.streams).insert(number, stream.try_clone().expect("the stream"));
        let mut connection =
            Self { shared, number, stream, answers: Arc::default(), sent: Arc::default(), submits: 0 };
        let ended = Arc::new(AtomicBool::new(false));
        let writer = connection.start_writer(ended.clone());
        // However it ends, what follows is the same.
        while let Ok(pdu) = Pdu::read(&mut input) {
            if !connection.handle(pdu) {
                break;
            }
        }
        ended.store(true, Ordering::Release);
        // A writer that failed has said so by ending.
        let _ = writer.join();
        let shared = &connection.shared;
        lock(&shared.streams).remove(&connection.number);
        let lost = lock(&connection.answers).iter().filter(|(_, _, submit)| *submit).count();
        shared.unanswered.fetch_sub(lost as u64, Ordering::AcqRel);
        let now = Instant::now();
        let again =
            lock(&connection.sent).drain().map(|(_, body)| Receipt { due: now, body }).collect::<Vec<_>>();
        lock(&shared.waiting).extend(again);
    }

    fn start_writer(&self, ended: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
        static SEQUENCE: AtomicU32 = AtomicU32::new(1);
        let (shared, answers, sent) = (self.shared.clone(), self.answers.clone(), self.sent.clone());
        let mut stream = self.stream.try_clone().expect("the stream");
        std::thread::spawn(move || {
            while !ended.load(Ordering::Acquire) {
                let mut batch = Vec::new();
                let now = Instant::now();
                let mut submits = 0;
                {
                    let mut answers = lock(&answers);
                    while answers.front().is_some_and(|(due, _, _)| *due <= now) {
                        let Some((_, octets, submit)) = answers.pop_front() else { break };
                        submits += u64::from(submit);
                        batch.extend_from_slice(&octets);
                    }
                }
                {
                    let mut waiting = lock(&shared.waiting);
                    while lock(&sent).len() < 100 {
                        let due = waiting.iter().position(|receipt| receipt.due <= now);
                        let Some(receipt) = due.and_then(|at| waiting.remove(at)) else { break };
                        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed) & 0x7fff_ffff;
                        let pdu = Pdu::new(wire::DELIVER_SM, 0, sequence, receipt.body.clone());
                        batch.extend_from_slice(&pdu.octets());
                        lock(&sent).insert(sequence, receipt.body);
                    }
                }
                shared.unanswered.fetch_sub(submits, Ordering::AcqRel);
                if batch.is_empty() {
                    std::thread::sleep(Duration::from_millis(1));
                } else if stream.write_all(&batch).is_err() {
                    return;
                }
            }
        })
    }

    fn answer(&self, after: Duration, octets: Vec<u8>, submit: bool) {
        lock(&self.answers).push_back((Instant::now() + after, octets, submit));
    }

    /// False ends the connection.
    fn handle(&mut self, pdu: Pdu) -> bool {
        match pdu.command {
            wire::SUBMIT_SM => return self.submit(&pdu),
            wire::ENQUIRE_LINK | wire::UNBIND => {
                if *lock(&self.shared.mood) == Mood::Silent {
                    return true;
                }
                let response = Pdu::new(pdu.command | RESPONSE, 0, pdu.sequence, Vec::new());
                self.answer(Duration::ZERO, response.octets(), false);
            }
            command if command == wire::DELIVER_SM | RESPONSE => {
                let body = lock(&self.sent).remove(&pdu.sequence);
                if let (Some(body), true) = (body, pdu.status != 0) {
                    let due = Instant::now() + Duration::from_millis(100);
                    lock(&self.shared.waiting).push_back(Receipt { due, body });
                }
            }
            _ => {}
        }
        true
    }

    fn submit(&mut self, pdu: &Pdu) -> bool {
        self.submits += 1;
        let mood = *lock(&self.shared.mood);
        let status = match mood {
            Mood::Throttles(rate) if !self.lets(rate) => wire::THROTTLED,
            Mood::Refuses(status) => status,
            Mood::Takes(_)
            | Mood::Silent
            | Mood::Resets(_)
            | Mood::Garbage(_)
            | Mood::Noise(_)
            | Mood::Throttles(_) => wire::OK,
        };
        let message = Message::read(&pdu.body);
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let taken = Taken { message: message.clone(), id, status };
        self.shared.unanswered.fetch_add(1, Ordering::AcqRel);
        lock(&self.shared.taken).push(taken);
        if mood == Mood::Silent {
            self.shared.unanswered.fetch_sub(1, Ordering::AcqRel);
            return true;
        }
        let after = if let Mood::Takes(delay) = mood { delay } else { Duration::ZERO };
        if let Mood::Resets(each) = mood
            && self.submits.is_multiple_of(each)
        {
            self.shared.unanswered.fetch_sub(1, Ordering::AcqRel);
            let linger = socket2::SockRef::from(&self.stream);
            // Without lingering the close is a reset.
            let _ = linger.set_linger(Some(Duration::ZERO));
            let _ = self.stream.shutdown(Shutdown::Both);
            return false;
        }
        let mut octets = Vec::new();
        if let Mood::Garbage(each) = mood
            && self.submits.is_multiple_of(each)
        {
            octets.extend(Pdu::new(0x0001_0203, 0, 9, b"what".to_vec()).octets());
            octets.extend(Pdu::new(wire::DELIVER_SM, 0, 10, vec![0, 1]).octets());
            octets.extend(Pdu::new(wire::SUBMIT_SM | RESPONSE, 0, 0x7fff_0000, b"1\0".to_vec()).octets());
        }
        if let Mood::Noise(each) = mood
            && self.submits.is_multiple_of(each)
        {
            octets.extend([0xff; 64]);
        }
        let given = if self.shared.hexadecimal { format!("{id:x}\0") } else { format!("{id}\0") };
        let body = if status == wire::OK { given.into_bytes() } else { Vec::new() };
        octets.extend(Pdu::new(pdu.command | RESPONSE, status, pdu.sequence, body).octets());
        self.answer(after, octets, true);
        if let (Some(delay), wire::OK, 1) = (self.shared.receipts, status, message.registered & 3) {
            let odd = if id % 2 == 1 { *lock(&self.shared.odd) } else { Duration::ZERO };
            let due = Instant::now() + after + delay + odd;
            lock(&self.shared.waiting).push_back(Receipt { due, body: receipt(&message, id).body() });
        }
        true
    }

    /// Takes one of the tokens of this second.
    fn lets(&self, rate: u32) -> bool {
        let mut throttle = lock(&self.shared.throttle);
        let now = Instant::now();
        if throttle.0.is_none_or(|start| now - start >= Duration::from_secs(1)) {
            *throttle = (Some(now), 0);
        }
        throttle.1 += 1;
        throttle.1 <= rate
    }
}

fn receipt(of: &Message, id: u64) -> Message {
    let beginning = String::from_utf8_lossy(&of.text[..of.text.len().min(20)]);
    let text = format!(
        "id:{id} sub:001 dlvrd:001 submit date:2611220400 done date:2611220400 stat:DELIVRD err:000 \
         text:{beginning}"
    );
    Message {
        source: of.destination.clone(),
        destination: of.source.clone(),
        esm_class: 0x04,
        text: text.into_bytes(),
        ..Message::default()
    }
}
