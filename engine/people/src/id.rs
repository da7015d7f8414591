//! Ids of rows, and whose rows a caller sees.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signalbox_core::id::AccountId;

macro_rules! ids {
    ($( $(#[doc = $doc:literal])+ $name:ident; )*) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )* };
}

ids! {
    /// A contact.
    ContactId;
    /// A device of an account.
    DeviceId;
    /// A contact list.
    ListId;
    /// An upload.
    UploadId;
    /// A pass.
    PassId;
}

/// The accounts whose rows a caller sees: its own and those below it (requirement ACC-07).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every account.
    All,
    /// These alone.
    Accounts(Box<[AccountId]>),
}

impl Scope {
    /// Whether rows of this account are seen.
    #[must_use]
    pub fn sees(&self, account: AccountId) -> bool {
        match self {
            Self::All => true,
            Self::Accounts(accounts) => accounts.contains(&account),
        }
    }
}
