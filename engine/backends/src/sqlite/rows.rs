use bytes::Bytes;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use signalbox_core::backend::{Offset, Op, Row, StoreError, Table};
use signalbox_core::id::ShardId;

use super::frame;

macro_rules! tables {
    ($($table:ident = $name:literal,)*) => {
        /// The SQL tables in the order of [`Table::ALL`].
        pub(super) const NAMES: [&str; Table::ALL.len()] = [$($name,)*];

        const PUT: [&str; NAMES.len()] = [$(concat!(
            "INSERT INTO ", $name, "(key,shard,value) VALUES(?1,?2,?3) ",
            "ON CONFLICT DO UPDATE SET value=excluded.value"
        ),)*];

        const DELETE: [&str; NAMES.len()] = [$(concat!("DELETE FROM ", $name, " WHERE key=?1 AND shard=?2"),)*];

        fn name(table: Table) -> &'static str {
            match table {
                $(Table::$table => $name,)*
            }
        }
    };
}

tables! {
    Message = "message",
    State = "state",
    Group = "message_group",
    Seen = "seen",
    EarlyReceipt = "early_receipt",
    Inbox = "inbox",
    Request = "request",
    Start = "start",
    Record = "record",
    Suppression = "suppression",
    Conversation = "conversation",
    Device = "device",
    Timer = "timer",
    Consent = "consent",
    Desk = "desk",
}

fn index(table: Table) -> usize {
    table as usize
}

/// About how many octets of the WAL an operation costs: its row, and a share of pages around it.
pub(super) fn weight(op: &Op) -> usize {
    match op {
        Op::Put { value, .. } => 512 + value.len(),
        Op::Delete { .. } => 512,
    }
}

/// Carries out the operations in order. Each statement is looked up once, not once a row.
pub(super) fn apply(connection: &Connection, ops: &[Op]) -> rusqlite::Result<()> {
    let mut puts: [Option<CachedStatement<'_>>; NAMES.len()] = Default::default();
    let mut deletes: [Option<CachedStatement<'_>>; NAMES.len()] = Default::default();
    for op in ops {
        match op {
            Op::Put { shard, table, key, value } => {
                let at = index(*table);
                let statement = ready(connection, &mut puts[at], PUT[at])?;
                statement.execute(params![&key[..], shard.number(), &value[..]])?;
            }
            Op::Delete { shard, table, key } => {
                let at = index(*table);
                let statement = ready(connection, &mut deletes[at], DELETE[at])?;
                statement.execute(params![&key[..], shard.number()])?;
            }
        }
    }
    Ok(())
}

fn ready<'a, 'c>(
    connection: &'c Connection,
    slot: &'a mut Option<CachedStatement<'c>>,
    sql: &str,
) -> rusqlite::Result<&'a mut CachedStatement<'c>> {
    match slot {
        Some(statement) => Ok(statement),
        None => Ok(slot.insert(connection.prepare_cached(sql)?)),
    }
}

fn unread(error: impl std::fmt::Display) -> StoreError {
    StoreError { reason: error.to_string() }
}

fn key_of(octets: &[u8], table: Table) -> Result<[u8; 16], StoreError> {
    octets
        .try_into()
        .map_err(|_| unread(format!("a key of table {} has {} octets", name(table), octets.len())))
}

fn shard_of(number: i64, table: Table) -> Result<ShardId, StoreError> {
    u16::try_from(number)
        .ok()
        .and_then(ShardId::new)
        .ok_or_else(|| unread(format!("a row of table {} has shard {number}", name(table))))
}

/// See `Store::load`.
pub(super) fn load(
    connection: &Connection,
    shard: Option<ShardId>,
    visit: &mut dyn FnMut(Row),
) -> Result<(), StoreError> {
    let within = connection.unchecked_transaction().map_err(unread)?;
    for table in Table::LOADED {
        // Keys come first in the tables, so one shard is found by looking at all rows; the start of a single
        // node, which wants all of them, is what must be fast.
        let sql = format!(
            "SELECT key, shard, value FROM {} WHERE ?1 IS NULL OR shard = ?1 ORDER BY key, shard",
            name(table)
        );
        let mut statement = within.prepare_cached(&sql).map_err(unread)?;
        let mut rows = statement.query(params![shard.map(ShardId::number)]).map_err(unread)?;
        while let Some(row) = rows.next().map_err(unread)? {
            visit(read_row(row, table)?);
        }
    }
    Ok(())
}

/// See `Store::get`.
pub(super) fn get(
    connection: &Connection,
    shard: ShardId,
    table: Table,
    key: &[u8; 16],
) -> Result<Option<Bytes>, StoreError> {
    let sql = format!("SELECT value FROM {} WHERE key = ?1 AND shard = ?2", name(table));
    let mut statement = connection.prepare_cached(&sql).map_err(unread)?;
    statement
        .query_row(params![&key[..], shard.number()], |row| {
            Ok(Bytes::copy_from_slice(row.get_ref(0)?.as_blob()?))
        })
        .optional()
        .map_err(unread)
}

/// Up to `max` rows after `after`, by key, then shard.
pub(super) fn page(
    connection: &Connection,
    table: Table,
    after: Option<([u8; 16], ShardId)>,
    max: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "SELECT key, shard, value FROM {} WHERE (key, shard) > (?1, ?2) ORDER BY key, shard LIMIT ?3",
        name(table)
    );
    let mut statement = connection.prepare_cached(&sql).map_err(unread)?;
    let (key, shard) = match &after {
        Some((key, shard)) => (&key[..], i64::from(shard.number())),
        None => (&[][..], -1),
    };
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![key, shard, max]).map_err(unread)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unread)? {
        found.push(read_row(row, table)?);
    }
    Ok(found)
}

