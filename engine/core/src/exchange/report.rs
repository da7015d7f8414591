//! What operators and metrics see of the exchange as a whole: queues, counters, the reasons of a decision.

use signalbox_counters::CounterKey;

use super::counted::counter_key;
use super::operate::{CommandReply, CounterQuery, ExplainRequest, QueueView};
use super::route::Journey;
use super::{Exchange, counter_mono, counter_wall};
use crate::message::TrafficClass;
use crate::time::Now;

impl Exchange {
    pub(super) fn explain_request(
        &self,
        now: Now,
        request: &ExplainRequest,
    ) -> signalbox_routing::Explanation {
        let journey = Journey {
            direction: request.direction,
            source: &request.source,
            destination: &request.destination,
            account: request.account,
            ingress: request.ingress,
            class: request.class,
            message: None,
        };
        self.explain(&journey, now)
    }

    pub(super) fn counter_query(&mut self, now: Now, query: &CounterQuery) -> CommandReply {
        match query {
            CounterQuery::Alarms => CommandReply::Alarms(self.counters.alarms().cloned().collect()),
            CounterQuery::Look { address, with } => {
                let key = counter_key(address);
                let pairs = with.iter().map(counter_key).flat_map(|other| {
                    [
                        CounterKey::Pair { source: key, destination: other },
                        CounterKey::Pair { source: other, destination: key },
                    ]
                });
                let keys = [CounterKey::Source(key), CounterKey::Destination(key)].into_iter().chain(pairs);
                let (mono, wall) = (counter_mono(now), counter_wall(now));
                CommandReply::Counted(keys.filter_map(|key| self.counters.look(mono, wall, key)).collect())
            }
            CounterQuery::Acknowledge(id) => {
                match self.counters.ack(signalbox_counters::AlarmId(*id), counter_wall(now)) {
                    Ok(event) => {
                        self.alarms(vec![event]);
                        CommandReply::Changed(1)
                    }
                    Err(_) => CommandReply::NotFound,
                }
            }
        }
    }

    /// The queues of all peers, for operators and metrics.
    #[must_use]
    pub fn queues(&self, now: Now) -> Vec<QueueView> {
        self.peers
            .iter()
            .map(|(id, peer)| {
                let oldest_ages = TrafficClass::ALL.map(|class| {
                    let waited = peer.queue.oldest(class).map_or(0, |since| since.age(now.mono).as_micros());
                    i64::try_from(waited).unwrap_or(i64::MAX)
                });
                QueueView {
                    peer: *id,
                    waiting: TrafficClass::ALL.map(|class| peer.queue.class_len(class) as u64),
                    in_flight: u64::from(peer.in_flight),
                    awaiting_receipt: u64::from(peer.awaiting),
                    oldest_age: oldest_ages.into_iter().max().unwrap_or(0),
                    oldest_ages,
                    sessions: peer.sessions.len() as u32,
                    window: peer
                        .sessions
                        .iter()
                        .filter_map(|session| self.sessions.get(session))
                        .map(|session| session.window)
                        .sum(),
                    rate: peer.pace.limit(),
                    enabled: peer.enabled && self.policy.peer(*id).is_some_and(|policy| policy.enabled),
                }
            })
            .collect()
    }
}
