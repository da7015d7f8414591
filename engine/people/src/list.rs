//! Contact lists, their members, and who uses them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use crate::bulk::Insert;
use crate::contact::{Contact, NAME};
use crate::device::{UnknownKind, account_of, words};
use crate::error::{Invalid, PeopleError, is_twice};
use crate::id::{ContactId, ListId, Scope};
use crate::normal;
use crate::owned::Owned;
use crate::store::People;

/// Members that are removed in one transaction.
const PURGE: i64 = 5000;
/// Members that one order adds at most.
const ADDED: usize = 10_000;
/// Holders of a list that an error names.
const NAMED: i64 = 5;

pub(crate) const MEMBERS: Insert = Insert {
    head: "INSERT INTO list_member (list, contact, upload)",
    kinds: "iii",
    tail: " ON CONFLICT (list, contact) DO NOTHING",
};

words! {
    /// What a list is up to.
    ListState {
        /// It can be used.
        Ready = "ready",
        /// Its members are being removed, then it is gone.
        Deleting = "deleting",
    }
}

/// A stored set of contacts of one account (requirement CON-01).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Its id.
    pub id: ListId,
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: String,
    /// What it is up to.
    pub state: ListState,
    /// How many contacts are in it.
    pub members: i64,
    /// Counts the changes of the list itself, not of its members.
    pub version: i64,
    /// When it was made.
    pub created: Micros,
    /// When it or its members were changed last.
    pub updated: Micros,
}

const COLUMNS: &str = "id, account, name, state, members, version, created_at, updated_at";

impl Owned for List {
    const TABLE: &'static str = "list";
    const COLUMNS: &'static str = COLUMNS;

    fn read(row: &AnyRow) -> Result<Self, PeopleError> {
        read(row)
    }

    fn account(&self) -> AccountId {
        self.account
    }
}

impl People {
    /// Makes an empty list.
    ///
    /// # Errors
    /// When its name is taken or none, or the database fails.
    pub async fn create_list(
        &self,
        scope: &Scope,
        account: AccountId,
        name: &str,
        now: Micros,
    ) -> Result<List, PeopleError> {
        if !scope.sees(account) {
            return Err(PeopleError::absent("account", account.0));
        }
        let name = list_name(name)?;
        let id = ListId(self.take_ids(1).await?);
        let mut transaction = self.begin().await?;
        let inserted = sqlx::query(
            "INSERT INTO list (id, account, name, state, members, version, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, 0, 1, $5, $5)",
        )
        .bind(id.0)
        .bind(i64::from(account.0))
        .bind(name)
        .bind(ListState::Ready.as_str())
        .bind(now.0)
        .execute(&mut *transaction)
        .await;
        match inserted {
            Ok(_) => transaction.commit().await?,
            Err(error) if is_twice(&error) => return Err(PeopleError::Exists { what: "list" }),
            Err(error) => return Err(error.into()),
        }
        let name = name.to_owned();
        Ok(List {
            id,
            account,
            name,
            state: ListState::Ready,
            members: 0,
            version: 1,
            created: now,
            updated: now,
        })
    }

