use std::path::PathBuf;

use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{ByteSize, Count, Name, Period};

settings! {
    /// Call detail records in immutable files.
    pub struct CdrSettings agrees {
        /// Directory of the files; relative to the data directory.
        directory: PathBuf = "cdr"; restart,
        /// Beginning of file names and of serials; unique among the nodes that write to one place.
        serial_prefix: Name = "sb1"; restart,
        /// A file is closed when it has grown to this.
        rotate_bytes: ByteSize = "64MiB",
        /// A file with at least one record is closed after this time.
        rotate_after: Period = "60s",
        /// Records in one write at most.
        batch: Count<1, 100_000> = 5_000,
        /// Records that may wait in the outbox while files cannot be written; above it new messages are refused.
        outbox_max: Count<1_000, 1_000_000_000> = 10_000_000,
    }
}

impl Agreement for CdrSettings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        if self.rotate_bytes < ByteSize::new(4096) {
            problems.conflict(at, "rotate_bytes", "must be at least 4KiB");
        }
        if self.rotate_after < Period::seconds(1) {
            problems.conflict(at, "rotate_after", "must be at least 1s");
        }
    }
}
