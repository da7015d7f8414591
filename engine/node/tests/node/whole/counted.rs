//! DC-25: what the counters have counted outlives the node, whether it is ended or killed.

use rustix::process::Signal;
use std::time::Duration;

use super::esme::Esme;
use super::site::{Site, rows, wait_for};
use super::smsc::{Mood, Smsc};

/// Messages of the one source address before and after the restart; both together are over the threshold.
const EACH: u64 = 8;

#[test]
fn dc_25_the_counters_go_on_where_they_were() {
    for killed in [false, true] {
        let smsc = Smsc::start(None);
        smsc.set(Mood::Takes(Duration::ZERO));
        let policy =
            "[[counter_policy]]\nname = \"source\"\nkind = \"source\"\nthreshold = 12\nwindow = \"10m\"\n";
        let mut site = Site::new(&format!("{}{policy}", rows(smsc.address, "", "")));
        site.counters = "snapshot_every = \"1s\"\n".to_owned();
        let node = site.start();
        let mut esme = Esme::bind(site.smpp).expect("a bind");
        esme.submit_all(0..EACH, 4);
        assert_eq!(site.metric("spam_alarms_total", "Raised"), 0.0);
        if killed {
            let written = || site.metric("spam_counter_snapshots_total", "written");
            let before = written();
            // The one under way may have passed the key already; the next one has all.
            wait_for("two snapshots", Duration::from_secs(20), || (written() >= before + 2.0).then_some(()));
            node.kill();
        } else {
            node.signal(Signal::TERM);
            esme.until_closed();
            assert!(node.ended(Duration::from_secs(40)).success());
        }

        let node = site.start();
        let told = if killed { "what came after it is lost" } else { "the counters are as they were" };
        assert!(site.log().contains(told), "{}", site.log());
        let mut esme = Esme::bind(site.smpp).expect("a bind");
        esme.submit_all(100..100 + EACH, 4);
        assert_eq!(site.metric("spam_alarms_total", "Raised"), 1.0, "killed: {killed}");
        node.kill();

        // A snapshot that is damaged is said to be, and does not stand in the way.
        let path = site.data.join("counters.snapshot");
        let mut octets = std::fs::read(&path).expect("a snapshot");
        let middle = octets.len() / 2;
        octets[middle] ^= 1;
        std::fs::write(&path, octets).expect("the damage");
        let _node = site.start();
        assert!(site.log().contains("the snapshot of the counters is not used"), "{}", site.log());
    }
}
