//! Which program family a message is of, and which of two addresses with the same digits it came to.

use signalbox_core::backend::Kind;
use signalbox_core::id::LinkId;
use signalbox_core::time::Micros;
use signalbox_dialog::{Kind as RouteKind, Message, Route, Why, Wish, route};

use super::{CATALOG, code, faults, id, number, rules, snapshot, with};
use crate::catalog::Snapshot;

/// 15 January 2026.
const NOW: Micros = Micros(1_768_435_200_000_000);

const DEVICE: &str = "12025550123";

fn came(snapshot: &Snapshot, from: &str, carrier: Option<&str>, link: Option<&str>, text: &str) -> Route {
    came_at(snapshot, from, carrier, link, text, NOW)
}

fn came_at(
    snapshot: &Snapshot,
    from: &str,
    carrier: Option<&str>,
    link: Option<&str>,
    text: &str,
    at: Micros,
) -> Route {
    let (device, to) = (number(from), code("70650"));
    let carrier = carrier.map(|name| snapshot.ids.carrier(name).unwrap());
    let link: Option<LinkId> = link.map(|name| snapshot.ids.link(name).unwrap());
    route(&rules(snapshot), &Message { device: &device, to: &to, text, link, carrier }, None, at)
}

fn family(id: &str) -> Why {
    Why::Family(id.to_owned())
}

/// A keyword of the program `balance`, which `acme` has approved on the address, and its sub-campaign.
const ASK: &str = "[[keyword]]\nname = \"ask\"\ntext = \"ask\"\nsource_address = \"us-70650\"\nprogram = \"balance\"\n\
                   account = \"bank\"\nsub_campaign = \"balance-in\"\n";

/// PRG-06, KEY-01: carrier, number and short code name the family, and the keyword is one of that family alone.
#[test]
fn a_keyword_counts_for_messages_of_its_family() {
    let snapshot = with(ASK);
    let sub = |name| Some(id(&snapshot, Kind::SubCampaign, name));
    let own = came(&snapshot, DEVICE, Some("acme"), None, "ask");
    assert_eq!((own.kind, own.sub_campaign), (RouteKind::Keyword("ask".into()), sub("balance-in")));
    assert_eq!(own.trace, [Why::Keyword("ask".into()), family("balance/us-70650")]);
    // Another carrier has approved nothing: the message is of no family, and the word begins nothing.
    let other = came(&snapshot, DEVICE, Some("other"), None, "ask me");
    assert_eq!((other.kind, other.sub_campaign), (RouteKind::Other, sub("info")));
    let default = Why::DefaultInbound(id(&snapshot, Kind::SubCampaign, "info"));
    assert_eq!(other.trace, [Why::OtherFamily("ask".into()), default]);
    // Of an unknown carrier, the address decides.
    let unknown = came(&snapshot, DEVICE, None, None, "ask");
    assert_eq!(unknown.kind, RouteKind::Keyword("ask".into()));
}

#[test]
fn a_shorter_keyword_counts_where_the_longer_is_of_another_family() {
    let longer = ASK.replace("\"ask\"", "\"ask.more\"").replace("text = \"ask.more\"", "text = \"ask more\"");
    let shorter = ASK.replace("program = \"balance\"\n", "");
    let snapshot = with(&(longer + &shorter));
    let way = came(&snapshot, DEVICE, Some("other"), None, "ask more");
    assert_eq!(way.kind, RouteKind::Keyword("ask".into()));
    assert_eq!(way.trace, [Why::OtherFamily("ask more".into()), Why::Keyword("ask".into())]);
    let way = came(&snapshot, DEVICE, Some("acme"), None, "ask more");
    assert_eq!(way.kind, RouteKind::Keyword("ask more".into()));
}

#[test]
fn what_is_over_or_rejected_makes_no_family() {
    let until = CATALOG.replacen(
        "carrier = \"acme\"\nstatus = \"approved\"\n",
        "carrier = \"acme\"\nstatus = \"approved\"\nto = \"2026-02-01T00:00:00Z\"\n",
        1,
    );
    let until = snapshot(&(until + ASK));
    let kind = |at| came_at(&until, DEVICE, Some("acme"), None, "ask", Micros(at)).kind;
    let february = 1_769_904_000_000_000;
    assert_eq!(kind(february - 1), RouteKind::Keyword("ask".into()));
    assert_eq!(kind(february), RouteKind::Other);
    let rejected = CATALOG.replacen("status = \"approved\"", "status = \"rejected\"", 1);
    let rejected = snapshot(&(rejected + ASK));
    assert_eq!(came(&rejected, DEVICE, Some("acme"), None, "ask").kind, RouteKind::Other);
    // What is submitted is tested: its keywords work before the carrier's word.
    let submitted = CATALOG.replacen("status = \"approved\"", "status = \"submitted\"", 1);
    let submitted = snapshot(&(submitted + ASK));
    assert_eq!(came(&submitted, DEVICE, Some("acme"), None, "ask").kind, RouteKind::Keyword("ask".into()));
}

