//! From the rows of the catalog and the settings of the node to what sessions use.

use std::sync::Arc;

use signalbox_config::Settings;
use signalbox_config::catalog::{self as rows, LinkProtocol};
use signalbox_config::settings as nodes;
use signalbox_config::value::{AccountPassword, SecretError, SecretPlaces, StatusCode};
use signalbox_core::address::{Address, ton};
use signalbox_core::id::{AccountId, LinkId};
use signalbox_core::message::TrafficClass;
use signalbox_core::outcome::ErrorClass;
use signalbox_smpp::{
    Alphabet, BindMode, Leniency, Limits, MessageIdForm, MissingNul, Packing, Profile, ReceiptRules,
    SmLength, TimeCheck, TlvRule, Version,
};

use super::{
    AccountSettings, BindModes, ClientTls, LinkRules, LinkSettings, LinksSettings, ListenerSettings, LockOut,
    OutbindListener, OutbindTarget, Password, Reconnect, ServerTls, SessionTimes, SmscSettings,
    SupervisionSettings,
};
use crate::catalog::Snapshot;
use crate::links::http::{HttpSettings, HttpSettingsError};
use crate::links::map::{
    AddressField, Change, DataCodings, ErrorTable, LongMessages, Rewrite, Rewrites, StatusMap, TlvEdits, Way,
};
use crate::paces::rate;
use crate::supervisor::Intensity;

/// Why a row cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConversionError {
    /// Its secret is not at its place.
    #[error("the password of {kind} `{name}` cannot be had")]
    Secret {
        /// Link or account.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// What a link says over HTTP cannot be had.
    #[error("what link `{name}` says over http cannot be had")]
    Http {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: HttpSettingsError,
    },
    /// The password of an account has not been hashed.
    #[error("the password of account `{0}` is not hashed")]
    NotHashed(String),
}

impl LinksSettings {
    /// What the settings of the node and the rows of its catalog say.
    ///
    /// # Errors
    /// When a password is not at its place.
    pub fn of(settings: &Settings, snapshot: &Snapshot) -> Result<Self, ConversionError> {
        let secrets = settings.secret_places();
        let mut links = Vec::new();
        for row in &snapshot.rows.link {
            let Some(id) = snapshot.ids.link(row.name.as_str()) else { continue };
            links.push(Arc::new(LinkSettings::of_row(id, row, secrets)?));
        }
        let mut accounts = Vec::new();
        let tenancy = rows::Tenancy::of(&snapshot.rows);
        for row in &snapshot.rows.account {
            let Some(id) = snapshot.ids.account(row.name.as_str()) else { continue };
            let mut account = AccountSettings::of_row(id, row, secrets)?;
            account.enabled = tenancy.stopped_by(&row.name).is_none();
            accounts.push(Arc::new(account));
        }
        Ok(Self {
            links,
            accounts,
            listeners: settings.smpp.listen.iter().map(|row| Arc::new(row.into())).collect(),
            smsc: (&settings.smpp).into(),
            supervision: (&settings.supervision).into(),
        })
    }
}

