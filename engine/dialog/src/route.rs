//! The way of an MO to who answers it: a pure function whose reasons are stored with the message (KEY-*, D5, D6).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalbox_consent::{Asks, Certainty, Country};
use signalbox_core::address::Address;
use signalbox_core::consent::number_of;
use signalbox_core::id::{CarrierId, LinkId};
use signalbox_core::time::Micros;
use signalbox_text::phone;

use crate::conversation::Conversation;
use crate::event::Mo;
use crate::keywords::{Does, Keyword};
use crate::rules::{AddressRule, Rules, Stage, Standing, SubCampaignRule};

/// What kind of message it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The device opts out (OPT-01); `certain` when it says nothing else.
    OptOut {
        /// False where more is said than that.
        certain: bool,
    },
    /// It opts in again.
    OptIn,
    /// It asks for help.
    Help,
    /// It begins with a keyword, which is folded (KEY-05).
    Keyword(String),
    /// It answers a message of ours (KEY-08).
    Response,
    /// Neither (KEY-09).
    Other,
}

/// Why a rule applied or did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The text is a word of opting out.
    OptOutWord,
    /// The text begins like an opt-out and says more.
    LikelyOptOut,
    /// The text is a word of opting in.
    OptInWord,
    /// The text is a word that asks for help.
    HelpWord,
    /// The text begins with this keyword.
    Keyword(String),
    /// The keyword's sub-campaign takes no messages now (D6).
    KeywordInactive(String),
    /// The latest message to the device on this address was this sub-campaign's (D5).
    PreviousContact(u32),
    /// There was such a contact, but its sub-campaign is gone.
    PreviousGone(u32),
    /// The source address has this default.
    DefaultInbound(u32),
    /// It has none, or that is gone.
    NoDefault,
    /// The destination is no source address of ours.
    UnknownAddress,
    /// The sub-campaign has not begun.
    NotStarted,
    /// It has ended.
    Ended,
    /// It is paused.
    Paused,
    /// The text begins with this keyword, which belongs to a program whose families do not take messages of the device's
    /// carrier on this address (PRG-06).
    OtherFamily(String),
    /// The message is of this program family.
    Family(String),
    /// So many source addresses have these digits, in different countries, and neither the link nor the number of the
    /// device tells which is meant.
    UnclearAddress(u32),
}

/// Where an MO goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What kind of message it is.
    pub kind: Kind,
    /// Whose it is; `None` for the unmatched.
    pub sub_campaign: Option<u32>,
    /// Whether that takes messages now.
    pub standing: Standing,
    /// The number of our address; `None` when it is not known, or not which.
    pub address: Option<u32>,
    /// Each step that led there, in order.
    pub trace: Vec<Why>,
}

/// A text that came from a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The device.
    pub device: &'a Address,
    /// Our address.
    pub to: &'a Address,
    /// The text.
    pub text: &'a str,
    /// The link that brought it.
    pub link: Option<LinkId>,
    /// The device's carrier.
    pub carrier: Option<CarrierId>,
}

impl<'a> Message<'a> {
    /// What a device wrote.
    #[must_use]
    pub fn of(mo: &'a Mo) -> Self {
        let Mo { device, source, text, link, carrier, .. } = mo;
        Self { device, to: source, text, link: *link, carrier: *carrier }
    }

    /// The country of the device's number.
    fn country(&self) -> Option<Country> {
        phone::region_of(number_of(self.device)?)?.as_str().parse().ok()
    }
}

/// Finds the way of a text to a source address, given what was before between the two.
#[must_use]
pub fn route(rules: &Rules, message: &Message<'_>, before: Option<&Conversation>, now: Micros) -> Route {
    let found = rules.addresses.find(message.to.key(), message.link, || message.country());
    // What nothing else tells, the conversation does that it would go on with.
    let gone_on_with = |count: usize| before.and_then(|before| rules.address(before.address)).ok_or(count);
    let here = match found.or_else(gone_on_with) {
        Ok(here) => here,
        Err(count) => {
            let why = match count {
                0 => Why::UnknownAddress,
                _ => Why::UnclearAddress(u32::try_from(count).unwrap_or(u32::MAX)),
            };
            let (kind, standing, trace) = (Kind::Other, Standing::Open, vec![why]);
            return Route { kind, sub_campaign: None, standing, address: None, trace };
        }
    };
    let (mut route, program) = route_at(rules, here, message, before, now);
    route.address = Some(here.id);
    // The program decides among the families that carrier and address name; without one, a sole family is the one.
    let program = program.or_else(|| {
        let sub = rules.sub_campaigns.get(&route.sub_campaign?)?;
        Some(sub.program.as_str())
    });
    let of_program =
        program.and_then(|program| rules.families.of_program(here.id, message.carrier, now, program));
    let family = of_program.or_else(|| {
        let mut all = rules.families.of(here.id, message.carrier, now);
        all.next().filter(|_| all.next().is_none())
    });
    route.trace.extend(family.map(|family| Why::Family(family.id.to_string())));
    route
}

