//! Rows of the catalog: read, write, remove, with ETags.

mod change;
mod granted;

pub(super) use change::{check_change, check_references, frozen};

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use signalbox_config::catalog::{
    Account, AgentQueue, Approval, Campaign, Carrier, CounterPolicy, DncList, Enterprise, Jurisdiction,
    Keyword, Link, Owner, Participation, Program, Right, Route, Row, RowKind, Script, ScriptVersion,
    SourceAddress, SubCampaign, Template, Tenancy, Tester, Token, User, WebService, Webhook, WhiteListEntry,
    Words,
};
use signalbox_config::value::Name;
use signalbox_core::backend::{CatalogChange, Version};

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, JsonText, PathName, QueryOf};
use super::openapi;
use super::operations::{Operation, RequestHeader, operation};
use super::page::{Page, PageQuery, odd_cursor};
use super::problem::{Problem, ProblemKind};
use crate::catalog::{Snapshot, kind_of};

/// A row as handlers take it.
pub(super) trait ApiRow: Row + serde::Serialize + Send + Sync + 'static {}

impl<R: Row + serde::Serialize + Send + Sync + 'static> ApiRow for R {}

/// Paths and names of the operations of one kind.
struct Places {
    list: &'static str,
    one: &'static str,
    names: [&'static str; 5],
    write: Right,
}

macro_rules! places {
    ($path:literal, $tag:literal, $write:expr) => {
        Places {
            list: concat!("/v1/", $path),
            one: concat!("/v1/", $path, "/{name}"),
            names: [
                concat!($tag, ".list"),
                concat!($tag, ".create"),
                concat!($tag, ".get"),
                concat!($tag, ".put"),
                concat!($tag, ".delete"),
            ],
            write: $write,
        }
    };
}

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    operations.extend(of::<Account>(&places!("accounts", "account", Right::CatalogWrite)));
    operations.extend(of::<Link>(&places!("links", "link", Right::CatalogWrite)));
    operations.extend(of::<Route>(&places!("routes", "route", Right::CatalogWrite)));
    operations.extend(of::<Carrier>(&places!("carriers", "carrier", Right::CatalogWrite)));
    operations.extend(of::<CounterPolicy>(&places!(
        "counter-policies",
        "counter_policy",
        Right::CatalogWrite
    )));
    operations.extend(of::<WhiteListEntry>(&places!("white-list", "white_list", Right::CountersOperate)));
    operations.extend(of::<Token>(&places!("tokens", "token", Right::CatalogWrite)));
    operations.extend(of::<Webhook>(&places!("webhooks", "webhook", Right::CatalogWrite)));
    operations.extend(of::<Enterprise>(&places!("enterprises", "enterprise", Right::CatalogWrite)));
    operations.extend(of::<User>(&places!("users", "user", Right::CatalogWrite)));
    operations.extend(of::<Program>(&places!("programs", "program", Right::CatalogWrite)));
    operations.extend(of::<SourceAddress>(&places!(
        "source-addresses",
        "source_address",
        Right::CatalogWrite
    )));
    operations.extend(of::<Approval>(&places!("approvals", "approval", Right::CatalogWrite)));
    operations.extend(of::<Keyword>(&places!("keywords", "keyword", Right::CatalogWrite)));
    operations.extend(of::<AgentQueue>(&places!("agent-queues", "agent_queue", Right::CatalogWrite)));
    operations.extend(of::<Campaign>(&places!("campaigns", "campaign", Right::CatalogWrite)));
    operations.extend(of::<SubCampaign>(&places!("sub-campaigns", "sub_campaign", Right::CatalogWrite)));
    operations.extend(of::<Script>(&places!("scripts", "script", Right::CatalogWrite)));
    operations.extend(of::<ScriptVersion>(&places!(
        "script-versions",
        "script_version",
        Right::CatalogWrite
    )));
    operations.extend(of::<Template>(&places!("templates", "template", Right::CatalogWrite)));
    operations.extend(of::<Participation>(&places!("participations", "participation", Right::CatalogWrite)));
    operations.extend(of::<Jurisdiction>(&places!("jurisdictions", "jurisdiction", Right::CatalogWrite)));
    operations.extend(of::<Words>(&places!("words", "words", Right::CatalogWrite)));
    operations.extend(of::<DncList>(&places!("dnc-lists", "dnc_list", Right::CatalogWrite)));
    operations.extend(of::<Tester>(&places!("testers", "tester", Right::CatalogWrite)));
    operations.extend(of::<WebService>(&places!("web-services", "web_service", Right::CatalogWrite)));
    operations
}

