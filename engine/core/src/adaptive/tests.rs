//! The pacer against simulated peers, in virtual time.

use std::collections::VecDeque;

use super::*;

const MILLISECOND: u64 = 1_000_000;

/// How a peer limits.
#[derive(Clone, Debug)]
enum Limiter {
    /// Tokens in billionths, up to `depth` messages.
    Bucket { depth: u64, tokens: u64, at: u64 },
    /// So many in each second of its clock.
    FixedSeconds { second: u64, used: u64 },
    /// So many in the last second, whenever that began.
    SlidingSecond { taken: VecDeque<u64> },
}

#[derive(Clone, Debug)]
struct Peer {
    limiter: Limiter,
    limit: u64,
}

impl Peer {
    fn bucket(limit: u64, depth: u64) -> Self {
        Self { limiter: Limiter::Bucket { depth, tokens: depth * SECOND_NANOS, at: 0 }, limit }
    }

    fn fixed(limit: u64) -> Self {
        Self { limiter: Limiter::FixedSeconds { second: 0, used: 0 }, limit }
    }

    fn sliding(limit: u64) -> Self {
        Self { limiter: Limiter::SlidingSecond { taken: VecDeque::new() }, limit }
    }

    fn takes(&mut self, now: u64) -> bool {
        match &mut self.limiter {
            Limiter::Bucket { depth, tokens, at } => {
                *tokens = (*tokens + (now - *at) * self.limit).min(*depth * SECOND_NANOS);
                *at = now;
                if *tokens < SECOND_NANOS {
                    return false;
                }
                *tokens -= SECOND_NANOS;
                true
            }
            Limiter::FixedSeconds { second, used } => {
                // Its clock is not ours.
                let current = (now + 370 * MILLISECOND) / SECOND_NANOS;
                if current != *second {
                    (*second, *used) = (current, 0);
                }
                *used += 1;
                *used <= self.limit
            }
            Limiter::SlidingSecond { taken } => {
                while taken.front().is_some_and(|&at| at + SECOND_NANOS <= now) {
                    taken.pop_front();
                }
                if taken.len() as u64 >= self.limit {
                    return false;
                }
                taken.push_back(now);
                true
            }
        }
    }
}

/// A link with a backlog that never ends.
struct Link {
    pacer: AdaptiveRate,
    peer: Peer,
    now: u64,
    round_trip: u64,
    window: usize,
    /// The node's timers wake it up at multiples of this.
    tick: u64,
    /// By the time of the answer.
    flight: VecDeque<(u64, bool)>,
    queue_full: bool,
    /// Messages and answers take up to so much longer, each its own time.
    jitter: u64,
    random: u64,
    last_arrival: u64,
    /// The peer takes everything and tells its load, which is 90 at its limit.
    tells: bool,
    /// Times of what was accepted in the last second.
    recent: VecDeque<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    accepted: u64,
    throttled: u64,
}

impl Count {
    fn throttled_percent(self) -> f64 {
        100.0 * self.throttled as f64 / (self.accepted + self.throttled).max(1) as f64
    }
}

impl Link {
    fn new(peer: Peer, round_trip_ms: u64, window: usize, tick: u64) -> Self {
        Self {
            pacer: AdaptiveRate::new(None, 1),
            peer,
            now: SECOND_NANOS,
            round_trip: round_trip_ms * MILLISECOND,
            window,
            tick,
            flight: VecDeque::new(),
            queue_full: false,
            jitter: 0,
            random: 0x9e37_79b9_7f4a_7c15,
            last_arrival: 0,
            tells: false,
            recent: VecDeque::new(),
        }
    }

