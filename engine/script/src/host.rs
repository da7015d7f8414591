//! What the engine of a script is given by Rust: sources of its world, and helpers that codecs have.

use std::collections::BTreeMap;

use serde::Serialize;
use signalbox_invocation::{
    Account, CallPass, Contact, ContactAttempt, Device, Excess, Invocation, Outcome, SubCampaign, Value,
    WebAnswer,
};
use signalbox_text::Encoding;
use signalbox_text::choose::{Choices, choose};
use signalbox_text::segments::Plan;

/// Takes away, bounds and freezes.
pub(crate) const SANDBOX: &str = include_str!("js/sandbox.js");

/// The calls and entities.
pub(crate) const API: &str = include_str!("js/api.js");

/// An invocation as texts of JSON, apart as scripts want them: one that does not look at its history does not pay
/// for reading it.
pub(crate) struct Given {
    pub(crate) core: String,
    pub(crate) people: String,
    pub(crate) values: String,
    pub(crate) history: String,
}

#[derive(Serialize)]
struct Core<'a> {
    entry: &'a str,
    now: i64,
    seed: [u32; 4],
    test: bool,
    timed_out: bool,
    version: u32,
    account: &'a Account,
    sub_campaign: &'a SubCampaign,
    call_pass: &'a Option<CallPass>,
    conversation: &'a str,
    source_address: &'a str,
    attempt: &'a Option<ContactAttempt>,
    answer: &'a Option<WebAnswer>,
}

#[derive(Serialize)]
struct People<'a> {
    contact: &'a Contact,
    device: &'a Device,
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

impl Given {
    pub(crate) fn new(invocation: &Invocation) -> serde_json::Result<Self> {
        let conversation = &invocation.conversation;
        Ok(Self {
            core: serde_json::to_string(&Core {
                entry: invocation.entry.name(),
                now: invocation.now,
                seed: spread(invocation.seed),
                test: invocation.test,
                timed_out: invocation.timed_out,
                version: invocation.version.version,
                account: &invocation.account,
                sub_campaign: &invocation.sub_campaign,
                call_pass: &invocation.call_pass,
                conversation: &conversation.id,
                source_address: &conversation.source_address,
                attempt: &invocation.attempt,
                answer: &invocation.answer,
            })?,
            people: serde_json::to_string(&People {
                contact: &invocation.contact,
                device: &invocation.device,
            })?,
            values: serde_json::to_string(&Values {
                variables: &conversation.variables,
                stored: &invocation.stored,
            })?,
            history: serde_json::to_string(&History {
                history: &conversation.history,
                elsewhere: &conversation.elsewhere,
            })?,
        })
    }
}

/// What it ends with.
#[derive(serde::Deserialize)]
pub(crate) enum Finished {
    Done(Outcome),
    Excess(Excess),
    NoMethod(String),
}

/// Four words from a seed by splitmix64, so that seeds that are near each other give sequences that are not.
fn spread(mut seed: u64) -> [u32; 4] {
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
