//! Messages that wait for agents: how they come in, what the control routine does with them (KEY-13), and when they go
//! back. Each has a row that is written with the commit of what led to it, so that a message which is answered OK does not
//! get lost on its way to an agent.

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::backend::Table;
use signalbox_core::id::MessageId;
use signalbox_core::scope::Purpose;
use signalbox_invocation::{Outcome, Send, Side, Status};

use super::{Dialog, Here, Told};
use crate::ask::AgentRefusal;
use crate::conversation::{Conversation, Past};
use crate::event::{Effect, Note, Said, WorkChange};
use crate::queues::Watch;
use crate::rules::SubCampaignRule;
use crate::run::Run;
use crate::work::{MOST_URGENT, Work};

/// Priority of what no sub-campaign has.
const USUAL: u8 = 50;

impl Dialog {
    /// Has an agent see a message (TXS-20). The control routine looks at it first (KEY-13), as what came to the source
    /// address with this number, zero where that is not known.
    pub(super) fn show_agent(&mut self, here: &mut Here<'_>, address: u32, mut work: Work) {
        if let Some(known) = self.desk.get(work.id) {
            // It is there already; a script says why, too.
            let mut known = known.clone();
            known.reason = work.reason;
            known.answered |= work.answered;
            return self.put_work(here, known);
        }
        if self.check_room(work.account).is_err() {
            self.note(Note::Limit { what: "messages_for_agents" });
            return self.tell_work(here, &work, None, "queue_full");
        }
        work.text = self.cut(std::mem::take(&mut work.text));
        if let Some(held) = self.desk.holder(work.conversation(), work.sub_campaign) {
            work.held = Some(held.clone());
            let agent = held.by.clone();
            self.put_work(here, work.clone());
            return self.tell_work(here, &work, Some(&agent), "added");
        }
        let watched = self.rules.queues.watched(work.account, address, &work.text, here.now.wall);
        match watched.map(|(watch, _)| watch) {
            Some(Watch::Archive) => return self.tell_work(here, &work, None, "archived"),
            Some(Watch::Move(queue)) => work.queue = queue,
            Some(Watch::First(queue)) => (work.queue, work.priority) = (queue, MOST_URGENT),
            None => {}
        }
        let rule = self.rules.queues.of(work.account, work.queue);
        if work.queue != 0 && rule.is_none() {
            work.queue = 0;
        }
        if let Some(priority) = rule.and_then(|rule| rule.priority).filter(|_| work.priority != MOST_URGENT) {
            work.priority = priority;
        }
        self.put_work(here, work.clone());
        self.tell_work(here, &work, None, "queued");
    }

    /// A message of a device as an agent is to see it.
    pub(super) fn work_for(
        &self,
        past: &Past,
        conversation: (&Address, &Address),
        sub: Option<&SubCampaignRule>,
        (kind, reason): (&str, &str),
        answered: bool,
    ) -> Work {
        // Of several with the same digits nobody guesses.
        let of_address = |source: &Address| {
            let mut found = self.rules.addresses.with(source.key());
            found.next().filter(|_| found.next().is_none()).and_then(|rule| rule.account)
        };
        Work {
            id: past.id,
            account: sub.map(|sub| sub.account).or_else(|| of_address(conversation.1)).unwrap_or(0),
            sub_campaign: sub.map_or(0, |sub| sub.id),
            queue: sub.map_or(0, |sub| sub.queue),
            priority: sub.map_or(USUAL, |sub| sub.priority),
            device: conversation.0.clone(),
            source: conversation.1.clone(),
            text: past.text.clone(),
            at: past.at,
            kind: kind.to_owned(),
            reason: reason.to_owned(),
            answered,
            held: None,
            returned_by: None,
            test: false,
        }
    }

    /// What a run left for an agent: what it flagged, and what nothing answered where those are shown.
    pub(super) fn show_run(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: Option<&SubCampaignRule>,
        outcome: Option<&Outcome>,
    ) {
        let Some(sub) = sub else { return };
        let sent = |outcome: &&Outcome| !matches!(outcome.status, Status::BadData(_));
        let answered = outcome.filter(sent).is_some_and(|outcome| !outcome.sends.is_empty());
        let flag = outcome.and_then(|outcome| outcome.flag.as_deref());
        let silent = run.purpose == Purpose::Answer && run.message.is_some() && !answered;
        let unanswered = (sub.flags_unanswered && silent).then_some("unanswered");
        let Some(reason) = flag.or(unanswered) else { return };
        if conversation.source.is_empty() {
            // A first message that has not been sent is no message of a device.
            return;
        }
        let past = run.message.clone().unwrap_or_else(|| Past {
            id: run.id.0,
            side: Side::Mo,
            at: here.now.wall,
            text: String::new(),
            sub_campaign: sub.id,
            keyword: None,
        });
        let kind = if run.message.is_some() { kind_of(run.purpose) } else { "silence" };
        let addresses = (&conversation.device, &conversation.source);
        let mut work = self.work_for(&past, addresses, Some(sub), (kind, reason), answered);
        work.test = run.test;
        self.show_agent(here, conversation.address, work);
    }

