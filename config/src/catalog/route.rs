//! Routing rules as rows. The fields of a row, without `order`, are those of the router's own rule, so that a
//! row is handed over as it is: see [`Route::rule`].

use std::fmt;
use std::str::FromStr;

use super::class::TrafficClass;
use crate::setting::{Agreement, Cursor, Problems, choices, settings, text_setting};
use crate::value::{Count, Country, Digits, Name, Text};

choices! {
    /// Which way a message goes.
    pub enum MessageDirection {
        /// Towards a device.
        Mt = "mt",
        /// From a device.
        Mo = "mo",
    }
}

choices! {
    /// How the links of one priority share messages.
    pub enum Sharing {
        /// By weight; the same link for the same pair of addresses.
        Weighted = "weighted",
        /// The cheapest first, the others as failover.
        Cheapest = "cheapest",
    }
}

choices! {
    /// A day of the week.
    pub enum Day {
        /// Monday.
        Mon = "mon",
        /// Tuesday.
        Tue = "tue",
        /// Wednesday.
        Wed = "wed",
        /// Thursday.
        Thu = "thu",
        /// Friday.
        Fri = "fri",
        /// Saturday.
        Sat = "sat",
        /// Sunday.
        Sun = "sun",
    }
}

settings! {
    /// A routing rule: conditions, and what happens to a message that fulfils all of them. Rules are asked by
    /// rising `order`, rules of the same order by name; the first that fits decides.
    pub struct Route agrees {
        /// Name in CDRs, traces and explanations.
        name: Name => "default",
        /// Its place: lower is asked first.
        order: Count<0, 1_000_000> = 1_000,
        /// A rule that is off never fits.
        enabled: bool = true,
        /// Conditions; none fits every message.
        when: RouteConditions,
        /// What happens: links, an account, or a refusal with its reason; one of the three.
        then: RouteAction,
        /// How links of the same priority share messages.
        sharing: Sharing = "weighted",
    }
}

settings! {
    /// Conditions of a rule. Each that is there must hold; in a list one entry is enough, and of the lists about
    /// one address one hit is enough.
    pub struct RouteConditions {
        /// Which way the message goes.
        direction: Option<MessageDirection> => "mt",
        /// Whole destination addresses: short codes, numbers without `+`.
        destination: Vec<Text<1, 64>>,
        /// Beginnings of destinations.
        destination_prefix: Vec<Prefix> => ["4477"],
        /// Whole source addresses, letters as written.
        source: Vec<Text<1, 64>>,
        /// Beginnings of sources.
        source_prefix: Vec<Prefix>,
        /// Any source that is not a number.
        source_alphanumeric: bool = false,
        /// Countries of the device.
        country: Vec<Country> => ["GB"],
        /// Carriers of the device.
        carrier: Vec<Name> => ["example-mobile"],
        /// Accounts that submitted the message.
        account: Vec<Name> => ["demo"],
        /// Links that brought the message.
        ingress: Vec<Name>,
        /// Traffic classes.
        class: Vec<TrafficClass> => ["otp"],
        /// Time windows: the message must fall into one of them.
        time: Vec<TimeWindow>,
        /// Links that cost more than so many micro-units of `routing.currency`, or whose cost is unknown, are left
        /// out of this rule.
        max_cost: Option<Count<0, 1_000_000_000_000>> => 50_000,
    }
}

settings! {
    /// Days and hours in a time zone.
    pub struct TimeWindow agrees {
        /// IANA time zone.
        zone: Text<1, 64> => "Europe/London",
        /// Days on which the window begins; every day when there are none.
        days: Vec<Day> => ["mon", "tue", "wed", "thu", "fri"],
        /// First minute; midnight when it is not set.
        from: Option<TimeOfDay> => "08:00",
        /// First minute after the window; the end of the day when it is not set. When it is not after `from`, the
        /// window ends on the next day.
        to: Option<TimeOfDay> => "20:00",
    }
}

settings! {
    /// What happens to a message that a rule fits.
    pub struct RouteAction agrees {
        /// It goes over one of these links.
        links: Option<Vec<RouteTarget>>,
        /// It goes to this account.
        account: Option<Name> => "demo",
        /// It is refused for this reason.
        reject: Option<Text<1, 200>> => "not served here",
    }
}

settings! {
    /// A link of a rule.
    pub struct RouteTarget {
        /// The link.
        link: Name => "smsc-sim",
        /// Its part of the messages among the links of its priority; 0 for only when the others are not up.
        weight: Count<0, 1_000_000> = 1,
        /// The lowest priority with a link that is up takes the message.
        priority: Count<0, 255> = 0,
        /// Cost of a message in micro-units of `routing.currency`.
        cost: Option<Count<0, 1_000_000_000_000>> => 32_000,
    }
}

impl Route {
    /// The rule as the router reads it (its `RuleSpec`), without the row's `order`.
    pub fn rule(&self) -> serde_json::Value {
        let mut rule = crate::setting::Setting::to_tree(self).to_json_with_secrets();
        if let Some(fields) = rule.as_object_mut() {
            fields.remove("order");
        }
        rule
    }
}

impl Agreement for Route {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let cheapest = self.sharing == Sharing::Cheapest;
        let targets = self.then.links.iter().flatten();
        if cheapest && targets.clone().any(|target| target.cost.is_none()) {
            problems.conflict(at, "sharing", "by cost needs the cost of each link");
        }
    }
}

impl Agreement for RouteAction {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let set = [self.links.is_some(), self.account.is_some(), self.reject.is_some()];
        if set.iter().filter(|set| **set).count() != 1 {
            problems.unexpected(at, "one of links, account and reject");
        }
        let Some(links) = &self.links else { return };
        if links.is_empty() {
            problems.conflict(at, "links", "must name at least one link");
        }
        for (index, target) in links.iter().enumerate() {
            if links[..index].iter().any(|earlier| earlier.link == target.link) {
                problems.conflict(at, "links", format!("the link `{}` is there twice", target.link));
            }
        }
    }
}

impl Agreement for TimeWindow {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            problems.conflict(at, "zone", format!("no time zone is called {:?}", self.zone.as_str()));
        }
        if self.from.is_some_and(|from| from.0 == TimeOfDay::END) {
            problems.conflict(at, "from", "must be before 24:00");
        }
    }
}

/// One to fifteen digits that numbers begin with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prefix(Digits);

const PREFIX: &str = "1 to 15 digits in the international form without `+`";

text_setting!(Prefix, PREFIX);

impl Prefix {
    /// The digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Prefix {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits: Digits = text.parse().map_err(|_: String| PREFIX)?;
        if text.len() > 15 {
            return Err(PREFIX.into());
        }
        Ok(Self(digits))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A minute of the day, `00:00` to `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

const TIME_OF_DAY: &str = "a time of day such as \"08:00\"";

text_setting!(TimeOfDay, TIME_OF_DAY);

impl TimeOfDay {
    const END: u16 = 24 * 60;

    /// Minutes since midnight, 0 to 1440.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let two = |part: &str| -> Option<u16> {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok())?
        };
        let (hours, minutes) = text.split_once(':').ok_or(TIME_OF_DAY)?;
        let (hours, minutes) = two(hours).zip(two(minutes)).ok_or(TIME_OF_DAY)?;
        let whole = hours * 60 + minutes;
        if minutes > 59 || whole > Self::END {
            return Err(TIME_OF_DAY.into());
        }
        Ok(Self(whole))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}
