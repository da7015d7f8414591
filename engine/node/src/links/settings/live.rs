use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::LinkRules;

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
