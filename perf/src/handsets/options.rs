//! What a population is told.

use std::net::SocketAddr;
use std::time::Duration;

use crate::delay::Delay;
use crate::smsc::SmscOptions;

/// How its messages come to a node.
#[derive(Clone, Debug)]
pub enum Through {
    /// It is the handsets of an SMSC, and the node binds to that.
    Smsc(Box<SmscOptions>),
    /// It is an account of the node, whose submits are what devices write.
    Account {
        /// Where the node listens.
        address: SocketAddr,
        /// system_id.
        system_id: String,
        /// password.
        password: String,
    },
}

/// How devices behave.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// How many there are.
    pub population: u64,
    /// The number of the first; the others follow.
    pub first_number: String,
    /// What they write of their own accord, one of these each.
    pub begins: Vec<String>,
    /// What they answer texts with, one of these each time; nothing is answered when there is none.
    pub answers: Vec<String>,
    /// All of them begin within this time.
    pub over: Duration,
    /// How long each takes to write.
    pub delay: Delay,
    /// Percent of texts that are answered.
    pub answered: f64,
    /// Percent of messages that have a typo.
    pub typos: f64,
    /// Percent of answers that are STOP.
    pub stops: f64,
    /// Messages of one device at most.
    pub messages: u32,
    /// Seed of everything drawn.
    pub seed: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            population: 1_000,
            first_number: "12025550000".to_owned(),
            begins: vec!["quiz".to_owned()],
            answers: ["41", "blue", "yes", "no", "7"].map(str::to_owned).to_vec(),
            over: Duration::from_secs(60),
            delay: Delay::Between(Duration::from_secs(2), Duration::from_secs(20)),
            answered: 80.0,
            typos: 5.0,
            stops: 2.0,
            messages: 5,
            seed: 1,
        }
    }
}

/// Everything.
#[derive(Clone, Debug)]
pub struct HandsetsOptions {
    /// How its messages come to a node.
    pub through: Through,
    /// The short code they write to.
    pub to: String,
    /// How devices behave.
    pub behaviour: Behaviour,
}
