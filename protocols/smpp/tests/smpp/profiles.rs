//! Every cell of the tables in `profiles.md`.

use bytes::{BufMut, Bytes, BytesMut};
use signalbox_smpp::{
    Body, CommandId, CommandStatus, DataCoding, EsmClass, IdCandidates, IdPlace, Limits, MessageIdForm,
    Packing, Pdu, Profile, Receipt, ReceiptRules, ShortMessage, Tag, Version,
};

const TABLES: &str = include_str!("../../profiles.md");

/// The column names and the rows (name, cells) of the table under a heading.
fn table(heading: &str) -> (Vec<&'static str>, Vec<(&'static str, Vec<&'static str>)>) {
    let section = TABLES.split("\n## ").find(|section| section.starts_with(heading)).expect(heading);
    let mut lines = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let columns = lines.next().expect("column names")[1..].to_vec();
    let rows = lines.skip(1).map(|cells| (cells[0], cells[1..].to_vec())).collect();
    (columns, rows)
}

fn profile(name: &str) -> Profile {
    let wide = Limits { address: 40, service_type: 10, message_id: 100, system_id: 40, ..Limits::default() };
    match name {
        "strict 3.3" => Profile::strict(Version::V3_3),
        "strict 3.4" => Profile::strict(Version::V3_4),
        "strict 5.0" => Profile::strict(Version::V5_0),
        "default" => Profile::default(),
        "lenient" => Profile::lenient(),
        "wide" => Profile { limits: wide, ..Profile::default() },
        other => panic!("no profile {other}"),
    }
}

/// A PDU under construction, field by field.
pub struct Frame(BytesMut);

impl Frame {
    pub fn new(command: CommandId, status: CommandStatus) -> Frame {
        let mut octets = BytesMut::new();
        octets.put_u32(0);
        octets.put_u32(command.0);
        octets.put_u32(status.0);
        octets.put_u32(77);
        Frame(octets)
    }

    pub fn text(mut self, text: &[u8]) -> Frame {
        self.0.put_slice(text);
        self.0.put_u8(0);
        self
    }

    pub fn octets(mut self, octets: &[u8]) -> Frame {
        self.0.put_slice(octets);
        self
    }

    pub fn sequence(mut self, sequence: u32) -> Frame {
        self.0[12..16].copy_from_slice(&sequence.to_be_bytes());
        self
    }

    pub fn bytes(mut self) -> Bytes {
        let length = self.0.len() as u32;
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0.freeze()
    }
}

/// The parts of a submit_sm that the faults change.
pub struct Submit<'a> {
    pub service_type: &'a [u8],
    pub source: &'a [u8],
    pub destination: &'a [u8],
    pub schedule: &'a [u8],
    pub validity: &'a [u8],
    pub sm_length: u8,
    pub tail: &'a [u8],
}

pub const PLAIN: Submit<'static> = Submit {
    service_type: b"",
    source: b"4242",
    destination: b"447700900123",
    schedule: b"",
    validity: b"",
    sm_length: 5,
    tail: b"hello",
};

impl Submit<'_> {
    pub fn bytes(&self) -> Bytes {
        Frame::new(CommandId::SUBMIT_SM, CommandStatus::ROK)
            .text(self.service_type)
            .octets(&[0, 0])
            .text(self.source)
            .octets(&[1, 1])
            .text(self.destination)
            .octets(&[0, 0, 0])
            .text(self.schedule)
            .text(self.validity)
            .octets(&[0, 0, 0, 0, self.sm_length])
            .octets(self.tail)
            .bytes()
    }
}

fn frame(command: CommandId) -> Frame {
    Frame::new(command, CommandStatus::ROK)
}

/// What must be true of a PDU that is accepted.
type Check = fn(&Pdu) -> bool;

fn submitted(pdu: &Pdu) -> &ShortMessage {
    match &pdu.body {
        Body::SubmitSm(message) => message,
        other => panic!("{other:?}"),
    }
}

fn id(pdu: &Pdu) -> &[u8] {
    match &pdu.body {
        Body::SubmitSmResp(resp) => &resp.message_id,
        other => panic!("{other:?}"),
    }
}

fn says_hello(pdu: &Pdu) -> bool {
    &submitted(pdu).short_message[..] == b"hello"
}

const LONG: &[u8] = b"012345678901234567890123456789";

