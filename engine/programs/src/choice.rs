//! Which address a message goes out on, and why (SRC-09 to SRC-16).

use serde::Serialize;

use crate::book::Book;
use crate::rows::{Address, ApprovalStatus, Micros, Mode, Policy, User};

const DAY: Micros = 24 * 3_600 * 1_000_000;

/// The device that a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device<'a> {
    /// Its number, without `+`.
    pub number: &'a str,
    /// Its country, two letters.
    pub country: &'a str,
    /// Its carrier, where that is known (CON-08).
    pub carrier: Option<&'a str>,
}

/// The last use of an address for the device by one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastUse<'a> {
    /// The address, by its name.
    pub address: &'a str,
    /// The account.
    pub account: &'a str,
    /// When.
    pub at: Micros,
}

/// A message that asks for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The program (TXS-13).
    pub program: &'a str,
    /// The account that sends.
    pub account: &'a str,
    /// The accounts above it.
    pub above: &'a [&'a str],
    /// The enterprises that it belongs to, nearest first.
    pub enterprises: &'a [&'a str],
    /// The device.
    pub device: Device<'a>,
    /// The only address that it may go out on, by its name.
    pub fixed: Option<&'a str>,
    /// Addresses that are not to be taken, by their names: replies on them would not be clear (MQ-28).
    pub avoid: &'a [&'a str],
    /// How one of several is chosen, where it is not as the program says.
    pub policy: Option<Policy>,
    /// It is of a test.
    pub test: bool,
    /// Uses of addresses for the device, by any account, in any order.
    pub history: &'a [LastUse<'a>],
    /// Now, in microseconds of UTC.
    pub now: Micros,
}

impl<'a> Request<'a> {
    /// A message of an account at the beginning of time, with no history.
    #[must_use]
    pub fn new(program: &'a str, account: &'a str, device: Device<'a>) -> Self {
        Self {
            program,
            account,
            above: &[],
            enterprises: &[],
            device,
            fixed: None,
            avoid: &[],
            policy: None,
            test: false,
            history: &[],
            now: 0,
        }
    }
}

/// What went out today, by the day of UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct Today<'a> {
    /// Devices that each address was used for, by its name. What is not there has none.
    pub recipients: &'a [(&'a str, u64)],
    /// Messages under each approval, by its name.
    pub messages: &'a [(&'a str, u64)],
}

impl Today<'_> {
    fn of(counts: &[(&str, u64)], name: &str) -> u64 {
        counts.iter().find(|(of, _)| *of == name).map_or(0, |(_, count)| *count)
    }
}

/// Why this address was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The sub-campaign names it.
    Fixed,
    /// No other fits (SRC-10).
    Only,
    /// No other account used it for the device, alone among those that fit or first of them by their last use
    /// (SRC-11).
    UnusedByOthers,
    /// Other accounts used all that fit; this one was used longest ago (SRC-12).
    OldestUse,
    /// The account used it last for the device.
    Sticky,
    /// It is local to the device.
    Local,
}

/// An address that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exclusion<'b> {
    /// The address, by its name.
    pub address: &'b str,
    /// Why.
    pub why: Refusal,
}

/// The address that a message goes out on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice<'b> {
    /// The address, by its name.
    pub address: &'b str,
    /// Why it is this one.
    pub reason: Reason,
    /// The others that run the program, and why they were left out before the choice.
    pub excluded: Vec<Exclusion<'b>>,
}

/// Why a message has no address. [`Refusal::status`] is its completion status (SRC-13, REP-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// No program has this name.
    #[error("there is no such program")]
    UnknownProgram,
    /// The program is another account's or enterprise's.
    #[error("the program is not for this account")]
    ProgramNotForAccount,
    /// No address runs the program, or the one that is named does not.
    #[error("the address does not run the program")]
    ProgramNotSupported,
    /// The address is another account's or enterprise's (SRC-07).
    #[error("the address is not for this account")]
    AddressNotForAccount,
    /// The address is free, reserved, cooling or retired.
    #[error("the address is not in use")]
    NotInUse,
    /// The message is free to the end user and the address is not for such (SRC-16).
    #[error("the address does not carry messages that are free to the end user")]
    FteuNotSupported,
    /// The address does not reach the device's country (INT-04).
    #[error("the address does not reach the country of the device")]
    CountryNotSupported,
    /// The carrier of the device is not known.
    #[error("the carrier of the device is not known")]
    CarrierUnknown,
    /// The address does not reach the device's carrier (SRC-06).
    #[error("the address does not reach the carrier of the device")]
    CarrierNotSupported,
    /// The combination is switched off (SRC-14).
    #[error("the combination of address, program and carrier is disabled")]
    Disabled,
    /// The combination is for tests (SRC-14).
    #[error("the combination of address, program and carrier is for tests only")]
    TestOnly,
    /// The carrier has not approved the combination (PRG-03).
    #[error("the carrier has not approved the program on the address")]
    NotApproved,
    /// The carrier takes no more messages today.
    #[error("the carrier's limit of the day is reached")]
    DailyLimit,
    /// The address was used for as many devices as it may today.
    #[error("the address has as many recipients as it may today")]
    RecipientLimit,
}

