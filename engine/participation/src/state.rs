//! The life of a campaign.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a campaign is in its life: Draft, Ready, Open and Suspended by turns, Closed, Tallied, Archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being made.
    #[default]
    Draft,
    /// It waits for its time.
    Ready,
    /// It takes entries.
    Open,
    /// It takes none for a while.
    Suspended,
    /// It takes none any more.
    Closed,
    /// Its result is fixed.
    Tallied,
    /// It is kept for the record.
    Archived,
}

/// A step that the life of a campaign does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a campaign that is {from} cannot become {to}")]
pub struct StateError {
    /// What it is.
    pub from: State,
    /// What it should be.
    pub to: State,
}

impl State {
    /// All of them, in their order.
    pub const ALL: [Self; 7] =
        [Self::Draft, Self::Ready, Self::Open, Self::Suspended, Self::Closed, Self::Tallied, Self::Archived];

    /// As it is written in rules and databases.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Ready => "ready",
            Self::Open => "open",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
            Self::Tallied => "tallied",
            Self::Archived => "archived",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The step to `next`; to stay is always one.
    ///
    /// # Errors
    /// When there is no such step. Nothing leads back from Closed: whoever took part was told that it is over.
    pub fn to(self, next: Self) -> Result<Self, StateError> {
        let is_step = match self {
            Self::Draft => matches!(next, Self::Ready | Self::Open | Self::Archived),
            Self::Ready => matches!(next, Self::Draft | Self::Open | Self::Closed | Self::Archived),
            Self::Open => matches!(next, Self::Suspended | Self::Closed),
            Self::Suspended => matches!(next, Self::Open | Self::Closed),
            Self::Closed => matches!(next, Self::Tallied),
            Self::Tallied => matches!(next, Self::Archived),
            Self::Archived => false,
        };
        if is_step || self == next { Ok(next) } else { Err(StateError { from: self, to: next }) }
    }

    /// Whether its result is final and winners may be drawn.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            Self::Draft | Self::Ready | Self::Open | Self::Suspended => false,
            Self::Closed | Self::Tallied | Self::Archived => true,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_back_from_closed() {
        for over in [State::Closed, State::Tallied, State::Archived] {
            for back in [State::Draft, State::Ready, State::Open, State::Suspended] {
                assert!(over.to(back).is_err(), "{over} to {back}");
            }
        }
        assert_eq!(State::Open.to(State::Suspended).and_then(|state| state.to(State::Open)), Ok(State::Open));
        assert_eq!(
            State::Open.to(State::Tallied).unwrap_err().to_string(),
            "a campaign that is open cannot become tallied"
        );
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for state in State::ALL {
            assert_eq!(State::read(state.as_str()), Some(state));
        }
        assert_eq!(State::read("Open"), None);
    }
}
