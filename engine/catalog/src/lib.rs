//! The catalog: accounts, links, routes, policies and all else that changes while nodes run, as versioned rows, with
//! an audit of who changed what.
//!
//! One set of queries runs on the embedded SQLite (a file of its own beside the spine, so that an upload of millions
//! of rows never makes a message wait) and on PostgreSQL, which several nodes share. Each change is one transaction
//! under one new version; it holds only if the rows, and the catalog where that is asked, have the versions that the
//! caller saw. Rows are documents; `signalbox-config` gives them types.
//!
//! The table `audit` holds each change, by whom and when, and what operators did and no row shows, with the kind
//! `operation` and its details in `after`:
//!
//! ```sql
//! SELECT at, actor, action, kind, name FROM audit ORDER BY version, step;
//! ```
//!
//! Each entry holds a hash of itself and of the one before: [`SqlCatalog::verify`] finds what was changed behind the
//! program's back.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use signalbox_catalog::{Place, SqlCatalog};
//! use signalbox_core::backend::{Catalog, CatalogChange, Clock, Kind};
//!
//! # fn example(clock: Arc<dyn Clock>) -> Result<(), Box<dyn std::error::Error>> {
//! let catalog = SqlCatalog::open(&Place::File("catalog.db".into()), clock)?;
//! let (kind, name) = (Kind::Link, "up".to_owned());
//! catalog.apply("ann", &[CatalogChange::Put { kind, name, document: "{}".to_owned(), expected: None }])?;
//! assert_eq!(catalog.rows(Kind::Link)?.len(), 1);
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod catalog;
mod chain;
mod change;
mod layout;

pub use catalog::SqlCatalog;
pub use chain::{ChainError, ChainHash, Verified};
pub use layout::OpenError;
pub use signalbox_sql::Place;
