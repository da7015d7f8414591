//! What the node knows of those who take part: who opted out of the account's messages, and who said that they are
//! welcome.

use std::sync::{Arc, OnceLock, Weak};

use rustc_hash::FxHashMap;
use signalbox_backends::participation::{FactsError, Participants};
use signalbox_core::consent::Who;
use signalbox_core::exchange::{Command, CommandReply};
use signalbox_core::id::AccountId;
use signalbox_participation::{Facts, Participant, Rules};
use signalbox_people::{Action, Channels, People, Scope};
use signalbox_text::E164;
use tokio::runtime::Handle;

use crate::control::Control;
use crate::gateway::Gateway;

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
}

/// See the [module](self).
#[derive(Clone, Default)]
pub(super) struct Known(Arc<OnceLock<Way>>);

impl Known {
    pub(super) fn attach(&self, way: Way) {
        // Attached once, at the start.
        let _ = self.0.set(way);
    }
}

impl Participants for Known {
    fn facts(&self, rules: &Rules, participants: &[Participant]) -> Result<Vec<Facts>, FactsError> {
        if !rules.asks_consent() {
            return Ok(vec![Facts::default(); participants.len()]);
        }
        let way = self.0.get().ok_or_else(|| FactsError("the node is about to start".to_owned()))?;
        // On a thread that may wait: judging blocks on the disk.
        way.runtime.block_on(way.facts(rules, participants))
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
        let who: Vec<(&str, Who)> =
            participants.iter().filter_map(|one| Some((one.as_str(), who(one)?))).collect();
        let asked = who.iter().map(|(_, who)| who.clone()).collect();
        let reply = self.gateway.command(Command::OptedOut { account, who: asked }).await;
        let Ok(CommandReply::OptedOut(out)) = reply else {
            return Err(FactsError("the exchange does not say who opted out".to_owned()));
        };
        for ((name, _), barred) in who.iter().zip(out) {
            known.insert(name, Facts { barred, ..Facts::default() });
        }
        if rules.asks_opt_in() {
            for (name, facts) in &mut known {
                facts.opted_in = self.opted_in(account, name).await?;
            }
        }
        Ok(participants.iter().map(|one| known.get(one.as_str()).cloned().unwrap_or_default()).collect())
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

/// Who a participant is for the exchange; of other addresses it knows nothing.
fn who(participant: &Participant) -> Option<Who> {
    let name = participant.as_str();
    if name.contains('@') {
        return Some(Who::Email(name.into()));
    }
    E164::from_digits(name.as_bytes()).ok().map(Who::Number)
}
