//! Migrations: numbered from 1, each applied once and recorded with its checksum.

use sha2::{Digest, Sha256};
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use crate::error::SqlError;
use crate::place::Dialect;

/// The text in the words of the database: `{int}`, `{id}`, `{key}`, `{octets}`, `{plain}`, `{clustered}`.
#[must_use]
pub fn spoken(text: &str, dialect: Dialect) -> String {
    let words = match dialect {
        Dialect::Sqlite => [
            ("{int}", "INTEGER"),
            ("{id}", "INTEGER PRIMARY KEY"),
            ("{key}", "TEXT"),
            ("{octets}", "BLOB"),
            ("{plain}", "STRICT"),
            ("{clustered}", "STRICT, WITHOUT ROWID"),
        ],
        // Keys are compared by octets, as SQLite does it, so that pages have one order on both.
        Dialect::Postgres => [
            ("{int}", "BIGINT"),
            ("{id}", "BIGINT PRIMARY KEY"),
            ("{key}", "TEXT COLLATE \"C\""),
            ("{octets}", "BYTEA"),
            ("{plain}", ""),
            ("{clustered}", ""),
        ],
    };
    words.iter().fold(text.to_owned(), |text, (word, meaning)| text.replace(word, meaning))
}

/// Which migrations a database has.
const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migration (number {int} PRIMARY KEY, checksum TEXT NOT NULL) {plain}";

fn checksum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Applies those of `all` that the database lacks, and returns their numbers. `lock` is a number of the database's
/// own: two nodes that start at once on one server bring up the tables one after the other.
///
/// # Errors
/// When the database has migrations that are not these, or fails.
pub async fn migrate(
    transaction: &mut Transaction<'static, Any>,
    dialect: Dialect,
    all: &[&str],
    lock: i64,
) -> Result<Vec<i64>, SqlError> {
    match dialect {
        Dialect::Sqlite => {}
        Dialect::Postgres => {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(lock).execute(&mut **transaction).await?;
        }
    }
    sqlx::raw_sql(AssertSqlSafe(spoken(TABLE, dialect))).execute(&mut **transaction).await?;
    let applied = sqlx::query("SELECT number, checksum FROM migration ORDER BY number")
        .fetch_all(&mut **transaction)
        .await?;
    for (index, row) in applied.iter().enumerate() {
        let (number, held): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let known = all.get(index).filter(|_| number == position(index));
        if known.map(|text| checksum(text)) != Some(held) {
            return Err(SqlError::Schema { number });
        }
    }
    let mut now = Vec::new();
    for (index, text) in all.iter().enumerate().skip(applied.len()) {
        sqlx::raw_sql(AssertSqlSafe(spoken(text, dialect))).execute(&mut **transaction).await?;
        record(transaction, position(index), text).await?;
        now.push(position(index));
    }
    Ok(now)
}

/// Records the first `count` of `all` in a database that has what they make, and was made before migrations were
/// recorded.
///
/// # Errors
/// When some are recorded already, or the database fails.
pub async fn adopt(
    transaction: &mut Transaction<'static, Any>,
    dialect: Dialect,
    all: &[&str],
    count: usize,
) -> Result<(), SqlError> {
    sqlx::raw_sql(AssertSqlSafe(spoken(TABLE, dialect))).execute(&mut **transaction).await?;
    for (index, text) in all.iter().enumerate().take(count) {
        record(transaction, position(index), text).await?;
    }
    Ok(())
}

async fn record(
    transaction: &mut Transaction<'static, Any>,
    number: i64,
    text: &str,
) -> Result<(), SqlError> {
    sqlx::query("INSERT INTO migration (number, checksum) VALUES ($1, $2)")
        .bind(number)
        .bind(checksum(text))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Migrations count from 1.
fn position(index: usize) -> i64 {
    i64::try_from(index).map_or(i64::MAX, |index| index + 1)
}
