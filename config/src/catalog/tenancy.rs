//! Who is above whom: enterprises, their accounts, and accounts below accounts (MQ-19, MQ-31).

use std::collections::HashMap;

use super::reference::{Places, Referrer, Rows, check_no_circle};
use super::{Account, Catalog, Enterprise, OptOutLevel, Owner, Row};
use crate::setting::Problems;
use crate::value::{Name, TimeZone};

/// Checks that what is above is there and not below.
pub(super) fn check(
    catalog: &Catalog,
    (enterprises, accounts): (&Rows<'_, Enterprise>, &Rows<'_, Account>),
    places: Places<'_, '_>,
    problems: &mut Problems<'_>,
) {
    for (index, enterprise) in catalog.enterprise.iter().enumerate() {
        let mut at = Referrer::of(enterprise, index, places, &mut *problems);
        at.one(enterprises, enterprise.parent.as_ref(), "parent");
    }
    for (index, account) in catalog.account.iter().enumerate() {
        let mut at = Referrer::of(account, index, places, &mut *problems);
        at.one(enterprises, account.enterprise.as_ref(), "enterprise");
        let parent = at.one(accounts, account.parent.as_ref(), "parent");
        if let (Some(own), Some(parent)) = (&account.enterprise, parent)
            && parent.enterprise.as_ref() != Some(own)
        {
            at.conflict("enterprise", format!("is not that of the account above, `{}`", parent.name));
        }
    }
    check_no_circle(&catalog.enterprise, enterprises, |row| row.parent.as_ref(), "parent", places, problems);
    check_no_circle(&catalog.account, accounts, |row| row.parent.as_ref(), "parent", places, problems);
}

/// Levels of a tree that are walked at most: more is a circle that got past the checks.
const DEEPEST: usize = 64;

/// The tree of enterprises and accounts of a catalog.
#[derive(Clone, Debug)]
pub struct Tenancy<'a> {
    enterprises: HashMap<&'a Name, &'a Enterprise>,
    accounts: HashMap<&'a Name, &'a Account>,
    scripts: HashMap<&'a Name, &'a Name>,
    programs: HashMap<&'a Name, Owner<'a>>,
}

impl<'a> Tenancy<'a> {
    /// The tree of these rows.
    pub fn of(catalog: &'a Catalog) -> Self {
        Self {
            enterprises: catalog.enterprise.iter().map(|row| (&row.name, row)).collect(),
            accounts: catalog.account.iter().map(|row| (&row.name, row)).collect(),
            scripts: catalog.script.iter().map(|row| (&row.name, &row.account)).collect(),
            programs: catalog.program.iter().map(|row| (&row.name, row.owner())).collect(),
        }
    }

    /// The account and all above it, nearest first.
    pub fn accounts_above(&self, account: &Name) -> impl Iterator<Item = &'a Account> {
        let first = self.accounts.get(account).copied();
        let above = |row: &&'a Account| self.accounts.get(row.parent.as_ref()?).copied();
        std::iter::successors(first, above).take(DEEPEST)
    }

    /// The enterprise that an account belongs to: its own, or that of the nearest account above that has one.
    pub fn enterprise_of(&self, account: &Name) -> Option<&'a Name> {
        self.accounts_above(account).find_map(|row| row.enterprise.as_ref())
    }

    /// The enterprise and all above it, nearest first.
    pub fn enterprises_above(&self, enterprise: &Name) -> impl Iterator<Item = &'a Enterprise> {
        let first = self.enterprises.get(enterprise).copied();
        let above = |row: &&'a Enterprise| self.enterprises.get(row.parent.as_ref()?).copied();
        std::iter::successors(first, above).take(DEEPEST)
    }

    /// The account, enterprise or platform behind an owner; `None` when what it is told by is gone.
    fn behind<'o>(&self, owner: Owner<'o>) -> Option<Owner<'o>>
    where
        'a: 'o,
    {
        match owner {
            Owner::Platform | Owner::Account(_) | Owner::Enterprise(_) => Some(owner),
            Owner::Script(script) => self.scripts.get(script).copied().map(Owner::Account),
            Owner::Program(program) => self.programs.get(program).copied(),
        }
    }

    /// Whether an owner is `scope` or below it (MQ-31). The platform is above everything, and nothing of it is below
    /// an account or an enterprise.
    pub fn is_within(&self, owner: Owner<'_>, scope: Owner<'_>) -> bool {
        let Some((owner, scope)) = self.behind(owner).zip(self.behind(scope)) else { return false };
        match (owner, scope) {
            (_, Owner::Platform) => true,
            (Owner::Account(account), Owner::Account(scope)) => {
                account == scope || self.accounts_above(account).any(|row| row.name == *scope)
            }
            (Owner::Account(account), Owner::Enterprise(scope)) => {
                let own = self.enterprise_of(account);
                own.is_some_and(|own| self.is_within(Owner::Enterprise(own), Owner::Enterprise(scope)))
            }
            (Owner::Enterprise(enterprise), Owner::Enterprise(scope)) => {
                enterprise == scope || self.enterprises_above(enterprise).any(|row| row.name == *scope)
            }
            (Owner::Enterprise(_), Owner::Account(_))
            | (Owner::Platform, _)
            | (Owner::Script(_) | Owner::Program(_), _)
            | (_, Owner::Script(_) | Owner::Program(_)) => false,
        }
    }

    /// What stops an account, where something does: itself or an account above that is switched off, or an
    /// enterprise above that is suspended.
    pub fn stopped_by(&self, account: &Name) -> Option<&'a Name> {
        let off = self.accounts_above(account).find(|row| !row.enabled).map(|row| &row.name);
        off.or_else(|| {
            let enterprise = self.enterprise_of(account)?;
            self.enterprises_above(enterprise).find(|row| row.suspended).map(|row| &row.name)
        })
    }

    /// How far a plain STOP to an account reaches (decision D8).
    pub fn opt_out_level(&self, account: &Name) -> OptOutLevel {
        let own = self.accounts_above(account).find_map(|row| row.opt_out_level);
        let enterprise = || {
            let name = self.enterprise_of(account)?;
            self.enterprises.get(name).map(|row| row.opt_out_level)
        };
        own.or_else(enterprise).unwrap_or(OptOutLevel::Account)
    }

    /// The time zone of an account's days; UTC when nothing says another.
    pub fn time_zone(&self, account: &Name) -> Option<&'a TimeZone> {
        let own = self.accounts_above(account).find_map(|row| row.time_zone.as_ref());
        own.or_else(|| {
            let name = self.enterprise_of(account)?;
            self.enterprises.get(name).map(|row| &row.time_zone)
        })
    }
}
