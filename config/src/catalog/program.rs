//! Programs and their approvals (PRG-01 to PRG-03).

use std::collections::HashMap;

use super::Catalog;
use super::source_address::MessageClass;
use crate::error::{ConfigError, ConfigErrors, Problem};
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, FieldText, Name, Prose, Text};

choices! {
    /// What a program does.
    pub enum ProgramKind {
        /// It sends, and expects no answer.
        Alert = "alert",
        /// It talks.
        Interactive = "interactive",
    }
}

choices! {
    /// How one of several source addresses is chosen.
    pub enum PoolPolicy {
        /// The one that no other account used for the device, else the one used longest ago (SRC-11, SRC-12).
        Disambiguate = "disambiguate",
        /// The one that this account used last for the device, else as `disambiguate`.
        Sticky = "sticky",
        /// The one that is local to the device, else as `disambiguate`.
        Geo = "geo",
    }
}

choices! {
    /// Where an approval is.
    pub enum ApprovalStatus {
        /// The carrier has it before it.
        Submitted = "submitted",
        /// Messages may go out.
        Approved = "approved",
        /// The carrier said no.
        Rejected = "rejected",
        /// The carrier stopped it.
        Suspended = "suspended",
        /// Its time is over.
        Expired = "expired",
    }
}

settings! {
    /// A use of source addresses that carriers approve.
    pub struct Program agrees {
        /// Name in approvals and scripts.
        name: Name => "balance",
        /// What it is, for people and carriers.
        description: Prose<0, 4000> = "",
        /// Who pays for its messages.
        class: MessageClass = "standard",
        /// What it does.
        kind: ProgramKind => "interactive",
        /// The account that alone uses it; every account when neither this nor `enterprise` is set.
        account: Option<Name> => "demo",
        /// The enterprise whose accounts alone use it.
        enterprise: Option<Name> => "example-corp",
        /// How one of several source addresses is chosen for its messages.
        pool: PoolPolicy = "disambiguate",
        /// Use of a source address by another account for the same device counts for so many days (decision D4).
        pool_days: Count<1, 3_650> = 30,
        /// What the carriers' guidelines want to be told (CTIA, Messaging Principles and Best Practices).
        texts: ProgramTexts,
    }
}

settings! {
    /// Texts of a program as carriers approve them.
    pub struct ProgramTexts {
        /// What people read where they join: what they will get, how often, what it costs, how it ends.
        call_to_action: Option<Prose<1, 4000>> => "Text BAL to 70650 for your balance. 1 msg/request. Msg&data rates may apply. STOP to end, HELP for help.",
        /// Confirms that somebody joined.
        confirmation: Option<FieldText<1600>> => "Example Bank: you get balance texts now. HELP for help, STOP to end.",
        /// Answers HELP where the sub-campaign says nothing else.
        help: Option<FieldText<1600>> => "Example Bank balance texts. Help: 1 555 0100. STOP to end.",
        /// Answers STOP where the sub-campaign says nothing else.
        opt_out: Option<FieldText<1600>> => "Example Bank: you get no more texts.",
        /// How often people are written to.
        frequency: Option<Text<1, 200>> => "1 msg/request",
        /// Where the terms are.
        terms_url: Option<Text<8, 2048>> => "https://bank.example.com/terms",
        /// Where the privacy policy is.
        privacy_url: Option<Text<8, 2048>> => "https://bank.example.com/privacy",
    }
}

settings! {
    /// A carrier's word about one program on one source address.
    pub struct Approval agrees {
        /// Name in the API and in traces.
        name: Name => "balance-70650-example-mobile",
        /// The program.
        program: Name => "balance",
        /// The source address.
        source_address: Name => "us-70650",
        /// The carrier, which implies the country.
        carrier: Name => "example-mobile",
        /// Only what is approved goes out (PRG-03).
        status: ApprovalStatus => "approved",
        /// The class that the traffic is registered with, as the carrier calls it.
        registration_class: Option<Text<1, 64>> => "low-volume-mixed",
        /// Messages of a day of UTC that the carrier takes; no bound when it is not set.
        daily_limit: Option<Count<0, 1_000_000_000>> => 75_000,
        /// From when on it holds.
        from: Option<jiff::Timestamp> => "2026-01-01T00:00:00Z",
        /// Up to when.
        to: Option<jiff::Timestamp> => "2028-01-01T00:00:00Z",
    }
}

impl Agreement for Program {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.account.is_some() && self.enterprise.is_some() {
            problems.conflict(at, "enterprise", "cannot be set beside account");
        }
    }
}

impl ApprovalStatus {
    /// Whether an approval may go from this status to another: a carrier answers what was submitted, stops what it has
    /// approved, and what it refused or what is over must be submitted anew.
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Submitted, Self::Approved | Self::Rejected | Self::Expired)
            | (Self::Approved, Self::Suspended | Self::Expired)
            | (Self::Suspended, Self::Approved | Self::Rejected | Self::Expired)
            | (Self::Rejected | Self::Expired, Self::Submitted) => true,
            (
                Self::Submitted | Self::Approved | Self::Suspended | Self::Rejected | Self::Expired,
                Self::Submitted | Self::Approved | Self::Suspended | Self::Rejected | Self::Expired,
            ) => self == next,
        }
    }
}

impl Catalog {
    /// Checks that approvals that were there before went from status to status as they may (PRG-02), and that what a
    /// carrier has approved is still of the same program, source address and carrier.
    ///
    /// # Errors
    /// Every approval that did not.
    pub fn check_approvals(&self, before: &Self) -> Result<(), ConfigErrors> {
        let old: HashMap<&Name, &Approval> = before.approval.iter().map(|row| (&row.name, row)).collect();
        let mut errors = Vec::new();
        for row in &self.approval {
            let Some(old) = old.get(&row.name).filter(|old| **old != row) else { continue };
            let same = (&old.program, &old.source_address, &old.carrier)
                == (&row.program, &row.source_address, &row.carrier);
            let told = match old.status {
                ApprovalStatus::Approved | ApprovalStatus::Suspended if !same => {
                    "program, source address and carrier of what was approved do not change".to_owned()
                }
                status if !status.may_become(row.status) => {
                    format!("status: what is {status} cannot become {}", row.status)
                }
                _ => continue,
            };
            errors.push(ConfigError {
                file: "catalog".to_owned(),
                place: None,
                key: format!("approval `{}`", row.name),
                problem: Problem::Conflict(told),
            });
        }
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
    }
}

impl Agreement for Approval {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        check_span(self.from, self.to, at, problems);
    }
}

/// Records a span of time that ends before it begins.
pub(super) fn check_span(
    from: Option<jiff::Timestamp>,
    to: Option<jiff::Timestamp>,
    at: &Cursor<'_>,
    problems: &mut Problems<'_>,
) {
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        problems.conflict(at, "to", format!("must be after from, which is {from}"));
    }
}
