//! What people want of us at the send gate (rules 7 and 8, OPT-*).

use std::time::Duration;

use signalbox_consent::{
    AccountId as Account, CampaignId, Cap, CapOver, CapSpec, Channel, Channels, EnterpriseId, Extent, Level,
    LimitId, LimitSpec, LineRule, ListId, OnWait, Reason as Why, SourceId,
};
use signalbox_core::backend::Table;
use signalbox_core::consent::{AccountConsent, By, ConsentChange, ConsentPolicy, Ground, Suppression, Who};
use signalbox_core::exchange::{
    Command, CommandReply, ConsentQuestion, Event, OwnText, Reply, ReplyTo, Submit, Unsent,
};
use signalbox_core::gate::ConsentVerdict;
use signalbox_core::gcra::Rate;
use signalbox_core::id::{MessageId, PeerId};
use signalbox_core::message::{Body, OriginClass};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::policy::{PeerPolicy, Policy};
use signalbox_core::scope::{ContactFacts, ConversationId, Purpose, Scope};

use crate::world::{ACCOUNT, ESME, LINK, TO_LINK, World, address, policy};

/// New York, where it is morning when the world begins.
pub const DEVICE: &str = "12125550100";
/// Honolulu, where it is night.
const ASLEEP: &str = "18085550100";
const SOURCE: &str = "60777";
const ENTERPRISE: u32 = 9;
const CAMPAIGN: u32 = 100;

pub fn own(purpose: Purpose, to: &str, text: &str) -> OwnText {
    let (source, destination) = (address(SOURCE), address(to));
    let scope = Scope {
        purpose,
        conversation: ConversationId::of(&destination, &source),
        group: MessageId::from_bytes([0; 16]),
        enterprise: ENTERPRISE,
        account: ACCOUNT.0,
        campaign: CAMPAIGN,
        sub_campaign: 1,
        address: 7,
        program: "alerts".into(),
        client_id: "client-5".into(),
        test: false,
        facts: ContactFacts::default(),
    };
    OwnText { source, destination, text: text.into(), scope }
}

fn change(level: Level, who: &str, opt_in: bool) -> ConsentChange {
    let ground = Ground { account: ACCOUNT.0, evidence: None, by: By::Mo, reason: "".into() };
    let who = Who::device(&address(who)).unwrap();
    ConsentChange { level, who, channels: Channels::one(Channel::Text), extent: Extent::All, opt_in, ground }
}

const fn account() -> Level {
    Level::Account(Account(ACCOUNT.0))
}

/// The policy with what the account has decided, and a validity of a day.
pub fn decided(decide: impl FnOnce(&mut ConsentPolicy, &mut AccountConsent)) -> Policy {
    let mut policy = policy();
    policy.accounts.get_mut(&ACCOUNT).unwrap().default_validity = Duration::from_secs(86_400);
    let mut own = AccountConsent { enterprise: ENTERPRISE, ..AccountConsent::default() };
    decide(&mut policy.consent, &mut own);
    policy.consent.accounts.insert(ACCOUNT, own);
    policy
}

pub fn world(policy: Policy) -> World {
    let mut world = World::with(policy);
    world.up(PeerId::Account(ACCOUNT), ESME, 10_000);
    world.up(PeerId::Link(LINK), TO_LINK, 10_000);
    world
}

impl World {
    pub fn say(&mut self, text: OwnText) -> MessageId {
        let id = self.exchange.send_own(self.now, text).unwrap();
        self.settle();
        id
    }

    fn wants(&mut self, change: ConsentChange) -> bool {
        let changed = self.exchange.change_consent(self.now, change);
        self.settle();
        changed
    }

    fn ask(&mut self, command: Command) -> CommandReply {
        let reply = ReplyTo { session: ESME, token: 9_999 };
        self.event(Event::Command { reply, command: Box::new(command) });
        match self.replies.pop() {
            Some((to, Reply::Command(answer))) if to == reply => *answer,
            other => panic!("{other:?}"),
        }
    }

