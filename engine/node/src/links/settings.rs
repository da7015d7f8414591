//! What links, accounts and listeners are told, in the form their sessions use.
//!
//! Plain values: nothing here reads a file or a catalog. `catalog` makes them from the catalog's rows.

mod catalog;
mod live;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use signalbox_config::value::{CertificateFingerprint, IpNetwork, PasswordHash};
use signalbox_core::address::Address;
use signalbox_core::gcra::Rate;
use signalbox_core::id::{AccountId, LinkId};
use signalbox_core::message::TrafficClass;
use signalbox_smpp::{BindMode, Profile, Version};
use signalbox_text::phone::Region;

pub use catalog::ConversionError;
pub(super) use catalog::error_class;
pub use live::{LiveRules, LiveTuning, Tuning};

use super::http::HttpSettings;
use super::map::{DataCodings, ErrorTable, LongMessages, Rewrites, StatusMap, TlvEdits};
use crate::supervisor::Intensity;

/// A password that we show a peer; `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(***)")
    }
}

/// Everything that links, accounts and listeners are made from. Replaced as a whole; what did not change is
/// not touched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinksSettings {
    /// Peers that we bind to.
    pub links: Vec<Arc<LinkSettings>>,
    /// Peers that bind to us.
    pub accounts: Vec<Arc<AccountSettings>>,
    /// Where they connect.
    pub listeners: Vec<Arc<ListenerSettings>>,
    /// What all listeners share.
    pub smsc: SmscSettings,
    /// Restarts after failures.
    pub supervision: SupervisionSettings,
}

/// Restarts and heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupervisionSettings {
    /// How often a session shows that it is alive.
    pub heartbeat: Duration,
    /// Silence after which it is ended.
    pub stuck_after: Duration,
    /// How often, and how fast, what failed is started again.
    pub intensity: Intensity,
}

impl Default for SupervisionSettings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(1),
            stuck_after: Duration::from_secs(30),
            intensity: Intensity::default(),
        }
    }
}

/// Waits between attempts to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The first.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
    /// Each is longer or shorter by up to so many percent.
    pub jitter_percent: u32,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self { min: Duration::from_millis(500), max: Duration::from_secs(60), jitter_percent: 25 }
    }
}

impl Reconnect {
    /// The wait before try `failures + 1`; `random` moves it within the jitter.
    #[must_use]
    pub fn wait(&self, failures: u32, random: u64) -> Duration {
        let doubled = self.min.saturating_mul(1 << failures.min(20)).min(self.max);
        let percent = u64::from(self.jitter_percent.min(100));
        let swing =
            i64::try_from(random % (2 * percent + 1)).unwrap_or(0) - i64::try_from(percent).unwrap_or(0);
        let share = u32::try_from(100 + swing).unwrap_or(100);
        doubled * share / 100
    }
}

/// TLS towards a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// Name that its certificate must have; the host's when it is not set.
    pub server_name: Option<String>,
    /// Certificates (PEM) that its certificate must descend from; those of the system when it is not set.
    pub ca: Option<PathBuf>,
    /// Our certificate chain and its key (PEM), where the peer wants one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// Our certificate chain (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// Certificates (PEM) that client certificates must descend from; without it none is asked for.
    pub client_ca: Option<PathBuf>,
    /// A client without a certificate is refused.
    pub client_certificate_required: bool,
}

/// Where an SMSC that does not wait for us to connect knocks (outbind, SMPP 3.4 cl. 2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutbindListener {
    /// Address and port.
    pub address: SocketAddr,
    /// What it must call itself.
    pub system_id: String,
    /// What it must show.
    pub password: Password,
}

/// The timers of a session, SMPP 3.4 cl. 7.2, and one of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// From the connection to the end of the bind.
    pub bind: Duration,
    /// Silence after which the peer is asked; `None` for never.
    pub enquire_link: Option<Duration>,
    /// Time without messages after which we unbind; `None` for never.
    pub inactivity: Option<Duration>,
    /// How long the peer may take to answer.
    pub response: Duration,
    /// How long an octet may wait for the peer to read.
    pub write: Duration,
}

impl Default for SessionTimes {
    fn default() -> Self {
        Self {
            bind: Duration::from_secs(10),
            enquire_link: Some(Duration::from_secs(30)),
            inactivity: None,
            response: Duration::from_secs(30),
            write: Duration::from_secs(30),
        }
    }
}

