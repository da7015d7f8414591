//! TLS both ways, with and without client certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use signalbox::links::settings::{AccountSettings, ClientTls, LinkSettings, ListenerSettings, ServerTls};
use signalbox_config::value::CertificateFingerprint;
use signalbox_smpp::{BindMode, Body, CommandStatus};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::exchange::{Exchange, account, link, linked, listener, serving_by};
use super::peer::{Peer, text};

/// A certificate authority and what it has signed, as files.
pub struct Authority {
    directory: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { directory, issuer: Issuer::new(params, key) }
    }

    pub fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Certificate and key for a name.
    pub fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let place = |end: &str| self.directory.path().join(format!("{name}.{end}"));
        std::fs::write(place("pem"), certificate.pem()).unwrap();
        std::fs::write(place("key"), key.serialize_pem()).unwrap();
        (place("pem"), place("key"))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn roots(ca: &Path) -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    roots
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// Connects by TLS, with a client certificate or without.
async fn connect(
    to: std::net::SocketAddr,
    ca: &Path,
    identity: Option<&(PathBuf, PathBuf)>,
) -> Peer<tokio_rustls::client::TlsStream<TcpStream>> {
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(ca));
    let config = match identity {
        Some((path, key)) => builder
            .with_client_auth_cert(vec![certificate(path)], PrivateKeyDer::from_pem_file(key).unwrap())
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("smsc.example").unwrap();
    let stream = TcpStream::connect(to).await.unwrap();
    Peer::over(TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap())
}

#[tokio::test]
async fn accounts_bind_over_tls_and_by_certificate() {
    let authority = Authority::new();
    let (server, key) = authority.sign("smsc.example");
    let client = authority.sign("client.example");
    let other = authority.sign("other.example");
    let tls = ServerTls {
        certificate: server,
        key,
        client_ca: Some(authority.ca()),
        client_certificate_required: false,
    };
    let fingerprint = CertificateFingerprint::of(&certificate(&client.0));
    let accounts = vec![
        account(1, "open"),
        AccountSettings {
            tls_required: true,
            client_certificates: vec![fingerprint],
            ..account(2, "closed")
        },
    ];
    let listener = ListenerSettings { tls: Some(tls), ..listener() };
    let exchange = Exchange::open(serving_by(listener, accounts)).await;
    let address = exchange.links.addresses()[0];
    for (identity, name, status) in [
        (None, "open", CommandStatus::ROK),
        (None, "closed", CommandStatus::RBINDFAIL),
        (Some(&other), "closed", CommandStatus::RBINDFAIL),
        (Some(&client), "closed", CommandStatus::ROK),
    ] {
        let mut peer = connect(address, &authority.ca(), identity).await;
        assert_eq!(peer.bind(BindMode::Transceiver, name, "secret").await, status, "{name} {identity:?}");
        if status.is_ok() {
            peer.request(Body::SubmitSm(text("over tls"))).await;
            assert_eq!(peer.submitted().await.1, CommandStatus::ROK);
        }
    }
    let states = exchange.links.states();
    assert!(states.iter().flat_map(|state| &state.sessions).all(|session| session.tls));
}

#[tokio::test]
async fn a_reload_reads_certificates_again_and_keeps_sessions() {
    let authority = Authority::new();
    let (server, key) = authority.sign("smsc.example");
    let first = certificate(&server);
    let tls =
        ServerTls { certificate: server.clone(), key, client_ca: None, client_certificate_required: false };
    let settings = serving_by(ListenerSettings { tls: Some(tls), ..listener() }, vec![account(1, "demo")]);
    let exchange = Exchange::open(settings.clone()).await;
    let address = exchange.links.addresses()[0];
    let shown = |peer: &Peer<tokio_rustls::client::TlsStream<TcpStream>>| {
        peer.stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let mut open = connect(address, &authority.ca(), None).await;
    assert_eq!(open.bind(BindMode::Transceiver, "demo", "secret").await, CommandStatus::ROK);
    assert_eq!(shown(&open), first);
    authority.sign("smsc.example");
    exchange.links.apply(settings.clone()).await.unwrap();
    assert_eq!(shown(&connect(address, &authority.ca(), None).await), certificate(&server));
    assert_ne!(certificate(&server), first);
    // A file that cannot be read changes nothing.
    let second = certificate(&server);
    std::fs::write(&server, "no certificate").unwrap();
    exchange.links.apply(settings).await.unwrap();
    assert_eq!(shown(&connect(address, &authority.ca(), None).await), second);
    open.request(Body::SubmitSm(text("still here"))).await;
    assert_eq!(open.submitted().await.1, CommandStatus::ROK);
}

#[tokio::test]
async fn a_link_binds_over_tls_and_refuses_a_wrong_name() {
    let authority = Authority::new();
    let (path, key) = authority.sign("smsc.example");
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate(&path)], PrivateKeyDer::from_pem_file(&key).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = |name: &str| {
        Some(ClientTls { server_name: Some(name.into()), ca: Some(authority.ca()), identity: None })
    };
    let settings = LinkSettings { tls: tls("smsc.example"), ..link(1, "a", port) };
    let mut exchange = Exchange::open(linked(vec![settings])).await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut smsc = Peer::over(acceptor.accept(stream).await.unwrap());
    smsc.serve_bind().await;
    let (id, session, _) = exchange.up().await;
    exchange.send_text(session, id, "over tls");
    let (sequence, message) = smsc.submit_sm().await;
    assert_eq!(&message.short_message[..], b"over tls");
    smsc.took(sequence, "1").await;

    let wrong = LinkSettings { tls: tls("other.example"), ..link(2, "b", port) };
    let exchange = Exchange::open(linked(vec![wrong])).await;
    let (stream, _) = listener.accept().await.unwrap();
    assert!(acceptor.accept(stream).await.is_err());
    let error = loop {
        if let Some(error) = exchange.links.states()[0].sessions.iter().find_map(|s| s.last_error.clone()) {
            break error;
        }
        tokio::task::yield_now().await;
    };
    assert!(error.contains("tls handshake failed"), "{error}");
}
