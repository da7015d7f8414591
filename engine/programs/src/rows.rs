//! What is known of programs and addresses, as rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An instant in microseconds of UTC.
pub(crate) type Micros = i64;

/// How one of several addresses is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The one that no other account used for the device, else the one used longest ago (SRC-11, SRC-12).
    #[default]
    Disambiguate,
    /// The one that this account used last for the device, else as [`Policy::Disambiguate`].
    Sticky,
    /// The one that is local to the device, else as [`Policy::Disambiguate`].
    Geo,
}

/// What may go out for a combination (SRC-14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything.
    #[default]
    Enabled,
    /// Messages of tests.
    TestOnly,
    /// Nothing.
    Disabled,
}

/// Where an approval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// The carrier has it before it.
    Submitted,
    /// Messages may go out.
    Approved,
    /// The carrier said no.
    Rejected,
    /// The carrier stopped it.
    Suspended,
    /// Its time is over.
    Expired,
}

/// Who alone may use a program or an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum User {
    /// An account, with all below it.
    Account(String),
    /// The accounts of an enterprise, with all below it.
    Enterprise(String),
    /// Several accounts, with all below them (SRC-15).
    Accounts(Vec<String>),
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its messages are free to the end user.
    pub fteu: bool,
    /// Who alone uses it; everybody when it is `None`.
    pub only: Option<User>,
    /// How one of several addresses is chosen.
    pub policy: Policy,
    /// How long a use of an address for a device counts, in microseconds (decision D4).
    pub window: Micros,
}

impl Program {
    /// A program of everybody, of the standard class, with a window of 30 days.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let window = 30 * 24 * 3_600 * 1_000_000;
        Self { name: name.into(), fteu: false, only: None, policy: Policy::default(), window }
    }
}

/// What may go out for a program, a carrier or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combination {
    /// The program; all when it is `None`.
    pub program: Option<String>,
    /// The carrier; all when it is `None`.
    pub carrier: Option<String>,
    /// What may go out.
    pub mode: Mode,
}

/// A source address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Its name.
    pub name: String,
    /// The address.
    pub address: String,
    /// Messages may be sent from it: it is in use.
    pub sends: bool,
    /// Its country, two letters.
    pub country: String,
    /// Other countries whose devices it reaches.
    pub reaches: Vec<String>,
    /// The carriers whose devices it reaches.
    pub carriers: Vec<String>,
    /// The programs that run on it.
    pub programs: Vec<String>,
    /// Who alone may send from it; everybody when it is `None`.
    pub only: Option<User>,
    /// Messages free to the end user may be sent from it.
    pub fteu: bool,
    /// Combinations that are not simply enabled.
    pub combinations: Vec<Combination>,
    /// Devices that may be sent to on one day of UTC.
    pub recipients_per_day: Option<u64>,
    /// Beginnings of numbers that it is local to.
    pub areas: Vec<String>,
}

impl Address {
    /// An address of everybody that sends, to no carrier and for no program yet.
    #[must_use]
    pub fn new(name: &str, address: &str, country: &str) -> Self {
        Self {
            name: name.into(),
            address: address.into(),
            sends: true,
            country: country.into(),
            reaches: Vec::new(),
            carriers: Vec::new(),
            programs: Vec::new(),
            only: None,
            fteu: false,
            combinations: Vec::new(),
            recipients_per_day: None,
            areas: Vec::new(),
        }
    }

    /// It reaches this carrier too.
    #[must_use]
    pub fn carrier(mut self, carrier: &str) -> Self {
        self.carriers.push(carrier.into());
        self
    }

    /// It runs this program too.
    #[must_use]
    pub fn program(mut self, program: &str) -> Self {
        self.programs.push(program.into());
        self
    }

    /// What may go out: the strictest of the combinations that fit (SRC-14).
    #[must_use]
    pub fn mode(&self, program: &str, carrier: Option<&str>) -> Mode {
        let fits = |combination: &&Combination| {
            let program_fits = combination.program.as_deref().is_none_or(|own| own == program);
            program_fits && combination.carrier.as_deref().is_none_or(|own| Some(own) == carrier)
        };
        self.combinations.iter().filter(fits).map(|fit| fit.mode).max().unwrap_or_default()
    }
}

/// A carrier's word about a program on an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its name.
    pub name: String,
    /// The program.
    pub program: String,
    /// The address, by its name.
    pub address: String,
    /// The carrier.
    pub carrier: String,
    /// Where it is.
    pub status: ApprovalStatus,
    /// Messages of a day of UTC that the carrier takes.
    pub daily_limit: Option<u64>,
    /// From when on it holds.
    pub from: Option<Micros>,
    /// Up to when.
    pub to: Option<Micros>,
}

impl Approval {
    /// An approval without bounds.
    #[must_use]
    pub fn new(program: &str, address: &str, carrier: &str) -> Self {
        Self {
            name: format!("{program}-{address}-{carrier}"),
            program: program.into(),
            address: address.into(),
            carrier: carrier.into(),
            status: ApprovalStatus::Approved,
            daily_limit: None,
            from: None,
            to: None,
        }
    }

    /// Where it is at a time: what is approved is submitted before its time, and expired after it.
    #[must_use]
    pub fn status_at(&self, now: Micros) -> ApprovalStatus {
        match self.status {
            ApprovalStatus::Approved if self.from.is_some_and(|from| now < from) => ApprovalStatus::Submitted,
            ApprovalStatus::Approved if self.to.is_some_and(|to| now >= to) => ApprovalStatus::Expired,
            status => status,
        }
    }
}

/// A keyword on an address. Its texts are shared: there may be 100,000 of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeywordBinding {
    /// The words, folded.
    pub words: Arc<str>,
    /// The address, by its name.
    pub address: Arc<str>,
    /// The program whose keyword it is, where it says so.
    pub program: Option<Arc<str>>,
}

/// Everything that families and choices follow from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The programs.
    pub programs: Vec<Program>,
    /// The addresses.
    pub addresses: Vec<Address>,
    /// The approvals.
    pub approvals: Vec<Approval>,
    /// The keywords.
    pub keywords: Vec<KeywordBinding>,
}
