//! Which column of a file is what.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::contact::is_field_name;
use crate::device::DeviceKind;

/// Columns of a file at most.
pub(super) const MOST: usize = 512;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The account's own name for the contact.
    ClientId,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// Company.
    Company,
    /// Zone of the tz database.
    Zone,
    /// Language tag.
    Language,
    /// When consent was given.
    Consent,
    /// A device; an e-mail address is the contact's too.
    Device(DeviceKind),
    /// A named field.
    Field(String),
    /// Nothing that is stored.
    Ignore,
}

/// A text that names no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is none of client_id, first_name, last_name, company, zone, language, consent, cell, home, work, email, other, field:NAME, ignore"
)]
pub struct UnknownTarget {
    /// The text.
    pub text: String,
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, UnknownTarget> {
        let unknown = || UnknownTarget { text: text.to_owned() };
        Ok(match text {
            "client_id" => Self::ClientId,
            "first_name" => Self::FirstName,
            "last_name" => Self::LastName,
            "company" => Self::Company,
            "zone" => Self::Zone,
            "language" => Self::Language,
            "consent" => Self::Consent,
            "ignore" => Self::Ignore,
            other => match other.strip_prefix("field:") {
                Some(name) if is_field_name(name) => Self::Field(name.to_owned()),
                Some(_) => return Err(unknown()),
                None => Self::Device(other.parse().map_err(|_| unknown())?),
            },
        })
    }
}

impl TryFrom<String> for Target {
    type Error = UnknownTarget;

    fn try_from(text: String) -> Result<Self, UnknownTarget> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientId => "client_id",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Company => "company",
            Self::Zone => "zone",
            Self::Language => "language",
            Self::Consent => "consent",
            Self::Device(kind) => kind.as_str(),
            Self::Field(name) => return write!(f, "field:{name}"),
            Self::Ignore => "ignore",
        })
    }
}

impl Target {
    /// What a column of this name plainly is.
    fn of_name(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase().replace([' ', '-'], "_");
        Some(match name.as_str() {
            "client_id" | "clientid" | "id" => Self::ClientId,
            "first_name" | "firstname" => Self::FirstName,
            "last_name" | "lastname" | "surname" => Self::LastName,
            "company" => Self::Company,
            "zone" | "time_zone" | "timezone" => Self::Zone,
            "language" => Self::Language,
            "consent" | "consent_date" => Self::Consent,
            "cell" | "cell_phone" | "mobile" | "mobile_phone" | "phone" | "msisdn" => {
                Self::Device(DeviceKind::Cell)
            }
            "home" | "home_phone" => Self::Device(DeviceKind::Home),
            "work" | "work_phone" => Self::Device(DeviceKind::Work),
            "email" | "e_mail" => Self::Device(DeviceKind::Email),
            _ => return None,
        })
    }

    /// Two columns of it would contradict each other.
    fn is_single(&self) -> bool {
        match self {
            Self::ClientId
            | Self::FirstName
            | Self::LastName
            | Self::Company
            | Self::Zone
            | Self::Language
            | Self::Consent
            | Self::Field(_) => true,
            Self::Device(_) | Self::Ignore => false,
        }
    }
}

/// What becomes of columns that the map does not name and whose own name says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmapped {
    /// They are fields of their own name.
    #[default]
    Field,
    /// They are left out.
    Ignore,
    /// The file is refused.
    Refuse,
}

/// Which column is what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnMap {
    /// By the name in the first line.
    pub names: BTreeMap<String, Target>,
    /// By position, from 1.
    pub positions: BTreeMap<usize, Target>,
    /// All others.
    pub unmapped: Unmapped,
}

/// The columns of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) targets: Vec<Target>,
    /// How rejects name them.
    pub(super) names: Vec<String>,
}

