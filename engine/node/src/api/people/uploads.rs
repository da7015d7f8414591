//! Uploads: a file streams into a list while the request lasts; its progress is seen by others meanwhile.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use bytes::{Buf, Bytes};
use http_body::Body as _;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::Right;
use signalbox_people::{List, ListId, Upload, UploadId, UploadOrder};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use utoipa::ToSchema;

use super::{AccountPage, id_of};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{PathName, QueryOf, timestamp};
use crate::api::operations::{Operation, operation};
use crate::api::page::{Page, PageQuery, read_cursor};
use crate::api::problem::{Problem, ProblemKind, internal};
use crate::uploads::{Reading, usual};

/// Media type of the files.
pub(in crate::api) const CSV: &str = "text/csv";
/// Characters of a file's name that are kept.
const FILE_NAME: usize = 200;
/// Octets behind the end of an upload that failed that are still taken, and for how long.
const MOST_REST: u64 = 64 << 20;
const REST: Duration = Duration::from_secs(10);

/// How a file is read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UploadQuery {
    /// Name of the file, for people.
    file: Option<String>,
    /// False: the first line is a contact already.
    header: Option<bool>,
    /// What is between the fields, a comma where nothing is said; `%09` is a tab.
    delimiter: Option<String>,
    /// Country of numbers without a country code, such as `US`; that of the account where nothing is said.
    country: Option<String>,
    /// What becomes of contacts that are there: `keep` (the default) or `update`.
    existing: Option<String>,
    /// JSON object, names of columns and what they hold: `client_id`, `first_name`, `last_name`, `company`, `zone`,
    /// `language`, `consent`, `cell`, `home`, `work`, `email`, `other`, `field:NAME`, `ignore`.
    columns: Option<String>,
    /// The same by position, from `"1"`.
    positions: Option<String>,
    /// Columns that are not mapped and whose name says nothing: `field` (the default), `ignore` or `refuse`.
    unmapped: Option<String>,
}

/// An upload and how far it is.
#[derive(Debug, Serialize, ToSchema)]
struct UploadInfo {
    /// Its id.
    id: String,
    /// The account.
    account: String,
    /// Id of the list.
    list: String,
    /// The file's name.
    file: String,
    /// `running`, `done`, `cancelled`, `failed` or `interrupted`.
    state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    started: Option<jiff::Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    finished: Option<jiff::Timestamp>,
    /// Octets of the file that were read.
    octets: i64,
    /// Lines with something in them, without the header.
    lines: i64,
    /// Lines whose contact was put into the list.
    accepted: i64,
    /// Contacts that were made.
    created: i64,
    /// Lines that were rejected.
    rejected: i64,
    /// Lines whose contact came earlier in the file.
    repeated_in_file: i64,
    /// Lines whose contact was in the list before.
    repeated_in_list: i64,
    /// Accepted lines of people who opted out: they get nothing all the same.
    opted_out: i64,
}

/// A line that was rejected.
#[derive(Debug, Serialize, ToSchema)]
struct RejectInfo {
    /// The line, from 1.
    line: i64,
    /// Why.
    reason: String,
    /// The column, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::POST,
            "/v1/lists/{id}/uploads",
            "upload.create",
            "Streams a file of contacts into a list; answers when it has been read",
            create,
        )
        .right(Right::ContactsWrite)
        .once()
        .query::<UploadQuery>()
        .body_of(CSV, |_| serde_json::json!({ "type": "string", "description": "lines of UTF-8" }))
        .answer::<UploadInfo>(200, "how it ended")
        .with("Location")
        .problems(&[ProblemKind::NotFound, ProblemKind::BrokenReference]),
        operation(Method::GET, "/v1/uploads", "upload.list", "Uploads of an account, newest first", list)
            .right(Right::ContactsRead)
            .query::<AccountPage>()
            .page::<UploadInfo>("uploads")
            .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        operation(Method::GET, "/v1/uploads/{id}", "upload.get", "An upload and how far it is", get)
            .right(Right::ContactsRead)
            .answer::<UploadInfo>(200, "the upload")
            .problems(&[ProblemKind::NotFound]),
        operation(
            Method::GET,
            "/v1/uploads/{id}/rejects",
            "upload.rejects",
            "Lines that were rejected",
            rejects,
        )
        .right(Right::ContactsRead)
        .query::<PageQuery>()
        .page::<RejectInfo>("lines; the first 100,000 are kept")
        .problems(&[ProblemKind::NotFound]),
        operation(
            Method::POST,
            "/v1/uploads/{id}/cancel",
            "upload.cancel",
            "Stops an upload; what it has stored stays",
            cancel,
        )
        .right(Right::ContactsWrite)
        .answer::<UploadInfo>(200, "the upload as it is now")
        .problems(&[ProblemKind::NotFound]),
    ]
}