    fn delay(&mut self) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.round_trip / 2 + (self.random >> 33) % (self.jitter + 1)
    }

    fn send(&mut self) {
        self.pacer.take(Mono(self.now), 1).unwrap();
        let arrival = (self.now + self.delay()).max(self.last_arrival);
        self.last_arrival = arrival;
        let taken = self.peer.takes(arrival);
        let answer = arrival + self.delay();
        let behind = self.flight.partition_point(|&(at, _)| at <= answer);
        self.flight.insert(behind, (answer, taken));
    }

    fn tell_load(&mut self) {
        if !self.tells {
            return;
        }
        self.recent.push_back(self.now);
        while self.recent.front().is_some_and(|&at| at + SECOND_NANOS <= self.now) {
            self.recent.pop_front();
        }
        let load = (self.recent.len() as u64 * 90 / self.peer.limit).min(100);
        self.pacer.on_congestion(Mono(self.now), load as u8);
    }

    fn run(&mut self, seconds: u64) -> Count {
        let mut count = Count::default();
        let end = self.now + seconds * SECOND_NANOS;
        loop {
            while self.flight.len() < self.window && self.pacer.available(Mono(self.now), 1) == 1 {
                self.send();
            }
            let answer = self.flight.front().map(|&(at, _)| at);
            let timer = (self.flight.len() < self.window).then(|| {
                let at = self.pacer.next_send(Mono(self.now)).0.max(self.now + 1);
                at.div_ceil(self.tick) * self.tick
            });
            self.now = answer.into_iter().chain(timer).min().unwrap();
            if self.now >= end {
                return count;
            }
            while let Some(&(at, taken)) = self.flight.front()
                && at <= self.now
            {
                self.flight.pop_front();
                if taken {
                    count.accepted += 1;
                    self.pacer.on_accepted(Mono(self.now));
                    self.tell_load();
                } else {
                    count.throttled += 1;
                    if self.queue_full {
                        self.pacer.on_queue_full(Mono(self.now));
                    } else {
                        self.pacer.on_throttled(Mono(self.now));
                    }
                }
            }
        }
    }
}