/// A peer that we bind to as ESME.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkSettings {
    /// Its number.
    pub id: LinkId,
    /// Its name in logs, metrics and the API.
    pub name: String,
    /// False unbinds it.
    pub enabled: bool,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS, where it speaks it.
    pub tls: Option<ClientTls>,
    /// Address that our connections come from.
    pub local_address: Option<IpAddr>,
    /// Differentiated services code point (RFC 2474), 0 to 63.
    pub dscp: Option<u8>,
    /// What we bind with.
    pub system_id: String,
    /// The password.
    pub password: Password,
    /// system_type.
    pub system_type: String,
    /// addr_ton of the bind.
    pub address_ton: u8,
    /// addr_npi of the bind.
    pub address_npi: u8,
    /// address_range of the bind.
    pub address_range: String,
    /// What our sessions do.
    pub mode: BindMode,
    /// The version that we offer.
    pub version: Version,
    /// Sessions that we open.
    pub sessions: u16,
    /// Requests of ours on one session that may be without an answer.
    pub window: u32,
    /// Requests of the peer on one session that may be without an answer.
    pub inbound_window: u32,
    /// The largest sequence_number before it begins again with 1.
    pub last_sequence: u32,
    /// Timers.
    pub times: SessionTimes,
    /// Waits between attempts to connect.
    pub reconnect: Reconnect,
    /// What its PDUs have of their own.
    pub profile: Profile,
    /// What is changed in messages on their way; bound sessions follow its changes.
    pub rules: LiveRules,
    /// What sessions follow in the place of window, timers, waits and profile here.
    pub tuned: LiveTuning,
    /// Where we wait for it to knock.
    pub outbind: Option<OutbindListener>,
    /// What it says and understands over HTTP; then it speaks that and not SMPP.
    pub http: Option<Arc<HttpSettings>>,
}

/// What is changed in messages on their way to or from a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkRules {
    /// Addresses.
    pub rewrites: Rewrites,
    /// data_coding of messages that leave.
    pub data_coding_out: DataCodings,
    /// data_coding of messages that come.
    pub data_coding_in: DataCodings,
    /// TLVs.
    pub tlvs: TlvEdits,
    /// What the peer's errors mean.
    pub errors: ErrorTable,
    /// The peer's errors as origins see them.
    pub status_in: StatusMap,
    /// Our errors as the peer sees them.
    pub status_out: StatusMap,
    /// Longest validity that the peer takes.
    pub max_validity: Option<Duration>,
    /// How parts of long messages leave.
    pub long_messages: LongMessages,
}

impl LinkSettings {
    /// A link with a name and an address, and all else as most peers need it.
    #[must_use]
    pub fn new(id: LinkId, name: &str, host: &str, port: u16) -> Self {
        Self {
            id,
            name: name.to_owned(),
            enabled: true,
            host: host.to_owned(),
            port,
            tls: None,
            local_address: None,
            dscp: None,
            system_id: "signalbox".to_owned(),
            password: Password::default(),
            system_type: String::new(),
            address_ton: 0,
            address_npi: 0,
            address_range: String::new(),
            mode: BindMode::Transceiver,
            version: Version::V3_4,
            sessions: 1,
            window: 10,
            inbound_window: 1_000,
            last_sequence: 0x7fff_ffff,
            times: SessionTimes::default(),
            reconnect: Reconnect::default(),
            profile: Profile::default(),
            rules: LiveRules::default(),
            tuned: LiveTuning::default(),
            outbind: None,
            http: None,
        }
    }
}

/// Which kinds of sessions an account may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindModes {
    /// Transmitters.
    pub transmitter: bool,
    /// Receivers.
    pub receiver: bool,
    /// Transceivers.
    pub transceiver: bool,
}

impl BindModes {
    /// All of them.
    pub const ALL: Self = Self { transmitter: true, receiver: true, transceiver: true };

    /// True when this one is among them.
    #[must_use]
    pub fn allows(self, mode: BindMode) -> bool {
        match mode {
            BindMode::Transmitter => self.transmitter,
            BindMode::Receiver => self.receiver,
            BindMode::Transceiver => self.transceiver,
        }
    }
}

/// Where an account listens for outbind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutbindTarget {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What we call ourselves.
    pub system_id: String,
    /// The password we show.
    pub password: Password,
    /// Time between two knocks.
    pub every: Duration,
}

/// A peer that binds to us.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountSettings {
    /// Its number.
    pub id: AccountId,
    /// Its name in logs, metrics and the API.
    pub name: String,
    /// False refuses its binds and ends its sessions.
    pub enabled: bool,
    /// What it binds with.
    pub system_id: String,
    /// The hash of its password.
    pub password: PasswordHash,
    /// It must bind with this system_type.
    pub system_type: Option<String>,
    /// Networks it may come from; any when there are none.
    pub allow_from: Vec<IpNetwork>,
    /// It must use TLS.
    pub tls_required: bool,
    /// It must show one of these client certificates.
    pub client_certificates: Vec<CertificateFingerprint>,
    /// Sessions at once.
    pub max_binds: u32,
    /// Kinds of sessions it may open.
    pub modes: BindModes,
    /// Source address of messages that name none.
    pub default_source: Option<Address>,
    /// Country whose national numbers it may use without the country's code.
    pub region: Option<Region>,
    /// Requests from all its sessions together; no bound when it is not set.
    pub rate: Option<Rate>,
    /// Requests that may come at once above an even flow.
    pub burst: u32,
    /// Requests of one session that may be without an answer.
    pub window: u32,
    /// Receipts and MO messages that may be without an answer on one session.
    pub delivery_window: u32,
    /// Class of its messages.
    pub class: TrafficClass,
    /// Its message ids have 32 digits, which sessions of SMPP 3.3 cannot hold.
    pub long_ids: bool,
    /// Receipts and messages go to it as data_sm, where its version has that.
    pub deliver_as_data_sm: bool,
    /// What its answers mean.
    pub errors: ErrorTable,
    /// Where to knock when something waits and no session is bound.
    pub outbind: Option<OutbindTarget>,
    /// What its PDUs have of their own.
    pub profile: Profile,
}

