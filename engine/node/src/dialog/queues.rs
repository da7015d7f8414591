//! From the rows of queues to what the dialog server asks of messages for agents (KEY-13).

use signalbox_config::catalog::{QueueAction, SubCampaign};
use signalbox_config::value::Count;
use signalbox_core::backend::Kind;
use signalbox_dialog::{QueueRule, Queues, Watch};

use super::RowFaults;
use crate::catalog::Snapshot;

/// Priority of what says nothing of one.
const USUAL: u8 = 50;

/// Compiles the rows. A keyword that cannot be watched for is left out and added to `faults`.
pub(super) fn queues(snapshot: &Snapshot, faults: &mut RowFaults) -> Queues {
    let mut queues = Queues::default();
    for row in &snapshot.rows.agent_queue {
        let Some(number) = snapshot.ids.of(Kind::AgentQueue, row.name.as_str()) else { continue };
        let Some(account) = snapshot.ids.account(row.account.as_str()) else { continue };
        let account = account.0;
        queues.add(number, QueueRule { account, priority: row.priority.map(|count| priority(Some(count))) });
        for (place, watched) in row.watch.iter().enumerate() {
            let watch = match watched.action {
                QueueAction::Move => Watch::Move(number),
                QueueAction::First => Watch::First(number),
                QueueAction::Archive => Watch::Archive,
            };
            let address = match &watched.source_address {
                None => 0,
                Some(name) => match snapshot.ids.of(Kind::SourceAddress, name.as_str()) {
                    Some(id) => id,
                    // To one that is gone nobody writes.
                    None => continue,
                },
            };
            if let Err(error) = queues.watch(account, address, watched.keyword.to_string(), watch) {
                faults.add(Kind::AgentQueue, &row.name, "watch", format!("[{place}]: {error}"));
            }
        }
    }
    queues
}

/// The queue of a sub-campaign's messages for agents; zero for the account's own.
pub(super) fn queue_of(snapshot: &Snapshot, row: &SubCampaign) -> u32 {
    let named = row.agent_queue.as_ref();
    named.and_then(|name| snapshot.ids.of(Kind::AgentQueue, name.as_str())).unwrap_or(0)
}

/// A priority of 0 to 100.
pub(super) fn priority(row: Option<Count<0, 100>>) -> u8 {
    row.map_or(USUAL, |count| u8::try_from(count.get()).unwrap_or(USUAL))
}
