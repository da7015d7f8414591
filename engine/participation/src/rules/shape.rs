//! The document of a campaign, as it is written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::{DateOrder, Kind, Several, Span};
use crate::entry::Channel;
use crate::state::State;
use crate::verdict::RejectCode;

fn yes() -> bool {
    true
}

fn three() -> u64 {
    3
}

fn one() -> u32 {
    1
}

fn utc() -> String {
    "UTC".to_owned()
}

fn two_minutes() -> String {
    "120s".to_owned()
}

fn ninety_days() -> String {
    "90d".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    pub name: String,
    pub account: String,
    pub kind: Kind,
    #[serde(default, rename = "description")]
    pub _description: String,
    #[serde(default)]
    pub state: State,
    #[serde(default)]
    pub entry_points: Vec<EntryPoint>,
    pub open: Option<Timestamp>,
    pub close: Option<Timestamp>,
    #[serde(default = "utc")]
    pub time_zone: String,
    #[serde(default = "two_minutes")]
    pub grace: String,
    #[serde(default)]
    pub extraction: Vec<Rule>,
    #[serde(default)]
    pub several: Several,
    #[serde(default)]
    pub requirements: Vec<Requirement>,
    #[serde(default)]
    pub responses: Responses,
    #[serde(rename = "program")]
    pub _program: Option<String>,
    pub database: Option<String>,
    #[serde(default)]
    pub keep_raw: bool,
    #[serde(default = "ninety_days")]
    pub retention: String,
    pub prepaid: Option<u32>,
    #[serde(default)]
    pub prizes: Vec<Prize>,
    pub prize_seed: Option<String>,
    // What only intake and the dialog server read.
    #[serde(default, rename = "words")]
    pub _words: Vec<serde::de::IgnoredAny>,
    #[serde(default, rename = "form")]
    pub _form: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryPoint {
    pub channel: Channel,
    pub source_address: Option<String>,
    pub keyword: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub field: String,
    pub kind: RuleKind,
    pub position: Option<usize>,
    pub pattern: Option<String>,
    #[serde(default)]
    pub options: Vec<Choice>,
    pub min: Option<i64>,
    pub max: Option<i64>,
    #[serde(default)]
    pub order: DateOrder,
    pub batch: Option<String>,
    pub length: Option<usize>,
    #[serde(default = "yes")]
    pub required: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RuleKind {
    Token,
    Regex,
    Enumeration,
    Number,
    Date,
    Code,
    Remainder,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    pub value: String,
    pub label: Option<String>,
    #[serde(default)]
    pub synonyms: Vec<String>,
    #[serde(default = "one")]
    pub weight: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Requirement {
    pub kind: RequirementKind,
    pub field: Option<String>,
    #[serde(default)]
    pub values: Vec<String>,
    pub pattern: Option<String>,
    pub limit: Option<u64>,
    #[serde(default)]
    pub per: Span,
    pub min: Option<i64>,
    pub max: Option<i64>,
    #[serde(default)]
    pub carriers: Vec<String>,
    #[serde(default)]
    pub countries: Vec<String>,
    pub step: Option<String>,
    pub reject: Option<RejectCode>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RequirementKind {
    Window,
    OneOf,
    Format,
    Checksum,
    CodeUnused,
    MaxPerParticipant,
    MaxTotal,
    Range,
    Carrier,
    Country,
    Consent,
    Age,
    NotBarred,
    OptedIn,
    StepDone,
    Confidence,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Responses {
    #[serde(default = "yes")]
    pub enabled: bool,
    pub accepted: Option<String>,
    pub won: Option<String>,
    #[serde(default)]
    pub rejected: BTreeMap<RejectCode, String>,
    pub not_enabled: Option<String>,
    #[serde(default = "three")]
    pub rejected_per_hour: u64,
}

impl Default for Responses {
    fn default() -> Self {
        Self {
            enabled: true,
            accepted: None,
            won: None,
            rejected: BTreeMap::new(),
            not_enabled: None,
            rejected_per_hour: three(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prize {
    pub name: String,
    pub count: u64,
    pub one_in: u64,
}
