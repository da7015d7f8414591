//! Rows that refer to each other, and things that only one row may have.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::{
    Account, Carrier, Catalog, CounterPolicy, CounterScope, Link, Route, Row, Token, Webhook, WhiteListEntry,
};
use crate::setting::{Cursor, Problems};
use crate::value::Name;

/// Records every reference to a row that is neither in the catalog nor known already.
pub(super) fn check(catalog: &Catalog, known: &Catalog, at: &Cursor<'_>, problems: &mut Problems<'_>) {
    let accounts = Names::of::<Account>(catalog, known);
    let links = Names::of::<Link>(catalog, known);
    let carriers = Names::of::<Carrier>(catalog, known);

    for (route, at) in catalog.route.iter().zip(rows(at, "route")) {
        if let Some(when) = at.key("when") {
            accounts.check_all(&route.when.account, &when, "account", problems);
            carriers.check_all(&route.when.carrier, &when, "carrier", problems);
            links.check_all(&route.when.ingress, &when, "ingress", problems);
        }
        let Some(then) = at.key("then") else { continue };
        accounts.check(route.then.account.as_ref(), &then, "account", problems);
        let targets = then.key("links");
        let targets = targets.iter().flat_map(Cursor::items);
        for (target, at) in route.then.links.iter().flatten().zip(targets) {
            links.check(Some(&target.link), &at, "link", problems);
        }
    }
    for (link, at) in catalog.link.iter().zip(rows(at, "link")) {
        carriers.check(link.carrier.as_ref(), &at, "carrier", problems);
    }
    for (policy, at) in catalog.counter_policy.iter().zip(rows(at, "counter_policy")) {
        if let CounterScope::Carrier(carrier) = &policy.scope {
            carriers.check(Some(carrier), &at, "scope", problems);
        }
    }
    for (token, at) in catalog.token.iter().zip(rows(at, "token")) {
        accounts.check(token.account.as_ref(), &at, "account", problems);
    }
    for (webhook, at) in catalog.webhook.iter().zip(rows(at, "webhook")) {
        accounts.check(Some(&webhook.account), &at, "account", problems);
    }
}

/// Records everything that two rows have and only one may.
pub(super) fn check_unique(catalog: &Catalog, at: &Cursor<'_>, problems: &mut Problems<'_>) {
    unique_names::<Account>(catalog, at, problems);
    unique_names::<Link>(catalog, at, problems);
    unique_names::<Route>(catalog, at, problems);
    unique_names::<Carrier>(catalog, at, problems);
    unique_names::<CounterPolicy>(catalog, at, problems);
    unique_names::<WhiteListEntry>(catalog, at, problems);
    unique_names::<Token>(catalog, at, problems);
    unique_names::<Webhook>(catalog, at, problems);

    unique(&catalog.account, |row| vec![row.system_id.as_str()], at, ("account", "system_id"), problems);
    unique(&catalog.token, |row| vec![row.secret], at, ("token", "secret"), problems);
    let scope = |row: &CounterPolicy| match row.members.is_empty() {
        true => vec![(row.kind, row.scope.clone())],
        false => vec![],
    };
    unique(&catalog.counter_policy, scope, at, ("counter_policy", "scope"), problems);
    let prefixes = |row: &Carrier| row.prefixes.clone();
    unique(&catalog.carrier, prefixes, at, ("carrier", "prefixes"), problems);
    let listed = |row: &WhiteListEntry| vec![(row.side, row.address.clone())];
    unique(&catalog.white_list, listed, at, ("white_list", "address"), problems);
    // An MO message goes to one account; where patterns overlap the longest decides, so that only equal ones clash.
    let own = |row: &Account| row.mo_addresses.clone();
    unique(&catalog.account, own, at, ("account", "mo_addresses"), problems);
}

fn unique_names<T: Row>(catalog: &Catalog, at: &Cursor<'_>, problems: &mut Problems<'_>) {
    let name = |row: &T| vec![row.name().clone()];
    unique(T::rows(catalog), name, at, (T::KIND.as_str(), "name"), problems);
}

fn unique<'r, T: Row, K: Eq + Hash>(
    rows_of_kind: &'r [T],
    keys: impl Fn(&'r T) -> Vec<K>,
    at: &Cursor<'_>,
    (kind, field): (&str, &str),
    problems: &mut Problems<'_>,
) {
    let mut first: HashMap<K, &'r T> = HashMap::new();
    for (row, at) in rows_of_kind.iter().zip(rows(at, kind)) {
        for key in keys(row) {
            if let Some(other) = first.get(&key) {
                let reason = format!("the {kind} `{}` has this already", other.name());
                problems.conflict(&at, field, reason);
                continue;
            }
            first.insert(key, row);
        }
    }
}

fn rows<'a>(at: &Cursor<'a>, kind: &str) -> impl Iterator<Item = Cursor<'a>> {
    at.key(kind).into_iter().flat_map(|list| list.items())
}

struct Names<'a> {
    kind: &'static str,
    names: HashSet<&'a Name>,
}

impl<'a> Names<'a> {
    fn of<T: Row + 'a>(catalog: &'a Catalog, known: &'a Catalog) -> Self {
        let names = T::rows(catalog).iter().chain(T::rows(known)).map(Row::name).collect();
        Self { kind: T::KIND.as_str(), names }
    }

    fn check(&self, name: Option<&Name>, at: &Cursor<'_>, key: &str, problems: &mut Problems<'_>) {
        if let Some(name) = name.filter(|name| !self.names.contains(name)) {
            problems.conflict(at, key, format!("there is no {} `{name}`", self.kind));
        }
    }

    fn check_all(&self, names: &[Name], at: &Cursor<'_>, key: &str, problems: &mut Problems<'_>) {
        for name in names {
            self.check(Some(name), at, key, problems);
        }
    }
}
