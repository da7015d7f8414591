//! `signalbox sim`.

mod esme;
mod handsets;
mod smsc;

pub use esme::EsmeArgs;
pub use handsets::HandsetsArgs;
pub use smsc::SmscArgs;

use crate::delay::Delay;
use anyhow::Context as _;
use clap::Subcommand;
use std::future::Future;

/// A simulated peer.
#[derive(Debug, Subcommand)]
pub enum SimCommand {
    /// An SMSC: takes submits, sends receipts and messages from devices, misbehaves as told.
    Smsc(SmscArgs),
    /// An ESME: sends messages at a rate or as fast as it may, and checks what comes back.
    Esme(EsmeArgs),
    /// A population of devices: writes keywords and answers texts, with delays, typos and STOPs.
    Handsets(HandsetsArgs),
}

/// Plays the peer until its end. The error of an ESME tells what did not go as expected.
///
/// # Errors
/// What went wrong, for people.
pub fn run(command: SimCommand) -> anyhow::Result<()> {
    match command {
        SimCommand::Smsc(args) => {
            let options = args.options()?;
            on_runtime(args.threads, smsc::play(args, options))
        }
        SimCommand::Esme(args) => {
            let options = args.options()?;
            on_runtime(args.threads, esme::play(args, options))
        }
        SimCommand::Handsets(args) => {
            let options = args.options()?;
            on_runtime(1, handsets::play(args, options))
        }
    }
}

fn on_runtime(threads: usize, task: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut builder = match threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().context("cannot start the runtime")?.block_on(task)
}

/// Waits for SIGTERM or Ctrl-C.
async fn told_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn read_delay(text: &str) -> Result<Delay, String> {
    text.parse()
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value),
        Ok(_) | Err(_) => Err(format!("{text:?} is not a percentage from 0 to 100")),
    }
}

/// `STATUS=PERCENT`, the status in decimal or with 0x.
fn status_share(text: &str) -> Result<(u32, f64), String> {
    let (status, share) = text.split_once('=').ok_or_else(|| format!("{text:?} is not STATUS=PERCENT"))?;
    let number = match status.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => status.parse(),
    };
    let status = number.map_err(|error| format!("status {status:?}: {error}"))?;
    Ok((status, percent(share)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(subcommand)]
        command: SimCommand,
    }

    #[test]
    fn the_commands_are_consistent_and_the_defaults_are_those_of_the_library() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
        let Ok(Cli { command: SimCommand::Smsc(args) }) = Cli::try_parse_from(["sim", "smsc"]) else {
            panic!("smsc")
        };
        let smsc = args.options().unwrap();
        let library = crate::SmscOptions { listen: smsc.listen, ..Default::default() };
        assert_eq!(format!("{smsc:?}"), format!("{library:?}"));
        let Ok(Cli { command: SimCommand::Esme(args) }) = Cli::try_parse_from(["sim", "esme"]) else {
            panic!("esme")
        };
        let library = crate::EsmeOptions { count: Some(1), ..Default::default() };
        assert_eq!(format!("{:?}", args.options().unwrap()), format!("{library:?}"));
    }

    #[test]
    fn shares_are_read() {
        assert_eq!(status_share("0x58=1.5"), Ok((0x58, 1.5)));
        assert_eq!(status_share("8=10"), Ok((8, 10.0)));
        assert!(status_share("8").is_err());
        assert!(status_share("8=101").is_err());
    }
}
