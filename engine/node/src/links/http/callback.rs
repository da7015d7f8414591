//! Callbacks of the other end: who may call, and what is said.
//!
//! Pure: a request and the link's settings in, events out. Each event has the address of its own reply, for the
//! request is answered when all of them are durable.

use std::net::IpAddr;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};
use signalbox_config::catalog::{HttpCallback, HttpMo, HttpReceipt, SignatureKind};
use signalbox_config::value::{Octets, Place};
use signalbox_core::address::{Address, ton};
use signalbox_core::exchange::{Event, Inbound, LinkReceipt, ReplyTo};
use signalbox_core::id::SessionId;
use signalbox_core::message::{Content, ReceiptState};
use signalbox_core::time::Micros;
use signalbox_smpp::{EsmClass, Tlvs};
use signalbox_text::gsm7::Alphabet;
use signalbox_text::{Udh, ucs2};

use super::answer::state_of;
use super::found::Document;
use super::settings::HttpSettings;
use crate::links::map::{AddressField, Way, is_first_part};
use crate::links::settings::{LinkSettings, Password};

/// Events in one request.
const MOST: usize = 1_000;
/// Octets of a text or a message of octets.
const LONGEST: usize = 64_000;
/// Digits up to which a number is one of ours, and not of a device.
const SHORT_CODE: usize = 8;

/// What a request brings, by the path it came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Receipts.
    Receipts,
    /// MO messages.
    Mo,
    /// Either, as each says itself.
    Events,
}

/// A request that was called back.
#[derive(Debug)]
pub struct Called<'a> {
    /// Which path it came on.
    pub kind: CallKind,
    /// Who connects, where that is known.
    pub from: Option<IpAddr>,
    /// What it says.
    pub document: Document<'a>,
    /// The time of day.
    pub now: Micros,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// It does not show that it may call, or the link has no callbacks. Which of them is not told.
    #[error("the request does not show that it may call back")]
    Stranger,
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

fn unreadable(what: impl Into<String>) -> CallbackError {
    CallbackError::Unreadable(what.into())
}

/// The events that a request brings; their replies are to be addressed by whoever offers them.
///
/// # Errors
/// When it may not call, or one of the events cannot be read: then none of them is taken.
pub fn receive(link: &LinkSettings, called: &Called<'_>) -> Result<Vec<Event>, CallbackError> {
    let http = link.http.as_ref().ok_or(CallbackError::Stranger)?;
    let callback = http.row.callback.as_ref().ok_or(CallbackError::Stranger)?;
    check(http, callback, called)?;
    let whole = called.document.json.as_ref();
    let items: Vec<Option<&Value>> = match &callback.list_at {
        Place::Json(pointer) => match whole.and_then(|whole| whole.pointer(pointer)) {
            Some(Value::Array(items)) if items.len() <= MOST => items.iter().map(Some).collect(),
            Some(Value::Array(items)) => {
                return Err(unreadable(format!("{} events are more than {MOST}", items.len())));
            }
            Some(_) | None => return Err(unreadable(format!("there is no list at {pointer}"))),
        },
        _ => vec![whole],
    };
    items.into_iter().map(|item| Said { link, callback, called, item }.event()).collect()
}

fn check(http: &HttpSettings, callback: &HttpCallback, called: &Called<'_>) -> Result<(), CallbackError> {
    let near = callback.allow_from.is_empty()
        || called.from.is_some_and(|from| callback.allow_from.iter().any(|network| network.contains(from)));
    let token = http.callback_token.as_ref().is_none_or(|token| shows(token, callback, called));
    let signed = http.callback_secret.as_ref().is_none_or(|key| is_signed(key, callback, called));
    if near && token && signed { Ok(()) } else { Err(CallbackError::Stranger) }
}

fn shows(token: &Password, callback: &HttpCallback, called: &Called<'_>) -> bool {
    let Some(shown) = called.document.at(&callback.token_at) else { return false };
    let shown = match shown.split_once(' ') {
        Some((scheme, shown)) if scheme.eq_ignore_ascii_case("bearer") => shown.trim(),
        Some(_) | None => &shown,
    };
    // Digests are compared, so the time of a comparison says nothing about the token.
    !token.0.is_empty() && Sha256::digest(shown) == Sha256::digest(&token.0)
}

