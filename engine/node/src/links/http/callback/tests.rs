use std::path::Path;

use axum::http::HeaderMap;
use signalbox_config::Catalog;
use signalbox_config::value::SecretPlaces;
use signalbox_core::id::LinkId;

use super::super::found::form;
use super::*;

const NOW: Micros = Micros(1_700_000_000_000_000);

/// A link with these lines about its callbacks.
fn link(lines: &str) -> LinkSettings {
    let text = format!(
        "[[link]]\nname = 'a'\nprotocol = 'http'\n[link.http]\nurl = 'http://h/'\n[link.http.callback]\n{lines}\n"
    );
    let catalog = Catalog::parse("c", &text).unwrap_or_else(|errors| panic!("{errors}"));
    LinkSettings::of_row(LinkId(4), &catalog.link[0], SecretPlaces { directory: Path::new("/") }).unwrap()
}

struct Call<'a> {
    kind: CallKind,
    from: &'a str,
    headers: &'a [(&'static str, &'a str)],
    query: &'a str,
    body: &'a str,
}

impl Default for Call<'_> {
    fn default() -> Self {
        Self {
            kind: CallKind::Events,
            from: "192.0.2.1",
            headers: &[("authorization", "Bearer t")],
            query: "",
            body: "",
        }
    }
}

fn call(link: &LinkSettings, call: &Call<'_>) -> Result<Vec<Event>, CallbackError> {
    let mut headers = HeaderMap::new();
    for (name, value) in call.headers {
        headers.insert(*name, value.parse().unwrap());
    }
    let document = Document::new(&headers, call.body.as_bytes(), form(call.query.as_bytes()));
    receive(link, &Called { kind: call.kind, from: call.from.parse().ok(), document, now: NOW })
}

const RECEIPT: &str = r#"{"id": "e1", "type": "receipt", "receipt": {"message_id": "A1", "state": "undeliverable",
    "destination": "447700900123", "error": 34}}"#;
const MO: &str = r#"{"id": "e2", "type": "mo", "message": {"source": "+447700900123", "destination": "12345",
    "text": "YES"}}"#;

fn receipt_of(events: &[Event]) -> &LinkReceipt {
    let [Event::Receipt(receipt)] = events else { panic!("{events:?}") };
    receipt
}

fn inbound_of(events: &[Event]) -> &Inbound {
    let [Event::Inbound(inbound)] = events else { panic!("{events:?}") };
    inbound
}

#[test]
fn events_of_our_own_webhooks_need_no_words() {
    let link = link("token = 't'");
    let events = call(&link, &Call { body: RECEIPT, ..Call::default() }).unwrap();
    let receipt = receipt_of(&events);
    assert_eq!((receipt.link, &receipt.remote_id[..], receipt.error), (LinkId(4), &b"A1"[..], 34));
    assert_eq!(receipt.state, ReceiptState::Undeliverable);
    assert_eq!(receipt.device.digits(), Some(&b"447700900123"[..]));

    let events = call(&link, &Call { body: MO, ..Call::default() }).unwrap();
    let first = inbound_of(&events);
    assert_eq!((first.source.ton, first.source.octets()), (ton::INTERNATIONAL, &b"447700900123"[..]));
    assert_eq!((first.destination.ton, first.destination.octets()), (ton::NETWORK, &b"12345"[..]));
    assert_eq!((first.content.data_coding, &first.content.payload[..]), (0, &b"YES"[..]));
    // A copy has the same reference, another event of the same text another one.
    let again = call(&link, &Call { body: MO, ..Call::default() }).unwrap();
    assert_eq!(inbound_of(&again).reference, first.reference);
    let other = MO.replace("e2", "e3");
    let other = call(&link, &Call { body: &other, ..Call::default() }).unwrap();
    assert_ne!(inbound_of(&other).reference, first.reference);
}

#[test]
fn nobody_calls_back_who_does_not_show_that_he_may() {
    let body = RECEIPT;
    for (lines, good, bad) in [
        ("token = 't'", Call { body, ..Call::default() }, Call { headers: &[], body, ..Call::default() }),
        (
            "token = 't'",
            Call { headers: &[("authorization", "t")], body, ..Call::default() },
            Call { headers: &[("authorization", "Bearer u")], body, ..Call::default() },
        ),
        (
            "token = 't'\ntoken_at = 'field:key'",
            Call { query: "key=t", headers: &[], body, ..Call::default() },
            Call { query: "key=", body, ..Call::default() },
        ),
        (
            "allow_from = ['192.0.2.0/24']",
            Call { headers: &[], body, ..Call::default() },
            Call { from: "198.51.100.1", body, ..Call::default() },
        ),
        (
            "allow_from = ['192.0.2.0/24']\ntoken = 't'",
            Call { body, ..Call::default() },
            Call { headers: &[], body, ..Call::default() },
        ),
        (
            "secret = 'key'\nsignature = 'hmac_sha256'\nsignature_header = 'x-sig'",
            Call { headers: &[("x-sig", &hmac("key", RECEIPT))], body, ..Call::default() },
            Call { headers: &[("x-sig", &hmac("other", RECEIPT))], body, ..Call::default() },
        ),
    ] {
        let link = link(lines);
        assert!(call(&link, &good).is_ok(), "{lines}");
        assert_eq!(call(&link, &bad).unwrap_err(), CallbackError::Stranger, "{lines}");
    }
    // A link without callbacks has none.
    let mut closed = link("token = 't'");
    closed.http = None;
    assert_eq!(call(&closed, &Call { body, ..Call::default() }).unwrap_err(), CallbackError::Stranger);
}

