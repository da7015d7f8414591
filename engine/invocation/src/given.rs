use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::people::{Channel, Contact, Device};
use crate::value::Value;

/// Number of an invocation, unique among those under way on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InvocationId(pub u128);

/// Which instructions: one immutable version of one account's script or flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Number of the account.
    pub account: u32,
    /// Number of the script.
    pub script: u32,
    /// Its version, from 1.
    pub version: u32,
}

/// The account on whose behalf instructions run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// The channels it is contracted for (ACC-05).
    pub channels: Vec<Channel>,
}

/// Whether a sub-campaign writes first or is written to (CAM-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubCampaignKind {
    /// Begins with a message of ours.
    Outbound,
    /// Begins with a message of a device.
    Inbound,
}

/// The sub-campaign that runs the instructions (API-04).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubCampaign {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its campaign's name, or empty.
    pub campaign: String,
    /// Which side begins.
    pub kind: SubCampaignKind,
}

/// The pass through a contact list that a message belongs to; of a device's message, the pass that sent what it answers
/// (API-01, D12).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPass {
    /// Its number, never zero.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// When it began, microseconds of UTC.
    pub started_at: i64,
}

/// Which way a message of a conversation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// To the device.
    Mt,
    /// From the device.
    Mo,
}

/// A message that was sent or received (API-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactAttempt {
    /// Its id as accounts see it.
    pub id: String,
    /// Which way it went.
    pub side: Side,
    /// When it was received or handed to the exchange, microseconds of UTC.
    pub at: i64,
    /// The device's address.
    pub device: String,
    /// Our address.
    pub source_address: String,
    /// Its text.
    pub text: String,
    /// Its completion status by name (REP-02), or empty while that is open.
    pub status: String,
    /// The sub-campaign it belongs to, by name.
    pub sub_campaign: String,
    /// The keyword that it is, folded, when it is one (KEY-02).
    pub keyword: Option<String>,
}

/// The messages so far between a device and one of our addresses, and what earlier invocations left (API-03, API-12).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Our address.
    pub source_address: String,
    /// Session variables (API-13).
    pub variables: BTreeMap<String, Value>,
    /// Where a flow stands; empty for a script, and before the first step.
    pub position: String,
    /// Successful messages of the sub-campaign, oldest first, as many of the latest as the limit lets.
    pub history: Vec<ContactAttempt>,
    /// Messages of other sub-campaigns of the account with the device, oldest first (TXS-10).
    pub elsewhere: Vec<ContactAttempt>,
}

/// What a web service answered to a call that instructions asked for (TXS-17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebAnswer {
    /// The name of the service.
    pub service: String,
    /// HTTP status; zero when none came.
    pub status: u16,
    /// The body as text, cut at the limit.
    pub body: String,
    /// Why there is none, or empty.
    pub error: String,
}

/// What instructions are given for one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// Which run.
    pub id: InvocationId,
    /// Which instructions.
    pub version: Version,
    /// Where they begin.
    pub entry: Entry,
    /// The time they see, microseconds of UTC: a repeated run sees the same.
    pub now: i64,
    /// What their random numbers are made from: a repeated run sees the same.
    pub seed: u64,
    /// True in a dry run and for test traffic.
    pub test: bool,
    /// On whose behalf.
    pub account: Account,
    /// With whom.
    pub contact: Contact,
    /// By which device.
    pub device: Device,
    /// What was before.
    pub conversation: Conversation,
    /// For which sub-campaign.
    pub sub_campaign: SubCampaign,
    /// Within which pass.
    pub call_pass: Option<CallPass>,
    /// The message that came, for handlers of one (API-05).
    pub attempt: Option<ContactAttempt>,
    /// What the account keeps of this device between conversations (TXS-11).
    pub stored: BTreeMap<String, Value>,
    /// The answer that a call's method is run for.
    pub answer: Option<WebAnswer>,
    /// True when the wait for a reply ran out, and that is why the method is run.
    pub timed_out: bool,
}
