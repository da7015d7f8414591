//! What is answered to STOP, HELP and START, by level and language (OPT-05).
//!
//! A text is a template; contact fields and variables are filled in by whoever sends it.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::id::Tenant;
use crate::suppressions::{Level, levels};

/// What is answered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The confirmation of an opt-out: one text without advertising.
    OptOut,
    /// The answer to HELP.
    Help,
    /// The confirmation of an opt-in.
    OptIn,
}

/// The texts of one level in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseTexts {
    /// Whose texts they are; none for everybody's.
    #[serde(default)]
    pub level: Option<Level>,
    /// ISO 639-1; none for recipients of any language.
    #[serde(default)]
    pub language: Option<String>,
    /// To STOP.
    #[serde(default)]
    pub opt_out: Option<String>,
    /// To HELP.
    #[serde(default)]
    pub help: Option<String>,
    /// To START.
    #[serde(default)]
    pub opt_in: Option<String>,
}

/// Texts, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponsesSpec {
    /// Goes up with each change.
    pub version: u32,
    /// The rows.
    #[serde(rename = "text", default)]
    pub texts: Vec<ResponseTexts>,
}

/// Why texts are not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponsesError {
    /// The data is not readable.
    #[error("texts cannot be read: {0}")]
    Unreadable(String),
    /// A level has two rows of one language, or two without.
    #[error("text {row}: another row has its level and language")]
    Twice {
        /// Which row, from 1.
        row: usize,
    },
    /// A text says nothing.
    #[error("text {row}: {field} is empty")]
    Empty {
        /// Which row, from 1.
        row: usize,
        /// Which text.
        field: &'static str,
    },
}

/// Texts by level and language.
#[derive(Clone, Debug, Default)]
pub struct Responses {
    version: u32,
    rows: FxHashMap<(Option<Level>, Option<String>), ResponseTexts>,
}

impl Responses {
    /// The texts shipped with the program.
    ///
    /// # Errors
    /// Never, as the tests show; the data is read like any other.
    pub fn shipped() -> Result<Self, ResponsesError> {
        Self::read(include_str!("../data/responses.toml"))
    }

    /// Reads texts from TOML.
    ///
    /// # Errors
    /// [`ResponsesError`] with what is wrong and where.
    pub fn read(toml: &str) -> Result<Self, ResponsesError> {
        let spec: ResponsesSpec =
            toml::from_str(toml).map_err(|e| ResponsesError::Unreadable(e.to_string()))?;
        Self::new(&spec)
    }

    /// Texts from data.
    ///
    /// # Errors
    /// [`ResponsesError`] with what is wrong and where.
    pub fn new(spec: &ResponsesSpec) -> Result<Self, ResponsesError> {
        let mut responses = Self { version: spec.version, ..Self::default() };
        for (at, of) in spec.texts.iter().enumerate() {
            let row = at + 1;
            for (field, text) in [("opt_out", &of.opt_out), ("help", &of.help), ("opt_in", &of.opt_in)] {
                if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                    return Err(ResponsesError::Empty { row, field });
                }
            }
            if responses.rows.insert((of.level, of.language.clone()), of.clone()).is_some() {
                return Err(ResponsesError::Twice { row });
            }
        }
        Ok(responses)
    }

    /// The version of the data.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The text for a tenant: of the narrowest level that has one, there in the language, else without language.
    #[must_use]
    pub fn find(&self, tenant: &Tenant, language: &str, response: Response) -> Option<&str> {
        let mut narrow: Vec<Option<Level>> = levels(tenant).map(Some).collect();
        narrow.reverse();
        narrow.push(None);
        narrow.into_iter().find_map(|level| {
            let text = |language| {
                let of = self.rows.get(&(level, language))?;
                match response {
                    Response::OptOut => of.opt_out.as_deref(),
                    Response::Help => of.help.as_deref(),
                    Response::OptIn => of.opt_in.as_deref(),
                }
            };
            text(Some(language.to_owned())).or_else(|| text(None))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, CampaignId, EnterpriseId};

    const TENANT: Tenant =
        Tenant { enterprise: EnterpriseId(1), account: AccountId(10), campaign: Some(CampaignId(100)) };

    const ROWS: &str = r#"
        version = 3
        [[text]]
        level = { campaign = 100 }
        language = "de"
        opt_out = "campaign, de"
        [[text]]
        level = { account = 10 }
        opt_out = "account"
        help = "account help"
        [[text]]
        level = { enterprise = 1 }
        language = "en"
        opt_in = "enterprise, en"
        [[text]]
        language = "en"
        opt_out = "all, en"
        opt_in = "all, en"
    "#;

    #[test]
    fn the_narrowest_level_with_a_text_answers() {
        let responses = Responses::read(ROWS).unwrap();
        let find = |language, response| responses.find(&TENANT, language, response);
        assert_eq!(find("de", Response::OptOut), Some("campaign, de"));
        assert_eq!(find("en", Response::OptOut), Some("account"));
        assert_eq!(find("en", Response::OptIn), Some("enterprise, en"));
        assert_eq!(find("de", Response::OptIn), None);
        assert_eq!(find("fr", Response::Help), Some("account help"));
        let other = Tenant { enterprise: EnterpriseId(2), account: AccountId(20), campaign: None };
        assert_eq!(responses.find(&other, "en", Response::OptOut), Some("all, en"));
        assert_eq!(responses.find(&other, "en", Response::Help), None);
        assert_eq!(responses.version(), 3);
    }

    #[test]
    fn the_shipped_texts_confirm_in_five_languages_and_fit_one_message() {
        let responses = Responses::shipped().unwrap();
        for language in ["en", "es", "fr", "de", "pt"] {
            for response in [Response::OptOut, Response::OptIn] {
                let text = responses.find(&TENANT, language, response).unwrap();
                assert!(text.chars().count() <= 160, "{text}");
                assert!(text.contains("START") || text.contains("STOP"), "{text}");
            }
            assert_eq!(responses.find(&TENANT, language, Response::Help), None);
        }
    }

    #[test]
    fn wrong_rows_are_named() {
        let row = ResponseTexts { language: Some("en".into()), ..ResponseTexts::default() };
        let new = |texts| Responses::new(&ResponsesSpec { version: 1, texts }).unwrap_err();
        assert_eq!(new(vec![row.clone(), row.clone()]), ResponsesError::Twice { row: 2 });
        let empty = ResponseTexts { help: Some(" ".into()), ..row };
        assert_eq!(new(vec![empty]).to_string(), "text 1: help is empty");
        assert!(matches!(Responses::read("version = 1\n[[texts]]"), Err(ResponsesError::Unreadable(_))));
    }
}
