use serde::{Deserialize, Serialize};

use crate::people::Channel;
use crate::value::Value;

/// How a text that is too long for one message is sent (API-10, D3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// It is not cut: as one message, in segments where the alphabet needs them.
    Whole,
    /// Into several messages of one attempt group, at blanks where there are any.
    Separate,
}

/// A text to be sent once the instructions have ended (API-07).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// The approved program it belongs to; without one nothing is dispatched (TXS-13).
    pub program: String,
    /// The text, sent without any further change (API-09).
    pub text: String,
    /// What happens if it is long.
    pub cut: Cut,
}

/// How far an opt-out or opt-in reaches (OPT-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The campaign.
    Campaign,
    /// The account.
    Account,
    /// The enterprise.
    Enterprise,
}

/// Who is opted out or in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptSubject {
    /// The device.
    Device,
    /// The contact by its client id, on all devices.
    ClientId,
}

/// An opt-out that instructions ask for. Only START or a person ends one (rule 7), so there is no opt-in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptChange {
    /// How far it reaches; `None` for the account's default (D8).
    pub level: Option<Level>,
    /// Who.
    pub subject: OptSubject,
    /// From which channels.
    pub channels: Vec<Channel>,
}

/// A call of a named web service (TXS-17). It is made once the outcome is committed; its answer runs the method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebCall {
    /// The service's name in the catalog.
    pub service: String,
    /// Appended to the service's address, percent-encoded by who writes it.
    pub path: String,
    /// The body, or empty.
    pub body: String,
    /// The method or step that is run with the answer; empty for none.
    pub then: String,
}

/// How long a reply is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// So many seconds.
    pub seconds: u32,
    /// The method or step that is run when none came; empty: the conversation ends.
    pub then: String,
}

/// What the run tells the workflow (API-06, TXS-21).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was wrong.
    #[default]
    Ok,
    /// The contact's data cannot be worked with: the attempt is filtered.
    BadData(String),
    /// The script's own word for it, kept with the attempt.
    Other(String),
}

/// A step that was taken, for the trace of a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which: a flow's step, or a script's method or host call.
    pub at: String,
    /// What it did.
    pub did: String,
}

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Time in microseconds.
    pub micros: u64,
    /// Instructions in ticks of 10,000 operations (D10), or steps of a flow with its expressions' cost.
    pub ticks: u64,
    /// Calls of the API.
    pub calls: u32,
}

/// What instructions want done; all of it is committed, or nothing is. A field that is not there, in a form that has
/// names, is as nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Texts, in order; several make one attempt group (API-08).
    pub sends: Vec<Send>,
    /// Session variables that were set, or removed.
    pub variables: Vec<(String, Option<Value>)>,
    /// What is to be kept of the device, or forgotten (TXS-11).
    pub stored: Vec<(String, Option<Value>)>,
    /// Where a flow stands now.
    pub position: String,
    /// Why an agent is to see the message, if one is to (TXS-20).
    pub flag: Option<String>,
    /// Opt-outs.
    pub opt_outs: Vec<OptChange>,
    /// Web services to be called.
    pub calls: Vec<WebCall>,
    /// How long a reply is waited for; `None` leaves it to the sub-campaign.
    pub wait: Option<Wait>,
    /// True when the conversation is at its end.
    pub ended: bool,
    /// What the workflow is told.
    pub status: Status,
    /// Lines that the instructions wrote for their author.
    pub log: Vec<String>,
    /// Steps, when a trace was wanted.
    pub trace: Vec<Step>,
    /// What it cost.
    pub cost: Cost,
}
