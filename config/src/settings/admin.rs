use std::net::SocketAddr;

use crate::setting::settings;
use crate::value::Period;

settings! {
    /// Live, ready, metrics, log level, drain and version.
    pub struct AdminSettings {
        /// Address and port. It has no passwords: keep it on loopback, or on a network of its own.
        address: SocketAddr = "127.0.0.1:9464"; restart,
        /// Series of links and accounts that are gone leave the metrics after this time.
        idle_series: Period = "1h"; restart,
        /// The node is ready only while at least one session of each link that is switched on is bound.
        ready_needs_links: bool = false,
    }
}
