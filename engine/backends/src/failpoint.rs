//! Named places where a test lets the process die.
//!
//! `SIGNALBOX_FAIL_POINT=name` ends the process by abort, without running a destructor, when it comes to the
//! place for the first time; `name:3` at the third. Without the variable a place costs one atomic load.
//!
//! Places: `spine.before-commit`, `spine.mid-commit`, `spine.after-commit`, `spine.checkpoint`, and those of
//! the CDR files in [`CDR_FILES`].

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that names the place.
pub const VARIABLE: &str = "SIGNALBOX_FAIL_POINT";

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

struct Place {
    name: String,
    visits_left: AtomicU32,
}

fn chosen() -> Option<&'static Place> {
    static CHOSEN: OnceLock<Option<Place>> = OnceLock::new();
    CHOSEN
        .get_or_init(|| {
            let text = std::env::var(VARIABLE).ok()?;
            let (name, visit) = match text.rsplit_once(':') {
                Some((name, visit)) => (name, visit.parse().ok()?),
                None => (text.as_str(), 1),
            };
            Some(Place { name: name.to_owned(), visits_left: AtomicU32::new(visit) })
        })
        .as_ref()
}

/// True when the test asked for this place.
pub(crate) fn is_set(name: &str) -> bool {
    chosen().is_some_and(|place| place.name == name)
}

/// Ends the process if this is the place that the test asked for.
pub fn reach(name: &str) {
    let Some(place) = chosen() else { return };
    if place.name == name && place.visits_left.fetch_sub(1, Ordering::SeqCst) == 1 {
        std::process::abort();
    }
}
