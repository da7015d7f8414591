//! Contacts are made, changed and removed.

use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use sqlx::{Any, Row, Transaction};

use super::{Contact, Draft};
use crate::bulk::{Among, Insert};
use crate::device::ContactDevice;
use crate::error::{PeopleError, is_twice};
use crate::id::{ContactId, Scope};
use crate::quota;
use crate::store::People;

/// New contacts; the version is 1.
pub(crate) const CONTACTS: Insert = Insert {
    head: "INSERT INTO contact (id, account, client_id, first_name, last_name, company, email, zone, language, \
           consent_at, version, created_at, updated_at)",
    kinds: "iitttttttiiii",
    tail: "",
};
/// The same; those that are there stay.
pub(crate) const MADE: Insert = Insert {
    head: CONTACTS.head,
    kinds: CONTACTS.kinds,
    tail: " ON CONFLICT (account, client_id) DO NOTHING",
};
/// New devices; one that another writer made meanwhile stays.
pub(crate) const DEVICES: Insert = Insert {
    head: "INSERT INTO device (id, account, address, medium, version)",
    kinds: "iitti",
    tail: " ON CONFLICT (account, address) DO NOTHING",
};
pub(crate) const CONTACT_DEVICES: Insert =
    Insert { head: "INSERT INTO contact_device (contact, place, device, kind)", kinds: "iiit", tail: "" };
pub(crate) const FIELDS: Insert = Insert {
    head: "INSERT INTO field (contact, name, value)",
    kinds: "itt",
    tail: " ON CONFLICT (contact, name) DO UPDATE SET value = excluded.value",
};
/// Ids of devices by address.
pub(crate) const DEVICE_IDS: Among =
    Among { head: "SELECT id, address FROM device WHERE account = ? AND address IN " };

impl People {
    /// Makes a contact.
    ///
    /// # Errors
    /// When it cannot be, its client id is taken, or the database fails.
    pub async fn create_contact(
        &self,
        scope: &Scope,
        account: AccountId,
        draft: Draft,
        now: Micros,
    ) -> Result<Contact, PeopleError> {
        self.create_contact_within(scope, account, draft, None, now).await
    }

    /// The same of an account that may hold so many contacts at most (MQ-32).
    ///
    /// # Errors
    /// As above, and when it holds as many.
    pub async fn create_contact_within(
        &self,
        scope: &Scope,
        account: AccountId,
        draft: Draft,
        most: Option<u64>,
        now: Micros,
    ) -> Result<Contact, PeopleError> {
        if !scope.sees(account) {
            return Err(PeopleError::absent("account", account.0));
        }
        let (client_id, draft) = draft.checked()?;
        let first = self.take_ids(1 + draft.devices.len()).await?;
        let contact = Contact {
            id: ContactId(first),
            account,
            client_id,
            known: draft.known,
            devices: draft.devices,
            fields: draft.fields,
            version: 1,
            created: now,
            updated: now,
        };
        let _changing = self.changing();
        let mut transaction = self.begin().await?;
        let known = &contact.known;
        let inserted = CONTACTS
            .run(&mut transaction, self.dialect, &[()], |(), values| {
                values.push(contact.id.0).push(i64::from(account.0)).push(contact.client_id.as_str());
                values
                    .push(known.first_name.as_deref())
                    .push(known.last_name.as_deref())
                    .push(known.company.as_deref());
                values
                    .push(known.email.as_deref())
                    .push(known.zone.as_deref())
                    .push(known.language.as_deref());
                values.push(known.consent.map(|at| at.0)).push(contact.version).push(now.0).push(now.0);
            })
            .await;
        match inserted {
            Ok(_) => {}
            Err(PeopleError::Database(error)) if is_twice(&error) => {
                return Err(PeopleError::Exists { what: "contact" });
            }
            Err(error) => return Err(error),
        }
        let held = quota::count(&mut transaction, account, 1).await?;
        if let Some(most) = most.filter(|most| held > *most) {
            // Nothing of it is committed.
            return Err(PeopleError::Full { most, held: held.saturating_sub(1) });
        }
        self.insert_belongings(&mut transaction, &contact, first + 1).await?;
        transaction.commit().await?;
        Ok(contact)
    }

    /// Writes a contact anew, if it still has the version that the caller read. Its client id may change.
    ///
    /// # Errors
    /// When it is not there, was changed meanwhile, cannot be, or the database fails.
    pub async fn update_contact(
        &self,
        scope: &Scope,
        id: ContactId,
        version: Option<i64>,
        draft: Draft,
        now: Micros,
    ) -> Result<Contact, PeopleError> {
        let (client_id, draft) = draft.checked()?;
        let first = self.take_ids(draft.devices.len()).await?;
        let _changing = self.changing();
        let mut transaction = self.begin().await?;
        let (account, held, created) = self.held(&mut transaction, scope, id, version).await?;
        let contact = Contact {
            id,
            account,
            client_id,
            known: draft.known,
            devices: draft.devices,
            fields: draft.fields,
            version: held + 1,
            created,
            updated: now,
        };
        let known = &contact.known;
        let updated = sqlx::query(
            "UPDATE contact SET client_id = $1, first_name = $2, last_name = $3, company = $4, email = $5, \
             zone = $6, language = $7, consent_at = $8, version = $9, updated_at = $10 \
             WHERE id = $11 AND version = $12",
        )
        .bind(contact.client_id.as_str())
        .bind(known.first_name.clone())
        .bind(known.last_name.clone())
        .bind(known.company.clone())
        .bind(known.email.clone())
        .bind(known.zone.clone())
        .bind(known.language.clone())
        .bind(known.consent.map(|at| at.0))
        .bind(contact.version)
        .bind(now.0)
        .bind(id.0)
        .bind(held)
        .execute(&mut *transaction)
        .await;
        match updated {
            Ok(done) if done.rows_affected() == 0 => {
                return Err(PeopleError::Changed { what: "contact", held: contact.version });
            }
            Ok(_) => {}
            Err(error) if is_twice(&error) => return Err(PeopleError::Exists { what: "contact" }),
            Err(error) => return Err(error.into()),
        }
        for statement in
            ["DELETE FROM contact_device WHERE contact = $1", "DELETE FROM field WHERE contact = $1"]
        {
            sqlx::query(statement).bind(id.0).execute(&mut *transaction).await?;
        }
        self.insert_belongings(&mut transaction, &contact, first).await?;
        transaction.commit().await?;
        Ok(contact)
    }

