//! What others know of those who take part.

use signalbox_participation::{Facts, Participant, Rules};

/// Whoever knows participants cannot be asked now.
#[derive(Debug, thiserror::Error)]
#[error("participants cannot be looked up: {0}")]
pub struct FactsError(pub String);

/// What others know of participants: who is barred, opted out or in, and of which country a number is.
pub trait Participants: Send + Sync {
    /// What is known of each, in their order. It is asked once for each batch of entries, before anything is judged;
    /// `steps` are filled in behind it.
    ///
    /// # Errors
    /// When that is not known now: nothing is judged then.
    fn facts(&self, rules: &Rules, participants: &[Participant]) -> Result<Vec<Facts>, FactsError>;
}

/// Nobody is barred.
impl Participants for () {
    fn facts(&self, _: &Rules, participants: &[Participant]) -> Result<Vec<Facts>, FactsError> {
        Ok(vec![Facts::default(); participants.len()])
    }
}