    pub fn filtered(&self) -> Vec<Reason> {
        let filtered = self.cdrs.iter().filter(|cdr| cdr.outcome == FinalState::Filtered);
        filtered.map(|cdr| cdr.reason).collect()
    }
}

/// OPT-04, rule 7: a thousand wait for a slow link, and more for their time; STOP; nothing but the one confirmation
/// leaves any more.
#[test]
fn stop_beats_everything_that_waits() {
    let mut policy = decided(|_, _| {});
    policy
        .links
        .insert(LINK, PeerPolicy { rate: Some((Rate::per_second(1).unwrap(), 1)), ..PeerPolicy::default() });
    let mut world = world(policy);
    for number in 0..1_000 {
        world.exchange.send_own(world.now, own(Purpose::Answer, DEVICE, &format!("text {number}"))).unwrap();
    }
    let later = Some(world.now.wall.after(Duration::from_secs(60)));
    let scheduled = Submit { not_before: later, ..world.message(DEVICE) };
    world.submit(scheduled).unwrap();
    world.pass(Duration::from_secs(1));
    world.pass(Duration::from_secs(1));
    let before = world.sent.len();
    assert_eq!(before, 3, "the link takes one a second");

    assert!(world.wants(change(account(), DEVICE, false)));
    world.say(own(Purpose::OptOutConfirmation, DEVICE, "you are out"));
    world.say(own(Purpose::OptOutConfirmation, DEVICE, "you are out, again"));
    for _ in 0..120 {
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(world.sent.len(), before + 1);
    let Body::Content(content) = world.last_sent().body() else { panic!("a receipt") };
    assert_eq!(content.payload, "you are out");
    let of = |why| world.filtered().iter().filter(|reason| **reason == Reason::Consent(why)).count();
    assert_eq!((of(Why::OptedOutAccount), of(Why::ConfirmationNotDue)), (998, 1));
}

/// The process dies right after the commit with the STOP.
#[test]
fn a_stop_holds_after_a_restart() {
    let mut world = world(decided(|_, _| {}));
    assert!(world.wants(change(account(), DEVICE, false)));
    assert!(!world.wants(change(account(), DEVICE, false)), "a second one changes nothing");
    assert_eq!((world.rows_of(Table::Suppression), world.rows_of(Table::Consent)), (1, 1));
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    assert_eq!(world.exchange.suppressed(), 1);
    world.say(own(Purpose::Answer, DEVICE, "still there?"));
    assert_eq!(world.sent.len(), 0);
    world.say(own(Purpose::OptOutConfirmation, DEVICE, "you are out"));
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.rows_of(Table::Consent), 0, "nothing is owed any more");
    // START ends it for good.
    assert!(world.wants(change(account(), DEVICE, true)));
    assert_eq!(world.rows_of(Table::Suppression), 0);
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.say(own(Purpose::Answer, DEVICE, "welcome"));
    assert_eq!(world.sent.len(), 1);
}

/// What only informs does not wait for the morning, and an opt-out holds for it all the same.
#[test]
fn quiet_hours_of_marketing_do_not_hold_for_what_informs() {
    let mut world = world(decided(|_, _| {}));
    world.say(own(Purpose::Begin, ASLEEP, "an offer"));
    assert_eq!(world.sent.len(), 0, "it is night in Honolulu");
    let informing = |consent: &mut ConsentPolicy, _: &mut AccountConsent| {
        consent.informing.insert(1);
    };
    world.event(Event::Policy(std::sync::Arc::new(decided(informing))));
    world.say(own(Purpose::Begin, ASLEEP, "your card was used"));
    assert_eq!(world.sent.len(), 1);
    world.wants(change(account(), ASLEEP, false));
    world.say(own(Purpose::Begin, ASLEEP, "your card was used again"));
    assert_eq!(world.sent.len(), 1);
}

