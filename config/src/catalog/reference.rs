//! Rows that refer to each other, and things that only one row may have.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::marker::PhantomData;

use super::{
    Account, Catalog, CounterPolicy, CounterScope, Enterprise, KindVisitor, Row, User, WhiteListEntry,
    dialog, each_kind, quota, registry, tenancy,
};
use crate::error::Problem;
use crate::setting::{Cursor, Problems};
use crate::tree::{Tree, Value};
use crate::value::Name;

/// Where rows stand in a document, for errors: looked up when there is one, since most catalogs have none and some
/// have 100,000 rows.
#[derive(Clone, Copy)]
pub(super) struct Places<'c, 'a> {
    top: &'c Cursor<'a>,
}

impl<'c, 'a> Places<'c, 'a> {
    pub(super) fn new(top: &'c Cursor<'a>) -> Self {
        Self { top }
    }

    /// Records what is wrong at a key of a row. The key may be a path such as `then.links[2].link`.
    pub(super) fn conflict<R: Row>(
        self,
        row: usize,
        path: &str,
        reason: impl Into<String>,
        problems: &mut Problems<'_>,
    ) {
        let kind = R::KIND.as_str();
        let item = |tree: &'a Tree, index: usize| match &tree.value {
            Value::List(items) => items.get(index),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Secret(_)
            | Value::Table(_) => None,
        };
        let mut tree = self.top.tree.get(kind).and_then(|list| item(list, row));
        let mut at = tree.and_then(|tree| tree.at);
        for step in path.split('.') {
            let (key, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
                Some((key, index)) => (key, index.parse().ok()),
                None => (step, None),
            };
            tree = tree.and_then(|tree| tree.get(key));
            if let Some(index) = index {
                tree = tree.and_then(|list| item(list, index));
            }
            at = tree.and_then(|tree| tree.at).or(at);
        }
        let key = self.top.path_of(&format!("{kind}[{row}].{path}"));
        problems.push(at, &key, Problem::Conflict(reason.into()));
    }
}

/// Records every reference to a row that is neither in the catalog nor known already.
pub(super) fn check(catalog: &Catalog, known: &Catalog, at: &Cursor<'_>, problems: &mut Problems<'_>) {
    let places = Places::new(at);
    let accounts = Rows::of(catalog, known, |catalog| &catalog.account);
    let enterprises = Rows::<Enterprise>::of(catalog, known, |catalog| &catalog.enterprise);
    let links = Rows::of(catalog, known, |catalog| &catalog.link);
    let carriers = Rows::of(catalog, known, |catalog| &catalog.carrier);
    let users = Rows::<User>::of(catalog, known, |catalog| &catalog.user);

    for (index, route) in catalog.route.iter().enumerate() {
        let mut at = Referrer::of(route, index, places, &mut *problems);
        at.all(&accounts, &route.when.account, "when.account");
        at.all(&carriers, &route.when.carrier, "when.carrier");
        at.all(&links, &route.when.ingress, "when.ingress");
        at.one(&accounts, route.then.account.as_ref(), "then.account");
        for (place, target) in route.then.links.iter().flatten().enumerate() {
            at.one(&links, Some(&target.link), &format!("then.links[{place}].link"));
        }
    }
    for (index, link) in catalog.link.iter().enumerate() {
        let mut at = Referrer::of(link, index, places, &mut *problems);
        at.one(&carriers, link.carrier.as_ref(), "carrier");
    }
    for (index, policy) in catalog.counter_policy.iter().enumerate() {
        if let CounterScope::Carrier(carrier) = &policy.scope {
            let mut at = Referrer::of(policy, index, places, &mut *problems);
            at.one(&carriers, Some(carrier), "scope");
        }
    }
    for (index, token) in catalog.token.iter().enumerate() {
        let mut at = Referrer::of(token, index, places, &mut *problems);
        at.one(&accounts, token.account.as_ref(), "account");
        at.one(&enterprises, token.enterprise.as_ref(), "enterprise");
        at.one(&users, token.user.as_ref(), "user");
    }
    for (index, user) in catalog.user.iter().enumerate() {
        let mut at = Referrer::of(user, index, places, &mut *problems);
        at.one(&accounts, user.account.as_ref(), "account");
        at.one(&enterprises, user.enterprise.as_ref(), "enterprise");
    }
    for (index, webhook) in catalog.webhook.iter().enumerate() {
        let mut at = Referrer::of(webhook, index, places, &mut *problems);
        at.one(&accounts, Some(&webhook.account), "account");
    }
    tenancy::check(catalog, (&enterprises, &accounts), places, problems);
    dialog::check(catalog, known, places, problems);
    quota::check(catalog, places, problems);
}

