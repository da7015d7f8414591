/// Timestamps in one block; with the link it fills one cache line.
pub(crate) const PER_BLOCK: u32 = 15;
/// No block.
pub(crate) const NO_BLOCK: u32 = u32::MAX;

const CHUNK: usize = 1_024;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Block {
    stamps: [u32; PER_BLOCK as usize],
    next: u32,
}

const EMPTY: Block = Block { stamps: [0; PER_BLOCK as usize], next: NO_BLOCK };

/// Cache lines of timestamps, chained, for keys that hold more than fit into their entry.
///
/// A chain grows at its tail and shrinks at its head, so no timestamp is ever copied however long it gets, and a
/// whole chain is given back in one step.
#[derive(Debug)]
pub(crate) struct Blocks {
    chunks: Vec<Box<[Block]>>,
    free: u32,
    made: u32,
    used: u32,
    max: u32,
}

impl Blocks {
    pub(crate) fn new(max: u32) -> Blocks {
        Blocks { chunks: Vec::new(), free: NO_BLOCK, made: 0, used: 0, max }
    }

    fn block(&self, id: u32) -> &Block {
        &self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    fn block_mut(&mut self, id: u32) -> &mut Block {
        &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    /// A free block, its link cleared; `None` at the bound.
    pub(crate) fn take(&mut self) -> Option<u32> {
        if self.used >= self.max {
            return None;
        }
        let id = if self.free == NO_BLOCK {
            let id = self.made;
            if (id as usize).is_multiple_of(CHUNK) {
                self.chunks.push(vec![EMPTY; CHUNK].into_boxed_slice());
            }
            self.made += 1;
            id
        } else {
            let id = self.free;
            self.free = self.block(id).next;
            id
        };
        self.used += 1;
        self.block_mut(id).next = NO_BLOCK;
        Some(id)
    }

    /// Gives back a chain of `count` blocks.
    pub(crate) fn give(&mut self, head: u32, tail: u32, count: u32) {
        self.block_mut(tail).next = self.free;
        self.free = head;
        self.used -= count;
    }

    pub(crate) fn next(&self, id: u32) -> u32 {
        self.block(id).next
    }

    pub(crate) fn link(&mut self, id: u32, next: u32) {
        self.block_mut(id).next = next;
    }

    pub(crate) fn stamp(&self, id: u32, place: u32) -> u32 {
        self.block(id).stamps[place as usize]
    }

    pub(crate) fn set(&mut self, id: u32, place: u32, stamp: u32) {
        self.block_mut(id).stamps[place as usize] = stamp;
    }

    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    pub(crate) fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<Block>()
    }
}