/// A STOP that comes while a message waits for its next try.
#[test]
fn a_stop_holds_for_a_retry() {
    let mut world = world(decided(|_, _| {}));
    world.say(own(Purpose::Answer, DEVICE, "hello"));
    world.wants(change(account(), DEVICE, false));
    let permit = world.last_sent().permit();
    world.event(Event::Unsent { permit, why: Unsent::NotWritten });
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.filtered(), [Reason::Consent(Why::OptedOutAccount)]);
}

/// OPT-03: what peers and API users submit is stopped at the levels of account and enterprise, and only there.
#[test]
fn opt_outs_hold_for_what_is_submitted() {
    let mut world = world(decided(|_, _| {}));
    let submit = |world: &mut World| {
        let before = world.sent.len();
        let message = world.message(DEVICE);
        world.submit(message).unwrap();
        world.sent.len() > before
    };
    assert!(submit(&mut world));
    world.wants(change(Level::Campaign(CampaignId(CAMPAIGN)), DEVICE, false));
    world.wants(change(Level::Account(Account(77)), DEVICE, false));
    assert!(submit(&mut world), "of a campaign, and of another account");
    for level in [account(), Level::Enterprise(EnterpriseId(ENTERPRISE))] {
        world.wants(change(level, DEVICE, false));
        assert!(!submit(&mut world), "{level:?}");
        world.wants(change(level, DEVICE, true));
        assert!(submit(&mut world), "{level:?}");
    }
    let reasons = [Why::OptedOutAccount, Why::OptedOutEnterprise].map(Reason::Consent);
    assert_eq!(world.filtered(), reasons);
    let mut policy = world.policy.clone();
    policy.consent.accounts.get_mut(&ACCOUNT).unwrap().transit = false;
    world.event(Event::Policy(std::sync::Arc::new(policy)));
    world.wants(change(account(), DEVICE, false));
    assert!(submit(&mut world), "where the account answers for it itself");
}

/// Rule 8: no class of origin but receipts and notices passes by.
#[test]
fn every_class_of_origin_is_asked() {
    let mut world = world(decided(|_, _| {}));
    world.wants(change(account(), DEVICE, false));
    for origin_class in [OriginClass::User, OriginClass::Test] {
        let message = Submit { origin_class, ..world.message(DEVICE) };
        world.submit(message).unwrap();
    }
    for purpose in [Purpose::Begin, Purpose::Answer, Purpose::OptIn, Purpose::Agent] {
        world.say(own(purpose, DEVICE, "hello"));
        let mut tester = own(purpose, DEVICE, "hello");
        tester.scope.test = true;
        world.say(tester);
    }
    assert_eq!(world.sent.len(), 0);
    assert_eq!(world.filtered(), [Reason::Consent(Why::OptedOutAccount); 10]);
    // What is owed leaves.
    world.say(own(Purpose::Help, DEVICE, "help"));
    let mut tester = own(Purpose::OptOutConfirmation, DEVICE, "you are out");
    tester.scope.test = true;
    world.say(tester);
    assert_eq!(world.sent.len(), 2);
}

/// A wait for the morning survives a restart, and is over when it is.
#[test]
fn quiet_hours_make_a_message_wait() {
    let mut world = world(decided(|_, _| {}));
    world.say(own(Purpose::Begin, ASLEEP, "news"));
    world.say(own(Purpose::Answer, ASLEEP, "answer"));
    assert_eq!(world.sent.len(), 1, "an answer is not held back");
    world.say(own(Purpose::Begin, DEVICE, "news"));
    assert_eq!(world.sent.len(), 2);
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.pass(Duration::from_secs(3_600));
    let news = |world: &World| {
        let to = |digits: &str| address(digits);
        world.sent.iter().filter(|(_, sent)| *sent.destination() == to(ASLEEP) && sent.attempt() == 1).count()
    };
    assert_eq!(news(&world), 0);
    for _ in 0..5 {
        world.pass(Duration::from_secs(3_600));
    }
    assert_eq!(news(&world), 1);
}