fn is_signed(key: &Password, callback: &HttpCallback, called: &Called<'_>) -> bool {
    if key.0.is_empty() {
        return false;
    }
    let header = called.document.headers.get(callback.signature_header.as_str());
    let Some(header) = header.and_then(|header| header.to_str().ok()) else { return false };
    let body = called.document.body;
    match callback.signature {
        SignatureKind::Signalbox => {
            let part = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name));
            let (Some(seconds), Some(digits)) = (part("t="), part("v1=")) else { return false };
            let Ok(at) = seconds.parse::<i64>() else { return false };
            let off = called.now.0.div_euclid(1_000_000).abs_diff(at);
            off <= callback.max_age.duration().as_secs()
                && is_digest(key, &[seconds.as_bytes(), b".", body], digits)
        }
        SignatureKind::HmacSha256 => {
            is_digest(key, &[body], header.trim().strip_prefix("sha256=").unwrap_or(header.trim()))
        }
    }
}

/// Compares in constant time.
fn is_digest(key: &Password, pieces: &[&[u8]], digits: &str) -> bool {
    let Ok(given) = digits.parse::<Octets>() else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(key.0.as_bytes()).expect("a key of any length will do");
    for piece in pieces {
        mac.update(piece);
    }
    mac.verify_slice(given.as_slice()).is_ok()
}

/// One event of a request.
struct Said<'a> {
    link: &'a LinkSettings,
    callback: &'a HttpCallback,
    called: &'a Called<'a>,
    item: Option<&'a Value>,
}

/// Replaced by whoever offers the event.
const NOBODY: ReplyTo = ReplyTo { session: SessionId(0), token: 0 };

impl Said<'_> {
    fn at(&self, place: &Place) -> Option<String> {
        self.called.document.at_within(place, self.item).filter(|value| !value.is_empty())
    }

    fn need(&self, place: &Place, what: &str) -> Result<String, CallbackError> {
        self.at(place).ok_or_else(|| unreadable(format!("{what} is not at {place}")))
    }

    fn event(&self) -> Result<Event, CallbackError> {
        let receipt = match self.called.kind {
            CallKind::Receipts => true,
            CallKind::Mo => false,
            CallKind::Events => {
                let kind = self.need(&self.callback.kind_at, "the kind of event")?;
                let is_receipt = kind == self.callback.receipt_kind.as_str();
                if !is_receipt && kind != self.callback.mo_kind.as_str() {
                    return Err(unreadable(format!("`{kind}` is neither a receipt nor an mo message")));
                }
                is_receipt
            }
        };
        if receipt { self.receipt(&self.callback.receipt) } else { self.mo(&self.callback.mo) }
    }

    fn receipt(&self, row: &HttpReceipt) -> Result<Event, CallbackError> {
        let id = self.need(&row.id_at, "the id of the message")?;
        let word = self.need(&row.state_at, "the state")?;
        let mut device = address(&self.need(&row.to_at, "the device's number")?)?;
        self.link.rules.now().rewrites.apply(Way::In, AddressField::Source, &mut device);
        let listed = row.states.iter().find(|(listed, _)| listed.eq_ignore_ascii_case(&word));
        let state = listed
            .map(|(_, state)| state_of(*state))
            .or_else(|| known_state(&word))
            .or(row.other_states.map(state_of))
            .ok_or_else(|| unreadable(format!("the state `{word}` is not known")))?;
        let error = self.at(&row.error_at).and_then(|error| error.parse().ok()).unwrap_or(0);
        Ok(Event::Receipt(Box::new(LinkReceipt {
            reply: NOBODY,
            link: self.link.id,
            remote_id: id.into(),
            device,
            state,
            error,
            network_error: None,
            text: Bytes::new(),
        })))
    }

    fn mo(&self, row: &HttpMo) -> Result<Event, CallbackError> {
        let mut source = address(&self.need(&row.from_at, "the sender")?)?;
        let mut destination = address(&self.need(&row.to_at, "the receiver")?)?;
        self.link.rules.now().rewrites.apply(Way::In, AddressField::Source, &mut source);
        self.link.rules.now().rewrites.apply(Way::In, AddressField::Destination, &mut destination);
        let content = self.content(row)?;
        let first_part = is_first_part(EsmClass(content.esm_class), &content.payload, &Tlvs::new());
        Ok(Event::Inbound(Box::new(Inbound {
            reply: NOBODY,
            link: self.link.id,
            source,
            destination,
            content,
            reference: self.at(&row.id_at).map(|id| reference(&id)),
            first_part,
        })))
    }

    fn content(&self, row: &HttpMo) -> Result<Content, CallbackError> {
        let octets = |place: &Place| -> Result<Option<Bytes>, CallbackError> {
            let Some(digits) = self.at(place) else { return Ok(None) };
            let octets: Result<Octets, _> = digits.parse();
            let octets = octets.map_err(|_| unreadable(format!("no hexadecimal digits are at {place}")))?;
            Ok(Some(Bytes::copy_from_slice(octets.as_slice())))
        };
        let coding = match self.at(&row.coding_at) {
            Some(coding) => {
                let coding = coding.parse().map_err(|_| unreadable("data_coding is not 0 to 255"))?;
                Some(self.link.rules.now().data_coding_in.apply(coding))
            }
            None => None,
        };
        // A text may be empty, so it counts where it is at all.
        let text = self.called.document.at_within(&row.text_at, self.item);
        let (data_coding, data) = match (octets(&row.data_at)?, text) {
            (Some(data), _) => (coding.unwrap_or(4), data),
            (None, Some(text)) => encoded(&text),
            (None, None) => {
                return Err(unreadable(format!("neither text nor octets are at {}", row.text_at)));
            }
        };
        let (esm_class, payload) = match octets(&row.udh_at)? {
            None => (0, data),
            Some(header) => match Udh::split(&header) {
                Ok((_, rest)) if rest.is_empty() => (EsmClass::UDHI, [header, data].concat().into()),
                Ok(_) | Err(_) => {
                    return Err(unreadable(format!("no user data header is at {}", row.udh_at)));
                }
            },
        };
        if payload.len() > LONGEST {
            return Err(unreadable(format!(
                "a message of {} octets is longer than {LONGEST}",
                payload.len()
            )));
        }
        Ok(Content { esm_class, data_coding, payload, ..Content::default() })
    }
}

