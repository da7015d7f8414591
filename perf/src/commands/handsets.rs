//! `signalbox sim handsets`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use super::{percent, read_delay, told_to_stop};
use crate::delay::{Delay, duration};
use crate::handsets::{Behaviour, HandsetsOptions, HandsetsSim, Summary, Through};
use crate::smsc::SmscOptions;

/// A population of devices.
#[derive(Debug, Args)]
pub struct HandsetsArgs {
    /// It is an account of the node that listens here, and what it submits is what devices write.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775", conflicts_with = "listen")]
    pub connect: SocketAddr,
    /// It is the handsets of an SMSC that listens here, and a link of the node binds to that; port 0 asks the system
    /// for one, and the address is printed.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// system_id of the account; with --listen anybody may bind.
    #[arg(long, value_name = "ID", default_value = "handsets")]
    pub system_id: String,
    /// Its password.
    #[arg(long, value_name = "PASSWORD", default_value = "handsets")]
    pub password: String,

    /// How many devices.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub population: u64,
    /// Number of the first; the others follow. The demo's are 12025550000 to 12025559999.
    #[arg(long, value_name = "NUMBER", default_value = "12025550000")]
    pub first_number: String,
    /// The short code they write to.
    #[arg(long, value_name = "ADDRESS", default_value = "60777")]
    pub to: String,
    /// What they write of their own accord, one of these each; `quiz` when it is not given. May be repeated.
    #[arg(long = "begin", value_name = "TEXT")]
    pub begins: Vec<String>,
    /// What they answer texts with; numbers, colours, yes and no when it is not given. May be repeated.
    #[arg(long = "answer", value_name = "TEXT")]
    pub answers: Vec<String>,
    /// All of them begin within this time.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub over: Duration,
    /// How long each takes to write an answer: 5s, or 2s..20s.
    #[arg(long, value_name = "DELAY", default_value = "2s..20s", value_parser = read_delay)]
    pub delay: Delay,
    /// Share of the texts that are answered.
    #[arg(long, value_name = "PERCENT", default_value = "80", value_parser = percent)]
    pub answered: f64,
    /// Share of the messages that have a typo.
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent)]
    pub typos: f64,
    /// Share of the answers that are STOP.
    #[arg(long, value_name = "PERCENT", default_value = "2", value_parser = percent)]
    pub stops: f64,
    /// Messages of one device at most.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub messages: u32,

    /// Ends after this time; without it when everybody is silent.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub length: Option<Duration>,
    /// Prints what happened so far this often.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub every: Duration,
    /// Prints what happened as JSON when it ends.
    #[arg(long)]
    pub json: bool,
    /// Seed of everything drawn.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
}

impl HandsetsArgs {
    pub(super) fn options(&self) -> anyhow::Result<HandsetsOptions> {
        if self.first_number.is_empty() || !self.first_number.bytes().all(|octet| octet.is_ascii_digit()) {
            anyhow::bail!("--first-number is written in digits");
        }
        if self.population == 0 || self.every.is_zero() {
            anyhow::bail!("--population and --every are above 0");
        }
        let usual = Behaviour::default();
        let or =
            |given: &Vec<String>, usual: Vec<String>| if given.is_empty() { usual } else { given.clone() };
        let through = match self.listen {
            Some(listen) => {
                Through::Smsc(Box::new(SmscOptions { listen, seed: self.seed, ..SmscOptions::default() }))
            }
            None => Through::Account {
                address: self.connect,
                system_id: self.system_id.clone(),
                password: self.password.clone(),
            },
        };
        Ok(HandsetsOptions {
            through,
            to: self.to.clone(),
            behaviour: Behaviour {
                population: self.population,
                first_number: self.first_number.clone(),
                begins: or(&self.begins, usual.begins),
                answers: or(&self.answers, usual.answers),
                over: self.over,
                delay: self.delay,
                answered: self.answered,
                typos: self.typos,
                stops: self.stops,
                messages: self.messages,
                seed: self.seed,
            },
        })
    }
}

pub(super) async fn play(args: HandsetsArgs, options: HandsetsOptions) -> anyhow::Result<()> {
    let mut sim = HandsetsSim::start(options).await?;
    if let Some(address) = sim.address() {
        println!("listening on {address}");
    }
    let begun = tokio::time::Instant::now();
    let bar = ProgressBar::new(args.population);
    let stop = told_to_stop();
    tokio::pin!(stop);
    loop {
        let end = args.length.map(|length| begun + length);
        let next = tokio::time::Instant::now() + args.every;
        let until = end.map_or(next, |end| end.min(next));
        let done = tokio::select! {
            stopped = &mut stop => {
                stopped?;
                break;
            }
            done = sim.play(until) => done?,
        };
        let summary = sim.summary();
        bar.set_position(summary.begun);
        let line = format!("{:>5.0} s  {}", begun.elapsed().as_secs_f64(), line(&summary));
        bar.suspend(|| {
            if !args.json {
                println!("{line}")
            }
        });
        if done || end.is_some_and(|end| tokio::time::Instant::now() >= end) {
            break;
        }
    }
    bar.finish_and_clear();
    let summary = sim.summary();
    if args.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        for (text, count) in &summary.texts {
            println!("{count:>9}  {text}");
        }
    }
    if summary.after_stop > 0 {
        anyhow::bail!("{} texts came after STOP and its confirmation", summary.after_stop);
    }
    Ok(())
}

fn line(summary: &Summary) -> String {
    format!(
        "{} of {} devices have written {} messages ({} answers, {} with a typo), {} said STOP; {} texts came to {} of them",
        summary.begun,
        summary.population,
        summary.written,
        summary.answers,
        summary.typos,
        summary.stopped,
        summary.heard,
        summary.reached,
    )
}
