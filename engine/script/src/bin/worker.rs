//! A script worker by itself, for tests of the pool; in production it is a command of the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    match signalbox_script::worker::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("signalbox-script-worker: {error}");
            ExitCode::FAILURE
        }
    }
}
