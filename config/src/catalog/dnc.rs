//! Do-not-call lists: numbers that a register, not the person to us, has closed.

use super::enterprise::Channel;
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, Name, Period, Prose, Text};

choices! {
    /// Who keeps a do-not-call list.
    pub enum DncKind {
        /// A country's register; it closes marketing alone.
        National = "national",
        /// The register of a state or province; it closes marketing alone.
        State = "state",
        /// The client's own; it closes everything that is sent of our own accord.
        Internal = "internal",
    }
}

settings! {
    /// A do-not-call list. Its numbers are uploaded by `PUT /v1/dnc-lists/{name}/numbers`; as long as there are none, and
    /// when they are older than they may be, what the list would be asked about does not leave.
    pub struct DncList agrees {
        /// Name in the API and in traces.
        name: Name => "us-national",
        /// What people call it.
        title: Option<Text<1, 200>> => "National Do Not Call Registry",
        /// The account that honours it, with all below it; every account when neither this nor `enterprise` is set.
        account: Option<Name> => "demo",
        /// The enterprise whose accounts honour it.
        enterprise: Option<Name> => "example-corp",
        /// Who keeps it.
        kind: DncKind => "national",
        /// What it closes.
        channels: Vec<Channel> = ["text", "voice"],
        /// How old its numbers may be, as 16 CFR 310.4(b)(3)(iv) says 31 days; no bound when it is not set.
        max_age: Option<Period> => "31d",
        /// Where the numbers are from.
        source: Prose<1, 1000> => "telemarketing.donotcall.gov",
        /// The day as of which the numbers hold; set by their upload.
        as_of: Option<jiff::civil::Date> => "2026-06-30",
        /// The edition of the numbers; set by their upload.
        edition: Option<Text<64, 64>> => "0000000000000000000000000000000000000000000000000000000000000000",
        /// How many numbers there are; set by their upload.
        numbers: Option<Count<0, 4_294_967_295>> => 240_000_000,
    }
}

impl Agreement for DncList {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.account.is_some() && self.enterprise.is_some() {
            problems.conflict(at, "enterprise", "cannot be set beside account");
        }
        if self.channels.is_empty() {
            problems.conflict(at, "channels", "must name at least one channel");
        }
        if self.edition.is_some() != self.as_of.is_some() {
            problems.conflict(at, "as_of", "is set with edition, by an upload");
        }
        // It names a file.
        let hexadecimal = |text: &str| text.bytes().all(|octet| octet.is_ascii_hexdigit());
        if self.edition.as_ref().is_some_and(|edition| !hexadecimal(edition)) {
            problems.conflict(at, "edition", "must be 64 hexadecimal digits");
        }
    }
}
