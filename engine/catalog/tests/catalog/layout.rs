//! Files of older versions of the program are brought up; what is no catalog is left alone.

use std::sync::Arc;

use signalbox_catalog::{ChainError, OpenError, SqlCatalog};
use signalbox_core::backend::{Catalog, CatalogChange, Kind, Version};

use crate::database::{Database, on_both};

on_both!(a_schema_of_another_program_is_refused);

/// The tables as the program made them before migrations were recorded, with three entries of the audit.
const BEFORE: &str = "
    CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id = 1), version INTEGER NOT NULL, hash BLOB) STRICT;
    INSERT INTO head VALUES(1, 2, NULL);
    CREATE TABLE item(
      kind TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
      document TEXT NOT NULL, PRIMARY KEY(kind, id), UNIQUE(kind, name)) STRICT, WITHOUT ROWID;
    INSERT INTO item VALUES('account', 1, 'a', 2, '{2}'), ('link', 7, 'l', 1, '{3}');
    CREATE TABLE numbering(kind TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO numbering VALUES('account', 1), ('link', 7);
    CREATE TABLE audit(
      version INTEGER NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL,
      action TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL,
      before TEXT, after TEXT, hash BLOB, PRIMARY KEY(version, step)) STRICT, WITHOUT ROWID;
    INSERT INTO audit(version, step, at, actor, action, kind, id, name, before, after) VALUES
      (1, 1, 5, 'ann', 'create', 'account', 1, 'a', NULL, '{1}'),
      (1, 2, 5, 'ann', 'create', 'link', 7, 'l', NULL, '{3}'),
      (2, 1, 6, 'bob', 'update', 'account', 1, 'a', '{1}', '{2}');
    PRAGMA application_id = 1397179220;";

fn link(name: &str) -> CatalogChange {
    CatalogChange::Put { kind: Kind::Link, name: name.into(), document: "{}".into(), expected: None }
}

/// What an older version wrote is there, goes on, and verifies.
fn goes_on(database: &Database) {
    let catalog = database.open();
    assert_eq!(catalog.version().unwrap(), Version(2));
    assert_eq!(catalog.rows(Kind::Account).unwrap()[0].document, "{2}");
    assert_eq!(catalog.verify(None).unwrap().entries, 3);
    catalog.apply("eve", &[link("m")]).unwrap();
    assert_eq!(catalog.rows(Kind::Link).unwrap().iter().map(|row| row.id).collect::<Vec<_>>(), [7, 8]);
    drop(catalog);
    assert_eq!(database.open().verify(None).unwrap().entries, 4);
    database.execute("UPDATE audit SET actor = 'x' WHERE version = 1 AND step = 2");
    let broken = database.open().verify(None);
    assert!(matches!(broken, Err(ChainError::Broken { version: 1, step: 2 })), "{broken:?}");
}

#[test]
fn a_file_without_hashes_is_chained_at_the_start_once() {
    let database = Database::sqlite();
    database.script(&format!(
        "{BEFORE} ALTER TABLE audit DROP COLUMN hash; ALTER TABLE head DROP COLUMN hash; PRAGMA user_version = 1;"
    ));
    goes_on(&database);
}

/// A file with hashes: made here, and then given the marks of the version that had no migrations.
#[test]
fn a_file_without_migrations_goes_on() {
    let database = Database::sqlite();
    database.script(&format!("{BEFORE} ALTER TABLE audit DROP COLUMN hash; ALTER TABLE head DROP COLUMN hash; PRAGMA user_version = 1;"));
    let head = database.open().verify(None).unwrap().head;
    database.script("DROP TABLE migration; PRAGMA user_version = 2;");
    assert_eq!(database.open().verify(Some(head)).unwrap().head, head);
    goes_on(&database);
}

#[test]
fn files_of_others_and_of_newer_versions_are_left_alone() {
    let database = Database::sqlite();
    let open =
        |database: &Database| SqlCatalog::open(&database.place, Arc::new(database.clock.clone())).err();
    database.script("CREATE TABLE note(body TEXT)");
    let refused = open(&database);
    assert!(matches!(refused, Some(OpenError::Foreign { found: 0, .. })), "{refused:?}");
    let database = Database::sqlite();
    drop(database.open());
    database.script("PRAGMA user_version = 99");
    let refused = open(&database);
    assert!(matches!(refused, Some(OpenError::Newer { found: 99, .. })), "{refused:?}");
}

fn a_schema_of_another_program_is_refused(database: &Database) {
    drop(database.open());
    database.execute("UPDATE migration SET checksum = 'other' WHERE number = 1");
    let refused = SqlCatalog::open(&database.place, Arc::new(database.clock.clone())).err();
    assert!(matches!(refused, Some(OpenError::Database(_))), "{refused:?}");
}
