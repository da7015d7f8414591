//! Versions, web services and devices, for who runs instructions.

use std::sync::Arc;

use reqwest::Method;
use signalbox_core::backend::Kind;
use signalbox_invocation::{Device, LineType, Version};

use super::super::{Devices, Source};
use super::{CATALOG, compiled, faults, id, snapshot, with};
use crate::catalog::Snapshot;

const FLOW: &str = r#"
[[script]]
name = "tree"
account = "shop"
kind = "flow"
published = 1

[[script_version]]
name = "tree.1"
script = "tree"
version = 1
state = "published"
body = '''{"version": 1, "name": "tree", "start": "greet",
 "help": {"program": "balance", "text": "Help"}, "optOut": {"program": "balance", "text": "Bye"},
 "steps": {"greet": {"kind": "send", "program": "balance", "text": "Hello"}}}'''
"#;

fn version(snapshot: &Snapshot, account: &str, script: &str, version: u32) -> Version {
    Version {
        account: id(snapshot, Kind::Account, account),
        script: id(snapshot, Kind::Script, script),
        version,
    }
}

#[test]
fn versions_are_those_that_conversations_may_go_on_with() {
    let snapshot = with(FLOW);
    let compiled = compiled(&snapshot, None);
    let text = |number| match compiled.versions.get(version(&snapshot, "bank", "balance", number)) {
        Some(Source::JavaScript(text)) => Some(text.to_string()),
        Some(Source::Flow(_)) | None => None,
    };
    assert_eq!(text(1).as_deref(), Some("function begin() {}"));
    assert_eq!(text(2).as_deref(), Some("function begin() { return 2; }"));
    assert_eq!(text(3), None, "a draft");
    assert_eq!(text(4), None);
    let flow = compiled.versions.get(version(&snapshot, "shop", "tree", 1));
    assert!(matches!(flow, Some(Source::Flow(flow)) if flow.name() == "tree"));
    // Of another account there is none with these numbers.
    assert!(compiled.versions.get(version(&snapshot, "bank", "tree", 1)).is_none());
}

#[test]
fn a_flow_is_read_once() {
    let snapshot = with(FLOW);
    let first = compiled(&snapshot, None);
    let flow = |of: &super::Compiled| match of.versions.get(version(&snapshot, "shop", "tree", 1)) {
        Some(Source::Flow(flow)) => flow.clone(),
        other => panic!("{other:?}"),
    };
    let second = compiled(&snapshot, Some(&first));
    assert!(Arc::ptr_eq(&flow(&first), &flow(&second)));
    let third = compiled(&snapshot, None);
    assert!(!Arc::ptr_eq(&flow(&first), &flow(&third)));
    let other = with(&FLOW.replace("\"name\": \"tree\"", "\"name\": \"bush\""));
    let fourth = compiled(&other, Some(&first));
    assert_eq!(flow(&fourth).name(), "bush");
}

#[test]
fn a_flow_that_cannot_be_read_is_told_with_its_row() {
    let broken = with(&FLOW.replace("\"kind\": \"send\"", "\"kind\": \"sing\""));
    let told = faults(&broken);
    assert!(told.starts_with("script_version `tree.1`, body: "), "{told}");
    // A draft may be anything.
    let draft = FLOW.replace("published = 1", "").replace("state = \"published\"", "");
    assert_eq!(faults(&with(&draft.replace("\"kind\": \"send\"", "\"kind\": \"sing\""))), "");
}

const SERVICE: &str = r#"
[[web_service]]
name = "balances"
account = "bank"
url = "https://bank.example.com/balances/"
method = "put"
path = true
headers = { Authorization = "Bearer very-secret" }
timeout = "3s"
rate = "5/s"
window = 2
calls = 7
max_request = "1KiB"
max_answer = "2KiB"
private = true

[[web_service]]
name = "off"
account = "bank"
enabled = false
url = "https://bank.example.com/"
"#;

#[test]
fn a_service_is_there_for_its_account_and_those_below() {
    let snapshot = with(SERVICE);
    let services = compiled(&snapshot, None).services;
    let get = |account, name| services.get(id(&snapshot, Kind::Account, account), name);
    let service = get("bank", "balances").unwrap();
    assert_eq!(
        (service.name.as_str(), service.url.as_str()),
        ("balances", "https://bank.example.com/balances/")
    );
    assert_eq!((&service.method, service.path, service.private), (&Method::PUT, true, true));
    assert_eq!(service.headers["authorization"], "Bearer very-secret");
    assert_eq!(service.timeout, std::time::Duration::from_secs(3));
    assert_eq!(service.rate.map(|rate| rate.whole_per_second()), Some(5));
    assert_eq!((service.window, service.calls), (2, 7));
    assert_eq!((service.max_request, service.max_answer), (1_024, 2_048));
    assert!(!format!("{service:?}").contains("very-secret"));
    assert!(get("branch", "balances").is_some());
    assert!(get("shop", "balances").is_none());
    assert!(get("bank", "off").is_none() && get("bank", "none").is_none());
}

#[test]
fn a_service_whose_secret_is_not_there_is_left_out_without_a_fault_of_the_rows() {
    let missing = SERVICE.replace("\"Bearer very-secret\"", "{ env = \"SIGNALBOX_SECRET_OF_NO_TEST\" }");
    let snapshot = with(&missing);
    let compiled = compiled(&snapshot, None);
    assert!(compiled.services.get(id(&snapshot, Kind::Account, "bank"), "balances").is_none());
    assert_eq!(compiled.faults.to_string(), "");
    let told = "web_service `balances`, headers: authorization: \
                the environment variable SIGNALBOX_SECRET_OF_NO_TEST is not set";
    assert_eq!(compiled.missing.to_string(), told);
    let signs = SERVICE.replace("Bearer very-secret", "very\\u0007secret");
    let told = compiled_missing(&with(&signs));
    assert_eq!(
        told,
        "web_service `balances`, headers: authorization: the secret has signs that no header takes"
    );
}

fn compiled_missing(snapshot: &Snapshot) -> String {
    compiled(snapshot, None).missing.to_string()
}

#[test]
fn a_device_is_what_its_number_tells() {
    let snapshot = snapshot(CATALOG);
    let devices = Devices::new(&snapshot);
    let acme = snapshot.ids.carrier("acme").unwrap().0;
    assert_eq!((devices.carrier(acme), devices.carrier(0)), (Some("acme"), None));
    let told = |address: &str, carrier: Option<String>| {
        let mut device = Device { address: address.into(), carrier, ..Device::default() };
        devices.complete(&mut device);
        (device.country, device.carrier, device.line)
    };
    let text = |text: &str| Some(text.to_owned());
    let here = text(&acme.to_string());
    // The plan of North America does not tell mobile lines from fixed ones; a carrier's are mobile.
    assert_eq!(told("12025550123", here.clone()), (text("US"), text("acme"), LineType::Wireless));
    assert_eq!(told("12025550123", None), (text("US"), None, LineType::Unknown));
    assert_eq!(told("14165550123", None).0, text("CA"));
    assert_eq!(told("447400123456", None), (text("GB"), None, LineType::Wireless));
    assert_eq!(told("442079460123", text("999999")), (text("GB"), None, LineType::Landline));
    assert_eq!(told("ann@example.com", text("x")), (None, None, LineType::Unknown));
    let mut known = Device {
        address: "12025550123".into(),
        country: text("CA"),
        line: LineType::Voip,
        ..Device::default()
    };
    devices.complete(&mut known);
    assert_eq!((known.country, known.line), (text("CA"), LineType::Voip));
}
