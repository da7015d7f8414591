//! First messages: a sub-campaign writes to a device, and begins a conversation (TXS-03, MT-01, MQ-26).

use std::collections::BTreeSet;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use signalbox_core::address::Address;
use signalbox_core::backend::Table;
use signalbox_core::time::Micros;
use signalbox_invocation::{Channel, Entry, Failure, Status, SubCampaignKind};

use super::attempts::StartRow;
use super::send::nowhere;
use super::{Dialog, Here, Told};
use crate::attempt::OfPass;
use crate::conversation::{Conversation, Expected};
use crate::event::{Effect, Note, Ran, Record, Said, Start, StartRefusal};
use crate::rules::{Instructions, Standing, SubCampaignRule, WhenBusy};
use crate::run::{Run, RunId, What, Whose};
use crate::source::NoSource;
use signalbox_core::scope::ConversationId;
use signalbox_core::scope::Purpose;

/// How long a first message waits for the run of a message that the device wrote to the same address.
const BUSY: std::time::Duration = std::time::Duration::from_millis(500);

/// The first pause before a run that was interrupted is begun again; each one is twice as long as the one before.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
/// The longest one.
const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_secs(60);

/// How long one waits before it looks again whether an address has become free.
const NONE_FREE: std::time::Duration = std::time::Duration::from_secs(15);

/// A first message whose run is under way; a row of the store until the run's end is committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Starting {
    pub(super) device: Address,
    contact: u64,
    client_id: String,
    pub(super) run: Run,
    /// The contact's place in a pass.
    pub(super) of: Option<OfPass>,
    /// True while it waits to be begun again: what ended its run was not the fault of its instructions. It is not stored:
    /// a restart begins it at once.
    #[serde(skip)]
    put_off: bool,
    /// What the run wants, while its conversation is busy. It is not stored: a restart runs it again.
    #[serde(skip)]
    done: Option<Box<Ran>>,
}

/// First messages under way, by number and by when something is due.
#[derive(Debug, Default)]
pub(super) struct Starts {
    by_id: FxHashMap<RunId, Starting>,
    by_due: BTreeSet<(Micros, RunId)>,
}

impl Starts {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    fn insert(&mut self, starting: Starting) {
        let id = starting.run.id;
        self.by_due.insert((starting.run.until, id));
        self.by_id.insert(id, starting);
    }

    /// First messages to a device.
    pub(super) fn of_device(&self, device: &Address) -> Vec<RunId> {
        let to = self.by_id.values().filter(|starting| starting.device.key() == device.key());
        to.map(|starting| starting.run.id).collect()
    }

    /// Those that are wanted, in the order of their numbers.
    pub(super) fn those(&self, wanted: impl Fn(&Starting) -> bool) -> Vec<RunId> {
        let mut found: Vec<RunId> =
            self.by_id.values().filter(|starting| wanted(starting)).map(|starting| starting.run.id).collect();
        found.sort_unstable();
        found
    }

    /// The sub-campaign of one.
    pub(super) fn sub_campaign(&self, id: RunId) -> Option<u32> {
        self.by_id.get(&id).map(|starting| starting.run.sub_campaign)
    }

    pub(super) fn remove(&mut self, id: RunId) -> Option<Starting> {
        let starting = self.by_id.remove(&id)?;
        self.by_due.remove(&(starting.run.until, id));
        Some(starting)
    }
}

impl Dialog {
    pub(super) fn start(&mut self, here: &mut Here<'_>, start: Start) {
        let to = start.reply;
        let result = self.try_start(here, start);
        self.wants.effects.push(Effect::Started { to, result });
    }

