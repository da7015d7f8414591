//! People who have logged in: their sessions hold over a restart and on all nodes.

use signalbox_core::time::Micros;
use sqlx::Row;

use crate::error::PeopleError;
use crate::store::People;

/// Somebody who has logged in. Token and password are digests.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The digest of the token.
    pub token: String,
    /// Who.
    pub person: String,
    /// A digest of the password that it was.
    pub password: String,
    /// When it ends.
    pub ends: Micros,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session(of {}, until {:?})", self.person, self.ends)
    }
}

impl People {
    /// Keeps a session, durably. Those that have ended are removed, and at `most` the one whose time ends first makes
    /// room.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_session(&self, session: &Session, now: Micros, most: u32) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM session WHERE ends <= $1").bind(now.0).execute(&mut *transaction).await?;
        sqlx::query(
            "DELETE FROM session WHERE token IN \
             (SELECT token FROM session ORDER BY ends DESC, token LIMIT 2147483647 OFFSET $1)",
        )
        .bind(i64::from(most.saturating_sub(1)))
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT INTO session (token, person, password, ends) VALUES ($1, $2, $3, $4)")
            .bind(session.token.as_str())
            .bind(session.person.as_str())
            .bind(session.password.as_str())
            .bind(session.ends.0)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// The session of a token, if its time has not ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&self, token: &str, now: Micros) -> Result<Option<Session>, PeopleError> {
        let row = sqlx::query("SELECT person, password, ends FROM session WHERE token = $1 AND ends > $2")
            .bind(token)
            .bind(now.0)
            .fetch_optional(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (person, password) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Some(Session { token: token.to_owned(), person, password, ends: Micros(row.try_get(2)?) }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close_session(&self, token: &str) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM session WHERE token = $1").bind(token).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}
