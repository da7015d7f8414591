//! `POST /v1/messages`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signalbox_config::catalog::{Account, WebhookEvent};
use signalbox_core::address::{Address, ton};
use signalbox_core::exchange::{Event, Reply, ReplyTo, Submit, SubmitChannel};
use signalbox_core::id::{AccountId, SessionId, WebhookId};
use signalbox_core::message::{OriginClass, ReceiptRequest, TrafficClass};
use signalbox_core::time::Micros;
use signalbox_text::phone::{self, Home, Npi, Region, Ton};
use smallvec::SmallVec;
use utoipa::ToSchema;

use super::content::{self, BinaryContent, Cut, TextEncoding};
use crate::api::Api;
use crate::api::caller::{Caller, CallerAccount};
use crate::api::extract::{JsonText, micros, read_json, seconds};
use crate::api::idempotency::{IdempotencyKey, digest};
use crate::api::problem::{Problem, ProblemBody, ProblemKind, chain};
use crate::catalog::Snapshot;
use crate::control::InForce;
use crate::gateway::GatewayError;

/// Longest alphanumeric sender (3GPP TS 23.040 cl. 9.1.2.5).
const SENDER: usize = 11;

/// A message to be sent.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageRequest {
    /// To: an international number, with or without `+`.
    destination: String,
    /// From: a number, a short code or up to eleven letters; the account's default when it is not given.
    #[serde(default)]
    source: Option<String>,
    /// The text; this or `binary`.
    #[serde(default)]
    text: Option<String>,
    /// How the text is encoded.
    #[serde(default)]
    encoding: TextEncoding,
    /// Octets instead of a text.
    #[serde(default)]
    binary: Option<BinaryContent>,
    /// Shown at once and not stored (message class 0).
    #[serde(default)]
    flash: bool,
    /// `otp`, `reply`, `transactional` or `bulk`; not above the account's own, which it has when it is not given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    class: Option<TrafficClass>,
    /// Not before this instant.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    send_at: Option<jiff::Timestamp>,
    /// End of validity; this or `valid_for`, else the account's default.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<jiff::Timestamp>,
    /// Validity in seconds, from `send_at` or from now.
    #[serde(default)]
    #[schema(minimum = 1)]
    valid_for: Option<u64>,
    /// Which receipts are wanted.
    #[serde(default)]
    receipt: ReceiptWish,
    /// Notices on the way are wanted too.
    #[serde(default)]
    intermediate: bool,
    /// The webhook for its receipts; the account's first for receipts when it is not given.
    #[serde(default)]
    webhook: Option<String>,
    /// Replaces what waits of the same source, destination and service type, or lets the next peer do so.
    #[serde(default)]
    replace_if_present: bool,
    /// TP-PID (3GPP TS 23.040 cl. 9.2.3.9).
    #[serde(default)]
    protocol_id: u8,
    /// service_type of SMPP, up to five characters.
    #[serde(default)]
    service_type: String,
}

/// Which receipts are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ReceiptWish {
    /// None.
    #[default]
    None,
    /// Of success and failure.
    Final,
    /// Of failure.
    Failure,
    /// Of success.
    Success,
}

impl ReceiptWish {
    /// As registered_delivery has it (SMPP 5.0 cl. 4.7.21).
    fn request(self, intermediate: bool) -> ReceiptRequest {
        let wish = match self {
            Self::None => 0,
            Self::Final => 1,
            Self::Failure => 2,
            Self::Success => 3,
        };
        ReceiptRequest(wish | if intermediate { 0b1_0000 } else { 0 })
    }
}

/// One message or many.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the form of a body that is read by hand, so that errors say where")]
pub(super) enum SubmitBody {
    /// One.
    One(Box<MessageRequest>),
    /// Many; each is taken or refused on its own.
    Many {
        /// The messages.
        messages: Vec<MessageRequest>,
    },
}

/// A message that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Submitted {
    /// Its id.
    id: String,
    /// How many short messages it is.
    parts: usize,
    /// `gsm7`, `ucs2`, `latin1` or `binary`.
    encoding: &'static str,
    /// Its traffic class.
    #[schema(value_type = String)]
    class: TrafficClass,
}

