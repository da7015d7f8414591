//! People who work with the node.

use super::token::Right;
use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{AccountPassword, Language, Name, Text, TimeZone};

settings! {
    /// A person who works with the node, and what they may do (ACC-01, ACC-08).
    pub struct User agrees {
        /// What they log in with, and their name in the audit trail.
        name: Name => "ann",
        /// Their password, or the Argon2 hash of it in PHC form. A password is kept as its hash only.
        password: AccountPassword => "correct horse battery",
        /// False refuses them.
        enabled: bool = true,
        /// What people call them.
        full_name: Option<Text<1, 200>> => "Ann Example",
        /// Their mail address.
        email: Option<Text<3, 254>> => "ann@example.com",
        /// What they may do.
        rights: Vec<Right> => ["catalog:read", "links:read"],
        /// The account whose rows they see, with those of all accounts below it; all rows when neither this nor
        /// `enterprise` is set.
        account: Option<Name> => "demo",
        /// The enterprise whose rows they see, with those of all below it.
        enterprise: Option<Name> => "example-corp",
        /// Language of what they are shown.
        language: Option<Language> => "en",
        /// Time zone of what they are shown.
        time_zone: Option<TimeZone> => "Europe/London",
    }
}

impl Agreement for User {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.rights.is_empty() {
            problems.conflict(at, "rights", "must name at least one right");
        }
        if self.account.is_some() && self.enterprise.is_some() {
            problems.conflict(at, "enterprise", "cannot be set beside account");
        }
        if self.email.as_ref().is_some_and(|email| !email.contains('@')) {
            problems.conflict(at, "email", "has no @");
        }
    }
}
