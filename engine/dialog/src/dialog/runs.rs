//! Runs: begun, ended, and what they want done.

use std::time::Duration;

use signalbox_core::id::ShardId;
use signalbox_core::time::Micros;
use signalbox_invocation::{
    Account, CallPass, Contact, ContactAttempt, Conversation as GivenConversation, Device as GivenDevice,
    Entry, Failure, Invocation, InvocationId, Level, OptSubject, Outcome, Side, Status, SubCampaign,
    WebAnswer,
};

use super::{Dialog, Here, Told};
use crate::attempt::OfPass;
use crate::conversation::{Conversation, Expected, Past};
use crate::event::{Effect, Note, Ran, Said, Task};
use crate::port::Consent;
use crate::rules::SubCampaignRule;
use crate::run::{Calling, Run, RunId, What, Whose};
use signalbox_core::scope::{ConversationId, Purpose};

/// The shortest pause before a run in a conversation that was interrupted is begun again; the longest is twice as long.
const PAUSE: Duration = Duration::from_secs(2);
/// How long who wrote is left to wait for a run that is interrupted again and again.
const PATIENCE: Duration = Duration::from_secs(600);

impl Dialog {
    /// A run that has not begun.
    pub(super) fn new_run(
        &mut self,
        here: &mut Here<'_>,
        shard: ShardId,
        sub_campaign: u32,
        what: What,
        purpose: Purpose,
        test: bool,
    ) -> Run {
        Run {
            id: RunId(here.port.new_id(here.now, shard)),
            sub_campaign,
            what: Some(what),
            calling: None,
            purpose,
            message: None,
            answer: None,
            timed_out: false,
            at: here.now.wall,
            seed: here.port.random(),
            tries: 1,
            until: Micros(0),
            test,
        }
    }

    /// Hands a run to who does it, with all that it is given from here.
    pub(super) fn begin_task(
        &mut self,
        here: &mut Here<'_>,
        whose: Whose,
        conversation: &Conversation,
        run: &Run,
    ) {
        let Some(what) = run.what.clone() else { return };
        let Some(sub) = self.rules.sub_campaigns.get(&run.sub_campaign).cloned() else { return };
        let (entry, version) = match &what {
            What::Instructions { version, entry } => (entry.clone(), *version),
            What::Text { .. } | What::Participation { .. } => {
                let none = signalbox_invocation::Version { account: sub.account, script: 0, version: 0 };
                let begins = run.purpose == Purpose::Begin;
                (if begins { Entry::Begin } else { Entry::MoHandler }, none)
            }
        };
        let account = self.rules.accounts.get(&sub.account);
        let (name, channels) =
            account.map_or_else(Default::default, |rule| (rule.name.clone(), rule.channels.clone()));
        let stored = {
            let (device, _) = self.memory.device(&conversation.device, here.rows, &mut self.wants.notes);
            device.stored(sub.account)
        };
        let address = text_of(conversation.device.key());
        let carrier = here.port.carrier(&conversation.device, here.now);
        let invocation = Invocation {
            id: InvocationId(run.id.0.as_u128()),
            version,
            entry,
            now: run.at.0,
            seed: run.seed,
            test: run.test,
            account: Account { name, channels },
            contact: Contact::default(),
            device: GivenDevice {
                address,
                carrier: carrier.map(|carrier| carrier.0.to_string()),
                ..GivenDevice::default()
            },
            conversation: self.given(conversation, sub.id),
            sub_campaign: SubCampaign {
                id: sub.id,
                name: sub.name.clone(),
                campaign: sub.campaign_name.clone(),
                kind: sub.kind,
            },
            call_pass: conversation.pass.map(call_pass),
            attempt: run.message.as_ref().map(|past| self.attempt(conversation, past)),
            stored,
            answer: run.answer.clone(),
            timed_out: run.timed_out,
        };
        let task = Task { whose, run: run.id, what, program: sub.program.clone(), invocation };
        self.wants.effects.push(Effect::Run(Box::new(task)));
    }

    /// The conversation as instructions of a sub-campaign see it.
    fn given(&self, conversation: &Conversation, sub_campaign: u32) -> GivenConversation {
        let account = self.account_of(sub_campaign);
        let all = conversation.history.iter();
        let (own, others): (Vec<_>, Vec<_>) = all.partition(|past| past.sub_campaign == sub_campaign);
        // Another account's messages on a shared address are not shown.
        let others = others.into_iter().filter(|past| self.account_of(past.sub_campaign) == account);
        GivenConversation {
            id: hex_of(&conversation.id().key),
            source_address: text_of(conversation.source.octets()),
            variables: conversation.variables.clone(),
            position: conversation.position.clone(),
            history: own.into_iter().map(|past| self.attempt(conversation, past)).collect(),
            elsewhere: others.map(|past| self.attempt(conversation, past)).collect(),
        }
    }

