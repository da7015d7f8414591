mod compiling;
mod control;
mod families;
mod instructions;
mod pool;
mod testers;

use signalbox_backends::memory::Cluster;
use signalbox_config::{Catalog as Rows, Settings};
use signalbox_core::address::Address;
use signalbox_core::backend::{Catalog, Kind};
use signalbox_dialog::Rules;

use super::{Compiled, RowFaults};
use crate::catalog::{Snapshot, all_rows};

/// An enterprise with two accounts, an address of each kind, a script and what runs in them.
const CATALOG: &str = r#"
[[enterprise]]
name = "group"
opt_out_level = "enterprise"

[[enterprise]]
name = "corp"
parent = "group"

[[account]]
name = "bank"
enterprise = "corp"
system_id = "bank"
password = "secret"
channels = ["text", "voice"]

[[account]]
name = "branch"
parent = "bank"
system_id = "branch"
password = "secret"
opt_out_level = "campaign"

[[account]]
name = "shop"
system_id = "shop"
password = "secret"

[[carrier]]
name = "acme"
networks = ["310410"]
prefixes = ["1202"]

[[carrier]]
name = "other"
prefixes = ["1212"]

[[link]]
name = "first"
host = "127.0.0.1"
port = 2775
system_id = "signalbox"
password = "secret"

[[link]]
name = "second"
host = "127.0.0.1"
port = 2776
system_id = "signalbox"
password = "secret"

[[program]]
name = "balance"
kind = "interactive"
texts = { help = "program help", opt_out = "program end" }

[[program]]
name = "offers"
kind = "alert"
account = "shop"

[[source_address]]
name = "us-70650"
address = "70650"
sharing = "shared"
country = "US"
links = ["second", "first"]
carriers = ["acme"]
programs = ["balance", "offers"]
default_sub_campaign = "info"

[[source_address]]
name = "us-long"
address = "12025550100"
sharing = "dedicated"
account = "bank"
country = "US"
links = ["first"]
carriers = ["acme", "other"]
programs = ["balance"]
default_sub_campaign = "info"

[[source_address]]
name = "us-name"
address = "BANK"
sharing = "shared"
country = "US"
links = ["first"]
carriers = ["acme"]
programs = ["balance"]

[[source_address]]
name = "us-gone"
address = "70651"
sharing = "shared"
country = "US"
links = ["first"]
carriers = ["acme"]
programs = ["balance"]
state = "retired"

[[approval]]
name = "balance-70650-acme"
program = "balance"
source_address = "us-70650"
carrier = "acme"
status = "approved"

[[approval]]
name = "balance-long-acme"
program = "balance"
source_address = "us-long"
carrier = "acme"
status = "approved"

[[approval]]
name = "offers-70650-acme"
program = "offers"
source_address = "us-70650"
carrier = "acme"
status = "submitted"

[[keyword]]
name = "bal"
text = "Bank Bal"
source_address = "us-70650"
account = "bank"
sub_campaign = "balance-in"

[[keyword]]
name = "soon"
text = "soon"
source_address = "us-70650"
account = "bank"
sub_campaign = "paused"

[[keyword]]
name = "sale"
text = "sale"
source_address = "us-70650"
account = "shop"
sub_campaign = "shop-in"
from = "2026-01-01T00:00:00Z"
to = "2026-02-01T00:00:00Z"

[[campaign]]
name = "service"
account = "bank"
opt_out_level = "campaign"

[[sub_campaign]]
name = "balance-in"
account = "bank"
campaign = "service"
kind = "inbound"
state = "running"
programs = ["balance"]
from = "2026-01-01T00:00:00Z"
to = "2028-01-01T00:00:00Z"
conversation_timeout = "2h"
agents = "all"
instructions = { script = "balance" }
texts = { help = "own help", opt_in = "back", not_started = "early", ended = "late", failure = "sorry" }

[[sub_campaign]]
name = "info"
account = "bank"
kind = "inbound"
state = "running"
programs = ["balance"]
opt_out_level = "enterprise"
instructions = { reply = "Hello {first_name}" }

[[sub_campaign]]
name = "paused"
account = "bank"
kind = "inbound"
state = "paused"
instructions = { reply = "never" }

[[sub_campaign]]
name = "shop-in"
account = "shop"
kind = "inbound"
state = "testing"
agents = "all"

[[sub_campaign]]
name = "notice"
account = "bank"
kind = "outbound"
state = "running"
programs = ["balance"]
source_address = "us-long"
instructions = { script = "balance", version = 1 }

[[script]]
name = "balance"
account = "bank"
kind = "javascript"
published = 2

[[script_version]]
name = "balance.1"
script = "balance"
version = 1
state = "published"
body = "function begin() {}"

[[script_version]]
name = "balance.2"
script = "balance"
version = 2
state = "published"
body = "function begin() { return 2; }"

[[script_version]]
name = "balance.3"
script = "balance"
version = 3
body = "function begin() { return 3; }"
"#;

/// The snapshot of a file that is put into an empty catalog.
fn snapshot(text: &str) -> Snapshot {
    let rows = Rows::parse("test", text).unwrap();
    let catalog = Cluster::new(1).catalog();
    catalog.apply("test", &all_rows(&rows)).unwrap();
    Snapshot::load(&catalog).unwrap()
}

/// The catalog with something put in place of something else.
fn changed(from: &str, to: &str) -> Snapshot {
    assert!(CATALOG.contains(from), "{from}");
    snapshot(&CATALOG.replace(from, to))
}

/// The catalog and more rows.
fn with(more: &str) -> Snapshot {
    snapshot(&format!("{CATALOG}{more}"))
}

/// The rules of rows that all can be carried out.
fn rules(snapshot: &Snapshot) -> Rules {
    let (rules, faults) = left_out(snapshot);
    assert_eq!(faults.to_string(), "");
    rules
}

/// The rules of rows of which some cannot be carried out, and which.
fn left_out(snapshot: &Snapshot) -> (Rules, RowFaults) {
    let mut faults = RowFaults::default();
    let book = std::sync::Arc::new(crate::programs::book(&snapshot.rows));
    (super::rules(&settings().dialog, snapshot, book, None, &mut faults), faults)
}

fn faults(snapshot: &Snapshot) -> String {
    compiled(snapshot, None).faults.to_string()
}

fn compiled(snapshot: &Snapshot, before: Option<&Compiled>) -> Compiled {
    Compiled::new(&settings(), snapshot, before, None)
}

fn settings() -> Settings {
    Settings::parse("test", "[node]\nname = \"a\"").unwrap()
}

fn id(snapshot: &Snapshot, kind: Kind, name: &str) -> u32 {
    snapshot.ids.of(kind, name).unwrap()
}

fn number(digits: &str) -> Address {
    Address::new(1, 1, digits.as_bytes()).unwrap()
}

fn code(digits: &str) -> Address {
    Address::new(3, 0, digits.as_bytes()).unwrap()
}
