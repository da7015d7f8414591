use signalbox_programs::{
    Address, Approval, ApprovalStatus, Book, Combination, Device, LastUse, Mode, Policy, Program, Reason,
    Refusal, Request, Rows, Today, User,
};

const DAY: i64 = 24 * 3_600 * 1_000_000;
const NOW: i64 = 20_000 * DAY + DAY / 2;

const DEVICE: Device<'_> = Device { number: "12125550100", country: "US", carrier: Some("red") };

fn address(name: &str) -> Address {
    Address::new(name, name, "US").carrier("red").program("p")
}

fn rows(addresses: Vec<Address>) -> Rows {
    let approvals = addresses.iter().map(|address| Approval::new("p", &address.name, "red")).collect();
    Rows { programs: vec![Program::new("p")], addresses, approvals, keywords: vec![] }
}

fn request() -> Request<'static> {
    Request { now: NOW, ..Request::new("p", "bank", DEVICE) }
}

fn choose(rows: Rows, request: &Request<'_>) -> Result<(String, Reason), Refusal> {
    choose_with(rows, request, &Today::default())
}

fn choose_with(rows: Rows, request: &Request<'_>, today: &Today<'_>) -> Result<(String, Reason), Refusal> {
    let book = Book::new(rows);
    book.choose(request, today).map(|choice| (choice.address.to_owned(), choice.reason))
}

fn used<'a>(address: &'a str, account: &'a str, days_ago: i64) -> LastUse<'a> {
    LastUse { address, account, at: NOW - days_ago * DAY }
}

fn chosen(name: &str, reason: Reason) -> Result<(String, Reason), Refusal> {
    Ok((name.to_owned(), reason))
}

/// SRC-10: whatever its history.
#[test]
fn the_only_one_that_fits_is_used() {
    let history = [used("a", "shop", 1)];
    let request = Request { history: &history, ..request() };
    assert_eq!(choose(rows(vec![address("a")]), &request), chosen("a", Reason::Only));
}

