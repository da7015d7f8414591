//! Devices that accounts test their programs with (MQ-10).

use rustc_hash::FxHashMap;
use signalbox_core::time::Micros;
use smallvec::SmallVec;

/// What a device tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tester {
    /// The account whose programs it tests. To others it is a device like any.
    pub account: u32,
    /// The programs; none for all of the account.
    pub programs: Vec<String>,
    /// The instant after its last.
    pub until: Option<Micros>,
}

impl Tester {
    fn tests(&self, account: u32, program: &str, at: Micros) -> bool {
        self.account == account
            && (self.programs.is_empty() || self.programs.iter().any(|own| own == program))
            && self.until.is_none_or(|until| at < until)
    }
}

/// The testers of all accounts, by the key of their device
/// ([`Address::key`](signalbox_core::address::Address::key)).
#[derive(Clone, Debug, Default)]
pub struct Testers(FxHashMap<Box<[u8]>, SmallVec<[Tester; 1]>>);

impl Testers {
    /// Adds what a device tests; it may test for several accounts.
    pub fn add(&mut self, device: &[u8], tester: Tester) {
        self.0.entry(device.into()).or_default().push(tester);
    }

    /// True when messages between the device and this program of an account are tests.
    #[must_use]
    pub fn has(&self, device: &[u8], account: u32, program: &str, at: Micros) -> bool {
        self.0.get(device).is_some_and(|all| all.iter().any(|tester| tester.tests(account, program, at)))
    }

    /// True for a device that is some account's tester.
    #[must_use]
    pub fn knows(&self, device: &[u8]) -> bool {
        // The usual catalog has none.
        !self.0.is_empty() && self.0.contains_key(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tester_is_one_of_its_account_and_its_programs_and_for_its_time() {
        let mut testers = Testers::default();
        let tester = |account, programs: &[&str], until: Option<i64>| Tester {
            account,
            programs: programs.iter().map(ToString::to_string).collect(),
            until: until.map(Micros),
        };
        testers.add(b"1", tester(7, &[], None));
        testers.add(b"1", tester(8, &["quiz"], Some(10)));
        let has = |account, program, at| testers.has(b"1", account, program, Micros(at));
        assert!(has(7, "anything", 99) && has(8, "quiz", 9));
        assert!(!has(8, "other", 9) && !has(8, "quiz", 10) && !has(9, "quiz", 0));
        assert!(!testers.has(b"2", 7, "anything", Micros(0)));
        assert!(testers.knows(b"1") && !testers.knows(b"2"));
    }
}
