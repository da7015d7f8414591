use std::path::PathBuf;

use crate::setting::settings;
use crate::value::ReadableFile;

settings! {
    /// Certificates of a listener. They are read again on reload; sessions that are open keep theirs.
    pub struct TlsListener {
        /// Certificate chain in PEM form, our own certificate first.
        certificate: ReadableFile => "config/tls/node.pem",
        /// Its private key in PEM form.
        key: ReadableFile => "config/tls/node.key",
        /// Certificates in PEM form that client certificates must descend from. Without it none is asked for.
        client_ca: Option<ReadableFile> => "config/tls/clients.pem",
        /// A client without a certificate is refused. Otherwise it is the account that decides.
        client_certificate_required: bool = false,
    }
}

impl TlsListener {
    /// Every file that is read for this listener.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(ReadableFile::path)
    }
}
