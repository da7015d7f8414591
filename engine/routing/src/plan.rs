//! The number plan: country of a number by its calling code, carrier by prefix where nothing better is known.
//!
//! A carrier by prefix is the one that the block of numbers was given to; it is right unless the number was
//! ported since.

mod countries;
#[cfg(test)]
mod tests;

use std::io::Read;

use crate::id::{CarrierId, Names};
use crate::number::Country;
use crate::rows::{self, RejectedRows, RowFault};
use crate::trie::DigitTrie;

/// What the plan says of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanAnswer {
    /// Its country.
    pub country: Option<Country>,
    /// The carrier that its block was given to.
    pub carrier: Option<CarrierId>,
    /// How many digits decided the carrier.
    pub carrier_digits: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    country: Option<Country>,
    carrier: Option<CarrierId>,
}

/// A number plan. It never changes once in use: a reload builds another.
#[derive(Clone, Debug)]
pub struct NumberPlan {
    prefixes: DigitTrie<Entry>,
    carriers: usize,
}

/// What loading carriers did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanReport {
    /// Rows read, without header and comments.
    pub rows: u64,
    /// Rows whose prefix had a carrier before; the last row counts.
    pub replaced: u64,
    /// Rows left out.
    pub rejected: RejectedRows,
}

/// Why carriers could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Reading failed.
    #[error("number plan cannot be read")]
    Read(#[from] csv::Error),
    /// There are too many prefixes.
    #[error("more than {MAX_PREFIXES} prefixes with a carrier")]
    TooManyPrefixes,
}

/// Most prefixes with a carrier.
pub const MAX_PREFIXES: usize = 4_000_000;

impl Default for NumberPlan {
    fn default() -> Self {
        Self::new()
    }
}

impl NumberPlan {
    /// The countries of E.164, without carriers.
    #[must_use]
    pub fn new() -> Self {
        let mut plan = Self { prefixes: DigitTrie::default(), carriers: 0 };
        for (name, prefixes) in countries::COUNTRIES {
            let country = name.parse().ok();
            for prefix in prefixes.split_ascii_whitespace() {
                if let Ok(entry) = plan.prefixes.entry(prefix.as_bytes()) {
                    entry.get_or_insert_default().country = country;
                }
            }
        }
        plan
    }

    /// Says that numbers beginning with these digits belong to a carrier; gives back whom they belonged to.
    ///
    /// # Errors
    /// [`RowFault::BadPrefix`] when these are not 1 to 15 digits of an international number.
    pub fn set_carrier(&mut self, prefix: &str, carrier: CarrierId) -> Result<Option<CarrierId>, RowFault> {
        self.insert(prefix.as_bytes(), carrier)
    }

    fn insert(&mut self, prefix: &[u8], carrier: CarrierId) -> Result<Option<CarrierId>, RowFault> {
        let prefix = prefix.strip_prefix(b"+").unwrap_or(prefix);
        let fits = (1..=signalbox_text::phone::MAX_DIGITS).contains(&prefix.len());
        if !fits || prefix[0] == b'0' {
            return Err(RowFault::BadPrefix);
        }
        let entry = self.prefixes.entry(prefix).map_err(|_| RowFault::BadPrefix)?;
        let before = entry.get_or_insert_default().carrier.replace(carrier);
        self.carriers += usize::from(before.is_none());
        Ok(before)
    }

    /// Loads rows `prefix,carrier` (CSV; further columns are ignored). The names of carriers are those of the
    /// rules and the codes of the portability table.
    ///
    /// # Errors
    /// When reading fails or there are more than [`MAX_PREFIXES`]; bad rows are only reported.
    pub fn load_carriers(&mut self, csv: impl Read, names: &Names) -> Result<PlanReport, PlanError> {
        let mut report = PlanReport::default();
        let mut replaced = 0;
        report.rows = rows::each_row(csv, b',', &mut report.rejected, |prefix, carrier| {
            if self.carriers >= MAX_PREFIXES {
                return Err(PlanError::TooManyPrefixes);
            }
            let row = rows::carrier(carrier).and_then(|name| {
                let carrier = names.carrier(name).ok_or_else(|| RowFault::UnknownCarrier(name.to_owned()))?;
                self.insert(prefix, carrier)
            });
            Ok(row.map(|before| replaced += u64::from(before.is_some())))
        })?;
        report.replaced = replaced;
        Ok(report)
    }

    /// Looks an international number up, digits without `+`; the longest prefixes decide.
    #[must_use]
    pub fn look_up(&self, digits: &[u8]) -> PlanAnswer {
        let mut answer = PlanAnswer::default();
        self.prefixes.each_prefix(digits, |depth, entry| {
            answer.country = entry.country.or(answer.country);
            if entry.carrier.is_some() {
                answer.carrier = entry.carrier;
                answer.carrier_digits = u8::try_from(depth).unwrap_or(u8::MAX);
            }
        });
        answer
    }

    /// Prefixes with a carrier.
    #[must_use]
    pub fn carriers(&self) -> usize {
        self.carriers
    }

    /// Octets of memory, about.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.prefixes.memory()
    }
}
