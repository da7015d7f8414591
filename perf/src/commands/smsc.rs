//! `signalbox sim smsc`.

use super::{percent, read_delay, status_share, told_to_stop};
use crate::bucket::Rate;
use crate::delay::{Delay, duration};
use crate::id_form::IdForm;
use crate::smsc::{Drop, Faults, MoOptions, ReceiptBy, ReceiptOptions, ReceiptPolicy, ReceiptState};
use crate::{SmscOptions, SmscSim, SmscStats};
use clap::{ArgAction, Args, ValueEnum};
use indicatif::ProgressBar;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// An SMSC.
#[derive(Debug, Args)]
pub struct SmscArgs {
    /// Where it listens; port 0 asks the system for one. It prints the address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2776")]
    pub listen: SocketAddr,
    /// Who may bind; anybody when it is not given. May be repeated.
    #[arg(long, value_name = "ID:PASSWORD", value_parser = account)]
    pub account: Vec<(String, String)>,
    /// Its own system_id.
    #[arg(long, value_name = "ID", default_value = "smsc-sim")]
    pub system_id: String,
    /// Sets TCP_NODELAY.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub nodelay: bool,
    /// Sets TCP_QUICKACK after each read, which ordinary peers do not.
    #[arg(long)]
    pub quickack: bool,

    /// Delay of the responses: 20ms, or 10ms..50ms.
    #[arg(long, value_name = "DELAY", default_value = "0", value_parser = read_delay)]
    pub response_delay: Delay,
    /// Answers a share of the submits with an error: 0x45=5 is 5 % ESME_RSUBMITFAIL. May be repeated.
    #[arg(long, value_name = "STATUS=PERCENT", value_parser = status_share)]
    pub error: Vec<(u32, f64)>,
    /// Answers ESME_RTHROTTLED above this rate.
    #[arg(long, value_name = "RATE[:BURST]")]
    pub throttle: Option<Rate>,
    /// Answers ESME_RMSGQFUL to each nth submit of a connection.
    #[arg(long, value_name = "N")]
    pub queue_full_each: Option<u64>,
    /// Takes a share of the submits and never answers them.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent)]
    pub never_answer: f64,
    /// Drops the connection at each nth submit of it, which is taken but not answered.
    #[arg(long, value_name = "N")]
    pub drop_each: Option<u64>,
    /// How it drops.
    #[arg(long, value_enum, default_value_t)]
    pub drop: Drop,
    /// After a drop, resets new connections for this long.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = duration)]
    pub refuse: Duration,
    /// Sends a senseless PDU before the answer to each nth submit.
    #[arg(long, value_name = "N")]
    pub garbage_each: Option<u64>,
    /// Sends an impossible command_length after the nth submit of a connection.
    #[arg(long, value_name = "N")]
    pub bad_length_after: Option<u64>,
    /// Answers nothing any more after n submits of a connection.
    #[arg(long, value_name = "N")]
    pub silent_after: Option<u64>,
    /// Writes each octet by itself.
    #[arg(long)]
    pub one_byte_writes: bool,

    /// Form of the message ids.
    #[arg(long, value_enum, default_value_t)]
    pub message_id: IdForm,
    /// The first message id.
    #[arg(long, value_name = "NUMBER")]
    pub first_id: Option<u64>,

    /// When it sends receipts.
    #[arg(long, value_enum, default_value_t)]
    pub receipts: ReceiptPolicy,
    /// Delay of the receipts: 20ms, or 10ms..50ms.
    #[arg(long, value_name = "DELAY", default_value = "0", value_parser = read_delay)]
    pub receipt_delay: Delay,
    /// Sends each receipt this long before the response.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub receipt_early: Option<Duration>,
    /// Share of the receipts that never come.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent)]
    pub receipt_lost: f64,
    /// Share of the receipts that come twice.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent)]
    pub receipt_duplicated: f64,
    /// A share of another final state than DELIVRD: UNDELIV=5. May be repeated.
    #[arg(long, value_name = "STATE=PERCENT", value_parser = state_share)]
    pub receipt_state: Vec<(ReceiptState, f64)>,
    /// Sends an intermediate notification (ENROUTE) before each receipt.
    #[arg(long)]
    pub receipt_intermediate: bool,
    /// What carries the receipts.
    #[arg(long, value_enum, default_value_t)]
    pub receipt_by: ReceiptBy,
    /// Receipts with the TLVs receipted_message_id and message_state.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub receipt_tlvs: bool,
    /// Receipts with the text of appendix B.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub receipt_text: bool,
    /// deliver_sm that may wait for an answer on a connection.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub deliver_window: usize,
    /// After this long it sends again what was answered with a temporary error.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub deliver_retry: Duration,

