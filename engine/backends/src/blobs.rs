//! Blobs as files.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use signalbox_core::backend::{BlobError, BlobId, Blobs};

/// Longest name in octets.
const LONGEST: usize = 128;

/// Refuses names that could leave their directory.
///
/// # Errors
/// [`BlobError::BadName`].
pub(crate) fn check_name(id: &BlobId) -> Result<(), BlobError> {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    if id.0.is_empty() || id.0.len() > LONGEST || !id.0.bytes().all(allowed) {
        return Err(BlobError::BadName(id.0.clone()));
    }
    Ok(())
}

/// Why a blob is not written over another one of its name.
pub(crate) const OTHER_OCTETS: &str = "there is one of this name with other octets";

/// One file for each blob, in 256 directories by a hash of the name.
///
/// A file is written aside, synced and renamed: it is there whole or not at all.
#[derive(Debug)]
pub struct FileBlobs {
    dir: PathBuf,
    writes: AtomicU64,
}

impl FileBlobs {
    /// Blobs in this directory, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: impl Into<PathBuf>) -> io::Result<Self> {
        let dir = dir.into();
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, writes: AtomicU64::new(0) })
    }

    fn path(&self, id: &BlobId) -> Result<PathBuf, BlobError> {
        check_name(id)?;
        let first = Sha256::digest(id.0.as_bytes())[0];
        Ok(self.dir.join(format!("{first:02x}")).join(&id.0))
    }

    fn write(&self, path: &Path, data: &Bytes) -> io::Result<()> {
        let dir = path.parent().unwrap_or(&self.dir);
        if !dir.is_dir() {
            fs::create_dir_all(dir)?;
            File::open(&self.dir)?.sync_all()?;
        }
        // A dot keeps the name apart from those of blobs; process and count from other writers.
        let count = self.writes.fetch_add(1, Ordering::Relaxed);
        let aside = dir.join(format!(".{}-{count}", std::process::id()));
        let mut file = File::create(&aside)?;
        let written = file.write_all(data).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| fs::rename(&aside, path)) {
            // What is left aside does no harm; the first error is the one to tell.
            let _ = fs::remove_file(&aside);
            return Err(error);
        }
        File::open(dir)?.sync_all()
    }
}

fn failed(id: &BlobId, error: &io::Error) -> BlobError {
    match error.kind() {
        ErrorKind::NotFound => BlobError::Absent(id.0.clone()),
        _ => BlobError::Failed { name: id.0.clone(), reason: error.to_string() },
    }
}

impl Blobs for FileBlobs {
    fn put(&self, id: &BlobId, data: &Bytes) -> Result<(), BlobError> {
        let path = self.path(id)?;
        match fs::read(&path) {
            Ok(held) if held == data[..] => return Ok(()),
            Ok(_) => return Err(BlobError::Failed { name: id.0.clone(), reason: OTHER_OCTETS.into() }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(id, &error)),
        }
        self.write(&path, data).map_err(|error| failed(id, &error))
    }

    fn get(&self, id: &BlobId) -> Result<Bytes, BlobError> {
        let path = self.path(id)?;
        fs::read(path).map(Bytes::from).map_err(|error| failed(id, &error))
    }

    fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        let path = self.path(id)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(id, &error)),
            _ => Ok(()),
        }
    }
}
