//! The dialog server's surroundings: what the catalog says to it, who runs instructions and calls web services, and who
//! writes down what happened.
//!
//! The dialog server itself is pure and lives in the exchange's thread (`spine`). Here is what it is told ([`rules`]) and
//! what those read who do what it asks for once a commit stands ([`Versions`], [`Services`], [`Devices`]).

mod addresses;
mod changed;
mod devices;
mod keywords;
mod participations;
mod queues;
mod rules;
mod services;
mod sources;
mod testers;
mod versions;
mod words;

#[cfg(test)]
mod tests;

pub use addresses::policy;
pub use changed::Changed;
pub use devices::Devices;
pub use participations::{participation_of, sub_campaign_of};
pub use rules::rules;
pub use services::{Service, Services};
pub use sources::Pool;
pub use versions::{Source, Versions};

use std::fmt;
use std::sync::Arc;

use signalbox_config::Settings;
use signalbox_core::backend::Kind;
use signalbox_core::policy::Policy;
use signalbox_dialog::Rules;
use signalbox_programs::Book;
use signalbox_routing::portability::PortabilityTable;

use crate::catalog::{Ids, Snapshot};
use crate::policy::{self as exchange, PolicyError};

/// What of a row cannot be carried out. The row, or this part of it, is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Kind of row.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The field.
    pub key: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`, {}: {}", self.kind.name(), self.name, self.key, self.reason)
    }
}

/// Rows that cannot be carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct RowFaults(pub Vec<RowFault>);

impl fmt::Display for RowFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if place == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl RowFaults {
    pub(crate) fn add(
        &mut self,
        kind: Kind,
        name: impl fmt::Display,
        key: &'static str,
        reason: impl fmt::Display,
    ) {
        let (name, reason) = (name.to_string(), reason.to_string());
        self.0.push(RowFault { kind, name, key, reason });
    }

    /// Those that were not there before.
    #[must_use]
    pub fn beyond(&self, before: &Self) -> Self {
        Self(self.0.iter().filter(|fault| !before.0.contains(fault)).cloned().collect())
    }
}

/// One version of the catalog as the dialog server, and who runs instructions for it, ask it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What the dialog server is told.
    pub rules: Arc<Rules>,
    /// Programs and the addresses that they may go out on.
    pub programs: Arc<Book>,
    /// Instructions by their versions.
    pub versions: Arc<Versions>,
    /// Web services that instructions may call.
    pub services: Arc<Services>,
    /// What is known of devices.
    pub devices: Arc<Devices>,
    /// Numbers of the rows that it was made of.
    pub numbers: Ids,
    /// What was left out because of what the rows say.
    pub faults: RowFaults,
    /// What was left out because this machine does not have what the rows name.
    pub missing: RowFaults,
}

impl Compiled {
    /// Compiles the rows. What did not change since `before` is taken over from there: flows are read once, and where it
    /// is known what changed, keywords and programs stay.
    #[must_use]
    pub fn new(
        settings: &Settings,
        snapshot: &Snapshot,
        before: Option<&Self>,
        changed: Option<&Changed<'_>>,
    ) -> Self {
        let (mut faults, mut missing) = (RowFaults::default(), RowFaults::default());
        let kept = changed.filter(|changed| !changed.touches(&changed::OF_PROGRAMS));
        let programs = match kept {
            Some(changed) => changed.compiled.programs.clone(),
            None => Arc::new(crate::programs::book(&snapshot.rows)),
        };
        let rules = rules(&settings.dialog, snapshot, programs.clone(), changed, &mut faults);
        let versions = Versions::new(snapshot, before.map(|before| &*before.versions), &mut faults);
        let services = Services::new(settings.secret_places(), snapshot, &mut faults, &mut missing);
        Self {
            rules: Arc::new(rules),
            programs,
            versions: Arc::new(versions),
            services: Arc::new(services),
            devices: Arc::new(Devices::new(snapshot)),
            numbers: snapshot.ids.clone(),
            faults,
            missing,
        }
    }
}

/// What follows from settings and rows: what the exchange is told, and what the dialog server is. Rows that the dialog
/// server cannot carry out are left out and logged, those that were not so before. What the exchange is told stays the
/// same, and of the version that it was, where nothing changed that it is told of.
///
/// # Errors
/// See [`PolicyError`].
pub fn in_force(
    settings: &Settings,
    snapshot: &Snapshot,
    portability: Option<Arc<PortabilityTable>>,
    before: Option<(&Compiled, &Policy)>,
    changed: Option<&Changed<'_>>,
) -> Result<(Arc<Policy>, Compiled), PolicyError> {
    let policy = match changed.filter(|changed| changed.is_none_of_the_exchange()) {
        Some(changed) => changed.policy.clone(),
        None => {
            let before = before.map(|(_, policy)| policy);
            Arc::new(exchange::build(settings, snapshot, portability, before)?)
        }
    };
    let before = before.map(|(compiled, _)| compiled);
    let compiled = Compiled::new(settings, snapshot, before, changed);
    let none = RowFaults::default();
    let (faults, missing) = before.map_or((&none, &none), |before| (&before.faults, &before.missing));
    for fault in compiled.faults.beyond(faults).0.iter().chain(&compiled.missing.beyond(missing).0) {
        tracing::warn!(
            kind = fault.kind.name(),
            name = fault.name,
            key = fault.key,
            reason = fault.reason,
            "a row cannot be carried out, it is left out"
        );
    }
    Ok((policy, compiled))
}
