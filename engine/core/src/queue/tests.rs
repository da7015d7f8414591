use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const BULK: TrafficClass = TrafficClass::Bulk;
const OTP: TrafficClass = TrafficClass::Otp;
const OWN: Share = Share { owner: Owner(1), weight: 10 };

fn queue() -> PeerQueue<u32> {
    PeerQueue::new(1000, Fairness::default())
}

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000_000)
}

fn popped(queue: &mut PeerQueue<u32>) -> Vec<u32> {
    std::iter::from_fn(|| queue.pop(at(0)).map(|queued| queued.item)).collect()
}

#[test]
fn urgent_classes_first_and_each_in_order() {
    let mut queue = queue();
    for (item, class) in [(1, BULK), (2, OTP), (3, TrafficClass::Reply), (4, OTP), (5, BULK)] {
        queue.push_back(item, class, OWN, None, at(0));
    }
    assert_eq!(queue.class_len(BULK), 2);
    assert_eq!(popped(&mut queue), [2, 4, 3, 1, 5]);
    assert!(queue.is_empty() && !queue.has_ready());
}

#[test]
fn a_waiting_class_gets_its_share() {
    for (one_of, least_urgent) in [(20, 740), (4, 220)] {
        let fairness = Fairness { one_of, ..Fairness::default() };
        let mut queue = PeerQueue::new(0, fairness);
        for class in TrafficClass::ALL {
            for item in 0..1000 {
                queue.push_back(item, class, OWN, None, at(0));
            }
        }
        let released: Vec<TrafficClass> =
            (0..900).map(|_| queue.pop(at(1)).unwrap().ticket.class()).collect();
        for window in released.windows(fairness.one_of as usize) {
            for class in TrafficClass::ALL {
                assert!(window.contains(&class), "{class:?} of {window:?}");
            }
        }
        let urgent = released.iter().filter(|&&class| class == OTP).count();
        assert!(urgent >= least_urgent, "{urgent}");
    }
}

#[test]
fn a_class_that_waited_long_gets_more() {
    let share = |waited| {
        let mut queue = queue();
        for item in 0..1000 {
            queue.push_back(item, BULK, OWN, None, at(0));
            queue.push_back(item, OTP, OWN, None, at(waited));
        }
        (0..500).filter(|_| queue.pop(at(waited)).unwrap().ticket.class() == BULK).count()
    };
    let (young, old) = (share(59), share(60));
    assert!((25..=30).contains(&young), "{young}");
    assert!((100..=167).contains(&old), "{old}");
}

#[test]
fn a_one_time_password_passes_a_million_old_bulk_messages() {
    let mut queue = queue();
    for item in 0..1_000_000 {
        queue.push_back(item, BULK, OWN, None, at(0));
    }
    for second in 0..100 {
        queue.push_back(7, OTP, OWN, None, at(1000 + second));
        let behind =
            (0..).take_while(|_| queue.pop(at(1000 + second)).unwrap().ticket.class() != OTP).count();
        assert!(behind <= 1, "{behind} bulk messages left before it");
    }
}

#[test]
fn shares_that_cannot_be_kept_are_refused() {
    assert_eq!(Fairness::default().validate(), Ok(()));
    let error = Fairness { one_of_when_old: 3, ..Fairness::default() }.validate().unwrap_err();
    assert_eq!(error.to_string(), "one_of_when_old is 3, but four classes need at least 4");
}

#[test]
fn what_comes_back_has_its_place_whatever_order_it_comes_in() {
    let mut queue = queue();
    for item in 0..400 {
        queue.push_back(item, BULK, OWN, None, at(item.into()));
    }
    let flight: Vec<Queued<u32>> = (0..200).map(|_| queue.pop(at(500)).unwrap()).collect();
    for queued in flight.iter().step_by(2).chain(flight.iter().skip(1).step_by(2).rev()) {
        queue.push_front(*queued, OWN);
    }
    assert_eq!(queue.oldest(BULK), Some(at(0).into()));
    assert_eq!(queue.iter().map(|queued| queued.item).collect::<Vec<u32>>(), (0..400).collect::<Vec<u32>>());
    assert_eq!(popped(&mut queue), (0..400).collect::<Vec<u32>>());
}