/// Caps count what left, across a restart, and a second try is not a second message.
#[test]
fn a_cap_counts_once_and_over_restarts() {
    let cap = Cap::new(&CapSpec { most: 1, hours: 2, over: CapOver::Account }).unwrap();
    let mut world = world(decided(|_, own| {
        own.caps.push(cap);
        own.settings.on_frequency_cap = OnWait::Filter;
    }));
    world.say(own(Purpose::Begin, DEVICE, "one"));
    let permit = world.last_sent().permit();
    world.event(Event::Unsent { permit, why: Unsent::NotWritten });
    assert_eq!(world.filtered(), []);
    assert!(world.sent.len() >= 2, "it is tried again");
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    let before = world.sent.len();
    world.say(own(Purpose::Begin, DEVICE, "two"));
    assert_eq!(world.filtered(), [Reason::Consent(Why::FrequencyCap)]);
    assert_eq!(world.sent.len(), before);
    // A new version of the catalog forgets nothing.
    world.event(Event::Policy(std::sync::Arc::new(world.policy.clone())));
    world.say(own(Purpose::Begin, DEVICE, "three"));
    assert_eq!(world.filtered().len(), 2);
    world.pass(Duration::from_secs(2 * 3_600 + 1));
    world.say(own(Purpose::Begin, DEVICE, "four"));
    assert!(world.sent.len() > before);
}

/// All parts of a message leave, or none: what has counted the first does not stop the second.
#[test]
fn parts_are_one_message() {
    let mut world = world(decided(|consent, own| {
        consent.limit(LimitId(1), LimitSpec::PerDay { most: 1, zone: "UTC".into() }).unwrap();
        own.limits.push(LimitId(1));
        own.settings.on_frequency_cap = OnWait::Filter;
    }));
    world.say(own(Purpose::Answer, DEVICE, &"long ".repeat(80)));
    assert_eq!(world.sent.len(), 3);
    world.say(own(Purpose::Answer, DEVICE, "one too many"));
    assert_eq!(world.sent.len(), 3);
}

/// Each reason that the exchange can meet ends a message under its own name.
#[test]
fn each_reason_filters() {
    type Decide = fn(&mut ConsentPolicy, &mut AccountConsent);
    let nothing: Decide = |_, _| {};
    let begin = || own(Purpose::Begin, DEVICE, "news");
    let to = |purpose, digits| own(purpose, digits, "news");
    let cases: Vec<(Why, Decide, OwnText)> = vec![
        (
            Why::ChannelNotContracted,
            |_, own| own.settings.contracted = Channels::one(Channel::Voice),
            begin(),
        ),
        (Why::RecipientUnknown, nothing, to(Purpose::Begin, "4711")),
        (Why::ConfirmationNotDue, nothing, to(Purpose::OptOutConfirmation, DEVICE)),
        (Why::DncMissing, |_, own| own.lists.push(ListId(3)), begin()),
        (
            Why::LineTypeUnknown,
            |_, own| own.settings.lines = LineRule { unknown: false, voip: true },
            begin(),
        ),
        (Why::QuietHours, |_, own| own.settings.on_quiet_hours = OnWait::Filter, to(Purpose::Begin, ASLEEP)),
        (Why::LimitUnknown, |_, own| own.limits.push(LimitId(8)), begin()),
    ];
    for (why, decide, text) in cases {
        let mut world = world(decided(decide));
        world.say(text);
        assert_eq!(world.filtered(), [Reason::Consent(why)]);
        assert_eq!(world.sent.len(), 0, "{why}");
    }

    let levels = [
        (Level::Campaign(CampaignId(CAMPAIGN)), Why::OptedOutCampaign),
        (account(), Why::OptedOutAccount),
        (Level::Enterprise(EnterpriseId(ENTERPRISE)), Why::OptedOutEnterprise),
    ];
    for (level, why) in levels {
        let mut world = world(decided(nothing));
        world.wants(change(level, DEVICE, false));
        world.say(begin());
        assert_eq!(world.filtered(), [Reason::Consent(why)]);
    }
    let mut likely = world(decided(nothing));
    likely.wants(ConsentChange { extent: Extent::Marketing, ..change(account(), DEVICE, false) });
    likely.say(begin());
    likely.say(to(Purpose::Answer, DEVICE));
    assert_eq!(likely.filtered(), [Reason::Consent(Why::OptedOutMarketing)]);
    assert_eq!(likely.sent.len(), 1);

    // The end of the day is beyond the end of their validity.
    let full: [(Why, Decide); 2] = [
        (Why::CarrierLimit, |consent, own| {
            consent.limit(LimitId(1), LimitSpec::PerDay { most: 1, zone: "UTC".into() }).unwrap();
            own.limits.push(LimitId(1));
        }),
        (Why::RecipientCap, |consent, _| consent.recipients(SourceId(7), 1, "UTC").unwrap()),
    ];
    for (why, decide) in full {
        let mut policy = decided(decide);
        policy.accounts.get_mut(&ACCOUNT).unwrap().default_validity = Duration::from_secs(3_600);
        let mut world = world(policy);
        world.say(begin());
        world.restart();
        world.up(PeerId::Link(LINK), TO_LINK, 10);
        world.say(to(Purpose::Begin, "12125550101"));
        assert_eq!(world.filtered(), [Reason::Consent(why)]);
    }
}

