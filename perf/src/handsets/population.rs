//! Who writes what, and when.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

use super::QUIET;
use super::options::Behaviour;
use super::typo::typo;
use crate::smsc::add_digits;

/// Different texts that are counted one by one.
const TEXTS: usize = 1_000;
/// Letters of a text that are kept for that.
const SHOWN: usize = 60;

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// The first of the device.
    Begin,
    /// An answer to a text.
    Answer,
    /// STOP.
    Stop,
}

/// A message of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writes {
    /// Its number.
    pub device: String,
    /// The text.
    pub text: String,
    /// What kind of message it is.
    pub said: Said,
}

#[derive(Clone, Copy, Debug, Default)]
struct Device {
    written: u32,
    heard: u32,
    /// It writes an answer already.
    writing: bool,
    stopped: bool,
    /// Texts since it said STOP; the first is the confirmation.
    after_stop: u32,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Devices.
    pub population: u64,
    /// Those that have written.
    pub begun: u64,
    /// Messages of devices, of all kinds.
    pub written: u64,
    /// Of these, answers to texts.
    pub answers: u64,
    /// Of these, with a typo.
    pub typos: u64,
    /// Devices that said STOP.
    pub stopped: u64,
    /// Texts that came to devices.
    pub heard: u64,
    /// Devices that have a text.
    pub reached: u64,
    /// Texts to devices that had said STOP, beyond the one that confirms it: there should be none.
    pub after_stop: u64,
    /// Texts to numbers that are nobody's here.
    pub strays: u64,
    /// The texts that came most often.
    pub texts: Vec<(String, u64)>,
}

/// A population. The same options, and texts at the same times, lead to the same messages.
#[derive(Debug)]
pub struct Population {
    behaviour: Behaviour,
    random: SmallRng,
    devices: Vec<Device>,
    due: BinaryHeap<Reverse<(Duration, u64, Said)>>,
    texts: BTreeMap<String, u64>,
    counted: Summary,
    /// When something happened last.
    last: Duration,
}

impl Population {
    /// A population that has not begun.
    #[must_use]
    pub fn new(behaviour: Behaviour) -> Self {
        let mut random = SmallRng::seed_from_u64(behaviour.seed);
        let count = behaviour.population;
        let begin = |device| Reverse((behaviour.over.mul_f64(random.random()), device, Said::Begin));
        let due =
            if behaviour.begins.is_empty() { BinaryHeap::new() } else { (0..count).map(begin).collect() };
        Self {
            devices: (0..count).map(|_| Device::default()).collect(),
            counted: Summary { population: count, ..Summary::default() },
            texts: BTreeMap::new(),
            last: Duration::ZERO,
            behaviour,
            random,
            due,
        }
    }

    /// When a device writes next.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let next = self.due.peek().map(|Reverse((due, _, _))| *due);
        // What it waits for then is that nothing comes.
        next.or_else(|| Some(self.last.saturating_add(QUIET)))
    }

    /// True when nobody is about to write, and nothing has happened for a while.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.due.is_empty() && self.counted.written > 0 && self.last == Duration::MAX
    }

    /// What is written up to an instant, in its order.
    pub fn due(&mut self, now: Duration) -> Vec<Writes> {
        if self.due.is_empty() && now >= self.last.saturating_add(QUIET) {
            self.last = Duration::MAX;
            return Vec::new();
        }
        let mut all = Vec::new();
        while let Some(Reverse((due, number, said))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            all.extend(self.write(number, said));
            self.last = now;
        }
        all
    }

    fn write(&mut self, number: u64, said: Said) -> Option<Writes> {
        let device = self.devices.get_mut(number as usize)?;
        device.writing = false;
        if device.stopped {
            return None;
        }
        self.counted.begun += u64::from(device.written == 0);
        device.written += 1;
        self.counted.written += 1;
        let text = match said {
            Said::Begin => pick(&self.behaviour.begins, &mut self.random),
            Said::Answer => {
                self.counted.answers += 1;
                pick(&self.behaviour.answers, &mut self.random)
            }
            Said::Stop => {
                device.stopped = true;
                self.counted.stopped += 1;
                "STOP".to_owned()
            }
        };
        let wrong = said != Said::Stop && percent(self.behaviour.typos, &mut self.random);
        let text = if wrong {
            self.counted.typos += 1;
            typo(&text, &mut self.random)
        } else {
            text
        };
        Some(Writes { device: number_of(&self.behaviour, number), text, said })
    }

    /// A device got a text.
    pub fn heard(&mut self, now: Duration, device: &str, text: &str) {
        if self.last != Duration::MAX {
            self.last = self.last.max(now);
        }
        let Some(number) = self.place_of(device) else {
            self.counted.strays += 1;
            return;
        };
        self.count_text(text);
        let known = &mut self.devices[number as usize];
        self.counted.heard += 1;
        self.counted.reached += u64::from(known.heard == 0);
        known.heard += 1;
        if known.stopped {
            known.after_stop += 1;
            self.counted.after_stop += u64::from(known.after_stop > 1);
            return;
        }
        let silent =
            known.writing || known.written >= self.behaviour.messages || self.behaviour.answers.is_empty();
        if silent || !percent(self.behaviour.answered, &mut self.random) {
            return;
        }
        known.writing = true;
        let said = if percent(self.behaviour.stops, &mut self.random) { Said::Stop } else { Said::Answer };
        let due = now + self.behaviour.delay.draw(&mut self.random);
        self.due.push(Reverse((due, number, said)));
    }

    /// What happened so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut texts: Vec<(String, u64)> =
            self.texts.iter().map(|(text, count)| (text.clone(), *count)).collect();
        texts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        texts.truncate(10);
        Summary { texts, ..self.counted.clone() }
    }

    fn count_text(&mut self, text: &str) {
        let text: String = text.chars().take(SHOWN).collect();
        if self.texts.len() < TEXTS || self.texts.contains_key(&text) {
            *self.texts.entry(text).or_default() += 1;
        }
    }

    /// Which device a number is.
    fn place_of(&self, device: &str) -> Option<u64> {
        let number: u64 = device.trim_start_matches('+').parse().ok()?;
        let first: u64 = self.behaviour.first_number.parse().ok()?;
        number.checked_sub(first).filter(|place| *place < self.behaviour.population)
    }
}

