//! What the catalog says of consent: who belongs to whom, contracted channels, recipients of source addresses.

use signalbox_config::catalog::Channel as RowChannel;
use signalbox_consent::{Channel, Channels, Settings, SourceId};
use signalbox_core::backend::Kind;
use signalbox_core::consent::{AccountConsent, CampaignConsent, ConsentPolicy};

use super::{PolicyError, jurisdictions};
use crate::catalog::Snapshot;

/// The zone whose midnight ends the day of a source address.
const ZONE: &str = "UTC";

pub(super) fn build(snapshot: &Snapshot) -> Result<ConsentPolicy, PolicyError> {
    let mut policy = ConsentPolicy::default();
    policy.hours = jurisdictions::hours(snapshot)?;
    let of = |kind, name: &str| snapshot.ids.of(kind, name);
    for account in &snapshot.rows.account {
        let Some(id) = snapshot.ids.account(account.name.as_str()) else { continue };
        let enterprise = account.enterprise.as_ref().and_then(|name| of(Kind::Enterprise, name.as_str()));
        let contracted: Channels = account.channels.iter().map(|channel| channel_of(*channel)).collect();
        let settings = Settings { contracted, ..Settings::default() };
        let consent =
            AccountConsent { enterprise: enterprise.unwrap_or(0), settings, ..AccountConsent::default() };
        policy.accounts.insert(id, consent);
    }
    for campaign in &snapshot.rows.campaign {
        let Some(id) = of(Kind::Campaign, campaign.name.as_str()) else { continue };
        let account = snapshot.ids.account(campaign.account.as_str()).map_or(0, |account| account.0);
        policy.campaigns.insert(id, CampaignConsent { account, ..CampaignConsent::default() });
    }
    let informing = snapshot.rows.sub_campaign.iter().filter(|sub| !sub.marketing);
    policy.informing = informing.filter_map(|sub| of(Kind::SubCampaign, sub.name.as_str())).collect();
    for address in &snapshot.rows.source_address {
        let Some(id) = of(Kind::SourceAddress, address.name.as_str()) else { continue };
        let Some(most) = address.recipients_per_day else { continue };
        let most = u32::try_from(most.get()).unwrap_or(u32::MAX);
        policy.recipients(SourceId(id), most, ZONE).map_err(|error| PolicyError::Row {
            what: "source_address",
            name: address.name.to_string(),
            reason: error.to_string(),
        })?;
    }
    Ok(policy)
}

pub(super) fn channel_of(channel: RowChannel) -> Channel {
    match channel {
        RowChannel::Text => Channel::Text,
        RowChannel::Voice => Channel::Voice,
        RowChannel::Email => Channel::Email,
    }
}
