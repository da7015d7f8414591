use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_core::id::CarrierId;
use signalbox_core::time::Micros;
use smallvec::SmallVec;

/// A program family as far as it is on one source address: the carriers whose devices' messages it takes there. A
/// program has one at most on an address (PRG-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// What it is called: the program and its first address.
    pub id: Arc<str>,
    /// Its program.
    pub program: Arc<str>,
    /// Its carriers, each with the instant at which the carrier's word is over.
    pub carriers: SmallVec<[(CarrierId, Option<Micros>); 2]>,
}

impl Family {
    /// Whether it takes a message of a device of this carrier; of an unknown carrier, the address decides.
    fn takes(&self, carrier: Option<CarrierId>, at: Micros) -> bool {
        let lasts = |to: &Option<Micros>| to.is_none_or(|to| at < to);
        self.carriers.iter().any(|(own, to)| carrier.is_none_or(|carrier| carrier == *own) && lasts(to))
    }
}

/// The program families of all source addresses (PRG-06).
#[derive(Clone, Debug, Default)]
pub struct Families {
    by_address: FxHashMap<u32, Vec<Family>>,
}

impl Families {
    /// Adds a family to the source address with this number.
    pub fn add(&mut self, address: u32, family: Family) {
        self.by_address.entry(address).or_default().push(family);
    }

    /// The families that an inbound message may be of: by the carrier of the number that it came from, and the address
    /// that it came to. One for each program.
    pub fn of(
        &self,
        address: u32,
        carrier: Option<CarrierId>,
        at: Micros,
    ) -> impl Iterator<Item = &Family> + '_ {
        let here = self.by_address.get(&address).into_iter().flatten();
        here.filter(move |family| family.takes(carrier, at))
    }

    /// That of one program.
    #[must_use]
    pub fn of_program(
        &self,
        address: u32,
        carrier: Option<CarrierId>,
        at: Micros,
        program: &str,
    ) -> Option<&Family> {
        self.of(address, carrier, at).find(|family| &*family.program == program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(program: &str, carriers: &[(u32, Option<i64>)]) -> Family {
        let carriers = carriers.iter().map(|(id, to)| (CarrierId(*id), to.map(Micros)));
        Family { id: format!("{program}/a").into(), program: program.into(), carriers: carriers.collect() }
    }

    #[test]
    fn carrier_and_address_name_one_family_of_each_program() {
        let mut families = Families::default();
        families.add(1, family("one", &[(7, None), (8, Some(100))]));
        families.add(1, family("two", &[(8, None)]));
        families.add(2, family("three", &[(7, None)]));
        let of = |address, carrier: Option<u32>, at| {
            let of = families.of(address, carrier.map(CarrierId), Micros(at));
            of.map(|family| family.program.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(of(1, Some(7), 0), ["one"]);
        assert_eq!(of(1, Some(8), 99), ["one", "two"]);
        assert_eq!(of(1, Some(8), 100), ["two"], "the carrier's word is over");
        assert_eq!(of(1, Some(9), 0), [""; 0]);
        assert_eq!(of(1, None, 0), ["one", "two"], "the address decides");
        assert_eq!(of(3, None, 0), [""; 0]);
        assert!(families.of_program(1, Some(CarrierId(8)), Micros(0), "two").is_some());
        assert!(families.of_program(1, Some(CarrierId(7)), Micros(0), "two").is_none());
    }
}
