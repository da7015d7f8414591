//! Files that a node reads.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::setting::{Cursor, Problems, Setting, Shape};
use crate::tree::Tree;

/// The path of a file that must be readable when the node starts or reloads; relative paths begin at the
/// working directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReadableFile(PathBuf);

impl ReadableFile {
    /// The path.
    pub fn path(&self) -> &PathBuf {
        &self.0
    }
}

impl AsRef<Path> for ReadableFile {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for ReadableFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Setting for ReadableFile {
    fn shape() -> Shape {
        Shape::File
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        PathBuf::read(at, problems).map(Self)
    }
    fn to_tree(&self) -> Tree {
        self.0.to_tree()
    }
}