impl Refusal {
    /// The completion status of the attempt.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self::UnknownProgram | Self::ProgramNotForAccount | Self::ProgramNotSupported => {
                "program_not_supported"
            }
            Self::AddressNotForAccount => "address_not_for_account",
            Self::NotInUse => "address_not_in_use",
            Self::FteuNotSupported => "fteu_not_supported",
            Self::CountryNotSupported => "country_not_supported",
            Self::CarrierUnknown | Self::CarrierNotSupported => "carrier_not_supported",
            Self::Disabled => "combination_disabled",
            Self::TestOnly => "combination_test_only",
            Self::NotApproved => "program_not_approved",
            Self::DailyLimit => "carrier_daily_limit",
            Self::RecipientLimit => "address_recipient_limit",
        }
    }

    /// When the same message may have an address, where waiting helps: the next day of UTC.
    #[must_use]
    pub const fn until(self, now: Micros) -> Option<Micros> {
        match self {
            Self::DailyLimit | Self::RecipientLimit => Some((now.div_euclid(DAY) + 1) * DAY),
            Self::UnknownProgram
            | Self::ProgramNotForAccount
            | Self::ProgramNotSupported
            | Self::AddressNotForAccount
            | Self::NotInUse
            | Self::FteuNotSupported
            | Self::CountryNotSupported
            | Self::CarrierUnknown
            | Self::CarrierNotSupported
            | Self::Disabled
            | Self::TestOnly
            | Self::NotApproved => None,
        }
    }
}

/// What is known of an address for the device.
struct Candidate<'b> {
    address: &'b Address,
    /// Another account used it within the window.
    used_by_other: bool,
    /// Its last use by anybody within the window; never is before all times.
    last: Option<Micros>,
    /// Its last use by this account.
    last_own: Option<Micros>,
    /// Devices of today.
    load: u64,
}

impl Book {
    /// The address that a message goes out on.
    ///
    /// Addresses of the program are left out one condition after the other: account, state, class, country, carrier,
    /// combination, approval, limits. When none is left, the answer is the refusal that came furthest: what would
    /// have to change so that the message can go.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn choose(&self, request: &Request<'_>, today: &Today<'_>) -> Result<Choice<'_>, Refusal> {
        let program = self.program(request.program).ok_or(Refusal::UnknownProgram)?;
        if !is_for(program.only.as_ref(), request) {
            return Err(Refusal::ProgramNotForAccount);
        }
        let mut excluded = Vec::new();
        let mut furthest = Refusal::ProgramNotSupported;
        let mut fitting = Vec::new();
        let named = |address: &&Address| {
            let avoided = request.avoid.iter().any(|avoided| address.name == *avoided);
            !avoided && request.fixed.is_none_or(|fixed| address.name == fixed)
        };
        for address in self.pool(&program.name).filter(named) {
            match self.fits(address, program.fteu, request, today) {
                Ok(()) => fitting.push(candidate(address, program.window, request, today)),
                Err(why) => {
                    furthest = furthest.max(why);
                    excluded.push(Exclusion { address: &address.name, why });
                }
            }
        }
        let policy = request.policy.unwrap_or(program.policy);
        let (address, reason) = match fitting.as_slice() {
            [] => return Err(furthest),
            [one] if request.fixed.is_some() => (one.address, Reason::Fixed),
            [one] => (one.address, Reason::Only),
            several => among(several, policy, request.device.number).ok_or(furthest)?,
        };
        Ok(Choice { address: &address.name, reason, excluded })
    }

    fn fits(
        &self,
        address: &Address,
        fteu: bool,
        request: &Request<'_>,
        today: &Today<'_>,
    ) -> Result<(), Refusal> {
        let refuse_unless = |fits: bool, why| if fits { Ok(()) } else { Err(why) };
        let device = &request.device;
        refuse_unless(is_for(address.only.as_ref(), request), Refusal::AddressNotForAccount)?;
        refuse_unless(address.sends, Refusal::NotInUse)?;
        refuse_unless(address.fteu || !fteu, Refusal::FteuNotSupported)?;
        let reached =
            address.country == device.country || address.reaches.iter().any(|own| own == device.country);
        refuse_unless(reached, Refusal::CountryNotSupported)?;
        let carrier = device.carrier.ok_or(Refusal::CarrierUnknown)?;
        refuse_unless(address.carriers.iter().any(|own| own == carrier), Refusal::CarrierNotSupported)?;
        match address.mode(request.program, Some(carrier)) {
            Mode::Enabled => {}
            Mode::TestOnly => refuse_unless(request.test, Refusal::TestOnly)?,
            Mode::Disabled => return Err(Refusal::Disabled),
        }
        let approval = self.approval(request.program, &address.name, carrier).ok_or(Refusal::NotApproved)?;
        match approval.status_at(request.now) {
            ApprovalStatus::Approved => {}
            // Tests are how a carrier comes to approve.
            ApprovalStatus::Submitted => refuse_unless(request.test, Refusal::NotApproved)?,
            ApprovalStatus::Rejected | ApprovalStatus::Suspended | ApprovalStatus::Expired => {
                return Err(Refusal::NotApproved);
            }
        }
        let sent = Today::of(today.messages, &approval.name);
        refuse_unless(approval.daily_limit.is_none_or(|limit| sent < limit), Refusal::DailyLimit)?;
        let day = request.now.div_euclid(DAY);
        let counted = |last: &LastUse<'_>| last.address == address.name && last.at.div_euclid(DAY) == day;
        let had = Today::of(today.recipients, &address.name);
        let room = address.recipients_per_day.is_none_or(|limit| had < limit);
        // A device that was sent to today is no further recipient.
        refuse_unless(room || request.history.iter().any(counted), Refusal::RecipientLimit)
    }
}

