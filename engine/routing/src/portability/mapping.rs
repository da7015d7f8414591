//! A file mapped into memory. The only unsafe code of this crate.
//!
//! Mapping needs it because nobody can promise the compiler that the file stays as it is. It is worth it, by
//! measurement (examples/portability.rs, 10 M numbers, 43 MB): a swap to a new table costs no copy, old and new
//! table share the page cache while both are in use, and memory pressure can drop pages without swap space.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

/// A whole file, read-only.
#[derive(Debug)]
pub(super) struct Mapping(Mmap);

impl Mapping {
    /// Maps a file and reads its pages in.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: packed files are written beside, then renamed; nothing writes to one that has its final name,
        // and a file that was replaced lives on while it is mapped. Who truncates it by hand gets SIGBUS, who
        // changes it wrong answers: every offset was checked when it was opened, and is checked by slicing on
        // each access, so that no read leaves the mapping.
        let map = unsafe { MmapOptions::new().populate().map(&file)? };
        Ok(Self(map))
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
