//! The contact that instructions are given.

use std::sync::Arc;

use signalbox_core::backend::Clock;
use signalbox_core::id::AccountId;
use signalbox_invocation::{Contact, Device, LineType};
use signalbox_people::{ContactId, LineType as KnownLine, Medium, People, Scope};

/// Finds contacts, and makes one for a device that nobody knows (CON-09).
pub(super) struct Contacts {
    people: Arc<People>,
    clock: Arc<dyn Clock>,
}

impl Contacts {
    pub(super) fn new(people: Arc<People>, clock: Arc<dyn Clock>) -> Self {
        Self { people, clock }
    }

    /// The contact of a device in an account: the one that is named, else the device's own.
    pub(super) async fn of(&self, account: u32, named: &Contact, device: &Device) -> Contact {
        let account = AccountId(account);
        let scope = Scope::Accounts([account].into());
        let found = match i64::try_from(named.id) {
            Ok(id) if id != 0 => self.people.contact(&scope, ContactId(id)).await.ok().flatten(),
            _ => None,
        };
        let found = match found {
            Some(contact) => Ok(contact),
            None => {
                let now = self.clock.now().wall;
                let number = format!("+{}", device.address);
                let inbound = self.people.contact_for_inbound(&scope, account, &number, Medium::Phone, now);
                inbound.await.map(|inbound| inbound.contact)
            }
        };
        match found {
            Ok(contact) => given(contact),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the contact of a device cannot be read"
                );
                let client_id = if named.client_id.is_empty() { &device.address } else { &named.client_id };
                Contact { client_id: client_id.clone(), devices: vec![device.clone()], ..Contact::default() }
            }
        }
    }

    /// What the account knows of the line of a device (CON-07).
    pub(super) async fn line(&self, account: u32, address: &str) -> Option<LineType> {
        let account = AccountId(account);
        let scope = Scope::Accounts([account].into());
        let known = self.people.device(&scope, account, &format!("+{address}")).await.ok().flatten()?;
        Some(match known.line_type?.value {
            KnownLine::Wireless => LineType::Wireless,
            KnownLine::Landline => LineType::Landline,
            KnownLine::Voip => LineType::Voip,
            _ => LineType::Unknown,
        })
    }
}

/// A contact as instructions are given it.
pub(crate) fn given(contact: signalbox_people::Contact) -> Contact {
    let known = contact.known;
    Contact {
        id: u64::try_from(contact.id.0).unwrap_or_default(),
        client_id: contact.client_id,
        first_name: known.first_name.unwrap_or_default(),
        last_name: known.last_name.unwrap_or_default(),
        company: known.company.unwrap_or_default(),
        email: known.email.unwrap_or_default(),
        devices: contact
            .devices
            .into_iter()
            .map(|device| Device {
                // Instructions see numbers without a plus.
                address: device.address.trim_start_matches('+').to_owned(),
                kind: device.kind.to_string(),
                ..Device::default()
            })
            .collect(),
        fields: contact.fields,
    }
}
