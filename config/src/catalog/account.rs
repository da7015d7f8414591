//! Accounts: peers and applications that send through us.

use std::collections::BTreeMap;

use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{
    AccountPassword, AddressPattern, CertificateFingerprint, Count, Country, Host, IpNetwork, Name, Period,
    Rate, Secret, SourcePattern, StatusCode, Text, TimeZone,
};

use super::class::TrafficClass;
use super::enterprise::{Channel, OptOutLevel};
use super::jurisdiction::FrequencyCap;
use super::link::ErrorClass;
use super::quirks::Quirks;

choices! {
    /// What a session may do (SMPP 3.4, 2.2).
    pub enum BindMode {
        /// Send only.
        Transmitter = "transmitter",
        /// Receive only.
        Receiver = "receiver",
        /// Both.
        Transceiver = "transceiver",
    }
}

choices! {
    /// The form of the message ids that the account sees.
    pub enum MessageIdStyle {
        /// Eight hexadecimal digits for what sessions of SMPP 3.3 submit, which have room for no more, and 32 for all
        /// else.
        Auto = "auto",
        /// Eight hexadecimal digits.
        Hex8 = "hex8",
        /// Thirty-two hexadecimal digits. Sessions of SMPP 3.3, which have no room for them, are refused.
        Hex32 = "hex32",
    }
}

choices! {
    /// What a validity beyond the account's longest brings over SMPP; the HTTP API always refuses it.
    pub enum LongValidity {
        /// It is cut to the longest; the metric `messages_validity_cut_total` and the log tell.
        Cut = "cut",
        /// The message is refused with ESME_RINVEXPIRY.
        Refuse = "refuse",
    }
}

choices! {
    /// The PDU that carries receipts to the account.
    pub enum ReceiptPdu {
        /// deliver_sm, as nearly everybody expects.
        DeliverSm = "deliver_sm",
        /// data_sm.
        DataSm = "data_sm",
    }
}

settings! {
    /// A peer or application that sends through us, and its contract.
    pub struct Account agrees {
        /// Name in logs, metrics, routes and the API.
        name: Name => "demo",
        /// Who the account belongs to; shown with its sessions.
        organization: Option<Name> => "example-corp",
        /// The enterprise that owns it (ACC-07).
        enterprise: Option<Name> => "example-corp",
        /// The account above it, which sees what is its own and may switch it off (MQ-19, MQ-31). Where that one is
        /// switched off, this one is.
        parent: Option<Name> => "example-parent",
        /// Ways to reach devices that are in its contract (ACC-05); an action on another one is refused.
        channels: Vec<Channel> = ["text"],
        /// False refuses its binds and requests and holds its receipts.
        enabled: bool = true,
        /// What it binds with.
        system_id: Text<1, 15> => "demo",
        /// Its password, or the Argon2 hash of it in PHC form. A password is kept as its hash only.
        password: AccountPassword => "demo",
        /// It must bind with this system_type; any when it is not set.
        system_type: Option<Text<0, 12>> => "",
        /// Networks it may come from; any when there are none.
        allow_from: Vec<IpNetwork> => ["127.0.0.0/8", "::1"],
        /// It must use TLS.
        tls_required: bool = false,
        /// It must show one of these client certificates (SHA-256 of the DER form).
        client_certificates: Vec<CertificateFingerprint>,
        /// Sessions at once.
        max_binds: Count<1, 1_000> = 8,
        /// Kinds of sessions it may open.
        bind_modes: Vec<BindMode> = ["transmitter", "receiver", "transceiver"],
        /// Source addresses it may send from: `"*"`, `"alphanumeric"`, an address, or a prefix such as `"4479*"`.
        sources: Vec<SourcePattern> = ["*"],
        /// Source address of messages that name none.
        default_source: Option<Text<1, 20>> => "12345",
        /// Addresses whose MO messages are its own.
        mo_addresses: Vec<AddressPattern> => ["12345"],
        /// Messages a second from all of its sessions; more are answered with ESME_RTHROTTLED or 429. No bound of
        /// its own when it is not set.
        rate: Option<Rate> => "1000/s",
        /// Messages that may come at once above an even flow.
        burst: Count<1, 1_000_000> = 100,
        /// Requests of one session that may be without an answer; more are answered with ESME_RTHROTTLED.
        window: Count<1, 100_000> = 1_000,
        /// Receipts and MO messages that may be without an answer on one session.
        delivery_window: Count<1, 100_000> = 100,
        /// Traffic class of its messages; priority_flag can lower it and not raise it.
        class: TrafficClass = "transactional",
        /// Share of a link among the accounts whose messages of one class wait for it: twice the weight, twice the
        /// messages. An account that waits alone has all of it.
        weight: Count<1, 1_000> = 10,
        /// Messages it may have open; `limits.account_messages` when it is not set.
        max_messages: Option<Count<1, 1_000_000_000>> => 100_000,
        /// What it may use (MQ-32).
        quotas: AccountQuotas,
        /// Jurisdictions whose hours hold for all of its messages, wherever the device is; those of the device hold
        /// in any case.
        quiet_hours: Vec<Name> => ["us-florida"],
        /// How often it may write to one person of its own accord; what the jurisdictions say comes on top.
        caps: Vec<FrequencyCap>,
        /// Texts to lines that leave a choice, by the country of the number (INT-02).
        lines: Vec<LineFilter>,
        /// How far a plain STOP reaches (decision D8); as its enterprise says, else the account, when it is not set.
        opt_out_level: Option<OptOutLevel> => "enterprise",
        /// Time zone of its days and reports; that of its enterprise, else UTC, when it is not set.
        time_zone: Option<TimeZone> => "Europe/London",
        /// Country whose national numbers it may use without the country's code.
        default_country: Option<Country> => "GB",
        /// The form of the message ids that it sees.
        message_ids: MessageIdStyle = "auto",
        /// Validity of messages that name none; `limits.default_validity` when it is not set.
        default_validity: Option<Period> => "48h",
        /// Longest validity; `limits.max_validity` when it is not set.
        max_validity: Option<Period> => "7d",
        /// What a longer one brings over SMPP; the HTTP API always refuses it.
        long_validity: LongValidity = "cut",
        /// The PDU that carries receipts.
        receipts_as: ReceiptPdu = "deliver_sm",
        /// Receipts name the message in TLVs too (receipted_message_id, message_state).
        receipt_tlvs: bool = true,
        /// What its errors mean to receipts and MO messages, where it is not what SMPP says.
        errors: BTreeMap<StatusCode, ErrorClass> => crate::Tree::table([("0x58", "throttling".into())]),
        /// Where to knock (outbind, SMPP 3.4, 4.1.7) when something waits and no session is bound.
        outbind: Option<Outbind>,
        /// What its PDUs have of their own.
        quirks: Quirks,
    }
}

