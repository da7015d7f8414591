//! Sub-campaigns beside their rows: their life, step by step (MQ-29), and what their conversations came to (API-15).

mod results;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::{Right, RowKind, SubCampaign, SubCampaignState};
use signalbox_core::backend::Kind;
use signalbox_dialog::{Standing, TakeBack};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, JsonBody, PathName};
use super::operations::{Operation, RequestHeader, operation};
use super::passes::TakenBackInfo;
use super::problem::{Problem, ProblemKind};
use super::rows::{View, etag, find, version_of};

/// Where a sub-campaign is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveBody {
    /// The state, by its name in the row.
    state: String,
    /// With `ended` and `cancelled`: takes back first messages that have not left, of all passes and of none.
    #[serde(default)]
    take_back: bool,
}

/// Where a sub-campaign stands.
#[derive(Debug, Serialize, ToSchema)]
struct SubCampaignLife {
    /// Its state.
    state: &'static str,
    /// The states that it may come to next.
    next: Vec<&'static str>,
    /// What a device meets now that is no tester's: `open`, `not_started`, `paused` or `ended`. What is scheduled is open
    /// from its first instant on, and nothing that runs is after its last.
    standing: &'static str,
    /// What was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_back: Option<TakenBackInfo>,
}

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = vec![
        operation(
            Method::POST,
            "/v1/sub-campaigns/{name}/move",
            "sub_campaign.move",
            "Takes a sub-campaign a step further in its life",
            advance,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .header(RequestHeader::IfMatch)
        .body::<MoveBody>()
        .answer::<SubCampaignLife>(200, "where it stands now")
        .with("ETag")
        .problems(&[
            ProblemKind::NotFound,
            ProblemKind::VersionMismatch,
            ProblemKind::BrokenReference,
            ProblemKind::NotAcceptedNow,
        ]),
        operation(
            Method::GET,
            "/v1/sub-campaigns/{name}/life",
            "sub_campaign.life",
            "Where a sub-campaign stands, and where it may go",
            life,
        )
        .right(Right::CatalogRead)
        .tenants()
        .answer::<SubCampaignLife>(200, "where it stands")
        .with("ETag")
        .problems(&[ProblemKind::NotFound]),
    ];
    operations.extend(results::operations());
    operations
}

/// A sub-campaign that the caller owns.
fn owned(api: &Api, caller: &Caller, name: &str) -> Result<SubCampaign, Problem> {
    let in_force = api.control().in_force();
    let view = View::of(caller, &in_force.snapshot);
    let row = find::<SubCampaign>(&in_force.snapshot, name).filter(|row| view.owns(*row));
    row.cloned().ok_or_else(|| Problem::no(RowKind::SubCampaign.as_str(), name))
}

async fn advance(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<MoveBody>,
) -> Result<Response, Problem> {
    let row = owned(&api, &caller, &name)?;
    let named = |state: &&SubCampaignState| state.as_str() == body.state;
    let state = SubCampaignState::ALL.iter().find(named).copied();
    let state = state.ok_or_else(|| {
        let all: Vec<&str> = SubCampaignState::ALL.iter().map(|state| state.as_str()).collect();
        Problem::field("state", format!("must be one of {}", all.join(", ")))
    })?;
    if body.take_back && !matches!(state, SubCampaignState::Ended | SubCampaignState::Cancelled) {
        return Err(Problem::field(
            "take_back",
            "goes with `ended` and `cancelled`: what is paused goes on later",
        ));
    }
    let change = |row: &mut SubCampaign| {
        if !row.state.leads_to().contains(&state) {
            let next: Vec<&str> = row.state.leads_to().iter().map(|state| state.as_str()).collect();
            let problem = match next.is_empty() {
                true => format!("nothing comes after {}", row.state),
                false => format!("goes from {} to {}, not to {state}", row.state, next.join(", ")),
            };
            return Err(Problem::field("state", problem));
        }
        if state == SubCampaignState::Scheduled && row.from.is_none() {
            return Err(Problem::field("state", "scheduled needs `from`, the instant at which it begins"));
        }
        row.state = state;
        Ok(())
    };
    // Who got no answer the first time has the rest taken back.
    let again = body.take_back && row.state == state;
    if !again {
        api.change_row::<SubCampaign>(&caller, &name, condition, change).await?;
    }
    let mut taken_back = None;
    if body.take_back {
        let id = api.control().in_force().snapshot.ids.of(Kind::SubCampaign, &name).unwrap_or_default();
        let taken = api.starts().take_back(api.gateway().spine(), TakeBack::SubCampaign(id)).await?;
        taken_back = Some(taken.into());
    }
    answer(&api, &caller, &name, taken_back)
}

async fn life(State(api): State<Api>, caller: Caller, PathName(name): PathName) -> Result<Response, Problem> {
    answer(&api, &caller, &name, None)
}

fn answer(
    api: &Api,
    caller: &Caller,
    name: &str,
    taken_back: Option<TakenBackInfo>,
) -> Result<Response, Problem> {
    let row = owned(api, caller, name)?;
    let in_force = api.control().in_force();
    let id = in_force.snapshot.ids.of(Kind::SubCampaign, name);
    let rule = id.and_then(|id| in_force.dialog.rules.sub_campaign(id));
    // One whose account is suspended is not in force.
    let standing = rule.map_or(Standing::Paused, |rule| rule.standing(api.now().wall, false));
    let life = SubCampaignLife {
        state: row.state.as_str(),
        next: row.state.leads_to().iter().map(|state| state.as_str()).collect(),
        standing: match standing {
            Standing::Open => "open",
            Standing::NotStarted => "not_started",
            Standing::Paused => "paused",
            Standing::Ended => "ended",
        },
        taken_back,
    };
    let version = version_of::<SubCampaign>(&in_force.snapshot, name);
    Ok((etag(version), Json(life)).into_response())
}
