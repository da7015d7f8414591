use std::collections::VecDeque;

use signalbox_core::backend::OutboxPosition;

/// Commits whose CDRs are counted as one step, so that a long outbox takes little memory.
const STEP: u64 = 256;

/// How many CDRs of the outbox are not published yet.
#[derive(Debug, Default)]
pub(super) struct Unpublished {
    /// Steps of the outbox: their last position, and how many CDRs they have.
    steps: VecDeque<(OutboxPosition, u64)>,
    waiting: u64,
}

impl Unpublished {
    /// An outbox that is filled up to `last`, of which `published` is published. How many CDRs a commit of a
    /// process before this one had is not known without reading them all: at least one.
    pub(super) fn new(published: OutboxPosition, last: OutboxPosition) -> Self {
        let mut outbox = Self::default();
        let mut at = published;
        while at < last {
            let next = last.min(at + STEP);
            outbox.steps.push_back((next, next - at));
            outbox.waiting += next - at;
            at = next;
        }
        outbox
    }

    /// A commit has put so many CDRs into the outbox.
    pub(super) fn committed(&mut self, position: OutboxPosition, cdrs: u64) {
        self.waiting += cdrs;
        match self.steps.back_mut() {
            Some((last, held)) if last.is_multiple_of(STEP) || *held == 0 => {
                self.steps.push_back((position, cdrs));
            }
            Some((last, held)) => {
                *last = position;
                *held += cdrs;
            }
            None => self.steps.push_back((position, cdrs)),
        }
    }

    /// All up to here is published; a step counts until it is as a whole.
    pub(super) fn published(&mut self, upto: OutboxPosition) {
        while let Some((last, held)) = self.steps.front().copied()
            && last <= upto
        {
            self.steps.pop_front();
            self.waiting -= held;
        }
    }

    /// CDRs that wait.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_waits_no_more() {
        let mut outbox = Unpublished::new(0, 0);
        for position in 1..=1_000 {
            outbox.committed(position, 3);
        }
        assert_eq!(outbox.waiting(), 3_000);
        assert!(outbox.steps.len() <= 5);
        outbox.published(512);
        assert_eq!(outbox.waiting(), 3 * (1_000 - 512));
        outbox.published(1_000);
        assert_eq!((outbox.waiting(), outbox.steps.len()), (0, 0));
    }

    #[test]
    fn what_a_process_before_left_counts_until_it_is_published() {
        let mut outbox = Unpublished::new(100, 1_100);
        assert_eq!(outbox.waiting(), 1_000);
        outbox.committed(1_101, 5);
        outbox.published(1_101);
        assert_eq!(outbox.waiting(), 0);
    }
}
