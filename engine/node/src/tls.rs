//! TLS by rustls with ring: certificates and keys from PEM files.

mod validity;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};

use crate::links::settings::{ClientTls, ServerTls};

/// Why a TLS configuration cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or is not in PEM form.
    #[error("{} cannot be read as pem", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// A file has no certificate in it.
    #[error("{} has no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// The system has no certificates to trust.
    #[error("the system has no certificates to trust, and none are configured")]
    NoRoots,
    /// Certificates, key and versions do not go together.
    #[error("certificate and key cannot be used")]
    Unusable(#[source] rustls::Error),
    /// The client certificates' roots cannot be used.
    #[error("the certificates for clients cannot be used")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
    /// The name that the peer's certificate must have is none.
    #[error("`{name}` is no name of a server")]
    ServerName {
        /// The name.
        name: String,
        /// Why.
        #[source]
        source: InvalidDnsNameError,
    },
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = |source| TlsError::Pem { path: path.to_owned(), source };
    let found: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(path).map_err(pem)?.collect::<Result<_, _>>().map_err(pem)?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate(path.to_owned()));
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| TlsError::Pem { path: path.to_owned(), source })
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(TlsError::Unusable)?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(TlsError::NoRoots);
    }
    Ok(roots)
}

/// TLS towards a peer, TLS 1.2 or 1.3.
///
/// # Errors
/// When a file cannot be read or used.
pub fn client(tls: &ClientTls) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match &tls.ca {
        Some(path) => roots(path)?,
        None => system_roots()?,
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_root_certificates(roots);
    let config = match &tls.identity {
        Some((certificate, secret)) => builder
            .with_client_auth_cert(certificates(certificate)?, key(secret)?)
            .map_err(TlsError::Unusable)?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// TLS for a client that is given none but plain URLs: it trusts nobody.
///
/// # Errors
/// Never with the versions that are built in.
pub fn no_peers() -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    Ok(Arc::new(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
}

/// TLS of a listener, and until when its peers accept it.
#[derive(Clone, Debug)]
pub struct Server {
    /// What rustls needs.
    pub config: Arc<ServerConfig>,
    /// When the first of its certificates expires, in seconds since the epoch; nothing where none of them can be
    /// read as RFC 5280 has it.
    pub expires: Option<i64>,
}

/// TLS of a listener, TLS 1.2 or 1.3.
///
/// # Errors
/// When a file cannot be read or used.
pub fn server(tls: &ServerTls) -> Result<Server, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    let builder = match &tls.client_ca {
        Some(path) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(path)?), provider());
            let verifier =
                if tls.client_certificate_required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().map_err(TlsError::Verifier)?)
        }
        None => builder.with_no_client_auth(),
    };
    let chain = certificates(&tls.certificate)?;
    let expires = chain.iter().filter_map(|certificate| validity::not_after(certificate)).min();
    let config = builder.with_single_cert(chain, key(&tls.key)?).map_err(TlsError::Unusable)?;
    Ok(Server { config: Arc::new(config), expires })
}

/// The name that a peer's certificate must have.
///
/// # Errors
/// When it is neither a DNS name nor an IP address.
pub fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned())
        .map_err(|source| TlsError::ServerName { name: name.to_owned(), source })
}
