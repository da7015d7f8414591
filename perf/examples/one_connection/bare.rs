//! The bare loops: own parsing, batches, nothing else.
//!
//! One does what any peer must, by hand: it encodes each message, keeps the window by sequence_number, measures each
//! response, reads the fields, gives ids. The other copies a template and looks at headers only: what the sockets
//! alone allow.

use super::READ;
use signalbox_perf::IdForm;
use signalbox_perf::latency::Latency;
use signalbox_perf::wire::{self, Fields, HEADER, Message, RESPONSE};
use std::time::Instant;
use tokio::net::TcpStream;

/// Whether messages are written and read field by field, or copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Codec,
    Copy,
}

/// A submit_sm of some 110 octets, as in the research.
fn put_submit(out: &mut Vec<u8>, sequence: u32) {
    let message = Message {
        source_type: [5, 0],
        source: b"Signalbox",
        destination_type: [1, 1],
        destination: b"447700900123",
        text: b"Hello from a bare loop, this is sixty octets of text or so",
        ..Message::default()
    };
    let fields = Fields { message, payload: false };
    wire::put_message(out, wire::SUBMIT_SM, sequence, std::hint::black_box(&fields));
}

struct Buffers {
    input: Vec<u8>,
    filled: usize,
    out: Vec<u8>,
}

impl Buffers {
    fn new() -> Self {
        Buffers { input: vec![0; READ], filled: 0, out: Vec::with_capacity(READ) }
    }

    /// Reads until there is something; `false` at the end of the stream.
    async fn read(&mut self, stream: &TcpStream) -> bool {
        loop {
            match stream.try_read(&mut self.input[self.filled..]) {
                Ok(0) => return false,
                Ok(count) => {
                    self.filled += count;
                    return true;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    stream.readable().await.unwrap();
                }
                Err(_) => return false,
            }
        }
    }

    async fn write(&mut self, stream: &TcpStream) {
        let mut written = 0;
        while written < self.out.len() {
            match stream.try_write(&self.out[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    stream.writable().await.unwrap();
                }
                Err(error) => panic!("{error}"),
            }
        }
        self.out.clear();
    }

    /// Keeps what is left of the input behind `at`.
    fn keep(&mut self, at: usize) {
        self.input.copy_within(at..self.filled, 0);
        self.filled -= at;
    }
}

/// Answers until the stream ends; how many submits it had.
pub async fn serve(stream: &TcpStream, work: Work) -> u64 {
    let mut buffers = Buffers::new();
    let mut handled = 0_u64;
    while buffers.read(stream).await {
        let mut at = 0;
        while let Some(header) = wire::next_frame(&buffers.input[at..buffers.filled]).unwrap() {
            let frame = &buffers.input[at..at + header.length];
            at += header.length;
            let out = &mut buffers.out;
            if header.command != wire::SUBMIT_SM {
                wire::put_text_pdu(out, header.command | RESPONSE, 0, header.sequence, b"bare");
                continue;
            }
            handled += 1;
            let response = wire::SUBMIT_SM | RESPONSE;
            match work {
                Work::Codec => {
                    std::hint::black_box(&Message::read(frame).unwrap());
                    let start = wire::begin(out, response, wire::ROK, header.sequence);
                    IdForm::Hex.put_response(out, handled);
                    out.push(0);
                    wire::end(out, start);
                }
                Work::Copy => wire::put_text_pdu(out, response, 0, header.sequence, b"1a2b3c4d"),
            }
        }
        buffers.keep(at);
        buffers.write(stream).await;
    }
    handled
}

/// Sends `count` submits; how many were answered with ESME_ROK.
pub async fn send(stream: &TcpStream, count: u64, window: usize, work: Work) -> u64 {
    let mut template = Vec::new();
    put_submit(&mut template, 0);
    let mut buffers = Buffers::new();
    wire::put_bind(&mut buffers.out, wire::BIND_TRANSCEIVER, 1, "bare", "bare");
    buffers.write(stream).await;
    let begin = Instant::now();
    let mut latency = Latency::default();
    let mut waiting = vec![None; (window * 2).next_power_of_two()];
    let mask = waiting.len() - 1;
    let (mut sent, mut answered, mut ok) = (0, 0, 0);
    let mut bound = false;
    while answered < count {
        let more = if bound { (window as u64 - (sent - answered)).min(count - sent) } else { 0 };
        for _ in 0..more {
            sent += 1;
            let sequence = (sent as u32).wrapping_add(1);
            match work {
                Work::Codec => {
                    put_submit(&mut buffers.out, sequence);
                    waiting[sequence as usize & mask] = Some((sequence, begin.elapsed()));
                }
                Work::Copy => {
                    let start = buffers.out.len();
                    buffers.out.extend_from_slice(&template);
                    buffers.out[start + 12..start + HEADER].copy_from_slice(&sequence.to_be_bytes());
                }
            }
        }
        buffers.write(stream).await;
        if !buffers.read(stream).await {
            break;
        }
        let mut at = 0;
        while let Some(header) = wire::next_frame(&buffers.input[at..buffers.filled]).unwrap() {
            let frame = &buffers.input[at..at + header.length];
            at += header.length;
            if header.command != wire::SUBMIT_SM | RESPONSE {
                bound = header.command == wire::BIND_TRANSCEIVER | RESPONSE;
                continue;
            }
            answered += 1;
            ok += u64::from(header.status == wire::ROK);
            if work == Work::Codec {
                std::hint::black_box(wire::first_text(frame));
                let (_, at) = waiting[header.sequence as usize & mask]
                    .take_if(|(of, _)| *of == header.sequence)
                    .unwrap();
                latency.record((begin.elapsed() - at).as_nanos() as u64);
            }
        }
        buffers.keep(at);
    }
    ok
}
