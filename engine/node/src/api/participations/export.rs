//! All submissions of a campaign as CSV, as fast as they are read.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use signalbox_config::catalog::Right;
use tokio::sync::mpsc;

use super::judged_here;
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::PathName;
use crate::api::operations::{Operation, operation};
use crate::api::people::CSV;
use crate::api::problem::{Problem, ProblemKind};
use crate::api::stream::Sent;

/// Octets that are sent at once.
const CHUNK: usize = 64 << 10;
/// Chunks that may wait for a slow reader.
const CHUNKS: usize = 4;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/participations/{name}/export",
            "participation.export",
            "All submissions of a participation campaign, with the numbers of those who took part",
            export,
        )
        .right(Right::MessagesReveal)
        .tenants()
        .answer_of(
            200,
            "lines of UTF-8 with a line of names, as `text/csv`",
            |_| serde_json::json!({ "type": "string" }),
        )
        .problems(&[ProblemKind::NotFound]),
    ]
}

async fn export(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<Response, Problem> {
    judged_here(&api, &caller, &name)?;
    let campaigns = api.0.participations.campaigns().clone();
    let (chunks, sent) = mpsc::channel(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let mut out = Chunks { chunks: chunks.clone(), chunk: Vec::with_capacity(CHUNK) };
        let done = campaigns.export(&name, &mut out).map_err(io::Error::other);
        if let Err(error) = done.and_then(|_| out.flush()) {
            // The answer is cut, so that nobody takes it for whole; the reader may be gone itself.
            tracing::warn!(
                name,
                error = &error as &dyn std::error::Error,
                "an export did not come to its end"
            );
            let _ = chunks.blocking_send(Err(error));
        }
    });
    Ok(([(CONTENT_TYPE, CSV)], Body::new(Sent(sent))).into_response())
}

/// Where the export writes to; it waits for its reader.
struct Chunks {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    chunk: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(octets);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader is gone");
        self.chunks.blocking_send(Ok(chunk.into())).map_err(gone)
    }
}
