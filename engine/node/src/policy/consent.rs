//! What the catalog says of consent: who belongs to whom, contracted channels, caps, quotas, lines, and what carriers have
//! approved.

use rustc_hash::FxHashMap;
use signalbox_config::catalog::{
    Account, Approval, ApprovalStatus, Channel as RowChannel, LineKind, Owner, Row, Tenancy,
};
use signalbox_config::value::Count;
use signalbox_consent::{
    Cap, Channel, Channels, LimitId, LimitSpec, LineRule, LineType, ListId, Settings, SourceId,
};
use signalbox_core::backend::Kind;
use signalbox_core::consent::{AccountConsent, Approved, CampaignConsent, ConsentPolicy};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;

use super::{PolicyError, dnc, jurisdictions};
use crate::catalog::Snapshot;

/// The zone whose midnight ends the day of a source address and of an approval.
const ZONE: &str = "UTC";

/// What a limit counts; each has numbers of its own.
#[derive(Clone, Copy)]
enum Counts {
    Approval = 1,
    AccountDay = 2,
    AccountMonth = 3,
    EnterpriseDay = 4,
}

/// The limit of a row. Rows of one kind are fewer than 2^28.
fn limit_of(counts: Counts, id: u32) -> LimitId {
    LimitId((counts as u32) << 28 | id & 0x0fff_ffff)
}

pub(super) fn build(
    settings: &signalbox_config::Settings,
    snapshot: &Snapshot,
    before: Option<&ConsentPolicy>,
) -> Result<ConsentPolicy, PolicyError> {
    let mut policy = ConsentPolicy::default();
    policy.hours = jurisdictions::hours(snapshot)?;
    policy.dnc = dnc::lists(settings, snapshot, before.map(|before| &*before.dnc)).into();
    let of = |kind, name: &str| snapshot.ids.of(kind, name);
    let tenancy = Tenancy::of(&snapshot.rows);
    let enterprises = enterprise_limits(snapshot, &mut policy)?;
    for account in &snapshot.rows.account {
        let Some(id) = snapshot.ids.account(account.name.as_str()) else { continue };
        let consent = account_consent(snapshot, &tenancy, account, id, &enterprises, &mut policy)?;
        policy.accounts.insert(id, consent);
    }
    for campaign in &snapshot.rows.campaign {
        let Some(id) = of(Kind::Campaign, campaign.name.as_str()) else { continue };
        let account = snapshot.ids.account(campaign.account.as_str()).map_or(0, |account| account.0);
        policy.campaigns.insert(id, CampaignConsent { account, ..CampaignConsent::default() });
    }
    let informing = snapshot.rows.sub_campaign.iter().filter(|sub| !sub.marketing);
    policy.informing = informing.filter_map(|sub| of(Kind::SubCampaign, sub.name.as_str())).collect();
    for address in &snapshot.rows.source_address {
        let Some(id) = of(Kind::SourceAddress, address.name.as_str()) else { continue };
        let Some(most) = address.recipients_per_day else { continue };
        let told = row("source_address", address.name.as_str());
        policy.recipients(SourceId(id), bounded(most), ZONE).map_err(told)?;
    }
    for carrier in &snapshot.rows.carrier {
        let Some(id) = snapshot.ids.carrier(carrier.name.as_str()) else { continue };
        policy.lines.insert(id, line_type(carrier.line));
    }
    approvals(snapshot, &mut policy)?;
    Ok(policy)
}

/// What is wrong with a row.
fn row<E: ToString>(what: &'static str, name: &str) -> impl FnOnce(E) -> PolicyError {
    let name = name.to_owned();
    move |error| PolicyError::Row { what, name, reason: error.to_string() }
}

fn bounded<const MIN: u64, const MAX: u64>(count: Count<MIN, MAX>) -> u32 {
    u32::try_from(count.get()).unwrap_or(u32::MAX)
}

/// Limits of enterprises that have one, by their names.
fn enterprise_limits<'a>(
    snapshot: &'a Snapshot,
    policy: &mut ConsentPolicy,
) -> Result<FxHashMap<&'a str, LimitId>, PolicyError> {
    let mut limits = FxHashMap::default();
    for enterprise in &snapshot.rows.enterprise {
        let name = enterprise.name.as_str();
        let Some(most) = enterprise.limits.messages_per_day else { continue };
        let Some(id) = snapshot.ids.of(Kind::Enterprise, name) else { continue };
        let limit = limit_of(Counts::EnterpriseDay, id);
        let spec = LimitSpec::PerDay { most: bounded(most), zone: enterprise.time_zone.to_string() };
        policy.limit(limit, spec).map_err(row("enterprise", name))?;
        limits.insert(name, limit);
    }
    Ok(limits)
}

