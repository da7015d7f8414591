//! Runs passes: takes the contacts of their lists page by page and has the dialog server begin them, as fast as they may
//! (CAM-04, MT-02).
//!
//! Nothing here is lost with the process. A contact is taken from the list in a commit of the database; what was taken
//! and has no status is asked for again by the next process, and the dialog server begins each contact of a pass once.

mod device;
mod pace;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::address::Address;
use signalbox_core::backend::{Clock, Kind};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use signalbox_dialog::{Load, Standing, StartRefusal, TakeBack};
use signalbox_people::{Candidate, ContactId, Ended, Pass, PassId, PassState, People, PeopleError, Scope};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::device::device_of;
use self::pace::{Pace, Ready};
use crate::control::Control;
use crate::instructions::{StartError, Starts, Wanted};
use crate::spine::SpineHandle;

/// Passes that run at once; others wait for one to be over.
const MOST: usize = 256;
/// The same of one account: nobody's passes wait because another has ordered many.
const MOST_OF_ONE: usize = 16;
/// Contacts that are read, or settled, at once.
const PAGE: usize = 500;
/// Contacts that are asked for in one commit of the exchange.
const CHUNK: usize = 64;
/// Between two looks at something that changes without a word to us: the clock, the catalog, ends of attempts.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks for passes that nobody told us of.
const EVERY: Duration = Duration::from_secs(10);

/// What it takes to run passes.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) control: Arc<Control>,
    pub(crate) people: Arc<People>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) starts: Arc<Starts>,
    pub(crate) spine: SpineHandle,
}

/// Runs the passes of this node until it stops.
pub(crate) async fn run(parts: Parts, mut stopping: watch::Receiver<bool>) {
    let mut changes = parts.starts.pass_changes();
    let mut running: HashMap<PassId, JoinHandle<()>> = HashMap::new();
    loop {
        running.retain(|_, task| !task.is_finished());
        match parts.people.open_passes().await {
            Ok(open) => {
                for id in admitted(&open, |id| running.contains_key(&id), parts.clock.now().wall) {
                    running.insert(id, tokio::spawn(drive(parts.clone(), id)));
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "passes cannot be read");
            }
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => break,
        }
    }
    for task in running.into_values() {
        task.abort();
    }
}

/// Those that begin to run: what is not due yet takes no place, and what is paused takes one last.
fn admitted(open: &[Pass], runs: impl Fn(PassId) -> bool, now: Micros) -> Vec<PassId> {
    let (mut all, mut of) = (0, HashMap::<AccountId, usize>::new());
    for pass in open.iter().filter(|pass| runs(pass.id)) {
        all += 1;
        *of.entry(pass.account).or_default() += 1;
    }
    let soon = now.after(EVERY);
    let is_due = |pass: &Pass| {
        pass.state != PassState::Running || pass.order.starts.is_none_or(|starts| starts <= soon)
    };
    let mut due: Vec<&Pass> = open.iter().filter(|pass| !runs(pass.id) && is_due(pass)).collect();
    due.sort_by_key(|pass| pass.state == PassState::Paused);
    due.retain(|pass| {
        let of = of.entry(pass.account).or_default();
        let has_room = all < MOST && *of < MOST_OF_ONE;
        (all, *of) = (all + usize::from(has_room), *of + usize::from(has_room));
        has_room
    });
    due.into_iter().map(|pass| pass.id).collect()
}

