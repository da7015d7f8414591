//! Many questions to the exchange at once: they go in one batch and share a commit.

use std::time::Duration;

use signalbox_core::exchange::{Event, Reply, ReplyTo};
use signalbox_core::id::SessionId;

use super::Api;
use super::problem::Problem;
use crate::gateway::GatewayError;
use crate::spine::{SpineHandle, ToSession};

/// How long replies are waited for, as for a single one.
const PATIENCE: Duration = Duration::from_secs(10);

/// A session for the replies of one batch; it is forgotten however the handler ends.
struct Asking<'a> {
    spine: &'a SpineHandle,
    session: SessionId,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.spine.close_session(self.session);
    }
}

impl Api {
    /// Offers all events, and gives the replies in their order; `None` for one that did not come in time.
    pub(super) async fn ask_all<F: FnOnce(ReplyTo) -> Event>(
        &self,
        make: Vec<F>,
    ) -> Result<Vec<Option<Reply>>, Problem> {
        let mut replies: Vec<Option<Reply>> = make.iter().map(|_| None).collect();
        if make.is_empty() {
            return Ok(replies);
        }
        let spine = self.gateway().spine();
        let (session, mut outbox) = spine.open_session();
        let _asking = Asking { spine, session };
        let events: Vec<Event> =
            (0..).zip(make).map(|(token, make)| make(ReplyTo { session, token })).collect();
        let answered = async {
            spine.offer(events).await.map_err(|_| GatewayError::Stopped)?;
            let mut missing = replies.len();
            while missing > 0 {
                for item in outbox.recv().await.ok_or(GatewayError::Stopped)? {
                    let ToSession::Reply { token, reply } = item else { continue };
                    let place = usize::try_from(token).ok().and_then(|token| replies.get_mut(token));
                    if let Some(place) = place
                        && place.replace(reply).is_none()
                    {
                        missing -= 1;
                    }
                }
            }
            Ok::<(), GatewayError>(())
        };
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(())) | Err(_) => Ok(replies),
            Ok(Err(error)) => Err(error.into()),
        }
    }
}
