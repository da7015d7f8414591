//! What people do by hand: messages wait for agents, who take, answer, hand on and finish them, and begin conversations
//! (TXS-09, TXS-20, KEY-11, KEY-13).
//!
//! While an agent has a message its conversation is his: what the device writes to the same sub-campaign comes to him
//! at once, and no script, flow or fixed text answers it, but for the words of consent and for top-level keywords, which
//! begin something new (KEY-05). When he has finished all of it, or his time has ended, instructions answer again.

use std::time::Duration;

use signalbox_core::exchange::{OwnText, ReplyTo};
use signalbox_core::id::MessageId;
use signalbox_core::scope::{ContactFacts, ConversationId, Purpose, Scope};
use signalbox_invocation::{Channel, Cut, Send, Side};

use super::send::nowhere;
use super::{Dialog, Here, Told};
use crate::ask::{AgentAnswer, AgentAsk, AgentRefusal, AgentText, Begun, Wanted};
use crate::conversation::{Conversation, Past};
use crate::desk::Seen;
use crate::device::Use;
use crate::event::{Effect, Note, Said};
use crate::rules::{Standing, SubCampaignRule};
use crate::run::What;
use crate::source::Chosen;
use crate::work::{BEGUN, Held, Work};

type Answer = Result<AgentAnswer, AgentRefusal>;

impl Dialog {
    pub(super) fn agent(&mut self, here: &mut Here<'_>, ask: AgentAsk) {
        let AgentAsk { reply, agent, seen, wanted } = ask;
        let result = self.carry_out_ask(here, &agent, &seen, wanted);
        self.answer_agent(reply, result);
    }

    fn answer_agent(&mut self, to: ReplyTo, result: Answer) {
        self.wants.effects.push(Effect::Agent { to, result });
    }

    fn carry_out_ask(&mut self, here: &mut Here<'_>, agent: &str, seen: &Seen, wanted: Wanted) -> Answer {
        match wanted {
            Wanted::List { held: false, queue, after, most } => {
                let found = self.desk.waiting(seen, queue, after, most + 1, |_| true);
                Ok(AgentAnswer::Work(found.into_iter().cloned().collect()))
            }
            Wanted::List { held: true, queue, after, most } => {
                let found = self.desk.in_hands(seen, queue, after, most + 1);
                Ok(AgentAnswer::Work(found.into_iter().cloned().collect()))
            }
            Wanted::Show(id) => {
                let work = self.work_seen(seen, id)?;
                let messages = self.messages_of(here, &work);
                Ok(AgentAnswer::Conversation(Box::new(work), messages))
            }
            Wanted::Take { queue, most, lease } => {
                Ok(self.take_work(here, agent, seen, (queue, most), lease))
            }
            Wanted::Hold { id, lease } => {
                let work = self.work_seen(seen, id)?;
                if let Some(held) = work.held.as_ref().filter(|held| held.by != agent) {
                    return Err(AgentRefusal::Held(held.by.clone()));
                }
                let all = self.hold_conversation(here, agent, work.conversation(), seen, lease);
                Ok(AgentAnswer::Work(all))
            }
            Wanted::Answer { id, text, lease } => {
                let work = self.work_of(agent, seen, id)?;
                let message = self.answer_device(here, agent, &work, &text)?;
                match lease {
                    Some(lease) => {
                        self.hold_conversation(here, agent, work.conversation(), seen, lease);
                    }
                    None => self.drop_work(here, Some(agent), id, "answered"),
                }
                Ok(AgentAnswer::Sent { message, work: Box::new(work) })
            }
            Wanted::Finish(id) => {
                let work = self.work_of(agent, seen, id)?;
                self.drop_work(here, Some(agent), id, "finished");
                Ok(AgentAnswer::Work(vec![work]))
            }
            Wanted::HandOn { id, queue } => self.hand_on(here, agent, seen, id, queue),
            Wanted::Begin(begun) => self.begin_by_agent(here, agent, seen, *begun),
        }
    }

    /// A message that somebody sees.
    fn work_seen(&self, seen: &Seen, id: MessageId) -> Result<Work, AgentRefusal> {
        let work = self.desk.get(id).filter(|work| seen.has(work.account));
        work.cloned().ok_or(AgentRefusal::Absent)
    }

    /// A message that this agent has.
    fn work_of(&self, agent: &str, seen: &Seen, id: MessageId) -> Result<Work, AgentRefusal> {
        let work = self.work_seen(seen, id)?;
        match &work.held {
            None => Err(AgentRefusal::NotTaken),
            Some(held) if held.by != agent => Err(AgentRefusal::Held(held.by.clone())),
            Some(_) => Ok(work),
        }
    }

    /// What was said in a conversation, without another account's messages on a shared address.
    fn messages_of(&mut self, here: &Here<'_>, work: &Work) -> Vec<Past> {
        let id = work.conversation();
        let Some(conversation) = self.take_known(here, id) else { return Vec::new() };
        let own = |past: &&Past| self.account_of(past.sub_campaign) == work.account;
        let messages = conversation.history.iter().filter(own).cloned().collect();
        self.memory.put_unchanged(here.now.mono, id, conversation);
        messages
    }

