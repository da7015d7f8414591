use crate::setting::settings;
use crate::value::{Count, Secret};

settings! {
    /// The database of people: contacts, devices, lists, uploads, consent and history.
    pub struct PeopleSettings {
        /// URL of a PostgreSQL database, `postgres://user:password@host:port/database?sslmode=verify-full`; several
        /// nodes may share one. Without it the file `people.db` of the data directory (SQLite).
        server: Option<Secret> => crate::Tree::table([("file", "people-database".into())]); restart,
        /// Connections to the server at most.
        connections: Count<2, 1_000> = 16; restart,
    }
}
