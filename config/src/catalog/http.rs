//! Links over HTTP: what is sent to an aggregator's API, how its answers are read, and its callbacks.

use std::collections::BTreeMap;

use super::link::ErrorClass;
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{
    BodyText, ByteSize, HeaderName, Host, HttpStatuses, IpNetwork, JsonTemplate, Name, Period, Place, Secret,
    Template, Text,
};

choices! {
    /// The method of a request.
    pub enum HttpMethod {
        /// POST.
        Post = "post",
        /// GET, without a body: all is in the URL.
        Get = "get",
        /// PUT.
        Put = "put",
    }
}

choices! {
    /// What the bodies of requests are; fields are escaped accordingly.
    pub enum HttpBodyType {
        /// JSON; the strings of the document are templates.
        Json = "json",
        /// application/x-www-form-urlencoded: `to={to}&text={text}`.
        Form = "form",
        /// XML.
        Xml = "xml",
    }
}

choices! {
    /// How the parts of a long message leave.
    pub enum HttpParts {
        /// Each by `binary`, with its header and its octets.
        Binary = "binary",
        /// Each by `body`, with its text, and its header as the field `udh`.
        Text = "text",
        /// Joined again, by one `body` with the whole text: for an API that cuts by itself. Parts that their origin cut,
        /// and messages of more parts than half the window, leave by `binary`.
        Whole = "whole",
    }
}

choices! {
    /// What a word of a receipt means (message_state, SMPP 3.4, 5.2.28).
    pub enum ReceiptWord {
        /// On its way.
        Enroute = "enroute",
        /// Delivered.
        Delivered = "delivered",
        /// Its validity ended.
        Expired = "expired",
        /// Taken back.
        Deleted = "deleted",
        /// It cannot be delivered.
        Undeliverable = "undeliverable",
        /// Taken on behalf of the receiver.
        Accepted = "accepted",
        /// Nobody knows.
        Unknown = "unknown",
        /// Refused.
        Rejected = "rejected",
    }
}

choices! {
    /// How callbacks are signed.
    pub enum SignatureKind {
        /// As our webhooks are: `t=SECONDS,v1=HEX`, HMAC-SHA-256 over the seconds, a full stop and the body.
        Signalbox = "signalbox",
        /// HMAC-SHA-256 over the body in hexadecimal digits, with or without `sha256=` before them.
        HmacSha256 = "hmac_sha256",
    }
}

settings! {
    /// What a link over HTTP says and understands. With `url` and `token` alone the other end is a Signalbox node.
    pub struct HttpLink agrees {
        /// Where messages go, whole; fields in it are percent-encoded.
        url: Template => "https://node-b.example.com/v1/messages",
        /// The method.
        method: HttpMethod = "post",
        /// A bearer token (RFC 6750).
        token: Option<Secret> => crate::Tree::table([("env", "SIGNALBOX_SECRET_NODE_B".into())]),
        /// The user of basic authentication (RFC 7617), in place of a token.
        user: Option<Text<1, 255>> => "signalbox",
        /// Its password.
        password: Option<Secret> => crate::Tree::table([("env", "SIGNALBOX_SECRET_NODE_B".into())]),
        /// Other headers.
        headers: BTreeMap<HeaderName, Template> = crate::Tree::table([("idempotency-key", "{id}".into())]),
        /// Secrets that templates name `{secret.NAME}`.
        secrets: BTreeMap<Name, Secret>,
        /// What bodies are.
        body_type: HttpBodyType = "json",
        /// The body for a text; that of Signalbox's own API when it is not set.
        body: Option<BodyText> => "{\"to\": \"{to}\", \"from\": \"{from}\", \"text\": \"{text}\"}",
        /// The body for octets, and for parts of long messages. When it is not set it is that of Signalbox's own API if
        /// `body` is not set either; else such messages cannot be sent here.
        binary: Option<BodyText> => "{\"to\": \"{to}\", \"data\": \"{data}\", \"udh\": \"{udh}\", \"dcs\": \"{coding:number}\"}",
        /// How parts of long messages leave. Whole ones leave whole.
        parts: HttpParts = "binary",
        /// How answers are read.
        answer: HttpAnswer,
        /// An idle connection is closed after this time; it should be shorter than the other end's.
        idle: Period = "4s",
        /// What the other end calls back with.
        callback: Option<HttpCallback>,
    }
}

