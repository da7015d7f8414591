//! Devices: what is sent to and received from, apart from the contacts that have them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::contact::Contact;
use crate::error::PeopleError;
use crate::id::{DeviceId, Scope};
use crate::store::People;

macro_rules! words {
    ($( $(#[doc = $doc:literal])+ $name:ident { $( $(#[doc = $said:literal])+ $kind:ident = $word:literal, )+ } )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $( $(#[doc = $said])+ $kind, )+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The word, as it stands in rows and documents.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$kind => $word, )+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownKind;

            fn from_str(text: &str) -> Result<Self, UnknownKind> {
                match text { $( $word => Ok(Self::$kind), )+ _ => Err(UnknownKind) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+ };
}
pub(crate) use words;

/// A word that is none of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not one of the known words")]
pub struct UnknownKind;

words! {
    /// What a device is to its contact (requirement CON-02).
    DeviceKind {
        /// Mobile number.
        Cell = "cell",
        /// Number at home.
        Home = "home",
        /// Number at work.
        Work = "work",
        /// E-mail address.
        Email = "email",
        /// Any other number.
        Other = "other",
    }
    /// How a device is reached.
    Medium {
        /// By its phone number.
        Phone = "phone",
        /// By e-mail.
        Email = "email",
    }
    /// What a number is used by (requirement CON-07).
    LineType {
        /// Mobile.
        Wireless = "wireless",
        /// Fixed line.
        Landline = "landline",
        /// Voice over IP.
        Voip = "voip",
        /// Looked up, and not known.
        Unknown = "unknown",
    }
}

impl DeviceKind {
    /// How devices of this kind are reached.
    #[must_use]
    pub const fn medium(self) -> Medium {
        match self {
            Self::Cell | Self::Home | Self::Work | Self::Other => Medium::Phone,
            Self::Email => Medium::Email,
        }
    }
}

/// Something that was looked up: who said it, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact<T> {
    /// What.
    pub value: T,
    /// As of when.
    pub at: Micros,
    /// Which look-up said so.
    pub source: String,
}

/// A device of an account (requirement CON-05).
#[derive(Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The account.
    pub account: AccountId,
    /// E.164 with `+`, or an e-mail address.
    pub address: String,
    /// How it is reached.
    pub medium: Medium,
    /// Wireless or landline, where it was looked up.
    pub line_type: Option<Fact<LineType>>,
    /// The carrier's name, where it was looked up (requirement CON-08).
    pub carrier: Option<Fact<String>>,
    /// Counts the changes.
    pub version: i64,
}

/// A device as a contact has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactDevice {
    /// What it is to the contact.
    pub kind: DeviceKind,
    /// E.164 with `+`, or an e-mail address.
    pub address: String,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({} {})", self.id, self.medium)
    }
}

impl fmt::Debug for ContactDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactDevice({})", self.kind)
    }
}

/// In which order a contact's devices are attempted (requirement CON-06).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceOrder {
    /// Kinds, first first; devices of other kinds are not attempted. Empty: all, in the contact's own order.
    pub kinds: Vec<DeviceKind>,
    /// After the last device the first is attempted again; else there is no further one.
    pub again: bool,
}

impl DeviceOrder {
    /// The device for an attempt, which count from zero. Devices of one kind keep the contact's order.
    #[must_use]
    pub fn choose<'c>(&self, devices: &'c [ContactDevice], attempt: u32) -> Option<&'c ContactDevice> {
        let attempt = usize::try_from(attempt).unwrap_or(usize::MAX);
        let ordered: Vec<&ContactDevice> = if self.kinds.is_empty() {
            devices.iter().collect()
        } else {
            let of = |kind: &DeviceKind| {
                let kind = *kind;
                devices.iter().filter(move |device| device.kind == kind)
            };
            self.kinds.iter().flat_map(of).collect()
        };
        match ordered.len() {
            0 => None,
            count if self.again => ordered.get(attempt % count).copied(),
            _ => ordered.get(attempt).copied(),
        }
    }
}

const COLUMNS: &str = "id, account, address, medium, line_type, line_type_at, line_type_source, carrier, carrier_at, \
                       carrier_source, version";

