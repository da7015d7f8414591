//! Which block a number is in: a static search tree over the first numbers of the blocks.
//!
//! It is copied out of the file when that is opened, 0.15 octets a number. Binary search would meet a new cache
//! line at each of its 17 steps (10 M numbers); this meets two at each of five, and the upper levels stay in the
//! innermost cache.

use super::block::{Block, Width};
use super::layout::{BLOCK, HEADER, Header, OpenError};
use crate::id::UtcMicros;

/// Children of a node: two cache lines of first numbers.
const FANOUT: usize = 16;

/// Values of up to [`FANOUT`] children, filled up with the largest.
type Node = [u64; FANOUT];

/// The lowest level: blocks, and where they are.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    bases: Node,
    /// Where the first block begins.
    at: u64,
    /// A bit for each block that is wide, and for each that is full.
    wide: u16,
    full: u16,
}

impl Leaf {
    fn width(&self, block: usize) -> Width {
        if self.wide >> block & 1 == 1 {
            Width::Wide
        } else if self.full >> block & 1 == 1 {
            Width::Full
        } else {
            Width::Narrow
        }
    }

    /// Offset of a block in the file: all blocks before the last are complete.
    fn offset(&self, block: usize) -> usize {
        let before = (1u16 << block) - 1;
        let wide = (self.wide & before).count_ones() as usize;
        let full = (self.full & before).count_ones() as usize;
        let narrow = block - wide - full;
        let entries =
            narrow * Width::Narrow.entry() + wide * Width::Wide.entry() + full * Width::Full.entry();
        self.at as usize + entries * BLOCK
    }
}

/// Where the blocks are, by their first numbers.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) count: u64,
    pub(super) as_of: UtcMicros,
    blocks: usize,
    /// From the root down, without the leaves.
    levels: Vec<Vec<Node>>,
    leaves: Vec<Leaf>,
}

impl Directory {
    /// Reads and checks the directory of a file.
    pub(super) fn read(header: &Header, octets: &[u8]) -> Result<Self, OpenError> {
        let damaged = OpenError::Damaged;
        if header.count.div_ceil(BLOCK as u64) != header.blocks {
            return Err(damaged("its numbers do not fill its blocks"));
        }
        let missing = || damaged("its directory is not there");
        let blocks = usize::try_from(header.blocks).map_err(|_| missing())?;
        let at = usize::try_from(header.directory_at).map_err(|_| missing())?;
        let directory = octets.get(at..).ok_or_else(missing)?;
        let (bases, rest) = blocks
            .checked_mul(8)
            .and_then(|length| directory.split_at_checked(length))
            .ok_or_else(missing)?;
        let bases: Vec<u64> = bases.as_chunks().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
        let widths = rest.get(..blocks).ok_or_else(missing)?;
        if !bases.is_sorted_by(|a, b| a < b) {
            return Err(damaged("its blocks are out of order"));
        }
        let (leaves, last_width) = leaves(&bases, widths).ok_or(damaged("a block has no width"))?;
        let levels = levels(&bases);
        let found = Self { count: header.count, as_of: header.as_of, blocks, levels, leaves };
        // The last block may be short, all others lie before it.
        let (offset, length) = found.span(blocks.saturating_sub(1), last_width);
        let end = if blocks == 0 { Some(HEADER) } else { offset.checked_add(length) };
        if end != Some(at) {
            return Err(damaged("its blocks do not fill the place before the directory"));
        }
        Ok(found)
    }

    /// Offset and length of a block.
    fn span(&self, block: usize, width: Width) -> (usize, usize) {
        let offset = self.leaves.get(block / FANOUT).map_or(HEADER, |leaf| leaf.offset(block % FANOUT));
        let entries = (self.count - (block * BLOCK) as u64).min(BLOCK as u64) as usize;
        (offset, entries * width.entry())
    }

    fn block<'a>(&self, leaf: usize, child: usize, octets: &'a [u8]) -> Option<Block<'a>> {
        let found = self.leaves.get(leaf)?;
        let width = found.width(child);
        let (offset, length) = self.span(leaf * FANOUT + child, width);
        Some(Block::new(found.bases[child], width, octets.get(offset..offset.checked_add(length)?)?))
    }

    /// The block in which this number is, if it is in the table.
    pub(super) fn block_of<'a>(&self, number: u64, octets: &'a [u8]) -> Option<Block<'a>> {
        let mut node = 0;
        for level in &self.levels {
            node = node * FANOUT + child(level.get(node)?, number)?;
        }
        let child = child(&self.leaves.get(node)?.bases, number)?;
        self.block(node, child, octets)
    }

    /// All blocks in order.
    pub(super) fn blocks<'a>(&'a self, octets: &'a [u8]) -> impl Iterator<Item = Block<'a>> {
        (0..self.blocks).filter_map(|block| self.block(block / FANOUT, block % FANOUT, octets))
    }

    /// Octets of memory.
    pub(super) fn memory(&self) -> usize {
        let nodes: usize = self.levels.iter().map(Vec::capacity).sum();
        nodes * size_of::<Node>() + self.leaves.capacity() * size_of::<Leaf>()
    }
}

/// The last child that begins at or before this number.
fn child(node: &Node, number: u64) -> Option<usize> {
    node.iter().filter(|base| **base <= number).count().checked_sub(1)
}

fn nodes(bases: &[u64]) -> Vec<Node> {
    let mut nodes = Vec::with_capacity(bases.len().div_ceil(FANOUT));
    for part in bases.chunks(FANOUT) {
        let mut node = [u64::MAX; FANOUT];
        node[..part.len()].copy_from_slice(part);
        nodes.push(node);
    }
    nodes
}

/// The levels above the leaves: each holds the first numbers of the nodes of the one below.
fn levels(bases: &[u64]) -> Vec<Vec<Node>> {
    let mut levels = Vec::new();
    let mut below: Vec<u64> = bases.iter().copied().step_by(FANOUT).collect();
    while below.len() > 1 {
        levels.push(nodes(&below));
        below = below.into_iter().step_by(FANOUT).collect();
    }
    levels.reverse();
    levels
}

/// The leaves, and the width of the last block.
fn leaves(bases: &[u64], widths: &[u8]) -> Option<(Vec<Leaf>, Width)> {
    let mut at = HEADER as u64;
    let mut last = Width::Narrow;
    let mut leaves = Vec::with_capacity(bases.len().div_ceil(FANOUT));
    for (bases, widths) in nodes(bases).into_iter().zip(widths.chunks(FANOUT)) {
        let mut leaf = Leaf { bases, at, wide: 0, full: 0 };
        for (block, code) in widths.iter().enumerate() {
            last = Width::from_code(*code)?;
            match last {
                Width::Narrow => {}
                Width::Wide => leaf.wide |= 1 << block,
                Width::Full => leaf.full |= 1 << block,
            }
            at += (last.entry() * BLOCK) as u64;
        }
        leaves.push(leaf);
    }
    Some((leaves, last))
}
