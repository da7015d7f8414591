//! Runs: scripts in their worker processes, flows and fixed texts here.

use std::sync::Arc;

use signalbox_dialog::{Event, Ran, Task, What};
use signalbox_invocation::{Cost, Cut, Failure, Invocation, Limits, Outcome, Send};
use signalbox_script::Pool;
use tokio::sync::mpsc;

use super::Parts;
use super::contacts::Contacts;
use crate::control::Control;
use crate::dialog::Source;

pub(super) struct Runner {
    control: Arc<Control>,
    contacts: Contacts,
    pool: Arc<Pool>,
    ends: mpsc::Sender<Event>,
}

impl Runner {
    pub(super) fn new(parts: &Parts, ends: mpsc::Sender<Event>) -> Self {
        Self {
            control: parts.control.clone(),
            contacts: Contacts::new(parts.people.clone(), parts.clock.clone()),
            pool: parts.pool.clone(),
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
            What::Text { .. } => None,
        };
        if needs_contact(&what, source.as_ref()) {
            let account = invocation.version.account;
            let (named, device) = (&invocation.contact, &invocation.device);
            invocation.contact = self.contacts.of(account, named, device).await;
            if let Some(line) = self.contacts.line(account, &invocation.device.address).await {
                invocation.device.line = line;
            }
        }
        let client_id = invocation.contact.client_id.clone();
        let result = match (what, source) {
            (What::Text { text }, _) => Ok(filled(&text, program, &invocation)),
            (What::Instructions { .. }, Some(source)) => {
                self.instructions(&source, invocation, &limits).await
            }
            (What::Instructions { version, .. }, None) => {
                let what = format!("version {} of script {} is not there", version.version, version.script);
                Err(Failure::Invalid(what))
            }
        };
        let result = result.map(|outcome| Box::new(Ran { outcome, client_id }));
        // Closed when the node ends; the run is begun again by the next one.
        let _ = self.ends.send(Event::Ran { whose, run, result }).await;
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
            script.contains("getContact") || script.contains("isWireless") || script.contains("optOut(")
        }
        (What::Instructions { .. }, Some(Source::Flow(_))) => true,
        (What::Instructions { .. }, None) => false,
    }
}

/// A fixed text with its fields filled in.
fn filled(text: &str, program: String, invocation: &Invocation) -> Outcome {
    let text = signalbox_flow::fill(text, invocation);
    let send = Send { program, text, cut: Cut::Whole };
    Outcome { sends: vec![send], cost: Cost { ticks: 1, ..Cost::default() }, ..Outcome::default() }
}