impl LinkSettings {
    /// The settings of a link's row.
    ///
    /// # Errors
    /// When its password is not at its place.
    pub fn of_row(id: LinkId, row: &rows::Link, secrets: SecretPlaces<'_>) -> Result<Self, ConversionError> {
        let name = row.name.to_string();
        let password = match row.password.as_ref().map(|password| password.reveal(secrets)) {
            Some(Ok(password)) => password,
            // What is switched off needs no password, and what speaks HTTP has others.
            Some(Err(_)) if !row.enabled || row.protocol == LinkProtocol::Http => String::new(),
            Some(Err(source)) => return Err(ConversionError::Secret { kind: "link", name, source }),
            None => String::new(),
        };
        let (host, port, tls, http) = match (row.protocol, &row.http) {
            (LinkProtocol::Smpp, _) | (LinkProtocol::Http, None) => {
                let host = row.host.as_ref().map(ToString::to_string).unwrap_or_default();
                (
                    host,
                    row.port.map_or(0, |port| self::port(port.get())),
                    row.tls.as_ref().map(client_tls),
                    None,
                )
            }
            (LinkProtocol::Http, Some(http)) => {
                let (secure, host, port) = http.authority().map_err(|reason| ConversionError::Http {
                    name: name.clone(),
                    source: HttpSettingsError::Template(reason),
                })?;
                let http = HttpSettings::of_row(http, secrets, row.enabled)
                    .map_err(|source| ConversionError::Http { name: name.clone(), source })?;
                let tls = row.tls.as_ref().map(client_tls).unwrap_or_default();
                (host, port, secure.then_some(tls), Some(Arc::new(http)))
            }
        };
        let version = version(row.interface_version);
        Ok(Self {
            id,
            enabled: row.enabled,
            host,
            port,
            tls,
            http,
            local_address: row.local_address,
            dscp: row.dscp.map(|dscp| octet(dscp.get())),
            system_id: row.system_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            password: Password(password),
            system_type: row.system_type.to_string(),
            address_ton: octet(row.address_ton.get()),
            address_npi: octet(row.address_npi.get()),
            address_range: row.address_range.to_string(),
            mode: mode(row.bind_mode),
            version,
            sessions: u16::try_from(row.sessions.get()).unwrap_or(u16::MAX),
            window: row.window.as_u32(),
            inbound_window: row.inbound_window.as_u32(),
            last_sequence: row.last_sequence_number.as_u32(),
            times: SessionTimes {
                bind: row.bind_timeout.duration(),
                enquire_link: (!row.enquire_link.is_zero()).then(|| row.enquire_link.duration()),
                inactivity: None,
                response: row.response_timeout.duration(),
                write: row.write_timeout.duration(),
            },
            reconnect: Reconnect {
                min: row.reconnect.min.duration(),
                max: row.reconnect.max.duration(),
                jitter_percent: u32::try_from(row.reconnect.jitter_percent.get()).unwrap_or(100),
            },
            profile: Profile { version, ..profile(&row.quirks) },
            rules: rules(row).into(),
            tuned: super::LiveTuning::default(),
            outbind: outbind_listener(row, secrets)?,
            name,
        })
    }
}

/// Where a link's SMSC knocks; what is switched off needs no password.
fn outbind_listener(
    row: &rows::Link,
    secrets: SecretPlaces<'_>,
) -> Result<Option<OutbindListener>, ConversionError> {
    let Some(outbind) = row.outbind.as_ref().filter(|_| row.protocol == LinkProtocol::Smpp) else {
        return Ok(None);
    };
    let password = match outbind.password.reveal(secrets) {
        Ok(password) => password,
        Err(_) if !row.enabled => String::new(),
        Err(source) => {
            return Err(ConversionError::Secret { kind: "link", name: row.name.to_string(), source });
        }
    };
    let system_id = outbind.system_id.to_string();
    Ok(Some(OutbindListener { address: outbind.address, system_id, password: Password(password) }))
}

fn errors(row: &std::collections::BTreeMap<StatusCode, rows::ErrorClass>) -> ErrorTable {
    ErrorTable::new(row.iter().map(|(status, class)| (status.0, error_class(*class))))
}

fn client_tls(row: &rows::LinkTls) -> ClientTls {
    let identity = row.certificate.as_ref().zip(row.key.as_ref());
    ClientTls {
        server_name: row.server_name.as_ref().map(ToString::to_string),
        ca: row.ca.as_ref().map(|file| file.path().clone()),
        identity: identity.map(|(certificate, key)| (certificate.path().clone(), key.path().clone())),
    }
}

