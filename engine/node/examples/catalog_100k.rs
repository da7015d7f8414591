//! What it costs to change one row of a large catalog: 100,000 keywords on ten source addresses in a SQLite file, one
//! keyword written after the other, as the HTTP API does it.
//!
//! `cargo run --release -p signalbox --example catalog_100k -- [KEYWORDS] [WRITES] [DIRECTORY]`

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signalbox::catalog::{all_rows, kind_of};
use signalbox::control::Control;
use signalbox_backends::system::SystemClock;
use signalbox_catalog::{Place, SqlCatalog};
use signalbox_config::catalog::Row;
use signalbox_config::{Catalog as Rows, Settings};
use signalbox_core::backend::{Catalog, CatalogChange};

const ADDRESSES: usize = 10;

const BASE: &str = r#"
[[account]]
name = "bank"
system_id = "bank"
password = "secret"
[[carrier]]
name = "acme"
prefixes = ["1202"]
[[link]]
name = "up"
host = "127.0.0.1"
port = 2775
system_id = "signalbox"
password = "secret"
[[program]]
name = "balance"
kind = "interactive"
[[sub_campaign]]
name = "info"
account = "bank"
kind = "inbound"
state = "running"
programs = ["balance"]
instructions = { reply = "Hello" }
"#;

fn rows(keywords: usize) -> Result<Rows> {
    let mut text = BASE.to_owned();
    for address in 0..ADDRESSES {
        write!(
            text,
            "[[source_address]]\nname = \"a{address}\"\naddress = \"{}\"\nsharing = \"shared\"\n\
             country = \"US\"\nlinks = [\"up\"]\ncarriers = [\"acme\"]\nprograms = [\"balance\"]\n\
             [[approval]]\nname = \"p{address}\"\nprogram = \"balance\"\nsource_address = \"a{address}\"\n\
             carrier = \"acme\"\nstatus = \"approved\"\n",
            70_650 + address
        )?;
    }
    for number in 0..keywords {
        write!(
            text,
            "[[keyword]]\nname = \"k{number}\"\ntext = \"word {number}\"\nsource_address = \"a{}\"\n\
             program = \"balance\"\naccount = \"bank\"\nsub_campaign = \"info\"\n",
            number % ADDRESSES
        )?;
    }
    Ok(Rows::parse("example", &text)?)
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let keywords: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let writes: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let directory = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = directory.join(format!("catalog-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let done = measure(keywords, writes, &directory.join("catalog.db"));
    std::fs::remove_dir_all(&directory)?;
    done
}

fn measure(keywords: usize, writes: usize, file: &std::path::Path) -> Result<()> {
    let began = Instant::now();
    let rows = rows(keywords)?;
    println!("{keywords} keywords read and checked in {:.2} s", began.elapsed().as_secs_f64());
    let catalog: Arc<dyn Catalog> =
        Arc::new(SqlCatalog::open(&Place::File(file.into()), Arc::new(SystemClock::new()))?);
    let began = Instant::now();
    catalog.apply("example", &all_rows(&rows))?;
    println!("written in {:.2} s", began.elapsed().as_secs_f64());
    let settings = Settings::parse("example", "[node]\nname = \"a\"")?;
    let began = Instant::now();
    let control = Control::start(settings, None, catalog, || [0; 16])?;
    println!("in force after a start in {:.2} s", began.elapsed().as_secs_f64());

    let (mut checked, mut applied) = (Vec::new(), Vec::new());
    for write in 0..writes {
        let in_force = control.in_force();
        let began = Instant::now();
        let mut all = in_force.snapshot.rows.clone();
        let row = all.keyword.get_mut(write * 7 % keywords).context("there is a keyword")?;
        row.text = format!("other {write}").parse().map_err(anyhow::Error::msg)?;
        let (kind, name, document) = (kind_of(row_kind(row)), row.name.to_string(), row.to_document());
        all.check_versions(&in_force.snapshot.rows)?;
        all.check()?;
        checked.push(began.elapsed());
        let began = Instant::now();
        control.apply("example", &[CatalogChange::Put { kind, name, document, expected: None }])?;
        applied.push(began.elapsed());
    }
    let began = Instant::now();
    control.reload()?;
    println!(
        "all read and compiled anew, as for each write before: {:.1} ms",
        began.elapsed().as_secs_f64() * 1e3
    );
    println!(
        "one keyword: checked against all others in {}, written and in force in {}",
        told(&mut checked),
        told(&mut applied)
    );
    Ok(())
}

fn row_kind<R: Row>(_row: &R) -> signalbox_config::catalog::RowKind {
    R::KIND
}

fn told(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let median = milliseconds(times.get(times.len() / 2));
    format!("{median:.1} ms (median; longest {:.1} ms)", milliseconds(times.last()))
}
