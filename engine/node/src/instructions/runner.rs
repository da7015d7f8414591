//! Runs: scripts in their worker processes, flows and fixed texts here.

use std::sync::Arc;

use jiff::Timestamp;
use signalbox_core::backend::Kind;
use signalbox_core::scope::ContactFacts;
use signalbox_dialog::{Event, Ran, Task, What, Whose};
use signalbox_invocation::{Cost, Cut, Entry, Failure, Invocation, Limits, Outcome, Send, Status};
use signalbox_participation::{Channel, EntryId, RawEntry, Reply};
use signalbox_script::Pool;
use tokio::sync::mpsc;

use super::Parts;
use super::contacts::{Contacts, Known};
use super::entries::Entries;
use crate::control::Control;
use crate::dialog::Source;

pub(super) struct Runner {
    control: Arc<Control>,
    contacts: Contacts,
    pool: Arc<Pool>,
    entries: Arc<Entries>,
    ends: mpsc::Sender<Event>,
}

impl Runner {
    pub(super) fn new(parts: &Parts, ends: mpsc::Sender<Event>) -> Self {
        Self {
            control: parts.control.clone(),
            contacts: Contacts::new(parts.people.clone(), parts.clock.clone()),
            pool: parts.pool.clone(),
            entries: parts.entries.clone(),
            ends,
        }
    }

    /// Does one run, and tells its end.
    pub(super) async fn run(self: Arc<Self>, task: Task) {
        let Task { whose, run, what, program, mut invocation } = task;
        let compiled = self.control.in_force().dialog.clone();
        compiled.devices.complete(&mut invocation.device);
        let limits = compiled.rules.limits.outcome;
        let source = match &what {
            What::Instructions { version, .. } => compiled.versions.get(*version).cloned(),
            What::Text { .. } | What::Participation { .. } => None,
        };
        let mut facts = ContactFacts::default();
        let account = invocation.version.account;
        // The first text asks the send gate where its contact is, and what its line is.
        let begins = matches!(whose, Whose::Start(_));
        let needed = needs_contact(&what, source.as_ref());
        if needed || begins && invocation.contact.id != 0 {
            let (named, device) = (&invocation.contact, &invocation.device);
            let known = match self.contacts.of(account, named, device).await {
                Some(known) => known,
                // Nobody is written to first before it is known where he is and what he opted out of.
                None if begins => {
                    let result = Err(Failure::Interrupted("its contact cannot be read".to_owned()));
                    // Closed when the node ends, as below.
                    let _ = self.ends.send(Event::Ran { whose, run, result }).await;
                    return;
                }
                // Who wrote is answered all the same.
                None => Known::of_device(named, device),
            };
            (invocation.contact, facts) = (known.contact, known.facts);
            if let Some(line) = known.line {
                invocation.device.line = line;
            }
        }
        let client_id = invocation.contact.client_id.clone();
        let result = match (what, source) {
            (What::Text { text }, _) => Ok(filled(&text, program, &invocation)),
            (What::Participation { campaign, source_address }, _) => {
                match self.entry(campaign, source_address, program, &invocation).await {
                    Some(result) => result,
                    // The node ends; the run is begun again by the next one.
                    None => return,
                }
            }
            (What::Instructions { .. }, Some(source)) => {
                self.instructions(&source, invocation, &limits).await
            }
            (What::Instructions { version, .. }, None) => {
                let what = format!("version {} of script {} is not there", version.version, version.script);
                Err(Failure::Invalid(what))
            }
        };
        let result = result.map(|outcome| Box::new(Ran { outcome, client_id, facts }));
        // Closed when the node ends; the run is begun again by the next one.
        let _ = self.ends.send(Event::Ran { whose, run, result }).await;
    }

    /// Hands a message over to its participation campaign, whose reply is the answer. `None` when the node ends before
    /// there is a verdict.
    async fn entry(
        &self,
        campaign: u32,
        source_address: u32,
        program: String,
        invocation: &Invocation,
    ) -> Option<Result<Outcome, Failure>> {
        let in_force = self.control.in_force();
        let ids = &in_force.snapshot.ids;
        let gone = || Some(Err(Failure::Invalid(format!("the participation {campaign} is not there"))));
        let Some(name) = ids.name(Kind::Participation, campaign) else { return gone() };
        let Some(to) = ids.name(Kind::SourceAddress, source_address) else { return gone() };
        let Some(message) = &invocation.attempt else { return gone() };
        let Ok(received_at) = Timestamp::from_microsecond(message.at) else { return gone() };
        let entry = RawEntry {
            // A run that is begun again is the same entry.
            id: EntryId(invocation.id.0),
            channel: Channel::Sms,
            from: invocation.device.address.clone(),
            to: to.to_owned(),
            text: message.text.clone(),
            carrier: invocation.device.carrier.clone(),
            received_at,
            smsc_at: None,
        };
        let verdict = self.entries.enter(name, entry).await?;
        let sends = match verdict.reply {
            Reply::Text(text) => vec![Send { program, text, cut: Cut::Whole }],
            Reply::None(_) => Vec::new(),
        };
        Some(Ok(Outcome { sends, cost: Cost { ticks: 1, ..Cost::default() }, ..Outcome::default() }))
    }

    async fn instructions(
        &self,
        source: &Source,
        invocation: Invocation,
        limits: &Limits,
    ) -> Result<Outcome, Failure> {
        match source {
            Source::Flow(flow) => signalbox_flow::run(flow, &invocation, limits),
            Source::JavaScript(script) => {
                let version = invocation.version;
                if !self.pool.is_loaded(version) {
                    let loaded = self.pool.load(version, script.clone());
                    loaded.map_err(|error| Failure::Invalid(error.to_string()))?;
                }
                self.pool.run(invocation).await
            }
        }
    }
}

/// Whether it is worth while to look a contact up: most answers do without.
fn needs_contact(what: &What, source: Option<&Source>) -> bool {
    match (what, source) {
        (What::Text { text }, _) => text.contains('{'),
        (What::Instructions { .. }, Some(Source::JavaScript(script))) => {
            script.contains("getContact(") || script.contains("isWireless") || script.contains("optOut(")
        }
        (What::Instructions { .. }, Some(Source::Flow(_))) => true,
        (What::Instructions { .. }, None) | (What::Participation { .. }, _) => false,
    }
}

/// A fixed text with its fields filled in (OPT-05). A first message to a contact that lacks one of them is filtered
/// (TXS-21); an answer has an empty text in its place, for it is owed.
fn filled(text: &str, program: String, invocation: &Invocation) -> Outcome {
    let signalbox_flow::Filled { text, missing } = signalbox_flow::fill_noting(text, invocation);
    let cost = Cost { ticks: 1, ..Cost::default() };
    let log = missing.iter().map(|name| format!("`{name}` is missing")).collect();
    if invocation.entry == Entry::Begin && !missing.is_empty() {
        let status = Status::BadData(format!("missing: {}", missing.join(", ")));
        return Outcome { status, cost, ..Outcome::default() };
    }
    let sends = vec![Send { program, text, cut: Cut::Whole }];
    Outcome { sends, log, cost, ..Outcome::default() }
}

#[cfg(test)]
mod tests;