#[test]
fn a_lane_lets_one_through_at_a_time() {
    let (lane, other) = (Some(Lane(1)), Some(Lane(2)));
    let mut queue = queue();
    queue.push_back(1, BULK, OWN, lane, at(1));
    queue.push_back(2, BULK, OWN, lane, at(2));
    queue.push_back(3, BULK, OWN, other, at(3));
    queue.push_back(4, OTP, OWN, lane, at(4));
    queue.push_back(5, BULK, OWN, None, at(5));
    assert_eq!((queue.class_waiting(BULK), queue.class_len(BULK), queue.class_waiting(OTP)), (1, 4, 1));
    let first = queue.pop(at(9)).unwrap();
    assert_eq!(first.item, 1);
    assert_eq!(queue.pop(at(9)).unwrap().item, 3);
    // Throttled: it comes back, keeps the lane and leaves again.
    queue.push_front(first, OWN);
    assert_eq!(queue.pop(at(9)).unwrap().item, 1);
    assert_eq!(queue.pop(at(9)).unwrap().item, 5);
    assert_eq!(queue.pop(at(9)), None);
    // A later try of the holder.
    queue.push_again(1, BULK, OWN, at(10));
    assert_eq!(popped(&mut queue), [1]);
    queue.push_back(6, BULK, OWN, None, at(10));
    assert!(queue.done(Lane(1)));
    // What was let in has waited longer than 6.
    assert_eq!(queue.oldest(BULK), Some(at(2).into()));
    assert_eq!(popped(&mut queue), [2, 6]);
    assert!(queue.done(Lane(1)));
    assert_eq!(popped(&mut queue), [4]);
    assert!(!queue.done(Lane(1)));
    queue.push_back(7, BULK, OWN, lane, at(11));
    assert_eq!(popped(&mut queue), [7]);
}

#[test]
fn a_lane_can_be_held_for_what_is_elsewhere() {
    let mut queue = queue();
    assert!(queue.hold_lane(Lane(1)));
    assert!(!queue.hold_lane(Lane(1)));
    queue.push_back(1, BULK, OWN, Some(Lane(1)), at(0));
    assert_eq!(queue.pop(at(0)), None);
    queue.done(Lane(1));
    assert_eq!(popped(&mut queue), [1]);
}

#[test]
fn what_is_removed_never_leaves() {
    let lane = Some(Lane(1));
    let mut queue = queue();
    let holder = queue.push_back(1, BULK, OWN, lane, at(1));
    let second = queue.push_back(2, BULK, OWN, lane, at(2));
    queue.push_back(3, BULK, OWN, lane, at(3));
    let plain = queue.push_back(4, BULK, OWN, None, at(4));
    assert_eq!(queue.remove(second, lane).unwrap().waits_in, lane);
    assert_eq!(queue.remove(second, lane), None);
    assert_eq!(queue.remove(holder, lane).unwrap().item, 1, "its lane goes to 3");
    assert_eq!(queue.remove(plain, None).unwrap().since, at(4).into());
    assert_eq!(popped(&mut queue), [3]);
    let stale = queue.push_back(5, BULK, OWN, None, at(5));
    queue.pop(at(5));
    queue.push_back(6, BULK, OWN, None, at(6));
    assert_eq!(queue.remove(stale, None), None);
    assert_eq!(queue.len(), 1);
}

#[test]
fn a_held_queue_gives_nothing() {
    let mut queue = PeerQueue::new(1, Fairness::default());
    assert!(!queue.is_full());
    queue.push_back(1, OTP, OWN, None, at(0));
    assert!(queue.is_full() && queue.has_ready());
    queue.hold();
    assert!(queue.is_held() && !queue.has_ready());
    assert_eq!(queue.pop(at(0)), None);
    queue.set_capacity(2);
    assert!(!queue.is_full());
    queue.release();
    assert_eq!(popped(&mut queue), [1]);
}