    fn attempt(&self, conversation: &Conversation, past: &Past) -> ContactAttempt {
        let sub = self.rules.sub_campaigns.get(&past.sub_campaign);
        ContactAttempt {
            id: past.id.to_string(),
            side: past.side,
            at: past.at.0,
            device: text_of(conversation.device.key()),
            source_address: text_of(conversation.source.octets()),
            text: past.text.clone(),
            status: String::new(),
            sub_campaign: sub.map(|sub| sub.name.clone()).unwrap_or_default(),
            keyword: past.keyword.clone(),
        }
    }

    /// True when a run may go to who does it; otherwise it is put behind the others that wait.
    pub(super) fn is_next(&mut self, whose: Whose, run: RunId) -> bool {
        if self.under_way.len() < self.rules.limits.under_way {
            self.under_way.insert(run);
            return true;
        }
        if self.waits.insert(run) {
            self.queued.push_back((whose, run));
        }
        false
    }

    /// Begins runs that wait, as many as others have ended.
    pub(super) fn next_queued(&mut self, here: &mut Here<'_>) {
        while self.under_way.len() < self.rules.limits.under_way {
            let Some((whose, run)) = self.queued.pop_front() else { return };
            self.waits.remove(&run);
            match whose {
                Whose::Start(start) => self.start_queued(here, start),
                Whose::Conversation(id) => {
                    let Some(mut conversation) = self.take_known(here, id) else { continue };
                    match conversation.run.take() {
                        // It may have come to another end meanwhile.
                        Some(now) if now.id == run && now.what.is_some() => {
                            self.begin_run(here, id, &mut conversation, now);
                        }
                        other => conversation.run = other,
                    }
                    self.put(here, id, conversation);
                }
            }
        }
    }

    /// A run came to an end.
    pub(super) fn ran(
        &mut self,
        here: &mut Here<'_>,
        whose: Whose,
        run: RunId,
        result: Result<Box<Ran>, Failure>,
    ) {
        self.under_way.remove(&run);
        self.ran_with(here, whose, run, result);
        self.next_queued(here);
    }

    fn ran_with(&mut self, here: &mut Here<'_>, whose: Whose, run: RunId, result: Result<Box<Ran>, Failure>) {
        let result = result.and_then(|ran| {
            self.rules.limits.outcome.check(&ran.outcome).map_err(Failure::from)?;
            Ok(ran)
        });
        let id = match whose {
            Whose::Conversation(id) => id,
            Whose::Start(start) => return self.start_ran(here, start, result),
        };
        let Some(mut conversation) = self.take_known(here, id) else { return };
        // What was begun again meanwhile, or ended, is not ended by an older try's answer twice.
        let current = conversation.run.as_ref().is_some_and(|now| now.id == run && now.what.is_some());
        if !current {
            return self.memory.put_unchanged(here.now.mono, id, conversation);
        }
        if let Err(failure) = &result
            && failure.is_temporary()
            && let Some(run) = &mut conversation.run
            && here.now.wall < run.at.after(PATIENCE)
        {
            // Its timer begins it again, and that is no try: the instructions were not at fault.
            run.tries = run.tries.saturating_sub(1);
            let more = here.port.random() % u64::try_from(PAUSE.as_millis()).unwrap_or(1);
            run.until = here.now.wall.after(PAUSE + Duration::from_millis(more));
            let test = run.test;
            self.note(Note::Ran { end: failure.name(), waited: None, test });
            return self.put(here, id, conversation);
        }
        let Some(run) = conversation.run.take() else { return };
        match result {
            Ok(ran) => self.carry_out(here, id, &mut conversation, &run, *ran),
            Err(Failure::NoMethod(_)) if run.purpose == Purpose::OptIn => {
                self.opt_in_unsaid(here, id, &mut conversation, &run);
            }
            Err(failure) => self.run_failed(here, id, &mut conversation, &run, &failure),
        }
        self.put(here, id, conversation);
    }

