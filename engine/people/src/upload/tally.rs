//! What an upload counts and keeps beside its contacts: rejected lines, contacts that opted out, its counters.

use rustc_hash::FxHashSet;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::apply::{Placed, signed};
use super::columns::Columns;
use super::rows::Refused;
use super::{Counts, Upload, UploadOrder, UploadState};
use crate::bulk::{Among, Insert, Values};
use crate::error::PeopleError;
use crate::store::People;

pub(crate) const SUPPRESSED: Among =
    Among { head: "SELECT subject FROM suppression WHERE level = ? AND level_id = ? AND subject IN " };
const REJECTS: Insert = Insert {
    head: "INSERT INTO upload_reject (upload, line, reason, column_name)",
    kinds: "iitt",
    // Two lines of one number: a quoted field that goes over lines.
    tail: " ON CONFLICT (upload, line) DO NOTHING",
};

impl People {
    /// Rows that join the list though they are suppressed.
    pub(super) async fn count_opted_out(
        &self,
        transaction: &mut Transaction<'static, Any>,
        order: &UploadOrder,
        placed: &[Placed<'_>],
    ) -> Result<i64, PeopleError> {
        let joining = || placed.iter().filter(|one| one.joins);
        let mut subjects: Vec<&str> = joining()
            .flat_map(|one| {
                one.row
                    .devices
                    .iter()
                    .map(|(_, address)| address.as_str())
                    .chain([one.row.client_id.as_str()])
            })
            .collect();
        subjects.sort_unstable();
        subjects.dedup();
        let mut shut: FxHashSet<String> = FxHashSet::default();
        for (level, id) in &order.levels {
            let any = sqlx::query("SELECT 1 FROM suppression WHERE level = $1 AND level_id = $2 LIMIT 1")
                .bind(level.as_str())
                .bind(id.as_str())
                .fetch_optional(&mut **transaction)
                .await?;
            if any.is_none() {
                continue;
            }
            let first = |values: &mut Values| {
                values.push(level.as_str()).push(id.as_str());
            };
            let bind = |subject: &&str, values: &mut Values| {
                values.push(*subject);
            };
            let take = |row: &AnyRow| {
                shut.insert(row.try_get(0)?);
                Ok(())
            };
            SUPPRESSED.run(transaction, self.dialect, &subjects, first, bind, take).await?;
            let erased = self.shut_erased(transaction, *level, id, &subjects).await?;
            shut.extend(erased.into_iter().map(str::to_owned));
        }
        if shut.is_empty() {
            return Ok(0);
        }
        let is_shut = |one: &&Placed<'_>| {
            shut.contains(&one.row.client_id)
                || one.row.devices.iter().any(|(_, address)| shut.contains(address))
        };
        Ok(signed(joining().filter(is_shut).count()))
    }

    /// Keeps the reasons of rejected lines, up to the bound of the order; how many. So many more are kept by this part
    /// already.
    pub(super) async fn keep_rejects(
        &self,
        transaction: &mut Transaction<'static, Any>,
        upload: &Upload,
        order: &UploadOrder,
        columns: &Columns,
        refused: &[Refused],
        by_now: i64,
    ) -> Result<i64, PeopleError> {
        if refused.is_empty() {
            return Ok(0);
        }
        let row = sqlx::query("SELECT rejects_kept FROM upload WHERE id = $1")
            .bind(upload.id.0)
            .fetch_one(&mut **transaction)
            .await?;
        let kept: i64 = row.try_get(0)?;
        let room = usize::try_from(i64::from(order.rejects) - kept - by_now).unwrap_or(0);
        let keep = &refused[..refused.len().min(room)];
        let kept = REJECTS
            .run(transaction, self.dialect, keep, |refused, values| {
                let column = refused.column.and_then(|index| columns.names.get(index));
                values.push(upload.id.0).push(i64::try_from(refused.line).unwrap_or(i64::MAX));
                values.push(refused.reason.as_ref()).push(column.map(String::as_str));
            })
            .await?;
        Ok(i64::try_from(kept).unwrap_or(i64::MAX))
    }
}

/// Adds to what the upload counted; false when it is no longer under way.
pub(super) async fn add(
    transaction: &mut Transaction<'static, Any>,
    upload: &Upload,
    counts: &Counts,
    octets: Option<u64>,
) -> Result<bool, PeopleError> {
    let done = sqlx::query(
        "UPDATE upload SET octets = COALESCE($1, octets), lines = lines + $2, accepted = accepted + $3, created = created + $4, \
         rejected = rejected + $5, rejects_kept = rejects_kept + $6, repeated_in_file = repeated_in_file + $7, \
         repeated_in_list = repeated_in_list + $8, opted_out = opted_out + $9 WHERE id = $10 AND state = $11",
    )
    .bind(octets.map(|octets| i64::try_from(octets).unwrap_or(i64::MAX)))
    .bind(counts.lines)
    .bind(counts.accepted)
    .bind(counts.created)
    .bind(counts.rejected)
    .bind(counts.rejects_kept)
    .bind(counts.repeated_in_file)
    .bind(counts.repeated_in_list)
    .bind(counts.opted_out)
    .bind(upload.id.0)
    .bind(UploadState::Running.as_str())
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() > 0)
}
