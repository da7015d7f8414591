use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_core::time::Micros;
use signalbox_text::fold;
use smallvec::SmallVec;

/// Words of a keyword at most (KEY-02).
pub const MAX_WORDS: usize = 8;

/// What a keyword stands for on one source address (KEY-01, KEY-03).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// Its number in the catalog.
    pub id: u32,
    /// As it was written.
    pub text: Arc<str>,
    /// The program whose families it belongs to (KEY-01); `None` for one of all.
    pub program: Option<Arc<str>>,
    /// The one inbound sub-campaign that it starts.
    pub sub_campaign: u32,
    /// The first instant at which it is bound (MQ-27).
    pub from: Option<Micros>,
    /// The instant after the last.
    pub to: Option<Micros>,
    /// It counts only where the message says nothing else.
    pub whole: bool,
    /// What it does.
    pub does: Does,
    /// The account for which it is a test: its sub-campaign has not come to life, so that it takes no message of others
    /// from what lives (MQ-10). `None` of a keyword that lives.
    pub tests: Option<u32>,
}

/// What a keyword does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Does {
    /// It starts its sub-campaign.
    #[default]
    Begin,
    /// It is an opt-out of it, and answered as one (CM-15).
    OptOut,
    /// It is an opt-in.
    OptIn,
}

impl Keyword {
    fn is_bound(&self, at: Micros) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let before = |end: Option<Micros>, begin: Option<Micros>| end.zip(begin).is_some_and(|(e, b)| e <= b);
        self.tests == other.tests && !before(self.to, other.from) && !before(other.to, self.from)
    }
}

/// The top-level keywords of all source addresses. They start conversations (KEY-06), or opt out of them
/// and in again. Copies share the keywords of each address until one of them changes those.
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    by_address: FxHashMap<u32, Arc<FxHashMap<Arc<str>, Bindings>>>,
    /// Words of the longest one.
    longest: usize,
}

/// Keywords, and where the text behind each begins.
type Found<'a> = SmallVec<[(&'a Keyword, usize); 2]>;

/// What the same words stand for, one after the other.
type Bindings = SmallVec<[Keyword; 1]>;

/// A keyword that cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeywordError {
    /// Nothing is left of it once it is folded.
    #[error("the keyword `{0}` has no letter or digit")]
    Empty(String),
    /// It has too many words.
    #[error("the keyword `{0}` has more than {MAX_WORDS} words")]
    TooLong(String),
    /// The source address has it already, at the same time (KEY-03).
    #[error("the keyword `{text}` is the same as `{other}` on this source address")]
    Taken {
        /// As it is written.
        text: String,
        /// As the one that is there is written.
        other: String,
    },
}

impl Keywords {
    /// Adds one to the source address with this number.
    ///
    /// # Errors
    /// See [`KeywordError`].
    pub fn add(&mut self, address: u32, keyword: Keyword) -> Result<(), KeywordError> {
        let folded = fold(&keyword.text).into();
        self.add_folded(address, folded, keyword)
    }

    /// Adds one whose text is [folded](fold()) already.
    ///
    /// # Errors
    /// See [`KeywordError`].
    pub fn add_folded(
        &mut self,
        address: u32,
        folded: Arc<str>,
        keyword: Keyword,
    ) -> Result<(), KeywordError> {
        let words = folded.split(' ').count();
        let text = || keyword.text.to_string();
        if !folded.contains(char::is_alphanumeric) {
            return Err(KeywordError::Empty(text()));
        }
        if words > MAX_WORDS {
            return Err(KeywordError::TooLong(text()));
        }
        let here = Arc::make_mut(self.by_address.entry(address).or_default());
        let bound = here.entry(folded).or_default();
        if let Some(other) = bound.iter().find(|other| other.overlaps(&keyword)) {
            return Err(KeywordError::Taken { text: text(), other: other.text.to_string() });
        }
        bound.push(keyword);
        self.longest = self.longest.max(words);
        Ok(())
    }

