//! What can go wrong in a simulator.

/// See the variants.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A socket or a file.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The peer refused a bind.
    #[error("bind as {system_id} refused with status {status:#010x}")]
    BindRefused {
        /// system_id.
        system_id: String,
        /// command_status of the answer.
        status: u32,
    },
    /// The peer closed the connection, or sent what cannot be understood.
    #[error("connection lost: {0}")]
    Lost(&'static str),
    /// The event log could not be written.
    #[error("event log: {0}")]
    Log(String),
    /// Options that contradict each other.
    #[error("{0}")]
    Options(String),
}

impl SimError {
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        SimError::Io { what: what.into(), source }
    }
}
