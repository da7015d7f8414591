//! Suppressions: what the ledger comes to. Kept here for people and for start-up; the send gate has its own index.

use std::fmt;

use signalbox_core::time::Micros;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::consent::{Channels, Level};
use crate::error::PeopleError;
use crate::store::People;

/// Channels that are shut for a subject.
#[derive(Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Where it holds.
    pub level: Level,
    /// The campaign, account or enterprise.
    pub level_id: String,
    /// The device's address, or a client id.
    pub subject: String,
    /// The channels.
    pub channels: Channels,
    /// Since when.
    pub since: Micros,
}

impl fmt::Debug for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Suppression({} {}, {:?})", self.level, self.level_id, self.channels)
    }
}

impl People {
    /// What holds for one of these subjects at one of these levels; the caller gives those that it may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suppressions_of(
        &self,
        levels: &[(Level, String)],
        subjects: &[&str],
    ) -> Result<Vec<Suppression>, PeopleError> {
        let mut found = Vec::new();
        for (level, id) in levels {
            for subject in subjects {
                let [named, pseudonym] = self.both_names(subject);
                let rows = sqlx::query(
                    "SELECT level, level_id, subject, channels, since FROM suppression \
                     WHERE level = $1 AND level_id = $2 AND subject IN ($3, $4)",
                )
                .bind(level.as_str())
                .bind(id.as_str())
                .bind(named)
                .bind(pseudonym)
                .fetch_all(self.reader())
                .await?;
                // One from before an erasure and one from after it are one to who asks.
                let mut held: Option<Suppression> = None;
                for row in &rows {
                    let one = read(row)?;
                    held = Some(match held {
                        None => Suppression { subject: (*subject).to_owned(), ..one },
                        Some(other) => Suppression {
                            channels: Channels(other.channels.0 | one.channels.0),
                            since: other.since.min(one.since),
                            ..other
                        },
                    });
                }
                found.extend(held);
            }
        }
        Ok(found)
    }

    /// Suppressions at a level by subject, from the one after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suppressions(
        &self,
        level: Level,
        id: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Suppression>, PeopleError> {
        let rows = sqlx::query(
            "SELECT level, level_id, subject, channels, since FROM suppression \
             WHERE level = $1 AND level_id = $2 AND subject > $3 ORDER BY subject LIMIT $4",
        )
        .bind(level.as_str())
        .bind(id)
        .bind(after.unwrap_or_default())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<Suppression, PeopleError> {
    let damaged = |_| PeopleError::Damaged { table: "suppression", column: "level" };
    Ok(Suppression {
        level: row.try_get::<String, _>(0)?.parse().map_err(damaged)?,
        level_id: row.try_get(1)?,
        subject: row.try_get(2)?,
        channels: Channels::of(row.try_get(3)?, "suppression")?,
        since: Micros(row.try_get(4)?),
    })
}
