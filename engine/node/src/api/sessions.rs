//! People log in with their password and get a token for a while (ACC-01, ACC-08). What they may do is what their row
//! says at each request; a changed password or a row that is switched off ends it. Sessions are in the database of
//! people: they hold over a restart, and on all nodes that share it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, FromRequest, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_config::catalog::User;
use signalbox_config::value::{AccountPassword, PasswordHash, TokenDigest};
use signalbox_people::Session;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{JsonBody, timestamp};
use super::operations::{Operation, operation};
use super::problem::{Problem, ProblemKind};
use crate::links::settings::LockOut as Rules;
use crate::links::{Hashing, LockOut, Locked};

/// How long somebody is logged in.
const LASTS: Duration = Duration::from_secs(12 * 3600);
/// People logged in at once; the one whose time ends first makes room.
const MOST: u32 = 10_000;
/// Passwords hashed at once, and those that wait for it.
const HASHES: (usize, usize) = (2, 32);
/// A hash that no password has, so that a name which nobody has takes as long as one that somebody has.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U";

/// Whether the person's password is still the one that a session began with.
pub(super) fn is_of(session: &Session, user: &User) -> bool {
    hash_of(user).is_some_and(|hash| digest_of(hash.as_str()) == session.password)
}

/// What is kept of a password's hash: enough to see that it is another one.
fn digest_of(hash: &str) -> String {
    Sha256::digest(hash.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Who tries passwords.
pub(super) struct Sessions {
    lock_out: Mutex<LockOut>,
    hashing: Hashing,
}

impl Default for Sessions {
    fn default() -> Self {
        let lock_out = Mutex::new(LockOut::new(Rules::default()));
        Self { lock_out, hashing: Hashing::new(HASHES.0, HASHES.1) }
    }
}

fn hash_of(user: &User) -> Option<&PasswordHash> {
    match &user.password {
        AccountPassword::Hashed(hash) => Some(hash),
        // The catalog keeps hashes alone.
        AccountPassword::Plain(_) => None,
    }
}

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SessionBody {
    /// Their name.
    user: String,
    /// Their password.
    password: String,
}

/// Somebody is logged in.
#[derive(Serialize, ToSchema)]
struct SessionInfo {
    /// The bearer token of their requests.
    token: String,
    /// Who it is.
    user: String,
    /// Up to when it is good.
    #[schema(value_type = String, format = DateTime)]
    expires: Option<jiff::Timestamp>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(Method::POST, "/v1/sessions", "session.open", "Logs somebody in by their password", open)
            .open()
            .body::<SessionBody>()
            .answer::<SessionInfo>(200, "the token")
            .problems(&[ProblemKind::TooManyRequests]),
        operation(Method::POST, "/v1/sessions/end", "session.close", "Ends the session of the token", close)
            .tenants()
            .nothing("the token is good no more"),
    ]
}

async fn open(State(api): State<Api>, request: Request) -> Result<Json<SessionInfo>, Problem> {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip());
    let JsonBody(body): JsonBody<SessionBody> = JsonBody::from_request(request, &()).await?;
    // Where nobody knows who calls, all are one.
    let from = from.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let hash = check(&api, from, &body).await?;
    let token = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    let now = api.now().wall;
    let until = now.after(LASTS);
    let session = Session {
        token: TokenDigest::of(&token).to_string(),
        person: body.user.clone(),
        password: digest_of(&hash),
        ends: until,
    };
    api.people().open_session(&session, now, MOST).await?;
    count("ok");
    Ok(Json(SessionInfo { token, user: body.user, expires: timestamp(until) }))
}

/// Checks a password, and gives the hash that it fits.
async fn check(api: &Api, from: IpAddr, body: &SessionBody) -> Result<String, Problem> {
    let in_force = api.control().in_force();
    let named = in_force.snapshot.rows.user.iter().find(|user| user.name.as_str() == body.user);
    let hash = named.filter(|user| user.enabled).and_then(hash_of).cloned();
    let sessions = api.sessions();
    let begun = sessions.lock_out.lock().begin(api.now().mono, from, body.user.as_bytes());
    let attempt = begun.map_err(|locked| {
        count("locked");
        let seconds = match locked {
            Locked::Until(until) => (until - api.now().mono).as_secs().max(1),
            Locked::Busy => 1,
        };
        let detail = "too many wrong passwords came from this address";
        Problem::new(ProblemKind::TooManyRequests, detail).retry_after(seconds)
    })?;
    let known = hash.is_some();
    let tried = match hash.clone() {
        Some(hash) => Ok(hash),
        None => NOBODYS.parse().map_err(|_| Problem::new(ProblemKind::Internal, "a hash of ours is none")),
    };
    let fits = match tried {
        Ok(tried) => sessions.hashing.matches(tried, body.password.as_bytes(), false).await,
        Err(problem) => {
            sessions.lock_out.lock().cancel(attempt);
            return Err(problem);
        }
    };
    let Ok(fits) = fits else {
        sessions.lock_out.lock().cancel(attempt);
        let detail = "as many passwords are looked at as may be";
        return Err(Problem::new(ProblemKind::Overloaded, detail).retry_after(1));
    };
    let right = fits && known;
    sessions.lock_out.lock().end(api.now().mono, attempt, right);
    match hash.filter(|_| right) {
        Some(hash) => Ok(hash.as_str().to_owned()),
        None => {
            count("wrong");
            Err(Problem::new(ProblemKind::Unauthenticated, "the user or the password is wrong"))
        }
    }
}

async fn close(State(api): State<Api>, _caller: Caller, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let secret = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    if let Some((_, secret)) = secret {
        api.people().close_session(&TokenDigest::of(secret.trim()).to_string()).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn count(result: &'static str) {
    metrics::counter!("api_logins_total", "result" => result).increment(1);
}