    /// True, and told, when a run's texts do not leave because an agent has the conversation.
    pub(super) fn agent_has(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        sends: &[Send],
    ) -> bool {
        let keyword = run.message.as_ref().is_some_and(|message| message.keyword.is_some());
        if run.purpose != Purpose::Answer || keyword || self.desk.holder(conversation.id(), sub.id).is_none()
        {
            return false;
        }
        let told = Told {
            account: sub.account,
            sub_campaign: sub.id,
            device: &conversation.device,
            source: &conversation.source,
            message: run.message.as_ref().map(|message| message.id),
            test: run.test,
        };
        for send in sends {
            let said = Said::Filtered { text: send.text.clone(), status: "agent_has_it".to_owned() };
            self.record(here, told, said);
        }
        true
    }

    /// Takes a row of a message for agents after a restart.
    pub fn restore_work(&mut self, row: &Bytes) {
        match Work::decode(row) {
            Ok(work) => self.desk.insert(work),
            Err(error) => self.note(Note::RowDamaged { why: format!("message for agents: {error}") }),
        }
    }

    /// Messages whose agent has not been heard of in his time go back into their old place (D11).
    pub(super) fn hands_due(&mut self, here: &mut Here<'_>) {
        while let Some(id) = self.desk.due(here.now.wall) {
            let Some(mut work) = self.desk.get(id).cloned() else { return };
            let agent = work.held.take().map(|held| held.by);
            if work.is_begun() {
                self.drop_work(here, agent.as_deref(), id, "time_over");
                continue;
            }
            self.put_work(here, work.clone());
            self.tell_work(here, &work, agent.as_deref(), "time_over");
        }
    }

    /// Tells how many messages there are for agents, if that changed.
    pub(super) fn count_work(&mut self) {
        if self.desk.take_changed() {
            let (all, held) = self.desk.counted();
            let waiting = all - held;
            self.note(Note::Work { waiting, held, oldest: self.desk.oldest() });
        }
    }

    pub(super) fn check_room(&self, account: u32) -> Result<(), AgentRefusal> {
        let limits = &self.rules.limits;
        if self.desk.len() >= limits.work {
            return Err(AgentRefusal::Full(limits.work));
        }
        if self.desk.len_of(account) >= limits.work_of_account {
            return Err(AgentRefusal::Full(limits.work_of_account));
        }
        Ok(())
    }

    pub(super) fn cut(&self, mut text: String) -> String {
        let most = self.rules.limits.history_text;
        if text.len() > most {
            let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        text
    }

    pub(super) fn put_work(&mut self, here: &mut Here<'_>, work: Work) {
        here.port.put(work.id.shard(), Table::Desk, work.id.to_bytes(), work.encode());
        self.desk.insert(work);
    }

    pub(super) fn drop_work(
        &mut self,
        here: &mut Here<'_>,
        agent: Option<&str>,
        id: MessageId,
        did: &'static str,
    ) {
        let Some(mut work) = self.desk.remove(id) else { return };
        here.port.delete(id.shard(), Table::Desk, id.to_bytes());
        work.held = None;
        self.tell_work(here, &work, agent, did);
    }

    /// Tells the history and agents' screens what became of a message for agents.
    pub(super) fn tell_work(
        &mut self,
        here: &mut Here<'_>,
        work: &Work,
        agent: Option<&str>,
        did: &'static str,
    ) {
        let told = Told {
            account: work.account,
            sub_campaign: work.sub_campaign,
            device: &work.device,
            source: &work.source,
            message: Some(work.id),
            test: work.test,
        };
        // That it waits where it was to be expected stands with the message.
        if did != "queued" || work.queue != 0 {
            let agent = agent.map(str::to_owned);
            self.record(here, told, Said::Work { agent, did: did.to_owned(), queue: work.queue });
        }
        self.wants.effects.push(Effect::Work(WorkChange {
            id: work.id,
            account: work.account,
            queue: work.queue,
            did,
            held_by: work.held.as_ref().map(|held| held.by.clone()),
        }));
    }
}

fn kind_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::OptOutConfirmation => "opt_out",
        Purpose::Help => "help",
        Purpose::OptIn => "opt_in",
        Purpose::Answer | Purpose::Begin | Purpose::Agent => "response",
    }
}
