//! Participation campaigns: where entries come in, what is taken out of them, what they must fulfil (CM-01 to CM-16).

use std::collections::BTreeMap;

use super::extraction::{ExtractionRule, Requirement, SeveralEntries};
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::tree::Tree;
use crate::value::{Count, Country, FieldText, KeywordText, Language, Name, Period, Prose, Text, TimeZone};

choices! {
    /// What people take part in.
    pub enum ParticipationKind {
        /// They choose.
        Vote = "vote",
        /// They tell.
        Survey = "survey",
        /// They compete.
        Contest = "contest",
        /// They may be drawn.
        Sweepstakes = "sweepstakes",
        /// They enrol.
        Registration = "registration",
        /// They hand in codes.
        CodeRedemption = "code_redemption",
    }
}

choices! {
    /// Where a participation campaign is in its life.
    pub enum ParticipationState {
        /// It is being made.
        Draft = "draft",
        /// It waits for its time.
        Ready = "ready",
        /// It takes entries.
        Open = "open",
        /// It takes none for a while.
        Suspended = "suspended",
        /// It takes none any more.
        Closed = "closed",
        /// Its result is fixed.
        Tallied = "tallied",
        /// It is kept for the record.
        Archived = "archived",
    }
}

choices! {
    /// A way that entries come in.
    pub enum EntryChannel {
        /// A message to a source address (CM-02).
        Sms = "sms",
        /// A form.
        Web = "web",
        /// The API.
        Http = "http",
        /// Keys of a telephone.
        Ivr = "ivr",
        /// Mail.
        Email = "email",
        /// The caption of a multimedia message.
        Mms = "mms",
    }
}

choices! {
    /// Why an entry does not count.
    pub enum RejectCode {
        /// The campaign has not begun.
        NotOpen = "NOT_OPEN",
        /// It is over.
        Closed = "CLOSED",
        /// There is none for this address and keyword.
        NoCampaign = "NO_CAMPAIGN",
        /// What was looked for is not in it.
        BadFormat = "BAD_FORMAT",
        /// It names something that cannot be chosen.
        BadOption = "BAD_OPTION",
        /// It was there already.
        Duplicate = "DUPLICATE",
        /// The participant or the campaign has enough.
        Limit = "LIMIT",
        /// There is no such code.
        CodeUnknown = "CODE_UNKNOWN",
        /// Somebody handed the code in already.
        CodeUsed = "CODE_USED",
        /// The participant may not take part.
        Ineligible = "INELIGIBLE",
        /// The participant is barred.
        Barred = "BARRED",
    }
}

settings! {
    /// A campaign that people take part in.
    pub struct Participation agrees {
        /// Name in the API, in CDRs and of its results.
        name: Name => "song-2026",
        /// The account whose it is.
        account: Name => "demo",
        /// What people take part in.
        kind: ParticipationKind => "vote",
        /// What it is.
        description: Prose<0, 4000> = "",
        /// Where it is in its life.
        state: ParticipationState = "draft",
        /// Where entries come in (CM-10).
        entry_points: Vec<EntryPoint>,
        /// From when on entries count.
        open: Option<jiff::Timestamp> => "2026-05-01T18:00:00Z",
        /// Up to when.
        close: Option<jiff::Timestamp> => "2026-05-01T20:00:00Z",
        /// Time zone of its days and hours.
        time_zone: TimeZone = "UTC",
        /// An entry that comes late counts so long after the end when the time of its SMSC is before it.
        grace: Period = "120s",
        /// What is taken out of an entry (CM-04, CM-08).
        extraction: Vec<ExtractionRule>,
        /// What happens when an entry has several choices.
        several: SeveralEntries = "first",
        /// What an entry must fulfil, asked in this order; the first that it does not decides (CM-05).
        requirements: Vec<Requirement>,
        /// What people are answered (CM-11).
        responses: Responses,
        /// The program that answers belong to; the first of the source address that an entry came to when it is not
        /// set.
        program: Option<Name> => "song",
        /// Name of the database that holds its submissions (CM-07); its own name when it is not set.
        database: Option<Name> => "song-2026",
        /// Keeps the raw text beside the entry; else only what was taken out of it stays (CM-06).
        keep_raw: bool = false,
        /// Raw and rejected entries, and personal data of submissions, are removed so long after the end.
        retention: Period = "90d",
        /// Words that are no entries when they are all that is written behind the keyword (CM-15).
        words: Vec<ParticipationWord>,
        /// Texts of the public form; without them there is none (CM-02).
        form: Option<EntryForm>,
        /// Votes that a participant has before each entry takes one away, and none is taken at 0 (CM-14); entries
        /// are free when it is not set.
        prepaid: Option<Count<0, 1_000_000>> => 3,
    }
}

