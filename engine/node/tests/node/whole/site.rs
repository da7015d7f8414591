//! A node as a process of its own, with its folder, its ports and its log.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Polls until something is there; fails with what was waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {patience:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asks until the answer is as wished; fails with what it is instead.
pub async fn ask_until<T: Debug>(
    what: &str,
    mut ask: impl AsyncFnMut() -> T,
    wished: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask().await;
        if wished(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How long a condition is waited for: longer than anything takes on a machine that has other work, too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A port that nobody has, and that the system gives nobody who asks it for any: tests run side by side, in several
/// processes, and each port is handed out once while the one who has it lives.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    static TAKEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());
    loop {
        // From 10000, below the range that the system takes from; other test processes begin elsewhere.
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id().wrapping_mul(97) + step) % 20_000;
        let port = u16::try_from(port).expect("below 30000");
        // A name that the kernel gives to one process only, and takes back at its end.
        let name = format!("signalbox-test-port-{port}");
        let name = std::os::unix::net::SocketAddr::from_abstract_name(name).expect("a short name");
        let Ok(taken) = UnixListener::bind_addr(&name) else { continue };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            TAKEN.lock().expect("the ports").push(taken);
            return port;
        }
    }
}

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

/// Where a node lives: it can be started there again and again.
pub struct Site {
    folder: TempDir,
    /// Where the store and the CDRs are.
    pub data: PathBuf,
    pub smpp: SocketAddr,
    pub api: SocketAddr,
    pub admin: SocketAddr,
    /// Settings beside the usual ones of tests, as TOML.
    pub extra: String,
    /// Settings of the counters beside the usual ones.
    pub counters: String,
}

impl Site {
    /// A place for a node whose empty catalog is filled from the rows.
    pub fn new(rows: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let data = folder.path().join("data");
        let site = Self {
            data,
            smpp: address(),
            api: address(),
            admin: address(),
            extra: String::new(),
            counters: String::new(),
            folder,
        };
        fs::write(site.path("catalog.toml"), rows).expect("the catalog");
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn cdr_folder(&self) -> PathBuf {
        self.data.join("cdr")
    }

    /// Writes the settings file anew.
    fn write_settings(&self) {
        self.write_settings_with(&self.extra);
    }

    /// The same with other settings beside the usual ones.
    pub fn write_settings_with(&self, extra: &str) {
        let text = format!(
            "[node]\nname = \"whole\"\ndata_directory = {:?}\n\
             [[smpp.listen]]\nname = \"smpp\"\naddress = \"{}\"\n\
             [api]\naddress = \"{}\"\n[admin]\naddress = \"{}\"\n[log]\nformat = \"json\"\n\
             [cdr]\nserial_prefix = \"whole\"\nrotate_after = \"1s\"\n\
             [counters]\nmax_keys = 10000\ntimestamp_memory = \"1MiB\"\n{}\
             [catalog]\nseed = {:?}\n{}",
            self.data,
            self.smpp,
            self.api,
            self.admin,
            self.counters,
            self.path("catalog.toml"),
            extra,
        );
        fs::write(self.path("node.toml"), text).expect("the settings");
    }

    /// Starts a node and waits until it is ready.
    pub fn start(&self) -> Node<'_> {
        self.start_under(&[])
    }

