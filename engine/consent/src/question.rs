//! What is asked about one message that is about to leave.

use serde::{Deserialize, Serialize};
use signalbox_text::E164;

use crate::caps::Cap;
use crate::channel::{Channel, Channels};
use crate::id::{LimitId, ListId, MatterId, SourceId, Tenant};
use crate::line::{LineRule, LineType};
use crate::place::Place;
use crate::time::Micros;

/// Who caused the message. Each class has its column in the table of [`Check`](crate::Check).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An answer to what the person has just written, by a script or an agent.
    ConversationReply,
    /// A campaign or program, of its own accord.
    Campaign,
    /// An agent, of his own accord.
    Agent,
    /// The one confirmation of an opt-out (OPT-04).
    OptOutConfirmation,
    /// The answer to HELP.
    HelpResponse,
    /// A message between peers, which we only carry.
    Transit,
    /// A test by the account to its own devices.
    Test,
}

impl Origin {
    /// All of them.
    pub const ALL: [Origin; 7] = [
        Origin::ConversationReply,
        Origin::Campaign,
        Origin::Agent,
        Origin::OptOutConfirmation,
        Origin::HelpResponse,
        Origin::Transit,
        Origin::Test,
    ];
}

/// What the carrier's register says of the traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// The carrier asks for none.
    #[default]
    NotNeeded,
    /// Registered and in force.
    Registered,
    /// Needed, and pending, refused, ended or not there.
    Missing,
}

/// What becomes of a message that has to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnWait {
    /// It waits.
    #[default]
    Defer,
    /// It does not leave: tomorrow it would be stale.
    Filter,
}

/// Which release of a message is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// The first: everything is asked, and counted.
    #[default]
    First,
    /// A try after one that came to nothing: what has counted it does not stand in its way.
    Again,
    /// A part of a message of which another part has left: to hold it back would spoil what has left, so that only who
    /// has opted out meanwhile is not sent it.
    Rest,
}

/// What account and campaign have decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Channels the account is contracted for (ACC-05).
    pub contracted: Channels,
    /// Texts to lines of a type that leaves a choice.
    pub lines: LineRule,
    /// A do-not-call list that is stale or missing stops messages; where it does not, it only stops starts.
    pub stale_lists_filter: bool,
    /// Messages leave even if a rule of hours may apply and nobody knows the recipient's time.
    pub unknown_place_passes: bool,
    /// Quiet hours hold for what this account sends.
    pub quiet_hours: bool,
    /// In quiet hours.
    pub on_quiet_hours: OnWait,
    /// At a frequency cap.
    pub on_frequency_cap: OnWait,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            contracted: Channels::ALL,
            lines: LineRule::default(),
            stale_lists_filter: true,
            unknown_place_passes: false,
            quiet_hours: true,
            on_quiet_hours: OnWait::Defer,
            on_frequency_cap: OnWait::Defer,
        }
    }
}

/// One message that is about to leave.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who caused it.
    pub origin: Origin,
    /// Which release of it this is.
    pub release: Release,
    /// How it goes.
    pub channel: Channel,
    /// True when it advertises; what only informs is bound by fewer rules.
    pub marketing: bool,
    /// On whose behalf.
    pub tenant: Tenant,
    /// The device's number, for texts and calls.
    pub number: Option<E164>,
    /// The device's address, for e-mail.
    pub email: Option<&'a str>,
    /// The client's own id of the person.
    pub client: Option<&'a str>,
    /// What is known of the person's place.
    pub place: Place<'a>,
    /// What the number is.
    pub line: LineType,
    /// What the message is about.
    pub matter: MatterId,
    /// The source address.
    pub source: SourceId,
    /// The traffic's registration with the carrier.
    pub registration: Registration,
    /// Limits of the carrier, brand or campaign that count it.
    pub limits: &'a [LimitId],
    /// Do-not-call lists the campaign honours.
    pub lists: &'a [ListId],
    /// Frequency caps of account and campaign; those of jurisdictions come on top.
    pub caps: &'a [Cap],
    /// Places of the jurisdictions whose hours hold wherever the recipient is; those of his place come on top.
    pub hours: &'a [usize],
    /// The end of its validity: a wait beyond it is a filter.
    pub not_after: Option<Micros>,
    /// What account and campaign have decided.
    pub settings: Settings,
}
