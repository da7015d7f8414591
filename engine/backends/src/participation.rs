//! The databases of participation campaigns (CM-06, CM-07, CM-09), for the rules of `signalbox_participation`.
//!
//! Each campaign has a file of its own, `NAME.campaign.db`: submissions, codes, prepaid votes, tally, draws and the
//! versions of its rules. What does not comply leaves no row there; it goes to the log beside it, `NAME.rejects.db`,
//! and, where no campaign is meant, to `unmatched.rejects.db`.
//!
//! [`Campaigns::enter`] judges a batch of entries in one transaction, so that limits, codes and rows are one step and
//! one fsync serves the whole batch. A verdict is given only after both files are committed, the campaign's first: a
//! process that dies between has told nobody, and the same entries handed over again get the verdicts of what is
//! stored and are judged anew where nothing is.
//!
//! What testers send is judged in files beside, `NAME.tests.db` and `NAME.test-rejects.db`, so that nothing counts it.
//!
//! [`Intake`] is the queue before it for channels that have no log of their own, such as forms and the API (CM-16).

mod campaign;
mod campaigns;
mod codes;
mod database;
mod intake;
mod judging;
mod participants;
mod rejects;
mod results;
mod stores;
mod taking;
mod trial;

pub use campaigns::{Campaigns, CampaignsOptions, EnterError, PutError, Unknown};
pub use codes::{BadCode, CodesImported, ImportError};
pub use intake::{Intake, IntakeError, Page};
pub use participants::{FactsError, Participants};
pub use results::{DrawError, DrawRecord, ExportError};
pub use stores::NotOpen;
pub use taking::Taken;
