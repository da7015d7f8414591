//! The file of one campaign (CM-06, CM-07, CM-12, CM-14).

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde_json::{Map, Value};
use signalbox_participation::{
    CodeState, EntryId, Find, Ledger, Outcome, Participant, RawEntry, Refused, RejectCode, Reply, Rules,
    State, Submission, Verdict,
};

use super::database::{self, Count, Schema};
use super::rejects::{read_reply, reply_columns};
use crate::sqlite::OpenError;

const SCHEMA: Schema = Schema {
    name: "participation campaign",
    application: 0x5347_5043,
    changes: &[],
    tables: "
        CREATE TABLE campaign(
          id INTEGER PRIMARY KEY CHECK(id = 1),
          name TEXT NOT NULL, state TEXT NOT NULL, submissions INTEGER NOT NULL, final_tally TEXT) STRICT;
        CREATE TABLE rules(version INTEGER PRIMARY KEY, document TEXT NOT NULL) STRICT;
        CREATE TABLE submissions(
          entry BLOB NOT NULL, seq INTEGER NOT NULL,
          participant TEXT NOT NULL, received_at INTEGER NOT NULL,
          channel TEXT NOT NULL, carrier TEXT,
          fields TEXT NOT NULL, weight INTEGER NOT NULL, confidence INTEGER NOT NULL, rule TEXT NOT NULL,
          version INTEGER NOT NULL, prize TEXT, raw TEXT,
          refused INTEGER NOT NULL DEFAULT 0, refused_code TEXT, reply TEXT, no_reply TEXT,
          PRIMARY KEY(entry, seq)) STRICT, WITHOUT ROWID;
        CREATE INDEX submissions_of ON submissions(participant, received_at);
        CREATE TABLE tally(
          field TEXT NOT NULL, value TEXT NOT NULL, submissions INTEGER NOT NULL, weight INTEGER NOT NULL,
          PRIMARY KEY(field, value)) STRICT, WITHOUT ROWID;
        CREATE TABLE codes(
          code TEXT NOT NULL, batch TEXT NOT NULL, entry BLOB,
          PRIMARY KEY(code, batch)) STRICT, WITHOUT ROWID;
        CREATE TABLE votes(
          participant TEXT PRIMARY KEY, granted INTEGER NOT NULL, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE prizes(name TEXT PRIMARY KEY, won INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE draws(
          id INTEGER PRIMARY KEY, drawn_at INTEGER NOT NULL, seed TEXT NOT NULL, winners INTEGER NOT NULL,
          tickets INTEGER NOT NULL, field TEXT, value TEXT, result TEXT NOT NULL) STRICT;",
};

/// A numeric field with more values than this is not tallied.
const TALLIED_NUMBERS: i64 = 1_000;

/// The connection that writes; one thread at a time has it.
pub(super) struct CampaignFile {
    pub connection: Connection,
}

impl CampaignFile {
    pub fn open(path: &Path, name: &str, lock_wait: Duration) -> Result<Self, OpenError> {
        let connection = database::open(path, &SCHEMA, lock_wait)?;
        let failed = |source| OpenError::Database { path: path.to_owned(), source };
        connection
            .execute("INSERT OR IGNORE INTO campaign VALUES(1, ?1, 'draft', 0, NULL)", params![name])
            .map_err(failed)?;
        let owner: String =
            connection.query_row("SELECT name FROM campaign", [], |row| row.get(0)).map_err(failed)?;
        if owner != name {
            let reason = format!("it is of the campaign {owner}, not {name}");
            return Err(OpenError::Damaged { path: path.to_owned(), reason });
        }
        Ok(Self { connection })
    }

    /// The state of the campaign, and the last version of its rules with its document.
    pub fn last(&self) -> rusqlite::Result<(State, Option<(u64, String)>)> {
        let state = self.connection.query_row("SELECT state FROM campaign", [], |row| {
            Ok(database::read_word(row, 0, State::read)?.unwrap_or_default())
        })?;
        let rules = self
            .connection
            .query_row("SELECT version, document FROM rules ORDER BY version DESC LIMIT 1", [], |row| {
                Ok((database::count(row)?, row.get(1)?))
            })
            .optional()?;
        Ok((state, rules))
    }

    /// Puts rules into force; a tally that becomes final is kept as it is now.
    pub fn put(&mut self, version: u64, document: &str, state: State) -> rusqlite::Result<()> {
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        transaction
            .execute("INSERT OR IGNORE INTO rules VALUES(?1, ?2)", params![Count(version), document])?;
        transaction.execute("UPDATE campaign SET state = ?1", params![state.as_str()])?;
        if matches!(state, State::Tallied | State::Archived) {
            let tally = super::results::live(&transaction)?;
            let tally = serde_json::to_string(&tally)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            transaction
                .execute("UPDATE campaign SET final_tally = ?1 WHERE final_tally IS NULL", params![tally])?;
        }
        transaction.commit()
    }

    /// Begins the transaction of a batch.
    pub fn begin<'a>(
        &'a mut self,
        rules: &'a Rules,
        version: u64,
        codes: Option<&'a Connection>,
    ) -> rusqlite::Result<Batch<'a>> {
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let total = transaction.query_row("SELECT submissions FROM campaign", [], database::count)?;
        Ok(Batch { transaction, rules, version, total, added: HashMap::new(), entry: None, codes })
    }

    /// Grants votes beyond those that everyone has (CM-14).
    pub fn grant(&mut self, participant: &Participant, votes: u32) -> rusqlite::Result<()> {
        self.connection.execute(
            "INSERT INTO votes VALUES(?1, ?2, 0) ON CONFLICT DO UPDATE SET granted = granted + excluded.granted",
            params![participant.as_str(), votes],
        )?;
        Ok(())
    }

    /// Removes all entries and what was counted of them.
    pub fn clear(&mut self) -> rusqlite::Result<()> {
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        transaction.execute_batch(
            "DELETE FROM submissions; DELETE FROM tally; DELETE FROM codes; DELETE FROM votes; DELETE FROM prizes;
             UPDATE campaign SET submissions = 0;",
        )?;
        transaction.commit()
    }

    /// Removes what says who took part and what they wrote; results stay.
    pub fn forget(&mut self, rules: &Rules) -> rusqlite::Result<usize> {
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let personal = rules.extraction.iter().filter(|rule| !is_tallied(&rule.find));
        for rule in personal {
            transaction.execute(
                "UPDATE submissions SET fields = json_remove(fields, '$.' || json_quote(?1)) WHERE participant <> ''",
                params![rule.field],
            )?;
        }
        let rows = transaction.execute(
            "UPDATE submissions SET participant = '', carrier = NULL, raw = NULL, reply = NULL WHERE participant <> ''",
            [],
        )?;
        transaction.execute("DELETE FROM votes", [])?;
        transaction.commit()?;
        Ok(rows)
    }
}