    /// Starts a node and waits until its link `smsc` is bound as well.
    pub fn start_linked(&self) -> Node<'_> {
        let node = self.start();
        wait_for("the link is bound", PATIENCE, || {
            (self.metric("smpp_link_bound", "link=\"smsc\"") >= 1.0).then_some(())
        });
        node
    }

    /// The same with words in front of the command.
    pub fn start_under(&self, before: &[&str]) -> Node<'_> {
        let mut node = self.launch(before, &[]);
        if let Err(status) = node.ready() {
            panic!("the node ended with {status}:\n{}", self.log_tail());
        }
        node
    }

    /// Starts a node with words in front of the command and variables of its own, and does not wait for it.
    pub fn launch(&self, before: &[&str], variables: &[(&str, &str)]) -> Node<'_> {
        self.write_settings();
        let program = env!("CARGO_BIN_EXE_signalbox");
        let config = self.path("node.toml");
        let words = before.iter().copied().chain([program, "run", "--config"]);
        let mut words = words.map(std::ffi::OsString::from).collect::<Vec<_>>();
        words.push(config.into());
        let log = File::options().create(true).append(true).open(self.log_path()).expect("the log");
        let child = Command::new(&words[0])
            .args(&words[1..])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{words:?}: {error}"));
        Node { child, site: self }
    }

    pub fn log_path(&self) -> PathBuf {
        self.path("node.log")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines = log.lines().collect::<Vec<_>>();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Asks the admin port; `None` when nobody listens.
    pub fn http(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        http(self.admin, method, path, body)
    }

    /// The sum of all series of a metric whose labels contain the text.
    pub fn metric(&self, name: &str, labels: &str) -> f64 {
        let (_, text) = self.http("GET", "/metrics", "").expect("the metrics");
        let of_metric = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(labels)
        });
        of_metric.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// The final records.
    pub fn finals(&self) -> Vec<Value> {
        finals_in(&self.cdr_folder())
    }
}

/// All records of the CDR files of a folder, closed and open, without unfinished lines.
pub fn records_in(folder: &Path) -> Vec<Value> {
    let Ok(folder) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = folder.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>();
    files.retain(|path| {
        path.to_string_lossy().ends_with(".cdr") || path.to_string_lossy().ends_with(".cdr.part")
    });
    files.sort();
    let mut records = Vec::new();
    for file in files {
        // A file that was renamed since is seen under its other name next time.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        records.extend(whole.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()));
    }
    records.retain(|record| record.get("trailer").is_none());
    records
}

/// The final records among them.
pub fn finals_in(folder: &Path) -> Vec<Value> {
    records_in(folder).into_iter().filter(|record| record["kind"] == "final").collect()
}

/// One request over a connection of its own.
pub fn http(to: SocketAddr, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    http_as(to, "nobody", method, path, body)
}

/// The same with a token.
pub fn http_as(to: SocketAddr, token: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(10)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// A running node; it is killed when it goes out of scope.
pub struct Node<'a> {
    pub child: Child,
    site: &'a Site,
}

impl Node<'_> {
    /// Waits until it is ready, or has ended before that.
    pub fn ready(&mut self) -> Result<(), ExitStatus> {
        let site = self.site;
        wait_for("the node is ready", PATIENCE, || {
            if let Some(status) = self.child.try_wait().expect("the node's state") {
                return Some(Err(status));
            }
            (site.http("GET", "/ready", "")?.0 == 200).then_some(Ok(()))
        })
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the node is there");
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().expect("kill -9");
        self.child.wait().expect("its end");
    }

    /// Waits for the process's own end.
    pub fn ended(mut self, patience: Duration) -> ExitStatus {
        let site = self.site;
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("the node's state") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the node did not end within {patience:?}:\n{}",
                site.log_tail()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the node's log:\n{}", self.site.log_tail());
        }
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A catalog with the account `demo`, one link to the SMSC, and routes between them.
pub fn rows(smsc: SocketAddr, account_more: &str, link_more: &str) -> String {
    format!(
        "[[account]]\nname = \"demo\"\norganization = \"demo\"\nsystem_id = \"demo\"\npassword = \"demo\"\n\
         sources = [\"*\"]\nmo_addresses = [\"12345\"]\ndefault_country = \"GB\"\n{account_more}\n\
         [[link]]\nname = \"smsc\"\nhost = \"{}\"\nport = {}\nsystem_id = \"signalbox\"\npassword = \"secret\"\n\
         reconnect = {{ min = \"50ms\", max = \"300ms\" }}\n{link_more}\n\
         [[route]]\nname = \"mt\"\nwhen = {{ direction = \"mt\" }}\nthen = {{ links = [{{ link = \"smsc\" }}] }}\n\
         [[route]]\nname = \"mo\"\nwhen = {{ direction = \"mo\" }}\nthen = {{ account = \"demo\" }}\n",
        smsc.ip(),
        smsc.port(),
    )
}
