//! Requests that came with an Idempotency-Key, and how they were answered: asked again, also after a restart or of
//! another node, they are answered as they were. Keys and requests come as digests; what is kept of an answer is in a
//! person's reach until it is old, so an erasure takes it away.

use std::time::Duration;

use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use sqlx::{Any, Row, Transaction};

use crate::error::PeopleError;
use crate::store::People;

/// The account of requests for all accounts.
const ALL: i64 = -1;

/// A request that is asked with a key.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The digest of key and owner.
    pub id: String,
    /// Whose key it is: the bounds are theirs.
    pub owner: String,
    /// The account that it is for; `None` for all of them.
    pub account: Option<AccountId>,
    /// The digest of what is asked.
    pub request: String,
    /// When.
    pub at: Micros,
}

/// An answer to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its headers as text of the caller's own form, and its body; `None` when they are not kept.
    pub content: Option<(String, String)>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing that counts: the request is to be carried out, and answered or given back.
    Nothing,
    /// It came with another request.
    Another,
    /// It was answered so.
    Answered(Answer),
    /// Another node carries it out.
    UnderWay,
}

impl People {
    /// What is known of keys; of those of which nothing is, this node carries the request out from now on. What was
    /// asked before `oldest` is known no more, and what another node does not answer within `patience` is taken over.
    /// One that this node did not answer before it ended is carried out again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ask_once(
        &self,
        asked: &[Asked],
        oldest: Micros,
        patience: Duration,
    ) -> Result<Vec<Known>, PeopleError> {
        let mut transaction = self.begin().await?;
        let mut known = Vec::with_capacity(asked.len());
        for one in asked {
            known.push(self.ask(&mut transaction, one, oldest, patience).await?);
        }
        transaction.commit().await?;
        Ok(known)
    }

    async fn ask(
        &self,
        transaction: &mut Transaction<'static, Any>,
        asked: &Asked,
        oldest: Micros,
        patience: Duration,
    ) -> Result<Known, PeopleError> {
        let new = sqlx::query(
            "INSERT INTO asked (id, owner, account, request, node, at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, account = excluded.account, \
             request = excluded.request, node = excluded.node, at = excluded.at, status = 0, kept = 0, octets = 0, \
             headers = '', body = '' WHERE asked.at < $7",
        )
        .bind(asked.id.as_str())
        .bind(asked.owner.as_str())
        .bind(asked.account.map_or(ALL, |account| i64::from(account.0)))
        .bind(asked.request.as_str())
        .bind(&*self.node)
        .bind(asked.at.0)
        .bind(oldest.0)
        .execute(&mut **transaction)
        .await?;
        if new.rows_affected() > 0 {
            return Ok(Known::Nothing);
        }
        let row =
            sqlx::query("SELECT request, node, at, status, kept, headers, body FROM asked WHERE id = $1")
                .bind(asked.id.as_str())
                .fetch_one(&mut **transaction)
                .await?;
        if row.try_get::<String, _>(0)? != asked.request {
            return Ok(Known::Another);
        }
        let status: i64 = row.try_get(3)?;
        if let Some(status) = u16::try_from(status).ok().filter(|status| *status > 0) {
            let is_kept = row.try_get::<i64, _>(4)? != 0;
            let content = if is_kept { Some((row.try_get(5)?, row.try_get(6)?)) } else { None };
            return Ok(Known::Answered(Answer { status, content }));
        }
        let (node, at): (String, i64) = (row.try_get(1)?, row.try_get(2)?);
        let given_up = asked.at.0.saturating_sub(i64::try_from(patience.as_micros()).unwrap_or(i64::MAX));
        if !node.is_empty() && *node != *self.node && at > given_up {
            return Ok(Known::UnderWay);
        }
        sqlx::query("UPDATE asked SET node = $1, at = $2 WHERE id = $3")
            .bind(&*self.node)
            .bind(asked.at.0)
            .bind(asked.id.as_str())
            .execute(&mut **transaction)
            .await?;
        Ok(Known::Nothing)
    }

    /// Keeps how requests were answered; `None` of one that failed, which may be asked again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_answers(&self, answers: &[(String, Option<Answer>)]) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        for (id, answer) in answers {
            let Some(answer) = answer else {
                sqlx::query("UPDATE asked SET node = '' WHERE id = $1 AND status = 0")
                    .bind(id.as_str())
                    .execute(&mut *transaction)
                    .await?;
                continue;
            };
            let (headers, body) = match &answer.content {
                Some((headers, body)) => (headers.as_str(), body.as_str()),
                None => ("", ""),
            };
            sqlx::query(
                "UPDATE asked SET status = $1, kept = $2, octets = $3, headers = $4, body = $5 WHERE id = $6",
            )
            .bind(i64::from(answer.status))
            .bind(i64::from(answer.content.is_some()))
            .bind(i64::try_from(headers.len() + body.len()).unwrap_or(i64::MAX))
            .bind(headers)
            .bind(body)
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Forgets what an owner asked before `oldest`, and the oldest while there are more than `most` keys or `octets` of
    /// answers. Says how many that were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_asked(
        &self,
        owner: &str,
        oldest: Micros,
        most: u64,
        octets: u64,
    ) -> Result<u64, PeopleError> {
        let mut transaction = self.begin().await?;
        let gone = sqlx::query(
            "DELETE FROM asked WHERE owner = $1 AND id IN (SELECT id FROM (SELECT id, at, \
             ROW_NUMBER() OVER newest AS place, SUM(octets) OVER newest AS total FROM asked WHERE owner = $1 \
             WINDOW newest AS (ORDER BY at DESC, id)) AS of_owner WHERE at < $2 OR place > $3 OR total > $4)",
        )
        .bind(owner)
        .bind(oldest.0)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(i64::try_from(octets).unwrap_or(i64::MAX))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(gone.rows_affected())
    }
}

/// Takes away what is kept of answers to an account, and to those who see all of them; that they were given stays.
pub(crate) async fn erase(
    transaction: &mut Transaction<'static, Any>,
    account: AccountId,
) -> Result<(), PeopleError> {
    sqlx::query(
        "UPDATE asked SET kept = 0, octets = 0, headers = '', body = '' WHERE kept <> 0 AND account IN ($1, $2)",
    )
    .bind(i64::from(account.0))
    .bind(ALL)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
