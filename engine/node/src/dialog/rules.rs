//! From the rows of a catalog to the rules of the dialog server.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_config::catalog::{
    AgentFlag, Channel as ChannelRow, OptOutLevel, Program, Script, SubCampaign, SubCampaignKind as KindRow,
    SubCampaignState, Tenancy, WhenBusy as WhenBusyRow,
};
use signalbox_config::settings::DialogSettings;
use signalbox_config::value::{Count, FieldText, Name};
use signalbox_core::backend::Kind;
use signalbox_core::time::Micros;
use signalbox_dialog::{
    AccountRule, AddressRule, Addresses, Families, Family, Instructions, Limits, Rules, Stage,
    SubCampaignRule, Texts, WhenBusy,
};
use signalbox_invocation::{Channel, Level, SubCampaignKind, Version};
use signalbox_programs::Book;

use super::addresses::{Own, own};
use super::keywords::keywords;
use super::participations::{self, Added};
use super::queues::{priority, queue_of, queues};
use super::testers::testers;
use super::versions::version_of;
use super::words::words;
use super::{Changed, Pool, RowFaults};
use crate::catalog::Snapshot;

/// Compiles the rows. What cannot be carried out is left out and added to `faults`.
pub fn rules(
    settings: &DialogSettings,
    snapshot: &Snapshot,
    programs: Arc<Book>,
    changed: Option<&Changed<'_>>,
    faults: &mut RowFaults,
) -> Rules {
    let own = own(snapshot);
    let mut addresses = Addresses::default();
    for own in own.iter().filter(|own| own.row.receives()) {
        addresses.add(own.address.key(), address(snapshot, own));
    }
    let words = words(snapshot, faults);
    let mut sub_campaigns = sub_campaigns(snapshot, faults);
    let (mut keywords, entries_too) = keywords(snapshot, &own, changed, faults);
    let added_keywords = (!entries_too).then_some(&mut keywords);
    let added =
        Added { keywords: added_keywords, addresses: &mut addresses, sub_campaigns: &mut sub_campaigns };
    participations::add(snapshot, &own, added, faults);
    Rules {
        version: snapshot.version.0,
        accounts: accounts(snapshot),
        families: families(snapshot, &own, &programs),
        keywords,
        addresses,
        sub_campaigns,
        words: words.shared,
        words_of: words.of_accounts,
        queues: queues(snapshot, faults),
        testers: testers(snapshot),
        sources: Arc::new(Pool::new(snapshot, programs, &own)),
        limits: limits(settings),
    }
}

fn accounts(snapshot: &Snapshot) -> FxHashMap<u32, AccountRule> {
    let tenancy = Tenancy::of(&snapshot.rows);
    let rules = snapshot.rows.account.iter().filter_map(|row| {
        let id = snapshot.ids.account(row.name.as_str())?;
        let enterprise = tenancy.enterprise_of(&row.name);
        let rule = AccountRule {
            name: row.name.to_string(),
            enterprise: enterprise
                .and_then(|name| snapshot.ids.of(Kind::Enterprise, name.as_str()))
                .unwrap_or(0),
            active: tenancy.stopped_by(&row.name).is_none(),
            channels: row.channels.iter().copied().map(channel).collect(),
            opt_out_level: level(tenancy.opt_out_level(&row.name)),
        };
        Some((id.0, rule))
    });
    rules.collect()
}

fn channel(row: ChannelRow) -> Channel {
    match row {
        ChannelRow::Text => Channel::Text,
        ChannelRow::Voice => Channel::Voice,
        ChannelRow::Email => Channel::Email,
    }
}

fn level(row: OptOutLevel) -> Level {
    match row {
        OptOutLevel::Campaign => Level::Campaign,
        OptOutLevel::Account => Level::Account,
        OptOutLevel::Enterprise => Level::Enterprise,
    }
}

fn address(snapshot: &Snapshot, own: &Own<'_>) -> AddressRule {
    let account = own.row.account.as_ref().and_then(|name| snapshot.ids.account(name.as_str()));
    let default = own.row.default_sub_campaign.as_ref();
    AddressRule {
        id: own.id,
        address: own.address.clone(),
        account: account.map(|account| account.0),
        default_inbound: default.and_then(|name| snapshot.ids.of(Kind::SubCampaign, name.as_str())),
        country: own.row.country.as_str().parse().ok(),
        reaches: own.row.reaches.iter().filter_map(|country| country.as_str().parse().ok()).collect(),
        links: own.row.links.iter().filter_map(|link| snapshot.ids.link(link.as_str())).collect(),
    }
}

