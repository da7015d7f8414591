//! Takes back first messages that have not left: those whose instructions still run, texts that the exchange has no room
//! for, and those that wait there for a link, for their time, or for the end of quiet hours.

use rustc_hash::FxHashSet;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::MessageId;
use signalbox_core::scope::{Purpose, Scope};

use super::send::nowhere;
use super::start::Starting;
use super::{Dialog, Here, Told};
use crate::attempt::TAKEN_BACK;
use crate::event::{Effect, Said, TakeBack, TakenBack};
use crate::run::RunId;

/// First messages that one turn takes back: each is an end with its CDR in the turn's commit.
const MOST: usize = 1_000;

/// Which ones.
struct Those {
    of: TakeBack,
    /// The open runs of a pass.
    runs: FxHashSet<RunId>,
}

impl Those {
    fn have(&self, run: RunId, sub_campaign: u32) -> bool {
        match self.of {
            TakeBack::Pass(_) => self.runs.contains(&run),
            TakeBack::SubCampaign(id) => sub_campaign == id,
        }
    }
}

impl Dialog {
    /// Takes back what has not left. What a link has goes on to its end, and so do conversations that answers are
    /// part of.
    pub(super) fn take_back(&mut self, here: &mut Here<'_>, reply: ReplyTo, of: TakeBack) {
        let runs = match of {
            TakeBack::Pass(pass) => self.attempts.open_of(pass),
            TakeBack::SubCampaign(_) => FxHashSet::default(),
        };
        let those = Those { of, runs };
        let mut contacts: FxHashSet<MessageId> = FxHashSet::default();
        let began = self.take_back_runs(here, &those, &mut contacts);
        let held = self.take_back_held(here, &those, MOST - began, &mut contacts);
        let most = MOST - began - held;
        let wanted = |scope: &Scope| those.have(RunId(scope.group), scope.sub_campaign);
        let queued = here.port.take_back(here.now, most, &wanted);
        let texts = held + queued.len();
        contacts.extend(&queued);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let taken =
            TakenBack { contacts: count(contacts.len()), texts: count(texts), more: began + texts >= MOST };
        self.wants.effects.push(Effect::TakenBack { to: reply, taken });
        // Runs that waited for those have room now.
        self.next_queued(here);
    }

    /// Ends first messages whose run is under way; what it comes to is nobody's any more.
    fn take_back_runs(
        &mut self,
        here: &mut Here<'_>,
        those: &Those,
        contacts: &mut FxHashSet<MessageId>,
    ) -> usize {
        let wanted = |starting: &Starting| those.have(starting.run.id, starting.run.sub_campaign);
        let mut runs = self.starts.those(wanted);
        runs.truncate(MOST);
        for run in &runs {
            let Some(starting) = self.starts.remove(*run) else { continue };
            self.under_way.remove(run);
            contacts.insert(run.0);
            self.attempts.withhold(*run, TAKEN_BACK);
            if starting.of.is_none() {
                // Of a pass the end of the attempt says it.
                let told = Told {
                    account: self.account_of(starting.run.sub_campaign),
                    sub_campaign: starting.run.sub_campaign,
                    device: &starting.device,
                    source: &nowhere(),
                    message: Some(run.0),
                    test: starting.run.test,
                };
                let said = Said::Filtered { text: String::new(), status: TAKEN_BACK.to_owned() };
                self.record(here, told, said);
            }
            self.start_over(here, *run);
        }
        runs.len()
    }

    /// Ends texts that the exchange has not taken yet.
    fn take_back_held(
        &mut self,
        here: &mut Here<'_>,
        those: &Those,
        most: usize,
        contacts: &mut FxHashSet<MessageId>,
    ) -> usize {
        let mut taken = 0;
        for id in self.memory.with_held() {
            let Some(mut conversation) = self.take_known(here, id) else { continue };
            for text in std::mem::take(&mut conversation.held) {
                let is_first = text.purpose == Purpose::Begin && those.have(text.run, text.sub_campaign);
                if is_first && taken < most {
                    taken += 1;
                    contacts.insert(text.run.0);
                    self.not_taken(here, &mut conversation, &text, TAKEN_BACK);
                } else {
                    conversation.held.push_back(text);
                }
            }
            if conversation.held.is_empty() {
                conversation.offers = None;
            }
            conversation.go_back();
            self.put(here, id, conversation);
        }
        taken
    }
}