async fn create(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    QueryOf(query): QueryOf<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !is_csv(&headers) {
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, format!("the body must be {CSV}")));
    }
    let scope = api.scope(&caller);
    let id: ListId = id_of("list", &written)?;
    let list = api.people().list(&scope, id).await?.ok_or_else(|| Problem::no("list", &written))?;
    let order = order(&api, &list, query)?;
    let started = api.people().start_upload(&scope, &order, api.now().wall).await?;
    let (people, clock) = (api.0.people.clone(), api.0.clock.clone());
    // A client that goes away ends the file, not the note of how it ended.
    let done = tokio::spawn(async move {
        let mut source = Chunks { body, rest: Bytes::new() };
        let done = people.run_upload(&started, &order, &mut source, || clock.now().wall).await;
        // A client that is still sending hears of an early end only once it has sent: it is let, for a while.
        let (mut rest, mut nowhere) = (source.take(MOST_REST), tokio::io::sink());
        let _ = tokio::time::timeout(REST, tokio::io::copy(&mut rest, &mut nowhere)).await;
        done
    });
    let done = done.await.map_err(|error| internal(&error))??;
    let place = format!("/v1/uploads/{}", done.id);
    let mut response = Json(show(&api, done)).into_response();
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Whether a request brings a file: it may take as long as its client sends.
pub(in crate::api) fn is_csv(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(CSV))
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<AccountPage>,
) -> Result<Json<Page<UploadInfo>>, Problem> {
    let account = api.account_asked(&caller, query.account.as_deref())?;
    let limit = api.page_limit(query.limit)?;
    let before: Option<UploadId> = read_cursor(query.cursor.as_deref())?;
    let found = api.people().uploads(&api.scope(&caller), account, before, limit + 1).await?;
    let shown = found.into_iter().map(|upload| show(&api, upload)).collect();
    Ok(Json(Page::cut(shown, limit, |last: &UploadInfo| last.id.clone())))
}

async fn get(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
) -> Result<Json<UploadInfo>, Problem> {
    let found = api.people().upload(&api.scope(&caller), id_of("upload", &written)?).await?;
    found.map(|upload| Json(show(&api, upload))).ok_or_else(|| Problem::no("upload", &written))
}

async fn rejects(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<RejectInfo>>, Problem> {
    let limit = api.page_limit(query.limit)?;
    let after: Option<i64> = read_cursor(query.cursor.as_deref())?;
    let id = id_of("upload", &written)?;
    let found = api.people().rejects(&api.scope(&caller), id, after, limit + 1).await?;
    let shown = found
        .into_iter()
        .map(|reject| RejectInfo { line: reject.line, reason: reject.reason, column: reject.column })
        .collect();
    Ok(Json(Page::cut(shown, limit, |last: &RejectInfo| last.line.to_string())))
}

async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
) -> Result<Json<UploadInfo>, Problem> {
    let id: UploadId = id_of("upload", &written)?;
    let scope = api.scope(&caller);
    api.people().cancel_upload(&scope, id, api.now().wall).await?;
    let upload = api.people().upload(&scope, id).await?;
    upload.map(|upload| Json(show(&api, upload))).ok_or_else(|| Problem::no("upload", &written))
}

/// What the query asks for.
fn order(api: &Api, list: &List, query: UploadQuery) -> Result<UploadOrder, Problem> {
    let account = api.account_called(list.account);
    let mut order = usual(&api.control().in_force(), &account, list.id);
    let reading = Reading {
        header: query.header,
        delimiter: query.delimiter,
        country: query.country,
        existing: word("existing", query.existing.as_deref(), "must be `keep` or `update`")?,
        columns: object("columns", query.columns.as_deref())?,
        positions: object("positions", query.positions.as_deref())?,
        unmapped: word("unmapped", query.unmapped.as_deref(), "must be `field`, `ignore` or `refuse`")?
            .unwrap_or_default(),
    };
    reading.apply(&mut order).map_err(|wrong| Problem::field(wrong.field, wrong.why))?;
    order.file = query.file.unwrap_or_default().chars().take(FILE_NAME).collect();
    Ok(order)
}

/// A word of a list, as JSON documents have it.
fn word<T: DeserializeOwned>(field: &str, text: Option<&str>, must: &str) -> Result<Option<T>, Problem> {
    let read = |text: &str| {
        T::deserialize(text.into_deserializer()).map_err(|_: serde_json::Error| Problem::field(field, must))
    };
    text.map(read).transpose()
}

/// A map that the query has as a JSON object.
fn object<T: DeserializeOwned + Default>(field: &str, text: Option<&str>) -> Result<T, Problem> {
    let read =
        text.map(|text| serde_json::from_str(text).map_err(|error| Problem::field(field, error.to_string())));
    Ok(read.transpose()?.unwrap_or_default())
}

fn show(api: &Api, upload: Upload) -> UploadInfo {
    let counts = upload.counts;
    UploadInfo {
        id: upload.id.to_string(),
        account: api.account_called(upload.account),
        list: upload.list.to_string(),
        file: upload.file,
        state: upload.state.as_str(),
        problem: upload.problem,
        started: timestamp(upload.started),
        finished: upload.finished.and_then(timestamp),
        octets: counts.octets,
        lines: counts.lines,
        accepted: counts.accepted,
        created: counts.created,
        rejected: counts.rejected,
        repeated_in_file: counts.repeated_in_file,
        repeated_in_list: counts.repeated_in_list,
        opted_out: counts.opted_out,
    }
}

/// The body of a request as octets that are read.
struct Chunks {
    body: Body,
    rest: Bytes,
}

impl AsyncRead for Chunks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(Ok(())),
                // Trailers say nothing here.
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(_)) => {
                    // Its words are the connection's.
                    let cut = "the client ended the request before the file";
                    return Poll::Ready(Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, cut)));
                }
            }
        }
        let count = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest[..count]);
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}
