//! Migrations: numbered, applied at start, each recorded with its checksum.

use super::People;
use crate::error::PeopleError;

/// All of them, in order; one that was released is never changed.
const ALL: &[&str] = &[
    include_str!("../migrations/0001_people.sql"),
    include_str!("../migrations/0002_trace_detail.sql"),
    include_str!("../migrations/0003_erasure.sql"),
    include_str!("../migrations/0004_episode.sql"),
    include_str!("../migrations/0005_pass.sql"),
    include_str!("../migrations/0006_access.sql"),
    include_str!("../migrations/0007_quota.sql"),
    include_str!("../migrations/0008_test.sql"),
];

/// The database's own number among the locks of a server.
const LOCK: i64 = 0x5349_474e_414c;

impl People {
    /// Applies what the database lacks.
    pub(super) async fn migrate(&self) -> Result<(), PeopleError> {
        let mut transaction = self.begin().await?;
        let applied = signalbox_sql::migrate(&mut transaction, self.dialect, ALL, LOCK).await?;
        transaction.commit().await?;
        for number in applied {
            tracing::info!(number, "the database of people has a new schema");
        }
        Ok(())
    }
}
