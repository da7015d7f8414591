//! Why an operation on people failed.

use signalbox_sql::{SqlError, is_transient};

pub(crate) use signalbox_sql::is_twice;

/// A value of a contact that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct Invalid {
    /// The field, such as `email` or `devices[1].address`.
    pub field: String,
    /// What is wrong; never the value itself.
    pub problem: String,
}

impl Invalid {
    /// A field and what is wrong with it.
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeopleError {
    /// The database refused or lost something.
    #[error("the database of people has failed")]
    Database(#[source] sqlx::Error),
    /// No connection was free in time, or another writer held the row: the same may work later.
    #[error("the database of people is busy")]
    Busy,
    /// There is no such thing, or the caller does not see it.
    #[error("there is no {what} {id}")]
    Absent {
        /// Its kind.
        what: &'static str,
        /// Its id, where that says nothing about a person.
        id: String,
    },
    /// Something of that name or client id is there already.
    #[error("the account has such a {what} already")]
    Exists {
        /// Its kind.
        what: &'static str,
    },
    /// It was changed since it was read.
    #[error("the {what} has the version {held}")]
    Changed {
        /// Its kind.
        what: &'static str,
        /// The version it has.
        held: i64,
    },
    /// A list that is in use is not deleted.
    #[error("the list is in use by {}", holders.join(", "))]
    InUse {
        /// Who uses it, some of them.
        holders: Vec<String>,
    },
    /// A list that is being deleted takes nothing.
    #[error("the list is {state}")]
    NotReady {
        /// Its state.
        state: &'static str,
    },
    /// A pass that is over is not changed any more.
    #[error("the pass is {state}")]
    PassOver {
        /// Its state.
        state: &'static str,
    },
    /// The account holds as many contacts as it may.
    #[error("the account may hold {most} contacts and holds {held}")]
    Full {
        /// How many it may hold.
        most: u64,
        /// How many it holds.
        held: u64,
    },
    /// A value cannot be.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Nobody can be erased, because no key of pseudonyms is set.
    #[error("no key of pseudonyms is set")]
    NoKey,
    /// The schema in the database is not one that this program made.
    #[error("migration {number} of the database is not the one this program knows")]
    Schema {
        /// Number of the migration.
        number: i64,
    },
    /// A row holds something that this program never writes.
    #[error("column {column} of {table} holds something unknown")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The file that was uploaded could not be read to its end.
    #[error("the file cannot be read")]
    Read(#[source] std::io::Error),
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

impl From<sqlx::Error> for PeopleError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) || is_transient(&error) {
            return Self::Busy;
        }
        Self::Database(error)
    }
}

impl PeopleError {
    /// Nothing of this kind has this id.
    pub(crate) fn absent(what: &'static str, id: impl ToString) -> Self {
        Self::Absent { what, id: id.to_string() }
    }
}

impl From<SqlError> for PeopleError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Schema { number } => Self::Schema { number },
            SqlError::Place { place, source } => Self::Place { place, source },
            SqlError::Database(error) => error.into(),
            // The enum may grow; what it grows by is a failure of the database too.
            other => Self::Database(sqlx::Error::Configuration(Box::new(other))),
        }
    }
}
