//! Where a recipient is, as far as it can be told: country, state, and the time zones that are possible (INT-02).

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use signalbox_text::E164;
use signalbox_text::phone;
use smallvec::SmallVec;

use crate::region::{Country, Region};
use crate::zones::{ZoneId, Zones};

mod countries;
mod nanp;
mod postal;
#[cfg(test)]
mod tests;

/// What is known of a recipient's place. All fields are optional; the better one decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// The contact's own time zone, an IANA name. One that is not known counts as none.
    pub zone: Option<&'a str>,
    /// The contact's country; that of the number where it is not known.
    pub country: Option<Country>,
    /// The contact's state or province.
    pub state: Option<Region>,
    /// The contact's postal code.
    pub postal: Option<&'a str>,
}

/// What told the time zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The contact's zone.
    Zone,
    /// The postal code.
    Postal,
    /// The state or province.
    State,
    /// The area code.
    AreaCode,
    /// The country.
    Country,
    /// Nothing did.
    Unknown,
}

/// Where a recipient may be. Several zones mean: in one of them, and nobody knows in which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// The country.
    pub country: Option<Country>,
    /// The state; none where it may be any of the country's.
    pub region: Option<Region>,
    /// The possible zones.
    pub zones: SmallVec<[ZoneId; 8]>,
    /// What told the zones.
    pub basis: Basis,
}

impl Whereabouts {
    /// Nothing is known.
    pub(crate) fn unknown() -> Self {
        Self { country: None, region: None, zones: SmallVec::new(), basis: Basis::Unknown }
    }
}

#[derive(Clone, Debug)]
struct Area {
    country: Country,
    region: Option<Region>,
    zones: SmallVec<[ZoneId; 4]>,
}

/// The tables of places, with their zones looked up.
#[derive(Debug)]
pub struct Places {
    areas: Vec<Area>,
    /// By the three digits after +1, and by the first three of a postal code; one more than the index of the area.
    by_area_code: Box<[u16; 1000]>,
    by_zip: Box<[u16; 1000]>,
    by_letter: [u16; 26],
    states: FxHashMap<Region, SmallVec<[ZoneId; 4]>>,
    countries: FxHashMap<Country, SmallVec<[ZoneId; 8]>>,
}

impl Places {
    /// Looks up the zones of the tables. Rows whose zone the tz database does not have are left out; there are none, as
    /// the tests show.
    #[must_use]
    pub fn load(zones: &Zones) -> Self {
        let mut places = Self {
            areas: Vec::new(),
            by_area_code: Box::new([0; 1000]),
            by_zip: Box::new([0; 1000]),
            by_letter: [0; 26],
            states: FxHashMap::default(),
            countries: FxHashMap::default(),
        };
        for (country, names) in countries::COUNTRIES {
            let Ok(country) = country.parse() else { continue };
            places.countries.insert(country, found(zones, names).collect());
        }
        for (state, names) in nanp::STATES {
            let Ok(state) = state.parse() else { continue };
            places.states.insert(state, found(zones, names).collect());
        }
        for (name, some, codes) in nanp::AREAS {
            let Some(at) = places.area(zones, name, some) else { continue };
            for code in codes.split_ascii_whitespace().filter_map(|code| code.parse::<usize>().ok()) {
                places.by_area_code[code % 1000] = at;
            }
        }
        for (name, some, ranges) in postal::ZIP {
            let Some(at) = places.area(zones, name, some) else { continue };
            for code in ranges.iter().flat_map(|(from, to)| *from..=*to) {
                places.by_zip[usize::from(code) % 1000] = at;
            }
        }
        for (letter, name, some) in postal::CANADA {
            let Some(at) = places.area(zones, name, some) else { continue };
            places.by_letter[usize::from(letter - b'A')] = at;
        }
        places
    }

