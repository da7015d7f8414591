//! Links over HTTP: aggregators whose API we ask, and that call back ours.
//!
//! To the exchange such a link is what a link of SMPP is: a session with a window, permits with a deadline, answers by
//! class. What the other end's API looks like is data: `fields` are what templates can say of a message, `render` fills
//! them in, `request` makes the request, `answer` reads what comes back, `callback` what is called back. `session` is
//! the side of the exchange.

mod answer;
mod attempt;
mod callback;
mod fields;
mod found;
mod gathering;
mod render;
mod request;
mod session;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use signalbox_core::id::PeerId;

pub use callback::{CallKind, CallbackError, Called, receive};
pub use found::{Document, form};
pub use settings::{HttpSettings, HttpSettingsError};

use super::line::Ground;
use super::settings::LinkSettings;
use super::state::Phase;
use super::{client, describe};
use crate::supervisor::{Failure, Order, Orders};
use session::{Ended, Session};

/// Runs the session of a link until it is told to end: waits until the other end can be reached, carries messages,
/// and begins anew when that ends.
///
/// # Errors
/// When it was stuck: then the supervisor decides when to go on.
pub(super) async fn run(
    ground: Ground,
    link: Arc<LinkSettings>,
    every: Duration,
    mut orders: Orders,
) -> Result<(), Failure> {
    let name = format!("{}/0", link.name);
    let heartbeat = ground.watchdog.watch("link", name.clone());
    let Some(settings) = link.http.clone() else {
        return Err(Failure::Failed("the link has nothing about http".to_owned()));
    };
    let mut failures = 0;
    loop {
        let now = ground.clock.now().wall;
        let posted = ground.board.post(name.clone(), Some(PeerId::Link(link.id)), now);
        // A connection of its own, which carries nothing, tells whether messages can be sent at all.
        let reached = tokio::select! {
            reached = client::beating(client::reach(&link), &ground, &heartbeat, every) => reached,
            order = orders.recv() => match order {
                Some(Order::Drain | Order::Stop) | None => return Ok(()),
            },
        };
        let ready = reached.map_err(|error| describe(&error)).and_then(|remote| {
            posted.connected(remote, link.tls.is_some());
            request::client(&link, &settings).map_err(|error| describe(&error))
        });
        let problem = match ready {
            Err(problem) => problem,
            Ok(client) => {
                let mut session = Session::new(ground.clone(), link.clone(), client, posted);
                let ended = tokio::select! {
                    biased;
                    ended = session.run(&mut orders, &heartbeat, every) => ended,
                    () = heartbeat.ended() => return Err(Failure::Stuck),
                };
                if session.good {
                    failures = 0;
                }
                match ended {
                    Ended::Told | Ended::SpineGone => return Ok(()),
                    Ended::Lost(_) | Ended::Refused(_) => ended.to_string(),
                }
            }
        };
        let wait = link.reconnect.wait(failures, rand::rng().random());
        failures = failures.saturating_add(1);
        tracing::warn!(link = link.name, problem, wait_ms = wait.as_millis(), "link over http is down");
        metrics::counter!("http_link_downs_total", "link" => link.name.clone()).increment(1);
        let now = ground.clock.now().wall;
        let posted = ground.board.post(name.clone(), Some(PeerId::Link(link.id)), now);
        posted.set_phase(Phase::Waiting, now);
        posted.set_error(problem);
        tokio::select! {
            () = client::beating(tokio::time::sleep(wait), &ground, &heartbeat, every) => {}
            order = orders.recv() => match order {
                Some(Order::Drain | Order::Stop) | None => return Ok(()),
            },
        }
    }
}