/// A peer by name.
type Model = (&'static str, fn(u64) -> Peer);

const MODELS: [Model; 6] = [
    ("bucket of 1", |limit| Peer::bucket(limit, 1)),
    ("bucket of 2", |limit| Peer::bucket(limit, 2)),
    ("bucket of 20", |limit| Peer::bucket(limit, 20)),
    ("bucket of 200", |limit| Peer::bucket(limit, 200)),
    ("fixed seconds", Peer::fixed),
    ("sliding second", Peer::sliding),
];

/// What a link can carry: not more than its window, and with a bucket of one, which forgives no catching up,
/// not more than one message in so many whole ticks as the peer wants between two.
fn possible(link: &Link) -> u64 {
    let by_window = link.window as u64 * SECOND_NANOS / link.round_trip;
    let limit = match link.peer.limiter {
        Limiter::Bucket { depth: 1, .. } => {
            SECOND_NANOS / ((SECOND_NANOS / link.peer.limit).div_ceil(link.tick) * link.tick)
        }
        Limiter::Bucket { .. } | Limiter::FixedSeconds { .. } | Limiter::SlidingSecond { .. } => {
            link.peer.limit
        }
    };
    limit.min(by_window)
}

fn report(name: &str, link: &Link, seconds: u64, count: Count) -> (f64, f64) {
    let possible = possible(link);
    let used = 100.0 * count.accepted as f64 / (possible * seconds) as f64;
    let throttled = count.throttled_percent();
    let (limit, round_trip) = (link.peer.limit, link.round_trip / MILLISECOND);
    println!(
        "{name:<15} limit {limit:>5}/s  round trip {round_trip:>3} ms  window {:>3}  tick {:>5} us  \
         used {used:>5.1} %  throttled {throttled:>4.2} %",
        link.window,
        link.tick / 1000,
    );
    (used, throttled)
}

/// Round trip in milliseconds, window, tick in nanoseconds.
const PATHS: [(u64, usize, u64); 5] = [
    (1, 10, 1),
    (1, 100, MILLISECOND),
    (200, 10, MILLISECOND),
    (200, 100, MILLISECOND),
    (20, 50, MILLISECOND),
];

#[test]
fn a_link_that_only_throttles_is_used_to_95_percent_with_few_refusals() {
    for (name, model) in MODELS {
        for (round_trip, window, tick) in PATHS {
            for limit in [5, 200, 900] {
                let mut link = Link::new(model(limit), round_trip, window, tick);
                link.run(30);
                let seconds = 300 * 5 / limit.clamp(5, 20);
                let count = link.run(seconds);
                let (used, throttled) = report(name, &link, seconds, count);
                assert!(used >= 95.0, "{name}: {used} % used");
                assert!(throttled < 2.0, "{name}: {throttled} % throttled");
            }
        }
    }
}

#[test]
fn a_limit_that_changes_is_followed_within_a_minute() {
    for (name, model) in MODELS {
        for (round_trip, window, tick) in PATHS.into_iter().filter(|&(_, window, _)| window > 10) {
            // 400/s are 2.5 ms: timers by the millisecond always come late for it, and a bucket of one does
            // not let them catch up.
            let tick = if name == "bucket of 1" { 1 } else { tick };
            let mut link = Link::new(model(200), round_trip, window, tick);
            link.run(30);
            for limit in [200, 100, 400] {
                link.peer.limit = limit;
                link.run(60);
                let count = link.run(120);
                let (used, throttled) = report(name, &link, 120, count);
                assert!(used >= 95.0, "{name}: {used} % of {limit} used");
                assert!(throttled < 2.0, "{name}: {throttled} % throttled");
            }
        }
    }
}

#[test]
fn answers_out_of_order_do_not_confuse_it() {
    for (name, model) in
        MODELS.into_iter().filter(|&(name, _)| name != "bucket of 1" && name != "bucket of 2")
    {
        for limit in [20, 200] {
            let mut link = Link::new(model(limit), 100, 100, MILLISECOND);
            link.jitter = 20 * MILLISECOND;
            link.run(30);
            let count = link.run(300);
            let (used, throttled) = report(name, &link, 300, count);
            assert!(used >= 95.0, "{name}: {used} % used");
            assert!(throttled < 2.0, "{name}: {throttled} % throttled");
        }
    }
}

#[test]
fn learning_costs_few_refusals() {
    for (name, model) in MODELS {
        for (round_trip, window, tick) in PATHS.into_iter().filter(|&(_, window, _)| window > 10) {
            let mut link = Link::new(model(200), round_trip, window, tick);
            let learning = link.run(15);
            let (used, throttled) = report(name, &link, 15, learning);
            assert!(used >= 70.0, "{name}: {used} % used while learning");
            assert!(throttled < 12.0, "{name}: {throttled} % throttled while learning");
        }
    }
}

#[test]
fn a_link_that_never_refuses_is_never_limited() {
    let mut pacer = AdaptiveRate::new(None, 1);
    for n in 0..300_000u64 {
        let now = Mono(n * 33_333);
        assert_eq!(pacer.next_send(now), now);
        pacer.take(now, 1).unwrap();
        pacer.on_accepted(now);
    }
    assert_eq!(pacer.limit(), None);
    assert_eq!(pacer.available(Mono(1 << 40), 1000), 1000);
}

#[test]
fn refusals_of_what_was_in_flight_are_one_event() {
    let mut pacer = AdaptiveRate::new(None, 1);
    let sent = Mono(SECOND_NANOS);
    pacer.take(sent, 100).unwrap();
    for n in 0..100 {
        let now = Mono(sent.0 + 200 * MILLISECOND + n);
        if n < 30 {
            pacer.on_accepted(now);
        } else {
            pacer.on_throttled(now);
        }
    }
    assert_eq!(pacer.events(), 1);
    assert_eq!(pacer.learned().unwrap().per_second_milli(), 30_000);
}

#[test]
fn a_configured_rate_is_a_cap() {
    let cap = Rate::per_second(50).ok();
    let mut link = Link::new(Peer::bucket(200, 1), 1, 100, 1);
    link.pacer = AdaptiveRate::new(cap, 1);
    let count = link.run(60);
    assert!((2_950..=3_001).contains(&count.accepted), "{count:?}");
    assert_eq!(count.throttled, 0);
    assert_eq!(link.pacer.limit(), cap);

    // Learned below the cap, then the peer allows more than the cap.
    link.peer.limit = 20;
    link.run(40);
    let learned = link.pacer.limit().unwrap();
    assert!(learned.is_below(Rate::per_second(21).unwrap()), "{learned:?}");
    link.peer.limit = 1000;
    link.run(60);
    let count = link.run(60);
    assert!((2_900..=3_001).contains(&count.accepted), "{count:?}");
}

#[test]
fn a_peer_that_refuses_everything_for_a_while_is_asked_rarely_and_used_again_soon() {
    let mut link = Link::new(Peer::bucket(200, 20), 20, 50, MILLISECOND);
    link.run(60);
    link.peer.limit = 0;
    let outage = link.run(60);
    assert!(outage.throttled < 200, "{outage:?}");
    link.peer.limit = 200;
    link.run(20);
    let after = link.run(60);
    assert!(after.accepted >= 60 * 190, "{after:?}");
}

#[test]
fn a_peer_that_tells_its_load_is_kept_near_its_best() {
    for (round_trip, window) in [(1, 10), (200, 200), (20, 50)] {
        let mut link = Link::new(Peer::bucket(200, 1_000_000), round_trip, window, MILLISECOND);
        link.tells = true;
        link.run(60);
        let count = link.run(120);
        let (used, throttled) = report("tells its load", &link, 120, count);
        assert!((90.0..=103.0).contains(&used) && throttled == 0.0, "{used} % of what it likes");
    }
    let mut pacer = AdaptiveRate::new(None, 1);
    pacer.take(Mono(SECOND_NANOS), 1).unwrap();
    pacer.on_accepted(Mono(SECOND_NANOS));
    pacer.on_congestion(Mono(SECOND_NANOS), 99);
    assert_eq!(pacer.limit(), None, "nothing to give up trying");
}

#[test]
fn a_full_queue_is_given_time() {
    let mut link = Link::new(Peer::bucket(100, 500), 20, 50, MILLISECOND);
    link.queue_full = true;
    link.run(30);
    let count = link.run(120);
    let (used, throttled) = report("full queue", &link, 120, count);
    assert!(used >= 95.0 && throttled < 2.0);
}

#[test]
fn lost_answers_do_not_stop_the_learning() {
    let mut link = Link::new(Peer::bucket(200, 20), 20, 50, MILLISECOND);
    link.run(30);
    // Sent and never answered, and nobody says so.
    link.pacer.sent += 3000;
    link.peer.limit = 100;
    link.run(60);
    let count = link.run(60);
    assert!(count.accepted >= 60 * 95, "{count:?}");
    assert!(count.throttled_percent() < 2.0, "{count:?}");
}

#[test]
fn too_little_demand_teaches_nothing() {
    let mut link = Link::new(Peer::bucket(200, 1), 1, 10, 1);
    link.run(60);
    let learned = link.pacer.learned();
    for n in 0..600 {
        let now = Mono(link.now + n * 100 * MILLISECOND);
        if link.pacer.available(now, 1) == 1 {
            link.pacer.take(now, 1).unwrap();
            link.pacer.on_accepted(now);
        }
    }
    let learned_after = link.pacer.learned().unwrap().per_second_milli();
    assert!(learned_after <= learned.unwrap().per_second_milli() * 102 / 100);
}

#[test]
fn asking_for_too_many_takes_nothing() {
    let mut pacer = AdaptiveRate::new(Rate::per_second(10).ok(), 2);
    let now = Mono(SECOND_NANOS);
    assert_eq!(pacer.take(now, 3), Err(Mono(SECOND_NANOS + 1)));
    assert_eq!(pacer.available(now, 10), 2);
    assert_eq!(pacer.take(now, 2), Ok(()));
    assert_eq!(pacer.take(now, 1), Err(Mono(SECOND_NANOS + 100 * MILLISECOND)));
    pacer.give_back(1);
    assert_eq!(pacer.take(now, 1), Ok(()));
}

#[test]
fn the_learned_rate_does_not_fall_below_the_slowest() {
    let now = Mono(SECOND_NANOS);
    let refused = |slowest: Option<Rate>| {
        let mut pacer = AdaptiveRate::new(None, 1);
        pacer.set_slowest(now, slowest);
        let mut at = now;
        for _ in 0..200 {
            at = at + Duration::from_secs(5);
            let _ = pacer.take(at, 1);
            pacer.on_accepted(at);
            let _ = pacer.take(at + Duration::from_secs(1), 1);
            pacer.on_throttled(at + Duration::from_secs(1));
        }
        pacer.learned().unwrap().per_second_milli()
    };
    assert!(refused(None) < 3_000, "{}", refused(None));
    assert!(refused(Rate::per_second(3).ok()) >= 3_000);
}