settings! {
    /// Bounds of what an account uses; none where it is not set.
    pub struct AccountQuotas {
        /// Messages of a day in its time zone.
        messages_per_day: Option<Count<1, 1_000_000_000>> => 100_000,
        /// Messages of a month in its time zone.
        messages_per_month: Option<Count<1, 1_000_000_000_000>> => 2_000_000,
        /// Contacts that it may hold.
        contacts: Option<Count<0, 1_000_000_000>> => 5_000_000,
        /// Running sub-campaigns.
        running: Option<Count<0, 1_000_000>> => 100,
    }
}

settings! {
    /// Texts to lines of which nobody knows whether they take texts. To landlines nothing is sent in any case.
    pub struct LineFilter {
        /// The countries of the numbers; all that no other entry names when there are none.
        countries: Vec<Country> => ["US", "CA"],
        /// Texts may go to numbers of which nobody knows what they are.
        unknown: bool = true,
        /// Texts may go to lines over the Internet.
        voip: bool = true,
    }
}

settings! {
    /// Where an account listens for outbind.
    pub struct Outbind {
        /// Its host.
        host: Host => "127.0.0.1",
        /// Its port.
        port: Count<1, 65_535> => 2775,
        /// What we call ourselves.
        system_id: Text<1, 15> = "signalbox",
        /// The password we show.
        password: Secret => crate::Tree::table([("env", "SIGNALBOX_SECRET_OUTBIND".into())]),
        /// Time between two knocks.
        every: Period = "60s",
    }
}

impl Agreement for Account {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.bind_modes.is_empty() {
            problems.conflict(at, "bind_modes", "must name at least one kind of session");
        }
        if self.sources.is_empty() {
            problems.conflict(at, "sources", "must name at least one address, or \"*\"");
        }
        if let (Some(default), Some(max)) = (self.default_validity, self.max_validity)
            && default > max
        {
            problems.conflict(
                at,
                "default_validity",
                format!("must not be longer than max_validity, which is {max}"),
            );
        }
        if let Some(source) = &self.default_source
            && !self.sources.iter().any(|pattern| pattern.matches(source))
        {
            problems.conflict(at, "default_source", "is not among the account's sources");
        }
        let of_all = self.lines.iter().filter(|filter| filter.countries.is_empty()).count();
        let mut named: Vec<&Country> = self.lines.iter().flat_map(|filter| &filter.countries).collect();
        named.sort_unstable();
        if of_all > 1 || named.windows(2).any(|two| two[0] == two[1]) {
            problems.conflict(at, "lines", "a country is named twice, or two entries are of all");
        }
        if !self.client_certificates.is_empty() && !self.tls_required {
            problems.conflict(at, "client_certificates", "need tls_required = true");
        }
    }
}
