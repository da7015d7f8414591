//! Passes: a sub-campaign is sent to a contact list (CAM-04, MT-02, D12).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::{Right, SubCampaignKind};
use signalbox_dialog::{TakeBack, TakenBack};
use signalbox_people::{
    Attempted, ContactId, DeviceKind, ListId, Pass, PassChange, PassId, PassOrder, PassRate, PassState,
};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{JsonBody, PathName, QueryOf, micros, timestamp};
use super::operations::{Operation, operation};
use super::page::{Page, PageQuery, read_cursor};
use super::people::{AccountPage, id_of, tagged};
use super::problem::{Problem, ProblemKind};

/// Contacts that a pass begins in a second at most: what a node can do is below.
const FASTEST: f64 = 100_000.0;
/// A rate is kept in thousandths of a contact a second.
const MILLI: f64 = 1_000.0;

/// A pass as it is ordered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PassBody {
    /// The account; that of the token where it has one.
    account: Option<String>,
    /// The outbound sub-campaign.
    sub_campaign: String,
    /// The id of the contact list.
    list: String,
    /// Begins no contact before.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<jiff::Timestamp>,
    /// Begins no contact from then on.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<jiff::Timestamp>,
    /// Contacts that are begun in a second, from 0.001; without it as many as there is room for.
    rate: Option<f64>,
    /// Kinds of devices that are attempted, first first: `cell`, `home`, `work`, `other`. Without it the contact's own
    /// order.
    #[serde(default)]
    devices: Vec<String>,
}

/// A pass.
#[derive(Debug, Serialize, ToSchema)]
struct PassInfo {
    /// Its id.
    id: String,
    /// The account.
    account: String,
    /// The sub-campaign.
    sub_campaign: String,
    /// The contact list.
    list: String,
    /// `scheduled`, `running`, `paused`, `closing`, `done`, `cancelling` or `cancelled`.
    state: &'static str,
    /// Contacts a second; not there where there is room for as many as there is room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    /// Kinds of devices that are attempted, first first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<&'static str>,
    /// Begins no contact before.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<jiff::Timestamp>,
    /// Begins no contact from then on.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<jiff::Timestamp>,
    /// When it was ordered.
    #[schema(value_type = Option<String>, format = DateTime)]
    created: Option<jiff::Timestamp>,
    /// When each contact that was begun had its status.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<jiff::Timestamp>,
    /// How far it is.
    progress: Progress,
    /// What cancelling it took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_back: Option<TakenBackInfo>,
}

/// What had not left and was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TakenBackInfo {
    /// Contacts that were begun and of whose attempt something was taken back.
    contacts: u32,
    /// Their texts that were made already.
    texts: u32,
}

impl From<TakenBack> for TakenBackInfo {
    fn from(taken: TakenBack) -> Self {
        Self { contacts: taken.contacts, texts: taken.texts }
    }
}

/// How far a pass is. Each contact that was begun is in one of `waiting`, `deferred`, `sent` and the statuses.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Progress {
    /// Contacts in the list.
    total: i64,
    /// Contacts that were taken from it.
    begun: i64,
    /// Their instructions run, or their texts wait for a link.
    waiting: i64,
    /// Their texts wait for the end of quiet hours, or for what else the send gate says.
    deferred: i64,
    /// A peer has their texts, and their end is not known.
    sent: i64,
    /// Every text reached its device.
    delivered: i64,
    /// Nobody said how a text ended.
    unknown: i64,
    /// A text failed, or the script did.
    failed: i64,
    /// A text was not attempted.
    filtered: i64,
    /// The script wanted no text.
    no_text: i64,
    /// `failed` and `filtered` by their reasons.
    reasons: BTreeMap<String, i64>,
    /// Contacts whose device answered.
    replied: i64,
    /// Contacts whose device is a tester's: they are in none of these but `begun` and `done`.
    test: i64,
    /// Contacts that have their status.
    done: i64,
}

