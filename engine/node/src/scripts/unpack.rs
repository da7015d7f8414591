//! Bundles of scripts as they come: archives and folders, unpacked into memory within bounds (D9). Nothing is written
//! anywhere, and a path that leads out of the bundle is refused.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

use signalbox_script::{Bundle, BundleError, MAX_SOURCE};
use zip::ZipArchive;
use zip::result::ZipError;

/// Entries of an archive, or of a folder with those below it, at most; folders and what no script uses count too.
const MAX_ENTRIES: usize = 512;
/// Folders within folders at most.
const MAX_DEPTH: usize = 8;

/// A bundle that cannot be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It is no archive, or a damaged one.
    #[error("the archive cannot be read")]
    Archive(#[from] ZipError),
    /// More entries than may be.
    #[error("more than {MAX_ENTRIES} entries")]
    TooMany,
    /// More text than may be, however small the archive is.
    #[error("more than {MAX_SOURCE} octets of scripts and data")]
    TooLong,
    /// A link, which may lead anywhere.
    #[error("`{0}` is a link")]
    Link(String),
    /// A file that is no text.
    #[error("`{0}` is not UTF-8")]
    NoText(String),
    /// A file that cannot be read.
    #[error("`{path}` cannot be read")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is in it is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Files with room for so many octets more.
struct Files {
    texts: BTreeMap<String, String>,
    room: usize,
    entries: usize,
}

impl Files {
    fn new() -> Self {
        Self { texts: BTreeMap::new(), room: MAX_SOURCE, entries: 0 }
    }

    fn count(&mut self) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES { Err(UnpackError::TooMany) } else { Ok(()) }
    }

    /// Reads a file if it is a part of a bundle. What an archive says of its length is not believed.
    fn add(&mut self, path: &str, from: impl Read) -> Result<(), UnpackError> {
        if !Bundle::is_part(path) {
            return Ok(());
        }
        let failed = |source| UnpackError::Read { path: path.to_owned(), source };
        let mut octets = Vec::new();
        from.take(self.room as u64 + 1).read_to_end(&mut octets).map_err(failed)?;
        self.room = self.room.checked_sub(octets.len()).ok_or(UnpackError::TooLong)?;
        let text = String::from_utf8(octets).map_err(|_| UnpackError::NoText(path.to_owned()))?;
        self.texts.insert(path.to_owned(), text);
        Ok(())
    }

    /// The bundle of them. Where all is in one folder, as who packs a folder gets it, that is the top.
    fn pack(self) -> Result<Bundle, UnpackError> {
        let first = self.texts.keys().next().and_then(|path| path.split_once('/'));
        let folder = first.map(|(folder, _)| format!("{folder}/"));
        let within = |path: &String| folder.as_ref().is_some_and(|folder| path.starts_with(folder));
        if !self.texts.keys().all(within) {
            return Ok(Bundle::pack(self.texts)?);
        }
        let length = folder.as_ref().map_or(0, String::len);
        Ok(Bundle::pack(
            self.texts.into_iter().map(|(path, text)| (path[length..].to_owned(), text)).collect(),
        )?)
    }
}

/// The bundle of a zip archive.
///
/// # Errors
/// See [`UnpackError`].
pub fn from_zip(octets: &[u8]) -> Result<Bundle, UnpackError> {
    let mut archive = ZipArchive::new(Cursor::new(octets))?;
    let mut files = Files::new();
    for index in 0..archive.len() {
        files.count()?;
        let file = archive.by_index(index)?;
        let path = file.name()?.into_owned();
        if file.is_symlink() {
            return Err(UnpackError::Link(path));
        }
        if !file.is_dir() {
            files.add(&path, file)?;
        }
    }
    files.pack()
}

/// The bundle of a folder.
///
/// # Errors
/// See [`UnpackError`].
pub fn from_folder(folder: &Path) -> Result<Bundle, UnpackError> {
    let mut files = Files::new();
    read_folder(folder, "", 0, &mut files)?;
    Ok(Bundle::pack(files.texts)?)
}

fn read_folder(folder: &Path, prefix: &str, depth: usize, files: &mut Files) -> Result<(), UnpackError> {
    let failed = |source| UnpackError::Read { path: folder.display().to_string(), source };
    if depth > MAX_DEPTH {
        return Err(UnpackError::TooMany);
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        files.count()?;
        let entry = entry.map_err(failed)?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            read_folder(&entry.path(), &format!("{path}/"), depth + 1, files)?;
        } else if Bundle::is_part(&path) {
            if kind.is_symlink() {
                return Err(UnpackError::Link(path));
            }
            let file = fs::File::open(entry.path());
            let file = file.map_err(|source| UnpackError::Read { path: path.clone(), source })?;
            files.add(&path, file)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
