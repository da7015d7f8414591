//! One worker process, as its thread in the pool sees it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use super::Settings;
use super::fair::Fair;
use super::scripts::Loaded;
use crate::awake::Awake;
use crate::frame::{self, FrameError};
use crate::message::{Command, Key, Reply};

/// Why a worker is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChildError {
    /// It could not be started.
    #[error("the process cannot be started: {0}")]
    Start(#[source] io::Error),
    /// It said nothing in time.
    #[error("it did not answer in {} ms", .0.as_millis())]
    Late(Duration),
    /// It is gone.
    #[error("it ended")]
    Gone,
    /// It said what no worker says.
    #[error("it answered rubbish: {0}")]
    Rubbish(String),
    /// What it was to be told is too much.
    #[error("a command of {octets} octets")]
    TooLong {
        /// Its length.
        octets: usize,
    },
}

pub(super) struct Child {
    process: std::process::Child,
    from: BufReader<Fair<Awake<UnixStream>>>,
    /// Sources that it has, the one that was run last at the back.
    has: VecDeque<Key>,
    most: usize,
    body: Vec<u8>,
    out: Vec<u8>,
    deadline: Duration,
}

impl Child {
    /// Starts one and waits until it is confined.
    pub(super) fn spawn(settings: &Settings) -> Result<Self, ChildError> {
        let (ours, theirs) = UnixStream::pair().map_err(ChildError::Start)?;
        let mut command = Process::new(&settings.worker.program);
        command
            .args(&settings.worker.arguments)
            .env_clear()
            // The C library would look for a file otherwise.
            .env("TZ", "UTC0")
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null());
        let process = command.spawn().map_err(ChildError::Start)?;
        drop(command);
        let soft = Duration::from_millis(settings.limits.soft_ms.into());
        let fair = Fair::new(Awake(ours), process.id(), soft);
        let mut child = Self {
            process,
            from: BufReader::with_capacity(64 << 10, fair),
            has: VecDeque::new(),
            most: settings.compiled,
            body: Vec::new(),
            out: Vec::new(),
            deadline: settings.start,
        };
        child.patience(settings.start)?;
        match child.read()? {
            Reply::Ready => {}
            Reply::Done { .. } | Reply::Later { .. } | Reply::Linted(_) => {
                return Err(ChildError::Rubbish("it answers before it is asked".to_owned()));
            }
        }
        child.patience(Duration::from_millis(settings.limits.hard_ms.into()))?;
        child.ran(None);
        Ok(child)
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A run ended, with the processor's time in microseconds that it says it had.
    pub(super) fn ran(&mut self, micros: Option<u64>) {
        self.from.get_mut().ran(micros.map(Duration::from_micros));
    }

    /// True when what it is late with had less than the time of the soft limit: then a busy machine is to blame.
    pub(super) fn is_starved(&self) -> bool {
        self.from.get_ref().is_starved()
    }

    fn patience(&mut self, deadline: Duration) -> Result<(), ChildError> {
        let socket = &self.from.get_ref().inner.0;
        socket.set_read_timeout(Some(deadline)).map_err(ChildError::Start)?;
        socket.set_write_timeout(Some(deadline)).map_err(ChildError::Start)?;
        self.deadline = deadline;
        Ok(())
    }

    /// Sees to it that it has a source.
    pub(super) fn provide(&mut self, loaded: &Loaded) -> Result<(), ChildError> {
        if let Some(position) = self.has.iter().rposition(|&key| key == loaded.key) {
            self.has.remove(position);
        } else {
            if self.has.len() >= self.most
                && let Some(key) = self.has.pop_front()
            {
                self.say(&Command::Forget { key })?;
            }
            self.say(&Command::Load { key: loaded.key, source: Cow::Borrowed(&loaded.source) })?;
        }
        self.has.push_back(loaded.key);
        Ok(())
    }

    /// Lets a command be sent with the next flush.
    pub(super) fn say(&mut self, command: &Command<'_>) -> Result<(), ChildError> {
        frame::append(&mut self.out, command).map_err(|error| ChildError::of(error, self.deadline))
    }

    /// Sends what was said.
    pub(super) fn flush(&mut self) -> Result<(), ChildError> {
        let sent = self.from.get_mut().inner.0.write_all(&self.out);
        self.out.clear();
        sent.map_err(|error| ChildError::of(FrameError::Io(error), self.deadline))
    }

    /// Its next answer; each has the whole of the hard limit, and more while the machine gives it no time.
    pub(super) fn read(&mut self) -> Result<Reply<'_>, ChildError> {
        let deadline = self.deadline;
        match frame::read(&mut self.from, &mut self.body) {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(ChildError::Gone),
            Err(error) => Err(ChildError::of(error, deadline)),
        }
    }
}

impl ChildError {
    fn of(error: FrameError, deadline: Duration) -> Self {
        match error {
            FrameError::Io(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                Self::Late(deadline)
            }
            FrameError::Io(_) => Self::Gone,
            FrameError::TooLong { octets } => Self::TooLong { octets },
            FrameError::Malformed(error) => Self::Rubbish(error.to_string()),
        }
    }
}

impl Drop for Child {
    /// Kills it: a worker keeps nothing, so there is nothing that it could be asked to end well.
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
