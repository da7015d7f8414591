//! One code table in both directions, built at compile time.

use super::locking::NONE;

/// What [`Table::septet`] says of a character the table does not hold.
pub(super) const ABSENT: u8 = 0xFF;

/// The escape to the single shift table.
pub(super) const ESCAPE: u8 = 0x1B;

/// Page 0 stays empty; no table of the standard spreads over more than four other pages.
const PAGES: usize = 6;

/// A table of 128 septets with its inverse: the high octet of a code point selects a page, the low
/// octet the septet in it. All characters of the standard are in the basic plane.
pub(super) struct Table {
    forward: [u16; 128],
    ascii: [u8; 128],
    page_of: [u8; 256],
    pages: [[u8; 256]; PAGES],
}

impl Table {
    const fn empty() -> Self {
        Self { forward: [NONE; 128], ascii: [ABSENT; 128], page_of: [0; 256], pages: [[ABSENT; 256]; PAGES] }
    }

    const fn insert(&mut self, used: &mut u8, septet: u8, unit: u16) {
        self.forward[septet as usize] = unit;
        if unit < 0x80 {
            self.ascii[septet as usize] = unit as u8;
        }
        let high = (unit >> 8) as usize;
        if self.page_of[high] == 0 {
            *used += 1;
            self.page_of[high] = *used;
        }
        let slot = &mut self.pages[self.page_of[high] as usize][(unit & 0xFF) as usize];
        // Some tables hold a character twice ('*', '¡'); the first place is the one to write.
        if *slot == ABSENT {
            *slot = septet;
        }
    }

    pub(super) const fn locking(units: &[u16; 128]) -> Self {
        let mut table = Self::empty();
        let (mut used, mut septet) = (0, 0u8);
        while septet < 128 {
            let unit = units[septet as usize];
            if unit != NONE {
                table.insert(&mut used, septet, unit);
            }
            septet += 1;
        }
        table
    }

    pub(super) const fn shift(parts: [&[(u8, char)]; 2]) -> Self {
        let mut table = Self::empty();
        let (mut used, mut part) = (0, 0);
        while part < 2 {
            let mut i = 0;
            while i < parts[part].len() {
                let (septet, character) = parts[part][i];
                table.insert(&mut used, septet, character as u16);
                i += 1;
            }
            part += 1;
        }
        table
    }

    /// The septets of the code points below 256.
    #[inline]
    pub(super) fn latin(&self) -> &[u8; 256] {
        &self.pages[usize::from(self.page_of[0])]
    }

    /// The ASCII character of each septet, [`ABSENT`] where it has none or another one.
    #[inline]
    pub(super) fn ascii(&self) -> &[u8; 128] {
        &self.ascii
    }

    /// The septet of a character, or [`ABSENT`].
    #[inline]
    pub(super) fn septet(&self, character: char) -> u8 {
        let code = character as u32;
        if code > 0xFFFF {
            return ABSENT;
        }
        self.pages[usize::from(self.page_of[(code >> 8) as usize])][(code & 0xFF) as usize]
    }

    /// The character of a septet; bit 7 is not looked at.
    #[inline]
    pub(super) fn character(&self, septet: u8) -> Option<char> {
        match self.forward[usize::from(septet & 0x7F)] {
            NONE => None,
            unit => char::from_u32(u32::from(unit)),
        }
    }
}
