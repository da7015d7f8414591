//! Programs, approvals and source addresses of the catalog as the choice of an address reads them.

use signalbox_config::Catalog as Rows;
use signalbox_config::catalog::{self as row, AddressCombination};
use signalbox_config::value::Name;
use signalbox_programs::{
    Address, Approval, ApprovalStatus, Book, Combination, KeywordBinding, Mode, Policy, Program, User,
};

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// The book of these rows.
#[must_use]
pub fn book(rows: &Rows) -> Book {
    Book::new(signalbox_programs::Rows {
        programs: rows.program.iter().map(program).collect(),
        addresses: rows.source_address.iter().map(address).collect(),
        approvals: rows.approval.iter().map(approval).collect(),
        keywords: rows.keyword.iter().map(keyword).collect(),
    })
}

fn user(account: Option<&Name>, enterprise: Option<&Name>) -> Option<User> {
    let account = account.map(|name| User::Account(name.to_string()));
    account.or_else(|| enterprise.map(|name| User::Enterprise(name.to_string())))
}

fn names(names: &[Name]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn program(row: &row::Program) -> Program {
    Program {
        name: row.name.to_string(),
        fteu: row.class == row::MessageClass::Fteu,
        only: user(row.account.as_ref(), row.enterprise.as_ref()),
        policy: policy(row.pool),
        window: i64::try_from(row.pool_days.get()).unwrap_or(i64::MAX / DAY_MICROS) * DAY_MICROS,
    }
}

/// The policy of a pool as the choice reads it.
#[must_use]
pub fn policy(pool: row::PoolPolicy) -> Policy {
    match pool {
        row::PoolPolicy::Disambiguate => Policy::Disambiguate,
        row::PoolPolicy::Sticky => Policy::Sticky,
        row::PoolPolicy::Geo => Policy::Geo,
    }
}

fn address(row: &row::SourceAddress) -> Address {
    Address {
        name: row.name.to_string(),
        address: row.address.to_string(),
        sends: row.sends(),
        country: row.country.to_string(),
        reaches: row.reaches.iter().map(ToString::to_string).collect(),
        carriers: names(&row.carriers),
        programs: names(&row.programs),
        only: user(row.account.as_ref(), row.enterprise.as_ref())
            .or_else(|| (!row.customers.is_empty()).then(|| User::Accounts(names(&row.customers)))),
        fteu: row.fteu_capable,
        combinations: row.combinations.iter().map(combination).collect(),
        recipients_per_day: row.recipients_per_day.map(|count| count.get()),
        areas: row.areas.iter().map(ToString::to_string).collect(),
    }
}

fn combination(row: &AddressCombination) -> Combination {
    Combination {
        program: row.program.as_ref().map(ToString::to_string),
        carrier: row.carrier.as_ref().map(ToString::to_string),
        mode: match row.mode {
            row::CombinationMode::Enabled => Mode::Enabled,
            row::CombinationMode::TestOnly => Mode::TestOnly,
            row::CombinationMode::Disabled => Mode::Disabled,
        },
    }
}

fn approval(row: &row::Approval) -> Approval {
    Approval {
        name: row.name.to_string(),
        program: row.program.to_string(),
        address: row.source_address.to_string(),
        carrier: row.carrier.to_string(),
        status: match row.status {
            row::ApprovalStatus::Submitted => ApprovalStatus::Submitted,
            row::ApprovalStatus::Approved => ApprovalStatus::Approved,
            row::ApprovalStatus::Rejected => ApprovalStatus::Rejected,
            row::ApprovalStatus::Suspended => ApprovalStatus::Suspended,
            row::ApprovalStatus::Expired => ApprovalStatus::Expired,
        },
        daily_limit: row.daily_limit.map(|count| count.get()),
        from: row.from.map(jiff::Timestamp::as_microsecond),
        to: row.to.map(jiff::Timestamp::as_microsecond),
    }
}

fn keyword(row: &row::Keyword) -> KeywordBinding {
    KeywordBinding {
        words: row.text.folded_shared(),
        address: row.source_address.shared(),
        program: row.program.as_ref().map(Name::shared),
    }
}
