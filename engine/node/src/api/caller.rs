//! Who asks: the token of a request, its rights and its account.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use signalbox_config::catalog::{Right, Token};
use signalbox_config::value::TokenDigest;
use signalbox_core::id::AccountId;

use super::Api;
use super::problem::{Problem, ProblemKind};

/// The token that a request came with.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its name, for the audit.
    pub token: String,
    /// What it lets do.
    rights: Vec<Right>,
    /// The account that it sends for and sees; `None` for all.
    pub account: Option<CallerAccount>,
}

/// The account of a token.
#[derive(Clone, Debug)]
pub struct CallerAccount {
    /// Its number.
    pub id: AccountId,
    /// Its name.
    pub name: String,
}

impl Caller {
    /// Whether it has a right.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }

    /// Whether it sees numbers whole.
    #[must_use]
    pub fn reveals(&self) -> bool {
        self.may(Right::MessagesReveal)
    }

    /// Refuses tokens of one account.
    ///
    /// # Errors
    /// When the token has an account.
    pub fn unscoped(&self) -> Result<(), Problem> {
        match &self.account {
            None => Ok(()),
            Some(account) => Err(Problem::new(
                ProblemKind::Forbidden,
                format!("the token is for the account `{}` alone", account.name),
            )),
        }
    }

    /// Whether the token sees what belongs to this account.
    #[must_use]
    pub fn sees(&self, account: Option<AccountId>) -> bool {
        self.account.as_ref().is_none_or(|own| Some(own.id) == account)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let none = || Problem::new(ProblemKind::Unauthenticated, "the request has no token");
        parts.extensions.get::<Self>().cloned().ok_or_else(none)
    }
}

/// What an operation asks of its callers; the state of [`authorize`].
#[derive(Clone)]
pub(super) struct Admission {
    pub api: Api,
    pub right: Option<Right>,
}

/// Lets a request pass when its token has the operation's right.
pub(super) async fn authorize(
    State(admission): State<Admission>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match admission.api.authenticate(request.headers()) {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    if let Some(right) = admission.right
        && !caller.may(right)
    {
        let detail = format!("the token `{}` lacks the right {right}", caller.token);
        return Problem::new(ProblemKind::Forbidden, detail).into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

impl Api {
    /// The caller by the bearer token of a request (RFC 6750 cl. 2.1).
    fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let unknown = |detail: &str| Problem::new(ProblemKind::Unauthenticated, detail);
        let header = headers.get(AUTHORIZATION).ok_or_else(|| unknown("the request has no token"))?;
        let text = header.to_str().map_err(|_| unknown("the authorization header is no text"))?;
        let (scheme, secret) = text.split_once(' ').ok_or_else(|| unknown("the scheme must be bearer"))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(unknown("the scheme must be bearer"));
        }
        // Digests are compared, so the time of a comparison says nothing about a token.
        let digest = TokenDigest::of(secret.trim());
        let in_force = self.control().in_force();
        let rows = &in_force.snapshot.rows;
        let token = rows.token.iter().find(|token| token.secret == digest);
        let Some(token) = token.filter(|token| token.enabled && !self.has_expired(token)) else {
            return Err(unknown("the token is unknown, switched off or out of date"));
        };
        let account = match &token.account {
            // It sees one enterprise alone, which operations cannot tell apart yet: better none than all.
            None if token.enterprise.is_some() => {
                return Err(unknown("tokens of enterprises are not served"));
            }
            None => None,
            Some(name) => {
                let known = in_force.snapshot.ids.account(name.as_str());
                let id = known.ok_or_else(|| unknown("the account of the token is gone"))?;
                Some(CallerAccount { id, name: name.to_string() })
            }
        };
        Ok(Caller { token: token.name.to_string(), rights: token.rights.clone(), account })
    }

    fn has_expired(&self, token: &Token) -> bool {
        token.expires.is_some_and(|expires| expires.as_microsecond() <= self.now().wall.0)
    }
}
