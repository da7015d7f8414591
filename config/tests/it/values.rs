//! The grammars of values: what is taken, what it means, and that it is written back as it was.

use std::fmt::Debug;

use proptest::prelude::*;
use signalbox_config::catalog::{CounterScope, DataCoding, TimeOfDay};
use signalbox_config::setting::Setting;
use signalbox_config::value::{
    AccountPassword, AddressPattern, ByteSize, CertificateFingerprint, Host, IpNetwork, Name, PasswordHash,
    Period, Rate, Secret, SecretError, SecretPlaces, SourcePattern, StatusCode, Text, TlvTag, TokenDigest,
};
use signalbox_config::{Tree, read_tree};

fn read<T: Setting>(value: impl Into<Tree>) -> Result<T, String> {
    read_tree(&value.into(), "v").map_err(|errors| errors.to_string())
}

fn back<T: Setting + PartialEq + Debug>(value: &T) {
    assert_eq!(read_tree::<T>(&value.to_tree(), "v").as_ref(), Ok(value));
}

#[test]
fn periods() {
    for (text, milliseconds, written) in [
        ("250ms", 250, "250ms"),
        ("30s", 30_000, "30s"),
        ("5m", 300_000, "5m"),
        ("90m", 5_400_000, "1h30m"),
        ("1h30m", 5_400_000, "1h30m"),
        ("7d", 604_800_000, "7d"),
        ("0s", 0, "0s"),
        ("0", 0, "0s"),
    ] {
        let period: Period = text.parse().unwrap();
        assert_eq!(period.as_milliseconds(), milliseconds, "{text}");
        assert_eq!(period.to_string(), written);
        back(&period);
    }
    for wrong in
        ["", "30", "s", "-5s", "5 s", "5x", "1.5s", "3651d", "99999999999999999999s", "18446744073709551615d"]
    {
        assert!(wrong.parse::<Period>().is_err(), "{wrong:?}");
    }
}

#[test]
fn sizes() {
    for (text, bytes, written) in [
        ("64MiB", 64 << 20, "64MiB"),
        ("1024KiB", 1 << 20, "1MiB"),
        ("2 GiB", 2 << 30, "2GiB"),
        ("64kB", 64_000, "64kB"),
        ("100B", 100, "100B"),
        ("0B", 0, "0B"),
    ] {
        let size: ByteSize = text.parse().unwrap();
        assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, written));
        back(&size);
    }
    for wrong in ["", "64", "64mib", "MiB", "-1B", "16777216TiB", "99999999999999999999B"] {
        assert!(wrong.parse::<ByteSize>().is_err(), "{wrong:?}");
    }
}

#[test]
fn rates() {
    let rate = |text: &str| text.parse::<Rate>().unwrap();
    assert_eq!(rate("200/s").interval_nanoseconds(), 5_000_000);
    assert_eq!(rate("30/min").interval_nanoseconds(), 2_000_000_000);
    assert_eq!(rate("30/min").whole_per_second(), 0);
    assert_eq!(rate("7200/h").whole_per_second(), 2);
    assert_eq!(read::<Rate>(200).unwrap(), rate("200/s"));
    back(&rate("30/min"));
    for wrong in ["0/s", "-1/s", "1/day", "1.5/s", "10000001/s", ""] {
        assert!(wrong.parse::<Rate>().is_err(), "{wrong:?}");
    }
    assert!(read::<Rate>(0).is_err() && read::<Rate>(true).is_err());
}

#[test]
fn networks() {
    let network = |text: &str| text.parse::<IpNetwork>().unwrap();
    let has = |text: &str, address: &str| network(text).contains(address.parse().unwrap());
    assert!(has("192.0.2.0/24", "192.0.2.255") && !has("192.0.2.0/24", "192.0.3.0"));
    assert!(has("192.0.2.7", "192.0.2.7") && !has("192.0.2.7", "192.0.2.8"));
    assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "2001:db8::1"));
    assert!(has("2001:db8::/32", "2001:db8:ffff::1") && !has("2001:db8::/32", "2001:db9::1"));
    assert!(has("::/0", "2001:db8::1") && !has("::/0", "192.0.2.1"));
    assert!(has("192.0.2.0/24", "::ffff:192.0.2.9"), "an IPv4 peer on an IPv6 socket");
    back(&network("192.0.2.0/24"));
    back(&network("2001:db8::1"));
    for wrong in ["192.0.2.1/24", "192.0.2.0/33", "2001:db8::/129", "192.0.2", "x/8", "192.0.2.0/"] {
        assert!(wrong.parse::<IpNetwork>().is_err(), "{wrong:?}");
    }
}

#[test]
fn names_hosts_and_texts() {
    for right in ["a", "Node-1", "a.b_c", "9"] {
        back(&right.parse::<Name>().unwrap());
    }
    for wrong in ["", "-a", ".a", "a b", "a/b", "ä", &"a".repeat(65)] {
        assert!(wrong.parse::<Name>().is_err(), "{wrong:?}");
    }
    for right in ["localhost", "smsc.example.com", "smsc.example.com.", "192.0.2.1", "2001:db8::1"] {
        back(&right.parse::<Host>().unwrap());
    }
    for wrong in ["", "a..b", "-a.example", "host:2775", "a b", &"a".repeat(64)] {
        assert!(wrong.parse::<Host>().is_err(), "{wrong:?}");
    }
    assert!("a\0".parse::<Text<1, 15>>().is_err());
    assert_eq!(&*"demo".parse::<Text<1, 15>>().unwrap(), "demo");
}

