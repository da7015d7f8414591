//! What reports are told of conversations: each episode with its session variables, as often as they change (API-15).

use signalbox_core::scope::Purpose;
use signalbox_invocation::{Outcome, Side};

use super::{Dialog, Here, Told};
use crate::conversation::Conversation;
use crate::event::Said;
use crate::run::Run;

impl Dialog {
    /// Tells of an episode whose instructions have run, where that is news: they are its first words, or something
    /// changed.
    pub(super) fn tell_episode(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        run: &Run,
        client_id: &str,
        outcome: &Outcome,
    ) {
        let keyword = run.message.as_ref().is_some_and(|message| message.keyword.is_some());
        let ours =
            |past: &crate::conversation::Past| past.side == Side::Mt && past.sub_campaign == run.sub_campaign;
        let first = run.purpose == Purpose::Begin || keyword || !conversation.history.iter().any(ours);
        if first || outcome.ended || !outcome.variables.is_empty() {
            self.record_episode(here, conversation, client_id, outcome.ended);
        }
    }

    /// Tells that an episode of instructions is over: nothing came in time, or another takes its place.
    pub(super) fn episode_over(&mut self, here: &mut Here<'_>, conversation: &Conversation) {
        if conversation.version.is_some() {
            self.record_episode(here, conversation, "", true);
        }
    }

    fn record_episode(
        &mut self,
        here: &mut Here<'_>,
        conversation: &Conversation,
        client_id: &str,
        ended: bool,
    ) {
        let (Some(owner), Some(version)) = (conversation.owner, conversation.version) else { return };
        let told = Told {
            account: self.account_of(owner),
            sub_campaign: owner,
            device: &conversation.device,
            source: &conversation.source,
            message: None,
            test: conversation.test,
        };
        let said = Said::Episode {
            conversation: conversation.id(),
            number: conversation.episode,
            version,
            client_id: client_id.to_owned(),
            variables: conversation.variables.clone(),
            ended,
        };
        self.record(here, told, said);
    }
}
