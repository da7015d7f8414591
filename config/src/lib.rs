//! Typed settings of a node and typed rows of the catalog, read from TOML with errors that name file, line,
//! column and key, and say what was expected.
//!
//! [`Settings`] is what a node needs to start: addresses, store, limits, the places of secrets. [`Catalog`]
//! is the file form of what is changed while it runs: accounts, links, routes, carriers, counter policies,
//! white lists, tokens, webhooks. The same file seeds an empty catalog and is applied to a running node with a
//! [`CatalogPlan`] that shows what would change.
//!
//! This crate reads; it opens no socket, watches no file and keeps no state. It is not where defaults of the
//! engine's parts live either: each default stands beside the key it belongs to.
//!
//! ```
//! let errors = signalbox_config::Settings::parse(
//!     "node.toml",
//!     "[node]\nname = 'a'\n\n[admin]\nadress = '127.0.0.1:9464'\n",
//! )
//! .unwrap_err();
//! assert_eq!(errors.to_string(), "node.toml:5:1: admin.adress: unknown key, did you mean `address`");
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod catalog;
mod change;
mod document;
mod error;
mod nearest;
mod reference;
pub mod setting;
pub mod settings;
mod tree;
pub mod value;

pub use catalog::{Catalog, CatalogPlan};
pub use change::{Change, Changes};
pub use document::read_tree;
pub use error::{ConfigError, ConfigErrors, Place, Problem};
pub use reference::{reference_catalog, reference_settings};
pub use settings::Settings;
pub use tree::{Entry, MASK, Tree, Value};
