//! Why a database cannot be used.

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The database refused or lost something.
    #[error("the database has failed")]
    Database(#[from] sqlx::Error),
    /// The schema in the database is not one that this program made.
    #[error("migration {number} of the database is not the one this program knows")]
    Schema {
        /// Number of the migration.
        number: i64,
    },
    /// The place of the database cannot be used.
    #[error("{place} cannot be used")]
    Place {
        /// The place, without secrets.
        place: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Whether two rows would have had one key.
#[must_use]
pub fn is_twice(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}

/// Whether the same transaction may succeed when it is tried again: PostgreSQL's serialization failure, deadlock and
/// lock time-out (class 40 and 55P03), SQLite's busy and locked.
#[must_use]
pub fn is_transient(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    let Some(code) = code else { return false };
    match code.as_ref() {
        "40001" | "40P01" | "55P03" => true,
        // SQLSTATEs have five characters, SQLite's numbers fewer; of these the low octet is the primary code:
        // SQLITE_BUSY and SQLITE_LOCKED.
        code => code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6)),
    }
}
