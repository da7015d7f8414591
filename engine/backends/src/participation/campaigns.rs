//! Campaigns by name, and entries into them.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use signalbox_participation::{
    Channel, Check, Conflict, EntryId, Facts, NoReply, Outcome, Participant, RawEntry, RejectCode, Reply,
    Rules, RulesError, Seed, Selection, State, StateError, Tally, Verdict, extract,
};

use super::codes::{self, CodesImported, ImportError};
use super::database;
use super::intake::IntakeError;
use super::judging::{Prepared, judge};
use super::participants::{FactsError, Participants};
use super::rejects::{RejectLog, Rejected};
use super::results::{self, DrawError, DrawRecord, ExportError};
use super::stores::{Campaign, InForce, NotOpen};
use crate::lock::LockFile;
use crate::sqlite::OpenError;

/// Where the databases are and how long they are waited for.
#[derive(Clone, Debug)]
pub struct CampaignsOptions {
    /// The directory; it is made when it is not there.
    pub dir: PathBuf,
    /// How long a lock of a file is waited for, such as a backup's.
    pub lock_wait: Duration,
}

impl CampaignsOptions {
    /// The defaults in this directory.
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), lock_wait: Duration::from_secs(5) }
    }
}

/// There is no such campaign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no campaign {0}")]
pub struct Unknown(pub String);

