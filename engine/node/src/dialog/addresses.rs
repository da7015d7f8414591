//! Source addresses: which messages are the dialog server's, and over which links its texts leave.

use rustc_hash::FxHashMap;
use signalbox_config::catalog::{AddressState, SourceAddress};
use signalbox_config::value::{AddressForm, ServiceAddress};
use signalbox_core::address::{Address, ton};
use signalbox_core::backend::Kind;
use signalbox_core::policy::DialogPolicy;

use super::RowFaults;
use crate::catalog::Snapshot;

/// A source address that lives.
#[derive(Debug)]
pub(super) struct Own<'a> {
    pub(super) id: u32,
    pub(super) address: Address,
    pub(super) row: &'a SourceAddress,
}

/// An address as links write it: letters are alphanumeric, up to eight digits a short code.
pub(super) fn address_of(row: &ServiceAddress) -> Address {
    let (ton, npi) = match row.form() {
        AddressForm::Alphanumeric => (ton::ALPHANUMERIC, 0),
        AddressForm::ShortCode => (ton::NETWORK, 0),
        AddressForm::LongCode => (ton::INTERNATIONAL, 1),
    };
    Address::new(ton, npi, row.as_str().as_bytes()).expect("a service address has at most 15 octets")
}

/// The source addresses that live. The rows may have the same short code in two countries; a message that comes to it
/// does not say to which, so that the first alone is taken.
pub(super) fn own<'a>(snapshot: &'a Snapshot, faults: &mut RowFaults) -> Vec<Own<'a>> {
    let mut first: FxHashMap<&str, &SourceAddress> = FxHashMap::default();
    let mut own = Vec::with_capacity(snapshot.rows.source_address.len());
    for row in snapshot.rows.source_address.iter().filter(|row| lives(row)) {
        let Some(id) = snapshot.ids.of(Kind::SourceAddress, row.name.as_str()) else { continue };
        if let Some(other) = first.get(row.address.as_str()) {
            let reason =
                format!("{} is `{}`, which is told apart from it by nothing", row.address, other.name);
            faults.add(Kind::SourceAddress, &row.name, "address", reason);
            continue;
        }
        first.insert(row.address.as_str(), row);
        own.push(Own { id, address: address_of(&row.address), row });
    }
    own
}

fn lives(row: &SourceAddress) -> bool {
    match row.state {
        AddressState::Active | AddressState::Cooling => true,
        AddressState::Free | AddressState::Reserved | AddressState::Retired => false,
    }
}

/// What the exchange is told of the dialog server; `None` where no source address lives.
#[must_use]
pub fn policy(snapshot: &Snapshot) -> Option<DialogPolicy> {
    // What is left out is told with the rules.
    let own = own(snapshot, &mut RowFaults::default());
    if own.is_empty() {
        return None;
    }
    let receive = own.iter().filter(|own| own.row.receives());
    let addresses = receive.map(|own| (own.address.key().into(), own.id)).collect();
    let links = own.iter().map(|own| {
        let links = own.row.links.iter().filter_map(|link| snapshot.ids.link(link.as_str()));
        (own.id, links.collect())
    });
    Some(DialogPolicy::new(addresses, links.collect()))
}
