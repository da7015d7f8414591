//! The catalog over its database, for callers that wait.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use signalbox_core::backend::{
    Catalog, CatalogChange, CatalogError, CatalogRow, Clock, Kind, TrailEntry, TrailPlace, Version,
};
use signalbox_core::time::Micros;
use signalbox_sql::{Dialect, Place, Pools};
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};
use tokio::runtime::{Builder, Runtime};

use crate::chain::{self, ChainError, ChainHash, Verified};
use crate::change::{Change, OPERATION, failed, number, version_of};
use crate::layout::{self, OpenError};

/// A caller waits so long for an answer. A database's own bounds are shorter: of waiting for a connection, for a lock.
const PATIENCE: Duration = Duration::from_secs(60);
/// Going through the whole audit takes longer.
const VERIFYING: Duration = Duration::from_secs(3600);

/// The catalog in a file of this machine, or on a server that several nodes share.
///
/// Its connections live on a thread of their own. Whoever calls waits for the answer, on whichever thread he is; in
/// an asynchronous task that is one for calls that block.
pub struct SqlCatalog {
    inner: Arc<Inner>,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

struct Inner {
    pools: Pools,
    clock: Arc<dyn Clock>,
}

/// Waits for work that a runtime does; `None` when it takes too long or was lost.
fn wait<T: Send + 'static>(
    runtime: &Runtime,
    patience: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (done, result) = sync_channel(1);
    runtime.spawn(async move {
        // Who waited may have given up.
        let _ = done.send(work.await);
    });
    result.recv_timeout(patience).ok()
}

impl SqlCatalog {
    /// Opens the catalog, makes it if it is not there, and brings up what an older version of the program made.
    ///
    /// # Errors
    /// When it cannot be used or is no catalog.
    pub fn open(place: &Place, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("catalog").enable_all().build();
        let runtime = runtime.map_err(OpenError::Thread)?;
        let place = place.clone();
        let opened = wait(&runtime, PATIENCE, async move { layout::open(&place).await });
        match opened.unwrap_or(Err(OpenError::Silent)) {
            Ok(pools) => Ok(Self { inner: Arc::new(Inner { pools, clock }), runtime: Some(runtime) }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Goes through the whole audit: whether each entry is what was written, none is missing, and the rows are what it
    /// says. With a hash that was kept elsewhere it also says whether that entry is still there: whoever can write the
    /// whole database can make another chain, and not one that has it.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub fn verify(&self, expected: Option<ChainHash>) -> Result<Verified, ChainError> {
        self.ask(VERIFYING, |inner| async move { inner.verify(expected).await })
            .unwrap_or_else(|| Err(silent().into()))
    }

    fn ask<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(Arc<Inner>) -> F,
    ) -> Option<T> {
        wait(self.runtime.as_ref()?, patience, work(self.inner.clone()))
    }

    fn asked<T: Send + 'static, F: Future<Output = Result<T, CatalogError>> + Send + 'static>(
        &self,
        work: impl FnOnce(Arc<Inner>) -> F,
    ) -> Result<T, CatalogError> {
        self.ask(PATIENCE, work).unwrap_or_else(|| Err(silent()))
    }
}

impl Drop for SqlCatalog {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        // The last connection to a file takes the journal with it; to a server it says good-bye.
        let inner = self.inner.clone();
        let closing = async move {
            inner.pools.write.close().await;
            inner.pools.read.close().await;
        };
        let _ = wait(&runtime, PATIENCE, closing);
        // Waiting for its thread is not allowed in an asynchronous task, where this may be dropped.
        runtime.shutdown_background();
    }
}

/// It may have been done, or not.
fn silent() -> CatalogError {
    failed(format!("no answer within {PATIENCE:?}"))
}

fn kind_of(name: &str) -> Result<Kind, CatalogError> {
    Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| failed(format!("a row has the kind `{name}`")))
}

impl Inner {
    async fn verify(&self, expected: Option<ChainHash>) -> Result<Verified, ChainError> {
        // One view of entries, head and rows, whatever is written meanwhile.
        let mut within = self.pools.read.begin().await.map_err(failed)?;
        match self.pools.dialect {
            Dialect::Sqlite => {}
            Dialect::Postgres => {
                let view = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
                sqlx::query(view).execute(&mut *within).await.map_err(failed)?;
            }
        }
        chain::verify(&mut within, expected).await
    }

    async fn version(&self) -> Result<Version, CatalogError> {
        let row = sqlx::query("SELECT version FROM head WHERE id = 1").fetch_one(&self.pools.read).await;
        Ok(version_of(row.and_then(|row| row.try_get(0)).map_err(failed)?))
    }

    async fn rows(&self, kind: Kind) -> Result<Vec<CatalogRow>, CatalogError> {
        let rows = sqlx::query("SELECT id, name, version, document FROM item WHERE kind = $1 ORDER BY id")
            .bind(kind.name())
            .fetch_all(&self.pools.read)
            .await
            .map_err(failed)?;
        rows.iter().map(|row| read(kind, row)).collect()
    }

