//! The pace of a link that says what it allows only by refusing: ESME_RTHROTTLED, ESME_RMSGQFUL.
//!
//! As long as it never refuses, nothing slows it down. The first refusal starts a search for the rate it takes:
//! each rate is tried long enough to tell, doubled or lowered until one is known to be good and one bad, and
//! the gap halved. The link then runs just below the best rate, and tries a little more from time to time, in
//! steps that double while they are taken. Answers to what was sent before the pace last fell are one event
//! with the refusal that made it fall. While a limiter refuses everything (its second is used up), single
//! messages ask whether it has opened again.

mod search;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::gcra::{Gcra, Rate};
use crate::time::Mono;
use search::Search;

/// A timer's lateness that pacing makes up for: runtimes wake up by the millisecond, and later under load.
const SLACK: Duration = Duration::from_millis(20);
/// Answers that are not back after this are not waited for.
const LATEST_ANSWER: Duration = Duration::from_secs(5);
/// The pause between messages that ask whether a limiter is open: it doubles up to `GAP_SHORT`, and after
/// `BLOCKED_LONG` up to `GAP_LONG`.
const GAP_SHORT: Duration = Duration::from_millis(100);
const GAP_LONG: Duration = Duration::from_secs(1);
const BLOCKED_LONG: Duration = Duration::from_secs(2);
/// The first pause when the peer's queue is full: it takes longer to make room than a limiter to open.
const GAP_QUEUE_FULL: Duration = Duration::from_millis(250);
/// "Nearing congestion" and "congested" of congestion_state; what is below is load that the peer wants.
const NEARING_CONGESTION: u8 = 90;
const CONGESTED: u8 = 100;
const SECOND_NANOS: u64 = 1_000_000_000;

/// A refusal of everything, since when, and the pause between messages that ask for its end.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    since: Mono,
    gap: Duration,
    ask_at: Mono,
}

/// Messages accepted in this second and the one before, to begin the search with.
#[derive(Clone, Debug, Default)]
struct LastSecond {
    began: Mono,
    accepted: u32,
    before: u32,
}

impl LastSecond {
    fn count(&mut self, now: Mono) {
        let past = now.0.saturating_sub(self.began.0);
        if past >= SECOND_NANOS {
            self.before = if past < 2 * SECOND_NANOS { self.accepted } else { 0 };
            self.began = now;
            self.accepted = 0;
        }
        self.accepted += 1;
    }
}

/// What is known of the rate that is being tried.
#[derive(Clone, Debug)]
struct Trial {
    /// Messages sent before it began; answers to them say nothing of it.
    sent_before: u64,
    began: Mono,
    /// The rate before it, if that was lower: then answers to it still matter.
    risen_from: Option<u64>,
    /// When the first message of it was accepted, and how many were answered by then.
    confirmed: Option<(Mono, u64)>,
}

/// The learning pacer of one link. All sessions of the link share one; rates are of the link.
///
/// Each message sent is to be reported by [`AdaptiveRate::take`], and each answer by one of the `on_` methods.
#[derive(Clone, Debug)]
pub struct AdaptiveRate {
    configured: Gcra,
    pace: Gcra,
    last_second: LastSecond,
    sent: u64,
    answered: u64,
    learned: Option<(Search, Trial)>,
    blocked: Option<Blocked>,
    /// Nothing before this, as the peer has asked.
    held_until: Mono,
    events: u64,
    /// The learned rate does not fall below this, in thousandths of a message a second.
    least: u64,
}

impl AdaptiveRate {
    /// A pacer that keeps the configured rate and burst, if there is one, and has learned nothing.
    #[must_use]
    pub fn new(configured: Option<Rate>, burst: u32) -> Self {
        Self {
            configured: Gcra::new(configured, burst),
            pace: Gcra::new(None, 1).with_slack(SLACK),
            last_second: LastSecond::default(),
            sent: 0,
            answered: 0,
            learned: None,
            blocked: None,
            held_until: Mono(0),
            events: 0,
            least: 0,
        }
    }

    /// Changes the configured rate and burst; what was learned stays.
    pub fn set_configured(&mut self, now: Mono, rate: Option<Rate>, burst: u32) {
        self.configured.set_rate(now, rate, burst);
    }

