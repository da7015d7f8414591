//! The table: which class of origin passes which checks.

use serde::{Deserialize, Serialize};

use crate::question::{Origin, Release};

/// What a message is checked for, in this order.
///
/// | check | reply | campaign | agent | confirmation | help | transit | test |
/// |---|---|---|---|---|---|---|---|
/// | contract | asked | asked | asked | asked | asked | | asked |
/// | confirmation | | | | asked | | | |
/// | suppression | asked | asked | asked | | | asked | asked |
/// | do-not-call lists | | asked | asked | | | | |
/// | line type | asked | asked | asked | asked | asked | | asked |
/// | registration | asked | asked | asked | asked | asked | | |
/// | hours | | asked | asked | | | | |
/// | frequency | | asked | asked | | | | |
/// | carrier limit | asked | asked | asked | counted | counted | | counted |
/// | recipient cap | asked | asked | asked | counted | counted | | |
///
/// A reply answers a person who has just written: no list, hour or cap stands between them. A confirmation is owed at
/// once, and so is the answer to HELP, which carriers want even after an opt-out; they use up the carrier's limits but
/// do not wait for them. Transit is what others answer for, but an opt-out holds for it too. A test goes to devices of the account's own, which may
/// have opted out like any other; it uses up what the carrier counts, and nothing that we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The account's channels.
    Contract,
    /// A confirmation is due.
    Confirmation,
    /// Opt-outs.
    Suppression,
    /// Do-not-call lists.
    DoNotCall,
    /// Wireless or landline.
    LineType,
    /// The carrier's register.
    Registration,
    /// Quiet hours.
    Hours,
    /// Frequency caps.
    Frequency,
    /// Daily and per-minute limits.
    CarrierLimit,
    /// Recipients of the source address.
    RecipientCap,
}

/// What a check does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Nothing.
    Skipped,
    /// It is asked, and what it counts is counted at release.
    Asked,
    /// It counts at release and does not stand in the way.
    Counted,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Check; 10] = [
        Check::Contract,
        Check::Confirmation,
        Check::Suppression,
        Check::DoNotCall,
        Check::LineType,
        Check::Registration,
        Check::Hours,
        Check::Frequency,
        Check::CarrierLimit,
        Check::RecipientCap,
    ];

    /// True when it is asked at this release of a message. Confirmations, caps and limits have counted it at the first.
    #[must_use]
    pub const fn asks(self, release: Release) -> bool {
        match (self, release) {
            (_, Release::First)
            | (Check::Contract | Check::Suppression, Release::Again | Release::Rest)
            | (Check::DoNotCall | Check::LineType | Check::Registration | Check::Hours, Release::Again) => {
                true
            }
            (Check::DoNotCall | Check::LineType | Check::Registration | Check::Hours, Release::Rest)
            | (
                Check::Confirmation | Check::Frequency | Check::CarrierLimit | Check::RecipientCap,
                Release::Again | Release::Rest,
            ) => false,
        }
    }

    /// The table above.
    #[must_use]
    pub const fn treats(self, origin: Origin) -> Treatment {
        use Origin::{Agent, Campaign, ConversationReply, HelpResponse, OptOutConfirmation, Test, Transit};
        match (self, origin) {
            (Check::Suppression, Transit) => Treatment::Asked,
            (_, Transit) => Treatment::Skipped,
            (Check::Contract | Check::LineType, _) => Treatment::Asked,
            (Check::Confirmation, OptOutConfirmation) => Treatment::Asked,
            (Check::Confirmation, _) => Treatment::Skipped,
            (Check::Suppression, ConversationReply | Campaign | Agent | Test) => Treatment::Asked,
            (Check::Suppression, OptOutConfirmation | HelpResponse) => Treatment::Skipped,
            (Check::DoNotCall | Check::Hours | Check::Frequency, Campaign | Agent) => Treatment::Asked,
            (Check::DoNotCall | Check::Hours | Check::Frequency, _) => Treatment::Skipped,
            (Check::Registration, Test) => Treatment::Skipped,
            (Check::Registration, _) => Treatment::Asked,
            (Check::CarrierLimit | Check::RecipientCap, ConversationReply | Campaign | Agent) => {
                Treatment::Asked
            }
            (Check::RecipientCap, Test) => Treatment::Skipped,
            (Check::CarrierLimit, Test)
            | (Check::CarrierLimit | Check::RecipientCap, OptOutConfirmation | HelpResponse) => {
                Treatment::Counted
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in the documentation is the table in the code.
    #[test]
    fn the_table_says_what_the_code_does() {
        let rows: Vec<Vec<&str>> = include_str!("check.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("/// | "))
            .map(|line| line.trim_end_matches('|').split('|').map(str::trim).collect())
            .skip(1)
            .collect();
        assert_eq!(rows.len(), Check::ALL.len());
        for (check, row) in Check::ALL.into_iter().zip(rows) {
            for (origin, cell) in Origin::ALL.into_iter().zip(&row[1..]) {
                let expected = match *cell {
                    "asked" => Treatment::Asked,
                    "counted" => Treatment::Counted,
                    "" => Treatment::Skipped,
                    other => panic!("{other:?} in the row of {check:?}"),
                };
                assert_eq!(check.treats(origin), expected, "{check:?} {origin:?}");
            }
        }
    }
}