fn fault(name: &str) -> (Bytes, Check) {
    let resp = || frame(CommandId::SUBMIT_SM_RESP);
    let submit = |change: Submit<'_>| change.bytes();
    match name {
        "latin-1 in source_addr" => (submit(Submit { source: b"Caf\xe9", ..PLAIN }), |pdu| {
            submitted(pdu).source.addr == b"Caf\xe9"[..]
        }),
        "latin-1 in destination_addr" => (submit(Submit { destination: b"\xb1447", ..PLAIN }), |pdu| {
            submitted(pdu).destination.addr == b"\xb1447"[..]
        }),
        "body missing in submit_sm_resp" => (resp().bytes(), |pdu| id(pdu).is_empty()),
        "body missing in submit_sm_resp with an error status" => {
            (Frame::new(CommandId::SUBMIT_SM_RESP, CommandStatus::RTHROTTLED).bytes(), |pdu| {
                id(pdu).is_empty() && pdu.status == CommandStatus::RTHROTTLED
            })
        }
        "body missing in bind_transceiver_resp" => (
            frame(CommandId::BIND_TRANSCEIVER_RESP).bytes(),
            |pdu| matches!(&pdu.body, Body::BindTransceiverResp(resp) if resp.system_id.is_empty()),
        ),
        "NUL missing after message_id in submit_sm_resp" => {
            (resp().octets(b"1A2B").bytes(), |pdu| id(pdu) == b"1A2B")
        }
        "NUL missing after address_range in bind_receiver" => (
            frame(CommandId::BIND_RECEIVER).text(b"me").text(b"pw").text(b"").octets(b"\x34\0\0^44").bytes(),
            |pdu| matches!(&pdu.body, Body::BindReceiver(bind) if bind.address_range == "^44"),
        ),
        "NUL missing after source_addr in query_sm" => (
            frame(CommandId::QUERY_SM).text(b"1A2B").octets(b"\0\x004242").bytes(),
            |pdu| matches!(&pdu.body, Body::QuerySm(query) if query.source.addr == "4242"),
        ),
        "sm_length one too large" => (submit(Submit { sm_length: 6, ..PLAIN }), says_hello),
        "sm_length one too large before a TLV" => {
            (submit(Submit { sm_length: 6, tail: b"hello\x02\x04\0\x02\x12\x34", ..PLAIN }), |pdu| {
                says_hello(pdu) && submitted(pdu).tlvs.u16(Tag::USER_MESSAGE_REFERENCE) == Some(0x1234)
            })
        }
        "sm_length one too small" => {
            (submit(Submit { sm_length: 4, tail: b"hello\x02\x04\0\x02\x12\x34", ..PLAIN }), |pdu| {
                says_hello(pdu) && submitted(pdu).tlvs.u16(Tag::USER_MESSAGE_REFERENCE) == Some(0x1234)
            })
        }
        "NUL after short_message not counted" => (submit(Submit { tail: b"hello\0", ..PLAIN }), says_hello),
        "sm_length far too large" => (submit(Submit { sm_length: 200, ..PLAIN }), |_| false),
        "short_message of 255 octets" => {
            (submit(Submit { sm_length: 255, tail: &[b'x'; 255], ..PLAIN }), |pdu| {
                submitted(pdu).short_message.len() == 255
            })
        }
        "short_message and message_payload" => {
            (submit(Submit { tail: b"hello\x04\x24\0\x02hi", ..PLAIN }), |pdu| {
                says_hello(pdu) && submitted(pdu).payload() == "hello"
            })
        }
        "vendor TLV twice" => {
            (submit(Submit { tail: b"hello\x14\x01\0\x01a\x14\x01\0\x01b", ..PLAIN }), |pdu| {
                submitted(pdu).tlvs.get_all(Tag(0x1401)).eq([&b"a"[..], b"b"])
            })
        }
        "TLV of a wrong length" => (submit(Submit { tail: b"hello\x02\x0e\0\x02\0\x03", ..PLAIN }), |pdu| {
            submitted(pdu).tlvs.get(Tag::SAR_TOTAL_SEGMENTS) == Some(b"\0\x03")
        }),
        "TLV past the end" => (submit(Submit { tail: b"hello\x02\x04\0\x08\x12\x34", ..PLAIN }), |_| false),
        "TLV past the end in submit_sm_resp" => {
            (resp().text(b"1A2B").octets(b"\x04\x28\0\x09\x01").bytes(), |pdu| id(pdu) == b"1A2B")
        }
        "stray octets after enquire_link" => {
            (frame(CommandId::ENQUIRE_LINK).octets(b"\xff\xff").bytes(), |pdu| pdu.body == Body::EnquireLink)
        }
        "stray octets after generic_nack" => {
            (frame(CommandId::GENERIC_NACK).octets(b"\0").bytes(), |pdu| pdu.body == Body::GenericNack)
        }
        "validity_period of 12 characters" => {
            (submit(Submit { validity: b"240510154300", ..PLAIN }), |pdu| {
                submitted(pdu).validity_period == "240510154300"
            })
        }
        "schedule_delivery_time in month 13" => {
            (submit(Submit { schedule: b"241310154307300+", ..PLAIN }), |pdu| {
                submitted(pdu).schedule_delivery_time == "241310154307300+"
            })
        }
        "validity_period of 20 characters" => (submit(Submit { validity: &LONG[..20], ..PLAIN }), |_| false),
        "source_addr of 30 octets" => {
            (submit(Submit { source: LONG, ..PLAIN }), |pdu| submitted(pdu).source.addr == *LONG)
        }
        "destination_addr of 30 octets" => {
            (submit(Submit { destination: LONG, ..PLAIN }), |pdu| submitted(pdu).destination.addr == *LONG)
        }
        "source_addr of 30 octets in data_sm" => (
            frame(CommandId::DATA_SM)
                .text(b"")
                .octets(&[5, 0])
                .text(LONG)
                .octets(&[1, 1])
                .text(b"447700900123")
                .octets(&[0, 0, 0])
                .bytes(),
            |pdu| matches!(&pdu.body, Body::DataSm(message) if message.source.addr == *LONG),
        ),
        "service_type of 7 octets" => (submit(Submit { service_type: &LONG[..7], ..PLAIN }), |pdu| {
            submitted(pdu).service_type == LONG[..7]
        }),
        "system_id of 16 octets" => (
            bind(&LONG[..16], b"pw"),
            |pdu| matches!(&pdu.body, Body::BindTransceiver(bind) if bind.system_id == LONG[..16]),
        ),
        "password of 9 octets" => (
            bind(b"me", &LONG[..9]),
            |pdu| matches!(&pdu.body, Body::BindTransceiver(bind) if bind.password == LONG[..9]),
        ),
        "message_id of 65 octets in submit_sm_resp" => {
            (resp().text(&[b'7'; 65]).bytes(), |pdu| id(pdu).len() == 65)
        }
        "dest_flag 3 in submit_multi" => (multi(1, 3), |_| false),
        "number_of_dests beyond the list" => (multi(5, 1), |_| false),
        "submit_sm without a body" => (frame(CommandId::SUBMIT_SM).bytes(), |_| false),
        "submit_sm cut after esm_class" => (
            frame(CommandId::SUBMIT_SM)
                .text(b"")
                .octets(&[0, 0])
                .text(b"1")
                .octets(&[0, 0])
                .text(b"2")
                .octets(&[0])
                .bytes(),
            |_| false,
        ),
        "bind_transceiver cut after system_type" => {
            (frame(CommandId::BIND_TRANSCEIVER).text(b"me").text(b"pw").text(b"").bytes(), |_| false)
        }
        "unknown command" => (
            frame(CommandId(0x0001_0203)).octets(b"\x01\x02").bytes(),
            |pdu| matches!(&pdu.body, Body::Unknown(unknown) if unknown.octets == b"\x01\x02"[..]),
        ),
        other => panic!("no pdu for {other}"),
    }
}

