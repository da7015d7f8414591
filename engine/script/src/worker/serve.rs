use std::io::{BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use signalbox_invocation::{Failure, Limits};

use super::WorkerError;
use crate::awake::Awake;
use crate::frame::{self, FrameError};
use crate::host::{Ended, Given};
use crate::lint::lint;
use crate::message::{Command, Key, Reply, Run};
use crate::program::Program;

/// Answers are held back for so long at most: a run that hangs keeps none that are done from the pool, and the pool
/// reads them while others run.
const HELD_BACK: Duration = Duration::from_micros(500);

/// A source, and its program once it was compiled.
struct Script {
    source: String,
    program: Option<Result<Program, Failure>>,
}

impl Script {
    fn run(&mut self, given: &Given<'_>, limits: &Limits) -> Result<Ended<'static>, Failure> {
        let program = match self.program.take() {
            Some(Ok(program)) if program.is_spoiled() => Program::compile(&self.source, limits),
            Some(compiled) => compiled,
            None => Program::compile(&self.source, limits),
        };
        match program {
            Ok(mut program) => {
                let ended = program.run_given(given, limits);
                self.program = Some(Ok(program));
                ended
            }
            Err(failure) => {
                // What is wrong with the source stays wrong; other failures may not come again.
                if let Failure::Invalid(_) = failure {
                    self.program = Some(Err(failure.clone()));
                }
                Err(failure)
            }
        }
    }
}

/// Answers commands until the pool hangs up.
pub(super) fn serve(socket: &UnixStream) -> Result<(), WorkerError> {
    let mut from = BufReader::with_capacity(64 << 10, Awake(socket));
    let mut to = socket;
    let mut scripts: FxHashMap<Key, Script> = FxHashMap::default();
    let (mut body, mut out) = (Vec::new(), Vec::new());
    append(&mut out, &Reply::Ready)?;
    frame::flush(&mut to, &mut out)?;
    while let Some(command) = frame::read::<Command<'_>>(&mut from, &mut body).map_err(wrong)? {
        match command {
            Command::Load { key, source } => {
                scripts.insert(key, Script { source: source.into_owned(), program: None });
            }
            Command::Forget { key } => {
                scripts.remove(&key);
            }
            Command::Run { limits, runs } => batch(&mut scripts, &limits, &runs, &mut to, &mut out)?,
            Command::Lint { source, programs } => {
                append(&mut out, &Reply::Linted(lint(&source, &programs)))?;
            }
        }
        frame::flush(&mut to, &mut out)?;
    }
    Ok(())
}

fn batch(
    scripts: &mut FxHashMap<Key, Script>,
    limits: &Limits,
    runs: &[Run<'_>],
    to: &mut impl Write,
    out: &mut Vec<u8>,
) -> Result<(), WorkerError> {
    let began = Instant::now();
    let mut flushed = began;
    let most = Duration::from_millis(limits.soft_ms.into());
    for (index, run) in (0..).zip(runs) {
        // Runs of others wait for this worker, too.
        if index > 0 && began.elapsed() > most {
            return append(out, &Reply::Later { from: index });
        }
        let result = match scripts.get_mut(&run.key) {
            Some(script) => script.run(&run.given, limits),
            None => Err(Failure::Invalid("the worker was not given its source".to_owned())),
        };
        append(out, &Reply::Done { index, result })?;
        if flushed.elapsed() > HELD_BACK {
            frame::flush(to, out)?;
            flushed = Instant::now();
        }
    }
    Ok(())
}

fn append(out: &mut Vec<u8>, reply: &Reply<'_>) -> Result<(), WorkerError> {
    match (frame::append(out, reply), reply) {
        (Ok(()), _) => Ok(()),
        (Err(FrameError::TooLong { octets }), Reply::Done { index, .. }) => {
            let result = Err(Failure::BadOutcome(format!("{octets} octets of outcome")));
            frame::append(out, &Reply::Done { index: *index, result }).map_err(wrong)
        }
        (Err(error), Reply::Ready | Reply::Done { .. } | Reply::Later { .. } | Reply::Linted(_)) => {
            Err(wrong(error))
        }
    }
}

fn wrong(error: FrameError) -> WorkerError {
    match error {
        FrameError::Io(error) => WorkerError::Socket(error),
        FrameError::TooLong { .. } | FrameError::Malformed(_) => WorkerError::Command(error.to_string()),
    }
}
