//! The queue as a host reads it that judges its entries.

use std::sync::Arc;

use signalbox_backends::participation::{Intake, IntakeError, Page};
use tokio::sync::watch;
use tokio::task::JoinError;

/// Why the queue cannot be read now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// Its database fails.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The work did not come to its end.
    #[error("the queue of entries was not read")]
    Ended(#[from] JoinError),
}

/// Entries that wait for another host.
#[derive(Clone)]
pub struct Queue {
    intake: Arc<Intake>,
    written: watch::Receiver<()>,
}

impl Queue {
    pub(super) fn new(intake: Arc<Intake>, written: watch::Receiver<()>) -> Self {
        Self { intake, written }
    }

    /// Changes whenever entries came.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<()> {
        self.written.clone()
    }

    /// The first entries behind a place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self, after: i64, at_most: usize) -> Result<Page, QueueError> {
        let intake = self.intake.clone();
        let read = tokio::task::spawn_blocking(move || Ok((intake.page(after, at_most)?, intake.arrived()?)));
        let (page, waiting) = read.await?.map_err(QueueError::Intake)?;
        metrics::gauge!("participation_entries_waiting").set(waiting as f64);
        Ok(page)
    }

    /// Lets go of entries up to a place; false when they are of another queue.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(&self, queue: &str, through: i64) -> Result<bool, QueueError> {
        let (intake, queue) = (self.intake.clone(), queue.to_owned());
        Ok(tokio::task::spawn_blocking(move || intake.release(&queue, through)).await??)
    }
}
