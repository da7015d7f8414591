//! The pool of source addresses over rows.

use signalbox_core::address::Address;
use signalbox_core::backend::Kind;
use signalbox_core::time::Micros;
use signalbox_dialog::{Chosen, NoSource, Use, Wish};

use super::{CATALOG, changed, code, id, number, rules, snapshot};
use crate::catalog::Snapshot;

const NOW: Micros = Micros(1_768_435_200_000_000);

struct Asked<'a> {
    program: &'a str,
    account: &'a str,
    sub_campaign: &'a str,
    carrier: Option<&'a str>,
    stays_on: Option<Address>,
    uses: Vec<Use>,
    owed: bool,
    test: bool,
}

impl Asked<'_> {
    fn choose(&self, snapshot: &Snapshot) -> Result<(String, &'static str), &'static str> {
        let device = number("12025550123");
        let wish = Wish {
            program: self.program,
            account: id(snapshot, Kind::Account, self.account),
            enterprise: 0,
            sub_campaign: id(snapshot, Kind::SubCampaign, self.sub_campaign),
            device: &device,
            carrier: self.carrier.and_then(|name| snapshot.ids.carrier(name)),
            stays_on: self.stays_on.as_ref(),
            stays_at: 0,
            uses: &self.uses,
            busy: &[],
            test: self.test,
            now: NOW,
            window: std::time::Duration::from_secs(86_400),
            owed: self.owed,
        };
        match rules(snapshot).choose(&wish) {
            Ok(Chosen { id: number, source, reason }) => {
                let name = snapshot.ids.name(Kind::SourceAddress, number).unwrap();
                let row = snapshot.rows.source_address.iter().find(|row| row.name.as_str() == name).unwrap();
                assert_eq!(source.to_text(), row.address.as_str());
                Ok((name.to_owned(), reason))
            }
            Err(NoSource(status)) => Err(status),
        }
    }
}

fn balance() -> Asked<'static> {
    Asked {
        program: "balance",
        account: "bank",
        sub_campaign: "info",
        carrier: Some("acme"),
        stays_on: None,
        uses: Vec::new(),
        owed: false,
        test: false,
    }
}

fn from(name: &str, reason: &'static str) -> Result<(String, &'static str), &'static str> {
    Ok((name.to_owned(), reason))
}

/// SRC-10, SRC-11.
#[test]
fn the_address_is_one_that_no_other_account_used_for_the_device() {
    let snapshot = snapshot(CATALOG);
    let shop = Asked { account: "shop", sub_campaign: "shop-in", ..balance() };
    // The long code is the bank's alone.
    assert_eq!(shop.choose(&snapshot), from("us-70650", "only"));
    let used = |name, account| Use {
        address: id(&snapshot, Kind::SourceAddress, name),
        account: id(&snapshot, Kind::Account, account),
        at: Micros(NOW.0 - 1),
    };
    let uses = vec![used("us-70650", "shop")];
    assert_eq!(Asked { uses, ..balance() }.choose(&snapshot), from("us-long", "unused_by_others"));
    let uses = vec![used("us-long", "shop")];
    assert_eq!(Asked { uses, ..balance() }.choose(&snapshot), from("us-70650", "unused_by_others"));
    // One that is gone since is another account too.
    let uses = vec![Use { account: 999_999, ..used("us-70650", "shop") }];
    assert_eq!(Asked { uses, ..balance() }.choose(&snapshot), from("us-long", "unused_by_others"));
}

#[test]
fn a_conversation_stays_on_its_address_while_the_program_may() {
    let snapshot = snapshot(CATALOG);
    for (address, name) in [(code("70650"), "us-70650"), (number("12025550100"), "us-long")] {
        let asked = Asked { stays_on: Some(address), ..balance() };
        assert_eq!(asked.choose(&snapshot), from(name, "conversation"));
    }
    // A branch is below the bank, a shop is not: it goes on elsewhere.
    let there = || Some(number("12025550100"));
    let branch = Asked { account: "branch", stays_on: there(), ..balance() };
    assert_eq!(branch.choose(&snapshot), from("us-long", "conversation"));
    let shop = Asked { account: "shop", sub_campaign: "shop-in", stays_on: there(), ..balance() };
    assert_eq!(shop.choose(&snapshot), from("us-70650", "only"));
}

#[test]
fn a_sub_campaign_may_name_its_address() {
    let snapshot = snapshot(CATALOG);
    let notice = Asked { sub_campaign: "notice", ..balance() };
    assert_eq!(notice.choose(&snapshot), from("us-long", "fixed"));
    let there = Asked { stays_on: Some(code("70650")), ..notice };
    assert_eq!(there.choose(&snapshot), from("us-long", "fixed"));
}

#[test]
fn the_answer_to_stop_comes_from_where_it_went_whatever_is_approved() {
    let snapshot = changed("status = \"approved\"", "status = \"suspended\"");
    let stays_on = || Some(code("70650"));
    let asked = Asked { stays_on: stays_on(), ..balance() };
    assert_eq!(asked.choose(&snapshot), Err("program_not_approved"));
    let owed = Asked { owed: true, ..asked };
    assert_eq!(owed.choose(&snapshot), from("us-70650", "conversation"));
    let unnamed = Asked { program: "", carrier: None, ..owed };
    assert_eq!(unnamed.choose(&snapshot), from("us-70650", "conversation"));
    // An address that is gone sends nothing, owed or not.
    let gone = Asked { stays_on: Some(code("70651")), ..unnamed };
    assert_eq!(gone.choose(&snapshot), Err("program_not_supported"));
}

/// SRC-13, SRC-14, PRG-03.
#[test]
fn a_refusal_names_what_stands_in_the_way() {
    let snapshot = snapshot(CATALOG);
    let cases = [
        (Asked { program: "none", ..balance() }, "program_not_supported"),
        (Asked { program: "offers", ..balance() }, "program_not_supported"),
        (Asked { carrier: None, ..balance() }, "carrier_not_supported"),
        (Asked { carrier: Some("other"), ..balance() }, "program_not_approved"),
        (Asked { program: "offers", account: "shop", ..balance() }, "program_not_approved"),
    ];
    for (asked, status) in cases {
        assert_eq!(asked.choose(&snapshot), Err(status), "{}", asked.program);
    }
    // What is submitted is there for tests.
    let tested = Asked { program: "offers", account: "shop", test: true, ..balance() };
    assert_eq!(tested.choose(&snapshot), from("us-70650", "only"));
}

/// INT-04: Canada shares the calling code of the United States.
#[test]
fn the_country_is_that_of_the_number() {
    let snapshot = changed("country = \"US\"", "country = \"CA\"");
    assert_eq!(balance().choose(&snapshot), Err("country_not_supported"));
    let reached = changed("country = \"US\"", "country = \"CA\"\nreaches = [\"US\"]");
    assert!(balance().choose(&reached).is_ok());
}
