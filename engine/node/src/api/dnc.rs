//! Numbers of do-not-call lists: uploaded as a whole, with the day as of which they hold, and how old they are.

use std::io::{self, BufRead, BufReader};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::{DncList, Right, RowKind};
use signalbox_config::value::Count;
use signalbox_consent::PackedNumbers;
use signalbox_text::E164;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{Condition, PathName, QueryOf};
use super::operations::{Operation, RequestHeader, operation};
use super::participations::List;
use super::people::{CSV, is_csv};
use super::problem::{Problem, ProblemKind, internal};
use super::rows::{View, check, etag, find, version_of};
use crate::control::InForce;
use crate::policy::dnc;

/// Bad lines that are told.
const TOLD: usize = 100;
/// Longest line, in octets.
const LINE: u64 = 4_096;

/// Of which day the numbers are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditionQuery {
    /// The day as of which they hold, as `2026-06-30`; today, by UTC, when it is not there.
    #[serde(default)]
    as_of: Option<String>,
}

/// The numbers of a list.
#[derive(Debug, Serialize, ToSchema)]
struct EditionInfo {
    /// The list.
    name: String,
    /// Whether its numbers are there; while they are not, what the list would be asked about does not leave.
    loaded: bool,
    /// How many there are.
    numbers: u64,
    /// The day as of which they hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
    /// How many whole days that is ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_days: Option<i64>,
    /// True when they are older than they may be: then what the list would be asked about does not leave either.
    stale: bool,
    /// Lines that have no number, of an upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    bad: Option<u64>,
    /// The first hundred of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bad_lines: Vec<u64>,
}

pub(super) fn operations() -> Vec<Operation> {
    let path = "/v1/dnc-lists/{name}/numbers";
    vec![
        operation(Method::GET, path, "dnc_list.age", "How many numbers a list has, and how old they are", age)
            .right(Right::CatalogRead)
            .tenants()
            .answer::<EditionInfo>(200, "its numbers, counted")
            .with("ETag")
            .problems(&[ProblemKind::NotFound]),
        operation(
            Method::PUT,
            path,
            "dnc_list.put_numbers",
            "Streams the numbers of a list in, one a line in the international form; they replace those before",
            put,
        )
        .right(Right::CatalogWrite)
        .tenants()
        .query::<EditionQuery>()
        .header(RequestHeader::IfMatch)
        .body_of(CSV, |_| serde_json::json!({ "type": "string", "description": "one number a line" }))
        .answer::<EditionInfo>(200, "they are in force")
        .with("ETag")
        .problems(&[ProblemKind::NotFound, ProblemKind::VersionMismatch]),
    ]
}

async fn age(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
) -> Result<(HeaderMap, Json<EditionInfo>), Problem> {
    let in_force = api.control().in_force();
    let row = find::<DncList>(&in_force.snapshot, &name);
    let row = row.filter(|row| View::of(&caller, &in_force.snapshot).sees(*row));
    let row = row.ok_or_else(|| Problem::no("dnc_list", &name))?;
    let tag = etag(version_of::<DncList>(&in_force.snapshot, &name));
    Ok((tag, Json(info(&in_force, row, api.now().wall.0))))
}

