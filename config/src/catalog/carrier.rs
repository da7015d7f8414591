//! Carriers and their prefixes: the number plan.

use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Digits, Name, Text};

choices! {
    /// What is at the other end of numbers (CON-07, INT-02).
    pub enum LineKind {
        /// Mobile telephones.
        Wireless = "wireless",
        /// Fixed lines; no text is sent there.
        Landline = "landline",
        /// Lines over the Internet; some take texts.
        Voip = "voip",
        /// Of several kinds: the number plan says which, where it can.
        Unknown = "unknown",
    }
}

settings! {
    /// A mobile operator and the numbers that are its own where nothing better is known.
    pub struct Carrier agrees {
        /// Name in routes, counter policies, CDRs and the portability table.
        name: Name => "example-mobile",
        /// The name that people know it by.
        title: Text<0, 100> = "",
        /// Its network codes: mobile country code and mobile network code (ITU-T E.212), such as 23415.
        networks: Vec<Digits> => ["23415"],
        /// Beginnings of its numbers; the longest of all carriers counts.
        prefixes: Vec<Digits> => ["447700"],
        /// What its numbers are. It goes before what the number plan says, also for numbers that were moved to it or that
        /// a look-up says are its own.
        line: LineKind = "unknown",
    }
}

impl Agreement for Carrier {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if let Some(network) = self.networks.iter().find(|network| !(5..=6).contains(&network.as_str().len()))
        {
            problems.conflict(at, "networks", format!("{network} is not 5 or 6 digits"));
        }
    }
}