    /// Sets the rate below which the learned one does not fall, however much is refused.
    pub fn set_slowest(&mut self, now: Mono, slowest: Option<Rate>) {
        let least = milli(slowest).unwrap_or(0);
        if least == self.least {
            return;
        }
        self.least = least;
        if let Some((search, _)) = &mut self.learned {
            let before = search.rate();
            search.set_least(least);
            if search.rate() != before {
                self.begin_trial(now);
            }
        }
    }

    /// Forgets what was learned, as for a new peer.
    pub fn reset(&mut self) {
        *self = Self { configured: self.configured.clone(), least: self.least, ..Self::new(None, 1) };
    }

    /// The rate in force: the lower of the configured and the learned one; `None` when there is neither.
    #[must_use]
    pub fn limit(&self) -> Option<Rate> {
        match (self.configured.rate(), self.pace.rate()) {
            (Some(configured), Some(learned)) if configured.is_below(learned) => Some(configured),
            (configured, learned) => learned.or(configured),
        }
    }

    /// The learned rate, if the link ever refused.
    #[must_use]
    pub fn learned(&self) -> Option<Rate> {
        self.pace.rate()
    }

    /// True when the peer refuses everything at the moment and is only asked for the end of it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// How often the link was found too fast; refusals that belong together count once.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// When the next message may be sent: `now` or later.
    #[must_use]
    pub fn next_send(&self, now: Mono) -> Mono {
        let ready = self.configured.ready_at(now).max(self.pace.ready_at(now)).max(self.held_until);
        self.blocked.map_or(ready, |blocked| ready.max(blocked.ask_at))
    }

    /// How many messages, at most `most`, may be sent now.
    #[must_use]
    pub fn available(&self, now: Mono, most: u32) -> u32 {
        if self.held_until > now {
            return 0;
        }
        let most = match self.blocked {
            Some(blocked) if blocked.ask_at > now => return 0,
            Some(_) => most.min(1),
            None => most,
        };
        let most = self.configured.tokens_available(now, most);
        self.pace.tokens_available(now, most)
    }

    /// Takes leave to send `n` messages, at most [`AdaptiveRate::available`].
    ///
    /// # Errors
    /// When to ask again; nothing is taken then.
    pub fn take(&mut self, now: Mono, n: u32) -> Result<(), Mono> {
        if self.available(now, n) < n {
            // Asked for more than may leave at once: at least a nanosecond later, so that nobody spins.
            return Err(self.next_send(now).max(Mono(now.0 + 1)));
        }
        self.configured.take(now, n)?;
        self.pace.take(now, n)?;
        self.sent += u64::from(n);
        if let Some(blocked) = &mut self.blocked {
            blocked.ask_at = now + blocked.gap;
        }
        Ok(())
    }

    /// Gives back leave for messages that were not sent after all.
    pub fn give_back(&mut self, n: u32) {
        self.configured.give_back(n);
        self.pace.give_back(n);
        self.sent = self.sent.saturating_sub(n.into());
    }

    /// Nothing leaves before `until`, because the peer has said so (Retry-After, RFC 9110 cl. 10.2.3); an earlier
    /// word of it for longer stays in force.
    pub fn hold_until(&mut self, until: Mono) {
        self.held_until = self.held_until.max(until);
    }

    /// The peer took a message.
    pub fn on_accepted(&mut self, now: Mono) {
        self.answered += 1;
        let Some((search, trial)) = &mut self.learned else {
            self.last_second.count(now);
            return;
        };
        if self.answered <= trial.sent_before && now - trial.began < LATEST_ANSWER {
            return;
        }
        let Some((since, answered_before)) = trial.confirmed else {
            self.answered = self.answered.max(trial.sent_before + 1);
            trial.confirmed = Some((now, self.answered));
            if self.blocked.take().is_some() {
                trial.risen_from = None;
            }
            return;
        };
        let lasted = now - since;
        let answers = self.answered - answered_before;
        if lasted < search.trial_time() || answers < search.trial_answers() {
            return;
        }
        // A rate that was not used was not tried; then the trial goes on with a new count.
        let full = u128::from(search.rate()) * lasted.as_nanos() / 1_000_000_000_000;
        if u128::from(answers) * 10 < full * 8 {
            trial.confirmed = Some((now, self.answered));
            return;
        }
        search.pass(milli(self.configured.rate()));
        self.begin_trial(now);
    }

