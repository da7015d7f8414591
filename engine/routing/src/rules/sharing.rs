//! Which link of a rule takes a message: failover by priority, load sharing by weighted rendezvous hashing.
//!
//! Each link gets a score from a hash of (source, destination, link), distributed so that the lowest of a group
//! is a link's with probability weight / sum of weights. The order needs no state: all segments of a message and
//! all messages between two addresses meet the same link, on every node, and when a link goes down only its own
//! messages move.

use std::cmp::Ordering;

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::rule::RuleTarget;
use crate::decision::{Target, Targets};
use crate::id::{Cost, LinkId};
use crate::query::{Health, LinkHealth, Party};

/// Frozen: another seed moves every pair of addresses to another link.
const SEED: u64 = 0x7369_676e_616c_626f;

/// Hash of a pair of addresses.
pub(crate) fn pair_key(source: Party<'_>, destination: Party<'_>) -> u64 {
    xxh3_64_with_seed(destination.octets(), xxh3_64_with_seed(source.octets(), SEED))
}

/// Score of a link for a pair, the lower the better; infinite for weight 0.
pub(crate) fn score(key: u64, link: LinkId, weight: u32) -> f64 {
    let hash = mix(key ^ mix(u64::from(link.0).wrapping_add(SEED)));
    // 53 bits, moved by half a step so that neither 0 nor 1 comes out.
    #[allow(clippy::cast_precision_loss)]
    let uniform = ((hash >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -uniform.ln() / f64::from(weight)
}

/// The finaliser of SplitMix64: each bit of the input moves half of the output's.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Targets that the message may take, in the order in which they are tried: links that are up or degraded by
/// priority, inside it healthy ones first and by score; then those that are down, likewise.
pub(crate) fn order(
    targets: &[RuleTarget],
    key: Option<u64>,
    cap: Option<Cost>,
    health: &dyn LinkHealth,
) -> Targets {
    let mut ranked: SmallVec<[(Target, f64); 8]> = targets
        .iter()
        .filter(|target| target.within(cap))
        .filter_map(|target| {
            let health = health.health(target.link);
            let score = key.map_or(0.0, |key| score(key, target.link, target.weight));
            let RuleTarget { link, priority, cost, .. } = *target;
            (health != Health::Disabled).then_some((Target { link, priority, health, cost }, score))
        })
        .collect();
    ranked.sort_unstable_by(by_preference);
    ranked.into_iter().map(|(target, _)| target).collect()
}

fn by_preference((a, a_score): &(Target, f64), (b, b_score): &(Target, f64)) -> Ordering {
    let down = |target: &Target| target.health == Health::Down;
    down(a)
        .cmp(&down(b))
        .then(a.priority.cmp(&b.priority))
        .then(a.health.cmp(&b.health))
        .then(a_score.total_cmp(b_score))
        .then(a.link.cmp(&b.link))
}
