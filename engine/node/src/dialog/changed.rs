//! Which rows changed: most of a large catalog stays as it is when one of its rows is written.

use std::sync::Arc;

use signalbox_config::Catalog as Rows;
use signalbox_core::backend::{CatalogChange, Kind};
use signalbox_core::policy::Policy;

use super::Compiled;

/// What programs, pools and families follow from.
pub(super) const OF_PROGRAMS: [Kind; 4] = [Kind::Program, Kind::SourceAddress, Kind::Approval, Kind::Keyword];

/// What a keyword's way follows from, beside the keyword.
pub(super) const OF_KEYWORDS: [Kind; 4] =
    [Kind::Program, Kind::SourceAddress, Kind::SubCampaign, Kind::Participation];

/// What was in force, and the changes since.
#[derive(Clone, Copy, Debug)]
pub struct Changed<'a> {
    /// The rows before.
    pub rows: &'a Rows,
    /// What followed from them for the dialog server.
    pub compiled: &'a Compiled,
    /// What the exchange was told.
    pub policy: &'a Arc<Policy>,
    /// All that changed.
    pub changes: &'a [CatalogChange],
}

impl Changed<'_> {
    /// Kind and name of each row that changed.
    pub fn named(&self) -> impl Iterator<Item = (Kind, &str)> {
        self.changes.iter().map(|change| match change {
            CatalogChange::Put { kind, name, .. } | CatalogChange::Delete { kind, name, .. } => {
                (*kind, name.as_str())
            }
        })
    }

    /// True when a row of these kinds changed.
    #[must_use]
    pub fn touches(&self, kinds: &[Kind]) -> bool {
        self.named().any(|(kind, _)| kinds.contains(&kind))
    }

    /// True when nothing changed that the exchange is told of.
    #[must_use]
    pub fn is_none_of_the_exchange(&self) -> bool {
        self.named().all(|(kind, _)| match kind {
            Kind::Keyword
            | Kind::Tester
            | Kind::Token
            | Kind::User
            | Kind::Script
            | Kind::ScriptVersion
            | Kind::Template
            | Kind::Participation
            | Kind::Words
            | Kind::WebService => true,
            Kind::Account
            | Kind::Link
            | Kind::Route
            | Kind::Carrier
            | Kind::CounterPolicy
            | Kind::WhiteList
            | Kind::Webhook
            | Kind::Enterprise
            | Kind::Program
            | Kind::SourceAddress
            | Kind::Approval
            | Kind::Campaign
            | Kind::SubCampaign
            | Kind::Jurisdiction
            | Kind::AgentQueue
            | Kind::DncList => false,
        })
    }
}
