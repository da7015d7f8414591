//! Accounts, links and HTTP targets as peers of the exchange.

use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_config::Settings;
use signalbox_config::catalog::{
    Account, HttpParts, InterfaceVersion, Link, LinkProtocol, LongMessages, LongValidity as LongValidityRow,
    MessageIdForm, MessageIdStyle, Tenancy, TrafficClass as ClassRow, Webhook, WebhookEvent,
};
use signalbox_config::settings::{DoubtSettings, RetrySchedule as Waits, RetrySettings};
use signalbox_config::value::{AddressPattern, SourcePattern};
use signalbox_core::correlate::{IdRelation, LinkIds};
use signalbox_core::gcra::Rate;
use signalbox_core::id::{AccountId, LinkId, WebhookId};
use signalbox_core::message::TrafficClass;
use signalbox_core::policy::{AccountPolicy, AfterDoubt, IdStyle, LongValidity, PeerPolicy, SourceRule};
use signalbox_core::retry::{Delay, RetrySchedule, Tries};

use super::PolicyError;
use crate::catalog::Snapshot;

/// Steps for which the steady wait of a schedule is written out: the domain repeats the last of its waits.
fn tries(waits: &Waits) -> Tries {
    let mut delays: Vec<Delay> = waits.waits.iter().map(|wait| Delay::new(wait.duration())).collect();
    delays.push(Delay::new(waits.then_every.duration()));
    let attempts = waits.attempts.as_u32();
    // At most 50.
    let jitter_percent = waits.jitter_percent.get() as u8;
    Tries { delays, attempts: (attempts > 0).then_some(attempts), jitter_percent }
}

fn schedule(whose: &str, retry: &RetrySettings) -> Result<RetrySchedule, PolicyError> {
    let schedule = RetrySchedule {
        temporary: tries(&retry.temporary),
        throttling: tries(&retry.throttling),
        queue_full: tries(&retry.queue_full),
        ..RetrySchedule::default()
    };
    check(whose, schedule)
}

fn check(whose: &str, schedule: RetrySchedule) -> Result<RetrySchedule, PolicyError> {
    schedule.validate().map_err(|source| PolicyError::Retry { whose: whose.to_owned(), source })?;
    Ok(schedule)
}

fn doubt(settings: &DoubtSettings) -> (Duration, AfterDoubt) {
    let after = match settings.then {
        signalbox_config::settings::AfterDoubt::Retry => AfterDoubt::Retry,
        signalbox_config::settings::AfterDoubt::Fail => AfterDoubt::Fail,
    };
    (settings.hold.duration(), after)
}

/// The domain's form of a configured rate; rates that say nothing were refused when they were read.
fn rate(rate: signalbox_config::value::Rate) -> Option<Rate> {
    match u32::try_from(rate.whole_per_second()) {
        Ok(0) | Err(_) => Rate::new(1, Duration::from_nanos(rate.interval_nanoseconds())).ok(),
        Ok(per_second) => Rate::per_second(per_second).ok(),
    }
}

/// The domain's form of a traffic class.
fn class(row: ClassRow) -> TrafficClass {
    match row {
        ClassRow::Otp => TrafficClass::Otp,
        ClassRow::Reply => TrafficClass::Reply,
        ClassRow::Transactional => TrafficClass::Transactional,
        ClassRow::Bulk => TrafficClass::Bulk,
    }
}

pub(super) fn links(
    settings: &Settings,
    snapshot: &Snapshot,
) -> Result<FxHashMap<LinkId, PeerPolicy>, PolicyError> {
    let mut links = FxHashMap::default();
    for row in &snapshot.rows.link {
        let Some(id) = snapshot.ids.link(row.name.as_str()) else { continue };
        links.insert(id, link(settings, row)?);
    }
    Ok(links)
}

fn link(settings: &Settings, row: &Link) -> Result<PeerPolicy, PolicyError> {
    let limits = &settings.limits;
    let (doubt_hold, after_doubt) = doubt(row.doubt.as_ref().unwrap_or(&limits.doubt));
    Ok(PeerPolicy {
        name: row.name.to_string(),
        enabled: row.enabled,
        rate: row.rate.and_then(rate).map(|rate| (rate, row.burst.as_u32())),
        ordered: row.ordered,
        doubt_hold,
        after_doubt,
        receipt_wait: row.receipt_wait.unwrap_or(limits.receipts.wait).duration(),
        always_receipts: row.always_receipts,
        retry: schedule(row.name.as_str(), row.retry.as_ref().unwrap_or(&settings.retry))?,
        ids: LinkIds {
            relation: match row.quirks.message_ids {
                MessageIdForm::Auto => None,
                MessageIdForm::Text => Some(IdRelation::Same),
                MessageIdForm::HexThenDecimal => Some(IdRelation::HexToDecimal),
                MessageIdForm::DecimalThenHex => Some(IdRelation::DecimalToHex),
            },
            ..LinkIds::default()
        },
        queue_max: row.max_messages.unwrap_or(limits.link_messages).as_usize(),
        longest: longest(row),
        adaptive: row.adaptive,
        slowest: rate(row.slowest),
        mo_class: class(row.mo_class),
        give_up_after: None,
        takes_whole: row.http.as_ref().is_some_and(|http| http.parts == HttpParts::Whole),
    })
}

