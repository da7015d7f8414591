//! The connection under a session: TCP, or TLS over it, with the socket's options.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::ServerName;
use signalbox_config::value::CertificateFingerprint;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// A connection.
#[derive(Debug)]
pub enum Transport {
    /// TCP.
    Plain(TcpStream),
    /// TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects to one address.
///
/// # Errors
/// When the socket cannot be made, bound or connected.
pub async fn connect(to: SocketAddr, from: Option<IpAddr>, dscp: Option<u8>) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    if let Some(dscp) = dscp {
        // The code point is in the upper six bits of the octet (RFC 2474 cl. 3).
        let octet = u32::from(dscp & 0x3f) << 2;
        let options = SockRef::from(&socket);
        if to.is_ipv4() {
            options.set_tos_v4(octet)?;
        } else {
            options.set_tclass_v6(octet)?;
        }
    }
    let stream = socket.connect(to).await?;
    set_options(&stream)?;
    Ok(stream)
}

/// No Nagle: we write whole batches, and waiting for the peer's delayed ACK would cost 40 ms a window.
///
/// # Errors
/// When the socket is gone already.
pub fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)
}

impl Transport {
    /// TLS as the side that connects.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn client(
        stream: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Self> {
        let stream = TlsConnector::from(config).connect(name, stream).await?;
        Ok(Self::Tls(Box::new(TlsStream::Client(stream))))
    }

    /// TLS as the side that is connected to.
    ///
    /// # Errors
    /// When the handshake fails.
    pub async fn server(stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        Ok(Self::Tls(Box::new(TlsStream::Server(stream))))
    }

    /// Whether it is TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// The client certificate that the peer has shown and TLS has verified.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<CertificateFingerprint> {
        let Self::Tls(stream) = self else { return None };
        let (_, connection) = stream.get_ref();
        Some(CertificateFingerprint::of(connection.peer_certificates()?.first()?))
    }

    /// Has the kernel acknowledge what it received at once.
    ///
    /// A peer that has Nagle's algorithm on (nearly every library's default) writes its next small PDU only when
    /// the one before is acknowledged, and a delayed acknowledgement takes 40 ms. The option is not lasting: the
    /// kernel falls back to delaying by itself, so it is set again after each read.
    #[inline]
    pub fn acknowledge_now(&self) {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        // Nothing depends on it: a socket that refuses is about to fail by itself.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(stream).set_tcp_quickack(true);
        #[cfg(not(target_os = "linux"))]
        let _ = stream;
    }

    /// The peer's address.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(stream) => stream.peer_addr().ok(),
            Self::Tls(stream) => stream.get_ref().0.peer_addr().ok(),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
