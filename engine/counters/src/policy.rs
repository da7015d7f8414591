use serde::{Deserialize, Serialize};

use crate::{Key, KeyClass, Prefix};

#[cfg(test)]
mod tests;

/// What a counter is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// All messages of one source address.
    Source,
    /// All messages to one destination address (DC-12, DC-13).
    Destination,
    /// All messages from one source to one destination; the reverse direction is looked up beside it (DC-22).
    Pair,
    /// All messages of a group of sources (DC-21).
    Group,
}

impl KeyKind {
    /// How many kinds there are.
    pub const COUNT: usize = 4;

    /// Every kind, in the order of [`KeyKind::index`].
    pub const ALL: [KeyKind; Self::COUNT] =
        [KeyKind::Source, KeyKind::Destination, KeyKind::Pair, KeyKind::Group];

    /// The place of the kind in an array.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A choice of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Kinds {
    /// Every kind.
    pub const ALL: Kinds = Kinds((1 << KeyKind::COUNT) - 1);

    /// Only these.
    pub fn only(kinds: &[KeyKind]) -> Kinds {
        Kinds(kinds.iter().fold(0, |set, kind| set | 1 << kind.index()))
    }

    /// Whether a kind is among them.
    pub const fn has(self, kind: KeyKind) -> bool {
        self.0 >> kind.index() & 1 == 1
    }
}

/// Which addresses a policy is for. The narrowest that fits wins: address, longest prefix, carrier, default.
///
/// Source, pair and group policies look at the source and its carrier, destination policies at the destination
/// and its carrier. A group has only default and address (the group's own key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every address no other scope takes.
    Default,
    /// The addresses of one carrier.
    Carrier(u32),
    /// International numbers that begin so.
    Prefix(Prefix),
    /// One address.
    Address(Key),
}

/// How time bounds a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The last `window` before now, whatever the moment (DC-20).
    #[default]
    Sliding,
    /// Periods of one `window` each, end to end from the clock's origin; one timestamp a key (DC-19).
    Fixed,
}

/// How the parts of one long message count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parts {
    /// Only the first part counts.
    #[default]
    PerMessage,
    /// Each part counts.
    PerPart,
}

/// What happens to messages while an alarm of the policy stands. The default is to alarm only (shared rule 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing; the message passes.
    #[default]
    AlarmOnly,
    /// So many messages a minute pass, evenly spaced; the others are refused for now.
    Throttle {
        /// Messages that pass in a minute, at least 1.
        per_minute: u32,
    },
    /// Every message is refused.
    Block,
}

/// The longest window or sweep interval, in milliseconds: seven days.
pub const MAX_WINDOW_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// The largest weight of a message.
pub const MAX_WEIGHT: u32 = 65_535;
/// The most distinct counterparts a policy can ask for; the estimate ends not far above.
pub const MAX_MANY: u32 = 1_000;
/// The most policies in a set.
pub const MAX_POLICIES: usize = 65_535;

/// Threshold and window for the counters of one kind and scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What is counted.
    pub kind: KeyKind,
    /// For which addresses.
    pub scope: Scope,
    /// Weight of the message that creates an entry (DC-02).
    #[serde(default = "one")]
    pub init: u32,
    /// Weight of each further message, at least 1 (DC-03).
    #[serde(default = "one")]
    pub step: u32,
    /// Milliseconds a message counts for; a message of exactly this age still does (DC-05).
    pub window_ms: u64,
    /// The count that must be exceeded for an alarm: 100 alarms on the 101st (DC-07).
    pub threshold: u32,
    /// Sliding window or fixed periods.
    #[serde(default)]
    pub mode: Mode,
    /// Milliseconds between the starts of two sweeps; the smallest of the set rules (DC-05).
    #[serde(default = "sweep_interval")]
    pub sweep_interval_ms: u64,
    /// True: hold one timestamp for every message in the window (DC-04 to the letter); pruning such a key takes as
    /// long as it has timestamps to let go. False: hold only the newest
    /// that decide, threshold + 1 of weight 1; the decision is the same, the count saturates.
    #[serde(default)]
    pub uncapped: bool,
    /// How parts of a long message count.
    #[serde(default)]
    pub parts: Parts,
    /// What an alarm does to messages.
    #[serde(default)]
    pub action: Action,
    /// An alarm clears when the count is at most this share of the threshold, in percent, at a sweep.
    #[serde(default = "clear_percent")]
    pub clear_percent: u8,
    /// Distinct counterparts within the window that make "many" (spam, vote); `None` takes a tenth of the
    /// threshold, at least 2 and at most [`MAX_MANY`].
    #[serde(default)]
    pub many: Option<u32>,
    /// A pair is a conversation when the reverse direction has at least this share of its count, in percent.
    #[serde(default = "conversation_percent")]
    pub conversation_percent: u8,
}