impl ColumnMap {
    /// The columns of a file whose first line is `header`, or that has `count` columns and no header.
    ///
    /// The error says in words what is wrong.
    pub(super) fn resolve(&self, header: Option<&[String]>, count: usize) -> Result<Columns, String> {
        if count > MOST {
            return Err(format!("the file has {count} columns, {MOST} at most are read"));
        }
        let name_of = |index: usize| match header {
            Some(names) => names[index].trim().to_owned(),
            None => (index + 1).to_string(),
        };
        let names: Vec<String> = (0..count).map(name_of).collect();
        if header.is_none() && !self.names.is_empty() {
            return Err("columns are mapped by name, and the file has no header".to_owned());
        }
        if let Some(missing) = self.names.keys().find(|name| !names.contains(name)) {
            return Err(format!("the file has no column `{missing}`"));
        }
        if let Some(beyond) = self.positions.keys().find(|position| **position == 0 || **position > count) {
            return Err(format!("the file has {count} columns, and the map speaks of column {beyond}"));
        }
        let mut targets = Vec::with_capacity(count);
        for (index, name) in names.iter().enumerate() {
            let target = self.target(index, name, header.is_some())?;
            if target.is_single() && targets.contains(&target) {
                return Err(format!("column `{name}` is the second one for {target}"));
            }
            targets.push(target);
        }
        if !targets.iter().any(|target| matches!(target, Target::Device(_))) {
            return Err("no column holds a number or an e-mail address".to_owned());
        }
        Ok(Columns { targets, names })
    }

    fn target(&self, index: usize, name: &str, named: bool) -> Result<Target, String> {
        let mapped = self.positions.get(&(index + 1)).or_else(|| self.names.get(name)).cloned();
        if let Some(target) = mapped.or_else(|| Target::of_name(name).filter(|_| named)) {
            return Ok(target);
        }
        match self.unmapped {
            Unmapped::Ignore => Ok(Target::Ignore),
            Unmapped::Refuse => Err(format!("column `{name}` is not in the map")),
            Unmapped::Field if named && is_field_name(name) => Ok(Target::Field(name.to_owned())),
            Unmapped::Field => Err(format!("column {} has no name for a field", index + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn names_say_what_columns_are_and_the_map_says_it_better() {
        let mut map = ColumnMap::default();
        let columns = map.resolve(Some(&names("ID,Mobile,Home Phone,Car")), 4).unwrap();
        let [cell, home] = [DeviceKind::Cell, DeviceKind::Home].map(Target::Device);
        assert_eq!(columns.targets, [Target::ClientId, cell.clone(), home, Target::Field("Car".into())]);
        map.names.insert("ID".into(), "field:customer".parse().unwrap());
        map.positions.insert(3, Target::Ignore);
        map.unmapped = Unmapped::Ignore;
        let columns = map.resolve(Some(&names("ID,Mobile,Home Phone,Car")), 4).unwrap();
        assert_eq!(columns.targets, [Target::Field("customer".into()), cell, Target::Ignore, Target::Ignore]);
    }

    #[test]
    fn what_a_map_cannot_be_is_said_before_the_first_row() {
        let refused = |map: &ColumnMap, header: Option<&str>, count| {
            let header = header.map(names);
            map.resolve(header.as_deref(), count).unwrap_err()
        };
        let map = |text: &str| -> ColumnMap { serde_json::from_str(text).unwrap() };
        let named = map(r#"{"names": {"phone": "cell"}}"#);
        assert_eq!(refused(&named, Some("id,fone"), 2), "the file has no column `phone`");
        assert_eq!(refused(&named, None, 2), "columns are mapped by name, and the file has no header");
        let placed = map(r#"{"positions": {"3": "cell"}}"#);
        assert_eq!(refused(&placed, None, 2), "the file has 2 columns, and the map speaks of column 3");
        assert_eq!(
            refused(&ColumnMap::default(), Some("id,client id,cell"), 3),
            "column `client id` is the second one for client_id"
        );
        assert_eq!(
            refused(&ColumnMap::default(), Some("id,car"), 2),
            "no column holds a number or an e-mail address"
        );
        let strict = map(r#"{"unmapped": "refuse"}"#);
        assert_eq!(refused(&strict, Some("cell,car"), 2), "column `car` is not in the map");
        assert!(serde_json::from_str::<ColumnMap>(r#"{"names": {"a": "telephone"}}"#).is_err());
    }
}
