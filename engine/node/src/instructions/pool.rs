//! The pool of script workers, as the settings want it, and what it tells.

use std::path::Path;

use signalbox_config::settings::ScriptSettings;
use signalbox_invocation::Limits;
use signalbox_script::{Event, Pool, PoolError, Settings, WorkerCommand};

/// Starts the workers, of the program that is named or else of this very one.
///
/// # Errors
/// When a worker does not come up.
pub fn script_pool(settings: &ScriptSettings, program: Option<&Path>) -> Result<Pool, PoolError> {
    let arguments = ["script-worker"];
    let command = match program {
        Some(program) => {
            WorkerCommand { program: program.to_owned(), arguments: arguments.map(Into::into).to_vec() }
        }
        None => {
            WorkerCommand::this_program(&arguments).map_err(|error| PoolError::Worker(error.to_string()))?
        }
    };
    let millis = |span: std::time::Duration| u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
    let limits = Limits {
        soft_ms: millis(settings.soft_limit.duration()),
        hard_ms: millis(settings.hard_limit.duration()),
        ticks: settings.max_ticks.as_usize() as u64,
        heap: settings.memory.as_usize(),
        ..Limits::default()
    };
    let wanted = Settings {
        workers: settings.workers.as_usize(),
        queue: settings.queue.as_usize(),
        strikes: u32::try_from(settings.strikes.as_usize()).unwrap_or(u32::MAX),
        limits,
        ..Settings::new(command)
    };
    Pool::start(wanted, tell)
}

fn tell(event: Event) {
    match event {
        Event::Ran { took, ticks, failure, .. } => {
            let result = failure.unwrap_or("ok");
            metrics::histogram!("script_run_duration_seconds", "result" => result).record(took.as_secs_f64());
            metrics::counter!("script_ticks_total").increment(ticks);
        }
        Event::Batch { runs } => metrics::histogram!("script_batch_runs").record(runs as f64),
        Event::Started { pid, took } => {
            metrics::counter!("script_workers_started_total").increment(1);
            tracing::info!(pid, ?took, "a script worker came up");
        }
        Event::Ended { why, unanswered } => {
            metrics::counter!("script_workers_ended_total").increment(1);
            tracing::warn!(why, unanswered, "a script worker ended");
        }
        Event::NotStarted { why } => tracing::error!(why, "a script worker cannot be started"),
        Event::Suspended { version, .. } => {
            metrics::counter!("script_suspended_total").increment(1);
            tracing::error!(
                account = version.account,
                script = version.script,
                version = version.version,
                "a version of a script is suspended: its process failed too often"
            );
        }
        other => tracing::debug!(?other, "script workers"),
    }
}
