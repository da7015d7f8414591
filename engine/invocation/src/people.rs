use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A way to reach somebody (ACC-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Text messages.
    Text,
    /// Calls.
    Voice,
    /// Email.
    Email,
}

/// What kind of line a number is (CON-07).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineType {
    /// Mobile.
    Wireless,
    /// Fixed.
    Landline,
    /// Over the Internet.
    Voip,
    /// Nobody said.
    #[default]
    Unknown,
}

/// The telephone or address that is sent to or received from (CON-05).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Digits of E.164 without a plus, or an email address.
    pub address: String,
    /// What the contact calls it: `home`, `work`, `cell`, `email` and so on; empty when unknown.
    pub kind: String,
    /// What kind of line it is.
    pub line: LineType,
    /// The carrier it belongs to, by name, if known (CON-08).
    pub carrier: Option<String>,
    /// ISO 3166-1 alpha-2 country, if known.
    pub country: Option<String>,
}

/// Whom the conversation is with (CON-01 to CON-03).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Number of the contact; zero for one that is not stored.
    pub id: u64,
    /// The account's own identifier; the device's number for one that was made for an inbound message (CON-09).
    pub client_id: String,
    /// First name, or empty.
    pub first_name: String,
    /// Last name, or empty.
    pub last_name: String,
    /// Company, or empty.
    pub company: String,
    /// Email address, or empty.
    pub email: String,
    /// All devices in the order in which they are tried.
    pub devices: Vec<Device>,
    /// Fields as they were submitted with the list.
    pub fields: BTreeMap<String, String>,
}
