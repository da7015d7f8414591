//! Numbers and versions of rows by their names.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_core::backend::{CatalogRow, Kind, Version};
use signalbox_core::id::{AccountId, CarrierId, LinkId, WebhookId};

/// Numbers of names. Kinds that a change does not touch are shared with the catalog before it.
#[derive(Clone, Debug, Default)]
pub struct Ids(FxHashMap<Kind, Arc<OfKind>>);

#[derive(Clone, Debug, Default)]
struct OfKind {
    by_name: FxHashMap<Arc<str>, (u32, Version)>,
    by_id: FxHashMap<u32, Arc<str>>,
}

impl Ids {
    /// Takes the number and version of a row over.
    pub(super) fn put(&mut self, row: &CatalogRow) {
        let of = Arc::make_mut(self.0.entry(row.kind).or_default());
        let name: Arc<str> = row.name.as_str().into();
        of.by_name.insert(name.clone(), (row.id, row.version));
        of.by_id.insert(row.id, name);
    }

    /// Forgets a name.
    pub(super) fn remove(&mut self, kind: Kind, name: &str) {
        let of = Arc::make_mut(self.0.entry(kind).or_default());
        if let Some((id, _)) = of.by_name.remove(name) {
            of.by_id.remove(&id);
        }
    }

    fn get(&self, kind: Kind, name: &str) -> Option<(u32, Version)> {
        self.0.get(&kind)?.by_name.get(name).copied()
    }

    /// The number of a name.
    #[must_use]
    pub fn of(&self, kind: Kind, name: &str) -> Option<u32> {
        self.get(kind, name).map(|(id, _)| id)
    }

    /// The version that last changed a row; zero for one that is not there.
    #[must_use]
    pub fn version(&self, kind: Kind, name: &str) -> Version {
        self.get(kind, name).map(|(_, version)| version).unwrap_or_default()
    }

    /// The name of a number.
    #[must_use]
    pub fn name(&self, kind: Kind, id: u32) -> Option<&str> {
        self.0.get(&kind)?.by_id.get(&id).map(|name| &**name)
    }

    /// The account with this name.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<AccountId> {
        self.of(Kind::Account, name).map(AccountId)
    }

    /// The link with this name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<LinkId> {
        self.of(Kind::Link, name).map(LinkId)
    }

    /// The carrier with this name.
    #[must_use]
    pub fn carrier(&self, name: &str) -> Option<CarrierId> {
        self.of(Kind::Carrier, name).map(CarrierId)
    }

    /// The HTTP target with this name.
    #[must_use]
    pub fn webhook(&self, name: &str) -> Option<WebhookId> {
        self.of(Kind::Webhook, name).map(WebhookId)
    }
}
