//! The portability table: which carrier a ported number belongs to, for many millions of numbers.
//!
//! A CSV file is turned into a packed file once ([`build()`]), which is then mapped ([`PortabilityTable::open`])
//! and asked. The owner keeps the table in an `Arc` and swaps it when a new file is there; the packed file is
//! never changed, only replaced by renaming.
//!
//! Layout of the file: numbers in ascending order in blocks of 64, as distances of 2, 4 or 8 octets from the
//! first of the block, each with a carrier index of 2 octets; then the directory of blocks and the carriers' codes.
//! A number takes about 4.3 octets where one in a thousand or more of a range is listed, at most 10.3.

mod block;
mod build;
mod directory;
mod layout;
mod mapping;
mod runs;
#[cfg(test)]
mod tests;

use std::path::Path;

use signalbox_text::phone::E164;

pub use build::{BuildError, BuildOptions, BuildReport, MAX_CARRIERS, build};
pub use layout::{OpenError, VERSION};

use self::directory::Directory;
use self::layout::{Header, codes};
use self::mapping::Mapping;
use crate::id::{CarrierId, Names, UtcMicros};

/// Where the octets of a table are.
#[derive(Debug)]
enum Octets {
    Mapped(Mapping),
    Owned(Vec<u8>),
}

impl std::ops::Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapping) => mapping,
            Self::Owned(octets) => octets,
        }
    }
}

/// A carrier as the table names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Carrier {
    code: Box<str>,
    id: Option<CarrierId>,
}

/// A portability table, ready to be asked.
#[derive(Debug)]
pub struct PortabilityTable {
    octets: Octets,
    directory: Directory,
    carriers: Vec<Carrier>,
}

/// What the table says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ported<'a> {
    /// The carrier; `None` when nobody here knows the code.
    pub carrier: Option<CarrierId>,
    /// The carrier's code as the table has it.
    pub code: &'a str,
}

impl PortabilityTable {
    /// Maps a packed file and checks it: magic, version, sizes, checksum.
    ///
    /// The file must not be written to while it is mapped; [`build()`] replaces it by renaming.
    ///
    /// # Errors
    /// When it cannot be mapped or is no whole packed file of this version.
    pub fn open(path: &Path, names: &Names) -> Result<Self, OpenError> {
        Self::from_octets(Octets::Mapped(Mapping::of(path)?), names)
    }

    /// Reads a packed file into memory instead of mapping it, for places where a file may be written to.
    ///
    /// # Errors
    /// As [`PortabilityTable::open`].
    pub fn read(path: &Path, names: &Names) -> Result<Self, OpenError> {
        Self::from_octets(Octets::Owned(std::fs::read(path)?), names)
    }

    fn from_octets(octets: Octets, names: &Names) -> Result<Self, OpenError> {
        let header = Header::read(&octets)?;
        let directory = Directory::read(&header, &octets)?;
        let carriers = codes(&octets, &header)?
            .into_iter()
            .map(|code| Carrier { id: names.carrier(&code), code })
            .collect();
        Ok(Self { octets, directory, carriers })
    }

    /// Looks a number up.
    #[must_use]
    pub fn look_up(&self, number: E164) -> Option<Ported<'_>> {
        let block = self.directory.block_of(number.get(), &self.octets)?;
        let carrier = self.carriers.get(usize::from(block.find(number.get())?))?;
        Some(Ported { carrier: carrier.id, code: &carrier.code })
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.directory.count
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.directory.count == 0
    }

    /// When the table's facts were true, as its builder said.
    #[must_use]
    pub fn as_of(&self) -> UtcMicros {
        self.directory.as_of
    }

    /// Octets of the packed file.
    #[must_use]
    pub fn size(&self) -> usize {
        self.octets.len()
    }

    /// Octets of memory beside the packed file.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.directory.memory()
    }

    /// Codes of carriers that the table names and nobody here knows: numbers of them have no carrier.
    pub fn unknown_carriers(&self) -> impl Iterator<Item = &str> {
        self.carriers.iter().filter(|carrier| carrier.id.is_none()).map(|carrier| &*carrier.code)
    }

    /// All numbers with their carriers, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (E164, Ported<'_>)> {
        self.directory.blocks(&self.octets).flat_map(|block| block.entries()).filter_map(
            |(number, carrier)| {
                let carrier = self.carriers.get(usize::from(carrier))?;
                Some((E164::from_value(number)?, Ported { carrier: carrier.id, code: &carrier.code }))
            },
        )
    }
}
