//! Results.

use serde::{Deserialize, Serialize};

/// What one value of a field has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyRow {
    /// The field.
    pub field: String,
    /// The value.
    pub value: String,
    /// Submissions with it.
    pub submissions: u64,
    /// The sum of their weights.
    pub weight: u64,
}

/// The result of a campaign so far, or for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All submissions.
    pub submissions: u64,
    /// Those of enumerated fields, by field and value; options without one have no row.
    pub rows: Vec<TallyRow>,
}

impl Tally {
    /// Submissions with a value.
    #[must_use]
    pub fn count(&self, field: &str, value: &str) -> u64 {
        self.row(field, value).map_or(0, |row| row.submissions)
    }

    /// The sum of weights of a value.
    #[must_use]
    pub fn weight(&self, field: &str, value: &str) -> u64 {
        self.row(field, value).map_or(0, |row| row.weight)
    }

    fn row(&self, field: &str, value: &str) -> Option<&TallyRow> {
        self.rows.iter().find(|row| row.field == field && row.value == value)
    }
}
