//! What who is above may do with who is below: suspend (MQ-19, MQ-31).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::{
    Account, Enterprise, Owner, Right, Row, RowKind, SubCampaign, SubCampaignState,
};
use signalbox_core::id::AccountId;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, JsonBody, PathName};
use super::operations::{Operation, RequestHeader, operation};
use super::problem::{Problem, ProblemKind};
use super::rows::{View, etag, find, version_of};

/// Whether an enterprise is suspended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Suspended {
    /// Nothing of it and of all below it is accepted or leaves.
    suspended: bool,
}

/// What an account has of what it may have.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Usage {
    /// Contacts that it holds.
    contacts: Used,
    /// Its running sub-campaigns.
    running: Used,
}

/// How much there is, and how much there may be.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Used {
    /// So many there are.
    used: u64,
    /// So many there may be; no bound where it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
}

const PATH: &str = "/v1/enterprises/{name}/suspended";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(Method::GET, PATH, "enterprise.suspended", "Whether it is suspended itself", suspended)
            .right(Right::LinksRead)
            .tenants()
            .answer::<Suspended>(200, "whether it is suspended")
            .with("ETag")
            .problems(&[ProblemKind::NotFound]),
        operation(
            Method::PUT,
            PATH,
            "enterprise.suspend",
            "Suspends it and all below it, or ends that",
            set_suspended,
        )
        .right(Right::LinksOperate)
        .tenants()
        .header(RequestHeader::IfMatch)
        .body::<Suspended>()
        .answer::<Suspended>(200, "whether it is suspended")
        .with("ETag")
        .problems(&[ProblemKind::NotFound, ProblemKind::VersionMismatch]),
        operation(
            Method::GET,
            "/v1/accounts/{name}/usage",
            "account.usage",
            "What an account has of what its quotas let it have",
            usage,
        )
        .right(Right::CatalogRead)
        .tenants()
        .answer::<Usage>(200, "how much there is, and may be")
        .problems(&[ProblemKind::NotFound]),
    ]
}

async fn usage(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<Json<Usage>, Problem> {
    let in_force = api.control().in_force();
    let view = View::of(&caller, &in_force.snapshot);
    let row = find::<Account>(&in_force.snapshot, &name).filter(|row| view.owns(*row));
    let row = row.ok_or_else(|| Problem::no(RowKind::Account.as_str(), &name))?;
    let id = in_force.snapshot.ids.account(&name).ok_or_else(|| Problem::no("account", &name))?;
    let runs = |sub: &&SubCampaign| sub.account == row.name && sub.state == SubCampaignState::Running;
    let running = in_force.snapshot.rows.sub_campaign.iter().filter(runs).count();
    let limit = |count: Option<u64>, used: u64| Used { used, limit: count };
    Ok(Json(Usage {
        contacts: limit(api.contacts_of(id), api.people().contacts_held(id).await?),
        running: limit(row.quotas.running.map(|most| most.get()), u64::try_from(running).unwrap_or(u64::MAX)),
    }))
}

impl Api {
    /// How many contacts an account may hold (MQ-32); `None` without a bound.
    pub(super) fn contacts_of(&self, account: AccountId) -> Option<u64> {
        let in_force = self.control().in_force();
        let name = self.account_called(account);
        let row = find::<Account>(&in_force.snapshot, &name)?;
        row.quotas.contacts.map(|most| most.get())
    }
}

async fn suspended(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<(HeaderMap, Json<Suspended>), Problem> {
    check_below::<Enterprise>(&api, &caller, &name)?;
    let in_force = api.control().in_force();
    let row = find::<Enterprise>(&in_force.snapshot, &name);
    let row = row.ok_or_else(|| Problem::no(RowKind::Enterprise.as_str(), &name))?;
    let version = version_of::<Enterprise>(&in_force.snapshot, &name);
    Ok((etag(version), Json(Suspended { suspended: row.suspended })))
}

async fn set_suspended(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<Suspended>,
) -> Result<(HeaderMap, Json<Suspended>), Problem> {
    check_below::<Enterprise>(&api, &caller, &name)?;
    let change = |row: &mut Enterprise| {
        row.suspended = body.suspended;
        Ok(())
    };
    let version = api.change_row::<Enterprise>(&caller, &name, condition, change).await?;
    Ok((etag(version), Json(body)))
}

/// Refuses who is not above a row: who sees everything is above all, an account and an enterprise are above the
/// accounts and enterprises below them, and nobody is above himself.
///
/// # Errors
/// When the row is not there for the caller, or is his own.
pub(super) fn check_below<R: Row>(api: &Api, caller: &Caller, name: &str) -> Result<(), Problem> {
    if caller.scope() == Owner::Platform {
        return Ok(());
    }
    match R::KIND {
        RowKind::Account | RowKind::Enterprise => {}
        // Only organisations are below each other.
        _ => return caller.unscoped(),
    }
    let in_force = api.control().in_force();
    let view = View::of(caller, &in_force.snapshot);
    let row = find::<R>(&in_force.snapshot, name).filter(|row| view.owns(*row));
    let row = row.ok_or_else(|| Problem::no(R::KIND.as_str(), name))?;
    if row.owner() == caller.scope() { caller.unscoped() } else { Ok(()) }
}
