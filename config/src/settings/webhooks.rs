use crate::setting::settings;
use crate::value::{ByteSize, Count, Period};

settings! {
    /// Delivery of receipts and MO messages to HTTP targets.
    pub struct WebhookSettings {
        /// Requests on their way at once, to all targets together.
        max_requests: Count<1, 10_000> = 128; restart,
        /// A target must answer within this time, unless its row says otherwise.
        timeout: Period = "10s",
        /// What is read of an answer.
        max_answer: ByteSize = "64KiB",
        /// Targets on loopback and private addresses are refused unless this is true, so that a row cannot reach
        /// what stands beside the node.
        private_targets: bool = false,
    }
}
