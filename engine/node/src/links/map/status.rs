//! The command_status that says why the exchange refused.
//!
//! | refusal | to an account (submit_sm_resp) | to a link (deliver_sm_resp) |
//! |---|---|---|
//! | the exchange, or the account, holds as many messages as it may; the store is full | RMSGQFUL | RMSGQFUL |
//! | draining | RX_T_APPN | RX_T_APPN |
//! | a counter slows it down | RTHROTTLED | RTHROTTLED |
//! | no route, no destination | RINVDSTADR | RX_R_APPN |
//! | a rule refuses it | RSUBMITFAIL | RX_R_APPN |
//! | the account is not active | RSUBMITFAIL | RX_R_APPN |
//! | source address not allowed | RINVSRCADR | RX_R_APPN |
//! | schedule too far ahead | RINVSCHED | RX_R_APPN |
//! | validity over, or before the schedule | RINVEXPIRY | RX_R_APPN |
//! | link unknown, internal failure | RSYSERR | RX_T_APPN |
//!
//! The temporary ones (RMSGQFUL, RX_T_APPN, RTHROTTLED, RSYSERR) are those that peers repeat by themselves.

use rustc_hash::FxHashMap;
use signalbox_core::exchange::{MessageReply, Refusal};
use signalbox_smpp::{CommandId, CommandStatus};

/// Which side of SMPP the peer that is answered is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It is bound to us.
    Account,
    /// We are bound to it.
    Link,
}

/// The status for a refusal.
#[must_use]
pub fn of_refusal(refusal: &Refusal, side: Side) -> CommandStatus {
    let (account, link) = match refusal {
        Refusal::QueueFull { .. }
        | Refusal::AccountQueueFull { .. }
        | Refusal::StoreFull
        | Refusal::OutboxFull { .. }
        | Refusal::PartsFull { .. }
        | Refusal::DeviceBusy => (CommandStatus::RMSGQFUL, CommandStatus::RMSGQFUL),
        Refusal::Draining => (CommandStatus::RX_T_APPN, CommandStatus::RX_T_APPN),
        Refusal::CounterThrottle | Refusal::QuotaReached { .. } => {
            (CommandStatus::RTHROTTLED, CommandStatus::RTHROTTLED)
        }
        Refusal::NoRoute | Refusal::NoDestination => (CommandStatus::RINVDSTADR, CommandStatus::RX_R_APPN),
        Refusal::RouteRejects { .. } | Refusal::AccountInactive => {
            (CommandStatus::RSUBMITFAIL, CommandStatus::RX_R_APPN)
        }
        Refusal::SourceNotAllowed => (CommandStatus::RINVSRCADR, CommandStatus::RX_R_APPN),
        Refusal::BadSchedule => (CommandStatus::RINVSCHED, CommandStatus::RX_R_APPN),
        Refusal::AlreadyExpired | Refusal::ValidityTooLong => {
            (CommandStatus::RINVEXPIRY, CommandStatus::RX_R_APPN)
        }
        Refusal::LinkUnknown | Refusal::Internal => (CommandStatus::RSYSERR, CommandStatus::RX_T_APPN),
        // Refusals may be added; unless a status is chosen here the peer is told to try later, or never.
        other if other.is_temporary() => (CommandStatus::RSYSERR, CommandStatus::RX_T_APPN),
        _ => (CommandStatus::RSUBMITFAIL, CommandStatus::RX_R_APPN),
    };
    match side {
        Side::Account => account,
        Side::Link => link,
    }
}

/// The status of query_sm_resp, cancel_sm_resp or replace_sm_resp for an answer about a message.
#[must_use]
pub fn of_message_reply(reply: &MessageReply, request: CommandId) -> CommandStatus {
    match reply {
        MessageReply::State(_) | MessageReply::Replaced => CommandStatus::ROK,
        MessageReply::Cancelled(count) if *count > 0 => CommandStatus::ROK,
        MessageReply::NotFound if request != CommandId::CANCEL_SM => CommandStatus::RINVMSGID,
        MessageReply::Cancelled(_) | MessageReply::NotFound | MessageReply::TooLate => match request {
            CommandId::REPLACE_SM => CommandStatus::RREPLACEFAIL,
            CommandId::QUERY_SM => CommandStatus::RQUERYFAIL,
            _ => CommandStatus::RCANCELFAIL,
        },
    }
}