    /// The peer refused a message as too fast (ESME_RTHROTTLED).
    pub fn on_throttled(&mut self, now: Mono) {
        self.on_refused(now, None);
    }

    /// The peer's queue is full (ESME_RMSGQFUL): too fast as well, and nothing more until it takes one.
    pub fn on_queue_full(&mut self, now: Mono) {
        self.on_refused(now, Some(GAP_QUEUE_FULL));
    }

    /// The peer answered a message with another error; it says nothing of the rate.
    pub fn on_other(&mut self) {
        self.answered += 1;
    }

    /// `n` messages get no answer any more: their session ended, or their time is up.
    pub fn on_lost(&mut self, n: u64) {
        self.answered += n;
    }

    /// The peer tells how loaded it is (congestion_state, SMPP 5.0 cl. 4.8.4.18), beside an answer that is
    /// reported by another method.
    ///
    /// From 90 on, nearing congestion, no more is tried; from 100 on the link slows down, at most once for all
    /// answers to what was sent before and once in a second.
    pub fn on_congestion(&mut self, now: Mono, state: u8) {
        if state < NEARING_CONGESTION {
            return;
        }
        let Some((search, trial)) = &mut self.learned else {
            if state >= CONGESTED {
                self.begin_search(now);
            }
            return;
        };
        let settled = trial.confirmed.is_some() && now - trial.began >= Duration::from_secs(1);
        if !settled || (state < CONGESTED && !search.is_rising()) {
            return;
        }
        let rate = search.rate();
        search.fail(rate);
        self.events += 1;
        self.begin_trial(now);
    }

    fn begin_search(&mut self, now: Mono) {
        let accepted = self.last_second.accepted.max(self.last_second.before);
        let search = Search::new(u64::from(accepted) * 1000, self.least);
        self.learned = Some((search, Trial::at(now, self.sent)));
        self.events += 1;
        self.begin_trial(now);
    }

    fn on_refused(&mut self, now: Mono, pause: Option<Duration>) {
        self.answered += 1;
        let Some((search, trial)) = &mut self.learned else {
            self.begin_search(now);
            self.block(now, pause);
            return;
        };
        if self.answered <= trial.sent_before && now - trial.began < LATEST_ANSWER {
            let Some(lower) = trial.risen_from else { return };
            search.fail(lower);
        } else if trial.confirmed.is_none() {
            self.answered = self.answered.max(trial.sent_before);
            self.block(now, Some(pause.unwrap_or_default()));
            return;
        } else {
            let rate = search.rate();
            search.fail(rate);
        }
        self.events += 1;
        self.block(now, pause);
        self.begin_trial(now);
    }

    /// Asks with single messages from now on, or with longer pauses.
    fn block(&mut self, now: Mono, pause: Option<Duration>) {
        let Some(least) = pause else { return };
        let blocked = match self.blocked {
            Some(blocked) => {
                let most = if now - blocked.since < BLOCKED_LONG { GAP_SHORT } else { GAP_LONG };
                Blocked { gap: (blocked.gap * 2).min(most.max(least)), ..blocked }
            }
            None => {
                let interval = self.learned.as_ref().map_or(GAP_SHORT, |(search, _)| search.interval());
                Blocked { since: now, gap: interval.min(GAP_SHORT).max(least), ask_at: now }
            }
        };
        self.blocked = Some(Blocked { ask_at: now + blocked.gap, ..blocked });
    }

    /// Sets the pace to what the search wants to know next.
    fn begin_trial(&mut self, now: Mono) {
        let Some((search, trial)) = &mut self.learned else { return };
        let before = milli(self.pace.rate());
        let rate = search.rate();
        *trial = Trial::at(now, self.sent);
        trial.risen_from = before.filter(|&before| before < rate);
        let period = Duration::from_secs(1000);
        let milli = u32::try_from(rate).unwrap_or(u32::MAX);
        self.pace.set_rate(now, Rate::new(milli, period).ok(), 1);
    }
}

impl Trial {
    fn at(now: Mono, sent: u64) -> Self {
        Self { sent_before: sent, began: now, risen_from: None, confirmed: None }
    }
}

/// Thousandths of a message a second.
fn milli(rate: Option<Rate>) -> Option<u64> {
    rate.map(Rate::per_second_milli)
}
