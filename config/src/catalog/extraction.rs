//! What is taken out of an entry of a participation campaign, and what it must fulfil (CM-04, CM-05, CM-08, CM-12).

use super::participation::RejectCode;
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, Country, Expression, Name, SignedCount, Text};

choices! {
    /// How a field is found in a text.
    pub enum ExtractionKind {
        /// The word at a place.
        Token = "token",
        /// The first group of a regular expression.
        Regex = "regex",
        /// One of several options, by its name or a synonym.
        Enumeration = "enumeration",
        /// A whole number.
        Number = "number",
        /// A date.
        Date = "date",
        /// A code of a batch.
        Code = "code",
        /// What no other rule took.
        Remainder = "remainder",
    }
}

choices! {
    /// What happens when an entry has several choices.
    pub enum SeveralEntries {
        /// The first counts.
        First = "first",
        /// Each counts.
        All = "all",
        /// None counts.
        Reject = "reject",
    }
}

choices! {
    /// The order of the parts of a date.
    pub enum DateOrder {
        /// Day, month, year.
        Dmy = "dmy",
        /// Month, day, year.
        Mdy = "mdy",
        /// Year, month, day.
        Ymd = "ymd",
    }
}

settings! {
    /// How one field is found. Texts are compared without case, accents and punctuation.
    pub struct ExtractionRule agrees {
        /// The field.
        field: Name => "choice",
        /// How it is found.
        kind: ExtractionKind => "enumeration",
        /// The word it is, counted from 1 behind the keyword; the first that fits when it is not set.
        position: Option<Count<1, 100>> => 1,
        /// For `regex`: the expression; its first group is the field.
        pattern: Option<Expression> => "([0-9]{1,2})",
        /// For `enumeration`: the options.
        options: Vec<ChoiceOption>,
        /// For `number`: the smallest.
        min: Option<SignedCount<-1_000_000_000_000, 1_000_000_000_000>> => 1,
        /// For `number`: the largest.
        max: Option<SignedCount<-1_000_000_000_000, 1_000_000_000_000>> => 12,
        /// For `date`: the order of its parts.
        order: DateOrder = "dmy",
        /// For `code`: the batch that it is of.
        batch: Option<Name> => "bottle-caps",
        /// For `code`: its length without spaces and dashes.
        length: Option<Count<1, 64>> => 10,
        /// Without it an entry is BAD_FORMAT.
        required: bool = true,
    }
}

settings! {
    /// Something to choose.
    pub struct ChoiceOption {
        /// What is stored and counted.
        value: Name => "7",
        /// What people call it.
        label: Option<Text<1, 200>> => "Blue Skies",
        /// Other words for it.
        synonyms: Vec<Text<1, 64>> => ["seven", "skies"],
        /// Each entry counts so many times.
        weight: Count<0, 1_000> = 1,
    }
}

choices! {
    /// What an entry must fulfil.
    pub enum RequirementKind {
        /// It comes within the campaign's time.
        Window = "window",
        /// The field is one of these values.
        OneOf = "one_of",
        /// The field matches an expression.
        Format = "format",
        /// The last digit of the field is its check digit (ISO/IEC 7812-1, annex B).
        Checksum = "checksum",
        /// Nobody handed the code in yet.
        CodeUnused = "code_unused",
        /// The participant has not had so many.
        MaxPerParticipant = "max_per_participant",
        /// The campaign has not had so many.
        MaxTotal = "max_total",
        /// The number lies between two bounds.
        Range = "range",
        /// The device is of one of these carriers.
        Carrier = "carrier",
        /// The device is of one of these countries.
        Country = "country",
        /// The field says yes, such as to being of age.
        Consent = "consent",
        /// The date in the field is at least so many years ago.
        Age = "age",
        /// The participant is not barred or opted out.
        NotBarred = "not_barred",
        /// The participant said that messages are welcome, and did not take it back.
        OptedIn = "opted_in",
        /// The participant has an entry in another campaign.
        StepDone = "step_done",
        /// The field was found with at least so much certainty, in percent.
        Confidence = "confidence",
    }
}

choices! {
    /// What a limit is counted over.
    pub enum LimitSpan {
        /// Any 60 minutes.
        Hour = "hour",
        /// A day in the campaign's time zone.
        Day = "day",
        /// The whole campaign.
        Campaign = "campaign",
    }
}

