//! Rows as the rules that they become, and the way of messages over those.

use std::fmt::Write;
use std::time::{Duration, Instant};

use signalbox_consent::{Asks, Certainty};
use signalbox_core::backend::Kind;
use signalbox_core::time::Micros;
use signalbox_dialog::{
    Instructions, Kind as RouteKind, Message, Route, Rules, Stage, Standing, Texts, Watch, Why, route,
};
use signalbox_invocation::{Channel, Level, SubCampaignKind, Version};

use super::{
    CATALOG, Compiled, Settings, changed, code, faults, id, left_out, number, rules, snapshot, with,
};
use crate::catalog::Snapshot;

/// 15 January 2026.
const NOW: Micros = Micros(1_768_435_200_000_000);

fn way(snapshot: &Snapshot, to: &str, text: &str) -> Route {
    way_of(&rules(snapshot), "12025550123", to, text)
}

fn way_of(rules: &Rules, from: &str, to: &str, text: &str) -> Route {
    let (device, to) = (number(from), code(to));
    route(rules, &Message { device: &device, to: &to, text, link: None, carrier: None }, None, NOW)
}

fn family(id: &str) -> Why {
    Why::Family(id.to_owned())
}

#[test]
fn accounts_are_what_the_tree_makes_of_them() {
    let snapshot = snapshot(CATALOG);
    let rules = rules(&snapshot);
    let corp = id(&snapshot, Kind::Enterprise, "corp");
    let told = |name: &str| {
        let rule = &rules.accounts[&id(&snapshot, Kind::Account, name)];
        assert_eq!(rule.name, name);
        (rule.enterprise, rule.active, rule.channels.clone(), rule.opt_out_level)
    };
    assert_eq!(told("bank"), (corp, true, vec![Channel::Text, Channel::Voice], Level::Account));
    assert_eq!(told("branch"), (corp, true, vec![Channel::Text], Level::Campaign));
    assert_eq!(told("shop"), (0, true, vec![Channel::Text], Level::Account));
    assert_eq!(rules.version, snapshot.version.0);
}

/// KEY-13, CAM-10.
#[test]
fn queues_of_agents_arrive_with_what_is_watched_for() {
    let snapshot = with(
        "[[agent_queue]]\nname = 'billing'\naccount = 'bank'\npriority = 80\n\
         [[agent_queue.watch]]\nkeyword = 'Refund'\n\
         [[agent_queue.watch]]\nkeyword = 'my lawyer'\naction = 'first'\n\
         [[agent_queue.watch]]\nkeyword = 'thanks'\naction = 'archive'\n\
         [[agent_queue.watch]]\nkeyword = 'bill'\nsource_address = 'us-70650'\n\
         [[campaign]]\nname = 'urgent'\naccount = 'bank'\npriority = 70\n\
         [[sub_campaign]]\nname = 'people'\naccount = 'bank'\nkind = 'inbound'\ncampaign = 'urgent'\n\
         agents = 'unanswered'\nagent_queue = 'billing'\n",
    );
    let rules = rules(&snapshot);
    let (bank, shop) = (id(&snapshot, Kind::Account, "bank"), id(&snapshot, Kind::Account, "shop"));
    let billing = id(&snapshot, Kind::AgentQueue, "billing");
    assert_eq!(rules.queues.of(bank, billing).and_then(|rule| rule.priority), Some(80));
    assert_eq!(rules.queues.of(shop, billing), None);
    let on =
        |account, address, text| rules.queues.watched(account, address, text, NOW).map(|(watch, _)| watch);
    let watched = |account, text| on(account, 0, text);
    let code = id(&snapshot, Kind::SourceAddress, "us-70650");
    assert_eq!((on(bank, code, "bill?"), watched(bank, "bill?")), (Some(Watch::Move(billing)), None));
    assert_eq!(watched(bank, "refund, please"), Some(Watch::Move(billing)));
    assert_eq!(watched(bank, "My lawyer says"), Some(Watch::First(billing)));
    assert_eq!(watched(bank, "THANKS"), Some(Watch::Archive));
    assert_eq!((watched(bank, "please refund"), watched(shop, "refund")), (None, None));
    let people = &rules.sub_campaigns[&id(&snapshot, Kind::SubCampaign, "people")];
    assert_eq!((people.flags, people.flags_unanswered), (false, true));
    assert_eq!((people.queue, people.priority), (billing, 70), "the priority of its campaign");
}

