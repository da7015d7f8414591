//! The contacts of a pass: taken from the list, asked for, ended.

use std::collections::BTreeMap;
use std::fmt;

use signalbox_core::time::Micros;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::PassState;
use crate::bulk::{Among, Insert, Values};
use crate::device::{DeviceKind, LineType, Medium};
use crate::error::PeopleError;
use crate::id::{ContactId, PassId, Scope};
use crate::store::People;

/// It was taken from the list, and its end is not known.
const ASKED: &str = "asked";
/// It has its status.
const ENDED: &str = "ended";
/// It has its status, and the dialog server has let go of it.
const SETTLED: &str = "settled";

/// A device of a contact, as a pass chooses among them.
#[derive(Clone, PartialEq, Eq)]
pub struct PassDevice {
    /// What it is to the contact.
    pub kind: DeviceKind,
    /// How it is reached.
    pub medium: Medium,
    /// E.164 with `+`, or an e-mail address.
    pub address: String,
    /// Wireless or landline, where that was looked up.
    pub line: Option<LineType>,
}

/// A contact that a pass is to begin.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The contact.
    pub contact: ContactId,
    /// The account's own name for it; empty where it is gone meanwhile.
    pub client_id: String,
    /// Its devices, in its own order.
    pub devices: Vec<PassDevice>,
}

impl fmt::Debug for PassDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PassDevice({})", self.kind)
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({}, {} devices)", self.contact, self.devices.len())
    }
}

/// How the attempt of a contact ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The pass.
    pub pass: PassId,
    /// The contact.
    pub contact: ContactId,
    /// The completion status.
    pub status: String,
    /// Why; empty where there is nothing to add.
    pub reason: String,
    /// When.
    pub at: Micros,
}

/// A contact of a pass and how it fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The contact.
    pub contact: ContactId,
    /// Its completion status and why; `None` while it has none.
    pub end: Option<(String, String)>,
    /// Its device answered.
    pub replied: bool,
    /// When it was taken from the list, then when it ended.
    pub at: Micros,
}

const CONTACTS: Insert = Insert {
    head: "INSERT INTO pass_contact (pass, contact, state, status, reason, replied, at)",
    kinds: "iitttii",
    tail: " ON CONFLICT (pass, contact) DO NOTHING",
};

const DEVICES: Among = Among {
    head: "SELECT cd.contact, cd.place, cd.kind, d.medium, d.address, d.line_type FROM contact_device cd \
           JOIN device d ON d.id = cd.device WHERE cd.contact IN ",
};

const CLIENT_IDS: Among = Among { head: "SELECT id, client_id FROM contact WHERE id IN " };

