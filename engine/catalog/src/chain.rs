//! The audit as a chain: each entry holds a hash of what it says and of the entry before, so that none can be
//! changed, taken out or put in between without all that follow telling.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use signalbox_core::backend::CatalogError;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use crate::change::{OPERATION, failed};

/// The hash of an entry: SHA-256 of the hash before and of all that the entry says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What stands before the first entry.
    pub const START: Self = Self([0; 32]);

    pub(crate) fn to_octets(self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn read(row: &AnyRow, column: usize) -> Result<Option<Self>, sqlx::Error> {
        let octets: Option<Vec<u8>> = row.try_get(column)?;
        Ok(octets.and_then(|octets| octets.try_into().ok()).map(Self))
    }
}

impl std::fmt::Display for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl std::fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for ChainHash {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let octets: Option<Vec<u8>> = (0..64).step_by(2).map(digit).collect();
        let octets = octets.filter(|_| text.len() == 64).and_then(|octets| octets.try_into().ok());
        octets.map(Self).ok_or_else(|| "expected 64 hexadecimal digits".to_owned())
    }
}

/// What an entry says, as it is hashed.
pub(crate) struct Said<'a> {
    pub version: i64,
    pub step: u32,
    pub at: i64,
    pub actor: &'a str,
    pub action: &'a str,
    pub kind: &'a str,
    pub id: u32,
    pub name: &'a str,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

impl Said<'_> {
    /// The hash of this entry after another. Each text has its length before it, so that nothing can move from one to
    /// the next; nothing is another thing than an empty text.
    pub(crate) fn after(&self, before: ChainHash) -> ChainHash {
        let mut hash = Sha256::new();
        hash.update(before.0);
        hash.update(self.version.to_be_bytes());
        hash.update(self.step.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        hash.update(self.id.to_be_bytes());
        for text in
            [Some(self.actor), Some(self.action), Some(self.kind), Some(self.name), self.before, self.after]
        {
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(text.unwrap_or_default());
        }
        ChainHash(hash.finalize().into())
    }
}

/// A chain that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last one: kept elsewhere, it shows later that none of these was changed or cut off.
    pub head: ChainHash,
    /// Whether the entry with the hash that was asked for is in it.
    pub has_expected: bool,
}

/// Why the audit cannot be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// It cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// An entry is not what was written, or something before it is missing.
    #[error("the entry {version}.{step} of the audit was changed, or one before it is missing")]
    Broken {
        /// Its version.
        version: i64,
        /// Its number within the version.
        step: u32,
    },
    /// Entries at the end are missing.
    #[error("the audit ends before the last entry that was written")]
    Cut,
    /// A row is not what the audit says was written last.
    #[error("the {kind} `{name}` is not what the audit says was written")]
    Row {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
}

/// Entries that are read at once: a catalog may hold scripts of a megabyte.
const PAGE: i64 = 64;

/// An entry as it was read.
struct Entry {
    version: i64,
    step: i64,
    at: i64,
    actor: String,
    action: String,
    kind: String,
    id: i64,
    name: String,
    before: Option<String>,
    after: Option<String>,
    hash: Option<ChainHash>,
}

impl Entry {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            version: row.try_get(0)?,
            step: row.try_get(1)?,
            at: row.try_get(2)?,
            actor: row.try_get(3)?,
            action: row.try_get(4)?,
            kind: row.try_get(5)?,
            id: row.try_get(6)?,
            name: row.try_get(7)?,
            before: row.try_get(8)?,
            after: row.try_get(9)?,
            hash: ChainHash::read(row, 10)?,
        })
    }

    /// What it says, as it is hashed; numbers that no entry has hash as none does.
    fn said(&self) -> Said<'_> {
        Said {
            version: self.version,
            step: u32::try_from(self.step).unwrap_or(u32::MAX),
            at: self.at,
            actor: &self.actor,
            action: &self.action,
            kind: &self.kind,
            id: u32::try_from(self.id).unwrap_or(u32::MAX),
            name: &self.name,
            before: self.before.as_deref(),
            after: self.after.as_deref(),
        }
    }
}

