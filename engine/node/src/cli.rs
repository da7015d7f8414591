//! The commands of the program.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Signalbox: a messaging engine for carriers.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version, about, long_about = None)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// See [`Cli`].
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a node until SIGTERM or a drain.
    Run(ConfigArgs),
    /// Says everything that is wrong with a configuration, or that it is right.
    Check(CheckArgs),
    /// Changes the catalog of a running node to what a file says.
    Apply(ApplyArgs),
    /// Asks and orders things of a running node.
    Admin(AdminArgs),
    /// Says whether the audit of the catalog is what was written.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Checks or draws a flow of a file.
    #[command(subcommand)]
    Flow(FlowCommand),
    /// Rehearses a script or a flow of a file.
    #[command(subcommand)]
    Script(ScriptCommand),
    /// Plays a peer.
    #[command(subcommand)]
    Sim(signalbox_perf::SimCommand),
    /// Runs scripts for a node, which starts it by itself: standard input is a socket to it.
    #[command(hide = true)]
    ScriptWorker,
}

/// Where the settings are.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The settings file (TOML); config/reference.toml explains every key.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// See [`Command::Check`].
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The settings file (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A catalog file to check as well; the seed of the settings when it is not given.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// A secret that cannot be read here is an error: for the machine that the node is to run on.
    #[arg(long)]
    pub secrets: bool,
}

/// See [`Command::Audit`].
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Goes through the chain of the audit, and prints how long it is and the hash that it ends with. Keep that hash
    /// elsewhere: with `--head` it shows later that nothing before it was changed.
    Verify(VerifyArgs),
}

/// See [`AuditCommand::Verify`].
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The settings file (TOML) of the node whose catalog it is.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A hash that an earlier run printed: it must still be in the chain.
    #[arg(long, value_name = "HASH")]
    pub head: Option<String>,
}

/// See [`Command::Flow`].
#[derive(Debug, Subcommand)]
pub enum FlowCommand {
    /// Says everything that is wrong with a flow, or that it is right.
    Check(FlowCheckArgs),
    /// Draws a flow as SVG.
    Picture(FlowPictureArgs),
}

/// See [`FlowCommand::Check`].
#[derive(Debug, Args)]
pub struct FlowCheckArgs {
    /// The flow (JSON).
    pub file: PathBuf,
    /// A program that it may name; every program when none is given.
    #[arg(long = "program", value_name = "NAME")]
    pub programs: Vec<String>,
    /// A web service that it may name; every service when none is given.
    #[arg(long = "service", value_name = "NAME")]
    pub services: Vec<String>,
}

/// See [`FlowCommand::Picture`].
#[derive(Debug, Args)]
pub struct FlowPictureArgs {
    /// The flow (JSON).
    pub file: PathBuf,
    /// Where the picture is written; standard output when it is not given.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// See [`Command::Script`].
#[derive(Debug, Subcommand)]
pub enum ScriptCommand {
    /// Shows what a script or flow would do for a contact: texts, variables, steps, cost. Nothing is sent or stored.
    Test(ScriptTestArgs),
}

/// See [`ScriptCommand::Test`].
#[derive(Debug, Args)]
pub struct ScriptTestArgs {
    /// The script (JavaScript; a folder or zip archive of several files) or flow (JSON).
    pub file: PathBuf,
    /// It is a flow, whatever the file is called.
    #[arg(long)]
    pub flow: bool,
    /// The contact as JSON, such as {"first_name": "Ana", "fields": {"city": "Olot"}}.
    #[arg(long, value_name = "JSON")]
    pub contact: Option<String>,
    /// The device as JSON, such as {"address": "12065550100", "country": "US"}.
    #[arg(long, value_name = "JSON")]
    pub device: Option<String>,
    /// A message of the device; several go through the conversation one after the other.
    #[arg(long = "message", value_name = "TEXT")]
    pub messages: Vec<String>,
    /// The device writes first: there is no first message of ours.
    #[arg(long)]
    pub inbound: bool,
    /// All that happens as JSON, for waits and web services too, such as
    /// [{"begin": {}}, {"no_reply": {}}, {"answer": {"status": 200, "body": "7"}}].
    #[arg(long, value_name = "JSON", conflicts_with_all = ["messages", "inbound"])]
    pub happenings: Option<String>,
    /// What random numbers are made from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// A running node's API.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// Address of its API.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", env = "SIGNALBOX_API")]
    pub api: String,
    /// Token with the rights that the command needs.
    #[arg(long, value_name = "TOKEN", env = "SIGNALBOX_TOKEN", hide_env_values = true)]
    pub token: String,
    /// Certificate authority in PEM form that the API's certificate descends from.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// See [`Command::Apply`].
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The catalog file; config/reference-catalog.toml explains every field.
    pub file: PathBuf,
    /// Says what would change, and changes nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Removes rows that the file does not have.
    #[arg(long)]
    pub prune: bool,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
}

/// See [`Command::Admin`].
#[derive(Debug, Args)]
pub struct AdminArgs {
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// What to ask or order.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// Questions and orders.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// The links and their sessions.
    Links,
    /// The queues of all peers.
    Queues,
    /// Open messages, and recently ended ones by their CDRs.
    Trace {
        /// Number or address, of either side.
        address: String,
    },
    /// Which routing rule would choose what for a message, and why.
    Explain(ExplainArgs),
    /// The alarms of the spam and loop counters that stand.
    Alarms,
    /// What is counted for an address.
    Counters {
        /// The address.
        address: String,
        /// The other address of a pair.
        #[arg(long)]
        with: Option<String>,
    },
    /// Switches a link on.
    Enable {
        /// The link.
        link: String,
    },
    /// Switches a link off; its messages wait or take other routes.
    Disable {
        /// The link.
        link: String,
    },
    /// Keeps messages from leaving.
    Hold(SelectionArgs),
    /// Lets held messages go.
    Release(SelectionArgs),
    /// Cancels waiting messages.
    Purge(SelectionArgs),
    /// Makes waiting retries due now.
    Retry(SelectionArgs),
    /// Sends waiting messages by another link.
    Reroute {
        /// Which.
        #[command(flatten)]
        selection: SelectionArgs,
        /// The link; without it the rules are asked again.
        #[arg(long)]
        to: Option<String>,
    },
}

/// Which messages are meant; all given conditions must hold.
#[derive(Debug, Args)]
pub struct SelectionArgs {
    /// These messages.
    #[arg(long = "id")]
    pub ids: Vec<String>,
    /// On their way to this link.
    #[arg(long)]
    pub link: Option<String>,
    /// Of this account.
    #[arg(long)]
    pub account: Option<String>,
    /// From or to this number or address.
    #[arg(long)]
    pub address: Option<String>,
    /// Every message; needed when nothing else is given.
    #[arg(long)]
    pub all: bool,
}

/// A message that might be sent.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// From.
    #[arg(long)]
    pub from: String,
    /// To.
    #[arg(long)]
    pub to: String,
    /// The account that would submit it.
    #[arg(long)]
    pub account: Option<String>,
    /// The link that would bring it; then it is an MO message.
    #[arg(long)]
    pub ingress: Option<String>,
    /// Traffic class.
    #[arg(long, default_value = "transactional")]
    pub class: String,
}