#[test]
fn in_order_keeps_that_of_lanes_across_classes() {
    let mut queue = queue();
    for item in 0..1000 {
        let lane = (item % 3 == 0).then_some(Lane(u64::from(item % 30)));
        queue.push_back(item, TrafficClass::ALL[3 - item as usize % 4], OWN, lane, at(item.into()));
    }
    let items = queue.in_order();
    assert_eq!(items.iter().map(|queued| queued.item).collect::<BTreeSet<_>>().len(), 1000);
    let waits: Vec<bool> = items.iter().map(|queued| queued.waits_in.is_some()).collect();
    assert!(waits.is_sorted(), "those that wait for lanes come last");
    for lane in (0..30).step_by(3) {
        let of_lane: Vec<u32> =
            items.iter().map(|queued| queued.item).filter(|item| item % 30 == lane).collect();
        assert!(of_lane.len() > 30 && of_lane.is_sorted(), "{of_lane:?}");
    }
    for queued in &items {
        let lane = (queued.item % 3 == 0).then_some(Lane(u64::from(queued.item % 30)));
        let removed = queue.remove(queued.ticket, lane).unwrap();
        assert_eq!((removed.item, removed.since), (queued.item, at(queued.item.into()).into()));
    }
    assert!(queue.is_empty());
}

#[test]
fn a_million_items_take_less_than_24_octets_each() {
    let mut queue: PeerQueue<u64> = PeerQueue::new(0, Fairness::default());
    for item in 0..1_000_000 {
        queue.push_back(item, BULK, OWN, None, at(0));
    }
    assert!(queue.classes[BULK.index()].octets() <= 24_000_000);
    // A purge of all but a few gives most of it back.
    let tickets: Vec<Ticket> = queue.iter().map(|queued| queued.ticket).collect();
    for (number, ticket) in tickets.into_iter().enumerate() {
        if number % 5000 != 0 {
            queue.remove(ticket, None);
        }
    }
    assert_eq!(queue.len(), 200);
    assert!(queue.classes[BULK.index()].octets() <= 1_000_000);
    for queued in queue.in_order() {
        queue.remove(queued.ticket, None);
    }
    assert_eq!(queue.classes[BULK.index()].octets(), 0);
}

/// Owners of the model's items.
const OWNERS: u64 = 3;

fn of(owner: u64) -> Share {
    Share { owner: Owner(owner), weight: owner as u32 + 1 }
}

/// The same queue in the simplest way: all items that were ever pushed.
#[derive(Default)]
struct Model {
    items: BTreeMap<u32, Modelled>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting,
    Ready,
    Flight,
}

#[derive(Clone, Copy, Debug)]
struct Modelled {
    class: TrafficClass,
    owner: u64,
    lane: Option<Lane>,
    state: State,
    ticket: Ticket,
}

impl Model {
    fn is_held(&self, lane: Lane) -> bool {
        self.items.values().any(|other| other.lane == Some(lane) && other.state != State::Waiting)
    }

    fn end(&mut self, item: u32) {
        let Some(ended) = self.items.remove(&item) else { return };
        let held = ended.state != State::Waiting;
        if let (true, Some(lane)) = (held, ended.lane)
            && let Some(next) = self.items.values_mut().find(|other| other.lane == Some(lane))
        {
            next.state = State::Ready;
        }
    }

    fn heads(&self) -> Vec<u32> {
        let first = |class, owner| {
            let of = |other: &Modelled| (other.class, other.owner) == (class, owner);
            let mut ready = self.items.iter().filter(|(_, other)| other.state == State::Ready);
            ready.find(|(_, other)| of(other)).map(|(&item, _)| item)
        };
        let all =
            TrafficClass::ALL.into_iter().flat_map(|class| (0..OWNERS).map(move |owner| (class, owner)));
        all.filter_map(|(class, owner)| first(class, owner)).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize, u64, Option<u64>),
    Pop,
    Back(usize),
    Done(usize),
    Remove(usize),
    Drain(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4usize, 0..OWNERS, proptest::option::of(0..3u64))
            .prop_map(|(class, owner, lane)| Step::Push(class, owner, lane)),
        5 => Just(Step::Pop),
        2 => any::<usize>().prop_map(Step::Back),
        3 => any::<usize>().prop_map(Step::Done),
        2 => any::<usize>().prop_map(Step::Remove),
        1 => (0..4usize).prop_map(Step::Drain),
    ]
}

