//! Source addresses: short codes, long codes and names that we send from and receive on (SRC-01 to SRC-17).

use super::route::Prefix;
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{AddressForm, Count, Country, Name, ServiceAddress};

choices! {
    /// Who pays for a message.
    pub enum MessageClass {
        /// The device's owner pays what the carrier asks.
        Standard = "standard",
        /// Free to the end user.
        Fteu = "fteu",
    }
}

choices! {
    /// Whether an address has several users.
    pub enum AddressSharing {
        /// Several accounts may send from it, told apart by keywords and earlier contact.
        Shared = "shared",
        /// It is one account's or one enterprise's.
        Dedicated = "dedicated",
    }
}

choices! {
    /// Where an address is in its life.
    pub enum AddressState {
        /// Nobody uses it.
        Free = "free",
        /// It is meant for somebody and not yet in use.
        Reserved = "reserved",
        /// It sends and receives.
        Active = "active",
        /// It receives and sends nothing new, until nobody answers to it any more.
        Cooling = "cooling",
        /// It is gone.
        Retired = "retired",
    }
}

choices! {
    /// What may go out over a combination of address, program and carrier (SRC-14).
    pub enum CombinationMode {
        /// Everything.
        Enabled = "enabled",
        /// Nothing.
        Disabled = "disabled",
        /// Messages of tests.
        TestOnly = "test_only",
    }
}

settings! {
    /// An address on our side that messages are sent from and received on.
    pub struct SourceAddress agrees {
        /// Name in the API, keywords, approvals and traces.
        name: Name => "us-70650",
        /// The address: a short code of 3 to 8 digits, a number in the international form without `+`, or a name of
        /// up to 11 characters.
        address: ServiceAddress => "70650",
        /// One user or several (SRC-02).
        sharing: AddressSharing => "dedicated",
        /// Who pays for what is sent from it.
        class: MessageClass = "standard",
        /// Messages free to the end user may be sent from it (SRC-16).
        fteu_capable: bool = false,
        /// Its country.
        country: Country => "US",
        /// Other countries whose devices it reaches (INT-04).
        reaches: Vec<Country> => ["CA"],
        /// The links that it works over (SRC-02, SRC-03); the routing rules choose among them.
        links: Vec<Name> => ["smsc-sim"],
        /// The carriers whose devices it reaches (SRC-06).
        carriers: Vec<Name> => ["example-mobile"],
        /// The programs that run on it (SRC-05).
        programs: Vec<Name> => ["balance"],
        /// The account that alone may send from it (SRC-07).
        account: Option<Name> => "demo",
        /// The enterprise whose accounts alone may send from it.
        enterprise: Option<Name> => "example-corp",
        /// The accounts that share it, with all below them; every account when there are none (SRC-15).
        customers: Vec<Name> => ["demo"],
        /// The inbound sub-campaign of messages that are neither a keyword nor an answer (KEY-09). A dedicated
        /// address that receives has one (KEY-10).
        default_sub_campaign: Option<Name> => "balance-in",
        /// Where it is in its life.
        state: AddressState = "active",
        /// Combinations that are not simply enabled (SRC-14).
        combinations: Vec<AddressCombination>,
        /// Devices that may be sent to from it on one day of UTC; no bound when it is not set.
        recipients_per_day: Option<Count<1, 1_000_000_000>> => 2_000,
        /// Beginnings of numbers that it is local to, for pools that choose by place.
        areas: Vec<Prefix> => ["1212"],
    }
}

settings! {
    /// What may go out for a program, a carrier or both.
    pub struct AddressCombination agrees {
        /// The program; all when it is not set.
        program: Option<Name> => "balance",
        /// The carrier; all when it is not set.
        carrier: Option<Name> => "example-mobile",
        /// What may go out. Of several that fit, the strictest holds.
        mode: CombinationMode => "test_only",
    }
}

impl SourceAddress {
    /// The strictest mode of all combinations that fit.
    pub fn mode(&self, program: &str, carrier: Option<&str>) -> CombinationMode {
        let fits = |combination: &&AddressCombination| {
            let same_program = combination.program.as_ref().is_none_or(|name| name.as_str() == program);
            same_program && combination.carrier.as_ref().is_none_or(|name| Some(name.as_str()) == carrier)
        };
        let modes: Vec<CombinationMode> = self.combinations.iter().filter(fits).map(|fit| fit.mode).collect();
        if modes.contains(&CombinationMode::Disabled) {
            CombinationMode::Disabled
        } else if modes.contains(&CombinationMode::TestOnly) {
            CombinationMode::TestOnly
        } else {
            CombinationMode::Enabled
        }
    }

    /// Whether messages to it reach us.
    pub fn receives(&self) -> bool {
        let lives = match self.state {
            AddressState::Active | AddressState::Cooling => true,
            AddressState::Free | AddressState::Reserved | AddressState::Retired => false,
        };
        lives && self.address.form() != AddressForm::Alphanumeric
    }

    /// Whether messages may be sent from it.
    pub fn sends(&self) -> bool {
        self.state == AddressState::Active
    }
}

impl Agreement for SourceAddress {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.account.is_some() && self.enterprise.is_some() {
            problems.conflict(at, "enterprise", "cannot be set beside account");
        }
        let owned = self.account.is_some() || self.enterprise.is_some();
        if !self.customers.is_empty() && (owned || self.sharing == AddressSharing::Dedicated) {
            problems.conflict(at, "customers", "are those of a shared address that is nobody's own");
        }
        if self.sharing == AddressSharing::Dedicated && !owned {
            problems.conflict(at, "sharing", "dedicated needs an account or an enterprise");
        }
        let lacks_default = self.default_sub_campaign.is_none();
        if self.sharing == AddressSharing::Dedicated && self.receives() && lacks_default {
            problems.conflict(at, "sharing", "dedicated needs default_sub_campaign");
        }
        if self.class == MessageClass::Fteu && !self.fteu_capable {
            problems.conflict(at, "class", "fteu needs fteu_capable = true");
        }
        if self.sends() && self.links.is_empty() {
            problems.conflict(at, "links", "must name at least one link");
        }
        if self.sends() && self.carriers.is_empty() {
            problems.conflict(at, "carriers", "must name at least one carrier");
        }
    }
}

impl Agreement for AddressCombination {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.program.is_none() && self.carrier.is_none() {
            problems.unexpected(at, "a program, a carrier or both");
        }
    }
}