impl Submitted {
    /// What the exchange says.
    fn answered(self, reply: Reply) -> Result<Self, Problem> {
        match reply {
            Reply::Submitted(taken) => Ok(Self { id: taken.visible_id, ..self }),
            Reply::Refused(refusal) => Err(refusal.into()),
            Reply::Inbound | Reply::Message(_) | Reply::Command(_) => Err(GatewayError::Mismatched.into()),
        }
    }
}

/// A message that may be offered to the exchange, and what is answered when it is taken.
struct Prepared {
    submitted: Submitted,
    submit: Submit,
}

impl Prepared {
    fn parts(self) -> (Submitted, impl FnOnce(ReplyTo) -> Event) {
        (self.submitted, move |reply| Event::Submit(Box::new(Submit { reply, ..self.submit })))
    }
}

/// What became of one of several messages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum SubmittedOne {
    /// It is accepted.
    Accepted(Submitted),
    /// It is not.
    Refused {
        /// Why not.
        problem: ProblemBody,
    },
}

impl SubmittedOne {
    fn refused(index: usize, problem: Problem) -> Self {
        Self::Refused { problem: problem.below(&format!("messages[{index}]")).body() }
    }
}

/// What became of several messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmittedMany {
    /// For each message in its order.
    messages: Vec<SubmittedOne>,
}

pub(super) async fn submit(
    State(api): State<Api>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let Some(own) = caller.account.clone() else {
        return Err(Problem::new(ProblemKind::Forbidden, "the token has no account to send for"));
    };
    let mut body: Value = read_json(&text)?;
    if let Some(key) = &key {
        api.check_key(&caller, key, &text)?;
    }
    let in_force = api.control().in_force();
    let sender = Sender::new(&api, &in_force, &caller, &own, key.as_deref())?;
    let Some(many) = body.get_mut("messages").map(Value::take) else {
        let prepared = sender.prepare(&read_message(body)?, 0)?;
        let (submitted, submit) = prepared.parts();
        let reply = api.gateway().ask(submit).await?;
        let submitted = submitted.answered(reply)?;
        let location = HeaderValue::try_from(format!("/v1/messages/{}", submitted.id));
        let mut response = (StatusCode::ACCEPTED, Json(submitted)).into_response();
        if let Ok(location) = location {
            response.headers_mut().insert(LOCATION, location);
        }
        return Ok(response);
    };
    let messages = sender.read_many(&body, many)?;
    let results = sender.send_all(&messages).await?;
    let refused = results.iter().any(|result| matches!(result, SubmittedOne::Refused { .. }));
    let status = if refused { StatusCode::MULTI_STATUS } else { StatusCode::ACCEPTED };
    Ok((status, Json(SubmittedMany { messages: results })).into_response())
}

fn read_message(value: Value) -> Result<MessageRequest, Problem> {
    serde_json::from_value(value).map_err(|error| Problem::new(ProblemKind::Invalid, error.to_string()))
}

/// Who sends, as the catalog has it.
struct Sender<'a> {
    api: &'a Api,
    snapshot: &'a Snapshot,
    caller: &'a Caller,
    id: AccountId,
    account: &'a Account,
    home: Home,
    key: Option<&'a str>,
    most: usize,
    max_validity: Duration,
}

impl<'a> Sender<'a> {
    fn new(
        api: &'a Api,
        in_force: &'a InForce,
        caller: &'a Caller,
        own: &CallerAccount,
        key: Option<&'a str>,
    ) -> Result<Self, Problem> {
        let snapshot = &in_force.snapshot;
        let account = snapshot.rows.account.iter().find(|account| account.name.as_str() == own.name);
        let account = account.ok_or_else(|| Problem::no("account", &own.name))?;
        let region: Option<Region> =
            account.default_country.as_ref().and_then(|country| country.as_str().parse().ok());
        let home = Home { region, ..Home::default() };
        let most = in_force.settings.api.max_batch.as_usize();
        let policy =
            in_force.policy.accounts.get(&own.id).ok_or_else(|| Problem::no("account", &own.name))?;
        let max_validity = policy.max_validity;
        Ok(Self { api, snapshot, caller, id: own.id, account, home, key, most, max_validity })
    }