fn of<R: ApiRow>(places: &Places) -> [Operation; 5] {
    let [list_id, create_id, get_id, put_id, delete_id] = places.names;
    let json = "application/json";
    let writes = [
        ProblemKind::AlreadyExists,
        ProblemKind::VersionMismatch,
        ProblemKind::BrokenReference,
        ProblemKind::Frozen,
    ];
    [
        operation(Method::GET, places.list, list_id, "The rows by name; secrets are masked", list::<R>)
            .right(Right::CatalogRead)
            .tenants()
            .query::<PageQuery>()
            .answer_of(200, "rows", openapi::row_page::<R>),
        operation(Method::POST, places.list, create_id, "Adds a row", create::<R>)
            .right(places.write)
            .tenants()
            .once()
            .body_of(json, openapi::row::<R>)
            .row::<R>(201, "the row")
            .with("ETag")
            .with("Location")
            .problems(&writes),
        operation(Method::GET, places.one, get_id, "A row; secrets are masked", get::<R>)
            .right(Right::CatalogRead)
            .tenants()
            .row::<R>(200, "the row")
            .with("ETag")
            .problems(&[ProblemKind::NotFound]),
        operation(Method::PUT, places.one, put_id, "Writes a row; masked secrets stay as they are", put::<R>)
            .right(places.write)
            .tenants()
            .header(RequestHeader::IfMatch)
            .header(RequestHeader::IfNoneMatch)
            .body_of(json, openapi::row::<R>)
            .row::<R>(200, "the row as it is now")
            .with("ETag")
            .row::<R>(201, "the row, which is new")
            .with("ETag")
            .problems(&writes),
        operation(Method::DELETE, places.one, delete_id, "Removes a row", delete::<R>)
            .right(places.write)
            .tenants()
            .header(RequestHeader::IfMatch)
            .nothing("it is removed")
            .problems(&[
                ProblemKind::NotFound,
                ProblemKind::VersionMismatch,
                ProblemKind::BrokenReference,
                ProblemKind::Frozen,
            ]),
    ]
}

/// What a token of an account or an enterprise may do with rows of a kind that are its own (MQ-31).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Nothing: they are the platform's.
    None,
    /// See them.
    Read,
    /// See those above it too, which it may use.
    Use,
    /// See and write them.
    Write,
}

fn reach(kind: RowKind) -> Reach {
    match kind {
        RowKind::Link
        | RowKind::Route
        | RowKind::Carrier
        | RowKind::CounterPolicy
        | RowKind::WhiteList
        | RowKind::Token => Reach::None,
        RowKind::Account | RowKind::Enterprise | RowKind::User => Reach::Read,
        RowKind::Program | RowKind::Approval | RowKind::SourceAddress | RowKind::Jurisdiction => Reach::Use,
        RowKind::Webhook
        | RowKind::DncList
        | RowKind::Words
        | RowKind::WebService
        | RowKind::Template
        | RowKind::Script
        | RowKind::ScriptVersion
        | RowKind::AgentQueue
        | RowKind::Campaign
        | RowKind::SubCampaign
        | RowKind::Keyword
        | RowKind::Tester
        | RowKind::Participation => Reach::Write,
    }
}

/// What a caller sees of the rows.
pub(super) struct View<'a> {
    scope: Owner<'a>,
    tenancy: Option<Tenancy<'a>>,
}

impl<'a> View<'a> {
    pub(super) fn of(caller: &'a Caller, snapshot: &'a Snapshot) -> Self {
        let scope = caller.scope();
        let tenancy = (scope != Owner::Platform).then(|| Tenancy::of(&snapshot.rows));
        Self { scope, tenancy }
    }

    /// Whether a row belongs to the caller or to who is below it.
    pub(super) fn owns<R: Row>(&self, row: &R) -> bool {
        self.tenancy.as_ref().is_none_or(|tenancy| tenancy.is_within(row.owner(), self.scope))
    }