    /// Adds an area; one more than its index.
    fn area(&mut self, zones: &Zones, name: &str, some: &str) -> Option<u16> {
        let region: Option<Region> = name.parse().ok();
        let country = region.map(Region::country).or_else(|| name.parse().ok())?;
        let zones = match region {
            _ if !some.is_empty() => found(zones, some).collect(),
            Some(region) => self.states.get(&region)?.clone(),
            None => self.countries.get(&country)?.iter().copied().collect(),
        };
        self.areas.push(Area { country, region, zones });
        u16::try_from(self.areas.len()).ok()
    }

    fn at(&self, index: u16) -> Option<&Area> {
        self.areas.get(usize::from(index).checked_sub(1)?)
    }

    fn by_number(&self, number: E164) -> Option<&Area> {
        if number.digits() != 11 || number.calling_code() != 1 {
            return None;
        }
        self.at(self.by_area_code[(number.get() / 10_000_000 % 1000) as usize])
    }

    fn by_postal(&self, country: Option<Country>, code: &str) -> Option<&Area> {
        let code = code.trim().as_bytes();
        match country?.as_str() {
            "US" | "PR" | "VI" | "GU" => {
                let digits = code.get(..5)?;
                if !digits.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                let first = digits[..3].iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                self.at(self.by_zip[first])
            }
            "CA" => {
                let letter = code.first()?.to_ascii_uppercase();
                self.at(*self.by_letter.get(usize::from(letter.checked_sub(b'A')?))?)
            }
            _ => None,
        }
    }

    /// Where a recipient may be.
    ///
    /// The zones come from the contact's own zone, then the postal code, the state, the area code of the number, the
    /// country; the state from the contact, then the postal code, then the area code. An area code of another country
    /// than the contact's tells nothing. The country is that of the number plan where nothing of these tells one.
    #[must_use]
    pub fn locate(&self, zones: &Zones, place: &Place<'_>, number: Option<E164>) -> Whereabouts {
        let by_number = number.and_then(|number| self.by_number(number));
        let country = place
            .country
            .or(place.state.map(Region::country))
            .or(by_number.map(|area| area.country))
            .or_else(|| phone::region_of(number?)?.as_str().parse().ok());
        // Numbers of Puerto Rico are +1 numbers, and a plan that knows no more says US.
        let by_number =
            by_number.filter(|area| Some(area.country) == country || country.is_some_and(has_territories));
        let by_postal = place.postal.and_then(|code| self.by_postal(country, code));
        let country = match (by_postal, by_number) {
            (Some(area), _) => Some(area.country),
            (None, Some(area)) if place.state.is_none() => Some(area.country),
            (None, _) => country,
        };
        let region =
            place.state.or(by_postal.and_then(|area| area.region)).or(by_number.and_then(|area| area.region));
        let (zones, basis) = self.zones(zones, place, country, by_postal, by_number);
        Whereabouts { country, region, zones, basis }
    }

    fn zones(
        &self,
        zones: &Zones,
        place: &Place<'_>,
        country: Option<Country>,
        by_postal: Option<&Area>,
        by_number: Option<&Area>,
    ) -> (SmallVec<[ZoneId; 8]>, Basis) {
        if let Some(zone) = place.zone.and_then(|name| zones.find(name)) {
            return (SmallVec::from_slice(&[zone]), Basis::Zone);
        }
        if let Some(area) = by_postal {
            return (SmallVec::from_slice(&area.zones), Basis::Postal);
        }
        if let Some(of) = place.state.and_then(|state| self.states.get(&state)) {
            return (SmallVec::from_slice(of), Basis::State);
        }
        // A state without zones of its own here, with a number of elsewhere: the country says more.
        if let Some(area) = by_number.filter(|_| place.state.is_none()) {
            return (SmallVec::from_slice(&area.zones), Basis::AreaCode);
        }
        match country.and_then(|country| self.countries.get(&country)) {
            Some(of) => (of.clone(), Basis::Country),
            None => (SmallVec::new(), Basis::Unknown),
        }
    }
}

fn has_territories(country: Country) -> bool {
    country.as_str() == "US"
}

fn found<'a>(zones: &'a Zones, names: &'a str) -> impl Iterator<Item = ZoneId> + 'a {
    names.split_ascii_whitespace().filter_map(|name| zones.find(name))
}
