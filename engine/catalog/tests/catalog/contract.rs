//! What a catalog promises, as tests that run against each one: versions, numbers, all or nothing, who changed what.

use std::time::Duration;

use signalbox_core::backend::{Catalog, CatalogChange, CatalogError, CatalogRow, Kind, Version};

use crate::database::{Database, on_both};

macro_rules! in_each_catalog {
    ($($promise:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $promise() {
                super::$promise(&signalbox_backends::memory::Cluster::new(1).catalog());
            })*
        }
        mod sqlite {
            $(#[test] fn $promise() {
                super::$promise(&crate::database::Database::sqlite().open());
            })*
        }
        mod postgres {
            $(#[test] fn $promise() {
                super::$promise(&crate::database::Database::postgres().open());
            })*
        }
    };
}

in_each_catalog! {
    an_empty_catalog_has_version_zero,
    a_change_makes_one_version,
    names_are_unique_within_a_kind_and_numbers_are_not_used_again,
    a_change_of_something_newer_is_a_conflict,
    a_change_to_a_catalog_that_has_moved_is_none,
    a_change_that_fails_leaves_nothing,
    a_later_change_sees_an_earlier_one_of_the_same_call,
    the_trail_tells_of_changes_and_of_actions,
}

fn put(kind: Kind, name: &str, document: &str, expected: Option<u64>) -> CatalogChange {
    let (name, document) = (name.to_owned(), document.to_owned());
    CatalogChange::Put { kind, name, document, expected: expected.map(Version) }
}

fn delete(kind: Kind, name: &str, expected: Option<u64>) -> CatalogChange {
    CatalogChange::Delete { kind, name: name.to_owned(), expected: expected.map(Version) }
}

fn row(kind: Kind, id: u32, name: &str, version: u64, document: &str) -> CatalogRow {
    let (name, document) = (name.to_owned(), document.to_owned());
    CatalogRow { kind, id, name, version: Version(version), document }
}

fn an_empty_catalog_has_version_zero(catalog: &dyn Catalog) {
    assert_eq!(catalog.version().unwrap(), Version(0));
    assert!(Kind::ALL.into_iter().all(|kind| catalog.rows(kind).unwrap().is_empty()));
    assert_eq!(catalog.apply("ann", &[]).unwrap(), Version(0));
}

fn a_change_makes_one_version(catalog: &dyn Catalog) {
    let both = [put(Kind::Account, "b", "{1}", None), put(Kind::Link, "a", "{2}", None)];
    assert_eq!(catalog.apply("ann", &both).unwrap(), Version(1));
    let next = [put(Kind::Account, "a", "{3}", Some(0)), put(Kind::Account, "b", "{4}", Some(1))];
    assert_eq!(catalog.apply("ann", &next).unwrap(), Version(2));
    assert_eq!(catalog.version().unwrap(), Version(2));
    let accounts = [row(Kind::Account, 1, "b", 2, "{4}"), row(Kind::Account, 2, "a", 2, "{3}")];
    assert_eq!(catalog.rows(Kind::Account).unwrap(), accounts);
    assert_eq!(catalog.rows(Kind::Link).unwrap(), [row(Kind::Link, 1, "a", 1, "{2}")]);
    assert_eq!(catalog.row(Kind::Link, "a").unwrap(), Some(row(Kind::Link, 1, "a", 1, "{2}")));
    assert_eq!(catalog.row(Kind::Link, "none").unwrap(), None);
    assert_eq!(catalog.row(Kind::Route, "a").unwrap(), None);
}

fn names_are_unique_within_a_kind_and_numbers_are_not_used_again(catalog: &dyn Catalog) {
    for kind in Kind::ALL {
        catalog.apply("ann", &[put(kind, "x", "1", None), put(kind, "y", "2", None)]).unwrap();
        catalog.apply("ann", &[delete(kind, "y", None)]).unwrap();
        let version =
            catalog.apply("ann", &[put(kind, "y", "3", None), put(kind, "x", "4", None)]).unwrap().0;
        let rows = catalog.rows(kind).unwrap();
        assert_eq!(rows, [row(kind, 1, "x", version, "4"), row(kind, 3, "y", version, "3")]);
    }
}

