//! An HTTP target that says what a test wants.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;

/// What a target says to one request.
#[derive(Clone, Copy)]
pub enum Says {
    Status(u16),
    /// Nothing, ever.
    Nothing,
    /// 204 after so many milliseconds.
    Late(u64),
    /// 200 and so many octets.
    Much(usize),
    /// A redirect to itself.
    Elsewhere,
}

/// A request that came.
pub struct Posted {
    pub headers: HeaderMap,
    pub raw: Vec<u8>,
    pub body: Value,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Clone)]
struct Plan {
    says: Arc<Mutex<VecDeque<Says>>>,
    posted: mpsc::UnboundedSender<Posted>,
}

/// A target on loopback; 204 to all that is not planned otherwise.
pub struct Target {
    pub address: SocketAddr,
    says: Arc<Mutex<VecDeque<Says>>>,
    posted: mpsc::UnboundedReceiver<Posted>,
    task: tokio::task::JoinHandle<()>,
}

impl Target {
    pub async fn start(says: &[Says]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let says = Arc::new(Mutex::new(says.iter().copied().collect()));
        let (sender, posted) = mpsc::unbounded_channel();
        let plan = Plan { says: says.clone(), posted: sender };
        let router = Router::new().fallback(take).with_state(plan);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, says, posted, task }
    }

    pub fn plan(&self, says: &[Says]) {
        self.says.lock().extend(says);
    }

    /// The next request.
    pub async fn next(&mut self) -> Posted {
        tokio::time::timeout(Duration::from_secs(20), self.posted.recv()).await.unwrap().unwrap()
    }

    /// True when nothing has come that was not asked for.
    pub fn is_quiet(&mut self) -> bool {
        self.posted.try_recv().is_err()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(plan): State<Plan>, headers: HeaderMap, body: Bytes) -> Response {
    let says = plan.says.lock().pop_front().unwrap_or(Says::Status(204));
    let posted =
        Posted { headers, raw: body.to_vec(), body: serde_json::from_slice(&body).unwrap_or_default() };
    // The test may be over.
    let _ = plan.posted.send(posted);
    match says {
        Says::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Says::Nothing => std::future::pending().await,
        Says::Late(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            StatusCode::NO_CONTENT.into_response()
        }
        Says::Much(octets) => vec![b'x'; octets].into_response(),
        Says::Elsewhere => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
    }
}
