//! The packed file: header, blocks, directory, carriers. All integers are little-endian.

use std::io;

use xxhash_rust::xxh3::Xxh3;

use crate::id::UtcMicros;

/// Version of the layout.
pub const VERSION: u32 = 1;
pub(super) const MAGIC: [u8; 8] = *b"SBPORTAB";
/// Numbers of a block; the last may have fewer.
pub(super) const BLOCK: usize = 64;
pub(super) const HEADER: usize = 80;
/// The checksum is the last field of the header and covers all that follows it, then all before it.
const CHECKSUM_AT: usize = HEADER - 8;

/// Why a packed file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It cannot be read or mapped.
    #[error("portability table cannot be read")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("file is no portability table")]
    Magic,
    /// It was written by another version.
    #[error("portability table has layout {found}, not {VERSION}")]
    Version {
        /// The version it has.
        found: u32,
    },
    /// It ends early, or was changed.
    #[error("portability table is damaged: {0}")]
    Damaged(&'static str),
}

/// Header of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) count: u64,
    pub(super) blocks: u64,
    /// Where the directory begins: bases, then places.
    pub(super) directory_at: u64,
    /// Where the carriers begin: length in one octet, code.
    pub(super) carriers_at: u64,
    pub(super) carriers: u32,
    pub(super) as_of: UtcMicros,
}

impl Header {
    /// The header's octets; `body` has seen all octets that follow the header.
    pub(super) fn write(&self, mut body: Xxh3) -> [u8; HEADER] {
        let mut octets = [0; HEADER];
        let fields: [&[u8]; 9] = [
            &MAGIC,
            &VERSION.to_le_bytes(),
            &(BLOCK as u32).to_le_bytes(),
            &self.count.to_le_bytes(),
            &self.blocks.to_le_bytes(),
            &self.directory_at.to_le_bytes(),
            &self.carriers_at.to_le_bytes(),
            &u64::from(self.carriers).to_le_bytes(),
            &self.as_of.0.to_le_bytes(),
        ];
        let mut at = 0;
        for field in fields {
            octets[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        body.update(&octets[..CHECKSUM_AT]);
        octets[CHECKSUM_AT..].copy_from_slice(&body.digest().to_le_bytes());
        octets
    }

    fn read(octets: &[u8]) -> Result<Self, OpenError> {
        if octets.get(..8) != Some(&MAGIC) {
            return Err(OpenError::Magic);
        }
        let header = octets.get(..HEADER).ok_or(OpenError::Damaged("it ends inside the header"))?;
        let version = u32_at(header, 8).unwrap_or(0);
        if version != VERSION {
            return Err(OpenError::Version { found: version });
        }
        let mut hash = Xxh3::new();
        hash.update(&octets[HEADER..]);
        hash.update(&header[..CHECKSUM_AT]);
        if u64_at(header, CHECKSUM_AT) != Some(hash.digest()) {
            return Err(OpenError::Damaged("its checksum is wrong"));
        }
        let field = |at: usize| u64_at(header, at).unwrap_or(0);
        if u32_at(header, 12) != Some(BLOCK as u32) {
            return Err(OpenError::Damaged("its blocks have another size"));
        }
        Ok(Self {
            count: field(16),
            blocks: field(24),
            directory_at: field(32),
            carriers_at: field(40),
            carriers: u32::try_from(field(48)).map_err(|_| OpenError::Damaged("it has too many carriers"))?,
            as_of: UtcMicros(field(56).cast_signed()),
        })
    }
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(octets: &[u8], at: usize) -> Option<u64> {
    octets.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// How wide the distances of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Two,
    Four,
    Eight,
}

impl Width {
    /// The narrowest that holds this distance.
    pub(super) fn of(distance: u64) -> Self {
        if distance <= u64::from(u16::MAX) {
            Self::Two
        } else if distance <= u64::from(u32::MAX) {
            Self::Four
        } else {
            Self::Eight
        }
    }

    pub(super) fn octets(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

/// Where a block is: offset in the file, and in the two lowest bits the width of its distances.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockAt(pub(super) u64);

impl BlockAt {
    pub(super) fn new(offset: u64, width: Width) -> Self {
        let code = match width {
            Width::Two => 0,
            Width::Four => 1,
            Width::Eight => 2,
        };
        Self(offset << 2 | code)
    }

    fn width(self) -> Option<Width> {
        match self.0 & 3 {
            0 => Some(Width::Two),
            1 => Some(Width::Four),
            2 => Some(Width::Eight),
            _ => None,
        }
    }

    fn offset(self) -> usize {
        (self.0 >> 2) as usize
    }
}

/// Where each block begins, by value and in the file; copied out of the file, since each look-up searches it.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) count: u64,
    pub(super) as_of: UtcMicros,
    /// First number of each block.
    bases: Vec<u64>,
    places: Vec<BlockAt>,
}

impl Directory {
    /// Reads and checks the file; gives back the carriers' codes too.
    pub(super) fn read(octets: &[u8]) -> Result<(Self, Vec<Box<str>>), OpenError> {
        let damaged = OpenError::Damaged;
        let header = Header::read(octets)?;
        let blocks = usize::try_from(header.blocks).map_err(|_| damaged("it has too many blocks"))?;
        if header.count.div_ceil(BLOCK as u64) != header.blocks {
            return Err(damaged("its numbers do not fill its blocks"));
        }
        let words = |at: u64, count: usize| -> Option<Vec<u64>> {
            let at = usize::try_from(at).ok()?;
            let part = octets.get(at..at.checked_add(count.checked_mul(8)?)?)?;
            Some(part.as_chunks().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect())
        };
        let missing = || damaged("its directory is not there");
        let bases = words(header.directory_at, blocks).ok_or_else(missing)?;
        let places_at = header.directory_at.saturating_add(header.blocks.saturating_mul(8));
        let places: Vec<BlockAt> =
            words(places_at, blocks).ok_or_else(missing)?.into_iter().map(BlockAt).collect();
        if !bases.is_sorted_by(|a, b| a < b) {
            return Err(damaged("its blocks are out of order"));
        }
        let directory = Self { count: header.count, as_of: header.as_of, bases, places };
        if (0..blocks).any(|at| directory.block(at, octets).is_none()) {
            return Err(damaged("a block is not there"));
        }
        Ok((directory, codes(octets, &header)?))
    }

    pub(super) fn blocks(&self) -> usize {
        self.bases.len()
    }

    /// The block with this position.
    pub(super) fn block<'a>(&self, at: usize, octets: &'a [u8]) -> Option<Block<'a>> {
        let (base, place) = (*self.bases.get(at)?, *self.places.get(at)?);
        let width = place.width()?;
        let before = (at * BLOCK) as u64;
        let length = usize::try_from(self.count.checked_sub(before)?).ok()?.min(BLOCK);
        let (distances, rest) = octets.get(place.offset()..)?.split_at_checked(length * width.octets())?;
        Some(Block { base, width, distances, carriers: rest.get(..length * 2)? })
    }

    /// The block in which this number is, if it is in the table.
    pub(super) fn block_of<'a>(&self, number: u64, octets: &'a [u8]) -> Option<Block<'a>> {
        let after = self.bases.partition_point(|base| *base <= number);
        self.block(after.checked_sub(1)?, octets)
    }

