//! A campaign and its two files. Files that cannot be used are opened again by whoever asks for them next: meanwhile the
//! campaign's rules are known, so that its entries find it and wait, and no other campaign's do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, ErrorCode};
use signalbox_participation::Rules;

use super::campaign::CampaignFile;
use super::campaigns::{CampaignsOptions, PutError};
use super::database;
use super::rejects::RejectLog;
use super::trial::Trial;
use crate::sqlite::OpenError;

/// The database of a campaign cannot be used now.
#[derive(Debug, thiserror::Error)]
#[error("the database of {campaign} cannot be used")]
pub struct NotOpen {
    /// The campaign.
    pub campaign: String,
    /// Why.
    #[source]
    pub source: Box<PutError>,
}

pub(super) struct InForce {
    pub rules: Rules,
    pub version: u64,
}

pub(super) struct Files {
    pub campaign: CampaignFile,
    pub rejects: RejectLog,
}

/// The open files of a campaign.
pub(super) struct Stores {
    /// Both files are written under one lock, so that an entry is judged once at a time.
    pub files: Mutex<Files>,
    /// Tally, and who has a submission.
    pub reader: Mutex<Connection>,
    /// Verdicts on what does not count, for those who ask.
    pub reject_reader: Mutex<Connection>,
    /// What testers sent, where one did.
    pub tests: Mutex<Option<Trial>>,
}

pub(super) struct Campaign {
    pub rules: RwLock<Arc<InForce>>,
    pub path: PathBuf,
    rejects_path: PathBuf,
    lock_wait: Duration,
    stores: RwLock<Option<Arc<Stores>>>,
    /// The document of the rules while they are in no file, because it could not be opened.
    unwritten: Mutex<Option<String>>,
}

impl Campaign {
    /// A campaign whose files nobody has opened.
    pub fn new(options: &CampaignsOptions, rules: &Rules, version: u64) -> Self {
        let file = |end: &str| options.dir.join(format!("{}.{end}.db", rules.database));
        Self {
            rules: RwLock::new(Arc::new(InForce { rules: rules.clone(), version })),
            path: file("campaign"),
            rejects_path: file("rejects"),
            lock_wait: options.lock_wait,
            stores: RwLock::default(),
            unwritten: Mutex::default(),
        }
    }

    /// The files; rules that could not be written before come into force there first.
    pub fn stores(&self) -> Result<Arc<Stores>, NotOpen> {
        let mut unwritten = self.unwritten.lock();
        let opened = self.open().and_then(|stores| {
            if let Some(document) = &*unwritten {
                let in_force = self.rules.read().clone();
                write(&mut stores.files.lock(), &in_force.rules, in_force.version, document)?;
                *unwritten = None;
            }
            Ok(stores)
        });
        opened.map_err(|source| {
            if let PutError::Store(error) = &source {
                self.failed(error);
            }
            NotOpen { campaign: self.rules.read().rules.name.clone(), source: Box::new(source) }
        })
    }

    /// Writes rules into the file and brings them into force, before any other entry is judged.
    pub fn put(&self, rules: &Rules, version: u64, document: &str) -> Result<(), PutError> {
        let mut unwritten = self.unwritten.lock();
        let stores = self.open()?;
        let mut files = stores.files.lock();
        write(&mut files, rules, version, document)?;
        *self.rules.write() = Arc::new(InForce { rules: rules.clone(), version });
        *unwritten = None;
        Ok(())
    }

    /// Its rules stand in no file: they are written as soon as it can be opened.
    pub fn not_written(&self, document: &str) {
        *self.unwritten.lock() = Some(document.to_owned());
    }

    /// Lets go of files that fail, so that they are opened anew; a lock that somebody else has passes by itself.
    pub fn failed(&self, error: &rusqlite::Error) {
        let passes = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull)
        );
        if !passes {
            *self.stores.write() = None;
        }
    }

    /// The files, opened where they are not.
    fn open(&self) -> Result<Arc<Stores>, PutError> {
        let mut stores = self.stores.write();
        if let Some(stores) = &*stores {
            return Ok(stores.clone());
        }
        let (path, wait) = (&self.path, self.lock_wait);
        let in_force = self.rules.read().clone();
        let rules = &in_force.rules;
        let campaign = CampaignFile::open(path, &rules.name, wait)?;
        let dir = path.parent().unwrap_or(Path::new(""));
        let rejects = RejectLog::open(&self.rejects_path, wait)?;
        let reader = |path: &PathBuf| {
            let failed = |source| OpenError::Database { path: path.clone(), source };
            database::reader(path, wait).map(Mutex::new).map_err(failed)
        };
        let opened = Arc::new(Stores {
            files: Mutex::new(Files { campaign, rejects }),
            reader: reader(path)?,
            reject_reader: reader(&self.rejects_path)?,
            tests: Mutex::new(Trial::found(dir, &rules.database, &rules.name, wait)?),
        });
        *stores = Some(opened.clone());
        Ok(opened)
    }
}

/// Writes rules that follow on those in the file.
fn write(files: &mut Files, rules: &Rules, version: u64, document: &str) -> Result<(), PutError> {
    let (state, last) = files.campaign.last()?;
    // A name may be taken again when its row is gone; what people sent to who had it stays his.
    let is_others =
        |stored: &str| Rules::from_json(stored).is_ok_and(|stored| stored.account != rules.account);
    if last.as_ref().is_some_and(|(_, stored)| is_others(stored)) {
        return Err(PutError::Account { database: rules.database.clone() });
    }
    if let Some((last, stored)) = last
        && (version < last || (version == last && stored != document))
    {
        return Err(PutError::Version { version, last });
    }
    let state = state.to(rules.state)?;
    Ok(files.campaign.put(version, document, state)?)
}