fn bind(system_id: &[u8], password: &[u8]) -> Bytes {
    frame(CommandId::BIND_TRANSCEIVER)
        .text(system_id)
        .text(password)
        .text(b"")
        .octets(&[0x34, 0, 0])
        .text(b"")
        .bytes()
}

fn multi(count: u8, flag: u8) -> Bytes {
    frame(CommandId::SUBMIT_MULTI)
        .text(b"")
        .octets(&[0, 0])
        .text(b"4242")
        .octets(&[count, flag, 1, 1])
        .text(b"447700900123")
        .octets(&[0, 0, 0])
        .text(b"")
        .text(b"")
        .octets(&[0, 0, 0, 0, 2, b'h', b'i'])
        .bytes()
}

#[test]
fn decoding() {
    let (columns, rows) = table("Decoding");
    assert_eq!((columns.len(), rows.len()), (6, 37));
    for (name, cells) in rows {
        let (frame, check) = fault(name);
        for (column, cell) in columns.iter().zip(cells) {
            match Pdu::decode(&frame, &profile(column)) {
                Ok(pdu) => {
                    assert_eq!(cell, "accepted", "{name}, {column}");
                    assert!(check(&pdu), "{name}, {column}: {pdu:?}");
                }
                Err(error) => {
                    assert_eq!(error.status.to_string(), cell, "{name}, {column}: {error}");
                    assert_eq!(error.sequence, 77, "{name}, {column}");
                    assert!(error.offset <= frame.len(), "{name}, {column}");
                    let reply = error.reply();
                    assert_eq!(reply.is_none(), error.command.is_response(), "{name}, {column}");
                    if let Some(reply) = reply {
                        assert_eq!(reply.command(), error.command.response(), "{name}, {column}");
                        assert_eq!((reply.status, reply.sequence), (error.status, 77), "{name}, {column}");
                    }
                }
            }
        }
    }
}

