//! How files of contacts are read, where it is not as the account usually has them.

use std::collections::BTreeMap;

use serde::Deserialize;
use signalbox_people::{Existing, Target, Unmapped, UploadOrder};

/// What is said of a file, by a request or by `upload.json` beside files of a folder (requirement CON-04).
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Reading {
    /// False: the first line is a contact already.
    pub(crate) header: Option<bool>,
    /// What is between the fields.
    pub(crate) delimiter: Option<String>,
    /// Country of numbers without a country code, such as `US`.
    pub(crate) country: Option<String>,
    /// What becomes of contacts that are there.
    pub(crate) existing: Option<Existing>,
    /// Names of columns and what they hold.
    pub(crate) columns: BTreeMap<String, Target>,
    /// Positions of columns, from 1, and what they hold.
    pub(crate) positions: BTreeMap<usize, Target>,
    /// What becomes of columns that are not mapped and whose name says nothing.
    pub(crate) unmapped: Unmapped,
}

/// A file cannot be read so.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field} {why}")]
pub(crate) struct WrongReading {
    /// The field that is wrong.
    pub(crate) field: &'static str,
    /// What it must be.
    pub(crate) why: &'static str,
}

impl Reading {
    /// Lets an order read its file so.
    pub(crate) fn apply(self, order: &mut UploadOrder) -> Result<(), WrongReading> {
        let wrong = |field, why| WrongReading { field, why };
        if let Some(country) = &self.country {
            let unknown = |_| wrong("country", "is no country with a number plan");
            order.home.region = Some(country.parse().map_err(unknown)?);
        }
        match self.delimiter.as_deref().map(str::as_bytes) {
            None => {}
            Some([one]) if !matches!(one, b'"' | b'\r' | b'\n') => order.delimiter = *one,
            Some(_) => return Err(wrong("delimiter", "must be one ASCII character, and no quote")),
        }
        order.existing = self.existing.unwrap_or(order.existing);
        order.header = self.header.unwrap_or(order.header);
        order.columns.names = self.columns;
        order.columns.positions = self.positions;
        order.columns.unmapped = self.unmapped;
        Ok(())
    }
}
