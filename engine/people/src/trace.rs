//! Trace: all contacts with an end user, over all sub-campaigns of the account (requirement CON-10).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::bulk::Insert;
use crate::device::{UnknownKind, account_of, words};
use crate::error::{Invalid, PeopleError};
use crate::id::Scope;
use crate::store::People;

/// Events of one order at most.
const EVENTS: usize = 10_000;

words! {
    /// Who began it.
    Direction {
        /// The end user.
        In = "in",
        /// The account.
        Out = "out",
    }
}

/// An attempt or a message, as it is told to the trace.
#[derive(Clone, PartialEq, Eq)]
pub struct NewTrace {
    /// The event; told twice it stands once, with its later status and what was told of it at any time.
    pub event: String,
    /// The account.
    pub account: AccountId,
    /// The device's address.
    pub device: String,
    /// The contact's client id, where it has one.
    pub client_id: Option<String>,
    /// When it was sent or received.
    pub at: Micros,
    /// Who began it.
    pub direction: Direction,
    /// Text, voice or e-mail.
    pub channel: String,
    /// The source address on our side.
    pub source: String,
    /// The sub-campaign that handled it.
    pub sub_campaign: Option<String>,
    /// What became of it.
    pub status: String,
    /// As of when.
    pub status_at: Micros,
    /// What was said.
    pub text: Option<String>,
    /// Why it went the way it did, as JSON: of an MO the reasons of its way, of an MT the reason of its source address
    /// and its attempt group, of a failure what failed.
    pub detail: Option<String>,
}

/// An entry of the trace.
pub type TraceEntry = NewTrace;

/// Where a page of the trace begins: before this entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// When it was.
    pub at: Micros,
    /// Its event.
    pub event: String,
}

impl NewTrace {
    /// The status of a text that waits. Any other of the same instant is what became of it: the gate may hold a text
    /// back in the commit that made it.
    pub const QUEUED: &str = "queued";
}

impl fmt::Debug for NewTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({} {} {}, {})", self.event, self.direction, self.channel, self.status)
    }
}

const ENTRIES: Insert = Insert {
    head: "INSERT INTO trace (event, account, device, client_id, at, direction, channel, source, sub_campaign, \
           status, status_at, body, detail)",
    kinds: "tittitttttitt",
    tail: " ON CONFLICT (event) DO UPDATE SET \
           status = CASE WHEN excluded.status_at > trace.status_at OR (excluded.status_at = trace.status_at \
           AND trace.status = 'queued') THEN excluded.status ELSE trace.status END, \
           status_at = CASE WHEN excluded.status_at > trace.status_at THEN excluded.status_at \
           ELSE trace.status_at END, \
           body = CASE trace.erased WHEN 0 THEN COALESCE(trace.body, excluded.body) END, \
           detail = CASE trace.erased WHEN 0 THEN COALESCE(trace.detail, excluded.detail) END \
           WHERE excluded.status_at > trace.status_at \
           OR (excluded.status_at = trace.status_at AND trace.status = 'queued') \
           OR (trace.body IS NULL AND excluded.body IS NOT NULL) \
           OR (trace.detail IS NULL AND excluded.detail IS NOT NULL)",
};

const COLUMNS: &str = "event, account, device, client_id, at, direction, channel, source, sub_campaign, status, \
                       status_at, body, detail";

/// What is told of each event in one order, as one: a statement must not change a row twice.
fn told_once(events: &[NewTrace]) -> Vec<NewTrace> {
    let mut sorted: Vec<&NewTrace> = events.iter().collect();
    // Events in one order, so that two writers do not wait for each other; of each, what was told first.
    sorted.sort_by(|a, b| (&a.event, a.status_at).cmp(&(&b.event, b.status_at)));
    let mut rows: Vec<NewTrace> = Vec::with_capacity(sorted.len());
    for event in sorted {
        match rows.last_mut() {
            Some(row) if row.event == event.event => {
                if event.status_at > row.status_at || row.status == NewTrace::QUEUED {
                    row.status.clone_from(&event.status);
                    row.status_at = event.status_at;
                }
                row.text = row.text.take().or_else(|| event.text.clone());
                row.detail = row.detail.take().or_else(|| event.detail.clone());
            }
            Some(_) | None => rows.push(event.clone()),
        }
    }
    rows
}

impl People {
    /// Adds events to the trace. One that is there already takes a later status, and a text and a detail where it has
    /// none.
    ///
    /// # Errors
    /// When they are more than 10,000, or the database fails.
    pub async fn record_trace(&self, events: &[NewTrace]) -> Result<(), PeopleError> {
        if events.len() > EVENTS {
            return Err(Invalid::new("events", format!("are more than {EVENTS}")).into());
        }
        let rows = told_once(events);
        let mut transaction = self.begin().await?;
        ENTRIES
            .run(&mut transaction, self.dialect, &rows, |event, values| {
                values
                    .push(event.event.as_str())
                    .push(i64::from(event.account.0))
                    .push(event.device.as_str());
                values.push(event.client_id.as_deref()).push(event.at.0).push(event.direction.as_str());
                values
                    .push(event.channel.as_str())
                    .push(event.source.as_str())
                    .push(event.sub_campaign.as_deref());
                values.push(event.status.as_str()).push(event.status_at.0);
                values.push(event.text.as_deref()).push(event.detail.as_deref());
            })
            .await?;
        Ok(transaction.commit().await?)
    }

    /// The trace of a device, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn trace_of_device(
        &self,
        scope: &Scope,
        account: AccountId,
        address: &str,
        before: Option<&Before>,
        limit: usize,
    ) -> Result<Vec<TraceEntry>, PeopleError> {
        let query = format!(
            "SELECT {COLUMNS} FROM trace WHERE account = $1 AND device = $2 AND (at, event) < ($3, $4) \
             ORDER BY at DESC, event DESC LIMIT $5"
        );
        self.trace(query, scope, account, address, before, limit).await
    }

    /// The trace of a client id, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn trace_of_client(
        &self,
        scope: &Scope,
        account: AccountId,
        client_id: &str,
        before: Option<&Before>,
        limit: usize,
    ) -> Result<Vec<TraceEntry>, PeopleError> {
        let query = format!(
            "SELECT {COLUMNS} FROM trace WHERE account = $1 AND client_id = $2 AND (at, event) < ($3, $4) \
             ORDER BY at DESC, event DESC LIMIT $5"
        );
        self.trace(query, scope, account, client_id, before, limit).await
    }

    async fn trace(
        &self,
        query: String,
        scope: &Scope,
        account: AccountId,
        key: &str,
        before: Option<&Before>,
        limit: usize,
    ) -> Result<Vec<TraceEntry>, PeopleError> {
        if !scope.sees(account) {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(i64::from(account.0))
            .bind(key)
            .bind(before.map_or(i64::MAX, |before| before.at.0))
            .bind(before.map_or("", |before| before.event.as_str()))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<TraceEntry, PeopleError> {
    let damaged = |_| PeopleError::Damaged { table: "trace", column: "direction" };
    Ok(NewTrace {
        event: row.try_get(0)?,
        account: account_of(row, 1, "trace")?,
        device: row.try_get(2)?,
        client_id: row.try_get(3)?,
        at: Micros(row.try_get(4)?),
        direction: row.try_get::<String, _>(5)?.parse().map_err(damaged)?,
        channel: row.try_get(6)?,
        source: row.try_get(7)?,
        sub_campaign: row.try_get(8)?,
        status: row.try_get(9)?,
        status_at: Micros(row.try_get(10)?),
        text: row.try_get(11)?,
        detail: row.try_get(12)?,
    })
}