/// The families of all programs (PRG-05), as inbound messages meet them: by address and carrier. What ends later is in
/// them with its end, so that they hold until the rows change.
fn families(snapshot: &Snapshot, own: &[Own<'_>], programs: &Book) -> Families {
    let addresses: HashMap<&str, u32> = own.iter().map(|own| (own.row.name.as_str(), own.id)).collect();
    let mut families = Families::default();
    for family in programs.approved_together(i64::MIN) {
        let (id, program): (Arc<str>, Arc<str>) = (family.id.as_str().into(), family.program.as_str().into());
        // Members are in the order of their addresses.
        for here in family.members.chunk_by(|one, other| one.address == other.address) {
            let Some(address) = here.first().and_then(|member| addresses.get(member.address.as_str())) else {
                continue;
            };
            let carriers = here.iter().filter_map(|member| {
                let approval = programs.approval(&program, &member.address, &member.carrier)?;
                Some((snapshot.ids.carrier(&member.carrier)?, approval.to.map(Micros)))
            });
            let (id, program, carriers) = (id.clone(), program.clone(), carriers.collect());
            families.add(*address, Family { id, program, carriers });
        }
    }
    families
}

fn micros(at: jiff::Timestamp) -> Micros {
    Micros(at.as_microsecond())
}

/// Number, opt-out level and priority of a campaign.
type OfCampaign = (u32, Option<OptOutLevel>, Option<Count<0, 100>>);

/// Rows that sub-campaigns refer to.
struct Known<'a> {
    scripts: HashMap<&'a Name, &'a Script>,
    programs: HashMap<&'a Name, &'a Program>,
    campaigns: HashMap<&'a Name, OfCampaign>,
}

fn sub_campaigns(snapshot: &Snapshot, faults: &mut RowFaults) -> FxHashMap<u32, Arc<SubCampaignRule>> {
    let campaign = |row: &'_ signalbox_config::catalog::Campaign| {
        let id = snapshot.ids.of(Kind::Campaign, row.name.as_str())?;
        Some((id, row.opt_out_level, Some(row.priority)))
    };
    let known = Known {
        scripts: snapshot.rows.script.iter().map(|row| (&row.name, row)).collect(),
        programs: snapshot.rows.program.iter().map(|row| (&row.name, row)).collect(),
        campaigns: snapshot
            .rows
            .campaign
            .iter()
            .filter_map(|row| Some((&row.name, campaign(row)?)))
            .collect(),
    };
    let mut rules = FxHashMap::default();
    for row in &snapshot.rows.sub_campaign {
        let Some(id) = snapshot.ids.of(Kind::SubCampaign, row.name.as_str()) else { continue };
        let Some(account) = snapshot.ids.account(row.account.as_str()) else { continue };
        let instructions = match instructions(snapshot, row, &known) {
            Ok(instructions) => instructions,
            Err(reason) => {
                faults.add(Kind::SubCampaign, &row.name, "instructions", reason);
                continue;
            }
        };
        let campaign = row.campaign.as_ref().and_then(|name| known.campaigns.get(name));
        let (campaign, campaign_level, campaign_priority) = campaign.copied().unwrap_or((0, None, None));
        rules.insert(
            id,
            Arc::new(SubCampaignRule {
                id,
                name: row.name.to_string(),
                account: account.0,
                campaign,
                campaign_name: row.campaign.as_ref().map(ToString::to_string).unwrap_or_default(),
                kind: match row.kind {
                    KindRow::Inbound => SubCampaignKind::Inbound,
                    KindRow::Outbound => SubCampaignKind::Outbound,
                },
                instructions,
                tested: tested(snapshot, row, &known),
                program: row.programs.first().map(ToString::to_string).unwrap_or_default(),
                texts: texts(row, &known),
                from: row.from.map(micros),
                to: row.to.map(micros),
                stage: stage(row.state),
                timeout: row.conversation_timeout.duration(),
                flags: row.agents == AgentFlag::All,
                flags_unanswered: row.agents == AgentFlag::Unanswered,
                queue: queue_of(snapshot, row),
                priority: priority(row.priority.or(campaign_priority)),
                opt_out_level: row.opt_out_level.or(campaign_level).map(level),
                when_busy: when_busy(row.when_busy),
            }),
        );
    }
    rules
}

