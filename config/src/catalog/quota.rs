//! Bounds of what a tenant may have at a time: accounts, and sub-campaigns that run (MQ-32). What it may send is counted
//! where messages are accepted.

use std::collections::HashMap;

use super::reference::Places;
use super::{Account, Catalog, Enterprise, SubCampaign, SubCampaignState, Tenancy};
use crate::setting::Problems;
use crate::value::Name;

/// Records each row that goes beyond a bound.
pub(super) fn check(catalog: &Catalog, places: Places<'_, '_>, problems: &mut Problems<'_>) {
    let bounded = catalog.account.iter().any(|row| row.quotas.running.is_some())
        || catalog.enterprise.iter().any(|row| row.limits.running.is_some() || row.limits.accounts.is_some());
    if !bounded {
        return;
    }
    let tenancy = Tenancy::of(catalog);
    check_accounts(catalog, &tenancy, places, problems);
    check_running(catalog, &tenancy, places, problems);
}

/// The enterprises that an account belongs to, nearest first.
fn above<'a>(tenancy: &Tenancy<'a>, account: &Name) -> Vec<&'a Enterprise> {
    let own = tenancy.enterprise_of(account);
    own.map(|name| tenancy.enterprises_above(name).collect()).unwrap_or_default()
}

fn check_accounts(
    catalog: &Catalog,
    tenancy: &Tenancy<'_>,
    places: Places<'_, '_>,
    problems: &mut Problems<'_>,
) {
    let mut counts: HashMap<&Name, u64> = HashMap::new();
    for (index, account) in catalog.account.iter().enumerate() {
        for enterprise in above(tenancy, &account.name) {
            let count = counts.entry(&enterprise.name).or_default();
            *count += 1;
            if let Some(most) = enterprise.limits.accounts.filter(|most| *count > most.get()) {
                let told = format!("the enterprise `{}` may have {most} accounts", enterprise.name);
                places.conflict::<Account>(index, "enterprise", told, problems);
            }
        }
    }
}

fn check_running(
    catalog: &Catalog,
    tenancy: &Tenancy<'_>,
    places: Places<'_, '_>,
    problems: &mut Problems<'_>,
) {
    let accounts: HashMap<&Name, &Account> = catalog.account.iter().map(|row| (&row.name, row)).collect();
    let (mut of_account, mut of_enterprise) = (HashMap::<&Name, u64>::new(), HashMap::<&Name, u64>::new());
    for (index, row) in catalog.sub_campaign.iter().enumerate() {
        match row.state {
            SubCampaignState::Running => {}
            SubCampaignState::Draft
            | SubCampaignState::Testing
            | SubCampaignState::Approved
            | SubCampaignState::Scheduled
            | SubCampaignState::Paused
            | SubCampaignState::Ended
            | SubCampaignState::Archived
            | SubCampaignState::Cancelled => continue,
        }
        let Some(account) = accounts.get(&row.account) else { continue };
        let count = of_account.entry(&account.name).or_default();
        *count += 1;
        if let Some(most) = account.quotas.running.filter(|most| *count > most.get()) {
            let told = format!("the account `{}` may have {most} running sub-campaigns", account.name);
            places.conflict::<SubCampaign>(index, "state", told, problems);
        }
        for enterprise in above(tenancy, &account.name) {
            let count = of_enterprise.entry(&enterprise.name).or_default();
            *count += 1;
            if let Some(most) = enterprise.limits.running.filter(|most| *count > most.get()) {
                let told =
                    format!("the enterprise `{}` may have {most} running sub-campaigns", enterprise.name);
                places.conflict::<SubCampaign>(index, "state", told, problems);
            }
        }
    }
}
