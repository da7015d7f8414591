//! Links: aggregators and carriers that we bind to, or whose API we use.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::account::BindMode;
use super::class::TrafficClass;
use super::http::{HttpLink, HttpParts};
use super::quirks::Quirks;
use super::rewrite::{AddressRewrite, DataCoding, TlvRules};
use crate::Tree;
use crate::setting::{Agreement, Cursor, Problems, Setting, Shape, Source, choices, settings};
use crate::settings::{DoubtSettings, RetrySettings};
use crate::value::{Count, Host, Name, Period, Rate, ReadableFile, Secret, StatusCode, Text};

choices! {
    /// What is spoken on a link.
    pub enum LinkProtocol {
        /// SMPP: we bind to the peer.
        Smpp = "smpp",
        /// HTTP: we ask the peer's API, and it calls back ours.
        Http = "http",
    }
}

choices! {
    /// The version of SMPP that we offer (interface_version, SMPP 3.4, 5.2.4).
    pub enum InterfaceVersion {
        /// SMPP 3.3.
        V33 = "3.3",
        /// SMPP 3.4.
        V34 = "3.4",
        /// SMPP 5.0.
        V50 = "5.0",
    }
}

choices! {
    /// What an error of the peer means for the message and for the link.
    pub enum ErrorClass {
        /// Trying again later may help.
        Temporary = "temporary",
        /// Trying again is useless.
        Permanent = "permanent",
        /// We are too fast: the link slows down and the message goes first.
        Throttling = "throttling",
        /// The queue for the destination is full.
        QueueFull = "queue_full",
        /// The session is worth nothing any more.
        Fatal = "fatal",
    }
}

choices! {
    /// How long messages leave.
    pub enum LongMessages {
        /// As they came: parts as parts, whole ones in message_payload where the peer may take that; SMPP 3.3 has none,
        /// so what is longer than short_message goes in parts.
        AsTheyCame = "as_they_came",
        /// In parts with a header of 8-bit references (3GPP TS 23.040, 9.2.3.24.1).
        Udh8 = "udh8",
        /// In parts with a header of 16-bit references (9.2.3.24.8).
        Udh16 = "udh16",
        /// In parts with the TLVs sar_msg_ref_num, sar_total_segments and sar_segment_seqnum.
        Sar = "sar",
        /// Whole, in message_payload.
        Payload = "payload",
    }
}

