//! Messages that agents see, and what they do with them (TXS-09, TXS-20, KEY-11, KEY-13).

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::address::Address;
use signalbox_core::backend::Table;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::{MessageId, SessionId};
use signalbox_core::scope::Purpose;
use signalbox_dialog::{
    AgentAnswer, AgentAsk, AgentRefusal, AgentText, Begun, Chosen, Effect, Event, Instructions, Mo, NoSource,
    NotTaken, Note, QueueRule, Rules, Said, Seen, Sources, SubCampaignRule, Wanted, Watch, Wish, Work,
};
use signalbox_invocation::Outcome;

use crate::world::{
    ACCOUNT, DEVICE, INFO, NOTICE, OTHER_ACCOUNT, SECOND, SHARED, SURVEY, World, code, echo, number, rules,
    says,
};

const LEASE: Duration = Duration::from_secs(600);
const OTHER_DEVICE: &str = "12025550199";

fn change(rules: &mut Rules, id: u32, change: impl FnOnce(&mut SubCampaignRule)) {
    change(Arc::make_mut(rules.sub_campaigns.get_mut(&id).unwrap()));
}

/// What the default of the shared address gets goes to agents.
fn to_agents() -> Rules {
    let mut rules = rules();
    change(&mut rules, INFO, |info| (info.instructions, info.flags) = (Instructions::Agent, true));
    rules
}

fn asks(world: &mut World, agent: &str, seen: Seen, wanted: Wanted) -> Result<AgentAnswer, AgentRefusal> {
    let reply = ReplyTo { session: SessionId(1), token: 99 };
    world.event(Event::Agent(Box::new(AgentAsk { reply, agent: agent.to_owned(), seen, wanted })));
    let place = world.effects.iter().position(|effect| matches!(effect, Effect::Agent { .. })).unwrap();
    let Effect::Agent { to, result } = world.effects.remove(place) else { unreachable!() };
    assert_eq!(to, reply);
    result
}

fn ask(world: &mut World, agent: &str, wanted: Wanted) -> Result<AgentAnswer, AgentRefusal> {
    asks(world, agent, Seen::Of([ACCOUNT].into()), wanted)
}

#[track_caller]
fn work(answer: Result<AgentAnswer, AgentRefusal>) -> Vec<Work> {
    match answer {
        Ok(AgentAnswer::Work(work)) => work,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn list(world: &mut World, held: bool, queue: Option<u32>) -> Vec<String> {
    let wanted = Wanted::List { held, queue, after: None, most: 100 };
    work(ask(world, "boss", wanted)).into_iter().map(|work| work.text).collect()
}

#[track_caller]
fn take(world: &mut World, agent: &str, most: usize) -> Vec<Work> {
    work(ask(world, agent, Wanted::Take { queue: None, most, lease: LEASE }))
}

fn text(text: &str) -> AgentText {
    AgentText { text: text.to_owned(), program: None, client_id: "client-5".to_owned() }
}

fn answer(id: MessageId, says: &str, lease: Option<Duration>) -> Wanted {
    Wanted::Answer { id, text: text(says), lease }
}

fn agents_of(world: &World) -> Vec<(String, String)> {
    let said = world.records.iter().filter_map(|record| match &record.what {
        Said::Agent { agent, text, .. } => Some((agent.clone(), text.clone())),
        _ => None,
    });
    said.collect()
}

fn did(world: &World) -> Vec<&str> {
    let said = world.records.iter().filter_map(|record| match &record.what {
        Said::Work { did, .. } => Some(did.as_str()),
        _ => None,
    });
    said.collect()
}

/// TXS-20: and the answer is of the same conversation, from the same address, and says whose it is.
#[test]
fn what_a_script_flags_waits_for_an_agent_over_a_restart() {
    let mut world = World::new(rules());
    world.script = Box::new(|_| Ok(Outcome { flag: Some("angry".to_owned()), ..says(&["one moment"]) }));
    let id = world.mo(DEVICE, SHARED, "survey please");
    assert_eq!(list(&mut world, false, None), [""; 0]);
    world.run();
    world.restart();
    assert_eq!(world.store.count(Table::Desk), 1);
    let taken = take(&mut world, "ann", 5);
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].id, taken[0].reason.as_str(), taken[0].answered), (id, "angry", true));
    assert_eq!((taken[0].text.as_str(), taken[0].sub_campaign), ("survey please", SURVEY));
    assert_eq!(ask(&mut world, "ben", answer(id, "no", None)), Err(AgentRefusal::Held("ann".to_owned())));
    let Ok(AgentAnswer::Sent { message, .. }) = ask(&mut world, "ann", answer(id, "sorry!", None)) else {
        panic!("not sent")
    };
    let (sent, own) = world.given.sent.last().unwrap();
    assert_eq!((*sent, own.text.as_str(), own.source.octets()), (message, "sorry!", SHARED.as_bytes()));
    assert_eq!(own.scope.purpose, Purpose::Answer);
    assert_eq!((own.scope.sub_campaign, &*own.scope.client_id), (SURVEY, "client-5"));
    assert_eq!(agents_of(&world), [("ann".to_owned(), "sorry!".to_owned())]);
    assert_eq!(world.store.count(Table::Desk), 0);
    assert_eq!(ask(&mut world, "ann", answer(id, "again", None)), Err(AgentRefusal::Absent));
}

