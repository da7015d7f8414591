//! The spam and loop counters and their alarms.

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signalbox_config::catalog::Right;
use signalbox_core::backend::Kind;
use signalbox_core::exchange::{Command, CommandReply, CounterQuery};
use signalbox_core::id::MessageId;
use signalbox_counters::{Alarm, CounterKey, Key, Look, Wall};
use utoipa::ToSchema;

use super::caller::Caller;
use super::extract::{PathName, QueryOf, timestamp};
use super::operations::{Operation, operation};
use super::page::{Page, PageQuery};
use super::problem::{Problem, ProblemKind, internal};
use super::routing::address;
use super::{Api, peers};
use crate::gateway::GatewayError;

/// The other side of a pair.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LookQuery {
    /// The other address, for the counters of the pair in both directions.
    with: Option<String>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    limit: Option<usize>,
}

/// Which counter.
#[derive(Debug, Serialize, ToSchema)]
struct CounterName {
    /// `source`, `destination`, `pair` or `group`.
    kind: &'static str,
    /// Who sends, or the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Who receives.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
}

impl CounterName {
    /// Its place among others.
    fn key(&self) -> String {
        let [source, destination] =
            [&self.source, &self.destination].map(|text| text.as_deref().unwrap_or(""));
        format!("{} {source} {destination}", self.kind)
    }
}

/// One counter.
#[derive(Debug, Serialize, ToSchema)]
struct CounterInfo {
    /// Which.
    counter: CounterName,
    /// The count within the window, now.
    count: u64,
    /// True when the count is at least this.
    saturated: bool,
    /// The threshold that it is compared with.
    threshold: u32,
    /// The window in milliseconds.
    window_ms: u64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    first_seen: Option<jiff::Timestamp>,
    /// The newest message.
    #[schema(value_type = String, format = DateTime)]
    last_seen: Option<jiff::Timestamp>,
    /// Distinct counterparts, estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    distinct: Option<u32>,
    /// The count of the other direction, for a pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverse: Option<u64>,
    /// The alarm that stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm: Option<u64>,
}

/// An alarm that is not cleared.
#[derive(Debug, Serialize, ToSchema)]
struct AlarmInfo {
    /// Its number.
    id: u64,
    /// `SPAM`, `LOOP_OR_FLOOD`, `LOOP` or `VOTE_OR_DOS`.
    kind: Value,
    /// `raised` or `acked`.
    state: Value,
    /// Which counter; numbers are masked without the right `messages:reveal`.
    counter: CounterName,
    /// Carrier of the counted side.
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    /// The count.
    count: u64,
    /// The threshold that it exceeded.
    threshold: u32,
    /// The window in milliseconds.
    window_ms: u64,
    /// When it was raised.
    #[schema(value_type = String, format = DateTime)]
    raised: Option<jiff::Timestamp>,
    /// When somebody took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    acked: Option<jiff::Timestamp>,
    /// Oldest message counted.
    #[schema(value_type = String, format = DateTime)]
    first: Option<jiff::Timestamp>,
    /// Newest message.
    #[schema(value_type = String, format = DateTime)]
    last: Option<jiff::Timestamp>,
    /// Distinct counterparts, estimated.
    distinct: u32,
    /// The count of the other direction, for a pair.
    reverse: u64,
    /// Ids of some of the messages.
    samples: Vec<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/counters/{address}",
            "counter.get",
            "What is counted for an address",
            look,
        )
        .right(Right::CountersRead)
        .query::<LookQuery>()
        .page::<CounterInfo>("its counters; none when nothing is counted")
        .problems(&[ProblemKind::Invalid]),
        operation(Method::GET, "/v1/alarms", "alarm.list", "The alarms that are not cleared", alarms)
            .right(Right::CountersRead)
            .query::<PageQuery>()
            .page::<AlarmInfo>("alarms")
            .problems(&[ProblemKind::Invalid]),
        operation(
            Method::POST,
            "/v1/alarms/{id}/ack",
            "alarm.ack",
            "Takes an alarm: it no longer repeats",
            ack,
        )
        .right(Right::CountersOperate)
        .nothing("it is taken")
        .problems(&[ProblemKind::NotFound]),
    ]
}

