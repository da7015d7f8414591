use signalbox_core::backend::{Offset, ShardMark};
use signalbox_core::id::{Epoch, SHARDS, ShardId};

use crate::fence::Marks;

/// Octets of one mark: epoch, commit, position plus one (zero for none), each 64 bits, high octet first.
pub(super) const MARK: usize = 24;
/// Octets of all marks.
pub(super) const PACKED: usize = MARK * SHARDS as usize;

/// All marks as one row holds them. One row for all: a commit of many shards then changes one page, not as
/// many rows as there are shards.
pub(super) fn write(packed: &mut [u8], shard: ShardId, mark: ShardMark) {
    let at = usize::from(shard.number()) * MARK;
    let position = mark.position.map_or(0, |position| position.0 + 1);
    packed[at..at + 8].copy_from_slice(&mark.epoch.0.to_be_bytes());
    packed[at + 8..at + 16].copy_from_slice(&mark.commit.to_be_bytes());
    packed[at + 16..at + 24].copy_from_slice(&position.to_be_bytes());
}

/// Reads what [`write`] wrote; `None` when it has not [`PACKED`] octets.
pub(super) fn read(packed: &[u8]) -> Option<Marks> {
    if packed.len() != PACKED {
        return None;
    }
    let mut marks = [ShardMark::default(); SHARDS as usize];
    for (mark, octets) in marks.iter_mut().zip(packed.chunks_exact(MARK)) {
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&octets[at..at + 8]);
            u64::from_be_bytes(eight)
        };
        *mark = ShardMark {
            epoch: Epoch(number(0)),
            commit: number(8),
            position: number(16).checked_sub(1).map(Offset),
        };
    }
    Some(marks)
}
