//! The files in the repository: they can be read, and the reference has every key.

use std::path::{Path, PathBuf};

use signalbox_config::setting::{Setting, Shape};
use signalbox_config::{Catalog, Settings, reference_catalog, reference_settings};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(name: &str) -> String {
    let path = repository().join("config").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares with the file, or writes it when `SIGNALBOX_BLESS` is set.
fn golden(name: &str, text: &str) {
    if std::env::var_os("SIGNALBOX_BLESS").is_some() {
        std::fs::write(repository().join("config").join(name), text).unwrap();
    }
    assert!(
        read(name) == text,
        "config/{name} is not what the declarations say; SIGNALBOX_BLESS=1 writes it anew"
    );
}

/// Every key that the declarations know, as paths without indexes.
fn keys(shape: Shape, path: &str, known: &mut Vec<String>) {
    match shape {
        Shape::Table(keys_of_table) => {
            for key in keys_of_table {
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{}", key.name);
                keys((key.shape)(), &path, known);
                known.push(path);
            }
        }
        Shape::List(item) => keys(item(), path, known),
        Shape::Scalar(_)
        | Shape::File
        | Shape::Typed { .. }
        | Shape::Range(..)
        | Shape::SignedRange(..)
        | Shape::Choice(_)
        | Shape::Map(_) => {}
    }
}

/// Every key that a TOML text sets.
fn keys_set(value: &toml::Value, path: &str, set: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{key}");
                keys_set(value, &path, set);
                set.push(path);
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| keys_set(item, path, set)),
        _ => {}
    }
}

fn has_every_key<T: Setting>(name: &str) -> usize {
    let mut known = Vec::new();
    keys(T::shape(), "", &mut known);
    let mut set = Vec::new();
    keys_set(&read(name).parse::<toml::Table>().unwrap().into(), "", &mut set);
    for key in &known {
        assert!(set.contains(key), "config/{name} lacks {key}");
    }
    known.len()
}

#[test]
fn the_reference_of_settings_is_what_the_declarations_say_and_can_be_read() {
    golden("reference.toml", &reference_settings());
    Settings::parse("reference.toml", &read("reference.toml")).unwrap();
    assert!(has_every_key::<Settings>("reference.toml") > 130);
}

#[test]
fn the_reference_of_rows_is_what_the_declarations_say() {
    golden("reference-catalog.toml", &reference_catalog());
    assert!(has_every_key::<Catalog>("reference-catalog.toml") > 200);
}

/// All alternatives of a row stand in the reference together: only keys that exclude each other are refused, and
/// what refers to a second row of its kind or to another state of one.
#[test]
fn the_reference_of_rows_can_be_read_but_for_what_excludes_itself() {
    let errors = Catalog::parse("c", &read("reference-catalog.toml")).unwrap_err();
    let keys: Vec<&str> = errors.all().iter().map(|error| error.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "enterprise[0].parent",
            "account[0].parent",
            "user[0].enterprise",
            "link[0].tls",
            "link[0].http.token",
            "route[0].then",
            "counter_policy[0].throttle_per_minute",
            "token[0].user",
            "token[0].enterprise",
            "program[0].enterprise",
            "source_address[0].enterprise",
            "source_address[0].customers",
            "sub_campaign[0].instructions.version",
            "sub_campaign[0].instructions.reply",
            "script[0].published",
            "script[0].testing",
            "participation[0].program",
            "jurisdiction[0].states",
            "words[0].enterprise",
            "dnc_list[0].enterprise",
        ],
        "{errors}"
    );
}

#[test]
fn every_key_is_documented() {
    fn check(shape: Shape, path: &str, count: &mut usize) {
        if let Shape::List(item) = shape {
            check(item(), path, count);
        }
        let Shape::Table(keys) = shape else { return };
        for key in keys {
            let path = format!("{path}.{}", key.name);
            assert!(!key.documentation().is_empty(), "{path} has no documentation");
            *count += 1;
            check((key.shape)(), &path, count);
        }
    }
    let mut count = 0;
    check(Settings::shape(), "settings", &mut count);
    check(Catalog::shape(), "catalog", &mut count);
    assert!(count > 330, "{count}");
}

