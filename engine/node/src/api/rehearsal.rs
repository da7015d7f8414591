//! `POST /v1/scripts/{name}/versions/{version}/try`: a rehearsal of a version of a script or flow (MQ-10).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::{
    Right, RowKind, Script, ScriptKind, ScriptVersion, SubCampaign as SubCampaignRow,
    SubCampaignKind as KindRow,
};
use signalbox_core::backend::Kind;
use signalbox_core::id::AccountId;
use signalbox_flow::Flow;
use signalbox_invocation::{
    Account, Channel, Contact, Conversation, Device, Entry, Invocation, InvocationId, SubCampaign,
    SubCampaignKind, Version,
};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{JsonBody, PathPair};
use super::operations::{Operation, operation};
use super::problem::{FieldError, Problem, ProblemKind};
use super::rows::{View, find};
use crate::catalog::Snapshot;
use crate::dialog::Source;
use crate::scripts::{Happening, MAX_HAPPENINGS, Rehearsal, Rehearsed, TriedContact, TriedDevice};

/// With whom and how a version is rehearsed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RehearsalBody {
    /// What happens, in order; at most 50.
    happenings: Vec<Happening>,
    /// A contact that is made up.
    #[serde(default)]
    contact: Option<TriedContact>,
    /// The client id of a contact of the script's account; not with `contact`. Its first device is the device, unless
    /// one is given.
    #[serde(default)]
    client_id: Option<String>,
    /// A device that is made up.
    #[serde(default)]
    device: Option<TriedDevice>,
    /// The sub-campaign that it is for; none when it is not given.
    #[serde(default)]
    sub_campaign: Option<String>,
    /// Our address, as instructions see it.
    #[serde(default)]
    source_address: Option<String>,
    /// When it begins; now when it is not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<jiff::Timestamp>,
    /// What random numbers are made from: the same seed, the same numbers.
    #[serde(default)]
    seed: u64,
}

/// What came of a rehearsal.
#[derive(Debug, Serialize, ToSchema)]
struct RehearsalInfo {
    /// What came of each thing that happened. One that fails leaves nothing, and the next goes on from before it.
    runs: Vec<Rehearsed>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::POST,
            "/v1/scripts/{name}/versions/{version}/try",
            "script.try",
            "Shows what a version would do, message by message; nothing is sent or stored",
            rehearse,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .body::<RehearsalBody>()
        .answer::<RehearsalInfo>(200, "what would be done")
        .problems(&[ProblemKind::NotFound]),
    ]
}

async fn rehearse(
    State(api): State<Api>,
    caller: Caller,
    PathPair(name, number): PathPair,
    JsonBody(body): JsonBody<RehearsalBody>,
) -> Result<Json<RehearsalInfo>, Problem> {
    if body.happenings.len() > MAX_HAPPENINGS {
        let problem = format!("{} happenings, the limit is {MAX_HAPPENINGS}", body.happenings.len());
        return Err(Problem::field("happenings", problem));
    }
    let in_force = api.control().in_force();
    let snapshot = &in_force.snapshot;
    let view = View::of(&caller, snapshot);
    let script = find::<Script>(snapshot, &name).filter(|row| view.owns(*row));
    let script = script.ok_or_else(|| Problem::no(RowKind::Script.as_str(), &name))?;
    let version = find::<ScriptVersion>(snapshot, &format!("{name}.{number}"));
    let version = version.ok_or_else(|| Problem::no(RowKind::ScriptVersion.as_str(), &number))?;
    let source = source(script, version).await?;
    let account = snapshot.ids.account(script.account.as_str());
    // A script of an account that is not there is refused by the references.
    let account = account.ok_or_else(|| Problem::no(RowKind::Account.as_str(), script.account.as_str()))?;
    let (contact, device) = api.tried(&caller, account, &body).await?;
    let sub_campaign = sub_campaign(snapshot, &view, body.sub_campaign.as_deref())?;
    let given = Invocation {
        id: InvocationId(rand::random()),
        version: Version {
            account: account.0,
            script: snapshot.ids.of(Kind::Script, &name).unwrap_or_default(),
            version: version.version.as_u32(),
        },
        entry: Entry::Begin,
        now: body.at.map_or(api.now().wall.0, jiff::Timestamp::as_microsecond),
        seed: body.seed,
        test: true,
        account: Account { name: script.account.to_string(), channels: vec![Channel::Text] },
        contact,
        device,
        conversation: Conversation {
            source_address: body.source_address.unwrap_or_default(),
            ..Conversation::default()
        },
        sub_campaign,
        call_pass: None,
        attempt: None,
        stored: [].into(),
        answer: None,
        timed_out: false,
    };
    let rules = &in_force.dialog.rules;
    let words = rules.words_of.get(&account.0).map_or_else(|| rules.words.clone(), |words| (**words).clone());
    let mut rehearsal = Rehearsal::new(source, given, words, rules.limits.outcome);
    let mut runs = Vec::with_capacity(body.happenings.len());
    for happening in &body.happenings {
        runs.push(rehearsal.happen(happening, Some(api.scripts())).await);
    }
    Ok(Json(RehearsalInfo { runs }))
}

