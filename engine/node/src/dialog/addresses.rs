//! Source addresses: which messages are the dialog server's, and over which links its texts leave.

use signalbox_config::catalog::{AddressState, SourceAddress};
use signalbox_config::value::{AddressForm, ServiceAddress};
use signalbox_core::address::{Address, ton};
use signalbox_core::backend::Kind;
use signalbox_core::policy::DialogPolicy;

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

/// The source addresses that live. Short codes of several countries may have the same digits.
pub(super) fn own(snapshot: &Snapshot) -> Vec<Own<'_>> {
    let living = snapshot.rows.source_address.iter().filter(|row| lives(row));
    let own = living.filter_map(|row| {
        let id = snapshot.ids.of(Kind::SourceAddress, row.name.as_str())?;
        Some(Own { id, address: address_of(&row.address), row })
    });
    own.collect()
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
    let own = own(snapshot);
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
