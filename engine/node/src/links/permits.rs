//! Permits of a session that are not yet out: released messages that wait for room, and PDUs that are encoded
//! and not yet wholly handed to the kernel.
//!
//! A PDU is in flight once its last octet is with the kernel; before, the peer cannot have understood it. So when
//! a session ends, it is known for each permit whether its message may have arrived (rule 4).

use std::collections::VecDeque;

use rustc_hash::FxHashSet;
use signalbox_core::gate::Released;
use signalbox_core::id::PermitId;
use signalbox_core::time::Mono;

#[derive(Clone, Copy, Debug)]
struct Encoded {
    /// Octets of the connection up to the end of the PDU.
    end: u64,
    permit: PermitId,
    deadline: Mono,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Permits {
    waiting: VecDeque<Box<Released>>,
    encoded: VecDeque<Encoded>,
    /// Octets of the connection that the kernel has taken.
    written: u64,
}

impl Permits {
    /// A released message that is to be sent.
    pub fn push(&mut self, released: Box<Released>) {
        self.waiting.push_back(released);
    }

    /// A released message that found no room after all.
    pub fn push_front(&mut self, released: Box<Released>) {
        self.waiting.push_front(released);
    }

    /// The next message to send.
    pub fn pop(&mut self) -> Option<Box<Released>> {
        self.waiting.pop_front()
    }

    /// Whether messages wait to be sent.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A message is encoded; with it `buffered` octets wait for the kernel.
    #[inline]
    pub fn encoded(&mut self, permit: PermitId, deadline: Mono, buffered: usize) {
        self.encoded.push_back(Encoded { end: self.written + buffered as u64, permit, deadline });
    }

    /// The kernel has taken so many octets.
    #[inline]
    pub fn wrote(&mut self, octets: usize) {
        self.written += octets as u64;
        while self.encoded.front().is_some_and(|first| first.end <= self.written) {
            self.encoded.pop_front();
        }
    }

    /// When the first permit runs out that is not out.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        let waiting = self.waiting.front().map(|released| released.deadline());
        let encoded = self.encoded.front().map(|encoded| encoded.deadline);
        match (waiting, encoded) {
            (Some(waiting), Some(encoded)) => Some(waiting.min(encoded)),
            (one, other) => one.or(other),
        }
    }

    /// Takes the waiting messages whose permits have run out.
    pub fn take_expired(&mut self, now: Mono) -> Vec<PermitId> {
        if self.waiting.front().is_none_or(|released| released.deadline() > now) {
            return Vec::new();
        }
        let mut expired = Vec::new();
        self.waiting.retain(|released| {
            let keep = released.deadline() > now;
            if !keep {
                expired.push(released.permit());
            }
            keep
        });
        expired
    }

    /// Whether a permit has run out while its PDU was on the way to the kernel. It can no longer be taken back,
    /// so the connection has to end.
    #[must_use]
    pub fn is_overdue(&self, now: Mono) -> bool {
        self.encoded.front().is_some_and(|first| first.deadline <= now)
    }

    /// Takes all messages that wait.
    pub fn take_waiting(&mut self) -> Vec<PermitId> {
        self.waiting.drain(..).map(|released| released.permit()).collect()
    }

    /// The permits whose PDUs the kernel does not have.
    #[must_use]
    pub fn unwritten(&self) -> FxHashSet<PermitId> {
        self.encoded.iter().map(|encoded| encoded.permit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pdu_is_out_when_its_last_octet_is() {
        let mut permits = Permits::default();
        permits.encoded(PermitId(1), Mono(50), 100);
        permits.encoded(PermitId(2), Mono(60), 250);
        permits.wrote(99);
        assert_eq!(permits.unwritten().len(), 2);
        assert_eq!(permits.next_deadline(), Some(Mono(50)));
        permits.wrote(1);
        assert_eq!(permits.unwritten(), FxHashSet::from_iter([PermitId(2)]));
        assert!(!permits.is_overdue(Mono(59)));
        assert!(permits.is_overdue(Mono(60)));
        // What is encoded now stands behind the 150 octets of the second.
        permits.encoded(PermitId(3), Mono(70), 200);
        permits.wrote(150);
        assert_eq!(permits.unwritten(), FxHashSet::from_iter([PermitId(3)]));
        permits.wrote(50);
        assert!(permits.unwritten().is_empty());
        assert!(!permits.is_overdue(Mono(1000)));
    }
}
