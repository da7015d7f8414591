//! Rows that an account owns, each under an id: read by that, or page by page.

use signalbox_core::id::AccountId;
use sqlx::any::AnyRow;

use crate::error::PeopleError;
use crate::id::Scope;
use crate::store::People;

/// A row that an account owns.
pub(crate) trait Owned: Sized {
    /// Its table, whose key is `id`.
    const TABLE: &'static str;
    /// What of it is read.
    const COLUMNS: &'static str;

    /// Reads it.
    fn read(row: &AnyRow) -> Result<Self, PeopleError>;

    /// Whose it is.
    fn account(&self) -> AccountId;
}

impl People {
    /// The one with an id, if the caller sees it.
    pub(crate) async fn owned_row<T: Owned>(&self, scope: &Scope, id: i64) -> Result<Option<T>, PeopleError> {
        let text = format!("SELECT {} FROM {} WHERE id = $1", T::COLUMNS, T::TABLE);
        let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).fetch_optional(self.reader()).await?;
        let found = row.as_ref().map(T::read).transpose()?;
        Ok(found.filter(|found| scope.sees(found.account())))
    }

    /// Those of an account, newest first, from the one before `before`.
    pub(crate) async fn owned_page<T: Owned>(
        &self,
        scope: &Scope,
        account: AccountId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<T>, PeopleError> {
        if !scope.sees(account) {
            return Ok(Vec::new());
        }
        let text = format!(
            "SELECT {} FROM {} WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
            T::COLUMNS,
            T::TABLE
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(i64::from(account.0))
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(T::read).collect()
    }
}