#[test]
fn what_is_suspended_above_takes_all_below_it_out() {
    let snapshot = changed("name = \"group\"\n", "name = \"group\"\nsuspended = true\n");
    let rules = rules(&snapshot);
    let active = |name: &str| rules.accounts[&id(&snapshot, Kind::Account, name)].active;
    assert_eq!(["bank", "branch", "shop"].map(active), [false, false, true]);
    let balance = id(&snapshot, Kind::SubCampaign, "balance-in");
    assert!(rules.sub_campaigns.contains_key(&balance) && rules.sub_campaign(balance).is_none());
    // Nobody is there for its keyword, nor for the default of the address.
    let way = way(&snapshot, "70650", "bank bal");
    assert_eq!(way.trace, [Why::KeywordInactive("bank bal".into()), Why::NoDefault]);
    assert_eq!(way.sub_campaign, None);
}

#[test]
fn addresses_are_those_that_messages_can_come_to() {
    let snapshot = snapshot(CATALOG);
    let rules = rules(&snapshot);
    assert_eq!(rules.addresses.iter().count(), 2);
    let info = id(&snapshot, Kind::SubCampaign, "info");
    let shared = rules.addresses.find(code("70650").key(), None, || None).unwrap();
    assert_eq!(shared.id, id(&snapshot, Kind::SourceAddress, "us-70650"));
    assert_eq!((shared.account, shared.default_inbound), (None, Some(info)));
    let long = rules.addresses.find(number("+12025550100").key(), None, || None).unwrap();
    assert_eq!(long.account, Some(id(&snapshot, Kind::Account, "bank")));
}

#[test]
fn the_exchange_is_told_which_messages_and_links_are_the_dialog_server_s() {
    let snapshot = snapshot(CATALOG);
    let policy = super::super::policy(&snapshot).unwrap();
    let address = |name| id(&snapshot, Kind::SourceAddress, name);
    assert_eq!(policy.addresses.len(), 2);
    assert_eq!(policy.addresses.get(code("70650").key()), Some(&address("us-70650")));
    assert_eq!(policy.addresses.get(number("12025550100").key()), Some(&address("us-long")));
    let link = |name: &str| snapshot.ids.link(name).unwrap();
    assert_eq!(policy.links[&address("us-70650")], [link("second"), link("first")]);
    assert_eq!(policy.links[&address("us-name")], [link("first")]);
    assert_eq!(policy.links.get(&address("us-gone")), None);
    assert!(policy.peer.takes_whole);
    let none = super::snapshot("[[account]]\nname = \"a\"\nsystem_id = \"a\"\npassword = \"a\"\n");
    assert!(super::super::policy(&none).is_none());
}

