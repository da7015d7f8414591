//! Who is a tester of which account, and what a script in testing leads to (MQ-10, MQ-31).

use signalbox_core::address::Address;
use signalbox_core::backend::Kind;
use signalbox_core::time::Micros;
use signalbox_dialog::{Instructions, Rules, SubCampaignRule};

use super::{changed, id, rules, with};
use crate::catalog::Snapshot;

fn is_tester(rules: &Rules, snapshot: &Snapshot, account: &str, program: &str, at: i64) -> bool {
    let device = Address::new(1, 1, b"12025550177").unwrap();
    let account = snapshot.ids.account(account).unwrap();
    rules.testers.has(device.key(), account.0, program, Micros(at))
}

#[test]
fn a_tester_is_one_of_its_account_and_of_those_below_it() {
    let tester = |more: &str| {
        let row = "[[tester]]\nname = \"ann\"\naccount = \"bank\"\ndevice = \"12025550177\"\n";
        with(&format!("{row}{more}\n"))
    };
    let of = |snapshot: &Snapshot, account, program, at| {
        is_tester(&rules(snapshot), snapshot, account, program, at)
    };
    let all = tester("");
    assert!(of(&all, "bank", "balance", 0) && of(&all, "branch", "offers", 0));
    assert!(!of(&all, "shop", "balance", 0));
    assert!(!of(&tester("enabled = false"), "bank", "balance", 0));
    let one = tester("programs = [\"balance\"]");
    assert!(of(&one, "bank", "balance", 0) && !of(&one, "bank", "offers", 0));
    let (ends, at) = (tester("ends = 2026-01-01T00:00:00Z"), 1_767_225_600_000_000);
    assert!(of(&ends, "bank", "balance", at - 1) && !of(&ends, "bank", "balance", at));
}

/// A version in testing answers testers where it runs, too, unless the sub-campaign names the one that answers all.
#[test]
fn testers_of_what_runs_talk_to_the_version_in_testing() {
    let snapshot = changed("published = 2", "published = 2\ntesting = 1");
    let rules = rules(&snapshot);
    let sub = |name: &str| -> SubCampaignRule {
        (*rules.sub_campaigns[&id(&snapshot, Kind::SubCampaign, name)]).clone()
    };
    let versions = |sub: &SubCampaignRule| [false, true].map(|test| sub.version(test).unwrap().version);
    assert_eq!(versions(&sub("balance-in")), [2, 1]);
    assert_eq!(versions(&sub("notice")), [1, 1]);
    assert!(matches!(sub("notice").instructions, Instructions::Version(_)));
}