#[test]
fn message_ids() {
    let (columns, rows) = table("Message ids");
    assert_eq!((columns.len(), rows.len()), (6, 9));
    for (name, cells) in rows {
        let (response, receipt) = name.split_once(", ").expect("two ids");
        for (column, cell) in columns.iter().zip(cells) {
            let form = match *column {
                "Any" => MessageIdForm::Any,
                "Text" => MessageIdForm::Text,
                "Decimal" => MessageIdForm::Decimal,
                "Hex" => MessageIdForm::Hex,
                "HexThenDecimal" => MessageIdForm::HexThenDecimal,
                "DecimalThenHex" => MessageIdForm::DecimalThenHex,
                other => panic!("no form {other}"),
            };
            let sent = IdCandidates::of(response.as_bytes(), IdPlace::Response, form);
            let profile = Profile { message_id: form, ..Profile::default() };
            let text = Bytes::from(format!("id:{receipt} stat:DELIVRD"));
            let got = Receipt::parse(&text, &profile.receipt).expect("a receipt").candidates(&profile);
            let found = if sent.matches(&got).is_some() { "match" } else { "no match" };
            assert_eq!(found, cell, "{name}, {column}");
        }
    }
}

#[test]
fn receipts() {
    let (columns, rows) = table("Receipts");
    assert_eq!((columns.len(), rows.len()), (2, 7));
    for (name, cells) in rows {
        let (class, text) = name.split_once(", ").expect("class and text");
        let class = class.strip_prefix("esm_class 0x").expect("a class");
        let mut message = ShortMessage {
            esm_class: EsmClass(u8::from_str_radix(class, 16).expect("hexadecimal")),
            ..ShortMessage::default()
        };
        match text {
            "text of appendix B" => message.short_message = "id:1 sub:001 stat:DELIVRD err:000 text:x".into(),
            "a subscriber's text" => message.short_message = "hello".into(),
            "TLVs alone" => message.tlvs.push_c_octets(Tag::RECEIPTED_MESSAGE_ID, b"1").unwrap(),
            other => panic!("no text for {other}"),
        }
        for (column, cell) in columns.iter().zip(cells) {
            let receipt = ReceiptRules { by_text: *column == "by text", ..ReceiptRules::default() };
            let profile = Profile { receipt, ..Profile::default() };
            let found = if Receipt::of(&message, &profile).is_some() { "receipt" } else { "message" };
            assert_eq!(found, cell, "{name}, {column}");
        }
    }
}

#[test]
fn text() {
    let (columns, rows) = table("Text");
    assert_eq!((columns.len(), rows.len()), (3, 9));
    for (name, cells) in rows {
        let coding = u8::from_str_radix(&name[2..], 16).expect("hexadecimal");
        for (column, cell) in columns.iter().zip(cells) {
            let profile = match *column {
                "default" => Profile::default(),
                "packed" => Profile { gsm7: Packing::Packed, ..Profile::default() },
                "latin1" => {
                    Profile { default_alphabet: signalbox_smpp::Alphabet::Latin1, ..Profile::default() }
                }
                other => panic!("no profile {other}"),
            };
            let (alphabet, packing) = profile.alphabet(DataCoding(coding));
            assert_eq!(format!("{alphabet:?} {packing:?}"), cell, "{name}, {column}");
        }
    }
}
