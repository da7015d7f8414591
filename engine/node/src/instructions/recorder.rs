//! History: lines that the dialog server has committed go into the catalog's database, where they are listed by device
//! and by client id (CON-10, REP-03). A line is told again until it is there, and stands there once.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use signalbox_core::address::Address;
use signalbox_core::backend::Kind;
use signalbox_core::id::AccountId;
use signalbox_dialog::{Event, Record, Said};
use signalbox_invocation::Side;
use signalbox_people::{Direction, NewTrace, People};
use tokio::sync::mpsc;

use crate::control::Control;

/// Lines that are written together.
const BATCH: usize = 1_000;
/// Between two tries while the database fails.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes lines until nobody brings any more.
pub(super) async fn record(
    control: Arc<Control>,
    people: Arc<People>,
    ends: mpsc::Sender<Event>,
    mut records: mpsc::UnboundedReceiver<Record>,
) {
    let mut batch = Vec::new();
    while records.recv_many(&mut batch, BATCH).await > 0 {
        let traces = traces(&control, &batch);
        while let Err(error) = people.record_trace(&traces).await {
            tracing::error!(error = &error as &dyn std::error::Error, "history cannot be written");
            metrics::counter!("dialog_record_failures_total").increment(1);
            tokio::time::sleep(PAUSE).await;
        }
        let ids = batch.drain(..).map(|record| record.id).collect();
        if ends.send(Event::Recorded(ids)).await.is_err() {
            return;
        }
    }
}

/// The lines of a batch. What became of a message whose own line is among them is written into that.
fn traces(control: &Control, batch: &[Record]) -> Vec<NewTrace> {
    let mut traces: Vec<NewTrace> = Vec::with_capacity(batch.len());
    let mut places: FxHashMap<String, usize> = FxHashMap::default();
    for record in batch {
        let told = trace(control, record);
        match (&record.what, places.get(&told.event)) {
            (Said::Ended { .. }, Some(place)) => {
                traces[*place].status = told.status;
                traces[*place].status_at = told.status_at;
            }
            _ => {
                places.insert(told.event.clone(), traces.len());
                traces.push(told);
            }
        }
    }
    traces
}

/// A line as the database keeps it.
fn trace(control: &Control, record: &Record) -> NewTrace {
    let in_force = control.in_force();
    let (direction, status, text) = told(&record.what);
    // What became of a message changes its own line; all else has one of its own.
    let event = match &record.what {
        Said::Message { .. } | Said::Ended { .. } => record.message,
        Said::Filtered { .. } | Said::Failed { .. } | Said::Flagged { .. } | Said::Log(_) => record.id,
    };
    NewTrace {
        event: event.to_string(),
        account: AccountId(record.account),
        device: number_of(&record.device),
        client_id: None,
        at: record.at,
        direction,
        channel: "text".to_owned(),
        source: text_of(record.source.octets()),
        sub_campaign: in_force.snapshot.ids.name(Kind::SubCampaign, record.sub_campaign).map(str::to_owned),
        status,
        status_at: record.at,
        text,
        detail: detail(&record.what).map(|detail| detail.to_string()),
    }
}

/// What led to it: how the way of a message was found, which texts belong together.
fn detail(what: &Said) -> Option<Value> {
    match what {
        Said::Message { side: Side::Mo, why, flag, .. } => Some(json!({ "why": why, "flag": flag })),
        Said::Message { group, .. } => group.map(|group| json!({ "group": group.0.to_string() })),
        Said::Flagged { reason } => Some(json!({ "flag": reason })),
        Said::Failed { name, .. } => Some(json!({ "failure": name })),
        Said::Filtered { .. } | Said::Ended { .. } | Said::Log(_) => None,
    }
}

fn told(what: &Said) -> (Direction, String, Option<String>) {
    match what {
        Said::Message { side: Side::Mo, text, .. } => {
            (Direction::In, "received".to_owned(), Some(text.clone()))
        }
        Said::Message { side: Side::Mt, text, .. } => {
            (Direction::Out, "queued".to_owned(), Some(text.clone()))
        }
        Said::Filtered { text, status } => {
            (Direction::Out, format!("filtered: {status}"), Some(text.clone()))
        }
        Said::Ended { outcome, reason } if reason == "none" || reason == "receipt" => {
            (Direction::Out, outcome.clone(), None)
        }
        Said::Ended { outcome, reason } => (Direction::Out, format!("{outcome}: {reason}"), None),
        Said::Failed { name, detail } => (Direction::Out, format!("failed: {name}"), Some(detail.clone())),
        Said::Flagged { reason } => (Direction::In, "flagged".to_owned(), Some(reason.clone())),
        Said::Log(lines) => (Direction::Out, "log".to_owned(), Some(lines.join("\n"))),
    }
}

/// A device as contacts have it.
fn number_of(device: &Address) -> String {
    match device.digits() {
        Some(digits) => format!("+{}", text_of(digits)),
        None => text_of(device.octets()),
    }
}

fn text_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}
