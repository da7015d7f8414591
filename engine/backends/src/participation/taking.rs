//! From the queue of the first layer to the campaigns (CM-16): each campaign's entries are judged for themselves.

use signalbox_participation::{RawEntry, Verdict};

use super::campaigns::{Campaigns, EnterError};
use super::intake::{Intake, IntakeError};
use super::results::DrawError;

/// What became of entries of a queue.
#[derive(Debug, Default)]
pub struct Taken {
    /// The verdicts that were given.
    pub verdicts: Vec<Verdict>,
    /// Campaigns whose entries wait for another try, with the reason.
    pub failed: Vec<(String, EnterError)>,
}

impl Campaigns {
    /// Finds the campaigns of the first entries that wait in an intake, at most so many, and says how many came to each;
    /// those of no campaign have an empty name. No campaign's database is asked.
    ///
    /// # Errors
    /// When the queue fails.
    pub fn assign(&self, intake: &Intake, at_most: usize) -> Result<Vec<(String, u64)>, IntakeError> {
        intake.assign(at_most, |entry| self.find(entry.channel, &entry.to, &entry.text).unwrap_or_default())
    }

    /// Judges the first entries of a campaign that wait in an intake, at most so many, and lets go of them. Entries of
    /// one participant keep their order.
    ///
    /// # Errors
    /// When a database fails: the entries stay where they are.
    pub fn judge_from(
        &self,
        intake: &Intake,
        campaign: &str,
        at_most: usize,
    ) -> Result<Vec<Verdict>, EnterError> {
        let (places, entries): (Vec<i64>, Vec<RawEntry>) = intake.of(campaign, at_most)?.into_iter().unzip();
        let Some(last) = places.last() else { return Ok(Vec::new()) };
        let verdicts = self.enter(campaign, &entries)?;
        intake.judged(campaign, *last)?;
        Ok(verdicts)
    }

    /// Whether a campaign's database can be used; one that failed is opened anew. One that is not known needs none.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(&self, campaign: &str) -> Result<(), EnterError> {
        match self.tally(campaign) {
            Ok(_) | Err(DrawError::Unknown(_) | DrawError::NotOver(_)) => Ok(()),
            Err(DrawError::NotOpen(error)) => Err(error.into()),
            Err(DrawError::Store(source)) => Err(EnterError::Store { campaign: campaign.to_owned(), source }),
        }
    }

    /// Both for all campaigns, one after the other; what fails holds up nothing else, and stays in the queue.
    ///
    /// # Errors
    /// When the queue fails.
    pub fn take_from(&self, intake: &Intake, at_most: usize) -> Result<Taken, IntakeError> {
        self.assign(intake, at_most)?;
        let mut taken = Taken::default();
        for (campaign, _) in intake.campaigns()? {
            match self.judge_from(intake, &campaign, at_most) {
                Ok(verdicts) => taken.verdicts.extend(verdicts),
                Err(EnterError::Intake(error)) => return Err(error),
                Err(error) => taken.failed.push((campaign, error)),
            }
        }
        Ok(taken)
    }
}
