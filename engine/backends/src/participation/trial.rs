//! Where the entries of testers are judged (MQ-10): in files of their own, by the same layers, so that nothing of the
//! campaign counts them. Only codes are looked for in the campaign's own file, too, and none is used up there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use signalbox_participation::{EntryId, Participant, Tally, Verdict};

use super::campaign::{self, CampaignFile};
use super::campaigns::{Campaigns, CampaignsOptions, EnterError};
use super::judging::{Prepared, judge};
use super::rejects::{self, RejectLog};
use super::results::{self, DrawError};
use super::stores::{Campaign, Files, InForce, NotOpen, Stores};
use crate::sqlite::OpenError;

/// The tests of one campaign.
pub(super) struct Trial(Files);

/// Where the files of the tests of a database are. No other campaign's end like these.
fn paths(dir: &Path, database: &str) -> [PathBuf; 2] {
    ["tests", "test-rejects"].map(|end| dir.join(format!("{database}.{end}.db")))
}

impl Trial {
    /// Those that there are; `None` where nobody has tested yet.
    pub fn found(dir: &Path, database: &str, name: &str, wait: Duration) -> Result<Option<Self>, OpenError> {
        if paths(dir, database)[0].exists() {
            Self::open(dir, database, name, wait).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Those that there are, or new ones.
    pub fn open(dir: &Path, database: &str, name: &str, wait: Duration) -> Result<Self, OpenError> {
        let [submissions, rejects] = paths(dir, database);
        let campaign = CampaignFile::open(&submissions, name, wait)?;
        Ok(Self(Files { campaign, rejects: RejectLog::open(&rejects, wait)? }))
    }

    /// Judges entries of testers, as if the campaign were open where it has not begun.
    pub fn judge(
        &mut self,
        in_force: &InForce,
        prepared: &[Prepared<'_>],
        codes: &Connection,
    ) -> rusqlite::Result<Vec<Verdict>> {
        let rules = in_force.rules.for_tests();
        let mut verdicts =
            judge(&mut self.0, &InForce { rules, version: in_force.version }, prepared, Some(codes))?;
        verdicts.iter_mut().for_each(|verdict| verdict.test = true);
        Ok(verdicts)
    }

    /// The verdict on an entry that was judged here.
    pub fn verdict(&self, entry: EntryId) -> rusqlite::Result<Option<Verdict>> {
        let found = match campaign::verdict(&self.0.campaign.connection, entry)? {
            None => rejects::verdict(&self.0.rejects.connection, entry)?,
            found => found,
        };
        Ok(found.map(|verdict| Verdict { test: true, ..verdict }))
    }

    /// Whether a tester has a submission.
    pub fn has(&self, participant: &Participant) -> rusqlite::Result<bool> {
        results::has(&self.0.campaign.connection, participant)
    }

    /// The tally of the tests.
    pub fn tally(&self) -> rusqlite::Result<Tally> {
        results::live(&self.0.campaign.connection)
    }

    /// Removes all of it, so that it can be tested from the beginning.
    pub fn clear(&mut self) -> rusqlite::Result<()> {
        self.0.campaign.clear()?;
        self.0.rejects.remove_before(Timestamp::MAX).map(|_| ())
    }
}

impl Stores {
    /// The verdict on an entry, wherever it was judged.
    pub fn verdict(&self, entry: EntryId) -> rusqlite::Result<Option<Verdict>> {
        if let Some(verdict) = campaign::verdict(&self.reader.lock(), entry)? {
            return Ok(Some(verdict));
        }
        if let Some(verdict) = rejects::verdict(&self.reject_reader.lock(), entry)? {
            return Ok(Some(verdict));
        }
        self.tests.lock().as_ref().map_or(Ok(None), |tests| tests.verdict(entry))
    }

    /// Whether a tester has a submission, be it a test.
    pub fn tested(&self, participant: &Participant) -> rusqlite::Result<bool> {
        let tested = self.tests.lock().as_ref().map(|tests| tests.has(participant)).transpose()?;
        if tested == Some(true) { Ok(true) } else { results::has(&self.reader.lock(), participant) }
    }

    /// Whether an entry is a test. One that was judged stays what it was, whoever is a tester meanwhile.
    fn is_test(&self, entry: &Prepared<'_>) -> rusqlite::Result<bool> {
        Ok(self.verdict(entry.raw.id)?.map_or(entry.facts.tester, |verdict| verdict.test))
    }
}

impl Campaigns {
    /// Judges entries, those of testers apart; their verdicts in the order of the entries, or none where other rules came
    /// into force meanwhile.
    pub(super) fn enter_apart(
        &self,
        found: &Campaign,
        stores: &Stores,
        in_force: &Arc<InForce>,
        prepared: Vec<Prepared<'_>>,
    ) -> Result<Option<Vec<Verdict>>, EnterError> {
        let rules = &in_force.rules;
        let store = |source| {
            found.failed(&source);
            EnterError::Store { campaign: rules.name.clone(), source }
        };
        let mut is_test = Vec::with_capacity(prepared.len());
        for entry in &prepared {
            is_test.push(stores.is_test(entry).map_err(store)?);
        }
        let (mut tested, mut counted) = (Vec::new(), Vec::new());
        for (entry, test) in prepared.into_iter().zip(&is_test) {
            if *test { tested.push(entry) } else { counted.push(entry) }
        }
        let counted = {
            let mut files = stores.files.lock();
            if !Arc::ptr_eq(in_force, &found.rules.read()) {
                return Ok(None);
            }
            if counted.is_empty() {
                Vec::new()
            } else {
                judge(&mut files, in_force, &counted, None).map_err(store)?
            }
        };
        let tested = if tested.is_empty() {
            Vec::new()
        } else {
            let mut tests = stores.tests.lock();
            let tests = match &mut *tests {
                Some(tests) => tests,
                none => {
                    let CampaignsOptions { dir, lock_wait } = &self.options;
                    let opened = Trial::open(dir, &rules.database, &rules.name, *lock_wait);
                    none.insert(opened.map_err(|error| NotOpen {
                        campaign: rules.name.clone(),
                        source: Box::new(error.into()),
                    })?)
                }
            };
            tests.judge(in_force, &tested, &stores.reader.lock()).map_err(store)?
        };
        let (mut counted, mut tested) = (counted.into_iter(), tested.into_iter());
        let next = |test: bool| if test { tested.next() } else { counted.next() };
        Ok(Some(is_test.into_iter().filter_map(next).collect()))
    }

    /// What testers sent of a campaign: its tally, as if it counted.
    ///
    /// # Errors
    /// When there is no such campaign, or its database fails.
    pub fn test_tally(&self, campaign: &str) -> Result<Tally, DrawError> {
        let stores = self.campaign(campaign)?.stores()?;
        let tests = stores.tests.lock();
        tests.as_ref().map_or_else(|| Ok(Tally::default()), Trial::tally).map_err(DrawError::Store)
    }

    /// Forgets what testers sent, so that limits and codes are theirs anew.
    ///
    /// # Errors
    /// When there is no such campaign, or its database fails.
    pub fn forget_tests(&self, campaign: &str) -> Result<(), DrawError> {
        let stores = self.campaign(campaign)?.stores()?;
        let mut tests = stores.tests.lock();
        tests.as_mut().map_or(Ok(()), Trial::clear).map_err(DrawError::Store)
    }
}