/// A client's own id is a person wherever the device is not known to have opted out.
#[test]
fn a_client_id_is_suppressed_on_any_device() {
    let mut world = world(decided(|_, _| {}));
    let by_id = ConsentChange { who: Who::Client("client-5".into()), ..change(account(), DEVICE, false) };
    world.wants(by_id);
    world.say(own(Purpose::Answer, DEVICE, "hello"));
    world.say(own(Purpose::Answer, "12125550199", "hello"));
    assert_eq!(world.filtered(), [Reason::Consent(Why::OptedOutAccount); 2]);
}

#[test]
fn operators_see_and_change_what_is_suppressed() {
    let mut world = world(decided(|_, _| {}));
    let ground = Ground { account: 1, evidence: None, by: By::Api, reason: "by letter".into() };
    let out = ConsentChange { ground: ground.clone(), ..change(account(), DEVICE, false) };
    assert!(matches!(world.ask(Command::ChangeConsent(Box::new(out.clone()))), CommandReply::Changed(1)));
    let since = world.now.wall;
    let who = Who::device(&address(DEVICE)).unwrap();
    let expected = Suppression {
        level: account(),
        who: who.clone(),
        channel: Channel::Text,
        extent: Extent::All,
        since,
        ground,
    };
    world.pass(Duration::from_secs(5));
    let CommandReply::Suppressions(found) = world.ask(Command::Suppressions(who.clone())) else { panic!() };
    assert_eq!(found, [expected]);
    let both = vec![who.clone(), Who::device(&address("447700900999")).unwrap()];
    let CommandReply::OptedOut(out_of) = world.ask(Command::OptedOut { account: ACCOUNT, who: both }) else {
        panic!()
    };
    assert_eq!(out_of, [true, false]);
    let asked = ConsentQuestion {
        purpose: Purpose::Begin,
        account: ACCOUNT,
        campaign: 0,
        sub_campaign: 0,
        address: 0,
        device: address(DEVICE),
        client_id: None,
    };
    let CommandReply::Consent { verdict, findings } = world.ask(Command::ExplainConsent(Box::new(asked)))
    else {
        panic!()
    };
    assert_eq!(verdict, ConsentVerdict::Filter(Reason::Consent(Why::OptedOutAccount)));
    assert_eq!(findings.len(), signalbox_consent::Check::ALL.len());
    let back = ConsentChange { opt_in: true, ..out };
    assert!(matches!(world.ask(Command::ChangeConsent(Box::new(back))), CommandReply::Changed(1)));
    let CommandReply::Suppressions(found) = world.ask(Command::Suppressions(who)) else { panic!() };
    assert_eq!(found, []);
}
