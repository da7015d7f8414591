//! Devices that programs are tested with (MQ-10).

use std::collections::HashSet;

use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{Digits, Name, Text};

settings! {
    /// A device whose messages with an account are tests: it reaches what is in testing, and nothing of it is billed or
    /// counted among results. It is nobody else's tester by that, and other devices are none.
    pub struct Tester agrees {
        /// Name in the API and the audit trail.
        name: Name => "ann-phone",
        /// The account whose programs it tests, with those of all accounts below it; 100 testers at most.
        account: Name => "demo",
        /// Its number in the international form without `+`.
        device: Digits => "12025550177",
        /// What people call it.
        title: Option<Text<1, 200>> => "Ann's own phone",
        /// Only messages of these programs are tests; of the others it is a device like any. All when there is none.
        programs: Vec<Name> => ["balance"],
        /// When it ends to be a tester.
        ends: Option<jiff::Timestamp> => "2027-01-01T00:00:00Z",
        /// Whether it is one; without it the device is like any other, and reaches what runs.
        enabled: bool = true,
    }
}

impl Tester {
    /// Devices that one account may test with: what is tested is not billed.
    pub const MOST: usize = 100;
}

impl Agreement for Tester {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let digits = self.device.as_str();
        if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
            problems.conflict(
                at,
                "device",
                "must be a number of 7 to 15 digits in the international form without `+`",
            );
        }
        let mut seen = HashSet::new();
        if self.programs.iter().any(|program| !seen.insert(program)) {
            problems.conflict(at, "programs", "names a program twice");
        }
    }
}
