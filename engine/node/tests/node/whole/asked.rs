//! What an ESME asks and orders after it has submitted, octet for octet: query_sm, cancel_sm, replace_sm,
//! registered_delivery, replace_if_present_flag.

use std::io::Write;
use std::net::TcpStream;

use super::esme::bind_status;
use super::site::{PATIENCE, Site, rows, wait_for};
use super::smsc::Smsc;
use super::wire::{self, Message, Pdu, RESPONSE};

/// ESME_RINVMSGID, ESME_RCANCELFAIL, ESME_RREPLACEFAIL (SMPP 3.4 cl. 5.1.3).
const NO_SUCH_ID: u32 = 0x0c;
const NOT_CANCELLED: u32 = 0x11;
const NOT_REPLACED: u32 = 0x13;
/// message_state (cl. 5.2.28).
const ENROUTE: u8 = 1;
const DELIVERED: u8 = 2;
const DELETED: u8 = 4;
/// An hour from now, and a time that is over (cl. 7.1.1).
const IN_AN_HOUR: &str = "000000010000000R";
const OVER: &str = "260101000000000+";
/// message_payload (cl. 5.3.2.32).
const PAYLOAD: [u8; 2] = [0x04, 0x24];

/// One session that asks, and waits for the answer.
struct Asking {
    stream: TcpStream,
    sequence: u32,
    delivered: Vec<Message>,
}

impl Asking {
    fn bind(site: &Site) -> Self {
        let (stream, status) = bind_status(site.smpp, "demo", "demo").expect("a bind");
        assert_eq!(status, wire::OK);
        Self { stream, sequence: 1, delivered: Vec::new() }
    }

    /// The answer to a request.
    fn ask(&mut self, command: u32, body: Vec<u8>) -> Pdu {
        self.sequence += 1;
        self.stream.write_all(&Pdu::new(command, 0, self.sequence, body).octets()).expect("a request");
        loop {
            let Some(answer) = self.read() else { continue };
            assert_eq!((answer.command, answer.sequence), (command | RESPONSE, self.sequence));
            return answer;
        }
    }

    /// The next PDU, unless it is a delivery: that is kept and answered.
    fn read(&mut self) -> Option<Pdu> {
        let pdu = Pdu::read(&mut self.stream).expect("a pdu in time");
        if pdu.command == wire::DELIVER_SM {
            self.delivered.push(Message::read(&pdu.body));
        } else if pdu.command != wire::ENQUIRE_LINK {
            return Some(pdu);
        }
        let body = if pdu.command == wire::DELIVER_SM { vec![0] } else { Vec::new() };
        let answer = Pdu::new(pdu.command | RESPONSE, 0, pdu.sequence, body);
        self.stream.write_all(&answer.octets()).expect("an answer");
        None
    }

    /// The next delivery.
    fn delivery(&mut self) -> Message {
        while self.delivered.is_empty() {
            assert!(self.read().is_none(), "nothing is asked");
        }
        self.delivered.remove(0)
    }

    fn submit(&mut self, message: &Message) -> String {
        let answer = self.ask(wire::SUBMIT_SM, message.body());
        assert_eq!(answer.status, wire::OK);
        answer.first_text()
    }

    /// message_state, and whether there is a final_date.
    fn query(&mut self, id: &str) -> Result<(u8, bool), u32> {
        let answer = self.ask(wire::QUERY_SM, [id.as_bytes(), &[0, 0, 0], b"12345\0"].concat());
        if answer.status != wire::OK {
            return Err(answer.status);
        }
        assert_eq!(answer.first_text(), id);
        let rest = &answer.body[id.len() + 1..];
        let end = rest.iter().position(|octet| *octet == 0).expect("the end of final_date");
        Ok((rest[end + 1], end == 16))
    }

    fn cancel(&mut self, id: &str, destination: &str) -> u32 {
        let addresses: [&[u8]; 4] = [&[0, 0], b"12345\0\x01\x01", destination.as_bytes(), &[0]];
        self.ask(wire::CANCEL_SM, [&[0], id.as_bytes(), &[0], &addresses.concat()].concat()).status
    }

    fn replace(&mut self, id: &str, schedule: &str, registered: u8, text: &[u8], more: &[u8]) -> u32 {
        let length = u8::try_from(text.len()).expect("a short text");
        let head =
            [id.as_bytes(), &[0, 0, 0], b"12345\0", schedule.as_bytes(), &[0, 0, registered, 0]].concat();
        self.ask(wire::REPLACE_SM, [&head, &[length][..], text, more].concat()).status
    }
}

fn message(destination: &str, text: &str) -> Message {
    Message {
        source: "12345".to_owned(),
        destination: destination.to_owned(),
        text: text.as_bytes().to_vec(),
        ..Message::default()
    }
}

