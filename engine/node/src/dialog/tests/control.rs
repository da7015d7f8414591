//! Changes of the catalog on their way to the dialog server.

use std::sync::Arc;

use signalbox_backends::memory::{Cluster, MemoryCatalog};
use signalbox_config::{Catalog as Rows, Settings};
use signalbox_core::backend::{Catalog, CatalogChange, Kind};
use signalbox_dialog::{Event, Rules};

use super::CATALOG;
use crate::catalog::{Snapshot, all_rows};
use crate::control::{Control, ControlError};
use crate::spine::SpineHandle;

const CONTRADICTION: &str =
    "[[words]]\nname = \"bad\"\nlanguage = \"en\"\nclass = \"help\"\ncertain = [\"stop\"]\n";

fn started(text: &str) -> (Control, MemoryCatalog) {
    let catalog = Cluster::new(1).catalog();
    catalog.apply("test", &all_rows(&Rows::parse("test", text).unwrap())).unwrap();
    let settings = Settings::parse("test", "[node]\nname = \"a\"").unwrap();
    let control = Control::start(settings, None, Arc::new(catalog.clone()), || [0; 16]).unwrap();
    (control, catalog)
}

fn apply(control: &Control, rows: &str) -> Result<(), ControlError> {
    control.apply("test", &all_rows(&Rows::parse("test", rows).unwrap())).map(|_| ())
}

fn texts_of_words(control: &Control) -> Vec<String> {
    let in_force = control.in_force();
    in_force.snapshot.rows.words.iter().map(|row| row.name.to_string()).collect()
}

#[test]
fn a_row_that_cannot_be_carried_out_is_refused_and_leaves_no_trace() {
    let (control, catalog) = started(CATALOG);
    let before = control.in_force();
    let refused = apply(&control, CONTRADICTION).unwrap_err();
    assert!(refused.to_string().starts_with("words `bad`, certain: "), "{refused}");
    assert_eq!(all_rows(&before.snapshot.rows), all_rows(&control.in_force().snapshot.rows));
    // What was undone has another version, and whoever changes it next must know that one.
    assert_eq!(control.in_force().snapshot.version, catalog.version().unwrap());
    assert!(Snapshot::load(&catalog).unwrap().rows.words.is_empty());
}

#[test]
fn a_row_whose_change_was_refused_can_be_changed_again() {
    let fine = "[[words]]\nname = \"bad\"\nlanguage = \"en\"\nclass = \"help\"\ncertain = [\"assist\"]\n";
    let (control, catalog) = started(&format!("{CATALOG}{fine}"));
    let version = |control: &Control| control.in_force().snapshot.version_of(Kind::Words, "bad");
    apply(&control, CONTRADICTION).unwrap_err();
    assert_eq!(texts_of_words(&control), ["bad"]);
    let stored = catalog.row(Kind::Words, "bad").unwrap().unwrap();
    assert_eq!(version(&control), stored.version, "what the next change must name");
    let change = CatalogChange::Put {
        kind: Kind::Words,
        name: "bad".into(),
        document: stored.document.replace("assist", "hand"),
        expected: Some(version(&control)),
    };
    control.apply("test", &[change]).unwrap();
    assert_eq!(control.in_force().snapshot.rows.words[0].certain[0].as_str(), "hand");
}

