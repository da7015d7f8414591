//! The zone of a contact comes with its list, and the send gate keeps the hours of that place (INT-02).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use signalbox::node::{Node, Surrounds};
use signalbox_backends::system::SystemClock;
use signalbox_config::Settings;
use signalbox_core::backend::Clock;
use signalbox_core::time::{Micros, Now};

use super::enterprise::{catalog, client, got};
use super::site::{PATIENCE, Site};
use super::smsc::Smsc;

const TOKEN: &str = "key-of-the-enterprise";
/// Two days after the clocks of New York went forward, and three weeks before London's do.
const BEGINS: &str = "2026-03-10T12:00:00Z";
const MINUTE: i64 = 60_000_000;

const ROWS: &str = "
[[jurisdiction]]
name = 'gb-daytime'
countries = ['GB']
source = 'a test'
as_of = '2026-01-15'
[[jurisdiction.allowed]]
days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
from = '09:00'
to = '20:00'
[[sub_campaign]]
name = 'sale-out'
account = 'demo'
campaign = 'research'
kind = 'outbound'
state = 'running'
programs = ['survey']
[sub_campaign.instructions]
reply = 'Dear {first_name}, all is half the price.'
";

/// The machine's clocks, the wall clock at another day.
struct Elsewhen {
    system: SystemClock,
    by: AtomicI64,
}

impl Clock for Elsewhen {
    fn now(&self) -> Now {
        let now = self.system.now();
        Now { wall: Micros(now.wall.0 + self.by.load(Ordering::SeqCst)), ..now }
    }
}

impl Elsewhen {
    /// Sets the wall clock to so many minutes after the beginning.
    fn set(&self, minutes: i64) {
        let begins: jiff::Timestamp = BEGINS.parse().expect("an instant");
        let wanted = begins.as_microsecond() + minutes * MINUTE;
        self.by.store(wanted - self.system.now().wall.0, Ordering::SeqCst);
    }
}

struct Api<'a>(&'a Site);

impl Api<'_> {
    fn url(&self, path: &str) -> String {
        format!("http://{}/v1/{path}", self.0.api)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer =
            client().post(self.url(path)).bearer_auth(TOKEN).json(body).send().await.expect("an answer");
        answer.json().await.expect("json")
    }

    /// What became of the contacts of a pass, as soon as that is as it should be.
    async fn until(&self, pass: &str, delivered: u64, deferred: u64) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = client().get(self.url(&format!("passes/{pass}"))).bearer_auth(TOKEN).send().await;
            let seen: Value = answer.expect("an answer").json().await.expect("json");
            let progress = &seen["progress"];
            if (progress["delivered"].as_u64(), progress["deferred"].as_u64())
                == (Some(delivered), Some(deferred))
            {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{delivered} and {deferred}: {seen}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// One number range, four places: each gets its text when it is nine in the morning there, the clock in the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_hours_are_those_of_the_zone_that_came_with_the_list() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&format!("{}{ROWS}", catalog(&smsc)));
    site.write_settings_with("");
    let settings = Settings::load(&site.path("node.toml")).expect("the settings");
    let clock = Arc::new(Elsewhen { system: SystemClock::new(), by: AtomicI64::new(0) });
    clock.set(0);
    let surrounds = Surrounds {
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        log: None,
        file: None,
        clock: clock.clone(),
        program: Some(env!("CARGO_BIN_EXE_signalbox").into()),
    };
    // As the program does before it starts a node; another test may have done so.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let node = Node::start(settings, surrounds).await.expect("a node");
    let api = Api(&site);
    let list = api.post("lists", &json!({ "name": "everywhere" })).await;
    let list = list["id"].as_str().expect("an id").to_owned();
    let file = "client_id,first_name,cell,zone\n\
                L,Lea,+447400123451,\n\
                N,Ned,+447400123452,America/New_York\n\
                K,Kei,+447400123453,Asia/Tokyo\n\
                P,Pia,+447400123454,America/Los_Angeles\n";
    let upload = client().post(api.url(&format!("lists/{list}/uploads"))).bearer_auth(TOKEN);
    let upload = upload.header("Content-Type", "text/csv").body(file).send().await.expect("an answer");
    let upload: Value = upload.json().await.expect("json");
    assert_eq!(upload["accepted"], 4, "{upload}");
    let pass = api.post("passes", &json!({ "sub_campaign": "sale-out", "list": list })).await;
    let pass = pass["id"].as_str().unwrap_or_else(|| panic!("{pass}")).to_owned();
    let texts =
        || ["447400123451", "447400123452", "447400123453", "447400123454"].map(|to| got(&smsc, to).len());

    // Noon in London, where the number is; 8 in New York, 21 in Tokyo, 5 in Los Angeles.
    api.until(&pass, 1, 3).await;
    assert_eq!(texts(), [1, 0, 0, 0]);
    // A minute after 9 in New York, where summer time holds already.
    clock.set(61);
    api.until(&pass, 2, 2).await;
    assert_eq!(texts(), [1, 1, 0, 0]);
    clock.set(4 * 60 + 1);
    api.until(&pass, 3, 1).await;
    assert_eq!(texts(), [1, 1, 0, 1], "Los Angeles");
    // Midnight in London is 9 in Tokyo.
    clock.set(12 * 60 + 1);
    api.until(&pass, 4, 0).await;
    assert_eq!(texts(), [1, 1, 1, 1]);
    assert_eq!(got(&smsc, "447400123453"), ["Dear Kei, all is half the price."]);
    node.drain().await.expect("the drain");
}