settings! {
    /// An aggregator or carrier that we bind to, or whose API we use.
    pub struct Link agrees {
        /// Name in logs, metrics, routes and the API.
        name: Name => "smsc-sim",
        /// False unbinds it; its messages wait or take other routes.
        enabled: bool = true,
        /// The carrier that it is, where it is one; receipts and MO messages count as that carrier's.
        carrier: Option<Name> => "example-mobile",
        /// What is spoken. A link of SMPP needs `host`, `port`, `system_id` and `password`, one of HTTP `http`.
        protocol: LinkProtocol = "smpp",
        /// Its host.
        host: Option<Host> => "127.0.0.1",
        /// Its port.
        port: Option<Count<1, 65_535>> => 2776,
        /// TLS, where it speaks it.
        tls: Option<LinkTls>,
        /// Where we wait for it to knock, when it does not wait for us to connect; it needs no `host` then.
        outbind: Option<LinkOutbind>,
        /// What a link over HTTP says and understands.
        http: Option<HttpLink>,
        /// What we bind with.
        system_id: Option<Text<1, 15>> => "signalbox",
        /// The password; peers of SMPP 3.4 take no more than 8 octets.
        password: Option<Secret> => crate::Tree::table([("env", "SIGNALBOX_SECRET_SMSC_SIM".into())]),
        /// The system_type.
        system_type: Text<0, 12> = "",
        /// What our sessions do. SMPP 3.3 has no transceiver: a link of it is a transmitter or a receiver.
        bind_mode: BindMode = "transceiver",
        /// The version of SMPP that we offer.
        interface_version: InterfaceVersion = "3.4",
        /// addr_ton of the bind.
        address_ton: Count<0, 255> = 0,
        /// addr_npi of the bind.
        address_npi: Count<0, 255> = 0,
        /// address_range of the bind.
        address_range: Text<0, 40> = "",
        /// Sessions that we open.
        sessions: Count<1, 64> = 1,
        /// Requests on one session, or over HTTP, that may be without an answer.
        window: Count<1, 100_000> = 10,
        /// Requests of the peer on one session that may be without an answer.
        inbound_window: Count<1, 100_000> = 1_000,
        /// Messages a second on all sessions together; no bound of ours when it is not set.
        rate: Option<Rate> => "500/s",
        /// Messages that may leave at once above an even flow.
        burst: Count<1, 1_000_000> = 10,
        /// Cost of a message in micro-units of `routing.currency`, unless the rule that chose it says otherwise.
        cost: Option<Count<0, 1_000_000_000_000>> => 30_000,
        /// Slows down when the peer says that we are too fast, and recovers; reads congestion_state (SMPP 5.0).
        adaptive: bool = true,
        /// The adaptive rate does not fall below this.
        slowest: Rate = "1/s",
        /// How long the peer may take to answer a bind; over HTTP, to be connected to.
        bind_timeout: Period = "10s",
        /// Silence after which we ask whether the peer is there; 0s for never.
        enquire_link: Period = "30s",
        /// How long the peer may take to answer; then the message is in doubt.
        response_timeout: Period = "30s",
        /// A peer that reads nothing for so long is disconnected.
        write_timeout: Period = "30s",
        /// Waits between attempts to connect.
        reconnect: Reconnect,
        /// Address that our connections come from.
        local_address: Option<IpAddr> => "127.0.0.1",
        /// Differentiated services code point of our packets (RFC 2474).
        dscp: Option<Count<0, 63>> => 26,
        /// What its PDUs have of their own.
        quirks: Quirks,
        /// What its errors mean, where it is not what SMPP says; statuses of HTTP for a link over HTTP.
        errors: BTreeMap<StatusCode, ErrorClass> => crate::Tree::table([("0x58", "throttling".into())]),
        /// Errors of the peer as its messages' origins see them.
        status_in: BTreeMap<StatusCode, StatusCode> => crate::Tree::table([("0x400", "0x0b".into())]),
        /// Our own errors as the peer sees them.
        status_out: BTreeMap<StatusCode, StatusCode> => crate::Tree::table([("0x14", "0x58".into())]),
        /// Changes of addresses, in this order; the first that fits each address is done.
        rewrite: Vec<AddressRewrite>,
        /// data_coding of messages that leave: ours, and what is written instead.
        data_coding_out: BTreeMap<DataCoding, DataCoding> => crate::Tree::table([("0x03", "0x00".into())]),
        /// data_coding of messages that come: the peer's, and what is understood instead.
        data_coding_in: BTreeMap<DataCoding, DataCoding>,
        /// TLVs that are taken away or added.
        tlvs: TlvRules,
        /// How long messages leave. What accounts submit whole is cut where it needs parts, when it is to go to the
        /// link.
        long_messages: LongMessages = "as_they_came",
        /// Longest validity that the peer takes; longer ones are cut.
        max_validity: Option<Period> => "72h",
        /// Ask for receipts even when the origin wants none.
        always_receipts: bool = false,
        /// How long receipts are waited for; `limits.receipts.wait` when it is not set.
        receipt_wait: Option<Period> => "24h",
        /// Later mail to a destination waits until the earlier is final or expired.
        ordered: bool = false,
        /// Sends whose fate is unknown; `limits.doubt` when it is not set.
        doubt: Option<DoubtSettings>,
        /// Waits between attempts; `retry` of the settings when it is not set.
        retry: Option<RetrySettings>,
        /// Messages that may wait for it; `limits.link_messages` when it is not set.
        max_messages: Option<Count<1, 1_000_000_000>> => 1_000_000,
        /// Traffic class of MO messages that come from it.
        mo_class: TrafficClass = "reply",
        /// The largest sequence_number before it begins again with 1.
        last_sequence_number: Count<1_000, 2_147_483_647> = 2_147_483_647,
    }
}

settings! {
    /// Where an SMSC knocks (outbind, SMPP 3.4, 2.2.1): we bind over the connection that it opens.
    pub struct LinkOutbind {
        /// Address and port that we listen on.
        address: SocketAddr => "127.0.0.1:2780",
        /// What it must call itself.
        system_id: Text<1, 15> => "smsc",
        /// The password that it must show.
        password: Secret => crate::Tree::table([("env", "SIGNALBOX_SECRET_KNOCK".into())]),
    }
}

settings! {
    /// TLS towards a peer.
    pub struct LinkTls agrees {
        /// Name that its certificate must have; `host` when it is not set.
        server_name: Option<Host> => "smsc.example.com",
        /// Certificates in PEM form that its certificate must descend from; those of the system when it is not set.
        ca: Option<ReadableFile> => "config/tls/peers.pem",
        /// Our client certificate chain in PEM form, where it wants one.
        certificate: Option<ReadableFile> => "config/tls/node.pem",
        /// Its private key in PEM form.
        key: Option<ReadableFile> => "config/tls/node.key",
    }
}

settings! {
    /// Waits between attempts to connect: the first is `min`, each further one twice the one before, `max` at most.
    pub struct Reconnect agrees {
        /// The first wait.
        min: Period = "500ms",
        /// The longest wait.
        max: Period = "60s",
        /// Each wait is longer or shorter by up to so many percent.
        jitter_percent: Count<0, 100> = 25,
    }
}

