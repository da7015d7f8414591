//! The way of a text into the exchange and its end there. One that the exchange has no room for is offered again until it
//! has, in its order and within its time.

use signalbox_core::exchange::OwnText;
use signalbox_core::id::MessageId;
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::scope::{ConversationId, Scope};
use signalbox_invocation::Side;

use super::{Dialog, Here, Told};
use crate::conversation::{Conversation, Offered, Past};
use crate::event::{Note, Said};
use crate::rules::SubCampaignRule;
use crate::source::Chosen;

/// Texts that one conversation has waiting at most.
const MOST: usize = 64;

impl Dialog {
    /// Hands a text to the exchange, or keeps it to be offered again. What waits goes first.
    pub(super) fn offer(&mut self, here: &mut Here<'_>, conversation: &mut Conversation, text: Offered) {
        self.attempts.opened(text.run);
        if conversation.held.is_empty() {
            match self.hand_over(here, conversation, &text) {
                Ok(()) => return,
                Err(refused) if refused.temporary => {}
                Err(refused) => return self.not_taken(here, conversation, &text, refused.reason),
            }
        }
        if conversation.held.len() >= MOST {
            self.note(Note::Limit { what: "texts_that_wait_for_room" });
            return self.not_taken(here, conversation, &text, "queue_full");
        }
        self.note(Note::Sent { end: "held".to_owned(), test: text.test });
        conversation.held.push_back(text);
        conversation.offers.get_or_insert(here.now.wall.after(self.rules.limits.offers));
    }

    /// Offers what waits again, when it is time.
    pub(super) fn offer_again(&mut self, here: &mut Here<'_>, conversation: &mut Conversation) {
        if conversation.offers.is_none_or(|at| at > here.now.wall) {
            return;
        }
        conversation.offers = None;
        while let Some(text) = conversation.held.pop_front() {
            match self.hand_over(here, conversation, &text) {
                Ok(()) => {}
                Err(refused) if refused.temporary && here.now.wall < text.until => {
                    conversation.held.push_front(text);
                    conversation.offers = Some(here.now.wall.after(self.rules.limits.offers));
                    return;
                }
                Err(refused) => {
                    self.not_taken(here, conversation, &text, refused.reason);
                    conversation.go_back();
                }
            }
        }
    }

    /// The exchange does not take a text: it is filtered, with the reason (REP-02).
    pub(super) fn not_taken(
        &mut self,
        here: &mut Here<'_>,
        conversation: &mut Conversation,
        text: &Offered,
        reason: &str,
    ) {
        self.note(Note::Sent { end: reason.to_owned(), test: text.test });
        let told = Told {
            account: self.account_of(text.sub_campaign),
            sub_campaign: text.sub_campaign,
            device: &conversation.device,
            source: &text.source,
            message: text.answers,
            test: text.test,
        };
        self.record(here, told, Said::Filtered { text: text.text.clone(), status: reason.to_owned() });
        self.group_gives_up(here, text.run, reason);
    }

    fn hand_over(
        &mut self,
        here: &mut Here<'_>,
        conversation: &mut Conversation,
        text: &Offered,
    ) -> Result<(), crate::port::NotTaken> {
        let gone = crate::port::NotTaken { reason: "sub_campaign_gone", temporary: false };
        let sub = self.rules.sub_campaigns.get(&text.sub_campaign).cloned().ok_or(gone)?;
        let from = ConversationId::of(&conversation.device, &text.source);
        let scope = Scope {
            purpose: text.purpose,
            conversation: from,
            group: text.run.0,
            enterprise: self.rules.accounts.get(&sub.account).map_or(0, |account| account.enterprise),
            account: sub.account,
            campaign: sub.campaign,
            sub_campaign: sub.id,
            address: text.address,
            program: text.program.as_str().into(),
            client_id: text.client_id.as_str().into(),
            test: text.test,
            facts: text.facts.clone(),
        };
        let (source, destination) = (text.source.clone(), conversation.device.clone());
        let own = OwnText { source, destination, text: text.text.clone(), scope };
        let message = here.port.send(here.now, own)?;
        self.sent(here, conversation, text, &sub, message);
        Ok(())
    }

    /// The exchange has a text: it is part of the conversation from now on.
    fn sent(
        &mut self,
        here: &mut Here<'_>,
        conversation: &mut Conversation,
        text: &Offered,
        sub: &SubCampaignRule,
        message: MessageId,
    ) {
        self.note(Note::Sent { end: "queued".to_owned(), test: text.test });
        let told = Told {
            account: sub.account,
            sub_campaign: sub.id,
            device: &conversation.device,
            source: &text.source,
            message: Some(message),
            test: text.test,
        };
        let said = Said::Message {
            side: Side::Mt,
            text: text.text.clone(),
            group: Some(text.run),
            why: Vec::new(),
            flag: None,
        };
        self.record(here, told, said);
        let chosen = Chosen { id: text.address, source: text.source.clone(), reason: "" };
        self.used(here, conversation, sub, &chosen, text.test);
        let (side, at) = (Side::Mt, here.now.wall);
        let words = text.text.clone();
        let past = Past { id: message, side, at, text: words, sub_campaign: sub.id, keyword: None };
        let limits = self.rules.limits;
        let from = ConversationId::of(&conversation.device, &text.source);
        if from == conversation.id() {
            conversation.address = text.address;
            conversation.handed_over(text.run, message);
            return conversation.remember(past, limits.history, limits.history_text);
        }
        // Another address: whatever the device answers there is of the same sub-campaign (D5).
        let mut there = self.take(here, &conversation.device, &text.source);
        if there.owner != Some(sub.id) || there.history.is_empty() {
            let before = there.standing(text.run);
            there.begin(sub.id, conversation.version, text.test);
            there.before = Some(before);
            there.pass = conversation.pass;
            there.variables.clone_from(&conversation.variables);
            there.position.clone_from(&conversation.position);
            there.expected.clone_from(&conversation.expected);
        }
        there.address = text.address;
        there.handed_over(text.run, message);
        there.remember(past, limits.history, limits.history_text);
        self.put(here, from, there);
    }

    /// A text came to an end in the exchange. What failed is no part of the conversation (API-12).
    pub(super) fn text_ended(
        &mut self,
        here: &mut Here<'_>,
        id: ConversationId,
        message: MessageId,
        outcome: FinalState,
        reason: Reason,
    ) {
        let Some(mut conversation) = self.take_known(here, id) else { return };
        let sub_campaign = conversation
            .history
            .iter()
            .find(|past| past.id == message)
            .map_or(conversation.owner.unwrap_or_default(), |past| past.sub_campaign);
        let told = Told {
            account: self.account_of(sub_campaign),
            sub_campaign,
            device: &conversation.device,
            source: &conversation.source,
            message: Some(message),
            test: conversation.test,
        };
        let ended = Said::Ended { outcome: outcome.name().to_owned(), reason: reason.name().to_owned() };
        self.record(here, told, ended);
        if outcome.is_success() {
            // The usual end changes nothing of the conversation: no row is written for it.
            return self.memory.put_unchanged(here.now.mono, id, conversation);
        }
        conversation.history.retain(|past| past.id != message);
        if let Some(before) = &mut conversation.before {
            before.texts.retain(|text| *text != message);
        }
        // Who never reached the device does not own what it writes (D5).
        conversation.go_back();
        self.put(here, id, conversation);
    }
}
