//! A batch of rows goes into the database, with what it counts, in one transaction.

use std::ops::RangeFrom;

use rustc_hash::{FxHashMap, FxHashSet};
use signalbox_core::time::Micros;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::columns::{Columns, Target};
use super::rows::{Batch, Refused, UploadRow};
use super::tally::add;
use super::{Counts, Existing, Upload, UploadOrder};
use crate::bulk::{Among, Insert, Values};
use crate::contact::write::{CONTACT_DEVICES, CONTACTS, DEVICE_IDS, DEVICES, FIELDS, MADE};
use crate::error::PeopleError;
use crate::list::{self, MEMBERS};
use crate::quota;
use crate::store::People;

/// What the account has of these client ids, and whether it is in the list.
const FOUND: Among = Among {
    head: "SELECT c.id, c.client_id, m.contact, m.upload FROM contact c \
           LEFT JOIN list_member m ON m.list = ? AND m.contact = c.id WHERE c.account = ? AND c.client_id IN ",
};
const OWNED: Among = Among { head: "SELECT contact, place, device FROM contact_device WHERE contact IN " };
/// What the file says is written over what was known; what it does not say stays.
const UPDATED: Insert = Insert {
    head: CONTACTS.head,
    kinds: CONTACTS.kinds,
    tail: " ON CONFLICT (account, client_id) DO UPDATE SET \
           first_name = COALESCE(excluded.first_name, contact.first_name), \
           last_name = COALESCE(excluded.last_name, contact.last_name), \
           company = COALESCE(excluded.company, contact.company), email = COALESCE(excluded.email, contact.email), \
           zone = COALESCE(excluded.zone, contact.zone), language = COALESCE(excluded.language, contact.language), \
           consent_at = COALESCE(excluded.consent_at, contact.consent_at), version = contact.version + 1, \
           updated_at = excluded.updated_at",
};

/// What became of a batch.
pub(super) enum Applied {
    /// It is stored.
    Stored,
    /// The upload is no longer under way; nothing of the batch is stored.
    Stopped,
}

/// Rows of a part of a batch: another writer waits for so many at most.
const PART: usize = 2048;

/// Ids for a batch: those of its contacts follow the file.
struct Ids {
    contacts: i64,
    devices: RangeFrom<i64>,
}

/// Some rows of a batch; with the last ones what was refused, and how far the file is read.
#[derive(Clone, Copy)]
struct Part<'b> {
    rows: &'b [UploadRow],
    refused: &'b [Refused],
    octets: Option<u64>,
}

