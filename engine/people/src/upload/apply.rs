//! A batch of rows goes into the database, with what it counts, in one transaction.

use std::ops::RangeFrom;

use rustc_hash::{FxHashMap, FxHashSet};
use signalbox_core::time::Micros;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::columns::{Columns, Target};
use super::rows::{Batch, UploadRow};
use super::{Counts, Existing, Upload, UploadOrder, UploadState};
use crate::bulk::{Among, Insert, Values};
use crate::contact::write::{CONTACT_DEVICES, CONTACTS, DEVICE_IDS, DEVICES, FIELDS};
use crate::error::PeopleError;
use crate::list::{self, MEMBERS};
use crate::store::People;

/// What the account has of these client ids, and whether it is in the list.
const FOUND: Among = Among {
    head: "SELECT c.id, c.client_id, m.contact, m.upload FROM contact c \
           LEFT JOIN list_member m ON m.list = ? AND m.contact = c.id WHERE c.account = ? AND c.client_id IN ",
};
const SUPPRESSED: Among =
    Among { head: "SELECT subject FROM suppression WHERE level = ? AND level_id = ? AND subject IN " };
const OWNED: Among = Among { head: "SELECT contact, place, device FROM contact_device WHERE contact IN " };
/// New contacts; those that are there stay.
const MADE: Insert = Insert {
    head: CONTACTS.head,
    width: CONTACTS.width,
    tail: " ON CONFLICT (account, client_id) DO NOTHING",
};
/// What the file says is written over what was known; what it does not say stays.
const UPDATED: Insert = Insert {
    head: CONTACTS.head,
    width: CONTACTS.width,
    tail: " ON CONFLICT (account, client_id) DO UPDATE SET \
           first_name = COALESCE(excluded.first_name, contact.first_name), \
           last_name = COALESCE(excluded.last_name, contact.last_name), \
           company = COALESCE(excluded.company, contact.company), email = COALESCE(excluded.email, contact.email), \
           zone = COALESCE(excluded.zone, contact.zone), language = COALESCE(excluded.language, contact.language), \
           consent_at = COALESCE(excluded.consent_at, contact.consent_at), version = contact.version + 1, \
           updated_at = excluded.updated_at",
};
const REJECTS: Insert = Insert {
    head: "INSERT INTO upload_reject (upload, line, reason, column_name) VALUES ",
    width: 4,
    // Two lines of one number: a quoted field that goes over lines.
    tail: " ON CONFLICT (upload, line) DO NOTHING",
};

/// What became of a batch.
pub(super) enum Applied {
    /// It is stored.
    Stored,
    /// The upload is no longer under way; nothing of the batch is stored.
    Stopped,
}

/// A row and the contact that it is about.
struct Placed<'b> {
    contact: i64,
    row: &'b UploadRow,
    role: Role,
    joins: bool,
}

/// What a row does to its contact.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It makes it.
    New,
    /// It is written over what was known.
    Updated,
    /// Nothing.
    Kept,
}

