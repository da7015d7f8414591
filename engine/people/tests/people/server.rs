//! A PostgreSQL of the tests' own: in a temporary folder, on a socket there, by an ordinary user.

use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// User and group `nobody` of Debian: a server refuses to run as root.
const NOBODY: u32 = 65534;
/// A server that is not there by then never will be.
const DEADLINE: Duration = Duration::from_secs(120);

/// The server of this process. Its end of the pipe closes when the process ends, however it ends; then the shell
/// stops the server by its id and removes its folder.
struct Server {
    folder: PathBuf,
    _shell: Child,
}

static SERVER: LazyLock<Server> = LazyLock::new(start);

/// Databases that were made.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The newest PostgreSQL that Debian installed.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    let newest = newest.expect("PostgreSQL is missing under /usr/lib/postgresql: run `make deps`");
    Path::new("/usr/lib/postgresql").join(newest.to_string()).join("bin")
}

/// The command as the user that the server runs as.
fn by_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/");
    command
}

fn start() -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("its permissions");
    if rustix::process::geteuid().is_root() {
        chown(&folder, Some(NOBODY), Some(NOBODY)).expect("the folder's owner");
    }
    let programs = programs();
    let data = folder.join("data");
    let made = by_user(&programs.join("initdb"))
        .args(["--username=signalbox", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"])
        .arg("--pgdata")
        .arg(&data)
        .output()
        .expect("initdb runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let script = r#"
        "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=200 \
            >"$2/log" 2>&1 </dev/null &
        server=$!
        cat >/dev/null
        kill -INT $server
        wait $server
        rm -rf -- "$2""#;
    let shell = by_user(Path::new("/bin/sh"))
        .arg("-c")
        .arg(script)
        .arg("sh")
        .arg(&programs)
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let began = Instant::now();
    let ready = || std::os::unix::net::UnixStream::connect(folder.join(".s.PGSQL.5432")).is_ok();
    while !(ready() && sql(&programs, &folder, "SELECT 1")) {
        let mut log = String::new();
        if let Ok(mut file) = std::fs::File::open(folder.join("log")) {
            // What can be read of it is shown.
            let _ = file.read_to_string(&mut log);
        }
        assert!(began.elapsed() < DEADLINE, "the server does not answer: {log}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Server { folder, _shell: shell }
}

/// Has a statement carried out; whether it was.
fn sql(programs: &Path, folder: &Path, statement: &str) -> bool {
    let mut command = by_user(&programs.join("psql"));
    command.args([
        "--username=signalbox",
        "--dbname=postgres",
        "--no-psqlrc",
        "--quiet",
        "--command",
        statement,
    ]);
    let done = command.arg("--host").arg(folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

/// The URL of a new empty database.
pub fn new_database() -> String {
    let server = &*SERVER;
    let name = format!("people_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    assert!(sql(&programs(), &server.folder, &format!("CREATE DATABASE {name}")), "a database is made");
    let folder = server.folder.to_str().expect("a folder in UTF-8");
    format!("postgres:///{name}?host={folder}&user=signalbox&sslmode=disable")
}
