//! History and ledger: lines that the dialog server has committed go into the catalog's database, where they are listed
//! by device and by client id (CON-10, REP-03), and what people want of us into the ledger of consent (OPT-03). A line
//! is told again until it is there, and stands there once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use signalbox_config::catalog::AgentQueue;
use signalbox_core::address::Address;
use signalbox_core::backend::Kind;
use signalbox_core::id::AccountId;
use signalbox_dialog::{Completion, Event, OfPass, Record, Said};
use signalbox_invocation::{Channel, Level, Side};
use signalbox_people::{
    self as consents, Action, Channels, ContactId, Direction, Ended, Episode, NewConsent, NewTrace, PassId,
    People,
};
use tokio::sync::mpsc;

use crate::catalog::Snapshot;
use crate::control::Control;
use crate::dialog::participation_of;

/// Lines that are written together.
const BATCH: usize = 1_000;
/// What a tester's is called, among completion statuses and in details.
const TEST: &str = "test";
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
        let traces: Vec<NewTrace> = batch.iter().filter_map(|record| trace(&control, record)).collect();
        while let Err(error) = people.record_trace(&traces).await {
            tracing::error!(error = &error as &dyn std::error::Error, "history cannot be written");
            metrics::counter!("dialog_record_failures_total").increment(1);
            tokio::time::sleep(PAUSE).await;
        }
        let said: Vec<NewConsent> = batch.iter().filter_map(|record| consent(&control, record)).collect();
        while let Err(error) = people.record_consents(&said).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the ledger cannot be written");
            metrics::counter!("dialog_record_failures_total").increment(1);
            tokio::time::sleep(PAUSE).await;
        }
        let told: Vec<Episode> = batch.iter().filter_map(|record| episode(&control, record)).collect();
        while let Err(error) = people.record_episodes(&told).await {
            tracing::error!(error = &error as &dyn std::error::Error, "session variables cannot be written");
            metrics::counter!("dialog_record_failures_total").increment(1);
            tokio::time::sleep(PAUSE).await;
        }
        // Before the lines of attempts are taken for written: a pass has the end of each contact once.
        let ended: Vec<Ended> = batch.iter().filter_map(end_of).collect();
        while let Err(error) = people.end_attempts(&ended).await {
            tracing::error!(error = &error as &dyn std::error::Error, "ends of attempts cannot be written");
            metrics::counter!("dialog_record_failures_total").increment(1);
            tokio::time::sleep(PAUSE).await;
        }
        for end in &ended {
            metrics::counter!("pass_contacts_ended_total", "status" => end.status.clone()).increment(1);
        }
        let answered: Vec<_> = batch.iter().filter_map(answer_of).collect();
        while let Err(error) = people.answer_attempts(&answered).await {
            tracing::error!(error = &error as &dyn std::error::Error, "answers to passes cannot be written");
            metrics::counter!("dialog_record_failures_total").increment(1);
            tokio::time::sleep(PAUSE).await;
        }
        let ids = batch.drain(..).map(|record| record.id).collect();
        if ends.send(Event::Recorded(ids)).await.is_err() {
            return;
        }
    }
}