fn rules(row: &rows::Link) -> LinkRules {
    let coding = |table: &std::collections::BTreeMap<rows::DataCoding, rows::DataCoding>| {
        DataCodings::new(table.iter().map(|(from, to)| (from.0, to.0)))
    };
    LinkRules {
        rewrites: Rewrites(row.rewrite.iter().map(rewrite).collect()),
        data_coding_out: coding(&row.data_coding_out),
        data_coding_in: coding(&row.data_coding_in),
        tlvs: TlvEdits {
            strip_out: row.tlvs.strip_out.iter().map(|tag| tag.0).collect(),
            strip_in: row.tlvs.strip_in.iter().map(|tag| tag.0).collect(),
            add_out: row.tlvs.add_out.iter().map(|tlv| (tlv.tag.0, tlv.value.as_slice().to_vec())).collect(),
        },
        errors: errors(&row.errors),
        status_in: StatusMap::new(row.status_in.iter().map(|(from, to)| (from.0, to.0))),
        status_out: StatusMap::new(row.status_out.iter().map(|(from, to)| (from.0, to.0))),
        max_validity: row.max_validity.map(|longest| longest.duration()),
        long_messages: match row.long_messages {
            rows::LongMessages::AsTheyCame => LongMessages::AsTheyCame,
            rows::LongMessages::Udh8 => LongMessages::Udh8,
            rows::LongMessages::Udh16 => LongMessages::Udh16,
            rows::LongMessages::Sar => LongMessages::Sar,
            rows::LongMessages::Payload => LongMessages::Payload,
        },
    }
}

fn rewrite(row: &rows::AddressRewrite) -> Rewrite {
    Rewrite {
        way: match row.way {
            rows::Way::Out => Way::Out,
            rows::Way::In => Way::In,
        },
        field: match row.address {
            rows::AddressField::Source => AddressField::Source,
            rows::AddressField::Destination => AddressField::Destination,
        },
        prefix: row.prefix.as_ref().map(|prefix| prefix.as_bytes().to_vec()).unwrap_or_default(),
        ton: row.ton.map(|value| octet(value.get())),
        npi: row.npi.map(|value| octet(value.get())),
        change: match &row.replace {
            Some(whole) => Change::Whole(whole.as_bytes().to_vec()),
            None => Change::Prefix { strip: row.strip.as_usize(), add: row.add.as_bytes().to_vec() },
        },
        set_ton: row.set_ton.map(|value| octet(value.get())),
        set_npi: row.set_npi.map(|value| octet(value.get())),
    }
}

impl AccountSettings {
    /// The settings of an account's row.
    ///
    /// # Errors
    /// When its password is not hashed, or that of its outbind is not at its place.
    pub fn of_row(
        id: AccountId,
        row: &rows::Account,
        secrets: SecretPlaces<'_>,
    ) -> Result<Self, ConversionError> {
        let name = row.name.to_string();
        let AccountPassword::Hashed(password) = &row.password else {
            return Err(ConversionError::NotHashed(name));
        };
        let outbind = match &row.outbind {
            Some(target) => Some(OutbindTarget {
                host: target.host.to_string(),
                port: port(target.port.get()),
                system_id: target.system_id.to_string(),
                password: Password(target.password.reveal(secrets).map_err(|source| {
                    ConversionError::Secret { kind: "account", name: name.clone(), source }
                })?),
                every: target.every.duration(),
            }),
            None => None,
        };
        let mut profile = profile(&row.quirks);
        profile.receipt.tlvs = row.receipt_tlvs;
        Ok(Self {
            id,
            enabled: row.enabled,
            system_id: row.system_id.to_string(),
            password: password.clone(),
            system_type: row.system_type.as_ref().map(ToString::to_string),
            allow_from: row.allow_from.clone(),
            tls_required: row.tls_required,
            client_certificates: row.client_certificates.clone(),
            max_binds: row.max_binds.as_u32(),
            modes: BindModes {
                transmitter: row.bind_modes.contains(&rows::BindMode::Transmitter),
                receiver: row.bind_modes.contains(&rows::BindMode::Receiver),
                transceiver: row.bind_modes.contains(&rows::BindMode::Transceiver),
            },
            default_source: row.default_source.as_ref().and_then(|source| source_address(source)),
            region: row.default_country.as_ref().and_then(|country| country.as_str().parse().ok()),
            rate: row.rate.and_then(rate),
            burst: row.burst.as_u32(),
            window: row.window.as_u32(),
            delivery_window: row.delivery_window.as_u32(),
            class: match row.class {
                rows::TrafficClass::Otp => TrafficClass::Otp,
                rows::TrafficClass::Reply => TrafficClass::Reply,
                rows::TrafficClass::Transactional => TrafficClass::Transactional,
                rows::TrafficClass::Bulk => TrafficClass::Bulk,
            },
            long_ids: row.message_ids == rows::MessageIdStyle::Hex32,
            deliver_as_data_sm: row.receipts_as == rows::ReceiptPdu::DataSm,
            errors: errors(&row.errors),
            outbind,
            profile,
            name,
        })
    }
}