/// A text in septets where all of it has a place there, else in UCS-2.
fn encoded(text: &str) -> (u8, Bytes) {
    let mut octets = Vec::with_capacity(text.len());
    if Alphabet::DEFAULT.encode(text, &mut octets).is_ok() {
        return (0, octets.into());
    }
    octets.clear();
    ucs2::encode(text, &mut octets);
    (8, octets.into())
}

/// The number that an id of the other end counts as user_message_reference: copies have the same. Zero is none.
fn reference(id: &str) -> u16 {
    let digest = Sha256::digest(id);
    u16::from_be_bytes([digest[0], digest[1]]).max(1)
}

/// An address as HTTP writes it: no type of number, perhaps with `+`.
fn address(written: &str) -> Result<Address, CallbackError> {
    let written = written.trim();
    let digits = written.strip_prefix('+').unwrap_or(written);
    let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    let (ton, npi, octets) = match is_number {
        true if digits.len() > SHORT_CODE || digits.len() < written.len() => {
            (ton::INTERNATIONAL, 1, digits.as_bytes().to_vec())
        }
        true => (ton::NETWORK, 0, digits.as_bytes().to_vec()),
        false => {
            let octets: Option<Vec<u8>> = written.chars().map(|letter| u8::try_from(letter).ok()).collect();
            (ton::ALPHANUMERIC, 0, octets.ok_or_else(|| unreadable("an address has letters of no network"))?)
        }
    };
    if octets.is_empty() {
        return Err(unreadable("an address is empty"));
    }
    Address::new(ton, npi, &octets).map_err(|error| unreadable(error.to_string()))
}

/// Our own words, and those of SMPP 3.4 appendix B.
fn known_state(word: &str) -> Option<ReceiptState> {
    Some(match word.to_ascii_lowercase().as_str() {
        "enroute" => ReceiptState::Enroute,
        "scheduled" => ReceiptState::Scheduled,
        "delivered" | "delivrd" => ReceiptState::Delivered,
        "expired" => ReceiptState::Expired,
        "deleted" => ReceiptState::Deleted,
        "undeliverable" | "undeliv" => ReceiptState::Undeliverable,
        "accepted" | "acceptd" => ReceiptState::Accepted,
        "unknown" => ReceiptState::Unknown,
        "rejected" | "rejectd" => ReceiptState::Rejected,
        "skipped" => ReceiptState::Skipped,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