/// Entries without a verdict: nothing of them is stored that counts, nobody may be told anything, and the same entries
/// are to be handed over again.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// A database fails.
    #[error("cannot store entries of {campaign}")]
    Store {
        /// The campaign; empty for entries of none.
        campaign: String,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The queue before it fails.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// What participants want is not known.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A database cannot be opened.
    #[error(transparent)]
    NotOpen(#[from] NotOpen),
}

/// Rules that did not come into force; those before them stay.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// They are wrong.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Another campaign has the entry point.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The campaign cannot become what they say.
    #[error(transparent)]
    State(#[from] StateError),
    /// Later or other ones are in force.
    #[error("version {version} is not after {last}, which is in force")]
    Version {
        /// Their version.
        version: u64,
        /// The last one.
        last: u64,
    },
    /// A campaign stays in its database.
    #[error("the database of the campaign is {is}, and cannot become {wanted}")]
    Database {
        /// Where it is.
        is: String,
        /// Where it should be.
        wanted: String,
    },
    /// Its database has what people sent to another account.
    #[error("the database {database} has entries of another account: name another in `database`")]
    Account {
        /// Its name.
        database: String,
    },
    /// Its database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its database fails.
    #[error("cannot store rules")]
    Store(#[from] rusqlite::Error),
}

/// All campaigns of a node.
///
/// Calls block on the disk: they belong on a thread that may.
pub struct Campaigns {
    pub(super) options: CampaignsOptions,
    participants: Box<dyn Participants>,
    campaigns: RwLock<HashMap<String, Arc<Campaign>>>,
    selection: RwLock<Arc<Selection>>,
    unmatched: Mutex<RejectLog>,
    /// One change of rules at a time.
    change: Mutex<()>,
    _lock: LockFile,
}

impl Campaigns {
    /// The campaigns of a directory; each comes with its first [`put`](Self::put).
    /// An entry for a campaign that was not put yet is NO_CAMPAIGN: put all before the first entry.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process has it.
    pub fn open(options: CampaignsOptions, participants: Box<dyn Participants>) -> Result<Self, OpenError> {
        std::fs::create_dir_all(&options.dir)
            .map_err(|source| OpenError::Io { path: options.dir.clone(), source })?;
        let lock = LockFile::take(&options.dir.join("participation.lock"))?;
        let unmatched = RejectLog::open(&options.dir.join("unmatched.rejects.db"), options.lock_wait)?;
        Ok(Self {
            options,
            participants,
            campaigns: RwLock::default(),
            selection: RwLock::default(),
            unmatched: Mutex::new(unmatched),
            change: Mutex::new(()),
            _lock: lock,
        })
    }

    /// Brings a version of a campaign's rules into force, the document of its catalog row. The version that is in force
    /// already may be put again, as at a start.
    ///
    /// # Errors
    /// When they are wrong or do not follow on those in force. Nothing changes then; only that the first rules of a
    /// campaign whose database cannot be used let its entries wait for that.
    pub fn put(&self, document: &str, version: u64) -> Result<(), PutError> {
        let rules = Rules::from_json(document)?;
        let _change = self.change.lock();
        let before = self.campaigns.read().get(&rules.name).cloned();
        let selection = {
            let campaigns = self.campaigns.read();
            let others: Vec<Arc<InForce>> = campaigns
                .iter()
                .filter(|(name, _)| **name != rules.name)
                .map(|(_, it)| it.rules.read().clone())
                .collect();
            Selection::new(others.iter().map(|it| &it.rules).chain([&rules]))?
        };
        if let Some(before) = &before {
            let is = before.rules.read().rules.database.clone();
            if is != rules.database {
                return Err(PutError::Database { is, wanted: rules.database });
            }
        }
        let is_known = before.is_some();
        let campaign = before.unwrap_or_else(|| Arc::new(Campaign::new(&self.options, &rules, version)));
        match campaign.put(&rules, version, document) {
            Ok(()) => {}
            Err(error @ (PutError::Open(_) | PutError::Store(_))) if !is_known => {
                // Its entries find it, and wait until its database can be used.
                campaign.not_written(document);
                self.campaigns.write().insert(rules.name, campaign);
                *self.selection.write() = Arc::new(selection);
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.campaigns.write().insert(rules.name, campaign);
        *self.selection.write() = Arc::new(selection);
        Ok(())
    }

    /// Takes a campaign out of force, as when its row is gone; its files stay.
    pub fn remove(&self, campaign: &str) {
        let _change = self.change.lock();
        let mut campaigns = self.campaigns.write();
        campaigns.remove(campaign);
        let left: Vec<Arc<InForce>> = campaigns.values().map(|it| it.rules.read().clone()).collect();
        drop(campaigns);
        // Those that are left were in force together before.
        if let Ok(selection) = Selection::new(left.iter().map(|it| &it.rules)) {
            *self.selection.write() = Arc::new(selection);
        }
    }

    pub(super) fn campaign(&self, name: &str) -> Result<Arc<Campaign>, Unknown> {
        self.campaigns.read().get(name).cloned().ok_or_else(|| Unknown(name.to_owned()))
    }

    /// The campaign that an entry is for (CM-10): by channel, source address and keyword.
    #[must_use]
    pub fn find(&self, channel: Channel, source_address: &str, text: &str) -> Option<String> {
        self.selection.read().find(channel, source_address, text).map(str::to_owned)
    }

    /// Judges entries into a campaign, in their order and in one commit, and gives their verdicts in the same order. An
    /// entry that was judged before has the verdict that it had.
    ///
    /// # Errors
    /// When a database fails: hand over the same entries again, and tell nobody anything until then.
    pub fn enter(&self, campaign: &str, entries: &[RawEntry]) -> Result<Vec<Verdict>, EnterError> {
        let store = |source| EnterError::Store { campaign: campaign.to_owned(), source };
        let Ok(found) = self.campaign(campaign) else {
            return self.refuse(entries).map_err(store);
        };
        loop {
            let in_force = found.rules.read().clone();
            let participants: Vec<Participant> = entries.iter().map(RawEntry::participant).collect();
            let facts = self.participants.facts(&in_force.rules, &participants)?;
            let prepared = self.prepare(&in_force.rules, entries, facts)?;
            let stores = found.stores()?;
            if prepared.iter().any(|entry| entry.facts.tester) || stores.tests.lock().is_some() {
                match self.enter_apart(&found, &stores, &in_force, prepared)? {
                    Some(verdicts) => return Ok(verdicts),
                    None => continue,
                }
            }
            let mut files = stores.files.lock();
            // Rules that came into force meanwhile may ask for other fields.
            if !Arc::ptr_eq(&in_force, &found.rules.read()) {
                continue;
            }
            return judge(&mut files, &in_force, &prepared, None).map_err(|error| {
                found.failed(&error);
                store(error)
            });
        }
    }

    /// The second layer.
    fn prepare<'a>(
        &self,
        rules: &Rules,
        entries: &'a [RawEntry],
        facts: Vec<Facts>,
    ) -> Result<Vec<Prepared<'a>>, EnterError> {
        let steps = rules.requirements.iter().filter_map(|requirement| match &requirement.check {
            Check::StepDone(step) => Some(step.as_str()),
            Check::Window
            | Check::OneOf { .. }
            | Check::Format { .. }
            | Check::Checksum { .. }
            | Check::CodeUnused { .. }
            | Check::MaxPerParticipant { .. }
            | Check::MaxTotal { .. }
            | Check::Range { .. }
            | Check::Carrier(_)
            | Check::Country(_)
            | Check::Consent { .. }
            | Check::Age { .. }
            | Check::NotBarred
            | Check::OptedIn
            | Check::Confidence { .. } => None,
        });
        let steps: Vec<&str> = steps.collect();
        let prepare = |(raw, mut facts): (&'a RawEntry, Facts)| {
            for step in &steps {
                let Ok(other) = self.campaign(step) else { continue };
                let (stores, who) = (other.stores()?, raw.participant());
                let has = if facts.tester {
                    stores.tested(&who)
                } else {
                    results::has(&stores.reader.lock(), &who)
                };
                let store = |source| {
                    other.failed(&source);
                    EnterError::Store { campaign: (*step).to_owned(), source }
                };
                if has.map_err(store)? {
                    facts.steps.push((*step).to_owned());
                }
            }
            Ok(Prepared { raw, facts, extracted: extract(rules, raw) })
        };
        entries.iter().zip(facts).map(prepare).collect()
    }

    /// Entries for no campaign: nobody is answered, for there is no one whose answer it would be.
    fn refuse(&self, entries: &[RawEntry]) -> rusqlite::Result<Vec<Verdict>> {
        let reply = Reply::None(NoReply::NoCampaign);
        let rejected = |raw| Rejected {
            raw,
            seq: 0,
            code: RejectCode::NoCampaign,
            version: 0,
            reply: Some(reply.clone()),
        };
        self.unmatched.lock().write(&entries.iter().map(rejected).collect::<Vec<_>>())?;
        let verdict = |raw: &RawEntry| Verdict {
            entry: raw.id,
            outcome: Outcome::Rejected(RejectCode::NoCampaign),
            reply: reply.clone(),
            version: 0,
            test: false,
        };
        Ok(entries.iter().map(verdict).collect())
    }

    /// The tally: as it is now, or the final one.
    ///
    /// # Errors
    /// When there is no such campaign, or its database fails.
    pub fn tally(&self, campaign: &str) -> Result<Tally, DrawError> {
        let found = self.campaign(campaign)?;
        let stores = found.stores()?;
        let reader = stores.reader.lock();
        let tally =
            results::frozen(&reader).and_then(|frozen| frozen.map_or_else(|| results::live(&reader), Ok));
        tally.map_err(|error| {
            found.failed(&error);
            DrawError::Store(error)
        })
    }

    /// The verdict on an entry; `None` while it has none.
    ///
    /// # Errors
    /// When there is no such campaign, or its database fails.
    pub fn verdict(&self, campaign: &str, entry: EntryId) -> Result<Option<Verdict>, DrawError> {
        let found = self.campaign(campaign)?;
        let stores = found.stores()?;
        stores.verdict(entry).map_err(DrawError::Store)
    }

    /// How many votes were rejected, by code.
    ///
    /// # Errors
    /// When there is no such campaign, or its log fails.
    pub fn rejected(&self, campaign: &str) -> Result<Vec<(RejectCode, u64)>, DrawError> {
        self.campaign(campaign)?.stores()?.files.lock().rejects.counts().map_err(DrawError::Store)
    }

    /// Writes all submissions of a campaign as CSV, row by row, and says how many they are. Entries go on meanwhile.
    ///
    /// # Errors
    /// When it does not come to its end; what was written is not whole then.
    pub fn export(&self, campaign: &str, out: impl Write) -> Result<u64, ExportError> {
        let found = self.campaign(campaign)?;
        let in_force = found.rules.read().clone();
        let connection = database::reader(&found.path, self.options.lock_wait).map_err(ExportError::Store)?;
        results::export(&connection, &in_force.rules, out)
    }

    /// Draws winners among the submissions of a campaign that is over, or among those with one value of a field, and
    /// writes the draw down with its seed.
    ///
    /// # Errors
    /// When entries still come, or the database fails.
    pub fn draw(
        &self,
        campaign: &str,
        seed: Seed,
        winners: usize,
        only: Option<(&str, &str)>,
        now: Timestamp,
    ) -> Result<DrawRecord, DrawError> {
        let found = self.campaign(campaign)?;
        let state = found.rules.read().rules.state;
        if !state.is_over() {
            return Err(DrawError::NotOver(state));
        }
        let connection = database::reader(&found.path, self.options.lock_wait).map_err(DrawError::Store)?;
        let record = results::draw(&connection, seed, winners, only, now).map_err(DrawError::Store)?;
        results::record_draw(&found.stores()?.files.lock().campaign.connection, &record)
            .map_err(DrawError::Store)?;
        Ok(record)
    }

    /// Imports codes of a batch, one a line, ten thousand in a commit; `progress` hears how far it is.
    ///
    /// # Errors
    /// When the list or the database fails. What came before stays, and the list may be imported again.
    pub fn import_codes(
        &self,
        campaign: &str,
        batch: &str,
        mut list: impl BufRead,
        mut progress: impl FnMut(&CodesImported),
    ) -> Result<CodesImported, ImportError> {
        let found = self.campaign(campaign)?;
        let length = codes::length_of(&found.rules.read().rules, batch)?;
        let mut report = CodesImported::default();
        let mut line = 0;
        loop {
            let (chunk, goes_on) = codes::read_chunk(&mut list, length, &mut line, &mut report)?;
            codes::store(&mut found.stores()?.files.lock().campaign, batch, chunk, &mut report)
                .map_err(ImportError::Store)?;
            progress(&report);
            if !goes_on {
                return Ok(report);
            }
        }
    }

    /// Grants a participant votes beyond those that everyone has (CM-14).
    ///
    /// # Errors
    /// When there is no such campaign, or its database fails.
    pub fn grant_votes(
        &self,
        campaign: &str,
        participant: &Participant,
        votes: u32,
    ) -> Result<(), DrawError> {
        let found = self.campaign(campaign)?;
        found.stores()?.files.lock().campaign.grant(participant, votes).map_err(DrawError::Store)
    }

    /// Removes personal data of campaigns whose time of retention is over: rejected entries, and who sent submissions
    /// and what they wrote beyond options and numbers. Says how many rows that were.
    ///
    /// # Errors
    /// When a database fails; what was removed before stays so.
    pub fn forget(&self, now: Timestamp) -> Result<usize, EnterError> {
        let campaigns: Vec<Arc<Campaign>> = self.campaigns.read().values().cloned().collect();
        let mut rows = 0;
        for campaign in campaigns {
            let in_force = campaign.rules.read().clone();
            let rules = &in_force.rules;
            if !rules.state.is_over() || rules.keeps_until().is_none_or(|until| now < until) {
                continue;
            }
            let store = |source| EnterError::Store { campaign: rules.name.clone(), source };
            let stores = campaign.stores()?;
            let mut files = stores.files.lock();
            rows += files.campaign.forget(rules).map_err(store)?;
            rows += files.rejects.remove_before(Timestamp::MAX).map_err(store)?;
            if let Some(tests) = &mut *stores.tests.lock() {
                tests.clear().map_err(store)?;
            }
        }
        Ok(rows)
    }

    /// The state of a campaign.
    ///
    /// # Errors
    /// When there is none.
    pub fn state(&self, campaign: &str) -> Result<State, Unknown> {
        Ok(self.campaign(campaign)?.rules.read().rules.state)
    }

    /// The file of a campaign.
    ///
    /// # Errors
    /// When there is none.
    pub fn path(&self, campaign: &str) -> Result<impl AsRef<Path> + use<>, Unknown> {
        Ok(self.campaign(campaign)?.path.clone())
    }
}