/// What is wrong with the only address of a program, and what the message is told: one condition a row.
#[test]
fn each_condition_has_its_refusal() {
    type Spoil = fn(&mut Rows, &mut Request<'_>);
    let cases: &[(&str, Spoil, Refusal, &str)] = &[
        ("no program", |_, r| r.program = "none", Refusal::UnknownProgram, "program_not_supported"),
        (
            "a program of others",
            |rows, _| rows.programs[0].only = Some(User::Account("shop".into())),
            Refusal::ProgramNotForAccount,
            "program_not_supported",
        ),
        (
            "no address runs it (SRC-05, SRC-13)",
            |rows, _| rows.addresses[0].programs.clear(),
            Refusal::ProgramNotSupported,
            "program_not_supported",
        ),
        (
            "the one that is named does not run it",
            |_, r| r.fixed = Some("b"),
            Refusal::ProgramNotSupported,
            "program_not_supported",
        ),
        (
            "restricted to another account (SRC-07)",
            |rows, _| rows.addresses[0].only = Some(User::Account("shop".into())),
            Refusal::AddressNotForAccount,
            "address_not_for_account",
        ),
        (
            "restricted to another enterprise (SRC-07)",
            |rows, _| rows.addresses[0].only = Some(User::Enterprise("group".into())),
            Refusal::AddressNotForAccount,
            "address_not_for_account",
        ),
        ("not in use", |rows, _| rows.addresses[0].sends = false, Refusal::NotInUse, "address_not_in_use"),
        (
            "free to the end user, the address not (SRC-16)",
            |rows, _| rows.programs[0].fteu = true,
            Refusal::FteuNotSupported,
            "fteu_not_supported",
        ),
        (
            "another country (INT-04)",
            |_, r| r.device.country = "CA",
            Refusal::CountryNotSupported,
            "country_not_supported",
        ),
        (
            "an unknown carrier",
            |_, r| r.device.carrier = None,
            Refusal::CarrierUnknown,
            "carrier_not_supported",
        ),
        (
            "another carrier (SRC-06, SRC-13)",
            |_, r| r.device.carrier = Some("blue"),
            Refusal::CarrierNotSupported,
            "carrier_not_supported",
        ),
        (
            "a combination that is off (SRC-14)",
            |rows, _| combine(rows, Some("p"), Some("red"), Mode::Disabled),
            Refusal::Disabled,
            "combination_disabled",
        ),
        (
            "a combination for tests (SRC-14)",
            |rows, _| combine(rows, None, Some("red"), Mode::TestOnly),
            Refusal::TestOnly,
            "combination_test_only",
        ),
        (
            "no approval (PRG-03)",
            |rows, _| rows.approvals.clear(),
            Refusal::NotApproved,
            "program_not_approved",
        ),
        (
            "an approval that is submitted (PRG-03)",
            |rows, _| rows.approvals[0].status = ApprovalStatus::Submitted,
            Refusal::NotApproved,
            "program_not_approved",
        ),
        (
            "an approval whose time is over",
            |rows, _| rows.approvals[0].to = Some(NOW),
            Refusal::NotApproved,
            "program_not_approved",
        ),
    ];
    for (what, spoil, refusal, status) in cases {
        let mut rows = rows(vec![address("a")]);
        let mut request = request();
        assert_eq!(choose(rows.clone(), &request), chosen("a", Reason::Only));
        spoil(&mut rows, &mut request);
        assert_eq!(choose(rows, &request), Err(*refusal), "{what}");
        assert_eq!(refusal.status(), *status, "{what}");
        assert_eq!(refusal.until(NOW), None, "waiting does not help: {what}");
    }
}

fn combine(rows: &mut Rows, program: Option<&str>, carrier: Option<&str>, mode: Mode) {
    let (program, carrier) = (program.map(str::to_owned), carrier.map(str::to_owned));
    rows.addresses[0].combinations.push(Combination { program, carrier, mode });
}

#[test]
fn the_strictest_combination_holds_and_others_do_not_matter() {
    let mut rows = rows(vec![address("a")]);
    combine(&mut rows, Some("q"), None, Mode::Disabled);
    combine(&mut rows, None, Some("blue"), Mode::Disabled);
    combine(&mut rows, Some("p"), None, Mode::Enabled);
    assert_eq!(choose(rows.clone(), &request()), chosen("a", Reason::Only));
    combine(&mut rows, Some("p"), Some("red"), Mode::TestOnly);
    assert_eq!(choose(rows.clone(), &request()), Err(Refusal::TestOnly));
    let test = Request { test: true, ..request() };
    assert_eq!(choose(rows.clone(), &test), chosen("a", Reason::Only));
    combine(&mut rows, Some("p"), Some("red"), Mode::Disabled);
    assert_eq!(choose(rows, &test), Err(Refusal::Disabled), "what is off is off for tests too");
}

#[test]
fn tests_may_go_out_before_the_carrier_has_approved() {
    let mut rows = rows(vec![address("a")]);
    let test = Request { test: true, ..request() };
    for (status, sent) in [
        (ApprovalStatus::Submitted, true),
        (ApprovalStatus::Approved, true),
        (ApprovalStatus::Rejected, false),
        (ApprovalStatus::Suspended, false),
        (ApprovalStatus::Expired, false),
    ] {
        rows.approvals[0].status = status;
        assert_eq!(choose(rows.clone(), &test).is_ok(), sent, "{status:?}");
    }
}

#[test]
fn what_is_restricted_is_for_those_below_too() {
    let mut rows = rows(vec![address("a")]);
    rows.addresses[0].only = Some(User::Account("holding".into()));
    let below = Request { above: &["bank-parent", "holding"], ..request() };
    assert_eq!(choose(rows.clone(), &below), chosen("a", Reason::Only));
    rows.addresses[0].only = Some(User::Enterprise("group".into()));
    let within = Request { enterprises: &["corp", "group"], ..request() };
    assert_eq!(choose(rows, &within), chosen("a", Reason::Only));
}

/// The refusal is that of the address which came furthest.
#[test]
fn the_refusal_says_what_would_have_to_change() {
    let mut other_country = address("a");
    other_country.country = "GB".into();
    let mut rows = rows(vec![other_country, address("b")]);
    rows.approvals[1].status = ApprovalStatus::Suspended;
    assert_eq!(choose(rows.clone(), &request()), Err(Refusal::NotApproved));
    rows.addresses.swap(0, 1);
    assert_eq!(choose(rows, &request()), Err(Refusal::NotApproved), "the order of rows does not count");
}

#[test]
fn what_is_left_out_is_told_with_its_reason() {
    let mut off = address("b");
    off.sends = false;
    let book = Book::new(rows(vec![address("a"), off]));
    let choice = book.choose(&request(), &Today::default()).unwrap();
    let excluded: Vec<_> = choice.excluded.iter().map(|of| (of.address, of.why)).collect();
    assert_eq!((choice.address, excluded), ("a", vec![("b", Refusal::NotInUse)]));
}

/// SRC-11, SRC-12, decision D4.
#[test]
fn who_used_what_for_the_device_decides() {
    let three = || rows(vec![address("a"), address("b"), address("c")]);
    let cases: &[(&str, &[LastUse<'_>], &str, Reason)] = &[
        ("nothing was used: by name", &[], "a", Reason::UnusedByOthers),
        (
            "not one that another account used",
            &[used("a", "shop", 5), used("b", "shop", 9)],
            "c",
            Reason::UnusedByOthers,
        ),
        (
            "never used comes before used by us",
            &[used("a", "bank", 20), used("b", "bank", 3)],
            "c",
            Reason::UnusedByOthers,
        ),
        (
            "of those used by us alone the oldest",
            &[used("a", "bank", 3), used("b", "bank", 20), used("c", "shop", 29)],
            "b",
            Reason::UnusedByOthers,
        ),
        (
            "all used by others: the oldest use",
            &[used("a", "shop", 3), used("b", "shop", 20), used("c", "tax", 8)],
            "b",
            Reason::OldestUse,
        ),
        (
            "the last use counts, whoever it was",
            &[used("a", "shop", 25), used("a", "bank", 1), used("b", "shop", 9), used("c", "tax", 8)],
            "b",
            Reason::OldestUse,
        ),
        (
            "a use before the window is none",
            &[used("a", "shop", 31), used("b", "shop", 29), used("c", "shop", 28)],
            "a",
            Reason::UnusedByOthers,
        ),
    ];
    for (what, history, name, reason) in cases {
        let request = Request { history, ..request() };
        assert_eq!(choose(three(), &request), chosen(name, *reason), "{what}");
    }
}

#[test]
fn of_equal_ones_the_least_used_today_is_chosen() {
    let today = Today { recipients: &[("a", 7), ("b", 2), ("c", 3)], messages: &[] };
    let three = rows(vec![address("a"), address("b"), address("c")]);
    assert_eq!(choose_with(three, &request(), &today), chosen("b", Reason::UnusedByOthers));
}

#[test]
fn a_sticky_pool_keeps_the_address_of_the_account() {
    let mut three = rows(vec![address("a"), address("b"), address("c")]);
    three.programs[0].policy = Policy::Sticky;
    let history = [used("a", "bank", 9), used("b", "bank", 2), used("b", "shop", 1), used("c", "shop", 1)];
    let sticky = Request { history: &history, ..request() };
    assert_eq!(choose(three.clone(), &sticky), chosen("b", Reason::Sticky));
    let of_others = [used("a", "shop", 9)];
    let fresh = Request { history: &of_others, ..request() };
    assert_eq!(choose(three.clone(), &fresh), chosen("b", Reason::UnusedByOthers));
    let long_ago = [used("b", "bank", 31)];
    let forgotten = Request { history: &long_ago, ..request() };
    assert_eq!(choose(three.clone(), &forgotten), chosen("a", Reason::UnusedByOthers));
    let other_policy = Request { policy: Some(Policy::Disambiguate), ..sticky };
    assert_eq!(
        choose(three, &other_policy),
        chosen("a", Reason::UnusedByOthers),
        "the sub-campaign's own policy"
    );
}

#[test]
fn a_pool_by_place_prefers_what_is_local() {
    let local = |name: &str, areas: &[&str]| {
        let mut row = address(name);
        row.areas = areas.iter().map(|area| (*area).to_owned()).collect();
        row
    };
    let mut pool = rows(vec![local("a", &["1"]), local("b", &["1305", "1212"]), local("c", &["12125"])]);
    pool.programs[0].policy = Policy::Geo;
    assert_eq!(choose(pool.clone(), &request()), chosen("c", Reason::Local));
    pool.addresses[2].areas = vec!["1305".into()];
    assert_eq!(choose(pool.clone(), &request()), chosen("b", Reason::Local));
    let elsewhere = Device { number: "33612345678", ..DEVICE };
    let request = Request { device: elsewhere, ..request() };
    assert_eq!(choose(pool, &request), chosen("a", Reason::UnusedByOthers));
}

/// A bound of recipients a day counts devices, so that a device that was written to today may be again.
#[test]
fn an_address_has_a_bound_of_recipients_a_day() {
    let mut one = rows(vec![address("a")]);
    one.addresses[0].recipients_per_day = Some(10);
    let today = |count| [("a", count)];
    let with = |count, history: &[LastUse<'_>]| {
        let request = Request { history, ..request() };
        choose_with(one.clone(), &request, &Today { recipients: &today(count), messages: &[] })
    };
    assert!(with(9, &[]).is_ok());
    assert_eq!(with(10, &[]), Err(Refusal::RecipientLimit));
    assert!(with(10, &[used("a", "shop", 0)]).is_ok());
    assert_eq!(with(10, &[used("a", "bank", 1)]), Err(Refusal::RecipientLimit), "that was yesterday");
    assert_eq!(Refusal::RecipientLimit.until(NOW), Some(20_001 * DAY), "tomorrow there is room again");
}

#[test]
fn a_carrier_has_a_bound_of_messages_a_day() {
    let mut two = rows(vec![address("a"), address("b")]);
    two.approvals[0].daily_limit = Some(100);
    let full = Today { recipients: &[], messages: &[("p-a-red", 100)] };
    assert_eq!(choose_with(two.clone(), &request(), &full), chosen("b", Reason::Only), "the other has room");
    two.approvals[1].daily_limit = Some(0);
    assert_eq!(choose_with(two, &request(), &full), Err(Refusal::DailyLimit));
}

/// SRC-08, INT-04: one sub-campaign, several countries, several addresses.
#[test]
fn each_country_has_its_address() {
    let mut uk = address("uk");
    uk.country = "GB".into();
    uk.reaches = vec!["IE".into()];
    let two = rows(vec![address("us"), uk]);
    for (country, name) in [("US", "us"), ("GB", "uk"), ("IE", "uk")] {
        let request = Request { device: Device { country, ..DEVICE }, ..request() };
        assert_eq!(choose(two.clone(), &request), chosen(name, Reason::Only));
    }
}

#[test]
fn an_address_that_is_named_is_used_or_none() {
    let two = rows(vec![address("a"), address("b")]);
    let fixed = Request { fixed: Some("b"), ..request() };
    assert_eq!(choose(two.clone(), &fixed), chosen("b", Reason::Fixed));
    let mut off = two;
    off.addresses[1].sends = false;
    assert_eq!(choose(off, &fixed), Err(Refusal::NotInUse));
}

/// SRC-15: an address that several customers share is theirs, and that of who is below them.
#[test]
fn an_address_of_several_customers_is_theirs_alone() {
    let mut shared = Address::new("code", "70650", "US").carrier("red").program("p");
    shared.only = Some(User::Accounts(vec!["bank".into(), "shop".into()]));
    let book = Book::new(Rows {
        programs: vec![Program::new("p")],
        addresses: vec![shared],
        approvals: vec![Approval::new("p", "code", "red")],
        keywords: vec![],
    });
    let device = Device { number: "12125550100", country: "US", carrier: Some("red") };
    let from = |account: &str, above: &[&str]| {
        let request = Request { above, ..Request::new("p", account, device) };
        book.choose(&request, &Today::default()).map(|choice| choice.address.to_owned())
    };
    assert_eq!(from("bank", &[]).as_deref(), Ok("code"));
    assert_eq!(from("branch", &["shop"]).as_deref(), Ok("code"));
    assert_eq!(from("club", &[]), Err(Refusal::AddressNotForAccount));
}
