//! Participation campaigns: their databases, and how the rows of the catalog come into force there.

mod participants;
mod standing;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use signalbox_backends::participation::{Campaigns, CampaignsOptions, FactsError, Intake, NotOpen, PutError};
use signalbox_backends::sqlite::OpenError;
use signalbox_config::Settings;
use signalbox_config::catalog::{EntryPoint, Participation, Row};
use signalbox_core::backend::{Clock, Kind};
use signalbox_participation::Participant;

use crate::catalog::Snapshot;
use crate::dialog::RowFaults;
use participants::Known;
pub use participants::Way;
pub(crate) use standing::{BackOff, not_judged};
pub use standing::{Failing, Standing};

/// Where the databases are, below the data directory.
const DIRECTORY: &str = "participation";

/// The campaigns of the node, as the catalog has them.
pub struct Participations {
    campaigns: Arc<Campaigns>,
    known: Known,
    standing: Arc<Standing>,
    versions: Mutex<Versions>,
}

/// Versions of rows, by name.
#[derive(Default)]
struct Versions {
    in_force: HashMap<String, u64>,
    /// Those whose database could not be used; it is tried again.
    waiting: HashMap<String, u64>,
}

/// What becomes of a campaign whose database cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Its row stands: its entries wait.
    Waits,
    /// Its row is about to be changed: the change is a fault, unless the row waits already.
    Refused,
}

impl Participations {
    /// The campaigns below the data directory; none has rules yet.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process has it.
    pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = CampaignsOptions {
            lock_wait: settings.store.lock_wait.duration(),
            ..CampaignsOptions::in_dir(settings.in_data_directory(Path::new(DIRECTORY)))
        };
        let known = Known::default();
        let campaigns = Campaigns::open(options, Box::new(known.clone()))?;
        let standing = Arc::new(Standing::new(clock));
        Ok(Self { campaigns: Arc::new(campaigns), known, standing, versions: Mutex::default() })
    }

    /// From now on it can be asked who opted out or in; entries that depend on it wait until then.
    pub fn attach(&self, way: Way) {
        self.known.attach(way);
    }

    /// Who of some participants opted out of an account's messages on this node, in their order.
    ///
    /// # Errors
    /// When the exchange does not say.
    pub async fn barred(&self, account: &str, participants: &[Participant]) -> Result<Vec<bool>, FactsError> {
        self.known.barred(account, participants).await
    }

    /// The queue of entries that come by forms and over the API.
    ///
    /// # Errors
    /// When its file cannot be used.
    pub fn intake(settings: &Settings) -> Result<Intake, OpenError> {
        let path = settings.in_data_directory(Path::new(DIRECTORY)).join("intake.db");
        let bound = settings.participation.max_waiting.get();
        Intake::open(&path, bound, settings.store.lock_wait.duration())
    }

    /// The databases.
    #[must_use]
    pub fn campaigns(&self) -> &Arc<Campaigns> {
        &self.campaigns
    }

    /// How judging stands.
    #[must_use]
    pub fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Brings the rows that changed into force; blocks on the disk. Those that cannot be keep the rules that they had.
    pub fn follow(&self, snapshot: &Snapshot, unusable: Unusable) -> RowFaults {
        let mut versions = self.versions.lock();
        let Versions { in_force, waiting } = &mut *versions;
        let version = |row: &Participation| snapshot.version_of(Kind::Participation, row.name.as_str()).0;
        let rows = &snapshot.rows.participation;
        let stays = |name: &str| rows.iter().any(|row| row.name.as_str() == name);
        for known in [&mut *in_force, &mut *waiting] {
            known.retain(|name, _| {
                if !stays(name) {
                    self.campaigns.remove(name);
                    self.standing.gone(name);
                }
                stays(name)
            });
        }
        let changed = |row: &&Participation| in_force.get(row.name.as_str()) != Some(&version(row));
        let mut left: Vec<&Participation> = rows.iter().filter(changed).collect();
        // A keyword may go from one campaign to another that comes before it.
        loop {
            let (tried, mut faults, mut failed) = (left.len(), RowFaults::default(), Vec::new());
            for row in left {
                let (name, version) = (row.name.as_str(), version(row));
                let error = match self.campaigns.put(&row.to_document(), version) {
                    Ok(()) => {
                        in_force.insert(name.to_owned(), version);
                        waiting.remove(name);
                        self.standing.works(name);
                        continue;
                    }
                    Err(error) => error,
                };
                let is_store = matches!(error, PutError::Open(_) | PutError::Store(_));
                if is_store && (unusable == Unusable::Waits || waiting.get(name) == Some(&version)) {
                    // What tenants are told of it has no path.
                    let source = Box::new(error);
                    self.standing.failed(name, &NotOpen { campaign: name.to_owned(), source });
                    waiting.insert(name.to_owned(), version);
                    continue;
                }
                if is_store && !in_force.contains_key(name) && !waiting.contains_key(name) {
                    self.campaigns.remove(name);
                }
                faults.add(Kind::Participation, &row.name, "state", crate::links::describe(&error));
                failed.push(row);
            }
            if failed.is_empty() || failed.len() == tried {
                return faults;
            }
            left = failed;
        }
    }
}

/// The text of an entry that came to an entry point by another way than a message: with the keyword that leads to its
/// campaign, whether it was written or not.
pub(crate) fn text_for(point: &EntryPoint, text: &str) -> String {
    let Some(keyword) = &point.keyword else { return text.to_owned() };
    let (folded, wanted) = (signalbox_text::fold(text), signalbox_text::fold(keyword.as_str()));
    match folded.strip_prefix(&wanted) {
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => text.to_owned(),
        Some(_) | None => format!("{keyword} {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_stands_before_an_entry_once() {
        let row = r#"{"name": "song", "account": "demo", "kind": "vote",
            "entry_points": [{"channel": "web", "keyword": "song"}, {"channel": "http"}]}"#;
        let row = Participation::from_request(row, None).unwrap();
        let [web, http] = row.entry_points.as_slice() else { panic!() };
        assert_eq!(
            ["7", "Song 7", "songs", "SONG!"].map(|text| text_for(web, text)),
            ["song 7", "Song 7", "song songs", "SONG!"]
        );
        assert_eq!(text_for(http, "7"), "7");
    }
}
