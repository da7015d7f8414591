//! A file system without room: the node refuses for the time being, keeps its sessions, and goes on when there is
//! room again. The file system is a tmpfs of 16 MB in a mount namespace of the test's own.

use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::esme::Esme;
use super::site::{PATIENCE, Site, rows, wait_for};
use super::smsc::Smsc;
use super::wire;

/// Fills the file system of the node with a file of its own, seen through the node's root.
struct Filler {
    path: PathBuf,
}

impl Filler {
    /// Writes until nothing more fits, and gives back so many octets.
    fn fill(folder: &Path, left: u64) -> Self {
        use std::io::Write;
        let path = folder.join("filler");
        let mut file = fs::File::create(&path).expect("the filler");
        for octets in [vec![0_u8; 65_536], vec![0; 512]] {
            while file.write_all(&octets).is_ok() {}
        }
        let length = file.metadata().expect("the filler").len();
        file.set_len(length.saturating_sub(left)).expect("the filler");
        Self { path }
    }

    fn remove(self) {
        fs::remove_file(self.path).expect("the filler");
    }
}

#[test]
fn a_full_disk_refuses_for_the_time_being_and_loses_nothing() {
    let smsc = Smsc::start(Some(Duration::from_millis(10)));
    let mut site = Site::new(&rows(smsc.address, "", "window = 50\nburst = 100"));
    site.extra = "[store]\nfree_space_reserve = \"4MiB\"\ncheckpoint_at = \"1MiB\"\n".to_owned();
    fs::create_dir_all(&site.data).expect("the folder");
    let may = Command::new("unshare").args(["--mount", "true"]).status();
    assert!(
        may.is_ok_and(|status| status.success()),
        "this test mounts a small file system in a namespace of its own and must run as root"
    );
    let script = format!("mount -t tmpfs -o size=16m none {:?} && exec \"$@\"", site.data);
    let node = site.start_under(&["unshare", "--mount", "sh", "-c", &script, "node"]);
    // exec all the way: the process that was started is the node, and its root shows its mounts.
    let root = PathBuf::from(format!("/proc/{}/root", node.child.id()));
    let inside = root.join(site.data.strip_prefix("/").expect("an absolute path"));
    assert!(inside.join("spine.db").exists(), "the store is on the small file system");

    let mut esme = Esme::bind(site.smpp).expect("a bind");
    esme.submit_all(0..200, 20);
    assert_eq!(esme.book.accepted.len(), 200);

    // Less room than the reserve: refused at once, and what is accepted still leaves and is booked.
    let reserve = Filler::fill(&inside, 3 << 20);
    let mut next = 200;
    let mut refused = |esme: &mut Esme, wanted: usize| {
        let deadline = Instant::now() + PATIENCE;
        while esme.book.refused.len() < wanted {
            assert!(Instant::now() < deadline, "nothing is refused: {} accepted", esme.book.accepted.len());
            // What is in the commit that finds no room is answered when there is room.
            if esme.open() < 500 {
                esme.submit(next).expect("a submit");
                next += 1;
            }
            esme.turn(Duration::from_millis(5)).expect("the session stays");
        }
    };
    refused(&mut esme, 20);
    esme.until("all responses on a nearly full disk", PATIENCE, |esme| esme.open() == 0);
    let accepted = esme.book.accepted.len();
    esme.until("receipts on a nearly full disk", PATIENCE, |esme| esme.book.receipts.len() >= accepted);
    reserve.remove();
    let mut number = 800_000;
    let deadline = Instant::now() + PATIENCE;
    while esme.book.accepted.len() < accepted + 20 {
        assert!(Instant::now() < deadline, "nothing is accepted when there is room above the reserve");
        esme.submit_all(number..number + 20, 20);
        number += 20;
    }

    // No room at all.
    let filler = Filler::fill(&inside, 0);
    let before = esme.book.refused.len();
    refused(&mut esme, before + 20);
    let statuses = esme.book.refused.iter().map(|(_, status)| *status).collect::<Vec<_>>();
    let temporary = [wire::QUEUE_FULL, wire::SYSTEM_ERROR, wire::THROTTLED];
    assert!(statuses.iter().all(|status| temporary.contains(status)), "{statuses:?}");
    // The rest of the node works: another peer binds, the admin port answers, the link stays.
    let mut other = Esme::bind(site.smpp).expect("a bind on a full disk");
    other.submit_all(900_000..900_001, 1);
    assert_eq!(other.book.refused.len(), 1);
    assert_eq!(site.http("GET", "/live", "").map(|(status, _)| status), Some(200));
    assert_eq!(smsc.sessions(), 1);
    drop(other);

    filler.remove();
    esme.until("what waited for room is answered", PATIENCE, |esme| esme.open() == 0);
    let deadline = Instant::now() + PATIENCE;
    let before = esme.book.accepted.len();
    let mut number = 700_000;
    while esme.book.accepted.len() < before + 50 {
        assert!(Instant::now() < deadline, "nothing is accepted when there is room again");
        esme.submit_all(number..number + 10, 10);
        number += 10;
    }
    let accepted = esme.book.accepted.len();
    esme.until("a receipt for each accepted message", PATIENCE, |esme| esme.book.receipts.len() >= accepted);
    assert!(esme.book.accepted.values().all(|id| esme.book.receipts.contains_key(id)));
    let cdrs = inside.join("cdr");
    wait_for("a final record for each", PATIENCE, || {
        (super::site::finals_in(&cdrs).len() == accepted).then_some(())
    });
    println!("{accepted} accepted and delivered, {} refused while the disk was full", statuses.len());
    node.signal(Signal::TERM);
    esme.until_closed();
    assert!(node.ended(PATIENCE).success());
}
