use std::path::Path;
use std::time::Duration;

use signalbox_config::Catalog;
use signalbox_smpp::CommandStatus;

use super::*;
use signalbox_core::gcra::Rate;

const ROWS: &str = r#"
[[link]]
name = "a"
host = "192.0.2.1"
port = 2776
system_id = "us"
password = "pw"
interface_version = "5.0"
bind_mode = "receiver"
sessions = 3
window = 20
enquire_link = "0s"
dscp = 46
local_address = "192.0.2.9"
max_validity = "72h"
long_messages = "sar"
errors = { "0x0b" = "temporary" }
status_in = { "0x400" = "0x0b" }
status_out = { "0x14" = "0x58" }
data_coding_out = { "0x03" = "0x00" }
quirks = { addresses = "ascii", missing_nul = "accept", gsm7_packed = true, receipt_seconds = true }
tlvs = { strip_out = ["0x1400"], add_out = [{ tag = "0x1401", value = "0001" }] }
[[link.rewrite]]
address = "destination"
prefix = "0"
strip = 1
add = "49"
set_ton = 1

[[account]]
name = "demo"
system_id = "demo"
password = "secret"
bind_modes = ["receiver"]
rate = "30/min"
window = 7
sources = ["*"]
default_source = "12345"
default_country = "GB"
receipts_as = "data_sm"
receipt_tlvs = false
class = "otp"
errors = { "0x45" = "temporary" }
"#;

fn rows() -> Catalog {
    let mut rows = Catalog::parse("rows.toml", ROWS).unwrap();
    let places = SecretPlaces { directory: Path::new("secrets") };
    rows.hash_passwords(places, || [5; 16]).unwrap();
    rows
}

#[test]
fn a_links_row_comes_through() {
    let secrets = SecretPlaces { directory: Path::new("secrets") };
    let link = LinkSettings::of_row(LinkId(3), &rows().link[0], secrets).unwrap();
    assert_eq!((link.id, link.name.as_str(), link.port), (LinkId(3), "a", 2776));
    assert_eq!(link.password, Password("pw".into()));
    assert_eq!((link.version, link.mode), (Version::V5_0, BindMode::Receiver));
    assert_eq!((link.sessions, link.window, link.dscp), (3, 20, Some(46)));
    assert_eq!(link.local_address, "192.0.2.9".parse().ok());
    assert_eq!(link.times.enquire_link, None);
    assert_eq!(link.profile.latin1_address, Leniency::Refuse);
    assert_eq!(link.profile.missing_nul, MissingNul::Accept);
    assert_eq!(link.profile.gsm7, Packing::Packed);
    assert!(link.profile.receipt.seconds && link.profile.receipt.tlvs);
    let rules = link.rules.now();
    assert_eq!(rules.errors.class(CommandStatus(0x0b)), ErrorClass::Temporary);
    assert_eq!(rules.status_in.apply(CommandStatus(0x400)), CommandStatus(0x0b));
    assert_eq!(rules.status_out.apply(CommandStatus(0x14)), CommandStatus(0x58));
    assert_eq!(rules.data_coding_out.apply(3), 0);
    assert_eq!(rules.max_validity, Some(Duration::from_secs(72 * 3600)));
    assert_eq!(rules.long_messages, LongMessages::Sar);
    assert_eq!(rules.tlvs.strip_out, [0x1400]);
    assert_eq!(rules.tlvs.add_out, [(0x1401, vec![0, 1])]);
    let mut address = Address::new(2, 1, b"0176123").unwrap();
    rules.rewrites.apply(Way::Out, AddressField::Destination, &mut address);
    assert_eq!(address, Address::new(1, 1, b"49176123").unwrap());
}

#[test]
fn an_accounts_row_comes_through() {
    let secrets = SecretPlaces { directory: Path::new("secrets") };
    let account = AccountSettings::of_row(AccountId(4), &rows().account[0], secrets).unwrap();
    assert_eq!((account.id, account.system_id.as_str(), account.window), (AccountId(4), "demo", 7));
    assert!(account.password.matches("secret"));
    let modes = account.modes;
    assert_eq!((modes.transmitter, modes.receiver, modes.transceiver), (false, true, false));
    // One message in two seconds.
    assert_eq!(account.rate.map(Rate::per_second_milli), Some(500));
    assert_eq!(account.default_source, Address::new(3, 0, b"12345").ok());
    assert_eq!(account.region, "GB".parse().ok());
    assert!(account.deliver_as_data_sm && !account.profile.receipt.tlvs);
    assert_eq!(account.class, TrafficClass::Otp);
    assert_eq!(account.errors.class(CommandStatus(0x45)), ErrorClass::Temporary);
}

#[test]
fn a_password_that_is_not_at_its_place_is_named() {
    let secrets = SecretPlaces { directory: Path::new("no-such-directory") };
    let text = ROWS.replace("password = \"pw\"", "password = { file = \"a\" }");
    let rows = Catalog::parse("rows.toml", &text).unwrap();
    let error = LinkSettings::of_row(LinkId(3), &rows.link[0], secrets).unwrap_err();
    assert_eq!(error.to_string(), "the password of link `a` cannot be had");
    let unhashed = AccountSettings::of_row(AccountId(4), &rows.account[0], secrets).unwrap_err();
    assert_eq!(unhashed.to_string(), "the password of account `demo` is not hashed");
}

#[test]
fn a_link_that_is_knocked_at_needs_no_host() {
    let text = ROWS.replace("host = \"192.0.2.1\"\nport = 2776\n", "").replace(
        "[[link.rewrite]]",
        "outbind = { address = \"127.0.0.1:2780\", system_id = \"smsc\", password = \"knock\" }\n[[link.rewrite]]",
    );
    let rows = Catalog::parse("rows.toml", &text).unwrap();
    let secrets = SecretPlaces { directory: Path::new("secrets") };
    let link = LinkSettings::of_row(LinkId(3), &rows.link[0], secrets).unwrap();
    let outbind = link.outbind.unwrap();
    assert_eq!((outbind.address, outbind.system_id.as_str()), ("127.0.0.1:2780".parse().unwrap(), "smsc"));
    assert_eq!(outbind.password, Password("knock".into()));
}

#[test]
fn a_listeners_places_for_one_address_are_as_the_settings_say() {
    let settings = |bounds: &str| {
        let text =
            format!("[node]\nname = \"a\"\n[[smpp.listen]]\nmax_unbound = 40\nmax_sessions = 90\n{bounds}");
        ListenerSettings::from(&Settings::parse("node.toml", &text).unwrap().smpp.listen[0])
    };
    let usual = settings("");
    assert_eq!((usual.max_unbound_per_address, usual.max_per_address), (30, 90));
    let tight = settings("max_unbound_per_address = 3\nmax_per_address = 5\n");
    assert_eq!((tight.max_unbound_per_address, tight.max_per_address), (3, 5));
}
