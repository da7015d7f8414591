//! Campaigns in a directory of their own, and entries for them.

use std::time::Duration;

use rusqlite::Connection;
use signalbox_backends::participation::{Campaigns, CampaignsOptions, FactsError};
use signalbox_participation::{
    Channel, EntryId, Facts, NoReply, Outcome, Participant, RawEntry, RejectCode, Reply, Rules, Verdict,
};
use tempfile::TempDir;

pub const VOTE: &str = r#""extraction": [{"field": "choice", "kind": "enumeration", "options": [
    {"value": "a", "synonyms": ["1"]}, {"value": "b", "synonyms": ["2"], "weight": 3}, {"value": "c"}]}]"#;
pub const CODES: &str = r#""extraction": [{"field": "code", "kind": "code", "batch": "caps", "length": 8}],
       "requirements": [{"kind": "code_unused", "field": "code"}]"#;

pub struct World {
    pub dir: TempDir,
    pub campaigns: Campaigns,
}

/// One number is barred.
struct Known;

/// What numbers begin with that have said that messages are welcome.
pub const WELCOMED: &str = "447";
pub const BARRED: &str = "4999999";
pub const TESTER: &str = "4988888";

impl signalbox_backends::participation::Participants for Known {
    fn facts(&self, _: &Rules, participants: &[Participant]) -> Result<Vec<Facts>, FactsError> {
        let known = |participant: &Participant| Facts {
            barred: participant.as_str() == BARRED,
            opted_in: participant.as_str().starts_with(WELCOMED),
            tester: participant.as_str() == TESTER,
            ..Facts::default()
        };
        Ok(participants.iter().map(known).collect())
    }
}

pub fn document(name: &str, state: &str, more: &str) -> String {
    format!(
        r#"{{"name": "{name}", "account": "demo", "kind": "vote", "state": "{state}",
            "open": "2026-05-01T18:00:00Z", "close": "2026-05-01T20:00:00Z",
            "entry_points": [{{"channel": "sms", "source_address": "70650", "keyword": "{name}"}},
                             {{"channel": "web", "source_address": "70650", "keyword": "{name}"}}], {more}}}"#
    )
}

pub fn campaigns(dir: &std::path::Path) -> Campaigns {
    let options = CampaignsOptions { dir: dir.to_owned(), lock_wait: Duration::from_millis(50) };
    Campaigns::open(options, Box::new(Known)).unwrap()
}

impl World {
    pub fn new(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let campaigns = campaigns(dir.path());
        campaigns.put(&document("song", "open", more), 1).unwrap();
        Self { dir, campaigns }
    }

    pub fn restart(self) -> Self {
        let Self { dir, campaigns: before } = self;
        drop(before);
        let campaigns = campaigns(dir.path());
        Self { dir, campaigns }
    }

    pub fn enter(&self, entries: &[RawEntry]) -> Vec<Verdict> {
        self.campaigns.enter("song", entries).unwrap()
    }

    /// What each of some texts of one participant becomes.
    pub fn outcomes(&self, from: &str, texts: &[&str]) -> Vec<String> {
        let entries: Vec<RawEntry> =
            texts.iter().enumerate().map(|(at, text)| entry(hash(from) + at as u128, from, text)).collect();
        self.enter(&entries).iter().map(said).collect()
    }

    pub fn sql<T: rusqlite::types::FromSql>(&self, file: &str, query: &str) -> T {
        Connection::open(self.dir.path().join(file)).unwrap().query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// Rows of every table of the campaign's file but those that are there before any entry.
    pub fn rows(&self) -> i64 {
        self.sql(
            "song.campaign.db",
            "SELECT (SELECT count(*) FROM submissions) + (SELECT count(*) FROM tally) + (SELECT count(*) FROM votes)
                + (SELECT count(*) FROM prizes) + (SELECT submissions FROM campaign)
                + (SELECT count(*) FROM codes WHERE entry IS NOT NULL)",
        )
    }

    pub fn submissions(&self) -> i64 {
        self.sql("song.campaign.db", "SELECT count(*) FROM submissions")
    }
}

fn hash(from: &str) -> u128 {
    from.bytes().fold(7, |hash, octet| hash * 131 + u128::from(octet)) << 16
}

pub fn entry(id: u128, from: &str, text: &str) -> RawEntry {
    RawEntry {
        id: EntryId(id),
        channel: Channel::Sms,
        from: from.to_owned(),
        to: "70650".to_owned(),
        text: text.to_owned(),
        carrier: None,
        received_at: "2026-05-01T19:00:00Z".parse().unwrap(),
        smsc_at: None,
    }
}

pub fn said(verdict: &Verdict) -> String {
    match &verdict.outcome {
        Outcome::Rejected(code) => code.to_string(),
        Outcome::Accepted { submissions, refused: None, .. } => format!("accepted {submissions}"),
        Outcome::Accepted { submissions, refused: Some(refused), .. } => {
            format!("accepted {submissions}, {} of {}", refused.code, refused.count)
        }
    }
}

pub fn rejected(verdict: &Verdict) -> Option<RejectCode> {
    match verdict.outcome {
        Outcome::Rejected(code) => Some(code),
        Outcome::Accepted { .. } => None,
    }
}

pub fn text(verdict: &Verdict) -> Result<&str, NoReply> {
    match &verdict.reply {
        Reply::Text(text) => Ok(text),
        Reply::None(reason) => Err(*reason),
    }
}
