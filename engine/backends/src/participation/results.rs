//! Tally, export and draws.

use std::io::{self, Write};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signalbox_participation::{Draw, EntryId, Participant, Rules, Seed, State, Tally, TallyRow, Ticket};

use super::database::{self, Count, read_key};

/// A draw as it is written down: whoever has the export and this can check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawRecord {
    /// When it was drawn.
    pub drawn_at: Timestamp,
    /// The seed, in hexadecimal digits.
    pub seed: String,
    /// Winners asked for.
    pub winners: usize,
    /// Submissions that took part.
    pub tickets: u64,
    /// The field and value that took part; all when there is none.
    pub only: Option<(String, String)>,
    /// Entry, number of the vote in it, and participant; the first first.
    pub drawn: Vec<(EntryId, u32, String)>,
}

/// A draw that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// There is no such campaign.
    #[error(transparent)]
    Unknown(#[from] super::Unknown),
    /// Its database cannot be used.
    #[error(transparent)]
    NotOpen(#[from] super::NotOpen),
    /// Entries still come.
    #[error("winners are drawn when the campaign is over, and it is {0}")]
    NotOver(State),
    /// The database fails.
    #[error("cannot draw winners")]
    Store(#[source] rusqlite::Error),
}

/// An export that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such campaign.
    #[error(transparent)]
    Unknown(#[from] super::Unknown),
    /// Its database cannot be used.
    #[error(transparent)]
    NotOpen(#[from] super::NotOpen),
    /// The database fails.
    #[error("cannot read submissions")]
    Store(#[source] rusqlite::Error),
    /// Who reads it does not any more.
    #[error("cannot write the export")]
    Write(#[source] io::Error),
}

/// The tally as it is now.
pub(super) fn live(connection: &Connection) -> rusqlite::Result<Tally> {
    let submissions =
        connection.prepare_cached("SELECT submissions FROM campaign")?.query_row([], database::count)?;
    let mut statement = connection
        .prepare_cached("SELECT field, value, submissions, weight FROM tally ORDER BY field, value")?;
    let rows = statement.query_map([], |row| {
        Ok(TallyRow {
            field: row.get(0)?,
            value: row.get(1)?,
            submissions: row.get::<_, Count>(2)?.0,
            weight: row.get::<_, Count>(3)?.0,
        })
    })?;
    Ok(Tally { submissions, rows: rows.collect::<rusqlite::Result<_>>()? })
}

/// The final tally, when there is one.
pub(super) fn frozen(connection: &Connection) -> rusqlite::Result<Option<Tally>> {
    let document: Option<String> =
        connection.prepare_cached("SELECT final_tally FROM campaign")?.query_row([], |row| row.get(0))?;
    let read = |document: String| {
        serde_json::from_str(&document).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
        })
    };
    document.map(read).transpose()
}

/// Whether a participant has a submission.
pub(super) fn has(connection: &Connection, participant: &Participant) -> rusqlite::Result<bool> {
    let found = connection
        .prepare_cached("SELECT 1 FROM submissions WHERE participant = ?1 LIMIT 1")?
        .query_row(params![participant.as_str()], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// Writes all submissions as CSV with a line of names; says how many they are.
pub(super) fn export(connection: &Connection, rules: &Rules, out: impl Write) -> Result<u64, ExportError> {
    let failed = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => ExportError::Write(error),
        other => ExportError::Write(io::Error::other(format!("{other:?}"))),
    };
    let mut csv = csv::Writer::from_writer(out);
    let mut names = vec![
        "entry",
        "seq",
        "received_at",
        "channel",
        "participant",
        "carrier",
        "weight",
        "confidence",
        "rule",
        "version",
        "prize",
    ];
    names.extend(rules.extraction.iter().map(|rule| rule.field.as_str()));
    csv.write_record(&names).map_err(failed)?;
    let mut statement = connection
        .prepare(
            "SELECT entry, seq, received_at, channel, participant, carrier, weight, confidence, rule, version, prize,
               fields FROM submissions ORDER BY entry, seq",
        )
        .map_err(ExportError::Store)?;
    let mut rows = statement.query([]).map_err(ExportError::Store)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(ExportError::Store)? {
        csv.write_record(record(row, rules).map_err(ExportError::Store)?).map_err(failed)?;
        count += 1;
    }
    csv.flush().map_err(ExportError::Write)?;
    Ok(count)
}

fn record(row: &rusqlite::Row<'_>, rules: &Rules) -> rusqlite::Result<Vec<String>> {
    let text = |column| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default);
    let number = |column| row.get::<_, i64>(column);
    let received_at = Timestamp::from_microsecond(number(2)?).map(|at| at.to_string()).unwrap_or_default();
    let fields: Value = serde_json::from_str(&text(11)?).unwrap_or_default();
    let mut record = vec![
        read_key(row, 0)?.to_string(),
        number(1)?.to_string(),
        received_at,
        text(3)?,
        plain(&text(4)?),
        plain(&text(5)?),
        number(6)?.to_string(),
        number(7)?.to_string(),
        text(8)?,
        number(9)?.to_string(),
        plain(&text(10)?),
    ];
    record
        .extend(rules.extraction.iter().map(|rule| plain(fields[&rule.field].as_str().unwrap_or_default())));
    Ok(record)
}

/// A cell that no spreadsheet takes for a formula: an apostrophe stands before what looks like one.
fn plain(text: &str) -> String {
    let is_number = text.parse::<i64>().is_ok();
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') if !is_number => format!("'{text}"),
        Some(_) | None => text.to_owned(),
    }
}

/// Draws among all submissions, or among those with one value of a field.
pub(super) fn draw(
    connection: &Connection,
    seed: Seed,
    winners: usize,
    only: Option<(&str, &str)>,
    now: Timestamp,
) -> rusqlite::Result<DrawRecord> {
    let mut draw = Draw::new(seed, winners);
    let mut statement = connection.prepare(
        "SELECT entry, seq, participant FROM submissions
         WHERE ?1 IS NULL OR EXISTS(SELECT 1 FROM json_each(fields) WHERE key = ?1 AND value = ?2)",
    )?;
    let (field, value) = only.unzip();
    let mut rows = statement.query(params![field, value])?;
    while let Some(row) = rows.next()? {
        let participant = Participant::of(&row.get::<_, String>(2)?);
        draw.add(Ticket { entry: read_key(row, 0)?, seq: row.get(1)?, participant });
    }
    Ok(DrawRecord {
        drawn_at: now,
        seed: seed.to_string(),
        winners,
        tickets: draw.tickets(),
        only: only.map(|(field, value)| (field.to_owned(), value.to_owned())),
        drawn: draw
            .winners()
            .into_iter()
            .map(|ticket| (ticket.entry, ticket.seq, ticket.participant.as_str().to_owned()))
            .collect(),
    })
}

/// Writes a draw down.
pub(super) fn record_draw(connection: &Connection, record: &DrawRecord) -> rusqlite::Result<()> {
    let result = serde_json::to_string(&record.drawn)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let (field, value) = record.only.clone().unzip();
    connection.execute(
        "INSERT INTO draws(drawn_at, seed, winners, tickets, field, value, result) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            record.drawn_at.as_microsecond(),
            record.seed,
            record.winners as i64,
            Count(record.tickets),
            field,
            value,
            result
        ],
    )?;
    Ok(())
}
