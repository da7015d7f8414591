//! Settings: what is wrong is told with its place, all of it at once.

use signalbox_config::settings::{AfterDoubt, LogFormat, StoreDurability};
use signalbox_config::value::{ByteSize, Period};
use signalbox_config::{Problem, Settings};

const LEAST: &str = "[node]\nname = 'a'\n";

fn errors(text: &str) -> Vec<String> {
    let errors = Settings::parse("node.toml", text).unwrap_err();
    errors.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn a_name_is_all_that_a_node_needs() {
    let settings = Settings::parse("node.toml", LEAST).unwrap();
    assert_eq!(settings.node.data_directory.to_str(), Some("./var"));
    assert_eq!(settings.store.durability, StoreDurability::Full);
    assert_eq!(settings.log.format, LogFormat::Json);
    assert!(settings.log.mask_numbers);
    assert_eq!(settings.limits.doubt.hold, Period::seconds(60));
    assert_eq!(settings.limits.doubt.then, AfterDoubt::Retry);
    assert_eq!(settings.cdr.rotate_bytes, ByteSize::new(64 << 20));
    assert_eq!(settings.smpp.password_checks_at_once.get(), 2);
    assert_eq!(settings.admin.address.to_string(), "127.0.0.1:9464");
    assert!(settings.smpp.listen.is_empty());
}

#[test]
fn people_on_a_server_need_a_key_that_all_nodes_have() {
    let server = format!("{LEAST}[people]\nserver = 'postgres://db/people'\n");
    let told = errors(&server);
    assert_eq!(told, ["node.toml:3:1: people.erasure_key: is needed with server, the same on all nodes"]);
    assert!(Settings::parse("node.toml", &format!("{server}erasure_key = '0123456789abcdef'\n")).is_ok());
}

#[test]
fn each_error_names_file_line_column_key_and_what_was_expected() {
    let text = format!("{LEAST}\n[[smpp.listen]]\n  address = 'localhost:2775'\n");
    assert_eq!(
        errors(&text),
        ["node.toml:5:13: smpp.listen[0].address: expected an address with a port such as \
          \"127.0.0.1:2775\" or \"[::1]:2775\", found \"localhost:2775\""]
    );
}

#[test]
fn all_errors_are_told_at_once_in_the_order_of_the_lines() {
    let text = "[node]\n\
                nmae = 'a'\n\
                [store]\n\
                commit_batch = 0\n\
                free_space_reserve = '64 megs'\n\
                [limits]\n\
                permit = 30\n\
                hot_memory = true\n\
                [drane]\n\
                deadline = '30s'\n\
                [log]\n\
                format = 'xml'\n";
    assert_eq!(
        errors(text),
        [
            "node.toml:1:1: node.name: missing, expected a name of 1 to 64 letters, digits, `.`, `_` and `-`, \
             beginning with a letter or digit",
            "node.toml:2:1: node.nmae: unknown key, did you mean `name`",
            "node.toml:4:16: store.commit_batch: expected a whole number from 1 to 65536, found 0",
            "node.toml:5:22: store.free_space_reserve: expected an amount of bytes such as \"64KiB\", \"64MiB\" \
             or \"2GiB\", found \"64 megs\"",
            "node.toml:7:10: limits.permit: expected a length of time such as \"250ms\", \"30s\", \"5m\", \"72h\" \
             or \"7d\", found 30",
            "node.toml:8:14: limits.hot_memory: expected an amount of bytes such as \"64KiB\", \"64MiB\" or \
             \"2GiB\", found true",
            "node.toml:9:2: drane: unknown key, did you mean `drain`",
            "node.toml:12:10: log.format: expected one of `json`, `text`, found \"xml\"",
        ]
    );
}

#[test]
fn columns_count_characters() {
    let text = "[node]\nname = 'a'\nlog = { \"größe\" = 1, level = 'x' }\n";
    let errors = Settings::parse("n", text).unwrap_err();
    let places: Vec<_> = errors.all().iter().map(|e| e.place.map(|p| (p.line, p.column))).collect();
    assert_eq!(places, [Some((3, 1))]);
    assert_eq!(errors.all()[0].key, "node.log");

    let text = "node = { name = 'a', \"größe\" = 1 }\nlog = { level = 'größer', format = 'x' }\n";
    let errors = Settings::parse("n", text).unwrap_err();
    let places: Vec<_> = errors.all().iter().map(|e| e.place.map(|p| (p.line, p.column))).collect();
    assert_eq!(places, [Some((1, 22)), Some((2, 17)), Some((2, 36))]);
}

#[test]
fn a_document_that_is_not_well_formed_tells_its_lines() {
    let errors = Settings::parse("n", "[node\nname = 'a'\n[log]\nlevel = \n").unwrap_err();
    assert!(errors.all().iter().all(|error| matches!(error.problem, Problem::Syntax(_))));
    let lines: Vec<_> = errors.all().iter().filter_map(|error| error.place).map(|place| place.line).collect();
    assert_eq!(lines, [1, 4], "{errors}");
}

#[test]
fn a_number_beyond_all_bounds_is_told_and_not_cut() {
    let text = format!("{LEAST}[limits]\nqueue_messages = 99999999999999999999\n");
    assert_eq!(
        errors(&text),
        ["n: "].map(|_| "node.toml:4:18: not well-formed: the number 99999999999999999999 is too large")
    );
}

#[test]
fn keys_that_do_not_agree_are_told() {
    let text = format!(
        "{LEAST}\
         [[smpp.listen]]\n\
         address = '127.0.0.1:2775'\n\
         inactivity = '10s'\n\
         [[smpp.listen]]\n\
         address = '127.0.0.1:2775'\n\
         [api]\n\
         address = '127.0.0.1:9464'\n\
         [limits]\n\
         default_validity = '8d'\n"
    );
    assert_eq!(
        errors(&text),
        [
            "node.toml:5:14: smpp.listen[0].inactivity: must be longer than enquire_link, which is 30s",
            "node.toml:6:1: smpp.listen[1].name: another listener is called `smpp` already",
            "node.toml:7:11: smpp.listen[1].address: the listener `smpp` has 127.0.0.1:2775 already",
            "node.toml:8:1: api: listens on 127.0.0.1:9464, which admin has already",
            "node.toml:11:20: limits.default_validity: must not be longer than max_validity, which is 7d",
        ]
    );
}

#[test]
fn retries_follow_their_schedule() {
    let full = "[retry.queue_full]\nwaits = ['1s', '2s']\nthen_every = '5s'\nattempts = 4\n";
    let settings = Settings::parse("n", &format!("{LEAST}{full}")).unwrap();
    let waits: Vec<_> = (1..6).map(|failed| settings.retry.queue_full.wait_after(failed)).collect();
    let seconds = |seconds| Some(Period::seconds(seconds));
    assert_eq!(waits, [seconds(1), seconds(2), seconds(5), None, None]);
    assert_eq!(settings.retry.temporary.wait_after(100), seconds(2 * 3_600));
    assert_eq!(
        errors(&format!("{LEAST}[retry.queue_full]\nthen_every = '0s'\n")),
        ["node.toml:4:14: retry.queue_full.then_every: must be at least 100ms"]
    );
}

#[test]
fn files_that_settings_name_must_be_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node.toml");
    std::fs::write(&path, format!("{LEAST}[catalog]\nseed = '/nonexistent/seed.toml'\n")).unwrap();
    let errors = Settings::load(&path).unwrap_err();
    assert_eq!(errors.all().len(), 1);
    let error = &errors.all()[0];
    assert_eq!((error.key.as_str(), error.place.unwrap().line), ("catalog.seed", 4));
    assert!(matches!(error.problem, Problem::Unreadable(_)), "{error}");

    let seed = directory.path().join("seed.toml");
    std::fs::write(&seed, "").unwrap();
    std::fs::write(&path, format!("{LEAST}[catalog]\nseed = '{}'\n", seed.display())).unwrap();
    assert_eq!(Settings::load(&path).unwrap().catalog.seed.unwrap().path(), &seed);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let errors = Settings::load(std::path::Path::new("/nonexistent/node.toml")).unwrap_err();
    assert!(errors.to_string().starts_with("/nonexistent/node.toml: cannot be read: "), "{errors}");
}

#[test]
fn the_api_is_not_plain_beyond_loopback_unless_that_is_said() {
    let api = |rest: &str| format!("{LEAST}[api]\naddress = '0.0.0.0:8080'\n{rest}");
    assert_eq!(
        errors(&api("")),
        [
            "node.toml:4:11: api.address: is not loopback and has no tls; set api.tls, or api.plain_beyond_loopback \
          if a proxy ends it"
        ]
    );
    Settings::parse("node.toml", &api("plain_beyond_loopback = true\n")).unwrap();
    Settings::parse("node.toml", &api("tls = { certificate = 'c.pem', key = 'k.pem' }\n")).unwrap();
    Settings::parse("node.toml", &format!("{LEAST}[api]\naddress = '[::1]:8080'\n")).unwrap();
}
