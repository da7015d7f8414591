//! Requests to a node's API.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, Url};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;

use crate::cli::NodeArgs;

/// How long an answer is waited for; an upload of a large catalog takes its time.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pages of one list that are asked for at most.
const PAGES: usize = 1_000;

/// A command that was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The address of the API is none.
    #[error("`{url}` is no address of an api: {reason}")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate authority cannot be used.
    #[error("the certificates of {} cannot be used: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The node does not answer.
    #[error("the node at {url} does not answer")]
    Unreachable {
        /// Its address.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The node answered with a problem.
    #[error("{text}")]
    Refused {
        /// The type of the problem.
        kind: String,
        /// What it says.
        text: String,
    },
    /// What answered is no Signalbox.
    #[error("what answered at {url} is no signalbox api: status {status}")]
    Foreign {
        /// Its address.
        url: String,
        /// Its status.
        status: u16,
    },
    /// The runtime could not be started.
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    /// The answer cannot be printed.
    #[error("the answer cannot be printed")]
    Output(#[source] std::io::Error),
    /// No client can be made.
    #[error("no client can be made")]
    Client(#[source] reqwest::Error),
    /// TLS cannot be used.
    #[error("tls cannot be used")]
    Tls(#[from] rustls::Error),
}

impl ClientError {
    /// The exit code for scripts: 3 when the node does not answer, 4 when it refuses, 5 when the token does not
    /// do, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. } | Self::Foreign { .. } => 3,
            Self::Refused { kind, .. } if kind == "unauthenticated" || kind == "forbidden" => 5,
            Self::Refused { .. } => 4,
            Self::File { .. }
            | Self::Address { .. }
            | Self::Certificates { .. }
            | Self::Runtime(_)
            | Self::Output(_)
            | Self::Client(_)
            | Self::Tls(_) => 1,
        }
    }
}

/// One request.
pub(super) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, String)>,
}

impl Call {
    fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.split('/').map(str::to_owned).collect(), query: Vec::new(), body: None }
    }

    pub(super) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn put(path: &str) -> Self {
        Self::new(Method::PUT, path)
    }

    /// The same with one more segment, whatever is in it.
    pub(super) fn below(mut self, segment: &str) -> Self {
        self.path.push(segment.to_owned());
        self
    }

    pub(super) fn query(mut self, name: &'static str, value: String) -> Self {
        self.query.push((name, value));
        self
    }

    pub(super) fn json(mut self, mut body: Value) -> Self {
        // What was not given is left out.
        if let Some(members) = body.as_object_mut() {
            members.retain(|_, value| !value.is_null());
            for value in members.values_mut() {
                if let Some(inner) = value.as_object_mut() {
                    inner.retain(|_, value| !value.is_null());
                }
            }
        }
        self.body = Some(("application/json", body.to_string()));
        self
    }

    pub(super) fn toml(mut self, body: String) -> Self {
        self.body = Some(("application/toml", body));
        self
    }
}

/// A node's API.
pub(super) struct Node {
    base: Url,
    token: String,
    client: Client,
}

impl Node {
    pub(super) fn new(args: &NodeArgs) -> Result<Self, ClientError> {
        let bad = |reason: String| ClientError::Address { url: args.api.clone(), reason };
        let base: Url = args.api.parse().map_err(|error| bad(format!("{error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(bad("it must begin with http:// or https://".into()));
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots(args)?)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(ClientError::Client)?;
        Ok(Self { base, token: args.token.clone(), client })
    }

    /// Asks, and puts the pages of a list together.
    pub(super) async fn ask(&self, call: &Call) -> Result<Value, ClientError> {
        let mut answer = self.ask_once(call, None).await?;
        for _ in 1..PAGES {
            if !answer["items"].is_array() {
                break;
            }
            let Some(cursor) = answer["next"].as_str().map(str::to_owned) else { break };
            let mut more = self.ask_once(call, Some(&cursor)).await?;
            let next = more["next"].take();
            if let (Some(items), Some(new)) = (answer["items"].as_array_mut(), more["items"].as_array_mut()) {
                items.append(new);
            }
            answer["next"] = next;
        }
        if answer["next"].is_null()
            && let Some(members) = answer.as_object_mut()
        {
            members.remove("next");
        }
        Ok(answer)
    }

    async fn ask_once(&self, call: &Call, cursor: Option<&str>) -> Result<Value, ClientError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(&call.path);
        }
        for (name, value) in &call.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let mut request = self.client.request(call.method.clone(), url).bearer_auth(&self.token);
        if let Some((media, body)) = &call.body {
            request = request.header(reqwest::header::CONTENT_TYPE, *media).body(body.clone());
        }
        let unreachable = |source: reqwest::Error| ClientError::Unreachable {
            url: self.base.to_string(),
            source: source.without_url(),
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        let foreign = || ClientError::Foreign { url: self.base.to_string(), status: status.as_u16() };
        if status.is_success() {
            if body.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&body).map_err(|_| foreign());
        }
        let problem: Value = serde_json::from_slice(&body).map_err(|_| foreign())?;
        Err(refused(&problem).ok_or_else(foreign)?)
    }
}

/// What a problem says, one line a field.
fn refused(problem: &Value) -> Option<ClientError> {
    let kind = problem["type"].as_str()?.rsplit(':').next()?.to_owned();
    let title = problem["title"].as_str().unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or_default();
    let mut text = if detail.is_empty() { title.to_owned() } else { format!("{title}: {detail}") };
    if let Some(errors) = problem["errors"].as_array().filter(|errors| errors.len() > 1) {
        text = title.to_owned();
        for error in errors {
            let field = error["field"].as_str().unwrap_or_default();
            let what = error["problem"].as_str().unwrap_or_default();
            let line = error["line"].as_u64().map(|line| format!("line {line}: ")).unwrap_or_default();
            text.push_str(&format!("\n  {line}{field}: {what}"));
        }
    }
    Some(ClientError::Refused { kind, text })
}

fn roots(args: &NodeArgs) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = &args.ca else {
        if args.api.starts_with("https:") {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        return Ok(roots);
    };
    let bad = |reason: String| ClientError::Certificates { path: path.clone(), reason };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("there is none in it".into()));
    }
    Ok(roots)
}