fn one() -> u32 {
    1
}

fn sweep_interval() -> u64 {
    5_000
}

fn clear_percent() -> u8 {
    80
}

fn conversation_percent() -> u8 {
    25
}

impl Policy {
    /// A policy of weight 1 with a sliding window of 600 s, for every address of a kind; thresholds 300 for
    /// sources and groups, 2,000 for destinations, 100 for pairs.
    pub fn new(kind: KeyKind) -> Policy {
        let threshold = match kind {
            KeyKind::Source | KeyKind::Group => 300,
            KeyKind::Destination => 2_000,
            KeyKind::Pair => 100,
        };
        Policy {
            kind,
            scope: Scope::Default,
            init: one(),
            step: one(),
            window_ms: 600_000,
            threshold,
            mode: Mode::Sliding,
            sweep_interval_ms: sweep_interval(),
            uncapped: false,
            parts: Parts::PerMessage,
            action: Action::AlarmOnly,
            clear_percent: clear_percent(),
            many: None,
            conversation_percent: conversation_percent(),
        }
    }

    fn check(&self) -> Result<(), PolicyFault> {
        if self.window_ms == 0 {
            return Err(PolicyFault::NoWindow);
        }
        if self.window_ms > MAX_WINDOW_MS {
            return Err(PolicyFault::WindowTooLong { window_ms: self.window_ms });
        }
        if self.step == 0 {
            return Err(PolicyFault::NoStep);
        }
        let weight = self.init.max(self.step);
        if weight > MAX_WEIGHT {
            return Err(PolicyFault::WeightTooLarge { weight });
        }
        if self.sweep_interval_ms == 0 || self.sweep_interval_ms > self.window_ms {
            return Err(PolicyFault::SweepInterval {
                sweep_interval_ms: self.sweep_interval_ms,
                window_ms: self.window_ms,
            });
        }
        if self.clear_percent > 100 {
            return Err(PolicyFault::ClearPercent { percent: self.clear_percent });
        }
        if self.conversation_percent == 0 || self.conversation_percent > 100 {
            return Err(PolicyFault::ConversationPercent { percent: self.conversation_percent });
        }
        if let Some(many) = self.many
            && (many == 0 || many > MAX_MANY)
        {
            return Err(PolicyFault::Many { many });
        }
        if self.action == (Action::Throttle { per_minute: 0 }) {
            return Err(PolicyFault::ThrottleZero);
        }
        self.check_scope()
    }

    fn check_scope(&self) -> Result<(), PolicyFault> {
        let group = self.kind == KeyKind::Group;
        match self.scope {
            Scope::Default => Ok(()),
            Scope::Carrier(_) | Scope::Prefix(_) if group => Err(PolicyFault::GroupScope),
            Scope::Carrier(_) | Scope::Prefix(_) => Ok(()),
            Scope::Address(key) if (key.class() == KeyClass::Group) != group => {
                Err(PolicyFault::AddressClass { class: key.class() })
            }
            Scope::Address(_) => Ok(()),
        }
    }
}

/// Whether verdicts reach the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tap {
    /// The counters stand in the way of the messages: actions of policies become verdicts.
    #[default]
    Inline,
    /// The counters see a copy: every verdict is pass, whatever the policies say (DC-18).
    Passive,
}

/// All policies at one version (shared rule 10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySet {
    /// Version of the set; alarms and outcomes name it.
    pub version: u64,
    /// Inline or passive.
    #[serde(default)]
    pub tap: Tap,
    /// Milliseconds between two notices of an alarm that stays above its threshold.
    #[serde(default = "repeat")]
    pub repeat_ms: u64,
    /// The policies. A key that none fits is not counted: so the kinds in use are chosen.
    pub policies: Vec<Policy>,
}

fn repeat() -> u64 {
    15 * 60 * 1_000
}

