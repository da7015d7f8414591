//! Bodies, queries and paths of requests; what cannot be read is a problem that says where.

use std::time::Duration;

use axum::RequestPartsExt;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use signalbox_core::backend::Version;
use signalbox_core::time::Micros;

use super::problem::{Problem, ProblemKind};

/// The body as JSON text that has not been read.
pub(super) struct JsonText(pub Bytes);

/// The body as a value.
pub(super) struct JsonBody<T>(pub T);

/// The body as a text in UTF-8.
pub(super) struct TextBody(pub String);

/// The body as a zip archive that has not been looked into.
pub(super) struct ZipBody(pub Bytes);

/// The query.
pub(super) struct QueryOf<T>(pub T);

/// The only parameter of a path.
pub(super) struct PathName(pub String);

/// The two parameters of a path.
pub(super) struct PathPair(pub String, pub String);

/// The whole body, as large as a body may be.
pub(super) async fn octets<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
            _ => ProblemKind::Malformed,
        };
        Problem::new(kind, rejection.body_text())
    })
}

fn check_media_type(headers: &HeaderMap, wanted: &[&str]) -> Result<(), Problem> {
    let given = headers.get(axum::http::header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let essence = given.and_then(|given| given.split(';').next()).map(str::trim);
    if essence.is_some_and(|essence| wanted.iter().any(|wanted| essence.eq_ignore_ascii_case(wanted))) {
        return Ok(());
    }
    let detail = format!("the body must be {}, not {}", wanted.join(" or "), given.unwrap_or("unnamed"));
    Err(Problem::new(ProblemKind::UnsupportedMediaType, detail))
}

impl<S: Send + Sync> FromRequest<S> for JsonText {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_media_type(request.headers(), &["application/json"])?;
        octets(request, state).await.map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonText(text) = JsonText::from_request(request, state).await?;
        read_json(&text).map(Self)
    }
}

/// Reads JSON; what is no JSON is malformed, what is JSON of another form is invalid.
pub(super) fn read_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(text).map_err(|error| {
        let kind = if error.is_data() { ProblemKind::Invalid } else { ProblemKind::Malformed };
        Problem::new(kind, error.to_string())
    })
}

impl<S: Send + Sync> FromRequest<S> for TextBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_media_type(request.headers(), &["application/toml", "text/plain"])?;
        let octets = octets(request, state).await?;
        let text = String::from_utf8(octets.into());
        text.map(Self).map_err(|_| Problem::new(ProblemKind::Malformed, "the body is not UTF-8"))
    }
}

impl<S: Send + Sync> FromRequest<S> for ZipBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_media_type(request.headers(), &["application/zip"])?;
        octets(request, state).await.map(Self)
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|Query(query)| Self(query))
            .map_err(|rejection| Problem::new(ProblemKind::Malformed, rejection.body_text()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let bad = || Problem::new(ProblemKind::Malformed, "the path is not UTF-8");
        let parameters = parts.extract::<RawPathParams>().await.map_err(|_| bad())?;
        parameters.iter().next().map(|(_, value)| Self(value.to_owned())).ok_or_else(bad)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathPair {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let bad = || Problem::new(ProblemKind::Malformed, "the path is not UTF-8");
        let parameters = parts.extract::<RawPathParams>().await.map_err(|_| bad())?;
        let mut values = parameters.iter().map(|(_, value)| value.to_owned());
        values.next().zip(values.next()).map(|(one, other)| Self(one, other)).ok_or_else(bad)
    }
}

/// What If-Match and If-None-Match ask of a row (RFC 9110 cl. 13.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing.
    None,
    /// It has this version.
    Is(Version),
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
}

impl<S: Send + Sync> FromRequestParts<S> for Condition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        match (text("if-match"), text("if-none-match")) {
            (None, None) => Ok(Self::None),
            (Some("*"), None) => Ok(Self::Exists),
            (None, Some("*")) => Ok(Self::Absent),
            (Some(tag), None) => {
                let number = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                let number = number.and_then(|number| number.parse().ok());
                // An ETag that is none of ours matches nothing.
                Ok(Self::Is(Version(number.unwrap_or(u64::MAX))))
            }
            (_, Some(_)) => Err(Problem::new(
                ProblemKind::Malformed,
                "if-none-match takes `*` alone, and not with if-match",
            )),
        }
    }
}

/// An instant of a request.
pub(super) fn micros(at: jiff::Timestamp) -> Micros {
    Micros(at.as_microsecond())
}

/// An instant of an answer; instants that no calendar has are left out.
pub(super) fn timestamp(at: Micros) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(at.0).ok()
}

/// A span of a request in seconds.
pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
