//! The packed file: header, blocks, directory, carriers. All integers are little-endian.
//!
//! Blocks follow each other without gaps; the size of each follows from its width and the number of entries, so
//! that the directory needs no offsets. A block of narrow entries has distance and carrier in one word, which a
//! look-up meets together; the others have all distances before all carriers, which saves octets.

use std::io;

use xxhash_rust::xxh3::Xxh3;

use crate::id::UtcMicros;

/// Version of the layout.
pub const VERSION: u32 = 1;
pub(super) const MAGIC: [u8; 8] = *b"SBPORTAB";
/// Numbers of a block; the last may have fewer.
pub(super) const BLOCK: usize = 64;
/// Octets of the header. Full blocks are multiples of 64 octets too, so that all begin a cache line.
pub(super) const HEADER: usize = 128;
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
    /// Where the directory begins: bases of 8 octets, then widths of one.
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

    pub(super) fn read(octets: &[u8]) -> Result<Self, OpenError> {
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

/// The carriers' codes, in the order of their indexes.
pub(super) fn codes(octets: &[u8], header: &Header) -> Result<Vec<Box<str>>, OpenError> {
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