/// A receipt, or a notice on the way, for a submit that the SMSC took.
fn report(smsc: &Smsc, esm_class: u8, number: usize, stat: &str) {
    let taken = &smsc.taken()[number];
    let text = format!(
        "id:{} sub:001 dlvrd:000 submit date:2611220400 done date:2611220400 stat:{stat} err:000 text:",
        taken.id
    );
    let (from, to) = (&taken.message.destination, &taken.message.source);
    smsc.deliver(&Message { esm_class, source: from.clone(), ..message(to, &text) });
}

fn arrived(smsc: &Smsc, count: usize) -> Vec<Message> {
    wait_for("messages at the SMSC", PATIENCE, || (smsc.count() >= count).then_some(()));
    assert_eq!(smsc.count(), count);
    smsc.taken().into_iter().map(|taken| taken.message).collect()
}

#[test]
fn what_waits_is_queried_cancelled_and_replaced() {
    let smsc = Smsc::start(None);
    let site = Site::new(&rows(smsc.address, "", ""));
    let _node = site.start_linked();
    let mut esme = Asking::bind(&site);
    let scheduled =
        |to: &str| Message { schedule: IN_AN_HOUR.to_owned(), registered: 1, ..message(to, "first text") };

    let id = esme.submit(&scheduled("447700900001"));
    assert_eq!(esme.query(&id), Ok((ENROUTE, false)));
    assert_eq!(esme.query("000660d84e448ebb0018e1ad991b5400"), Err(NO_SUCH_ID));
    assert_eq!(esme.cancel(&id, "447700900009"), NOT_CANCELLED, "the destination is another");
    assert_eq!(esme.cancel(&id, "447700900001"), wire::OK);
    let receipt = esme.delivery();
    assert_eq!(
        (receipt.receipt_field("id"), receipt.receipt_field("stat")),
        (id.clone(), "DELETED".to_owned())
    );
    assert_eq!(esme.query(&id), Ok((DELETED, true)));
    assert_eq!(esme.cancel(&id, "447700900001"), NOT_CANCELLED);

    let ids = ["447700900002", "447700900002", "447700900003"].map(|to| esme.submit(&scheduled(to)));
    assert_eq!(esme.cancel("", "447700900002"), wire::OK, "all between two addresses");
    let states = ids.each_ref().map(|id| esme.query(id).expect("a state").0);
    assert_eq!(states, [DELETED, DELETED, ENROUTE]);
    for _ in 0..2 {
        assert_eq!(esme.delivery().receipt_field("stat"), "DELETED");
    }

    // With a time that is over it leaves at once, with its new text and its new wish.
    assert_eq!(esme.replace(&ids[2], "", 0, b"second text", &[]), wire::OK);
    assert_eq!(smsc.count(), 0, "its schedule stays");
    assert_eq!(esme.replace(&ids[2], OVER, 0x11, b"third text", &[]), wire::OK);
    let left = &arrived(&smsc, 1)[0];
    assert_eq!((&left.text[..], left.registered), (&b"third text"[..], 0x11));
    report(&smsc, 0x04, 0, "DELIVRD");
    let receipt = esme.delivery();
    assert_eq!(
        (receipt.receipt_field("id"), receipt.receipt_field("stat")),
        (ids[2].clone(), "DELIVRD".to_owned())
    );
    assert_eq!(esme.query(&ids[2]), Ok((DELIVERED, true)));
    assert_eq!(esme.replace(&ids[2], "", 0, b"too late", &[]), NOT_REPLACED);
    assert_eq!(esme.replace("0000", "", 0, b"whose", &[]), NO_SUCH_ID);
}