    fn take_work(
        &mut self,
        here: &mut Here<'_>,
        agent: &str,
        seen: &Seen,
        (queue, most): (Option<u32>, usize),
        lease: Duration,
    ) -> AgentAnswer {
        let mut taken: Vec<Work> = Vec::new();
        while taken.len() < most {
            // A conversation that another agent has a message of is his.
            let free = |work: &Work| {
                let others = self.desk.of_conversation(work.conversation());
                !others.filter_map(|other| other.held.as_ref()).any(|held| held.by != agent)
            };
            let for_him = |work: &Work| work.returned_by.as_deref() != Some(agent) && free(work);
            // What he gave back is for another; he gets it himself where nothing else waits.
            let next = self.desk.waiting(seen, queue, None, 1, for_him);
            let next = next.first().copied().or_else(|| {
                let left = taken.is_empty().then(|| self.desk.waiting(seen, queue, None, 1, free));
                left.and_then(|left| left.first().copied())
            });
            let Some(conversation) = next.map(Work::conversation) else { break };
            taken.extend(self.hold_conversation(here, agent, conversation, seen, lease));
        }
        AgentAnswer::Work(taken)
    }

    /// Puts all messages of a conversation into an agent's hands for a time, and gives them.
    fn hold_conversation(
        &mut self,
        here: &mut Here<'_>,
        agent: &str,
        conversation: ConversationId,
        seen: &Seen,
        lease: Duration,
    ) -> Vec<Work> {
        let all: Vec<Work> = self.desk.of_conversation(conversation).cloned().collect();
        let held = Held { by: agent.to_owned(), until: here.now.wall.after(lease) };
        let mut taken = Vec::new();
        for mut work in all {
            let anothers = work.held.as_ref().is_some_and(|held| held.by != agent);
            if anothers || !seen.has(work.account) {
                continue;
            }
            let new = work.held.replace(held.clone()).is_none();
            self.put_work(here, work.clone());
            if new {
                self.tell_work(here, &work, Some(agent), "taken");
            }
            taken.push(work);
        }
        taken.sort_unstable_by_key(|work| work.at);
        taken
    }

    fn hand_on(
        &mut self,
        here: &mut Here<'_>,
        agent: &str,
        seen: &Seen,
        id: MessageId,
        queue: Option<u32>,
    ) -> Answer {
        let mut work = self.work_of(agent, seen, id)?;
        if let Some(queue) = queue {
            let rule = self.rules.queues.of(work.account, queue);
            if queue != 0 && rule.is_none() {
                return Err(AgentRefusal::NoQueue);
            }
            work.priority = rule.and_then(|rule| rule.priority).unwrap_or(work.priority);
            work.queue = queue;
        }
        if work.is_begun() {
            // What he wrote himself is no message for another.
            self.drop_work(here, Some(agent), id, "finished");
            return Ok(AgentAnswer::Work(vec![work]));
        }
        work.held = None;
        work.returned_by = queue.is_none().then(|| agent.to_owned());
        let did = if queue.is_some() { "handed_on" } else { "returned" };
        self.put_work(here, work.clone());
        self.tell_work(here, &work, Some(agent), did);
        Ok(AgentAnswer::Work(vec![work]))
    }

    /// A text of an agent in the conversation of a message, from the address that the device wrote to.
    fn answer_device(
        &mut self,
        here: &mut Here<'_>,
        agent: &str,
        work: &Work,
        text: &AgentText,
    ) -> Result<MessageId, AgentRefusal> {
        let sub = self.rules.sub_campaign(work.sub_campaign).cloned().ok_or(AgentRefusal::NoSubCampaign)?;
        let purpose = if work.is_begun() { Purpose::Agent } else { Purpose::Answer };
        let mut conversation = self.take(here, &work.device, &work.source);
        let sent = self.agent_send(here, agent, &mut conversation, &sub, (purpose, work.id), text);
        self.put(here, work.conversation(), conversation);
        sent
    }