impl People {
    /// Stores a batch.
    pub(super) async fn apply(
        &self,
        upload: &Upload,
        order: &UploadOrder,
        columns: &Columns,
        batch: &Batch,
        now: Micros,
    ) -> Result<Applied, PeopleError> {
        let devices: usize = batch.rows.iter().map(|row| row.devices.len()).sum();
        let mut ids = self.take_ids(batch.rows.len() + devices).await?..;
        let mut transaction = self.begin().await?;
        let mut counts = Counts {
            octets: i64::try_from(batch.octets).unwrap_or(i64::MAX),
            lines: signed(batch.rows.len() + batch.refused.len()),
            rejected: signed(batch.refused.len()),
            ..Counts::default()
        };
        let placed = self.place(&mut transaction, (upload, order), batch, &mut ids, &mut counts, now).await?;
        counts.created = signed(placed.iter().filter(|one| one.role == Role::New).count());
        self.write_over(&mut transaction, upload, &placed, now).await?;
        self.write_devices(&mut transaction, upload, &placed, &mut ids).await?;
        self.write_fields(&mut transaction, columns, &placed).await?;
        let joining: Vec<i64> = placed.iter().filter(|one| one.joins).map(|one| one.contact).collect();
        let joined = MEMBERS
            .run(&mut transaction, self.dialect, &joining, |contact, values| {
                values.push(order.list.0).push(*contact).push(upload.id.0);
            })
            .await?;
        counts.accepted = i64::try_from(joined).unwrap_or(i64::MAX);
        counts.opted_out = self.count_opted_out(&mut transaction, order, &placed).await?;
        counts.rejects_kept = self.keep_rejects(&mut transaction, upload, order, columns, batch).await?;
        list::count(&mut transaction, order.list, counts.accepted).await?;
        if !add(&mut transaction, upload, &counts).await? {
            return Ok(Applied::Stopped);
        }
        transaction.commit().await?;
        Ok(Applied::Stored)
    }