/// An entry of the ledger; `None` of a record that is none. Levels have the names of the catalog, as uploads ask for
/// them.
fn consent(control: &Control, record: &Record) -> Option<NewConsent> {
    let Said::Consent { level, of, client_id, channels, opt_in, by, wording } = &record.what else {
        return None;
    };
    let (level, kind) = match level {
        Level::Campaign => (consents::Level::Campaign, Kind::Campaign),
        Level::Account => (consents::Level::Account, Kind::Account),
        Level::Enterprise => (consents::Level::Enterprise, Kind::Enterprise),
    };
    let in_force = control.in_force();
    let level_id = in_force.snapshot.ids.name(kind, *of).map_or_else(|| format!("#{of}"), str::to_owned);
    let bits = channels.iter().map(|channel| match channel {
        Channel::Text => Channels::TEXT.0,
        Channel::Voice => Channels::VOICE.0,
        Channel::Email => Channels::EMAIL.0,
    });
    Some(NewConsent {
        event: record.id.to_string(),
        account: AccountId(record.account),
        level,
        level_id,
        subject: client_id.clone().unwrap_or_else(|| number_of(&record.device)),
        action: if *opt_in { Action::OptIn } else { Action::OptOut },
        channels: Channels(bits.fold(0, |all, one| all | one)),
        at: record.at,
        who: if by == "mo" { "device".to_owned() } else { by.clone() },
        how: by.clone(),
        wording: wording.clone(),
        source: (!record.source.is_empty()).then(|| text_of(record.source.octets())),
        // A record of no message has its own number in that place.
        evidence: (record.message != record.id).then(|| record.message.to_string()),
    })
}

/// The end of an attempt of a pass.
fn end_of(record: &Record) -> Option<Ended> {
    let Said::Attempt { of, completion } = &record.what else { return None };
    let (pass, contact) = numbers(*of)?;
    // A tester's end is none of the list's.
    let (status, reason) = match record.test {
        true => (TEST.to_owned(), completion.name().to_owned()),
        false => (completion.name().to_owned(), completion.reason().to_owned()),
    };
    Some(Ended { pass, contact, status, reason, at: record.at })
}

/// The contact of a pass whose device answered.
fn answer_of(record: &Record) -> Option<(PassId, ContactId)> {
    match &record.what {
        Said::Replied { of } if !record.test => numbers(*of),
        _ => None,
    }
}

fn numbers(of: OfPass) -> Option<(PassId, ContactId)> {
    Some((PassId(i64::try_from(of.pass).ok()?), ContactId(i64::try_from(of.contact).ok()?)))
}

/// A line as the database keeps it; `None` of what is the ledger's.
fn trace(control: &Control, record: &Record) -> Option<NewTrace> {
    let in_force = control.in_force();
    let (direction, status, text) = told(&record.what)?;
    // What became of a message changes its own line; all else has one of its own.
    let event = match &record.what {
        Said::Message { .. } | Said::Agent { .. } | Said::Ended { .. } => record.message,
        Said::Filtered { .. }
        | Said::Failed { .. }
        | Said::Flagged { .. }
        | Said::Log(_)
        | Said::Work { .. }
        | Said::Attempt { .. }
        | Said::Replied { .. }
        | Said::Consent { .. }
        | Said::Episode { .. } => record.id,
    };
    Some(NewTrace {
        event: event.to_string(),
        account: AccountId(record.account),
        device: number_of(&record.device),
        client_id: None,
        at: record.at,
        direction,
        channel: "text".to_owned(),
        source: text_of(record.source.octets()),
        sub_campaign: name_of(&in_force.snapshot, record.sub_campaign).map(str::to_owned),
        status,
        status_at: record.at,
        text,
        detail: marked(detail(&in_force.snapshot, &record.what), record.test)
            .map(|detail| detail.to_string()),
    })
}

/// An episode with its session variables (API-15); `None` of a record that is none.
fn episode(control: &Control, record: &Record) -> Option<Episode> {
    let Said::Episode { conversation, number, version, client_id, variables, ended } = &record.what else {
        return None;
    };
    let in_force = control.in_force();
    let snapshot = &in_force.snapshot;
    let key: String = conversation.key.iter().map(|octet| format!("{octet:02x}")).collect();
    let script = snapshot.ids.name(Kind::Script, version.script);
    let variables: serde_json::Map<_, _> =
        variables.iter().map(|(name, value)| (name.clone(), shown(value))).collect();
    Some(Episode {
        id: format!("{key}.{number}"),
        told: record.id.to_string(),
        account: AccountId(record.account),
        sub_campaign: name_of(snapshot, record.sub_campaign)
            .map_or_else(|| format!("#{}", record.sub_campaign), str::to_owned),
        device: number_of(&record.device),
        source: text_of(record.source.octets()),
        client_id: (!client_id.is_empty()).then(|| client_id.clone()),
        version: script.map(|script| format!("{script}.{}", version.version)),
        began_at: record.at,
        at: record.at,
        ended: *ended,
        variables: Value::Object(variables).to_string(),
        test: record.test,
    })
}

