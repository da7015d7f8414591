//! Who asks: the token of a request, its rights and its account.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use signalbox_config::catalog::{Owner, Right, Token};
use signalbox_config::value::{Name, TokenDigest};
use signalbox_core::id::AccountId;

use super::Api;
use super::problem::{Problem, ProblemKind};
use super::sessions;

/// The token that a request came with.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its name, for the audit; `user:` and their name for who has logged in.
    pub token: String,
    /// Whose it is (ACC-08).
    pub user: Option<String>,
    /// What it lets do.
    rights: Vec<Right>,
    /// The account that it sends for and sees; `None` for all.
    pub account: Option<CallerAccount>,
    /// The account or enterprise whose rows it sees; all when it is `None`.
    scope: Option<Scope>,
}

/// What the rows that a token sees are below.
#[derive(Clone, Debug)]
enum Scope {
    Account(Name),
    Enterprise(Name),
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

    /// Who answers devices in history and ledger: the person whose token it is, else the token itself.
    #[must_use]
    pub fn agent(&self) -> &str {
        self.user.as_deref().unwrap_or(&self.token)
    }

    /// Refuses tokens of one account or one enterprise.
    ///
    /// # Errors
    /// When the token has one.
    pub fn unscoped(&self) -> Result<(), Problem> {
        let (kind, name) = match &self.scope {
            None => return Ok(()),
            Some(Scope::Account(name)) => ("account", name),
            Some(Scope::Enterprise(name)) => ("enterprise", name),
        };
        let detail = format!("the token is for the {kind} `{name}` alone");
        Err(Problem::new(ProblemKind::Forbidden, detail))
    }

    /// What the rows that it sees belong to, or are below (MQ-31).
    #[must_use]
    pub fn scope(&self) -> Owner<'_> {
        match &self.scope {
            None => Owner::Platform,
            Some(Scope::Account(name)) => Owner::Account(name),
            Some(Scope::Enterprise(name)) => Owner::Enterprise(name),
        }
    }

    /// Its enterprise, where it is for one.
    #[must_use]
    pub fn enterprise(&self) -> Option<&Name> {
        match &self.scope {
            Some(Scope::Enterprise(name)) => Some(name),
            None | Some(Scope::Account(_)) => None,
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
    /// It tells the rows of enterprises apart.
    pub tenants: bool,
}

/// Lets a request pass when its token has the operation's right.
pub(super) async fn authorize(
    State(admission): State<Admission>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match admission.api.authenticate(request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    if let Some(right) = admission.right
        && !caller.may(right)
    {
        let detail = format!("the token `{}` lacks the right {right}", caller.token);
        return Problem::new(ProblemKind::Forbidden, detail).into_response();
    }
    // What knows accounts alone would take it for a token that sees all of them.
    if caller.enterprise().is_some()
        && !admission.tenants
        && let Err(problem) = caller.unscoped()
    {
        return problem.into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

impl Api {
    /// The caller by the bearer token of a request (RFC 6750 cl. 2.1).
    pub(super) async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
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
        let gone = || unknown("the token is unknown, switched off or out of date");
        let person = |name: &str| rows.user.iter().find(|user| user.enabled && user.name.as_str() == name);
        let (name, rights, user) = match token {
            Some(token) if !token.enabled || self.has_expired(token) => return Err(gone()),
            Some(token) => match &token.user {
                None => (token.name.to_string(), token.rights.clone(), None),
                Some(user) => {
                    let user = person(user.as_str()).ok_or_else(gone)?;
                    // It lets do what both allow.
                    let both = token.rights.iter().filter(|right| user.rights.contains(right));
                    (token.name.to_string(), both.copied().collect(), Some(user))
                }
            },
            None => {
                let found = self.people().session(&digest.to_string(), self.now().wall).await?;
                let session = found.ok_or_else(gone)?;
                let user = person(&session.person).filter(|user| sessions::is_of(&session, user));
                let user = user.ok_or_else(gone)?;
                (format!("user:{}", user.name), user.rights.clone(), Some(user))
            }
        };
        let (account, enterprise) = match (user, token) {
            (Some(user), _) => (&user.account, &user.enterprise),
            (None, Some(token)) => (&token.account, &token.enterprise),
            (None, None) => return Err(gone()),
        };
        let of_account = account.clone().map(Scope::Account);
        let scope = of_account.or_else(|| enterprise.clone().map(Scope::Enterprise));
        let account = match account {
            None => None,
            Some(name) => {
                let known = in_force.snapshot.ids.account(name.as_str());
                let id = known.ok_or_else(|| unknown("the account of the token is gone"))?;
                Some(CallerAccount { id, name: name.to_string() })
            }
        };
        Ok(Caller { token: name, user: user.map(|user| user.name.to_string()), rights, account, scope })
    }

    fn has_expired(&self, token: &Token) -> bool {
        token.expires.is_some_and(|expires| expires.as_microsecond() <= self.now().wall.0)
    }
}