/// The instructions of a version, a draft too.
async fn source(script: &Script, version: &ScriptVersion) -> Result<Source, Problem> {
    let body = version.body.shared();
    match script.kind {
        ScriptKind::Javascript => Ok(Source::JavaScript(body)),
        ScriptKind::Flow => {
            let read = tokio::task::spawn_blocking(move || Flow::read(&body)).await;
            let read = read.map_err(|error| super::problem::internal(&error))?;
            read.map(|flow| Source::Flow(Arc::new(flow))).map_err(|problems| {
                let errors = problems.0.into_iter().map(|problem| FieldError {
                    field: format!("body.{}", problem.path).trim_end_matches('.').to_owned(),
                    line: Some(problem.line),
                    column: Some(problem.column),
                    problem: problem.message,
                });
                Problem::fields(errors.collect())
            })
        }
    }
}

fn sub_campaign(snapshot: &Snapshot, view: &View<'_>, name: Option<&str>) -> Result<SubCampaign, Problem> {
    let Some(name) = name else {
        let (name, campaign) = ("test".to_owned(), String::new());
        return Ok(SubCampaign { id: 0, name, campaign, kind: SubCampaignKind::Outbound });
    };
    let row = find::<SubCampaignRow>(snapshot, name).filter(|row| view.owns(*row));
    let row = row.ok_or_else(|| Problem::no(RowKind::SubCampaign.as_str(), name))?;
    Ok(SubCampaign {
        id: snapshot.ids.of(Kind::SubCampaign, name).unwrap_or_default(),
        name: row.name.to_string(),
        campaign: row.campaign.as_ref().map(ToString::to_string).unwrap_or_default(),
        kind: match row.kind {
            KindRow::Inbound => SubCampaignKind::Inbound,
            KindRow::Outbound => SubCampaignKind::Outbound,
        },
    })
}

impl Api {
    /// The contact and device of a rehearsal.
    async fn tried(
        &self,
        caller: &Caller,
        account: AccountId,
        body: &RehearsalBody,
    ) -> Result<(Contact, Device), Problem> {
        let Some(client_id) = &body.client_id else {
            let device = Device::from(body.device.clone().unwrap_or_default());
            return Ok((body.contact.clone().unwrap_or_default().with(&device), device));
        };
        if body.contact.is_some() {
            return Err(Problem::field("contact", "cannot be given beside client_id"));
        }
        if !caller.may(Right::ContactsRead) {
            let detail = format!("the token `{}` lacks the right {}", caller.token, Right::ContactsRead);
            return Err(Problem::new(ProblemKind::Forbidden, detail));
        }
        let found = self.people().contact_by_client_id(&self.scope(caller), account, client_id).await?;
        let found = found.ok_or_else(|| Problem::no("contact", client_id))?;
        let contact = crate::instructions::given(found);
        let first = || contact.devices.first().cloned().unwrap_or_default();
        let device = body.device.clone().map_or_else(first, Device::from);
        Ok((contact, device))
    }
}
