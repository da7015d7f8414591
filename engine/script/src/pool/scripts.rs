use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_invocation::{Failure, Version};

use super::Settings;
use crate::message::Key;
use crate::source_limit;

/// A source that runs may name.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) key: Key,
    /// None for a dry run.
    pub(super) version: Option<Version>,
    pub(super) source: Arc<str>,
}

/// Why a version was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Its source.
    #[error("{octets} octets of source, the limit is {limit}")]
    TooLong {
        /// Its length.
        octets: usize,
        /// How long it may be: twice as long and a little when it is a bundle.
        limit: usize,
    },
    /// As many as may are loaded.
    #[error("{loaded} scripts are loaded, the limit")]
    TooMany {
        /// How many.
        loaded: usize,
    },
}

/// All versions that can be run, and how they behaved.
#[derive(Debug)]
pub(super) struct Scripts {
    loaded: FxHashMap<Version, Arc<Loaded>>,
    strikes: FxHashMap<Version, u32>,
    most: usize,
    most_strikes: u32,
}

impl Scripts {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            loaded: FxHashMap::default(),
            strikes: FxHashMap::default(),
            most: settings.scripts,
            most_strikes: settings.strikes,
        }
    }

    pub(super) fn load(&mut self, version: Version, loaded: Loaded) -> Result<(), LoadError> {
        let (octets, limit) = (loaded.source.len(), source_limit(&loaded.source));
        if octets > limit {
            return Err(LoadError::TooLong { octets, limit });
        }
        let known = self.loaded.get(&version);
        // The same again would be compiled again for nothing.
        if known.is_some_and(|known| known.source == loaded.source) {
            return Ok(());
        }
        if known.is_none() && self.loaded.len() >= self.most {
            return Err(LoadError::TooMany { loaded: self.loaded.len() });
        }
        self.loaded.insert(version, Arc::new(loaded));
        self.strikes.remove(&version);
        Ok(())
    }

    pub(super) fn unload(&mut self, version: Version) {
        self.loaded.remove(&version);
        self.strikes.remove(&version);
    }

    pub(super) fn get(&self, version: Version) -> Option<&Arc<Loaded>> {
        self.loaded.get(&version)
    }

    /// The source of a version that may run.
    pub(super) fn runnable(&self, version: Version) -> Result<Arc<Loaded>, Failure> {
        if let Some(failure) = self.held_back(version) {
            return Err(failure);
        }
        let Version { account, script, version: number } = version;
        self.get(version).map(Arc::clone).ok_or_else(|| {
            Failure::Invalid(format!(
                "version {number} of script {script} of account {account} is not loaded"
            ))
        })
    }

    /// Why a version may not run.
    pub(super) fn held_back(&self, version: Version) -> Option<Failure> {
        let strikes = self.strikes.get(&version).copied().unwrap_or(0);
        (strikes >= self.most_strikes).then_some(Failure::Suspended { strikes })
    }

    /// Counts a failure of a version's process; how many there were when that suspends it.
    pub(super) fn strike(&mut self, version: Version) -> Option<u32> {
        if !self.loaded.contains_key(&version) {
            return None;
        }
        let strikes = self.strikes.entry(version).or_insert(0);
        *strikes += 1;
        (*strikes == self.most_strikes).then_some(*strikes)
    }

    pub(super) fn lift(&mut self, version: Version) {
        self.strikes.remove(&version);
    }

    pub(super) fn len(&self) -> usize {
        self.loaded.len()
    }

    pub(super) fn suspended(&self) -> usize {
        self.strikes.values().filter(|&&strikes| strikes >= self.most_strikes).count()
    }
}
