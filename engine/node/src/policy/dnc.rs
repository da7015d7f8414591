//! Do-not-call lists: the rows say who keeps and honours them, files in the data directory have the numbers.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use signalbox_config::Settings;
use signalbox_config::catalog::{DncKind, DncList as Row};
use signalbox_consent::{Channels, DncList, DncLists, ListId, ListKind, PackedNumbers, Span};
use signalbox_core::backend::Kind;

use super::consent::channel_of;
use crate::catalog::Snapshot;

/// The directory of the numbers.
fn directory(settings: &Settings) -> PathBuf {
    settings.in_data_directory(Path::new("dnc"))
}

fn file_of(settings: &Settings, edition: &str) -> PathBuf {
    directory(settings).join(format!("{edition}.numbers"))
}

/// Writes numbers to a file of their own, durably, and says which edition they are.
///
/// # Errors
/// When they cannot be written.
pub fn keep(settings: &Settings, numbers: &PackedNumbers) -> io::Result<String> {
    let octets = numbers.encode();
    let digest = Sha256::digest(&octets);
    let edition: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    let (directory, path) = (directory(settings), file_of(settings, &edition));
    fs::create_dir_all(&directory)?;
    let part = path.with_extension("part");
    let mut file = File::create(&part)?;
    file.write_all(&octets)?;
    file.sync_all()?;
    fs::rename(&part, &path)?;
    File::open(&directory)?.sync_all()?;
    Ok(edition)
}

/// Removes the numbers of an edition, unless a row names it.
///
/// # Errors
/// When they cannot be removed.
pub fn forget(settings: &Settings, snapshot: &Snapshot, edition: &str) -> io::Result<()> {
    let mut named = snapshot.rows.dnc_list.iter().filter_map(|row| row.edition.as_ref());
    if named.any(|own| own.as_str() == edition) {
        return Ok(());
    }
    fs::remove_file(file_of(settings, edition))
}

/// The lists of a catalog. Numbers that the lists before have already are shared; a list whose numbers are not there is
/// left out, so that what would ask it does not leave.
pub(super) fn lists(settings: &Settings, snapshot: &Snapshot, before: Option<&DncLists>) -> DncLists {
    let mut lists = DncLists::default();
    for row in &snapshot.rows.dnc_list {
        let Some(id) = snapshot.ids.of(Kind::DncList, row.name.as_str()).map(ListId) else { continue };
        let (Some(edition), Some(as_of)) = (&row.edition, row.as_of) else { continue };
        let known = before.and_then(|before| before.get(id)).filter(|list| list.edition == edition.as_str());
        let numbers = match known {
            Some(list) => list.numbers.clone(),
            None => match read(&file_of(settings, edition.as_str())) {
                Ok(numbers) => Arc::new(numbers),
                Err(error) => {
                    tracing::error!(list = %row.name, %error, "the numbers of a do-not-call list are not there");
                    continue;
                }
            },
        };
        lists.put(id, list(row, edition.as_str(), as_of, numbers));
    }
    lists
}

fn read(path: &Path) -> io::Result<PackedNumbers> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged", path.display()));
    PackedNumbers::decode(&fs::read(path)?).ok_or_else(damaged)
}

fn list(row: &Row, edition: &str, as_of: jiff::civil::Date, numbers: Arc<PackedNumbers>) -> DncList {
    let channels: Channels = row.channels.iter().map(|channel| channel_of(*channel)).collect();
    DncList {
        name: row.name.to_string(),
        kind: match row.kind {
            DncKind::National => ListKind::National,
            DncKind::State => ListKind::State,
            DncKind::Internal => ListKind::Internal,
        },
        source: row.source.to_string(),
        as_of: signalbox_consent::Micros(day(as_of)),
        bound: row.max_age.map(|period| Span::seconds(period.duration().as_secs())),
        channels,
        edition: edition.to_owned(),
        numbers,
    }
}

/// The beginning of a day of UTC, in microseconds.
#[must_use]
pub fn day(date: jiff::civil::Date) -> i64 {
    date.to_zoned(jiff::tz::TimeZone::UTC).map_or(i64::MIN, |day| day.timestamp().as_microsecond())
}
