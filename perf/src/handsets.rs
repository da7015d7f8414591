//! A population of devices that takes part in what a node runs: it writes keywords and answers texts, with delays,
//! typos and STOPs, all drawn from one seed.
//!
//! [`Population`] decides who writes what and when, and knows no socket and no clock. [`HandsetsSim`] plays it through
//! SMPP: as the handsets of an SMSC that a link binds to, or as an account of a node that stands for handsets.

mod client;
mod options;
mod population;
mod text;
mod typo;

pub use client::Heard;
pub use options::{Behaviour, HandsetsOptions, Through};
pub use population::{Population, Said, Summary, Writes};
pub use text::{decode, encode};

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::error::SimError;
use crate::smsc::SmscSim;
use client::Client;

/// Texts to devices that may wait to be read.
const HEARD: usize = 65_536;

/// Where the messages of devices go.
#[derive(Debug)]
enum Way {
    Smsc(SmscSim),
    Client(Client),
}

/// A population at play.
#[derive(Debug)]
pub struct HandsetsSim {
    population: Population,
    way: Way,
    heard: mpsc::Receiver<Heard>,
    start: Instant,
    /// The short code they write to.
    to: String,
}

impl HandsetsSim {
    /// Listens, or connects and binds.
    ///
    /// # Errors
    /// [`SimError`] when that does not work.
    pub async fn start(options: HandsetsOptions) -> Result<Self, SimError> {
        let (said, heard) = mpsc::channel(HEARD);
        let way = match &options.through {
            Through::Smsc(smsc) => Way::Smsc(SmscSim::start_heard((**smsc).clone(), said).await?),
            Through::Account { address, system_id, password } => {
                Way::Client(Client::connect(*address, system_id, password, said).await?)
            }
        };
        let to = options.to.clone();
        Ok(Self { population: Population::new(options.behaviour), way, heard, start: Instant::now(), to })
    }

    /// Where its SMSC listens; `None` when it is an account of a node.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.way {
            Way::Smsc(smsc) => Some(smsc.addr()),
            Way::Client(_) => None,
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.population.summary()
    }

    /// Plays until something is due at `until`, or everybody has said what they wanted to say: then it says true.
    ///
    /// # Errors
    /// When the node ends the connection.
    pub async fn play(&mut self, until: tokio::time::Instant) -> Result<bool, SimError> {
        loop {
            let now = self.start.elapsed();
            for writes in self.population.due(now) {
                self.write(&writes).await?;
            }
            if self.population.is_done() {
                return Ok(true);
            }
            let due = self.population.next_due().map(|due| self.start + due);
            tokio::select! {
                heard = self.heard.recv() => {
                    let Some(heard) = heard else {
                        return Err(SimError::Lost("nobody brings texts to the handsets any more"));
                    };
                    self.population.heard(self.start.elapsed(), &heard.device, &heard.text);
                }
                () = wait(due), if due.is_some() => {}
                () = tokio::time::sleep_until(until) => return Ok(false),
            }
        }
    }

    async fn write(&mut self, writes: &Writes) -> Result<(), SimError> {
        let (data_coding, octets) = encode(&writes.text);
        match &mut self.way {
            Way::Smsc(smsc) => smsc.send_mo(&writes.device, &self.to, &octets, data_coding),
            Way::Client(client) => client.submit(&writes.device, &self.to, &octets, data_coding).await?,
        }
        Ok(())
    }
}

async fn wait(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
}

/// How long nothing may happen before a population that waits for texts is taken for done.
pub(crate) const QUIET: Duration = Duration::from_secs(30);
