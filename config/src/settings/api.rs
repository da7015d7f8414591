use std::net::SocketAddr;

use super::TlsListener;
use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{ByteSize, Count, Period};

settings! {
    /// The HTTP API and the portal.
    pub struct ApiSettings agrees {
        /// Address and port.
        address: SocketAddr = "127.0.0.1:8080"; restart,
        /// TLS; without it the API is for loopback or for a proxy that ends TLS.
        tls: Option<TlsListener>,
        /// Plain HTTP on an address that is not loopback is refused unless this is true.
        plain_beyond_loopback: bool = false; restart,
        /// Largest body of a request.
        max_body: ByteSize = "4MiB"; restart,
        /// Requests in work at once; more are answered with 503.
        max_requests: Count<1, 10_000> = 256; restart,
        /// A request that takes longer is given up.
        request_timeout: Period = "30s"; restart,
        /// Messages in one request.
        max_batch: Count<1, 100_000> = 1_000,
        /// Rows in one page of a list.
        max_page: Count<1, 10_000> = 1_000,
        /// How long an Idempotency-Key is remembered.
        idempotency_for: Period = "24h",
        /// Idempotency keys that are remembered.
        idempotency_keys: Count<1_000, 10_000_000> = 1_000_000; restart,
    }
}

impl ApiSettings {
    /// Whether tokens and texts would cross a network in the clear.
    pub fn is_exposed(&self) -> bool {
        self.tls.is_none() && !self.address.ip().is_loopback() && !self.plain_beyond_loopback
    }
}

impl Agreement for ApiSettings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.is_exposed() {
            let reason = "is not loopback and has no tls; set api.tls, or api.plain_beyond_loopback if a proxy ends it";
            problems.conflict(at, "address", reason);
        }
    }
}
