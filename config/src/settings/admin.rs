use std::net::SocketAddr;

use crate::setting::settings;

settings! {
    /// Live, ready, metrics, log level, drain and version.
    pub struct AdminSettings {
        /// Address and port. It has no passwords: keep it on loopback, or on a network of its own.
        address: SocketAddr = "127.0.0.1:9464"; restart,
        /// `/ready` says so only while at least one session of each link that is switched on is bound.
        ready_needs_links: bool = false,
    }
}
