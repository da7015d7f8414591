//! How many contacts an account holds, and whether it may hold more (requirement MQ-32).
//!
//! The number is a row of its own that changes with the contacts, in their transaction. Who knows the bound passes it:
//! it is a row of the catalog.

use signalbox_core::id::AccountId;
use sqlx::{Any, Row, Transaction};

use crate::error::PeopleError;
use crate::store::People;

impl People {
    /// How many contacts an account holds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn contacts_held(&self, account: AccountId) -> Result<u64, PeopleError> {
        let row = sqlx::query("SELECT contacts FROM contact_count WHERE account = $1")
            .bind(i64::from(account.0))
            .fetch_optional(self.reader())
            .await?;
        let held: i64 = row.map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
        Ok(u64::try_from(held).unwrap_or(0))
    }
}

/// Adds contacts to those that an account holds; how many it holds then. On a server, other writers of the account's
/// contacts wait from here on.
pub(crate) async fn count(
    transaction: &mut Transaction<'static, Any>,
    account: AccountId,
    more: i64,
) -> Result<u64, PeopleError> {
    let row = sqlx::query(
        "INSERT INTO contact_count (account, contacts) VALUES ($1, $2) ON CONFLICT (account) \
         DO UPDATE SET contacts = contact_count.contacts + excluded.contacts RETURNING contacts",
    )
    .bind(i64::from(account.0))
    .bind(more)
    .fetch_one(&mut **transaction)
    .await?;
    let held: i64 = row.try_get(0)?;
    Ok(u64::try_from(held).unwrap_or(0))
}
