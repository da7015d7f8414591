use std::time::{Duration, Instant};

use signalbox_config::value::PasswordHash;
use signalbox_core::id::AccountId;
use signalbox_core::time::{Micros, Mono, Now};
use signalbox_smpp::Version;

use super::super::super::settings::{AccountSettings, BindModes, LockOut as Rules};
use super::*;

struct Clockwork(Instant);

impl Clock for Clockwork {
    fn now(&self) -> Now {
        let mono = Mono(u64::try_from(self.0.elapsed().as_nanos()).unwrap());
        Now { wall: Micros(0), mono }
    }
}

/// A hash that takes next to no time.
fn cheap_hash(password: &str) -> PasswordHash {
    PasswordHash::of(password, [3; 16]).unwrap()
}

fn door(accounts: Vec<AccountSettings>) -> Door {
    let door = Door::new(&SmscSettings::default(), Arc::new(Clockwork(Instant::now())));
    door.accounts.apply(&accounts.into_iter().map(Arc::new).collect::<Vec<_>>(), Mono(0));
    door
}

fn demo() -> AccountSettings {
    AccountSettings::new(AccountId(1), "demo", cheap_hash("secret"))
}

fn request(system_id: &str, password: &str) -> Request {
    Request {
        address: IpAddr::from([192, 0, 2, 1]),
        tls: false,
        certificate: None,
        mode: BindMode::Transceiver,
        bind: Bind::new(system_id, password, Version::V3_4),
    }
}

fn no_limit() -> Mutex<Gcra> {
    Mutex::new(Gcra::new(None, 1))
}

async fn why(door: &Door, request: &Request) -> (&'static str, u32) {
    match door.admit(request, &no_limit()).await {
        Ok(_) => ("ok", 0),
        Err(refused) => (refused.why, refused.status.0),
    }
}

#[tokio::test]
async fn each_rule_has_its_answer() {
    let door = door(vec![demo()]);
    assert_eq!(why(&door, &request("demo", "secret")).await, ("ok", 0));
    assert_eq!(why(&door, &request("demo", "guess")).await, ("wrong_password", 0x0e));
    assert_eq!(why(&door, &request("nobody", "secret")).await, ("unknown_account", 0x0f));

    let only = |change: fn(&mut AccountSettings)| {
        let mut account = demo();
        change(&mut account);
        self::door(vec![account])
    };
    let elsewhere = only(|account| account.allow_from = vec!["198.51.100.0/24".parse().unwrap()]);
    assert_eq!(why(&elsewhere, &request("demo", "secret")).await, ("address", 0x0d));
    let tls = only(|account| account.tls_required = true);
    assert_eq!(why(&tls, &request("demo", "secret")).await, ("tls_required", 0x0d));
    let certificate = only(|account| {
        account.client_certificates = vec![CertificateFingerprint::of(b"certificate")];
    });
    assert_eq!(why(&certificate, &request("demo", "secret")).await, ("certificate", 0x0d));
    let shown = Request {
        certificate: Some(CertificateFingerprint::of(b"certificate")),
        ..request("demo", "secret")
    };
    assert_eq!(why(&certificate, &shown).await, ("ok", 0));
    let system_type = only(|account| account.system_type = Some("VMA".into()));
    assert_eq!(why(&system_type, &request("demo", "secret")).await, ("system_type", 0x53));
    let receiver = only(|account| {
        account.modes = BindModes { transmitter: false, receiver: true, transceiver: false };
    });
    assert_eq!(why(&receiver, &request("demo", "secret")).await, ("mode", 0x0d));
    let long_ids = only(|account| account.long_ids = true);
    let old = Request { bind: Bind::new("demo", "secret", Version::V3_3), ..request("demo", "secret") };
    assert_eq!(why(&long_ids, &old).await, ("version", 0x0d));
    assert_eq!(why(&long_ids, &request("demo", "secret")).await, ("ok", 0));
}

#[tokio::test]
async fn binds_at_once_are_bounded() {
    let door = door(vec![AccountSettings { max_binds: 1, ..demo() }]);
    let first = door.admit(&request("demo", "secret"), &no_limit()).await.unwrap();
    assert_eq!(why(&door, &request("demo", "secret")).await, ("max_binds", 0x05));
    drop(first);
    assert_eq!(why(&door, &request("demo", "secret")).await, ("ok", 0));
}

#[tokio::test]
async fn a_wrong_password_locks_its_pair_even_for_the_right_one_and_nobody_else() {
    let other = AccountSettings::new(AccountId(2), "other", cheap_hash("secret"));
    let door = door(vec![demo(), other]);
    assert_eq!(why(&door, &request("demo", "secret")).await, ("ok", 0));
    for _ in 0..Rules::default().failures_per_account {
        assert_eq!(why(&door, &request("demo", "guess")).await, ("wrong_password", 0x0e));
    }
    assert_eq!(why(&door, &request("demo", "secret")).await, ("locked_out", 0x0d));
    assert_eq!(why(&door, &request("other", "secret")).await, ("ok", 0));
    let from_elsewhere = Request { address: IpAddr::from([192, 0, 2, 9]), ..request("demo", "secret") };
    assert_eq!(why(&door, &from_elsewhere).await, ("ok", 0));
}

/// The address is locked by names that do not exist; who is known to be right still comes in from it.
#[tokio::test]
async fn a_known_password_needs_no_hash_and_no_unlocked_address() {
    let door = door(vec![demo()]);
    assert_eq!(why(&door, &request("demo", "secret")).await, ("ok", 0));
    for name in 0..Rules::default().failures_per_address {
        let _ = why(&door, &request(&format!("n{name}"), "x")).await;
    }
    assert_eq!(why(&door, &request("n99", "x")).await, ("locked_out", 0x0d));
    let started = Instant::now();
    for _ in 0..1000 {
        assert_eq!(why(&door, &request("demo", "secret")).await, ("ok", 0));
    }
    // A thousand hashes take many seconds.
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn sessions_of_one_account_that_bind_together_need_one_hash() {
    let door = Arc::new(door(vec![AccountSettings { max_binds: 100, ..demo() }]));
    let binds: Vec<_> = (0..50)
        .map(|_| {
            let door = door.clone();
            tokio::spawn(async move { why(&door, &request("demo", "secret")).await })
        })
        .collect();
    for bind in binds {
        assert_eq!(bind.await.unwrap(), ("ok", 0), "more at once than wrong passwords are allowed");
    }
}

#[tokio::test]
async fn a_new_password_counts_at_once() {
    let door = door(vec![demo()]);
    assert_eq!(why(&door, &request("demo", "secret")).await, ("ok", 0));
    let changed = AccountSettings { password: cheap_hash("changed"), ..demo() };
    door.accounts.apply(&[Arc::new(changed)], Mono(0));
    assert_eq!(why(&door, &request("demo", "secret")).await, ("wrong_password", 0x0e));
    assert_eq!(why(&door, &request("demo", "changed")).await, ("ok", 0));
}

#[tokio::test]
async fn strangers_above_the_pace_are_put_off() {
    let door = door(vec![demo()]);
    let pace = Mutex::new(Gcra::new(Some(signalbox_core::gcra::Rate::per_minute(1).unwrap()), 1));
    let one = door.admit(&request("demo", "a"), &pace).await.unwrap_err();
    assert_eq!(one.why, "wrong_password");
    let two = door.admit(&request("demo", "b"), &pace).await.unwrap_err();
    assert_eq!(two.why, "busy");
}
