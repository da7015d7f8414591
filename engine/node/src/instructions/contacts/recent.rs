//! Contacts of the devices that wrote last, while nothing that is known of people changes.

use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_core::time::{Mono, Since};
use signalbox_people::Asked;

use super::Known;

/// Contacts that are kept: at most twice as many, the younger half in full.
const HALF: usize = 8_192;
/// A contact whose fields are longer is looked up each time: together they are bounded, too.
const LONGEST: usize = 2_048;
/// Nothing is kept for longer: a change that was given up half-way may come after it was counted.
const AGE: Duration = Duration::from_secs(30);

/// What a run asks for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    account: u32,
    contact: i64,
    address: Box<str>,
}

impl Key {
    pub(super) fn of(asked: &Asked) -> Self {
        Self {
            account: asked.account.0,
            contact: asked.contact.map_or(0, |contact| contact.0),
            address: asked.address.as_str().into(),
        }
    }
}

/// Two halves: what is asked for again moves to the younger one; when that is full the older one is forgotten.
#[derive(Default)]
pub(super) struct Recent {
    young: FxHashMap<Key, Known>,
    old: FxHashMap<Key, Known>,
    /// The count of changes at which they were read; `None` where nobody counts and nothing is kept.
    changes: Option<u64>,
    since: Mono,
}

impl Recent {
    /// Forgets all that may be another by now.
    pub(super) fn follow(&mut self, changes: Option<u64>, now: Mono) {
        if self.changes != changes || Since::from(self.since).age(now) > AGE {
            self.young.clear();
            self.old.clear();
            (self.changes, self.since) = (changes, now);
        }
    }

    /// What was kept.
    pub(super) fn get(&mut self, key: &Key) -> Option<Known> {
        if let Some(known) = self.young.get(key) {
            return Some(known.clone());
        }
        let known = self.old.remove(key)?;
        self.keep(key.clone(), &known);
        Some(known)
    }

    /// Keeps what was read since the last [`Recent::follow`].
    pub(super) fn keep(&mut self, key: Key, known: &Known) {
        let fields = known.contact.fields.iter();
        let octets: usize = fields.map(|(name, value)| name.len() + value.len()).sum();
        if self.changes.is_none() || octets > LONGEST {
            return;
        }
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, known.clone());
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::id::AccountId;
    use signalbox_invocation::Contact;
    use signalbox_people::Medium;

    use super::*;

    fn key(number: usize) -> Key {
        let address = number.to_string();
        Key::of(&Asked { account: AccountId(1), contact: None, address, medium: Medium::Phone })
    }

    fn known(client_id: &str) -> Known {
        let contact = Contact { client_id: client_id.to_owned(), ..Contact::default() };
        Known { contact, line: None, facts: Default::default() }
    }

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000_000)
    }

    #[test]
    fn a_change_an_age_and_another_writer_forget_everything() {
        let mut recent = Recent::default();
        recent.follow(Some(1), at(100));
        recent.keep(key(1), &known("one"));
        recent.follow(Some(1), at(101));
        assert_eq!(recent.get(&key(1)).map(|known| known.contact.client_id).as_deref(), Some("one"));
        recent.follow(Some(2), at(102));
        assert!(recent.get(&key(1)).is_none());
        recent.keep(key(1), &known("two"));
        recent.follow(Some(2), at(133));
        assert!(recent.get(&key(1)).is_none());
        recent.follow(None, at(134));
        recent.keep(key(1), &known("three"));
        assert!(recent.get(&key(1)).is_none());
    }

    #[test]
    fn few_are_kept_and_those_that_write_again_longest() {
        let mut recent = Recent::default();
        recent.follow(Some(1), at(1));
        for number in 0..5 * HALF {
            recent.keep(key(number), &known("x"));
            assert!(recent.get(&key(0)).is_some(), "{number}");
            assert!(recent.young.len() + recent.old.len() <= 2 * HALF);
        }
        assert!(recent.get(&key(1)).is_none());
        let mut long = known("long");
        long.contact.fields.insert("essay".to_owned(), "x".repeat(LONGEST));
        recent.keep(key(0), &known("x"));
        recent.keep(Key { contact: 9, ..key(0) }, &long);
        assert!(recent.get(&Key { contact: 9, ..key(0) }).is_none());
    }
}
