//! What the owner may change while the session is bound.

use super::*;

impl Session {
    /// Other windows from now on. What waits beyond a smaller one is answered as before; nothing is sent, and the
    /// peer's requests are answered ESME_RTHROTTLED, until there is room again.
    pub fn set_windows(&mut self, out: usize, incoming: usize) {
        self.outgoing.set_limit(out);
        self.incoming.set_limit(incoming);
        self.last_sequence = self.config.last_sequence.clamp(least_last(out), MAX_SEQUENCE);
    }

    /// Other timers from now on, for what waits already too: ask [`Session::poll_timeout`] again.
    pub fn set_timers(&mut self, timers: Timers) {
        self.config.timers = timers;
    }

    /// Other quirks for PDUs that are read and written from now on. The version agreed stays.
    pub fn set_profile(&mut self, profile: &Profile) {
        self.profile = Profile { version: self.profile.version, ..profile.clone() };
    }
}
