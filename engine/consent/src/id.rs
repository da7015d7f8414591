use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
    )*};
}

ids! {
    /// An enterprise: the widest level of opt-outs.
    EnterpriseId;
    /// An account of an enterprise.
    AccountId;
    /// A campaign of an account.
    CampaignId;
    /// A do-not-call list.
    ListId;
    /// A daily or per-minute limit, as of a registration class at a carrier.
    LimitId;
    /// A source address.
    SourceId;
    /// What messages are about: frequency caps count by it. A campaign that has no matter of its own uses its id.
    MatterId;
}

/// On whose behalf a message leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tenant {
    /// The enterprise.
    pub enterprise: EnterpriseId,
    /// The account.
    pub account: AccountId,
    /// The campaign; none for what an agent or a program sends outside of one.
    pub campaign: Option<CampaignId>,
}
