//! Contact lists and their members.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::Right;
use signalbox_people::{ContactId, List, ListId};
use utoipa::ToSchema;

use super::contacts::{ContactInfo, show};
use super::{AccountPage, id_of, tagged, version};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{Condition, JsonBody, PathName, QueryOf, timestamp};
use crate::api::operations::{Operation, RequestHeader, operation};
use crate::api::page::{Page, PageQuery, read_cursor};
use crate::api::problem::{Problem, ProblemKind};

/// A list as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListBody {
    /// The account; that of the token where it has one. It is not changed later.
    account: Option<String>,
    /// Its name, unique in the account.
    name: String,
}

/// A contact list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListInfo {
    /// Its id.
    id: String,
    /// The account.
    account: String,
    /// Its name.
    name: String,
    /// `ready` or `deleting`.
    state: &'static str,
    /// How many contacts are in it.
    members: i64,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    created: Option<jiff::Timestamp>,
    /// When it or its members were changed last.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated: Option<jiff::Timestamp>,
}

/// Contacts that are put into a list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MembersBody {
    /// Ids of contacts, 10,000 at most.
    contacts: Vec<String>,
}

/// How many joined.
#[derive(Debug, Serialize, ToSchema)]
struct Joined {
    /// Contacts that were not in it before.
    added: u64,
}

pub(super) fn operations() -> Vec<Operation> {
    let changes = [ProblemKind::NotFound, ProblemKind::VersionMismatch, ProblemKind::BrokenReference];
    let mut operations = vec![
        operation(Method::GET, "/v1/lists", "list.list", "Contact lists of an account by name", list)
            .right(Right::ContactsRead)
            .query::<AccountPage>()
            .page::<ListInfo>("lists")
            .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        operation(Method::POST, "/v1/lists", "list.create", "Makes an empty list", create)
            .right(Right::ContactsWrite)
            .once()
            .body::<ListBody>()
            .answer::<ListInfo>(201, "the list")
            .with("ETag")
            .with("Location")
            .problems(&[ProblemKind::AlreadyExists, ProblemKind::NotFound]),
        operation(Method::GET, "/v1/lists/{id}", "list.get", "A list", get)
            .right(Right::ContactsRead)
            .answer::<ListInfo>(200, "the list")
            .with("ETag")
            .problems(&[ProblemKind::NotFound]),
        operation(Method::PUT, "/v1/lists/{id}", "list.put", "Gives a list another name", put)
            .right(Right::ContactsWrite)
            .header(RequestHeader::IfMatch)
            .body::<ListBody>()
            .answer::<ListInfo>(200, "the list as it is now")
            .with("ETag")
            .problems(&changes)
            .problems(&[ProblemKind::AlreadyExists]),
        operation(
            Method::DELETE,
            "/v1/lists/{id}",
            "list.delete",
            "Deletes a list that nobody uses; its contacts stay",
            delete,
        )
        .right(Right::ContactsWrite)
        .header(RequestHeader::IfMatch)
        .nothing("it is gone; its members are removed meanwhile")
        .problems(&changes),
    ];
    operations.extend(of_members());
    operations
}

fn of_members() -> [Operation; 3] {
    let path = "/v1/lists/{id}/members";
    [
        operation(Method::GET, path, "list.members", "Contacts of a list, as they joined", members)
            .right(Right::ContactsRead)
            .query::<PageQuery>()
            .page::<ContactInfo>("contacts")
            .problems(&[ProblemKind::NotFound]),
        operation(Method::POST, path, "list.join", "Puts contacts into a list", join)
            .right(Right::ContactsWrite)
            .body::<MembersBody>()
            .answer::<Joined>(200, "how many joined")
            .problems(&[ProblemKind::NotFound, ProblemKind::BrokenReference]),
        operation(
            Method::DELETE,
            "/v1/lists/{id}/members/{contact}",
            "list.leave",
            "Takes a contact out of a list",
            leave,
        )
        .right(Right::ContactsWrite)
        .nothing("it is not in the list")
        .problems(&[ProblemKind::NotFound, ProblemKind::BrokenReference]),
    ]
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<AccountPage>,
) -> Result<Json<Page<ListInfo>>, Problem> {
    let account = api.account_asked(&caller, query.account.as_deref())?;
    let limit = api.page_limit(query.limit)?;
    let found = api.people().lists(&api.scope(&caller), account, query.cursor.as_deref(), limit + 1).await?;
    let shown = found.into_iter().map(|list| show_list(&api, list)).collect();
    Ok(Json(Page::cut(shown, limit, |last: &ListInfo| last.name.clone())))
}