#[test]
fn hexadecimal_values() {
    assert_eq!("0x58".parse(), Ok(StatusCode(0x58)));
    assert_eq!("88".parse(), Ok(StatusCode(88)));
    assert_eq!("0x1400".parse(), Ok(TlvTag(0x1400)));
    assert_eq!("0x08".parse(), Ok(DataCoding(8)));
    assert_eq!("22:30".parse::<TimeOfDay>().map(TimeOfDay::minutes), Ok(1_350));
    assert!("1400".parse::<TlvTag>().is_err() && "0x15000".parse::<TlvTag>().is_err());
    assert!("24:01".parse::<TimeOfDay>().is_err() && "7:00".parse::<TimeOfDay>().is_err());
    let fingerprint = CertificateFingerprint::of(b"certificate");
    back(&fingerprint);
    let colons: Vec<String> = fingerprint
        .to_string()
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into())
        .collect();
    assert_eq!(colons.join(":").parse(), Ok(fingerprint));
}

#[test]
fn addresses_and_their_patterns() {
    let pattern = |text: &str| text.parse::<SourcePattern>().unwrap();
    assert!(pattern("*").matches("anything"));
    assert!(pattern("4479*").matches("447900") && !pattern("4479*").matches("44780"));
    assert!(pattern("12345").matches("12345") && !pattern("12345").matches("123456"));
    assert!(pattern("alphanumeric").matches("Bank4U") && !pattern("alphanumeric").matches("447900"));
    assert!(!pattern("alphanumeric").matches(""));
    for text in ["*", "alphanumeric", "4479*", "Bank4U"] {
        back(&pattern(text));
    }
    for wrong in ["", "+4479*", "44*79", "**", &"4".repeat(21)] {
        assert!(wrong.parse::<AddressPattern>().is_err(), "{wrong:?}");
    }
    for text in ["default", "carrier:one", "prefix:4479", "address:12345"] {
        back(&text.parse::<CounterScope>().unwrap());
    }
    assert!("carrier".parse::<CounterScope>().is_err() && "prefix:x".parse::<CounterScope>().is_err());
}

#[test]
fn passwords_become_hashes_that_fit_them_alone() {
    let hash = PasswordHash::of("demo", [7; 16]).unwrap();
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(hash.matches("demo") && !hash.matches("Demo") && !hash.matches(""));
    assert_ne!(hash, PasswordHash::of("demo", [8; 16]).unwrap());
    assert_eq!(format!("{hash:?}"), "PasswordHash(***)");

    let read_back = read::<AccountPassword>(hash.as_str()).unwrap();
    assert_eq!(read_back, AccountPassword::Hashed(hash));
    assert!(matches!(read::<AccountPassword>("demo"), Ok(AccountPassword::Plain(_))));
}

#[test]
fn a_wrong_password_is_not_shown_in_its_error() {
    for wrong in ["$argon2id$v=19$hunter2", &"hunter2".repeat(20)] {
        let error = read::<AccountPassword>(wrong).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = read::<TokenDigest>("hunter2 hunter2 hunter2").unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
    let greedy =
        "$argon2id$v=19$m=1048576,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let error = read::<AccountPassword>(greedy).unwrap_err();
    assert!(error.contains("at most 256 MiB"), "{error}");
}

#[test]
fn tokens_are_kept_as_digests() {
    let digest = read::<TokenDigest>("demo-operator-token").unwrap();
    assert_eq!(digest, TokenDigest::of("demo-operator-token"));
    assert_eq!(read::<TokenDigest>(digest.to_string()), Ok(digest));
    assert!(read::<TokenDigest>("short").is_err());
}

#[test]
fn secrets_are_found_at_their_places_and_nowhere_else() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("peer"), "s3cret\n").unwrap();
    std::fs::write(directory.path().join("empty"), "\n").unwrap();
    let places = SecretPlaces { directory: directory.path() };
    let secret = |key: &str, name: &str| read::<Secret>(Tree::table([(key, name.into())]));

    assert_eq!(secret("file", "peer").unwrap().reveal(places).unwrap(), "s3cret");
    assert!(matches!(secret("file", "empty").unwrap().reveal(places), Err(SecretError::Empty(_))));
    assert!(matches!(secret("file", "none").unwrap().reveal(places), Err(SecretError::File { .. })));
    let unset = secret("env", "SIGNALBOX_SECRET_NOT_SET").unwrap();
    assert!(matches!(unset.reveal(places), Err(SecretError::Variable(_))));
    assert_eq!(read::<Secret>("inline").unwrap().reveal(places).unwrap(), "inline");

    for outside in ["/etc/passwd", "../peer", "a/../../peer", ""] {
        assert!(secret("file", outside).is_err(), "{outside:?} leaves the directory");
    }
    assert!(secret("env", "PATH").is_err(), "any variable could be read");
    assert!(read::<Secret>("***").is_err(), "the mask would become the secret");
}

proptest! {
    #[test]
    fn every_period_is_read_as_it_is_written(milliseconds in 0u64..315_360_000_000) {
        let period = Period::milliseconds(milliseconds);
        prop_assert_eq!(period.to_string().parse(), Ok(period));
    }

    #[test]
    fn every_size_is_read_as_it_is_written(bytes in 0u64..(1 << 62)) {
        let size = ByteSize::new(bytes);
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }

    #[test]
    fn no_text_makes_a_grammar_fail(text in "\\PC{0,40}") {
        let _ = text.parse::<Period>();
        let _ = text.parse::<ByteSize>();
        let _ = text.parse::<Rate>();
        let _ = text.parse::<IpNetwork>();
        let _ = text.parse::<SourcePattern>();
        let _ = text.parse::<CounterScope>();
        let _ = text.parse::<CertificateFingerprint>();
        let _ = text.parse::<TimeOfDay>();
        let _ = signalbox_config::Settings::parse("p", &text);
        let _ = signalbox_config::Catalog::parse("p", &text);
    }
}
