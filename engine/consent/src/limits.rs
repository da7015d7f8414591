//! What carriers allow a day or a minute: by registration class, brand or campaign, and by source address.

use std::collections::VecDeque;

use jiff::ToSpan;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use signalbox_text::E164;

use crate::id::{LimitId, SourceId};
use crate::time::{Micros, Span};
use crate::zones::{ZoneId, Zones};

#[cfg(test)]
mod tests;

/// A limit, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitSpec {
    /// So many messages from one local midnight to the next, as T-Mobile counts a brand's to midnight of
    /// `America/Los_Angeles`.
    PerDay {
        /// How many, from 1.
        most: u32,
        /// Whose midnight, an IANA name.
        zone: String,
    },
    /// So many messages of a calendar month, from the first midnight of one to that of the next.
    PerMonth {
        /// How many, from 1.
        most: u32,
        /// Whose midnight, an IANA name.
        zone: String,
    },
    /// So many messages a minute, evenly, with at most a second's worth at once, as AT&T counts a class.
    PerMinute {
        /// How many, from 1.
        most: u32,
    },
}

/// Why a limit is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Nothing could ever leave.
    #[error("most is 0: whatever is limited so is switched off elsewhere")]
    Zero,
    /// Not a zone of the tz database.
    #[error("{0:?} is no time zone of the tz database")]
    UnknownZone(String),
}

/// Use of a limit: a row of the store, the latest of a limit replaces the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitRow {
    /// Messages so far in the day or month that ends then.
    Used {
        /// Which limit.
        limit: LimitId,
        /// The midnight at which the count is void.
        ends: Micros,
        /// How many.
        count: u32,
    },
    /// The limit's time by its rate: before it less a second's worth, nothing more leaves.
    Rate {
        /// Which limit.
        limit: LimitId,
        /// The theoretical arrival time of the next message.
        next: Micros,
    },
    /// A source address wrote to a recipient in the day that ends then.
    Recipient {
        /// The source address.
        source: SourceId,
        /// Its how manieth recipient of the day this was, from 0: the next day's takes its place.
        place: u32,
        /// The midnight at which it is forgotten.
        ends: Micros,
        /// The recipient.
        number: E164,
    },
}

/// How long a count lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Day,
    Month,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    Counted { most: u32, period: Period, zone: ZoneId, ends: Micros, used: u32 },
    PerMinute { gap: u64, burst: u64, next: Micros },
}

#[derive(Debug)]
struct Recipients {
    most: u32,
    zone: ZoneId,
    ends: Micros,
    numbers: FxHashSet<u64>,
}

/// What the limits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitVerdict {
    /// There is room.
    Free,
    /// There is from then on.
    Until(Micros),
    /// No such limit is loaded; what should be limited must not leave unlimited.
    Unknown,
}

/// All limits and their use. Bounded by the limits themselves: a count each, and as many recipients as each source
/// address may have a day.
#[derive(Debug, Default)]
pub struct DailyLimits {
    limits: FxHashMap<LimitId, Limit>,
    sources: FxHashMap<SourceId, Recipients>,
    changes: VecDeque<LimitRow>,
}

impl DailyLimits {
    /// Sets a limit. What was used of it is kept when it stays of one kind and zone.
    ///
    /// # Errors
    /// [`LimitError`] when it is not usable; the one before stays.
    pub fn put(&mut self, id: LimitId, spec: &LimitSpec, zones: &Zones) -> Result<(), LimitError> {
        let before = self.limits.get(&id).copied();
        let limit = match spec {
            LimitSpec::PerDay { most: 0, .. }
            | LimitSpec::PerMonth { most: 0, .. }
            | LimitSpec::PerMinute { most: 0 } => {
                return Err(LimitError::Zero);
            }
            LimitSpec::PerDay { most, zone } | LimitSpec::PerMonth { most, zone } => {
                let zone = zones.find(zone).ok_or_else(|| LimitError::UnknownZone(zone.clone()))?;
                let period =
                    if matches!(spec, LimitSpec::PerMonth { .. }) { Period::Month } else { Period::Day };
                let (ends, used) = match before {
                    Some(Limit::Counted { zone: old, period: of, ends, used, .. })
                        if (old, of) == (zone, period) =>
                    {
                        (ends, used)
                    }
                    Some(Limit::Counted { .. } | Limit::PerMinute { .. }) | None => (Micros(i64::MIN), 0),
                };
                Limit::Counted { most: *most, period, zone, ends, used }
            }
            LimitSpec::PerMinute { most } => {
                let next = match before {
                    Some(Limit::PerMinute { next, .. }) => next,
                    Some(Limit::Counted { .. }) | None => Micros(i64::MIN),
                };
                let gap = (Span::minutes(1).micros() / u64::from(*most)).max(1);
                Limit::PerMinute { gap, burst: Span::seconds(1).micros().saturating_sub(gap), next }
            }
        };
        self.limits.insert(id, limit);
        Ok(())
    }

    /// Takes a limit away.
    pub fn remove(&mut self, id: LimitId) {
        self.limits.remove(&id);
    }

