//! What the spam and loop counters count, and who is exempt (requirements DC-*).

use std::fmt;
use std::str::FromStr;

use crate::setting::{Agreement, Cursor, Problems, choices, settings, text_setting};
use crate::value::{AddressPattern, Count, Digits, Name, Period, Text};

choices! {
    /// What a counter is kept for.
    pub enum CounterKind {
        /// All messages of one source address.
        Source = "source",
        /// All messages to one destination address.
        Destination = "destination",
        /// All messages from one source to one destination.
        Pair = "pair",
        /// All messages of a group of sources.
        Group = "group",
    }
}

choices! {
    /// How time bounds a count.
    pub enum CounterWindow {
        /// The last `window` before now (DC-20).
        Sliding = "sliding",
        /// Periods of one `window` each, end to end (DC-19).
        Fixed = "fixed",
    }
}

choices! {
    /// How the parts of one long message count.
    pub enum CounterParts {
        /// Only the first counts.
        PerMessage = "per_message",
        /// Each counts.
        PerPart = "per_part",
    }
}

choices! {
    /// What an alarm does to messages.
    pub enum CounterAction {
        /// Nothing (shared rule 9).
        Alarm = "alarm",
        /// Some pass, the others are refused for the time being.
        Throttle = "throttle",
        /// All are refused.
        Block = "block",
    }
}

choices! {
    /// One side of a message.
    pub enum ListedSide {
        /// Who sends.
        Source = "source",
        /// Who receives.
        Destination = "destination",
    }
}

/// Which addresses a policy is for; the narrowest that fits counts: address, longest prefix, carrier, default.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CounterScope {
    /// Every address that no other scope takes.
    Default,
    /// The addresses of a carrier, by its name.
    Carrier(Name),
    /// Numbers that begin so.
    Prefix(Digits),
    /// One address.
    Address(Text<1, 65>),
}

const SCOPE: &str = "\"default\", \"carrier:NAME\", \"prefix:4479\" or \"address:12345\"";

text_setting!(CounterScope, SCOPE);

impl FromStr for CounterScope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "default" => Ok(Self::Default),
            Some(("carrier", name)) => name.parse().map(Self::Carrier),
            Some(("prefix", digits)) => digits.parse().map(Self::Prefix),
            Some(("address", address)) => address.parse().map(Self::Address),
            Some(_) | None => Err(SCOPE.into()),
        }
    }
}

impl fmt::Display for CounterScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Carrier(name) => write!(f, "carrier:{name}"),
            Self::Prefix(digits) => write!(f, "prefix:{digits}"),
            Self::Address(address) => write!(f, "address:{address}"),
        }
    }
}

settings! {
    /// Threshold and window of the counters of one kind and scope.
    pub struct CounterPolicy agrees {
        /// Name in alarms, metrics and the API.
        name: Name => "source-default",
        /// What is counted.
        kind: CounterKind => "source",
        /// For which addresses.
        scope: CounterScope = "default",
        /// Sources of the group, for policies of kind `group`; its scope is `default`.
        members: Vec<AddressPattern>,
        /// Weight of the message that makes an entry (DC-02).
        init: Count<0, 65_535> = 1,
        /// Weight of each further message (DC-03).
        step: Count<1, 65_535> = 1,
        /// How long a message counts (DC-05).
        window: Period = "10m",
        /// The count that must be exceeded: 100 alarms on the 101st (DC-07).
        threshold: Count<1, 4_294_967_295> => 300,
        /// Sliding window or fixed periods.
        mode: CounterWindow = "sliding",
        /// Time between two sweeps (DC-05).
        sweep_interval: Period = "5s",
        /// One timestamp for every message in the window (DC-04 to the letter) instead of the newest that decide.
        uncapped: bool = false,
        /// How the parts of a long message count.
        parts: CounterParts = "per_message",
        /// What an alarm does to messages.
        action: CounterAction = "alarm",
        /// Messages that pass in a minute, for `throttle`.
        throttle_per_minute: Option<Count<1, 1_000_000>> => 60,
        /// The alarm clears at this share of the threshold, in percent.
        clear_percent: Count<0, 100> = 80,
        /// Distinct counterparts that make "many" (spam, votes); a tenth of the threshold when it is not set.
        many: Option<Count<1, 1_000_000>> => 30,
        /// A pair is a conversation when the other direction has this share of its count, in percent.
        conversation_percent: Count<1, 100> = 25,
    }
}

impl Agreement for CounterPolicy {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let longest = Period::seconds(7 * 86_400);
        if self.window.is_zero() || self.window > longest {
            problems.conflict(at, "window", "must be longer than 0s and at most 7d");
        }
        if self.sweep_interval.is_zero() || self.sweep_interval > self.window {
            let reason = format!("must be longer than 0s and at most window, which is {}", self.window);
            problems.conflict(at, "sweep_interval", reason);
        }
        if (self.action == CounterAction::Throttle) != self.throttle_per_minute.is_some() {
            problems.conflict(at, "throttle_per_minute", "goes with action = \"throttle\", and only with it");
        }
        let group = self.kind == CounterKind::Group;
        if group == self.members.is_empty() {
            problems.conflict(at, "members", "go with kind = \"group\", and only with it");
        }
        if group && self.scope != CounterScope::Default {
            problems.conflict(at, "scope", "of a group is its members");
        }
    }
}

settings! {
    /// Addresses whose alarms are disregarded; they are counted all the same (DC-09).
    pub struct WhiteListEntry {
        /// Name in the API.
        name: Name => "tv-vote",
        /// The side of a message that it is about.
        side: ListedSide = "source",
        /// An address, or a prefix such as `"4479*"`.
        address: AddressPattern => "12345",
        /// Why, for the record.
        reason: Text<1, 200> => "vote of the evening show",
        /// Up to when; for good when it is not set.
        until: Option<jiff::Timestamp> => "2026-12-31T23:59:59Z",
    }
}
