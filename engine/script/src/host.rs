//! What the engine of a script is given by Rust: sources of its world, and helpers that codecs have.

use serde::Serialize;
use signalbox_invocation::{Excess, Invocation, Limits, Outcome};
use signalbox_text::Encoding;
use signalbox_text::choose::{Choices, choose};
use signalbox_text::segments::Plan;

/// Takes away, bounds and freezes.
pub(crate) const SANDBOX: &str = include_str!("js/sandbox.js");

/// The calls and entities.
pub(crate) const API: &str = include_str!("js/api.js");

/// What an invocation begins with.
#[derive(Serialize)]
pub(crate) struct Given<'a> {
    invocation: &'a Invocation,
    limits: &'a Limits,
    seed: [u32; 4],
    entry: &'a str,
}

impl<'a> Given<'a> {
    pub(crate) fn new(invocation: &'a Invocation, limits: &'a Limits) -> Self {
        Self { invocation, limits, seed: spread(invocation.seed), entry: invocation.entry.name() }
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
