//! Files of contacts that are put into the folder `uploads` of the data directory (requirement CON-04).
//!
//! `uploads/ACCOUNT/LIST/NAME.csv` goes into the list of that name, which is made where there is none. A file is
//! taken when it has not changed from one look to the next; whoever writes slowly writes another name and renames.
//! It is read as the account usually has its files, or as `upload.json` in its folder says.
//! Then it is called `NAME.csv.done` or `NAME.csv.failed`. One that a stop interrupts is read again from its
//! beginning, which changes nothing about what was stored.

mod reading;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use signalbox_core::backend::Clock;
use signalbox_core::id::AccountId;
use signalbox_people::{
    ColumnMap, Existing, Level, ListId, People, PeopleError, Scope, Upload, UploadOrder, UploadState,
};
use signalbox_text::phone::{Bare, Home};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use crate::control::{Control, InForce};

pub(crate) use reading::Reading;
use reading::WrongReading;

/// How the files of a folder are read, where it says so.
const READING: &str = "upload.json";
/// Octets of that file at most: of as many columns as a file may have.
const READING_LENGTH: u64 = 256 << 10;
/// The folder in the data directory.
const FOLDER: &str = "uploads";
/// From one look to the next.
const EVERY: Duration = Duration::from_secs(2);
/// Files that one look takes; the others wait for the next one.
const MOST: usize = 1000;
/// Rejected lines whose reason is kept.
const REJECTS: u32 = 100_000;
/// Numbers with at most so many digits are short codes: nobody's.
const SHORT_CODE: u8 = 6;

/// An upload as the account usually has it: names of columns say what they are, the account's country reads numbers.
pub(crate) fn usual(in_force: &InForce, account: &str, list: ListId) -> UploadOrder {
    let row = in_force.snapshot.rows.account.iter().find(|row| row.name.as_str() == account);
    let country = row.and_then(|row| row.default_country.as_ref());
    UploadOrder {
        list,
        file: String::new(),
        columns: ColumnMap::default(),
        header: true,
        delimiter: b',',
        home: Home {
            region: country.and_then(|country| country.as_str().parse().ok()),
            bare: Bare::National,
            short_code_digits: SHORT_CODE,
        },
        existing: Existing::Keep,
        levels: vec![(Level::Account, account.to_owned())],
        rejects: REJECTS,
        most: row.and_then(|row| row.quotas.contacts).map(|most| most.get()),
    }
}

/// A file that was not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("there is no account of the folder's name")]
    NoAccount,
    #[error("the file cannot be used")]
    File(#[from] std::io::Error),
    #[error("{READING} cannot be read")]
    Reading(#[source] std::io::Error),
    #[error("{READING} is longer than {READING_LENGTH} octets")]
    LongReading,
    #[error("{READING} is no description of files")]
    NoReading(#[from] serde_json::Error),
    #[error("{READING}: {0}")]
    WrongReading(#[from] WrongReading),
    #[error(transparent)]
    People(#[from] PeopleError),
}

/// How a file was at the last look.
type Seen = (u64, Option<SystemTime>);

/// Takes what is put into the folder until the node stops; first ends what the last stop left of deleted lists.
pub(crate) async fn run(
    control: Arc<Control>,
    people: Arc<People>,
    clock: Arc<dyn Clock>,
    mut stopping: watch::Receiver<bool>,
) {
    if let Err(error) = people.purge_lists().await {
        tracing::error!(error = &error as &dyn std::error::Error, "a deleted list still has members");
    }
    let folder = control.in_force().settings.in_data_directory(Path::new(FOLDER));
    let mut seen = BTreeMap::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => return,
        }
        let looked = folder.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || look(&looked)).await else { continue };
        for (file, state) in &now {
            if seen.get(file) != Some(state) {
                continue;
            }
            tokio::select! {
                () = take(&control, &people, &clock, file) => {}
                _ = stopping.changed() => return,
            }
        }
        seen = now;
    }
}

/// The files that wait, with what tells whether they are still being written.
fn look(folder: &Path) -> BTreeMap<PathBuf, Seen> {
    let below =
        |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = below(folder.to_owned()).flat_map(below).flat_map(below);
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "csv"));
    let seen = |file: PathBuf| {
        let about = std::fs::metadata(&file).ok().filter(std::fs::Metadata::is_file)?;
        Some((file, (about.len(), about.modified().ok())))
    };
    files.filter_map(seen).take(MOST).collect()
}

/// Takes a file and renames it after how that went.
async fn take(control: &Control, people: &People, clock: &Arc<dyn Clock>, file: &Path) {
    let outcome = upload(control, people, clock, file).await;
    let ending = match &outcome {
        Ok(upload) => {
            tracing::info!(
                upload = upload.id.0,
                state = upload.state.as_str(),
                "a file of contacts was read"
            );
            match upload.state {
                UploadState::Done => "done",
                UploadState::Running
                | UploadState::Cancelled
                | UploadState::Failed
                | UploadState::Interrupted => "failed",
            }
        }
        // The file is right; it is taken at the next look.
        Err(NotTaken::People(PeopleError::Busy)) => return,
        Err(error) => {
            tracing::error!(error = error as &dyn std::error::Error, file = %file.display(), "a file was not taken");
            "failed"
        }
    };
    metrics::counter!("contact_files_total", "outcome" => ending).increment(1);
    let mut renamed = file.as_os_str().to_owned();
    renamed.push(".");
    renamed.push(ending);
    if let Err(error) = tokio::fs::rename(file, renamed).await {
        tracing::error!(%error, file = %file.display(), "a file that was read cannot be renamed");
    }
}

async fn upload(
    control: &Control,
    people: &People,
    clock: &Arc<dyn Clock>,
    file: &Path,
) -> Result<Upload, NotTaken> {
    let name =
        |path: Option<&Path>| path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let list_name = name(file.parent()).unwrap_or_default();
    let account_name = name(file.parent().and_then(Path::parent)).unwrap_or_default();
    let in_force = control.in_force();
    let account = in_force.snapshot.ids.account(&account_name).ok_or(NotTaken::NoAccount)?;
    let reading = reading_of(file).await?;
    let list = list_of(people, account, &list_name, clock).await?;
    let mut order =
        UploadOrder { file: name(Some(file)).unwrap_or_default(), ..usual(&in_force, &account_name, list) };
    reading.apply(&mut order)?;
    let source = tokio::fs::File::open(file).await?;
    let started = people.start_upload(&Scope::All, &order, clock.now().wall).await?;
    Ok(people.run_upload(&started, &order, source, || clock.now().wall).await?)
}

/// What the folder of a file says of how its files are read.
async fn reading_of(file: &Path) -> Result<Reading, NotTaken> {
    let mut text = Vec::new();
    match tokio::fs::File::open(file.with_file_name(READING)).await {
        Ok(found) => {
            found.take(READING_LENGTH + 1).read_to_end(&mut text).await.map_err(NotTaken::Reading)?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Reading::default()),
        Err(error) => return Err(NotTaken::Reading(error)),
    };
    if text.len() as u64 > READING_LENGTH {
        return Err(NotTaken::LongReading);
    }
    Ok(serde_json::from_slice(&text)?)
}

/// The list of a name; made where there is none.
async fn list_of(
    people: &People,
    account: AccountId,
    name: &str,
    clock: &Arc<dyn Clock>,
) -> Result<ListId, PeopleError> {
    if let Some(list) = people.list_named(&Scope::All, account, name).await? {
        return Ok(list.id);
    }
    Ok(people.create_list(&Scope::All, account, name, clock.now().wall).await?.id)
}