/// KEY-11: no run is needed, so that it waits from the commit that takes the message.
#[test]
fn what_the_default_sends_to_agents_waits_with_the_commit_that_takes_it() {
    let mut world = World::new(to_agents());
    world.mo(DEVICE, SHARED, "is anybody there?");
    assert_eq!(world.store.count(Table::Desk), 1);
    assert!(world.next_task().is_none());
    world.restart();
    assert_eq!(list(&mut world, false, None), ["is anybody there?"]);
}

#[test]
fn nothing_else_answers_while_an_agent_has_the_conversation() {
    let mut rules = rules();
    change(&mut rules, SURVEY, |survey| survey.flags = true);
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    let taken = take(&mut world, "ann", 5);
    let texts = world.texts().len();
    world.mo(DEVICE, SHARED, "and another thing");
    assert!(world.next_task().is_none(), "the script is not asked");
    assert_eq!(list(&mut world, true, None), ["survey", "and another thing"], "it is ann's at once");
    // Words of consent and what begins anew are answered as ever.
    world.mo(DEVICE, SHARED, "HELP");
    world.run();
    assert_eq!(world.last_text(), "helpHandler:HELP");
    world.mo(DEVICE, SHARED, "survey again");
    world.run();
    assert_eq!(world.last_text(), "moHandler:survey again");
    assert_eq!(world.texts().len(), texts + 2);
    // All of it is finished, one by one; then the script goes on.
    assert_eq!(world.store.count(Table::Desk), 4);
    for work in take(&mut world, "ann", 5).into_iter().chain(taken) {
        let _ = ask(&mut world, "ann", Wanted::Finish(work.id));
    }
    for held in work(ask(&mut world, "ann", Wanted::List { held: true, queue: None, after: None, most: 9 })) {
        assert!(ask(&mut world, "ann", Wanted::Finish(held.id)).is_ok());
    }
    world.mo(DEVICE, SHARED, "back");
    world.run();
    assert_eq!(world.last_text(), "moHandler:back");
}

#[test]
fn a_run_under_way_does_not_answer_once_an_agent_has_it() {
    let mut rules = rules();
    change(&mut rules, SURVEY, |survey| survey.flags = true);
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "what?");
    let task = world.next_task().unwrap();
    take(&mut world, "ann", 5);
    let outcome = echo(&task);
    world.ran(&task, Ok(outcome));
    assert_eq!(world.texts().len(), 1, "the first question alone");
    assert_eq!(world.filtered(), ["agent_has_it"]);
}

/// D11.
#[test]
fn what_an_agent_leaves_lying_goes_back_to_its_old_place() {
    let mut world = World::new(to_agents());
    world.mo(DEVICE, SHARED, "first");
    world.pass(Duration::from_secs(1));
    world.mo(OTHER_DEVICE, SHARED, "second");
    assert_eq!(take(&mut world, "ann", 1)[0].text, "first");
    assert_eq!(list(&mut world, false, None), ["second"]);
    world.restart();
    world.pass(LEASE - Duration::from_secs(1));
    assert_eq!(list(&mut world, true, None), ["first"]);
    world.pass(Duration::from_secs(2));
    assert_eq!(list(&mut world, false, None), ["first", "second"]);
    assert_eq!(did(&world).last(), Some(&"time_over"));
    // Who comes back too late does not answer into another's work.
    let id = take(&mut world, "ben", 1)[0].id;
    assert_eq!(ask(&mut world, "ann", answer(id, "late", None)), Err(AgentRefusal::Held("ben".to_owned())));
}