/// A contact of a pass.
#[derive(Debug, Serialize, ToSchema)]
struct AttemptInfo {
    /// The contact.
    contact: String,
    /// `begun`, or the completion status: `delivered`, `unknown`, `failed`, `filtered`, `no_text`; `test` where
    /// the device is a tester's.
    status: String,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// Its device answered.
    replied: bool,
    /// When it was begun, then when it had its status.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<jiff::Timestamp>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(Method::GET, "/v1/passes", "pass.list", "Passes of an account, newest first", list)
            .right(Right::MessagesRead)
            .tenants()
            .query::<AccountPage>()
            .page::<PassInfo>("passes")
            .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        operation(
            Method::POST,
            "/v1/passes",
            "pass.create",
            "Sends a sub-campaign to a contact list",
            create,
        )
        .right(Right::MessagesSend)
        .tenants()
        .once()
        .body::<PassBody>()
        .answer::<PassInfo>(201, "the pass; it begins at once, or when its time comes")
        .with("ETag")
        .with("Location")
        .problems(&[ProblemKind::NotFound, ProblemKind::BrokenReference]),
        operation(Method::GET, "/v1/passes/{id}", "pass.get", "A pass and how far it is", get)
            .right(Right::MessagesRead)
            .tenants()
            .answer::<PassInfo>(200, "the pass")
            .with("ETag")
            .problems(&[ProblemKind::NotFound]),
        operation(
            Method::GET,
            "/v1/passes/{id}/contacts",
            "pass.contacts",
            "Contacts of a pass and their completion status",
            contacts,
        )
        .right(Right::MessagesRead)
        .tenants()
        .query::<PageQuery>()
        .page::<AttemptInfo>("contacts that were begun, by id")
        .problems(&[ProblemKind::NotFound]),
        changes(operation(
            Method::POST,
            "/v1/passes/{id}/pause",
            "pass.pause",
            "Has a pass begin no contacts for the time being",
            pause,
        )),
        changes(operation(
            Method::POST,
            "/v1/passes/{id}/resume",
            "pass.resume",
            "Has a paused pass go on",
            resume,
        )),
        changes(operation(
            Method::POST,
            "/v1/passes/{id}/cancel",
            "pass.cancel",
            "Has a pass begin no more contacts, and takes back their texts that have not left",
            cancel,
        ))
        .problems(&[ProblemKind::NotAcceptedNow]),
    ]
}

/// What all changes of a pass have in common.
fn changes(operation: Operation) -> Operation {
    operation
        .right(Right::MessagesSend)
        .tenants()
        .answer::<PassInfo>(200, "the pass as it is now")
        .with("ETag")
        .problems(&[ProblemKind::NotFound, ProblemKind::TooLate])
}

async fn create(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<PassBody>,
) -> Result<Response, Problem> {
    let account = api.account_asked(&caller, body.account.as_deref())?;
    let in_force = api.control().in_force();
    let row = in_force.snapshot.rows.sub_campaign.iter().find(|row| row.name.as_str() == body.sub_campaign);
    let row = row.filter(|row| in_force.snapshot.ids.account(row.account.as_str()) == Some(account));
    let row = row.ok_or_else(|| Problem::no("sub-campaign", &body.sub_campaign))?;
    if row.kind != SubCampaignKind::Outbound {
        return Err(Problem::field("sub_campaign", "is inbound: it begins with messages of devices"));
    }
    let order = PassOrder {
        sub_campaign: body.sub_campaign,
        list: id_of::<ListId>("list", &body.list)?,
        rate: rate_of(body.rate)?,
        kinds: body.devices.iter().map(|kind| kind_of(kind)).collect::<Result<_, _>>()?,
        starts: body.starts_at.map(micros),
        ends: body.ends_at.map(micros),
    };
    let pass = api.people().create_pass(&api.scope(&caller), account, order, api.now().wall).await?;
    api.starts().passes_changed();
    let place = format!("/v1/passes/{}", pass.id);
    let version = pass.version;
    Ok(tagged(StatusCode::CREATED, version, Some(place), show(&api, pass).await?))
}

fn rate_of(written: Option<f64>) -> Result<PassRate, Problem> {
    let Some(rate) = written else { return Ok(PassRate::Auto) };
    if !(1.0 / MILLI..=FASTEST).contains(&rate) {
        return Err(Problem::field("rate", format!("must be from 0.001 to {FASTEST}")));
    }
    // Within the bounds above, so that nothing is cut off.
    Ok(PassRate::Fixed((rate * MILLI).round() as u64))
}

fn kind_of(written: &str) -> Result<DeviceKind, Problem> {
    match written.parse() {
        Ok(kind @ (DeviceKind::Cell | DeviceKind::Home | DeviceKind::Work | DeviceKind::Other)) => Ok(kind),
        Ok(DeviceKind::Email) | Err(_) => {
            Err(Problem::field("devices", "must be of cell, home, work and other: a text goes to a number"))
        }
    }
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<AccountPage>,
) -> Result<Json<Page<PassInfo>>, Problem> {
    let account = api.account_asked(&caller, query.account.as_deref())?;
    let limit = api.page_limit(query.limit)?;
    let before: Option<PassId> = read_cursor(query.cursor.as_deref())?;
    let found = api.people().passes(&api.scope(&caller), account, before, limit + 1).await?;
    let mut shown = Vec::with_capacity(found.len());
    for pass in found {
        shown.push(show(&api, pass).await?);
    }
    Ok(Json(Page::cut(shown, limit, |last: &PassInfo| last.id.clone())))
}