fn account_consent(
    snapshot: &Snapshot,
    tenancy: &Tenancy<'_>,
    account: &Account,
    id: AccountId,
    enterprises: &FxHashMap<&str, LimitId>,
    policy: &mut ConsentPolicy,
) -> Result<AccountConsent, PolicyError> {
    let name = account.name.as_str();
    let wrong = |reason: String| PolicyError::Row { what: "account", name: name.to_owned(), reason };
    let zone = tenancy.time_zone(&account.name).map_or_else(|| ZONE.to_owned(), ToString::to_string);
    let mut quotas = Vec::new();
    let quota = |limit, spec: LimitSpec, policy: &mut ConsentPolicy| {
        policy.limit(limit, spec).map_err(row("account", name)).map(|()| limit)
    };
    if let Some(most) = account.quotas.messages_per_day {
        let spec = LimitSpec::PerDay { most: bounded(most), zone: zone.clone() };
        quotas.push(quota(limit_of(Counts::AccountDay, id.0), spec, policy)?);
    }
    if let Some(most) = account.quotas.messages_per_month {
        let spec = LimitSpec::PerMonth { most: bounded(most), zone };
        quotas.push(quota(limit_of(Counts::AccountMonth, id.0), spec, policy)?);
    }
    let enterprise = tenancy.enterprise_of(&account.name);
    let above = enterprise.into_iter().flat_map(|enterprise| tenancy.enterprises_above(enterprise));
    quotas.extend(above.filter_map(|above| enterprises.get(above.name.as_str()).copied()));
    let hours = account.quiet_hours.iter().map(|of| {
        let place = policy.hours.place_of(of.as_str());
        place.ok_or_else(|| wrong(format!("quiet_hours: there is no jurisdiction `{of}`")))
    });
    let hours = hours.collect::<Result<_, _>>()?;
    let caps = account.caps.iter().map(|cap| Cap::new(&jurisdictions::cap(cap)));
    let caps = caps.collect::<Result<_, _>>().map_err(row("account", name))?;
    let contracted: Channels = account.channels.iter().map(|channel| channel_of(*channel)).collect();
    let rule = |filter: &signalbox_config::catalog::LineFilter| LineRule {
        unknown: filter.unknown,
        voip: filter.voip,
    };
    let of_all = account.lines.iter().find(|filter| filter.countries.is_empty()).map(rule);
    let lines = account.lines.iter().flat_map(|filter| {
        let countries = filter.countries.iter().filter_map(|country| country.as_str().parse().ok());
        countries.map(move |country| (country, rule(filter)))
    });
    let honoured = snapshot.rows.dnc_list.iter().filter(|list| {
        list.owner() == Owner::Platform || tenancy.is_within(Owner::Account(&account.name), list.owner())
    });
    let lists = honoured.filter_map(|list| snapshot.ids.of(Kind::DncList, list.name.as_str()).map(ListId));
    let settings = Settings { contracted, lines: of_all.unwrap_or_default(), ..Settings::default() };
    Ok(AccountConsent {
        enterprise: enterprise.and_then(|name| snapshot.ids.of(Kind::Enterprise, name.as_str())).unwrap_or(0),
        settings,
        quotas,
        hours,
        caps,
        lines: lines.collect(),
        lists: lists.collect(),
        ..AccountConsent::default()
    })
}

/// What carriers have approved of each program, with the limits of a day.
fn approvals(snapshot: &Snapshot, policy: &mut ConsentPolicy) -> Result<(), PolicyError> {
    for program in &snapshot.rows.program {
        policy.programs.insert(program.name.as_str().into(), FxHashMap::default());
    }
    for approval in &snapshot.rows.approval {
        let of = |kind, name: &str| snapshot.ids.of(kind, name);
        let Some(id) = of(Kind::Approval, approval.name.as_str()) else { continue };
        let Some(address) = of(Kind::SourceAddress, approval.source_address.as_str()) else { continue };
        let Some(carrier) = snapshot.ids.carrier(approval.carrier.as_str()) else { continue };
        let mut approved = approved(approval);
        if let Some(most) = approval.daily_limit {
            if most.get() == 0 {
                approved.approved = false;
            } else {
                let limit = limit_of(Counts::Approval, id);
                let spec = LimitSpec::PerDay { most: bounded(most), zone: ZONE.to_owned() };
                policy.limit(limit, spec).map_err(row("approval", approval.name.as_str()))?;
                approved.limits.push(limit);
            }
        }
        let of_program = policy.programs.entry(approval.program.as_str().into()).or_default();
        of_program.insert((address, carrier), approved);
    }
    Ok(())
}

fn approved(row: &Approval) -> Approved {
    let micros = |at: jiff::Timestamp| Micros(at.as_microsecond());
    let approved = match row.status {
        ApprovalStatus::Approved => true,
        ApprovalStatus::Submitted
        | ApprovalStatus::Rejected
        | ApprovalStatus::Suspended
        | ApprovalStatus::Expired => false,
    };
    Approved { approved, from: row.from.map(micros), to: row.to.map(micros), limits: Vec::new() }
}

fn line_type(row: LineKind) -> LineType {
    match row {
        LineKind::Wireless => LineType::Wireless,
        LineKind::Landline => LineType::Landline,
        LineKind::Voip => LineType::Voip,
        LineKind::Unknown => LineType::Unknown,
    }
}

pub(super) fn channel_of(channel: RowChannel) -> Channel {
    match channel {
        RowChannel::Text => Channel::Text,
        RowChannel::Voice => Channel::Voice,
        RowChannel::Email => Channel::Email,
    }
}
