//! Numbers in log lines (rule 9).

use std::sync::atomic::{AtomicBool, Ordering};

use signalbox_config::settings::LogSettings;
use signalbox_core::address::Address;

/// The log is the process's, and so is this.
static WHOLE: AtomicBool = AtomicBool::new(false);

/// Shows numbers from now on as the settings say.
pub fn follow(settings: &LogSettings) {
    WHOLE.store(!settings.mask_numbers, Ordering::Relaxed);
}

/// An address as log lines show it.
#[must_use]
pub fn shown(address: &Address) -> String {
    if WHOLE.load(Ordering::Relaxed) { address.to_text() } else { address.masked().to_string() }
}

#[cfg(test)]
mod tests {
    use signalbox_config::Settings;

    use super::*;

    #[test]
    fn numbers_are_shown_as_the_settings_say() {
        let number = Address::new(1, 1, b"447700900123").expect("a number");
        let settings = |text: &str| Settings::parse("test", text).expect("settings").log;
        assert_eq!(shown(&number), "44********23");
        follow(&settings("[node]\nname = \"a\"\n[log]\nmask_numbers = false"));
        assert_eq!(shown(&number), "447700900123");
        follow(&settings("[node]\nname = \"a\""));
        assert_eq!(shown(&number), "44********23");
    }
}
