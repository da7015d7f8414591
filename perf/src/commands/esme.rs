//! `signalbox sim esme`.

use super::{status_share, told_to_stop};
use crate::delay::duration;
use crate::esme::{BindAs, Encoding};
use crate::latency::LatencySummary;
use crate::{EsmeOptions, EsmeSim, Report};
use clap::{ArgAction, Args};
use indicatif::{ProgressBar, ProgressStyle};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// An ESME.
#[derive(Debug, Args)]
pub struct EsmeArgs {
    /// The SMSC.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775")]
    pub connect: SocketAddr,
    /// system_id.
    #[arg(long, value_name = "ID", default_value = "demo")]
    pub system_id: String,
    /// Password.
    #[arg(long, value_name = "PASSWORD", default_value = "demo")]
    pub password: String,
    /// Sessions that send.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub sessions: usize,
    /// Sessions that only receive.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub receivers: usize,
    /// How the sending sessions bind.
    #[arg(long, value_enum, default_value_t)]
    pub bind: BindAs,
    /// Submits that may wait for a response, a session.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub window: usize,
    /// Messages a second over all sessions, sent at their time whatever the peer does. Without it as fast as the
    /// windows let.
    #[arg(long, value_name = "RATE")]
    pub rate: Option<f64>,
    /// How many messages. With neither this nor a duration, one.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// How long messages are sent.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Stays bound this long after the last answer.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = duration)]
    pub linger: Duration,

    /// source_addr; several are used in turn.
    #[arg(long, value_name = "ADDRESS", default_value = "12345", value_delimiter = ',')]
    pub source: Vec<String>,
    /// The first destination.
    #[arg(long, value_name = "NUMBER", default_value = "447700900000")]
    pub destination: String,
    /// How many destinations follow it, used in turn.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub destinations: u64,
    /// Characters of the text, the marker included.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub size: usize,
    /// The text after the marker.
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// The encoding.
    #[arg(long, value_enum, default_value_t)]
    pub encoding: Encoding,
    /// registered_delivery; 1 with --expect-receipts where it is not given.
    #[arg(long, value_name = "OCTET")]
    pub registered: Option<u8>,
    /// priority_flag.
    #[arg(long, value_name = "OCTET", default_value_t = 0)]
    pub priority: u8,
    /// The first marker.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub first_marker: u64,

    /// Waits for a receipt to each message; anything wrong with them is a failure.
    #[arg(long)]
    pub expect_receipts: bool,
    /// How long after the last response receipts may come.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub receipt_wait: Duration,
    /// Sends again what was answered with ESME_RTHROTTLED or ESME_RMSGQFUL.
    #[arg(long)]
    pub retry: bool,
    /// After this long.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub retry_after: Duration,
    /// Binds again when a connection is lost or refused.
    #[arg(long)]
    pub reconnect: bool,
    /// A submit without a response is given up after this long.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub response_timeout: Duration,
    /// Answers a share of the deliver_sm with an error: 0x14=5. May be repeated.
    #[arg(long, value_name = "STATUS=PERCENT", value_parser = status_share)]
    pub deliver_error: Vec<(u32, f64)>,

    /// Sets TCP_NODELAY.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub nodelay: bool,
    /// Sets TCP_QUICKACK after each read, which ordinary peers do not.
    #[arg(long)]
    pub quickack: bool,
    /// Event log, JSON lines.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Prints the report as one line of JSON.
    #[arg(long)]
    pub json: bool,
    /// Seed of everything drawn.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Threads.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
}

impl EsmeArgs {
    pub(super) fn options(&self) -> anyhow::Result<EsmeOptions> {
        let count = match (self.count, self.duration) {
            (None, None) => Some(1),
            (count, _) => count,
        };
        let registered = self.registered.unwrap_or(u8::from(self.expect_receipts));
        if self.expect_receipts && registered & 0x03 != 1 {
            anyhow::bail!("receipts are expected for each message only with registered_delivery 1");
        }
        Ok(EsmeOptions {
            connect: self.connect,
            system_id: self.system_id.clone(),
            password: self.password.clone(),
            sessions: self.sessions,
            receivers: self.receivers,
            bind: self.bind,
            window: self.window,
            rate: self.rate,
            count,
            duration: self.duration,
            linger: self.linger,
            sources: self.source.clone(),
            first_destination: self.destination.clone(),
            destinations: self.destinations,
            size: self.size,
            text: self.text.clone(),
            encoding: self.encoding,
            registered,
            priority: self.priority,
            first_marker: self.first_marker,
            expect_receipts: self.expect_receipts,
            receipt_wait: self.receipt_wait,
            retry: self.retry,
            retry_after: self.retry_after,
            reconnect: self.reconnect,
            response_timeout: self.response_timeout,
            deliver_errors: self.deliver_error.clone(),
            nodelay: self.nodelay,
            quickack: self.quickack,
            log: self.log.clone(),
            seed: self.seed,
        })
    }
}

pub(super) async fn play(args: EsmeArgs, options: EsmeOptions) -> anyhow::Result<()> {
    let bar = match options.count {
        Some(count) => ProgressBar::new(count).with_style(ProgressStyle::with_template(
            "{elapsed_precise} {wide_bar} {pos}/{len} {per_sec} {msg}",
        )?),
        None => ProgressBar::new_spinner(),
    };
    let sim = EsmeSim::start(options)?;
    let stopper = sim.stopper();
    let gauge = sim.gauge();
    let finish = sim.finish();
    tokio::pin!(finish);
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    let stop = told_to_stop();
    tokio::pin!(stop);
    let mut stopping = false;
    let report = loop {
        tokio::select! {
            report = &mut finish => break report?,
            stopped = &mut stop, if !stopping => {
                stopped?;
                stopping = true;
                stopper();
            }
            _ = ticks.tick() => {
                let progress = gauge();
                bar.set_position(progress.accepted);
                bar.set_message(format!("{} accepted, {} receipts", progress.accepted, progress.receipts));
            }
        }
    };
    bar.finish_and_clear();
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print_report(&report);
    }
    if !report.holds() {
        anyhow::bail!("{}", report.problems.join("; "));
    }
    Ok(())
}

fn print_report(report: &Report) {
    println!(
        "{} accepted of {} submitted in {:.2} s: {:.0}/s",
        report.accepted, report.submitted, report.seconds, report.per_second
    );
    let line = |name: &str, latency: &LatencySummary| {
        let ms = |us: f64| us / 1e3;
        println!(
            "{name}: p50 {:.2} ms, p90 {:.2}, p99 {:.2}, p99.9 {:.2}, max {:.2}",
            ms(latency.p50_us),
            ms(latency.p90_us),
            ms(latency.p99_us),
            ms(latency.p999_us),
            ms(latency.max_us),
        );
    };
    line("response", &report.latency);
    if report.receipts.expected > 0 {
        let receipts = &report.receipts;
        println!("receipts: {} of {}, {:?}", receipts.matched, receipts.expected, receipts.states);
        line("receipt", &report.receipt_latency);
    }
    for (status, count) in &report.refused {
        println!("refused with {status}: {count}");
    }
    if report.mo > 0 {
        println!("messages from devices: {}", report.mo);
    }
}
