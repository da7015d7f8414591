//! Scripts and their versions (TXS-01, MQ-29).

use std::collections::HashMap;

use super::Catalog;
use crate::error::{ConfigError, ConfigErrors, Problem};
use crate::setting::{Agreement, Cursor, Problems, choices, settings};
use crate::value::{Count, FieldText, Language, Name, Prose};

choices! {
    /// What a script is written in.
    pub enum ScriptKind {
        /// JavaScript with the entry points begin, moHandler, optOutHandler and helpHandler.
        Javascript = "javascript",
        /// A flow as JSON.
        Flow = "flow",
    }
}

choices! {
    /// Where a version of a script is in its life.
    pub enum VersionState {
        /// It may be changed, and runs in dry runs alone.
        Draft = "draft",
        /// It does not change any more, and talks to testers.
        Test = "test",
        /// It does not change any more, and may be what conversations begin with.
        Published = "published",
    }
}

settings! {
    /// A script: a name for its versions, of which one is published.
    pub struct Script {
        /// Name in sub-campaigns.
        name: Name => "balance",
        /// The account whose it is.
        account: Name => "demo",
        /// What it is written in.
        kind: ScriptKind => "javascript",
        /// What it does.
        description: Prose<0, 4000> = "",
        /// The version that conversations begin with. Publishing and going back set it.
        published: Option<Count<1, 1_000_000>> => 3,
        /// The version that testers talk to; the published one when it is not set.
        testing: Option<Count<1, 1_000_000>> => 3,
    }
}

settings! {
    /// One version of a script. Its text does not change once it is tested or published, so that conversations that
    /// began with it can go on with it.
    pub struct ScriptVersion agrees {
        /// Name in the API: that of the script, a dot and the number.
        name: Name => "balance.3",
        /// The script.
        script: Name => "balance",
        /// Its number.
        version: Count<1, 1_000_000> => 3,
        /// Where it is in its life.
        state: VersionState = "draft",
        /// What changed.
        note: Prose<0, 4000> = "",
        /// The text: JavaScript, or the JSON of a flow; up to 1 MiB.
        body: Prose<1, 1_048_576> => "function begin() {}\nfunction moHandler() {}\nfunction optOutHandler() {}\nfunction helpHandler() {}\n",
    }
}

settings! {
    /// A text that agents and scripts send by its name (TAP-08).
    pub struct Template {
        /// Name in the portal and in scripts.
        name: Name => "greeting",
        /// The account whose it is.
        account: Name => "demo",
        /// What it is for.
        description: Prose<0, 1000> = "",
        /// Its language.
        language: Option<Language> => "en",
        /// The agent whose own it is (TAP-14); everybody's of the account when it is not set.
        agent: Option<Name> => "ann",
        /// The text, with fields of the contact.
        text: FieldText<1600> => "Hello {first_name}, how can we help?",
    }
}

impl Agreement for ScriptVersion {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let name = format!("{}.{}", self.script, self.version);
        if self.name.as_str() != name {
            problems.conflict(at, "name", format!("must be `{name}`, the script and the version"));
        }
    }
}

impl Catalog {
    /// Checks that versions of scripts that were tested or published before are what they were: conversations that
    /// began with one go on with it (MQ-29). A published one stays for good, a tested one may go.
    ///
    /// # Errors
    /// Every version that would change or be lost.
    pub fn check_versions(&self, before: &Self) -> Result<(), ConfigErrors> {
        let now: HashMap<&Name, &ScriptVersion> =
            self.script_version.iter().map(|row| (&row.name, row)).collect();
        let mut errors = Vec::new();
        for old in before.script_version.iter().filter(|old| old.state != VersionState::Draft) {
            let wrong = match (now.get(&old.name), old.state) {
                (None, VersionState::Published) => "is published, and stays",
                (None, VersionState::Draft | VersionState::Test) => continue,
                (Some(new), _) if new.body != old.body => "does not change any more",
                (Some(new), _) if new.state < old.state => "does not go back to an earlier state",
                (Some(_), _) => continue,
            };
            errors.push(ConfigError {
                file: "catalog".to_owned(),
                place: None,
                key: format!("script_version `{}`", old.name),
                problem: Problem::Conflict(wrong.to_owned()),
            });
        }
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
    }
}
