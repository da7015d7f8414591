//! A database of one test, of either kind.

use std::future::Future;

use signalbox_core::time::Micros;
use signalbox_people::{AccountId, ContactDevice, DeviceKind, Draft, ErasureKey, People, Place, Scope};

use crate::server;

/// The account of most tests.
pub const MINE: AccountId = AccountId(1);
/// Another account.
pub const OTHER: AccountId = AccountId(2);
/// When everything happens that has no time of its own.
pub const NOW: Micros = Micros(1_800_000_000_000_000);

/// What a test gets.
pub struct Database {
    pub people: People,
    pub place: Place,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = Place::File(folder.path().join("people.db"));
        Self::open(place, Some(folder)).await
    }

    pub async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(server::new_database).await.expect("a database");
        Self::open(Place::Server { url, connections: 4 }, None).await
    }

    async fn open(place: Place, folder: Option<tempfile::TempDir>) -> Self {
        let people = People::open(&place, "node-1").await.expect("a database");
        let people = people.with_key(ErasureKey::new(b"a key of this test alone").expect("long enough"));
        Self { people, place, _folder: folder }
    }

    /// Where another program finds it.
    pub fn url(&self) -> String {
        match &self.place {
            Place::File(file) => format!("sqlite://{}", file.display()),
            Place::Server { url, .. } => url.clone(),
        }
    }

    /// Another node on the same database, or this one started again.
    pub async fn again(&self, node: &str) -> People {
        People::open(&self.place, node).await.expect("the database again")
    }
}

/// Runs a test on a runtime of its own and lets go of the database.
pub fn run<F: Future<Output = Database>>(database: F, test: impl AsyncFnOnce(&Database)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let database = database.await;
        test(&database).await;
        database.people.close().await;
    });
}

/// The named functions as tests of both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $( #[test] fn $test() { crate::database::run(crate::database::Database::sqlite(), super::$test); } )+
        }
        mod postgres {
            $( #[test] fn $test() { crate::database::run(crate::database::Database::postgres(), super::$test); } )+
        }
    };
}
pub(crate) use on_both;

/// A contact with a cell.
pub fn draft(client_id: &str, cell: &str) -> Draft {
    let devices = vec![ContactDevice { kind: DeviceKind::Cell, address: cell.to_owned() }];
    Draft { client_id: Some(client_id.to_owned()), devices, ..Draft::default() }
}

/// What the other account's caller sees.
pub fn others() -> Scope {
    Scope::Accounts([OTHER].into())
}
