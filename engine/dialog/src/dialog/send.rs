//! Texts that a run wants: the source address for each, and the way into the exchange.

use signalbox_core::address::Address;
use signalbox_invocation::{Cut, Send, Side};

use super::{Dialog, Here, Told};
use crate::conversation::{Conversation, Past};
use crate::cut::separate;
use crate::device::Use;
use crate::event::{Note, Said};
use crate::rules::SubCampaignRule;
use crate::run::Run;
use crate::source::{Chosen, NoSource, Wish};
use signalbox_core::exchange::OwnText;
use signalbox_core::scope::ConversationId;
use signalbox_core::scope::{Purpose, Scope};

impl Dialog {
    /// Sends the texts of a run in their order: one attempt group (MT-03, API-08). They go from the conversation's
    /// address where their program may, else from another that the pool has: then the conversation goes on there.
    pub(super) fn send_all(
        &mut self,
        here: &mut Here<'_>,
        conversation: &mut Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        client_id: &str,
        sends: &[Send],
    ) {
        for send in sends {
            let Some(chosen) = self.choose(here, conversation, run, sub, send) else { continue };
            for text in self.texts_of(send) {
                self.send_one(here, conversation, run, sub, client_id, &chosen, &send.program, text);
            }
        }
    }

    /// The texts that one wanted text becomes.
    fn texts_of(&self, send: &Send) -> Vec<String> {
        match send.cut {
            Cut::Whole => vec![send.text.clone()],
            Cut::Separate => separate(&send.text),
        }
    }

    /// The source address of a text (TXS-22); `None`, and a record of why, where there is none.
    pub(super) fn choose(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        send: &Send,
    ) -> Option<Chosen> {
        match self.find_source(here, conversation, run, sub, send) {
            Ok(chosen) => Some(chosen),
            Err(why) => {
                let told = told(conversation, run, sub);
                let status = why.name().to_owned();
                self.note(Note::Sent { end: status.clone() });
                self.record(here, told, Said::Filtered { text: send.text.clone(), status });
                None
            }
        }
    }

    /// The source address of a text, or why there is none.
    pub(super) fn find_source(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        send: &Send,
    ) -> Result<Chosen, NoSource> {
        let uses = {
            let (device, _) = self.memory.device(&conversation.device, here.rows, &mut self.wants.notes);
            device.uses.clone()
        };
        let wish = Wish {
            program: &send.program,
            account: sub.account,
            enterprise: self.rules.accounts.get(&sub.account).map_or(0, |account| account.enterprise),
            sub_campaign: sub.id,
            device: &conversation.device,
            carrier: here.port.carrier(&conversation.device, here.now),
            stays_on: (!conversation.source.is_empty()).then_some(&conversation.source),
            uses: &uses,
            test: self.is_test(&conversation.device),
            now: here.now.wall,
            window: self.rules.limits.last_use,
            // The word of a device is answered from where it came, whatever programs are approved there.
            owed: matches!(run.purpose, Purpose::OptOutConfirmation | Purpose::Help | Purpose::OptIn),
        };
        self.rules.choose(&wish)
    }

    #[expect(clippy::too_many_arguments, reason = "a text, from whom, to whom and for what")]
    fn send_one(
        &mut self,
        here: &mut Here<'_>,
        conversation: &mut Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        client_id: &str,
        chosen: &Chosen,
        program: &str,
        text: String,
    ) {
        let from = ConversationId::of(&conversation.device, &chosen.source);
        let scope = Scope {
            purpose: run.purpose,
            conversation: from,
            group: run.id.0,
            enterprise: self.rules.accounts.get(&sub.account).map_or(0, |account| account.enterprise),
            account: sub.account,
            campaign: sub.campaign,
            sub_campaign: sub.id,
            address: chosen.id,
            program: program.into(),
            client_id: client_id.into(),
            test: self.is_test(&conversation.device),
        };
        let (source, destination) = (chosen.source.clone(), conversation.device.clone());
        let own = OwnText { source, destination, text: text.clone(), scope };
        let message = match here.port.send(here.now, own) {
            Ok(message) => message,
            Err(refused) => {
                self.note(Note::Sent { end: refused.reason.to_owned() });
                let told = told(conversation, run, sub);
                self.record(here, told, Said::Filtered { text, status: refused.reason.to_owned() });
                return;
            }
        };
        self.note(Note::Sent { end: "queued".to_owned() });
        let told = Told { message: Some(message), source: &chosen.source, ..told(conversation, run, sub) };
        let said = Said::Message {
            side: Side::Mt,
            text: text.clone(),
            group: Some(run.id),
            why: Vec::new(),
            flag: None,
        };
        self.record(here, told, said);
        self.used(here, conversation, sub, chosen);
        let (side, at) = (Side::Mt, here.now.wall);
        let past = Past { id: message, side, at, text, sub_campaign: sub.id, keyword: None };
        let limits = self.rules.limits;
        if from == conversation.id() {
            conversation.remember(past, limits.history, limits.history_text);
            return;
        }
        // Another address: whatever the device answers there is of the same sub-campaign (D5).
        let mut there = self.take(here, &conversation.device, &chosen.source);
        if there.owner != Some(sub.id) || there.history.is_empty() {
            there.begin(sub.id, conversation.version);
            there.variables.clone_from(&conversation.variables);
            there.position.clone_from(&conversation.position);
            there.expected.clone_from(&conversation.expected);
        }
        there.remember(past, limits.history, limits.history_text);
        self.put(here, from, there);
    }

    /// Notes that a source address wrote to the device (SRC-11).
    fn used(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        sub: &SubCampaignRule,
        chosen: &Chosen,
    ) {
        let limits = self.rules.limits;
        let since = here.now.wall.before(limits.last_use);
        let (device, changed) = self.memory.device(&conversation.device, here.rows, &mut self.wants.notes);
        let at = here.now.wall;
        device.used(Use { address: chosen.id, account: sub.account, at }, since, limits.uses);
        *changed = true;
    }
}

fn told<'a>(conversation: &'a Conversation, run: &Run, sub: &SubCampaignRule) -> Told<'a> {
    Told {
        account: sub.account,
        sub_campaign: sub.id,
        device: &conversation.device,
        source: &conversation.source,
        message: run.message.as_ref().map(|message| message.id),
    }
}

/// An address that nothing is known of yet: the source of a conversation whose first text is not sent.
#[must_use]
pub(super) fn nowhere() -> Address {
    Address::default()
}
