//! A database of one test, of either kind.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use signalbox_backends::memory::VirtualClock;
use signalbox_catalog::{Place, SqlCatalog};
use signalbox_core::time::{Micros, Now};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use tempfile::TempDir;

use crate::server;

/// What a test gets.
pub struct Database {
    pub place: Place,
    pub clock: VirtualClock,
    pub began: Micros,
    _folder: Option<TempDir>,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let place = Place::File(folder.path().join("catalog.db"));
        Self::at(place, Some(folder))
    }

    pub fn postgres() -> Self {
        Self::at(Place::Server { url: server::new_database(), connections: 4 }, None)
    }

    fn at(place: Place, folder: Option<TempDir>) -> Self {
        let began = Micros(1_000_000);
        let clock = VirtualClock::new(Now { wall: began, ..Now::default() });
        Self { place, clock, began, _folder: folder }
    }

    /// Another one of the same kind.
    pub fn another(&self) -> Self {
        match self.place {
            Place::File(_) => Self::sqlite(),
            Place::Server { .. } => Self::postgres(),
        }
    }

    /// A node on it.
    pub fn open(&self) -> SqlCatalog {
        SqlCatalog::open(&self.place, Arc::new(self.clock.clone())).unwrap()
    }

    fn url(&self) -> String {
        match &self.place {
            Place::File(file) => format!("sqlite://{}?mode=rwc", file.display()),
            Place::Server { url, .. } => url.clone(),
        }
    }

    /// Carries a statement out beside the program; how many rows it changed.
    pub fn execute(&self, sql: &str) -> u64 {
        on_another(async {
            let mut connection = self.connect().await;
            let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            done.rows_affected()
        })
    }

    /// The same with several, of which nobody counts the rows.
    pub fn script(&self, sql: &str) {
        on_another(async {
            let mut connection = self.connect().await;
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    /// Does something while another program has a transaction open that it then commits.
    pub fn within(&self, statements: &[&str], work: impl FnOnce()) {
        let (began, begun) = sync_channel::<()>(0);
        let (done, over) = sync_channel::<()>(0);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                on_another(async {
                    let mut connection = self.connect().await;
                    let mut transaction = connection.begin().await.unwrap();
                    for sql in statements {
                        let sql = AssertSqlSafe((*sql).to_owned());
                        sqlx::query(sql).execute(&mut *transaction).await.unwrap();
                    }
                    began.send(()).unwrap();
                    over.recv().unwrap();
                    transaction.commit().await.unwrap();
                    connection.close().await.unwrap();
                });
            });
            begun.recv().unwrap();
            work();
            done.send(()).unwrap();
        });
    }

    async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url()).await.unwrap()
    }
}

/// Runs it on a runtime of its own.
fn on_another<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The named functions as tests of both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $( #[test] fn $test() { super::$test(&crate::database::Database::sqlite()); } )+
        }
        mod on_postgres {
            $( #[test] fn $test() { super::$test(&crate::database::Database::postgres()); } )+
        }
    };
}
pub(crate) use on_both;