fn named(key: CounterKey, whole: bool) -> CounterName {
    let text = |key: Key| Some(if whole { key.to_string() } else { format!("{key:?}") });
    match key {
        CounterKey::Source(key) => CounterName { kind: "source", source: text(key), destination: None },
        CounterKey::Destination(key) => {
            CounterName { kind: "destination", source: None, destination: text(key) }
        }
        CounterKey::Pair { source, destination } => {
            CounterName { kind: "pair", source: text(source), destination: text(destination) }
        }
        CounterKey::Group(key) => CounterName { kind: "group", source: text(key), destination: None },
    }
}

fn at(wall: Wall) -> Option<jiff::Timestamp> {
    timestamp(signalbox_core::time::Micros(wall.0))
}

async fn look(
    State(api): State<Api>,
    caller: Caller,
    PathName(written): PathName,
    QueryOf(query): QueryOf<LookQuery>,
) -> Result<Json<Page<CounterInfo>>, Problem> {
    caller.unscoped()?;
    let address_of = address("address", &written)?;
    let with = query.with.as_deref().map(|with| address("with", with)).transpose()?;
    let command = Command::Counters(CounterQuery::Look { address: address_of, with });
    let CommandReply::Counted(looks) = api.gateway().command(command).await? else {
        return Err(GatewayError::Mismatched.into());
    };
    // Who asks for an address knows it.
    let query = PageQuery { cursor: query.cursor, limit: query.limit };
    let counters = looks.into_iter().map(counter).collect();
    Ok(Json(Page::of(&api, &query, counters, |one: &CounterInfo| one.counter.key())?))
}

fn counter(look: Look) -> CounterInfo {
    CounterInfo {
        counter: named(look.key, true),
        count: look.count,
        saturated: look.saturated,
        threshold: look.threshold,
        window_ms: look.window_ms,
        first_seen: at(look.first_seen),
        last_seen: at(look.last_seen),
        distinct: look.distinct,
        reverse: look.reverse,
        alarm: look.alarm.map(|alarm| alarm.0),
    }
}

async fn alarms(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<AlarmInfo>>, Problem> {
    caller.unscoped()?;
    let CommandReply::Alarms(alarms) = api.gateway().command(Command::Counters(CounterQuery::Alarms)).await?
    else {
        return Err(GatewayError::Mismatched.into());
    };
    let in_force = api.control().in_force();
    let mut items = Vec::with_capacity(alarms.len());
    for alarm in alarms {
        let carrier = alarm.carrier.map(|id| peers::named(&in_force.snapshot.ids, Kind::Carrier, id));
        items.push(alarm_info(&alarm, carrier, caller.reveals())?);
    }
    // Numbers of one width have the order of their texts.
    Ok(Json(Page::of(&api, &query, items, |alarm| format!("{:020}", alarm.id))?))
}

fn alarm_info(alarm: &Alarm, carrier: Option<String>, whole: bool) -> Result<AlarmInfo, Problem> {
    let word = |value: serde_json::Result<Value>| value.map_err(|error| internal(&error));
    Ok(AlarmInfo {
        id: alarm.id.0,
        kind: word(serde_json::to_value(alarm.kind))?,
        state: word(serde_json::to_value(alarm.state))?,
        counter: named(alarm.key, whole),
        carrier,
        count: alarm.count,
        threshold: alarm.threshold,
        window_ms: alarm.window_ms,
        raised: at(alarm.raised),
        acked: alarm.acked.and_then(at),
        first: at(alarm.first),
        last: at(alarm.last),
        distinct: alarm.distinct,
        reverse: alarm.reverse,
        samples: alarm.samples.iter().map(|id| MessageId::from_bytes(id.to_be_bytes()).to_string()).collect(),
    })
}

async fn ack(State(api): State<Api>, caller: Caller, PathName(id): PathName) -> Result<StatusCode, Problem> {
    caller.unscoped()?;
    let number: u64 = id.parse().map_err(|_| Problem::no("alarm", &id))?;
    api.record(&caller, "alarm.ack", json!({ "alarm": number })).await?;
    let reply = api.gateway().command(Command::Counters(CounterQuery::Acknowledge(number))).await?;
    match reply {
        CommandReply::Changed(_) => Ok(StatusCode::NO_CONTENT),
        CommandReply::NotFound => Err(Problem::no("alarm", &id)),
        CommandReply::Messages(_)
        | CommandReply::Queues(_)
        | CommandReply::Explained(_)
        | CommandReply::Alarms(_)
        | CommandReply::Counted(_)
        | CommandReply::Suppressions(_)
        | CommandReply::OptedOut(_)
        | CommandReply::Consent { .. } => Err(GatewayError::Mismatched.into()),
    }
}