impl AccountSettings {
    /// An account with its credentials, and all else open.
    #[must_use]
    pub fn new(id: AccountId, system_id: &str, password: PasswordHash) -> Self {
        Self {
            id,
            name: system_id.to_owned(),
            enabled: true,
            system_id: system_id.to_owned(),
            password,
            system_type: None,
            allow_from: Vec::new(),
            tls_required: false,
            client_certificates: Vec::new(),
            max_binds: 8,
            modes: BindModes::ALL,
            default_source: None,
            region: None,
            rate: None,
            burst: 100,
            window: 1_000,
            delivery_window: 100,
            class: TrafficClass::Transactional,
            long_ids: false,
            deliver_as_data_sm: false,
            errors: ErrorTable::default(),
            outbind: None,
            profile: Profile::default(),
        }
    }
}

/// One address where peers connect.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerSettings {
    /// Its name in logs and metrics.
    pub name: String,
    /// Address and port; port 0 lets the system choose.
    pub address: SocketAddr,
    /// TLS, where the listener speaks it.
    pub tls: Option<ServerTls>,
    /// Connections on this listener.
    pub max_sessions: u32,
    /// Connections that have not bound yet.
    pub max_unbound: u32,
    /// Connections from one address that have not bound yet.
    pub max_unbound_per_address: u32,
    /// Connections from one address, bound or not.
    pub max_per_address: u32,
    /// Passwords that are looked at in a second.
    pub max_binds_per_second: u32,
    /// Timers.
    pub times: SessionTimes,
    /// Largest PDU that is read, in octets.
    pub max_pdu: usize,
}

impl ListenerSettings {
    /// A plain listener.
    #[must_use]
    pub fn new(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            address,
            tls: None,
            max_sessions: 1_000,
            max_unbound: 200,
            max_unbound_per_address: 200,
            max_per_address: 1_000,
            max_binds_per_second: 200,
            times: SessionTimes { inactivity: Some(Duration::from_secs(600)), ..SessionTimes::default() },
            max_pdu: 64 * 1024,
        }
    }
}

/// What a flood of wrong passwords brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockOut {
    /// Wrong passwords of one address.
    pub failures_per_address: u32,
    /// Wrong passwords of one address for one system_id.
    pub failures_per_account: u32,
    /// The time in which they count.
    pub within: Duration,
    /// How long the lock holds.
    pub lasts: Duration,
    /// Addresses that are remembered.
    pub remembered: usize,
}

impl Default for LockOut {
    fn default() -> Self {
        Self {
            failures_per_address: 10,
            failures_per_account: 5,
            within: Duration::from_secs(60),
            lasts: Duration::from_secs(300),
            remembered: 65_536,
        }
    }
}

/// What all listeners share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmscSettings {
    /// What we call ourselves.
    pub system_id: String,
    /// Connections of all listeners together.
    pub max_sessions: u32,
    /// Password hashes computed at once.
    pub hashes_at_once: usize,
    /// Binds that may wait for one.
    pub hash_queue: usize,
    /// How long a password that was right is not hashed again.
    pub verified_for: Duration,
    /// Lock-out.
    pub lock_out: LockOut,
}

impl Default for SmscSettings {
    fn default() -> Self {
        Self {
            system_id: "signalbox".to_owned(),
            max_sessions: 2_000,
            hashes_at_once: 2,
            hash_queue: 256,
            verified_for: Duration::from_secs(600),
            lock_out: LockOut::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_the_longest_and_swing_by_the_jitter() {
        let reconnect =
            Reconnect { min: Duration::from_millis(100), max: Duration::from_secs(1), jitter_percent: 25 };
        // 25 is in the middle of the 51 values of the jitter.
        let waits: Vec<u128> = (0..6).map(|n| reconnect.wait(n, 25).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(reconnect.wait(0, 0), Duration::from_millis(75));
        assert_eq!(reconnect.wait(0, 50), Duration::from_millis(125));
        assert_eq!(reconnect.wait(u32::MAX, 25), Duration::from_secs(1));
    }

    #[test]
    fn a_password_stays_out_of_logs() {
        assert_eq!(format!("{:?}", Password("secret".into())), "Password(***)");
    }
}
