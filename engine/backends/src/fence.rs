//! Whether a commit follows what a store holds: the same rule for all stores.

use signalbox_core::backend::{Commit, CommitError, ShardMark};
use signalbox_core::id::{Epoch, SHARDS, ShardId};

/// The marks of all shards, by number.
pub(crate) type Marks = [ShardMark; SHARDS as usize];

/// Which parts of the rule hold. All of them, but for a simulation that shows that it would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) epoch: bool,
    pub(crate) number: bool,
    pub(crate) position: bool,
}

impl Rule {
    pub(crate) const WHOLE: Self = Self { epoch: true, number: true, position: true };
}

/// The marks that are held after the commit.
///
/// The term must be the one claimed, the number the next, the position not before the one held (`None` keeps
/// it); each shard has one mark, and no row of another shard changes.
pub(crate) fn follow(
    held: &Marks,
    commit: &Commit,
    rule: Rule,
) -> Result<Vec<(ShardId, ShardMark)>, CommitError> {
    let mut marked = [false; SHARDS as usize];
    let mut next = Vec::with_capacity(commit.marks.len());
    for &(shard, offered) in &commit.marks {
        let index = usize::from(shard.number());
        let held = held[index];
        if std::mem::replace(&mut marked[index], true) {
            return Err(CommitError::Refused { reason: format!("two marks for shard {shard}") });
        }
        if rule.epoch && offered.epoch != held.epoch {
            return Err(CommitError::Fenced { shard, held: held.epoch, offered: offered.epoch });
        }
        if rule.number && offered.commit != held.commit + 1 {
            return Err(CommitError::OutOfOrder { shard, held: held.commit, offered: offered.commit });
        }
        if rule.position && offered.position.is_some() && offered.position < held.position {
            let reason = format!(
                "the position of shard {shard} goes back from {:?} to {:?}",
                held.position, offered.position
            );
            return Err(CommitError::Refused { reason });
        }
        let position = offered.position.or(held.position);
        next.push((shard, ShardMark { position, ..offered }));
    }
    for op in &commit.ops {
        let shard = op.shard();
        if !marked[usize::from(shard.number())] {
            let reason = format!("a row of shard {shard} changes without a mark of the shard");
            return Err(CommitError::Refused { reason });
        }
    }
    Ok(next)
}

/// The marks of these shards, if all of them can go to `epoch`.
pub(crate) fn claim(
    held: &Marks,
    shards: &[ShardId],
    epoch: Epoch,
    rule: Rule,
) -> Result<Vec<ShardMark>, CommitError> {
    let found: Vec<ShardMark> = shards.iter().map(|shard| held[usize::from(shard.number())]).collect();
    for (&shard, mark) in shards.iter().zip(&found) {
        if rule.epoch && mark.epoch >= epoch {
            return Err(CommitError::Fenced { shard, held: mark.epoch, offered: epoch });
        }
    }
    Ok(found)
}