    /// Makes a contact of each row, or finds the one that is there; leaves out what repeats.
    ///
    /// Most rows of most files are new: they are inserted first, and only where a statement made fewer contacts than
    /// it has rows its rows are looked up.
    async fn place<'b>(
        &self,
        transaction: &mut Transaction<'static, Any>,
        (upload, order): (&Upload, &UploadOrder),
        batch: &'b Batch,
        ids: &mut RangeFrom<i64>,
        counts: &mut Counts,
        now: Micros,
    ) -> Result<Vec<Placed<'b>>, PeopleError> {
        let mut seen = FxHashSet::default();
        let rows = batch.rows.iter().filter(|row| seen.insert(row.client_id.as_str()));
        let numbered: Vec<(i64, &UploadRow)> = ids.by_ref().zip(rows).collect();
        counts.repeated_in_file += signed(batch.rows.len() - numbered.len());
        let account = i64::from(upload.account.0);
        let mut placed = Vec::with_capacity(numbered.len());
        let mut unsure = Vec::new();
        MADE.run_by_steps(
            transaction,
            self.dialect,
            &numbered,
            |(contact, row), values| bind_contact(*contact, account, row, now, values),
            |rows, made| {
                if made == rows.len() as u64 {
                    let new = |(contact, row): &(i64, &'b UploadRow)| Placed {
                        contact: *contact,
                        row,
                        role: Role::New,
                        joins: true,
                    };
                    placed.extend(rows.iter().map(new));
                } else {
                    unsure.extend_from_slice(rows);
                }
            },
        )
        .await?;
        let found = self.found(transaction, upload, order, &unsure).await?;
        for (made, row) in unsure {
            // Made and taken away by another writer between two statements: the batch is tried again.
            let (contact, member, by) = found.get(&row.client_id).copied().ok_or(PeopleError::Busy)?;
            if contact == made {
                placed.push(Placed { contact, row, role: Role::New, joins: true });
                continue;
            }
            if member && by == Some(upload.id.0) {
                counts.repeated_in_file += 1;
                continue;
            }
            counts.repeated_in_list += i64::from(member);
            let role = match order.existing {
                Existing::Keep => Role::Kept,
                Existing::Update => Role::Updated,
            };
            placed.push(Placed { contact, row, role, joins: !member });
        }
        Ok(placed)
    }

    /// Of each client id that is there: the contact, whether it is in the list, and the upload that put it there.
    async fn found(
        &self,
        transaction: &mut Transaction<'static, Any>,
        upload: &Upload,
        order: &UploadOrder,
        rows: &[(i64, &UploadRow)],
    ) -> Result<FxHashMap<String, (i64, bool, Option<i64>)>, PeopleError> {
        let mut found = FxHashMap::default();
        let first = |values: &mut Values| {
            values.push(order.list.0).push(i64::from(upload.account.0));
        };
        let bind = |(_, row): &(i64, &UploadRow), values: &mut Values| {
            values.push(row.client_id.as_str());
        };
        let take = |row: &AnyRow| {
            let member: Option<i64> = row.try_get(2)?;
            found.insert(row.try_get(1)?, (row.try_get(0)?, member.is_some(), row.try_get(3)?));
            Ok(())
        };
        FOUND.run(transaction, self.dialect, rows, first, bind, take).await?;
        Ok(found)
    }

    /// Writes what the file says over contacts that were there.
    async fn write_over(
        &self,
        transaction: &mut Transaction<'static, Any>,
        upload: &Upload,
        placed: &[Placed<'_>],
        now: Micros,
    ) -> Result<(), PeopleError> {
        let account = i64::from(upload.account.0);
        let rows: Vec<&Placed<'_>> = placed.iter().filter(|one| one.role == Role::Updated).collect();
        let bind = |one: &&Placed<'_>, values: &mut Values| {
            bind_contact(one.contact, account, one.row, now, values);
        };
        UPDATED.run(transaction, self.dialect, &rows, bind).await?;
        Ok(())
    }

    /// Devices of new contacts, and further devices of those that are written over.
    async fn write_devices(
        &self,
        transaction: &mut Transaction<'static, Any>,
        upload: &Upload,
        placed: &[Placed<'_>],
        ids: &mut RangeFrom<i64>,
    ) -> Result<(), PeopleError> {
        let account = i64::from(upload.account.0);
        let devices = placed.iter().filter(|one| one.role != Role::Kept).flat_map(|one| &one.row.devices);
        let mut known: FxHashMap<&str, Option<i64>> = FxHashMap::default();
        let mut media = FxHashMap::default();
        for (kind, address) in devices {
            known.insert(address.as_str(), None);
            media.insert(address.as_str(), kind.medium());
        }
        let mut addresses: Vec<&str> = known.keys().copied().collect();
        // Neighbours share pages of the index, and two writers do not wait for each other crosswise.
        addresses.sort_unstable();
        let numbered: Vec<(i64, &str)> = ids.by_ref().zip(addresses).collect();
        let mut unsure = Vec::new();
        DEVICES
            .run_by_steps(
                transaction,
                self.dialect,
                &numbered,
                |(id, address), values| {
                    let medium = media.get(address).map_or("phone", |medium| medium.as_str());
                    values.push(*id).push(account).push(*address).push(medium).push(1_i64);
                },
                |rows, made| {
                    if made == rows.len() as u64 {
                        known.extend(rows.iter().map(|(id, address)| (*address, Some(*id))));
                    } else {
                        unsure.extend(rows.iter().map(|(_, address)| *address));
                    }
                },
            )
            .await?;
        self.device_ids(transaction, account, &unsure, &mut known).await?;
        let mut owned = self.owned(transaction, placed).await?;
        let mut rows = Vec::new();
        for one in placed.iter().filter(|one| one.role != Role::Kept) {
            let (places, has) = owned.remove(&one.contact).unwrap_or_default();
            let mut place = places;
            for (kind, address) in &one.row.devices {
                let id = known.get(address.as_str()).copied().flatten().ok_or(PeopleError::Busy)?;
                if has.contains(&id) {
                    continue;
                }
                rows.push((one.contact, place, id, *kind));
                place += 1;
            }
        }
        CONTACT_DEVICES
            .run(transaction, self.dialect, &rows, |(contact, place, device, kind), values| {
                values.push(*contact).push(*place).push(*device).push(kind.as_str());
            })
            .await?;
        Ok(())
    }

    async fn device_ids<'a>(
        &self,
        transaction: &mut Transaction<'static, Any>,
        account: i64,
        addresses: &[&'a str],
        known: &mut FxHashMap<&'a str, Option<i64>>,
    ) -> Result<(), PeopleError> {
        let first = |values: &mut Values| {
            values.push(account);
        };
        let bind = |address: &&'a str, values: &mut Values| {
            values.push(*address);
        };
        let take = |row: &AnyRow| {
            if let Some(id) = known.get_mut(row.try_get::<&str, _>(1)?) {
                *id = Some(row.try_get(0)?);
            }
            Ok(())
        };
        DEVICE_IDS.run(transaction, self.dialect, addresses, first, bind, take).await
    }

    /// Of contacts that are written over: the place behind their last device, and their devices.
    async fn owned(
        &self,
        transaction: &mut Transaction<'static, Any>,
        placed: &[Placed<'_>],
    ) -> Result<FxHashMap<i64, (i64, Vec<i64>)>, PeopleError> {
        let contacts: Vec<i64> =
            placed.iter().filter(|one| one.role == Role::Updated).map(|one| one.contact).collect();
        let mut owned: FxHashMap<i64, (i64, Vec<i64>)> = FxHashMap::default();
        let bind = |contact: &i64, values: &mut Values| {
            values.push(*contact);
        };
        let take = |row: &AnyRow| {
            let (places, devices) = owned.entry(row.try_get(0)?).or_default();
            *places = (*places).max(row.try_get::<i64, _>(1)? + 1);
            devices.push(row.try_get(2)?);
            Ok(())
        };
        OWNED.run(transaction, self.dialect, &contacts, |_| {}, bind, take).await?;
        Ok(owned)
    }

    async fn write_fields(
        &self,
        transaction: &mut Transaction<'static, Any>,
        columns: &Columns,
        placed: &[Placed<'_>],
    ) -> Result<(), PeopleError> {
        let mut rows = Vec::new();
        for one in placed.iter().filter(|one| one.role != Role::Kept) {
            for (column, value) in &one.row.fields {
                if let Some(Target::Field(name)) = columns.targets.get(*column) {
                    rows.push((one.contact, name.as_str(), value.as_str()));
                }
            }
        }
        FIELDS
            .run(transaction, self.dialect, &rows, |(contact, name, value), values| {
                values.push(*contact).push(*name).push(*value);
            })
            .await?;
        Ok(())
    }

    /// Rows that join the list though they are suppressed.
    async fn count_opted_out(
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

    /// Keeps the reasons of rejected lines, up to the bound of the order; how many.
    async fn keep_rejects(
        &self,
        transaction: &mut Transaction<'static, Any>,
        upload: &Upload,
        order: &UploadOrder,
        columns: &Columns,
        batch: &Batch,
    ) -> Result<i64, PeopleError> {
        if batch.refused.is_empty() {
            return Ok(0);
        }
        let row = sqlx::query("SELECT rejects_kept FROM upload WHERE id = $1")
            .bind(upload.id.0)
            .fetch_one(&mut **transaction)
            .await?;
        let kept: i64 = row.try_get(0)?;
        let room = usize::try_from(i64::from(order.rejects) - kept).unwrap_or(0);
        let keep = &batch.refused[..batch.refused.len().min(room)];
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
async fn add(
    transaction: &mut Transaction<'static, Any>,
    upload: &Upload,
    counts: &Counts,
) -> Result<bool, PeopleError> {
    let done = sqlx::query(
        "UPDATE upload SET octets = $1, lines = lines + $2, accepted = accepted + $3, created = created + $4, \
         rejected = rejected + $5, rejects_kept = rejects_kept + $6, repeated_in_file = repeated_in_file + $7, \
         repeated_in_list = repeated_in_list + $8, opted_out = opted_out + $9 WHERE id = $10 AND state = $11",
    )
    .bind(counts.octets)
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

fn bind_contact(contact: i64, account: i64, row: &UploadRow, now: Micros, values: &mut Values) {
    values.push(contact).push(account).push(row.client_id.as_str());
    values.push(row.first_name.as_deref()).push(row.last_name.as_deref());
    values.push(row.company.as_deref()).push(row.email.as_deref()).push(row.zone.as_deref());
    values.push(row.language.as_deref()).push(row.consent.map(|at| at.0));
    values.push(1_i64).push(now.0).push(now.0);
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
