//! Changes of the catalog on their way to the dialog server.

use std::sync::Arc;

use signalbox_backends::memory::{Cluster, MemoryCatalog};
use signalbox_config::{Catalog as Rows, Settings};
use signalbox_core::backend::{Catalog, Kind};
use signalbox_dialog::Event;

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
    assert!(rules.address(b"70999").is_some());
    assert!(Arc::ptr_eq(rules, &control.in_force().dialog.rules));
    let id = control.in_force().snapshot.ids.of(Kind::SourceAddress, "new");
    assert_eq!(rules.address(b"70999").map(|address| address.id), id);
}