/// Statuses, and what stands in their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusMap(FxHashMap<u32, u32>);

impl StatusMap {
    /// The map with these replacements; all other values stay.
    #[must_use]
    pub fn new(replacements: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self(replacements.into_iter().collect())
    }

    /// What stands in the place of this status.
    #[must_use]
    pub fn apply(&self, status: CommandStatus) -> CommandStatus {
        self.0.get(&status.0).map_or(status, |&other| CommandStatus(other))
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::time::Micros;

    use super::*;

    #[test]
    fn the_documented_table_holds() {
        let table = [
            (Refusal::QueueFull { held: 1 }, 0x14, 0x14),
            (Refusal::AccountQueueFull { held: 1 }, 0x14, 0x14),
            (Refusal::StoreFull, 0x14, 0x14),
            (Refusal::OutboxFull { waiting: 1 }, 0x14, 0x14),
            (Refusal::PartsFull { waiting: 1 }, 0x14, 0x14),
            (Refusal::DeviceBusy, 0x14, 0x14),
            (Refusal::Draining, 0x64, 0x64),
            (Refusal::CounterThrottle, 0x58, 0x58),
            (Refusal::QuotaReached { until: Micros(1) }, 0x58, 0x58),
            (Refusal::NoRoute, 0x0b, 0x66),
            (Refusal::NoDestination, 0x0b, 0x66),
            (Refusal::RouteRejects { rule: String::new() }, 0x45, 0x66),
            (Refusal::AccountInactive, 0x45, 0x66),
            (Refusal::SourceNotAllowed, 0x0a, 0x66),
            (Refusal::BadSchedule, 0x61, 0x66),
            (Refusal::AlreadyExpired, 0x62, 0x66),
            (Refusal::ValidityTooLong, 0x62, 0x66),
            (Refusal::LinkUnknown, 0x08, 0x64),
            (Refusal::Internal, 0x08, 0x64),
        ];
        for (refusal, account, link) in table {
            assert_eq!(of_refusal(&refusal, Side::Account), CommandStatus(account), "{refusal}");
            assert_eq!(of_refusal(&refusal, Side::Link), CommandStatus(link), "{refusal}");
        }
    }

    #[test]
    fn what_is_temporary_is_told_as_temporary() {
        let temporary = [
            CommandStatus::RMSGQFUL,
            CommandStatus::RX_T_APPN,
            CommandStatus::RTHROTTLED,
            CommandStatus::RSYSERR,
        ];
        for refusal in [
            Refusal::QueueFull { held: 1 },
            Refusal::StoreFull,
            Refusal::Draining,
            Refusal::NoRoute,
            Refusal::SourceNotAllowed,
            Refusal::LinkUnknown,
            Refusal::Internal,
            Refusal::AlreadyExpired,
        ] {
            for side in [Side::Account, Side::Link] {
                assert_eq!(
                    temporary.contains(&of_refusal(&refusal, side)),
                    refusal.is_temporary(),
                    "{refusal}"
                );
            }
        }
    }

    #[test]
    fn an_answer_about_a_message_has_its_commands_own_status() {
        assert_eq!(of_message_reply(&MessageReply::NotFound, CommandId::QUERY_SM), CommandStatus::RINVMSGID);
        assert_eq!(
            of_message_reply(&MessageReply::TooLate, CommandId::REPLACE_SM),
            CommandStatus::RREPLACEFAIL
        );
        assert_eq!(
            of_message_reply(&MessageReply::Cancelled(0), CommandId::CANCEL_SM),
            CommandStatus::RCANCELFAIL
        );
        assert_eq!(of_message_reply(&MessageReply::Cancelled(2), CommandId::CANCEL_SM), CommandStatus::ROK);
    }

    #[test]
    fn a_map_changes_what_it_lists() {
        let map = StatusMap::new([(0x14, 0x58)]);
        assert_eq!(map.apply(CommandStatus::RMSGQFUL), CommandStatus::RTHROTTLED);
        assert_eq!(map.apply(CommandStatus::RSYSERR), CommandStatus::RSYSERR);
    }
}