settings! {
    /// Where entries come in.
    pub struct EntryPoint agrees {
        /// The way.
        channel: EntryChannel = "sms",
        /// The source address, for messages.
        source_address: Option<Name> => "us-70650",
        /// The words that an entry begins with; without them the whole address is this campaign's.
        keyword: Option<KeywordText> => "song",
    }
}

choices! {
    /// What a word of a participation campaign does.
    pub enum WordAction {
        /// It is answered, such as `info`, `about`, `price` and `help`.
        Answer = "answer",
        /// It says that messages are welcome, such as `start` and `subscribe`.
        OptIn = "opt_in",
        /// It says that they are not, such as `stop` and `unsubscribe`.
        OptOut = "opt_out",
    }
}

settings! {
    /// A word that is no entry.
    pub struct ParticipationWord {
        /// The word. With the keyword `song` of an entry point, `info` is what SONG INFO says; where an entry point has no
        /// keyword it is the whole message.
        word: KeywordText => "price",
        /// What it does.
        does: WordAction = "answer",
        /// What is answered; nothing when it is not set, and for an opt-out what the program says to it.
        reply: Option<FieldText<1600>> => "A vote costs what a text costs.",
    }
}

settings! {
    /// The public form of a participation campaign: a page of the listener `participation.forms`.
    pub struct EntryForm {
        /// Language of its texts.
        language: Language = "en",
        /// Its heading.
        title: Text<1, 200> => "Song of the year",
        /// What stands below the heading.
        intro: Prose<0, 4000> = "",
        /// What asks for the number, which is who takes part.
        number: Text<1, 200> = "Your mobile number",
        /// Country of numbers that are written without one.
        country: Option<Country> => "GB",
        /// What asks for the entry.
        entry: Text<1, 200> = "Your entry",
        /// What sends it.
        send: Text<1, 100> = "Send",
        /// What is said when it was received, and nothing else is to be said.
        received: Prose<1, 4000> = "Thank you. We have received it.",
        /// What is said to a number that is none.
        wrong_number: Prose<1, 4000> = "This is no number.",
        /// What is said to an entry that is empty or too long.
        wrong_entry: Prose<1, 4000> = "Please write what you want to send.",
        /// What is said to who comes too often, and while no more entries can be received.
        later: Prose<1, 4000> = "Please try again in a minute.",
    }
}

settings! {
    /// Answers to participants.
    pub struct Responses {
        /// False answers nobody.
        enabled: bool = true,
        /// Answers an entry that counts.
        accepted: Option<FieldText<1600>> => "Thank you! Your vote for {choice} counts.",
        /// Answers entries that do not, by their code; what has no text is not answered, and who is barred never.
        rejected: BTreeMap<RejectCode, FieldText<1600>> => Tree::table([
            ("BAD_OPTION", "Please send SONG and a number from 1 to 12.".into()),
        ]),
        /// Answers entries while the campaign is not open, and those of who may not take part yet, where their code has
        /// no text (CM-15).
        not_enabled: Option<FieldText<1600>> => "SONG is not open. Send SONG START to be told when it is.",
        /// Answers to entries that do not count, of one participant in an hour.
        rejected_per_hour: Count<0, 1_000> = 3,
    }
}

impl Agreement for Participation {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if let (Some(open), Some(close)) = (self.open, self.close)
            && open >= close
        {
            problems.conflict(at, "close", format!("must be after open, which is {open}"));
        }
        let takes = match self.state {
            ParticipationState::Ready | ParticipationState::Open | ParticipationState::Suspended => true,
            ParticipationState::Draft
            | ParticipationState::Closed
            | ParticipationState::Tallied
            | ParticipationState::Archived => false,
        };
        if takes && self.entry_points.is_empty() {
            problems.conflict(at, "entry_points", "must name at least one");
        }
        let fields: Vec<&str> = self.extraction.iter().map(|rule| rule.field.as_str()).collect();
        for (index, field) in fields.iter().enumerate() {
            if fields[..index].contains(field) {
                problems.conflict(at, "extraction", format!("the field `{field}` is there twice"));
            }
        }
        let asked = self.requirements.iter().filter_map(|requirement| requirement.field.as_ref());
        for field in asked.filter(|field| !fields.contains(&field.as_str())) {
            problems.conflict(at, "requirements", format!("no rule of extraction gives the field `{field}`"));
        }
    }
}

impl Agreement for EntryPoint {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let by_message = match self.channel {
            EntryChannel::Sms | EntryChannel::Mms => true,
            EntryChannel::Web | EntryChannel::Http | EntryChannel::Ivr | EntryChannel::Email => false,
        };
        if by_message && self.source_address.is_none() {
            problems.conflict(at, "source_address", format!("is needed for {}", self.channel));
        }
    }
}