fn a_change_of_something_newer_is_a_conflict(catalog: &dyn Catalog) {
    catalog.apply("ann", &[put(Kind::Route, "r", "1", None)]).unwrap();
    catalog.apply("bob", &[put(Kind::Route, "r", "2", Some(1))]).unwrap();
    let stale = [put(Kind::Route, "r", "3", Some(1)), delete(Kind::Route, "r", Some(1))];
    for change in stale {
        match catalog.apply("ann", &[change]) {
            Err(CatalogError::Conflict { held: 2, expected: 1, name, .. }) => assert_eq!(name, "r"),
            other => panic!("{other:?}"),
        }
    }
    let create = catalog.apply("ann", &[put(Kind::Route, "r", "3", Some(0))]);
    assert!(matches!(create, Err(CatalogError::Conflict { held: 2, expected: 0, .. })), "{create:?}");
    let gone = catalog.apply("ann", &[put(Kind::Route, "s", "3", Some(2))]);
    assert!(matches!(gone, Err(CatalogError::Conflict { held: 0, expected: 2, .. })), "{gone:?}");
    assert_eq!(catalog.rows(Kind::Route).unwrap(), [row(Kind::Route, 1, "r", 2, "2")]);
}

fn a_change_to_a_catalog_that_has_moved_is_none(catalog: &dyn Catalog) {
    let of = |name: &str| [put(Kind::Route, name, "1", None)];
    assert_eq!(catalog.apply_on(Some(Version(0)), "ann", &of("r")).unwrap(), Version(1));
    let late = catalog.apply_on(Some(Version(0)), "bob", &of("s"));
    assert!(matches!(late, Err(CatalogError::Moved { held: 1, expected: 0 })), "{late:?}");
    assert_eq!(catalog.apply_on(Some(Version(1)), "bob", &of("s")).unwrap(), Version(2));
    assert_eq!(catalog.rows(Kind::Route).unwrap().len(), 2);
}

fn a_change_that_fails_leaves_nothing(catalog: &dyn Catalog) {
    let changes = [put(Kind::Token, "t", "1", None), delete(Kind::Token, "nobody", None)];
    let result = catalog.apply("ann", &changes);
    assert!(matches!(result, Err(CatalogError::Absent { kind: Kind::Token, .. })), "{result:?}");
    assert_eq!(catalog.version().unwrap(), Version(0));
    assert!(catalog.rows(Kind::Token).unwrap().is_empty());
    catalog.apply("ann", &changes[..1]).unwrap();
    assert_eq!(catalog.rows(Kind::Token).unwrap(), [row(Kind::Token, 1, "t", 1, "1")]);
}

fn a_later_change_sees_an_earlier_one_of_the_same_call(catalog: &dyn Catalog) {
    let changes = [
        put(Kind::Carrier, "c", "1", Some(0)),
        put(Kind::Carrier, "c", "2", Some(1)),
        put(Kind::Carrier, "d", "3", None),
        delete(Kind::Carrier, "d", Some(1)),
    ];
    catalog.apply("ann", &changes).unwrap();
    assert_eq!(catalog.rows(Kind::Carrier).unwrap(), [row(Kind::Carrier, 1, "c", 1, "2")]);
}

fn the_trail_tells_of_changes_and_of_actions(catalog: &dyn Catalog) {
    catalog.record("ann", "queue.hold", "{}").unwrap();
    catalog.apply("bob", &[put(Kind::Link, "l", "1", None), put(Kind::Link, "l", "2", None)]).unwrap();
    catalog.record("ann", "queue.purge", "{\"all\":true}").unwrap();
    catalog.apply("eve", &[delete(Kind::Link, "l", None)]).unwrap();

    let trail = catalog.trail(None, 100).unwrap();
    let told: Vec<_> = trail
        .iter()
        .map(|entry| {
            let place = (entry.place.version.0, entry.place.step);
            let row = entry.row.as_ref().map(|(kind, name)| (*kind, name.as_str()));
            (place, entry.actor.as_str(), entry.action.as_str(), row, entry.after.as_deref())
        })
        .collect();
    let link = Some((Kind::Link, "l"));
    assert_eq!(
        told,
        [
            ((2, 1), "eve", "delete", link, None),
            ((1, 3), "ann", "queue.purge", None, Some("{\"all\":true}")),
            ((1, 2), "bob", "update", link, Some("2")),
            ((1, 1), "bob", "create", link, Some("1")),
            ((0, 1), "ann", "queue.hold", None, Some("{}")),
        ]
    );
    assert_eq!(catalog.trail(Some(trail[1].place), 2).unwrap(), trail[2..4]);
    assert_eq!(catalog.version().unwrap(), Version(2));
}

