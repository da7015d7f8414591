use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use signalbox_smpp::Profile;

use super::{LinkRules, LinkSettings, Reconnect, SessionTimes};

/// Rules of a link that its sessions follow while they are bound: whoever has a clone sees other rules from the next
/// message on.
#[derive(Clone)]
pub struct LiveRules(Arc<ArcSwap<LinkRules>>);

impl LiveRules {
    /// What holds now.
    #[must_use]
    pub fn now(&self) -> Guard<Arc<LinkRules>> {
        self.0.load()
    }

    /// The rules of `other` hold from now on.
    pub fn follow(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }
}

impl From<LinkRules> for LiveRules {
    fn from(rules: LinkRules) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(rules)))
    }
}

impl Default for LiveRules {
    fn default() -> Self {
        LinkRules::default().into()
    }
}

impl PartialEq for LiveRules {
    fn eq(&self, other: &Self) -> bool {
        **self.0.load() == **other.0.load()
    }
}

impl std::fmt::Debug for LiveRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.now().fmt(f)
    }
}

/// What of a link is not in its rules and holds for its sessions over SMPP while they are bound, from their next turn
/// on: within a heartbeat of supervision.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// Requests of ours on one session that may be without an answer.
    pub window: u32,
    /// Requests of the peer on one session that may be without an answer.
    pub inbound_window: u32,
    /// Timers.
    pub times: SessionTimes,
    /// Waits between attempts to connect.
    pub reconnect: Reconnect,
    /// What its PDUs have of their own.
    pub profile: Profile,
}

/// The tuning that took the place of the one that the link's sessions were made with, if another did.
#[derive(Clone, Debug, Default)]
pub struct LiveTuning(Arc<ArcSwapOption<Tuning>>);

impl PartialEq for LiveTuning {
    /// It says nothing of the settings that it is in: whoever asks whether these differ asks for what was written.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl LinkSettings {
    /// What holds now.
    #[must_use]
    pub fn tuning(&self) -> Arc<Tuning> {
        self.tuned.0.load_full().unwrap_or_else(|| Arc::new(self.own_tuning()))
    }

    /// What holds now, if it is another than `known`.
    #[must_use]
    pub fn retuned(&self, known: &Arc<Tuning>) -> Option<Arc<Tuning>> {
        let now = self.tuned.0.load();
        now.as_ref().filter(|now| !Arc::ptr_eq(now, known)).cloned()
    }

    fn own_tuning(&self) -> Tuning {
        Tuning {
            window: self.window,
            inbound_window: self.inbound_window,
            times: self.times,
            reconnect: self.reconnect,
            profile: self.profile.clone(),
        }
    }

    /// True when sessions that were made from `before` go on: nothing differs but what they [`follow`](Self::follow).
    /// A link over HTTP follows its rules alone: its client is made for its window and times.
    #[must_use]
    pub fn keeps_sessions_of(&self, before: &Self) -> bool {
        let mut alike = Self { rules: before.rules.clone(), ..self.clone() };
        if self.http.is_none() {
            alike.window = before.window;
            alike.inbound_window = before.inbound_window;
            alike.times = before.times;
            alike.reconnect = before.reconnect;
            alike.profile = before.profile.clone();
        }
        alike == *before
    }

    /// Rules and tuning that `other` was written with hold from now on, for sessions that are bound too.
    pub fn follow(&self, other: &Self) {
        self.rules.follow(&other.rules);
        self.tuned.0.store(Some(Arc::new(other.own_tuning())));
    }
}