/// A source address as an account's row has it: letters are alphanumeric, up to eight digits a short code.
fn source_address(text: &str) -> Option<Address> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let (ton, npi) = match (digits, text.len()) {
        (false, _) => (ton::ALPHANUMERIC, 0),
        (true, ..=8) => (ton::NETWORK, 0),
        (true, _) => (ton::INTERNATIONAL, 1),
    };
    Address::new(ton, npi, text.as_bytes()).ok()
}

impl From<&nodes::SmppListener> for ListenerSettings {
    fn from(row: &nodes::SmppListener) -> Self {
        let max_unbound = row.max_unbound.as_u32();
        Self {
            name: row.name.to_string(),
            address: row.address,
            tls: row.tls.as_ref().map(|tls| ServerTls {
                certificate: tls.certificate.path().clone(),
                key: tls.key.path().clone(),
                client_ca: tls.client_ca.as_ref().map(|file| file.path().clone()),
                client_certificate_required: tls.client_certificate_required,
            }),
            max_sessions: row.max_sessions.as_u32(),
            max_unbound,
            // One address may have most of the places, and never all.
            max_unbound_per_address: row
                .max_unbound_per_address
                .map_or((max_unbound * 3 / 4).max(1), |most| most.as_u32()),
            max_per_address: row.max_per_address.map_or(row.max_sessions.as_u32(), |most| most.as_u32()),
            max_binds_per_second: row.max_binds_per_second.as_u32(),
            times: SessionTimes {
                bind: row.bind_timeout.duration(),
                enquire_link: (!row.enquire_link.is_zero()).then(|| row.enquire_link.duration()),
                inactivity: (!row.inactivity.is_zero()).then(|| row.inactivity.duration()),
                response: row.response_timeout.duration(),
                write: row.write_timeout.duration(),
            },
            max_pdu: row.max_pdu.as_usize(),
        }
    }
}

impl From<&nodes::SmppSettings> for SmscSettings {
    fn from(settings: &nodes::SmppSettings) -> Self {
        let lock_out = &settings.lock_out;
        Self {
            system_id: settings.system_id.to_string(),
            max_sessions: settings.max_sessions.as_u32(),
            hashes_at_once: settings.password_checks_at_once.as_usize(),
            hash_queue: settings.password_queue.as_usize(),
            verified_for: settings.verified_for.duration(),
            lock_out: LockOut {
                failures_per_address: lock_out.failures_per_address.as_u32(),
                failures_per_account: lock_out.failures_per_account.as_u32(),
                within: lock_out.within.duration(),
                lasts: lock_out.lasts.duration(),
                remembered: lock_out.remembered.as_usize(),
            },
        }
    }
}

impl From<&nodes::SupervisionSettings> for SupervisionSettings {
    fn from(settings: &nodes::SupervisionSettings) -> Self {
        Self {
            heartbeat: settings.heartbeat.duration(),
            stuck_after: settings.stuck_after.duration(),
            intensity: Intensity {
                restarts: settings.restarts.as_u32(),
                within: settings.restarts_within.duration(),
                wait: settings.restart_wait.duration(),
                wait_max: settings.restart_wait_max.duration(),
            },
        }
    }
}