on_both!(
    the_audit_says_when_and_stays,
    a_reader_does_not_wait_for_a_change_under_way,
    writers_at_once_on_two_nodes_lose_nothing,
    what_another_node_changed_is_not_written_over,
);

fn the_audit_says_when_and_stays(database: &Database) {
    let catalog = database.open();
    catalog.apply("ann", &[put(Kind::Link, "l", "1", None), put(Kind::Link, "m", "2", None)]).unwrap();
    database.clock.advance(Duration::from_secs(1));
    catalog.apply("bob", &[put(Kind::Link, "l", "3", None), delete(Kind::Link, "m", None)]).unwrap();
    catalog.apply("eve", &[delete(Kind::Link, "nobody", None)]).unwrap_err();
    drop(catalog);

    let trail = database.open().trail(None, 100).unwrap();
    let told: Vec<_> = trail
        .iter()
        .map(|entry| {
            let (before, after) = (entry.before.as_deref(), entry.after.as_deref());
            (entry.place.version.0, entry.at.0, entry.actor.as_str(), entry.action.as_str(), before, after)
        })
        .collect();
    let first = database.began.0;
    assert_eq!(
        told,
        [
            (2, first + 1_000_000, "bob", "delete", Some("2"), None),
            (2, first + 1_000_000, "bob", "update", Some("1"), Some("3")),
            (1, first, "ann", "create", None, Some("2")),
            (1, first, "ann", "create", None, Some("1")),
        ]
    );
}

fn a_reader_does_not_wait_for_a_change_under_way(database: &Database) {
    let catalog = database.open();
    catalog.apply("ann", &[put(Kind::Link, "l", "1", None)]).unwrap();
    database.within(&["UPDATE item SET document = '2'"], || {
        assert_eq!(catalog.rows(Kind::Link).unwrap()[0].document, "1");
    });
    assert_eq!(catalog.rows(Kind::Link).unwrap()[0].document, "2");
}

/// Two nodes on one database: each change has a version of its own, and the audit is one chain.
fn writers_at_once_on_two_nodes_lose_nothing(database: &Database) {
    let nodes = [database.open(), database.open()];
    std::thread::scope(|scope| {
        for (number, node) in nodes.iter().enumerate() {
            for round in 0..20 {
                let name = format!("{number}-{round}");
                scope.spawn(move || node.apply("ann", &[put(Kind::Link, &name, "1", Some(0))]).unwrap());
            }
        }
    });
    for node in &nodes {
        assert_eq!(node.version().unwrap(), Version(40));
        let mut ids: Vec<u32> = node.rows(Kind::Link).unwrap().iter().map(|row| row.id).collect();
        ids.dedup();
        assert_eq!(ids, (1..=40).collect::<Vec<_>>());
        assert_eq!(node.verify(None).unwrap().entries, 40);
    }
}

/// Of two nodes that change one row at once, on what both read, one is refused.
fn what_another_node_changed_is_not_written_over(database: &Database) {
    let nodes = [database.open(), database.open()];
    nodes[0].apply("ann", &[put(Kind::Link, "l", "0", None)]).unwrap();
    for round in 1..=10_u64 {
        let taken: Vec<bool> = std::thread::scope(|scope| {
            let change = |node| {
                move || {
                    let document = round.to_string();
                    Catalog::apply(node, "ann", &[put(Kind::Link, "l", &document, Some(round))]).is_ok()
                }
            };
            let both = nodes.each_ref().map(|node| scope.spawn(change(node)));
            both.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "round {round}");
        let rows = nodes.each_ref().map(|node| node.rows(Kind::Link).unwrap());
        assert_eq!(rows[0], rows[1]);
        assert_eq!(rows[0][0].version, Version(round + 1));
    }
}
