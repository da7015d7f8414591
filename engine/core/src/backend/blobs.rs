use bytes::Bytes;

/// Name of a blob: a digest of its octets or an id made by its writer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub String);

/// A blob that could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The name has characters other than letters, digits, `-` and `_`, or more than 128 of them.
    #[error("`{0}` is no name of a blob")]
    BadName(String),
    /// There is none of this name.
    #[error("there is no blob `{0}`")]
    Absent(String),
    /// The store behind it failed.
    #[error("blob `{name}`: {reason}")]
    Failed {
        /// The blob.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Large octet strings: recordings, media.
pub trait Blobs: Send + Sync {
    /// Writes the blob durably; writing the same octets again is no error.
    ///
    /// # Errors
    /// See [`BlobError`].
    fn put(&self, id: &BlobId, data: &Bytes) -> Result<(), BlobError>;

    /// Reads the blob.
    ///
    /// # Errors
    /// See [`BlobError`].
    fn get(&self, id: &BlobId) -> Result<Bytes, BlobError>;

    /// Removes the blob; that it is not there is no error.
    ///
    /// # Errors
    /// See [`BlobError`].
    fn delete(&self, id: &BlobId) -> Result<(), BlobError>;
}
