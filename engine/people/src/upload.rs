//! Uploads: files of millions of contacts stream into a list (requirements CON-04, MQ-07).
//!
//! Three stages, each bounded: octets are read from their source, a thread of its own turns them into rows in normal
//! form, and batches of rows go into the database, each with the upload's counters in one transaction. So an upload
//! that is cut off has counted exactly what it stored, and the same file once more adds only what is missing.

mod apply;
mod columns;
mod rows;
mod run;
mod tally;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use signalbox_text::phone::Home;
use sqlx::Row;
use sqlx::any::AnyRow;

pub use columns::{ColumnMap, Target, UnknownTarget, Unmapped};
pub(crate) use tally::SUPPRESSED;

use crate::consent::Level;
use crate::device::{UnknownKind, account_of, words};
use crate::error::PeopleError;
use crate::id::{ListId, Scope, UploadId};
use crate::list;
use crate::owned::Owned;
use crate::store::People;

words! {
    /// How far an upload is.
    UploadState {
        /// It is under way.
        Running = "running",
        /// All of the file was read.
        Done = "done",
        /// Somebody stopped it; what it had stored stays.
        Cancelled = "cancelled",
        /// The file cannot be read, or has not the columns it should; `problem` says why.
        Failed = "failed",
        /// The node ended before the file did.
        Interrupted = "interrupted",
    }
    /// What becomes of a contact that the account has already.
    Existing {
        /// It stays as it is, and is put into the list.
        Keep = "keep",
        /// What the file says of it is written over what was known, and its further devices are added.
        Update = "update",
    }
}

/// What is to be done with a file.
#[derive(Clone, Debug)]
pub struct UploadOrder {
    /// The list that it goes into.
    pub list: ListId,
    /// Name of the file, for people.
    pub file: String,
    /// Which column is what.
    pub columns: ColumnMap,
    /// The first line names the columns.
    pub header: bool,
    /// Octet between the fields of a line.
    pub delimiter: u8,
    /// How numbers without a country code are read.
    pub home: Home,
    /// What becomes of contacts that are there.
    pub existing: Existing,
    /// Levels whose suppressions are counted as opted out.
    pub levels: Vec<(Level, String)>,
    /// Rejected lines that are kept with their reason; all are counted.
    pub rejects: u32,
    /// Contacts that the account may hold; lines of new ones beyond that are rejected (MQ-32).
    pub most: Option<u64>,
}

/// An upload and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// The account.
    pub account: AccountId,
    /// The list.
    pub list: ListId,
    /// The file's name.
    pub file: String,
    /// How far it is.
    pub state: UploadState,
    /// Why it failed.
    pub problem: Option<String>,
    /// When it began.
    pub started: Micros,
    /// When it ended.
    pub finished: Option<Micros>,
    /// What it counted.
    pub counts: Counts,
}

/// What an upload counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Octets of the file that were read.
    pub octets: i64,
    /// Lines with something in them, without the header.
    pub lines: i64,
    /// Lines whose contact was put into the list.
    pub accepted: i64,
    /// Contacts that were made.
    pub created: i64,
    /// Lines that were rejected.
    pub rejected: i64,
    /// Rejected lines whose reason is kept.
    pub rejects_kept: i64,
    /// Lines whose contact came earlier in the file.
    pub repeated_in_file: i64,
    /// Lines whose contact was in the list before.
    pub repeated_in_list: i64,
    /// Accepted lines of which a device or the client id is suppressed: the send gate will filter them.
    pub opted_out: i64,
}

/// A line that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The line, from 1.
    pub line: i64,
    /// Why; never what the line says.
    pub reason: String,
    /// The column, where it was one.
    pub column: Option<String>,
}

const COLUMNS: &str = "id, account, list, file, state, problem, started_at, finished_at, octets, lines, accepted, \
                       created, rejected, rejects_kept, repeated_in_file, repeated_in_list, opted_out";

impl Owned for Upload {
    const TABLE: &'static str = "upload";
    const COLUMNS: &'static str = COLUMNS;

    fn read(row: &AnyRow) -> Result<Self, PeopleError> {
        read(row)
    }

    fn account(&self) -> AccountId {
        self.account
    }
}

