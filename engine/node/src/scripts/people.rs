//! Contacts and devices that are made up for a rehearsal.

use std::collections::BTreeMap;

use serde::Deserialize;
use signalbox_invocation::{Contact, Device, LineType};
use utoipa::ToSchema;

/// The number of a device when none is given; of those that are set aside for fiction.
const NUMBER: &str = "12065550100";

/// A contact that is made up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TriedContact {
    /// The account's own name for it.
    pub client_id: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Company.
    pub company: String,
    /// Email address.
    pub email: String,
    /// Its fields by their names.
    pub fields: BTreeMap<String, String>,
}

/// A device that is made up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TriedDevice {
    /// Digits of an international number; one of those set aside for fiction when it is not given.
    pub address: String,
    /// What the contact calls it, such as `cell`.
    pub kind: String,
    /// `wireless`, `landline`, `voip` or `unknown`.
    #[schema(value_type = String)]
    pub line: LineType,
    /// Name of its carrier.
    pub carrier: Option<String>,
    /// ISO 3166-1 alpha-2 country.
    pub country: Option<String>,
}

impl From<TriedDevice> for Device {
    fn from(tried: TriedDevice) -> Self {
        let TriedDevice { address, kind, line, carrier, country } = tried;
        let digits = address.trim_start_matches('+');
        let address = if digits.is_empty() { NUMBER } else { digits }.to_owned();
        Self { address, kind, line, carrier, country }
    }
}

impl TriedContact {
    /// The contact of a device.
    #[must_use]
    pub fn with(self, device: &Device) -> Contact {
        let Self { client_id, first_name, last_name, company, email, fields } = self;
        // One that nobody knows has its number for a name (CON-09).
        let client_id = if client_id.is_empty() { device.address.clone() } else { client_id };
        let devices = vec![device.clone()];
        Contact { id: 0, client_id, first_name, last_name, company, email, devices, fields }
    }
}
