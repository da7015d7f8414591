//! The `signalbox` program: arguments, signals, exit codes.

use std::process::ExitCode;

use clap::Parser;
use signalbox::cli::{AuditCommand, Cli, Command};
use signalbox::client::{self, ClientError};
use signalbox::run;

/// Half of what the exchange's thread did beside the disk was the system's allocator (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => run::check(&args),
        Command::Flow(command) => signalbox::scripts::flow(&command),
        Command::Script(command) => signalbox::scripts::script(&command),
        Command::Sim(command) => signalbox_perf::run(command),
        Command::Apply(args) => client::apply(&args).map_err(Into::into),
        Command::Admin(args) => client::admin(&args).map_err(Into::into),
        Command::Audit(AuditCommand::Verify(args)) => signalbox::verify::verify(&args),
        Command::ScriptWorker => signalbox_script::worker::run().map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("signalbox: {error:#}");
            error
                .downcast_ref::<ClientError>()
                .map_or(ExitCode::FAILURE, |error| ExitCode::from(error.exit_code()))
        }
    }
}
