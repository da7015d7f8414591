//! Participation campaigns: their databases, and how the rows of the catalog come into force there.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use signalbox_backends::participation::{Campaigns, CampaignsOptions};
use signalbox_backends::sqlite::OpenError;
use signalbox_config::Settings;
use signalbox_config::catalog::{Participation, Row};
use signalbox_core::backend::Kind;

use crate::catalog::Snapshot;
use crate::dialog::RowFaults;

/// Where the databases are, below the data directory.
const DIRECTORY: &str = "participation";

/// The campaigns of the node, as the catalog has them.
pub struct Participations {
    campaigns: Arc<Campaigns>,
    /// Versions of the rows in force, by name.
    versions: Mutex<HashMap<String, u64>>,
}

impl Participations {
    /// The campaigns below the data directory; none has rules yet.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process has it.
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        let options = CampaignsOptions {
            lock_wait: settings.store.lock_wait.duration(),
            ..CampaignsOptions::in_dir(settings.in_data_directory(Path::new(DIRECTORY)))
        };
        // Who opted out is known to the send gate, which lets no reply through to them.
        let campaigns = Campaigns::open(options, Box::new(()))?;
        Ok(Self { campaigns: Arc::new(campaigns), versions: Mutex::default() })
    }

    /// The databases.
    #[must_use]
    pub fn campaigns(&self) -> &Arc<Campaigns> {
        &self.campaigns
    }

    /// Brings the rows that changed into force; blocks on the disk. Those that cannot be keep the rules that they had.
    pub fn follow(&self, snapshot: &Snapshot) -> RowFaults {
        let mut in_force = self.versions.lock();
        let version = |row: &Participation| {
            snapshot.versions.get(&(Kind::Participation, row.name.to_string())).map_or(0, |version| version.0)
        };
        let rows = &snapshot.rows.participation;
        in_force.retain(|name, _| {
            let stays = rows.iter().any(|row| row.name.as_str() == name);
            if !stays {
                self.campaigns.remove(name);
            }
            stays
        });
        let changed = |row: &&Participation| in_force.get(row.name.as_str()) != Some(&version(row));
        let mut waiting: Vec<&Participation> = rows.iter().filter(changed).collect();
        // A keyword may go from one campaign to another that comes before it.
        loop {
            let (tried, mut faults, mut failed) = (waiting.len(), RowFaults::default(), Vec::new());
            for row in waiting {
                match self.campaigns.put(&row.to_document(), version(row)) {
                    Ok(()) => drop(in_force.insert(row.name.to_string(), version(row))),
                    Err(error) => {
                        let reason = crate::links::describe(&error);
                        faults.add(Kind::Participation, &row.name, "state", reason);
                        failed.push(row);
                    }
                }
            }
            if failed.is_empty() || failed.len() == tried {
                return faults;
            }
            waiting = failed;
        }
    }
}
