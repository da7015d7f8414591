//! What the simulated ESME is told.

use clap::ValueEnum;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How the sending sessions bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum BindAs {
    /// Sends and receives.
    #[default]
    Transceiver,
    /// Only sends; receipts need `receivers`.
    Transmitter,
}

/// The encoding of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum Encoding {
    /// Default alphabet, an octet a character (data_coding 0).
    #[default]
    Gsm7,
    /// UCS-2 (data_coding 8).
    Ucs2,
    /// Latin-1 (data_coding 3).
    Latin1,
    /// Octets (data_coding 4).
    #[value(name = "8bit")]
    Binary,
}

impl Encoding {
    /// data_coding.
    pub const fn data_coding(self) -> u8 {
        match self {
            Encoding::Gsm7 => 0,
            Encoding::Ucs2 => 8,
            Encoding::Latin1 => 3,
            Encoding::Binary => 4,
        }
    }

    /// Octets of a character.
    pub const fn width(self) -> usize {
        match self {
            Encoding::Ucs2 => 2,
            Encoding::Gsm7 | Encoding::Latin1 | Encoding::Binary => 1,
        }
    }
}

/// Everything. The default sends one message as `demo` without asking for a receipt.
#[derive(Clone, Debug)]
pub struct EsmeOptions {
    /// The SMSC.
    pub connect: SocketAddr,
    /// system_id.
    pub system_id: String,
    /// Password.
    pub password: String,
    /// Sessions that send.
    pub sessions: usize,
    /// Sessions that only receive.
    pub receivers: usize,
    /// How the sending ones bind.
    pub bind: BindAs,
    /// Submits that may wait for a response, a session.
    pub window: usize,
    /// Messages a second over all sessions, sent at their time whatever the peer does (open loop). Without it each
    /// session sends as fast as its window lets.
    pub rate: Option<f64>,
    /// How many messages; with neither this nor `duration`, none.
    pub count: Option<u64>,
    /// How long messages are sent.
    pub duration: Option<Duration>,
    /// Stays bound this long after the last answer, for messages from devices.
    pub linger: Duration,
    /// source_addr of the messages, each in turn.
    pub sources: Vec<String>,
    /// The first destination.
    pub first_destination: String,
    /// How many destinations follow it, used in turn.
    pub destinations: u64,
    /// Characters of the text, the marker `m=000000000` included.
    pub size: usize,
    /// The text after the marker; without it, filled up to `size`.
    pub text: Option<String>,
    /// The encoding.
    pub encoding: Encoding,
    /// registered_delivery.
    pub registered: u8,
    /// priority_flag.
    pub priority: u8,
    /// The first marker.
    pub first_marker: u64,
    /// Waits for a receipt to each message accepted, and counts what is wrong with them.
    pub expect_receipts: bool,
    /// How long after the last response receipts may come.
    pub receipt_wait: Duration,
    /// Sends again what was answered with ESME_RTHROTTLED or ESME_RMSGQFUL.
    pub retry: bool,
    /// After this long.
    pub retry_after: Duration,
    /// Binds again when a connection is lost or refused.
    pub reconnect: bool,
    /// A submit without a response is given up after this long.
    pub response_timeout: Duration,
    /// Statuses answered to deliver_sm and their shares in percent.
    pub deliver_errors: Vec<(u32, f64)>,
    /// TCP_NODELAY.
    pub nodelay: bool,
    /// TCP_QUICKACK after each read. Ordinary peers do not.
    pub quickack: bool,
    /// Event log.
    pub log: Option<PathBuf>,
    /// Seed of everything drawn.
    pub seed: u64,
}

impl Default for EsmeOptions {
    fn default() -> Self {
        EsmeOptions {
            connect: SocketAddr::from((Ipv4Addr::LOCALHOST, 2775)),
            system_id: "demo".to_owned(),
            password: "demo".to_owned(),
            sessions: 1,
            receivers: 0,
            bind: BindAs::Transceiver,
            window: 10,
            rate: None,
            count: None,
            duration: None,
            linger: Duration::ZERO,
            sources: vec!["12345".to_owned()],
            first_destination: "447700900000".to_owned(),
            destinations: 1_000,
            size: 60,
            text: None,
            encoding: Encoding::Gsm7,
            registered: 0,
            priority: 0,
            first_marker: 0,
            expect_receipts: false,
            receipt_wait: Duration::from_secs(30),
            retry: false,
            retry_after: Duration::from_millis(500),
            reconnect: false,
            response_timeout: Duration::from_secs(30),
            deliver_errors: Vec::new(),
            nodelay: true,
            quickack: false,
            log: None,
            seed: 1,
        }
    }
}
