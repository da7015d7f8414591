//! Enterprises: organisations that own accounts and other enterprises (MQ-19, ACC-07).

use crate::setting::{choices, settings};
use crate::value::{Count, Name, Text, TimeZone};

choices! {
    /// How far an opt-out reaches (ACC-07, OPT-03).
    pub enum OptOutLevel {
        /// The campaign alone.
        Campaign = "campaign",
        /// All of the account.
        Account = "account",
        /// All accounts of the enterprise.
        Enterprise = "enterprise",
    }
}

choices! {
    /// A way to reach a device (ACC-05).
    pub enum Channel {
        /// SMS and MMS.
        Text = "text",
        /// Calls.
        Voice = "voice",
        /// Mail.
        Email = "email",
    }
}

settings! {
    /// An organisation that owns accounts, and other enterprises below it.
    pub struct Enterprise {
        /// Name in accounts, tokens and the API.
        name: Name => "example-corp",
        /// What people call it.
        title: Option<Text<1, 200>> => "Example Corporation",
        /// The enterprise that it belongs to; it may see this one and suspend it.
        parent: Option<Name> => "example-group",
        /// Time zone of its days and reports.
        time_zone: TimeZone = "UTC",
        /// How far a plain STOP reaches in its accounts that say nothing else.
        opt_out_level: OptOutLevel = "account",
        /// True stops everything of it and of all below it: nothing is accepted and nothing leaves.
        suspended: bool = false,
        /// What it may have.
        limits: EnterpriseLimits,
    }
}

settings! {
    /// Bounds of an enterprise and of all below it together; none where it is not set.
    pub struct EnterpriseLimits {
        /// Accounts.
        accounts: Option<Count<0, 1_000_000>> => 100,
        /// Running sub-campaigns.
        running: Option<Count<0, 1_000_000>> => 1_000,
        /// Messages of a day in its time zone.
        messages_per_day: Option<Count<1, 1_000_000_000>> => 1_000_000,
    }
}
