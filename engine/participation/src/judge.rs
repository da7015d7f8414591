//! What was taken out of an entry against what the campaign requires (CM-05, CM-08, CM-12, CM-14).

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use sha2::{Digest, Sha256};

use crate::entry::{EntryId, Participant, RawEntry};
use crate::extract::{Extracted, has_check_digit, read_iso};
use crate::ledger::{CodeState, Ledger};
use crate::rules::{Check, Prize, Rules, Span};
use crate::state::State;
use crate::verdict::{NoReply, RejectCode, Reply};

/// What is known of a participant outside the campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Barred, or opted out.
    pub barred: bool,
    /// Said that messages are welcome, and did not take it back.
    pub opted_in: bool,
    /// The country of the number, ISO 3166-1 in capitals; read from the number when it is not known.
    pub country: Option<String>,
    /// Other campaigns in which the participant has a submission.
    pub steps: Vec<String>,
    /// A tester of the campaign: nothing of it counts (MQ-10).
    pub tester: bool,
}

/// What is stored of a vote that complies (CM-06).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The entry that it came with.
    pub entry: EntryId,
    /// Which one of the entry's votes, from 0.
    pub seq: u32,
    /// Whose it is.
    pub participant: Participant,
    /// When the entry was received.
    pub received_at: Timestamp,
    /// What was taken out.
    pub extracted: Extracted,
    /// How many times it counts.
    pub weight: u64,
    /// The codes that it uses: batch and code.
    pub codes: Vec<(String, String)>,
    /// The prize that it wins.
    pub prize: Option<String>,
}

impl Rules {
    /// Judges one vote and, when it complies, accepts it into the ledger. Requirements are asked in their order; the
    /// first that it does not fulfil decides.
    ///
    /// # Errors
    /// When the ledger fails: nothing is decided then.
    pub fn judge<L: Ledger>(
        &self,
        entry: &RawEntry,
        extracted: &Extracted,
        seq: u32,
        facts: &Facts,
        ledger: &mut L,
    ) -> Result<Result<Submission, RejectCode>, L::Error> {
        let participant = entry.participant();
        let mut codes = Vec::new();
        for requirement in &self.requirements {
            let asked = Asked { rules: self, entry, participant: &participant, extracted, facts };
            if let Some(code) = asked.fails(&requirement.check, requirement.reject, ledger, &mut codes)? {
                return Ok(Err(code));
            }
        }
        if let Some(prepaid) = self.prepaid
            && i64::from(prepaid) + ledger.votes_left(&participant)? < 1
        {
            return Ok(Err(RejectCode::Limit));
        }
        let submission = Submission {
            entry: entry.id,
            seq,
            prize: self.prize(entry.id, seq, ledger)?,
            participant,
            received_at: entry.received_at,
            weight: extracted.weight(),
            extracted: extracted.clone(),
            codes,
        };
        ledger.accept(&submission)?;
        Ok(Ok(submission))
    }

    /// Why no entry of this time counts, whatever is in it: the state and the window. It is asked before anything is
    /// taken out of the text.
    #[must_use]
    pub fn refusal(&self, entry: &RawEntry) -> Option<RejectCode> {
        let own = self.requirements.iter().find(|requirement| matches!(requirement.check, Check::Window));
        // The usual code of a window is CLOSED; one that was chosen is another.
        let or_own =
            |code| own.map(|own| own.reject).filter(|own| *own != RejectCode::Closed).unwrap_or(code);
        match self.state {
            State::Draft | State::Ready | State::Suspended => return Some(RejectCode::NotOpen),
            State::Closed | State::Tallied | State::Archived => return Some(RejectCode::Closed),
            State::Open => {}
        }
        let judged_at = entry.judged_at();
        if self.open.is_some_and(|open| judged_at < open) {
            return Some(or_own(RejectCode::NotOpen));
        }
        let close = self.close?;
        let latest = close.checked_add(self.grace).unwrap_or(Timestamp::MAX);
        (judged_at >= close || entry.received_at >= latest).then(|| or_own(RejectCode::Closed))
    }

    fn prize<L: Ledger>(&self, entry: EntryId, seq: u32, ledger: &mut L) -> Result<Option<String>, L::Error> {
        for prize in &self.prizes {
            if self.is_lucky(prize, entry, seq) && ledger.winners(&prize.name)? < prize.count {
                return Ok(Some(prize.name.clone()));
            }
        }
        Ok(None)
    }