    /// Whether the caller sees a row: its own, and what it may use although it is not its own.
    pub(super) fn sees<R: Row>(&self, row: &R) -> bool {
        let Some(tenancy) = &self.tenancy else { return true };
        if self.owns(row) {
            return true;
        }
        // A shared address names the programs and sub-campaigns of all who share it.
        let usable = match row.owner() {
            Owner::Platform => R::KIND != RowKind::SourceAddress,
            owner => tenancy.is_within(self.scope, owner),
        };
        usable && reach(R::KIND) == Reach::Use
    }
}

fn check_kind<R: Row>(caller: &Caller, writes: bool) -> Result<(), Problem> {
    match reach(R::KIND) {
        Reach::Write => Ok(()),
        Reach::Read | Reach::Use if !writes => Ok(()),
        Reach::None | Reach::Read | Reach::Use => caller.unscoped(),
    }
}

pub(super) fn find<'a, R: Row>(snapshot: &'a Snapshot, name: &str) -> Option<&'a R> {
    R::rows(&snapshot.rows).iter().find(|row| row.name().as_str() == name)
}

pub(super) fn version_of<R: Row>(snapshot: &Snapshot, name: &str) -> Version {
    snapshot.version_of(kind_of(R::KIND), name)
}

pub(super) fn etag(version: Version) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", version.0)) {
        headers.insert(ETAG, tag);
    }
    headers
}