impl People {
    /// Takes the next contacts of a pass from its list, in the order of their ids; none when it is not running. They are
    /// the pass's from this commit on: a stop after it leaves them asked for, not lost. At the end of the list the pass
    /// closes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_of_pass(
        &self,
        id: PassId,
        limit: usize,
        now: Micros,
    ) -> Result<Vec<Candidate>, PeopleError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(
            "UPDATE pass SET version = version WHERE id = $1 AND state = $2 RETURNING list, place",
        )
        .bind(id.0)
        .bind(PassState::Running.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let (list, place): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let rows = sqlx::query(
            "SELECT contact FROM list_member WHERE list = $1 AND contact > $2 ORDER BY contact LIMIT $3",
        )
        .bind(list)
        .bind(place)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await?;
        let contacts = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        let Some(last) = contacts.last() else {
            sqlx::query("UPDATE pass SET state = $1, version = version + 1 WHERE id = $2")
                .bind(PassState::Closing.as_str())
                .bind(id.0)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            return Ok(Vec::new());
        };
        CONTACTS
            .run(&mut transaction, self.dialect, &contacts, |contact, values| {
                values.push(id.0).push(*contact).push(ASKED);
                values.push(None::<&str>).push(None::<&str>).push(0_i64).push(now.0);
            })
            .await?;
        sqlx::query("UPDATE pass SET place = $1, begun = begun + $2 WHERE id = $3")
            .bind(*last)
            .bind(i64::try_from(contacts.len()).unwrap_or(i64::MAX))
            .bind(id.0)
            .execute(&mut *transaction)
            .await?;
        let candidates = self.candidates(&mut transaction, &contacts).await?;
        transaction.commit().await?;
        Ok(candidates)
    }

    /// Contacts that a pass has taken and that have no status, from the one after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asked_of_pass(
        &self,
        id: PassId,
        after: Option<ContactId>,
        limit: usize,
    ) -> Result<Vec<Candidate>, PeopleError> {
        let contacts = self.of_stage(id, ASKED, after, limit).await?;
        if contacts.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin().await?;
        let candidates = self.candidates(&mut transaction, &contacts).await?;
        transaction.commit().await?;
        Ok(candidates)
    }

    async fn of_stage(
        &self,
        id: PassId,
        stage: &str,
        after: Option<ContactId>,
        limit: usize,
    ) -> Result<Vec<i64>, PeopleError> {
        let rows = sqlx::query(
            "SELECT contact FROM pass_contact WHERE pass = $1 AND state = $2 AND contact > $3 \
             ORDER BY contact LIMIT $4",
        )
        .bind(id.0)
        .bind(stage)
        .bind(after.map_or(0, |after| after.0))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    async fn candidates(
        &self,
        transaction: &mut Transaction<'static, Any>,
        contacts: &[i64],
    ) -> Result<Vec<Candidate>, PeopleError> {
        let none = |_: &mut Values| {};
        let bind = |contact: &i64, values: &mut Values| {
            values.push(*contact);
        };
        let mut client_ids: BTreeMap<i64, String> = BTreeMap::new();
        let take = |row: &AnyRow| {
            client_ids.insert(row.try_get(0)?, row.try_get(1)?);
            Ok(())
        };
        CLIENT_IDS.run(transaction, self.dialect, contacts, none, bind, take).await?;
        let mut rows: Vec<(i64, i64, [String; 3], Option<String>)> = Vec::new();
        let take = |row: &AnyRow| {
            let words = [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?];
            rows.push((row.try_get(0)?, row.try_get(1)?, words, row.try_get(5)?));
            Ok(())
        };
        DEVICES.run(transaction, self.dialect, contacts, none, bind, take).await?;
        rows.sort_by_key(|(contact, place, ..)| (*contact, *place));
        let mut devices: BTreeMap<i64, Vec<PassDevice>> = BTreeMap::new();
        for (contact, _, [kind, medium, address], line) in rows {
            let damaged = |column| move |_| PeopleError::Damaged { table: "device", column };
            let device = PassDevice {
                kind: kind.parse().map_err(damaged("kind"))?,
                medium: medium.parse().map_err(damaged("medium"))?,
                address,
                line: line.map(|line| line.parse().map_err(damaged("line_type"))).transpose()?,
            };
            devices.entry(contact).or_default().push(device);
        }
        let candidate = |contact: &i64| Candidate {
            contact: ContactId(*contact),
            client_id: client_ids.remove(contact).unwrap_or_default(),
            devices: devices.remove(contact).unwrap_or_default(),
        };
        Ok(contacts.iter().map(candidate).collect())
    }

    /// Notes how attempts ended; what is told twice is noted once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_attempts(&self, ends: &[Ended]) -> Result<(), PeopleError> {
        if ends.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        let mut tally: BTreeMap<(i64, &str, &str), i64> = BTreeMap::new();
        for end in ends {
            let done = sqlx::query(
                "UPDATE pass_contact SET state = $1, status = $2, reason = $3, at = $4 \
                 WHERE pass = $5 AND contact = $6 AND state = $7",
            )
            .bind(ENDED)
            .bind(end.status.as_str())
            .bind(end.reason.as_str())
            .bind(end.at.0)
            .bind(end.pass.0)
            .bind(end.contact.0)
            .bind(ASKED)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() > 0 {
                *tally.entry((end.pass.0, &end.status, &end.reason)).or_default() += 1;
            }
        }
        for ((pass, status, reason), contacts) in tally {
            sqlx::query(
                "INSERT INTO pass_tally (pass, status, reason, contacts) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (pass, status, reason) DO UPDATE SET \
                 contacts = pass_tally.contacts + excluded.contacts",
            )
            .bind(pass)
            .bind(status)
            .bind(reason)
            .bind(contacts)
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Notes that the devices of contacts answered to what a pass sent them; each counts once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answer_attempts(&self, answered: &[(PassId, ContactId)]) -> Result<(), PeopleError> {
        if answered.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        for (pass, contact) in answered {
            let done = sqlx::query(
                "UPDATE pass_contact SET replied = 1 WHERE pass = $1 AND contact = $2 AND replied = 0",
            )
            .bind(pass.0)
            .bind(contact.0)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() > 0 {
                sqlx::query("UPDATE pass SET replied = replied + 1 WHERE id = $1")
                    .bind(pass.0)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Contacts of a pass that have their status and that the dialog server has not let go of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsettled_of_pass(&self, id: PassId, limit: usize) -> Result<Vec<ContactId>, PeopleError> {
        let contacts = self.of_stage(id, ENDED, None, limit).await?;
        Ok(contacts.into_iter().map(ContactId).collect())
    }

    /// Notes that the dialog server has let go of contacts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_attempts(&self, id: PassId, contacts: &[ContactId]) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        for contact in contacts {
            sqlx::query("UPDATE pass_contact SET state = $1 WHERE pass = $2 AND contact = $3 AND state = $4")
                .bind(SETTLED)
                .bind(id.0)
                .bind(contact.0)
                .bind(ENDED)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Contacts of a pass and how they fared, by id from the one after `after`.
    ///
    /// # Errors
    /// When there is no such pass, or the database fails.
    pub async fn attempts_of_pass(
        &self,
        scope: &Scope,
        id: PassId,
        after: Option<ContactId>,
        limit: usize,
    ) -> Result<Vec<Attempted>, PeopleError> {
        if self.pass(scope, id).await?.is_none() {
            return Err(PeopleError::absent("pass", id));
        }
        let rows = sqlx::query(
            "SELECT contact, status, reason, replied, at FROM pass_contact \
             WHERE pass = $1 AND contact > $2 ORDER BY contact LIMIT $3",
        )
        .bind(id.0)
        .bind(after.map_or(0, |after| after.0))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await?;
        let read = |row: &AnyRow| {
            let status: Option<String> = row.try_get(1)?;
            let reason: Option<String> = row.try_get(2)?;
            Ok(Attempted {
                contact: ContactId(row.try_get(0)?),
                end: status.map(|status| (status, reason.unwrap_or_default())),
                replied: row.try_get::<i64, _>(3)? != 0,
                at: Micros(row.try_get(4)?),
            })
        };
        rows.iter().map(read).collect()
    }
}
