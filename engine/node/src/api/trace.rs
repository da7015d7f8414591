//! What became of the messages of one number: open ones from the exchange, ended ones from the CDR files.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use signalbox_backends::files::{CdrReader, PublishedCdr};
use signalbox_config::catalog::Right;
use signalbox_core::backend::Kind;
use signalbox_core::cdr::CdrKind;
use signalbox_core::exchange::Selection;
use signalbox_core::id::AccountId;
use signalbox_core::message::Direction;
use signalbox_core::outcome::{FinalState, Reason};
use utoipa::ToSchema;

use super::caller::Caller;
use super::extract::{PathName, QueryOf, timestamp};
use super::messages::MessageInfo;
use super::operations::{Operation, operation};
use super::page::read_cursor;
use super::peers::PeerName;
use super::problem::{Problem, ProblemKind, internal};
use super::{Api, mask, peers};
use crate::catalog::Ids;

/// How long the files are read at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far a trace goes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TraceQuery {
    /// Where to go on among the ended messages: `next` of the answer before.
    cursor: Option<String>,
    /// Ended messages at most.
    limit: Option<usize>,
    /// Messages that ended before this are left out, and files are read no further.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<jiff::Timestamp>,
}

/// The messages of a number.
#[derive(Debug, Serialize, ToSchema)]
struct Trace {
    /// Those that have not ended; left out behind the first page.
    open: Vec<MessageInfo>,
    /// Those that have, by their CDRs, newest first.
    ended: Vec<EndedInfo>,
    /// Given back as `cursor` it brings older ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// True when the time for reading was over before the files were: `next` goes on from there.
    incomplete: bool,
}

/// A message that has ended, by one of its CDRs.
#[derive(Debug, Serialize, ToSchema)]
struct EndedInfo {
    /// Number of the CDR.
    sequence: u64,
    /// `final` or `amendment`.
    #[schema(value_type = String)]
    kind: CdrKind,
    /// The message's id inside.
    id: String,
    /// The id that its origin knows.
    message_id: String,
    /// `mt`, `mo` or `receipt`.
    #[schema(value_type = String)]
    direction: Direction,
    /// The account responsible.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The link that it came in by.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_link: Option<String>,
    /// Who it was last sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<PeerName>,
    /// From; masked without the right `messages:reveal`.
    source: String,
    /// To; masked likewise.
    destination: String,
    /// The outcome.
    #[schema(value_type = String)]
    outcome: FinalState,
    /// Why.
    #[schema(value_type = String)]
    reason: Reason,
    /// The peer's last error status, zero for none.
    status: u32,
    /// The id that the peer gave it.
    #[serde(skip_serializing_if = "String::is_empty")]
    remote_id: String,
    /// Tries.
    attempts: u16,
    /// Name of the routing rule that decided last.
    #[serde(skip_serializing_if = "String::is_empty")]
    rule: String,
    /// Version of the rules.
    rule_version: u64,
    /// The receiver may have it twice.
    possible_duplicate: bool,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    accepted_at: Option<jiff::Timestamp>,
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    final_at: Option<jiff::Timestamp>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/trace/{msisdn}",
            "trace.get",
            "The messages of a number, open and ended",
            trace,
        )
        .right(Right::MessagesRead)
        .query::<TraceQuery>()
        .answer::<Trace>(200, "the messages")
        .problems(&[ProblemKind::Overloaded]),
    ]
}

async fn trace(
    State(api): State<Api>,
    caller: Caller,
    PathName(number): PathName,
    QueryOf(query): QueryOf<TraceQuery>,
) -> Result<Json<Trace>, Problem> {
    let limit = api.page_limit(query.limit)?;
    let before: Option<u64> = read_cursor(query.cursor.as_deref())?;
    let account = caller.account.as_ref().map(|own| own.id);
    let in_force = api.control().in_force();
    let ids = &in_force.snapshot.ids;
    let open = if before.is_some() {
        Vec::new()
    } else {
        let selection = Selection { address: Some(number.clone()), account, ..Selection::default() };
        api.search(selection, None, limit).await?
    };
    let permit = api.0.scans.clone().try_acquire_owned().map_err(|_| {
        Problem::new(ProblemKind::Overloaded, "other traces read the cdr files now").retry_after(1)
    })?;
    let cdr = &in_force.settings.cdr;
    let directory = in_force.settings.in_data_directory(Path::new(&cdr.directory));
    let reader = CdrReader::new(directory, cdr.serial_prefix.to_string());
    let since = query.since.map(|since| since.as_microsecond());
    let wanted = Wanted { number: bare(&number).to_owned(), account, before, since, limit };
    let found = tokio::task::spawn_blocking(move || {
        let _held = permit;
        wanted.find(&reader)
    });
    let found = found.await.map_err(|error| internal(&error))??;
    let open = open.iter().map(|view| MessageInfo::of(view, ids, &caller)).collect();
    let ended = found.records.iter().map(|record| ended(record, ids, &caller)).collect();
    Ok(Json(Trace {
        open,
        ended,
        next: found.next.map(|next| next.to_string()),
        incomplete: found.incomplete,
    }))
}

