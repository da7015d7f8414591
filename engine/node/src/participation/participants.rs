//! What the node knows of those who take part: who opted out of the account's messages, and who said that they are
//! welcome.

use std::sync::{Arc, OnceLock, Weak};

use rustc_hash::FxHashMap;
use signalbox_backends::participation::{FactsError, Participants};
use signalbox_core::address::{Address, ton};
use signalbox_core::backend::{Clock, Kind};
use signalbox_core::consent::Who;
use signalbox_core::exchange::{Command, CommandReply};
use signalbox_core::id::AccountId;
use signalbox_participation::{Facts, Participant, Rules};
use signalbox_people::{Action, Channels, People, Scope};
use signalbox_text::E164;
use tokio::runtime::Handle;

use crate::control::Control;
use crate::dialog::sub_campaign_of;
use crate::gateway::Gateway;
use crate::intake::Source;

/// Lines of the ledger that are looked at for the last one about text messages.
const LINES: usize = 20;

/// Where it is asked.
pub struct Way {
    /// The catalog.
    pub control: Weak<Control>,
    /// The exchange, which knows who opted out.
    pub gateway: Gateway,
    /// The ledger of consent.
    pub people: Arc<People>,
    /// Where questions run.
    pub runtime: Handle,
    /// Another host whose entries are judged here: who opted out there is barred as well.
    pub source: Option<Arc<Source>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// See the [module](self).
#[derive(Clone, Default)]
pub(super) struct Known(Arc<OnceLock<Way>>);

impl Known {
    /// Who of them opted out of an account's messages on this node.
    pub(super) async fn barred(
        &self,
        account: &str,
        participants: &[Participant],
    ) -> Result<Vec<bool>, FactsError> {
        let way = self.0.get().ok_or_else(|| FactsError("the node is about to start".to_owned()))?;
        way.barred(account, participants).await
    }

    pub(super) fn attach(&self, way: Way) {
        // Attached once, at the start.
        let _ = self.0.set(way);
    }
}

impl Participants for Known {
    fn facts(&self, rules: &Rules, participants: &[Participant]) -> Result<Vec<Facts>, FactsError> {
        let way = self.0.get();
        let mut facts = if rules.asks_consent() {
            let way = way.ok_or_else(|| FactsError("the node is about to start".to_owned()))?;
            // On a thread that may wait: judging blocks on the disk.
            way.runtime.block_on(way.facts(rules, participants))?
        } else {
            vec![Facts::default(); participants.len()]
        };
        if let Some(way) = way {
            way.mark_testers(rules, participants, &mut facts);
        }
        Ok(facts)
    }
}

impl Way {
    async fn facts(&self, rules: &Rules, participants: &[Participant]) -> Result<Vec<Facts>, FactsError> {
        let control =
            self.control.upgrade().ok_or_else(|| FactsError("the node is about to stop".to_owned()))?;
        let account = control.in_force().snapshot.ids.account(&rules.account);
        let account =
            account.ok_or_else(|| FactsError(format!("there is no account `{}`", rules.account)))?;
        let mut known: FxHashMap<&str, Facts> = FxHashMap::default();
        let barred = self.barred(&rules.account, participants).await?;
        let there = match &self.source {
            Some(source) => source.barred(&rules.account, participants).await.map_err(told)?,
            None => vec![false; barred.len()],
        };
        for (one, (here, there)) in participants.iter().zip(barred.into_iter().zip(there)) {
            known.insert(one.as_str(), Facts { barred: here || there, ..Facts::default() });
        }
        if rules.asks_opt_in() {
            for one in participants.iter().filter(|one| who(one).is_some()) {
                let opted_in = self.opted_in(account, one.as_str()).await?;
                known.entry(one.as_str()).or_default().opted_in = opted_in;
            }
        }
        Ok(participants.iter().map(|one| known.get(one.as_str()).cloned().unwrap_or_default()).collect())
    }

    /// Who of them opted out of an account's messages, in their order.
    async fn barred(&self, account: &str, participants: &[Participant]) -> Result<Vec<bool>, FactsError> {
        let control =
            self.control.upgrade().ok_or_else(|| FactsError("the node is about to stop".to_owned()))?;
        let id = control.in_force().snapshot.ids.account(account);
        let account = id.ok_or_else(|| FactsError(format!("there is no account `{account}`")))?;
        let who: Vec<(&str, Who)> =
            participants.iter().filter_map(|one| Some((one.as_str(), who(one)?))).collect();
        let asked = who.iter().map(|(_, who)| who.clone()).collect();
        let reply = self.gateway.command(Command::OptedOut { account, who: asked }).await;
        let Ok(CommandReply::OptedOut(out)) = reply else {
            return Err(FactsError("the exchange does not say who opted out".to_owned()));
        };
        let barred: FxHashMap<&str, bool> = who.iter().map(|(name, _)| *name).zip(out).collect();
        Ok(participants.iter().map(|one| barred.get(one.as_str()).copied().unwrap_or_default()).collect())
    }

    /// Says who tests the campaign.
    fn mark_testers(&self, rules: &Rules, participants: &[Participant], facts: &mut [Facts]) {
        let Some(control) = self.control.upgrade() else { return };
        let in_force = control.in_force();
        let (ids, dialog) = (&in_force.snapshot.ids, &in_force.dialog.rules);
        let Some(account) = ids.account(&rules.account) else { return };
        let sub = ids.of(Kind::Participation, &rules.name).map(sub_campaign_of);
        let sub = sub.and_then(|sub| dialog.sub_campaigns.get(&sub));
        let program = sub.map_or("", |sub| sub.program.as_str());
        let now = self.clock.now().wall;
        for (one, facts) in participants.iter().zip(facts) {
            let Ok(device) = Address::new(ton::INTERNATIONAL, 1, one.as_str().as_bytes()) else { continue };
            facts.tester = dialog.testers.has(device.key(), account.0, program, now);
        }
    }

    /// Whether the last that was said of text messages is that they are welcome.
    async fn opted_in(&self, account: AccountId, name: &str) -> Result<bool, FactsError> {
        let subject = if name.contains('@') { name.to_owned() } else { format!("+{name}") };
        let lines = self.people.consents(&Scope::All, account, &subject, None, LINES).await;
        let lines = lines.map_err(|error| FactsError(error.to_string()))?;
        let last = lines.into_iter().find(|line| line.said.channels.meets(Channels::TEXT));
        Ok(last.is_some_and(|line| line.said.action == Action::OptIn))
    }
}

fn told(error: impl std::error::Error) -> FactsError {
    FactsError(crate::links::describe(&error))
}

/// Who a participant is for the exchange; of other addresses it knows nothing.
fn who(participant: &Participant) -> Option<Who> {
    let name = participant.as_str();
    if name.contains('@') {
        return Some(Who::Email(name.into()));
    }
    E164::from_digits(name.as_bytes()).ok().map(Who::Number)
}
