use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{ByteSize, Count, Period};

choices! {
    /// What follows when it stays unknown whether a peer took a message.
    pub enum AfterDoubt {
        /// It is sent again, marked as a possible duplicate.
        Retry = "retry",
        /// It ends as failed: for traffic that must never come twice.
        Fail = "fail",
    }
}

settings! {
    /// Sends whose fate is unknown: the peer, the connection or the node was lost before the response.
    pub struct DoubtSettings {
        /// How long a receipt is waited for, which would end the doubt; 0s decides at once.
        hold: Period = "60s",
        /// What follows then.
        then: AfterDoubt = "retry",
    }
}

settings! {
    /// Receipts of messages that we passed on.
    pub struct ReceiptSettings {
        /// How long a receipt is waited for past the validity of its message; then the outcome is `unknown`.
        wait: Period = "24h",
        /// How long a receipt that came before the response to its message is parked.
        early_for: Period = "60s",
        /// Receipts that are parked at once.
        early_max: Count<100, 10_000_000> = 100_000,
    }
}

settings! {
    /// Parts of a long message that wait for the others, on their way to who takes it whole: webhooks, and links over
    /// HTTP with `parts = "whole"`.
    pub struct ReassemblySettings {
        /// How long the missing parts of an MO message are waited for, from the first; then the rest is told without
        /// them. Handsets and SMSCs repeat a part that the network lost for some minutes.
        wait: Period = "10m",
        /// The same for an MT message; then the parts leave by themselves. An ESME submits them one after the other.
        mt_wait: Period = "1m",
        /// Messages whose parts are waited for at once, of one link or account half as many; above it new ones are
        /// refused for now.
        max_messages: Count<16, 10_000_000> = 100_000,
        /// Parts of one device that wait at once.
        max_device_parts: Count<255, 1_000_000> = 1_000,
        /// Memory of what is kept of waiting parts, of either direction; their texts are in the store.
        memory: ByteSize = "64MiB",
    }
}

settings! {
    /// Bounds of everything that could grow.
    pub struct LimitSettings agrees {
        /// Messages that the node holds; above it new ones are refused with ESME_RMSGQFUL or 503.
        queue_messages: Count<1_000, 1_000_000_000> = 5_000_000,
        /// Messages that one account may have open, unless its row says otherwise.
        account_messages: Count<1, 1_000_000_000> = 1_000_000,
        /// Messages that may wait for one link, unless its row says otherwise.
        link_messages: Count<1, 1_000_000_000> = 5_000_000,
        /// Memory of message bodies; bodies of waiting messages above it stay in the store.
        hot_memory: ByteSize = "256MiB",
        /// How long a link may hold a message that was released to it before it is written.
        permit: Period = "10s",
        /// Validity of a message that names none, unless its account says otherwise.
        default_validity: Period = "48h",
        /// Longest validity.
        max_validity: Period = "7d",
        /// Furthest time ahead that a message may be scheduled for.
        max_schedule: Period = "30d",
        /// MO messages whose fingerprints are kept to find repeats.
        repeats_remembered: Count<1_000, 100_000_000> = 500_000,
        /// How long they are kept.
        repeats_for: Period = "10m",
        /// Ended messages that are kept for questions and late receipts.
        ended_remembered: Count<1_000, 1_000_000_000> = 20_000,
        /// How long they are kept.
        ended_for: Period = "24h",
        /// Sends whose fate is unknown.
        doubt: DoubtSettings,
        /// Receipts of messages that we passed on.
        receipts: ReceiptSettings,
        /// Parts of long messages.
        reassembly: ReassemblySettings,
    }
}

impl Agreement for LimitSettings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.default_validity > self.max_validity {
            let reason = format!("must not be longer than max_validity, which is {}", self.max_validity);
            problems.conflict(at, "default_validity", reason);
        }
        if self.permit < Period::seconds(1) {
            problems.conflict(at, "permit", "must be at least 1s");
        }
    }
}