/// Entries after a place, some of them.
async fn page(
    within: &mut Transaction<'static, Any>,
    (version, step): (i64, i64),
) -> Result<Vec<Entry>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT version, step, at, actor, action, kind, id, name, before, after, hash FROM audit \
         WHERE (version, step) > ($1, $2) ORDER BY version, step LIMIT $3",
    )
    .bind(version)
    .bind(step)
    .bind(PAGE)
    .fetch_all(&mut **within)
    .await?;
    rows.iter().map(Entry::read).collect()
}

/// Before all places.
const BEGINNING: (i64, i64) = (i64::MIN, i64::MIN);

/// Hashes the entries that have none, which an older version of the program wrote.
pub(crate) async fn fill(within: &mut Transaction<'static, Any>) -> Result<(), sqlx::Error> {
    let (mut place, mut head) = (BEGINNING, ChainHash::START);
    loop {
        let entries = page(within, place).await?;
        let Some(last) = entries.last() else { break };
        place = (last.version, last.step);
        for entry in &entries {
            head = entry.said().after(head);
            sqlx::query("UPDATE audit SET hash = $1 WHERE version = $2 AND step = $3")
                .bind(head.to_octets())
                .bind(entry.version)
                .bind(entry.step)
                .execute(&mut **within)
                .await?;
        }
    }
    sqlx::query("UPDATE head SET hash = $1").bind(head.to_octets()).execute(&mut **within).await?;
    Ok(())
}

/// Version and hash of the head, from a row of the two.
pub(crate) fn head(row: &AnyRow) -> Result<(i64, ChainHash), CatalogError> {
    let version = row.try_get(0).map_err(failed)?;
    let hash = ChainHash::read(row, 1).map_err(failed)?;
    Ok((version, hash.ok_or_else(|| failed("the head of the audit has no hash"))?))
}

/// Goes through the whole chain, and compares the rows with what it says of them.
pub(crate) async fn verify(
    within: &mut Transaction<'static, Any>,
    expected: Option<ChainHash>,
) -> Result<Verified, ChainError> {
    let mut verified = Verified { entries: 0, head: ChainHash::START, has_expected: expected.is_none() };
    // Digests, not documents.
    let mut last: HashMap<(String, i64), [u8; 32]> = HashMap::new();
    let mut place = BEGINNING;
    loop {
        let entries = page(within, place).await.map_err(failed)?;
        let Some(end) = entries.last() else { break };
        place = (end.version, end.step);
        for entry in entries {
            let said = entry.said();
            let hash = said.after(verified.head);
            if entry.hash != Some(hash) {
                return Err(ChainError::Broken { version: said.version, step: said.step });
            }
            verified.entries += 1;
            verified.head = hash;
            verified.has_expected |= expected == Some(hash);
            if entry.kind == OPERATION {
                continue;
            }
            match entry.after {
                Some(document) => drop(last.insert((entry.kind, entry.id), Sha256::digest(document).into())),
                None => drop(last.remove(&(entry.kind, entry.id))),
            }
        }
    }
    let row = sqlx::query("SELECT version, hash FROM head WHERE id = 1").fetch_one(&mut **within).await;
    if head(&row.map_err(failed)?)?.1 != verified.head {
        return Err(ChainError::Cut);
    }
    check_rows(within, last).await?;
    Ok(verified)
}

async fn check_rows(
    within: &mut Transaction<'static, Any>,
    mut last: HashMap<(String, i64), [u8; 32]>,
) -> Result<(), ChainError> {
    let mut place = (String::new(), i64::MIN);
    loop {
        let rows = sqlx::query(
            "SELECT kind, id, name, document FROM item WHERE (kind, id) > ($1, $2) ORDER BY kind, id LIMIT $3",
        )
        .bind(place.0.as_str())
        .bind(place.1)
        .bind(PAGE)
        .fetch_all(&mut **within)
        .await
        .map_err(failed)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            place = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
            let document: &str = row.try_get(3).map_err(failed)?;
            let digest: [u8; 32] = Sha256::digest(document).into();
            if last.remove(&place) != Some(digest) {
                return Err(ChainError::Row { kind: place.0, name: row.try_get(2).map_err(failed)? });
            }
        }
    }
    match last.into_keys().next() {
        Some((kind, id)) => Err(ChainError::Row { kind, name: format!("number {id}") }),
        None => Ok(()),
    }
}