#[test]
fn each_field_of_a_sub_campaign_arrives() {
    let snapshot = snapshot(CATALOG);
    let rules = rules(&snapshot);
    let sub = |name| rules.sub_campaigns[&id(&snapshot, Kind::SubCampaign, name)].clone();
    let (bank, shop) = (id(&snapshot, Kind::Account, "bank"), id(&snapshot, Kind::Account, "shop"));
    let script = id(&snapshot, Kind::Script, "balance");
    let text = |text: &str| Some(text.to_owned());

    let balance = sub("balance-in");
    assert_eq!(balance.id, id(&snapshot, Kind::SubCampaign, "balance-in"));
    assert_eq!((balance.name.as_str(), balance.account), ("balance-in", bank));
    assert_eq!(balance.campaign, id(&snapshot, Kind::Campaign, "service"));
    assert_eq!(balance.campaign_name, "service");
    assert_eq!((balance.kind, balance.stage), (SubCampaignKind::Inbound, Stage::Running));
    let version = |version| Instructions::Version(Version { account: bank, script, version });
    assert_eq!(balance.instructions, version(2), "the published one");
    assert_eq!(balance.program, "balance");
    let texts = Texts {
        reply: None,
        help: text("own help"),
        opt_out: text("program end"),
        opt_in: text("back"),
        not_started: text("early"),
        ended: text("late"),
        failure: text("sorry"),
    };
    assert_eq!(balance.texts, texts);
    assert_eq!(balance.from, Some(Micros(1_767_225_600_000_000)));
    assert_eq!(balance.to, Some(Micros(1_830_297_600_000_000)));
    assert_eq!(balance.timeout, Duration::from_secs(7_200));
    assert!(balance.flags);
    assert_eq!(balance.opt_out_level, Some(Level::Campaign), "as its campaign says");

    let info = sub("info");
    assert_eq!(
        (info.instructions, info.texts.reply.clone()),
        (Instructions::Texts, text("Hello {first_name}"))
    );
    assert_eq!((info.campaign, info.campaign_name.as_str()), (0, ""));
    assert_eq!((info.from, info.to, info.flags), (None, None, false));
    assert_eq!(info.timeout, Duration::from_secs(86_400));
    assert_eq!(info.opt_out_level, Some(Level::Enterprise));

    let shop_in = sub("shop-in");
    assert_eq!((shop_in.instructions, shop_in.stage), (Instructions::Agent, Stage::Testing));
    assert_eq!((shop_in.account, shop_in.program.as_str(), shop_in.opt_out_level), (shop, "", None));
    let notice = sub("notice");
    assert_eq!((notice.kind, notice.instructions), (SubCampaignKind::Outbound, version(1)));
    assert_eq!(sub("paused").stage, Stage::Paused);
}

#[test]
fn stages_are_those_of_the_rows() {
    for (state, stage) in [("draft", Stage::Paused), ("ended", Stage::Ended), ("testing", Stage::Testing)] {
        let snapshot = changed("state = \"paused\"", &format!("state = \"{state}\""));
        let paused = id(&snapshot, Kind::SubCampaign, "paused");
        assert_eq!(rules(&snapshot).sub_campaigns[&paused].stage, stage, "{state}");
    }
}

#[test]
fn a_message_goes_where_the_rows_say() {
    let snapshot = snapshot(CATALOG);
    let sub = |name| Some(id(&snapshot, Kind::SubCampaign, name));
    let keyword = way(&snapshot, "70650", "BANK  bal please");
    assert_eq!(keyword.kind, RouteKind::Keyword("bank bal".into()));
    assert_eq!((keyword.sub_campaign, keyword.standing), (sub("balance-in"), Standing::Open));
    // A keyword is of its address alone.
    assert_eq!(way(&snapshot, "12025550100", "bank bal").sub_campaign, sub("info"));
    assert_eq!(way(&snapshot, "70650", "hello").sub_campaign, sub("info"));
    assert_eq!(way(&snapshot, "70651", "hello").trace, [Why::UnknownAddress]);
    assert_eq!(way(&snapshot, "70650", "STOP").kind, RouteKind::OptOut { certain: true });
}

/// D6.
#[test]
fn a_keyword_whose_sub_campaign_is_not_running_gives_way() {
    let snapshot = snapshot(CATALOG);
    let way = way(&snapshot, "70650", "soon");
    let info = id(&snapshot, Kind::SubCampaign, "info");
    assert_eq!(
        way.trace,
        [Why::KeywordInactive("soon".into()), Why::DefaultInbound(info), family("balance/us-70650")]
    );
    assert_eq!(way.sub_campaign, Some(info));
}

/// MQ-27.
#[test]
fn a_keyword_is_bound_for_its_time() {
    let snapshot = snapshot(CATALOG);
    let rules = rules(&snapshot);
    let shared = id(&snapshot, Kind::SourceAddress, "us-70650");
    let found = |at| rules.keywords.find(shared, "sale", Micros(at)).is_some();
    let (january, february) = (1_767_225_600_000_000, 1_769_904_000_000_000);
    assert_eq!([january - 1, january, february - 1, february].map(found), [false, true, true, false]);
}

