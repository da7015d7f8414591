use std::net::SocketAddr;

use super::TlsListener;
use crate::setting::settings;
use crate::value::{ByteSize, Count, Period};

settings! {
    /// The HTTP API and the portal.
    pub struct ApiSettings {
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
