//! Time zones by name, from the tz database that is built into the program.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use rustc_hash::FxHashMap;

/// A zone of [`Zones`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(u16);

/// All time zones, loaded once. The database is the program's own and not the machine's, so that every node answers
/// alike.
pub struct Zones {
    ids: FxHashMap<String, ZoneId>,
    zones: Vec<TimeZone>,
}

impl Zones {
    /// The zones of this program, loaded when they are first asked for.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Zones> = LazyLock::new(Zones::load);
        &SHARED
    }

    /// Loads the zones: some 600, in some milliseconds.
    #[must_use]
    pub fn load() -> Self {
        let database = TimeZoneDatabase::bundled();
        let mut all = Self { ids: FxHashMap::default(), zones: Vec::new() };
        for name in database.available() {
            let Ok(zone) = database.get(name.as_str()) else { continue };
            let Ok(id) = u16::try_from(all.zones.len()) else { break };
            all.ids.insert(name.as_str().to_owned(), ZoneId(id));
            all.zones.push(zone);
        }
        all
    }

    /// The zone of an IANA name, as `America/New_York`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ZoneId> {
        self.ids.get(name).copied()
    }

    /// The zone itself.
    pub(crate) fn get(&self, id: ZoneId) -> &TimeZone {
        // Ids are made by `load` alone and count its zones.
        &self.zones[usize::from(id.0)]
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self, id: ZoneId) -> &str {
        self.get(id).iana_name().unwrap_or("?")
    }
}

impl std::fmt::Debug for Zones {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zones").field("zones", &self.zones.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_names() {
        let zones = Zones::load();
        let id = zones.find("Asia/Kolkata").unwrap();
        assert_eq!(zones.name(id), "Asia/Kolkata");
        assert_eq!(zones.find("Mars/Dome"), None);
        assert!(zones.zones.len() > 400);
    }
}
