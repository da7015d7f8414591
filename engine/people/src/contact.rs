//! Contacts with their devices and fields.

mod inbound;
pub(crate) mod write;

pub use inbound::Asked;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use signalbox_text::phone::Home;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::device::{ContactDevice, DeviceKind, LineType, Medium, account_of};
use crate::error::{Invalid, PeopleError};
use crate::id::{ContactId, Scope};
use crate::normal::{self, Normal};
use crate::store::People;

/// Longest client id, in octets.
pub(crate) const CLIENT_ID: usize = 128;
/// Longest name of a person or company, in octets.
pub(crate) const NAME: usize = 200;
/// Longest name of a field, in octets.
pub(crate) const FIELD_NAME: usize = 64;
/// Longest value of a field, in octets.
pub(crate) const FIELD_VALUE: usize = 4000;
/// Devices of a contact at most.
pub(crate) const DEVICES: usize = 16;
/// Fields of a contact at most.
pub(crate) const FIELDS: usize = 256;

/// A person, or whoever is behind a client id (requirements CON-01 to CON-03).
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// The account's own name for it, unique in the account.
    pub client_id: String,
    /// What is known of it.
    pub known: Known,
    /// Its devices, in its own order.
    pub devices: Vec<ContactDevice>,
    /// Its named fields.
    pub fields: BTreeMap<String, String>,
    /// Counts the changes.
    pub version: i64,
    /// When it was made.
    pub created: Micros,
    /// When it was changed last.
    pub updated: Micros,
}

/// What is known of a contact.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// E-mail address; it is a device too.
    pub email: Option<String>,
    /// Zone of the tz database.
    pub zone: Option<String>,
    /// Language tag.
    pub language: Option<String>,
    /// When consent was given, where it was.
    pub consent: Option<Micros>,
}

/// A contact as a caller writes it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The account's own name for it; the first device's address where there is none.
    pub client_id: Option<String>,
    /// What is known of it.
    pub known: Known,
    /// Its devices, in its own order; numbers with `+`.
    pub devices: Vec<ContactDevice>,
    /// Its named fields.
    pub fields: BTreeMap<String, String>,
}

/// The contact of an inbound device.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The contact.
    pub contact: Contact,
    /// It was made now.
    pub new: bool,
    /// What the account knows of the device's line (requirement CON-07).
    pub line: Option<LineType>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contact({} of {:?}, version {})", self.id, self.account, self.version)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known(..)")
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({} devices, {} fields)", self.devices.len(), self.fields.len())
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inbound({:?}, new {})", self.contact, self.new)
    }
}

impl Draft {
    /// The draft in its normal form, with the e-mail address among the devices.
    fn checked(mut self) -> Result<(String, Self), Invalid> {
        let of = |field: &str| {
            let field = field.to_owned();
            move |problem: normal::NotNormal| Invalid::new(field, problem.to_string())
        };
        let text = |field: &str, value: &mut Option<String>| -> Result<(), Invalid> {
            if let Some(written) = value {
                let line = normal::line(written, NAME).map_err(of(field))?.to_owned();
                *value = Some(line).filter(|line| !line.is_empty());
            }
            Ok(())
        };
        let known = &mut self.known;
        text("first_name", &mut known.first_name)?;
        text("last_name", &mut known.last_name)?;
        text("company", &mut known.company)?;
        let normal = Normal::new(Home::default());
        if let Some(zone) = &known.zone {
            known.zone = Some(normal.zone(zone).map_err(of("zone"))?);
        }
        if let Some(tag) = &known.language {
            known.language = Some(normal::language(tag).map_err(of("language"))?);
        }
        for (index, device) in self.devices.iter_mut().enumerate() {
            let field = format!("devices[{index}].address");
            device.address = match device.kind.medium() {
                Medium::Phone => normal.number(&device.address).map_err(of(&field))?.to_string(),
                Medium::Email => normal::email(&device.address).map_err(of(&field))?,
            };
        }
        if let Some(email) = &known.email {
            let email = normal::email(email).map_err(of("email"))?;
            if !self.devices.iter().any(|device| device.address == email) {
                self.devices.push(ContactDevice { kind: DeviceKind::Email, address: email.clone() });
            }
            known.email = Some(email);
        }
        self.check_counts()?;
        let client_id = match &self.client_id {
            Some(id) => normal::line(id, CLIENT_ID).map_err(of("client_id"))?.to_owned(),
            None => self.devices.first().map(|device| device.address.clone()).unwrap_or_default(),
        };
        if client_id.is_empty() {
            return Err(Invalid::new("client_id", "is needed where the contact has no device"));
        }
        Ok((client_id, self))
    }

