//! Forgets a device as far as one account knows it (GDPR, article 17). What other accounts have with it stays theirs.

use signalbox_core::address::Address;
use signalbox_core::backend::Table;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::scope::ConversationId;

use super::{Dialog, Here};
use crate::conversation::{Before, Conversation};
use crate::event::Effect;
use crate::run::RunId;

impl Dialog {
    /// Forgets a device: what was said with it, variables, stored values, uses of addresses, and first messages whose
    /// run is under way. Texts that are with the exchange go their way.
    pub(super) fn erase(&mut self, here: &mut Here<'_>, reply: ReplyTo, account: u32, device: &Address) {
        self.forget_device(here, account, device);
        let sources: Vec<Address> = self.rules.addresses.iter().map(|rule| rule.address.clone()).collect();
        for source in sources {
            let id = ConversationId::of(device, &source);
            let for_agents = self.desk.of_conversation(id).filter(|work| work.account == account);
            for work in for_agents.map(|work| work.id).collect::<Vec<_>>() {
                self.drop_work(here, None, work, "erased");
            }
            let Some(mut conversation) = self.take_known(here, id) else { continue };
            let before = conversation.clone();
            self.forget_in(here, account, &mut conversation);
            if conversation.run.is_none() && before.run.is_some() {
                self.next(here, id, &mut conversation);
            }
            if *conversation == *before {
                self.memory.put_unchanged(here.now.mono, id, conversation);
            } else if conversation.owner.is_none()
                && conversation.history.is_empty()
                && conversation.is_idle()
            {
                self.memory.remove(id);
                here.port.delete(id.shard, Table::Conversation, id.key);
            } else {
                self.put(here, id, conversation);
            }
        }
        let runs: Vec<RunId> = self.starts.of_device(device);
        for run in runs {
            if self.starts.sub_campaign(run).is_some_and(|sub| self.account_of(sub) == account) {
                self.starts.remove(run);
                self.under_way.remove(&run);
                self.attempts.withhold(run, "erased");
                self.start_over(here, run);
            }
        }
        self.wants.effects.push(Effect::Erased { to: reply });
    }

    fn forget_device(&mut self, here: &mut Here<'_>, account: u32, device: &Address) {
        let (known, changed) = self.memory.device(device, here.rows, &mut self.wants.notes);
        let held = |known: &crate::device::Device| (known.stored.len(), known.uses.len(), known.tests.len());
        let before = held(known);
        known.stored.retain(|(owner, _), _| *owner != account);
        known.uses.retain(|used| used.account != account);
        known.tests.retain(|used| used.account != account);
        *changed |= before != held(known);
    }

    fn forget_in(&mut self, here: &mut Here<'_>, account: u32, conversation: &mut Conversation) {
        let rules = self.rules.clone();
        // Nobody else can claim what a sub-campaign said that is gone.
        let is_theirs = |sub_campaign: u32| {
            rules.sub_campaigns.get(&sub_campaign).is_none_or(|sub| sub.account == account)
        };
        conversation.history.retain(|past| !is_theirs(past.sub_campaign));
        conversation.waiting.retain(|pending| !is_theirs(pending.message.sub_campaign));
        for held in std::mem::take(&mut conversation.held) {
            if is_theirs(held.sub_campaign) {
                self.group_gives_up(here, held.run, "erased");
            } else {
                conversation.held.push_back(held);
            }
        }
        if conversation.held.is_empty() {
            conversation.offers = None;
        }
        if conversation.run.as_ref().is_some_and(|run| is_theirs(run.sub_campaign)) {
            conversation.run = None;
        }
        if !conversation.owner.is_some_and(is_theirs) {
            // Nor does the conversation go back to it, should another's first message come to nothing.
            let theirs = conversation.before.as_mut().filter(|before| before.owner.is_some_and(is_theirs));
            if let Some(before) = theirs {
                **before = Before { texts: std::mem::take(&mut before.texts), ..Before::nothing(before.run) };
            }
            return;
        }
        conversation.calls.clear();
        // What another account had there before is its own again.
        let before =
            conversation.before.take().filter(|before| before.owner.is_some_and(|owner| !is_theirs(owner)));
        let before = before.map(|before| *before);
        conversation.owner = before.as_ref().and_then(|before| before.owner);
        conversation.version = before.as_ref().and_then(|before| before.version);
        conversation.expected = before.as_ref().and_then(|before| before.expected.clone());
        conversation.pass = before.as_ref().and_then(|before| before.pass);
        conversation.test = before.as_ref().is_some_and(|before| before.test);
        (conversation.variables, conversation.position) =
            before.map(|before| (before.variables, before.position)).unwrap_or_default();
    }
}
