//! One account over SMPP and HTTP at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::esme::Esme;
use super::site::{Site, rows};
use super::smsc::{Mood, Smsc};

const TOKEN: &str = "demo-token-0123456789";
/// ESME_RTHROTTLED (SMPP 3.4 cl. 5.1.3).
const THROTTLED: u32 = 0x58;

/// Submits a message over HTTP; the status of the answer.
fn post(site: &Site) -> u16 {
    let body = r#"{ "destination": "447700900123", "source": "12345", "text": "x" }"#;
    let mut stream = TcpStream::connect(site.api).expect("the API");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        site.api,
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[test]
fn the_rate_of_an_account_is_one_for_both_channels() {
    let smsc = Smsc::start(None);
    smsc.set(Mood::Takes(Duration::ZERO));
    let token = format!(
        "[[token]]\nname = \"demo\"\nsecret = \"{TOKEN}\"\naccount = \"demo\"\nrights = [\"messages:send\"]\n"
    );
    let more = "rate = \"2/h\"\nburst = 4\n";
    let site = Site::new(&format!("{}{token}", rows(smsc.address, more, "")));
    let _node = site.start();
    let mut esme = Esme::bind(site.smpp).expect("a bind");
    esme.submit_all(0..2, 1);
    assert_eq!([post(&site), post(&site)], [202, 202]);
    assert_eq!(post(&site), 429, "SMPP has had half of it");
    esme.submit_all(2..3, 1);
    assert_eq!(esme.book.accepted.len(), 2);
    assert_eq!(esme.book.refused.iter().map(|(_, status)| *status).collect::<Vec<_>>(), [THROTTLED]);
}
