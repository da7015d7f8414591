//! How often one recipient may be written to: true sliding windows, asked and counted when a message is released.

use std::collections::VecDeque;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};
use signalbox_text::E164;
use smallvec::SmallVec;

use crate::id::{AccountId, MatterId};
use crate::time::{Micros, Span};

#[cfg(test)]
mod tests;

/// The most messages that a cap may allow.
pub const MAX_MOST: u16 = 100;
/// The longest window, in hours: 31 days.
pub const MAX_HOURS: u32 = 31 * 24;

/// What a cap counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapOver {
    /// Messages of the account on one matter.
    Matter,
    /// All messages of the account.
    Account,
}

/// A cap, as data: at most `most` messages in any `hours` hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapSpec {
    /// How many.
    pub most: u16,
    /// In how many hours.
    pub hours: u32,
    /// Of what.
    pub over: CapOver,
}

/// Why a cap is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapError {
    /// No or too many messages.
    #[error("most is {0}, 1 to {MAX_MOST} are possible")]
    Most(u16),
    /// No or too long a time.
    #[error("hours is {0}, 1 to {MAX_HOURS} are possible")]
    Hours(u32),
}

/// A cap: at most so many messages in any window of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    most: u16,
    span: Span,
    over: CapOver,
}

impl Cap {
    /// A cap from data.
    ///
    /// # Errors
    /// [`CapError`] when a figure is out of range.
    pub fn new(spec: &CapSpec) -> Result<Self, CapError> {
        if !(1..=MAX_MOST).contains(&spec.most) {
            return Err(CapError::Most(spec.most));
        }
        if !(1..=MAX_HOURS).contains(&spec.hours) {
            return Err(CapError::Hours(spec.hours));
        }
        Ok(Self { most: spec.most, span: Span::hours(u64::from(spec.hours)), over: spec.over })
    }
}

/// Whom a message is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CapKey {
    /// The device.
    pub number: E164,
    /// The account.
    pub account: AccountId,
    /// What the message is about.
    pub matter: MatterId,
}

/// The counted messages of one key: a row of the store, from which the counts are restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapRow {
    /// Whom they were counted for.
    pub key: CapKey,
    /// When they were released, ascending; empty when none counts any more.
    pub times: Vec<Micros>,
}

/// `None` counts all matters of an account.
type Key = (u64, u32, Option<u32>);

/// Times of release, ascending.
type Times = SmallVec<[i64; 3]>;

const SEGMENTS: usize = 256;

/// Counts of messages by recipient. Bounded: at the bound a message that would need a new place must wait until the
/// sweep has made room.
#[derive(Debug)]
pub struct FrequencyCaps {
    segments: Box<[HashMap<Key, Times, FxBuildHasher>]>,
    len: usize,
    max_keys: usize,
    next_sweep: usize,
    changes: VecDeque<CapKey>,
}

/// What the caps say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapVerdict {
    /// There is room under each cap.
    Free,
    /// There is from then on.
    Until(Micros),
}

impl FrequencyCaps {
    /// Empty counts; `max_keys` bounds the pairs of recipient and matter (or account) that are kept at a time.
    #[must_use]
    pub fn new(max_keys: usize) -> Self {
        Self {
            segments: (0..SEGMENTS).map(|_| HashMap::default()).collect(),
            len: 0,
            max_keys,
            next_sweep: 0,
            changes: VecDeque::new(),
        }
    }

    /// Counts what the store remembers; nothing of it is a change.
    pub fn restore(&mut self, rows: impl IntoIterator<Item = CapRow>) {
        for row in rows {
            for at in &row.times {
                self.note(&row.key, *at);
            }
        }
    }

    /// Asks all caps for one message.
    #[must_use]
    pub fn ask<'a>(&self, key: &CapKey, caps: impl IntoIterator<Item = &'a Cap>, now: Micros) -> CapVerdict {
        let mut until = now;
        for cap in caps {
            let place = place(key, cap.over);
            let Some(times) = self.segments[segment(&place)].get(&place) else {
                // A new place is needed; without room the next sweep may make some.
                if self.len + 2 > self.max_keys {
                    until = until.max(now.after(Span::minutes(1)));
                }
                continue;
            };
            // The message that must have left the window before another may come.
            let Some(oldest) = times.len().checked_sub(usize::from(cap.most)) else { continue };
            until = until.max(Micros(times[oldest]).after(cap.span));
        }
        if until > now { CapVerdict::Until(until) } else { CapVerdict::Free }
    }

    /// Counts a message that is released.
    pub fn count(&mut self, key: &CapKey, now: Micros) {
        self.note(key, now);
        self.changes.push_back(*key);
    }

    fn note(&mut self, key: &CapKey, at: Micros) {
        for over in [CapOver::Matter, CapOver::Account] {
            let place = place(key, over);
            let segment = &mut self.segments[segment(&place)];
            if !segment.contains_key(&place) {
                if self.len >= self.max_keys {
                    continue;
                }
                self.len += 1;
            }
            let times = segment.entry(place).or_default();
            let place = times.partition_point(|time| *time <= at.0);
            times.insert(place, at.0);
            if times.len() > usize::from(MAX_MOST) {
                times.remove(0);
            }
        }
    }

    /// What changed since the last call, to be written in the commit that releases.
    pub fn drain_changes(&mut self) -> impl Iterator<Item = CapRow> + '_ {
        let Self { changes, segments, .. } = self;
        changes.drain(..).map(|key| {
            let place = place(&key, CapOver::Matter);
            let times = segments[segment(&place)].get(&place);
            CapRow { key, times: times.into_iter().flatten().map(|time| Micros(*time)).collect() }
        })
    }

    /// Forgets what no cap can ask for any more, in one of 256 parts of the counts; called often, in turn.
    pub fn sweep(&mut self, now: Micros) {
        let oldest = now.before(Span::hours(u64::from(MAX_HOURS))).0;
        let segment = &mut self.segments[self.next_sweep];
        self.next_sweep = (self.next_sweep + 1) % SEGMENTS;
        let before = segment.len();
        let changes = &mut self.changes;
        segment.retain(|(number, account, matter), times| {
            times.retain(|time| *time > oldest);
            if let (true, Some(number), Some(matter)) = (times.is_empty(), E164::from_value(*number), matter)
            {
                changes.push_back(CapKey { number, account: AccountId(*account), matter: MatterId(*matter) });
            }
            !times.is_empty()
        });
        self.len -= before - segment.len();
        if segment.capacity() > 64 && segment.len() < segment.capacity() / 4 {
            segment.shrink_to_fit();
        }
    }

    /// How many pairs of recipient and matter, or account, are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

fn place(key: &CapKey, over: CapOver) -> Key {
    let matter = match over {
        CapOver::Matter => Some(key.matter.0),
        CapOver::Account => None,
    };
    (key.number.get(), key.account.0, matter)
}

/// By the number alone, spread by a multiplier (2^64 divided by the golden ratio).
fn segment(place: &Key) -> usize {
    (place.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % SEGMENTS
}
