//! What passed between an account and an end user: the trace, and what was said of consent.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::Right;
use signalbox_core::time::Micros;
use signalbox_people::{Before, Channels, Consent, TraceEntry};
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::extract::{QueryOf, timestamp};
use crate::api::operations::{Operation, operation};
use crate::api::page::{Page, odd_cursor, read_cursor};
use crate::api::problem::{Problem, ProblemKind};
use crate::api::{Api, mask};

/// Whose history.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    /// The account; that of the token where it has one.
    account: Option<String>,
    /// A number or e-mail address; `+` is written `%2B`.
    device: Option<String>,
    /// A client id.
    client_id: Option<String>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    limit: Option<usize>,
}

/// An attempt or a message.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryInfo {
    /// Its event.
    id: String,
    /// When it was sent or received.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<jiff::Timestamp>,
    /// `in` or `out`.
    direction: &'static str,
    /// Text, voice or e-mail.
    channel: String,
    /// The device; masked without the right `messages:reveal`.
    device: String,
    /// The source address on our side.
    source: String,
    /// The contact's client id; left out without the right `messages:reveal`, since it may be a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The sub-campaign that handled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_campaign: Option<String>,
    /// What became of it.
    status: String,
    /// As of when.
    #[schema(value_type = Option<String>, format = DateTime)]
    status_at: Option<jiff::Timestamp>,
    /// What was said; with the right `messages:reveal` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why it went the way it did: of an MO the reasons of its way, of an MT the reason of its source address and its
    /// attempt group, of a failure what failed. With the right `messages:reveal` alone, since it may quote a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    detail: Option<serde_json::Value>,
}

/// Whose consent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentQuery {
    /// The account; that of the token where it has one.
    account: Option<String>,
    /// A number, an e-mail address or a client id; `+` is written `%2B`.
    subject: String,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    limit: Option<usize>,
}

/// An entry of the consent ledger.
#[derive(Debug, Serialize, ToSchema)]
struct ConsentInfo {
    /// Its number.
    id: i64,
    /// `opt_out` or `opt_in`.
    action: &'static str,
    /// `campaign`, `account` or `enterprise`.
    level: &'static str,
    /// Which one.
    level_id: String,
    /// `text`, `voice`, `email`, `mms`.
    channels: Vec<&'static str>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<jiff::Timestamp>,
    /// Who said so: the device, an agent, an import.
    who: String,
    /// How: a keyword, a form, a call.
    how: String,
    /// The words; with the right `messages:reveal` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    wording: Option<String>,
    /// The source address or page.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Where the evidence is.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/history",
            "history.list",
            "All contacts with a device or client id, newest first, over all sub-campaigns of the account",
            history,
        )
        .right(Right::ContactsRead)
        .query::<HistoryQuery>()
        .page::<HistoryInfo>("attempts and messages")
        .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        operation(
            Method::GET,
            "/v1/consents",
            "consent.list",
            "What was said of a subject's consent, newest first",
            consents,
        )
        .right(Right::ContactsRead)
        .query::<ConsentQuery>()
        .page::<ConsentInfo>("entries of the ledger")
        .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
    ]
}

async fn history(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<HistoryQuery>,
) -> Result<Json<Page<HistoryInfo>>, Problem> {
    let account = api.account_asked(&caller, query.account.as_deref())?;
    let limit = api.page_limit(query.limit)?;
    let before = query.cursor.as_deref().map(read_place).transpose()?;
    let (scope, people) = (api.scope(&caller), api.people());
    let found = match (&query.device, &query.client_id) {
        (Some(device), None) => {
            people.trace_of_device(&scope, account, device, before.as_ref(), limit + 1).await?
        }
        (None, Some(client)) => {
            people.trace_of_client(&scope, account, client, before.as_ref(), limit + 1).await?
        }
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::field("device", "or client_id is needed, and one of them alone"));
        }
    };
    let page = Page::cut(found, limit, |last| format!("{}:{}", last.at.0, last.event));
    let items = page.items.into_iter().map(|entry| show(entry, &caller)).collect();
    Ok(Json(Page { items, next: page.next }))
}

/// The entry that a page ended with.
fn read_place(cursor: &str) -> Result<Before, Problem> {
    let (at, event) = cursor.split_once(':').ok_or_else(odd_cursor)?;
    Ok(Before { at: Micros(at.parse().map_err(|_| odd_cursor())?), event: event.to_owned() })
}

fn show(entry: TraceEntry, caller: &Caller) -> HistoryInfo {
    let whole = caller.reveals();
    HistoryInfo {
        id: entry.event,
        at: timestamp(entry.at),
        direction: entry.direction.as_str(),
        channel: entry.channel,
        device: mask::text(&entry.device, whole),
        source: entry.source,
        client_id: entry.client_id.filter(|_| whole),
        sub_campaign: entry.sub_campaign,
        status: entry.status,
        status_at: timestamp(entry.status_at),
        text: entry.text.filter(|_| whole),
        // What is not JSON is shown as it is.
        detail: entry
            .detail
            .filter(|_| whole)
            .map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))),
    }
}

async fn consents(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<ConsentQuery>,
) -> Result<Json<Page<ConsentInfo>>, Problem> {
    let account = api.account_asked(&caller, query.account.as_deref())?;
    let limit = api.page_limit(query.limit)?;
    let before: Option<i64> = read_cursor(query.cursor.as_deref())?;
    let found =
        api.people().consents(&api.scope(&caller), account, &query.subject, before, limit + 1).await?;
    let shown = found.into_iter().map(|entry| show_consent(entry, &caller)).collect();
    Ok(Json(Page::cut(shown, limit, |last: &ConsentInfo| last.id.to_string())))
}

fn show_consent(entry: Consent, caller: &Caller) -> ConsentInfo {
    let said = entry.said;
    let all = [
        (Channels::TEXT, "text"),
        (Channels::VOICE, "voice"),
        (Channels::EMAIL, "email"),
        (Channels::MMS, "mms"),
    ];
    ConsentInfo {
        id: entry.id,
        action: said.action.as_str(),
        level: said.level.as_str(),
        level_id: said.level_id,
        channels: all
            .into_iter()
            .filter(|(one, _)| said.channels.meets(*one))
            .map(|(_, name)| name)
            .collect(),
        at: timestamp(said.at),
        who: said.who,
        how: said.how,
        wording: said.wording.filter(|_| caller.reveals()),
        source: said.source,
        evidence: said.evidence,
    }
}
