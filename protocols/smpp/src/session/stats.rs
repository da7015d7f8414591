//! What a session counts.

/// Counters since the session began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// PDUs received, whatever they were.
    pub pdus_received: u64,
    /// Requests sent under the window.
    pub requests_sent: u64,
    /// Responses sent, the session's own included.
    pub responses_sent: u64,
    /// Requests handed to the owner.
    pub requests_received: u64,
    /// Responses that met a request in the window.
    pub responses_received: u64,
    /// Requests beyond the inbound window, answered ESME_RTHROTTLED.
    pub throttled: u64,
    /// Requests not allowed in the state, answered ESME_RINVBNDSTS or ESME_RALYBND.
    pub wrong_state: u64,
    /// PDUs that could not be decoded.
    pub malformed: u64,
    /// Requests with an unknown command_id.
    pub unknown_commands: u64,
    /// Requests with the sequence_number of another that waits for an answer.
    pub duplicate_sequences: u64,
    /// Requests that got no response in time.
    pub timeouts: u64,
    /// Responses after that time.
    pub late_responses: u64,
    /// Responses to nothing.
    pub unsolicited: u64,
    /// enquire_link sent.
    pub enquiries_sent: u64,
    /// enquire_link answered by us.
    pub enquiries_answered: u64,
    /// enquire_link that got no answer while other PDUs came.
    pub enquiries_unanswered: u64,
}