    /// Commits what a run wants.
    pub(super) fn carry_out(
        &mut self,
        here: &mut Here<'_>,
        id: ConversationId,
        conversation: &mut Conversation,
        run: &Run,
        ran: Ran,
    ) {
        self.note(Note::Ran { end: "ok", waited: run.waited(here.now.wall), test: run.test });
        let Ran { outcome, client_id, facts } = ran;
        let Some(sub) = self.rules.sub_campaigns.get(&run.sub_campaign).cloned() else {
            return self.next(here, id, conversation);
        };
        let scripted = matches!(run.what, Some(What::Instructions { .. }));
        if scripted && !self.keep(here, conversation, &sub, &outcome) {
            let failure = Failure::from(signalbox_invocation::Excess {
                what: "variables".to_owned(),
                found: self.rules.limits.outcome.variables as u64 + 1,
                limit: self.rules.limits.outcome.variables as u64,
            });
            return self.run_failed(here, id, conversation, run, &failure);
        }
        self.tell(here, conversation, run, &sub, &outcome);
        self.show_run(here, conversation, run, Some(&sub), Some(&outcome));
        self.opt_outs(here, conversation, run, &sub, &client_id, &outcome);
        if scripted {
            self.tell_episode(here, conversation, run, &client_id, &outcome);
        }
        if let Status::BadData(_) = outcome.status {
            // Nothing of it is sent (TXS-21); that it was filtered is told.
        } else if !self.agent_has(here, conversation, run, &sub, &outcome.sends) {
            self.send_all(here, conversation, run, &sub, (&client_id, &facts), &outcome.sends);
        }
        if scripted {
            if outcome.ended {
                let version = conversation.version;
                conversation.end();
                // A flow remembers that it is over.
                conversation.position.clone_from(&outcome.position);
                conversation.version = version.filter(|_| !outcome.position.is_empty());
            } else {
                conversation.position.clone_from(&outcome.position);
                let wait = outcome.wait.as_ref().map(|wait| {
                    let span = std::time::Duration::from_secs(wait.seconds.into());
                    Expected { until: here.now.wall.after(span), then: wait.then.clone() }
                });
                conversation.expected = Some(wait.unwrap_or_else(|| Expected {
                    until: here.now.wall.after(sub.timeout),
                    then: String::new(),
                }));
                conversation.calls.extend(outcome.calls);
            }
        }
        self.next(here, id, conversation);
    }

    /// Keeps variables and stored values; false, and nothing kept, when there are too many.
    fn keep(
        &mut self,
        here: &mut Here<'_>,
        conversation: &mut Conversation,
        sub: &SubCampaignRule,
        outcome: &Outcome,
    ) -> bool {
        let most = self.rules.limits.outcome.variables;
        let before = conversation.variables.clone();
        for (name, value) in &outcome.variables {
            match value {
                Some(value) => {
                    conversation.variables.insert(name.clone(), value.clone());
                }
                None => {
                    conversation.variables.remove(name);
                }
            }
        }
        let (device, changed) = self.memory.device(&conversation.device, here.rows, &mut self.wants.notes);
        let stored = device.clone();
        let fits = conversation.variables.len() <= most && device.store(sub.account, &outcome.stored, most);
        *changed |= fits && !outcome.stored.is_empty();
        if !fits {
            *device = stored;
            conversation.variables = before;
        }
        fits
    }

    /// Tells what the run said to people.
    pub(super) fn tell(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        outcome: &Outcome,
    ) {
        let told = Told {
            account: sub.account,
            sub_campaign: sub.id,
            device: &conversation.device,
            source: &conversation.source,
            message: run.message.as_ref().map(|message| message.id),
            test: run.test,
        };
        if let Some(reason) = &outcome.flag {
            self.record(here, told, Said::Flagged { reason: reason.clone() });
        }
        if !outcome.log.is_empty() {
            self.record(here, told, Said::Log(outcome.log.clone()));
        }
        match &outcome.status {
            Status::Ok => {}
            Status::BadData(why) => {
                self.attempts.withhold(run.id, "bad_data");
                self.record(here, told, Said::Filtered { text: why.clone(), status: "bad_data".to_owned() });
            }
            Status::Other(status) => {
                let (outcome, reason) = ("status".to_owned(), status.clone());
                self.record(here, told, Said::Ended { outcome, reason });
            }
        }
    }

    pub(super) fn opt_outs(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        client_id: &str,
        outcome: &Outcome,
    ) {
        let Some(account) = self.rules.accounts.get(&sub.account) else { return };
        let (usual, enterprise) = (account.opt_out_level, account.enterprise);
        for wanted in &outcome.opt_outs {
            let level = wanted.level.or(sub.opt_out_level).unwrap_or(usual);
            let of = match level {
                Level::Campaign => sub.campaign,
                Level::Account => sub.account,
                Level::Enterprise => enterprise,
            };
            let by_client = wanted.subject == OptSubject::ClientId && !client_id.is_empty();
            let change = Consent {
                device: conversation.device.clone(),
                client_id: by_client.then(|| client_id.to_owned()),
                // What has no campaign is opted out of for its account.
                level: if of == 0 { Level::Account } else { level },
                of: if of == 0 { sub.account } else { of },
                account: sub.account,
                channels: wanted.channels.clone(),
                opt_in: false,
                evidence: None,
                by: "script",
            };
            let message = run.message.as_ref();
            let told = Told {
                account: sub.account,
                sub_campaign: sub.id,
                device: &conversation.device,
                source: &conversation.source,
                message: message.map(|message| message.id),
                test: run.test,
            };
            self.change_consent(here, told, change, message.map(|message| message.text.as_str()));
        }
    }

