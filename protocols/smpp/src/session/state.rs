//! Session states, and which command may come in which (SMPP 3.4 clauses 2.2 and 2.3).

use super::Role;
use crate::CommandId;
use crate::pdu::BindMode;

/// State of a session (SMPP 3.4 clause 2.2, 5.0 clause 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Connected, not bound.
    Open,
    /// The SMSC asked the ESME to bind.
    Outbound,
    /// Bound as transmitter.
    BoundTx,
    /// Bound as receiver.
    BoundRx,
    /// Bound as transceiver.
    BoundTrx,
    /// unbind is under way, ours or the peer's.
    Unbound,
    /// Over.
    Closed,
}

impl State {
    /// The state a bind leads to.
    pub const fn bound(mode: BindMode) -> State {
        match mode {
            BindMode::Transmitter => State::BoundTx,
            BindMode::Receiver => State::BoundRx,
            BindMode::Transceiver => State::BoundTrx,
        }
    }

    /// Whether messages may flow.
    pub const fn is_bound(self) -> bool {
        matches!(self, State::BoundTx | State::BoundRx | State::BoundTrx)
    }

    /// Whether `sender` may issue the request `command` in this state (SMPP 3.4 table 2-1, 5.0 table 2-1).
    pub const fn allows(self, command: CommandId, sender: Role) -> bool {
        let from_esme = matches!(sender, Role::Esme);
        let transmits = matches!(self, State::BoundTx | State::BoundTrx);
        let receives = matches!(self, State::BoundRx | State::BoundTrx);
        match command {
            CommandId::BIND_TRANSMITTER => from_esme && matches!(self, State::Open),
            CommandId::BIND_RECEIVER | CommandId::BIND_TRANSCEIVER => {
                from_esme && matches!(self, State::Open | State::Outbound)
            }
            CommandId::OUTBIND => !from_esme && matches!(self, State::Open),
            CommandId::UNBIND => self.is_bound(),
            CommandId::ENQUIRE_LINK => !matches!(self, State::Closed),
            CommandId::SUBMIT_SM
            | CommandId::SUBMIT_MULTI
            | CommandId::QUERY_SM
            | CommandId::CANCEL_SM
            | CommandId::REPLACE_SM
            | CommandId::BROADCAST_SM
            | CommandId::QUERY_BROADCAST_SM
            | CommandId::CANCEL_BROADCAST_SM
            | CommandId::PARAM_RETRIEVE
            | CommandId::QUERY_LAST_MSGS
            | CommandId::QUERY_MSG_DETAILS => from_esme && transmits,
            CommandId::DELIVER_SM | CommandId::ALERT_NOTIFICATION => !from_esme && receives,
            CommandId::DATA_SM => {
                if from_esme {
                    transmits
                } else {
                    receives
                }
            }
            _ => self.is_bound(),
        }
    }
}