    /// Removes a contact, its fields and its memberships. Devices that nobody else has go with it; consent,
    /// suppressions and trace stay.
    ///
    /// # Errors
    /// When it is not there, was changed meanwhile, or the database fails.
    pub async fn delete_contact(
        &self,
        scope: &Scope,
        id: ContactId,
        version: Option<i64>,
    ) -> Result<(), PeopleError> {
        let _changing = self.changing();
        let mut transaction = self.begin().await?;
        self.held(&mut transaction, scope, id, version).await?;
        remove(&mut transaction, id).await?;
        Ok(transaction.commit().await?)
    }

    /// Account, version and time of making, when the contact is there, seen, and has the version.
    pub(crate) async fn held(
        &self,
        transaction: &mut Transaction<'static, Any>,
        scope: &Scope,
        id: ContactId,
        version: Option<i64>,
    ) -> Result<(AccountId, i64, Micros), PeopleError> {
        let absent = || PeopleError::absent("contact", id);
        let row = sqlx::query("SELECT account, version, created_at FROM contact WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&mut **transaction)
            .await?;
        let row = row.ok_or_else(absent)?;
        let account = crate::device::account_of(&row, 0, "contact")?;
        if !scope.sees(account) {
            return Err(absent());
        }
        let held: i64 = row.try_get(1)?;
        match version {
            Some(version) if version != held => Err(PeopleError::Changed { what: "contact", held }),
            Some(_) | None => Ok((account, held, Micros(row.try_get(2)?))),
        }
    }

    /// Devices and fields of a contact; `first` is the first of as many ids as it has devices.
    async fn insert_belongings(
        &self,
        transaction: &mut Transaction<'static, Any>,
        contact: &Contact,
        first: i64,
    ) -> Result<(), PeopleError> {
        let account = i64::from(contact.account.0);
        let numbered: Vec<(i64, &ContactDevice)> = (first..).zip(&contact.devices).collect();
        DEVICES
            .run(transaction, self.dialect, &numbered, |(id, device), values| {
                values.push(*id).push(account).push(device.address.as_str());
                values.push(device.kind.medium().as_str()).push(1_i64);
            })
            .await?;
        let mut ids = rustc_hash::FxHashMap::default();
        DEVICE_IDS
            .run(
                transaction,
                self.dialect,
                &contact.devices,
                |values| {
                    values.push(account);
                },
                |device, values| {
                    values.push(device.address.as_str());
                },
                |row| {
                    ids.insert(row.try_get::<String, _>(1)?, row.try_get::<i64, _>(0)?);
                    Ok(())
                },
            )
            .await?;
        let mut rows = Vec::with_capacity(contact.devices.len());
        for (place, device) in (0_i64..).zip(&contact.devices) {
            let id = ids.get(&device.address).ok_or(PeopleError::Busy)?;
            rows.push((place, *id, device.kind));
        }
        CONTACT_DEVICES
            .run(transaction, self.dialect, &rows, |(place, device, kind), values| {
                values.push(contact.id.0).push(*place).push(*device).push(kind.as_str());
            })
            .await?;
        let fields: Vec<_> = contact.fields.iter().collect();
        FIELDS
            .run(transaction, self.dialect, &fields, |(name, value), values| {
                values.push(contact.id.0).push(name.as_str()).push(value.as_str());
            })
            .await?;
        Ok(())
    }
}

/// Takes a contact away with what belongs to it; how many devices went with it.
pub(crate) async fn remove(
    transaction: &mut Transaction<'static, Any>,
    id: ContactId,
) -> Result<u64, PeopleError> {
    for statement in [
        // First: who adds contacts locks the account's number before a list, too.
        "UPDATE contact_count SET contacts = contacts - 1 \
         WHERE account = (SELECT account FROM contact WHERE id = $1)",
        "UPDATE list SET members = members - 1 WHERE id IN (SELECT list FROM list_member WHERE contact = $1)",
        "DELETE FROM list_member WHERE contact = $1",
        "DELETE FROM field WHERE contact = $1",
    ] {
        sqlx::query(statement).bind(id.0).execute(&mut **transaction).await?;
    }
    let devices = sqlx::query(
        "DELETE FROM device WHERE id IN (SELECT device FROM contact_device WHERE contact = $1) \
         AND NOT EXISTS (SELECT 1 FROM contact_device o WHERE o.device = device.id AND o.contact <> $1)",
    )
    .bind(id.0)
    .execute(&mut **transaction)
    .await?;
    for statement in ["DELETE FROM contact_device WHERE contact = $1", "DELETE FROM contact WHERE id = $1"] {
        sqlx::query(statement).bind(id.0).execute(&mut **transaction).await?;
    }
    Ok(devices.rows_affected())
}
