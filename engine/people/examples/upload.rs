//! Uploads a made-up contact list and says how fast that went and how much memory it took.
//!
//! `cargo run --release -p signalbox-people --example upload -- ROWS [postgres://... | FILE]`
//!
//! The rows come in no order: client ids and numbers are spread over their whole range, as in a file of an enterprise
//! that was never sorted. One in a thousand is rejected, one in a thousand repeats.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use signalbox_core::time::Micros;
use signalbox_people::{AccountId, ColumnMap, Existing, Level, People, Place, Scope, UploadOrder};
use signalbox_text::phone::{Bare, Home};
use tokio::io::{AsyncRead, ReadBuf};

/// As in the node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The file, made while it is read.
struct Rows {
    next: u64,
    rows: u64,
    line: Vec<u8>,
    at: usize,
}

impl Rows {
    fn new(rows: u64) -> Self {
        Self {
            next: 0,
            rows,
            line: b"client_id,first_name,last_name,cell,zone,plan,points\n".to_vec(),
            at: 0,
        }
    }

    fn make(&mut self) {
        use std::io::Write;
        let row = self.next;
        self.next += 1;
        self.at = 0;
        self.line.clear();
        // A step that shares no factor with the range visits all of it, far apart.
        let spread = |row: u64| row * 7_368_787 % 10_000_019;
        let number = match row % 1000 {
            499 => "none".to_owned(),
            _ => {
                format!("(2{:02}) {:03}-{:04}", spread(row) / 100_000, 200 + row % 700, spread(row) % 10_000)
            }
        };
        let client = if row % 1000 == 999 { row - 1 } else { row };
        // Writing into memory does not fail.
        let _ = writeln!(
            self.line,
            "C{:08},First{},Last{},{number},America/New_York,plan {},{}",
            spread(client),
            row % 997,
            row % 9973,
            row % 7,
            row % 1000
        );
    }
}

impl AsyncRead for Rows {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        while buffer.remaining() > 0 {
            if self.at == self.line.len() {
                if self.next == self.rows {
                    break;
                }
                self.make();
            }
            let rest = &self.line[self.at..];
            let count = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..count]);
            self.at += count;
        }
        Poll::Ready(Ok(()))
    }
}

/// Most memory that the process had resident, in octets.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().as_deref().unwrap_or("100000").parse()?;
    let folder = tempfile::tempdir()?;
    let place = match arguments.next() {
        Some(url) if url.starts_with("postgres") => Place::Server { url, connections: 4 },
        Some(file) => Place::File(file.into()),
        None => Place::File(folder.path().join("people.db")),
    };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(run(rows, &place))
}

async fn run(rows: u64, place: &Place) -> Result<(), Box<dyn std::error::Error>> {
    let now = || Micros(jiff::Timestamp::now().as_microsecond());
    let account = AccountId(1);
    let people = People::open(place, "perf").await?;
    let list = people.create_list(&Scope::All, account, &format!("list {}", now().0), now()).await?;
    let order = UploadOrder {
        list: list.id,
        file: "made up".to_owned(),
        columns: ColumnMap::default(),
        header: true,
        delimiter: b',',
        home: Home { region: Some("US".parse()?), bare: Bare::National, short_code_digits: 6 },
        existing: Existing::Keep,
        levels: vec![(Level::Account, "1".to_owned())],
        most: None,
        rejects: 100_000,
    };
    let upload = people.start_upload(&Scope::All, &order, now()).await?;
    let before = peak();
    let began = Instant::now();
    let watch = async {
        let mut last = (began, 0);
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
            let Ok(Some(upload)) = people.upload(&Scope::All, upload.id).await else { return };
            let lines = upload.counts.lines;
            let rate = (lines - last.1) as f64 / last.0.elapsed().as_secs_f64();
            println!("{lines} rows, {rate:.0} rows/s, peak {} MiB", peak() >> 20);
            last = (Instant::now(), lines);
        }
    };
    let done = tokio::select! {
        done = people.run_upload(&upload, &order, Rows::new(rows), now) => done?,
        () = watch => return Err("the database has failed".into()),
    };
    let took = began.elapsed();
    let rate = done.counts.lines as f64 / took.as_secs_f64();
    println!(
        "{:?} in {took:.1?}: {rate:.0} rows/s; peak {} MiB, {} MiB before",
        done.state,
        peak() >> 20,
        before >> 20
    );
    println!("{:?}", done.counts);
    let mut times = Vec::new();
    for row in (0..rows).step_by((rows / 1000).max(1) as usize) {
        let client = format!("C{:08}", row * 7_368_787 % 10_000_019);
        let began = Instant::now();
        let found = people.contact_by_client_id(&Scope::All, account, &client).await?;
        let device = found.and_then(|contact| contact.devices.into_iter().next());
        let between = began.elapsed();
        let Some(device) = device else { continue };
        let began = Instant::now();
        people.contacts_of_device(&Scope::All, account, &device.address, 2).await?;
        times.push((between, began.elapsed()));
    }
    let quantile =
        |name: &str, of: fn(&(std::time::Duration, std::time::Duration)) -> std::time::Duration| {
            let mut all: Vec<_> = times.iter().map(of).collect();
            all.sort_unstable();
            if let (Some(median), Some(slow)) = (all.get(all.len() / 2), all.get(all.len() * 99 / 100)) {
                println!("{name}: median {median:.0?}, p99 {slow:.0?}");
            }
        };
    quantile("find by client id", |times| times.0);
    quantile("find by device", |times| times.1);
    people.close().await;
    Ok(())
}