impl Default for PolicySet {
    /// Version 1, inline, one default policy for each kind.
    fn default() -> PolicySet {
        PolicySet {
            version: 1,
            tap: Tap::Inline,
            repeat_ms: repeat(),
            policies: KeyKind::ALL.map(Policy::new).to_vec(),
        }
    }
}

impl PolicySet {
    /// Whether the set can rule.
    ///
    /// # Errors
    /// The first fault found, with the place of the policy in the list.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.policies.len() > MAX_POLICIES {
            return Err(PolicyError::TooMany { policies: self.policies.len() });
        }
        if self.repeat_ms == 0 {
            return Err(PolicyError::NoRepeat);
        }
        let mut seen = rustc_hash::FxHashMap::default();
        for (place, policy) in self.policies.iter().enumerate() {
            policy.check().map_err(|fault| PolicyError::Policy { place, kind: policy.kind, fault })?;
            if let Some(first) = seen.insert((policy.kind, policy.scope), place) {
                let fault = PolicyFault::Duplicate { first };
                return Err(PolicyError::Policy { place, kind: policy.kind, fault });
            }
        }
        Ok(())
    }

    /// The same set for one of several nodes that each count their own share of the traffic: thresholds divided
    /// and rounded up. Approximate: a key whose traffic falls unevenly alarms early on one node.
    pub fn divided(mut self, nodes: std::num::NonZeroU32) -> PolicySet {
        for policy in &mut self.policies {
            policy.threshold = policy.threshold.div_ceil(nodes.get());
        }
        self
    }
}

/// Why a set of policies is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// One policy is wrong.
    #[error("policy {place} ({kind:?})")]
    Policy {
        /// Its place in the list, from 0.
        place: usize,
        /// What it counts.
        kind: KeyKind,
        /// What is wrong.
        #[source]
        fault: PolicyFault,
    },
    /// More policies than a set can hold.
    #[error("{policies} policies, at most {MAX_POLICIES} are allowed")]
    TooMany {
        /// How many there are.
        policies: usize,
    },
    /// A repeat interval of 0 would repeat with every message.
    #[error("repeat_ms is 0")]
    NoRepeat,
    /// Not newer than what rules now.
    #[error("version {offered} is not newer than version {current}")]
    Stale {
        /// The version that rules.
        current: u64,
        /// The version that was offered.
        offered: u64,
    },
}

/// What is wrong with one policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// `window_ms` is 0.
    #[error("window_ms is 0")]
    NoWindow,
    /// `window_ms` is above [`MAX_WINDOW_MS`].
    #[error("window_ms {window_ms} is above {MAX_WINDOW_MS}")]
    WindowTooLong {
        /// What was given.
        window_ms: u64,
    },
    /// `step` is 0: the counter would never grow.
    #[error("step is 0")]
    NoStep,
    /// A weight above [`MAX_WEIGHT`].
    #[error("weight {weight} is above {MAX_WEIGHT}")]
    WeightTooLarge {
        /// What was given.
        weight: u32,
    },
    /// `sweep_interval_ms` is 0 or longer than the window.
    #[error("sweep_interval_ms {sweep_interval_ms} is not between 1 and window_ms {window_ms}")]
    SweepInterval {
        /// What was given.
        sweep_interval_ms: u64,
        /// The policy's window.
        window_ms: u64,
    },
    /// `clear_percent` is above 100.
    #[error("clear_percent {percent} is above 100")]
    ClearPercent {
        /// What was given.
        percent: u8,
    },
    /// `conversation_percent` is not between 1 and 100.
    #[error("conversation_percent {percent} is not between 1 and 100")]
    ConversationPercent {
        /// What was given.
        percent: u8,
    },
    /// `many` is not between 1 and [`MAX_MANY`].
    #[error("many {many} is not between 1 and {MAX_MANY}")]
    Many {
        /// What was given.
        many: u32,
    },
    /// `per_minute` is 0; that is `block`.
    #[error("per_minute is 0, use block")]
    ThrottleZero,
    /// A group has neither carrier nor prefix.
    #[error("a group policy has scope default or address")]
    GroupScope,
    /// The address is of a class this kind does not count.
    #[error("an address of class {class:?} does not fit this kind")]
    AddressClass {
        /// The class of the address.
        class: KeyClass,
    },
    /// Kind and scope were there before.
    #[error("same kind and scope as policy {first}")]
    Duplicate {
        /// Place of the first, from 0.
        first: usize,
    },
}
