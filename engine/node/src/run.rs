//! `signalbox run` and `signalbox check`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use signalbox_backends::system::SystemClock;
use signalbox_config::{Catalog, Settings};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{CheckArgs, ConfigArgs};
use crate::node::{Node, Surrounds};
use crate::scripts::{needs_worker, one_worker, review, told};
use crate::telemetry;

/// Runs a node until it is told to stop.
///
/// # Errors
/// When it cannot start, or ends by itself.
pub fn run(args: &ConfigArgs) -> anyhow::Result<()> {
    let settings = Settings::load(&args.config)?;
    let log = telemetry::start_log(&settings)?;
    let metrics = telemetry::start_metrics()?;
    // One provider of cryptography for all of TLS; a second call could only find the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clock = Arc::new(SystemClock::new());
    let surrounds =
        Surrounds { metrics, log: Some(log), file: Some(args.config.clone()), clock, program: None };
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?
        .block_on(serve(settings, surrounds))
}

async fn serve(settings: Settings, surrounds: Surrounds) -> anyhow::Result<()> {
    let mut hang_up = signal(SignalKind::hangup()).context("SIGHUP")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let node = Node::start(settings, surrounds).await?;
    print_places(&node);
    loop {
        tokio::select! {
            _ = hang_up.recv() => node.reload().await,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = node.health().drain_asked() => break,
            () = node.failed() => {
                node.drain().await?;
                bail!("the exchange has ended by itself");
            }
        }
    }
    tokio::select! {
        ended = node.drain() => Ok(ended?),
        // The second signal means at once; what is accepted is in the store.
        _ = terminate.recv() => bail!("stopped without draining"),
        _ = interrupt.recv() => bail!("stopped without draining"),
    }
}

fn print_places(node: &Node) {
    let listening = node.listening();
    for address in &listening.smpp {
        println!("smpp   {address}");
    }
    if let Some(api) = listening.api {
        println!("api    http://{api}/v1");
    }
    if let Some(forms) = listening.forms {
        println!("forms  http://{forms}/");
    }
    println!("admin  http://{}/metrics", listening.admin);
}

/// Says everything that is wrong with the files, or that they are right.
///
/// # Errors
/// Everything that is wrong.
pub fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let settings = Settings::load(&args.config)?;
    println!("{}: right", args.config.display());
    let mut missing = settings.missing_secrets(&args.config)?;
    let catalog =
        args.catalog.as_deref().or(settings.catalog.seed.as_ref().map(|seed| seed.path().as_path()));
    if let Some(file) = catalog {
        let rows = Catalog::load(file)?;
        check_scripts(file, &rows)?;
        println!("{}: right", file.display());
        missing.extend(Catalog::missing_secrets(file, settings.secret_places())?);
    }
    let word = if args.secrets { "error" } else { "warning" };
    for secret in &missing {
        eprintln!("{word}: {secret}");
    }
    if args.secrets && !missing.is_empty() {
        bail!("{} secrets cannot be read", missing.len());
    }
    Ok(())
}

/// What the texts of scripts and flows are, and keywords: nothing that the rows alone would say.
fn check_scripts(file: &Path, rows: &Catalog) -> anyhow::Result<()> {
    let none = Catalog::default();
    // A worker is started where there is a script for it: a process of this same program.
    let pool = needs_worker(rows, &none).then(one_worker).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reviewed = runtime.block_on(review(rows, &none, |_| 0, pool.as_ref()))?;
    let reviewed = told(file, &reviewed)?;
    for warning in &reviewed.warnings {
        eprintln!("warning: {warning}");
    }
    for error in &reviewed.errors {
        eprintln!("error: {error}");
    }
    match reviewed.errors.len() {
        0 => Ok(()),
        1 => bail!("{}: one error in scripts", file.display()),
        errors => bail!("{}: {errors} errors in scripts", file.display()),
    }
}