#[test]
fn a_script_without_a_published_version_takes_its_sub_campaign_out() {
    let unpublished = changed("published = 2", "");
    let told = "sub_campaign `balance-in`, instructions: no version of the script `balance` is published";
    assert_eq!(faults(&unpublished), told);
    let (rules, _) = left_out(&unpublished);
    assert!(!rules.sub_campaigns.contains_key(&id(&unpublished, Kind::SubCampaign, "balance-in")));
    // The one that names its version stays.
    assert!(rules.sub_campaigns.contains_key(&id(&unpublished, Kind::SubCampaign, "notice")));
}

#[test]
fn what_is_tested_talks_with_the_version_that_is_tested() {
    let tested = CATALOG
        .replace("published = 2", "published = 2\ntesting = 3")
        .replace("version = 3\nbody", "version = 3\nstate = \"test\"\nbody")
        .replace(
            "state = \"running\"\nprograms = [\"balance\"]\nfrom",
            "state = \"testing\"\nprograms = [\"balance\"]\nfrom",
        );
    let tested = snapshot(&tested);
    let sub = &rules(&tested).sub_campaigns[&id(&tested, Kind::SubCampaign, "balance-in")];
    assert!(matches!(sub.instructions, Instructions::Version(Version { version: 3, .. })));
}

#[test]
fn words_of_rows_join_and_replace_those_that_are_shipped() {
    let words = |rows: &str| rules(&with(rows)).words;
    let shipped = words("");
    assert_eq!(shipped.classify("unsubscribe", false), Asks::OptOut(Certainty::Certain));
    let more = words(
        "[[words]]\nname = \"house\"\nlanguage = \"en\"\nclass = \"opt_out\"\ncertain = [\"basta\"]\n\
         likely = [\"enough of this\"]\nnone = [\"unsubscribe me from nothing\"]\n",
    );
    assert_eq!(more.classify("BASTA!", false), Asks::OptOut(Certainty::Certain));
    assert_eq!(more.classify("I had enough of this", false), Asks::OptOut(Certainty::Likely));
    assert_eq!(shipped.classify("unsubscribe me from nothing", false), Asks::OptOut(Certainty::Likely));
    assert_eq!(more.classify("Unsubscribe me from nothing.", false), Asks::Nothing);
    assert_eq!(more.classify("stop", false), Asks::OptOut(Certainty::Certain));
    let instead = words(
        "[[words]]\nname = \"en-help\"\nlanguage = \"en\"\nclass = \"help\"\ncertain = [\"assist\"]\n\
         [[words]]\nname = \"nl-opt-in\"\nlanguage = \"nl\"\nclass = \"opt_in\"\ncertain = [\"aan\"]\n\
         likely = [\"graag\"]\n",
    );
    assert_eq!(instead.classify("assist", false), Asks::Help);
    assert_eq!(instead.classify("help", false), Asks::Nothing);
    assert_eq!(instead.classify("aan", true), Asks::OptIn);
    assert_eq!(
        (instead.classify("graag", false), instead.classify("graag", true)),
        (Asks::OptIn, Asks::Nothing)
    );
}

#[test]
fn words_of_an_account_are_those_of_its_messages_alone() {
    let snapshot = with(
        "[[words]]\nname = \"corp\"\nenterprise = \"corp\"\nlanguage = \"en\"\nclass = \"opt_out\"\n\
         certain = [\"basta\"]\n",
    );
    let rules = rules(&snapshot);
    let mut of: Vec<u32> = rules.words_of.keys().copied().collect();
    of.sort_unstable();
    let mut expected = ["bank", "branch"].map(|name| id(&snapshot, Kind::Account, name));
    expected.sort_unstable();
    assert_eq!(of, expected);
    let address = rules.addresses.with(b"70650").next().unwrap();
    let asks = |answers: Option<&str>| {
        let answers = answers.map(|name| id(&snapshot, Kind::SubCampaign, name));
        rules.words_for(address, answers).classify("basta", false)
    };
    assert_eq!(asks(None), Asks::OptOut(Certainty::Certain), "its default is the bank's");
    assert_eq!(asks(Some("shop-in")), Asks::Nothing);
    assert_eq!(rules.words.classify("basta", false), Asks::Nothing);
}