    async fn row(&self, kind: Kind, name: &str) -> Result<Option<CatalogRow>, CatalogError> {
        let query = "SELECT id, name, version, document FROM item WHERE kind = $1 AND name = $2";
        let row = sqlx::query(query).bind(kind.name()).bind(name).fetch_optional(&self.pools.read).await;
        row.map_err(failed)?.map(|row| read(kind, &row)).transpose()
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, CatalogError> {
        self.pools.write.begin().await.map_err(failed)
    }

    async fn apply(
        &self,
        base: Option<Version>,
        by: &str,
        changes: &[CatalogChange],
    ) -> Result<Version, CatalogError> {
        if changes.is_empty() {
            return self.version().await;
        }
        let mut within = self.begin().await?;
        let mut change = Change::begin(&mut within, self.clock.now().wall, by).await?;
        if let Some(base) = base
            && base != change.version()
        {
            return Err(CatalogError::Moved { held: change.version().0, expected: base.0 });
        }
        change.next_version();
        for wanted in changes {
            change.make(wanted).await?;
        }
        let version = change.end().await?;
        within.commit().await.map_err(failed)?;
        Ok(version)
    }

    async fn record(&self, by: &str, action: &str, detail: &str) -> Result<(), CatalogError> {
        let mut within = self.begin().await?;
        let mut change = Change::begin(&mut within, self.clock.now().wall, by).await?;
        change.follow_entries().await?;
        change.note((action, OPERATION), (0, ""), None, Some(detail)).await?;
        change.end().await?;
        within.commit().await.map_err(failed)
    }

    async fn trail(&self, before: Option<TrailPlace>, max: usize) -> Result<Vec<TrailEntry>, CatalogError> {
        let (version, step) = before.map_or((i64::MAX, 0), |place| {
            (i64::try_from(place.version.0).unwrap_or(i64::MAX), i64::from(place.step))
        });
        let rows = sqlx::query(
            "SELECT version, step, at, actor, action, kind, name, before, after FROM audit \
             WHERE (version, step) < ($1, $2) ORDER BY version DESC, step DESC LIMIT $3",
        )
        .bind(version)
        .bind(step)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(&self.pools.read)
        .await
        .map_err(failed)?;
        rows.iter().map(trail_entry).collect()
    }
}

fn trail_entry(row: &AnyRow) -> Result<TrailEntry, CatalogError> {
    let text = |at: usize| row.try_get::<String, _>(at).map_err(failed);
    let kind = text(5)?;
    let about = if kind == OPERATION { None } else { Some((kind_of(&kind)?, text(6)?)) };
    let version = version_of(row.try_get(0).map_err(failed)?);
    Ok(TrailEntry {
        place: TrailPlace { version, step: number(row.try_get(1).map_err(failed)?)? },
        at: Micros(row.try_get(2).map_err(failed)?),
        actor: text(3)?,
        action: text(4)?,
        row: about,
        before: row.try_get(7).map_err(failed)?,
        after: row.try_get(8).map_err(failed)?,
    })
}

/// A row of the table `item`.
fn read(kind: Kind, row: &AnyRow) -> Result<CatalogRow, CatalogError> {
    Ok(CatalogRow {
        kind,
        id: number(row.try_get(0).map_err(failed)?)?,
        name: row.try_get(1).map_err(failed)?,
        version: version_of(row.try_get(2).map_err(failed)?),
        document: row.try_get(3).map_err(failed)?,
    })
}

impl Catalog for SqlCatalog {
    fn version(&self) -> Result<Version, CatalogError> {
        self.asked(|inner| async move { inner.version().await })
    }

    fn rows(&self, kind: Kind) -> Result<Vec<CatalogRow>, CatalogError> {
        self.asked(|inner| async move { inner.rows(kind).await })
    }

    fn row(&self, kind: Kind, name: &str) -> Result<Option<CatalogRow>, CatalogError> {
        let name = name.to_owned();
        self.asked(|inner| async move { inner.row(kind, &name).await })
    }

    fn apply_on(
        &self,
        base: Option<Version>,
        by: &str,
        changes: &[CatalogChange],
    ) -> Result<Version, CatalogError> {
        let (by, changes) = (by.to_owned(), changes.to_vec());
        self.asked(|inner| async move { inner.apply(base, &by, &changes).await })
    }

    fn record(&self, by: &str, action: &str, detail: &str) -> Result<(), CatalogError> {
        let [by, action, detail] = [by, action, detail].map(str::to_owned);
        self.asked(|inner| async move { inner.record(&by, &action, &detail).await })
    }

    fn trail(&self, before: Option<TrailPlace>, max: usize) -> Result<Vec<TrailEntry>, CatalogError> {
        self.asked(|inner| async move { inner.trail(before, max).await })
    }
}
