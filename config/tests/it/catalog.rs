//! Rows: what is wrong with them, what refers to what, and how they reach the store and the API.

use signalbox_config::catalog::{Account, ErrorClass, Link, Route, Row, RowKind, Token};
use signalbox_config::setting::Setting;
use signalbox_config::value::{AccountPassword, SecretPlaces, StatusCode};
use signalbox_config::{Catalog, MASK, reference_catalog};

const ACCOUNT: &str = "[[account]]\nname = 'a'\nsystem_id = 'a'\npassword = 'secret'\n";
const LINK: &str =
    "[[link]]\nname = 'l'\nhost = 'smsc.example.com'\nport = 2775\nsystem_id = 'us'\npassword = 'pw'\n";

fn parse(text: &str) -> Catalog {
    Catalog::parse("c", text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(text: &str) -> Vec<String> {
    let errors = Catalog::parse("c", text).unwrap_err();
    errors.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn the_error_table_of_a_link_is_data() {
    let catalog =
        parse(&format!("{LINK}errors = {{ 0x58 = 'throttling', 0x400 = 'fatal', 20 = 'queue_full' }}\n"));
    let errors = &catalog.link[0].errors;
    assert_eq!(errors[&StatusCode(0x58)], ErrorClass::Throttling);
    assert_eq!(errors[&StatusCode(0x400)], ErrorClass::Fatal);
    assert_eq!(errors[&StatusCode(20)], ErrorClass::QueueFull);
}

#[test]
fn the_same_status_twice_is_told() {
    let text = format!("{LINK}errors = {{ 0x58 = 'throttling', 88 = 'fatal', zz = 'fatal', 1 = 'odd' }}\n");
    assert_eq!(
        errors(&text),
        [
            "c:7:33: link[0].errors.88: this key is there twice",
            "c:7:47: link[0].errors.zz: expected a command_status such as \"0x58\", found \"zz\"",
            "c:7:65: link[0].errors.1: expected one of `temporary`, `permanent`, `throttling`, `queue_full`, \
             `fatal`, found \"odd\"",
        ]
    );
}

#[test]
fn what_only_one_row_may_have_is_told_where_the_second_has_it() {
    let text = "[[account]]\nname = 'a'\nsystem_id = 'x'\npassword = 'p'\nmo_addresses = ['1*']\n\
                [[account]]\nname = 'a'\nsystem_id = 'x'\npassword = 'p'\nmo_addresses = ['12*', '1*']\n\
                [[carrier]]\nname = 'one'\nprefixes = ['44']\n\
                [[carrier]]\nname = 'two'\nprefixes = ['44', '1']\n\
                [[counter_policy]]\nname = 's'\nkind = 'source'\nthreshold = 1\n\
                [[counter_policy]]\nname = 't'\nkind = 'source'\nthreshold = 2\n";
    assert_eq!(
        errors(text),
        [
            "c:7:8: account[1].name: the account `a` has this already",
            "c:8:13: account[1].system_id: the account `a` has this already",
            "c:10:16: account[1].mo_addresses: the account `a` has this already",
            "c:16:12: carrier[1].prefixes: the carrier `one` has this already",
            "c:21:1: counter_policy[1].scope: the counter_policy `s` has this already",
        ]
    );
}

#[test]
fn rows_refer_to_rows_that_are_there() {
    let text = format!(
        "{LINK}carrier = 'none'\n\
         [[route]]\nname = 'r'\nwhen = {{ account = ['nobody'], carrier = ['none'], ingress = ['l', 'm'] }}\n\
         then = {{ links = [{{ link = 'l' }}, {{ link = 'gone' }}] }}\n\
         [[route]]\nname = 's'\nthen = {{ account = 'nobody' }}\n\
         [[counter_policy]]\nname = 'p'\nkind = 'pair'\nscope = 'carrier:none'\nthreshold = 5\n\
         [[token]]\nname = 't'\nsecret = '0123456789abcdef'\naccount = 'nobody'\nrights = ['messages:send']\n\
         [[webhook]]\nname = 'w'\naccount = 'nobody'\nurl = 'https://example.com'\nsecret = 'k'\n"
    );
    let found = errors(&text);
    let told: Vec<&str> = found.iter().map(|error| error.splitn(4, ':').nth(3).unwrap().trim()).collect();
    assert_eq!(
        told,
        [
            "link[0].carrier: there is no carrier `none`",
            "route[0].when.account: there is no account `nobody`",
            "route[0].when.carrier: there is no carrier `none`",
            "route[0].when.ingress: there is no link `m`",
            "route[0].then.links[1].link: there is no link `gone`",
            "route[1].then.account: there is no account `nobody`",
            "counter_policy[0].scope: there is no carrier `none`",
            "token[0].account: there is no account `nobody`",
            "webhook[0].account: there is no account `nobody`",
        ]
    );
}

#[test]
fn a_file_may_refer_to_rows_that_are_there_already() {
    let known = parse(LINK);
    let more = "[[route]]\nname = 'r'\nthen = { links = [{ link = 'l' }] }\n";
    assert!(Catalog::parse("c", more).is_err());
    assert_eq!(Catalog::parse_over("c", more, &known).unwrap().route.len(), 1);
    let mut merged = Catalog::parse_over("c", more, &known).unwrap();
    assert!(merged.check().is_err(), "the link is not among these rows");
    merged.link = known.link;
    merged.check().unwrap();
}

#[test]
fn a_route_does_one_thing() {
    let route = |then: &str| format!("{LINK}{ACCOUNT}[[route]]\nname = 'r'\nthen = {then}\n");
    for wrong in [
        "{}",
        "{ links = [] }",
        "{ account = 'a', reject = 'x' }",
        "{ links = [{ link = 'l' }, { link = 'l' }] }",
        "{ links = [{ link = 'l', weight = -1 }] }",
        "{ link = 'l' }",
    ] {
        assert!(Catalog::parse("c", &route(wrong)).is_err(), "{wrong}");
    }
    parse(&route("{ reject = 'not served' }"));
    let by_cost = format!("{}sharing = 'cheapest'\n", route("{ links = [{ link = 'l' }] }"));
    assert!(errors(&by_cost)[0].ends_with("route[0].sharing: by cost needs the cost of each link"));
}

#[test]
fn what_does_not_agree_in_a_row_is_told() {
    for (text, key) in [
        (format!("{ACCOUNT}sources = ['4479*']\ndefault_source = '12345'\n"), "account[0].default_source"),
        (format!("{ACCOUNT}bind_modes = []\n"), "account[0].bind_modes"),
        (format!("{ACCOUNT}default_validity = '2d'\nmax_validity = '1d'\n"), "account[0].default_validity"),
        (format!("{LINK}reconnect = {{ min = '2m' }}\n"), "link[0].reconnect.min"),
        (format!("{LINK}tls = {{ key = 'k.pem' }}\n"), "link[0].tls.certificate"),
        (format!("{LINK}rate = '10/min'\nslowest = '1/s'\n"), "link[0].slowest"),
        (format!("{LINK}[[link.rewrite]]\naddress = 'source'\n"), "link[0].rewrite[0].address"),
        (
            format!("{LINK}[[link.rewrite]]\naddress = 'source'\nreplace = 'x'\nstrip = 1\n"),
            "link[0].rewrite[0].replace",
        ),
        (
            "[[counter_policy]]\nname = 'p'\nkind = 'pair'\nthreshold = 1\naction = 'throttle'\n".into(),
            "counter_policy[0].throttle_per_minute",
        ),
        (
            "[[counter_policy]]\nname = 'p'\nkind = 'group'\nthreshold = 1\n".into(),
            "counter_policy[0].members",
        ),
        (
            "[[counter_policy]]\nname = 'p'\nkind = 'pair'\nthreshold = 1\nwindow = '3s'\n".into(),
            "counter_policy[0].sweep_interval",
        ),
        ("[[carrier]]\nname = 'c'\nnetworks = ['234']\n".into(), "carrier[0].networks"),
        (
            "[[token]]\nname = 't'\nsecret = '0123456789abcdef'\nrights = ['messages:send']\n".into(),
            "token[0].rights",
        ),
        (
            format!(
                "{LINK}[[route]]\nname = 'r'\nwhen = {{ time = [{{ zone = 'Mars/Base' }}] }}\nthen = {{ reject = 'x' }}\n"
            ),
            "route[0].when.time[0].zone",
        ),
    ] {
        let errors = Catalog::parse("c", &text).unwrap_err();
        let keys: Vec<&str> = errors.all().iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, [key], "{errors}");
        assert!(errors.all()[0].place.is_some(), "{errors}");
    }
}

#[test]
fn rows_reach_the_store_with_their_secrets_and_the_api_without() {
    let catalog = parse(&format!("{ACCOUNT}{LINK}"));
    let account = &catalog.account[0];
    let document = account.to_document();
    assert!(document.contains("\"secret\""));
    assert_eq!(&Account::from_document(&document).unwrap(), account);
    let link = &catalog.link[0];
    assert_eq!(&Link::from_document(&link.to_document()).unwrap(), link);

    let shown = serde_json::to_value(account).unwrap();
    assert_eq!(shown["password"], MASK);
    assert_eq!(shown["max_binds"], 8);
    assert!(shown.get("rate").is_none(), "what is not set is not shown");
    let shown = serde_json::to_string(&catalog).unwrap();
    assert!(!shown.contains("secret\"") && !shown.contains("\"pw\""), "{shown}");
    assert!(!format!("{catalog:?}").contains("\"pw\""));
}

#[test]
fn a_stored_row_goes_without_keys_that_are_gone() {
    let link = &parse(LINK).link[0];
    let mut stored: serde_json::Value = serde_json::from_str(&link.to_document()).unwrap();
    stored["sunk"] = 7.into();
    stored["reconnect"]["patience"] = "2s".into();
    let (read, gone) = Link::from_stored(&stored.to_string()).unwrap();
    assert_eq!(&read, link);
    assert_eq!(gone, ["reconnect.patience", "sunk"]);
    // Who writes rows now is told; and a value that cannot be is wrong wherever it comes from.
    assert!(Link::from_request(&stored.to_string(), None).is_err());
    assert!(Link::from_document(&stored.to_string()).is_err());
    stored["window"] = "wide".into();
    let wrong = Link::from_stored(&stored.to_string()).unwrap_err();
    assert_eq!(wrong.all().len(), 1, "{wrong}");
}

#[test]
fn a_row_that_a_client_read_can_be_written_back() {
    let catalog = parse(LINK);
    let before = &catalog.link[0];
    let mut shown = serde_json::to_value(before).unwrap();
    shown["window"] = 77.into();
    let after = Link::from_request(&shown.to_string(), Some(before)).unwrap();
    assert_eq!(after.window.get(), 77);
    assert_eq!(after.password, before.password);
    assert!(
        Link::from_request(&shown.to_string(), None).is_err(),
        "a new row cannot have the mask as secret"
    );
    shown["password"] = "new".into();
    let after = Link::from_request(&shown.to_string(), Some(before)).unwrap();
    assert_ne!(after.password, before.password);
}

#[test]
fn errors_of_a_request_name_the_fields() {
    let wrong = r#"{"name": "l", "host": "h", "port": 0, "system_id": "s", "pasword": "p", "sessions": 1.5}"#;
    let errors = Link::from_request(wrong, None).unwrap_err();
    let told: Vec<String> =
        errors.all().iter().map(|error| format!("{}: {}", error.key, error.problem)).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.contains(&"port: expected a whole number from 1 to 65535, found 0".into()));
    assert!(told.contains(&"pasword: unknown key, did you mean `password`".into()));
    assert!(told.contains(&"sessions: expected a whole number from 1 to 64, found 1.5".into()));
    assert!(
        Link::from_request("{", None).unwrap_err().to_string().starts_with("request:1:1: not well-formed")
    );
    let serde = serde_json::from_str::<Link>(wrong).unwrap_err().to_string();
    assert!(serde.contains("request: port: expected a whole number"), "{serde}");
}

#[test]
fn a_link_has_what_its_protocol_needs() {
    let link = |lines: &str| errors(&format!("[[link]]\nname = 'l'\n{lines}"));
    assert_eq!(
        link("host = 'h'\nport = 1\n"),
        [
            "c:1:1: link[0].system_id: missing, expected text",
            "c:1:1: link[0].password: missing, expected text, { file = \"name\" } under the directory of secrets, \
             or { env = \"SIGNALBOX_SECRET_...\" }",
        ]
    );
    assert_eq!(link("protocol = 'http'\n"), ["c:1:1: link[0].http: missing, expected a table"]);
    let node =
        "[[link]]\nname = 'l'\nprotocol = 'http'\nhttp = { url = 'https://b/v1/messages', token = 't' }\n";
    let http = parse(node).link[0].http.clone().unwrap();
    assert!(http.text_body().is_ok() && http.binary_body().unwrap().is_some());
}

#[test]
fn a_link_over_http_has_nothing_that_it_would_not_keep() {
    for (lines, told) in [
        ("sessions = 2", "sessions: a link over http has one; its window bounds the requests on their way"),
        ("ordered = true", "ordered: keeps parts back that `http.parts` would join"),
        ("dscp = 1", "dscp: is not set on the packets of a link over http"),
        ("tls = { server_name = 'x' }", "tls: the name of a link over http is that of its url"),
        ("inbound_window = 5", "c:4:18: link[0].inbound_window: means nothing on a link over http"),
        ("tlvs = { strip_out = ['0x1400'] }", "c:4:8: link[0].tlvs: means nothing on a link over http"),
        ("bind_mode = 'receiver'", "c:4:13: link[0].bind_mode: means nothing on a link over http"),
        ("interface_version = '3.3'", "link[0].interface_version: means nothing on a link over http"),
        ("system_id = 'us'", "link[0].system_id: means nothing on a link over http"),
        ("host = 'h'", "link[0].host: means nothing on a link over http"),
        ("quirks = { gsm7_packed = true }", "link[0].quirks.gsm7_packed: means nothing on a link over http"),
    ] {
        let text = format!(
            "[[link]]\nname = 'l'\nprotocol = 'http'\n{lines}\nhttp = {{ url = 'https://b/', parts = 'whole' }}\n"
        );
        let found = errors(&text);
        assert!(found.len() == 1 && found[0].ends_with(told), "{found:?}");
    }
    let kept = "[[link]]\nname = 'l'\nprotocol = 'http'\nhttp = { url = 'https://b/' }\ninbound_window = 1000\n\
                quirks = { message_ids = 'text', gsm7_packed = false }\n";
    let link = parse(kept).link[0].clone();
    // What the API shows of a row can be sent back.
    let shown = serde_json::to_string(&link).unwrap();
    assert_eq!(Link::from_request(&shown, Some(&link)).unwrap(), link);
}

#[test]
fn templates_and_callbacks_of_a_link_are_checked() {
    let http =
        |lines: &str| errors(&format!("[[link]]\nname = 'l'\nprotocol = 'http'\n[link.http]\n{lines}"));
    let url = "url = 'https://x.example.com/send'\n";
    for (lines, told) in [
        ("url = 'ftp://x'\n".to_owned(), "http.url: must begin with https:// or http://"),
        (
            "url = 'https://{to}/x'\n".to_owned(),
            "http.url: must name a host name or an IP address, without a port",
        ),
        (format!("{url}body = '{{\"to\": '\n"), "http.body: expected a json document: "),
        (format!("{url}body = '{{\"to\": \"{{too}}\"}}'\n"), "http.body: expected a field: one of `to`, "),
        (format!("{url}body_type = 'form'\n"), "http.body_type: body must be set where it is not json"),
        (format!("{url}user = 'u'\n"), "http.user: user and password go together"),
        (
            format!("{url}headers = {{ x-key = '{{secret.key}}' }}\n"),
            "http.secrets: has no `key`, which a template names",
        ),
        (
            format!("{url}[link.http.callback]\n"),
            "http.callback.token: token, secret or allow_from must say who may call back",
        ),
        (
            format!("{url}answer = {{ id_at = 'id' }}\n"),
            "http.answer.id_at: expected `none`, a json pointer ",
        ),
    ] {
        let found = http(&lines);
        assert_eq!(found.len(), 1, "{lines}: {found:?}");
        assert!(found[0].contains(&format!("link[0].{told}")), "{lines}: {found:?}");
    }
}

#[test]
fn passwords_of_a_file_are_hashed_once() {
    let mut catalog = parse(ACCOUNT);
    let directory = tempfile::tempdir().unwrap();
    let places = SecretPlaces { directory: directory.path() };
    let mut salts = 0u8;
    let mut salt = || {
        salts += 1;
        [salts; 16]
    };
    catalog.hash_passwords(places, &mut salt).unwrap();
    let AccountPassword::Hashed(hash) = &catalog.account[0].password else { panic!("not hashed") };
    assert!(hash.matches("secret"));
    let before = catalog.clone();
    catalog.hash_passwords(places, &mut salt).unwrap();
    assert_eq!(catalog, before);
    assert!(!catalog.account[0].to_document().contains("\"secret\""));

    let elsewhere = ACCOUNT.replace("'secret'", "{ file = 'missing' }");
    let error = parse(&elsewhere).hash_passwords(places, salt).unwrap_err();
    assert_eq!(error.name, "a");
}

#[test]
fn routes_are_the_rules_of_the_router() {
    let text = format!(
        "{LINK}{ACCOUNT}[[carrier]]\nname = 'c'\n[[route]]\nname = 'r'\norder = 5\nsharing = 'cheapest'\n\
         when = {{ direction = 'mt', destination_prefix = ['44'], country = ['GB'], carrier = ['c'], class = ['otp'], \
         source_alphanumeric = true, max_cost = 9, \
         time = [{{ zone = 'Europe/London', days = ['mon'], from = '08:00', to = '24:00' }}] }}\n\
         then = {{ links = [{{ link = 'l', weight = 3, priority = 1, cost = 7 }}] }}\n\
         [[route]]\nname = 's'\nthen = {{ account = 'a' }}\n[[route]]\nname = 't'\nthen = {{ reject = 'no' }}\n"
    );
    for route in &parse(&text).route {
        let rule: signalbox_routing::rules::RuleSpec = serde_json::from_value(route.rule()).unwrap();
        assert_eq!(rule.name, route.name.as_str());
        // Nothing is lost on the way: what the router writes is read as the same row.
        let mut written = serde_json::to_value(&rule).unwrap();
        written["order"] = route.order.get().into();
        assert_eq!(&Route::from_request(&written.to_string(), None).unwrap(), route);
    }
}

#[test]
fn kinds_have_the_names_of_their_tables() {
    let reference: toml::Table = reference_catalog().parse().unwrap();
    for kind in RowKind::ALL {
        assert!(reference.contains_key(kind.as_str()), "{kind}");
    }
    assert_eq!(reference.len(), RowKind::ALL.len());
}

#[test]
fn schemas_name_required_fields_and_bounds() {
    let schema = Token::shape().json_schema();
    assert_eq!(schema["required"], serde_json::json!(["name", "secret"]));
    assert_eq!(schema["properties"]["rights"]["items"]["enum"][0], "messages:send");
    assert_eq!(schema["additionalProperties"], false);
    let link = Link::shape().json_schema();
    assert_eq!(link["properties"]["window"]["maximum"], 100_000);
    assert_eq!(link["properties"]["window"]["default"], 10);
    assert_eq!(link["properties"]["reconnect"]["properties"]["min"]["default"], "500ms");
}

#[test]
fn a_link_of_smpp_3_3_is_no_transceiver() {
    let link = |more: &str| format!("{LINK}interface_version = '3.3'\n{more}");
    let reason =
        "link[0].bind_mode: smpp 3.3 has no transceiver; one link is a transmitter, another a receiver";
    assert_eq!(errors(&link("")), [format!("c:1:1: {reason}")]);
    assert_eq!(errors(&link("bind_mode = 'transceiver'\n")), [format!("c:8:13: {reason}")]);
    parse(&link("bind_mode = 'transmitter'\n"));
    parse(&link("bind_mode = 'receiver'\n"));
}
