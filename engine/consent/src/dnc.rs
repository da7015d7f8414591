//! Do-not-call lists: numbers that a register, not the person to us, has closed.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use signalbox_text::E164;

use crate::channel::Channels;
use crate::id::ListId;
use crate::numbers::PackedNumbers;
use crate::time::{Micros, Span};

/// Who keeps a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// A country's register.
    National,
    /// The register of a state or province.
    State,
    /// The client's own.
    Internal,
}

/// A do-not-call list with where it is from and how old it may become.
#[derive(Clone, Debug)]
pub struct DncList {
    /// Its name.
    pub name: String,
    /// Who keeps it.
    pub kind: ListKind,
    /// Where the numbers are from, for people.
    pub source: String,
    /// The day as of which they hold.
    pub as_of: Micros,
    /// How old it may be; the US national register must be asked anew after 31 days (16 CFR 310.4(b)(3)(iv)). `None`
    /// for lists that do not age, such as internal ones.
    pub bound: Option<Span>,
    /// What the list closes.
    pub channels: Channels,
    /// Which edition of the list it is, by any name.
    pub edition: String,
    /// The numbers, shared by all versions of the catalog that have this edition.
    pub numbers: Arc<PackedNumbers>,
}

impl DncList {
    /// True when the list is older than its bound. One from the future is not.
    #[must_use]
    pub fn is_stale(&self, now: Micros) -> bool {
        self.bound.is_some_and(|bound| self.as_of.after(bound) < now)
    }
}

/// What the lists say of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DncAnswer {
    /// No list has it, and all lists are there and fresh.
    Clear,
    /// This list has it.
    Listed(ListId),
    /// No list has it, but this one is older than its bound.
    Stale(ListId),
    /// No list has it, but this one is not loaded.
    Missing(ListId),
}

/// All do-not-call lists of a node.
#[derive(Clone, Debug, Default)]
pub struct DncLists {
    lists: FxHashMap<ListId, DncList>,
}

impl DncLists {
    /// Adds a list, or puts a newer edition in its place; the edition before.
    pub fn put(&mut self, id: ListId, list: DncList) -> Option<DncList> {
        self.lists.insert(id, list)
    }

    /// Takes a list away.
    pub fn remove(&mut self, id: ListId) -> Option<DncList> {
        self.lists.remove(&id)
    }

    /// A list.
    #[must_use]
    pub fn get(&self, id: ListId) -> Option<&DncList> {
        self.lists.get(&id)
    }

    /// Asks several lists at once for a number. A list that has it outweighs one that is stale or missing. Registers of
    /// countries and states close marketing alone, internal lists everything.
    #[must_use]
    pub fn ask(
        &self,
        lists: &[ListId],
        number: E164,
        channels: Channels,
        marketing: bool,
        now: Micros,
    ) -> DncAnswer {
        let mut answer = DncAnswer::Clear;
        for id in lists {
            let Some(list) = self.lists.get(id) else {
                if answer == DncAnswer::Clear {
                    answer = DncAnswer::Missing(*id);
                }
                continue;
            };
            let closes = marketing || list.kind == ListKind::Internal;
            if !closes || list.channels.bits() & channels.bits() == 0 {
                continue;
            }
            if list.numbers.contains(number) {
                return DncAnswer::Listed(*id);
            }
            if answer == DncAnswer::Clear && list.is_stale(now) {
                answer = DncAnswer::Stale(*id);
            }
        }
        answer
    }

    /// The lists that stand in the way of a start: those that are missing or older than their bound.
    pub fn unfit(&self, lists: &[ListId], now: Micros) -> impl Iterator<Item = ListId> {
        lists.iter().copied().filter(move |id| self.lists.get(id).is_none_or(|list| list.is_stale(now)))
    }