settings! {
    /// How answers are read. An answer that says nothing clear leaves the message in doubt.
    pub struct HttpAnswer {
        /// Statuses that say that the message is taken.
        success: Vec<HttpStatuses> = ["2xx"],
        /// Statuses that leave open whether it is taken.
        doubtful: Vec<HttpStatuses> = ["504"],
        /// Where the id of the message is that its receipts name.
        id_at: Place = "/id",
        /// Where a code is that says more than the status.
        code_at: Place = "none",
        /// Codes that say that the message is taken. When there are some, an answer of success without a code leaves
        /// the message in doubt; when there are none, an answer with a code is a refusal.
        good_codes: Vec<Text<1, 64>> => ["0"],
        /// What other codes mean.
        codes: BTreeMap<Text<1, 64>, ErrorClass> => crate::Tree::table([("throttled", "throttling".into())]),
        /// What codes mean that are not listed.
        other_codes: ErrorClass = "permanent",
        /// An answer is read up to this length.
        max_size: ByteSize = "64KiB",
        /// The longest pause that Retry-After (RFC 9110, 10.2.3) may ask for.
        max_pause: Period = "5m",
    }
}

settings! {
    /// What the other end calls back with: receipts at `/v1/links/NAME/receipts` of our API, MO messages at
    /// `/v1/links/NAME/mo`, both at `/v1/links/NAME/events`. The defaults are the events of Signalbox's own webhooks.
    pub struct HttpCallback agrees {
        /// Our API as the other end reaches it; what `{receipt_url}` and `{mo_url}` begin with.
        base: Option<Text<8, 1024>> => "https://node-a.example.com",
        /// Networks that callbacks come from; any when there are none.
        allow_from: Vec<IpNetwork> => ["192.0.2.0/24"],
        /// A token that they show.
        token: Option<Secret> => crate::Tree::table([("env", "SIGNALBOX_SECRET_CALLBACK".into())]),
        /// Where they show it; `Bearer ` before it is no part of it.
        token_at: Place = "header:authorization",
        /// The key that they are signed with.
        secret: Option<Secret> => crate::Tree::table([("env", "SIGNALBOX_SECRET_CALLBACK".into())]),
        /// How they are signed.
        signature: SignatureKind = "signalbox",
        /// The header of the signature.
        signature_header: HeaderName = "signalbox-signature",
        /// A signature with a time is refused when it is further off.
        max_age: Period = "5m",
        /// Where an event says what it is.
        kind_at: Place = "/type",
        /// What it says for a receipt.
        receipt_kind: Text<1, 64> = "receipt",
        /// What it says for an MO message.
        mo_kind: Text<1, 64> = "mo",
        /// Where the list is, if a request has several; only places in JSON are then read in each of its items.
        list_at: Place = "none",
        /// What our answer says.
        answer: Text<0, 256> = "",
        /// Where receipts say what.
        receipt: HttpReceipt,
        /// Where MO messages say what.
        mo: HttpMo,
    }
}

settings! {
    /// Where a receipt says what.
    pub struct HttpReceipt {
        /// The id that the message was answered with.
        id_at: Place = "/receipt/message_id",
        /// The device's number. Where a receipt has none, the URL for callbacks can: `{receipt_url}?to={to}`.
        to_at: Place = "/receipt/destination",
        /// The state.
        state_at: Place = "/receipt/state",
        /// What its words mean, beside our own words and those of SMPP.
        states: BTreeMap<Text<1, 64>, ReceiptWord> => crate::Tree::table([("read", "delivered".into())]),
        /// What words mean that are not known; such receipts are refused when it is not set.
        other_states: Option<ReceiptWord> => "enroute",
        /// The error code of the network.
        error_at: Place = "/receipt/error",
    }
}

settings! {
    /// Where an MO message says what.
    pub struct HttpMo {
        /// Its id: a copy with the same one is not taken twice.
        id_at: Place = "/id",
        /// The device's number.
        from_at: Place = "/message/source",
        /// Our number.
        to_at: Place = "/message/destination",
        /// The text.
        text_at: Place = "/message/text",
        /// The octets in hexadecimal digits, where it is no text.
        data_at: Place = "/message/data",
        /// The user data header in hexadecimal digits.
        udh_at: Place = "/message/header",
        /// data_coding.
        coding_at: Place = "/message/data_coding",
    }
}

/// The body for a text at Signalbox's own API.
const TEXT_BODY: &str = r#"{"destination": "{to_plus}", "source": "{from_plus}", "text": "{text}",
"flash": "{flash:bool}", "receipt": "{receipt}", "intermediate": "{intermediate:bool}",
"expires_at": "{expires_at}", "replace_if_present": "{replace:bool}", "protocol_id": "{protocol_id:number}",
"service_type": "{service_type}"}"#;

