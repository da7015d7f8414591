//! The child process: reads batches from its standard input, which is a socket to the pool, and answers on it.

mod confine;
mod serve;

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

pub use confine::ConfineError;

/// Why a worker ends, other than that the pool closed its socket.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Standard input is no socket, or broken.
    #[error("the socket to the pool fails: {0}")]
    Socket(#[from] io::Error),
    /// The process could not give up its rights; scripts are not run then.
    #[error("the worker cannot be confined: {0}")]
    Confine(#[from] ConfineError),
    /// The pool said something that no pool says.
    #[error("the pool's command cannot be understood: {0}")]
    Command(String),
}

/// Runs a worker until the pool closes its socket. For a process of its own: it gives up the right to open files, to
/// connect and to start processes, for good.
///
/// # Errors
/// See [`WorkerError`].
pub fn run() -> Result<(), WorkerError> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    confine::confine()?;
    serve::serve(&socket)
}
