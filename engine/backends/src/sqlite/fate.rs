use rusqlite::{Error, ErrorCode};
use signalbox_core::backend::CommitError;

/// What a failed statement before the COMMIT means: nothing can have become durable.
pub(super) fn of_statement(error: &Error) -> CommitError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => CommitError::Full,
        _ => CommitError::Refused { reason: error.to_string() },
    }
}

/// What a failed COMMIT means.
///
/// SQLITE_FULL comes from a write of the WAL before its last frame was whole, so nothing of the commit is
/// valid. A constraint that is checked late is refused. Anything else, first of all a failed fsync, may have
/// left a whole commit in the WAL: a kernel that failed an fsync once may say yes to the next one without
/// having the data, so only a new process that reads the file can say.
pub(super) fn of_commit(error: &Error) -> CommitError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => CommitError::Full,
        Some(ErrorCode::ConstraintViolation) => CommitError::Refused { reason: error.to_string() },
        _ => CommitError::Unknown { reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn failure(code: i32) -> Error {
        Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_failed_fsync_leaves_the_fate_unknown() {
        assert!(matches!(of_commit(&failure(ffi::SQLITE_IOERR_FSYNC)), CommitError::Unknown { .. }));
        assert!(matches!(of_commit(&failure(ffi::SQLITE_IOERR_WRITE)), CommitError::Unknown { .. }));
        assert!(matches!(of_commit(&failure(ffi::SQLITE_FULL)), CommitError::Full));
        assert!(matches!(of_commit(&failure(ffi::SQLITE_CONSTRAINT)), CommitError::Refused { .. }));
    }

    #[test]
    fn before_the_commit_nothing_is_unknown() {
        assert!(matches!(of_statement(&failure(ffi::SQLITE_IOERR_WRITE)), CommitError::Refused { .. }));
        assert!(matches!(of_statement(&failure(ffi::SQLITE_FULL)), CommitError::Full));
    }
}
