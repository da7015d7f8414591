//! Bounds of requests: how many at once, how long, and what is counted of them.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::problem::{Problem, ProblemKind};

/// Refuses what comes above `api.max_requests`, and gives up what takes longer than `api.request_timeout`.
pub(super) async fn bound(State(api): State<Api>, request: Request, next: Next) -> Response {
    let Ok(_held) = api.requests().try_acquire() else {
        metrics::counter!("api_requests_refused_total", "reason" => "overloaded").increment(1);
        let detail = "as many requests are in work as the node allows";
        return Problem::new(ProblemKind::Overloaded, detail).retry_after(1).into_response();
    };
    // A file takes as long as its client sends; each of its chunks has a deadline of its own.
    if super::people::is_csv(request.headers()) {
        return next.run(request).await;
    }
    match tokio::time::timeout(api.request_timeout(), next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => {
            metrics::counter!("api_requests_refused_total", "reason" => "timed_out").increment(1);
            Problem::new(ProblemKind::TimedOut, "it was given up; what it asked for may have been done")
                .into_response()
        }
    }
}

/// Counts an operation's requests by status and time.
pub(super) async fn observe(State(operation): State<&'static str>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("api_requests_total", "operation" => operation, "status" => status).increment(1);
    metrics::histogram!("api_request_duration_seconds", "operation" => operation)
        .record(begun.elapsed().as_secs_f64());
    response
}