async fn list<R: ApiRow>(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Response, Problem> {
    check_kind::<R>(&caller, false)?;
    let limit = api.page_limit(query.limit)?;
    let after = query.cursor.as_deref().map(read_place).transpose()?;
    let in_force = api.control().in_force();
    let view = View::of(&caller, &in_force.snapshot);
    let mut rows: Vec<&R> = R::rows(&in_force.snapshot.rows)
        .iter()
        .filter(|row| view.sees(*row))
        .filter(|row| after.as_ref().is_none_or(|after| row.name().as_str() > after.as_str()))
        .collect();
    rows.sort_unstable_by(|a, b| a.name().as_str().cmp(b.name().as_str()));
    let page = Page::cut(rows, limit, |row| format!("{AFTER}{}", row.name()));
    Ok(Json(page).into_response())
}

/// What a cursor begins with, so that the ids and places of other lists are not taken for names.
const AFTER: &str = "after:";

/// The name that a page ended with; its row may be gone meanwhile.
fn read_place(cursor: &str) -> Result<Name, Problem> {
    cursor.strip_prefix(AFTER).and_then(|name| name.parse().ok()).ok_or_else(odd_cursor)
}

async fn get<R: ApiRow>(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<Response, Problem> {
    check_kind::<R>(&caller, false)?;
    let in_force = api.control().in_force();
    let view = View::of(&caller, &in_force.snapshot);
    let row = find::<R>(&in_force.snapshot, &name).filter(|row| view.sees(*row));
    let row = row.ok_or_else(|| Problem::no(R::KIND.as_str(), &name))?;
    Ok((etag(version_of::<R>(&in_force.snapshot, &name)), Json(row)).into_response())
}

async fn create<R: ApiRow>(
    State(api): State<Api>,
    caller: Caller,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    check_kind::<R>(&caller, true)?;
    let row = read::<R>(&text, None)?;
    let name = row.name().to_string();
    let written = api.write_row(&caller, row, Condition::Absent).await?;
    let mut response = written.into_response();
    let place = format!("/v1/{}/{name}", segment::<R>());
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// The path segment of a kind.
fn segment<R: Row>() -> &'static str {
    match R::KIND {
        RowKind::Account => "accounts",
        RowKind::Link => "links",
        RowKind::Route => "routes",
        RowKind::Carrier => "carriers",
        RowKind::CounterPolicy => "counter-policies",
        RowKind::WhiteList => "white-list",
        RowKind::Token => "tokens",
        RowKind::Webhook => "webhooks",
        RowKind::Enterprise => "enterprises",
        RowKind::User => "users",
        RowKind::Program => "programs",
        RowKind::SourceAddress => "source-addresses",
        RowKind::Approval => "approvals",
        RowKind::Keyword => "keywords",
        RowKind::AgentQueue => "agent-queues",
        RowKind::Campaign => "campaigns",
        RowKind::SubCampaign => "sub-campaigns",
        RowKind::Script => "scripts",
        RowKind::ScriptVersion => "script-versions",
        RowKind::Template => "templates",
        RowKind::Participation => "participations",
        RowKind::Jurisdiction => "jurisdictions",
        RowKind::Words => "words",
        RowKind::WebService => "web-services",
        RowKind::DncList => "dnc-lists",
        RowKind::Tester => "testers",
    }
}

async fn put<R: ApiRow>(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    check_kind::<R>(&caller, true)?;
    let in_force = api.control().in_force();
    let before = find::<R>(&in_force.snapshot, &name);
    let view = View::of(&caller, &in_force.snapshot);
    if before.is_some_and(|before| !view.owns(before)) {
        return Err(Problem::new(ProblemKind::Forbidden, "the row is another account's"));
    }
    // Checked again when it is written; here so that what is gone is not told to lack its secrets.
    check(condition, version_of::<R>(&in_force.snapshot, &name), R::KIND, &name)?;
    let row = read(&text, before)?;
    if row.name().as_str() != name {
        return Err(Problem::field("name", format!("must be `{name}` as in the path")));
    }
    Ok(api.write_row::<R>(&caller, row, condition).await?.into_response())
}

async fn delete<R: ApiRow>(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    condition: Condition,
) -> Result<StatusCode, Problem> {
    check_kind::<R>(&caller, true)?;
    let _one_at_a_time = api.0.changing.lock().await;
    let in_force = api.control().in_force();
    let snapshot = &in_force.snapshot;
    let view = View::of(&caller, snapshot);
    let Some(_) = find::<R>(snapshot, &name).filter(|row| view.owns(*row)) else {
        return Err(Problem::no(R::KIND.as_str(), &name));
    };
    let held = version_of::<R>(snapshot, &name);
    check(condition, held, R::KIND, &name)?;
    let mut rows = snapshot.rows.clone();
    R::rows_mut(&mut rows).retain(|row| row.name().as_str() != name);
    check_change(&caller, &rows, &snapshot.rows)?;
    api.check_unused(&rows, &snapshot.rows).await?;
    let change = CatalogChange::Delete { kind: kind_of(R::KIND), name, expected: Some(held) };
    api.change(&caller, vec![change]).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read<R: Row>(text: &[u8], before: Option<&R>) -> Result<R, Problem> {
    let text = std::str::from_utf8(text)
        .map_err(|_| Problem::new(ProblemKind::Malformed, "the body is not UTF-8"))?;
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        return Err(Problem::new(ProblemKind::Malformed, error.to_string()));
    }
    if R::KIND.has_warnings()
        && let Some(text) = without_warnings(text)
    {
        return Ok(R::from_request(&text, before)?);
    }
    Ok(R::from_request(text, before)?)
}

/// A row as it was answered may be sent back: what was said of it is no part of it.
fn without_warnings(text: &str) -> Option<String> {
    let mut row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    row.remove(WARNINGS)?;
    serde_json::to_string(&row).ok()
}

/// The key of an answer that says what somebody should look at.
pub(super) const WARNINGS: &str = "warnings";

/// Kinds of rows of which something may be said that does not keep them from being kept.
pub(super) trait HasWarnings {
    fn has_warnings(self) -> bool;
}

impl HasWarnings for RowKind {
    fn has_warnings(self) -> bool {
        matches!(self, Self::Keyword | Self::ScriptVersion)
    }
}

pub(super) fn check(condition: Condition, held: Version, kind: RowKind, name: &str) -> Result<(), Problem> {
    let absent = held == Version(0);
    match condition {
        Condition::None => Ok(()),
        Condition::Is(version) if version == held => Ok(()),
        Condition::Exists if !absent => Ok(()),
        Condition::Absent if absent => Ok(()),
        Condition::Is(_) | Condition::Exists => Err(Problem::new(
            ProblemKind::VersionMismatch,
            format!("{kind} `{name}` has the version {}", held.0),
        )),
        Condition::Absent => {
            Err(Problem::new(ProblemKind::AlreadyExists, format!("there is a {kind} `{name}` already")))
        }
    }
}
