//! What names a request of a peer to the exchange: enough to answer it without looking anything up.

use std::time::Duration;

use signalbox_core::time::Mono;
use signalbox_smpp::{Body, CommandId};

/// A request of the peer: its kind, its sequence_number and about when it came.
///
/// Packed into the 64 bits of a reply token: 8 of kind, 24 of time in steps of 65 us (they wrap after 18
/// minutes, far longer than any request waits), 32 of sequence_number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The command.
    pub command: CommandId,
    /// sequence_number.
    pub sequence: u32,
    /// Steps of time.
    at: u32,
}

const STEP_BITS: u32 = 16;
const TIME_MASK: u64 = 0xff_ffff;

/// Commands that the exchange answers.
const KINDS: [CommandId; 7] = [
    CommandId::SUBMIT_SM,
    CommandId::DATA_SM,
    CommandId::SUBMIT_MULTI,
    CommandId::DELIVER_SM,
    CommandId::QUERY_SM,
    CommandId::CANCEL_SM,
    CommandId::REPLACE_SM,
];

impl Asked {
    /// A request that came now.
    #[must_use]
    pub fn new(command: CommandId, sequence: u32, now: Mono) -> Self {
        Self { command, sequence, at: ((now.0 >> STEP_BITS) & TIME_MASK) as u32 }
    }

    /// As a reply token. A command that the exchange never answers counts as submit_sm.
    #[must_use]
    pub fn token(self) -> u64 {
        let kind = KINDS.iter().position(|&kind| kind == self.command).unwrap_or(0) as u64;
        kind << 56 | u64::from(self.at) << 32 | u64::from(self.sequence)
    }

    /// From a reply token.
    #[must_use]
    pub fn of(token: u64) -> Self {
        Self {
            command: KINDS.get((token >> 56) as usize).copied().unwrap_or(CommandId::SUBMIT_SM),
            sequence: token as u32,
            at: ((token >> 32) & TIME_MASK) as u32,
        }
    }

    /// How long it has waited, in steps.
    #[must_use]
    pub fn waited(self, now: Mono) -> Duration {
        let steps = ((now.0 >> STEP_BITS).wrapping_sub(u64::from(self.at))) & TIME_MASK;
        Duration::from_nanos(steps << STEP_BITS)
    }

    /// The response to it, empty.
    #[must_use]
    pub fn blank(self) -> Body {
        Body::blank_response(self.command.response()).unwrap_or(Body::GenericNack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_back_what_it_was_made_from() {
        for command in KINDS {
            for sequence in [1, 0x7fff_ffff, u32::MAX] {
                let asked = Asked::new(command, sequence, Mono(123_456_789_012_345));
                assert_eq!(Asked::of(asked.token()), asked);
            }
        }
    }

    #[test]
    fn waiting_is_measured_over_the_wrap() {
        let before = Mono((TIME_MASK << STEP_BITS) - 1);
        let asked = Asked::new(CommandId::SUBMIT_SM, 1, before);
        let after = Mono(before.0 + 10_000_000);
        let waited = asked.waited(after);
        assert!(
            waited >= Duration::from_micros(9_900) && waited <= Duration::from_micros(10_100),
            "{waited:?}"
        );
    }
}
