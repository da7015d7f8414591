//! The submits of a session that wait for a response.

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) index: u64,
    /// When it was to be sent.
    pub(super) intended: u64,
    /// When it was sent.
    pub(super) sent: u64,
}

/// A ring by sequence_number. It has more places than the window, so that one submit without a response does not
/// stop the others; a sequence_number whose place is taken is passed over.
#[derive(Debug)]
pub(super) struct Window {
    places: Vec<Option<(u32, Slot)>>,
    limit: usize,
    used: usize,
    next: u32,
}

impl Window {
    pub(super) fn new(limit: usize) -> Self {
        let places = (limit * 4).next_power_of_two().max(64);
        Window { places: vec![None; places], limit, used: 0, next: 1 }
    }

    /// How many more submits it takes.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.limit - self.used
    }

    /// A sequence_number for a request beside the window.
    pub(super) fn skip(&mut self) -> u32 {
        let sequence = self.next;
        self.next = if sequence >= 0x7fff_ffff { 1 } else { sequence + 1 };
        sequence
    }

    /// Takes a submit in, within [`Window::room`], and gives its sequence_number.
    #[inline]
    pub(super) fn insert(&mut self, slot: Slot) -> u32 {
        loop {
            let sequence = self.skip();
            let mask = self.places.len() - 1;
            let place = &mut self.places[sequence as usize & mask];
            if place.is_none() {
                *place = Some((sequence, slot));
                self.used += 1;
                return sequence;
            }
        }
    }

    /// The submit that a response answers.
    #[inline]
    pub(super) fn remove(&mut self, sequence: u32) -> Option<Slot> {
        let mask = self.places.len() - 1;
        let place = &mut self.places[sequence as usize & mask];
        let (_, slot) = place.take_if(|(of, _)| *of == sequence)?;
        self.used -= 1;
        Some(slot)
    }

    /// Removes those sent before `limit`, oldest first.
    pub(super) fn take_older(&mut self, limit: u64) -> Vec<Slot> {
        if self.used == 0 {
            return Vec::new();
        }
        let older = |place: &mut Option<(u32, Slot)>| place.take_if(|(_, slot)| slot.sent < limit);
        let mut taken: Vec<_> = self.places.iter_mut().filter_map(older).map(|(_, slot)| slot).collect();
        self.used -= taken.len();
        taken.sort_by_key(|slot| (slot.sent, slot.index));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_never_answered_does_not_stop_the_others() {
        let mut window = Window::new(10);
        let slot = |index| Slot { index, intended: 0, sent: index };
        let stuck = window.insert(slot(0));
        for index in 1..1_000 {
            let sequence = window.insert(slot(index));
            assert_eq!(window.remove(sequence), Some(slot(index)));
            assert_eq!(window.remove(sequence), None);
        }
        assert_eq!(window.room(), 9);
        assert_eq!(window.take_older(1), [slot(0)]);
        assert_eq!(window.remove(stuck), None);
        assert_eq!(window.room(), 10);
    }
}
