//! Files of contacts in the watched folder.

use std::fs;
use std::time::Duration;

use signalbox_people::{AccountId, People, Place, Scope};

use super::site::{PATIENCE, Site, rows, wait_for};
use super::smsc::{Mood, Smsc};

#[test]
fn a_file_in_the_folder_becomes_a_list() {
    let smsc = Smsc::start(None);
    smsc.set(Mood::Takes(Duration::ZERO));
    let site = Site::new(&rows(smsc.address, "", ""));
    let folder = site.data.join("uploads/demo/spring");
    fs::create_dir_all(&folder).expect("the folder");
    fs::create_dir_all(site.data.join("uploads/nobody/spring")).expect("a folder");
    // What lies there before the node starts is taken as well; what is still being written is not.
    fs::write(folder.join("a.csv"), "id,mobile\nC-1,07700 900123\nC-2,none\n").expect("a file");
    fs::write(folder.join("b.csv.part"), "id,mobile\nC-9,07700 900129\n").expect("a file");
    let _node = site.start();
    fs::write(folder.join("c.csv"), "id,car\nC-3,red\n").expect("a file");
    fs::write(site.data.join("uploads/nobody/spring/d.csv"), "id,mobile\n").expect("a file");
    for name in ["demo/spring/a.csv.done", "demo/spring/c.csv.failed", "nobody/spring/d.csv.failed"] {
        let file = site.data.join("uploads").join(name);
        wait_for(name, PATIENCE, || file.exists().then_some(()));
    }
    assert!(folder.join("b.csv.part").exists());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (counts, problem, found) = runtime.block_on(async {
        let people = People::open(&Place::File(site.data.join("people.db")), "other").await.expect("people");
        let account = AccountId(1);
        let list = people.list_named(&Scope::All, account, "spring").await.expect("read").expect("a list");
        let uploads = people.uploads(&Scope::All, account, None, 9).await.expect("read");
        let of = |file: &str| uploads.iter().find(|upload| upload.file == file).expect("an upload");
        let contacts = people.members(&Scope::All, list.id, None, 9).await.expect("read");
        let contact = people.contact(&Scope::All, contacts[0].id).await.expect("read").expect("a contact");
        people.close().await;
        (of("a.csv").counts, of("c.csv").problem.clone(), contact)
    });
    assert_eq!((counts.accepted, counts.rejected), (1, 1));
    assert_eq!(problem.as_deref(), Some("no column holds a number or an e-mail address"));
    assert_eq!((found.client_id.as_str(), found.devices[0].address.as_str()), ("C-1", "+447700900123"));
}

/// What `upload.json` says holds for the files beside it, and a file is not read by guess where it cannot be understood.
#[test]
fn a_folder_says_how_its_files_are_read() {
    let smsc = Smsc::start(None);
    smsc.set(Mood::Takes(Duration::ZERO));
    let site = Site::new(&rows(smsc.address, "", ""));
    let described = |list: &str, reading: &str, lines: &str| {
        let folder = site.data.join("uploads/demo").join(list);
        fs::create_dir_all(&folder).expect("the folder");
        fs::write(folder.join("upload.json"), reading).expect("a file");
        fs::write(folder.join("a.csv"), lines).expect("a file");
    };
    let reading = r#"{"header": false, "delimiter": ";", "country": "US", "existing": "update",
        "positions": {"1": "client_id", "2": "cell", "3": "field:city"}}"#;
    described("described", reading, "C-7;(202) 555-0123;Springfield\n");
    described("misspelt", r#"{"delimeter": ";"}"#, "id;mobile\nC-8;07700 900128\n");
    described("impossible", r#"{"delimiter": "||"}"#, "id||mobile\nC-9||07700 900129\n");
    let _node = site.start();
    for name in ["described/a.csv.done", "misspelt/a.csv.failed", "impossible/a.csv.failed"] {
        let file = site.data.join("uploads/demo").join(name);
        wait_for(name, PATIENCE, || file.exists().then_some(()));
    }
    let (found, missing) = tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let people = People::open(&Place::File(site.data.join("people.db")), "other").await.expect("people");
        let found = people.contact_by_client_id(&Scope::All, AccountId(1), "C-7").await.expect("read");
        let missing = people.list_named(&Scope::All, AccountId(1), "misspelt").await.expect("read");
        people.close().await;
        (found.expect("a contact"), missing)
    });
    assert_eq!(found.devices[0].address, "+12025550123");
    assert_eq!(found.fields.get("city").map(String::as_str), Some("Springfield"));
    assert!(missing.is_none(), "nothing is made for what is not read");
    assert!(site.log().contains("must be one ASCII character"), "{}", site.log());
}

/// With a database server the node keeps people there, and makes no file of its own.
#[test]
fn people_are_kept_on_a_server() {
    let smsc = Smsc::start(None);
    smsc.set(Mood::Takes(Duration::ZERO));
    let mut site = Site::new(&rows(smsc.address, "", ""));
    let url = super::people_server::new_database();
    fs::write(site.path("people-database"), format!("{url}\n")).expect("the secret");
    site.extra = format!(
        "[people]\nserver = {{ file = \"people-database\" }}\nconnections = 4\nerasure_key = \"a key of this test\"\n[secrets]\ndirectory = {:?}\n",
        site.path("")
    );
    let folder = site.data.join("uploads/demo/spring");
    fs::create_dir_all(&folder).expect("the folder");
    fs::write(folder.join("a.csv"), "id,mobile\nC-1,07700 900123\n").expect("a file");
    let node = site.start();
    wait_for("the file is taken", PATIENCE, || folder.join("a.csv.done").exists().then_some(()));
    let found = tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let place = Place::Server { url: url.clone(), connections: 2 };
        let people = People::open(&place, "other").await.expect("people");
        let found = people.contact_by_client_id(&Scope::All, AccountId(1), "C-1").await.expect("read");
        people.close().await;
        found.expect("a contact")
    });
    assert_eq!(found.devices[0].address, "+447700900123");
    assert!(!site.data.join("people.db").exists());
    drop(node);
    // Without its secret the node does not start, and says which setting it is; the URL is not told.
    fs::remove_file(site.path("people-database")).expect("removed");
    let mut refused = site.launch(&[], &[]);
    assert!(refused.ready().is_err());
    let log = site.log();
    assert!(log.contains("people.server"), "{log}");
    assert!(!log.contains("sslmode"), "{log}");
}