    /// Messages from devices a second.
    #[arg(long, value_name = "RATE")]
    pub mo_rate: Option<f64>,
    /// How many messages from devices in all.
    #[arg(long, value_name = "N")]
    pub mo_count: Option<u64>,
    /// The first number of the devices.
    #[arg(long, value_name = "NUMBER", default_value = "447700900000")]
    pub mo_source: String,
    /// How many devices.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub mo_sources: u64,
    /// The short code they write to.
    #[arg(long, value_name = "NUMBER", default_value = "12345")]
    pub mo_destination: String,
    /// What they write; a marker is added. May be repeated.
    #[arg(long, value_name = "TEXT")]
    pub mo_text: Vec<String>,

    /// Event log, JSON lines.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Answers only what is in the log and on the disk.
    #[arg(long, requires = "log")]
    pub log_sync: bool,
    /// Prints what was counted as JSON when it stops.
    #[arg(long)]
    pub json: bool,
    /// Seed of everything drawn.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Threads.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
}

fn account(text: &str) -> Result<(String, String), String> {
    let (id, password) = text.split_once(':').ok_or_else(|| format!("{text:?} is not ID:PASSWORD"))?;
    Ok((id.to_owned(), password.to_owned()))
}

fn state_share(text: &str) -> Result<(ReceiptState, f64), String> {
    let (state, share) = text.split_once('=').ok_or_else(|| format!("{text:?} is not STATE=PERCENT"))?;
    Ok((ReceiptState::from_str(state, true)?, percent(share)?))
}

fn some(delay: Delay) -> Delay {
    if delay.is_none() { Delay::None } else { delay }
}

impl SmscArgs {
    pub(super) fn options(&self) -> anyhow::Result<SmscOptions> {
        if self.mo_rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            anyhow::bail!("the rate of messages from devices must be above 0");
        }
        Ok(SmscOptions {
            listen: self.listen,
            accounts: self.account.clone(),
            system_id: self.system_id.clone(),
            nodelay: self.nodelay,
            quickack: self.quickack,
            response_delay: some(self.response_delay),
            id_form: self.message_id,
            first_id: self.first_id,
            receipts: ReceiptOptions {
                policy: self.receipts,
                delay: some(self.receipt_delay),
                early: self.receipt_early,
                lost_percent: self.receipt_lost,
                duplicated_percent: self.receipt_duplicated,
                states: self.receipt_state.clone(),
                intermediate: self.receipt_intermediate,
                by: self.receipt_by,
                tlvs: self.receipt_tlvs,
                text: self.receipt_text,
            },
            deliver_window: self.deliver_window,
            deliver_retry: self.deliver_retry,
            faults: Faults {
                errors: self.error.clone(),
                throttle: self.throttle,
                queue_full_each: self.queue_full_each,
                never_answer_percent: self.never_answer,
                drop_each: self.drop_each,
                drop: self.drop,
                refuse: self.refuse,
                garbage_each: self.garbage_each,
                bad_length_after: self.bad_length_after,
                silent_after: self.silent_after,
                one_byte_writes: self.one_byte_writes,
            },
            mo: self.mo_rate.map(|per_second| MoOptions {
                per_second,
                count: self.mo_count,
                first_source: self.mo_source.clone(),
                sources: self.mo_sources,
                destination: self.mo_destination.clone(),
                texts: self.mo_text.clone(),
            }),
            log: self.log.clone(),
            log_sync: self.log_sync,
            record: false,
            seed: self.seed,
        })
    }
}

pub(super) async fn play(args: SmscArgs, options: SmscOptions) -> anyhow::Result<()> {
    let sim = SmscSim::start(options).await?;
    println!("listening on {}", sim.addr());
    // Draws nothing where standard error is no terminal.
    let bar = ProgressBar::new_spinner();
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    let stop = told_to_stop();
    tokio::pin!(stop);
    let mut last = SmscStats::default();
    loop {
        tokio::select! {
            stopped = &mut stop => {
                stopped?;
                break;
            }
            _ = ticks.tick() => {
                let stats = sim.stats();
                let rate = (stats.submits - last.submits) * 2;
                last = stats;
                bar.set_message(format!(
                    "{} sessions, {} submits, {rate}/s, {} receipts, {} messages from devices",
                    stats.open, stats.submits, stats.receipts_sent, stats.mo_sent,
                ));
                bar.tick();
            }
        }
    }
    bar.finish_and_clear();
    let stats = sim.stop().await?;
    if args.json {
        println!("{}", serde_json::to_string(&stats)?);
    } else {
        println!(
            "{} submits: {} taken, {} throttled, {} refused; {} receipts and {} messages from devices sent",
            stats.submits, stats.taken, stats.throttled, stats.errors, stats.receipts_sent, stats.mo_sent,
        );
    }
    Ok(())
}