/// Whether a field's values are counted one by one.
pub(super) fn is_tallied(find: &Find) -> bool {
    match find {
        Find::Enumeration(_) => true,
        Find::Number { min, max } => max.checked_sub(*min).is_some_and(|span| span < TALLIED_NUMBERS),
        Find::Token | Find::Regex(_) | Find::Date(_) | Find::Code { .. } | Find::Remainder => false,
    }
}

/// The verdict on an entry that counts.
pub(super) fn verdict(connection: &Connection, entry: EntryId) -> rusqlite::Result<Option<Verdict>> {
    let mut statement = connection.prepare_cached(
        "SELECT version, refused, refused_code, reply, no_reply, prize FROM submissions WHERE entry = ?1 ORDER BY seq",
    )?;
    let mut rows = statement.query(params![database::key(entry)])?;
    let mut verdict: Option<Verdict> = None;
    let mut prizes_won = Vec::new();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        prizes_won.extend(row.get::<_, Option<String>>(5)?);
        if verdict.is_none() {
            let refused: u32 = row.get(1)?;
            let refused =
                database::read_word(row, 2, RejectCode::read)?.map(|code| Refused { count: refused, code });
            let outcome = Outcome::Accepted { submissions: 0, refused, prizes: Vec::new() };
            let (reply, version) = (read_reply(row, 3)?, database::count(row)?);
            verdict = Some(Verdict { entry, outcome, reply, version, test: false });
        }
    }
    if let Some(Verdict { outcome: Outcome::Accepted { submissions, prizes, .. }, .. }) = &mut verdict {
        *submissions = count;
        *prizes = prizes_won;
    }
    Ok(verdict)
}

/// One transaction.
pub(super) struct Batch<'a> {
    transaction: Transaction<'a>,
    rules: &'a Rules,
    version: u64,
    total: u64,
    /// Submissions and weights that the tally gets.
    added: HashMap<(String, String), (u64, u64)>,
    /// The entry that is judged.
    entry: Option<RawEntry>,
    /// Where codes are that this file does not have.
    codes: Option<&'a Connection>,
}

impl Batch<'_> {
    /// The entry whose votes are judged next.
    pub fn enter(&mut self, entry: &RawEntry) {
        self.entry = Some(entry.clone());
    }

    /// The verdict on an entry that counts already.
    pub fn verdict(&self, entry: EntryId) -> rusqlite::Result<Option<Verdict>> {
        verdict(&self.transaction, entry)
    }

    /// What is said of an entry after its votes are judged.
    pub fn told(&mut self, entry: EntryId, refused: Option<Refused>, reply: &Reply) -> rusqlite::Result<()> {
        let (text, reason) = reply_columns(Some(reply));
        self.transaction
            .prepare_cached(
                "UPDATE submissions SET refused = ?2, refused_code = ?3, reply = ?4, no_reply = ?5
                 WHERE entry = ?1 AND seq = (SELECT min(seq) FROM submissions WHERE entry = ?1)",
            )?
            .execute(params![
                database::key(entry),
                refused.map_or(0, |refused| refused.count),
                refused.map(|refused| refused.code.as_str()),
                text,
                reason,
            ])?;
        Ok(())
    }

    /// Makes everything of the batch durable.
    pub fn commit(self) -> rusqlite::Result<()> {
        {
            let mut statement = self.transaction.prepare_cached(
                "INSERT INTO tally VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE
                 SET submissions = submissions + excluded.submissions, weight = weight + excluded.weight",
            )?;
            for ((field, value), (submissions, weight)) in &self.added {
                statement.execute(params![field, value, Count(*submissions), Count(*weight)])?;
            }
            self.transaction
                .prepare_cached("UPDATE campaign SET submissions = ?1 WHERE submissions <> ?1")?
                .execute(params![Count(self.total)])?;
        }
        self.transaction.commit()
    }
}

