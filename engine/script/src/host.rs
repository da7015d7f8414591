//! What the engine of a script is given by Rust: sources of its world, and helpers that codecs have.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signalbox_invocation::{
    Account, CallPass, Contact, ContactAttempt, Device, Excess, Failure, Invocation, Limits, Outcome,
    SubCampaign, Value, WebAnswer,
};
use signalbox_text::Encoding;
use signalbox_text::choose::{Choices, choose};
use signalbox_text::segments::Plan;

/// Takes away, bounds and freezes.
pub(crate) const SANDBOX: &str = include_str!("js/sandbox.js");

/// The calls and entities.
pub(crate) const API: &str = include_str!("js/api.js");

/// An invocation as its script wants it: what each looks at as it is, the rest as texts of JSON, apart, so that one who
/// does not look at the history does not pay for reading it. It goes to the worker as it is, and from there into the
/// engine: it is written once, by who asks for the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Given<'a> {
    #[serde(borrow)]
    pub(crate) entry: Cow<'a, str>,
    pub(crate) now: i64,
    pub(crate) seed: u64,
    pub(crate) test: bool,
    #[serde(borrow)]
    pub(crate) conversation: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) source_address: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) context: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) contact: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) devices: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) values: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) history: Cow<'a, str>,
}

#[derive(Serialize)]
struct Context<'a> {
    timed_out: bool,
    version: u32,
    account: &'a Account,
    sub_campaign: &'a SubCampaign,
    call_pass: &'a Option<CallPass>,
    attempt: &'a Option<ContactAttempt>,
    answer: &'a Option<WebAnswer>,
}

#[derive(Serialize)]
struct Person<'a> {
    id: u64,
    client_id: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    company: &'a str,
    email: &'a str,
    fields: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Devices<'a> {
    device: &'a Device,
    devices: &'a [Device],
}

#[derive(Serialize)]
struct Values<'a> {
    variables: &'a BTreeMap<String, Value>,
    stored: &'a BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct History<'a> {
    history: &'a [ContactAttempt],
    elsewhere: &'a [ContactAttempt],
}

impl Given<'static> {
    pub(crate) fn new(invocation: &Invocation) -> serde_json::Result<Self> {
        fn json(value: &impl Serialize) -> serde_json::Result<Cow<'static, str>> {
            serde_json::to_string(value).map(Cow::Owned)
        }
        let Contact { id, client_id, first_name, last_name, company, email, devices, fields } =
            &invocation.contact;
        let conversation = &invocation.conversation;
        Ok(Self {
            entry: Cow::Owned(invocation.entry.name().to_owned()),
            now: invocation.now,
            seed: invocation.seed,
            test: invocation.test,
            conversation: Cow::Owned(conversation.id.clone()),
            source_address: Cow::Owned(conversation.source_address.clone()),
            context: json(&Context {
                timed_out: invocation.timed_out,
                version: invocation.version.version,
                account: &invocation.account,
                sub_campaign: &invocation.sub_campaign,
                call_pass: &invocation.call_pass,
                attempt: &invocation.attempt,
                answer: &invocation.answer,
            })?,
            contact: json(&Person { id: *id, client_id, first_name, last_name, company, email, fields })?,
            devices: json(&Devices { device: &invocation.device, devices })?,
            values: json(&Values { variables: &conversation.variables, stored: &invocation.stored })?,
            history: json(&History { history: &conversation.history, elsewhere: &conversation.elsewhere })?,
        })
    }
}

/// What a run ended with, as the engine wrote it: whoever has the time reads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ended<'a> {
    #[serde(borrow)]
    pub(crate) json: Cow<'a, str>,
    pub(crate) micros: u64,
    pub(crate) ticks: u64,
}

/// What stands in an [`Ended`].
#[derive(Deserialize)]
enum Finished {
    Done(Outcome),
    Excess(Excess),
    NoMethod(String),
}

impl Ended<'_> {
    /// The outcome, held to its limits: who ran it is not believed.
    pub(crate) fn outcome(&self, limits: &Limits) -> Result<Outcome, Failure> {
        let finished = serde_json::from_str(&self.json);
        match finished.map_err(|error| Failure::BadOutcome(error.to_string()))? {
            Finished::Done(mut outcome) => {
                outcome.cost.micros = self.micros;
                outcome.cost.ticks = self.ticks;
                limits.check(&outcome)?;
                Ok(outcome)
            }
            Finished::Excess(excess) => Err(Failure::Excess(excess)),
            Finished::NoMethod(name) => Err(Failure::NoMethod(name)),
        }
    }

    /// The bound of the API that was passed, if one was.
    pub(crate) fn excess(&self) -> Option<Excess> {
        match serde_json::from_str(&self.json) {
            Ok(Finished::Excess(excess)) => Some(excess),
            Ok(Finished::Done(_) | Finished::NoMethod(_)) | Err(_) => None,
        }
    }
}

/// Four words from a seed by splitmix64, so that seeds that are near each other give sequences that are not.
pub(crate) fn spread(mut seed: u64) -> [u32; 4] {
    let mut next = || {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let (one, two) = (next(), next());
    [one as u32, (one >> 32) as u32, two as u32, (two >> 32) as u32]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Segments {
    encoding: &'static str,
    units: usize,
    segments: usize,
    spare: usize,
    per_segment: usize,
}

/// Encoding and segments of a text as the exchange would choose them without knowing the peer, as JSON.
pub(crate) fn segments_of(text: &str) -> String {
    let told = match choose(text, &Choices::default()) {
        Ok(choice) => {
            let capacity = Plan::new(choice.encoding).capacity();
            let one = choice.count.segments <= 1;
            Segments {
                encoding: if matches!(choice.encoding, Encoding::Gsm7 { .. }) { "gsm7" } else { "ucs2" },
                units: choice.count.units,
                segments: choice.count.segments,
                spare: choice.count.spare,
                per_segment: if one { capacity.single } else { capacity.part },
            }
        }
        // UCS-2 has a place for every character of a string.
        Err(_) => Segments { encoding: "ucs2", units: 0, segments: 0, spare: 0, per_segment: 0 },
    };
    serde_json::to_string(&told).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_counted_as_the_codecs_count_them() {
        assert_eq!(
            segments_of(&"a".repeat(161)),
            r#"{"encoding":"gsm7","units":161,"segments":2,"spare":145,"perSegment":153}"#
        );
        assert!(segments_of("héllo ☎").contains(r#""encoding":"ucs2""#));
    }

    #[test]
    fn near_seeds_are_spread() {
        assert_ne!(spread(1), spread(2));
        assert_eq!(spread(7), spread(7));
    }
}