/// Runs one pass to its end; what fails is tried again.
async fn drive(parts: Parts, id: PassId) {
    let changes = parts.starts.pass_changes();
    let load = parts.starts.load_of(number(id));
    let mut runner = Runner { parts, id, changes, load };
    while let Err(error) = runner.run().await {
        match error {
            Halt::Stopped => return,
            Halt::Unanswered => {
                tracing::warn!(pass = id.0, "a pass waits for the exchange");
                tokio::time::sleep(LOOK).await;
            }
            Halt::People(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, pass = id.0, "a pass cannot go on");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// Why a runner stopped before its pass was over.
enum Halt {
    /// The exchange has stopped; the next process goes on.
    Stopped,
    /// The exchange did not say what it was asked; it is asked again.
    Unanswered,
    /// The database failed.
    People(PeopleError),
}

impl From<PeopleError> for Halt {
    fn from(error: PeopleError) -> Self {
        Self::People(error)
    }
}

/// What may be done now.
enum Turn {
    /// Contacts may be begun.
    Begin,
    /// Nothing for the time being.
    Wait,
    /// No contact is begun any more, for this reason.
    Close(&'static str),
    /// It is over.
    Over,
}

struct Runner {
    parts: Parts,
    id: PassId,
    changes: watch::Receiver<u64>,
    load: watch::Receiver<Load>,
}

impl Runner {
    async fn run(&mut self) -> Result<(), Halt> {
        let mut pace: Option<Pace> = None;
        // What was taken and not begun: first what a stop left, then what a page has over.
        let mut left: Option<VecDeque<Candidate>> = None;
        let mut closed = false;
        loop {
            let Some(pass) = self.parts.people.pass(&Scope::All, self.id).await? else { return Ok(()) };
            match self.turn(&pass) {
                Turn::Over => return Ok(()),
                Turn::Wait => {
                    self.settle().await?;
                    self.idle().await;
                }
                Turn::Close(reason) => {
                    if !closed {
                        self.close(&pass, reason).await?;
                        closed = true;
                    }
                    if pass.state == PassState::Cancelling {
                        self.take_back().await?;
                    }
                    self.settle().await?;
                    if self.is_over().await? {
                        self.parts.people.end_pass(&pass, self.now()).await?;
                        tracing::info!(pass = self.id.0, "a pass is over");
                        return Ok(());
                    }
                    self.idle().await;
                }
                Turn::Begin => {
                    let pace = pace.get_or_insert_with(|| Pace::new(pass.order.rate));
                    let mut waiting = match left.take() {
                        Some(waiting) => waiting,
                        None => self.not_begun().await?,
                    };
                    if waiting.is_empty() {
                        let page = pace.page(PAGE);
                        waiting = self.parts.people.take_of_pass(self.id, page, self.now()).await?.into();
                    }
                    self.begin(&pass, pace, &mut waiting).await?;
                    left = Some(waiting);
                    self.settle().await?;
                }
            }
        }
    }

    fn now(&self) -> Micros {
        self.parts.clock.now().wall
    }

    fn turn(&self, pass: &Pass) -> Turn {
        match pass.state {
            PassState::Running => {}
            PassState::Paused => return Turn::Wait,
            PassState::Closing => return Turn::Close("pass_ended"),
            PassState::Cancelling => return Turn::Close("cancelled"),
            PassState::Done | PassState::Cancelled => return Turn::Over,
        }
        let now = self.now();
        if pass.order.ends.is_some_and(|ends| now >= ends) {
            return Turn::Close("pass_ended");
        }
        if pass.order.starts.is_some_and(|starts| now < starts) {
            return Turn::Wait;
        }
        let in_force = self.parts.control.in_force();
        let sub_campaign = in_force.snapshot.ids.of(Kind::SubCampaign, &pass.order.sub_campaign);
        match sub_campaign.and_then(|id| in_force.dialog.rules.sub_campaigns.get(&id)) {
            None => Turn::Close("sub_campaign_gone"),
            Some(sub) => match sub.standing(now, false) {
                Standing::Open => Turn::Begin,
                // Contacts that were not attempted stay pending (CAM-11).
                Standing::Paused | Standing::NotStarted => Turn::Wait,
                Standing::Ended => Turn::Close("sub_campaign_ended"),
            },
        }
    }

    /// Waits for a word about passes, or a while.
    async fn idle(&mut self) {
        tokio::select! {
            _ = self.changes.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }

    /// Begins contacts at the pace of the pass, until all are or something else is to be looked at.
    async fn begin(
        &mut self,
        pass: &Pass,
        pace: &mut Pace,
        waiting: &mut VecDeque<Candidate>,
    ) -> Result<(), Halt> {
        let in_force = self.parts.control.in_force();
        let bounds = in_force.settings.dialog.clone();
        while !waiting.is_empty() {
            if self.changes.has_changed().unwrap_or(false) {
                self.changes.mark_unchanged();
                return Ok(());
            }
            if pass.order.ends.is_some_and(|ends| self.now() >= ends) {
                return Ok(());
            }
            let load = *self.load.borrow_and_update();
            let (window, deferred) = (bounds.pass_window.as_usize(), bounds.pass_deferred.as_usize());
            let room = if load.deferred as usize >= deferred {
                0
            } else {
                window.saturating_sub(load.waiting as usize).min(CHUNK)
            };
            let count = match pace.ready(self.parts.clock.now().mono, room.min(waiting.len())) {
                Ready::Now(count) => count,
                Ready::At(span) => {
                    tokio::time::sleep(span.min(LOOK)).await;
                    continue;
                }
                Ready::Full => {
                    // A text that leaves makes room.
                    let _ = tokio::time::timeout(LOOK, self.load.changed()).await;
                    continue;
                }
            };
            let chunk: Vec<Candidate> = waiting.drain(..count).collect();
            let (again, asked) = self.ask(pass, chunk, true).await?;
            metrics::counter!("pass_contacts_begun_total").increment(asked);
            if !again.is_empty() {
                for candidate in again.into_iter().rev() {
                    waiting.push_front(candidate);
                }
                self.idle().await;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Has contacts begun, or asks whether they are; gives back those that are not, and how many are. Those that never
    /// can be have their status at once.
    async fn ask(
        &self,
        pass: &Pass,
        candidates: Vec<Candidate>,
        begins: bool,
    ) -> Result<(Vec<Candidate>, u64), Halt> {
        let in_force = self.parts.control.in_force();
        let sub_campaign = in_force.snapshot.ids.of(Kind::SubCampaign, &pass.order.sub_campaign).unwrap_or(0);
        let (mut asked, mut wanted, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        let rules = &in_force.dialog.rules;
        let sub = rules.sub_campaigns.get(&sub_campaign);
        let now = self.now();
        for candidate in candidates {
            let device = match device_of(&candidate.devices, &pass.order.kinds) {
                Ok(device) => device,
                // One that was begun was begun with the device that it had then.
                Err(_) if !begins => Address::default(),
                Err(reason) => {
                    ended.push(self.ended(candidate.contact, "filtered", reason));
                    continue;
                }
            };
            // What testers get is no result of the pass.
            let counts = sub.is_none_or(|sub| !rules.is_tester(device.key(), sub, now));
            wanted.push(Wanted {
                account: pass.account.0,
                sub_campaign,
                device,
                contact: u64::try_from(candidate.contact.0).unwrap_or_default(),
                client_id: candidate.client_id.clone(),
                pass: number(pass.id),
                began: pass.order.starts.unwrap_or(pass.created).max(pass.created),
                begins,
                test: false,
            });
            asked.push((candidate, counts));
        }
        let answers = self.parts.starts.ask_all(&self.parts.spine, wanted).await;
        let mut again = Vec::new();
        let mut begun = 0;
        for ((candidate, counts), answer) in asked.into_iter().zip(answers) {
            match answer {
                Ok(_) => begun += u64::from(counts),
                Err(StartError::Stopped) => return Err(Halt::Stopped),
                // Whether it was begun is asked again.
                Err(StartError::TimedOut) if begins => again.push(candidate),
                Err(StartError::TimedOut) => return Err(Halt::Unanswered),
                Err(StartError::Refused(refusal)) => match status_of(&refusal) {
                    None => again.push(candidate),
                    Some(reason) => ended.push(self.ended(candidate.contact, "filtered", reason)),
                },
            }
        }
        self.end(&ended).await?;
        Ok((again, begun))
    }

    /// What was taken from the list and is not begun.
    async fn not_begun(&self) -> Result<VecDeque<Candidate>, Halt> {
        let Some(pass) = self.parts.people.pass(&Scope::All, self.id).await? else {
            return Ok(VecDeque::new());
        };
        let mut found = VecDeque::new();
        let mut after = None;
        loop {
            let page = self.parts.people.asked_of_pass(self.id, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.contact);
            let mut rest = page;
            while !rest.is_empty() {
                let chunk: Vec<Candidate> = rest.drain(..rest.len().min(CHUNK)).collect();
                let (not_begun, _) = self.ask(&pass, chunk, false).await?;
                found.extend(not_begun);
            }
        }
    }

    /// Gives those that were taken and are not begun their status: they are not any more.
    async fn close(&self, pass: &Pass, reason: &'static str) -> Result<(), Halt> {
        self.parts.people.close_pass(pass.id).await?;
        let left = self.not_begun().await?;
        let ended: Vec<Ended> =
            left.into_iter().map(|candidate| self.ended(candidate.contact, "filtered", reason)).collect();
        self.end(&ended).await
    }

    /// Takes back what has not left. Who cancelled it had that done already; this is for what was begun in that
    /// moment, and after a kill. What waits for room shows up later.
    async fn take_back(&self) -> Result<(), Halt> {
        let load = *self.load.borrow();
        if load.waiting == 0 && load.deferred == 0 {
            return Ok(());
        }
        match self.parts.starts.take_back(&self.parts.spine, TakeBack::Pass(number(self.id))).await {
            Ok(_) => Ok(()),
            Err(StartError::Stopped) => Err(Halt::Stopped),
            Err(StartError::TimedOut | StartError::Refused(_)) => Err(Halt::Unanswered),
        }
    }

    fn ended(&self, contact: ContactId, status: &str, reason: &str) -> Ended {
        let at = self.now();
        Ended { pass: self.id, contact, status: status.to_owned(), reason: reason.to_owned(), at }
    }

    async fn end(&self, ended: &[Ended]) -> Result<(), Halt> {
        self.parts.people.end_attempts(ended).await?;
        for end in ended {
            metrics::counter!("pass_contacts_ended_total", "status" => end.status.clone()).increment(1);
        }
        Ok(())
    }

    /// Has the dialog server let go of contacts whose ends are noted.
    async fn settle(&self) -> Result<(), Halt> {
        loop {
            let contacts = self.parts.people.unsettled_of_pass(self.id, PAGE).await?;
            if contacts.is_empty() {
                return Ok(());
            }
            let numbers =
                contacts.iter().map(|contact| u64::try_from(contact.0).unwrap_or_default()).collect();
            match self.parts.starts.settle(&self.parts.spine, number(self.id), numbers).await {
                Ok(()) => {}
                Err(StartError::Stopped) => return Err(Halt::Stopped),
                // It is told again with the next look.
                Err(StartError::TimedOut | StartError::Refused(_)) => return Ok(()),
            }
            self.parts.people.settle_attempts(self.id, &contacts).await?;
        }
    }

    /// Whether each contact has its status.
    async fn is_over(&self) -> Result<bool, Halt> {
        let asked = self.parts.people.asked_of_pass(self.id, None, 1).await?;
        let unsettled = self.parts.people.unsettled_of_pass(self.id, 1).await?;
        Ok(asked.is_empty() && unsettled.is_empty())
    }
}

/// The status of a contact that is refused for good; `None` of one that may be begun later.
fn status_of(refusal: &StartRefusal) -> Option<&'static str> {
    match refusal {
        StartRefusal::NotContracted => Some("not_contracted"),
        StartRefusal::NoSubCampaign => Some("sub_campaign_gone"),
        StartRefusal::NoDevice => Some("no_device"),
        _ => None,
    }
}

/// The pass as the dialog server knows it.
fn number(id: PassId) -> u64 {
    u64::try_from(id.0).unwrap_or_default()
}

#[cfg(test)]
mod tests;
