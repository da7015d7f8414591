//! Which commits of the outbox a sink has not published yet: the same rule for all sinks.

use signalbox_core::backend::{CdrBatch, OutboxPosition, SinkError};

/// The batches behind `position`.
///
/// They follow each other without gap, and the first follows `position`; only a sink that has nothing yet
/// takes any first one, since it may be put in place of another.
pub(crate) fn new_batches(position: OutboxPosition, batches: &[CdrBatch]) -> Result<&[CdrBatch], SinkError> {
    let known = batches.iter().take_while(|batch| batch.sequence <= position).count();
    let new = &batches[known..];
    let mut last = match (position, new.first()) {
        (0, Some(first)) => first.sequence - 1,
        _ => position,
    };
    for batch in new {
        if batch.sequence != last + 1 {
            let reason = format!("the commit before it in the outbox is {last}");
            return Err(SinkError::Damaged { sequence: batch.sequence, index: 0, reason });
        }
        last = batch.sequence;
    }
    Ok(new)
}
