//! What people write to end messages, to begin them again, or to ask who writes (OPT-02).

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

mod fold;
#[cfg(test)]
mod tests;

pub use fold::bare;

/// A message longer than so many words is not searched for opt-outs any more than that far: whoever writes pages says
/// what he wants at their beginning.
const MAX_WORDS: usize = 200;

/// The words of one language, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageWords {
    /// ISO 639-1.
    pub code: String,
    /// Words that end messages when they are all that is written.
    #[serde(default)]
    pub opt_out: Vec<String>,
    /// Words that, before the name of what somebody gets, probably mean that he wants no more of it.
    #[serde(default)]
    pub opt_out_of: Vec<String>,
    /// Phrases that, wherever they stand, probably mean it.
    #[serde(default)]
    pub likely: Vec<String>,
    /// Words before a likely phrase that turn it round.
    #[serde(default)]
    pub negations: Vec<String>,
    /// Words that may stand beside an opt-out word; it is then likely.
    #[serde(default)]
    pub polite: Vec<String>,
    /// Words that ask for help.
    #[serde(default)]
    pub help: Vec<String>,
    /// Words that end a suppression.
    #[serde(default)]
    pub opt_in: Vec<String>,
    /// Words that do so only where nothing else waits for an answer.
    #[serde(default)]
    pub opt_in_idle: Vec<String>,
    /// What means none of these when it is all that is written, although it looks so.
    #[serde(default)]
    pub none: Vec<String>,
}

/// Words of several languages, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordsSpec {
    /// Goes up with each change; decisions name it.
    pub version: u32,
    /// The languages.
    #[serde(rename = "language", default)]
    pub languages: Vec<LanguageWords>,
}

impl WordsSpec {
    /// The words shipped with the program, to be changed and added to.
    ///
    /// # Errors
    /// Never, as the tests show; the data is read like any other.
    pub fn shipped() -> Result<Self, WordsError> {
        Self::read(include_str!("../data/words.toml"))
    }

    fn read(toml: &str) -> Result<Self, WordsError> {
        toml::from_str(toml).map_err(|error| WordsError::Unreadable(error.to_string()))
    }
}

/// Why words are not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// The data is not readable.
    #[error("words cannot be read: {0}")]
    Unreadable(String),
    /// Nothing is left of a word once it is folded.
    #[error("language {language}: {field} has an entry of no letters or digits: {word:?}")]
    Empty {
        /// The language.
        language: String,
        /// Which list.
        field: &'static str,
        /// The entry.
        word: String,
    },
    /// A word is in two lists that exclude each other.
    #[error("{word:?} is an opt-out word and, in language {language}, one of {field}")]
    Ambiguous {
        /// The language of the second list.
        language: String,
        /// The second list.
        field: &'static str,
        /// The word, folded.
        word: String,
    },
}

/// How sure an opt-out is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Probably meant: marketing stops, and a person reads it.
    Likely,
    /// The whole message is an opt-out word: act.
    Certain,
}

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// No more messages.
    OptOut(Certainty),
    /// Help.
    Help,
    /// Messages again.
    OptIn,
    /// None of these.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    OptOut,
    Help,
    OptIn,
    OptInIdle,
    Nothing,
}

/// Words, ready to be asked.
#[derive(Clone, Debug)]
pub struct Words {
    version: u32,
    whole: FxHashMap<String, Whole>,
    polite: BTreeSet<String>,
    /// Each with a space behind it.
    opt_out_of: BTreeSet<String>,
    likely: Vec<String>,
    negations: Vec<String>,
}

impl Words {
    /// The words shipped with the program: English, Spanish, French, German, Portuguese, Hindi.
    ///
    /// # Errors
    /// Never, as the tests show; the data is read like any other.
    pub fn shipped() -> Result<Self, WordsError> {
        Self::new(&WordsSpec::shipped()?)
    }

    /// Reads words from TOML.
    ///
    /// # Errors
    /// [`WordsError`] with what is wrong and where.
    pub fn read(toml: &str) -> Result<Self, WordsError> {
        Self::new(&WordsSpec::read(toml)?)
    }

