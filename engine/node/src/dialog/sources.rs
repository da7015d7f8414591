//! The pool of source addresses: programs, approvals and earlier uses decide (SRC-09 to SRC-16).

use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_config::catalog::Tenancy;
use signalbox_core::address::Address;
use signalbox_core::backend::Kind;
use signalbox_dialog::{Chosen, NoSource, Sources, Wish};
use signalbox_programs::{Book, Device, LastUse, Policy, Reason, Request, Today};

use super::addresses::Own;
use super::devices::country_of;
use crate::catalog::Snapshot;
use crate::programs::policy;

/// An account and what is above it, by name.
#[derive(Clone, Debug)]
struct Tenant {
    name: String,
    above: Vec<String>,
    enterprises: Vec<String>,
}

/// What a sub-campaign says of its addresses.
#[derive(Clone, Debug)]
struct Way {
    /// The only one that it sends from.
    fixed: Option<String>,
    policy: Option<Policy>,
}

/// Programs, source addresses and approvals of a catalog, with the numbers of their names.
#[derive(Clone, Debug)]
pub struct Pool {
    book: Arc<Book>,
    /// Numbers and addresses, by name.
    addresses: FxHashMap<String, (u32, Address)>,
    names: FxHashMap<u32, String>,
    /// Names by the digits; short codes of several countries may have the same.
    by_key: FxHashMap<Box<[u8]>, Vec<(String, String)>>,
    tenants: FxHashMap<u32, Tenant>,
    carriers: FxHashMap<u32, String>,
    ways: FxHashMap<u32, Way>,
}

impl Pool {
    pub(super) fn new(snapshot: &Snapshot, book: Arc<Book>, own: &[Own<'_>]) -> Self {
        let rows = &snapshot.rows;
        let names: FxHashMap<u32, String> =
            own.iter().map(|own| (own.id, own.row.name.to_string())).collect();
        let carriers = rows
            .carrier
            .iter()
            .filter_map(|row| Some((snapshot.ids.carrier(row.name.as_str())?.0, row.name.to_string())));
        let ways = rows.sub_campaign.iter().filter(|row| row.source_address.is_some() || row.pool.is_some());
        let ways = ways.filter_map(|row| {
            let fixed = row.source_address.as_ref().map(ToString::to_string);
            let way = Way { fixed, policy: row.pool.map(policy) };
            Some((snapshot.ids.of(Kind::SubCampaign, row.name.as_str())?, way))
        });
        let mut by_key: FxHashMap<Box<[u8]>, Vec<(String, String)>> = FxHashMap::default();
        for own in own {
            let known = (own.row.name.to_string(), own.row.country.to_string());
            by_key.entry(own.address.key().into()).or_default().push(known);
        }
        Self {
            book,
            addresses: own
                .iter()
                .map(|own| (own.row.name.to_string(), (own.id, own.address.clone())))
                .collect(),
            by_key,
            names,
            tenants: tenants(snapshot),
            carriers: carriers.collect(),
            ways: ways.collect(),
        }
    }

    /// The address of a conversation: by its number, else by its digits, of several the one of the device's country.
    fn here(&self, wish: &Wish<'_>, country: &str) -> Option<&String> {
        let same = self.by_key.get(wish.stays_on?.key())?;
        let known =
            self.names.get(&wish.stays_at).filter(|name| same.iter().any(|(other, _)| other == *name));
        known.or_else(|| match same.as_slice() {
            [(only, _)] => Some(only),
            several => several.iter().find(|(_, own)| own == country).map(|(name, _)| name),
        })
    }

    fn chosen(&self, name: &str, reason: &'static str) -> Result<Chosen, NoSource> {
        let (id, source) = self.addresses.get(name).ok_or(NoSource("address_not_in_use"))?;
        Ok(Chosen { id: *id, source: source.clone(), reason })
    }
}

impl Sources for Pool {
    fn choose(&self, wish: &Wish<'_>) -> Result<Chosen, NoSource> {
        let digits = wish.device.digits().unwrap_or_default();
        let region = country_of(digits);
        let country = region.as_ref().map_or("", |region| region.as_str());
        let here = self.here(wish, country);
        // The answer to STOP or HELP comes from where the word went, whatever is approved there.
        if wish.owed
            && let Some(here) = here
        {
            return self.chosen(here, "conversation");
        }
        let tenant = self.tenants.get(&wish.account).ok_or(NoSource("address_not_for_account"))?;
        let above: Vec<&str> = tenant.above.iter().map(String::as_str).collect();
        let enterprises: Vec<&str> = tenant.enterprises.iter().map(String::as_str).collect();
        let history: Vec<LastUse<'_>> = wish
            .uses
            .iter()
            .filter_map(|used| {
                let address = self.names.get(&used.address)?;
                // What an account that is gone used counts as used by another one.
                let account = self.tenants.get(&used.account).map_or("", |tenant| &tenant.name);
                Some(LastUse { address, account, at: used.at.0 })
            })
            .collect();
        let busy: Vec<&str> =
            wish.busy.iter().filter_map(|id| self.names.get(id)).map(String::as_str).collect();
        let way = self.ways.get(&wish.sub_campaign);
        let request = Request {
            program: wish.program,
            account: &tenant.name,
            above: &above,
            enterprises: &enterprises,
            device: Device {
                number: std::str::from_utf8(digits).unwrap_or_default(),
                country,
                carrier: wish.carrier.and_then(|id| self.carriers.get(&id.0)).map(String::as_str),
            },
            fixed: way.and_then(|way| way.fixed.as_deref()),
            avoid: &busy,
            policy: way.and_then(|way| way.policy),
            test: wish.test,
            history: &history,
            now: wish.now.0,
        };
        // Limits of a day are the send gate's, which counts what leaves.
        let today = Today::default();
        if request.fixed.is_none()
            && let Some(here) = here
            && self.book.choose(&Request { fixed: Some(here), ..request.clone() }, &today).is_ok()
        {
            return self.chosen(here, "conversation");
        }
        match self.book.choose(&request, &today) {
            Ok(choice) => self.chosen(choice.address, reason(choice.reason)),
            Err(refusal) => Err(NoSource(refusal.status())),
        }
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Fixed => "fixed",
        Reason::Only => "only",
        Reason::UnusedByOthers => "unused_by_others",
        Reason::OldestUse => "oldest_use",
        Reason::Sticky => "sticky",
        Reason::Local => "local",
    }
}

fn tenants(snapshot: &Snapshot) -> FxHashMap<u32, Tenant> {
    let tenancy = Tenancy::of(&snapshot.rows);
    let tenants = snapshot.rows.account.iter().filter_map(|row| {
        let id = snapshot.ids.account(row.name.as_str())?;
        let above = tenancy.accounts_above(&row.name).skip(1).map(|above| above.name.to_string()).collect();
        let enterprise = tenancy.enterprise_of(&row.name);
        let enterprises = enterprise.map(|name| tenancy.enterprises_above(name));
        let enterprises = enterprises.into_iter().flatten().map(|row| row.name.to_string()).collect();
        Some((id.0, Tenant { name: row.name.to_string(), above, enterprises }))
    });
    tenants.collect()
}