/// The body for octets there.
const BINARY_BODY: &str = r#"{"destination": "{to_plus}", "source": "{from_plus}",
"binary": {"data": "{data}", "header": "{udh}", "data_coding": "{coding:number}"},
"receipt": "{receipt}", "intermediate": "{intermediate:bool}", "expires_at": "{expires_at}",
"replace_if_present": "{replace:bool}", "protocol_id": "{protocol_id:number}", "service_type": "{service_type}"}"#;

/// A body in the form of its type.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyTemplate {
    /// JSON.
    Json(JsonTemplate),
    /// Form.
    Form(Template),
    /// XML.
    Xml(Template),
}

impl BodyTemplate {
    fn of(kind: HttpBodyType, text: &BodyText) -> Result<Self, String> {
        let text = text.to_string();
        match kind {
            HttpBodyType::Json => text.parse().map(Self::Json),
            HttpBodyType::Form => text.parse().map(Self::Form),
            HttpBodyType::Xml => text.parse().map(Self::Xml),
        }
    }

    fn secrets(&self) -> Vec<&Name> {
        match self {
            Self::Json(template) => template.secrets(),
            Self::Form(template) | Self::Xml(template) => template.secrets().collect(),
        }
    }
}

impl HttpLink {
    /// Whether it is asked over TLS, its host and its port.
    ///
    /// # Errors
    /// What the URL must be.
    pub fn authority(&self) -> Result<(bool, String, u16), String> {
        let url = self.url.to_string();
        let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err("must begin with https:// or http://".into()),
        };
        let authority = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or("must have its address in whole brackets")?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let host: Host = host.parse().map_err(|expected| format!("must name {expected}"))?;
        let port = match port.strip_prefix(':') {
            Some(port) => {
                port.parse().ok().filter(|port| *port > 0).ok_or("must have a port from 1 to 65535")?
            }
            None if port.is_empty() => {
                if secure {
                    443
                } else {
                    80
                }
            }
            None => return Err("must have a host and a port alone before its path".into()),
        };
        Ok((secure, host.to_string(), port))
    }

    /// The body for a text.
    ///
    /// # Errors
    /// What it should be.
    pub fn text_body(&self) -> Result<BodyTemplate, String> {
        match &self.body {
            Some(body) => BodyTemplate::of(self.body_type, body),
            None => TEXT_BODY.parse().map(BodyTemplate::Json),
        }
    }

    /// The body for octets, where there is one.
    ///
    /// # Errors
    /// What it should be.
    pub fn binary_body(&self) -> Result<Option<BodyTemplate>, String> {
        match (&self.binary, &self.body) {
            (Some(body), _) => BodyTemplate::of(self.body_type, body).map(Some),
            (None, None) => BINARY_BODY.parse().map(BodyTemplate::Json).map(Some),
            (None, Some(_)) => Ok(None),
        }
    }
}

impl Agreement for HttpLink {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let url = self.url.to_string();
        if let Err(reason) = self.authority() {
            problems.conflict(at, "url", reason);
        }
        if url.chars().any(|letter| letter.is_control() || letter == ' ') {
            problems.conflict(at, "url", "must be without spaces and control characters");
        }
        if self.headers.values().any(|value| value.to_string().chars().any(char::is_control)) {
            problems.conflict(at, "headers", "must be without control characters");
        }
        if self.body.is_none() && self.body_type != HttpBodyType::Json {
            problems.conflict(at, "body_type", "body must be set where it is not json");
        }
        if self.user.is_some() != self.password.is_some() {
            problems.conflict(at, "user", "user and password go together");
        }
        if self.user.is_some() && self.token.is_some() {
            problems.conflict(at, "token", "goes without user and password");
        }
        let mut used: Vec<Name> = self.url.secrets().cloned().collect();
        used.extend(self.headers.values().flat_map(Template::secrets).cloned());
        for (key, body) in [("body", self.text_body().map(Some)), ("binary", self.binary_body())] {
            match body {
                Ok(body) => used.extend(body.iter().flat_map(BodyTemplate::secrets).cloned()),
                Err(expected) => problems.conflict(at, key, format!("expected {expected}")),
            }
        }
        for name in used {
            if !self.secrets.contains_key(&name) {
                problems.conflict(at, "secrets", format!("has no `{name}`, which a template names"));
            }
        }
    }
}

impl Agreement for HttpCallback {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.token.is_none() && self.secret.is_none() && self.allow_from.is_empty() {
            problems.conflict(at, "token", "token, secret or allow_from must say who may call back");
        }
        if !matches!(self.list_at, Place::None | Place::Json(_)) {
            problems.conflict(at, "list_at", "must be a place in json");
        }
    }
}