    /// All messages of a batch, or the first that cannot be read.
    fn read_many(&self, rest: &Value, many: Value) -> Result<Vec<MessageRequest>, Problem> {
        if rest.as_object().is_some_and(|members| members.len() > 1) {
            return Err(Problem::field("messages", "goes with no other member"));
        }
        let Value::Array(many) = many else { return Err(Problem::field("messages", "must be a list")) };
        if many.is_empty() || many.len() > self.most {
            return Err(Problem::field("messages", format!("must be 1 to {} messages", self.most)));
        }
        many.into_iter()
            .enumerate()
            .map(|(index, value)| {
                read_message(value).map_err(|problem| problem.below(&format!("messages[{index}]")))
            })
            .collect()
    }

    /// Sends many in one batch, so that they share a commit.
    async fn send_all(&self, messages: &[MessageRequest]) -> Result<Vec<SubmittedOne>, Problem> {
        let mut results: Vec<Option<Result<Submitted, Problem>>> = Vec::with_capacity(messages.len());
        let (mut asked, mut events) = (Vec::new(), Vec::new());
        for (index, message) in messages.iter().enumerate() {
            results.push(match self.prepare(message, index) {
                Ok(prepared) => {
                    let (submitted, event) = prepared.parts();
                    asked.push((index, submitted));
                    events.push(event);
                    None
                }
                Err(problem) => Some(Err(problem)),
            });
        }
        let replies = self.api.ask_all(events).await?;
        for ((index, submitted), reply) in asked.into_iter().zip(replies) {
            results[index] = Some(match reply {
                Some(reply) => submitted.answered(reply),
                None => Err(GatewayError::TimedOut.into()),
            });
        }
        let results = results.into_iter().enumerate();
        Ok(results
            .map(|(index, result)| match result {
                Some(Ok(submitted)) => SubmittedOne::Accepted(submitted),
                Some(Err(problem)) => SubmittedOne::refused(index, problem),
                None => SubmittedOne::refused(index, GatewayError::TimedOut.into()),
            })
            .collect())
    }

    /// Checks a message as far as the exchange does not.
    fn prepare(&self, message: &MessageRequest, index: usize) -> Result<Prepared, Problem> {
        let cut = self.cut(message)?;
        let class = self.class(message.class)?;
        let (not_before, expires_at) = self.times(message)?;
        let source = self.source(message)?;
        let destination = self.destination(&message.destination)?;
        let receipt = message.receipt.request(message.intermediate);
        let webhook = self.webhook(message, receipt)?;
        self.api.pace(self.id, self.account)?;
        // Whoever cut the message himself sends its parts one by one; they count once.
        let first_part = cut.parts.first().is_none_or(content::is_first);
        let submitted =
            Submitted { id: String::new(), parts: cut.parts.len(), encoding: cut.encoding, class };
        let submit = Submit {
            // Whoever asks puts his own in its place.
            reply: ReplyTo { session: SessionId(0), token: 0 },
            account: self.id,
            channel: SubmitChannel::Http(webhook),
            origin_class: OriginClass::User,
            class,
            source,
            destinations: SmallVec::from_iter([destination]),
            parts: cut.parts,
            not_before,
            expires_at,
            receipt,
            idempotency: self.key.map(|key| digest(self.caller, key, index)),
            first_part,
            // Texts are cut already.
            in_parts: None,
            short_id: false,
        };
        Ok(Prepared { submitted, submit })
    }

    fn cut(&self, message: &MessageRequest) -> Result<Cut, Problem> {
        let mut cut = match (&message.text, &message.binary) {
            (Some(text), None) => {
                let reference = self.api.0.reference.fetch_add(1, Ordering::Relaxed);
                content::of_text(text, message.encoding, message.flash, reference)?
            }
            (None, Some(binary)) => content::of_octets(binary)?,
            (None, None) => return Err(Problem::field("text", "text or binary is needed")),
            (Some(_), Some(_)) => return Err(Problem::field("binary", "does not go with text")),
        };
        if message.service_type.len() > 5 || !message.service_type.is_ascii() {
            return Err(Problem::field("service_type", "must have up to five ASCII characters"));
        }
        for part in &mut cut.parts {
            part.service_type = message.service_type.clone().into();
            part.protocol_id = message.protocol_id;
            part.replace_if_present = message.replace_if_present;
        }
        Ok(cut)
    }