fn ended(record: &PublishedCdr, ids: &Ids, caller: &Caller) -> EndedInfo {
    let cdr = &record.cdr;
    EndedInfo {
        sequence: record.sequence,
        kind: cdr.kind,
        id: cdr.message.to_string(),
        message_id: cdr.visible_id.clone(),
        direction: cdr.direction,
        account: cdr.account.map(|id| peers::named(ids, Kind::Account, id)),
        origin_link: cdr.origin_link.map(|id| peers::named(ids, Kind::Link, id)),
        peer: cdr.peer.as_deref().map(|peer| peers::by_text(ids, peer)),
        source: mask::text(&cdr.source, caller.reveals()),
        destination: mask::text(&cdr.destination, caller.reveals()),
        outcome: cdr.outcome,
        reason: cdr.reason,
        status: cdr.status,
        remote_id: cdr.remote_id.clone(),
        attempts: cdr.attempt,
        rule: cdr.rule.clone(),
        rule_version: cdr.rule_version,
        possible_duplicate: cdr.possible_duplicate,
        accepted_at: timestamp(cdr.accepted_at),
        final_at: timestamp(cdr.final_at),
    }
}

/// Which records are looked for.
struct Wanted {
    number: String,
    account: Option<AccountId>,
    before: Option<u64>,
    since: Option<i64>,
    limit: usize,
}

/// What was found.
struct Found {
    records: Vec<PublishedCdr>,
    next: Option<u64>,
    incomplete: bool,
}

/// A number without what says that it is international.
fn bare(number: &str) -> &str {
    number.strip_prefix('+').or_else(|| number.strip_prefix("00")).unwrap_or(number)
}

impl Wanted {
    /// Reads the files backwards, one at a time, until enough is found, all is read or the time is over.
    fn find(&self, reader: &CdrReader) -> Result<Found, Problem> {
        let begun = Instant::now();
        let mut found = Found { records: Vec::new(), next: None, incomplete: false };
        let files = match reader.files() {
            Ok(files) => files,
            // Before the first record there is no directory.
            Err(_) => return Ok(found),
        };
        let mut last = self.before;
        for file in files.into_iter().rev() {
            // A file that was closed since the directory was read has another name.
            let text = std::fs::read(&file).or_else(|_| std::fs::read(file.with_extension("")));
            let Ok(text) = text else { continue };
            let mut older = false;
            for line in text.split(|octet| *octet == b'\n').rev() {
                let Some(record) = self.candidate(line) else { continue };
                older |= self.since.is_some_and(|since| record.cdr.final_at.0 < since);
                if !self.fits(&record) {
                    continue;
                }
                if found.records.len() == self.limit {
                    found.next = last;
                    return Ok(found);
                }
                last = Some(record.sequence);
                found.records.push(record);
            }
            if older {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                // The cursor must move even where nothing was found.
                found.next = first_sequence(&text).or(last);
                found.incomplete = true;
                return Ok(found);
            }
        }
        Ok(found)
    }

    /// A line is parsed only when the digits are somewhere in it.
    fn candidate(&self, line: &[u8]) -> Option<PublishedCdr> {
        let text = std::str::from_utf8(line).ok()?;
        if text.contains(&self.number) { PublishedCdr::read(line).ok() } else { None }
    }

    fn fits(&self, record: &PublishedCdr) -> bool {
        let cdr = &record.cdr;
        (bare(&cdr.source) == self.number || bare(&cdr.destination) == self.number)
            && self.before.is_none_or(|before| record.sequence < before)
            && self.account.is_none_or(|account| cdr.account == Some(account.0))
            && self.since.is_none_or(|since| cdr.final_at.0 >= since)
    }
}

fn first_sequence(text: &[u8]) -> Option<u64> {
    let line = text.split(|octet| *octet == b'\n').next()?;
    PublishedCdr::read(line).ok().map(|record| record.sequence)
}
