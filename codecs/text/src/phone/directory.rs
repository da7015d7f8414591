//! What the number plans say: country, kind and validity, by the data of the `phonenumber` library.
//!
//! A look-up takes a microsecond, and some milliseconds the first time for a country. [`region_of`] takes nanoseconds
//! for most countries.

use std::fmt;
use std::str::FromStr;

use phonenumber::Type;
use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;
use serde::{Deserialize, Serialize};

use super::E164;
use super::plan::{self, Plan};

/// A country or territory, ISO 3166-1 alpha-2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(Id);

/// A text that names no region with a number plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no country code of two capital letters with a number plan")]
pub struct UnknownRegion {
    /// The text.
    pub text: String,
}

impl Region {
    /// The two capital letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        text.parse().map(Self).map_err(|_| UnknownRegion { text: text.to_owned() })
    }
}

impl TryFrom<String> for Region {
    type Error = UnknownRegion;

    fn try_from(text: String) -> Result<Self, UnknownRegion> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.as_str().to_owned()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

/// Kind of a number by its plan. Portability and lines' use may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NumberKind {
    /// Fixed line.
    FixedLine,
    /// Mobile.
    Mobile,
    /// One of the two; the plan does not tell (North America).
    FixedLineOrMobile,
    /// Free of charge to the caller.
    TollFree,
    /// Premium rate.
    PremiumRate,
    /// The cost is shared.
    SharedCost,
    /// Personal number.
    Personal,
    /// Voice over IP.
    Voip,
    /// Pager.
    Pager,
    /// Universal access number of an organisation.
    UniversalAccess,
    /// Voice mail access.
    Voicemail,
    /// None of these.
    Other,
    /// No number of the plan.
    Unknown,
}

/// What is known of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberInfo {
    /// Its country or territory; none for global services such as +800.
    pub region: Option<Region>,
    /// Its kind.
    pub kind: NumberKind,
    /// Whether the plan has such a number.
    pub valid: bool,
}

/// Loads the number plans, some 100 milliseconds once, so that no message waits for it.
pub fn load() {
    let _ = plan::plans_of(1);
}

/// The country or territory of a number. Where a country code has one, the plan is not asked whether
/// there is such a number, and the answer takes nanoseconds; shared codes (1, 7, 44 ...) are looked up.
#[must_use]
pub fn region_of(number: E164) -> Option<Region> {
    match plan::plans_of(number.calling_code()) {
        [] => None,
        [sole] => region(sole),
        [..] => look_up(number).region,
    }
}

/// Global services such as 800 have plans, but their id names no region.
fn region(plan: &Plan) -> Option<Region> {
    plan.id.parse().ok().map(Region)
}

/// Looks a number up in the number plans.
#[must_use]
pub fn look_up(number: E164) -> NumberInfo {
    let digits = number.to_ascii();
    let code = number.calling_code();
    let national = digits.as_str().get(decimal_digits(code)..).unwrap_or_default();
    let Some((plan, kind)) = plan::plan_of(code, national) else {
        return NumberInfo { region: None, kind: NumberKind::Unknown, valid: false };
    };
    NumberInfo { region: region(plan), kind: number_kind(kind), valid: kind != Type::Unknown }
}

fn decimal_digits(code: u16) -> usize {
    code.checked_ilog10().map_or(0, |log| log as usize + 1)
}

/// Reads a number as it is dialled in a region; only digits.
pub(super) fn national(digits: &str, region: Region) -> Option<E164> {
    let parsed = phonenumber::parse(Some(region.0), digits).ok()?;
    let national = parsed.national().to_string();
    // The parser takes any number of digits; how many a plan has is known.
    let plan = DATABASE.by_id(region.as_str())?.descriptors();
    let length = national.len() as u16;
    let possible = |kind| plan.get(kind).is_some_and(|numbers| numbers.possible_length().contains(&length));
    if !TYPES.into_iter().any(possible) {
        return None;
    }
    E164::from_digits(format!("{}{national}", parsed.code().value()).as_bytes()).ok()
}

/// Kinds of numbers that subscribers have.
const TYPES: [Type; 11] = [
    Type::PremiumRate,
    Type::TollFree,
    Type::SharedCost,
    Type::Voip,
    Type::PersonalNumber,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
    Type::FixedLine,
    Type::Mobile,
    Type::FixedLineOrMobile,
];

const fn number_kind(kind: Type) -> NumberKind {
    match kind {
        Type::FixedLine => NumberKind::FixedLine,
        Type::Mobile => NumberKind::Mobile,
        Type::FixedLineOrMobile => NumberKind::FixedLineOrMobile,
        Type::TollFree => NumberKind::TollFree,
        Type::PremiumRate => NumberKind::PremiumRate,
        Type::SharedCost => NumberKind::SharedCost,
        Type::PersonalNumber => NumberKind::Personal,
        Type::Voip => NumberKind::Voip,
        Type::Pager => NumberKind::Pager,
        Type::Uan => NumberKind::UniversalAccess,
        Type::Voicemail => NumberKind::Voicemail,
        Type::Emergency | Type::ShortCode | Type::StandardRate | Type::Carrier | Type::NoInternational => {
            NumberKind::Other
        }
        Type::Unknown => NumberKind::Unknown,
    }
}