fn profile(quirks: &rows::Quirks) -> Profile {
    let lenient = |yes| if yes { Leniency::Accept } else { Leniency::Refuse };
    Profile {
        limits: Limits { password: octet(quirks.password_length.get()), ..Limits::default() },
        latin1_address: lenient(quirks.addresses == rows::AddressCharset::Latin1),
        missing_body: lenient(quirks.missing_body),
        missing_nul: match quirks.missing_nul {
            rows::MissingNul::Refuse => MissingNul::Refuse,
            rows::MissingNul::InResponses => MissingNul::InResponses,
            rows::MissingNul::Accept => MissingNul::Accept,
        },
        sm_length: match quirks.sm_length {
            rows::SmLength::Exact => SmLength::Exact,
            rows::SmLength::OffByOne => SmLength::OffByOne,
        },
        both_texts: lenient(quirks.both_texts),
        tlvs: match quirks.tlvs {
            rows::TlvCheck::Keep => TlvRule::Keep,
            rows::TlvCheck::CheckLengths => TlvRule::CheckLengths,
            rows::TlvCheck::Refuse => TlvRule::Refuse,
        },
        damaged_response_tlvs: lenient(quirks.damaged_response_tlvs),
        stray_octets: lenient(quirks.stray_octets),
        times: match quirks.times {
            rows::TimeCheck::Length => TimeCheck::Length,
            rows::TimeCheck::Format => TimeCheck::Format,
        },
        error_response_body: quirks.error_response_body,
        message_id: match quirks.message_ids {
            rows::MessageIdForm::Auto => MessageIdForm::Any,
            rows::MessageIdForm::Text => MessageIdForm::Text,
            rows::MessageIdForm::HexThenDecimal => MessageIdForm::HexThenDecimal,
            rows::MessageIdForm::DecimalThenHex => MessageIdForm::DecimalThenHex,
        },
        receipt: ReceiptRules {
            by_text: quirks.receipts_by_text,
            utc_offset_quarters: i8::try_from(quirks.receipt_utc_offset.get()).unwrap_or(0),
            seconds: quirks.receipt_seconds,
            ..ReceiptRules::default()
        },
        gsm7: if quirks.gsm7_packed { Packing::Packed } else { Packing::Unpacked },
        default_alphabet: match quirks.default_alphabet {
            rows::DefaultAlphabet::Gsm7 => Alphabet::Gsm7,
            rows::DefaultAlphabet::Ascii => Alphabet::Ascii,
            rows::DefaultAlphabet::Latin1 => Alphabet::Latin1,
            rows::DefaultAlphabet::Utf8 => Alphabet::Utf8,
            rows::DefaultAlphabet::Ucs2 => Alphabet::Ucs2,
        },
        ..Profile::default()
    }
}

fn version(row: rows::InterfaceVersion) -> Version {
    match row {
        rows::InterfaceVersion::V33 => Version::V3_3,
        rows::InterfaceVersion::V34 => Version::V3_4,
        rows::InterfaceVersion::V50 => Version::V5_0,
    }
}

fn mode(row: rows::BindMode) -> BindMode {
    match row {
        rows::BindMode::Transmitter => BindMode::Transmitter,
        rows::BindMode::Receiver => BindMode::Receiver,
        rows::BindMode::Transceiver => BindMode::Transceiver,
    }
}

pub(in crate::links) fn error_class(row: rows::ErrorClass) -> ErrorClass {
    match row {
        rows::ErrorClass::Temporary => ErrorClass::Temporary,
        rows::ErrorClass::Permanent => ErrorClass::Permanent,
        rows::ErrorClass::Throttling => ErrorClass::Throttling,
        rows::ErrorClass::QueueFull => ErrorClass::QueueFull,
        rows::ErrorClass::Fatal => ErrorClass::Fatal,
    }
}

/// A number that the row's type has bounded to an octet.
fn octet(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// A number that the row's type has bounded to a port.
fn port(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