#[test]
fn a_text_that_replaces_another_is_read_and_cut_as_one_that_is_submitted() {
    let smsc = Smsc::start(None);
    let utf8 = "quirks = { default_alphabet = \"utf8\" }\n";
    let site = Site::new(&rows(smsc.address, utf8, "long_messages = \"udh8\"\n"));
    let _node = site.start_linked();
    let mut esme = Asking::bind(&site);
    let scheduled = Message { schedule: IN_AN_HOUR.to_owned(), ..message("447700900001", "\u{4f60}") };
    // Submitted in UCS-2 for want of a letter, replaced by what GSM 03.38 has.
    let id = esme.submit(&scheduled);
    assert_eq!(esme.replace(&id, OVER, 0, "Grüße".as_bytes(), &[]), wire::OK);
    assert_eq!(arrived(&smsc, 1)[0].text, b"Gr\x7e\x1ee");

    let id = esme.submit(&scheduled);
    let long = [&PAYLOAD[..], &300_u16.to_be_bytes(), &[b'x'; 300]].concat();
    assert_eq!(esme.replace(&id, OVER, 1, b"", &long), wire::OK);
    let parts = &arrived(&smsc, 3)[1..];
    assert_eq!(parts.iter().map(|part| part.esm_class & 0x40).collect::<Vec<_>>(), [0x40; 2]);
    assert_eq!(parts.iter().map(|part| part.text[4..6].to_vec()).collect::<Vec<_>>(), [[2, 1], [2, 2]]);
    assert_eq!(parts.iter().map(|part| part.text.len() - 6).sum::<usize>(), 300);
    report(&smsc, 0x04, 1, "DELIVRD");
    report(&smsc, 0x04, 2, "DELIVRD");
    let receipt = esme.delivery();
    assert_eq!(
        (receipt.receipt_field("id"), receipt.receipt_field("stat")),
        (id.clone(), "DELIVRD".to_owned())
    );
    assert_eq!(esme.query(&id), Ok((DELIVERED, true)));
}

#[test]
fn a_submission_takes_the_place_of_what_waits_and_else_lets_the_smsc_replace() {
    let smsc = Smsc::start(None);
    let site = Site::new(&rows(smsc.address, "", ""));
    let _node = site.start_linked();
    let mut esme = Asking::bind(&site);
    let to = "447700900001";
    let waiting = Message {
        schedule: IN_AN_HOUR.to_owned(),
        service_type: "WAP".to_owned(),
        registered: 1,
        ..message(to, "old")
    };
    let old = esme.submit(&waiting);
    let other = Message { replaces: 1, ..message(to, "another service") };
    esme.submit(&other);
    let new = Message { replaces: 1, service_type: "WAP".to_owned(), ..message(to, "new") };
    let replacing = esme.submit(&new);
    assert_ne!(old, replacing);
    let receipt = esme.delivery();
    assert_eq!(
        (receipt.receipt_field("id"), receipt.receipt_field("stat")),
        (old.clone(), "DELETED".to_owned())
    );
    assert_eq!(esme.query(&old), Ok((DELETED, true)));
    esme.submit(&Message { text: b"newest".to_vec(), ..new });
    let left = arrived(&smsc, 3);
    let seen =
        left.iter().map(|message| (String::from_utf8_lossy(&message.text).into_owned(), message.replaces));
    let expected =
        [("another service", 1), ("new", 0), ("newest", 1)].map(|(text, flag)| (text.to_owned(), flag));
    assert_eq!(seen.collect::<Vec<_>>(), expected);
    wait_for("the record of the old one", PATIENCE, || {
        let records = site.finals();
        let record = records.iter().find(|record| record["visible_id"] == old.as_str())?;
        assert_eq!(
            (&record["outcome"], &record["reason"]),
            (&"replaced".into(), &"replaced_by_origin".into())
        );
        Some(())
    });
}

#[test]
fn the_origin_gets_the_reports_that_it_asked_for() {
    let smsc = Smsc::start(None);
    let site = Site::new(&rows(smsc.address, "", ""));
    let _node = site.start_linked();
    let mut esme = Asking::bind(&site);
    // Asked for, as it leaves, and the reports that come of a notice on the way and a failure.
    let cases: [(u8, u8, &[&str]); 8] = [
        (0x00, 0x00, &[]),
        (0x01, 0x01, &["UNDELIV"]),
        (0x02, 0x01, &["UNDELIV"]),
        (0x03, 0x01, &[]),
        (0x10, 0x11, &["ENROUTE"]),
        (0x11, 0x11, &["ENROUTE", "UNDELIV"]),
        (0x0c, 0x0c, &[]),
        (0x0d, 0x0d, &["UNDELIV"]),
    ];
    for (number, (asked, leaves, reports)) in cases.into_iter().enumerate() {
        let registered = Message { registered: asked, ..message(&format!("44770090000{number}"), "text") };
        let id = esme.submit(&registered);
        assert_eq!(arrived(&smsc, number + 1)[number].registered, leaves, "{asked:#04x}");
        // Each is delivered once the one before is: the order is that of the session.
        for (esm_class, stat) in [(0x20, "ENROUTE"), (0x04, "UNDELIV")] {
            report(&smsc, esm_class, number, stat);
            if !reports.contains(&stat) {
                continue;
            }
            let told = esme.delivery();
            assert_eq!((told.receipt_field("id"), told.receipt_field("stat")), (id.clone(), stat.to_owned()));
            assert_eq!(told.esm_class, esm_class, "{asked:#04x}");
        }
    }
    assert!(esme.delivered.is_empty(), "{:?}", esme.delivered);
}
