//! The package `smpp` of Node, as ESME and as SMSC.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use serde_json::Value;

use super::super::site::{Site, root, rows};
use super::process::{Process, node_script};
use super::python;

fn smsc(site_of_output: &std::path::Path, more: &[&str]) -> (Process, SocketAddr) {
    let mut command = node_script("smsc.js");
    command.args(more);
    let mut process = Process::start(command, site_of_output);
    let port = process.line("listening ").parse::<u16>().expect("a port");
    (process, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

#[test]
fn smpplib_sends_to_node_and_gets_the_receipt() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut cases = 0;
    for ids in ["decimal", "hexadecimal"] {
        let (process, address) = smsc(&folder.path().join(ids), &[ids]);
        let site = Site::new(&rows(address, "", ""));
        let _node = site.start_linked();
        let sent = Command::new(python())
            .arg(root().join("docs/examples/send.py"))
            .args(["447700900123", "Hello {from} an [ESME] €", "--port", &site.smpp.port().to_string()])
            .output()
            .expect("the script runs");
        let text = String::from_utf8_lossy(&sent.stdout).into_owned();
        assert!(sent.status.success(), "{ids}: {text}\n{}", String::from_utf8_lossy(&sent.stderr));
        assert!(text.contains("stat:DELIVRD"), "{text}");
        let output = process.output();
        let taken =
            output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect::<Vec<_>>();
        assert_eq!(taken[0]["to"], "447700900123");
        assert_eq!(taken[0]["from"], "12345");
        assert_eq!(taken[0]["text"], "Hello {from} an [ESME] €");
        cases += 1;
    }
    println!("smpplib to Node's smpp: {cases} cases");
    assert_eq!(cases, 2);
}

#[test]
fn an_esme_on_node_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_process, address) = smsc(&folder.path().join("smsc"), &[]);
    let site = Site::new(&rows(address, "", "window = 50\nburst = 100"));
    let _node = site.start_linked();
    let ran = node_script("esme.js").arg(site.smpp.port().to_string()).output().expect("node runs");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let cases = text.lines().filter(|line| line.starts_with("ok ")).count();
    println!("{text}Node's smpp: {cases} cases");
    assert!(ran.status.success(), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(cases, 12, "{text}");
}
