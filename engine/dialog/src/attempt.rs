//! An attempt to reach a contact in a pass: its texts are one group and come to one end (MT-05, MT-06, REP-02, D12).

use serde::{Deserialize, Serialize};
use signalbox_core::address::Address;
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::Micros;

use crate::run::RunId;

/// Why a contact was not attempted whose texts were taken back, or that was not begun before its pass was cancelled.
pub(crate) const TAKEN_BACK: &str = "cancelled";

/// A contact's place in a pass: in one pass a contact is attempted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OfPass {
    /// The pass.
    pub pass: u64,
    /// The contact.
    pub contact: u64,
    /// When the pass began.
    pub began: Micros,
}

/// How an attempt ended: its completion status (REP-02).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Completion {
    /// Every text reached the device as far as anyone knows.
    Delivered,
    /// Of at least one text nobody said how it ended.
    Unknown,
    /// The instructions wanted no text.
    NoText,
    /// A text of the group failed, or the instructions did: failed for escalation (MT-05).
    Failed(String),
    /// A text of the group was not attempted: not attempted for escalation (MT-06).
    Filtered(String),
}

impl Completion {
    /// The name of the status.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Unknown => "unknown",
            Self::NoText => "no_text",
            Self::Failed(_) => "failed",
            Self::Filtered(_) => "filtered",
        }
    }

    /// Why, by name; empty where there is nothing to add.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Delivered | Self::Unknown | Self::NoText => "",
            Self::Failed(reason) | Self::Filtered(reason) => reason,
        }
    }
}

/// An attempt from its start until its end is told and nobody asks for it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Whose it is.
    pub of: OfPass,
    /// Its run, which is the number of its group of texts.
    pub run: RunId,
    /// The sub-campaign.
    pub sub_campaign: u32,
    /// To whom.
    pub device: Address,
    /// Texts that have no end yet.
    open: u32,
    /// Texts that reached the device.
    reached: u32,
    /// Why one failed.
    failed: Option<String>,
    /// Why one was not attempted.
    withheld: Option<String>,
    /// Of one nobody knows.
    doubtful: bool,
    /// Its end is in a record.
    pub(crate) told: bool,
    /// Nobody will ask for it again.
    pub(crate) settled: bool,
    /// True for a test: its end is none of the pass's results (MQ-10).
    pub(crate) test: bool,
}

impl Attempt {
    /// One whose instructions run.
    #[must_use]
    pub fn new(of: OfPass, run: RunId, sub_campaign: u32, device: Address) -> Self {
        Self {
            of,
            run,
            sub_campaign,
            device,
            open: 0,
            reached: 0,
            failed: None,
            withheld: None,
            doubtful: false,
            told: false,
            settled: false,
            test: false,
        }
    }

    /// A text of its group waits or is on its way.
    pub fn opened(&mut self) {
        self.open = self.open.saturating_add(1);
    }

    /// A text that waited for the exchange is not taken after all.
    pub fn given_up(&mut self, reason: &str) {
        self.open = self.open.saturating_sub(1);
        self.withhold(reason);
    }

    /// A text, or all of it, is not attempted.
    pub fn withhold(&mut self, reason: &str) {
        self.withheld.get_or_insert_with(|| reason.to_owned());
    }

    /// Its instructions failed.
    pub fn fail(&mut self, reason: &str) {
        self.failed.get_or_insert_with(|| reason.to_owned());
    }

    /// A text of its group ended.
    pub fn ended(&mut self, outcome: FinalState, reason: Reason) {
        self.open = self.open.saturating_sub(1);
        match outcome {
            FinalState::Delivered | FinalState::Accepted => self.reached = self.reached.saturating_add(1),
            FinalState::Failed | FinalState::Rejected => self.fail(reason.name()),
            // The peer that had taken it says so: it was attempted.
            FinalState::Expired | FinalState::Cancelled if reason == Reason::Receipt => {
                self.fail(outcome.name())
            }
            FinalState::Cancelled if reason == Reason::CancelledByOrigin => self.withhold(TAKEN_BACK),
            FinalState::Expired | FinalState::Cancelled | FinalState::Replaced | FinalState::Filtered => {
                self.withhold(reason.name());
            }
            FinalState::Unknown => self.doubtful = true,
        }
    }

