//! The ESME of docs/examples, on the library smpplib.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::super::site::{PATIENCE, Site, root, rows, wait_for};
use super::super::smsc::{Mood, Smsc};

pub fn python() -> PathBuf {
    let found = std::env::var_os("SIGNALBOX_PYTHON").map(PathBuf::from);
    let path = found
        .expect("the peer is missing: SIGNALBOX_PYTHON is not set; `make test` sets it after `make deps`");
    assert!(path.exists(), "the peer is missing: no Python at {}; `make deps` installs it", path.display());
    path
}

fn send(site: &Site, more: &[&str]) -> Output {
    let port = site.smpp.port().to_string();
    let child = Command::new(python())
        .arg(root().join("docs/examples/send.py"))
        .args(["--port", &port])
        .args(more)
        .stdin(Stdio::null())
        .output();
    child.expect("the script runs")
}

#[test]
fn the_example_of_the_readme_gets_its_receipt() {
    let smsc = Smsc::start(Some(Duration::from_millis(20)));
    let site = Site::new(&rows(smsc.address, "", ""));
    let _node = site.start_linked();
    let mut cases = 0;

    let one = send(&site, &["447700900123", "Hello from an ESME"]);
    let text = String::from_utf8_lossy(&one.stdout).into_owned();
    assert!(one.status.success(), "{text}\n{}", String::from_utf8_lossy(&one.stderr));
    assert!(text.contains("stat:DELIVRD"), "{text}");
    assert_eq!(smsc.taken()[0].message.text, b"Hello from an ESME");
    assert_eq!(smsc.taken()[0].message.destination, "447700900123");
    cases += 1;

    // Three parts, each with its own id and receipt.
    let long = "Signalbox ".repeat(40);
    let parts = send(&site, &["447700900124", &long]);
    let text = String::from_utf8_lossy(&parts.stdout).into_owned();
    assert!(parts.status.success(), "{text}\n{}", String::from_utf8_lossy(&parts.stderr));
    assert_eq!(text.matches("stat:DELIVRD").count(), 3, "{text}");
    assert_eq!(smsc.count(), 4);
    cases += 1;

    // UCS-2.
    let other = send(&site, &["447700900125", "Здравствуйте"]);
    assert!(other.status.success(), "{}", String::from_utf8_lossy(&other.stderr));
    let expected = "Здравствуйте".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
    assert_eq!(smsc.taken()[4].message.text, expected);
    cases += 1;

    // What the SMSC refuses for good comes back as a receipt that says so.
    smsc.set(Mood::Refuses(0x0b));
    let refused = send(&site, &["447700900126", "nobody"]);
    assert!(!refused.status.success(), "{}", String::from_utf8_lossy(&refused.stdout));
    cases += 1;

    // A wrong password is told.
    let wrong = send(&site, &["447700900127", "x", "--password", "wrong"]);
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("nvalid"), "{wrong:?}");
    cases += 1;

    wait_for("four final records and a fifth", PATIENCE, || (site.finals().len() >= 6).then_some(()));
    let outcomes =
        site.finals().iter().map(|cdr| cdr["outcome"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "delivered").count(), 5, "{outcomes:?}");
    println!("smpplib: {cases} cases");
    assert_eq!(cases, 5);
    assert_eq!(smsc.taken().last().map(|taken| taken.status), Some(0x0b));
}
