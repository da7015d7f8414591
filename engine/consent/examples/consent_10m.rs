//! The verdict with ten million opt-outs and a million numbers on a do-not-call list: time for each, and memory.
//!
//! `cargo run --release -p signalbox-consent --example consent_10m [opt-outs] [listed]`

use std::hint::black_box;
use std::time::Instant;

use signalbox_consent::{
    AccountId, Bounds, CampaignId, Cap, CapOver, CapSpec, Channel, Channels, Consent, DncList, EnterpriseId,
    Extent, Level, LimitId, LimitSpec, LineType, ListId, ListKind, MatterId, Micros, Origin, PackedNumbers,
    Place, Question, QuietHours, Registration, Release, Settings, SourceId, Subject, Tenant, Verdict,
};
use signalbox_text::E164;

const ACCOUNTS: u32 = 50;
const QUESTIONS: u64 = 2_000_000;
/// Thursday, 15 January 2026, noon in New York.
const NOON: Micros = Micros(1_768_496_400_000_000);
/// Area codes of several zones, one state with two of them, and toll-free, where any state is possible.
const AREAS: [u64; 8] = [212, 305, 850, 312, 915, 415, 808, 800];

fn number(n: u64) -> E164 {
    let area = AREAS[(n % AREAS.len() as u64) as usize];
    E164::from_value(10_000_000_000 + area * 10_000_000 + n / AREAS.len() as u64 % 10_000_000)
        .expect("eleven digits are a number")
}

/// A step through the numbers that looks like chance and is none.
fn shuffled(n: u64, of: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % of
}

fn argument(at: usize, otherwise: u64) -> u64 {
    std::env::args().nth(at).map_or(otherwise, |text| text.parse().expect("a count"))
}

fn main() {
    let (opt_outs, listed) = (argument(1, 10_000_000), argument(2, 1_000_000));
    let mut consent = Consent::new(0x5eed, Bounds::default());
    consent.hours = QuietHours::shipped(consent.zones()).expect("the shipped rows are right").into();
    let limit = LimitSpec::PerDay { most: u32::MAX, zone: "America/Los_Angeles".into() };
    consent.put_limit(LimitId(1), &limit).expect("the limit is right");

    let began = Instant::now();
    let mut longest = 0;
    for n in 0..opt_outs {
        let level = Level::Account(AccountId((n % u64::from(ACCOUNTS)) as u32));
        let call = Instant::now();
        consent.suppressions.insert(level, Subject::Number(number(n)), Channels::ALL, Extent::All);
        longest = longest.max(call.elapsed().as_nanos());
    }
    let (memory, len) = (consent.suppressions.memory(), consent.suppressions.len());
    println!(
        "{len} opt-outs loaded in {:.1} s: {} MB, {:.1} octets each; longest insertion {} us",
        began.elapsed().as_secs_f64(),
        memory / 1_000_000,
        memory as f64 / len as f64,
        longest / 1_000
    );
    let began = Instant::now();
    let numbers =
        PackedNumbers::collect((0..listed).map(|n| number(shuffled(n, 80_000_000)))).expect("few enough");
    println!(
        "{} numbers packed in {:.1} s: {} KB",
        numbers.len(),
        began.elapsed().as_secs_f64(),
        numbers.memory() / 1_000
    );
    let list = DncList {
        name: "national".into(),
        kind: ListKind::National,
        source: "made up".into(),
        as_of: NOON,
        bound: None,
        channels: Channels::ALL,
        edition: String::new(),
        numbers: numbers.into(),
    };
    std::sync::Arc::make_mut(&mut consent.dnc).put(ListId(1), list);

    let caps = [Cap::new(&CapSpec { most: 3, hours: 24, over: CapOver::Matter }).expect("the cap is right")];
    let question = |n: u64| Question {
        origin: Origin::Campaign,
        release: Release::First,
        channel: Channel::Text,
        marketing: true,
        tenant: Tenant {
            enterprise: EnterpriseId(1),
            account: AccountId((n % u64::from(ACCOUNTS)) as u32),
            campaign: Some(CampaignId(1)),
        },
        number: Some(number(shuffled(n, 80_000_000))),
        email: None,
        client: Some("client-1"),
        place: Place::default(),
        line: LineType::Wireless,
        matter: MatterId(1),
        source: SourceId(1),
        registration: Registration::Registered,
        limits: &[LimitId(1)],
        lists: &[ListId(1)],
        caps: &caps,
        hours: &[],
        not_after: None,
        settings: Settings::default(),
    };

    for (what, counting) in [("judge", false), ("release", true)] {
        let mut times: Vec<u32> = Vec::with_capacity(QUESTIONS as usize);
        let (mut allowed, mut deferred, mut filtered) = (0u64, 0u64, 0u64);
        let began = Instant::now();
        for n in 0..QUESTIONS {
            let question = question(n);
            let call = Instant::now();
            let verdict =
                if counting { consent.release(&question, NOON) } else { consent.judge(&question, NOON) };
            times.push(call.elapsed().as_nanos().min(u128::from(u32::MAX)) as u32);
            match black_box(verdict) {
                Verdict::Allow => allowed += 1,
                Verdict::DeferUntil(_) => deferred += 1,
                Verdict::Filter(_) => filtered += 1,
            }
            if counting && n % 64 == 0 {
                black_box(consent.drain_changes().count());
            }
        }
        let mean = began.elapsed().as_nanos() as u64 / QUESTIONS;
        times.sort_unstable();
        let quantile = |share: f64| times[(times.len() as f64 * share) as usize];
        println!(
            "{what}: mean {mean} ns, p50 {} ns, p99 {} ns, p99.9 {} ns; {allowed} allowed, {deferred} deferred, \
             {filtered} filtered",
            quantile(0.5),
            quantile(0.99),
            quantile(0.999)
        );
    }
}
