//! Two nodes whose catalog is one database on a server: what one changes is in force on the other.

use std::process::{Command, Output};

use super::apply::TOKEN;
use crate::node::whole::people_server as server;
use crate::node::whole::site::{PATIENCE, Site, http_as, rows, wait_for};

fn site(server: &str) -> Site {
    let token = format!(
        "[[token]]\nname = \"operator\"\nsecret = \"{TOKEN}\"\nrights = [\"catalog:read\", \"catalog:write\"]\n"
    );
    let mut site = Site::new(&format!("{}{token}", rows(([127, 0, 0, 1], 2775).into(), "", "")));
    site.extra = format!("server = {server:?}\npoll = \"100ms\"\n");
    site
}

fn verify(site: &Site, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(["audit", "verify", "--config"])
        .arg(site.path("node.toml"))
        .args(more)
        .output()
        .expect("the program runs")
}

#[test]
fn two_nodes_share_a_catalog_and_its_audit() {
    let server = server::new_database();
    let sites = [site(&server), site(&server)];
    let _nodes = sites.each_ref().map(Site::start);
    let ask = |which: usize, method: &str, path: &str, body: &str| {
        http_as(sites[which].api, TOKEN, method, path, body).expect("an answer")
    };
    assert!(!sites[0].data.join("catalog.db").exists());

    // Each writes, and the other has it in force.
    for (writer, name) in [(0, "first"), (1, "second")] {
        let (status, body) = ask(writer, "POST", "/v1/carriers", &format!("{{\"name\": \"{name}\"}}"));
        assert_eq!(status, 201, "{body}");
        let path = format!("/v1/carriers/{name}");
        wait_for("the other node follows", PATIENCE, || {
            (ask(1 - writer, "GET", &path, "").0 == 200).then_some(())
        });
    }
    let (_, one) = ask(0, "GET", "/v1/carriers", "");
    let (_, other) = ask(1, "GET", "/v1/carriers", "");
    assert_eq!(one, other);

    // One chain for both, which either's settings lead to.
    let verified = verify(&sites[0], &[]);
    let told = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{verified:?}");
    let head = told.trim().rsplit(' ').next().expect("a hash").to_owned();
    assert_eq!(ask(1, "DELETE", "/v1/carriers/first", "").0, 204);
    let again = verify(&sites[1], &["--head", &head]);
    assert!(again.status.success(), "{again:?}");
    let count =
        |told: &str| told.split(' ').next().and_then(|count| count.parse::<u64>().ok()).expect("a count");
    assert_eq!(count(&String::from_utf8_lossy(&again.stdout)), count(&told) + 1);
    let wrong = verify(&sites[1], &["--head", &"0".repeat(64)]);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
}
