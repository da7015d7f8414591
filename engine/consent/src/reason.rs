use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a message does not leave. The names are stable: they become completion statuses. So are the places in
        /// [`Reason::ALL`], which stand in stored records: new ones come last.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Reason::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    /// The account is not contracted for the channel (ACC-05).
    ChannelNotContracted = "channel_not_contracted",
    /// There is no number or address by which opt-outs could be looked up.
    RecipientUnknown = "recipient_unknown",
    /// Opted out of everything the enterprise sends.
    OptedOutEnterprise = "opted_out_enterprise",
    /// Opted out of everything the account sends.
    OptedOutAccount = "opted_out_account",
    /// Opted out of the campaign.
    OptedOutCampaign = "opted_out_campaign",
    /// Probably opted out: no marketing until a person has read what was written.
    OptedOutMarketing = "opted_out_marketing",
    /// A confirmation of an opt-out that was not asked for, comes too late, or was sent before (OPT-04).
    ConfirmationNotDue = "confirmation_not_due",
    /// On a do-not-call list.
    DncListed = "dnc_listed",
    /// A do-not-call list is older than it may be.
    DncStale = "dnc_stale",
    /// A do-not-call list is not loaded.
    DncMissing = "dnc_missing",
    /// A text to a landline.
    Landline = "landline",
    /// A text to a line over the Internet, where the account does not want that.
    VoipLine = "voip_line",
    /// A text to a line of unknown type, where the account does not want that.
    LineTypeUnknown = "line_type_unknown",
    /// The traffic is not registered with the carrier.
    NotRegistered = "not_registered",
    /// Quiet hours, and the message is not to wait or would wait too long.
    QuietHours = "quiet_hours",
    /// The jurisdictions that may apply have no hour in common.
    NoAllowedHours = "no_allowed_hours",
    /// A rule of hours may apply, but the recipient's time is not known.
    PlaceUnknown = "place_unknown",
    /// Too many messages to the recipient, and this one is not to wait or would wait too long.
    FrequencyCap = "frequency_cap",
    /// A daily or per-minute limit is used up, and the message is not to wait or would wait too long.
    CarrierLimit = "carrier_limit",
    /// A limit that should count the message is not loaded.
    LimitUnknown = "limit_unknown",
    /// The source address has reached as many recipients as it may, and the message would wait too long.
    RecipientCap = "recipient_cap",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
