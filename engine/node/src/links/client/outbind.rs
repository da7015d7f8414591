//! Waiting for SMSCs that do not wait for us: outbind (SMPP 3.4 cl. 2.2.1, 4.1.7).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::id::PeerId;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::line::{Ended, Ground};
use super::super::metrics::{self, PeerMetrics};
use super::super::settings::LinkSettings;
use super::super::transport::{self, Transport};
use super::{line, pump};
use crate::supervisor::{Failure, Order, Orders};

/// Listens for the link's SMSC and runs the sessions that it opens, at most as many as the link has.
///
/// # Errors
/// When the address cannot be listened on.
pub(in crate::links) async fn listen(
    ground: Ground,
    link: Arc<LinkSettings>,
    address: SocketAddr,
    heartbeat_every: Duration,
    mut orders: Orders,
) -> Result<(), Failure> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Failed(format!("{address} cannot be listened on for outbind: {error}")))?;
    tracing::info!(link = link.name, %address, "waiting for outbind");
    let mut sessions = JoinSet::new();
    let mut tellers: Vec<tokio::sync::mpsc::Sender<Order>> = Vec::new();
    let mut number = 0_u64;
    let order = loop {
        tokio::select! {
            order = orders.recv() => break order.unwrap_or(Order::Stop),
            Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            accepted = listener.accept() => {
                let Ok((stream, remote)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                if sessions.len() >= usize::from(link.sessions) {
                    metrics::refused_connection(&link.name, "sessions");
                    continue;
                }
                if transport::set_options(&stream).is_err() {
                    continue;
                }
                number += 1;
                let (teller, told) = tokio::sync::mpsc::channel(4);
                tellers.retain(|teller| !teller.is_closed());
                tellers.push(teller);
                let session = serve(
                    ground.clone(), link.clone(), Transport::Plain(stream), remote, number, heartbeat_every, told,
                );
                sessions.spawn(session);
            }
        }
    };
    for teller in &tellers {
        // A session that has ended by itself needs no telling.
        let _ = teller.try_send(order);
    }
    while sessions.join_next().await.is_some() {}
    Ok(())
}

async fn serve(
    ground: Ground,
    link: Arc<LinkSettings>,
    transport: Transport,
    remote: SocketAddr,
    number: u64,
    heartbeat_every: Duration,
    mut orders: Orders,
) -> Ended {
    let name = format!("{}/outbind-{number}", link.name);
    let heartbeat = ground.watchdog.watch("link", name.clone());
    let posted = ground.board.post(name, Some(PeerId::Link(link.id)), ground.clock.now().wall);
    let line = line(&ground, &link, Some(remote), false, PeerMetrics::of_link(&link.name), posted);
    let mut pump = pump(&ground, &link, line, transport, heartbeat_every);
    let ended = pump.run(&mut orders, &heartbeat).await;
    tracing::info!(link = link.name, %remote, %ended, "session after outbind ended");
    ended
}
