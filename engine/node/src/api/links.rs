//! Links and accounts with their sessions, and switching them on and off.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signalbox_config::catalog::{Account, Link, Right, Webhook};
use signalbox_core::exchange::Command;
use signalbox_core::id::PeerId;
use signalbox_core::time::Micros;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, JsonBody, PathName, QueryOf, timestamp};
use super::operations::{Operation, RequestHeader, operation};
use super::page::{Page, PageQuery};
use super::problem::{Problem, ProblemKind};
use super::queue::{Changed, changed};
use super::rows::{ApiRow, etag, version_of};
use super::tenants::check_below;
use crate::links::Links;
use crate::links::settings::LinkSettings;
use crate::paces::Paces;

/// Who knows the sessions.
pub trait LinkStates: Send + Sync {
    /// Links and accounts with their sessions.
    fn states(&self) -> Vec<PeerState>;

    /// The settings of a link, where links run.
    fn link(&self, _name: &str) -> Option<Arc<LinkSettings>> {
        None
    }

    /// The rates of the accounts that sessions take from; asked for once.
    fn paces(&self) -> Arc<Paces> {
        Arc::default()
    }
}

/// A link or account with its sessions.
#[derive(Clone, Debug)]
pub struct PeerState {
    /// Which.
    pub peer: PeerId,
    /// Its name.
    pub name: String,
    /// False when it is switched off.
    pub enabled: bool,
    /// Sessions that should be up; zero where the peer decides.
    pub wanted: u32,
    /// Its sessions.
    pub sessions: Vec<SessionView>,
}

/// A session.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// Its name: link and number, or listener and number.
    pub name: String,
    /// `waiting`, `connecting`, `bound`, `draining` or `closed`.
    pub phase: String,
    /// Since when.
    #[serde(serialize_with = "instant")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Micros,
    /// The peer's address and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Over TLS.
    pub tls: bool,
    /// `transmitter`, `receiver` or `transceiver`, while bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The version agreed, while bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Requests of ours that may be without an answer.
    pub window: u32,
    /// Requests of ours without an answer.
    pub in_flight: u64,
    /// Requests sent.
    pub sent: u64,
    /// Requests received.
    pub received: u64,
    /// Why it ended the last time, or could not begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

fn instant<S: serde::Serializer>(at: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    timestamp(*at).serialize(serializer)
}

impl LinkStates for Links {
    fn link(&self, name: &str) -> Option<Arc<LinkSettings>> {
        Self::link(self, name)
    }

    fn paces(&self) -> Arc<Paces> {
        Self::paces(self)
    }

    fn states(&self) -> Vec<PeerState> {
        let states = Self::states(self).into_iter();
        states
            .map(|state| PeerState {
                peer: state.peer,
                name: state.name,
                enabled: state.enabled,
                wanted: state.wanted,
                sessions: state.sessions.into_iter().map(view).collect(),
            })
            .collect()
    }
}

fn view(session: crate::links::SessionState) -> SessionView {
    use crate::links::Phase;
    use signalbox_smpp::{BindMode, Version};
    let phase = match session.phase {
        Phase::Waiting => "waiting",
        Phase::Connecting => "connecting",
        Phase::Bound => "bound",
        Phase::Draining => "draining",
        Phase::Closed => "closed",
    };
    let mode = session.mode.map(|mode| match mode {
        BindMode::Transmitter => "transmitter",
        BindMode::Receiver => "receiver",
        BindMode::Transceiver => "transceiver",
    });
    let version = session.version.map(|version| {
        if version >= Version::V5_0 {
            "5.0"
        } else if version >= Version::V3_4 {
            "3.4"
        } else {
            "3.3"
        }
    });
    SessionView {
        name: session.name,
        phase: phase.to_owned(),
        since: session.since,
        remote: session.remote.map(|remote| remote.to_string()),
        tls: session.tls,
        mode: mode.map(str::to_owned),
        version: version.map(str::to_owned),
        window: session.window,
        in_flight: session.in_flight,
        sent: session.sent,
        received: session.received,
        last_error: session.last_error,
    }
}

/// A link or account as it is now.
#[derive(Debug, Serialize, ToSchema)]
struct StateInfo {
    /// `link` or `account`.
    kind: &'static str,
    /// Its name.
    name: String,
    /// Who an account belongs to, where its row says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    /// False when it is switched off.
    enabled: bool,
    /// Sessions that are bound.
    bound: usize,
    /// Sessions that should be; zero where the peer decides.
    wanted: u32,
    /// Its sessions.
    sessions: Vec<SessionView>,
}

/// Whether something is switched on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Enabled {
    /// True for on.
    enabled: bool,
}

