//! Behind the queue: the second layer finds the campaign of each entry, and each campaign has somebody of its own who
//! judges. One whose database fails is tried again with growing pauses; its entries wait in their order, and no others.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_backends::participation::{Campaigns, EnterError, Intake};
use signalbox_participation::Verdict;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::source::Reports;
use super::{Asking, BATCH, tell};
use crate::instructions::Judged;
use crate::participation::{BackOff, Standing, not_judged};

/// Between two looks at the queue when nobody says that there is something: another process may have written.
const LOOK: Duration = Duration::from_secs(1);

/// What judging takes.
#[derive(Clone)]
pub(super) struct Behind {
    pub intake: Arc<Intake>,
    pub campaigns: Arc<Campaigns>,
    pub standing: Arc<Standing>,
    pub asking: Arc<Asking>,
    pub judged: Arc<Judged>,
    /// The host whose entries are judged here too.
    pub reports: Option<Reports>,
}

/// One that judges for each campaign, told when entries came.
#[derive(Default)]
struct Lanes {
    told: FxHashMap<String, watch::Sender<()>>,
    running: JoinSet<()>,
}

impl Lanes {
    fn tell(&mut self, behind: &Behind, campaign: &str) {
        if let Some(told) = self.told.get(campaign) {
            told.send_replace(());
            return;
        }
        let (told, came) = watch::channel(());
        self.running.spawn(judge(behind.clone(), campaign.to_owned(), came));
        self.told.insert(campaign.to_owned(), told);
    }
}

/// Finds campaigns for what comes and what has been waiting, until nothing can come any more.
pub(super) async fn run(behind: Behind, mut written: watch::Receiver<()>) {
    let mut lanes = Lanes::default();
    let mut back_off = BackOff::default();
    let mut has_begun = false;
    loop {
        written.borrow_and_update();
        let came = match has_begun {
            true => assign(&behind).await,
            false => left(&behind).await,
        };
        has_begun |= came.is_some();
        let is_idle = came.as_ref().is_none_or(Vec::is_empty) && has_begun;
        for (campaign, count) in came.iter().flatten() {
            behind.standing.came(campaign, *count);
            lanes.tell(&behind, campaign);
        }
        // Whoever has no entries finds out by itself that its database can be used again.
        for campaign in behind.standing.all_failing() {
            if !lanes.told.contains_key(&campaign) {
                lanes.tell(&behind, &campaign);
            }
        }
        let pause = match came {
            Some(_) => {
                back_off.reset();
                LOOK
            }
            None => back_off.pause(),
        };
        if is_idle && let Ok(Err(_)) = tokio::time::timeout(pause, written.changed()).await {
            break;
        }
        if written.has_changed().is_err() {
            break;
        }
    }
    lanes.told.clear();
    while lanes.running.join_next().await.is_some() {}
}

/// What the process before left.
async fn left(behind: &Behind) -> Option<Vec<(String, u64)>> {
    let intake = behind.intake.clone();
    done(tokio::task::spawn_blocking(move || intake.campaigns()).await)
}

/// Finds the campaigns of the first entries, unless too many wait for one of them already: then they wait where they
/// are, and who brings more is refused in the end.
async fn assign(behind: &Behind) -> Option<Vec<(String, u64)>> {
    let (all, most) = behind.standing.all_waiting();
    let bound = behind.intake.bound();
    let (intake, campaigns) = (behind.intake.clone(), behind.campaigns.clone());
    let assigned = tokio::task::spawn_blocking(move || {
        let came = match most < bound.saturating_mul(2) {
            true => campaigns.assign(&intake, BATCH)?,
            false => Vec::new(),
        };
        Ok((came, intake.arrived()?))
    });
    let (came, arrived) = done(assigned.await)?;
    let now: u64 = came.iter().map(|(_, count)| *count).sum();
    metrics::gauge!("participation_entries_waiting").set((all + now + arrived) as f64);
    Some(came)
}

fn done<T>(
    result: Result<Result<T, signalbox_backends::participation::IntakeError>, tokio::task::JoinError>,
) -> Option<T> {
    match result {
        Ok(Ok(done)) => return Some(done),
        Ok(Err(error)) => not_judged("", &error),
        Err(error) => not_judged("", &error),
    }
    None
}

/// Judges the entries of one campaign until nobody tells of any more.
async fn judge(behind: Behind, campaign: String, mut came: watch::Receiver<()>) {
    let mut back_off = BackOff::default();
    loop {
        came.borrow_and_update();
        if came.has_changed().is_err() {
            return;
        }
        let (intake, campaigns, name) = (behind.intake.clone(), behind.campaigns.clone(), campaign.clone());
        let batch = tokio::task::spawn_blocking(move || -> Result<Vec<Verdict>, EnterError> {
            let verdicts = campaigns.judge_from(&intake, &name, BATCH)?;
            if verdicts.is_empty() {
                campaigns.check(&name)?;
            }
            Ok(verdicts)
        });
        match batch.await {
            Ok(Ok(verdicts)) => {
                behind.standing.works(&campaign);
                back_off.reset();
                if !verdicts.is_empty() {
                    behind.standing.judged(&campaign, verdicts.len() as u64);
                    if let Some(reports) = &behind.reports {
                        reports.tell(&verdicts);
                    }
                    tell(&behind.asking, &behind.judged, verdicts);
                    continue;
                }
                if came.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Ok(Err(error)) => behind.standing.failed(&campaign, &error),
            Err(error) => behind.standing.failed(&campaign, &error),
        }
        // What comes meanwhile does not shorten the pause.
        let ended = async { while came.changed().await.is_ok() {} };
        if tokio::time::timeout(back_off.pause(), ended).await.is_ok() {
            return;
        }
    }
}
