use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{Count, Secret};

settings! {
    /// The database of people: contacts, devices, lists, uploads, consent and history.
    pub struct PeopleSettings agrees {
        /// URL of a PostgreSQL database, `postgres://user:password@host:port/database?sslmode=verify-full`; several
        /// nodes may share one. Without it the file `people.db` of the data directory (SQLite).
        server: Option<Secret> => crate::Tree::table([("file", "people-database".into())]); restart,
        /// Connections to the server at most.
        connections: Count<2, 1_000> = 16; restart,
        /// Key of what stands for the number of a person who was erased, at least 16 characters, the same on all
        /// nodes and as long as the database lives. Without it the node makes the file `people.key` of the data
        /// directory; with `server` it is needed.
        erasure_key: Option<Secret> => crate::Tree::table([("file", "people-erasure-key".into())]); restart,
    }
}

impl Agreement for PeopleSettings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.server.is_some() && self.erasure_key.is_none() {
            problems.conflict(at, "erasure_key", "is needed with server, the same on all nodes");
        }
    }
}
