//! What the simulated SMSC is told.

use crate::bucket::Rate;
use crate::delay::Delay;
use crate::id_form::IdForm;
use clap::ValueEnum;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// When receipts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum ReceiptPolicy {
    /// Never.
    None,
    /// For each message taken.
    Always,
    /// As registered_delivery asks.
    #[default]
    AsAsked,
}

/// What carries a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum ReceiptBy {
    /// deliver_sm.
    #[default]
    DeliverSm,
    /// data_sm with the text in message_payload.
    DataSm,
}

/// The receipts.
#[derive(Clone, Debug)]
pub struct ReceiptOptions {
    /// When they are sent.
    pub policy: ReceiptPolicy,
    /// After the submit was taken.
    pub delay: Delay,
    /// Sends the receipt this long before the response to the submit, whatever `delay` says.
    pub early: Option<Duration>,
    /// How many of a hundred never come.
    pub lost_percent: f64,
    /// How many of a hundred come twice.
    pub duplicated_percent: f64,
    /// Final states and their shares in percent; what is left of the hundred is DELIVRD.
    pub states: Vec<(ReceiptState, f64)>,
    /// An intermediate notification (ENROUTE) goes before each final receipt.
    pub intermediate: bool,
    /// What carries them.
    pub by: ReceiptBy,
    /// With the TLVs receipted_message_id and message_state.
    pub tlvs: bool,
    /// With the text of appendix B; without it only the TLVs tell.
    pub text: bool,
}

impl Default for ReceiptOptions {
    fn default() -> Self {
        ReceiptOptions {
            policy: ReceiptPolicy::AsAsked,
            delay: Delay::None,
            early: None,
            lost_percent: 0.0,
            duplicated_percent: 0.0,
            states: Vec::new(),
            intermediate: false,
            by: ReceiptBy::DeliverSm,
            tlvs: true,
            text: true,
        }
    }
}

/// A state that a receipt tells (SMPP 3.4 clause 5.2.28 and appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "upper")]
pub enum ReceiptState {
    /// ENROUTE.
    Enroute,
    /// DELIVRD.
    Delivrd,
    /// EXPIRED.
    Expired,
    /// DELETED.
    Deleted,
    /// UNDELIV.
    Undeliv,
    /// ACCEPTD.
    Acceptd,
    /// UNKNOWN.
    Unknown,
    /// REJECTD.
    Rejectd,
}

impl ReceiptState {
    /// The text of appendix B.
    pub const fn stat(self) -> &'static str {
        match self {
            ReceiptState::Enroute => "ENROUTE",
            ReceiptState::Delivrd => "DELIVRD",
            ReceiptState::Expired => "EXPIRED",
            ReceiptState::Deleted => "DELETED",
            ReceiptState::Undeliv => "UNDELIV",
            ReceiptState::Acceptd => "ACCEPTD",
            ReceiptState::Unknown => "UNKNOWN",
            ReceiptState::Rejectd => "REJECTD",
        }
    }

    /// message_state.
    pub const fn code(self) -> u8 {
        match self {
            ReceiptState::Enroute => 1,
            ReceiptState::Delivrd => 2,
            ReceiptState::Expired => 3,
            ReceiptState::Deleted => 4,
            ReceiptState::Undeliv => 5,
            ReceiptState::Acceptd => 6,
            ReceiptState::Unknown => 7,
            ReceiptState::Rejectd => 8,
        }
    }
}

/// How the connection is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum Drop {
    /// With a TCP reset: what the peer has not read is lost as well.
    #[default]
    Reset,
    /// With an ordinary end of the connection.
    Close,
}

/// What goes wrong on purpose. Counts are per connection.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Statuses and their shares in percent, answered instead of taking the message.
    pub errors: Vec<(u32, f64)>,
    /// ESME_RTHROTTLED above this rate, over all connections.
    pub throttle: Option<Rate>,
    /// ESME_RMSGQFUL to each nth submit.
    pub queue_full_each: Option<u64>,
    /// How many of a hundred messages are taken but never answered.
    pub never_answer_percent: f64,
    /// Drops the connection at each nth submit, which is taken but not answered.
    pub drop_each: Option<u64>,
    /// How.
    pub drop: Drop,
    /// After a drop, resets each new connection for this long.
    pub refuse: Duration,
    /// Sends a senseless but well framed PDU before the answer to each nth submit.
    pub garbage_each: Option<u64>,
    /// Sends a PDU with an impossible command_length after the answer to the nth submit.
    pub bad_length_after: Option<u64>,
    /// Answers nothing any more after this many submits, not even enquire_link.
    pub silent_after: Option<u64>,
    /// Writes each octet by itself.
    pub one_byte_writes: bool,
}

/// Messages from devices (MO).
#[derive(Clone, Debug)]
pub struct MoOptions {
    /// How many a second.
    pub per_second: f64,
    /// How many in all; without it, until the simulator stops.
    pub count: Option<u64>,
    /// The first number of the devices.
    pub first_source: String,
    /// How many devices.
    pub sources: u64,
    /// The short code they write to.
    pub destination: String,
    /// What they write, each in turn; a marker is added.
    pub texts: Vec<String>,
}

/// Everything. The default is an SMSC that takes all and sends the receipts asked for at once.
#[derive(Clone, Debug)]
pub struct SmscOptions {
    /// Where it listens; port 0 asks the system for one.
    pub listen: SocketAddr,
    /// system_id and password pairs that may bind; empty for any.
    pub accounts: Vec<(String, String)>,
    /// Its own system_id, in bind responses.
    pub system_id: String,
    /// TCP_NODELAY.
    pub nodelay: bool,
    /// TCP_QUICKACK after each read. Ordinary peers do not.
    pub quickack: bool,
    /// Before the response to a submit.
    pub response_delay: Delay,
    /// Form of its message ids.
    pub id_form: IdForm,
    /// The first message id; by default one that differs from start to start.
    pub first_id: Option<u64>,
    /// The receipts.
    pub receipts: ReceiptOptions,
    /// deliver_sm that may wait for an answer on a connection.
    pub deliver_window: usize,
    /// How long a deliver_sm with a temporary error waits until it is sent again.
    pub deliver_retry: Duration,
    /// What goes wrong.
    pub faults: Faults,
    /// Messages from devices.
    pub mo: Option<MoOptions>,
    /// Event log.
    pub log: Option<PathBuf>,
    /// Answers only what the log has on the disk.
    pub log_sync: bool,
    /// Keeps every submit for [`crate::SmscSim::submits`].
    pub record: bool,
    /// Seed of everything drawn.
    pub seed: u64,
}

impl Default for SmscOptions {
    fn default() -> Self {
        SmscOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: Vec::new(),
            system_id: "smsc-sim".to_owned(),
            nodelay: true,
            quickack: false,
            response_delay: Delay::None,
            id_form: IdForm::Decimal,
            first_id: None,
            receipts: ReceiptOptions::default(),
            deliver_window: 1_000,
            deliver_retry: Duration::from_secs(1),
            faults: Faults::default(),
            mo: None,
            log: None,
            log_sync: false,
            record: false,
            seed: 1,
        }
    }
}
