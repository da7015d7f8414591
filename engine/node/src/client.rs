//! `signalbox apply` and `signalbox admin`: a running node from the command line, over its API.

mod call;
mod show;
mod table;

pub use call::ClientError;

use serde_json::{Value, json};

use crate::cli::{AdminArgs, AdminCommand, ApplyArgs, ExplainArgs, NodeArgs, SelectionArgs};
use call::{Call, Node};

/// Changes the catalog of a running node to what a file says, and prints what changes.
///
/// # Errors
/// See [`ClientError`].
pub fn apply(args: &ApplyArgs) -> Result<(), ClientError> {
    let text = std::fs::read_to_string(&args.file)
        .map_err(|source| ClientError::File { path: args.file.clone(), source })?;
    let call = Call::post("catalog/apply")
        .query("dry_run", args.dry_run.to_string())
        .query("prune", args.prune.to_string())
        .toml(text);
    ask(&args.node, &call).and_then(|answer| print(&args.node, &answer, show::applied))
}

/// Asks or orders something of a running node, and prints the answer.
///
/// # Errors
/// See [`ClientError`].
pub fn admin(args: &AdminArgs) -> Result<(), ClientError> {
    let (call, show) = call_of(&args.command);
    ask(&args.node, &call).and_then(|answer| print(&args.node, &answer, show))
}

type Show = fn(&Value) -> String;

/// The request that a command is, and how its answer is shown.
fn call_of(command: &AdminCommand) -> (Call, Show) {
    match command {
        AdminCommand::Links => (Call::get("peers"), show::peers),
        AdminCommand::Queues => (Call::get("queues"), show::queues),
        AdminCommand::Trace { address } => (Call::get("trace").below(address), show::trace),
        AdminCommand::Explain(args) => (Call::post("routes/explain").json(explain(args)), show::explanation),
        AdminCommand::Alarms => (Call::get("alarms"), show::alarms),
        AdminCommand::Counters { address, with } => {
            let call = Call::get("counters").below(address);
            let call = match with {
                Some(with) => call.query("with", with.clone()),
                None => call,
            };
            (call, show::counters)
        }
        AdminCommand::Enable { link } => (switch(link, true), show::switched),
        AdminCommand::Disable { link } => (switch(link, false), show::switched),
        AdminCommand::Hold(selected) => (order("queue/hold", selected), show::changed),
        AdminCommand::Release(selected) => (order("queue/release", selected), show::changed),
        AdminCommand::Purge(selected) => (order("queue/purge", selected), show::changed),
        AdminCommand::Retry(selected) => (order("queue/retry", selected), show::changed),
        AdminCommand::Reroute { selection: selected, to } => {
            let body = json!({ "selection": selection(selected), "to": to });
            (Call::post("queue/reroute").json(body), show::changed)
        }
    }
}

fn switch(link: &str, enabled: bool) -> Call {
    Call::put("links").below(link).below("enabled").json(json!({ "enabled": enabled }))
}

fn order(path: &'static str, args: &SelectionArgs) -> Call {
    Call::post(path).json(selection(args))
}

fn selection(args: &SelectionArgs) -> Value {
    json!({
        "ids": args.ids,
        "link": args.link,
        "account": args.account,
        "address": args.address,
        "all": args.all,
    })
}

fn explain(args: &ExplainArgs) -> Value {
    json!({
        "source": args.from,
        "destination": args.to,
        "account": args.account,
        "ingress": args.ingress,
        "class": args.class,
    })
}

fn ask(node: &NodeArgs, call: &Call) -> Result<Value, ClientError> {
    let node = Node::new(node)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ClientError::Runtime)?.block_on(node.ask(call))
}

/// Prints an answer as JSON or as a table, a closed pipe being no error.
fn print(node: &NodeArgs, answer: &Value, show: Show) -> Result<(), ClientError> {
    use std::io::Write;
    let text = if node.json { format!("{answer:#}\n") } else { show(answer) };
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(ClientError::Output(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
