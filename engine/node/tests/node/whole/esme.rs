//! An ESME: one session, a window, a book of what it was told.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::site::PATIENCE;
use super::wire::{self, Message, Pdu, RESPONSE};

/// What it knows. A submission is named by its destination: each has one of its own, a repeated one too.
#[derive(Debug, Default)]
pub struct Book {
    /// Destination -> message id.
    pub accepted: BTreeMap<String, String>,
    /// Destination -> status of the refusal.
    pub refused: Vec<(String, u32)>,
    /// Submissions that were never answered: the connection was lost.
    pub unanswered: Vec<String>,
    /// Message id -> states of its receipts.
    pub receipts: BTreeMap<String, Vec<String>>,
}

/// See the module.
pub struct Esme {
    stream: TcpStream,
    input: Vec<u8>,
    sequence: u32,
    open: HashMap<u32, String>,
    pub book: Book,
}

/// Binds and returns the status of the answer.
pub fn bind_status(to: SocketAddr, system_id: &str, password: &str) -> io::Result<(TcpStream, u32)> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let bind = Pdu::new(wire::BIND_TRANSCEIVER, 0, 1, wire::bind_body(system_id, password));
    stream.write_all(&bind.octets())?;
    let response = Pdu::read(&mut stream)?;
    Ok((stream, response.status))
}

/// The destination of the nth submission.
pub fn destination(number: u64) -> String {
    format!("447{number:09}")
}

impl Esme {
    pub fn bind(to: SocketAddr) -> io::Result<Self> {
        let (stream, status) = bind_status(to, "demo", "demo")?;
        if status != wire::OK {
            return Err(io::Error::other(format!("the bind was answered with {status:#x}")));
        }
        stream.set_nonblocking(true)?;
        Ok(Self { stream, input: Vec::new(), sequence: 1, open: HashMap::new(), book: Book::default() })
    }

    /// Goes on with the book of an earlier session; what was open there is unanswered.
    pub fn bind_again(to: SocketAddr, mut before: Self) -> Result<Self, Box<Self>> {
        before.lose();
        match Self::bind(to) {
            Ok(mut again) => {
                again.book = std::mem::take(&mut before.book);
                Ok(again)
            }
            Err(_) => Err(Box::new(before)),
        }
    }

    fn lose(&mut self) {
        let lost = self.open.drain().map(|(_, destination)| destination);
        self.book.unanswered.extend(lost);
    }

    pub fn open(&self) -> usize {
        self.open.len()
    }

    pub fn submit(&mut self, number: u64) -> io::Result<()> {
        self.submit_text(&destination(number), b"a message of a test of the whole node")
    }

    pub fn submit_text(&mut self, destination: &str, text: &[u8]) -> io::Result<()> {
        self.submit_message(&Message {
            source: "12345".to_owned(),
            destination: destination.to_owned(),
            registered: 1,
            text: text.to_vec(),
            ..Message::default()
        })
    }

    pub fn submit_message(&mut self, message: &Message) -> io::Result<()> {
        self.sequence += 1;
        let pdu = Pdu::new(wire::SUBMIT_SM, 0, self.sequence, message.body());
        self.open.insert(self.sequence, message.destination.clone());
        self.write(&pdu.octets())
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_write_timeout(Some(PATIENCE))?;
        self.stream.write_all(octets)?;
        self.stream.set_nonblocking(true)
    }

    /// Reads what is there and answers it; waits for at most this long when nothing is.
    pub fn turn(&mut self, wait: Duration) -> io::Result<()> {
        use std::io::Read;
        let deadline = Instant::now() + wait;
        let mut chunk = [0; 16_384];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.input.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if Instant::now() >= deadline {
                        return Ok(());
                    }
                    std::thread::sleep(Duration::from_micros(500));
                    continue;
                }
                Err(error) => return Err(error),
            }
            let mut answers = Vec::new();
            let mut rest = &*self.input;
            while let Some(length) =
                rest.first_chunk::<4>().map(|octets| u32::from_be_bytes(*octets) as usize)
            {
                if rest.len() < length {
                    break;
                }
                let pdu = Pdu::read(&mut rest)?;
                Self::handle(&mut self.book, &mut self.open, &pdu, &mut answers);
            }
            let done = self.input.len() - rest.len();
            self.input.drain(..done);
            if !answers.is_empty() {
                self.write(&answers)?;
            }
            return Ok(());
        }
    }

    fn handle(book: &mut Book, open: &mut HashMap<u32, String>, pdu: &Pdu, answers: &mut Vec<u8>) {
        if pdu.command == wire::SUBMIT_SM | RESPONSE {
            let destination = open.remove(&pdu.sequence).expect("a response to a request");
            if pdu.status == wire::OK {
                book.accepted.insert(destination, pdu.first_text());
            } else {
                book.refused.push((destination, pdu.status));
            }
            return;
        }
        if pdu.command == wire::DELIVER_SM {
            let message = Message::read(&pdu.body);
            if message.is_receipt() {
                let states = book.receipts.entry(message.receipt_field("id")).or_default();
                states.push(message.receipt_field("stat"));
            }
            answers.extend(Pdu::new(pdu.command | RESPONSE, 0, pdu.sequence, vec![0]).octets());
        } else if pdu.command & RESPONSE == 0 {
            answers.extend(Pdu::new(pdu.command | RESPONSE, 0, pdu.sequence, Vec::new()).octets());
        }
    }

    /// Turns until the condition holds; fails with what was waited for.
    #[track_caller]
    pub fn until(&mut self, what: &str, patience: Duration, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + patience;
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what}: not within {patience:?}; {} open", self.open());
            self.turn(Duration::from_millis(10)).unwrap_or_else(|error| panic!("{what}: {error}"));
        }
    }

    /// Goes on answering until the node closes the connection.
    #[track_caller]
    pub fn until_closed(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.turn(Duration::from_millis(10)).is_ok() {
            assert!(Instant::now() < deadline, "the node does not close the connection");
        }
    }

    /// Submits so many messages, at most `window` unanswered at once, and waits for all answers.
    #[track_caller]
    pub fn submit_all(&mut self, numbers: std::ops::Range<u64>, window: usize) {
        for number in numbers {
            self.until("a place in the window", PATIENCE, |esme| esme.open() < window);
            self.submit(number).expect("a submit");
        }
        self.until("all responses", PATIENCE, |esme| esme.open() == 0);
    }
}