#[test]
fn a_response_is_of_the_family_of_its_sub_campaign() {
    let snapshot = snapshot(CATALOG);
    // `offers` is submitted with the same carrier on the same address: the default's program decides.
    let way = came(&snapshot, DEVICE, Some("acme"), None, "hello");
    assert_eq!(way.trace.last(), Some(&family("balance/us-70650")));
    let sale = came(&snapshot, DEVICE, Some("acme"), None, "sale");
    assert!(!sale.trace.iter().any(|why| matches!(why, Why::Family(id) if id.starts_with("offers"))));
}

/// The same digits in the United Kingdom, over the link `second`, with a default of its own.
const BRITISH: &str = "[[source_address]]\nname = \"gb-70650\"\naddress = \"70650\"\nsharing = \"shared\"\n\
    country = \"GB\"\nreaches = [\"IE\"]\nlinks = [\"LINK\"]\ncarriers = [\"other\"]\nprograms = [\"balance\"]\n\
    default_sub_campaign = \"shop-in\"\n\
    [[approval]]\nname = \"balance-gb\"\nprogram = \"balance\"\nsource_address = \"gb-70650\"\ncarrier = \"other\"\n\
    status = \"approved\"\n";

const BRITON: &str = "447400123456";
const IRISH: &str = "353851234567";
const FRENCH: &str = "33612345678";

/// SRC-02: a short code is identified by its country and its digits.
#[test]
fn the_same_short_code_may_be_one_of_two_countries() {
    let british = BRITISH.replace("LINK", "first");
    let catalog = CATALOG.replace("links = [\"second\", \"first\"]", "links = [\"second\"]") + &british;
    let apart = snapshot(&catalog);
    assert_eq!(faults(&apart), "");
    let address =
        |way: Route| way.address.map(|id| apart.ids.name(Kind::SourceAddress, id).unwrap().to_owned());
    let at = |from, link| address(came(&apart, from, None, link, "hello"));
    // The link decides, wherever the number is of: it is roaming, or was moved.
    assert_eq!(at(DEVICE, Some("first")).as_deref(), Some("gb-70650"));
    assert_eq!(at(BRITON, Some("second")).as_deref(), Some("us-70650"));
    // Without a link the country of the number does.
    assert_eq!(at(DEVICE, None).as_deref(), Some("us-70650"));
    assert_eq!(at(BRITON, None).as_deref(), Some("gb-70650"));
    assert_eq!(at(IRISH, None).as_deref(), Some("gb-70650"), "which reaches Ireland");
    // And nobody guesses.
    let nowhere = came(&apart, FRENCH, None, None, "hello");
    assert_eq!((nowhere.address, nowhere.sub_campaign), (None, None));
    assert_eq!(nowhere.trace, [Why::UnclearAddress(2)]);

    let both = with(&BRITISH.replace("LINK", "first"));
    let at = |from| came(&both, from, None, Some("first"), "hello").address;
    assert_eq!(at(BRITON), Some(id(&both, Kind::SourceAddress, "gb-70650")), "one link for both");
    assert_eq!(at(DEVICE), Some(id(&both, Kind::SourceAddress, "us-70650")));
}

#[test]
fn an_answer_leaves_from_the_address_that_the_message_came_to() {
    let snapshot = with(&BRITISH.replace("LINK", "first"));
    let rules = rules(&snapshot);
    let from = |device: &str, at: Option<&str>| {
        let (device, code) = (number(device), code("70650"));
        let wish = Wish {
            program: "balance",
            account: id(&snapshot, Kind::Account, "bank"),
            enterprise: 0,
            sub_campaign: id(&snapshot, Kind::SubCampaign, "info"),
            device: &device,
            carrier: None,
            stays_on: Some(&code),
            stays_at: at.map_or(0, |name| id(&snapshot, Kind::SourceAddress, name)),
            uses: &[],
            busy: &[],
            test: false,
            now: NOW,
            window: std::time::Duration::from_secs(86_400),
            owed: true,
        };
        let chosen = rules.choose(&wish).ok()?;
        snapshot.ids.name(Kind::SourceAddress, chosen.id).map(str::to_owned)
    };
    assert_eq!(from(BRITON, None).as_deref(), Some("gb-70650"));
    assert_eq!(from(DEVICE, None).as_deref(), Some("us-70650"));
    assert_eq!(from(DEVICE, Some("gb-70650")).as_deref(), Some("gb-70650"), "as its link told");
    assert_eq!(from(FRENCH, None), None);
}
