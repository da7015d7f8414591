//! Quiet hours and words of consent as data.

use super::enterprise::Channel;
use super::route::{Day, Prefix, TimeOfDay};
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, Country, Language, Name, Prose, Text, TimeZone};

settings! {
    /// Hours in which people of a place may be written to or called. A row with the name of one that is shipped
    /// stands in its place.
    pub struct Jurisdiction agrees {
        /// Name in accounts and in traces.
        name: Name => "us-fl",
        /// What people call it.
        title: Option<Text<1, 200>> => "Florida",
        /// False leaves it out.
        enabled: bool = true,
        /// Its country.
        country: Country => "US",
        /// Beginnings of numbers that are of it; the whole country when there are none.
        areas: Vec<Prefix> => ["1305", "1786"],
        /// The time zone that its hours are of; the zone of the device when it is not set.
        zone: Option<TimeZone> => "America/New_York",
        /// What it is about.
        channels: Vec<Channel> = ["text", "voice"],
        /// When people may be reached.
        allowed: Vec<AllowedHours>,
        /// Days without any hours, as the law counts them.
        holidays: Vec<jiff::civil::Date> => ["2026-12-25"],
        /// Attempts to reach one person about one matter within 24 hours; no bound when it is not set.
        attempts_per_day: Option<Count<1, 1_000>> => 3,
        /// Where it stands: law, section, regulation.
        source: Prose<1, 1000> => "Fla. Stat. 501.616(6)",
        /// The day when somebody last read it there.
        as_of: jiff::civil::Date => "2026-06-30",
    }
}

settings! {
    /// Hours of some days.
    pub struct AllowedHours agrees {
        /// The days; every day when there are none.
        days: Vec<Day> => ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        /// First minute.
        from: TimeOfDay => "08:00",
        /// First minute after it, on the same day.
        to: TimeOfDay => "20:00",
    }
}

choices! {
    /// What a message asks for.
    pub enum WordClass {
        /// To hear no more.
        OptOut = "opt_out",
        /// To know what this is.
        Help = "help",
        /// To hear again.
        OptIn = "opt_in",
    }
}

settings! {
    /// Words that ask for an end, for help or for a new beginning, in one language. The whole message is compared,
    /// without case, accents and punctuation.
    pub struct Words agrees {
        /// Name in the API. A row with the name of one that is shipped stands in its place.
        name: Name => "en-opt-out",
        /// The account whose messages it is about; all when neither this nor `enterprise` is set.
        account: Option<Name> => "demo",
        /// The enterprise whose accounts' messages it is about.
        enterprise: Option<Name> => "example-corp",
        /// Its language.
        language: Language => "en",
        /// What the words ask for.
        class: WordClass => "opt_out",
        /// Words that mean it for certain.
        certain: Vec<Text<1, 64>> => ["stop", "unsubscribe", "stop all"],
        /// Words that likely mean it: it is carried out, and an agent is shown the message.
        likely: Vec<Text<1, 64>> => ["leave me alone"],
        /// Words that do not mean it although they look so.
        none: Vec<Text<1, 64>> => ["bus stop"],
    }
}

impl Agreement for Jurisdiction {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.channels.is_empty() {
            problems.conflict(at, "channels", "must name at least one channel");
        }
    }
}

impl Agreement for AllowedHours {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.from >= self.to {
            problems.conflict(at, "to", format!("must be after from, which is {}", self.from));
        }
    }
}

impl Agreement for Words {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.account.is_some() && self.enterprise.is_some() {
            problems.conflict(at, "enterprise", "cannot be set beside account");
        }
        let mut seen: Vec<String> = Vec::new();
        for (key, words) in [("certain", &self.certain), ("likely", &self.likely), ("none", &self.none)] {
            for word in words {
                let folded = signalbox_text::fold(word);
                if seen.contains(&folded) {
                    problems.conflict(at, key, format!("`{word}` is there twice"));
                }
                seen.push(folded);
            }
        }
    }
}