    /// How many numbers are on all lists together, repeats counted.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.lists.values().map(|list| list.numbers.len()).sum()
    }

    /// Octets of memory that the numbers take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.lists.values().map(|list| list.numbers.memory()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;

    const DAY: i64 = 86_400_000_000;
    const TEXT: Channels = Channels::one(Channel::Text);

    fn number(value: u64) -> E164 {
        E164::from_value(value).unwrap()
    }

    fn list(kind: ListKind, bound: Option<Span>, numbers: &[u64]) -> DncList {
        DncList {
            name: "list".into(),
            kind,
            source: "a test".into(),
            as_of: Micros(100 * DAY),
            bound,
            channels: TEXT.with(Channel::Voice),
            edition: String::new(),
            numbers: PackedNumbers::collect(numbers.iter().copied().map(number)).unwrap().into(),
        }
    }

    fn lists() -> DncLists {
        let mut lists = DncLists::default();
        lists.put(ListId(1), list(ListKind::National, Some(Span::days(31)), &[12_025_550_001]));
        lists.put(ListId(2), list(ListKind::Internal, None, &[12_025_550_002]));
        lists
    }

    #[test]
    fn the_lists_that_are_asked_answer_together() {
        let lists = lists();
        let ask = |ids: &[ListId], value| lists.ask(ids, number(value), TEXT, true, Micros(101 * DAY));
        let both = [ListId(1), ListId(2)];
        assert_eq!(ask(&both, 12_025_550_001), DncAnswer::Listed(ListId(1)));
        assert_eq!(ask(&both, 12_025_550_002), DncAnswer::Listed(ListId(2)));
        assert_eq!(ask(&both, 12_025_550_003), DncAnswer::Clear);
        assert_eq!(ask(&[ListId(2)], 12_025_550_001), DncAnswer::Clear);
        assert_eq!(ask(&[ListId(9), ListId(2)], 12_025_550_003), DncAnswer::Missing(ListId(9)));
        assert_eq!(ask(&[ListId(9), ListId(2)], 12_025_550_002), DncAnswer::Listed(ListId(2)));
    }

    #[test]
    fn a_list_is_stale_after_its_bound_and_not_before() {
        let lists = lists();
        let both = [ListId(1), ListId(2)];
        let last = Micros(131 * DAY);
        assert_eq!(lists.ask(&both, number(12_025_550_003), TEXT, true, last), DncAnswer::Clear);
        assert_eq!(lists.unfit(&both, last).count(), 0);
        let after = Micros(last.0 + 1);
        assert_eq!(lists.ask(&both, number(12_025_550_003), TEXT, true, after), DncAnswer::Stale(ListId(1)));
        assert_eq!(lists.ask(&both, number(12_025_550_001), TEXT, true, after), DncAnswer::Listed(ListId(1)));
        assert_eq!(
            lists.unfit(&[ListId(1), ListId(2), ListId(3)], after).collect::<Vec<_>>(),
            [ListId(1), ListId(3)]
        );
    }

    #[test]
    fn a_list_closes_its_channels_alone() {
        let lists = lists();
        let email = Channels::one(Channel::Email);
        assert_eq!(lists.ask(&[ListId(1)], number(12_025_550_001), email, true, Micros(0)), DncAnswer::Clear);
    }

    #[test]
    fn registers_close_marketing_alone() {
        let lists = lists();
        let both = [ListId(1), ListId(2)];
        let ask = |value| lists.ask(&both, number(value), TEXT, false, Micros(500 * DAY));
        assert_eq!(ask(12_025_550_001), DncAnswer::Clear);
        assert_eq!(ask(12_025_550_002), DncAnswer::Listed(ListId(2)));
    }

    #[test]
    fn a_new_edition_takes_the_place_of_the_old_one() {
        let mut lists = lists();
        let old = lists.put(ListId(1), list(ListKind::National, None, &[12_025_550_009])).unwrap();
        assert_eq!(old.numbers.len(), 1);
        let ask = |value| lists.ask(&[ListId(1)], number(value), TEXT, true, Micros(0));
        assert_eq!(
            (ask(12_025_550_001), ask(12_025_550_009)),
            (DncAnswer::Clear, DncAnswer::Listed(ListId(1)))
        );
        assert_eq!(lists.numbers(), 2);
        assert!(lists.remove(ListId(1)).is_some() && lists.get(ListId(1)).is_none());
    }
}