fn when_busy(row: WhenBusyRow) -> WhenBusy {
    match row {
        WhenBusyRow::Share => WhenBusy::Share,
        WhenBusyRow::Wait => WhenBusy::Wait,
        WhenBusyRow::Expire => WhenBusy::Expire,
    }
}

/// Bounds of the settings.
fn limits(settings: &DialogSettings) -> Limits {
    Limits {
        hot: settings.hot.as_usize(),
        hot_for: settings.hot_for.duration(),
        waiting: settings.waiting.as_usize(),
        history: settings.history.as_usize(),
        run: settings.run.duration(),
        under_way: settings.runs.as_usize(),
        tries: u8::try_from(settings.tries.as_usize()).unwrap_or(u8::MAX),
        call: settings.call.duration(),
        starts: settings.first_messages.as_usize(),
        attempts: settings.attempts.as_usize(),
        offers: settings.offer_again.duration(),
        patience: settings.offer_for.duration(),
        last_use: settings.address_memory.duration(),
        ..Limits::default()
    }
}

/// What is a draft does nothing; who opts out of it is opted out all the same.
fn stage(row: SubCampaignState) -> Stage {
    match row {
        SubCampaignState::Testing | SubCampaignState::Approved => Stage::Testing,
        // What is scheduled has its first instant.
        SubCampaignState::Scheduled | SubCampaignState::Running => Stage::Running,
        SubCampaignState::Draft | SubCampaignState::Paused => Stage::Paused,
        SubCampaignState::Ended | SubCampaignState::Archived | SubCampaignState::Cancelled => Stage::Ended,
    }
}

fn instructions(snapshot: &Snapshot, row: &SubCampaign, known: &Known<'_>) -> Result<Instructions, String> {
    let told = &row.instructions;
    let Some(name) = &told.script else {
        let agent = told.reply.is_none() && row.agents == AgentFlag::All;
        return Ok(if agent { Instructions::Agent } else { Instructions::Texts });
    };
    let script = known.scripts.get(name).ok_or_else(|| format!("there is no script `{name}`"))?;
    let tested = match row.state {
        SubCampaignState::Testing | SubCampaignState::Approved => script.testing,
        SubCampaignState::Draft
        | SubCampaignState::Scheduled
        | SubCampaignState::Running
        | SubCampaignState::Paused
        | SubCampaignState::Ended
        | SubCampaignState::Archived
        | SubCampaignState::Cancelled => None,
    };
    match told.version.or(tested).or(script.published) {
        Some(version) => version_of(snapshot, script, version.as_u32())
            .map(Instructions::Version)
            .ok_or_else(|| format!("the script `{name}` has no account")),
        None if row.state.works() => Err(format!("no version of the script `{name}` is published")),
        None => Ok(Instructions::Texts),
    }
}

/// The version of a script that testers talk to where others talk to the published one. A sub-campaign that names its
/// version has that one for all.
fn tested(snapshot: &Snapshot, row: &SubCampaign, known: &Known<'_>) -> Option<Version> {
    let told = &row.instructions;
    let script = known.scripts.get(told.script.as_ref()?)?;
    let version = script.testing.filter(|_| told.version.is_none() && row.state.works())?;
    version_of(snapshot, script, version.as_u32())
}

fn texts(row: &SubCampaign, known: &Known<'_>) -> Texts {
    let of_program = row.programs.first().and_then(|name| known.programs.get(name)).map(|row| &row.texts);
    let text = |text: &Option<FieldText<1600>>| text.as_ref().map(ToString::to_string);
    Texts {
        reply: text(&row.instructions.reply),
        help: text(&row.texts.help).or_else(|| text(&of_program?.help)),
        opt_out: text(&row.texts.opt_out).or_else(|| text(&of_program?.opt_out)),
        opt_in: text(&row.texts.opt_in),
        not_started: text(&row.texts.not_started),
        ended: text(&row.texts.ended),
        failure: text(&row.texts.failure),
    }
}
