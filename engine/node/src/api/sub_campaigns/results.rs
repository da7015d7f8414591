//! What the conversations of a sub-campaign came to: each with its session variables, by the page as JSON and all of
//! them as CSV (API-15).

use std::io;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::Right;
use signalbox_core::id::AccountId;
use signalbox_people::{Episode, PeopleError, Scope};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::owned;
use crate::api::caller::Caller;
use crate::api::extract::{PathName, QueryOf, timestamp};
use crate::api::operations::{Operation, operation};
use crate::api::page::{Page, odd_cursor};
use crate::api::people::CSV;
use crate::api::problem::{Problem, ProblemKind};
use crate::api::stream::Sent;
use crate::api::{Api, mask};

/// Conversations that are read at a time for a file.
const SLICE: usize = 1_000;
/// Slices that may wait for a slow reader.
const SLICES: usize = 2;
/// Columns that may be asked for.
const MOST_COLUMNS: usize = 200;

/// A conversation from a beginning to an end.
#[derive(Debug, Serialize, ToSchema)]
struct ResultInfo {
    /// The conversation and the number of its beginning.
    id: String,
    /// Given as `cursor` it brings what was new or changed after this.
    cursor: String,
    /// The device; masked without the right `messages:reveal`.
    device: String,
    /// The source address on our side.
    source: String,
    /// The contact's client id; with the right `messages:reveal` alone, since it may be a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The version of the script that it stays on.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// When its instructions first ran.
    #[schema(value_type = Option<String>, format = DateTime)]
    began_at: Option<jiff::Timestamp>,
    /// When it last changed.
    #[schema(value_type = Option<String>, format = DateTime)]
    changed_at: Option<jiff::Timestamp>,
    /// True when it is over.
    ended: bool,
    /// Its session variables by name; dates as RFC 3339. With the right `messages:reveal` alone, since they quote what
    /// people wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    variables: Option<serde_json::Value>,
}

/// Which conversations.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResultQuery {
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    limit: Option<usize>,
    /// Those of testers, which are no results, and no others.
    #[serde(default)]
    test: bool,
}

/// What of the conversations a file has.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FileQuery {
    /// `cursor` of the last conversation that is known; all where it is not given.
    cursor: Option<String>,
    /// Names of session variables with commas between them, a column each; one column with all of them as JSON where it
    /// is not given.
    variables: Option<String>,
    /// Those of testers, which are no results, and no others.
    #[serde(default)]
    test: bool,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/sub-campaigns/{name}/conversations",
            "sub_campaign.conversations",
            "Conversations of a sub-campaign with their session variables, those that changed last at the end",
            list,
        )
        .right(Right::MessagesRead)
        .tenants()
        .query::<ResultQuery>()
        .page::<ResultInfo>("conversations")
        .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        operation(
            Method::GET,
            "/v1/sub-campaigns/{name}/conversations.csv",
            "sub_campaign.export",
            "All conversations of a sub-campaign with their session variables",
            export,
        )
        .right(Right::MessagesReveal)
        .tenants()
        .query::<FileQuery>()
        .answer_of(
            200,
            "lines of UTF-8 with a line of names, as `text/csv`",
            |_| serde_json::json!({ "type": "string" }),
        )
        .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
    ]
}

/// The account of a sub-campaign that the caller owns.
fn account(api: &Api, caller: &Caller, name: &str) -> Result<AccountId, Problem> {
    let row = owned(api, caller, name)?;
    let account = api.account(row.account.as_str());
    account.ok_or_else(|| Problem::no("account", row.account.as_str()))
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    QueryOf(query): QueryOf<ResultQuery>,
) -> Result<Json<Page<ResultInfo>>, Problem> {
    let account = account(&api, &caller, &name)?;
    let limit = api.page_limit(query.limit)?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let (scope, people) = (Scope::Accounts([account].into()), api.people());
    let found = people.episodes(&scope, account, (&name, query.test), after, limit + 1).await?;
    let page = Page::cut(found, limit, |last| last.told.clone());
    let items = page.items.into_iter().map(|episode| shown(episode, &caller)).collect();
    Ok(Json(Page { items, next: page.next }))
}

/// A cursor: 32 hexadecimal digits, so that what is none is told.
fn place(cursor: &str) -> Result<&str, Problem> {
    let is_place = cursor.len() == 32 && cursor.bytes().all(|octet| octet.is_ascii_hexdigit());
    if is_place { Ok(cursor) } else { Err(odd_cursor()) }
}

fn shown(episode: Episode, caller: &Caller) -> ResultInfo {
    let whole = caller.reveals();
    let variables = serde_json::from_str(&episode.variables);
    ResultInfo {
        id: episode.id,
        cursor: episode.told,
        device: mask::text(&episode.device, whole),
        source: episode.source,
        client_id: episode.client_id.filter(|_| whole),
        version: episode.version,
        began_at: timestamp(episode.began_at),
        changed_at: timestamp(episode.at),
        ended: episode.ended,
        variables: variables.ok().filter(|_| whole),
    }
}

