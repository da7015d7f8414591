//! How judging stands, campaign by campaign: what waits, and whose database fails since when. Each campaign is tried
//! again for itself, with pauses that grow; metrics and the API say so meanwhile (rule 5).

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::backend::Clock;
use signalbox_core::time::Micros;

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(30);

/// Since when and why a campaign's entries cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Since when, UTC.
    pub since: Micros,
    /// Tries that failed since then.
    pub tries: u64,
    /// Why the last one failed, without paths.
    pub reason: String,
}

#[derive(Default)]
struct State {
    waiting: FxHashMap<String, u64>,
    failing: FxHashMap<String, Failing>,
}

/// What is known of each campaign.
pub struct Standing {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Standing {
    /// Nothing waits and nothing fails.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// A try to open or judge failed.
    pub(crate) fn failed(&self, campaign: &str, error: &(dyn std::error::Error + 'static)) {
        not_judged(campaign, error);
        let mut state = self.state.lock();
        let since = self.clock.now().wall;
        let failing = state.failing.entry(campaign.to_owned());
        let failing = failing.or_insert(Failing { since, tries: 0, reason: String::new() });
        failing.tries += 1;
        failing.reason = error.to_string();
        gauge(&state);
    }

    /// Its database can be used.
    pub(crate) fn works(&self, campaign: &str) {
        let mut state = self.state.lock();
        if state.failing.remove(campaign).is_some() {
            tracing::info!(campaign, "entries are judged again");
            gauge(&state);
        }
    }

    /// The campaign is no more.
    pub(crate) fn gone(&self, campaign: &str) {
        self.works(campaign);
    }

    /// So many entries wait more.
    pub(crate) fn came(&self, campaign: &str, entries: u64) {
        *self.state.lock().waiting.entry(campaign.to_owned()).or_default() += entries;
    }

    /// So many have verdicts.
    pub(crate) fn judged(&self, campaign: &str, entries: u64) {
        let mut state = self.state.lock();
        let Some(waiting) = state.waiting.get_mut(campaign) else { return };
        *waiting = waiting.saturating_sub(entries);
        if *waiting == 0 {
            state.waiting.remove(campaign);
        }
    }

    /// Entries by form and API that wait for a campaign.
    #[must_use]
    pub fn waiting(&self, campaign: &str) -> u64 {
        self.state.lock().waiting.get(campaign).copied().unwrap_or_default()
    }

    /// All of them, and the most that wait for one campaign.
    pub(crate) fn all_waiting(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.waiting.values().sum(), state.waiting.values().copied().max().unwrap_or_default())
    }

    /// Since when and why its entries cannot be judged, if that is so.
    #[must_use]
    pub fn failing(&self, campaign: &str) -> Option<Failing> {
        self.state.lock().failing.get(campaign).cloned()
    }

    /// The campaigns of which that is so.
    pub(crate) fn all_failing(&self) -> Vec<String> {
        self.state.lock().failing.keys().cloned().collect()
    }
}

fn gauge(state: &State) {
    metrics::gauge!("participation_campaigns_failing").set(state.failing.len() as f64);
}

/// Says that entries wait for another try.
pub(crate) fn not_judged(campaign: &str, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(campaign, error, "entries cannot be judged");
    metrics::counter!("participation_failures_total").increment(1);
}

/// Pauses between tries: one second, then twice as long as before up to a bound.
#[derive(Debug, Default)]
pub(crate) struct BackOff(u32);

impl BackOff {
    /// How long to wait before the next try.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = Duration::from_secs(1 << self.0.min(16)).min(LONGEST);
        self.0 = self.0.saturating_add(1);
        pause
    }

    /// A try succeeded.
    pub(crate) fn reset(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_begin_anew_after_a_success() {
        let mut pauses = BackOff::default();
        let seconds: Vec<u64> = (0..7).map(|_| pauses.pause().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        (0..100).for_each(|_| assert!(pauses.pause() <= LONGEST));
        pauses.reset();
        assert_eq!(pauses.pause(), Duration::from_secs(1));
    }
}