    pub(super) fn memory(&self) -> usize {
        self.bases.capacity() * 8 + self.places.capacity() * 8
    }
}

fn codes(octets: &[u8], header: &Header) -> Result<Vec<Box<str>>, OpenError> {
    let damaged = || OpenError::Damaged("its carriers are not there");
    let at = usize::try_from(header.carriers_at).map_err(|_| damaged())?;
    let mut rest = octets.get(at..).ok_or_else(damaged)?;
    let mut codes = Vec::new();
    for _ in 0..header.carriers {
        let (length, tail) = rest.split_first().ok_or_else(damaged)?;
        let (code, tail) = tail.split_at_checked(usize::from(*length)).ok_or_else(damaged)?;
        codes.push(std::str::from_utf8(code).map_err(|_| damaged())?.into());
        rest = tail;
    }
    Ok(codes)
}

/// A block of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    base: u64,
    width: Width,
    distances: &'a [u8],
    carriers: &'a [u8],
}

impl Block<'_> {
    /// Index of the carrier of this number.
    pub(super) fn find(&self, number: u64) -> Option<u16> {
        let distance = number.checked_sub(self.base)?;
        let at = match self.width {
            Width::Two => position(self.distances, u16::try_from(distance).ok()?, u16::from_le_bytes)?,
            Width::Four => position(self.distances, u32::try_from(distance).ok()?, u32::from_le_bytes)?,
            Width::Eight => position(self.distances, distance, u64::from_le_bytes)?,
        };
        self.carrier(at)
    }

    fn carrier(&self, at: usize) -> Option<u16> {
        self.carriers.as_chunks().0.get(at).map(|chunk| u16::from_le_bytes(*chunk))
    }

    /// Number and carrier with this position.
    pub(super) fn entry(&self, at: usize) -> Option<(u64, u16)> {
        let distance = match self.width {
            Width::Two => {
                self.distances.as_chunks().0.get(at).map(|chunk| u64::from(u16::from_le_bytes(*chunk)))
            }
            Width::Four => {
                self.distances.as_chunks().0.get(at).map(|chunk| u64::from(u32::from_le_bytes(*chunk)))
            }
            Width::Eight => self.distances.as_chunks().0.get(at).map(|chunk| u64::from_le_bytes(*chunk)),
        }?;
        Some((self.base.checked_add(distance)?, self.carrier(at)?))
    }
}

/// Position of a value among ascending ones. Counting all smaller ones has no branch to mispredict and becomes
/// a handful of vector operations.
fn position<const N: usize, T: Ord + Copy>(octets: &[u8], value: T, read: fn([u8; N]) -> T) -> Option<usize> {
    let values = octets.as_chunks::<N>().0;
    let at = values.iter().filter(|chunk| read(**chunk) < value).count();
    (read(*values.get(at)?) == value).then_some(at)
}
