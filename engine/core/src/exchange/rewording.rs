//! Another text for a message that waits, read as that of a submission.

use std::fmt;
use std::sync::Arc;

use crate::message::Content;

type Reading = dyn Fn(Content) -> Content + Send + Sync;

/// How the origin of a text writes: what a message with that text in it is between peers. Only its origin's session
/// knows that, and only the exchange has the message; it must be the same each time it is asked.
#[derive(Clone)]
pub struct Rewording(Arc<Reading>);

impl Rewording {
    /// This one.
    pub fn new(reading: impl Fn(Content) -> Content + Send + Sync + 'static) -> Self {
        Self(Arc::new(reading))
    }

    /// The message with its new text.
    #[must_use]
    pub fn of(&self, content: Content) -> Content {
        (self.0)(content)
    }
}

impl Default for Rewording {
    /// Texts are as they are between peers.
    fn default() -> Self {
        Self::new(|content| content)
    }
}

impl fmt::Debug for Rewording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewording")
    }
}
