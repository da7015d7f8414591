//! Named places where a test lets the process die or a task panic.
//!
//! `SIGNALBOX_FAIL_POINT=name` ends the process by abort, without running a destructor, when it comes to the
//! place for the first time; `name:3` at the third. `name:3=panic` panics there instead, and again at the sixth,
//! the ninth and so on, for a panic may be survived. A place that many have, each of its own, is named with who it
//! is: `link.turn@smsc/0`.
//!
//! The places are only in builds with debug assertions (decision 0010): in a release build [`reach`] is empty, and
//! the variable means nothing.
//!
//! Places: those of the store in [`SPINE`], those of the CDR files in [`CDR_FILES`], those of campaigns in
//! [`PARTICIPATION`], and in the node `link.turn@` with
//! the name of a session (`smsc/0` is the first of the link `smsc`), in the middle of each of its turns.

#[cfg(debug_assertions)]
use std::sync::OnceLock;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that names the place.
pub const VARIABLE: &str = "SIGNALBOX_FAIL_POINT";

/// Whether this build has the places at all.
#[must_use]
pub fn built_in() -> bool {
    cfg!(debug_assertions)
}

/// The places of the store: around a commit, and around a checkpoint of its write-ahead log.
pub const SPINE: [&str; 5] = [
    "spine.before-commit",
    "spine.mid-commit",
    "spine.after-commit",
    "spine.checkpoint",
    "spine.checkpointed",
];

/// The places of the CDR files, in the order in which a publication with a rotation comes to them.
pub const CDR_FILES: [&str; 9] = [
    "cdr.created",
    "cdr.half-written",
    "cdr.written",
    "cdr.synced",
    "cdr.trailer-written",
    "cdr.trailer-synced",
    "cdr.position-written",
    "cdr.renamed",
    "cdr.closed",
];

/// The places of participation campaigns: around the two commits of a batch of entries.
pub const PARTICIPATION: [&str; 3] =
    ["participation.before-commit", "participation.after-commit", "participation.after-log"];

#[cfg(debug_assertions)]
struct Place {
    name: String,
    /// Every so many visits it fails.
    each: u32,
    panics: bool,
    visits: AtomicU32,
}

#[cfg(debug_assertions)]
fn chosen() -> Option<&'static Place> {
    static CHOSEN: OnceLock<Option<Place>> = OnceLock::new();
    CHOSEN.get_or_init(|| read(&std::env::var(VARIABLE).ok()?)).as_ref()
}

/// `name[:visit][=panic]`; nothing when it is something else, so that the test that wrote it sees no failure.
#[cfg(debug_assertions)]
fn read(text: &str) -> Option<Place> {
    let (text, panics) = match text.strip_suffix("=panic") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (name, each) = match text.rsplit_once(':') {
        Some((name, visit)) => (name, visit.parse().ok().filter(|each| *each > 0)?),
        None => (text, 1),
    };
    Some(Place { name: name.to_owned(), each, panics, visits: AtomicU32::new(0) })
}

#[cfg(debug_assertions)]
impl Place {
    /// True at the visits that fail.
    fn visit(&self) -> bool {
        (self.visits.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(self.each)
    }

    #[allow(clippy::panic, reason = "a panic is what the test asked for")]
    fn fail(&self) {
        if self.panics {
            panic!("fail point {}", self.name);
        }
        eprintln!("fail point {}", self.name);
        std::process::abort();
    }
}

/// True when the test asked for this place.
#[must_use]
pub fn is_set(name: &str) -> bool {
    #[cfg(debug_assertions)]
    return chosen().is_some_and(|place| place.name == name);
    #[cfg(not(debug_assertions))]
    {
        let _ = name;
        false
    }
}

/// Ends the process, or panics, if this is the place that the test asked for.
#[inline]
pub fn reach(name: &str) {
    #[cfg(debug_assertions)]
    if let Some(place) = chosen()
        && place.name == name
        && place.visit()
    {
        place.fail();
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// The same for the place of one of many: `name@who`.
#[inline]
pub fn reach_of(name: &str, who: &str) {
    #[cfg(debug_assertions)]
    if let Some(place) = chosen()
        && place.name.strip_prefix(name).and_then(|rest| rest.strip_prefix('@')) == Some(who)
        && place.visit()
    {
        place.fail();
    }
    #[cfg(not(debug_assertions))]
    let _ = (name, who);
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn a_place_fails_at_the_visits_that_were_asked_for() {
        let visits = |text: &str| {
            let place = read(text).unwrap();
            (place.name.clone(), place.panics, (1..=6).filter(|_| place.visit()).count())
        };
        assert_eq!(visits("spine.mid-commit"), ("spine.mid-commit".to_owned(), false, 6));
        assert_eq!(visits("spine.mid-commit:4"), ("spine.mid-commit".to_owned(), false, 1));
        assert_eq!(visits("link.turn@a:3=panic"), ("link.turn@a".to_owned(), true, 2));
        assert!(read("spine.mid-commit:often").is_none());
        assert!(read("spine.mid-commit:0").is_none());
    }
}
