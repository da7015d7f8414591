//! The audit is a chain: what is done behind the program's back shows.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use signalbox_backends::catalog::{ChainError, ChainHash, SqliteCatalog};
use signalbox_backends::memory::VirtualClock;
use signalbox_core::backend::{Catalog, CatalogChange, Kind};
use signalbox_core::time::{Micros, Now};
use tempfile::TempDir;

fn open(dir: &Path) -> SqliteCatalog {
    let clock = VirtualClock::new(Now { wall: Micros(5), ..Now::default() });
    SqliteCatalog::open(&dir.join("catalog.db"), Arc::new(clock)).unwrap()
}

fn put(kind: Kind, name: &str, document: &str) -> CatalogChange {
    CatalogChange::Put { kind, name: name.into(), document: document.into(), expected: None }
}

/// Seven entries: five changes in three versions and two orders.
fn filled(dir: &Path) -> SqliteCatalog {
    let catalog = open(dir);
    catalog.apply("ann", &[put(Kind::Account, "a", "{1}"), put(Kind::Link, "l", "{2}")]).unwrap();
    catalog.record("bob", "queue.purge", "{\"all\":true}").unwrap();
    catalog.apply("ann", &[put(Kind::Account, "a", "{3}"), put(Kind::Account, "b", "{4}")]).unwrap();
    let gone = CatalogChange::Delete { kind: Kind::Link, name: "l".into(), expected: None };
    catalog.apply("eve", &[gone]).unwrap();
    catalog.record("bob", "queue.hold", "{}").unwrap();
    catalog
}

#[test]
fn what_was_written_verifies_now_and_after_a_start() {
    let dir = TempDir::new().unwrap();
    let empty = open(dir.path()).verify(None).unwrap();
    assert_eq!((empty.entries, empty.head), (0, ChainHash::START));
    let catalog = filled(dir.path());
    let before = catalog.verify(None).unwrap();
    assert_eq!(before.entries, 7);
    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(catalog.verify(None).unwrap(), before);
    catalog.apply("ann", &[put(Kind::Account, "c", "{5}")]).unwrap();
    let after = catalog.verify(Some(before.head)).unwrap();
    assert_eq!((after.entries, after.has_expected), (8, true));
    let text = before.head.to_string();
    assert_eq!(text.parse::<ChainHash>(), Ok(before.head));
    assert!("12".parse::<ChainHash>().is_err());
}

/// Whatever is done to an entry, a row or the end of the audit, it is found, and where.
#[test]
fn what_is_done_behind_the_programs_back_is_found() {
    let broken = "the entry 1.2 of the audit was changed, or one before it is missing";
    let after = "the entry 1.3 of the audit was changed, or one before it is missing";
    let cut = "the audit ends before the last entry that was written";
    let row = "the account `a` is not what the audit says was written";
    for (what, sql, told) in [
        ("another actor", "UPDATE audit SET actor = 'bob' WHERE version = 1 AND step = 2", broken),
        ("another time", "UPDATE audit SET at = at + 1 WHERE version = 1 AND step = 2", broken),
        ("another document", "UPDATE audit SET after = '{9}' WHERE version = 1 AND step = 2", broken),
        ("a document from nothing", "UPDATE audit SET before = '' WHERE version = 1 AND step = 2", broken),
        ("another name", "UPDATE audit SET name = 'm' WHERE version = 1 AND step = 2", broken),
        ("no hash", "UPDATE audit SET hash = NULL WHERE version = 1 AND step = 2", broken),
        (
            "text moved from one field to the next",
            "UPDATE audit SET actor = 'an', action = 'ncreate' WHERE version = 1 AND step = 2",
            broken,
        ),
        ("an entry taken out", "DELETE FROM audit WHERE version = 1 AND step = 2", after),
        (
            "an entry put in",
            "INSERT INTO audit SELECT version, 9, at, actor, action, kind, id, name, before, after, hash
             FROM audit WHERE version = 1 AND step = 1",
            "the entry 1.9 of the audit was changed, or one before it is missing",
        ),
        ("the last entry cut off", "DELETE FROM audit WHERE version = 3 AND step = 2", cut),
        ("all of the audit cut off", "DELETE FROM audit", cut),
        ("a row changed", "UPDATE item SET document = '{9}' WHERE kind = 'account' AND name = 'a'", row),
        (
            "a row taken out",
            "DELETE FROM item WHERE kind = 'account' AND name = 'b'",
            "the account `number 2` is not what the audit says was written",
        ),
        (
            "a row put in",
            "INSERT INTO item VALUES('token', 1, 'mine', 3, '{}')",
            "the token `mine` is not what the audit says was written",
        ),
    ] {
        let dir = TempDir::new().unwrap();
        drop(filled(dir.path()));
        let changed = Connection::open(dir.path().join("catalog.db")).unwrap().execute(sql, []).unwrap();
        assert!(changed > 0, "{what}");
        let error = open(dir.path()).verify(None).unwrap_err();
        assert_eq!(error.to_string(), told, "{what}");
    }
}

/// Who makes the whole chain anew has another head than the one that was kept elsewhere.
#[test]
fn a_chain_made_anew_lacks_the_hash_that_was_kept() {
    let dir = TempDir::new().unwrap();
    let kept = filled(dir.path()).verify(None).unwrap().head;
    let forged = TempDir::new().unwrap();
    let catalog = open(forged.path());
    catalog.apply("ann", &[put(Kind::Account, "a", "{1}"), put(Kind::Link, "l", "{9}")]).unwrap();
    assert!(!catalog.verify(Some(kept)).unwrap().has_expected);
}

/// A catalog of the version before has its entries chained at the start, once.
#[test]
fn an_older_audit_is_chained_at_the_start() {
    let dir = TempDir::new().unwrap();
    let wanted = filled(dir.path()).verify(None).unwrap();
    let connection = Connection::open(dir.path().join("catalog.db")).unwrap();
    connection
        .execute_batch(
            "ALTER TABLE audit DROP COLUMN hash; ALTER TABLE head DROP COLUMN hash; PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(connection);
    let catalog = open(dir.path());
    assert_eq!(catalog.verify(None).unwrap(), wanted);
    catalog.record("ann", "queue.hold", "{}").unwrap();
    assert_eq!(open(dir.path()).verify(Some(wanted.head)).unwrap().entries, 8);
    assert!(matches!(
        Connection::open(dir.path().join("catalog.db"))
            .unwrap()
            .execute("UPDATE audit SET actor = 'x' WHERE version = 2", [])
            .map(|_| open(dir.path()).verify(None)),
        Ok(Err(ChainError::Broken { version: 2, step: 1 }))
    ));
}
