//! What the number plans say: country, kind and validity, by the `phonenumber` library.
//!
//! A look-up takes some 10 microseconds, and a millisecond where the patterns of a country have to be
//! compiled first, of which the library keeps only so many: keep the answers where messages are counted
//! in thousands a second. [`region_of`] is fast for most countries.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;
use phonenumber::{PhoneNumber, Type};
use serde::{Deserialize, Serialize};

use super::E164;

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
    LazyLock::force(&SOLE_REGIONS);
}

/// The country or territory of a number. Where a country code has one, the plan is not asked whether
/// there is such a number, and the answer takes nanoseconds; shared codes (1, 7, 44 ...) are looked up.
#[must_use]
pub fn region_of(number: E164) -> Option<Region> {
    match SOLE_REGIONS[usize::from(number.calling_code())] {
        Sole::Region(region) => Some(region),
        Sole::None => None,
        Sole::Shared => look_up(number).region,
    }
}

/// What a country code says alone.
#[derive(Clone, Copy)]
enum Sole {
    None,
    Region(Region),
    Shared,
}

static SOLE_REGIONS: LazyLock<Vec<Sole>> = LazyLock::new(|| {
    let mut codes = vec![Sole::None; 1000];
    for plan in DATABASE.iter() {
        // Global services such as 800 have plans, but their id names no region.
        let Ok(id) = plan.id().parse() else { continue };
        let Some(code) = codes.get_mut(usize::from(plan.country_code())) else { continue };
        *code = match code {
            Sole::None => Sole::Region(Region(id)),
            Sole::Region(_) | Sole::Shared => Sole::Shared,
        };
    }
    codes
});

/// Looks a number up in the number plans.
#[must_use]
pub fn look_up(number: E164) -> NumberInfo {
    // Only digits behind a plus are given to the parser, whatever a peer sent.
    let Ok(parsed) = phonenumber::parse(None, number.to_string()) else {
        return NumberInfo { region: None, kind: NumberKind::Unknown, valid: false };
    };
    let valid = phonenumber::is_valid(&parsed);
    let region = parsed.country().id().map(Region);
    let kind = parsed.number_type(&DATABASE);
    if kind == Type::Unknown && parsed.national().zeros() > 0 {
        let (region, kind) = with_leading_zero(&parsed);
        return NumberInfo { region, kind, valid };
    }
    NumberInfo { region, kind: number_kind(kind), valid }
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

/// Order in which kinds are tried, most telling first.
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

/// The library leaves leading zeros out when it asks for country and type; Italian fixed lines have
/// them.
fn with_leading_zero(number: &PhoneNumber) -> (Option<Region>, NumberKind) {
    let national = number.national().to_string();
    for plan in DATABASE.by_code(&number.code().value()).unwrap_or_default() {
        let has =
            |kind: &Type| plan.descriptors().get(*kind).is_some_and(|numbers| numbers.is_match(&national));
        if let Some(kind) = TYPES.into_iter().find(has) {
            return (plan.id().parse().ok().map(Region), number_kind(kind));
        }
    }
    (None, NumberKind::Unknown)
}

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