#[test]
fn time_for_the_clock_is_given_again() {
    let mut world = World::new(to_agents());
    world.mo(DEVICE, SHARED, "first");
    let id = take(&mut world, "ann", 1)[0].id;
    world.pass(LEASE / 2);
    work(ask(&mut world, "ann", Wanted::Hold { id, lease: LEASE }));
    world.pass(LEASE - Duration::from_secs(1));
    assert_eq!(list(&mut world, true, None), ["first"]);
    assert_eq!(
        ask(&mut world, "ben", Wanted::Hold { id, lease: LEASE }),
        Err(AgentRefusal::Held("ann".into()))
    );
}

/// KEY-13.
#[test]
fn a_watched_keyword_leads_to_its_queue() {
    let mut rules = to_agents();
    rules.queues.add(7, QueueRule { account: ACCOUNT, priority: Some(60) });
    rules.queues.add(8, QueueRule { account: OTHER_ACCOUNT, priority: None });
    for (keyword, watch) in
        [("refund", Watch::Move(7)), ("my lawyer", Watch::First(7)), ("thanks", Watch::Archive)]
    {
        rules.queues.watch(ACCOUNT, 0, keyword.to_owned(), watch).unwrap();
    }
    let mut world = World::new(rules);
    for (device, said) in [
        ("12025550101", "hello"),
        ("12025550102", "Refund, now!"),
        ("12025550103", "MY LAWYER says"),
        ("12025550104", "Thanks a lot"),
    ] {
        world.mo(device, SHARED, said);
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(list(&mut world, false, Some(7)), ["MY LAWYER says", "Refund, now!"]);
    assert_eq!(list(&mut world, false, Some(0)), ["hello"]);
    assert_eq!(list(&mut world, false, None), ["MY LAWYER says", "Refund, now!", "hello"]);
    assert_eq!(did(&world), ["queued", "queued", "archived"]);
    // On to another queue, of the own account alone.
    let id = take(&mut world, "ann", 1)[0].id;
    assert_eq!(ask(&mut world, "ann", Wanted::HandOn { id, queue: Some(8) }), Err(AgentRefusal::NoQueue));
    work(ask(&mut world, "ann", Wanted::HandOn { id, queue: Some(0) }));
    assert_eq!(list(&mut world, false, Some(0)).len(), 2);
}

/// KEY-13, KEY-03: a top-level keyword is one of a source address.
#[test]
fn a_keyword_is_watched_for_on_its_address() {
    let mut rules = to_agents();
    for number in [7, 8, 9] {
        rules.queues.add(number, QueueRule { account: ACCOUNT, priority: None });
    }
    for (address, keyword, queue) in
        [(0, "refund", 7), (1, "refund", 8), (2, "bill", 9), (0, "bill please", 7)]
    {
        rules.queues.watch(ACCOUNT, address, keyword.to_owned(), Watch::Move(queue)).unwrap();
    }
    let now = signalbox_core::time::Micros(0);
    let queue = |address, text: &str| match rules.queues.watched(ACCOUNT, address, text, now) {
        Some((Watch::Move(queue), _)) => queue,
        _ => 0,
    };
    assert_eq!([queue(1, "refund"), queue(2, "refund"), queue(0, "refund")], [8, 7, 7]);
    assert_eq!([queue(1, "bill"), queue(2, "bill"), queue(0, "bill")], [0, 9, 0]);
    assert_eq!(queue(2, "bill please"), 7, "the longer one");
    assert!(rules.queues.watch(ACCOUNT, 2, "BILL".to_owned(), Watch::Archive).is_err());
    let mut world = World::new(rules);
    world.mo("12025550101", SHARED, "refund");
    assert_eq!(list(&mut world, false, Some(8)), ["refund"]);
}

/// TAP-05, TAP-11.
#[test]
fn a_conversation_is_one_agent_s_and_what_he_gives_back_is_anothers() {
    let mut world = World::new(to_agents());
    world.mo(DEVICE, SHARED, "one");
    world.mo(DEVICE, SHARED, "two");
    world.pass(Duration::from_secs(1));
    world.mo(OTHER_DEVICE, SHARED, "other");
    let taken = take(&mut world, "ann", 1);
    assert_eq!(taken.iter().map(|work| work.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(take(&mut world, "ben", 5).len(), 1);
    for work in &taken {
        assert!(ask(&mut world, "ann", Wanted::HandOn { id: work.id, queue: None }).is_ok());
    }
    world.mo("12025550111", SHARED, "newer");
    assert_eq!(take(&mut world, "ann", 1)[0].text, "newer", "not what she gave back");
    assert_eq!(take(&mut world, "ben", 1)[0].text, "one");
}

/// TXS-09: the fourth use.
#[test]
fn an_agent_begins_a_conversation_and_gets_its_answer() {
    let mut rules = rules();
    change(&mut rules, NOTICE, |notice| notice.texts.reply = Some("by itself".to_owned()));
    let mut world = World::new(rules);
    let begun = |account| {
        let (sub_campaign, device) = (NOTICE, number(DEVICE));
        Wanted::Begin(Box::new(Begun {
            account,
            sub_campaign,
            device,
            text: text("Ann here."),
            lease: LEASE,
        }))
    };
    assert_eq!(ask(&mut world, "ann", begun(OTHER_ACCOUNT)), Err(AgentRefusal::NoSubCampaign));
    assert!(ask(&mut world, "ann", begun(ACCOUNT)).is_ok());
    let own = &world.given.sent[0].1;
    assert_eq!((own.text.as_str(), own.scope.purpose), ("Ann here.", Purpose::Agent));
    assert!(world.next_task().is_none(), "no script makes it");
    assert_eq!(agents_of(&world)[0].0, "ann");
    assert_eq!(list(&mut world, false, None), [""; 0], "it waits for nobody else");
    world.restart();
    let id = world.mo(DEVICE, SHARED, "who?");
    assert!(world.next_task().is_none());
    assert_eq!(list(&mut world, true, None), ["Ann here.", "who?"]);
    assert!(ask(&mut world, "ann", answer(id, "The bank.", Some(LEASE))).is_ok());
    assert_eq!(world.given.sent[1].1.scope.purpose, Purpose::Answer);
    world.pass(LEASE + Duration::from_secs(1));
    assert_eq!(list(&mut world, false, None), ["who?"], "what she wrote herself is nobody's message");
    assert_eq!(list(&mut world, true, None), [""; 0]);
}

#[test]
fn an_answer_leaves_from_the_address_that_the_device_wrote_to_or_not_at_all() {
    let mut world = World::new(to_agents());
    let id = world.mo(DEVICE, SHARED, "hello");
    take(&mut world, "ann", 1);
    let bad = AgentText { program: Some("no-such".to_owned()), ..text("x") };
    let refused = ask(&mut world, "ann", Wanted::Answer { id, text: bad, lease: None });
    assert_eq!(refused, Err(AgentRefusal::NoSource("program_not_supported".to_owned())));
    assert_eq!((world.texts().len(), world.store.count(Table::Desk)), (0, 1), "it is still hers");
}

/// Links say what type of number an address is each in their own way.
#[test]
fn an_address_is_the_same_whatever_type_a_link_says_it_has() {
    let mut world = World::new(to_agents());
    let device = number(DEVICE);
    let id = MessageId::new(world.now.wall, device.shard(), 1 << 20);
    let source = Address::new(0, 1, SHARED.as_bytes()).unwrap();
    let mut pool = rules();
    pool.sources = Arc::new(Typed);
    pool.sub_campaigns = to_agents().sub_campaigns;
    world.event(Event::Rules(Arc::new(pool)));
    world.event(Event::Mo(Box::new(Mo {
        id,
        device,
        source,
        text: "hello".to_owned(),
        link: None,
        carrier: None,
    })));
    take(&mut world, "ann", 1);
    assert!(ask(&mut world, "ann", answer(id, "hello", None)).is_ok());
}

/// Always the shared address, as a short code.
#[derive(Debug)]
struct Typed;

impl Sources for Typed {
    fn choose(&self, _wish: &Wish<'_>) -> Result<Chosen, NoSource> {
        Ok(Chosen { id: 1, source: code(SHARED), reason: "conversation" })
    }
}

/// MQ-31.
#[test]
fn who_sees_another_account_sees_none_of_it() {
    let mut world = World::new(to_agents());
    let id = world.mo(DEVICE, SHARED, "mine");
    let sibling = || Seen::Of([OTHER_ACCOUNT].into());
    for held in [false, true] {
        let wanted = Wanted::List { held, queue: None, after: None, most: 9 };
        assert_eq!(work(asks(&mut world, "eve", sibling(), wanted)), []);
        let absent = Err(AgentRefusal::Absent);
        for wanted in [
            Wanted::Show(id),
            Wanted::Hold { id, lease: LEASE },
            answer(id, "x", None),
            Wanted::Finish(id),
            Wanted::HandOn { id, queue: None },
        ] {
            assert_eq!(asks(&mut world, "eve", sibling(), wanted), absent);
        }
        let wanted = Wanted::Take { queue: None, most: 9, lease: LEASE };
        assert_eq!(work(asks(&mut world, "eve", sibling(), wanted)), []);
        take(&mut world, "ann", 1);
    }
    assert_eq!(world.texts(), []);
}

#[test]
fn what_nobody_answered_is_shown_where_that_is_asked_for() {
    let mut rules = rules();
    change(&mut rules, SURVEY, |survey| survey.flags_unanswered = true);
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.script = Box::new(|_| Ok(Outcome::default()));
    world.mo(DEVICE, SHARED, "hm");
    world.run();
    assert_eq!(list(&mut world, false, None), ["hm"]);
}

#[test]
fn at_the_bound_the_message_is_kept_in_the_history_and_counted() {
    let mut rules = to_agents();
    rules.limits.work_of_account = 1;
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "one");
    world.mo(OTHER_DEVICE, SHARED, "two");
    assert_eq!(list(&mut world, false, None), ["one"]);
    assert!(world.notes.contains(&Note::Limit { what: "messages_for_agents" }));
    assert_eq!(did(&world), ["queue_full"]);
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let mut world = World::new(to_agents());
    for device in 0..5 {
        world.mo(&format!("1202555010{device}"), SHARED, &device.to_string());
        world.pass(Duration::from_secs(1));
    }
    let page = |world: &mut World, after| {
        work(ask(world, "boss", Wanted::List { held: false, queue: None, after, most: 2 }))
    };
    let first = page(&mut world, None);
    assert_eq!(first.len(), 3, "one more says that there is more");
    let second = page(&mut world, Some(first[1].place()));
    assert_eq!(second.iter().map(|work| work.text.as_str()).collect::<Vec<_>>(), ["2", "3", "4"]);
}

/// A message to an address that is nobody's is for who sees everything.
#[test]
fn what_is_nobodys_is_for_who_sees_all() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SECOND, "hello?");
    assert_eq!(list(&mut world, false, None), [""; 0]);
    let wanted = Wanted::List { held: false, queue: None, after: None, most: 9 };
    let all = work(asks(&mut world, "boss", Seen::All, wanted));
    assert_eq!((all.len(), all[0].account, all[0].reason.as_str()), (1, 0, "unmatched"));
}

/// An agent's text does not overtake what waits for room in the exchange.
#[test]
fn an_agent_is_told_to_wait_while_texts_wait() {
    let mut world = World::new(rules());
    world.script = Box::new(|_| Ok(Outcome { flag: Some("angry".to_owned()), ..says(&["one moment"]) }));
    let id = world.mo(DEVICE, SHARED, "survey please");
    world.given.refuses_one = Some(NotTaken { reason: "queue_full", temporary: true });
    world.run();
    take(&mut world, "ann", 1);
    let later = Err(AgentRefusal::Refused { reason: "queue_full", temporary: true });
    assert_eq!(ask(&mut world, "ann", answer(id, "sorry!", None)), later);
    world.pass(Duration::from_secs(2));
    assert!(ask(&mut world, "ann", answer(id, "sorry!", None)).is_ok());
    let texts: Vec<_> = world.texts().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts, ["one moment", "sorry!"]);
}