impl Agreement for Reconnect {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.min < Period::milliseconds(10) {
            problems.conflict(at, "min", "must be at least 10ms");
        }
        if self.min > self.max {
            problems.conflict(at, "min", format!("must not be longer than max, which is {}", self.max));
        }
    }
}

impl Agreement for LinkTls {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.certificate.is_some() != self.key.is_some() {
            problems.conflict(at, "certificate", "certificate and key go together");
        }
    }
}

impl Agreement for Link {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        self.check_protocol(at, problems);
        if self.bind_timeout.is_zero() {
            problems.conflict(at, "bind_timeout", "must be longer than 0s");
        }
        if self.response_timeout.is_zero() {
            problems.conflict(at, "response_timeout", "must be longer than 0s");
        }
        if self.last_sequence_number.get() < 2 * self.window.get() {
            problems.conflict(at, "last_sequence_number", "must be at least twice window");
        }
        if let Some(rate) = self.rate
            && rate.interval_nanoseconds() > self.slowest.interval_nanoseconds()
        {
            problems.conflict(at, "slowest", format!("must not be above rate, which is {rate}"));
        }
    }
}

impl Link {
    /// What its protocol needs.
    fn check_protocol(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        match self.protocol {
            LinkProtocol::Smpp => {
                if self.outbind.is_none() {
                    needed("host", self.host.as_ref(), at, problems);
                    needed("port", self.port.as_ref(), at, problems);
                } else if self.tls.is_some() {
                    problems.conflict(at, "tls", "is not spoken where the peer knocks");
                }
                needed("system_id", self.system_id.as_ref(), at, problems);
                needed("password", self.password.as_ref(), at, problems);
                if self.interface_version == InterfaceVersion::V33 && self.bind_mode == BindMode::Transceiver
                {
                    let reason = "smpp 3.3 has no transceiver; one link is a transmitter, another a receiver";
                    problems.conflict(at, "bind_mode", reason);
                }
            }
            LinkProtocol::Http => {
                needed("http", self.http.as_ref(), at, problems);
                self.refuse_smpp(at, problems);
                if self.sessions.get() > 1 {
                    let reason = "a link over http has one; its window bounds the requests on their way";
                    problems.conflict(at, "sessions", reason);
                }
                let joins = self.http.as_ref().is_some_and(|http| http.parts == HttpParts::Whole);
                if joins && self.ordered {
                    problems.conflict(at, "ordered", "keeps parts back that `http.parts` would join");
                }
                if self.dscp.is_some() {
                    problems.conflict(at, "dscp", "is not set on the packets of a link over http");
                }
                if self.tls.as_ref().is_some_and(|tls| tls.server_name.is_some()) {
                    problems.conflict(at, "tls", "the name of a link over http is that of its url");
                }
            }
        }
    }
}

/// Keys that mean nothing on a link over HTTP. Of `quirks` one means something: `message_ids`.
const OF_SMPP: [&str; 14] = [
    "host",
    "port",
    "outbind",
    "system_id",
    "password",
    "system_type",
    "bind_mode",
    "interface_version",
    "address_ton",
    "address_npi",
    "address_range",
    "inbound_window",
    "tlvs",
    "last_sequence_number",
];

impl Link {
    /// Refuses what a link over HTTP would not keep. A row that comes back from the API names every key, so a key at its
    /// default is no harm.
    fn refuse_smpp(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let (own, usual) = (self.to_tree(), usual());
        let reason = "means nothing on a link over http";
        for key in OF_SMPP.iter().filter(|key| own.get(key) != usual.get(key)) {
            problems.conflict(at, key, reason);
        }
        let (own, usual) = (self.quirks.to_tree(), usual.get("quirks"));
        let (Some(quirks), Shape::Table(keys)) = (at.key("quirks"), Quirks::shape()) else { return };
        for key in keys.iter().map(|key| key.name).filter(|key| *key != "message_ids") {
            if own.get(key) != usual.and_then(|usual| usual.get(key)) {
                problems.conflict(&quirks, key, reason);
            }
        }
    }
}

/// A link in which nothing is set that need not be.
fn usual() -> Tree {
    let least = Tree::table([("name", "least".into())]);
    let mut ignored = Problems::new(Source { file: "default", text: "" });
    let link = Link::read(&Cursor::top(&least), &mut ignored);
    link.map_or(least, |link| link.to_tree())
}

fn needed<T: Setting>(key: &str, value: Option<&T>, at: &Cursor<'_>, problems: &mut Problems<'_>) {
    if value.is_none() {
        let expected = T::shape().expects();
        problems.push(at.tree.at, &at.path_of(key), crate::Problem::Missing { expected });
    }
}
