//! Addresses of SMPP and of the exchange, and their rewriting on the way to or from a link.

use signalbox_core::address::Address;
use signalbox_smpp::{Address as SmppAddress, COctets, CommandStatus, Npi, Ton};

/// An address as a peer wrote it.
///
/// # Errors
/// `status` when it is longer than any address can be, which only a peer with raised limits can send.
pub fn core_address(address: &SmppAddress, status: CommandStatus) -> Result<Address, CommandStatus> {
    Address::new(address.ton.0, address.npi.0, &address.addr).map_err(|_| status)
}

/// An address as a peer reads it.
pub fn smpp_address(address: &Address) -> SmppAddress {
    SmppAddress { ton: Ton(address.ton), npi: Npi(address.npi), addr: COctets::from(address.octets()) }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the link.
    Out,
    /// From the link.
    In,
}

/// One of the two addresses of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressField {
    /// Who sends.
    Source,
    /// Who receives.
    Destination,
}

/// What becomes of the octets of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// So many are taken from the beginning, then these are put there.
    Prefix {
        /// How many.
        strip: usize,
        /// Which.
        add: Vec<u8>,
    },
    /// These stand in their place.
    Whole(Vec<u8>),
}

/// A change of one address of messages that it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The way of the messages.
    pub way: Way,
    /// The address.
    pub field: AddressField,
    /// It fits addresses that begin so.
    pub prefix: Vec<u8>,
    /// It fits addresses with this type of number.
    pub ton: Option<u8>,
    /// It fits addresses with this numbering plan.
    pub npi: Option<u8>,
    /// What becomes of the octets.
    pub change: Change,
    /// The type of number then.
    pub set_ton: Option<u8>,
    /// The numbering plan then.
    pub set_npi: Option<u8>,
}

impl Rewrite {
    fn fits(&self, way: Way, field: AddressField, address: &Address) -> bool {
        self.way == way
            && self.field == field
            && address.octets().starts_with(&self.prefix)
            && self.ton.is_none_or(|ton| ton == address.ton)
            && self.npi.is_none_or(|npi| npi == address.npi)
    }

    /// The address after the change; `None` where it would be too long for any protocol.
    fn apply(&self, address: &Address) -> Option<Address> {
        let ton = self.set_ton.unwrap_or(address.ton);
        let npi = self.set_npi.unwrap_or(address.npi);
        let changed = match &self.change {
            Change::Whole(octets) => Address::new(ton, npi, octets),
            Change::Prefix { strip, add } => {
                let rest = address.octets().get(*strip..).unwrap_or_default();
                if add.is_empty() {
                    Address::new(ton, npi, rest)
                } else {
                    let mut octets = add.clone();
                    octets.extend_from_slice(rest);
                    Address::new(ton, npi, &octets)
                }
            }
        };
        changed.ok()
    }
}

/// The changes of one link, in their order; the first that fits an address is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrites(pub Vec<Rewrite>);

impl Rewrites {
    /// Changes an address in place, if a rule fits it. A change that no protocol could carry is not made.
    pub fn apply(&self, way: Way, field: AddressField, address: &mut Address) {
        let Some(rule) = self.0.iter().find(|rule| rule.fits(way, field, address)) else { return };
        if let Some(changed) = rule.apply(address) {
            *address = changed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ton: u8, text: &str) -> Address {
        Address::new(ton, 1, text.as_bytes()).unwrap()
    }

    fn rule(prefix: &str, change: Change) -> Rewrite {
        Rewrite {
            way: Way::Out,
            field: AddressField::Destination,
            prefix: prefix.into(),
            ton: None,
            npi: None,
            change,
            set_ton: None,
            set_npi: None,
        }
    }

    #[test]
    fn the_first_rule_that_fits_is_done() {
        let rules = Rewrites(vec![
            Rewrite {
                set_ton: Some(1),
                ton: Some(2),
                ..rule("0", Change::Prefix { strip: 1, add: b"49".to_vec() })
            },
            rule("0", Change::Whole(b"never".to_vec())),
        ]);
        let mut national = address(2, "0176123");
        rules.apply(Way::Out, AddressField::Destination, &mut national);
        assert_eq!(national, address(1, "49176123"));
        // The second rule fits what the first does not.
        let mut unknown = address(0, "0176123");
        rules.apply(Way::Out, AddressField::Destination, &mut unknown);
        assert_eq!(unknown.octets(), b"never");
    }

    #[test]
    fn way_field_and_prefix_must_fit() {
        let rules = Rewrites(vec![rule("49", Change::Whole(b"x".to_vec()))]);
        for (way, field, text) in [
            (Way::In, AddressField::Destination, "49"),
            (Way::Out, AddressField::Source, "49"),
            (Way::Out, AddressField::Destination, "4"),
        ] {
            let mut before = address(1, text);
            rules.apply(way, field, &mut before);
            assert_eq!(before, address(1, text));
        }
    }

    #[test]
    fn a_change_that_fits_nowhere_is_not_made() {
        let long = Rewrites(vec![rule("", Change::Prefix { strip: 0, add: vec![b'1'; 64] })]);
        let mut before = address(1, "49");
        long.apply(Way::Out, AddressField::Destination, &mut before);
        assert_eq!(before, address(1, "49"));
        let all = Rewrites(vec![rule("", Change::Prefix { strip: 9, add: Vec::new() })]);
        all.apply(Way::Out, AddressField::Destination, &mut before);
        assert!(before.is_empty());
    }

    #[test]
    fn addresses_keep_type_and_plan_both_ways() {
        let smpp = SmppAddress::new(Ton(5), Npi(0), &b"B\xe4nk"[..]);
        let core = core_address(&smpp, CommandStatus::RINVSRCADR).unwrap();
        assert_eq!((core.ton, core.npi, core.octets()), (5, 0, &b"B\xe4nk"[..]));
        assert_eq!(smpp_address(&core), smpp);
        let long = SmppAddress::new(Ton(1), Npi(1), vec![b'1'; 65]);
        assert_eq!(core_address(&long, CommandStatus::RINVSRCADR), Err(CommandStatus::RINVSRCADR));
    }
}
