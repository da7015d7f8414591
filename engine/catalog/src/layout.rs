//! The tables, and how they are brought up from those of older versions of the program.

use std::path::{Path, PathBuf};

use signalbox_sql::{Caches, Dialect, Place, Pools, SqlError, adopt, connect, migrate};
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use crate::chain::{self, ChainHash};

/// All migrations, in order; one that was released is never changed.
const ALL: &[&str] = &[include_str!("migrations/0001_catalog.sql")];
/// The database's own number among the locks of a server.
const LOCK: i64 = 0x5347_4354;
/// `SGCT`: marks the file as a catalog.
const APPLICATION: i64 = 0x5347_4354;
/// The `user_version` of a file whose migrations are recorded in it; before, 1 had no hashes and 2 no migrations.
const RECORDED: i64 = 3;

/// Why a catalog cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its folder cannot be made.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error("the catalog cannot be used")]
    Database(#[from] SqlError),
    /// The file is another program's, or not the catalog.
    #[error("{} is no catalog: its application_id is {found}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The mark that it has.
        found: i64,
    },
    /// A newer version of the program wrote the file.
    #[error("{} has the schema {found}, this version of the program knows up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: i64,
        /// The highest one known.
        known: i64,
    },
    /// No thread can be had for the database.
    #[error("the catalog has no thread to run on")]
    Thread(#[source] std::io::Error),
    /// It did not answer.
    #[error("the catalog does not answer")]
    Silent,
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// The connections to a catalog whose tables are there and of this version.
pub(crate) async fn open(place: &Place) -> Result<Pools, OpenError> {
    if let Place::File(path) = place {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unusable = |source| OpenError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(unusable)?;
    }
    let pools = connect(place, Caches::default()).await?;
    let begin = match pools.dialect {
        // Whoever opens the file at the same time waits, instead of finding what he read changed.
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    };
    let mut transaction = pools.write.begin_with(begin).await?;
    if let Place::File(path) = place {
        bring_up(&mut transaction, path).await?;
    }
    for number in migrate(&mut transaction, pools.dialect, ALL, LOCK).await? {
        tracing::info!(number, "the catalog has a new schema");
    }
    sqlx::query("UPDATE head SET hash = $1 WHERE hash IS NULL")
        .bind(ChainHash::START.to_octets())
        .execute(&mut *transaction)
        .await?;
    if let Place::File(_) = place {
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {RECORDED}");
        sqlx::raw_sql(AssertSqlSafe(marks)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(pools)
}

/// Makes of a file of an older version one whose first migration is recorded.
async fn bring_up(transaction: &mut Transaction<'static, Any>, path: &Path) -> Result<(), OpenError> {
    let mut found = [0; 3];
    let questions =
        ["PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) AS objects FROM sqlite_schema"];
    for (question, found) in questions.into_iter().zip(&mut found) {
        *found = sqlx::query(question).fetch_one(&mut **transaction).await?.try_get(0)?;
    }
    let [application, version, objects] = found;
    if application == 0 && version == 0 && objects == 0 {
        return Ok(());
    }
    if application != APPLICATION {
        return Err(OpenError::Foreign { path: path.to_owned(), found: application });
    }
    if version > RECORDED {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known: RECORDED });
    }
    if version < 2 {
        let columns = "ALTER TABLE audit ADD COLUMN hash BLOB; ALTER TABLE head ADD COLUMN hash BLOB";
        sqlx::raw_sql(columns).execute(&mut **transaction).await?;
        chain::fill(transaction).await?;
    }
    if version < RECORDED {
        adopt(transaction, Dialect::Sqlite, ALL, 1).await?;
    }
    Ok(())
}