#[test]
fn the_files_of_the_demo_are_whole() {
    let settings = Settings::parse("config/demo.toml", &read("demo.toml")).unwrap();
    let catalog = Catalog::parse("config/demo-catalog.toml", &read("demo-catalog.toml")).unwrap();
    let seed = settings.catalog.seed.unwrap();
    assert!(repository().join(seed.path()).exists());
    assert_eq!(settings.smpp.listen[0].address.to_string(), "127.0.0.1:2775");
    assert_eq!(settings.api.address.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.admin.address.to_string(), "127.0.0.1:9464");
    assert_eq!(catalog.account[0].system_id.as_str(), "demo");
    assert_eq!(catalog.link[0].port.unwrap().get(), 2776);
}

#[test]
fn the_files_of_the_bench_are_whole() {
    let settings = Settings::parse("config/perf.toml", &read("perf.toml")).unwrap();
    let catalog = Catalog::parse("config/perf-catalog.toml", &read("perf-catalog.toml")).unwrap();
    assert!(catalog.link.iter().all(|link| link.sessions.get() == 4 && link.window.get() >= 100));
    assert!(catalog.account.iter().all(|account| account.max_binds.get() >= 4 && account.rate.is_none()));
    assert!(!catalog.counter_policy.is_empty());
    assert_eq!(settings.store.bench_fsync_delay_us.get(), 0);
    assert_eq!(settings.store.durability.as_str(), "full");
}

/// What the page about links over HTTP shows can be used as it is.
#[test]
fn the_examples_of_links_over_http_can_be_read() {
    let page = std::fs::read_to_string(repository().join("docs/interfaces/http-links.md")).unwrap();
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let catalog =
            Catalog::parse("http-links.md", example).unwrap_or_else(|errors| panic!("{errors}\n{example}"));
        assert!(catalog.link[0].http.is_some());
    }
}

/// The page lists the fields of templates as they are.
#[test]
fn the_page_of_links_over_http_lists_all_fields() {
    let page = std::fs::read_to_string(repository().join("docs/interfaces/http-links.md")).unwrap();
    for field in signalbox_config::value::MessageField::ALL {
        assert!(page.contains(&format!("`{field}`")), "{field}");
    }
}

#[test]
fn secrets_that_are_not_there_are_told_with_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("there"), "x\n").unwrap();
    std::fs::write(folder.join("empty"), "\n").unwrap();
    let rows = "[[link]]\nname = 'a'\nhost = 'smsc.example'\nport = 2775\nsystem_id = 'me'\n\
                password = { file = 'there' }\n\
                [[link]]\nname = 'b'\nhost = 'smsc.example'\nport = 2775\nsystem_id = 'me'\n\
                password = { file = 'absent' }\n\
                [[webhook]]\nname = 'w'\naccount = 'c'\nurl = 'https://app.example/'\n\
                secret = { env = 'SIGNALBOX_SECRET_NOT_SET' }\n\
                [[account]]\nname = 'c'\norganization = 'c'\nsystem_id = 'c'\nsources = ['*']\n\
                password = { file = 'empty' }\n";
    let file = folder.join("catalog.toml");
    std::fs::write(&file, rows).unwrap();
    Catalog::load(&file).expect("the file itself is right");
    let places = signalbox_config::value::SecretPlaces { directory: folder };
    let missing = Catalog::missing_secrets(&file, places).unwrap();
    let told: Vec<(usize, &str)> =
        missing.iter().map(|error| (error.place.unwrap().line, error.key.as_str())).collect();
    assert_eq!(told, [(12, "link[1].password"), (17, "webhook[0].secret"), (23, "account[0].password")]);
    let texts: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert!(texts[0].contains("cannot be read") && texts[0].contains("No such file"), "{texts:?}");
    assert!(texts[1].contains("SIGNALBOX_SECRET_NOT_SET is not set"), "{texts:?}");
    assert!(texts[2].ends_with("is empty"), "{texts:?}");
}
