//! Texts that a run wants: the source address for each, and the way into the exchange.

use signalbox_core::address::Address;
use signalbox_core::scope::{ConversationId, Purpose};
use signalbox_invocation::{Cut, Send};

use super::{Dialog, Here, Told};
use crate::conversation::{Conversation, Offered};
use crate::cut::separate;
use crate::device::{Device, Use};
use crate::event::{Note, Said};
use crate::rules::{SubCampaignRule, WhenBusy};
use crate::run::Run;
use crate::source::{Chosen, NoSource, Wish};
use signalbox_core::scope::ContactFacts;

impl Dialog {
    /// Sends the texts of a run in their order: one attempt group (MT-03, API-08). They go from the conversation's
    /// address where their program may, else from another that the pool has: then the conversation goes on there.
    pub(super) fn send_all(
        &mut self,
        here: &mut Here<'_>,
        conversation: &mut Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        (client_id, facts): (&str, &ContactFacts),
        sends: &[Send],
    ) {
        for send in sends {
            let chosen = match self.choose(here, conversation, run, sub, send) {
                Ok(chosen) => chosen,
                Err(why) => {
                    self.filter(here, conversation, run, sub, send, why);
                    continue;
                }
            };
            for text in self.texts_of(send) {
                let text = Offered {
                    run: run.id,
                    purpose: run.purpose,
                    sub_campaign: sub.id,
                    answers: run.message.as_ref().map(|message| message.id),
                    client_id: client_id.to_owned(),
                    facts: facts.clone(),
                    address: chosen.id,
                    source: chosen.source.clone(),
                    program: send.program.clone(),
                    text,
                    until: here.now.wall.after(self.rules.limits.patience),
                    test: run.test,
                };
                self.offer(here, conversation, text);
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

    /// The source address of a text (TXS-22). A first message leaves addresses alone on which the device's answer to
    /// another sub-campaign is waited for, so that each answer is clear (MQ-28).
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn choose(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        send: &Send,
    ) -> Result<Chosen, NoSource> {
        // Lent for the choice, not copied: there is one for each text.
        let (device, _) = self.memory.device(&conversation.device, here.rows, &mut self.wants.notes);
        let known = std::mem::take(device);
        let chosen = self.choose_among(here, conversation, run, sub, send, &known);
        let (device, _) = self.memory.device(&conversation.device, here.rows, &mut self.wants.notes);
        *device = known;
        chosen
    }

    fn choose_among(
        &self,
        here: &Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        send: &Send,
        known: &Device,
    ) -> Result<Chosen, NoSource> {
        let uses = known.uses_for(run.test);
        let busy = match conversation.source.is_empty() {
            true => self.busy(here, &conversation.device, sub.id, known.uses.iter().chain(&known.tests)),
            false => Vec::new(),
        };
        let wish = Wish {
            program: &send.program,
            account: sub.account,
            enterprise: self.rules.accounts.get(&sub.account).map_or(0, |account| account.enterprise),
            sub_campaign: sub.id,
            device: &conversation.device,
            carrier: here.port.carrier(&conversation.device, here.now),
            stays_on: (!conversation.source.is_empty()).then_some(&conversation.source),
            stays_at: conversation.address,
            uses: &uses,
            busy: &busy,
            test: run.test,
            now: here.now.wall,
            window: self.rules.limits.last_use,
            // The word of a device is answered from where it came, whatever programs are approved there.
            owed: matches!(run.purpose, Purpose::OptOutConfirmation | Purpose::Help | Purpose::OptIn),
        };
        let free = self.rules.choose(&wish);
        if free.is_ok() || busy.is_empty() {
            return free;
        }
        let any = self.rules.choose(&Wish { busy: &[], ..wish })?;
        match sub.when_busy {
            WhenBusy::Share => Ok(any),
            WhenBusy::Wait | WhenBusy::Expire => Err(NoSource::BUSY),
        }
    }

    /// The addresses on which the device's answer to another sub-campaign is waited for. Only those that wrote to it
    /// can be.
    fn busy<'u>(
        &self,
        here: &Here<'_>,
        device: &Address,
        sub_campaign: u32,
        uses: impl IntoIterator<Item = &'u Use>,
    ) -> Vec<u32> {
        let mut busy = Vec::new();
        for used in uses {
            if busy.contains(&used.address) {
                continue;
            }
            let Some(source) = self.rules.address(used.address).map(|rule| &rule.address) else { continue };
            let id = ConversationId::of(device, source);
            let taken = |other: &Conversation| other.is_taken_from(sub_campaign, here.now.wall);
            if self.memory.peek(id, here.rows, taken).unwrap_or(false) {
                busy.push(used.address);
            }
        }
        busy
    }

    /// Tells that a text is not attempted, and why (REP-02).
    pub(super) fn filter(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        sub: &SubCampaignRule,
        send: &Send,
        why: NoSource,
    ) {
        let status = why.name().to_owned();
        self.note(Note::Sent { end: status.clone(), test: run.test });
        self.attempts.withhold(run.id, &status);
        let told = Told {
            account: sub.account,
            sub_campaign: sub.id,
            device: &conversation.device,
            source: &conversation.source,
            message: run.message.as_ref().map(|message| message.id),
            test: run.test,
        };
        self.record(here, told, Said::Filtered { text: send.text.clone(), status });
    }

    /// Notes that a source address wrote to the device (SRC-11).
    pub(super) fn used(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        sub: &SubCampaignRule,
        chosen: &Chosen,
        test: bool,
    ) {
        let limits = self.rules.limits;
        let since = here.now.wall.before(limits.last_use);
        let (device, changed) = self.memory.device(&conversation.device, here.rows, &mut self.wants.notes);
        let at = here.now.wall;
        let used = Use { address: chosen.id, account: sub.account, at };
        device.used(used, test, since, limits.uses);
        *changed = true;
    }
}

/// An address that nothing is known of yet: the source of a conversation whose first text is not sent.
#[must_use]
pub(super) fn nowhere() -> Address {
    Address::default()
}