    fn try_start(&mut self, here: &mut Here<'_>, start: Start) -> Result<RunId, StartRefusal> {
        let (pass, contact, began) = (start.pass, start.contact, start.began);
        let of = (pass != 0).then_some(OfPass { pass, contact, began });
        if let Some(run) = self.attempts.run_of(pass, contact) {
            return Ok(run);
        }
        if !start.begins {
            return Err(StartRefusal::NotBegun);
        }
        let limits = self.rules.limits;
        let bounds = [
            (self.starts.len(), limits.starts),
            (self.attempts.len(), limits.attempts),
            (self.to_record, limits.records),
        ];
        for (held, most) in bounds {
            if held >= most {
                self.note(Note::Limit { what: "first_messages" });
                return Err(StartRefusal::TooMany(most));
            }
        }
        let sub = self.rules.sub_campaign(start.sub_campaign).cloned();
        let sub = sub
            .filter(|sub| sub.account == start.account && sub.kind == SubCampaignKind::Outbound)
            .ok_or(StartRefusal::NoSubCampaign)?;
        let account = self.rules.accounts.get(&sub.account);
        if !account.is_some_and(|account| account.channels.contains(&Channel::Text)) {
            return Err(StartRefusal::NotContracted);
        }
        if start.device.digits().is_none() {
            return Err(StartRefusal::NoDevice);
        }
        let test = self.rules.is_tester(start.device.key(), &sub, here.now.wall);
        if start.test && !test {
            return Err(StartRefusal::NoTester);
        }
        if sub.standing(here.now.wall, test) != Standing::Open {
            return Err(StartRefusal::NotRunning);
        }
        let what = match (sub.instructions, &sub.texts.reply) {
            (Instructions::Version(version), _) => {
                let version = sub.version(test).unwrap_or(version);
                What::Instructions { version, entry: Entry::Begin }
            }
            (Instructions::Texts, Some(text)) => What::Text { text: text.clone() },
            (Instructions::Texts, None) | (Instructions::Agent | Instructions::Participation(_), _) => {
                return Err(StartRefusal::NotRunning);
            }
        };
        let run = self.new_run(here, start.device.shard(), sub.id, what, Purpose::Begin, test);
        let (device, contact, client_id) = (start.device, start.contact, start.client_id);
        let id = run.id;
        let starting = Starting { device, contact, client_id, run, of, put_off: false, done: None };
        self.attempt_begins(&starting);
        self.begin_start(here, starting);
        Ok(id)
    }

    fn begin_start(&mut self, here: &mut Here<'_>, mut starting: Starting) {
        let id = starting.run.id;
        starting.run.until = here.now.wall.after(self.rules.limits.run);
        let row = StartRow::Starting(Box::new(starting));
        here.port.put(id.0.shard(), Table::Start, id.0.to_bytes(), row.encode());
        let StartRow::Starting(starting) = row else { return };
        if self.is_next(Whose::Start(id), id) {
            let mut blank = Conversation::new(starting.device.clone(), nowhere());
            blank.pass = starting.of;
            self.begin_task(here, Whose::Start(id), &blank, &starting.run);
            if let Some(Effect::Run(task)) = self.wants.effects.last_mut() {
                task.invocation.contact.id = starting.contact;
                task.invocation.contact.client_id.clone_from(&starting.client_id);
            }
        }
        self.starts.insert(*starting);
    }

    /// Takes a row of a first message that was under way when the process ended.
    pub fn restore_start(&mut self, row: &Bytes) {
        match StartRow::decode(row) {
            Ok(StartRow::Starting(starting)) => {
                self.attempt_begins(&starting);
                self.starts.insert(*starting);
            }
            Ok(StartRow::Attempt(attempt)) => self.restore_attempt(*attempt),
            Err(error) => self.note(Note::RowDamaged { why: format!("first message: {error}") }),
        }
    }

    /// Takes a row of a record that was not in the catalog's database when the process ended.
    pub fn restore_record(&mut self, row: &Bytes) {
        match Record::decode(row) {
            Ok(record) => {
                self.to_record += 1;
                self.wants.effects.push(Effect::Record(Box::new(record)));
            }
            Err(error) => self.note(Note::RowDamaged { why: format!("record: {error}") }),
        }
    }

    pub(super) fn resume_starts(&mut self, here: &mut Here<'_>) {
        let all: Vec<RunId> = self.starts.by_due.iter().map(|(_, id)| *id).collect();
        for id in all {
            if let Some(starting) = self.starts.remove(id) {
                self.begin_start(here, starting);
            }
        }
    }

