//! Operators who switch links off and on, and what a node makes of it.
//!
//! Two of them do not know of each other: one may change a link between the other's look and change, which the
//! catalog then refuses. A node looks for a new version of the catalog now and then, and tells its regions.

use std::sync::Arc;

use signalbox_core::backend::{Catalog, CatalogChange, CatalogError, Kind, Version};
use signalbox_core::policy::Policy;

use crate::incident::Incident;
use crate::scene::Scene;
use crate::setting::{LINKS, policy};

const ON: &str = "on";
const OFF: &str = "off";

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Operator {
    /// The link that it looked at, and what it saw.
    seen: Option<(usize, Version, bool)>,
}

impl Operator {
    pub(crate) fn step(&mut self, scene: &mut Scene) {
        match self.seen.take() {
            None if scene.mishap(Incident::LinkSwitched, 60) => {
                let link = scene.pick(LINKS.len());
                let rows = scene.cluster.catalog().rows(Kind::Link).unwrap_or_default();
                let row = rows.iter().find(|row| row.name == name(link));
                let seen = row.map_or((Version(0), true), |row| (row.version, row.document == ON));
                self.seen = Some((link, seen.0, seen.1));
            }
            Some(seen) if !scene.calm && scene.chance(700) => self.seen = Some(seen),
            Some((link, version, on)) => {
                // A change that is refused or fails is given up.
                let _ = switch(scene, link, !on, Some(version));
            }
            None => {}
        }
    }
}

/// Switches all links on, whoever switched them off.
pub(crate) fn all_on(scene: &Scene) {
    for link in 0..LINKS.len() {
        let switched = switch(scene, link, true, None);
        debug_assert!(switched.is_ok());
    }
}

fn name(link: usize) -> String {
    LINKS[link].0.to_string()
}

fn switch(scene: &Scene, link: usize, on: bool, expected: Option<Version>) -> Result<Version, CatalogError> {
    let document = if on { ON } else { OFF }.to_owned();
    let change = CatalogChange::Put { kind: Kind::Link, name: name(link), document, expected };
    scene.cluster.catalog().apply("operator", &[change])
}

/// The policy of a node, as far as it has read the catalog.
#[derive(Default)]
pub(crate) struct Read {
    version: Option<Version>,
    policy: Option<Arc<Policy>>,
}

impl Read {
    pub(crate) fn policy(&self) -> Option<&Arc<Policy>> {
        self.policy.as_ref()
    }

    /// Reads the catalog if it has changed. True when there is a new policy.
    pub(crate) fn look(&mut self, scene: &Scene) -> bool {
        let catalog = scene.cluster.catalog();
        let Ok(version) = catalog.version() else { return false };
        if self.version == Some(version) {
            return false;
        }
        let Ok(rows) = catalog.rows(Kind::Link) else { return false };
        let off = |link: usize| rows.iter().any(|row| row.name == name(link) && row.document == OFF);
        self.version = Some(version);
        self.policy = Some(policy([!off(0), !off(1)]));
        true
    }
}
