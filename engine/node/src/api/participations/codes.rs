//! Codes of a batch, one a line, by the million.

use std::future::poll_fn;
use std::io::{self, BufReader, Read};
use std::pin::Pin;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use bytes::Buf;
use serde::{Deserialize, Serialize};
use signalbox_backends::participation::ImportError;
use signalbox_config::catalog::Right;
use tokio::runtime::Handle;
use utoipa::ToSchema;

use super::{behind, judged_here};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{PathName, QueryOf};
use crate::api::operations::{Operation, operation};
use crate::api::people::{CSV, is_csv};
use crate::api::problem::{Problem, ProblemKind, internal};

/// The next octets of the list come within this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whose codes they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodesQuery {
    /// The batch, as the campaign's rules name it.
    batch: String,
}

/// What became of a list of codes.
#[derive(Debug, Serialize, ToSchema)]
struct CodesInfo {
    /// Codes that were not there before.
    added: u64,
    /// Codes that were there, or were in the list twice.
    repeated: u64,
    /// Lines that are no codes.
    bad: u64,
    /// The first thousand of them.
    bad_lines: Vec<BadLine>,
}

/// A line that is no code.
#[derive(Debug, Serialize, ToSchema)]
struct BadLine {
    /// The line, from 1.
    line: u64,
    /// What is wrong with it.
    reason: &'static str,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::POST,
            "/v1/participations/{name}/codes",
            "participation.codes",
            "Streams codes of a batch in, one a line; the same list may come again",
            import,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .once()
        .query::<CodesQuery>()
        .body_of(CSV, |_| serde_json::json!({ "type": "string", "description": "one code a line" }))
        .answer::<CodesInfo>(200, "they are stored")
        .problems(&[ProblemKind::NotFound]),
    ]
}

async fn import(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    QueryOf(query): QueryOf<CodesQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<CodesInfo>, Problem> {
    if !is_csv(&headers) {
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, format!("the body must be {CSV}")));
    }
    judged_here(&api, &caller, &name)?;
    let campaigns = api.0.participations.campaigns().clone();
    let list = List::new(body);
    let imported =
        behind(move || campaigns.import_codes(&name, &query.batch, BufReader::new(list), |_| ())).await??;
    let bad_lines = imported.bad_lines.into_iter();
    Ok(Json(CodesInfo {
        added: imported.added,
        repeated: imported.repeated,
        bad: imported.bad,
        bad_lines: bad_lines.map(|bad| BadLine { line: bad.line, reason: bad.reason }).collect(),
    }))
}

/// The body of a request, as a thread reads it that may wait.
pub(in crate::api) struct List {
    handle: Handle,
    body: Body,
    rest: Bytes,
}

impl List {
    /// To be made within the runtime.
    pub(in crate::api) fn new(body: Body) -> Self {
        Self { handle: Handle::current(), body, rest: Bytes::new() }
    }
}

impl Read for List {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            let body = &mut self.body;
            let next = poll_fn(|context| http_body::Body::poll_frame(Pin::new(&mut *body), context));
            let next = self.handle.block_on(async { tokio::time::timeout(PATIENCE, next).await });
            match next.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the client sends no more"))? {
                None => return Ok(0),
                // Trailers say nothing here.
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(_)) => {
                    let cut = "the client ended the request before the list";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cut));
                }
            }
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.advance(count);
        Ok(count)
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match &error {
            ImportError::Unknown(_) => Self::new(ProblemKind::NotFound, error.to_string()),
            ImportError::NoBatch(_) => Self::field("batch", error.to_string()),
            ImportError::Read(_) => Self::new(ProblemKind::Malformed, crate::links::describe(&error)),
            ImportError::Store(_) | ImportError::NotOpen(_) => internal(&error),
        }
    }
}