fn hmac(key: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let digits: String = mac.finalize().into_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
    format!("sha256={digits}")
}

#[test]
fn our_own_signature_is_bound_to_its_time() {
    let link = link("secret = 'key'\nmax_age = '5m'");
    let signed = |seconds| crate::webhooks::sign("key", seconds, RECEIPT.as_bytes());
    let with = |signature: &str| {
        call(
            &link,
            &Call { headers: &[("signalbox-signature", signature)], body: RECEIPT, ..Call::default() },
        )
    };
    for seconds in [1_700_000_000, 1_700_000_300, 1_699_999_700] {
        assert!(with(&signed(seconds)).is_ok(), "{seconds}");
    }
    for wrong in [
        signed(1_700_000_301),
        signed(1_699_999_699),
        signed(1_700_000_000).replace("t=1700000000", "t=1700000001"),
        crate::webhooks::sign("other", 1_700_000_000, RECEIPT.as_bytes()),
        "t=1700000000".into(),
        "v1=00".into(),
        String::from("nonsense"),
    ] {
        assert_eq!(with(&wrong).unwrap_err(), CallbackError::Stranger, "{wrong}");
    }
}

#[test]
fn another_apis_callbacks_are_data() {
    let link = link(
        "token = 't'\n[link.http.callback.receipt]\nid_at = 'field:msgid'\nstate_at = 'field:status'\n\
         to_at = 'field:to'\nerror_at = 'field:err'\nstates = { 1 = 'delivered', FAILED = 'undeliverable' }\n\
         [link.http.callback.mo]\nid_at = 'none'\nfrom_at = 'field:from'\nto_at = 'field:shortcode'\n\
         text_at = 'field:text'\ndata_at = 'field:bin'\nudh_at = 'field:udh'\ncoding_at = 'field:dcs'",
    );
    for (word, state) in [
        ("1", ReceiptState::Delivered),
        ("failed", ReceiptState::Undeliverable),
        ("DELIVRD", ReceiptState::Delivered),
        ("enroute", ReceiptState::Enroute),
    ] {
        let query = format!("msgid=x7&status={word}&to=%2B447700900123&err=junk");
        let asked = Call { kind: CallKind::Receipts, query: &query, ..Call::default() };
        let events = call(&link, &asked).unwrap();
        assert_eq!((receipt_of(&events).state, receipt_of(&events).error), (state, 0), "{word}");
    }
    let mo = |query: &str| call(&link, &Call { kind: CallKind::Mo, query, ..Call::default() });
    let events = mo("from=447700900123&shortcode=BRAND&text=%D0%AF").unwrap();
    let inbound = inbound_of(&events);
    assert_eq!((inbound.content.data_coding, &inbound.content.payload[..]), (8, &b"\x04\x2f"[..]));
    assert_eq!((inbound.destination.ton, inbound.reference), (ton::ALPHANUMERIC, None));
    let events = mo("from=447700900123&shortcode=1&bin=74&udh=0500032a0302&dcs=0").unwrap();
    let inbound = inbound_of(&events);
    assert_eq!((inbound.content.esm_class, inbound.first_part), (EsmClass::UDHI, false));
    assert_eq!(&inbound.content.payload[..], b"\x05\x00\x03\x2a\x03\x02t");
    assert!(mo("from=447700900123&shortcode=1&text=").is_ok(), "an empty text is one");
    for (wrong, told) in [
        ("shortcode=1&text=a", "the sender is not at field:from"),
        ("from=447700900123&shortcode=1", "neither text nor octets are at field:text"),
        ("from=447700900123&shortcode=1&bin=zz", "no hexadecimal digits are at field:bin"),
        ("from=447700900123&shortcode=1&bin=74&udh=05", "no user data header is at field:udh"),
        ("from=447700900123&shortcode=1&bin=74&dcs=999", "data_coding is not 0 to 255"),
        ("from=%D0%AF&shortcode=1&text=a", "an address has letters of no network"),
    ] {
        assert_eq!(mo(wrong).unwrap_err(), unreadable(told), "{wrong}");
    }
}

#[test]
fn a_state_that_is_not_known_is_refused_unless_the_row_says_what_it_means() {
    let body = RECEIPT.replace("undeliverable", "lost in space");
    let asked = Call { body: &body, ..Call::default() };
    let strict = call(&link("token = 't'"), &asked).unwrap_err();
    assert_eq!(strict, unreadable("the state `lost in space` is not known"));
    let lenient = call(&link("token = 't'\nreceipt = { other_states = 'unknown' }"), &asked).unwrap();
    assert_eq!(receipt_of(&lenient).state, ReceiptState::Unknown);
}

#[test]
fn a_list_is_taken_whole_or_not_at_all() {
    let link = link("token = 't'\nlist_at = '/results'");
    let body = format!(r#"{{"results": [{RECEIPT}, {MO}]}}"#);
    let events = call(&link, &Call { body: &body, ..Call::default() }).unwrap();
    assert!(matches!(events.as_slice(), [Event::Receipt(_), Event::Inbound(_)]));
    for wrong in [
        format!(r#"{{"results": [{RECEIPT}, {{}}]}}"#),
        format!(r#"{{"results": {RECEIPT}}}"#),
        RECEIPT.to_owned(),
        "no json".to_owned(),
        format!(r#"{{"results": [{}]}}"#, vec![RECEIPT; MOST + 1].join(",")),
    ] {
        assert!(matches!(
            call(&link, &Call { body: &wrong, ..Call::default() }).unwrap_err(),
            CallbackError::Unreadable(_)
        ));
    }
}