/// The way of a text to this source address, and the program that its keyword names.
fn route_at<'r>(
    rules: &'r Rules,
    here: &AddressRule,
    message: &Message<'_>,
    before: Option<&Conversation>,
    now: Micros,
) -> (Route, Option<&'r str>) {
    let mut trace = Vec::new();
    let text = message.text;
    let test = |sub: &Arc<SubCampaignRule>| rules.is_tester(message.device.key(), sub, now);
    let done =
        |kind, sub_campaign, standing, trace| Route { kind, sub_campaign, standing, address: None, trace };
    let waits = before.is_some_and(|before| before.expected.is_some());
    let words = rules.words_for(here, before.and_then(|before| before.owner));
    let kind = match words.classify(text, waits) {
        Asks::OptOut(Certainty::Certain) => {
            trace.push(Why::OptOutWord);
            Some(Kind::OptOut { certain: true })
        }
        Asks::OptOut(Certainty::Likely) => {
            trace.push(Why::LikelyOptOut);
            Some(Kind::OptOut { certain: false })
        }
        Asks::OptIn => {
            trace.push(Why::OptInWord);
            Some(Kind::OptIn)
        }
        Asks::Help => {
            trace.push(Why::HelpWord);
            Some(Kind::Help)
        }
        Asks::Nothing if words.opt_out_of(text).is_some_and(|name| is_keyword(rules, here, &name, now)) => {
            trace.push(Why::LikelyOptOut);
            Some(Kind::OptOut { certain: false })
        }
        Asks::Nothing => None,
    };
    // A keyword says which sub-campaign starts; what only looks like an opt-out may be one.
    let is_word = matches!(kind, Some(Kind::OptOut { certain: true } | Kind::OptIn | Kind::Help));
    let found = (!is_word).then(|| keyword_of(rules, here, message, now, &mut trace)).flatten();
    let program = found.as_ref().and_then(|(keyword, _)| keyword.program.as_deref());
    if let Some((keyword, folded)) = found {
        let standing = rules.sub_campaign(keyword.sub_campaign).map(|sub| sub.standing(now, test(sub)));
        let sub_campaign = Some(keyword.sub_campaign);
        let asks = match keyword.does {
            Does::Begin => None,
            Does::OptOut => Some(Kind::OptOut { certain: true }),
            Does::OptIn => Some(Kind::OptIn),
        };
        // Who opts out is heard, whether it takes part or not.
        if let (Some(kind), Some(standing)) = (asks, standing) {
            trace.push(Why::Keyword(folded));
            return (done(kind, sub_campaign, standing, trace), program);
        }
        if standing == Some(Standing::Open) {
            trace.push(Why::Keyword(folded.clone()));
            return (done(Kind::Keyword(folded), sub_campaign, Standing::Open, trace), program);
        }
        trace.push(Why::KeywordInactive(folded));
        // Who writes too early or too late, and to nobody else, is told so.
        let answered = before.and_then(|before| before.owner).is_some();
        if let (Some(standing @ (Standing::NotStarted | Standing::Ended)), false) = (standing, answered) {
            trace.push(why(standing));
            let kind = kind.unwrap_or(Kind::Other);
            return (done(kind, Some(keyword.sub_campaign), standing, trace), program);
        }
    }
    let owner = before.and_then(|before| before.owner);
    let (target, response) = match owner {
        Some(owner) if rules.sub_campaign(owner).is_some() => {
            trace.push(Why::PreviousContact(owner));
            (Some(owner), true)
        }
        gone => {
            trace.extend(gone.map(Why::PreviousGone));
            let default = here.default_inbound.filter(|id| rules.sub_campaign(*id).is_some());
            trace.push(default.map_or(Why::NoDefault, Why::DefaultInbound));
            (default, false)
        }
    };
    let standing = target
        .and_then(|id| rules.sub_campaign(id))
        .map_or(Standing::Open, |sub| sub.standing(now, test(sub)));
    if standing != Standing::Open {
        trace.push(why(standing));
    }
    let kind = kind.unwrap_or(if response { Kind::Response } else { Kind::Other });
    (done(kind, target, standing, trace), None)
}

/// The longest keyword that a text begins with and that belongs to a family of the message (PRG-06, KEY-01).
fn keyword_of<'r>(
    rules: &'r Rules,
    here: &AddressRule,
    message: &Message<'_>,
    now: Micros,
    trace: &mut Vec<Why>,
) -> Option<(&'r Keyword, String)> {
    let tested = |keyword: &Keyword| {
        let sub = rules.sub_campaigns.get(&keyword.sub_campaign);
        sub.is_some_and(|sub| sub.stage == Stage::Testing && rules.is_tester(message.device.key(), sub, now))
    };
    rules.keywords.all(here.id, message.text, now, tested).find_map(|(keyword, folded)| {
        let program = keyword.program.as_deref();
        let families = &rules.families;
        let of_program = |program| families.of_program(here.id, message.carrier, now, program).is_some();
        if program.is_none_or(of_program) {
            return Some((keyword, folded));
        }
        trace.push(Why::OtherFamily(folded));
        None
    })
}

/// Whether a text is a keyword of the address, and no more.
fn is_keyword(rules: &Rules, here: &AddressRule, text: &str, now: Micros) -> bool {
    rules.keywords.find(here.id, text, now).is_some_and(|(_, folded)| folded == text)
}

fn why(standing: Standing) -> Why {
    match standing {
        Standing::NotStarted => Why::NotStarted,
        Standing::Ended | Standing::Open => Why::Ended,
        Standing::Paused => Why::Paused,
    }
}
