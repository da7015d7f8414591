use rustc_hash::FxHashMap;

use crate::policy::MAX_MANY;
use crate::prefix::PrefixMap;
use crate::{Action, Key, KeyKind, Mode, Parts, Policy, PolicyError, PolicySet, Scope, Tap};

/// A policy made ready for the hot path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) init: u32,
    pub(crate) step: u32,
    pub(crate) threshold: u32,
    /// Milliseconds.
    pub(crate) window: u32,
    /// The alarm clears at this count or less.
    pub(crate) clear_at: u64,
    /// Above this count a key is worth evidence: early enough that most of a burst is observed when it crosses.
    pub(crate) hot_at: u64,
    /// At this count or less evidence is let go; below `hot_at` so that it does not come and go.
    pub(crate) cold_at: u64,
    pub(crate) many: u32,
    pub(crate) conversation_percent: u8,
    pub(crate) fixed: bool,
    pub(crate) uncapped: bool,
    pub(crate) per_message: bool,
    pub(crate) action: Action,
}

impl Rule {
    fn new(policy: &Policy) -> Rule {
        let threshold = u64::from(policy.threshold);
        Rule {
            init: policy.init,
            step: policy.step,
            threshold: policy.threshold,
            // Checked to be at most seven days, which fits.
            window: policy.window_ms as u32,
            clear_at: threshold * u64::from(policy.clear_percent) / 100,
            hot_at: threshold / 4,
            cold_at: threshold / 8,
            many: policy.many.unwrap_or((policy.threshold / 10).clamp(2, MAX_MANY)),
            conversation_percent: policy.conversation_percent,
            fixed: policy.mode == Mode::Fixed,
            uncapped: policy.uncapped,
            per_message: policy.parts == Parts::PerMessage,
            action: policy.action,
        }
    }

    /// The number of the fixed period this tick is in.
    pub(crate) fn period(&self, tick: u64) -> u32 {
        (tick / u64::from(self.window)) as u32
    }
}

/// The policies of one kind by scope; values are places in the list of rules.
#[derive(Debug, Clone, Default)]
struct Scopes {
    addresses: FxHashMap<u64, u16>,
    prefixes: PrefixMap<u16>,
    carriers: FxHashMap<u32, u16>,
    default: Option<u16>,
}

impl Scopes {
    fn resolve(&self, key: Key, carrier: Option<u32>) -> Option<u16> {
        if !self.addresses.is_empty()
            && let Some(rule) = self.addresses.get(&key.raw())
        {
            return Some(*rule);
        }
        if let Some(rule) = self.prefixes.longest(key, |_| true) {
            return Some(*rule);
        }
        if !self.carriers.is_empty()
            && let Some(rule) = carrier.and_then(|carrier| self.carriers.get(&carrier))
        {
            return Some(*rule);
        }
        self.default
    }
}

/// All policies made ready for look-ups.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) version: u64,
    pub(crate) passive: bool,
    /// Milliseconds between two notices of an alarm.
    pub(crate) repeat: u64,
    /// Milliseconds between the starts of two sweeps.
    pub(crate) sweep_interval: u64,
    /// The longest window, in milliseconds.
    pub(crate) longest_window: u64,
    scopes: [Scopes; KeyKind::COUNT],
    rules: Vec<Rule>,
}

impl Rules {
    pub(crate) fn new(set: &PolicySet) -> Result<Rules, PolicyError> {
        set.check()?;
        let mut scopes: [Scopes; KeyKind::COUNT] = Default::default();
        for (place, policy) in set.policies.iter().enumerate() {
            // Checked to be at most 65,535 policies.
            let place = place as u16;
            let of_kind = &mut scopes[policy.kind.index()];
            match policy.scope {
                Scope::Default => of_kind.default = Some(place),
                Scope::Carrier(carrier) => {
                    of_kind.carriers.insert(carrier, place);
                }
                Scope::Prefix(prefix) => {
                    of_kind.prefixes.insert(prefix, place);
                }
                Scope::Address(key) => {
                    of_kind.addresses.insert(key.raw(), place);
                }
            }
        }
        let policies = || set.policies.iter();
        Ok(Rules {
            version: set.version,
            passive: set.tap == Tap::Passive,
            repeat: set.repeat_ms,
            sweep_interval: policies().map(|p| p.sweep_interval_ms).min().unwrap_or(5_000),
            longest_window: policies().map(|p| p.window_ms).max().unwrap_or(0),
            scopes,
            rules: policies().map(Rule::new).collect(),
        })
    }

    /// The rule for an address of this kind; `None` when it is not counted.
    pub(crate) fn resolve(&self, kind: KeyKind, key: Key, carrier: Option<u32>) -> Option<u16> {
        self.scopes[kind.index()].resolve(key, carrier)
    }

    pub(crate) fn rule(&self, place: u16) -> &Rule {
        &self.rules[place as usize]
    }
}