    /// When the run of a first message has had its time.
    pub(super) fn next_start(&self) -> Option<Micros> {
        self.starts.by_due.first().map(|(due, _)| *due)
    }

    pub(super) fn starts_due(&mut self, here: &mut Here<'_>) {
        while let Some((due, id)) = self.starts.by_due.first().copied()
            && due <= here.now.wall
        {
            match self.starts.by_id.get_mut(&id).and_then(|starting| starting.done.take()) {
                Some(ran) => self.start_ran(here, id, Ok(ran)),
                None => self.start_again(here, id),
            }
        }
    }

    /// Begins a first message whose turn it is.
    pub(super) fn start_queued(&mut self, here: &mut Here<'_>, id: RunId) {
        if let Some(starting) = self.starts.remove(id) {
            self.begin_start(here, starting);
        }
    }

    fn start_again(&mut self, here: &mut Here<'_>, id: RunId) {
        let Some(mut starting) = self.starts.remove(id) else { return };
        self.under_way.remove(&id);
        if self.waits.contains(&id) {
            // It still waits for its turn: that is no try, and it keeps its place.
            starting.run.until = here.now.wall.after(self.rules.limits.run);
            return self.starts.insert(starting);
        }
        if std::mem::take(&mut starting.put_off) {
            return self.begin_start(here, starting);
        }
        // Instructions come to an end in their time or are ended: that there is none is ours.
        self.note(Note::Limit { what: "time_of_a_run" });
        self.start_put_off(here, starting, "internal", "no end in its time".to_owned());
    }

    /// Begins a first message again after a pause: what ended its run was a lack of ours, of room or of time. That goes
    /// on for as long as its sub-campaign runs and a conversation of it may wait; who cancels the pass ends it before.
    fn start_put_off(
        &mut self,
        here: &mut Here<'_>,
        mut starting: Starting,
        name: &'static str,
        detail: String,
    ) {
        let (id, now, test) = (starting.run.id, here.now.wall, starting.run.test);
        self.note(Note::Ran { end: name, waited: None, test });
        let sub = self.rules.sub_campaigns.get(&starting.run.sub_campaign).cloned();
        let Some(sub) = sub.filter(|sub| sub.standing(now, test) != Standing::Ended) else {
            self.attempts.withhold(id, "sub_campaign_ended");
            return self.start_over(here, id);
        };
        if now >= starting.run.at.after(sub.timeout) {
            return self.start_failed(here, &starting, name, detail);
        }
        let doublings = u32::from(starting.run.tries.saturating_sub(1)).min(16);
        let pause = PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        // Not all at once that were refused together: from half of the pause to the whole.
        let part = u32::try_from(here.port.random() % 512).unwrap_or_default();
        starting.run.tries = starting.run.tries.saturating_add(1);
        starting.run.until = now.after(pause / 2 + pause / 1_024 * part);
        starting.put_off = true;
        self.starts.insert(starting);
    }

    fn start_failed(&mut self, here: &mut Here<'_>, starting: &Starting, name: &str, detail: String) {
        let id = starting.run.id;
        self.attempts.fail(id, name);
        self.start_over(here, id);
        let told = Told {
            account: self.account_of(starting.run.sub_campaign),
            sub_campaign: starting.run.sub_campaign,
            device: &starting.device,
            source: &nowhere(),
            message: Some(id.0),
            test: starting.run.test,
        };
        self.record(here, told, Said::Failed { name: name.to_owned(), detail });
    }

