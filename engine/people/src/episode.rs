//! Episodes: conversations from a beginning to an end, with the session variables that instructions left; what custom
//! reports are made of (requirement API-15).

use std::fmt;

use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::bulk::Insert;
use crate::device::account_of;
use crate::error::{Invalid, PeopleError};
use crate::id::Scope;
use crate::store::People;

/// Episodes of one order at most.
const EPISODES: usize = 10_000;

/// A conversation of a sub-campaign from a beginning to an end.
#[derive(Clone, PartialEq, Eq)]
pub struct Episode {
    /// The conversation's id and the number of its episode; told again it stands once, as it was told last.
    pub id: String,
    /// What orders what is told of episodes: a later word has a greater one.
    pub told: String,
    /// The account.
    pub account: AccountId,
    /// The sub-campaign, by name.
    pub sub_campaign: String,
    /// The device's address.
    pub device: String,
    /// The source address on our side.
    pub source: String,
    /// The contact's client id, where it has one.
    pub client_id: Option<String>,
    /// The version that it stays on: the script, a dot and the number.
    pub version: Option<String>,
    /// When it was first told of.
    pub began_at: Micros,
    /// When it was last told of.
    pub at: Micros,
    /// True when it is over.
    pub ended: bool,
    /// Its session variables: an object of JSON.
    pub variables: String,
    /// A tester's: it is no result (MQ-10).
    pub test: bool,
}

impl fmt::Debug for Episode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Episode({} of {}, told {}, ended {})", self.id, self.sub_campaign, self.told, self.ended)
    }
}

const INSERT: Insert = Insert {
    head: "INSERT INTO episode (id, told, account, sub_campaign, device, source, client_id, version, began_at, at, \
           ended, variables, test)",
    kinds: "ttitttttiiiti",
    tail: " ON CONFLICT (id) DO UPDATE SET told = excluded.told, at = excluded.at, ended = excluded.ended, \
           client_id = CASE episode.erased WHEN 0 THEN COALESCE(excluded.client_id, episode.client_id) END, \
           version = COALESCE(excluded.version, episode.version), \
           variables = CASE episode.erased WHEN 0 THEN excluded.variables ELSE episode.variables END \
           WHERE excluded.told > episode.told",
};

const COLUMNS: &str = "id, told, account, sub_campaign, device, source, client_id, version, began_at, at, ended, \
                       variables, test";

/// What is told of each episode in one order, as one: a statement must not change a row twice.
fn told_once(episodes: &[Episode]) -> Vec<Episode> {
    let mut sorted: Vec<&Episode> = episodes.iter().collect();
    sorted.sort_by(|a, b| (&a.id, &a.told).cmp(&(&b.id, &b.told)));
    let mut rows: Vec<Episode> = Vec::with_capacity(sorted.len());
    for episode in sorted {
        match rows.last_mut() {
            Some(row) if row.id == episode.id => {
                let (began_at, client_id) = (row.began_at, row.client_id.take());
                row.clone_from(episode);
                row.began_at = began_at;
                row.client_id = row.client_id.take().or(client_id);
            }
            Some(_) | None => rows.push(episode.clone()),
        }
    }
    rows
}

impl People {
    /// Keeps what is told of episodes. What is told late or again changes nothing.
    ///
    /// # Errors
    /// When they are more than 10,000, or the database fails.
    pub async fn record_episodes(&self, episodes: &[Episode]) -> Result<(), PeopleError> {
        if episodes.len() > EPISODES {
            return Err(Invalid::new("episodes", format!("are more than {EPISODES}")).into());
        }
        let rows = told_once(episodes);
        let mut transaction = self.begin().await?;
        INSERT
            .run(&mut transaction, self.dialect, &rows, |row, values| {
                values.push(row.id.as_str()).push(row.told.as_str()).push(i64::from(row.account.0));
                values.push(row.sub_campaign.as_str()).push(row.device.as_str()).push(row.source.as_str());
                values.push(row.client_id.as_deref()).push(row.version.as_deref());
                values.push(row.began_at.0).push(row.at.0).push(i64::from(row.ended));
                values.push(row.variables.as_str()).push(i64::from(row.test));
            })
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Episodes of a sub-campaign, or with `test` those of its testers, in the order in which they were told of last, behind `after`: who goes on later where
    /// the last page ended gets what was new or changed since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn episodes(
        &self,
        scope: &Scope,
        account: AccountId,
        (sub_campaign, test): (&str, bool),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Episode>, PeopleError> {
        if !scope.sees(account) {
            return Ok(Vec::new());
        }
        let query = format!(
            "SELECT {COLUMNS} FROM episode WHERE account = $1 AND sub_campaign = $2 AND told > $3 AND test = $4 \
             ORDER BY told LIMIT $5"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(i64::from(account.0))
            .bind(sub_campaign)
            .bind(after.unwrap_or_default())
            .bind(i64::from(test))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(read).collect()
    }

    /// How many conversations are open that stay on a version of a script.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_on_version(&self, account: AccountId, version: &str) -> Result<u64, PeopleError> {
        let query = "SELECT COUNT(*) FROM episode WHERE account = $1 AND version = $2 AND ended = 0";
        let row =
            sqlx::query(query).bind(i64::from(account.0)).bind(version).fetch_one(self.reader()).await?;
        Ok(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0))
    }
}

fn read(row: &AnyRow) -> Result<Episode, PeopleError> {
    Ok(Episode {
        id: row.try_get(0)?,
        told: row.try_get(1)?,
        account: account_of(row, 2, "episode")?,
        sub_campaign: row.try_get(3)?,
        device: row.try_get(4)?,
        source: row.try_get(5)?,
        client_id: row.try_get(6)?,
        version: row.try_get(7)?,
        began_at: Micros(row.try_get(8)?),
        at: Micros(row.try_get(9)?),
        ended: row.try_get::<i64, _>(10)? != 0,
        variables: row.try_get(11)?,
        test: row.try_get::<i64, _>(12)? != 0,
    })
}