async fn create(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<ListBody>,
) -> Result<Response, Problem> {
    let account = api.account_asked(&caller, body.account.as_deref())?;
    let made = api.people().create_list(&api.scope(&caller), account, &body.name, api.now().wall).await?;
    let place = format!("/v1/lists/{}", made.id);
    Ok(tagged(StatusCode::CREATED, made.version, Some(place), show_list(&api, made)))
}

async fn get(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
) -> Result<Response, Problem> {
    let found = api.people().list(&api.scope(&caller), id_of("list", &written)?).await?;
    let list = found.ok_or_else(|| Problem::no("list", &written))?;
    Ok(tagged(StatusCode::OK, list.version, None, show_list(&api, list)))
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    condition: Condition,
    JsonBody(body): JsonBody<ListBody>,
) -> Result<Response, Problem> {
    let id: ListId = id_of("list", &written)?;
    let (scope, version) = (api.scope(&caller), version(condition)?);
    let held = api.people().list(&scope, id).await?.ok_or_else(|| Problem::no("list", &written))?;
    if body.account.as_ref().is_some_and(|name| *name != api.account_called(held.account)) {
        return Err(Problem::field("account", "is another one: a list stays with its account"));
    }
    let list = api.people().rename_list(&scope, id, version, &body.name, api.now().wall).await?;
    Ok(tagged(StatusCode::OK, list.version, None, show_list(&api, list)))
}

async fn delete(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    condition: Condition,
) -> Result<Response, Problem> {
    let id: ListId = id_of("list", &written)?;
    api.people().delete_list(&api.scope(&caller), id, version(condition)?, api.now().wall).await?;
    // Millions of members take longer than a request may; a node that stops goes on when it starts.
    tokio::spawn(async move {
        if let Err(error) = api.people().purge_lists().await {
            tracing::error!(error = &error as &dyn std::error::Error, "a deleted list still has members");
        }
    });
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn members(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ContactInfo>>, Problem> {
    let limit = api.page_limit(query.limit)?;
    let after: Option<ContactId> = read_cursor(query.cursor.as_deref())?;
    let id = id_of("list", &written)?;
    let found = api.people().members(&api.scope(&caller), id, after, limit + 1).await?;
    let shown = found.into_iter().map(|contact| show(&api, contact)).collect();
    Ok(Json(Page::cut(shown, limit, |last: &ContactInfo| last.id().to_owned())))
}

async fn join(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    JsonBody(body): JsonBody<MembersBody>,
) -> Result<Json<Joined>, Problem> {
    let ids = body.contacts.iter().map(|id| id_of("contact", id)).collect::<Result<Vec<_>, _>>()?;
    let id = id_of("list", &written)?;
    let added = api.people().add_members(&api.scope(&caller), id, &ids, api.now().wall).await?;
    Ok(Json(Joined { added }))
}

async fn leave(
    State(api): State<Api>,
    caller: Caller,
    Path((list, contact)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (list, contact) = (id_of("list", &list)?, id_of("contact", &contact)?);
    api.people().remove_member(&api.scope(&caller), list, contact, api.now().wall).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn show_list(api: &Api, list: List) -> ListInfo {
    ListInfo {
        id: list.id.to_string(),
        account: api.account_called(list.account),
        name: list.name,
        state: list.state.as_str(),
        members: list.members,
        created: timestamp(list.created),
        updated: timestamp(list.updated),
    }
}