/// See `Store::range`.
pub(super) fn range(
    connection: &Connection,
    table: Table,
    after: &[u8; 16],
    upto: &[u8; 16],
    max: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "SELECT key, shard, value FROM {} WHERE key > ?1 AND key <= ?2 ORDER BY key, shard LIMIT ?3",
        name(table)
    );
    let mut statement = connection.prepare_cached(&sql).map_err(unread)?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![&after[..], &upto[..], max]).map_err(unread)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unread)? {
        found.push(read_row(row, table)?);
    }
    Ok(found)
}

/// How many rows a table has.
pub(super) fn count(connection: &Connection, table: Table) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM {}", name(table));
    let count: i64 = connection.query_row(&sql, [], |row| row.get(0)).map_err(unread)?;
    Ok(count.cast_unsigned())
}

fn read_row(row: &rusqlite::Row<'_>, table: Table) -> Result<Row, StoreError> {
    let key = row.get_ref(0).and_then(|value| Ok(value.as_blob()?)).map_err(unread)?;
    let number = row.get(1).map_err(unread)?;
    let value = row.get_ref(2).and_then(|value| Ok(value.as_blob()?)).map_err(unread)?;
    Ok(Row {
        shard: shard_of(number, table)?,
        table,
        key: key_of(key, table)?,
        value: Bytes::copy_from_slice(value),
    })
}

/// See `Store::outbox`.
pub(super) fn outbox(
    connection: &Connection,
    after: u64,
    max: usize,
) -> Result<Vec<(u64, Vec<Bytes>)>, StoreError> {
    let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let mut statement = connection
        .prepare_cached("SELECT sequence, records FROM outbox WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")
        .map_err(unread)?;
    let mut rows = statement.query(params![after, max]).map_err(unread)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unread)? {
        let sequence: i64 = row.get(0).map_err(unread)?;
        let packed = row.get_ref(1).and_then(|value| Ok(value.as_blob()?)).map_err(unread)?;
        let records =
            frame::unpack(packed).ok_or_else(|| unread(format!("outbox row {sequence} is damaged")))?;
        found.push((sequence.cast_unsigned(), records));
    }
    Ok(found)
}

/// Bits of an offset within [`place`]: at 100,000 records a second they last 89 years.
const OFFSET_BITS: u32 = 48;

/// Rowid of a record of the log: the shard above the offset, so that a shard's records lie together.
/// `None` when the offset does not fit.
pub(super) fn place(shard: ShardId, offset: u64) -> Option<i64> {
    (offset < 1 << OFFSET_BITS).then(|| i64::from(shard.number()) << OFFSET_BITS | offset.cast_signed())
}

/// See `Log::read`.
pub(super) fn read_log(
    connection: &Connection,
    shard: ShardId,
    after: Option<Offset>,
    max: usize,
) -> rusqlite::Result<Vec<(Offset, Bytes)>> {
    let last = place(shard, (1 << OFFSET_BITS) - 1).unwrap_or(i64::MAX);
    let Some(first) = place(shard, after.map_or(0, |after| after.0.saturating_add(1))) else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT place, data FROM log WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3",
    )?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let records = statement.query_map(params![first, last, max], |row| {
        let place: i64 = row.get(0)?;
        let offset = (place & ((1 << OFFSET_BITS) - 1)).cast_unsigned();
        Ok((Offset(offset), Bytes::copy_from_slice(row.get_ref(1)?.as_blob()?)))
    })?;
    records.collect()
}