impl Ledger for Batch<'_> {
    type Error = rusqlite::Error;

    fn of_participant(
        &mut self,
        participant: &Participant,
        since: Option<Timestamp>,
        enough: u64,
    ) -> rusqlite::Result<u64> {
        let since = since.map_or(i64::MIN, Timestamp::as_microsecond);
        self.transaction
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM submissions WHERE participant = ?1 AND received_at >= ?2 LIMIT ?3)",
            )?
            .query_row(params![participant.as_str(), since, i64::try_from(enough).unwrap_or(i64::MAX)], database::count)
    }

    fn total(&mut self) -> rusqlite::Result<u64> {
        Ok(self.total)
    }

    fn code(&mut self, batch: &str, code: &str) -> rusqlite::Result<CodeState> {
        let found: Option<Option<[u8; 16]>> = self
            .transaction
            .prepare_cached("SELECT entry FROM codes WHERE code = ?1 AND batch = ?2")?
            .query_row(params![code, batch], |row| row.get(0))
            .optional()?;
        let elsewhere = |codes: &Connection| {
            codes
                .prepare_cached("SELECT 1 FROM codes WHERE code = ?1 AND batch = ?2")?
                .exists(params![code, batch])
        };
        Ok(match found {
            None if self.codes.map(elsewhere).transpose()? == Some(true) => {
                self.transaction
                    .prepare_cached("INSERT OR IGNORE INTO codes(code, batch) VALUES(?1, ?2)")?
                    .execute(params![code, batch])?;
                CodeState::Unused
            }
            None => CodeState::Unknown,
            Some(None) => CodeState::Unused,
            Some(Some(entry)) => CodeState::Used(EntryId(u128::from_be_bytes(entry))),
        })
    }

    fn votes_left(&mut self, participant: &Participant) -> rusqlite::Result<i64> {
        let left = self
            .transaction
            .prepare_cached("SELECT granted - used FROM votes WHERE participant = ?1")?
            .query_row(params![participant.as_str()], |row| row.get(0))
            .optional()?;
        Ok(left.unwrap_or(0))
    }

    fn winners(&mut self, prize: &str) -> rusqlite::Result<u64> {
        let won = self
            .transaction
            .prepare_cached("SELECT won FROM prizes WHERE name = ?1")?
            .query_row(params![prize], database::count)
            .optional()?;
        Ok(won.unwrap_or(0))
    }

    fn accept(&mut self, submission: &Submission) -> rusqlite::Result<()> {
        let entry = database::key(submission.entry);
        let extracted = &submission.extracted;
        let fields: Map<String, Value> =
            extracted.fields.iter().map(|field| (field.name.clone(), field.value.clone().into())).collect();
        let raw = self.entry.as_ref();
        self.transaction
            .prepare_cached(
                "INSERT INTO submissions(entry, seq, participant, received_at, channel, carrier, fields, weight,
                   confidence, rule, version, prize, raw)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                entry,
                submission.seq,
                submission.participant.as_str(),
                submission.received_at.as_microsecond(),
                raw.map_or("", |raw| raw.channel.as_str()),
                raw.and_then(|raw| raw.carrier.as_deref()),
                Value::Object(fields).to_string(),
                Count(submission.weight),
                extracted.confidence,
                extracted.rule,
                Count(self.version),
                submission.prize,
                raw.filter(|_| self.rules.keep_raw).map(|raw| raw.text.as_str()),
            ])?;
        for (batch, code) in &submission.codes {
            let used = self
                .transaction
                .prepare_cached(
                    "UPDATE codes SET entry = ?3 WHERE code = ?1 AND batch = ?2 AND entry IS NULL",
                )?
                .execute(params![code, batch, entry])?;
            if used != 1 {
                return Err(rusqlite::Error::StatementChangedRows(used));
            }
        }
        if self.rules.prepaid.is_some() {
            self.transaction
                .prepare_cached(
                    "INSERT INTO votes VALUES(?1, 0, 1) ON CONFLICT DO UPDATE SET used = used + 1",
                )?
                .execute(params![submission.participant.as_str()])?;
        }
        if let Some(prize) = &submission.prize {
            self.transaction
                .prepare_cached("INSERT INTO prizes VALUES(?1, 1) ON CONFLICT DO UPDATE SET won = won + 1")?
                .execute(params![prize])?;
        }
        self.total += 1;
        for field in &extracted.fields {
            if self.rules.rule(&field.name).is_some_and(|rule| is_tallied(&rule.find)) {
                let added = self.added.entry((field.name.clone(), field.value.clone())).or_default();
                added.0 += 1;
                added.1 += submission.weight;
            }
        }
        Ok(())
    }
}
