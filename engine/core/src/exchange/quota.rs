//! What an account may hand over in a day and a month, and all of an enterprise together (MQ-32). It is counted when a
//! message is accepted, in the commit that makes it durable.

use signalbox_consent::{LimitVerdict, SourceId};

use super::Exchange;
use super::effect::Refusal;
use super::intake::Offer;
use crate::id::AccountId;
use crate::message::{Direction, OriginClass};
use crate::time::{Micros, Now};

impl Exchange {
    /// Refuses what no quota has room for.
    pub(super) fn check_quota(&self, now: Now, account: AccountId) -> Result<(), Refusal> {
        let quotas = &self.policy.consent.account(account).quotas;
        if quotas.is_empty() {
            return Ok(());
        }
        match self.consent.limits.ask(quotas, signalbox_consent::Micros(now.wall.0)) {
            LimitVerdict::Free => Ok(()),
            LimitVerdict::Until(at) => Err(Refusal::QuotaReached { until: Micros(at.0) }),
            // A policy brings its limits into force with itself.
            LimitVerdict::Unknown => Err(Refusal::Internal),
        }
    }

    /// Counts an accepted message, whole: tests, receipts and what devices write are none of the account's quota.
    pub(super) fn count_quota(&mut self, now: Now, offer: &Offer) {
        let counted = match offer.origin_class {
            OriginClass::User | OriginClass::Conversation => true,
            OriginClass::Test | OriginClass::Receipt | OriginClass::Notification => false,
        };
        if offer.direction != Direction::Mt || !counted || !offer.first_part {
            return;
        }
        let Some(account) = offer.origin.account() else { return };
        let policy = self.policy.clone();
        let quotas = &policy.consent.account(account).quotas;
        if !quotas.is_empty() {
            self.consent.count_limits(quotas, SourceId(0), signalbox_consent::Micros(now.wall.0));
        }
    }
}
