//! The audit as a chain: each entry holds a hash of what it says and of the entry before, so that none can be
//! changed, taken out or put in between without all that follow telling.

use std::collections::HashMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use signalbox_core::backend::CatalogError;

use super::failed;

/// The hash of an entry: SHA-256 of the hash before and of all that the entry says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What stands before the first entry.
    pub const START: Self = Self([0; 32]);

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn read(value: ValueRef<'_>) -> Option<Self> {
        value.as_blob().ok().and_then(|octets| octets.try_into().ok()).map(Self)
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
pub(super) struct Said<'a> {
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
    pub(super) fn after(&self, before: ChainHash) -> ChainHash {
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

/// Hashes the entries that have none, which an older version of the program wrote; the last hash.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<ChainHash> {
    let mut places = Vec::new();
    let mut head = ChainHash::START;
    {
        let mut statement = connection.prepare(ENTRIES)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            head = said(row)?.after(head);
            places.push((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?, head));
        }
    }
    let mut statement = connection.prepare("UPDATE audit SET hash = ?3 WHERE version = ?1 AND step = ?2")?;
    for (version, step, hash) in places {
        statement.execute(params![version, step, hash.as_bytes()])?;
    }
    Ok(head)
}

const ENTRIES: &str =
    "SELECT version, step, at, actor, action, kind, id, name, before, after, hash FROM audit
                       ORDER BY version, step";

fn said<'r>(row: &'r rusqlite::Row<'_>) -> rusqlite::Result<Said<'r>> {
    let text = |at: usize| row.get_ref(at).and_then(|value| Ok(value.as_str()?));
    let maybe = |at: usize| row.get_ref(at).and_then(|value| Ok(value.as_str_or_null()?));
    Ok(Said {
        version: row.get(0)?,
        step: row.get(1)?,
        at: row.get(2)?,
        actor: text(3)?,
        action: text(4)?,
        kind: text(5)?,
        id: row.get(6)?,
        name: text(7)?,
        before: maybe(8)?,
        after: maybe(9)?,
    })
}

/// The hash of the last entry.
pub(super) fn head(connection: &Connection) -> Result<ChainHash, CatalogError> {
    connection
        .prepare_cached("SELECT hash FROM head WHERE id = 1")
        .and_then(|mut statement| statement.query_row([], |row| Ok(row.get_ref(0).map(ChainHash::read))))
        .map_err(failed)?
        .map_err(failed)?
        .ok_or_else(|| failed("the head of the audit has no hash"))
}

/// Goes through the whole chain, and compares the rows with what it says of them.
pub(super) fn verify(connection: &Connection, expected: Option<ChainHash>) -> Result<Verified, ChainError> {
    let mut verified = Verified { entries: 0, head: ChainHash::START, has_expected: expected.is_none() };
    // Digests, not documents: a catalog may hold scripts of a megabyte.
    let mut last: HashMap<(String, u32), [u8; 32]> = HashMap::new();
    let mut statement = connection.prepare(ENTRIES).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let said = said(row).map_err(failed)?;
        let hash = said.after(verified.head);
        if ChainHash::read(row.get_ref(10).map_err(failed)?) != Some(hash) {
            return Err(ChainError::Broken { version: said.version, step: said.step });
        }
        if said.kind != super::OPERATION {
            let key = (said.kind.to_owned(), said.id);
            match said.after {
                Some(document) => drop(last.insert(key, Sha256::digest(document).into())),
                None => drop(last.remove(&key)),
            }
        }
        verified.entries += 1;
        verified.head = hash;
        verified.has_expected |= expected == Some(hash);
    }
    if head(connection)? != verified.head {
        return Err(ChainError::Cut);
    }
    check_rows(connection, last)?;
    Ok(verified)
}

fn check_rows(connection: &Connection, mut last: HashMap<(String, u32), [u8; 32]>) -> Result<(), ChainError> {
    let mut statement = connection.prepare("SELECT kind, id, name, document FROM item").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (kind, id): (String, u32) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let document = row.get_ref(3).map_err(failed)?.as_str().map_err(failed)?;
        let digest: [u8; 32] = Sha256::digest(document).into();
        if last.remove(&(kind.clone(), id)) != Some(digest) {
            return Err(ChainError::Row { kind, name: row.get(2).map_err(failed)? });
        }
    }
    match last.into_keys().next() {
        Some((kind, id)) => Err(ChainError::Row { kind, name: format!("number {id}") }),
        None => Ok(()),
    }
}
