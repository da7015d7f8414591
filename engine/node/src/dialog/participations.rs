//! Participation campaigns as the dialog server sees them: sub-campaigns whose messages are entries (CM-02, CM-10).

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_config::catalog::{
    EntryChannel, Participation, ParticipationState, ParticipationWord, WordAction,
};
use signalbox_config::value::FieldText;
use signalbox_core::backend::Kind;
use signalbox_dialog::{
    Addresses, Does, Instructions, Keyword, Keywords, Stage, SubCampaignRule, Texts, WhenBusy,
};
use signalbox_invocation::SubCampaignKind;

use super::RowFaults;
use super::addresses::Own;
use crate::catalog::Snapshot;

/// Set in the number of a sub-campaign that stands for a participation campaign.
const MARK: u32 = 1 << 31;

/// Where the number of one of its words stands, from 1; the campaign itself has 0 there.
const WORD: u32 = 24;
/// Words of a campaign that fit there.
const MOST_WORDS: usize = 127;

/// The participation campaign that a sub-campaign's number stands for.
#[must_use]
pub fn participation_of(sub_campaign: u32) -> Option<u32> {
    (sub_campaign & MARK != 0).then_some(sub_campaign & ((1 << WORD) - 1))
}

/// The number of the sub-campaign that stands for a participation campaign.
#[must_use]
pub fn sub_campaign_of(participation: u32) -> u32 {
    participation | MARK
}

/// The number of the sub-campaign that stands for one of a campaign's words.
fn word_id(number: u32, index: usize) -> Option<u32> {
    let place = u32::try_from(index + 1).ok().filter(|place| *place as usize <= MOST_WORDS)?;
    (number >> WORD == 0).then_some(number | place << WORD | MARK)
}

/// What campaigns add to the rules.
pub(super) struct Added<'a> {
    /// `None` where they have the campaigns' already.
    pub(super) keywords: Option<&'a mut Keywords>,
    pub(super) addresses: &'a mut Addresses,
    pub(super) sub_campaigns: &'a mut FxHashMap<u32, Arc<SubCampaignRule>>,
}