    /// True when no text of it is on its way.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.open == 0
    }

    /// Its end, as soon as that is certain: one failure decides at once, all else when every text has ended. A failure
    /// goes before what was not attempted: something was tried, and escalation has to know.
    #[must_use]
    pub fn completion(&self, runs: bool) -> Option<Completion> {
        if let Some(reason) = &self.failed {
            return Some(Completion::Failed(reason.clone()));
        }
        if runs || self.open > 0 {
            return None;
        }
        Some(match &self.withheld {
            Some(reason) => Completion::Filtered(reason.clone()),
            None if self.doubtful => Completion::Unknown,
            None if self.reached > 0 => Completion::Delivered,
            None => Completion::NoText,
        })
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::id::{MessageId, ShardId};

    use super::*;

    fn group(texts: u32) -> Attempt {
        let run = RunId(MessageId::new(Micros(1), ShardId::of(b"x"), 1 << 8));
        let mut attempt =
            Attempt::new(OfPass { pass: 1, contact: 2, began: Micros(0) }, run, 3, Address::default());
        (0..texts).for_each(|_| attempt.opened());
        attempt
    }

    fn failed(reason: &str) -> Option<Completion> {
        Some(Completion::Failed(reason.to_owned()))
    }

    fn filtered(reason: &str) -> Option<Completion> {
        Some(Completion::Filtered(reason.to_owned()))
    }

    /// MT-05: one failure is the whole's, at once and whatever becomes of the others.
    #[test]
    fn one_text_that_fails_is_the_failure_of_all() {
        let mut attempt = group(3);
        attempt.ended(FinalState::Delivered, Reason::Receipt);
        assert_eq!(attempt.completion(false), None);
        attempt.ended(FinalState::Rejected, Reason::PeerRefused);
        assert_eq!(attempt.completion(false), failed("peer_refused"));
        assert!(!attempt.is_closed());
        attempt.ended(FinalState::Delivered, Reason::Receipt);
        assert_eq!(attempt.completion(false), failed("peer_refused"));
        assert!(attempt.is_closed());
    }

    /// MT-06: one text that is not attempted makes the whole not attempted.
    #[test]
    fn one_text_that_is_not_attempted_makes_the_whole_not_attempted() {
        let mut attempt = group(2);
        attempt.ended(FinalState::Filtered, Reason::NoRoute);
        assert_eq!(attempt.completion(false), None, "the other may fail yet");
        attempt.ended(FinalState::Delivered, Reason::Receipt);
        assert_eq!(attempt.completion(false), filtered("no_route"));
        let mut attempt = group(1);
        attempt.withhold("carrier_not_supported");
        attempt.ended(FinalState::Delivered, Reason::Receipt);
        assert_eq!(attempt.completion(false), filtered("carrier_not_supported"));
    }

    #[test]
    fn a_failure_goes_before_what_was_not_attempted() {
        let mut attempt = group(2);
        attempt.ended(FinalState::Filtered, Reason::NoRoute);
        attempt.ended(FinalState::Failed, Reason::Receipt);
        assert_eq!(attempt.completion(false), failed("receipt"));
    }

    #[test]
    fn each_end_of_a_single_text_has_its_status() {
        let of = |outcome, reason| {
            let mut attempt = group(1);
            attempt.ended(outcome, reason);
            attempt.completion(false).map(|completion| (completion.name(), completion.reason().to_owned()))
        };
        let cases = [
            (FinalState::Delivered, Reason::Receipt, "delivered", ""),
            (FinalState::Accepted, Reason::None, "delivered", ""),
            (FinalState::Unknown, Reason::ReceiptNeverCame, "unknown", ""),
            (FinalState::Expired, Reason::ValidityEnded, "filtered", "validity_ended"),
            (FinalState::Expired, Reason::Receipt, "failed", "expired"),
            (FinalState::Cancelled, Reason::PurgedByOperator, "filtered", "purged_by_operator"),
            (FinalState::Cancelled, Reason::CancelledByOrigin, "filtered", "cancelled"),
            (FinalState::Failed, Reason::RetriesExhausted, "failed", "retries_exhausted"),
        ];
        for (outcome, reason, status, why) in cases {
            assert_eq!(of(outcome, reason), Some((status, why.to_owned())), "{outcome:?} {reason:?}");
        }
    }

    #[test]
    fn nothing_is_certain_while_instructions_run_and_no_text_is_an_end() {
        let attempt = group(0);
        assert_eq!(attempt.completion(true), None);
        assert_eq!(attempt.completion(false), Some(Completion::NoText));
        let mut attempt = group(0);
        attempt.fail("script_threw");
        assert_eq!(attempt.completion(true), failed("script_threw"));
    }

    #[test]
    fn a_text_that_the_exchange_never_took_was_not_attempted() {
        let mut attempt = group(2);
        attempt.given_up("account_queue_full");
        attempt.ended(FinalState::Delivered, Reason::Receipt);
        assert_eq!(attempt.completion(false), filtered("account_queue_full"));
    }
}
