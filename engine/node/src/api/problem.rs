//! Errors as problem details (RFC 9457), each of a listed type.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use signalbox_config::ConfigErrors;
use signalbox_core::backend::CatalogError;
use signalbox_core::exchange::Refusal;
use utoipa::ToSchema;

use crate::control::ControlError;
use crate::gateway::GatewayError;

/// Media type of a problem (RFC 9457 cl. 3).
pub const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! kinds {
    ($( $(#[doc = $doc:literal])+ $kind:ident = $name:literal, $status:literal, $title:literal; )*) => {
        /// The listed types of problems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemKind {
            $( $(#[doc = $doc])+ $kind, )*
        }

        impl ProblemKind {
            /// All types.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The name, the last part of the type's URN.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$kind => $name, )* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $( Self::$kind => $status, )* }
            }

            /// What it says in a few words; the same for each problem of the type.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $( Self::$kind => $title, )* }
            }
        }
    };
}

kinds! {
    /// The request cannot be read: JSON, query or header.
    Malformed = "malformed", 400, "the request cannot be read";
    /// No token, or none that is known, switched on and in time.
    Unauthenticated = "unauthenticated", 401, "a valid token is needed";
    /// The token lacks the right, or the thing is another account's.
    Forbidden = "forbidden", 403, "the token does not allow this";
    /// There is no such thing.
    NotFound = "not_found", 404, "there is no such thing";
    /// The path has no such method.
    MethodNotAllowed = "method_not_allowed", 405, "the method is not one of this path";
    /// Something of that name is there already.
    AlreadyExists = "already_exists", 409, "something of that name is there already";
    /// The message has been sent.
    TooLate = "too_late", 409, "it is too late for this";
    /// A message for agents that another one has, or that nobody took.
    NotInHand = "not_in_hand", 409, "it is not in this agent's hands";
    /// Another row refers to it, or it refers to one that is not there.
    BrokenReference = "reference_broken", 409, "rows refer to each other";
    /// The account holds as much as it may; something has to go first.
    QuotaReached = "quota_reached", 409, "the account holds as much as it may";
    /// A version of a script that was tested or published would change or be lost, or an approval would go to a status
    /// that does not follow its own.
    Frozen = "frozen", 409, "what is in use does not change in this way";
    /// Somebody else changed it since the ETag was read.
    VersionMismatch = "version_mismatch", 412, "it has been changed since it was read";
    /// The body is larger than the node takes.
    TooLarge = "too_large", 413, "the body is too large";
    /// The body is of another media type.
    UnsupportedMediaType = "unsupported_media_type", 415, "the body is of another media type";
    /// The request can be read and says something that cannot be.
    Invalid = "invalid", 422, "the request says something that cannot be";
    /// The Idempotency-Key came with another body before.
    IdempotencyKeyReused = "idempotency_key_reused", 422, "the idempotency key belongs to another request";
    /// The message is refused for good.
    MessageRefused = "message_refused", 422, "the message is refused";
    /// An order to all messages does not say `all`.
    SelectionEmpty = "selection_empty", 422, "a selection without conditions means every message";
    /// The account sends faster than it may, or has too much open.
    TooManyRequests = "too_many_requests", 429, "slower";
    /// The node has a fault.
    Internal = "internal", 500, "the node has a fault";
    /// The node does not take the message now.
    NotAcceptedNow = "not_accepted_now", 503, "the message is not taken now";
    /// More requests are in work than the node allows.
    Overloaded = "overloaded", 503, "too many requests are in work";
    /// The exchange has stopped.
    Unavailable = "unavailable", 503, "the exchange has stopped";
    /// Nothing came in time: what was asked may have been done.
    TimedOut = "timed_out", 504, "the request took too long";
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field as a path, such as `messages[2].source`; empty for the request as a whole.
    pub field: String,
    /// Line of a text that has lines, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong.
    pub problem: String,
}

/// An error of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: ProblemKind,
    detail: String,
    reason: Option<&'static str>,
    errors: Vec<FieldError>,
    retry_after: Option<u64>,
}

