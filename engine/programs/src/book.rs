//! The rows with their indexes.

use std::collections::HashMap;

use crate::family::{Family, families};
use crate::rows::{Address, Approval, Micros, Program, Rows};

/// All programs, addresses and approvals at one version of the catalog, ready to be asked. It is made anew when one
/// of them changes.
#[derive(Clone, Debug, Default)]
pub struct Book {
    rows: Rows,
    programs: HashMap<String, usize>,
    /// Addresses that run a program.
    pools: HashMap<String, Vec<usize>>,
    /// Approvals by program, address and carrier.
    approvals: HashMap<String, HashMap<String, HashMap<String, usize>>>,
}

impl Book {
    /// The book of these rows. Of two rows of one name the later counts.
    #[must_use]
    pub fn new(rows: Rows) -> Self {
        let mut book = Self::default();
        for (index, program) in rows.programs.iter().enumerate() {
            book.programs.insert(program.name.clone(), index);
        }
        for (index, address) in rows.addresses.iter().enumerate() {
            for program in &address.programs {
                book.pools.entry(program.clone()).or_default().push(index);
            }
        }
        for (index, approval) in rows.approvals.iter().enumerate() {
            let of_program = book.approvals.entry(approval.program.clone()).or_default();
            let of_address = of_program.entry(approval.address.clone()).or_default();
            of_address.insert(approval.carrier.clone(), index);
        }
        book.rows = rows;
        book
    }

    /// The program with this name.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.get(name).map(|index| &self.rows.programs[*index])
    }

    /// The addresses that run a program.
    pub fn pool(&self, program: &str) -> impl Iterator<Item = &Address> {
        self.pools.get(program).into_iter().flatten().map(|index| &self.rows.addresses[*index])
    }

    /// The approval of a combination.
    #[must_use]
    pub fn approval(&self, program: &str, address: &str, carrier: &str) -> Option<&Approval> {
        let index = self.approvals.get(program)?.get(address)?.get(carrier)?;
        Some(&self.rows.approvals[*index])
    }

    /// The families of all programs at a time (PRG-05).
    #[must_use]
    pub fn families(&self, now: Micros) -> Vec<Family> {
        families(&self.rows, now, true)
    }

    /// The same without their keywords, which are many.
    #[must_use]
    pub fn approved_together(&self, now: Micros) -> Vec<Family> {
        families(&self.rows, now, false)
    }
}