fn info(in_force: &InForce, row: &DncList, now: i64) -> EditionInfo {
    let id = in_force.snapshot.ids.of(signalbox_core::backend::Kind::DncList, row.name.as_str());
    let lists = &in_force.policy.consent.dnc;
    let list = id.and_then(|id| lists.get(signalbox_consent::ListId(id)));
    const DAY: i64 = 86_400_000_000;
    EditionInfo {
        name: row.name.to_string(),
        loaded: list.is_some(),
        numbers: list.map_or(0, |list| list.numbers.len() as u64),
        as_of: row.as_of.map(|day| day.to_string()),
        age_days: row.as_of.map(|date| (now - dnc::day(date)).div_euclid(DAY)),
        stale: list.is_some_and(|list| list.is_stale(signalbox_consent::Micros(now))),
        bad: None,
        bad_lines: Vec::new(),
    }
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    PathName(name): PathName,
    QueryOf(query): QueryOf<EditionQuery>,
    condition: Condition,
    headers: HeaderMap,
    body: Body,
) -> Result<(HeaderMap, Json<EditionInfo>), Problem> {
    if !is_csv(&headers) {
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, format!("the body must be {CSV}")));
    }
    let now = api.now().wall.0;
    let today = jiff::Timestamp::from_microsecond(now).map_err(|error| internal(&error))?;
    let today = today.to_zoned(jiff::tz::TimeZone::UTC).date();
    let as_of = match query.as_of {
        None => today,
        Some(text) => {
            text.parse().map_err(|_| Problem::field("as_of", "must be a day such as 2026-06-30"))?
        }
    };
    if as_of > today {
        return Err(Problem::field("as_of", "is in the future"));
    }
    let in_force = api.control().in_force();
    let row = find::<DncList>(&in_force.snapshot, &name);
    if row.is_none_or(|row| !View::of(&caller, &in_force.snapshot).owns(row)) {
        return Err(Problem::no("dnc_list", &name));
    }
    // Asked again when it is written; here before millions of numbers are read.
    check(condition, version_of::<DncList>(&in_force.snapshot, &name), RowKind::DncList, &name)?;
    let mut former = None;
    let list = List::new(body);
    let settings = in_force.settings.clone();
    let kept = tokio::task::spawn_blocking(move || {
        let read = read(BufReader::new(list))?;
        let edition = dnc::keep(&settings, &read.numbers)?;
        io::Result::Ok((read.numbers.len() as u64, edition, read.bad, read.bad_lines))
    });
    let kept = kept.await.map_err(|error| internal(&error))?;
    let (count, edition, bad, bad_lines) = kept.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
            Problem::new(ProblemKind::Malformed, error.to_string())
        }
        _ => internal(&error),
    })?;
    api.change_row::<DncList>(&caller, &name, condition, |row| {
        former = row.edition.as_ref().map(ToString::to_string);
        row.as_of = Some(as_of);
        row.edition = edition.parse().ok();
        row.numbers = Count::new(count);
        Ok(())
    })
    .await?;
    let in_force = api.control().in_force();
    if let Some(former) = former
        && let Err(error) = dnc::forget(&in_force.settings, &in_force.snapshot, &former)
    {
        tracing::warn!(%error, "the numbers of a former edition cannot be removed");
    }
    let row = find::<DncList>(&in_force.snapshot, &name).ok_or_else(|| Problem::no("dnc_list", &name))?;
    let tag = etag(version_of::<DncList>(&in_force.snapshot, &name));
    Ok((tag, Json(EditionInfo { bad: Some(bad), bad_lines, ..info(&in_force, row, now) })))
}

/// A list as it was read.
struct Read {
    numbers: PackedNumbers,
    bad: u64,
    bad_lines: Vec<u64>,
}

/// Reads one number a line, what stands before the first comma: eight octets of memory for each.
fn read(mut list: impl BufRead) -> io::Result<Read> {
    let (mut numbers, mut bad, mut bad_lines) = (Vec::new(), 0, Vec::new());
    let mut line = Vec::new();
    for place in 1.. {
        line.clear();
        let count = io::Read::take(&mut list, LINE).read_until(b'\n', &mut line)?;
        if count == 0 {
            break;
        }
        if count as u64 == LINE && line.last() != Some(&b'\n') {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("line {place} is too long")));
        }
        let first = line.split(|octet| *octet == b',').next().unwrap_or_default().trim_ascii();
        let digits = first.strip_prefix(b"+").unwrap_or(first);
        match E164::from_digits(digits) {
            Ok(number) => numbers.push(number),
            Err(_) if first.is_empty() => {}
            Err(_) => {
                bad += 1;
                if bad_lines.len() < TOLD {
                    bad_lines.push(place);
                }
            }
        }
    }
    let numbers = PackedNumbers::collect(numbers)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    Ok(Read { numbers, bad, bad_lines })
}
