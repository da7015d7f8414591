//! What stands in for instructions that failed, or have nothing to say.

use signalbox_core::scope::{ConversationId, Purpose};

use super::{Dialog, Here};
use crate::conversation::Conversation;
use crate::event::Note;
use crate::rules::SubCampaignRule;
use crate::run::{Run, What};

impl Dialog {
    /// The instructions say nothing to who opts in again: that is no failure, and the fixed text does (TXS-16).
    pub(super) fn opt_in_unsaid(
        &mut self,
        here: &mut Here<'_>,
        id: ConversationId,
        conversation: &mut Conversation,
        run: &Run,
    ) {
        self.note(Note::Ran { end: "ok", waited: None, test: run.test });
        let sub = self.rules.sub_campaigns.get(&run.sub_campaign).cloned();
        let Some(text) = sub.and_then(|sub| self.stand_in(conversation, &sub, run)) else {
            return self.next(here, id, conversation);
        };
        let what = What::Text { text };
        let mut answer = self.new_run(here, id.shard, run.sub_campaign, what, run.purpose, run.test);
        answer.message.clone_from(&run.message);
        self.begin_run(here, id, conversation, answer);
    }

    /// The fixed text of the sub-campaign; to words that are owed an answer, else that of the address where it is of the
    /// same account.
    pub(super) fn stand_in(
        &self,
        conversation: &Conversation,
        sub: &SubCampaignRule,
        run: &Run,
    ) -> Option<String> {
        failure_text(sub, run).or_else(|| match run.purpose {
            Purpose::OptOutConfirmation | Purpose::Help | Purpose::OptIn => {
                failure_text(&*self.default_texts(Some(conversation.address), sub)?, run)
            }
            Purpose::Answer | Purpose::Begin | Purpose::Agent => None,
        })
    }
}

/// The text of a sub-campaign that stands in for instructions which failed.
fn failure_text(sub: &SubCampaignRule, run: &Run) -> Option<String> {
    match run.purpose {
        // Who opted out gets the confirmation, and who asked for help gets help, whatever the script did.
        Purpose::OptOutConfirmation => sub.texts.opt_out.clone(),
        Purpose::Help => sub.texts.help.clone(),
        Purpose::OptIn => sub.texts.opt_in.clone(),
        Purpose::Answer if !run.timed_out => sub.texts.failure.clone(),
        Purpose::Answer | Purpose::Begin | Purpose::Agent => None,
    }
}