async fn export(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    QueryOf(query): QueryOf<FileQuery>,
) -> Result<Response, Problem> {
    let account = account(&api, &caller, &name)?;
    let after = query.cursor.as_deref().map(place).transpose()?.map(str::to_owned);
    let columns: Option<Vec<String>> =
        query.variables.map(|names| names.split(',').map(|name| name.trim().to_owned()).collect());
    if columns.as_ref().is_some_and(|columns| columns.len() > MOST_COLUMNS) {
        return Err(Problem::field("variables", format!("are more than {MOST_COLUMNS}")));
    }
    let (chunks, sent) = mpsc::channel(SLICES);
    tokio::spawn(async move {
        let done = write(&api, account, (&name, query.test), after, columns.as_deref(), &chunks).await;
        if let Err(error) = done {
            // The answer is cut, so that nobody takes it for whole.
            tracing::warn!(
                name,
                error = &error as &dyn std::error::Error,
                "an export did not come to its end"
            );
            let _ = chunks.send(Err(io::Error::other(error))).await;
        }
    });
    Ok(([(CONTENT_TYPE, CSV)], Body::new(Sent(sent))).into_response())
}

/// Writes slice by slice until there is no more, or nobody reads.
async fn write(
    api: &Api,
    account: AccountId,
    (name, test): (&str, bool),
    mut after: Option<String>,
    columns: Option<&[String]>,
    chunks: &mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), PeopleError> {
    let scope = Scope::Accounts([account].into());
    let mut text = heading(columns);
    loop {
        let slice = api.people().episodes(&scope, account, (name, test), after.as_deref(), SLICE).await?;
        slice.iter().for_each(|episode| line(&mut text, episode, columns));
        let more = slice.len() == SLICE;
        after = slice.last().map(|episode| episode.told.clone());
        let gone = chunks.send(Ok(std::mem::take(&mut text).into())).await.is_err();
        if gone || !more {
            return Ok(());
        }
    }
}

fn heading(columns: Option<&[String]>) -> String {
    let mut text = "id,cursor,device,source,client_id,version,began_at,changed_at,ended".to_owned();
    for name in columns.map_or_else(|| vec!["variables"], |names| names.iter().map(String::as_str).collect())
    {
        text.push(',');
        cell(&mut text, name);
    }
    text.push_str("\r\n");
    text
}

fn line(text: &mut String, episode: &Episode, columns: Option<&[String]>) {
    let at = |at| timestamp(at).map(|at| at.to_string()).unwrap_or_default();
    let cells = [
        episode.id.as_str(),
        &episode.told,
        &episode.device,
        &episode.source,
        episode.client_id.as_deref().unwrap_or_default(),
        episode.version.as_deref().unwrap_or_default(),
        &at(episode.began_at),
        &at(episode.at),
        if episode.ended { "true" } else { "false" },
    ];
    for (index, value) in cells.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        cell(text, value);
    }
    match columns {
        None => {
            text.push(',');
            cell(text, &episode.variables);
        }
        Some(names) => {
            let variables: serde_json::Value = serde_json::from_str(&episode.variables).unwrap_or_default();
            for name in names {
                text.push(',');
                match variables.get(name) {
                    Some(serde_json::Value::String(value)) => cell(text, value),
                    Some(value) => cell(text, &value.to_string()),
                    None => {}
                }
            }
        }
    }
    text.push_str("\r\n");
}

/// A cell of RFC 4180. What a person wrote and a spreadsheet would take for a formula is made a text.
fn cell(text: &mut String, value: &str) {
    let formula = value.starts_with(['=', '@', '\t', '\r'])
        || value.starts_with(['+', '-']) && value[1..].contains(|c: char| !c.is_ascii_digit() && c != '.');
    let quoted = formula || value.contains([',', '"', '\n', '\r']);
    if !quoted {
        return text.push_str(value);
    }
    text.push('"');
    if formula {
        text.push('\'');
    }
    text.push_str(&value.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use signalbox_core::time::Micros;

    use super::*;

    fn episode(variables: &str) -> Episode {
        Episode {
            id: "a.1".into(),
            told: "0".repeat(32),
            account: AccountId(1),
            sub_campaign: "quiz".into(),
            device: "+447400123456".into(),
            source: "60777".into(),
            client_id: None,
            version: Some("quiz.1".into()),
            began_at: Micros(1_790_000_000_000_000),
            at: Micros(1_790_000_001_000_000),
            ended: true,
            variables: variables.into(),
            test: false,
        }
    }

    #[test]
    fn a_line_has_what_was_asked_for_and_no_formula() {
        let columns = ["age".to_owned(), "none".to_owned(), "said".to_owned()];
        let mut text = heading(Some(&columns));
        line(&mut text, &episode(r#"{"age":41,"said":"=1+1, \"x\""}"#), Some(&columns));
        let zeros = "0".repeat(32);
        let expected = format!(
            "id,cursor,device,source,client_id,version,began_at,changed_at,ended,age,none,said\r\n\
             a.1,{zeros},+447400123456,60777,,quiz.1,2026-09-21T14:13:20Z,2026-09-21T14:13:21Z,true,41,,\
             \"'=1+1, \"\"x\"\"\"\r\n"
        );
        assert_eq!(text, expected);
        let mut text = heading(None);
        line(&mut text, &episode(r#"{"age":41}"#), None);
        assert!(text.ends_with(",true,\"{\"\"age\"\":41}\"\r\n"), "{text}");
    }
}