    /// A list by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, scope: &Scope, id: ListId) -> Result<Option<List>, PeopleError> {
        self.owned_row(scope, id.0).await
    }

    /// A list by its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_named(
        &self,
        scope: &Scope,
        account: AccountId,
        name: &str,
    ) -> Result<Option<List>, PeopleError> {
        if !scope.sees(account) {
            return Ok(None);
        }
        let text = format!("SELECT {COLUMNS} FROM list WHERE account = $1 AND name = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(i64::from(account.0))
            .bind(name)
            .fetch_optional(self.reader())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Lists of an account by name, from the one after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lists(
        &self,
        scope: &Scope,
        account: AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<List>, PeopleError> {
        if !scope.sees(account) {
            return Ok(Vec::new());
        }
        let text =
            format!("SELECT {COLUMNS} FROM list WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(i64::from(account.0))
            .bind(after.unwrap_or_default())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Gives a list another name.
    ///
    /// # Errors
    /// When it is not there, was changed meanwhile, the name is taken or none, or the database fails.
    pub async fn rename_list(
        &self,
        scope: &Scope,
        id: ListId,
        version: Option<i64>,
        name: &str,
        now: Micros,
    ) -> Result<List, PeopleError> {
        let name = list_name(name)?;
        let mut transaction = self.begin().await?;
        let mut list = lock(&mut transaction, scope, id, now).await?;
        check_version(&list, version)?;
        let renamed = sqlx::query("UPDATE list SET name = $1, version = version + 1 WHERE id = $2")
            .bind(name)
            .bind(id.0)
            .execute(&mut *transaction)
            .await;
        match renamed {
            Ok(_) => transaction.commit().await?,
            Err(error) if is_twice(&error) => return Err(PeopleError::Exists { what: "list" }),
            Err(error) => return Err(error.into()),
        }
        list.name = name.to_owned();
        list.version += 1;
        Ok(list)
    }

    /// Says that a list goes: it takes nothing any more, and [`People::purge_lists`] removes what is in it. Its
    /// contacts stay.
    ///
    /// # Errors
    /// When it is not there, in use, was changed meanwhile, or the database fails.
    pub async fn delete_list(
        &self,
        scope: &Scope,
        id: ListId,
        version: Option<i64>,
        now: Micros,
    ) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        let list = lock(&mut transaction, scope, id, now).await?;
        check_version(&list, version)?;
        let rows = sqlx::query("SELECT holder FROM list_use WHERE list = $1 ORDER BY holder LIMIT $2")
            .bind(id.0)
            .bind(NAMED)
            .fetch_all(&mut *transaction)
            .await?;
        let mut holders = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        let rows = sqlx::query("SELECT id FROM upload WHERE list = $1 AND state = $2 ORDER BY id LIMIT $3")
            .bind(id.0)
            .bind(crate::upload::UploadState::Running.as_str())
            .bind(NAMED)
            .fetch_all(&mut *transaction)
            .await?;
        for row in rows {
            holders.push(format!("upload {}", row.try_get::<i64, _>(0)?));
        }
        if !holders.is_empty() {
            return Err(PeopleError::InUse { holders });
        }
        // Its name is free at once.
        sqlx::query("UPDATE list SET state = $1, version = version + 1, name = $2 WHERE id = $3")
            .bind(ListState::Deleting.as_str())
            .bind(format!("\u{1}{id}"))
            .bind(id.0)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Removes the members of lists that were deleted, some at a time, and then the lists. What a stop interrupts is
    /// done by the next call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_lists(&self) -> Result<(), PeopleError> {
        let rows = sqlx::query("SELECT id FROM list WHERE state = $1 ORDER BY id")
            .bind(ListState::Deleting.as_str())
            .fetch_all(self.reader())
            .await?;
        for row in rows {
            let id: i64 = row.try_get(0)?;
            loop {
                let mut transaction = self.begin().await?;
                let done = sqlx::query(
                    "DELETE FROM list_member WHERE list = $1 AND contact IN \
                     (SELECT contact FROM list_member WHERE list = $1 ORDER BY contact LIMIT $2)",
                )
                .bind(id)
                .bind(PURGE)
                .execute(&mut *transaction)
                .await?;
                let last = done.rows_affected() == 0;
                if last {
                    sqlx::query("DELETE FROM list WHERE id = $1").bind(id).execute(&mut *transaction).await?;
                }
                transaction.commit().await?;
                if last {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Notes that somebody (a sub-campaign) needs a list, so that it is not deleted.
    ///
    /// # Errors
    /// When it is not there, is being deleted, or the database fails.
    pub async fn hold_list(
        &self,
        scope: &Scope,
        id: ListId,
        holder: &str,
        now: Micros,
    ) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        lock(&mut transaction, scope, id, now).await?;
        sqlx::query(
            "INSERT INTO list_use (list, holder) VALUES ($1, $2) ON CONFLICT (list, holder) DO NOTHING",
        )
        .bind(id.0)
        .bind(holder)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Notes that somebody needs a list no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_list(&self, id: ListId, holder: &str) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM list_use WHERE list = $1 AND holder = $2")
            .bind(id.0)
            .bind(holder)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Puts contacts of its account into a list; returns how many were not in it.
    ///
    /// # Errors
    /// When the list or one of the contacts is not there, they are more than 10,000, or the database fails.
    pub async fn add_members(
        &self,
        scope: &Scope,
        id: ListId,
        contacts: &[ContactId],
        now: Micros,
    ) -> Result<u64, PeopleError> {
        if contacts.len() > ADDED {
            return Err(Invalid::new("contacts", format!("are more than {ADDED}")).into());
        }
        let mut transaction = self.begin().await?;
        let list = lock(&mut transaction, scope, id, now).await?;
        let mut there = rustc_hash::FxHashSet::default();
        let owned = crate::bulk::Among { head: "SELECT id FROM contact WHERE account = ? AND id IN " };
        let bind_id = |id: &ContactId, values: &mut crate::bulk::Values| {
            values.push(id.0);
        };
        let account = i64::from(list.account.0);
        let first = |values: &mut crate::bulk::Values| {
            values.push(account);
        };
        let take = |row: &AnyRow| {
            there.insert(row.try_get::<i64, _>(0)?);
            Ok(())
        };
        owned.run(&mut transaction, self.dialect, contacts, first, bind_id, take).await?;
        if let Some(missing) = contacts.iter().find(|contact| !there.contains(&contact.0)) {
            return Err(PeopleError::absent("contact", missing));
        }
        let ids: Vec<i64> = there.into_iter().collect();
        let added = MEMBERS
            .run(&mut transaction, self.dialect, &ids, |contact, values| {
                values.push(id.0).push(*contact).push(None::<i64>);
            })
            .await?;
        count(&mut transaction, id, i64::try_from(added).unwrap_or(i64::MAX)).await?;
        transaction.commit().await?;
        Ok(added)
    }

    /// Takes a contact out of a list; whether it was in it.
    ///
    /// # Errors
    /// When the list is not there, or the database fails.
    pub async fn remove_member(
        &self,
        scope: &Scope,
        id: ListId,
        contact: ContactId,
        now: Micros,
    ) -> Result<bool, PeopleError> {
        let mut transaction = self.begin().await?;
        lock(&mut transaction, scope, id, now).await?;
        let done = sqlx::query("DELETE FROM list_member WHERE list = $1 AND contact = $2")
            .bind(id.0)
            .bind(contact.0)
            .execute(&mut *transaction)
            .await?;
        let removed = done.rows_affected() > 0;
        if removed {
            count(&mut transaction, id, -1).await?;
        }
        transaction.commit().await?;
        Ok(removed)
    }

    /// Contacts of a list by id, from the one after `after`; without devices and fields.
    ///
    /// # Errors
    /// When the list is not there, or the database fails.
    pub async fn members(
        &self,
        scope: &Scope,
        id: ListId,
        after: Option<ContactId>,
        limit: usize,
    ) -> Result<Vec<Contact>, PeopleError> {
        if self.list(scope, id).await?.is_none() {
            return Err(PeopleError::absent("list", id));
        }
        let rows = sqlx::query(
            "SELECT c.id, c.account, c.client_id, c.first_name, c.last_name, c.company, c.email, c.zone, \
             c.language, c.consent_at, c.version, c.created_at, c.updated_at \
             FROM list_member m JOIN contact c ON c.id = m.contact \
             WHERE m.list = $1 AND m.contact > $2 ORDER BY m.contact LIMIT $3",
        )
        .bind(id.0)
        .bind(after.map_or(0, |after| after.0))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await?;
        rows.iter().map(crate::contact::read).collect()
    }
}

/// The list, held against other changes until the transaction ends.
pub(crate) async fn lock(
    transaction: &mut Transaction<'static, Any>,
    scope: &Scope,
    id: ListId,
    now: Micros,
) -> Result<List, PeopleError> {
    let text = format!("UPDATE list SET updated_at = $1 WHERE id = $2 RETURNING {COLUMNS}");
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(now.0)
        .bind(id.0)
        .fetch_optional(&mut **transaction)
        .await?;
    let list = row.as_ref().map(read).transpose()?.filter(|list| scope.sees(list.account));
    let list = list.ok_or_else(|| PeopleError::absent("list", id))?;
    match list.state {
        ListState::Ready => Ok(list),
        state @ ListState::Deleting => Err(PeopleError::NotReady { state: state.as_str() }),
    }
}

/// Adds to the count of members.
pub(crate) async fn count(
    transaction: &mut Transaction<'static, Any>,
    id: ListId,
    more: i64,
) -> Result<(), PeopleError> {
    sqlx::query("UPDATE list SET members = members + $1 WHERE id = $2")
        .bind(more)
        .bind(id.0)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn check_version(list: &List, version: Option<i64>) -> Result<(), PeopleError> {
    match version {
        Some(version) if version != list.version => {
            Err(PeopleError::Changed { what: "list", held: list.version })
        }
        Some(_) | None => Ok(()),
    }
}

fn list_name(name: &str) -> Result<&str, Invalid> {
    let line = normal::line(name, NAME).map_err(|problem| Invalid::new("name", problem.to_string()))?;
    if line.is_empty() { Err(Invalid::new("name", "is empty")) } else { Ok(line) }
}

fn read(row: &AnyRow) -> Result<List, PeopleError> {
    let damaged = |_| PeopleError::Damaged { table: "list", column: "state" };
    Ok(List {
        id: ListId(row.try_get(0)?),
        account: account_of(row, 1, "list")?,
        name: row.try_get(2)?,
        state: row.try_get::<String, _>(3)?.parse().map_err(damaged)?,
        members: row.try_get(4)?,
        version: row.try_get(5)?,
        created: Micros(row.try_get(6)?),
        updated: Micros(row.try_get(7)?),
    })
}