    /// Words from data.
    ///
    /// # Errors
    /// [`WordsError`] with what is wrong and where.
    pub fn new(spec: &WordsSpec) -> Result<Self, WordsError> {
        let mut words = Self {
            version: spec.version,
            whole: FxHashMap::default(),
            polite: BTreeSet::new(),
            opt_out_of: BTreeSet::new(),
            likely: Vec::new(),
            negations: Vec::new(),
        };
        // Opt-out words of any language first: no other list may take them.
        for of in &spec.languages {
            for word in bared(of, "opt_out", &of.opt_out)? {
                words.whole.insert(word, Whole::OptOut);
            }
        }
        for of in &spec.languages {
            words.add(of, "none", &of.none, Whole::Nothing)?;
        }
        for of in &spec.languages {
            words.add(of, "help", &of.help, Whole::Help)?;
            words.add(of, "opt_in", &of.opt_in, Whole::OptIn)?;
            words.add(of, "opt_in_idle", &of.opt_in_idle, Whole::OptInIdle)?;
            words.polite.extend(bared(of, "polite", &of.polite)?);
            let before_names = bared(of, "opt_out_of", &of.opt_out_of)?;
            words.opt_out_of.extend(before_names.into_iter().map(|word| format!("{word} ")));
            words
                .likely
                .extend(bared(of, "likely", &of.likely)?.into_iter().map(|phrase| format!(" {phrase} ")));
            let negations = bared(of, "negations", &of.negations)?;
            words.negations.extend(negations.into_iter().map(|word| format!(" {word}")));
        }
        Ok(words)
    }

    fn add(
        &mut self,
        of: &LanguageWords,
        field: &'static str,
        list: &[String],
        class: Whole,
    ) -> Result<(), WordsError> {
        for word in bared(of, field, list)? {
            match self.whole.get(&word) {
                Some(Whole::OptOut) => {
                    return Err(WordsError::Ambiguous { language: of.code.clone(), field, word });
                }
                // The same word in two languages: the surer reading holds.
                Some(Whole::Help | Whole::OptIn) => {}
                Some(Whole::OptInIdle | Whole::Nothing) | None => {
                    self.whole.insert(word, class);
                }
            }
        }
        Ok(())
    }

    /// The version of the data.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What a message asks for. `waiting`: a question of ours is open, so that «yes» answers that.
    ///
    /// | class | when |
    /// |---|---|
    /// | certain | the whole message is an opt-out word (punctuation apart), once or repeated |
    /// | likely | beside opt-out words only polite ones; or a likely phrase, not negated |
    /// | nothing | an opt-out word inside a sentence about something else |
    #[must_use]
    pub fn classify(&self, text: &str, waiting: bool) -> Asks {
        let bare = bare(text);
        match self.whole.get(&bare) {
            Some(Whole::OptOut) => return Asks::OptOut(Certainty::Certain),
            Some(Whole::Help) => return Asks::Help,
            Some(Whole::OptIn) => return Asks::OptIn,
            Some(Whole::OptInIdle) if !waiting => return Asks::OptIn,
            Some(Whole::Nothing) => return Asks::Nothing,
            Some(Whole::OptInIdle) | None => {}
        }
        let mut bare = bare;
        if let Some((end, _)) = bare.match_indices(' ').nth(MAX_WORDS) {
            bare.truncate(end);
        }
        if let Some(certainty) = self.repeated_or_polite(&bare) {
            return Asks::OptOut(certainty);
        }
        if self.has_likely_phrase(&bare) {
            return Asks::OptOut(Certainty::Likely);
        }
        Asks::Nothing
    }

    /// What stands behind an opt-out word at the beginning, bare, and may be the name of what somebody wants no more of:
    /// «quiz» of «STOP QUIZ». Whoever knows the names compares it; the opt-out is then likely.
    #[must_use]
    pub fn opt_out_of(&self, text: &str) -> Option<String> {
        let bare = bare(text);
        self.opt_out_of.iter().find_map(|word| bare.strip_prefix(word.as_str())).map(str::to_owned)
    }

    /// Opt-out words and nothing but polite ones beside them.
    fn repeated_or_polite(&self, bare: &str) -> Option<Certainty> {
        let mut opt_outs = bare.split(' ').filter(|word| !self.polite.contains(*word)).peekable();
        let first = *opt_outs.peek()?;
        let is_opt_out = |text: &str| self.whole.get(text) == Some(&Whole::OptOut);
        if is_opt_out(first) && bare.split(' ').all(|word| word == first) {
            return Some(Certainty::Certain);
        }
        let rest: Vec<&str> = opt_outs.collect();
        (rest.iter().all(|word| is_opt_out(word)) || is_opt_out(&rest.join(" "))).then_some(Certainty::Likely)
    }

    fn has_likely_phrase(&self, bare: &str) -> bool {
        let padded = format!(" {bare} ");
        self.likely.iter().any(|phrase| {
            padded.match_indices(phrase.as_str()).any(|(at, _)| {
                let before = &padded[..at];
                !self.negations.iter().any(|word| before.ends_with(word.as_str()))
            })
        })
    }
}

fn bared(of: &LanguageWords, field: &'static str, list: &[String]) -> Result<Vec<String>, WordsError> {
    let fold = |word: &String| {
        let bare = bare(word);
        if bare.is_empty() {
            return Err(WordsError::Empty { language: of.code.clone(), field, word: word.clone() });
        }
        Ok(bare)
    };
    list.iter().map(fold).collect()
}
