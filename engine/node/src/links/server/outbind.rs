//! Outbind to accounts: when something waits for an account and no session of it is bound that could take it, we
//! connect to where it listens and ask it to bind (SMPP 3.4 cl. 2.2.1, 4.1.7).

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use signalbox_core::exchange::{Command, CommandReply, Event, Reply, ReplyTo};
use signalbox_core::gcra::Gcra;
use signalbox_core::id::PeerId;
use signalbox_smpp::Outbind;

use super::super::settings::{AccountSettings, OutbindTarget};
use super::super::transport::{self, Transport};
use super::listener::{self, Listening};
use crate::spine::ToSession;
use crate::supervisor::{Failure, Order, Orders};

/// How long the exchange may take to say what waits.
const ANSWER: Duration = Duration::from_secs(10);

/// Knocks at an account's door whenever its mail waits, until told to end.
///
/// # Errors
/// When the session that followed failed.
pub(in crate::links) async fn knock(
    listening: Listening,
    account: Arc<AccountSettings>,
    target: OutbindTarget,
    mut orders: Orders,
) -> Result<(), Failure> {
    let peer = PeerId::Account(account.id);
    loop {
        tokio::select! {
            () = tokio::time::sleep(target.every) => {}
            order = orders.recv() => match order {
                Some(Order::Drain | Order::Stop) | None => return Ok(()),
            },
        }
        if listening.ground.board.has_receiver(peer) {
            continue;
        }
        let Some(waiting) = waiting(&listening, peer).await else { continue };
        if waiting == 0 {
            continue;
        }
        match connect(&target).await {
            Err(error) => tracing::warn!(account = account.name, %error, "no connection for outbind"),
            Ok((transport, remote)) => {
                tracing::info!(account = account.name, %remote, waiting, "outbind");
                let outbind = Outbind {
                    system_id: target.system_id.as_str().into(),
                    password: target.password.0.as_str().into(),
                    ..Outbind::default()
                };
                let name = format!("{}/outbind", account.name);
                let pace = Arc::new(Mutex::new(Gcra::new(None, 1)));
                listener::run(
                    listening.clone(),
                    name,
                    transport,
                    remote,
                    None,
                    pace,
                    Some(outbind),
                    &mut orders,
                )
                .await?;
            }
        }
    }
}

async fn connect(target: &OutbindTarget) -> std::io::Result<(Transport, std::net::SocketAddr)> {
    let connecting = async {
        let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
        for address in tokio::net::lookup_host((target.host.as_str(), target.port)).await? {
            match transport::connect(address, None, None).await {
                Ok(stream) => return Ok((Transport::Plain(stream), address)),
                Err(error) => last = error,
            }
        }
        Err(last)
    };
    tokio::time::timeout(ANSWER, connecting).await?
}

/// How many messages wait for the peer; `None` when the exchange does not say.
async fn waiting(listening: &Listening, peer: PeerId) -> Option<u64> {
    let spine = &listening.ground.spine;
    let (session, mut outbox) = spine.open_session();
    let ask = Event::Command { reply: ReplyTo { session, token: 0 }, command: Box::new(Command::Queues) };
    let mut found = None;
    if spine.offer(vec![ask]).await.is_ok() {
        let answer = tokio::time::timeout(ANSWER, outbox.recv()).await.ok().flatten();
        for item in answer.into_iter().flatten() {
            if let ToSession::Reply { reply: Reply::Command(reply), .. } = item
                && let CommandReply::Queues(queues) = *reply
            {
                let queue = queues.iter().find(|queue| queue.peer == peer);
                found = Some(queue.map_or(0, |queue| queue.waiting.iter().sum()));
            }
        }
    }
    spine.close_session(session);
    found
}