async fn get(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
) -> Result<Response, Problem> {
    let found = api.people().pass(&api.scope(&caller), id_of("pass", &written)?).await?;
    let pass = found.ok_or_else(|| Problem::no("pass", &written))?;
    let version = pass.version;
    Ok(tagged(StatusCode::OK, version, None, show(&api, pass).await?))
}

async fn contacts(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<AttemptInfo>>, Problem> {
    let limit = api.page_limit(query.limit)?;
    let after: Option<ContactId> = read_cursor(query.cursor.as_deref())?;
    let id = id_of("pass", &written)?;
    let found = api.people().attempts_of_pass(&api.scope(&caller), id, after, limit + 1).await?;
    let shown = found.into_iter().map(show_attempt).collect();
    Ok(Json(Page::cut(shown, limit, |last: &AttemptInfo| last.contact.clone())))
}

async fn pause(api: State<Api>, caller: Caller, id: PathName) -> Result<Response, Problem> {
    change(api, caller, id, PassChange::Pause).await
}

async fn resume(api: State<Api>, caller: Caller, id: PathName) -> Result<Response, Problem> {
    change(api, caller, id, PassChange::Resume).await
}

async fn cancel(api: State<Api>, caller: Caller, id: PathName) -> Result<Response, Problem> {
    change(api, caller, id, PassChange::Cancel).await
}

async fn change(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    change: PassChange,
) -> Result<Response, Problem> {
    let id = id_of("pass", &written)?;
    let pass = api.people().change_pass(&api.scope(&caller), id, change).await?;
    let taken_back = match change {
        // Before who runs it looks, so that all of it is counted here.
        PassChange::Cancel => {
            let of = TakeBack::Pass(u64::try_from(pass.id.0).unwrap_or_default());
            let taken = api.starts().take_back(api.gateway().spine(), of).await;
            api.starts().passes_changed();
            Some(TakenBackInfo::from(taken?))
        }
        PassChange::Pause | PassChange::Resume => {
            api.starts().passes_changed();
            None
        }
    };
    let version = pass.version;
    let info = PassInfo { taken_back, ..show(&api, pass).await? };
    Ok(tagged(StatusCode::OK, version, None, info))
}

fn show_attempt(attempted: Attempted) -> AttemptInfo {
    let (status, reason) = attempted.end.unwrap_or_else(|| ("begun".to_owned(), String::new()));
    AttemptInfo {
        contact: attempted.contact.to_string(),
        status,
        reason,
        replied: attempted.replied,
        at: timestamp(attempted.at),
    }
}

async fn show(api: &Api, pass: Pass) -> Result<PassInfo, Problem> {
    let progress = progress(api, &pass).await?;
    let scheduled = pass.order.starts.is_some_and(|starts| api.now().wall < starts);
    let state = match pass.state {
        PassState::Running if scheduled => "scheduled",
        state => state.as_str(),
    };
    let rate = match pass.order.rate {
        PassRate::Fixed(milli) => Some(milli as f64 / MILLI),
        PassRate::Auto => None,
    };
    Ok(PassInfo {
        id: pass.id.to_string(),
        account: api.account_called(pass.account),
        sub_campaign: pass.order.sub_campaign,
        list: pass.order.list.to_string(),
        state,
        rate,
        devices: pass.order.kinds.iter().map(|kind| kind.as_str()).collect(),
        starts_at: pass.order.starts.and_then(timestamp),
        ends_at: pass.order.ends.and_then(timestamp),
        created: timestamp(pass.created),
        ended: pass.ended.and_then(timestamp),
        progress,
        taken_back: None,
    })
}

async fn progress(api: &Api, pass: &Pass) -> Result<Progress, Problem> {
    let list = api.people().list(&signalbox_people::Scope::All, pass.order.list).await?;
    let load = api.starts().load_now(u64::try_from(pass.id.0).unwrap_or_default());
    let mut progress = Progress {
        // A list that was deleted after the pass was over has no members to be counted.
        total: list.map_or(pass.begun, |list| list.members),
        begun: pass.begun,
        waiting: load.waiting.into(),
        deferred: load.deferred.into(),
        sent: load.out.into(),
        replied: pass.replied,
        ..Progress::default()
    };
    for tally in api.people().tally_of_pass(pass.id).await? {
        let counted = match tally.status.as_str() {
            "delivered" => &mut progress.delivered,
            "unknown" => &mut progress.unknown,
            "failed" => &mut progress.failed,
            "no_text" => &mut progress.no_text,
            "test" => {
                progress.test += tally.contacts;
                progress.done += tally.contacts;
                continue;
            }
            _ => &mut progress.filtered,
        };
        *counted += tally.contacts;
        progress.done += tally.contacts;
        if !tally.reason.is_empty() {
            *progress.reasons.entry(tally.reason).or_default() += tally.contacts;
        }
    }
    Ok(progress)
}
