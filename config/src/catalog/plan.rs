//! What applying a file to a catalog would change.

use std::fmt;

use super::{
    Account, Carrier, Catalog, CounterPolicy, Link, Route, Row, RowKind, Token, Webhook, WhiteListEntry,
};
use crate::change::{self, Changes};
use crate::value::{AccountPassword, SecretPlaces};

/// What happens to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChangeKind {
    /// It is new.
    Add,
    /// These of its fields change.
    Change(Changes),
    /// It goes.
    Remove,
}

/// One row that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// What it describes.
    pub kind: RowKind,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub change: RowChangeKind,
    /// The document to keep, with its secrets; none for a row that goes.
    pub document: Option<String>,
}

/// What applying a file changes, in an order in which no row refers to one that is not there yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogPlan {
    /// The rows that change.
    pub changes: Vec<RowChange>,
}

impl CatalogPlan {
    /// Compares the rows that are there with the rows that a file wants. Rows that the file does not have stay,
    /// unless `prune` says that they go.
    ///
    /// A password that the file brings as text and that fits the hash that is there is no change; it takes some
    /// 20 ms to find out for each: never on a runtime's thread.
    pub fn between(current: &Catalog, wanted: &Catalog, prune: bool, places: SecretPlaces<'_>) -> Self {
        let mut wanted = wanted.clone();
        for account in &mut wanted.account {
            keep_matching_password(account, current, places);
        }
        let mut plan = Self::default();
        plan.put::<Carrier>(current, &wanted);
        plan.put::<Account>(current, &wanted);
        plan.put::<Link>(current, &wanted);
        plan.put::<Route>(current, &wanted);
        plan.put::<CounterPolicy>(current, &wanted);
        plan.put::<WhiteListEntry>(current, &wanted);
        plan.put::<Token>(current, &wanted);
        plan.put::<Webhook>(current, &wanted);
        if prune {
            plan.remove::<Webhook>(current, &wanted);
            plan.remove::<Token>(current, &wanted);
            plan.remove::<WhiteListEntry>(current, &wanted);
            plan.remove::<CounterPolicy>(current, &wanted);
            plan.remove::<Route>(current, &wanted);
            plan.remove::<Link>(current, &wanted);
            plan.remove::<Account>(current, &wanted);
            plan.remove::<Carrier>(current, &wanted);
        }
        plan
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    fn put<T: Row>(&mut self, current: &Catalog, wanted: &Catalog) {
        for row in T::rows(wanted) {
            let change = match T::rows(current).iter().find(|old| old.name() == row.name()) {
                None => RowChangeKind::Add,
                Some(old) if old == row => continue,
                Some(old) => RowChangeKind::Change(change::between(old, row)),
            };
            let (name, document) = (row.name().to_string(), Some(row.to_document()));
            self.changes.push(RowChange { kind: T::KIND, name, change, document });
        }
    }

    fn remove<T: Row>(&mut self, current: &Catalog, wanted: &Catalog) {
        for row in T::rows(current) {
            if T::rows(wanted).iter().all(|kept| kept.name() != row.name()) {
                let (name, change) = (row.name().to_string(), RowChangeKind::Remove);
                self.changes.push(RowChange { kind: T::KIND, name, change, document: None });
            }
        }
    }
}

fn keep_matching_password(account: &mut Account, current: &Catalog, places: SecretPlaces<'_>) {
    let AccountPassword::Plain(secret) = &account.password else { return };
    let Some(before) = current.account.iter().find(|before| before.name == account.name) else { return };
    let AccountPassword::Hashed(hash) = &before.password else { return };
    if secret.reveal(places).is_ok_and(|password| hash.matches(&password)) {
        account.password = before.password.clone();
    }
}

impl fmt::Display for CatalogPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for RowChange { kind, name, change, .. } in &self.changes {
            match change {
                RowChangeKind::Add => writeln!(f, "+ {kind} {name}")?,
                RowChangeKind::Remove => writeln!(f, "- {kind} {name}")?,
                RowChangeKind::Change(changes) => {
                    writeln!(f, "~ {kind} {name}")?;
                    for change in &changes.0 {
                        writeln!(f, "    {change}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