/// What is compiled after a change is what a start would compile.
#[test]
fn a_changed_keyword_is_all_that_changes() {
    let (control, catalog) = started(CATALOG);
    let compare = |what: &str| {
        let in_force = control.in_force();
        let (rules, fresh) = (&in_force.dialog.rules, Snapshot::load(&catalog).unwrap());
        assert_eq!(in_force.snapshot.version, fresh.version, "{what}");
        assert_eq!(in_force.snapshot.rows, fresh.rows, "{what}");
        let anew = super::compiled(&fresh, None);
        for text in ["bank bal", "soon", "sale", "more", "other words", "bank"] {
            for address in ["us-70650", "us-long"] {
                let id = fresh.ids.of(Kind::SourceAddress, address).unwrap();
                let at = signalbox_core::time::Micros(1_768_435_200_000_000);
                let found = |rules: &Rules| rules.keywords.find(id, text, at).map(|(found, _)| found.clone());
                assert_eq!(found(rules), found(&anew.rules), "{what}: {text} at {address}");
            }
        }
        assert_eq!(rules.keywords.len(), anew.rules.keywords.len(), "{what}");
        assert_eq!(in_force.dialog.faults, anew.faults, "{what}");
    };
    let keyword = |name: &str, text: &str, address: &str| {
        format!(
            "[[keyword]]\nname = \"{name}\"\ntext = \"{text}\"\nsource_address = \"{address}\"\n\
             account = \"bank\"\nsub_campaign = \"info\"\n"
        )
    };
    let put = |row: &str| {
        let known = Rows::parse("test", CATALOG).unwrap();
        let rows = Rows::parse_over("test", row, &known).unwrap();
        let changes = all_rows(&rows);
        control.apply("test", &changes).unwrap();
    };
    let policy = control.in_force().policy.clone();
    put(&keyword("more", "more", "us-70650"));
    compare("a new one");
    assert!(Arc::ptr_eq(&policy, &control.in_force().policy), "the exchange is told of no keywords");
    put(&keyword("more", "other words", "us-70650"));
    compare("other words");
    put(&keyword("more", "other words", "us-long"));
    compare("another address");
    put(&(keyword("more", "more", "us-70650") + &keyword("bal", "bank", "us-70650")));
    compare("two at once");
    let gone = CatalogChange::Delete { kind: Kind::Keyword, name: "soon".into(), expected: None };
    control.apply("test", &[gone]).unwrap();
    compare("one less");
    control.reload().unwrap();
    compare("all of it again");
}

#[test]
fn what_was_wrong_before_stops_neither_a_start_nor_other_rows() {
    let (control, _) = started(&format!("{CATALOG}{CONTRADICTION}"));
    assert_eq!(control.in_force().dialog.faults.0.len(), 1);
    let fine = CONTRADICTION.replace("bad", "good").replace("stop", "assist");
    apply(&control, &fine).unwrap();
    assert_eq!(texts_of_words(&control), ["bad", "good"]);
    // One wrong more is refused.
    let worse = CONTRADICTION.replace("bad", "worse").replace("stop", "unsubscribe");
    assert!(matches!(apply(&control, &worse), Err(ControlError::Dialog(_))));
    control.reload().unwrap();
}

#[test]
fn the_dialog_server_is_told_of_each_change() {
    let (control, _) = started(CATALOG);
    let (spine, mut batches, register) = SpineHandle::new(4);
    control.attach(spine);
    let row = "[[source_address]]\nname = \"new\"\naddress = \"70999\"\nsharing = \"shared\"\ncountry = \"US\"\n\
               carriers = [\"acme\"]\nstate = \"cooling\"\n";
    let carriers = "[[carrier]]\nname = \"acme\"\nnetworks = [\"310410\"]\nprefixes = [\"1202\"]\n";
    apply(&control, &format!("{carriers}{row}")).unwrap();
    let policy = batches.try_recv().unwrap();
    let exchange = |event: &signalbox_core::exchange::Event| match event {
        signalbox_core::exchange::Event::Policy(policy) => {
            policy.dialog.as_ref().unwrap().addresses.contains_key(&b"70999"[..])
        }
        _ => false,
    };
    assert!(policy.iter().any(exchange));
    let told = register.take_dialog();
    let [Event::Rules(rules)] = told.as_slice() else { panic!("{told:?}") };
    assert!(Arc::ptr_eq(rules, &control.in_force().dialog.rules));
    let id = control.in_force().snapshot.ids.of(Kind::SourceAddress, "new");
    let told: Vec<u32> = rules.addresses.with(b"70999").map(|address| address.id).collect();
    assert_eq!(told, [id.unwrap()]);
}
