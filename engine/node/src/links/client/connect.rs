//! Connecting to a link: name, address, TCP, TLS.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::super::settings::LinkSettings;
use super::super::transport::{self, Transport};
use crate::tls::{self, TlsError};

/// Why a link cannot be connected to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Its name has no address.
    #[error("`{host}` cannot be looked up")]
    Lookup {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It has no address of the family of our local address.
    #[error("`{host}` has no address of the family of {local}")]
    Family {
        /// The name.
        host: String,
        /// Our address.
        local: IpAddr,
    },
    /// No address could be connected to.
    #[error("{address} cannot be connected to")]
    Connect {
        /// The last one tried.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It took too long.
    #[error("no connection within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// TLS is configured wrongly.
    #[error("tls cannot be set up")]
    Tls(#[from] TlsError),
    /// The TLS handshake failed.
    #[error("the tls handshake failed")]
    Handshake(#[source] std::io::Error),
}

/// Connects within the time.
pub async fn connect(link: &LinkSettings, within: Duration) -> Result<Transport, ConnectError> {
    tokio::time::timeout(within, connect_any(link)).await.map_err(|_| ConnectError::Timeout(within))?
}

async fn connect_any(link: &LinkSettings) -> Result<Transport, ConnectError> {
    let found = tokio::net::lookup_host((link.host.as_str(), link.port))
        .await
        .map_err(|source| ConnectError::Lookup { host: link.host.clone(), source })?;
    let mut last = None;
    for address in found {
        if link.local_address.is_some_and(|local| local.is_ipv4() != address.is_ipv4()) {
            continue;
        }
        match transport::connect(address, link.local_address, link.dscp).await {
            Ok(stream) => {
                let Some(tls) = &link.tls else { return Ok(Transport::Plain(stream)) };
                let config = tls::client(tls)?;
                let name = tls::server_name(tls.server_name.as_deref().unwrap_or(&link.host))?;
                return Transport::client(stream, config, name).await.map_err(ConnectError::Handshake);
            }
            Err(source) => last = Some(ConnectError::Connect { address, source }),
        }
    }
    Err(last.unwrap_or_else(|| match link.local_address {
        Some(local) => ConnectError::Family { host: link.host.clone(), local },
        None => ConnectError::Lookup {
            host: link.host.clone(),
            source: std::io::Error::from(std::io::ErrorKind::NotFound),
        },
    }))
}