    /// The first eight octets of SHA-256 over seed, prize, entry and number of the vote are a multiple of `one_in`.
    fn is_lucky(&self, prize: &Prize, entry: EntryId, seq: u32) -> bool {
        let mut hash = Sha256::new();
        for part in [self.prize_seed.as_bytes(), prize.name.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(entry.0.to_be_bytes());
        hash.update(seq.to_be_bytes());
        let first =
            hash.finalize().iter().take(8).fold(0u64, |number, octet| number << 8 | u64::from(*octet));
        first.is_multiple_of(prize.one_in)
    }

    /// What is answered to an entry that counts.
    #[must_use]
    pub fn thanks(&self, extracted: Option<&Extracted>, prize: Option<&str>, facts: &Facts) -> Reply {
        let responses = &self.responses;
        if facts.barred {
            return Reply::None(NoReply::Barred);
        }
        if !responses.enabled {
            return Reply::None(NoReply::Disabled);
        }
        let template = match prize {
            Some(_) => responses.won.as_ref().or(responses.accepted.as_ref()),
            None => responses.accepted.as_ref(),
        };
        let Some(template) = template else { return Reply::None(NoReply::NoText) };
        Reply::Text(template.fill(|field| match field {
            "prize" => prize,
            field => extracted.and_then(|extracted| extracted.value(field)),
        }))
    }

    /// What is answered to an entry that does not count; `told` is how often the participant was answered so within
    /// the hour before it.
    #[must_use]
    pub fn regret(&self, code: RejectCode, extracted: Option<&Extracted>, told: u64, facts: &Facts) -> Reply {
        let responses = &self.responses;
        if facts.barred || code == RejectCode::Barred {
            return Reply::None(NoReply::Barred);
        }
        if !responses.enabled {
            return Reply::None(NoReply::Disabled);
        }
        // Not enabled: it does not take entries, or the participant has not done what must come first (CM-15).
        let not_enabled = match code {
            RejectCode::NotOpen | RejectCode::Closed | RejectCode::Ineligible => {
                responses.not_enabled.as_ref()
            }
            RejectCode::NoCampaign
            | RejectCode::BadFormat
            | RejectCode::BadOption
            | RejectCode::Duplicate
            | RejectCode::Limit
            | RejectCode::CodeUnknown
            | RejectCode::CodeUsed
            | RejectCode::Barred => None,
        };
        let Some(template) = responses.rejected.get(&code).or(not_enabled) else {
            return Reply::None(NoReply::NoText);
        };
        if told >= responses.rejected_per_hour {
            return Reply::None(NoReply::TooMany);
        }
        Reply::Text(template.fill(|field| extracted.and_then(|extracted| extracted.value(field))))
    }
}

struct Asked<'a> {
    rules: &'a Rules,
    entry: &'a RawEntry,
    participant: &'a Participant,
    extracted: &'a Extracted,
    facts: &'a Facts,
}

impl Asked<'_> {
    /// The code of a requirement that is not fulfilled.
    fn fails<L: Ledger>(
        &self,
        check: &Check,
        reject: RejectCode,
        ledger: &mut L,
        codes: &mut Vec<(String, String)>,
    ) -> Result<Option<RejectCode>, L::Error> {
        let value = |field: &str| self.extracted.value(field);
        let holds = match check {
            // Asked before: see `refusal`.
            Check::Window => true,
            Check::OneOf { field, values } => {
                value(field).is_none_or(|value| values.contains(&signalbox_text::fold(value)))
            }
            Check::Format { field, pattern } => value(field).is_none_or(|value| pattern.is_match(value)),
            Check::Checksum { field } => value(field).is_none_or(has_check_digit),
            Check::CodeUnused { field, batch } => {
                let Some(code) = value(field) else { return Ok(Some(RejectCode::BadFormat)) };
                match ledger.code(batch, code)? {
                    CodeState::Unknown => return Ok(Some(RejectCode::CodeUnknown)),
                    CodeState::Used(_) => false,
                    CodeState::Unused => {
                        codes.push((batch.clone(), code.to_owned()));
                        true
                    }
                }
            }
            Check::MaxPerParticipant { limit, per } => {
                ledger.of_participant(self.participant, self.since(*per), *limit)? < *limit
            }
            Check::MaxTotal { limit } => ledger.total()? < *limit,
            Check::Range { field, min, max } => {
                let number =
                    |value: &str| value.parse::<i64>().is_ok_and(|value| (*min..=*max).contains(&value));
                value(field).is_none_or(number)
            }
            Check::Carrier(carriers) => {
                self.entry.carrier.as_ref().is_some_and(|carrier| carriers.contains(carrier))
            }
            Check::Country(countries) => self.country().is_some_and(|country| countries.contains(&country)),
            Check::Consent { field } => value(field).is_some_and(is_yes),
            Check::Age { field, years } => {
                let born = value(field).and_then(read_iso);
                born.is_some_and(|born| self.is_of_age(born, *years))
            }
            Check::NotBarred => !self.facts.barred,
            Check::OptedIn => self.facts.opted_in && !self.facts.barred,
            Check::StepDone(step) => self.facts.steps.contains(step),
            Check::Confidence { field, percent } => {
                self.extracted.field(field).is_none_or(|field| field.confidence >= *percent)
            }
        };
        Ok((!holds).then_some(reject))
    }

    /// Where the count of a limit begins.
    fn since(&self, per: Span) -> Option<Timestamp> {
        let received_at = self.entry.received_at;
        match per {
            Span::Campaign => None,
            // One that is an hour old to the microsecond does not count any more.
            Span::Hour => {
                received_at.checked_sub(1.hour()).and_then(|since| since.checked_add(1.microsecond())).ok()
            }
            Span::Day => {
                let here = received_at.to_zoned(self.rules.time_zone.clone());
                here.start_of_day().ok().map(|start| start.timestamp())
            }
        }
    }

    fn country(&self) -> Option<String> {
        let from_number = || {
            let number = signalbox_text::E164::from_digits(self.participant.as_str().as_bytes()).ok()?;
            signalbox_text::phone::region_of(number).map(|region| region.as_str().to_owned())
        };
        self.facts.country.clone().or_else(from_number)
    }

    fn is_of_age(&self, born: Date, years: u16) -> bool {
        let today = self.entry.judged_at().to_zoned(self.rules.time_zone.clone()).date();
        born.checked_add(i64::from(years).years()).is_ok_and(|of_age| of_age <= today)
    }
}

/// Yes in the words of the languages that campaigns are run in; other words are options' synonyms, with the value
/// `yes`.
fn is_yes(value: &str) -> bool {
    let folded = signalbox_text::fold(value);
    matches!(
        folded.as_str(),
        "yes" | "y" | "true" | "1" | "ok" | "ja" | "oui" | "si" | "sim" | "tak" | "evet" | "да"
    )
}