/// Whether who is named may use it: the account itself, or one that is above it.
fn is_for(only: Option<&User>, request: &Request<'_>) -> bool {
    match only {
        None => true,
        Some(User::Account(account)) => is_or_is_below(request, account),
        Some(User::Accounts(accounts)) => accounts.iter().any(|account| is_or_is_below(request, account)),
        Some(User::Enterprise(enterprise)) => request.enterprises.iter().any(|own| *own == enterprise),
    }
}

fn is_or_is_below(request: &Request<'_>, account: &str) -> bool {
    request.account == account || request.above.contains(&account)
}

fn candidate<'b>(
    address: &'b Address,
    window: Micros,
    request: &Request<'_>,
    today: &Today<'_>,
) -> Candidate<'b> {
    let since = request.now.saturating_sub(window);
    let uses = request.history.iter().filter(|last| last.address == address.name && last.at > since);
    let own = uses.clone().filter(|last| last.account == request.account);
    Candidate {
        address,
        used_by_other: uses.clone().any(|last| last.account != request.account),
        last: uses.map(|last| last.at).max(),
        last_own: own.map(|last| last.at).max(),
        load: Today::of(today.recipients, &address.name),
    }
}

fn among<'b>(several: &[Candidate<'b>], policy: Policy, number: &str) -> Option<(&'b Address, Reason)> {
    match policy {
        Policy::Disambiguate => disambiguate(several.iter()),
        Policy::Sticky => {
            let used = several.iter().filter(|candidate| candidate.last_own.is_some());
            let last =
                used.max_by(|a, b| a.last_own.cmp(&b.last_own).then(b.address.name.cmp(&a.address.name)));
            match last {
                Some(last) => Some((last.address, Reason::Sticky)),
                None => disambiguate(several.iter()),
            }
        }
        Policy::Geo => {
            let closeness = |candidate: &Candidate<'_>| {
                let areas = candidate.address.areas.iter().filter(|area| number.starts_with(area.as_str()));
                areas.map(String::len).max().unwrap_or(0)
            };
            let closest = several.iter().map(closeness).max()?;
            if closest == 0 {
                return disambiguate(several.iter());
            }
            let local = several.iter().filter(|candidate| closeness(candidate) == closest);
            disambiguate(local).map(|(address, _)| (address, Reason::Local))
        }
    }
}

/// Not used by another account, then oldest use, then least load, then by name (SRC-11, SRC-12, decision D4).
fn disambiguate<'x, 'b: 'x>(
    candidates: impl Iterator<Item = &'x Candidate<'b>>,
) -> Option<(&'b Address, Reason)> {
    let best = candidates.min_by_key(|of| (of.used_by_other, of.last, of.load, &of.address.name))?;
    let reason = if best.used_by_other { Reason::OldestUse } else { Reason::UnusedByOthers };
    Some((best.address, reason))
}
