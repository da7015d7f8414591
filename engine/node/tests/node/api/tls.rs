//! The API over TLS.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Certificate, Client, Identity};

use super::rig::{Node, OPERATOR, Wishes};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key for a name, in PEM form.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.into()]).unwrap().signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

async fn ask(node: &Node, client: &Client) -> Result<u16, reqwest::Error> {
    let url = format!("https://localhost:{}/v1/token", node.address().port());
    client.get(url).bearer_auth(OPERATOR).send().await.map(|response| response.status().as_u16())
}

#[tokio::test]
async fn tls_with_client_certificates() {
    let dir = tempfile::TempDir::new().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (certificate, key) = ours.issue("localhost");
    let tls = format!(
        "tls = {{ certificate = \"{}\", key = \"{}\", client_ca = \"{}\", client_certificate_required = true }}",
        write(dir.path(), "node.pem", &certificate),
        write(dir.path(), "node.key", &key),
        write(dir.path(), "clients.pem", &theirs.0.pem()),
    );
    let node = Node::with(Wishes { api: tls, ..Wishes::default() }).await;
    let root = Certificate::from_pem(ours.0.pem().as_bytes()).unwrap();
    let client = |identity: Option<Identity>| {
        let builder = Client::builder().no_proxy().tls_certs_only([root.clone()]);
        match identity {
            Some(identity) => builder.identity(identity),
            None => builder,
        }
        .build()
        .unwrap()
    };
    let identity = |authority: &Authority| {
        let (certificate, key) = authority.issue("client");
        Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap()
    };
    assert_eq!(ask(&node, &client(Some(identity(&theirs)))).await.unwrap(), 200);
    assert!(ask(&node, &client(None)).await.is_err());
    assert!(ask(&node, &client(Some(identity(&ours)))).await.is_err());
    let stranger = Client::builder()
        .no_proxy()
        .tls_certs_only([Certificate::from_pem(theirs.0.pem().as_bytes()).unwrap()])
        .identity(identity(&theirs))
        .build()
        .unwrap();
    assert!(ask(&node, &stranger).await.is_err());
    node.stop().await;
}

#[tokio::test]
async fn new_certificates_are_taken_when_something_changes() {
    let dir = tempfile::TempDir::new().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    let (certificate, key) = old.issue("localhost");
    let place = |name: &str, text: &str| write(dir.path(), name, text);
    let tls = format!(
        "tls = {{ certificate = \"{}\", key = \"{}\" }}",
        place("node.pem", &certificate),
        place("node.key", &key)
    );
    let node = Node::with(Wishes { api: tls, ..Wishes::default() }).await;
    let trusting = |authority: &Authority| {
        let root = Certificate::from_pem(authority.0.pem().as_bytes()).unwrap();
        Client::builder().no_proxy().pool_max_idle_per_host(0).tls_certs_only([root]).build().unwrap()
    };
    assert_eq!(ask(&node, &trusting(&old)).await.unwrap(), 200);
    assert!(ask(&node, &trusting(&new)).await.is_err());
    let (certificate, key) = new.issue("localhost");
    place("node.pem", &certificate);
    place("node.key", &key);
    let control = node.control.clone();
    tokio::task::spawn_blocking(move || control.reload()).await.unwrap().unwrap();
    let begun = std::time::Instant::now();
    while ask(&node, &trusting(&new)).await.is_err() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }
    assert!(ask(&node, &trusting(&old)).await.is_err());
    node.stop().await;
}