/// Octets of a text that a link takes whole. SMPP 3.3 has no message_payload, and short_message ends at 254 octets
/// (3.4 cl. 5.2.22).
fn longest(row: &Link) -> Option<usize> {
    let smpp = row.protocol == LinkProtocol::Smpp;
    match row.long_messages {
        LongMessages::Udh8 | LongMessages::Udh16 | LongMessages::Sar => Some(0),
        LongMessages::AsTheyCame if smpp && row.interface_version == InterfaceVersion::V33 => Some(254),
        LongMessages::AsTheyCame | LongMessages::Payload => None,
    }
}

pub(super) fn accounts(
    settings: &Settings,
    snapshot: &Snapshot,
) -> Result<FxHashMap<AccountId, AccountPolicy>, PolicyError> {
    let mut accounts = FxHashMap::default();
    let tenancy = Tenancy::of(&snapshot.rows);
    for row in &snapshot.rows.account {
        let Some(id) = snapshot.ids.account(row.name.as_str()) else { continue };
        let active = tenancy.stopped_by(&row.name).is_none();
        accounts.insert(id, account(settings, snapshot, row, active)?);
    }
    Ok(accounts)
}

fn account(
    settings: &Settings,
    snapshot: &Snapshot,
    row: &Account,
    active: bool,
) -> Result<AccountPolicy, PolicyError> {
    let limits = &settings.limits;
    let mo_webhook = snapshot
        .rows
        .webhook
        .iter()
        .find(|webhook| webhook.account == row.name && webhook.events.contains(&WebhookEvent::Mo))
        .and_then(|webhook| snapshot.ids.webhook(webhook.name.as_str()));
    Ok(AccountPolicy {
        name: row.name.to_string(),
        active,
        queue_max: row.max_messages.unwrap_or(limits.account_messages).get(),
        weight: row.weight.as_u32(),
        default_validity: row.default_validity.unwrap_or(limits.default_validity).duration(),
        max_validity: row.max_validity.unwrap_or(limits.max_validity).duration(),
        long_validity: match row.long_validity {
            LongValidityRow::Cut => LongValidity::Cut,
            LongValidityRow::Refuse => LongValidity::Refuse,
        },
        ids: match row.message_ids {
            MessageIdStyle::Auto => IdStyle::Auto,
            MessageIdStyle::Hex8 => IdStyle::Short,
            MessageIdStyle::Hex32 => IdStyle::Long,
        },
        sources: sources(row),
        delivery: PeerPolicy {
            name: row.name.to_string(),
            enabled: active,
            // An ESME that was lost before it answered expects its messages again at once.
            doubt_hold: Duration::ZERO,
            after_doubt: AfterDoubt::Retry,
            retry: schedule(row.name.as_str(), &settings.retry)?,
            queue_max: limits.account_messages.as_usize(),
            ..PeerPolicy::default()
        },
        mo_webhook,
    })
}

/// The source addresses an account may use; none of them restricts nothing.
fn sources(row: &Account) -> Vec<SourceRule> {
    if row.sources.contains(&SourcePattern::Any) {
        return Vec::new();
    }
    row.sources
        .iter()
        .filter_map(|pattern| match pattern {
            SourcePattern::Any => None,
            SourcePattern::Alphanumeric => Some(SourceRule::Alphanumeric),
            SourcePattern::Of(AddressPattern::Exact(address)) => {
                Some(SourceRule::Exact(address.clone().into_bytes()))
            }
            SourcePattern::Of(AddressPattern::Prefix(prefix)) => {
                Some(SourceRule::Prefix(prefix.clone().into_bytes()))
            }
        })
        .collect()
}

pub(super) fn webhooks(
    _settings: &Settings,
    snapshot: &Snapshot,
) -> Result<FxHashMap<WebhookId, PeerPolicy>, PolicyError> {
    let mut webhooks = FxHashMap::default();
    for row in &snapshot.rows.webhook {
        let Some(id) = snapshot.ids.webhook(row.name.as_str()) else { continue };
        webhooks.insert(id, webhook(row)?);
    }
    Ok(webhooks)
}

fn webhook(row: &Webhook) -> Result<PeerPolicy, PolicyError> {
    let retry = RetrySchedule {
        temporary: tries(&row.retry),
        throttling: tries(&row.retry),
        queue_full: tries(&row.retry),
        fatal: tries(&row.retry),
        ..RetrySchedule::default()
    };
    Ok(PeerPolicy {
        name: row.name.to_string(),
        enabled: row.enabled,
        rate: row.rate.and_then(rate).map(|rate| (rate, 1)),
        doubt_hold: Duration::ZERO,
        after_doubt: AfterDoubt::Retry,
        retry: check(row.name.as_str(), retry)?,
        queue_max: row.max_messages.as_usize(),
        give_up_after: Some(row.give_up_after.duration()),
        takes_whole: true,
        ..PeerPolicy::default()
    })
}