    /// A run failed for good: its conversation gets the configured answer, and goes on.
    pub(super) fn run_failed(
        &mut self,
        here: &mut Here<'_>,
        id: ConversationId,
        conversation: &mut Conversation,
        run: &Run,
        failure: &Failure,
    ) {
        self.note(Note::Ran { end: failure.name(), waited: run.waited(here.now.wall), test: run.test });
        self.attempts.fail(run.id, failure.name());
        let sub = self.rules.sub_campaigns.get(&run.sub_campaign).cloned();
        let told = Told {
            account: sub.as_ref().map_or(0, |sub| sub.account),
            sub_campaign: run.sub_campaign,
            device: &conversation.device,
            source: &conversation.source,
            message: run.message.as_ref().map(|message| message.id),
            test: run.test,
        };
        let (name, detail) = (failure.name().to_owned(), failure.to_string());
        self.record(here, told, Said::Failed { name, detail });
        let text = sub.as_ref().and_then(|sub| self.stand_in(conversation, sub, run));
        let scripted = matches!(run.what, Some(What::Instructions { .. }));
        if let (Some(text), true) = (text, scripted) {
            let what = What::Text { text };
            let mut answer = self.new_run(here, id.shard, run.sub_campaign, what, run.purpose, run.test);
            answer.message = run.message.clone();
            return self.begin_run(here, id, conversation, answer);
        }
        self.show_run(here, conversation, run, sub.as_deref(), None);
        self.next(here, id, conversation);
    }

    /// Makes the next call that instructions asked for.
    pub(super) fn next_call(
        &mut self,
        here: &mut Here<'_>,
        id: ConversationId,
        conversation: &mut Conversation,
    ) {
        let (Some(call), Some(owner)) = (conversation.calls.front(), conversation.owner) else {
            // Nobody waits for an answer any more.
            conversation.calls.clear();
            return self.next(here, id, conversation);
        };
        let made = conversation.made.entry(call.service.clone()).or_default();
        *made = made.saturating_add(1);
        let in_all = conversation.made.values().map(|made| u32::from(*made)).sum::<u32>();
        if in_all > u32::from(self.rules.limits.chained) {
            conversation.calls.clear();
            self.note(Note::Limit { what: "calls_in_a_row" });
            return self.next(here, id, conversation);
        }
        let calling = Calling { service: call.service.clone(), then: call.then.clone() };
        let what = What::Text { text: String::new() };
        let mut run = self.new_run(here, id.shard, owner, what, Purpose::Answer, conversation.test);
        run.what = None;
        run.calling = Some(calling);
        self.begin_run(here, id, conversation, run);
    }

    /// A web service answered.
    pub(super) fn called(&mut self, here: &mut Here<'_>, whose: Whose, run: RunId, answer: WebAnswer) {
        let Whose::Conversation(id) = whose else { return };
        let Some(mut conversation) = self.take_known(here, id) else { return };
        let current = conversation.run.as_ref().is_some_and(|now| now.id == run && now.what.is_none());
        if !current {
            return self.memory.put_unchanged(here.now.mono, id, conversation);
        }
        let calling = conversation.run.take().and_then(|run| run.calling);
        conversation.calls.pop_front();
        let owner = conversation.owner.filter(|owner| self.rules.sub_campaign(*owner).is_some());
        let then = calling.and_then(|calling| Entry::method(&calling.then).ok());
        match (then, owner, conversation.version) {
            (Some(entry), Some(owner), Some(version)) => {
                let what = What::Instructions { version, entry };
                let test = conversation.test;
                let mut run = self.new_run(here, id.shard, owner, what, Purpose::Answer, test);
                run.answer = Some(answer);
                run.message = conversation.history.iter().rev().find(|past| past.side == Side::Mo).cloned();
                self.begin_run(here, id, &mut conversation, run);
            }
            _ => self.next(here, id, &mut conversation),
        }
        self.put(here, id, conversation);
    }
}

/// The pass of a conversation, as instructions see it (API-01).
fn call_pass(of: OfPass) -> CallPass {
    CallPass { id: of.pass, name: format!("pass {}", of.pass), started_at: of.began.0 }
}

fn text_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

fn hex_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