    fn check_counts(&self) -> Result<(), Invalid> {
        if self.devices.len() > DEVICES {
            return Err(Invalid::new("devices", format!("are more than {DEVICES}")));
        }
        for (index, device) in self.devices.iter().enumerate() {
            if self.devices[..index].iter().any(|other| other.address == device.address) {
                return Err(Invalid::new(format!("devices[{index}].address"), "is there twice"));
            }
        }
        if self.fields.len() > FIELDS {
            return Err(Invalid::new("fields", format!("are more than {FIELDS}")));
        }
        for (name, value) in &self.fields {
            if !is_field_name(name) {
                let problem = format!("has a name that is not 1 to {FIELD_NAME} octets of one trimmed line");
                return Err(Invalid::new("fields", problem));
            }
            if value.len() > FIELD_VALUE || value.contains('\0') {
                let problem = format!("is longer than {FIELD_VALUE} octets or has a zero octet");
                return Err(Invalid::new(format!("fields.{name}"), problem));
            }
        }
        Ok(())
    }
}

/// Whether a field can have this name.
pub(crate) fn is_field_name(name: &str) -> bool {
    !name.is_empty() && normal::line(name, FIELD_NAME).is_ok_and(|line| line == name)
}

/// The columns that [`read`] reads.
const COLUMNS: &str = "id, account, client_id, first_name, last_name, company, email, zone, language, consent_at, \
                       version, created_at, updated_at";

impl People {
    /// A contact by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn contact(&self, scope: &Scope, id: ContactId) -> Result<Option<Contact>, PeopleError> {
        let text = format!("SELECT {COLUMNS} FROM contact WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id.0).fetch_optional(self.reader()).await?;
        let Some(row) = row else { return Ok(None) };
        let contact = read(&row)?;
        if !scope.sees(contact.account) {
            return Ok(None);
        }
        self.whole(contact).await.map(Some)
    }

    /// A contact by its client id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn contact_by_client_id(
        &self,
        scope: &Scope,
        account: AccountId,
        client_id: &str,
    ) -> Result<Option<Contact>, PeopleError> {
        if !scope.sees(account) {
            return Ok(None);
        }
        let text = format!("SELECT {COLUMNS} FROM contact WHERE account = $1 AND client_id = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(i64::from(account.0))
            .bind(client_id)
            .fetch_optional(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        self.whole(read(&row)?).await.map(Some)
    }

    /// Contacts of an account by client id, from the one after `after`; without devices and fields.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn contacts(
        &self,
        scope: &Scope,
        account: AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Contact>, PeopleError> {
        if !scope.sees(account) {
            return Ok(Vec::new());
        }
        let text = format!(
            "SELECT {COLUMNS} FROM contact WHERE account = $1 AND client_id > $2 ORDER BY client_id LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(i64::from(account.0))
            .bind(after.unwrap_or_default())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(read).collect()
    }

    /// The contact with its devices and fields.
    pub(crate) async fn whole(&self, mut contact: Contact) -> Result<Contact, PeopleError> {
        let rows = sqlx::query(
            "SELECT cd.kind, d.address FROM contact_device cd JOIN device d ON d.id = cd.device \
             WHERE cd.contact = $1 ORDER BY cd.place",
        )
        .bind(contact.id.0)
        .fetch_all(self.reader())
        .await?;
        for row in rows {
            let kind: String = row.try_get(0)?;
            let damaged = |_| PeopleError::Damaged { table: "contact_device", column: "kind" };
            contact
                .devices
                .push(ContactDevice { kind: kind.parse().map_err(damaged)?, address: row.try_get(1)? });
        }
        let rows = sqlx::query("SELECT name, value FROM field WHERE contact = $1")
            .bind(contact.id.0)
            .fetch_all(self.reader())
            .await?;
        for row in rows {
            contact.fields.insert(row.try_get(0)?, row.try_get(1)?);
        }
        Ok(contact)
    }
}

/// A contact without devices and fields from a row of [`COLUMNS`].
pub(crate) fn read(row: &AnyRow) -> Result<Contact, PeopleError> {
    Ok(Contact {
        id: ContactId(row.try_get(0)?),
        account: account_of(row, 1, "contact")?,
        client_id: row.try_get(2)?,
        known: Known {
            first_name: row.try_get(3)?,
            last_name: row.try_get(4)?,
            company: row.try_get(5)?,
            email: row.try_get(6)?,
            zone: row.try_get(7)?,
            language: row.try_get(8)?,
            consent: row.try_get::<Option<i64>, _>(9)?.map(Micros),
        },
        devices: Vec::new(),
        fields: BTreeMap::new(),
        version: row.try_get(10)?,
        created: Micros(row.try_get(11)?),
        updated: Micros(row.try_get(12)?),
    })
}
