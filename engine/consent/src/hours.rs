//! Quiet hours: jurisdictions as dated data, and when a recipient may be reached under all of those that may apply.

use jiff::Timestamp;
use jiff::civil::Date;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::caps::Cap;
use crate::channel::{Channel, Channels};
use crate::place::Whereabouts;
use crate::region::{Country, Region};
use crate::time::Micros;
use crate::zones::{ZoneId, Zones};

mod spec;
#[cfg(test)]
mod tests;
mod week;

pub use spec::{HoursError, JurisdictionSpec, QuietHoursSpec, RuleScope, WeekSpec};
use week::Week;

/// Rounds in which rules that exclude each other's hours are brought together.
const MAX_ROUNDS: usize = 200;

/// One jurisdiction's rule, ready to be asked.
#[derive(Clone, Debug)]
pub struct Jurisdiction {
    /// Its name.
    pub name: String,
    /// Where the rule stands.
    pub source: String,
    /// The day as of which that was read.
    pub as_of: Date,
    /// How often one may write to a recipient there.
    pub caps: Vec<Cap>,
    states: Vec<Region>,
    zones: Vec<ZoneId>,
    channels: Channels,
    scope: RuleScope,
    week: Week,
}

/// Whether a recipient may be reached now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoursVerdict {
    /// No rule applies.
    NoRule,
    /// All rules that may apply allow it in all zones that are possible.
    Allowed,
    /// They do from then on.
    Until(Micros),
    /// They have no hour in common within a month.
    Never,
    /// A rule may apply, but nobody knows what time it is there.
    UnknownPlace,
}

/// All jurisdictions.
#[derive(Debug, Default)]
pub struct QuietHours {
    version: u32,
    rules: Vec<Jurisdiction>,
    by_country: FxHashMap<Country, Vec<usize>>,
}

/// A rule and the zones in which it must hold.
type Applying<'a> = SmallVec<[(&'a Jurisdiction, SmallVec<[ZoneId; 8]>); 8]>;

impl QuietHours {
    /// The worked examples shipped with the program: United States, Florida, Texas, France, India. They are an
    /// engineering reading: a lawyer must confirm each.
    ///
    /// # Errors
    /// Never, as the tests show; the data is read like any other.
    pub fn shipped(zones: &Zones) -> Result<Self, HoursError> {
        Self::new(&QuietHoursSpec::shipped()?, zones)
    }

    /// Reads jurisdictions from TOML.
    ///
    /// # Errors
    /// [`HoursError`] with what is wrong and where.
    pub fn read(toml: &str, zones: &Zones) -> Result<Self, HoursError> {
        Self::new(&QuietHoursSpec::read(toml)?, zones)
    }

    /// Jurisdictions from data.
    ///
    /// # Errors
    /// [`HoursError`] with what is wrong and where.
    pub fn new(spec: &QuietHoursSpec, zones: &Zones) -> Result<Self, HoursError> {
        let mut hours = Self { version: spec.version, ..Self::default() };
        for of in &spec.jurisdictions {
            let wrong = |(field, problem)| HoursError::Row { jurisdiction: of.name.clone(), field, problem };
            let rule = Jurisdiction::new(of, zones).map_err(wrong)?;
            if hours.rules.iter().any(|other| other.name == rule.name) {
                return Err(wrong(("name", "another jurisdiction has this name".to_owned())));
            }
            let mut countries: Vec<Country> = of.countries.clone();
            countries.extend(of.states.iter().map(|state| state.country()));
            countries.sort_unstable();
            countries.dedup();
            for country in countries {
                hours.by_country.entry(country).or_default().push(hours.rules.len());
            }
            hours.rules.push(rule);
        }
        Ok(hours)
    }

    /// The version of the data.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The rows.
    #[must_use]
    pub fn rules(&self) -> &[Jurisdiction] {
        &self.rules
    }

    /// The rules that may apply to a message. Where the state is not known, those of all its country's states do.
    pub fn rules_for(
        &self,
        at: &Whereabouts,
        channel: Channel,
        marketing: bool,
    ) -> impl Iterator<Item = &Jurisdiction> {
        let indices = at.country.and_then(|country| self.by_country.get(&country));
        let region = at.region;
        indices.into_iter().flatten().map(|index| &self.rules[*index]).filter(move |rule| {
            let place = rule.states.is_empty() || region.is_none_or(|region| rule.states.contains(&region));
            place && rule.channels.has(channel) && (marketing || rule.scope == RuleScope::All)
        })
    }

