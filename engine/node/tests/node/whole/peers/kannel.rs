//! Kannel (bearerbox and smsbox of Debian): an application submits by HTTP, Kannel is the ESME, its delivery reports
//! come back by HTTP.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::site::{PATIENCE, Site, free_port, http, rows, wait_for};
use super::super::smsc::Smsc;
use super::super::wire::Message;
use super::process::Process;

/// Takes what Kannel asks for, and keeps the paths.
struct Application {
    address: SocketAddr,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Application {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let paths = Arc::new(Mutex::new(Vec::new()));
        let kept = paths.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = Vec::new();
                let mut chunk = [0; 4_096];
                while !request.windows(4).any(|octets| octets == b"\r\n\r\n") {
                    match stream.read(&mut chunk) {
                        Ok(0) | Err(_) => break,
                        Ok(length) => request.extend_from_slice(&chunk[..length]),
                    }
                }
                let head = String::from_utf8_lossy(&request).into_owned();
                kept.lock().unwrap().push(head.split(' ').nth(1).unwrap_or_default().to_owned());
                // Kannel asks again when it gets no answer.
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Self { address, paths }
    }

    /// Paths that begin so.
    fn asked(&self, beginning: &str) -> Vec<String> {
        self.paths.lock().unwrap().iter().filter(|path| path.starts_with(beginning)).cloned().collect()
    }
}

struct Kannel {
    _smsbox: Process,
    _bearerbox: Process,
    sendsms: SocketAddr,
    admin: SocketAddr,
}

impl Kannel {
    fn start(folder: &Path, site: &Site, application: &Application) -> Self {
        let address = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (admin, boxes, sendsms) = (address(), address(), address());
        // msg-id-type is left at its default.
        let text = format!(
            "group = core\nadmin-port = {}\nadmin-password = admin\nsmsbox-port = {}\nbox-allow-ip = 127.0.0.1\n\
             admin-allow-ip = 127.0.0.1\nlog-level = 1\nsms-resend-freq = 1\n\n\
             group = smsc\nsmsc = smpp\nsmsc-id = signalbox\nhost = 127.0.0.1\nport = {}\nsmsc-username = demo\n\
             smsc-password = demo\nsystem-type = \"\"\ntransceiver-mode = true\ninterface-version = 34\n\
             max-pending-submits = 50\nreconnect-delay = 1\n\n\
             group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {}\nglobal-sender = 12345\n\n\
             group = sendsms-user\nusername = test\npassword = test\n\n\
             group = sms-service\nkeyword = default\nget-url = \"http://{}/mo?from=%p&text=%a\"\nmax-messages = 0\n",
            admin.port(),
            boxes.port(),
            site.smpp.port(),
            sendsms.port(),
            application.address,
        );
        let config = folder.join("kannel.conf");
        fs::write(&config, text).expect("Kannel's configuration");
        let start = |program: &str| {
            let path = Path::new("/usr/sbin").join(program);
            assert!(path.exists(), "the peer is missing: no {}; `make deps` installs it", path.display());
            let mut command = Command::new(path);
            command.arg(&config).current_dir(folder);
            Process::start(command, &folder.join(program))
        };
        let bearerbox = start("bearerbox");
        wait_for("bearerbox listens", PATIENCE, || http(admin, "GET", "/status.txt", ""));
        let smsbox = start("smsbox");
        wait_for("smsbox listens", PATIENCE, || http(sendsms, "GET", "/", ""));
        let kannel = Self { _smsbox: smsbox, _bearerbox: bearerbox, sendsms, admin };
        wait_for("Kannel is bound", PATIENCE, || {
            let (_, status) = http(kannel.admin, "GET", "/status.txt", "")?;
            status.contains("(online").then_some(())
        });
        kannel
    }

    fn send(&self, to: &str, text: &str, application: &Application) {
        let dlr = format!("http://{}/dlr?to={to}&type=%d", application.address);
        let dlr = dlr.replace('%', "%25").replace('&', "%26").replace('?', "%3F");
        let path = format!(
            "/cgi-bin/sendsms?username=test&password=test&from=12345&to={to}&text={text}&dlr-mask=31&dlr-url={dlr}"
        );
        let (status, body) = http(self.sendsms, "GET", &path, "").expect("an answer of smsbox");
        assert_eq!(status, 202, "{body}");
    }
}

fn relayed(hexadecimal: bool) -> usize {
    let smsc = Smsc::with_ids(Some(Duration::from_millis(20)), hexadecimal);
    let site = Site::new(&rows(smsc.address, "", "window = 50\nburst = 100"));
    let _node = site.start_linked();
    let application = Application::start();
    let folder = tempfile::tempdir().expect("a folder");
    let kannel = Kannel::start(folder.path(), &site, &application);
    let mut cases = 0;

    // 8: taken by the SMSC; 1: delivered.
    kannel.send("447700900001", "Hello", &application);
    for kind in [8, 1] {
        let wanted = format!("/dlr?to=447700900001&type={kind}");
        wait_for(&wanted, PATIENCE, || (application.asked(&wanted).len() == 1).then_some(()));
        cases += 1;
    }
    assert_eq!(smsc.taken()[0].message.text, b"Hello");
    assert_eq!(smsc.taken()[0].message.destination.trim_start_matches('+'), "447700900001");

    let many = 50;
    for number in 0..many {
        kannel.send(&format!("44770091{number:04}"), "one+of+many", &application);
    }
    wait_for("a report of delivery for each", PATIENCE, || {
        let delivered = application.asked("/dlr?to=44770091");
        (delivered.iter().filter(|path| path.ends_with("type=1")).count() == many).then_some(())
    });
    assert_eq!(smsc.count(), 1 + many);
    cases += 1;

    smsc.deliver(&Message {
        source: "447700900002".to_owned(),
        destination: "12345".to_owned(),
        text: b"STOP".to_vec(),
        ..Message::default()
    });
    wait_for("the device's message", PATIENCE, || {
        let found = application.asked("/mo?");
        found.iter().any(|path| path.contains("447700900002") && path.ends_with("text=STOP")).then_some(())
    });
    cases += 1;
    cases
}

#[test]
fn kannel_sends_and_gets_its_reports() {
    let cases = relayed(false);
    println!("Kannel: {cases} cases");
    assert_eq!(cases, 4);
}

#[test]
fn kannel_as_installed_gets_its_reports_where_ids_are_hexadecimal_and_decimal() {
    let cases = relayed(true);
    println!("Kannel with ids in two forms: {cases} cases");
    assert_eq!(cases, 4);
}
