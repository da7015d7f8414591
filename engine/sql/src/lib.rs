//! Databases that one set of queries runs on: SQLite in a file of this machine, or PostgreSQL on a server.
//!
//! Here is what both need before the first query: where the database is, its connections, and its migrations. What
//! stands in the tables is for the crates that own them.
//!
//! ```no_run
//! use signalbox_sql::{Caches, Place, connect, migrate};
//!
//! # async fn example() -> Result<(), signalbox_sql::SqlError> {
//! let pools = connect(&Place::File("notes.db".into()), Caches::default()).await?;
//! let mut transaction = pools.write.begin().await?;
//! migrate(&mut transaction, pools.dialect, &["CREATE TABLE note (id {id}, body TEXT NOT NULL) {plain}"], 1).await?;
//! transaction.commit().await?;
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod error;
mod migrations;
mod place;

pub use error::{SqlError, is_transient, is_twice};
pub use migrations::{adopt, migrate, spoken};
pub use place::{Caches, Dialect, Place, Pools, connect};