fn pick(model: &Model, which: usize, wanted: fn(State) -> bool) -> Option<u32> {
    let found: Vec<u32> =
        model.items.iter().filter(|(_, other)| wanted(other.state)).map(|(&item, _)| item).collect();
    (!found.is_empty()).then(|| found[which % found.len()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn it_does_what_the_simplest_queue_does(steps in proptest::collection::vec(step(), 1..300)) {
        let mut queue = queue();
        let mut model = Model::default();
        let mut flight: BTreeMap<u32, Queued<u32>> = BTreeMap::new();
        for (number, step) in steps.into_iter().enumerate() {
            let item = number as u32;
            match step {
                Step::Push(class, owner, lane) => {
                    let (class, lane) = (TrafficClass::ALL[class], lane.map(Lane));
                    let waits = lane.is_some_and(|lane| model.is_held(lane));
                    let state = if waits { State::Waiting } else { State::Ready };
                    let ticket = queue.push_back(item, class, of(owner), lane, at(0));
                    prop_assert_eq!(ticket.class(), class);
                    model.items.insert(item, Modelled { class, owner, lane, state, ticket });
                }
                Step::Pop => match queue.pop(at(0)) {
                    Some(queued) => {
                        prop_assert!(model.heads().contains(&queued.item));
                        let modelled = model.items.get_mut(&queued.item).unwrap();
                        prop_assert_eq!(modelled.ticket, queued.ticket);
                        modelled.state = State::Flight;
                        flight.insert(queued.item, queued);
                    }
                    None => prop_assert!(model.heads().is_empty()),
                },
                Step::Back(which) => {
                    if let Some(item) = pick(&model, which, |state| state == State::Flight) {
                        let back = flight.remove(&item).unwrap();
                        let ticket = queue.push_front(back, of(model.items[&item].owner));
                        prop_assert_eq!(ticket, back.ticket);
                        model.items.get_mut(&item).unwrap().state = State::Ready;
                    }
                }
                Step::Done(which) => {
                    if let Some(item) = pick(&model, which, |state| state == State::Flight) {
                        flight.remove(&item);
                        if let Some(lane) = model.items[&item].lane {
                            queue.done(lane);
                        }
                        model.end(item);
                    }
                }
                Step::Remove(which) => {
                    if let Some(item) = pick(&model, which, |state| state != State::Flight) {
                        let Modelled { ticket, lane, .. } = model.items[&item];
                        prop_assert_eq!(queue.remove(ticket, lane).map(|queued| queued.item), Some(item));
                        model.end(item);
                    }
                }
                Step::Drain(most) => {
                    for queued in queue.in_order().into_iter().take(most) {
                        prop_assert!(model.items[&queued.item].state != State::Flight);
                        let lane = model.items[&queued.item].lane;
                        prop_assert!(queued.waits_in.is_none() || queued.waits_in == lane);
                        prop_assert!(queue.remove(queued.ticket, lane).is_some());
                        model.end(queued.item);
                    }
                }
            }
            let queued = model.items.values().filter(|other| other.state != State::Flight).count();
            prop_assert_eq!(queue.len(), queued);
            prop_assert_eq!(queue.iter().count(), queued);
            prop_assert_eq!(queue.has_ready(), !model.heads().is_empty());
            for lane in (0..3).map(Lane) {
                let through = model
                    .items
                    .values()
                    .filter(|other| other.lane == Some(lane) && other.state != State::Waiting)
                    .count();
                prop_assert!(through <= 1);
            }
        }
    }
}