/// Adds the campaigns that messages may be entries of.
pub(super) fn add(snapshot: &Snapshot, own: &[Own<'_>], mut added: Added<'_>, faults: &mut RowFaults) {
    for row in snapshot.rows.participation.iter().filter(|row| listens(row.state)) {
        let Some(number) = snapshot.ids.of(Kind::Participation, row.name.as_str()) else { continue };
        let Some(account) = snapshot.ids.account(row.account.as_str()) else { continue };
        let mut first = None;
        for (place, point) in row.entry_points.iter().enumerate() {
            match point.channel {
                EntryChannel::Sms => {}
                EntryChannel::Web
                | EntryChannel::Http
                | EntryChannel::Ivr
                | EntryChannel::Email
                | EntryChannel::Mms => continue,
            }
            let address = own.iter().find(|own| Some(&own.row.name) == point.source_address.as_ref());
            // At an address that does not live nobody says it.
            let Some(address) = address else { continue };
            first = first.or(Some(address));
            let keyword = point.keyword.as_ref().map(ToString::to_string);
            words(row, address, (number, place, keyword.as_deref()), &mut added, faults);
            listen(row, address, (number | MARK, place, keyword), &mut added, faults);
        }
        if let Some(first) = first {
            let rule = sub_campaign(snapshot, row, number, account.0, first);
            for (index, word) in row.words.iter().enumerate() {
                let Some(id) = word_id(number, index) else {
                    let reason = format!("has more than {MOST_WORDS} words");
                    faults.add(Kind::Participation, &row.name, "words", reason);
                    break;
                };
                added.sub_campaigns.insert(id, Arc::new(word_rule(&rule, id, word)));
            }
            added.sub_campaigns.insert(rule.id, Arc::new(rule));
        }
    }
}

/// Whether a campaign says what becomes of entries: that it has not begun or is over is the campaign's own verdict.
fn listens(state: ParticipationState) -> bool {
    match state {
        ParticipationState::Ready
        | ParticipationState::Open
        | ParticipationState::Suspended
        | ParticipationState::Closed => true,
        ParticipationState::Draft | ParticipationState::Tallied | ParticipationState::Archived => false,
    }
}

fn listen(
    row: &Participation,
    address: &Own<'_>,
    (id, place, text): (u32, usize, Option<String>),
    added: &mut Added<'_>,
    faults: &mut RowFaults,
) {
    let Some(text) = text else {
        // Without a keyword all is an entry that is nothing else.
        let Some(rule) = added.addresses.get_mut(address.id) else { return };
        if rule.default_inbound.is_some() {
            let reason = format!("what is no keyword at `{}` goes elsewhere already", address.row.name);
            return faults.add(Kind::Participation, &row.name, "entry_points", reason);
        }
        rule.default_inbound = Some(id);
        return;
    };
    let Some(keywords) = &mut added.keywords else { return };
    let (text, does) = (text.into(), Does::Begin);
    let keyword = Keyword {
        id,
        text,
        program: None,
        sub_campaign: id,
        from: None,
        to: None,
        whole: false,
        does,
        tests: None,
    };
    if let Err(error) = keywords.add(address.id, keyword) {
        let reason = format!("[{place}]: {error}");
        faults.add(Kind::Participation, &row.name, "entry_points", reason);
    }
}

/// The words of a campaign behind the keyword of an entry point: keywords of their own, where they are all that is
/// written (CM-15).
fn words(
    row: &Participation,
    address: &Own<'_>,
    (number, place, keyword): (u32, usize, Option<&str>),
    added: &mut Added<'_>,
    faults: &mut RowFaults,
) {
    let Some(keywords) = &mut added.keywords else { return };
    for (index, word) in row.words.iter().enumerate() {
        let Some(id) = word_id(number, index) else { return };
        let text =
            keyword.map_or_else(|| word.word.to_string(), |keyword| format!("{keyword} {}", word.word));
        let does = match word.does {
            WordAction::Answer => Does::Begin,
            WordAction::OptIn => Does::OptIn,
            WordAction::OptOut => Does::OptOut,
        };
        let (text, program, from, to) = (text.into(), None, None, None);
        let tests = None;
        let keyword = Keyword { id, text, program, sub_campaign: id, from, to, whole: true, does, tests };
        if let Err(error) = keywords.add(address.id, keyword) {
            let reason = format!("[{place}]: {error}");
            faults.add(Kind::Participation, &row.name, "words", reason);
        }
    }
}

/// What answers a word.
fn word_rule(campaign: &SubCampaignRule, id: u32, word: &ParticipationWord) -> SubCampaignRule {
    let reply = word.reply.as_ref().map(ToString::to_string);
    let mut texts = campaign.texts.clone();
    match word.does {
        WordAction::Answer => texts.reply = reply,
        WordAction::OptIn => texts.opt_in = reply.or(texts.opt_in),
        WordAction::OptOut => texts.opt_out = reply.or(texts.opt_out),
    }
    SubCampaignRule { id, instructions: Instructions::Texts, texts, ..campaign.clone() }
}

fn sub_campaign(
    snapshot: &Snapshot,
    row: &Participation,
    number: u32,
    account: u32,
    first: &Own<'_>,
) -> SubCampaignRule {
    let program = row.program.as_ref().or(first.row.programs.first());
    let known = snapshot.rows.program.iter().find(|known| Some(&known.name) == program);
    let text = |text: &Option<FieldText<1600>>| text.as_ref().map(ToString::to_string);
    SubCampaignRule {
        id: number | MARK,
        name: row.name.to_string(),
        account,
        campaign: 0,
        campaign_name: String::new(),
        kind: SubCampaignKind::Inbound,
        instructions: Instructions::Participation(number),
        tested: None,
        program: program.map(ToString::to_string).unwrap_or_default(),
        texts: Texts {
            help: known.and_then(|program| text(&program.texts.help)),
            opt_out: known.and_then(|program| text(&program.texts.opt_out)),
            ..Texts::default()
        },
        from: None,
        to: None,
        stage: Stage::Running,
        timeout: Duration::ZERO,
        flags: false,
        flags_unanswered: false,
        queue: 0,
        priority: 50,
        opt_out_level: None,
        when_busy: WhenBusy::Share,
    }
}
