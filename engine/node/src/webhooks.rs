//! Delivery of receipts and MO messages to HTTP targets.
//!
//! Each webhook that is switched on is a peer of the exchange with one session: what the exchange releases is
//! posted as JSON, signed, and the target's status is the answer. Retries, order, bounds and expiry are the
//! exchange's, as for every peer; a webhook that is switched off holds its events there.

mod delivery;
mod event;
mod guard;
mod session;
mod signature;
mod target;

pub use event::{MoEvent, ReceiptEvent, WebhookEventBody};
pub use guard::is_public;
pub(crate) use guard::{GuardedResolver, check_literal};
pub use signature::sign;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::backend::Clock;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};

use crate::control::{Control, InForce};
use crate::spine::SpineHandle;
use session::Session;
use target::{Target, Wanted};

/// A target that could not be used is looked at again after this time: its secret may have come.
const AGAIN: Duration = Duration::from_secs(30);

/// What the sessions share.
#[derive(Clone)]
pub(crate) struct Ground {
    spine: SpineHandle,
    clock: Arc<dyn Clock>,
    /// Requests on their way at once, to all targets together.
    requests: Arc<Semaphore>,
}

/// A session that runs.
struct Running {
    wanted: Wanted,
    stop: watch::Sender<bool>,
}

/// Delivers until it is dropped; what is on its way then is tried again after the next start.
pub async fn run(control: Arc<Control>, spine: SpineHandle, clock: Arc<dyn Clock>) {
    let (_never, stopping) = watch::channel(false);
    run_until(control, spine, clock, stopping).await;
}

/// Delivers until `stopping` says so; then begins nothing more, and returns when what was on its way has been
/// answered. Follows the catalog, and does not touch what did not change.
pub async fn run_until(
    control: Arc<Control>,
    spine: SpineHandle,
    clock: Arc<dyn Clock>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut changes = control.changes();
    let most = control.in_force().settings.webhooks.max_requests.as_usize();
    let ground = Ground { spine, clock, requests: Arc::new(Semaphore::new(most)) };
    let mut running: BTreeMap<String, Running> = BTreeMap::new();
    // Dropped with this future, and with it every session.
    let mut tasks = JoinSet::new();
    loop {
        let whole = follow(&control.in_force(), &ground, &mut running, &mut tasks);
        tokio::select! {
            changed = changes.changed() => {
                if changed.is_err() {
                    break;
                }
            }
            _ = stopping.changed() => break,
            () = tokio::time::sleep(AGAIN), if !whole => {}
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => tell(ended),
        }
        // What ended by itself begins anew.
        running.retain(|_, session| !session.stop.is_closed());
    }
    for session in running.into_values() {
        let _ = session.stop.send(true);
    }
    while let Some(ended) = tasks.join_next().await {
        tell(ended);
    }
}

fn tell(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = &error as &dyn std::error::Error, "the session of a webhook failed");
    }
}

/// Starts and stops sessions until they are what is in force says; false when one cannot be started yet.
fn follow(
    in_force: &InForce,
    ground: &Ground,
    running: &mut BTreeMap<String, Running>,
    tasks: &mut JoinSet<()>,
) -> bool {
    let wanted = Wanted::all(in_force);
    let mut whole = true;
    let mut old = std::mem::take(running);
    for wanted in wanted {
        let name = wanted.name();
        if let Some(session) = old.get(&name)
            && session.wanted == wanted
            && let Some(session) = old.remove(&name)
        {
            running.insert(name, session);
            continue;
        }
        match Target::new(&wanted, in_force.settings.secret_places()) {
            Ok(target) => {
                let (stop, stopped) = watch::channel(false);
                tasks.spawn(Session::open(ground.clone(), target).run(stopped));
                running.insert(name, Running { wanted, stop });
            }
            Err(error) => {
                whole = false;
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, webhook = name, "the webhook cannot be used, its events wait");
            }
        }
    }
    // The new session of a webhook is up before its old one goes, so that nothing is stranded in between.
    for session in old.into_values() {
        let _ = session.stop.send(true);
    }
    whole
}