    fn begin_by_agent(&mut self, here: &mut Here<'_>, agent: &str, seen: &Seen, begun: Begun) -> Answer {
        let Begun { account, sub_campaign, device, text, lease } = begun;
        let sub = self.rules.sub_campaign(sub_campaign).cloned();
        let sub = sub.filter(|sub| sub.account == account && seen.has(account));
        let sub = sub.ok_or(AgentRefusal::NoSubCampaign)?;
        let channels = self.rules.accounts.get(&account).map(|account| account.channels.as_slice());
        if !channels.unwrap_or_default().contains(&Channel::Text) {
            return Err(AgentRefusal::NotContracted);
        }
        if device.digits().is_none() {
            return Err(AgentRefusal::NoDevice);
        }
        let test = self.rules.is_tester(device.key(), &sub, here.now.wall);
        if sub.standing(here.now.wall, test) != Standing::Open {
            return Err(AgentRefusal::NotRunning);
        }
        self.check_room(account)?;
        let blank = Conversation::new(device.clone(), nowhere());
        let source = self.agent_source(here, &blank, &sub, Purpose::Agent, &text)?.1.source;
        let id = ConversationId::of(&device, &source);
        if let Some(held) = self.desk.holder(id, sub.id).filter(|held| held.by != agent) {
            return Err(AgentRefusal::Held(held.by.clone()));
        }
        let mut conversation = self.take(here, &device, &source);
        if conversation.run.is_some() {
            self.put(here, id, conversation);
            return Err(AgentRefusal::Busy);
        }
        let before = conversation.clone();
        conversation.begin(sub.id, None, test);
        let number = here.port.new_id(here.now, device.shard());
        let sent = self.agent_send(here, agent, &mut conversation, &sub, (Purpose::Agent, number), &text);
        let message = match sent {
            Ok(message) => message,
            Err(refusal) => {
                self.put(here, id, before);
                return Err(refusal);
            }
        };
        self.put(here, id, conversation);
        let work = Work {
            id: number,
            account,
            sub_campaign: sub.id,
            queue: sub.queue,
            priority: sub.priority,
            device,
            source,
            text: self.cut(text.text),
            at: here.now.wall,
            kind: BEGUN.to_owned(),
            reason: "begun_by_agent".to_owned(),
            answered: false,
            held: Some(Held { by: agent.to_owned(), until: here.now.wall.after(lease) }),
            returned_by: None,
            test,
        };
        self.put_work(here, work.clone());
        self.tell_work(here, &work, Some(agent), "begun");
        Ok(AgentAnswer::Sent { message, work: Box::new(work) })
    }

    /// The source address of an agent's text, and its program.
    fn agent_source(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        sub: &SubCampaignRule,
        purpose: Purpose,
        text: &AgentText,
    ) -> Result<(String, Chosen), AgentRefusal> {
        let program = text.program.clone().unwrap_or_else(|| sub.program.clone());
        let send = Send { program: program.clone(), text: text.text.clone(), cut: Cut::Whole };
        let what = What::Text { text: String::new() };
        let test = match conversation.source.is_empty() {
            true => self.rules.is_tester(conversation.device.key(), sub, here.now.wall),
            false => self.is_test(conversation, sub, here.now.wall),
        };
        let run = self.new_run(here, conversation.device.shard(), sub.id, what, purpose, test);
        let found = self.choose(here, conversation, &run, sub, &send);
        let chosen = found.map_err(|none| AgentRefusal::NoSource(none.name().to_owned()))?;
        Ok((program, chosen))
    }

    fn agent_send(
        &mut self,
        here: &mut Here<'_>,
        agent: &str,
        conversation: &mut Conversation,
        sub: &SubCampaignRule,
        (purpose, work): (Purpose, MessageId),
        text: &AgentText,
    ) -> Result<MessageId, AgentRefusal> {
        if !conversation.held.is_empty() {
            // What waits for room leaves first; a person is told to try again rather than kept waiting with it.
            return Err(AgentRefusal::Refused { reason: "queue_full", temporary: true });
        }
        let (program, chosen) = self.agent_source(here, conversation, sub, purpose, text)?;
        if ConversationId::of(&conversation.device, &chosen.source) != conversation.id() {
            // He answers where the device wrote, or not at all.
            return Err(AgentRefusal::NoSource("program_not_supported".to_owned()));
        }
        let test = self.is_test(conversation, sub, here.now.wall);
        let scope = Scope {
            purpose,
            conversation: conversation.id(),
            group: work,
            enterprise: self.rules.accounts.get(&sub.account).map_or(0, |account| account.enterprise),
            account: sub.account,
            campaign: sub.campaign,
            sub_campaign: sub.id,
            address: chosen.id,
            program: program.into(),
            client_id: text.client_id.as_str().into(),
            test,
            facts: ContactFacts::default(),
        };
        let (source, destination) = (chosen.source.clone(), conversation.device.clone());
        let own = OwnText { source, destination, text: text.text.clone(), scope };
        let message = here.port.send(here.now, own).map_err(|refused| AgentRefusal::Refused {
            reason: refused.reason,
            temporary: refused.temporary,
        })?;
        self.note(Note::Sent { end: "queued".to_owned(), test });
        let told = Told {
            account: sub.account,
            sub_campaign: sub.id,
            device: &conversation.device,
            source: &conversation.source,
            message: Some(message),
            test,
        };
        self.record(here, told, Said::Agent { agent: agent.to_owned(), text: text.text.clone(), work });
        let limits = self.rules.limits;
        let since = here.now.wall.before(limits.last_use);
        let (device, changed) = self.memory.device(&conversation.device, here.rows, &mut self.wants.notes);
        let used = Use { address: chosen.id, account: sub.account, at: here.now.wall };
        device.used(used, test, since, limits.uses);
        *changed = true;
        // What the device answers is of this sub-campaign (D5, D13).
        if conversation.owner != Some(sub.id) {
            conversation.begin(sub.id, None, test);
        }
        let (side, at) = (Side::Mt, here.now.wall);
        // It is a text of its own, whatever becomes of the first one.
        conversation.before = None;
        let past =
            Past { id: message, side, at, text: text.text.clone(), sub_campaign: sub.id, keyword: None };
        conversation.remember(past, limits.history, limits.history_text);
        Ok(message)
    }
}