    fn class(&self, wish: Option<TrafficClass>) -> Result<TrafficClass, Problem> {
        let own = match self.account.class {
            signalbox_config::catalog::TrafficClass::Otp => TrafficClass::Otp,
            signalbox_config::catalog::TrafficClass::Reply => TrafficClass::Reply,
            signalbox_config::catalog::TrafficClass::Transactional => TrafficClass::Transactional,
            signalbox_config::catalog::TrafficClass::Bulk => TrafficClass::Bulk,
        };
        let class = wish.unwrap_or(own);
        if class < own {
            let problem =
                format!("the account's class is {}, a message cannot be above it", self.account.class);
            return Err(Problem::field("class", problem));
        }
        Ok(class)
    }

    fn times(&self, message: &MessageRequest) -> Result<(Option<Micros>, Option<Micros>), Problem> {
        let now = self.api.now().wall;
        let not_before = message.send_at.map(micros);
        let expires_at = match (message.expires_at, message.valid_for) {
            (Some(_), Some(_)) => return Err(Problem::field("valid_for", "does not go with expires_at")),
            (Some(at), None) => Some(micros(at)),
            (None, Some(0)) => return Err(Problem::field("valid_for", "must be at least 1")),
            (None, Some(span)) => Some(not_before.unwrap_or(now).max(now).after(seconds(span))),
            (None, None) => None,
        };
        // The exchange would cut it; here the client learns of it.
        let latest = now.after(self.max_validity);
        if not_before.is_some_and(|at| at > latest) {
            return Err(Problem::field("send_at", self.too_late("is")));
        }
        if expires_at.is_some_and(|at| at > latest) {
            let field = if message.valid_for.is_some() { "valid_for" } else { "expires_at" };
            return Err(Problem::field(field, self.too_late("ends")));
        }
        Ok((not_before, expires_at))
    }

    fn too_late(&self, what: &str) -> String {
        format!(
            "{what} later than {} s from now, the longest validity of the account",
            self.max_validity.as_secs()
        )
    }

    fn source(&self, message: &MessageRequest) -> Result<Address, Problem> {
        let written =
            message.source.as_deref().or(self.account.default_source.as_ref().map(|text| text.as_str()));
        let Some(written) = written else {
            return Err(Problem::field("source", "the account has no default, it is needed"));
        };
        let address = self.read("source", written)?;
        if address.ton == ton::ALPHANUMERIC && address.octets().len() > SENDER {
            return Err(Problem::field("source", format!("has more than {SENDER} characters")));
        }
        Ok(address)
    }

    fn destination(&self, written: &str) -> Result<Address, Problem> {
        let address = self.read("destination", written)?;
        if address.digits().is_none() {
            return Err(Problem::field("destination", "is no number"));
        }
        Ok(address)
    }

    fn read(&self, field: &str, written: &str) -> Result<Address, Problem> {
        let read = phone::Address::read(written.as_bytes(), Ton::Unknown, Npi::Unknown, &self.home)
            .map_err(|error| Problem::field(field, chain(&error)))?;
        let (ton, npi) = read.numbering();
        // Addresses are octets, of Latin-1 where they are letters.
        let octets: Option<Vec<u8>> =
            read.to_wire().chars().map(|letter| u8::try_from(letter).ok()).collect();
        let octets = octets.ok_or_else(|| Problem::field(field, "has letters that no network carries"))?;
        Address::new(ton.into(), npi.into(), &octets)
            .map_err(|error| Problem::field(field, error.to_string()))
    }

    fn webhook(
        &self,
        message: &MessageRequest,
        receipt: ReceiptRequest,
    ) -> Result<Option<WebhookId>, Problem> {
        let mut own = self.snapshot.rows.webhook.iter().filter(|webhook| {
            webhook.account == self.account.name && webhook.events.contains(&WebhookEvent::Receipt)
        });
        let row = match &message.webhook {
            Some(name) => {
                let found = own.find(|webhook| webhook.name.as_str() == name);
                Some(found.ok_or_else(|| {
                    Problem::field("webhook", "the account has none of this name that takes receipts")
                })?)
            }
            None if receipt.wants_any() || receipt.wants_intermediate() => own.next(),
            None => None,
        };
        Ok(row.and_then(|row| self.snapshot.ids.webhook(row.name.as_str())))
    }
}
