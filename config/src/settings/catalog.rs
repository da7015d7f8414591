use crate::setting::settings;
use crate::value::{Period, ReadableFile, Secret};

settings! {
    /// Where the catalog is, and how an empty one is filled.
    pub struct CatalogSettings {
        /// File of accounts, links and routes that a node without any starts with. A catalog that has rows is not
        /// touched: change it by the API or by `signalbox apply`.
        seed: Option<ReadableFile> => "config/demo-catalog.toml"; restart,
        /// URL of a PostgreSQL database, `postgres://user:password@host:port/database?sslmode=verify-full`; several
        /// nodes may share one, and it is another database than that of people. Without it the file `catalog.db` of
        /// the data directory (SQLite).
        server: Option<Secret> => crate::Tree::table([("file", "catalog-database".into())]); restart,
        /// How often a node with `server` looks whether another one changed the catalog.
        poll: Period = "1s",
    }
}
