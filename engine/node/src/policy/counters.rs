//! Counter policies and white lists as the counters read them.

use signalbox_config::Settings;
use signalbox_config::catalog::{
    CounterAction, CounterKind, CounterParts, CounterPolicy as Row, CounterScope, CounterWindow, ListedSide,
    WhiteListEntry as ListRow,
};
use signalbox_config::settings::{AtKeyBound, CounterMode};
use signalbox_config::value::AddressPattern;
use signalbox_core::policy::{CounterPolicy, SourceRule};
use signalbox_counters::{
    Action, AtBound, Key, KeyKind, Limits, Listed, Mode, Parts, Policy, PolicySet, Scope, Side, Tap, Wall,
    WhiteList, WhiteListEntry,
};

use super::PolicyError;
use crate::catalog::Snapshot;

/// Octets of one block of timestamps.
const BLOCK: u64 = 64;

pub(super) fn build(settings: &Settings, snapshot: &Snapshot) -> Result<CounterPolicy, PolicyError> {
    let mut policies = Vec::new();
    let mut groups = Vec::new();
    if settings.counters.mode != CounterMode::Off {
        for (place, row) in snapshot.rows.counter_policy.iter().enumerate() {
            let group = u32::try_from(place).unwrap_or(u32::MAX);
            policies.push(policy(snapshot, row, group)?);
            groups.extend(row.members.iter().map(|member| (rule(member), group)));
        }
    }
    let set = PolicySet {
        version: snapshot.version.0.max(1),
        tap: match settings.counters.mode {
            CounterMode::Inline => Tap::Inline,
            CounterMode::Passive | CounterMode::Off => Tap::Passive,
        },
        repeat_ms: settings.counters.repeat_after.as_milliseconds(),
        policies,
    };
    set.check()?;
    Ok(CounterPolicy {
        set,
        white_list: white_list(snapshot)?,
        limits: limits(settings),
        groups,
        snapshot_every: settings.counters.snapshot_every.duration(),
    })
}

fn rule(member: &AddressPattern) -> SourceRule {
    match member {
        AddressPattern::Exact(address) => SourceRule::Exact(address.clone().into_bytes()),
        AddressPattern::Prefix(prefix) => SourceRule::Prefix(prefix.clone().into_bytes()),
    }
}

fn policy(snapshot: &Snapshot, row: &Row, group: u32) -> Result<Policy, PolicyError> {
    let wrong =
        |reason: String| PolicyError::Row { what: "counter policy", name: row.name.to_string(), reason };
    let scope = match &row.scope {
        CounterScope::Default if row.kind == CounterKind::Group => Scope::Address(Key::group(group)),
        CounterScope::Default => Scope::Default,
        CounterScope::Carrier(name) => {
            let id =
                snapshot.ids.carrier(name.as_str()).ok_or_else(|| wrong(format!("no carrier `{name}`")))?;
            Scope::Carrier(id.0)
        }
        CounterScope::Prefix(digits) => {
            Scope::Prefix(digits.as_str().parse().map_err(|error| wrong(format!("{error}")))?)
        }
        CounterScope::Address(address) => Scope::Address(Key::text(address.as_str())),
    };
    let kind = match row.kind {
        CounterKind::Source => KeyKind::Source,
        CounterKind::Destination => KeyKind::Destination,
        CounterKind::Pair => KeyKind::Pair,
        CounterKind::Group => KeyKind::Group,
    };
    Ok(Policy {
        scope,
        init: row.init.as_u32(),
        step: row.step.as_u32(),
        window_ms: row.window.as_milliseconds(),
        threshold: row.threshold.as_u32(),
        mode: match row.mode {
            CounterWindow::Sliding => Mode::Sliding,
            CounterWindow::Fixed => Mode::Fixed,
        },
        sweep_interval_ms: row.sweep_interval.as_milliseconds(),
        uncapped: row.uncapped,
        parts: match row.parts {
            CounterParts::PerMessage => Parts::PerMessage,
            CounterParts::PerPart => Parts::PerPart,
        },
        action: match row.action {
            CounterAction::Alarm => Action::AlarmOnly,
            CounterAction::Throttle => {
                Action::Throttle { per_minute: row.throttle_per_minute.map_or(1, |count| count.as_u32()) }
            }
            CounterAction::Block => Action::Block,
        },
        clear_percent: row.clear_percent.get() as u8,
        many: row.many.map(|many| many.as_u32()),
        conversation_percent: row.conversation_percent.get() as u8,
        ..Policy::new(kind)
    })
}

fn white_list(snapshot: &Snapshot) -> Result<WhiteList, PolicyError> {
    let entries = snapshot.rows.white_list.iter().map(entry).collect::<Result<_, _>>()?;
    Ok(WhiteList { version: snapshot.version.0.max(1), entries })
}

fn entry(row: &ListRow) -> Result<WhiteListEntry, PolicyError> {
    let wrong = |reason: String| PolicyError::Row { what: "white list", name: row.name.to_string(), reason };
    let listed = match &row.address {
        AddressPattern::Exact(address) => Listed::Address(Key::text(address)),
        AddressPattern::Prefix(prefix) => {
            Listed::Prefix(prefix.parse().map_err(|error| wrong(format!("{error}")))?)
        }
    };
    Ok(WhiteListEntry {
        side: match row.side {
            ListedSide::Source => Side::Source,
            ListedSide::Destination => Side::Destination,
        },
        listed,
        reason: row.reason.to_string(),
        until: row.until.map(|until| Wall(until.as_microsecond())),
    })
}

fn limits(settings: &Settings) -> Limits {
    let counters = &settings.counters;
    Limits {
        max_keys: counters.max_keys.as_u32(),
        at_bound: match counters.at_bound {
            AtKeyBound::DropStalest => AtBound::DropStalest,
            AtKeyBound::Refuse => AtBound::Refuse,
        },
        max_blocks: u32::try_from(counters.timestamp_memory.bytes() / BLOCK).unwrap_or(u32::MAX),
        max_evidence: counters.max_evidence.as_u32(),
        max_alarms: counters.max_alarms.as_u32(),
        alarm_history: counters.alarm_history.as_u32(),
        ..Limits::default()
    }
}
