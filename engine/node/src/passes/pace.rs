//! How fast a pass begins contacts: at a fixed rate, or as there is room for their texts (MT-02, D7).

use std::time::Duration;

use signalbox_core::gcra::{Gcra, Rate};
use signalbox_core::time::Mono;
use signalbox_people::PassRate;

/// Contacts that are begun at once at a fixed rate, as a share of what a second has.
const BURST: u64 = 10;
/// A rate is so many thousandths a second.
const MILLI: u64 = 1_000;

/// What may be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// So many now.
    Now(usize),
    /// The next one in this time.
    At(Duration),
    /// None before a text has left.
    Full,
}

/// The pace of one pass.
#[derive(Debug)]
pub(super) struct Pace {
    /// Without a rate only the room counts.
    limiter: Gcra,
    per_second: Option<u64>,
}

impl Pace {
    pub(super) fn new(rate: PassRate) -> Self {
        match rate {
            PassRate::Auto => Self { limiter: Gcra::new(None, 1), per_second: None },
            PassRate::Fixed(milli) => {
                let milli = milli.max(1);
                let messages = u32::try_from(milli).unwrap_or(u32::MAX);
                let rate = Rate::new(messages, Duration::from_secs(MILLI)).ok();
                let per_second = milli / MILLI;
                let burst = u32::try_from(per_second / BURST).unwrap_or(u32::MAX);
                Self { limiter: Gcra::new(rate, burst), per_second: Some(per_second) }
            }
        }
    }

    /// Contacts that are taken from the list at once: no more than a second's, so that who pauses or cancels a slow
    /// pass finds few that were taken and not begun.
    pub(super) fn page(&self, most: usize) -> usize {
        let second = self.per_second.map_or(most, |second| usize::try_from(second).unwrap_or(usize::MAX));
        second.clamp(1, most.max(1))
    }

    /// Takes leave for as many contacts as may be begun, where there is room for `room`.
    pub(super) fn ready(&mut self, now: Mono, room: usize) -> Ready {
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        if room == 0 {
            return Ready::Full;
        }
        let count = self.limiter.tokens_available(now, room);
        if count == 0 {
            return Ready::At(self.limiter.ready_at(now) - now);
        }
        // Those were available.
        let _ = self.limiter.take(now, count);
        Ready::Now(count as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Begins as much as it may, asking whenever it is told to; gives the instants.
    fn begun(rate: PassRate, span: u64) -> Vec<u64> {
        let mut pace = Pace::new(rate);
        let (mut now, mut begun) = (0, Vec::new());
        while now < span {
            match pace.ready(Mono(now), 64) {
                Ready::Now(count) => begun.extend(std::iter::repeat_n(now, count)),
                Ready::At(wait) => now += u64::try_from(wait.as_nanos()).unwrap().max(1),
                Ready::Full => panic!("there is room"),
            }
        }
        begun
    }

    #[test]
    fn a_fixed_rate_is_kept_in_the_long_run_and_never_exceeded() {
        for (milli, seconds) in [(500, 100), (1_000, 60), (2_500, 60), (50_000, 10), (3_000_000, 2)] {
            let begun = begun(PassRate::Fixed(milli), seconds * SECOND);
            let expected = milli * seconds / MILLI;
            let most = expected + (milli / MILLI / BURST).max(1);
            let got = begun.len() as u64;
            assert!((expected..=most).contains(&got), "{milli}/1000 a second: {got} in {seconds} s");
            // In no second more than the rate and the burst.
            let allowed = (milli / MILLI + (milli / MILLI / BURST).max(1) + 1) as usize;
            for (place, at) in begun.iter().enumerate() {
                let within = begun[place..].iter().take_while(|later| *later - at < SECOND).count();
                assert!(within <= allowed, "{milli}: {within} in a second");
            }
        }
    }

    #[test]
    fn an_automatic_pace_begins_what_there_is_room_for_and_nothing_else_holds_it() {
        let mut pace = Pace::new(PassRate::Auto);
        assert_eq!(pace.ready(Mono(0), 64), Ready::Now(64));
        assert_eq!(pace.ready(Mono(0), 3), Ready::Now(3));
        assert_eq!(pace.ready(Mono(0), 0), Ready::Full);
        assert_eq!(pace.page(500), 500);
    }

    #[test]
    fn a_fixed_rate_needs_room_as_well() {
        let mut pace = Pace::new(PassRate::Fixed(100_000));
        assert_eq!(pace.ready(Mono(0), 0), Ready::Full);
        assert_eq!(pace.ready(Mono(0), 4), Ready::Now(4));
        assert_eq!(Pace::new(PassRate::Fixed(2_500)).page(500), 2);
        assert_eq!(Pace::new(PassRate::Fixed(1)).page(500), 1);
    }
}