/// Whether messages are sent.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Sending {
    /// True to send.
    sending: bool,
}

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = vec![
        operation(Method::GET, "/v1/peers", "peer.list", "Links and accounts with their sessions", list)
            .right(Right::LinksRead)
            .query::<PageQuery>()
            .page::<StateInfo>("links and accounts")
            .problems(&[ProblemKind::Invalid]),
        operation(
            Method::PUT,
            "/v1/links/{name}/sending",
            "link.sending",
            "Stops or goes on sending to a link until the node starts again; its sessions stay",
            set_sending,
        )
        .right(Right::LinksOperate)
        .body::<Sending>()
        .answer::<Changed>(200, "1 when that changed something")
        .problems(&[ProblemKind::NotFound]),
    ];
    operations.extend(switch::<Link>("/v1/links/{name}/enabled", "link.get_enabled", "link.set_enabled"));
    operations.extend(switch::<Account>(
        "/v1/accounts/{name}/enabled",
        "account.get_enabled",
        "account.set_enabled",
    ));
    operations.extend(switch::<Webhook>(
        "/v1/webhooks/{name}/enabled",
        "webhook.get_enabled",
        "webhook.set_enabled",
    ));
    operations
}

fn switch<R: Switch>(path: &'static str, get: &'static str, set: &'static str) -> [Operation; 2] {
    [
        operation(Method::GET, path, get, "Whether it is switched on", enabled::<R>)
            .right(Right::LinksRead)
            .tenants()
            .answer::<Enabled>(200, "whether it is switched on")
            .with("ETag")
            .problems(&[ProblemKind::NotFound]),
        operation(Method::PUT, path, set, "Switches it on or off, for good", set_enabled::<R>)
            .right(Right::LinksOperate)
            .tenants()
            .header(RequestHeader::IfMatch)
            .body::<Enabled>()
            .answer::<Enabled>(200, "whether it is switched on")
            .with("ETag")
            .problems(&[ProblemKind::NotFound, ProblemKind::VersionMismatch]),
    ]
}

/// Rows that can be switched on and off.
trait Switch: ApiRow {
    fn enabled(&self) -> bool;
    fn enabled_mut(&mut self) -> &mut bool;
}

macro_rules! switches {
    ($($row:ident),*) => {$(
        impl Switch for $row {
            fn enabled(&self) -> bool {
                self.enabled
            }
            fn enabled_mut(&mut self) -> &mut bool {
                &mut self.enabled
            }
        }
    )*};
}

switches!(Link, Account, Webhook);

async fn enabled<R: Switch>(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<(HeaderMap, Json<Enabled>), Problem> {
    check_below::<R>(&api, &caller, &name)?;
    let in_force = api.control().in_force();
    let row = R::rows(&in_force.snapshot.rows).iter().find(|row| row.name().as_str() == name);
    let row = row.ok_or_else(|| Problem::no(R::KIND.as_str(), &name))?;
    let version = version_of::<R>(&in_force.snapshot, &name);
    Ok((etag(version), Json(Enabled { enabled: row.enabled() })))
}

async fn set_enabled<R: Switch>(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<Enabled>,
) -> Result<(HeaderMap, Json<Enabled>), Problem> {
    check_below::<R>(&api, &caller, &name)?;
    let change = |row: &mut R| {
        *row.enabled_mut() = body.enabled;
        Ok(())
    };
    let version = api.change_row::<R>(&caller, &name, condition, change).await?;
    Ok((etag(version), Json(body)))
}

async fn set_sending(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    JsonBody(body): JsonBody<Sending>,
) -> Result<Json<Changed>, Problem> {
    caller.unscoped()?;
    let id = api.control().in_force().snapshot.ids.link(&name).ok_or_else(|| Problem::no("link", &name))?;
    api.record(&caller, "link.sending", json!({ "link": name, "sending": body.sending })).await?;
    changed(&api, Command::PeerEnabled { peer: PeerId::Link(id), enabled: body.sending }).await
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<StateInfo>>, Problem> {
    let states = api.0.links.states().into_iter();
    let in_force = api.control().in_force();
    let owner = |name: &str| {
        let row = in_force.snapshot.rows.account.iter().find(|row| row.name.as_str() == name)?;
        row.organization.as_ref().map(ToString::to_string)
    };
    let items = states
        .filter_map(|state| {
            let kind = match state.peer {
                PeerId::Link(_) if caller.account.is_none() => "link",
                PeerId::Account(id) if caller.sees(Some(id)) => "account",
                PeerId::Link(_) | PeerId::Account(_) | PeerId::Webhook(_) | PeerId::Dialog => return None,
            };
            Some(StateInfo {
                kind,
                organization: (kind == "account").then(|| owner(&state.name)).flatten(),
                name: state.name,
                enabled: state.enabled,
                bound: state.sessions.iter().filter(|session| session.phase == "bound").count(),
                wanted: state.wanted,
                sessions: state.sessions,
            })
        })
        .collect();
    // Links come before accounts, as they always did.
    let place = |one: &StateInfo| format!("{} {}", if one.kind == "link" { 0 } else { 1 }, one.name);
    Ok(Json(Page::of(&api, &query, items, place)?))
}
