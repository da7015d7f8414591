//! What applying a file to a catalog would change.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{Catalog, KindVisitor, Row, RowKind, each_kind};
use crate::change::{self, Changes};
use crate::value::{AccountPassword, Name, SecretPlaces};

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
        wanted.keep_passwords(current, places);
        let mut compared = Compared { current, wanted: &wanted, put: Vec::new(), removed: Vec::new() };
        each_kind(&mut compared);
        let mut changes = compared.put;
        if prune {
            // What refers goes before what it refers to.
            changes.extend(compared.removed.into_iter().rev());
        }
        Self { changes }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

struct Compared<'a> {
    current: &'a Catalog,
    wanted: &'a Catalog,
    put: Vec<RowChange>,
    removed: Vec<RowChange>,
}

impl KindVisitor for Compared<'_> {
    fn visit<R: Row>(&mut self) {
        let current = by_name::<R>(self.current);
        for row in R::rows(self.wanted) {
            let change = match current.get(row.name()) {
                None => RowChangeKind::Add,
                Some(old) if *old == row => continue,
                Some(old) => RowChangeKind::Change(change::between(*old, row)),
            };
            let (name, document) = (row.name().to_string(), Some(row.to_document()));
            self.put.push(RowChange { kind: R::KIND, name, change, document });
        }
        let kept: HashSet<&Name> = R::rows(self.wanted).iter().map(Row::name).collect();
        for row in R::rows(self.current).iter().filter(|row| !kept.contains(row.name())) {
            let (name, change) = (row.name().to_string(), RowChangeKind::Remove);
            self.removed.push(RowChange { kind: R::KIND, name, change, document: None });
        }
    }
}

fn by_name<R: Row>(catalog: &Catalog) -> HashMap<&Name, &R> {
    R::rows(catalog).iter().map(|row| (row.name(), row)).collect()
}

impl Catalog {
    /// Passwords that come as text and fit the hashes that are there become these. It takes some 20 ms for each:
    /// never on a runtime's thread.
    pub fn keep_passwords(&mut self, current: &Self, places: SecretPlaces<'_>) {
        let accounts = current.account.iter().map(|row| (&row.name, &row.password)).collect();
        for row in &mut self.account {
            keep_matching(&row.name, &mut row.password, &accounts, places);
        }
        let users = current.user.iter().map(|row| (&row.name, &row.password)).collect();
        for row in &mut self.user {
            keep_matching(&row.name, &mut row.password, &users, places);
        }
    }
}

fn keep_matching(
    name: &Name,
    password: &mut AccountPassword,
    held: &HashMap<&Name, &AccountPassword>,
    places: SecretPlaces<'_>,
) {
    let AccountPassword::Plain(secret) = &*password else { return };
    let Some(AccountPassword::Hashed(hash)) = held.get(name) else { return };
    if secret.reveal(places).is_ok_and(|text| hash.matches(&text)) {
        *password = AccountPassword::Hashed(hash.clone());
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