    /// Sets how many different recipients a source address may have from one midnight of `zone` to the next.
    ///
    /// # Errors
    /// [`LimitError`] when it is not usable; the one before stays.
    pub fn put_source(
        &mut self,
        id: SourceId,
        most: u32,
        zone: &str,
        zones: &Zones,
    ) -> Result<(), LimitError> {
        if most == 0 {
            return Err(LimitError::Zero);
        }
        let zone = zones.find(zone).ok_or_else(|| LimitError::UnknownZone(zone.to_owned()))?;
        let fresh = Recipients { most, zone, ends: Micros(i64::MIN), numbers: FxHashSet::default() };
        let of = self.sources.entry(id).or_insert(fresh);
        if of.zone != zone {
            (of.zone, of.ends) = (zone, Micros(i64::MIN));
            of.numbers.clear();
        }
        of.most = most;
        Ok(())
    }

    /// Takes away the limits, and the bounds of source addresses, that are not wanted.
    pub fn retain(&mut self, limit: impl Fn(LimitId) -> bool, source: impl Fn(SourceId) -> bool) {
        self.limits.retain(|id, _| limit(*id));
        self.sources.retain(|id, _| source(*id));
    }

    /// Takes the bound of a source address away.
    pub fn remove_source(&mut self, id: SourceId) {
        self.sources.remove(&id);
    }

    /// Takes over what the store remembers, after the limits are set; nothing of it is a change.
    pub fn restore(&mut self, rows: impl IntoIterator<Item = LimitRow>) {
        for row in rows {
            match row {
                LimitRow::Used { limit, ends, count } => {
                    if let Some(Limit::Counted { ends: at, used, .. }) = self.limits.get_mut(&limit)
                        && ends >= *at
                    {
                        (*at, *used) = (ends, count);
                    }
                }
                LimitRow::Rate { limit, next } => {
                    if let Some(Limit::PerMinute { next: at, .. }) = self.limits.get_mut(&limit) {
                        *at = (*at).max(next);
                    }
                }
                LimitRow::Recipient { source, place: _, ends, number } => {
                    let Some(of) = self.sources.get_mut(&source) else { continue };
                    if ends > of.ends {
                        of.ends = ends;
                        of.numbers.clear();
                    }
                    if ends == of.ends {
                        of.numbers.insert(number.get());
                    }
                }
            }
        }
    }

    /// Asks limits for one message.
    #[must_use]
    pub fn ask(&self, limits: &[LimitId], now: Micros) -> LimitVerdict {
        let mut until = now;
        for id in limits {
            match self.limits.get(id) {
                None => return LimitVerdict::Unknown,
                Some(Limit::Counted { most, ends, used, .. }) => {
                    if now < *ends && used >= most {
                        until = until.max(*ends);
                    }
                }
                Some(Limit::PerMinute { burst, next, .. }) => {
                    until = until.max(Micros(next.0.saturating_sub_unsigned(*burst)));
                }
            }
        }
        if until > now { LimitVerdict::Until(until) } else { LimitVerdict::Free }
    }

    /// Asks whether a source address may write to this recipient today. One without a bound may.
    #[must_use]
    pub fn ask_source(&self, source: SourceId, number: E164, now: Micros) -> LimitVerdict {
        let Some(of) = self.sources.get(&source) else { return LimitVerdict::Free };
        let full = of.numbers.len() >= of.most as usize && !of.numbers.contains(&number.get());
        if now < of.ends && full { LimitVerdict::Until(of.ends) } else { LimitVerdict::Free }
    }

    /// Counts a message that is released.
    pub fn count(
        &mut self,
        limits: &[LimitId],
        source: SourceId,
        number: Option<E164>,
        now: Micros,
        zones: &Zones,
    ) {
        for id in limits {
            let row = match self.limits.get_mut(id) {
                None => continue,
                Some(Limit::Counted { zone, period, ends, used, .. }) => {
                    if now >= *ends {
                        (*ends, *used) = (end_of(*period, zones, *zone, now), 0);
                    }
                    *used = used.saturating_add(1);
                    LimitRow::Used { limit: *id, ends: *ends, count: *used }
                }
                Some(Limit::PerMinute { gap, next, .. }) => {
                    *next = Micros((*next).max(now).0.saturating_add_unsigned(*gap));
                    LimitRow::Rate { limit: *id, next: *next }
                }
            };
            self.changes.push_back(row);
        }
        let (Some(of), Some(number)) = (self.sources.get_mut(&source), number) else { return };
        if now >= of.ends {
            of.ends = end_of(Period::Day, zones, of.zone, now);
            of.numbers.clear();
        }
        // Beyond the bound nothing is asked any more, so nothing need be remembered.
        let place = of.numbers.len();
        if place < of.most as usize && of.numbers.insert(number.get()) {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            self.changes.push_back(LimitRow::Recipient { source, place, ends: of.ends, number });
        }
    }

    /// What was counted since the last call, to be written in the commit that releases.
    pub fn drain_changes(&mut self) -> impl Iterator<Item = LimitRow> + '_ {
        self.changes.drain(..)
    }
}

/// The first local midnight after `now`, or the first one of the next month; where the clock skips midnight, the first
/// instant of the day.
fn end_of(period: Period, zones: &Zones, zone: ZoneId, now: Micros) -> Micros {
    let zone = zones.get(zone);
    let today = zone.to_datetime(now.timestamp()).date();
    let next = match period {
        Period::Day => today.checked_add(1.day()),
        Period::Month => today.first_of_month().checked_add(1.month()),
    };
    let start = next.ok().and_then(|date| date.to_zoned(zone.clone()).ok());
    // At the end of the calendar there is no other midnight.
    start.map_or(Micros(i64::MAX), |start| Micros::not_before(start.timestamp()))
}
