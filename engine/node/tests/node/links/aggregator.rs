//! An aggregator's HTTP API that says what a test wants.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum_server::tls_rustls::RustlsConfig;
use parking_lot::Mutex;
use serde_json::Value;
use signalbox::links::settings::ServerTls;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::exchange::PATIENCE;

/// What it says to one request.
#[derive(Clone, Debug)]
pub enum Says {
    /// A status and a body.
    Answer(u16, String),
    /// The same with Retry-After.
    RetryAfter(u16, &'static str),
    /// A status with a header `Location`.
    Elsewhere(u16),
    /// Nothing, ever.
    Nothing,
    /// A good answer after this time.
    Late(Duration, String),
    /// The connection is closed instead.
    Closes,
    /// A good status and so many octets.
    Much(usize),
}

/// A request that came.
#[derive(Debug)]
pub struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

#[derive(Clone)]
struct Plan {
    says: Arc<Mutex<VecDeque<Says>>>,
    asked: mpsc::UnboundedSender<Asked>,
    count: Arc<std::sync::atomic::AtomicU64>,
}

/// See the [module](self). What is not planned is answered with 202 and the ids `A1`, `A2` and so on.
pub struct Aggregator {
    pub address: SocketAddr,
    says: Arc<Mutex<VecDeque<Says>>>,
    asked: mpsc::UnboundedReceiver<Asked>,
    task: tokio::task::JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

impl Aggregator {
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn at(address: SocketAddr) -> Self {
        Self::listen(address, None).await
    }

    /// The same over TLS, with a certificate and its key.
    pub async fn over_tls((certificate, key): (PathBuf, PathBuf)) -> Self {
        let config = signalbox::tls::server(&ServerTls {
            certificate,
            key,
            client_ca: None,
            client_certificate_required: false,
        });
        let config = RustlsConfig::from_config(config.unwrap().config);
        Self::listen("127.0.0.1:0".parse().unwrap(), Some(config)).await
    }

    async fn listen(address: SocketAddr, tls: Option<RustlsConfig>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let says = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, asked) = mpsc::unbounded_channel();
        let plan = Plan { says: says.clone(), asked: sender, count: Arc::default() };
        let router = Router::new().fallback(take).with_state(plan);
        let (stop, stopped) = oneshot::channel::<()>();
        // Dropped without a word it goes on until its task is aborted.
        let stopped = async move {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let task = match tls {
            None => tokio::spawn(async move {
                axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
            }),
            Some(config) => tokio::spawn(async move {
                let listener = listener.into_std().unwrap();
                let server = axum_server::from_tcp_rustls(listener, config).unwrap();
                server.serve(router.into_make_service()).await.unwrap();
            }),
        };
        Self { address, says, asked, task, stop: Some(stop) }
    }

    /// Ends it, and all of its connections: when this returns nothing more is answered, on connections that were
    /// kept open neither.
    pub async fn gone(mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        tokio::time::timeout(PATIENCE, &mut self.task).await.expect("its connections are idle").unwrap();
    }

    pub fn plan(&self, says: impl IntoIterator<Item = Says>) {
        self.says.lock().extend(says);
    }

    /// The next request.
    pub async fn next(&mut self) -> Asked {
        tokio::time::timeout(PATIENCE, self.asked.recv()).await.unwrap().unwrap()
    }

    /// True when nothing has come that was not asked for.
    pub fn is_quiet(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }
}

impl Drop for Aggregator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(
    State(plan): State<Plan>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let says = plan.says.lock().pop_front();
    let body = String::from_utf8_lossy(&body).into_owned();
    // The test may be over.
    let _ = plan.asked.send(Asked { method, uri, headers, body });
    let status = |status: u16| StatusCode::from_u16(status).unwrap();
    match says {
        None => {
            let number = plan.count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            (status(202), format!("{{\"id\": \"A{number}\"}}")).into_response()
        }
        Some(Says::Answer(code, body)) => (status(code), body).into_response(),
        Some(Says::RetryAfter(code, after)) => (status(code), [("retry-after", after)]).into_response(),
        Some(Says::Elsewhere(code)) => (status(code), [("location", "/elsewhere")]).into_response(),
        Some(Says::Nothing) => std::future::pending().await,
        Some(Says::Late(after, body)) => {
            tokio::time::sleep(after).await;
            (status(202), body).into_response()
        }
        // A panic ends the connection's task, and the connection with it.
        Some(Says::Closes) => panic!("the connection is to be closed"),
        Some(Says::Much(octets)) => (status(200), vec![b'x'; octets]).into_response(),
    }
}

/// A port whose connections are reset once something was read from them.
pub async fn resets() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut octets = [0; 16 * 1024];
                let mut read = 0;
                // The head and the body may come apart.
                while let Ok(more) = stream.read(&mut octets).await {
                    read += more;
                    if more == 0 || octets[..more].contains(&b'}') {
                        break;
                    }
                }
                if read > 0 {
                    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                }
            });
        }
    });
    address
}
