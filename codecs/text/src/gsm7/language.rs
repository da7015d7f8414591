//! National languages and the tables they select.

use serde::{Deserialize, Serialize};

use super::table::Table;
use super::{locking, shift};

/// National language identifier, 3GPP TS 23.038 clause 6.2.1.2.4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Language {
    /// The default alphabet and the default extension table.
    #[default]
    Default = 0,
    /// Turkish.
    Turkish = 1,
    /// Spanish; it has no locking shift table of its own, the default alphabet stands in.
    Spanish = 2,
    /// Portuguese.
    Portuguese = 3,
    /// Bengali and Assamese.
    Bengali = 4,
    /// Gujarati.
    Gujarati = 5,
    /// Hindi.
    Hindi = 6,
    /// Kannada.
    Kannada = 7,
    /// Malayalam.
    Malayalam = 8,
    /// Oriya.
    Oriya = 9,
    /// Punjabi.
    Punjabi = 10,
    /// Tamil.
    Tamil = 11,
    /// Telugu.
    Telugu = 12,
    /// Urdu.
    Urdu = 13,
}

impl Language {
    /// All languages in the order of their identifiers.
    pub const ALL: [Language; 14] = [
        Self::Default,
        Self::Turkish,
        Self::Spanish,
        Self::Portuguese,
        Self::Bengali,
        Self::Gujarati,
        Self::Hindi,
        Self::Kannada,
        Self::Malayalam,
        Self::Oriya,
        Self::Punjabi,
        Self::Tamil,
        Self::Telugu,
        Self::Urdu,
    ];

    /// The language of an identifier as a UDH carries it; `None` for a reserved value.
    #[must_use]
    pub const fn from_identifier(identifier: u8) -> Option<Self> {
        if (identifier as usize) < Self::ALL.len() { Some(Self::ALL[identifier as usize]) } else { None }
    }

    /// The identifier as a UDH carries it, 0 to 13.
    #[must_use]
    pub const fn identifier(self) -> u8 {
        self as u8
    }

    /// Whether the standard defines a locking shift table for this language.
    #[must_use]
    pub const fn has_locking_table(self) -> bool {
        !matches!(self, Self::Default | Self::Spanish)
    }

    pub(super) fn locking_table(self) -> &'static Table {
        &LOCKING[self as usize]
    }

    pub(super) fn shift_table(self) -> &'static Table {
        &SHIFT[self as usize]
    }
}

static LOCKING: [Table; 14] = [
    Table::locking(&locking::DEFAULT),
    Table::locking(&locking::TURKISH),
    Table::locking(&locking::DEFAULT),
    Table::locking(&locking::PORTUGUESE),
    Table::locking(&locking::BENGALI),
    Table::locking(&locking::GUJARATI),
    Table::locking(&locking::HINDI),
    Table::locking(&locking::KANNADA),
    Table::locking(&locking::MALAYALAM),
    Table::locking(&locking::ORIYA),
    Table::locking(&locking::PUNJABI),
    Table::locking(&locking::TAMIL),
    Table::locking(&locking::TELUGU),
    Table::locking(&locking::URDU),
];

static SHIFT: [Table; 14] = [
    Table::shift([shift::DEFAULT, &[]]),
    Table::shift([shift::TURKISH, &[]]),
    Table::shift([shift::SPANISH, &[]]),
    Table::shift([shift::PORTUGUESE, &[]]),
    Table::shift([shift::INDIC, shift::BENGALI]),
    Table::shift([shift::INDIC, shift::GUJARATI]),
    Table::shift([shift::INDIC, shift::HINDI]),
    Table::shift([shift::INDIC, shift::KANNADA]),
    Table::shift([shift::INDIC, shift::MALAYALAM]),
    Table::shift([shift::INDIC, shift::ORIYA]),
    Table::shift([shift::INDIC, shift::PUNJABI]),
    Table::shift([shift::INDIC, shift::TAMIL]),
    Table::shift([shift::INDIC, shift::TELUGU]),
    Table::shift([shift::INDIC, shift::URDU]),
];