/// A session variable as reports have it: dates as RFC 3339.
fn shown(value: &signalbox_invocation::Value) -> Value {
    match value {
        // Whole numbers without a fraction: 2^53 and beyond are no whole numbers of a script's any more.
        signalbox_invocation::Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            json!(*number as i64)
        }
        signalbox_invocation::Value::Number(number) => json!(number),
        signalbox_invocation::Value::Text(text) => json!(text),
        signalbox_invocation::Value::Date(micros) => match jiff::Timestamp::from_microsecond(*micros) {
            Ok(at) => json!(at.to_string()),
            Err(_) => json!(micros),
        },
    }
}

/// The name of a sub-campaign, or of the participation campaign that stands in its place.
fn name_of(snapshot: &Snapshot, sub_campaign: u32) -> Option<&str> {
    match participation_of(sub_campaign) {
        Some(campaign) => snapshot.ids.name(Kind::Participation, campaign),
        None => snapshot.ids.name(Kind::SubCampaign, sub_campaign),
    }
}

/// A line of a test says so.
fn marked(detail: Option<Value>, test: bool) -> Option<Value> {
    if !test {
        return detail;
    }
    let mut detail = detail.unwrap_or_else(|| json!({}));
    detail[TEST] = json!(true);
    Some(detail)
}

/// What led to it: how the way of a message was found, which texts belong together.
fn detail(snapshot: &Snapshot, what: &Said) -> Option<Value> {
    match what {
        Said::Message { side: Side::Mo, why, flag, .. } => Some(json!({ "why": why, "flag": flag })),
        Said::Message { group, .. } => group.map(|group| json!({ "group": group.0.to_string() })),
        Said::Agent { agent, work, .. } => Some(json!({ "agent": agent, "work": work.to_string() })),
        Said::Work { agent, queue, .. } => {
            let queue = snapshot.ids.name(Kind::AgentQueue, *queue).unwrap_or(AgentQueue::OWN);
            Some(json!({ "agent": agent, "queue": queue }))
        }
        Said::Flagged { reason } => Some(json!({ "flag": reason })),
        Said::Failed { name, .. } => Some(json!({ "failure": name })),
        Said::Attempt { of, .. } => Some(json!({ "pass": of.pass.to_string() })),
        Said::Filtered { .. }
        | Said::Ended { .. }
        | Said::Log(_)
        | Said::Replied { .. }
        | Said::Consent { .. }
        | Said::Episode { .. } => None,
    }
}

fn told(what: &Said) -> Option<(Direction, String, Option<String>)> {
    Some(match what {
        Said::Message { side: Side::Mo, text, .. } => {
            (Direction::In, "received".to_owned(), Some(text.clone()))
        }
        Said::Message { side: Side::Mt, text, .. } | Said::Agent { text, .. } => {
            (Direction::Out, NewTrace::QUEUED.to_owned(), Some(text.clone()))
        }
        Said::Work { did, .. } => (Direction::In, format!("agent: {did}"), None),
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
        // One that reached its contact is seen by its texts.
        Said::Attempt { completion: Completion::Delivered | Completion::NoText, .. } => return None,
        Said::Attempt { completion, .. } => {
            let why = if completion.reason().is_empty() { "" } else { ": " };
            (Direction::Out, format!("attempt {}{why}{}", completion.name(), completion.reason()), None)
        }
        Said::Replied { .. } | Said::Consent { .. } | Said::Episode { .. } => return None,
    })
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
