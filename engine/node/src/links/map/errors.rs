//! What a peer's command_status means for the message and the session.
//!
//! | status | class |
//! |---|---|
//! | ESME_RTHROTTLED | throttling |
//! | ESME_RMSGQFUL | queue full |
//! | ESME_RINVBNDSTS, RALYBND, RBINDFAIL, RINVPASWD, RINVSYSID, RINVSYSTYP | fatal: the session does not stand as we think |
//! | ESME_RSYSERR, RX_T_APPN, RSUBMITFAIL, RDELIVERYFAILURE, RUNKNOWNERR, RSERTYPUNAVAIL | temporary |
//! | all other values that SMPP defines | permanent: they name what is wrong with the message |
//! | values that SMPP does not define | temporary: their meaning is not known, and retries are bounded |
//!
//! A link's own table goes before these.

use rustc_hash::FxHashMap;
use signalbox_core::outcome::ErrorClass;
use signalbox_smpp::CommandStatus;

/// The meanings of a peer's errors that differ from SMPP's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorTable(FxHashMap<u32, ErrorClass>);

impl ErrorTable {
    /// The table with these meanings.
    #[must_use]
    pub fn new(meanings: impl IntoIterator<Item = (u32, ErrorClass)>) -> Self {
        Self(meanings.into_iter().collect())
    }

    /// What the link's own table says of a status, if it has it.
    #[must_use]
    pub fn own(&self, status: CommandStatus) -> Option<ErrorClass> {
        self.0.get(&status.0).copied()
    }

    /// What a status means.
    #[must_use]
    pub fn class(&self, status: CommandStatus) -> ErrorClass {
        self.own(status).unwrap_or_else(|| default_class(status))
    }
}

fn default_class(status: CommandStatus) -> ErrorClass {
    match status {
        CommandStatus::RTHROTTLED => ErrorClass::Throttling,
        CommandStatus::RMSGQFUL => ErrorClass::QueueFull,
        CommandStatus::RINVBNDSTS
        | CommandStatus::RALYBND
        | CommandStatus::RBINDFAIL
        | CommandStatus::RINVPASWD
        | CommandStatus::RINVSYSID
        | CommandStatus::RINVSYSTYP => ErrorClass::Fatal,
        CommandStatus::RSYSERR
        | CommandStatus::RX_T_APPN
        | CommandStatus::RSUBMITFAIL
        | CommandStatus::RDELIVERYFAILURE
        | CommandStatus::RUNKNOWNERR
        | CommandStatus::RSERTYPUNAVAIL => ErrorClass::Temporary,
        status if status.name().is_some() => ErrorClass::Permanent,
        _ => ErrorClass::Temporary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_holds() {
        let table = ErrorTable::default();
        for (status, class) in [
            (0x58, ErrorClass::Throttling),
            (0x14, ErrorClass::QueueFull),
            (0x04, ErrorClass::Fatal),
            (0x0e, ErrorClass::Fatal),
            (0x08, ErrorClass::Temporary),
            (0x45, ErrorClass::Temporary),
            (0x64, ErrorClass::Temporary),
            (0x0b, ErrorClass::Permanent),
            (0x65, ErrorClass::Permanent),
            (0x0104, ErrorClass::Permanent),
            (0x0400, ErrorClass::Temporary),
            (0x1234_5678, ErrorClass::Temporary),
        ] {
            assert_eq!(table.class(CommandStatus(status)), class, "{status:#x}");
        }
    }

    #[test]
    fn a_links_own_meaning_goes_first() {
        let table = ErrorTable::new([(0x0b, ErrorClass::Temporary), (0x0400, ErrorClass::Permanent)]);
        assert_eq!(table.class(CommandStatus(0x0b)), ErrorClass::Temporary);
        assert_eq!(table.class(CommandStatus(0x0400)), ErrorClass::Permanent);
        assert_eq!(table.class(CommandStatus(0x58)), ErrorClass::Throttling);
    }
}
