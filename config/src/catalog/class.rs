//! Traffic classes.

use crate::setting::choices;

choices! {
    /// How urgent messages are; a link serves the classes in this order, with a bound on starvation.
    pub enum TrafficClass {
        /// One-time passwords, alerts.
        Otp = "otp",
        /// Answers in a dialog, receipts.
        Reply = "reply",
        /// Caused by an action of the receiver.
        Transactional = "transactional",
        /// Campaigns.
        Bulk = "bulk",
    }
}