    /// The run of a first message came to an end: now its program is known, and with it the source address.
    pub(super) fn start_ran(&mut self, here: &mut Here<'_>, id: RunId, result: Result<Box<Ran>, Failure>) {
        let Some(mut starting) = self.starts.remove(id) else { return };
        let ran = match result {
            Ok(ran) => ran,
            Err(failure) if failure.is_temporary() => {
                return self.start_put_off(here, starting, failure.name(), failure.to_string());
            }
            Err(failure) => {
                let test = starting.run.test;
                self.note(Note::Ran { end: failure.name(), waited: None, test });
                return self.start_failed(here, &starting, failure.name(), failure.to_string());
            }
        };
        let Some(sub) = self.rules.sub_campaigns.get(&starting.run.sub_campaign).cloned() else {
            self.attempts.withhold(id, "sub_campaign_gone");
            return self.start_over(here, id);
        };
        let source = match self.source_of(here, &starting, &sub, &ran) {
            Ok(source) => source,
            Err(Sourceless::Waits) => {
                starting.run.until = here.now.wall.after(NONE_FREE);
                starting.done = Some(ran);
                return self.starts.insert(starting);
            }
            Err(Sourceless::Over) => return self.start_without_text(here, &starting, &sub, &ran),
        };
        let at = ConversationId::of(&starting.device, &source);
        let mut conversation = self.take(here, &starting.device, &source);
        if conversation.run.is_some() {
            // What the device wrote comes first.
            starting.run.until = here.now.wall.after(BUSY);
            starting.done = Some(ran);
            self.starts.insert(starting);
            return self.put(here, at, conversation);
        }
        let version = match starting.run.what {
            Some(What::Instructions { version, .. }) => Some(version),
            Some(What::Text { .. } | What::Participation { .. }) | None => None,
        };
        self.episode_over(here, &conversation);
        let before = conversation.standing(id);
        conversation.begin(sub.id, version, starting.run.test);
        conversation.before = Some(before);
        conversation.pass = starting.of;
        let client_id = if ran.client_id.is_empty() { starting.client_id } else { ran.client_id.clone() };
        if version.is_none() {
            let until = here.now.wall.after(sub.timeout);
            conversation.expected = Some(Expected { until, then: String::new() });
            conversation.reply = match &starting.run.what {
                Some(What::Text { text }) => Some(text.clone()),
                Some(What::Instructions { .. } | What::Participation { .. }) | None => None,
            };
        }
        self.carry_out(here, at, &mut conversation, &starting.run, Ran { client_id, ..*ran });
        self.put(here, at, conversation);
        self.start_over(here, id);
    }

    /// The address that the first of the texts goes out on, which the conversation is on from then.
    fn source_of(
        &mut self,
        here: &mut Here<'_>,
        starting: &Starting,
        sub: &SubCampaignRule,
        ran: &Ran,
    ) -> Result<Address, Sourceless> {
        if matches!(ran.outcome.status, Status::BadData(_)) {
            return Err(Sourceless::Over);
        }
        let blank = Conversation::new(starting.device.clone(), nowhere());
        let mut refused = Vec::new();
        for send in &ran.outcome.sends {
            match self.choose(here, &blank, &starting.run, sub, send) {
                Ok(chosen) => return Ok(chosen.source),
                Err(why) => refused.push((send, why)),
            }
        }
        let patient = sub.when_busy == WhenBusy::Wait && here.now.wall < starting.run.at.after(sub.timeout);
        if patient && refused.iter().any(|(_, why)| *why == NoSource::BUSY) {
            return Err(Sourceless::Waits);
        }
        for (send, why) in refused {
            self.filter(here, &blank, &starting.run, sub, send, why);
        }
        Err(Sourceless::Over)
    }

    /// A first message of which no text leaves: either nothing is to be sent, or there is no address to send it from,
    /// which is told.
    fn start_without_text(
        &mut self,
        here: &mut Here<'_>,
        starting: &Starting,
        sub: &SubCampaignRule,
        ran: &Ran,
    ) {
        self.note(Note::Ran { end: "ok", waited: None, test: starting.run.test });
        let blank = Conversation::new(starting.device.clone(), nowhere());
        self.tell(here, &blank, &starting.run, sub, &ran.outcome);
        self.opt_outs(here, &blank, &starting.run, sub, &starting.client_id, &ran.outcome);
        self.start_over(here, starting.run.id);
    }
}

/// Why a first message goes out on no address now.
enum Sourceless {
    /// Each waits for the device's answer to another sub-campaign, and it waits for one to be free (MQ-28).
    Waits,
    /// There is none, or nothing to send.
    Over,
}
