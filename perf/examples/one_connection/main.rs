//! One connection, submit_sm to a handler that does nothing: a bare hand-written loop, and the same through
//! `signalbox_smpp::Session`, interleaved in one run.
//!
//! `cargo run --release -p signalbox-perf --example one_connection [-- REPETITIONS]`
//!
//! The bare loop is the limit of this machine. It must come within 30 % of what research found for such a loop, or
//! the ratio means nothing: the machine was busy.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench ends where its set-up fails")]

mod bare;
mod session;

use bare::Work;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// Octets of a read.
const READ: usize = 64 * 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Bare(Work),
    Session,
}

struct Case {
    name: &'static str,
    client: Side,
    server: Side,
}

const CODEC: Side = Side::Bare(Work::Codec);
const COPY: Side = Side::Bare(Work::Copy);

const CASES: [Case; 5] = [
    Case { name: "bare client, bare server", client: CODEC, server: CODEC },
    Case { name: "bare client, Session as SMSC", client: CODEC, server: Side::Session },
    Case { name: "Session as ESME, bare server", client: Side::Session, server: CODEC },
    Case { name: "sockets alone: copied template", client: COPY, server: COPY },
    Case { name: "Session on both sides", client: Side::Session, server: Side::Session },
];

/// Messages, window, and the speed of a bare loop that research found: the busier run and the quieter one.
const WINDOWS: [(u64, usize, [f64; 2]); 2] =
    [(1_000_000, 10, [350_000.0, 740_000.0]), (2_000_000, 100, [1_800_000.0, 2_200_000.0])];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The peers run in a thread each, as they would in two processes.
fn run(case: &Case, count: u64, window: usize) -> Duration {
    let (address, listening) = std::sync::mpsc::channel();
    let server = case.server;
    let server = std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            match server {
                Side::Bare(work) => bare::serve(&stream, work).await,
                Side::Session => session::serve(&stream).await,
            }
        })
    });
    let address = listening.recv().unwrap();
    let took = runtime().block_on(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let start = Instant::now();
        let answered = match case.client {
            Side::Bare(work) => bare::send(&stream, count, window, work).await,
            Side::Session => session::send(&stream, count, window).await,
        };
        assert_eq!(answered, count, "every submit was answered with ESME_ROK");
        start.elapsed()
    });
    let handled = server.join().unwrap();
    assert_eq!(handled, count, "the server handled each submit once");
    took
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let repetitions = std::env::args().nth(1).map_or(5, |text| text.parse().unwrap());
    for (count, window, [slow, fast]) in WINDOWS {
        for case in &CASES {
            run(case, count / 10, window);
        }
        let mut rates = CASES.map(|_| Vec::new());
        for _ in 0..repetitions {
            for (case, rates) in CASES.iter().zip(&mut rates) {
                rates.push(count as f64 / run(case, count, window).as_secs_f64());
            }
        }
        let rates = rates.map(median);
        println!("window {window}, {count} messages, median of {repetitions}:");
        for (case, rate) in CASES.iter().zip(rates) {
            println!("  {:<30} {:>9.0}/s  {:>3.0} %", case.name, rate, rate / rates[0] * 100.0);
        }
        let verdict = if rates[0] < slow * 0.7 {
            "more than 30 % slower than it: the machine is busy, the ratios are void"
        } else if rates[0] > fast * 1.3 {
            "more than 30 % faster than it: another machine, compare the ratios only"
        } else {
            "within 30 % of it: the ratios are valid"
        };
        println!("  a bare loop is known to do {slow:.0} to {fast:.0}/s; this one is {verdict}");
    }
}