/// A row and the contact that it is about.
pub(super) struct Placed<'b> {
    contact: i64,
    pub(super) row: &'b UploadRow,
    role: Role,
    pub(super) joins: bool,
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
    /// Stores what is left of a batch, part by part in one transaction; `stored` counts the rows of parts that were
    /// committed. Another writer that waits gets its turn between two parts, so it waits for one part at most.
    pub(super) async fn apply(
        &self,
        upload: &Upload,
        order: &UploadOrder,
        columns: &Columns,
        batch: &Batch,
        stored: &mut usize,
        now: Micros,
    ) -> Result<Applied, PeopleError> {
        let rest = &batch.rows[*stored..];
        let devices: usize = rest.iter().map(|row| row.devices.len()).sum();
        let first = self.take_ids(batch.rows.len() + devices).await?;
        let mut ids = Ids { contacts: first, devices: first + signed(batch.rows.len()).. };
        let _changing = self.changing();
        let mut transaction = self.begin_batch().await?;
        let mut parts = rest.chunks(PART).peekable();
        let mut open = 0;
        loop {
            let rows = parts.next().unwrap_or_default();
            let last = parts.peek().is_none();
            let part = Part {
                rows,
                refused: if last { &batch.refused } else { &[] },
                octets: last.then_some(batch.octets),
            };
            if !self.apply_part(&mut transaction, (upload, order), columns, part, &mut ids, now).await? {
                return Ok(Applied::Stopped);
            }
            open += rows.len();
            if last {
                transaction.commit().await?;
                return Ok(Applied::Stored);
            }
            if self.is_awaited() {
                transaction.commit().await?;
                drop(self.changing());
                *stored += std::mem::take(&mut open);
                transaction = self.begin_batch().await?;
            }
        }
    }

    /// Stores a part; false when the upload is no longer under way.
    async fn apply_part(
        &self,
        transaction: &mut Transaction<'static, Any>,
        (upload, order): (&Upload, &UploadOrder),
        columns: &Columns,
        part: Part<'_>,
        ids: &mut Ids,
        now: Micros,
    ) -> Result<bool, PeopleError> {
        let mut counts = Counts {
            lines: signed(part.rows.len() + part.refused.len()),
            rejected: signed(part.refused.len()),
            ..Counts::default()
        };
        let (known, over) = self.within(transaction, (upload, order), part.rows).await?;
        counts.rejected += signed(over.len());
        let placed = self.place(transaction, (upload, order), &known, ids, &mut counts, now).await?;
        counts.created = signed(placed.iter().filter(|one| one.role == Role::New).count());
        quota::count(transaction, upload.account, counts.created).await?;
        self.write_over(transaction, upload, &placed, now).await?;
        self.write_devices(transaction, upload, &placed, ids).await?;
        self.write_fields(transaction, columns, &placed).await?;
        let joining: Vec<i64> = placed.iter().filter(|one| one.joins).map(|one| one.contact).collect();
        let joined = MEMBERS
            .run(transaction, self.dialect, &joining, |contact, values| {
                values.push(order.list.0).push(*contact).push(upload.id.0);
            })
            .await?;
        counts.accepted = i64::try_from(joined).unwrap_or(i64::MAX);
        counts.opted_out = self.count_opted_out(transaction, order, &placed).await?;
        for refused in [part.refused, &over] {
            counts.rejects_kept +=
                self.keep_rejects(transaction, upload, order, columns, refused, counts.rejects_kept).await?;
        }
        list::count(transaction, order.list, counts.accepted).await?;
        add(transaction, upload, &counts, part.octets).await
    }

    /// The rows for whose contacts the account has room, or that are about contacts that it has; the others are rejected.
    /// A contact that comes twice in the file is counted once.
    async fn within<'b>(
        &self,
        transaction: &mut Transaction<'static, Any>,
        (upload, order): (&Upload, &UploadOrder),
        rows: &'b [UploadRow],
    ) -> Result<(Vec<&'b UploadRow>, Vec<Refused>), PeopleError> {
        let Some(most) = order.most else { return Ok((rows.iter().collect(), Vec::new())) };
        let held = quota::count(transaction, upload.account, 0).await?;
        let room = usize::try_from(most.saturating_sub(held)).unwrap_or(usize::MAX);
        if rows.len() <= room {
            return Ok((rows.iter().collect(), Vec::new()));
        }
        let asked: Vec<(i64, &UploadRow)> = rows.iter().map(|row| (0, row)).collect();
        let found = self.found(transaction, upload, order, &asked).await?;
        let mut new = FxHashSet::default();
        let (mut known, mut over) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let client_id = row.client_id.as_str();
            let has_room = found.contains_key(client_id)
                || new.contains(client_id)
                || new.len() < room && new.insert(client_id);
            if has_room {
                known.push(row);
                continue;
            }
            let held = most.max(held);
            let reason = format!("the account may hold {most} contacts and holds {held}").into();
            over.push(Refused { line: row.line, reason, column: None });
        }
        Ok((known, over))
    }

    /// Makes a contact of each row, or finds the one that is there; leaves out what repeats.
    ///
    /// Most rows of most files are new: they are inserted first, and only where a statement made fewer contacts than
    /// it has rows its rows are looked up.
    async fn place<'b>(
        &self,
        transaction: &mut Transaction<'static, Any>,
        (upload, order): (&Upload, &UploadOrder),
        all: &[&'b UploadRow],
        ids: &mut Ids,
        counts: &mut Counts,
        now: Micros,
    ) -> Result<Vec<Placed<'b>>, PeopleError> {
        let mut seen = FxHashSet::default();
        let rows = all.iter().copied().filter(|row| seen.insert(row.client_id.as_str()));
        let numbered: Vec<(i64, &UploadRow)> =
            rows.map(|row| (ids.contacts + signed(row.place), row)).collect();
        counts.repeated_in_file += signed(all.len() - numbered.len());
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
        ids: &mut Ids,
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
        // The addresses are asked first: a pair that is not made must not cost an id.
        let numbered: Vec<(i64, &str)> =
            addresses.into_iter().zip(ids.devices.by_ref()).map(|(address, id)| (id, address)).collect();
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
}

fn bind_contact(contact: i64, account: i64, row: &UploadRow, now: Micros, values: &mut Values) {
    values.push(contact).push(account).push(row.client_id.as_str());
    values.push(row.first_name.as_deref()).push(row.last_name.as_deref());
    values.push(row.company.as_deref()).push(row.email.as_deref()).push(row.zone.as_deref());
    values.push(row.language.as_deref()).push(row.consent.map(|at| at.0));
    values.push(1_i64).push(now.0).push(now.0);
}

pub(super) fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