impl People {
    /// A device by its address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn device(
        &self,
        scope: &Scope,
        account: AccountId,
        address: &str,
    ) -> Result<Option<Device>, PeopleError> {
        if !scope.sees(account) {
            return Ok(None);
        }
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM device WHERE account = $1 AND address = $2"
        )))
        .bind(i64::from(account.0))
        .bind(address)
        .fetch_optional(self.reader())
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Devices of an account by address, from the one after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn devices(
        &self,
        scope: &Scope,
        account: AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Device>, PeopleError> {
        if !scope.sees(account) {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM device WHERE account = $1 AND address > $2 ORDER BY address LIMIT $3"
        )))
        .bind(i64::from(account.0))
        .bind(after.unwrap_or_default())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await?;
        rows.iter().map(read).collect()
    }

    /// The contacts that have a device, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn contacts_of_device(
        &self,
        scope: &Scope,
        account: AccountId,
        address: &str,
        limit: usize,
    ) -> Result<Vec<Contact>, PeopleError> {
        if !scope.sees(account) {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT DISTINCT cd.contact FROM device d JOIN contact_device cd ON cd.device = d.id \
             WHERE d.account = $1 AND d.address = $2 ORDER BY cd.contact LIMIT $3",
        )
        .bind(i64::from(account.0))
        .bind(address)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.reader())
        .await?;
        let mut contacts = Vec::with_capacity(rows.len());
        for row in rows {
            let id = crate::id::ContactId(row.try_get(0)?);
            contacts.extend(self.contact(scope, id).await?);
        }
        Ok(contacts)
    }

    /// Keeps what a look-up said of a device, unless something later is known.
    ///
    /// # Errors
    /// When there is no such device, or the database fails.
    pub async fn learn_line_type(
        &self,
        scope: &Scope,
        account: AccountId,
        address: &str,
        fact: &Fact<LineType>,
    ) -> Result<(), PeopleError> {
        let query = "UPDATE device SET line_type = $1, line_type_at = $2, line_type_source = $3, \
                     version = version + 1 \
                     WHERE account = $4 AND address = $5 AND (line_type_at IS NULL OR line_type_at <= $2)";
        let fact = Fact { value: fact.value.as_str().to_owned(), at: fact.at, source: fact.source.clone() };
        self.learn(query, scope, account, address, fact).await
    }

    /// Keeps the carrier that a look-up said, unless something later is known.
    ///
    /// # Errors
    /// When there is no such device, or the database fails.
    pub async fn learn_carrier(
        &self,
        scope: &Scope,
        account: AccountId,
        address: &str,
        fact: &Fact<String>,
    ) -> Result<(), PeopleError> {
        let query = "UPDATE device SET carrier = $1, carrier_at = $2, carrier_source = $3, version = version + 1 \
                     WHERE account = $4 AND address = $5 AND (carrier_at IS NULL OR carrier_at <= $2)";
        self.learn(query, scope, account, address, fact.clone()).await
    }

    async fn learn(
        &self,
        query: &'static str,
        scope: &Scope,
        account: AccountId,
        address: &str,
        fact: Fact<String>,
    ) -> Result<(), PeopleError> {
        let absent = || PeopleError::absent("device", "of that address");
        if !scope.sees(account) {
            return Err(absent());
        }
        let _changing = self.changing();
        let mut transaction = self.begin().await?;
        let done = sqlx::query(query)
            .bind(fact.value)
            .bind(fact.at.0)
            .bind(fact.source)
            .bind(i64::from(account.0))
            .bind(address)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        if done.rows_affected() == 0 && self.device(scope, account, address).await?.is_none() {
            return Err(absent());
        }
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<Device, PeopleError> {
    let damaged = |column| move |_| PeopleError::Damaged { table: "device", column };
    let fact = |first: usize| -> Result<Option<Fact<String>>, sqlx::Error> {
        let (value, at): (Option<String>, Option<i64>) = (row.try_get(first)?, row.try_get(first + 1)?);
        let source: Option<String> = row.try_get(first + 2)?;
        let (Some(value), Some(at)) = (value, at) else { return Ok(None) };
        Ok(Some(Fact { value, at: Micros(at), source: source.unwrap_or_default() }))
    };
    let line_type = match fact(4)? {
        None => None,
        Some(fact) => {
            let value = fact.value.parse().map_err(damaged("line_type"))?;
            Some(Fact { value, at: fact.at, source: fact.source })
        }
    };
    Ok(Device {
        id: DeviceId(row.try_get(0)?),
        account: account_of(row, 1, "device")?,
        address: row.try_get(2)?,
        medium: row.try_get::<String, _>(3)?.parse().map_err(damaged("medium"))?,
        line_type,
        carrier: fact(7)?,
        version: row.try_get(10)?,
    })
}

/// The account that stands in a column.
pub(crate) fn account_of(row: &AnyRow, index: usize, table: &'static str) -> Result<AccountId, PeopleError> {
    let number: i64 = row.try_get(index)?;
    u32::try_from(number).map(AccountId).map_err(|_| PeopleError::Damaged { table, column: "account" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(kind: DeviceKind, address: &str) -> ContactDevice {
        ContactDevice { kind, address: address.to_owned() }
    }

    #[test]
    fn attempts_go_through_the_devices_in_the_configured_order() {
        let devices = [
            device(DeviceKind::Home, "+1"),
            device(DeviceKind::Cell, "+2"),
            device(DeviceKind::Cell, "+3"),
            device(DeviceKind::Email, "a@b"),
        ];
        let order = DeviceOrder { kinds: vec![DeviceKind::Cell, DeviceKind::Home], again: false };
        let chosen = |order: &DeviceOrder| {
            (0..5).map(|n| order.choose(&devices, n).map(|device| device.address.clone())).collect::<Vec<_>>()
        };
        let text = |list: [Option<&str>; 5]| list.map(|one| one.map(str::to_owned)).to_vec();
        assert_eq!(chosen(&order), text([Some("+2"), Some("+3"), Some("+1"), None, None]));
        let order = DeviceOrder { again: true, ..order };
        assert_eq!(chosen(&order), text([Some("+2"), Some("+3"), Some("+1"), Some("+2"), Some("+3")]));
        assert_eq!(
            chosen(&DeviceOrder::default()),
            text([Some("+1"), Some("+2"), Some("+3"), Some("a@b"), None])
        );
        assert_eq!(DeviceOrder { kinds: vec![DeviceKind::Work], again: true }.choose(&devices, 0), None);
    }

    #[test]
    fn a_log_shows_no_address() {
        assert_eq!(format!("{:?}", device(DeviceKind::Cell, "+12125550123")), "ContactDevice(cell)");
    }
}