/// The JSON form of a [`Problem`] (RFC 9457 cl. 3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// The type: `urn:signalbox:problem:` and its name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The type in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Why a message is refused, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem of this type; `detail` says what is wrong this time.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), reason: None, errors: Vec::new(), retry_after: None }
    }

    /// One field says something that cannot be.
    #[must_use]
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::of_field(ProblemKind::Invalid, field.into(), problem.into())
    }

    /// One field cannot be read.
    #[must_use]
    pub fn unreadable(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::of_field(ProblemKind::Malformed, field.into(), problem.into())
    }

    fn of_field(kind: ProblemKind, field: String, problem: String) -> Self {
        let mut told = Self::new(kind, format!("{field}: {problem}"));
        told.errors.push(FieldError { field, line: None, column: None, problem });
        told
    }

    /// Several fields say what cannot be.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let line = |error: &FieldError| match (error.line, error.column) {
            (Some(line), Some(column)) => {
                format!("{}: line {line} column {column}: {}", error.field, error.problem)
            }
            _ => format!("{}: {}", error.field, error.problem),
        };
        let detail = errors.iter().map(line).collect::<Vec<_>>().join("\n");
        Self { errors, ..Self::new(ProblemKind::Invalid, detail) }
    }

    /// Nothing of this kind has this name.
    #[must_use]
    pub fn no(what: &str, name: &str) -> Self {
        Self::new(ProblemKind::NotFound, format!("there is no {what} `{name}`"))
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same, with the fields below a path.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        for error in &mut self.errors {
            let dot = if error.field.is_empty() || error.field.starts_with('[') { "" } else { "." };
            error.field = format!("{path}{dot}{}", error.field);
        }
        self.detail = format!("{path}: {}", self.detail);
        self
    }

    /// The same, with the beginning of a path left out wherever it stands.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.detail = self.detail.replace(path, "");
        self
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// Its JSON form.
    #[must_use]
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:signalbox:problem:{}", self.kind.name()),
            title: self.kind.title(),
            status: self.kind.status(),
            detail: self.detail.clone(),
            reason: self.reason,
            errors: self.errors.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.kind == ProblemKind::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        (status, headers, body).into_response()
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::TimedOut => Self::new(ProblemKind::TimedOut, error.to_string()),
            GatewayError::Stopped => Self::new(ProblemKind::Unavailable, error.to_string()).retry_after(5),
            GatewayError::Mismatched => internal(&error),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let kind = match &refusal {
            Refusal::AccountQueueFull { .. } | Refusal::QuotaReached { .. } | Refusal::CounterThrottle => {
                ProblemKind::TooManyRequests
            }
            Refusal::QueueFull { .. }
            | Refusal::StoreFull
            | Refusal::OutboxFull { .. }
            | Refusal::PartsFull { .. }
            | Refusal::DeviceBusy
            | Refusal::Draining
            | Refusal::LinkUnknown
            | Refusal::Internal => ProblemKind::NotAcceptedNow,
            // New refusals are of the permanent kind until they have a place here.
            _ => ProblemKind::MessageRefused,
        };
        let mut problem = Self::new(kind, refusal.to_string());
        problem.reason = Some(refusal.name());
        if refusal.is_temporary() { problem.retry_after(5) } else { problem }
    }
}

impl From<ConfigErrors> for Problem {
    fn from(errors: ConfigErrors) -> Self {
        let detail = errors.to_string();
        let mut problem = Self::new(ProblemKind::Invalid, detail);
        problem.errors = errors
            .all()
            .iter()
            .map(|error| FieldError {
                field: error.key.clone(),
                line: error.place.map(|place| place.line),
                column: error.place.map(|place| place.column),
                problem: error.problem.to_string(),
            })
            .collect();
        problem
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        match &error {
            CatalogError::Conflict { held: 0, .. } | CatalogError::Absent { .. } => {
                Self::new(ProblemKind::NotFound, error.to_string())
            }
            CatalogError::Conflict { expected: 0, .. } => {
                Self::new(ProblemKind::AlreadyExists, error.to_string())
            }
            CatalogError::Conflict { .. } | CatalogError::Moved { .. } => {
                Self::new(ProblemKind::VersionMismatch, error.to_string())
            }
            _ => internal(&error),
        }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Config(errors) => errors.into(),
            ControlError::Catalog(error) => error.into(),
            ControlError::Policy(_)
            | ControlError::Dialog(_)
            | ControlError::Snapshot(_)
            | ControlError::Hash(_) => Self::new(ProblemKind::Invalid, chain(&error)),
            _ => internal(&error),
        }
    }
}

/// A fault of the node: its causes are logged, and shown to those whom they concern, who hold a token.
pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a request of the api failed");
    Problem::new(ProblemKind::Internal, chain(error))
}

/// An error with its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