settings! {
    /// One thing that an entry must fulfil.
    pub struct Requirement agrees {
        /// What.
        kind: RequirementKind => "max_per_participant",
        /// The field that it is about.
        field: Option<Name> => "choice",
        /// For `one_of`: the values.
        values: Vec<Text<1, 200>> => ["7"],
        /// For `format`: the expression.
        pattern: Option<Expression> => "^[0-9]+$",
        /// For limits: how many. For `age`: years. For `confidence`: percent.
        limit: Option<Count<0, 1_000_000_000>> => 5,
        /// For `max_per_participant`: what it is counted over.
        per: LimitSpan = "campaign",
        /// For `range`: the smallest.
        min: Option<SignedCount<-1_000_000_000_000, 1_000_000_000_000>> => 1,
        /// For `range`: the largest.
        max: Option<SignedCount<-1_000_000_000_000, 1_000_000_000_000>> => 12,
        /// For `carrier`: the carriers.
        carriers: Vec<Name> => ["example-mobile"],
        /// For `country`: the countries.
        countries: Vec<Country> => ["US"],
        /// For `step_done`: the other campaign.
        step: Option<Name> => "song-2026",
        /// What the entry is rejected with; the usual code of the kind when it is not set.
        reject: Option<RejectCode> => "LIMIT",
    }
}

impl Requirement {
    /// What an entry that does not fulfil it is rejected with.
    pub fn reject(&self) -> RejectCode {
        self.reject.unwrap_or(match self.kind {
            RequirementKind::Window => RejectCode::Closed,
            RequirementKind::OneOf => RejectCode::BadOption,
            RequirementKind::Format
            | RequirementKind::Checksum
            | RequirementKind::Range
            | RequirementKind::Confidence => RejectCode::BadFormat,
            RequirementKind::CodeUnused => RejectCode::CodeUsed,
            RequirementKind::MaxPerParticipant | RequirementKind::MaxTotal => RejectCode::Limit,
            RequirementKind::Carrier
            | RequirementKind::Country
            | RequirementKind::Consent
            | RequirementKind::Age
            | RequirementKind::OptedIn
            | RequirementKind::StepDone => RejectCode::Ineligible,
            RequirementKind::NotBarred => RejectCode::Barred,
        })
    }
}

impl Agreement for ExtractionRule {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        match self.kind {
            ExtractionKind::Regex if self.pattern.is_none() => {
                problems.conflict(at, "kind", "regex needs a pattern");
            }
            ExtractionKind::Enumeration if self.options.is_empty() => {
                problems.conflict(at, "kind", "enumeration needs options");
            }
            ExtractionKind::Code if self.batch.is_none() => {
                problems.conflict(at, "kind", "code needs a batch");
            }
            ExtractionKind::Token
            | ExtractionKind::Regex
            | ExtractionKind::Enumeration
            | ExtractionKind::Number
            | ExtractionKind::Date
            | ExtractionKind::Code
            | ExtractionKind::Remainder => {}
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            problems.conflict(at, "max", format!("must not be below min, which is {}", min.get()));
        }
        let mut seen: Vec<String> = Vec::new();
        for option in &self.options {
            let words = option.synonyms.iter().map(Text::as_str).chain([option.value.as_str()]);
            for word in words.chain(option.label.as_ref().map(Text::as_str)) {
                let folded = signalbox_text::fold(word);
                if seen.contains(&folded) {
                    problems.conflict(
                        at,
                        "options",
                        format!("`{word}` stands for two options or twice for one"),
                    );
                }
                seen.push(folded);
            }
        }
    }
}

impl Agreement for Requirement {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let lacks = match self.kind {
            RequirementKind::Window | RequirementKind::NotBarred | RequirementKind::OptedIn => None,
            RequirementKind::OneOf if self.values.is_empty() => Some("values"),
            RequirementKind::Format if self.pattern.is_none() => Some("a pattern"),
            RequirementKind::MaxPerParticipant
            | RequirementKind::MaxTotal
            | RequirementKind::Age
            | RequirementKind::Confidence
                if self.limit.is_none() =>
            {
                Some("a limit")
            }
            RequirementKind::Range if self.min.is_none() && self.max.is_none() => Some("min, max or both"),
            RequirementKind::Carrier if self.carriers.is_empty() => Some("carriers"),
            RequirementKind::Country if self.countries.is_empty() => Some("countries"),
            RequirementKind::StepDone if self.step.is_none() => Some("a step"),
            RequirementKind::MaxPerParticipant
            | RequirementKind::MaxTotal
            | RequirementKind::Carrier
            | RequirementKind::Country
            | RequirementKind::StepDone => None,
            RequirementKind::OneOf
            | RequirementKind::Format
            | RequirementKind::Checksum
            | RequirementKind::CodeUnused
            | RequirementKind::Range
            | RequirementKind::Consent
            | RequirementKind::Age
            | RequirementKind::Confidence => self.field.is_none().then_some("a field"),
        };
        if let Some(lacks) = lacks {
            problems.conflict(at, "kind", format!("{} needs {lacks}", self.kind));
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            problems.conflict(at, "max", format!("must not be below min, which is {}", min.get()));
        }
    }
}