fn number_of(behaviour: &Behaviour, place: u64) -> String {
    let mut digits = behaviour.first_number.clone().into_bytes();
    add_digits(&mut digits, place);
    String::from_utf8_lossy(&digits).into_owned()
}

fn pick(of: &[String], random: &mut SmallRng) -> String {
    if of.is_empty() { String::new() } else { of[random.random_range(0..of.len())].clone() }
}

fn percent(percent: f64, random: &mut SmallRng) -> bool {
    percent > 0.0 && random.random::<f64>() * 100.0 < percent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delay::Delay;

    fn behaviour() -> Behaviour {
        Behaviour {
            population: 500,
            over: Duration::from_secs(10),
            delay: Delay::Between(Duration::from_secs(1), Duration::from_secs(3)),
            begins: vec!["song 7".to_owned(), "song 8".to_owned()],
            answers: vec!["yes".to_owned()],
            answered: 50.0,
            typos: 10.0,
            stops: 20.0,
            messages: 4,
            ..Behaviour::default()
        }
    }

    /// Plays it against a node that answers each message after a second.
    fn played(behaviour: Behaviour) -> (Vec<Writes>, Summary) {
        let mut population = Population::new(behaviour);
        let mut written = Vec::new();
        let mut answers: Vec<(Duration, String)> = Vec::new();
        for tenth in 0..1_000u64 {
            let now = Duration::from_millis(tenth * 100);
            let (due, later): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(at, _)| *at <= now);
            answers = later;
            for (_, device) in due {
                population.heard(now, &device, "Thank you.");
            }
            for writes in population.due(now) {
                answers.push((now + Duration::from_secs(1), writes.device.clone()));
                written.push(writes);
            }
        }
        assert!(population.is_done(), "nobody writes any more");
        let summary = population.summary();
        (written, summary)
    }

    #[test]
    fn everybody_begins_some_answer_some_err_and_who_stops_is_silent() {
        let (written, summary) = played(behaviour());
        assert_eq!((summary.begun, summary.reached, summary.after_stop, summary.strays), (500, 500, 0, 0));
        assert_eq!(summary.written, written.len() as u64);
        assert!((150..900).contains(&summary.answers), "{summary:?}");
        assert!((30..150).contains(&summary.typos), "{summary:?}");
        assert!((20..150).contains(&summary.stopped), "{summary:?}");
        assert_eq!(summary.texts, [("Thank you.".to_owned(), summary.heard)]);
        for stop in written.iter().filter(|writes| writes.said == Said::Stop) {
            let last = written.iter().rfind(|writes| writes.device == stop.device);
            assert_eq!(last, Some(stop), "nothing is written after STOP");
        }
        let most = written.iter().filter(|writes| writes.device == "12025550007").count();
        assert!((1..=4).contains(&most), "{most} messages");
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(played(behaviour()), played(behaviour()));
        assert_ne!(played(behaviour()).0, played(Behaviour { seed: 2, ..behaviour() }).0);
    }

    #[test]
    fn texts_after_a_stop_and_to_strangers_are_noticed() {
        let mut population =
            Population::new(Behaviour { population: 1, stops: 100.0, answered: 100.0, ..behaviour() });
        population.due(Duration::from_secs(10));
        let device = "12025550000";
        population.heard(Duration::from_secs(11), device, "hello");
        assert_eq!(population.due(Duration::from_secs(20))[0].text, "STOP");
        population.heard(Duration::from_secs(21), device, "You get no more texts.");
        assert_eq!(population.summary().after_stop, 0);
        population.heard(Duration::from_secs(22), device, "One more thing!");
        population.heard(Duration::from_secs(22), "12025550001", "Who is this?");
        assert_eq!((population.summary().after_stop, population.summary().strays), (1, 1));
    }
}