/// Records everything that two rows have and only one may.
pub(super) fn check_unique(catalog: &Catalog, at: &Cursor<'_>, problems: &mut Problems<'_>) {
    let places = Places::new(at);
    each_kind(&mut UniqueNames { catalog, places, problems: &mut *problems });

    unique(&catalog.account, |row| [row.system_id.as_str()], "system_id", places, problems);
    unique(&catalog.token, |row| [row.secret], "secret", places, problems);
    let scope = |row: &CounterPolicy| match row.members.is_empty() {
        true => Some((row.kind, row.scope.clone())),
        false => None,
    };
    unique(&catalog.counter_policy, scope, "scope", places, problems);
    unique(&catalog.carrier, |row| row.prefixes.clone(), "prefixes", places, problems);
    let listed = |row: &WhiteListEntry| [(row.side, row.address.clone())];
    unique(&catalog.white_list, listed, "address", places, problems);
    // An MO message goes to one account; where patterns overlap the longest decides, so that only equal ones clash.
    unique(&catalog.account, |row: &Account| row.mo_addresses.clone(), "mo_addresses", places, problems);
    let approved =
        |row: &'_ super::Approval| [(row.program.clone(), row.source_address.clone(), row.carrier.clone())];
    unique(&catalog.approval, approved, "carrier", places, problems);
    registry::check(catalog, places, problems);
}

struct UniqueNames<'x, 'c, 'a, 'p> {
    catalog: &'x Catalog,
    places: Places<'c, 'a>,
    problems: &'x mut Problems<'p>,
}

impl KindVisitor for UniqueNames<'_, '_, '_, '_> {
    fn visit<R: Row>(&mut self) {
        unique(R::rows(self.catalog), |row| [row.name()], "name", self.places, self.problems);
    }
}

fn unique<'r, R: Row, K: Eq + Hash, I: IntoIterator<Item = K>>(
    rows: &'r [R],
    keys: impl Fn(&'r R) -> I,
    field: &str,
    places: Places<'_, '_>,
    problems: &mut Problems<'_>,
) {
    let mut first: HashMap<K, &'r R> = HashMap::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        for key in keys(row) {
            if let Some(other) = first.get(&key) {
                let reason = format!("the {} `{}` has this already", R::KIND, other.name());
                places.conflict::<R>(index, field, reason, problems);
                continue;
            }
            first.insert(key, row);
        }
    }
}

/// Rows by their names: those of the catalog, and those known that it does not replace.
pub(super) struct Rows<'a, R> {
    by_name: HashMap<&'a Name, &'a R>,
}

impl<'a, R: Row> Rows<'a, R> {
    pub(super) fn of(
        catalog: &'a Catalog,
        known: &'a Catalog,
        rows: impl Fn(&'a Catalog) -> &'a Vec<R>,
    ) -> Self {
        let all = rows(known).iter().chain(rows(catalog));
        Self { by_name: all.map(|row| (row.name(), row)).collect() }
    }

    pub(super) fn get(&self, name: &Name) -> Option<&'a R> {
        self.by_name.get(name).copied()
    }
}

/// A row whose references are checked.
pub(super) struct Referrer<'x, 'c, 'a, 'p, R> {
    row: PhantomData<R>,
    index: usize,
    places: Places<'c, 'a>,
    problems: &'x mut Problems<'p>,
}

impl<'x, 'c, 'a, 'p, R: Row> Referrer<'x, 'c, 'a, 'p, R> {
    /// This row, which is at this place of its kind.
    pub(super) fn of(_: &R, index: usize, places: Places<'c, 'a>, problems: &'x mut Problems<'p>) -> Self {
        Self { row: PhantomData, index, places, problems }
    }

    /// Records what is wrong at a key.
    pub(super) fn conflict(&mut self, path: &str, reason: impl Into<String>) {
        self.places.conflict::<R>(self.index, path, reason, self.problems);
    }

    /// The row that is referred to; it is recorded when it is not there.
    pub(super) fn one<'r, T: Row>(
        &mut self,
        rows: &Rows<'r, T>,
        name: Option<&Name>,
        path: &str,
    ) -> Option<&'r T> {
        let name = name?;
        let found = rows.get(name);
        if found.is_none() {
            self.conflict(path, format!("there is no {} `{name}`", T::KIND));
        }
        found
    }

    /// The same for each of a list.
    pub(super) fn all<T: Row>(&mut self, rows: &Rows<'_, T>, names: &[Name], path: &str) {
        for name in names {
            self.one(rows, Some(name), path);
        }
    }
}

/// Records rows that are, by the names that `above` gives, above themselves.
pub(super) fn check_no_circle<'r, R: Row>(
    rows: &[R],
    known: &Rows<'r, R>,
    above: impl Fn(&R) -> Option<&Name>,
    field: &str,
    places: Places<'_, '_>,
    problems: &mut Problems<'_>,
) {
    for (index, row) in rows.iter().enumerate() {
        let mut seen = HashSet::from([row.name()]);
        let mut next = above(row);
        while let Some(name) = next {
            if !seen.insert(name) {
                let reason = format!("leads back to `{name}`: nothing can be above itself");
                places.conflict::<R>(index, field, reason, problems);
                break;
            }
            next = known.get(name).and_then(|row: &'r R| above(row));
        }
    }
}