impl People {
    /// Notes that an upload begins; [`People::run_upload`] does it.
    ///
    /// # Errors
    /// When the list is not there or is being deleted, or the database fails.
    pub async fn start_upload(
        &self,
        scope: &Scope,
        order: &UploadOrder,
        now: Micros,
    ) -> Result<Upload, PeopleError> {
        let id = UploadId(self.take_ids(1).await?);
        let mut transaction = self.begin().await?;
        let list = list::lock(&mut transaction, scope, order.list, now).await?;
        let text = format!(
            "INSERT INTO upload (id, account, list, node, file, state, started_at, octets, lines, accepted, \
             created, rejected, rejects_kept, repeated_in_file, repeated_in_list, opted_out) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, 0, 0, 0, 0, 0) RETURNING {COLUMNS}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(id.0)
            .bind(i64::from(list.account.0))
            .bind(order.list.0)
            .bind(self.node.as_ref())
            .bind(order.file.as_str())
            .bind(UploadState::Running.as_str())
            .bind(now.0)
            .fetch_one(&mut *transaction)
            .await?;
        let upload = read(&row)?;
        transaction.commit().await?;
        Ok(upload)
    }

    /// An upload by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upload(&self, scope: &Scope, id: UploadId) -> Result<Option<Upload>, PeopleError> {
        self.owned_row(scope, id.0).await
    }

    /// Uploads of an account, newest first, from the one before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn uploads(
        &self,
        scope: &Scope,
        account: AccountId,
        before: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<Upload>, PeopleError> {
        self.owned_page(scope, account, before.map(|before| before.0), limit).await
    }

    /// Rejected lines of an upload, from the one after `after`.
    ///
    /// # Errors
    /// When there is no such upload, or the database fails.
    pub async fn rejects(
        &self,
        scope: &Scope,
        id: UploadId,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Reject>, PeopleError> {
        if self.upload(scope, id).await?.is_none() {
            return Err(PeopleError::absent("upload", id));
        }
        let rows = sqlx::query(
            "SELECT line, reason, column_name FROM upload_reject WHERE upload = $1 AND line > $2 \
             ORDER BY line LIMIT $3",
        )
        .bind(id.0)
        .bind(after.unwrap_or(0))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await?;
        let read = |row: &AnyRow| {
            Ok(Reject { line: row.try_get(0)?, reason: row.try_get(1)?, column: row.try_get(2)? })
        };
        rows.iter().map(read).collect()
    }

    /// Stops an upload before its next batch, on whichever node it runs. Whether it was under way.
    ///
    /// # Errors
    /// When there is no such upload, or the database fails.
    pub async fn cancel_upload(&self, scope: &Scope, id: UploadId, now: Micros) -> Result<bool, PeopleError> {
        if self.upload(scope, id).await?.is_none() {
            return Err(PeopleError::absent("upload", id));
        }
        self.end_upload(id, UploadState::Cancelled, None, now).await
    }

    /// Notes how an upload ended, unless that is noted already; whether it was under way.
    async fn end_upload(
        &self,
        id: UploadId,
        state: UploadState,
        problem: Option<&str>,
        now: Micros,
    ) -> Result<bool, PeopleError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "UPDATE upload SET state = $1, problem = $2, finished_at = $3 WHERE id = $4 AND state = $5",
        )
        .bind(state.as_str())
        .bind(problem)
        .bind(now.0)
        .bind(id.0)
        .bind(UploadState::Running.as_str())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Uploads that were under way when this node ended do not go on by themselves.
    pub(crate) async fn end_interrupted(&self) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE upload SET state = $1 WHERE state = $2 AND node = $3")
            .bind(UploadState::Interrupted.as_str())
            .bind(UploadState::Running.as_str())
            .bind(self.node.as_ref())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        if done.rows_affected() > 0 {
            tracing::warn!(uploads = done.rows_affected(), "uploads were interrupted when the node ended");
        }
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<Upload, PeopleError> {
    let damaged = |_| PeopleError::Damaged { table: "upload", column: "state" };
    Ok(Upload {
        id: UploadId(row.try_get(0)?),
        account: account_of(row, 1, "upload")?,
        list: ListId(row.try_get(2)?),
        file: row.try_get(3)?,
        state: row.try_get::<String, _>(4)?.parse().map_err(damaged)?,
        problem: row.try_get(5)?,
        started: Micros(row.try_get(6)?),
        finished: row.try_get::<Option<i64>, _>(7)?.map(Micros),
        counts: Counts {
            octets: row.try_get(8)?,
            lines: row.try_get(9)?,
            accepted: row.try_get(10)?,
            created: row.try_get(11)?,
            rejected: row.try_get(12)?,
            rejects_kept: row.try_get(13)?,
            repeated_in_file: row.try_get(14)?,
            repeated_in_list: row.try_get(15)?,
            opted_out: row.try_get(16)?,
        },
    })
}
