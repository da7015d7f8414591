//! The way of an MO to who answers it: a pure function whose reasons are stored with the message (KEY-*, D5, D6).

use serde::{Deserialize, Serialize};
use signalbox_consent::{Asks, Certainty};
use signalbox_core::time::Micros;

use crate::conversation::Conversation;
use crate::keywords::Does;
use crate::rules::{Rules, Standing};

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
    /// Each step that led there, in order.
    pub trace: Vec<Why>,
}

/// Finds the way of a text to a source address, given what was before between the two.
#[must_use]
pub fn route(
    rules: &Rules,
    device: &[u8],
    address: &[u8],
    text: &str,
    before: Option<&Conversation>,
    now: Micros,
) -> Route {
    let mut trace = Vec::new();
    let test = rules.is_tester(device);
    let Some(here) = rules.address(address) else {
        trace.push(Why::UnknownAddress);
        return Route { kind: Kind::Other, sub_campaign: None, standing: Standing::Open, trace };
    };
    let waits = before.is_some_and(|before| before.expected.is_some());
    let kind = match rules.words_for(here, before.and_then(|before| before.owner)).classify(text, waits) {
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
        Asks::Nothing => None,
    };
    // A keyword says which sub-campaign starts; what only looks like an opt-out may be one.
    let is_word = matches!(kind, Some(Kind::OptOut { certain: true } | Kind::OptIn | Kind::Help));
    if !is_word && let Some((keyword, folded)) = rules.keywords.find(here.id, text, now) {
        let standing = rules.sub_campaign(keyword.sub_campaign).map(|sub| sub.standing(now, test));
        let sub_campaign = Some(keyword.sub_campaign);
        let asks = match keyword.does {
            Does::Begin => None,
            Does::OptOut => Some(Kind::OptOut { certain: true }),
            Does::OptIn => Some(Kind::OptIn),
        };
        // Who opts out is heard, whether it takes part or not.
        if let (Some(kind), Some(standing)) = (asks, standing) {
            trace.push(Why::Keyword(folded));
            return Route { kind, sub_campaign, standing, trace };
        }
        if standing == Some(Standing::Open) {
            trace.push(Why::Keyword(folded.clone()));
            return Route { kind: Kind::Keyword(folded), sub_campaign, standing: Standing::Open, trace };
        }
        trace.push(Why::KeywordInactive(folded));
        // Who writes too early or too late, and to nobody else, is told so.
        let answered = before.and_then(|before| before.owner).is_some();
        if let (Some(standing @ (Standing::NotStarted | Standing::Ended)), false) = (standing, answered) {
            trace.push(why(standing));
            let kind = kind.unwrap_or(Kind::Other);
            return Route { kind, sub_campaign: Some(keyword.sub_campaign), standing, trace };
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
    let standing =
        target.and_then(|id| rules.sub_campaign(id)).map_or(Standing::Open, |sub| sub.standing(now, test));
    if standing != Standing::Open {
        trace.push(why(standing));
    }
    let kind = kind.unwrap_or(if response { Kind::Response } else { Kind::Other });
    Route { kind, sub_campaign: target, standing, trace }
}

fn why(standing: Standing) -> Why {
    match standing {
        Standing::NotStarted => Why::NotStarted,
        Standing::Ended | Standing::Open => Why::Ended,
        Standing::Paused => Why::Paused,
    }
}