/// A carrier's rule: whoever has an account may add words that end its messages, and cannot take STOP away.
#[test]
fn words_of_an_account_join_those_of_everybody() {
    let mut rows = String::new();
    for language in ["en", "es", "fr", "de", "pt", "hi"] {
        for (class, certain) in [("opt-out", "xyzzy"), ("help", "plugh")] {
            let _ = write!(
                rows,
                "[[words]]\nname = \"{language}-{class}\"\naccount = \"bank\"\nlanguage = \"{language}\"\n\
                 class = \"{}\"\ncertain = [\"{certain}\"]\n",
                class.replace('-', "_")
            );
        }
    }
    let snapshot = with(&rows);
    let rules = rules(&snapshot);
    let words = &rules.words_of[&id(&snapshot, Kind::Account, "bank")];
    assert_eq!(words.classify("xyzzy", false), Asks::OptOut(Certainty::Certain));
    assert_eq!(words.classify("plugh", false), Asks::Help);
    assert_eq!(words.classify("STOP", false), Asks::OptOut(Certainty::Certain));
    assert_eq!(words.classify("no more texts", false), Asks::OptOut(Certainty::Likely));
    assert_eq!(words.classify("help", false), Asks::Help);
}

#[test]
fn words_that_contradict_are_left_out_by_row() {
    let snapshot = with(
        "[[words]]\nname = \"bad\"\nlanguage = \"en\"\nclass = \"help\"\ncertain = [\"stop\"]\n\
         [[words]]\nname = \"good\"\nlanguage = \"en\"\nclass = \"help\"\ncertain = [\"assist\"]\n",
    );
    let told = "words `bad`, certain: \"stop\" is an opt-out word and, in language en, one of help";
    assert_eq!(faults(&snapshot), told);
    let (rules, _) = left_out(&snapshot);
    assert_eq!(rules.words.classify("assist", false), Asks::Help);
    assert_eq!(rules.words.classify("stop", false), Asks::OptOut(Certainty::Certain));
}

/// The time is far above what it takes, so that it tells of a square and not of a busy machine.
#[test]
fn a_hundred_thousand_keywords_are_compiled_while_nobody_waits_long() {
    let mut snapshot = snapshot(CATALOG);
    let one = snapshot.rows.keyword[0].clone();
    snapshot.rows.keyword.clear();
    for number in 0..100_000 {
        let text = format!("word {number}").parse().unwrap();
        snapshot.rows.keyword.push(signalbox_config::catalog::Keyword { text, ..one.clone() });
    }
    let begun = Instant::now();
    let rules = rules(&snapshot);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let address = id(&snapshot, Kind::SourceAddress, "us-70650");
    let begun = Instant::now();
    for number in 0..10_000 {
        let found = rules.keywords.find(address, &format!("Word {number} and more"), NOW);
        assert_eq!(found.map(|(_, folded)| folded), Some(format!("word {number}")));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// Bounds are settings, and take effect when they are read again.
#[test]
fn bounds_of_the_dialog_server_are_settings() {
    let text =
        "[node]\nname = \"a\"\n[dialog]\nwaiting = 3\nfirst_messages = 7\noffer_for = \"9s\"\nrun = \"5s\"\n";
    let settings = Settings::parse("test", text).unwrap();
    let limits = Compiled::new(&settings, &snapshot(CATALOG), None, None).rules.limits;
    assert_eq!((limits.waiting, limits.starts), (3, 7));
    assert_eq!((limits.patience.as_secs(), limits.run.as_secs()), (9, 5));
    // What is not set is as it was before there were settings.
    let usual = rules(&snapshot(CATALOG)).limits;
    assert_eq!(usual, signalbox_dialog::Limits::default());
}
