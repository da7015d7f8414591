//! Migrations: numbered, applied at start, each recorded with its checksum.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row};

use super::{Dialect, People};
use crate::error::PeopleError;

/// All of them, in order; one that was released is never changed.
const ALL: &[&str] = &[
    include_str!("../migrations/0001_people.sql"),
    include_str!("../migrations/0002_trace_detail.sql"),
    include_str!("../migrations/0003_erasure.sql"),
];

/// Two nodes that start at once bring up the tables one after the other: the key of a lock of PostgreSQL's.
const LOCK: i64 = 0x5349_474e_414c;

/// The text in the words of the database.
fn spoken(text: &str, dialect: Dialect) -> String {
    let words = match dialect {
        Dialect::Sqlite => [
            ("{int}", "INTEGER"),
            ("{id}", "INTEGER PRIMARY KEY"),
            ("{key}", "TEXT"),
            ("{plain}", "STRICT"),
            ("{clustered}", "STRICT, WITHOUT ROWID"),
        ],
        // Keys are compared by octets, as SQLite does it, so that pages have one order on both.
        Dialect::Postgres => [
            ("{int}", "BIGINT"),
            ("{id}", "BIGINT PRIMARY KEY"),
            ("{key}", "TEXT COLLATE \"C\""),
            ("{plain}", ""),
            ("{clustered}", ""),
        ],
    };
    words.iter().fold(text.to_owned(), |text, (word, meaning)| text.replace(word, meaning))
}

fn checksum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect()
}

impl People {
    /// Applies what the database lacks.
    pub(super) async fn migrate(&self) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        match self.dialect {
            Dialect::Sqlite => {}
            Dialect::Postgres => {
                sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
            }
        }
        let table = "CREATE TABLE IF NOT EXISTS migration \
                     (number {int} PRIMARY KEY, checksum TEXT NOT NULL) {plain}";
        let table = spoken(table, self.dialect);
        sqlx::raw_sql(AssertSqlSafe(table)).execute(&mut *transaction).await?;
        let applied = sqlx::query("SELECT number, checksum FROM migration ORDER BY number")
            .fetch_all(&mut *transaction)
            .await?;
        for (index, row) in applied.iter().enumerate() {
            let (number, held): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            let known = ALL.get(index).filter(|_| number == position(index));
            if known.map(|text| checksum(text)) != Some(held) {
                return Err(PeopleError::Schema { number });
            }
        }
        for (index, text) in ALL.iter().enumerate().skip(applied.len()) {
            let statements = spoken(text, self.dialect);
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *transaction).await?;
            sqlx::query("INSERT INTO migration (number, checksum) VALUES ($1, $2)")
                .bind(position(index))
                .bind(checksum(text))
                .execute(&mut *transaction)
                .await?;
            tracing::info!(number = position(index), "the database of people has a new schema");
        }
        Ok(transaction.commit().await?)
    }
}

/// Migrations count from 1.
fn position(index: usize) -> i64 {
    i64::try_from(index).map_or(i64::MAX, |index| index + 1)
}
