//! Settings, catalog and what follows from them, at one version; every change goes through here.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_config::{Catalog as Rows, ConfigErrors, Settings};
use signalbox_core::backend::{Catalog, CatalogChange, CatalogError, Version};
use signalbox_core::exchange::Event;
use signalbox_core::id::PeerId;
use signalbox_core::policy::Policy;
use signalbox_routing::portability::PortabilityTable;
use tokio::sync::watch;

use crate::catalog::{Snapshot, SnapshotError, all_rows, undo};
use crate::dialog::{self, Changed, Compiled, RowFaults};
use crate::gauges::PeerNames;
use crate::participation::{Participations, Unusable};
use crate::policy::{self, NumbersError, PolicyError};
use crate::spine::SpineHandle;

/// A change that was not made; what was in force stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The settings or a catalog file.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A row of the catalog.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// What follows from the rows.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Rows that the dialog server cannot carry out.
    #[error(transparent)]
    Dialog(#[from] RowFaults),
    /// The portability table.
    #[error(transparent)]
    Numbers(#[from] NumbersError),
    /// A password of the seed.
    #[error(transparent)]
    Hash(#[from] signalbox_config::catalog::HashError),
}

/// What is in force.
#[derive(Debug)]
pub struct InForce {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The catalog.
    pub snapshot: Snapshot,
    /// What the exchange is told.
    pub policy: Arc<Policy>,
    /// What the dialog server is told, and who runs instructions for it.
    pub dialog: Arc<Compiled>,
}

/// The one place where settings and catalog change.
pub struct Control {
    file: Option<PathBuf>,
    catalog: Arc<dyn Catalog>,
    portability: Mutex<Option<Arc<PortabilityTable>>>,
    in_force: ArcSwap<InForce>,
    changes: watch::Sender<Version>,
    names: PeerNames,
    spine: Mutex<Option<SpineHandle>>,
    participations: OnceLock<Arc<Participations>>,
    changing: Mutex<()>,
}

impl Control {
    /// Reads the catalog, fills it from the seed when nothing was ever in it, and builds the first policy.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn start(
        settings: Settings,
        file: Option<PathBuf>,
        catalog: Arc<dyn Catalog>,
        salt: impl FnMut() -> [u8; 16],
    ) -> Result<Self, ControlError> {
        if catalog.version()? == Version(0)
            && let Some(seed) = &settings.catalog.seed
        {
            let mut rows = Rows::load(seed.path())?;
            rows.hash_passwords(settings.secret_places(), salt)?;
            match catalog.apply_on(Some(Version(0)), "seed", &all_rows(&rows)) {
                // Another node was faster.
                Ok(_) | Err(CatalogError::Moved { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let snapshot = Snapshot::load(&*catalog)?;
        let portability = load_portability(&settings, &snapshot)?;
        let (policy, compiled) = dialog::in_force(&settings, &snapshot, portability.clone(), None, None)?;
        let names: PeerNames = Arc::new(ArcSwap::from_pointee(peer_names(&policy)));
        crate::privacy::follow(&settings.log);
        let version = snapshot.version;
        let in_force = InForce { settings: Arc::new(settings), snapshot, policy, dialog: Arc::new(compiled) };
        Ok(Self {
            file,
            catalog,
            portability: Mutex::new(portability),
            in_force: ArcSwap::from_pointee(in_force),
            changes: watch::Sender::new(version),
            names,
            spine: Mutex::new(None),
            participations: OnceLock::new(),
            changing: Mutex::new(()),
        })
    }

    /// What is in force now.
    #[must_use]
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// The catalog behind it.
    #[must_use]
    pub fn catalog(&self) -> &dyn Catalog {
        &*self.catalog
    }

    /// Names of peers, for metrics and logs.
    #[must_use]
    pub fn names(&self) -> PeerNames {
        self.names.clone()
    }

    /// Tells whoever listens that something else is in force.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Version> {
        self.changes.subscribe()
    }

    /// From now on the exchange is told of changes.
    pub fn attach(&self, spine: SpineHandle) {
        *self.spine.lock() = Some(spine);
    }

    /// Brings the participation campaigns of the catalog into force, and from now on each change of them. Blocks on the
    /// disk; what cannot be in force is logged.
    pub fn attach_participations(&self, participations: Arc<Participations>) {
        let _one_at_a_time = self.changing.lock();
        tell(&participations.follow(&self.in_force().snapshot, Unusable::Waits));
        // Attached once, before anything else is.
        let _ = self.participations.set(participations);
    }

    /// Makes the changes, if what they lead to can be put in force; blocks on the disk.
    ///
    /// # Errors
    /// See [`ControlError`]; then nothing changed.
    pub fn apply(&self, by: &str, changes: &[CatalogChange]) -> Result<Version, ControlError> {
        let _one_at_a_time = self.changing.lock();
        let before = self.in_force();
        let version = match self.catalog.apply_on(Some(before.snapshot.version), by, changes) {
            Ok(version) => version,
            Err(error) => {
                if matches!(error, CatalogError::Moved { .. }) {
                    // What the change was checked against is not what it would be made to.
                    self.put_all_in_force(before.settings.clone())?;
                }
                return Err(error.into());
            }
        };
        let changed = Changed {
            rows: &before.snapshot.rows,
            compiled: &before.dialog,
            policy: &before.policy,
            changes,
        };
        let snapshot = before.snapshot.after(&*self.catalog, version, changes);
        let done = snapshot.map_err(ControlError::from).and_then(|snapshot| {
            // Another node may have changed more since.
            let changed = (snapshot.version == version).then_some(&changed);
            self.put_in_force(before.settings.clone(), snapshot, changed, Some(&before.dialog.faults))
        });
        match done {
            Ok(version) => Ok(version),
            Err(error) => {
                // What cannot be in force must not be what the next start reads.
                self.catalog.apply("undo", &undo(&before.snapshot.rows, changes))?;
                // The rows are what they were, and have other versions.
                if let Err(again) = self.put_all_in_force(before.settings.clone()) {
                    tracing::error!(
                        error = &again as &dyn std::error::Error,
                        "the old rows are not in force"
                    );
                }
                Err(error)
            }
        }
    }

    /// Reads the settings file and the catalog again (SIGHUP). Keys that need a restart keep their old values.
    ///
    /// # Errors
    /// See [`ControlError`]; then nothing changed.
    pub fn reload(&self) -> Result<Version, ControlError> {
        let _one_at_a_time = self.changing.lock();
        let settings = match &self.file {
            Some(file) => Arc::new(Settings::load(file)?),
            None => self.in_force().settings.clone(),
        };
        self.put_all_in_force(settings)
    }

    /// Puts in force what another node changed; whether it did.
    ///
    /// # Errors
    /// See [`ControlError`]; then nothing changed.
    pub fn follow(&self) -> Result<bool, ControlError> {
        if self.catalog.version()? == self.in_force().snapshot.version {
            return Ok(false);
        }
        let _one_at_a_time = self.changing.lock();
        let before = self.in_force();
        // A change of this node's own was under way.
        if self.catalog.version()? == before.snapshot.version {
            return Ok(false);
        }
        self.put_all_in_force(before.settings.clone())?;
        Ok(true)
    }

    /// Loads the portability file anew when it has changed.
    ///
    /// # Errors
    /// See [`ControlError`]; then the old table stays.
    pub fn reload_portability(&self) -> Result<(), ControlError> {
        let in_force = self.in_force();
        let table = load_portability(&in_force.settings, &in_force.snapshot)?;
        let _one_at_a_time = self.changing.lock();
        *self.portability.lock() = table;
        self.put_all_in_force(in_force.settings.clone()).map(|_| ())
    }

    /// The table in force, which knows the carriers of these rows.
    fn portability_for(
        &self,
        settings: &Settings,
        snapshot: &Snapshot,
    ) -> Result<Option<Arc<PortabilityTable>>, ControlError> {
        let mut table = self.portability.lock();
        let before = self.in_force();
        let names = |snapshot: &Snapshot| {
            snapshot.rows.carrier.iter().map(|carrier| carrier.name.to_string()).collect::<Vec<_>>()
        };
        if table.is_some() && names(&before.snapshot) != names(snapshot) {
            let opened = policy::open_packed(&packed(settings), &policy::names(snapshot))?;
            *table = Some(Arc::new(opened));
        }
        Ok(table.clone())
    }

    /// Puts in force what settings and catalog say, whatever of the rows cannot be carried out.
    fn put_all_in_force(&self, settings: Arc<Settings>) -> Result<Version, ControlError> {
        self.put_in_force(settings, Snapshot::load(&*self.catalog)?, None, None)
    }

    /// Puts in force what settings and catalog say; with `allowed`, unless rows beyond those cannot be carried out.
    /// `changed` says what is new in the snapshot, where that is known.
    fn put_in_force(
        &self,
        settings: Arc<Settings>,
        snapshot: Snapshot,
        changed: Option<&Changed<'_>>,
        allowed: Option<&RowFaults>,
    ) -> Result<Version, ControlError> {
        let portability = self.portability_for(&settings, &snapshot)?;
        let before = self.in_force();
        let (policy, compiled) = dialog::in_force(
            &settings,
            &snapshot,
            portability,
            Some((&before.dialog, &before.policy)),
            changed,
        )?;
        if let Some(allowed) = allowed {
            let more = compiled.faults.beyond(allowed);
            if !more.0.is_empty() {
                return Err(more.into());
            }
        }
        // Before the dialog server hears of a keyword, its campaign is there.
        if let Some(participations) = self.participations.get() {
            let unusable = if allowed.is_some() { Unusable::Refused } else { Unusable::Waits };
            let faults = participations.follow(&snapshot, unusable);
            match allowed {
                Some(_) if !faults.0.is_empty() => return Err(faults.into()),
                Some(_) | None => tell(&faults),
            }
        }
        self.names.store(Arc::new(peer_names(&policy)));
        crate::privacy::follow(&settings.log);
        let version = snapshot.version;
        let rules = compiled.rules.clone();
        self.in_force.store(Arc::new(InForce {
            settings,
            snapshot,
            policy: policy.clone(),
            dialog: Arc::new(compiled),
        }));
        if let Some(spine) = &*self.spine.lock() {
            // With the policy, and taken before it: no message comes to an address that the rules do not know yet.
            spine.offer_rules(rules);
            spine.offer_blocking(vec![Event::Policy(policy)]);
        }
        self.changes.send_replace(version);
        Ok(version)
    }
}

/// Campaigns that keep the rules that they had.
fn tell(faults: &RowFaults) {
    for fault in &faults.0 {
        tracing::error!(name = fault.name, reason = fault.reason, "a participation campaign is not in force");
    }
}

fn load_portability(
    settings: &Settings,
    snapshot: &Snapshot,
) -> Result<Option<Arc<PortabilityTable>>, ControlError> {
    let Some(portability) = &settings.numbers.portability else { return Ok(None) };
    let names = policy::names(snapshot);
    let table = policy::open_portability(portability.file.path(), &packed(settings), &names)?;
    Ok(Some(Arc::new(table)))
}

/// Where the packed table is.
fn packed(settings: &Settings) -> PathBuf {
    settings.in_data_directory(std::path::Path::new("portability.packed"))
}

fn peer_names(policy: &Policy) -> FxHashMap<PeerId, String> {
    let links = policy.links.iter().map(|(id, link)| (PeerId::Link(*id), link.name.clone()));
    let accounts = policy.accounts.iter().map(|(id, account)| (PeerId::Account(*id), account.name.clone()));
    let webhooks = policy.webhooks.iter().map(|(id, webhook)| (PeerId::Webhook(*id), webhook.name.clone()));
    links.chain(accounts).chain(webhooks).collect()
}
