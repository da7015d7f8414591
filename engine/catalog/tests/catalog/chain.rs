//! The audit is a chain: what is done behind the program's back shows.

use signalbox_catalog::{ChainError, ChainHash, SqlCatalog};
use signalbox_core::backend::{Catalog, CatalogChange, Kind};

use crate::database::{Database, on_both};

on_both!(
    what_was_written_verifies_now_and_after_a_start,
    what_is_done_behind_the_programs_back_is_found,
    a_chain_made_anew_lacks_the_hash_that_was_kept,
    a_long_audit_is_gone_through_to_its_end,
);

fn put(kind: Kind, name: &str, document: &str) -> CatalogChange {
    CatalogChange::Put { kind, name: name.into(), document: document.into(), expected: None }
}

/// Seven entries: five changes in three versions and two orders.
fn filled(database: &Database) -> SqlCatalog {
    let catalog = database.open();
    catalog.apply("ann", &[put(Kind::Account, "a", "{1}"), put(Kind::Link, "l", "{2}")]).unwrap();
    catalog.record("bob", "queue.purge", "{\"all\":true}").unwrap();
    catalog.apply("ann", &[put(Kind::Account, "a", "{3}"), put(Kind::Account, "b", "{4}")]).unwrap();
    let gone = CatalogChange::Delete { kind: Kind::Link, name: "l".into(), expected: None };
    catalog.apply("eve", &[gone]).unwrap();
    catalog.record("bob", "queue.hold", "{}").unwrap();
    catalog
}

fn what_was_written_verifies_now_and_after_a_start(database: &Database) {
    let empty = database.open().verify(None).unwrap();
    assert_eq!((empty.entries, empty.head), (0, ChainHash::START));
    let catalog = filled(database);
    let before = catalog.verify(None).unwrap();
    assert_eq!(before.entries, 7);
    drop(catalog);
    let catalog = database.open();
    assert_eq!(catalog.verify(None).unwrap(), before);
    catalog.apply("ann", &[put(Kind::Account, "c", "{5}")]).unwrap();
    let after = catalog.verify(Some(before.head)).unwrap();
    assert_eq!((after.entries, after.has_expected), (8, true));
    let text = before.head.to_string();
    assert_eq!(text.parse::<ChainHash>(), Ok(before.head));
    assert!("12".parse::<ChainHash>().is_err());
}

/// Whatever is done to an entry, a row or the end of the audit, it is found, and where.
fn what_is_done_behind_the_programs_back_is_found(database: &Database) {
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
        let database = database.another();
        drop(filled(&database));
        assert!(database.execute(sql) > 0, "{what}");
        let error = database.open().verify(None).unwrap_err();
        assert_eq!(error.to_string(), told, "{what}");
    }
}

/// Who makes the whole chain anew has another head than the one that was kept elsewhere.
fn a_chain_made_anew_lacks_the_hash_that_was_kept(database: &Database) {
    let kept = filled(database).verify(None).unwrap().head;
    let catalog = database.another().open();
    catalog.apply("ann", &[put(Kind::Account, "a", "{1}"), put(Kind::Link, "l", "{9}")]).unwrap();
    assert!(!catalog.verify(Some(kept)).unwrap().has_expected);
}

/// The audit is read in pages: a change on the border between two of them is found as well.
fn a_long_audit_is_gone_through_to_its_end(database: &Database) {
    let catalog = database.open();
    for number in 0..150 {
        catalog.apply("ann", &[put(Kind::Link, &format!("l{number}"), "{}")]).unwrap();
    }
    assert_eq!(catalog.verify(None).unwrap().entries, 150);
    for version in [64, 65, 128, 129] {
        database.execute(&format!("UPDATE audit SET actor = 'bob' WHERE version = {version}"));
        assert!(
            matches!(catalog.verify(None), Err(ChainError::Broken { version: found, step: 1 }) if found == version)
        );
        database.execute(&format!("UPDATE audit SET actor = 'ann' WHERE version = {version}"));
    }
    assert_eq!(catalog.verify(None).unwrap().entries, 150);
}