    /// The place of a rule among [`rules`](Self::rules).
    #[must_use]
    pub fn place_of(&self, name: &str) -> Option<usize> {
        self.rules.iter().position(|rule| rule.name == name)
    }

    /// When a recipient may be reached: at the first instant from `now` on at which each rule that may apply allows it
    /// in each zone that is possible. The rules at the places `also` apply wherever the recipient is.
    #[must_use]
    pub fn judge(
        &self,
        zones: &Zones,
        at: &Whereabouts,
        (channel, marketing): (Channel, bool),
        also: &[usize],
        now: Micros,
    ) -> HoursVerdict {
        let now = now.timestamp();
        let mut applying: Applying<'_> = SmallVec::new();
        for rule in self.rules_for(at, channel, marketing) {
            if at.zones.is_empty() {
                return HoursVerdict::UnknownPlace;
            }
            let of = rule.zones_of(zones, at, now);
            if !of.is_empty() {
                applying.push((rule, of));
            }
        }
        for rule in also.iter().filter_map(|place| self.rules.get(*place)) {
            if !rule.channels.has(channel) || !(marketing || rule.scope == RuleScope::All) {
                continue;
            }
            if at.zones.is_empty() {
                return HoursVerdict::UnknownPlace;
            }
            applying.push((rule, at.zones.clone()));
        }
        if applying.is_empty() {
            return HoursVerdict::NoRule;
        }
        match first_common(zones, &applying, now) {
            Some(at) if at == now => HoursVerdict::Allowed,
            Some(at) => HoursVerdict::Until(Micros::not_before(at)),
            None => HoursVerdict::Never,
        }
    }
}

/// The first instant that suits every rule in every zone.
fn first_common(zones: &Zones, applying: &Applying<'_>, now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    for _ in 0..MAX_ROUNDS {
        let before = at;
        for (rule, of) in applying {
            for zone in of {
                at = rule.week.next(zones.get(*zone), at)?;
            }
        }
        if at == before {
            return Some(at);
        }
        if at.duration_since(now).as_hours() > i64::from(week::HORIZON_DAYS) * 24 {
            return None;
        }
    }
    None
}

impl Jurisdiction {
    fn new(of: &JurisdictionSpec, zones: &Zones) -> Result<Self, (&'static str, String)> {
        if of.countries.is_empty() == of.states.is_empty() {
            return Err(("countries", "either countries or states are given, not both".to_owned()));
        }
        if of.channels.is_empty() {
            return Err(("channels", "a rule for no channel".to_owned()));
        }
        let find = |name: &String| {
            zones.find(name).ok_or_else(|| ("zones", format!("{name:?} is no time zone of the tz database")))
        };
        let caps = of.caps.iter().map(Cap::new).collect::<Result<_, _>>();
        Ok(Self {
            name: of.name.clone(),
            source: of.source.clone(),
            as_of: of.as_of,
            caps: caps.map_err(|error| ("caps", error.to_string()))?,
            states: of.states.clone(),
            zones: of.zones.iter().map(find).collect::<Result<_, _>>()?,
            channels: of.channels,
            scope: of.scope,
            week: Week::read(&of.hours, &of.holidays, &of.on_holidays)?,
        })
    }

    /// The possible zones in which the rule must hold. A rule of states holds in the zones of those states: whose clock
    /// shows another time than any of them is not there, unless he is known to be.
    fn zones_of(&self, zones: &Zones, at: &Whereabouts, now: Timestamp) -> SmallVec<[ZoneId; 8]> {
        if self.zones.is_empty() {
            return at.zones.clone();
        }
        let offset = |zone: ZoneId| zones.get(zone).to_offset(now);
        let agrees = |zone: &ZoneId| {
            self.zones.contains(zone) || self.zones.iter().any(|own| offset(*own) == offset(*zone))
        };
        let common: SmallVec<[ZoneId; 8]> = at.zones.iter().copied().filter(agrees).collect();
        let known = at.region.is_some_and(|region| self.states.contains(&region));
        if common.is_empty() && known { at.zones.clone() } else { common }
    }

    /// True when the row was read longer than `days` days before `now`: time to look again.
    #[must_use]
    pub fn is_older_than(&self, days: i32, now: Micros) -> bool {
        let today = jiff::tz::TimeZone::UTC.to_datetime(now.timestamp()).date();
        today.since(self.as_of).is_ok_and(|age| age.get_days() > days)
    }
}