    /// Takes one away, by its folded text and its number.
    pub fn remove(&mut self, address: u32, folded: &str, id: u32) {
        let Some(here) = self.by_address.get_mut(&address) else { return };
        let here = Arc::make_mut(here);
        let Some(bound) = here.get_mut(folded) else { return };
        bound.retain(|keyword| keyword.id != id);
        if bound.is_empty() {
            here.remove(folded);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_address.values().flat_map(|here| here.values()).map(SmallVec::len).sum()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keyword that a text begins with at an instant, the longest one where there are several (MQ-27), and the
    /// keyword as it was folded.
    #[must_use]
    pub fn find(&self, address: u32, text: &str, at: Micros) -> Option<(&Keyword, String)> {
        self.all(address, text, at, |_| false).next()
    }

    /// All that a text begins with at an instant, the longest first; of the same words those that the device tests stand
    /// before those that live. Behind all of these are those that others test: who meets nothing else is told that it has
    /// not begun.
    pub fn all(
        &self,
        address: u32,
        text: &str,
        at: Micros,
        tested: impl Fn(&Keyword) -> bool,
    ) -> impl Iterator<Item = (&Keyword, String)> {
        let here = self.by_address.get(&address);
        let folded = here.map(|_| fold(text)).unwrap_or_default();
        let mut ends: SmallVec<[usize; MAX_WORDS]> =
            folded.match_indices(' ').map(|(at, _)| at).take(self.longest).collect();
        if ends.len() < self.longest {
            ends.push(folded.len());
        }
        let (mut own, mut of_others) = (Found::new(), Found::new());
        for end in ends.into_iter().rev() {
            let Some(bound) = here.and_then(|here| here.get(&folded[..end])) else { continue };
            let counts = |keyword: &&Keyword| keyword.is_bound(at) && (!keyword.whole || end == folded.len());
            let begins = own.len();
            for keyword in bound.iter().filter(counts) {
                match keyword.tests {
                    None => own.push((keyword, end)),
                    Some(_) if tested(keyword) => own.insert(begins, (keyword, end)),
                    Some(_) => of_others.push((keyword, end)),
                }
            }
        }
        own.into_iter().chain(of_others).map(move |(keyword, end)| (keyword, folded[..end].to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyword(id: u32, text: &str, sub_campaign: u32) -> Keyword {
        Keyword {
            id,
            text: text.into(),
            program: None,
            sub_campaign,
            from: None,
            to: None,
            whole: false,
            does: Does::Begin,
            tests: None,
        }
    }

    fn keywords(texts: &[&str]) -> Keywords {
        let mut keywords = Keywords::default();
        for (at, text) in texts.iter().enumerate() {
            let id = at as u32;
            assert_eq!(keywords.add(7, keyword(id, text, id)), Ok(()));
        }
        keywords
    }

    #[test]
    fn the_longest_keyword_that_a_text_begins_with_counts() {
        let keywords = keywords(&["bank", "bank bal", "café"]);
        let found = |text: &str| keywords.find(7, text, Micros(0)).map(|(keyword, _)| &*keyword.text);
        assert_eq!(found("BANK"), Some("bank"));
        assert_eq!(found("Bank  Bal"), Some("bank bal"));
        assert_eq!(found("bank balance"), Some("bank"));
        assert_eq!(found("bank bal please"), Some("bank bal"));
        assert_eq!(found("CAFE!"), Some("café"));
        assert_eq!(found("my bank"), None);
        assert_eq!(found(""), None);
        assert_eq!(keywords.find(8, "bank", Micros(0)), None);
    }

    #[test]
    fn one_that_is_a_whole_message_leaves_longer_ones_to_others() {
        let mut keywords = keywords(&["song"]);
        assert_eq!(keywords.add(7, Keyword { whole: true, ..keyword(1, "song stop", 1) }), Ok(()));
        let found = |text: &str| keywords.find(7, text, Micros(0)).map(|(keyword, _)| keyword.id);
        assert_eq!(["Song STOP!", "song stop the world", "song"].map(found), [Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn a_test_has_the_words_of_what_lives_and_takes_none_of_its_messages() {
        let mut keywords = keywords(&["quiz", "other"]);
        let tested = |id, text: &str, account| Keyword { tests: Some(account), ..keyword(id, text, id) };
        assert_eq!(keywords.add(7, tested(10, "quiz", 1)), Ok(()));
        assert_eq!(keywords.add(7, tested(11, "quiz two", 1)), Ok(()));
        assert_eq!(keywords.add(7, tested(12, "Quiz", 2)), Ok(()));
        assert!(matches!(keywords.add(7, tested(13, "quiz", 1)), Err(KeywordError::Taken { .. })));
        let found = |text: &str, account: u32| -> Vec<u32> {
            let all = keywords.all(7, text, Micros(0), |keyword| keyword.tests == Some(account));
            all.map(|(keyword, _)| keyword.id).collect()
        };
        assert_eq!(found("quiz two", 0), [0, 11, 10, 12]);
        assert_eq!(found("quiz two", 1), [11, 10, 0, 12]);
        assert_eq!(found("quiz", 2), [12, 0, 10]);
        assert_eq!(found("other", 1), [1]);
    }

    #[test]
    fn the_same_keyword_twice_on_an_address_is_refused() {
        let mut keywords = keywords(&["Bank Bal"]);
        let again = keyword(9, "bank  BAL", 1);
        assert!(matches!(keywords.add(7, again.clone()), Err(KeywordError::Taken { .. })));
        assert_eq!(keywords.add(8, again), Ok(()));
        let empty = keyword(9, "!?", 1);
        assert!(matches!(keywords.add(7, empty), Err(KeywordError::Empty(_))));
    }

    #[test]
    fn a_copy_has_keywords_of_its_own_once_it_changes() {
        let before = keywords(&["bank", "bank bal"]);
        let mut after = before.clone();
        after.remove(7, "bank bal", 0);
        after.remove(7, "bank bal", 1);
        after.remove(8, "bank bal", 1);
        assert_eq!(after.add(7, keyword(5, "Café", 5)), Ok(()));
        let found = |of: &Keywords, text: &str| of.find(7, text, Micros(0)).map(|(keyword, _)| keyword.id);
        assert_eq!([found(&before, "bank bal"), found(&before, "cafe")], [Some(1), None]);
        assert_eq!([found(&after, "bank bal"), found(&after, "cafe")], [Some(0), Some(5)]);
        assert_eq!((before.len(), after.len()), (2, 2));
    }

    #[test]
    fn the_same_words_may_be_bound_again_once_they_are_free() {
        let mut keywords = keywords(&["bank"]);
        let bound = |id, from, to| Keyword {
            from: Some(Micros(from)),
            to: Some(Micros(to)),
            ..keyword(id, "bank bal", id)
        };
        assert_eq!(keywords.add(7, bound(1, 10, 20)), Ok(()));
        assert_eq!(keywords.add(7, bound(2, 20, 30)), Ok(()));
        assert!(matches!(keywords.add(7, bound(3, 29, 40)), Err(KeywordError::Taken { .. })));
        let found = |at| keywords.find(7, "bank bal", Micros(at)).map(|(keyword, _)| keyword.id);
        // Outside of their times the shorter one counts.
        assert_eq!([9, 10, 19, 20, 29, 30].map(found), [0, 1, 1, 2, 2, 0].map(Some));
    }
}
