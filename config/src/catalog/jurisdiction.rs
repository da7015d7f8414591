//! Quiet hours and words of consent as data.

use super::enterprise::Channel;
use super::route::{Day, TimeOfDay};
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, Country, Holiday, Language, Name, Prose, Region, Text, TimeZone};

choices! {
    /// Which messages a rule is for.
    pub enum RuleScope {
        /// Those that advertise.
        Marketing = "marketing",
        /// Every message.
        All = "all",
    }
}

choices! {
    /// What is counted together.
    pub enum CapOver {
        /// Messages of an account on one matter.
        Matter = "matter",
        /// All messages of an account.
        Account = "account",
    }
}

settings! {
    /// Hours in which people of a place may be written to or called. A row with the name of one that is shipped
    /// stands in its place.
    pub struct Jurisdiction agrees {
        /// Name in traces.
        name: Name => "us-florida",
        /// What people call it.
        title: Option<Text<1, 200>> => "Florida",
        /// False leaves it out.
        enabled: bool = true,
        /// Countries that it holds in as a whole.
        countries: Vec<Country> => ["FR"],
        /// States that it holds in, where it holds in no country as a whole.
        states: Vec<Region> => ["US-FL"],
        /// Time zones that the states lie in, for devices whose state is not known; any of the country when there are
        /// none.
        zones: Vec<TimeZone> => ["America/New_York", "America/Chicago"],
        /// What it is about.
        channels: Vec<Channel> = ["text", "voice"],
        /// Which messages it is about.
        scope: RuleScope = "marketing",
        /// When people may be reached, by the clock of the device.
        allowed: Vec<AllowedHours>,
        /// Days with other hours.
        holidays: Vec<Holiday> => ["2026-12-25", "01-01"],
        /// When people may be reached on those; not at all when there are none.
        on_holidays: Vec<HolidayHours>,
        /// How often one person may be written to.
        caps: Vec<FrequencyCap>,
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

settings! {
    /// Hours of holidays.
    pub struct HolidayHours agrees {
        /// First minute.
        from: TimeOfDay => "10:00",
        /// First minute after it, on the same day.
        to: TimeOfDay => "12:00",
    }
}

settings! {
    /// How often one person may be written to within a time.
    pub struct FrequencyCap {
        /// So many messages.
        most: Count<1, 100> => 3,
        /// In any so many hours, up to 31 days.
        hours: Count<1, 744> => 24,
        /// Of what.
        over: CapOver = "matter",
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
        /// Name in the API. A row for everybody with the name of one that is shipped stands in its place; one of an account
        /// or an enterprise adds to it.
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
        if self.countries.is_empty() == self.states.is_empty() {
            problems.conflict(at, "states", "is set where countries is not, and the other way round");
        }
    }
}

impl Agreement for AllowedHours {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        check_hours(self.from, self.to, at, problems);
    }
}

impl Agreement for HolidayHours {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        check_hours(self.from, self.to, at, problems);
    }
}

fn check_hours(from: TimeOfDay, to: TimeOfDay, at: &Cursor<'_>, problems: &mut Problems<'_>) {
    if from >= to {
        problems.conflict(at, "to", format!("must be after from, which is {from}"));
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
