//! What a session is told when it starts.

use super::MAX_SEQUENCE;
use crate::{Profile, Version};

/// Which side of the session this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The client, which binds.
    Esme,
    /// The server, which is bound to.
    Smsc,
}

impl Role {
    /// The other side.
    pub const fn peer(self) -> Role {
        match self {
            Role::Esme => Role::Smsc,
            Role::Smsc => Role::Esme,
        }
    }
}

/// One second in the unit of all times here.
pub const SECOND_NS: u64 = 1_000_000_000;

/// The four timers of SMPP 3.4 clause 7.2, in nanoseconds; `None` switches one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// From the connection to the end of the bind.
    pub session_init: Option<u64>,
    /// Silence of the peer after which enquire_link is sent.
    pub enquire_link: Option<u64>,
    /// Time without any message operation after which the session is unbound.
    pub inactivity: Option<u64>,
    /// Time a request waits for its response.
    pub response: Option<u64>,
}

impl Default for Timers {
    /// 10 s, 30 s, off, 30 s.
    fn default() -> Self {
        Timers {
            session_init: Some(10 * SECOND_NS),
            enquire_link: Some(30 * SECOND_NS),
            inactivity: None,
            response: Some(30 * SECOND_NS),
        }
    }
}

/// What becomes of a request with a command_id that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UnknownCommands {
    /// generic_nack with ESME_RINVCMDID, and an event.
    #[default]
    Nack,
    /// Handed to the owner as a request, who answers it.
    Pass,
}

/// All settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// Which side.
    pub role: Role,
    /// The highest version we speak; the session agrees on the lower of both sides'.
    pub version: Version,
    /// The version of an SMSC whose bind response has no sc_interface_version. The specification says 3.3,
    /// experience 3.4 (3.4 clause 4.1.2).
    pub version_without_tlv: Version,
    /// The peer's quirks. Its version is replaced by the one agreed.
    pub profile: Profile,
    /// Timers.
    pub timers: Timers,
    /// Requests of ours that may wait for a response.
    pub window_out: usize,
    /// Requests of the peer that may wait for our response; more are answered ESME_RTHROTTLED.
    pub window_in: usize,
    /// Octets of output that may wait to be written. Above it input is not looked at and
    /// [`crate::Session::send`] refuses, so that a peer that never reads costs bounded memory.
    pub max_output: usize,
    /// Requests with an unknown command.
    pub unknown_commands: UnknownCommands,
    /// The first sequence_number, 1 to 0x7fffffff.
    pub first_sequence: u32,
    /// The last sequence_number before it begins again with 1, for peers that hold fewer than 31 bits of it; at
    /// least twice the window.
    pub last_sequence: u32,
}

impl SessionConfig {
    /// Settings for one side, all else as most peers need it.
    pub fn new(role: Role) -> Self {
        SessionConfig {
            role,
            version: Version::V3_4,
            version_without_tlv: Version::V3_4,
            profile: Profile::default(),
            timers: Timers::default(),
            window_out: 10,
            window_in: 100,
            max_output: 256 * 1024,
            unknown_commands: UnknownCommands::Nack,
            first_sequence: 1,
            last_sequence: MAX_SEQUENCE,
        }
    }
}
