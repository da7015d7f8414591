//! The consent ledger: each opt-out and opt-in with its evidence, appended and never changed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use crate::bulk::storable;
use crate::device::{UnknownKind, account_of, words};
use crate::error::PeopleError;
use crate::id::Scope;
use crate::store::People;

words! {
    /// Where a suppression holds (requirement OPT-03).
    Level {
        /// In one campaign.
        Campaign = "campaign",
        /// In the account.
        Account = "account",
        /// In all accounts of the enterprise.
        Enterprise = "enterprise",
    }
    /// What was said.
    Action {
        /// No more messages.
        OptOut = "opt_out",
        /// Messages are welcome; ends a suppression.
        OptIn = "opt_in",
    }
}

/// Channels as a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Channels(pub u32);

impl Channels {
    /// Text messages.
    pub const TEXT: Self = Self(1);
    /// Voice calls.
    pub const VOICE: Self = Self(2);
    /// E-mail.
    pub const EMAIL: Self = Self(4);
    /// Multimedia messages.
    pub const MMS: Self = Self(8);
    /// All of them.
    pub const ALL: Self = Self(15);

    /// Whether it has one of those.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn of(bits: i64, table: &'static str) -> Result<Self, PeopleError> {
        u32::try_from(bits).map(Self).map_err(|_| PeopleError::Damaged { table, column: "channels" })
    }
}

/// A change of consent as it is told to the ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct NewConsent {
    /// The event that said so; told twice it stands once.
    pub event: String,
    /// The account in which it was said.
    pub account: AccountId,
    /// Where it holds.
    pub level: Level,
    /// The campaign, account or enterprise.
    pub level_id: String,
    /// The device's address, or a client id.
    pub subject: String,
    /// What was said.
    pub action: Action,
    /// On which channels.
    pub channels: Channels,
    /// When.
    pub at: Micros,
    /// Who: the device itself, an agent, an import.
    pub who: String,
    /// How: a keyword, a form, a call.
    pub how: String,
    /// The words.
    pub wording: Option<String>,
    /// The source address or page.
    pub source: Option<String>,
    /// Where the evidence is: a message id, a recording.
    pub evidence: Option<String>,
}

/// An entry of the ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its number; later ones are greater.
    pub id: i64,
    /// What was said.
    pub said: NewConsent,
}

impl fmt::Debug for NewConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewConsent({} at {} {})", self.action, self.level, self.level_id)
    }
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Consent({}, {:?})", self.id, self.said)
    }
}

impl People {
    /// Appends to the ledger, and shuts or opens the channels, in one transaction. Whether it was new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_consent(&self, said: &NewConsent) -> Result<bool, PeopleError> {
        Ok(self.record_consents(std::slice::from_ref(said)).await? > 0)
    }

    /// The same for several, in their order and in one transaction. How many were new.
    ///
    /// # Errors
    /// When the database fails; then none is recorded.
    pub async fn record_consents(&self, all: &[NewConsent]) -> Result<usize, PeopleError> {
        if all.is_empty() {
            return Ok(0);
        }
        let first = self.take_ids(all.len()).await?;
        let mut transaction = self.begin().await?;
        let mut new = 0;
        for (id, said) in (first..).zip(all) {
            if append(&mut transaction, id, said).await? {
                new += 1;
                match said.action {
                    Action::OptOut => shut(&mut transaction, said).await?,
                    Action::OptIn => open(&mut transaction, said, &self.both_names(&said.subject)).await?,
                }
            }
        }
        transaction.commit().await?;
        Ok(new)
    }

    /// What the ledger says of a subject, newest first, from the entry before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consents(
        &self,
        scope: &Scope,
        account: AccountId,
        subject: &str,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Consent>, PeopleError> {
        if !scope.sees(account) {
            return Ok(Vec::new());
        }
        let [subject, pseudonym] = self.both_names(subject);
        let rows = sqlx::query(
            "SELECT id, event, account, level, level_id, subject, action, channels, at, who, how, wording, source, \
             evidence FROM consent WHERE account = $1 AND subject IN ($2, $3) AND id < $4 ORDER BY id DESC LIMIT $5",
        )
        .bind(i64::from(account.0))
        .bind(subject)
        .bind(pseudonym)
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await?;
        rows.iter().map(read).collect()
    }
}

/// An entry of the ledger; whether it was new.
async fn append(
    transaction: &mut Transaction<'static, Any>,
    id: i64,
    said: &NewConsent,
) -> Result<bool, PeopleError> {
    let done = sqlx::query(
        "INSERT INTO consent (id, event, account, level, level_id, subject, action, channels, at, who, how, \
         wording, source, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
         ON CONFLICT (event) DO NOTHING",
    )
    .bind(id)
    .bind(said.event.as_str())
    .bind(i64::from(said.account.0))
    .bind(said.level.as_str())
    .bind(said.level_id.as_str())
    .bind(said.subject.as_str())
    .bind(said.action.as_str())
    .bind(i64::from(said.channels.0))
    .bind(said.at.0)
    .bind(said.who.as_str())
    .bind(said.how.as_str())
    .bind(said.wording.as_deref().map(|wording| storable(wording).into_owned()))
    .bind(said.source.as_deref())
    .bind(said.evidence.as_deref())
    .execute(&mut **transaction)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn shut(transaction: &mut Transaction<'static, Any>, said: &NewConsent) -> Result<(), PeopleError> {
    sqlx::query(
        "INSERT INTO suppression (level, level_id, subject, channels, since) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (level, level_id, subject) DO UPDATE SET channels = suppression.channels | excluded.channels",
    )
    .bind(said.level.as_str())
    .bind(said.level_id.as_str())
    .bind(said.subject.as_str())
    .bind(i64::from(said.channels.0))
    .bind(said.at.0)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn open(
    transaction: &mut Transaction<'static, Any>,
    said: &NewConsent,
    [subject, pseudonym]: &[String; 2],
) -> Result<(), PeopleError> {
    let kept = i64::from(!said.channels.0);
    sqlx::query(
        "UPDATE suppression SET channels = channels & $1 WHERE level = $2 AND level_id = $3 AND subject IN ($4, $5)",
    )
    .bind(kept)
    .bind(said.level.as_str())
    .bind(said.level_id.as_str())
    .bind(subject.as_str())
    .bind(pseudonym.as_str())
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        "DELETE FROM suppression WHERE level = $1 AND level_id = $2 AND subject IN ($3, $4) AND channels = 0",
    )
    .bind(said.level.as_str())
    .bind(said.level_id.as_str())
    .bind(subject.as_str())
    .bind(pseudonym.as_str())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Consent, PeopleError> {
    let damaged = |column| move |_| PeopleError::Damaged { table: "consent", column };
    Ok(Consent {
        id: row.try_get(0)?,
        said: NewConsent {
            event: row.try_get(1)?,
            account: account_of(row, 2, "consent")?,
            level: row.try_get::<String, _>(3)?.parse().map_err(damaged("level"))?,
            level_id: row.try_get(4)?,
            subject: row.try_get(5)?,
            action: row.try_get::<String, _>(6)?.parse().map_err(damaged("action"))?,
            channels: Channels::of(row.try_get(7)?, "consent")?,
            at: Micros(row.try_get(8)?),
            who: row.try_get(9)?,
            how: row.try_get(10)?,
            wording: row.try_get(11)?,
            source: row.try_get(12)?,
            evidence: row.try_get(13)?,
        },
    })
}
