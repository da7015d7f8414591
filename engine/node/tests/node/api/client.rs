//! The command line against a node.

use clap::Parser;
use signalbox::cli::{Cli, Command};
use signalbox::client::ClientError;

use super::rig::{BLIND, Node, OPERATOR};

/// Runs a command as the program does, beside the node's runtime.
async fn command(node: &Node, token: &str, words: &[&str]) -> Result<(), ClientError> {
    let base = node.base();
    let kind = words[0];
    let mut line: Vec<String> = vec!["signalbox".into(), kind.into(), "--api".into(), base];
    line.extend(["--token".to_owned(), token.to_owned()]);
    line.extend(words[1..].iter().map(|word| (*word).to_owned()));
    let cli = Cli::try_parse_from(line).unwrap();
    tokio::task::spawn_blocking(move || match cli.command {
        Command::Apply(args) => signalbox::client::apply(&args),
        Command::Admin(args) => signalbox::client::admin(&args),
        Command::Run(_)
        | Command::Check(_)
        | Command::Flow(_)
        | Command::Script(_)
        | Command::Sim(_)
        | Command::ScriptWorker
        | Command::Audit(_) => panic!("not a client's command"),
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_reaches_its_operation() {
    let node = Node::start().await;
    let id = node.submit("447700900123", "x").await;
    for words in [
        &["admin", "links"][..],
        &["admin", "--json", "links"],
        &["admin", "queues"],
        &["admin", "trace", "+447700900123"],
        &["admin", "explain", "--from", "ACME", "--to", "447700900123"],
        &["admin", "alarms"],
        &["admin", "counters", "447700900123", "--with", "12345"],
        &["admin", "hold", "--id", &id],
        &["admin", "release", "--address", "447700900123"],
        &["admin", "retry", "--account", "alpha"],
        &["admin", "reroute", "--all", "--to", "other"],
        &["admin", "purge", "--link", "other"],
    ] {
        command(&node, OPERATOR, words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
    assert_eq!(node.get(OPERATOR, &format!("messages/{id}")).await.body["reason"], "purged_by_operator");
    command(&node, OPERATOR, &["admin", "disable", "up"]).await.unwrap();
    assert_eq!(node.get(OPERATOR, "links/up").await.body["enabled"], false);
    command(&node, OPERATOR, &["admin", "enable", "up"]).await.unwrap();
    assert_eq!(node.get(OPERATOR, "links/up").await.body["enabled"], true);

    let file = node.dir().join("new.toml");
    std::fs::write(&file, "[[carrier]]\nname = \"fresh\"\n").unwrap();
    let file = file.to_str().unwrap();
    command(&node, OPERATOR, &["apply", "--dry-run", file]).await.unwrap();
    assert_eq!(node.get(OPERATOR, "carriers/fresh").await.status, 404);
    command(&node, OPERATOR, &["apply", file]).await.unwrap();
    assert_eq!(node.get(OPERATOR, "carriers/fresh").await.status, 200);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_says_what_it_is() {
    let node = Node::start().await;
    let told = |result: Result<(), ClientError>| {
        let error = result.unwrap_err();
        (error.exit_code(), error.to_string())
    };
    let (code, text) = told(command(&node, "wrong-0123456789", &["admin", "links"]).await);
    assert_eq!((code, text.contains("token")), (5, true), "{text}");
    let (code, text) = told(command(&node, BLIND, &["admin", "links"]).await);
    assert_eq!((code, text.contains("links:read")), (5, true), "{text}");
    let (code, text) = told(command(&node, OPERATOR, &["admin", "hold"]).await);
    assert_eq!((code, text.contains("every message")), (4, true), "{text}");
    let (code, _) = told(command(&node, OPERATOR, &["apply", "/nowhere.toml"]).await);
    assert_eq!(code, 1);
    let file = node.dir().join("bad.toml");
    std::fs::write(&file, "[[link]]\nname = \"x\"\nhots = 1\nprt = 2\n").unwrap();
    let (code, text) = told(command(&node, OPERATOR, &["apply", file.to_str().unwrap()]).await);
    assert_eq!((code, text.contains("line 3: link[0].hots")), (4, true), "{text}");
    let gone = signalbox::cli::NodeArgs {
        api: "http://127.0.0.1:1".into(),
        token: "t".into(),
        ca: None,
        json: false,
    };
    let args = signalbox::cli::AdminArgs { node: gone, command: signalbox::cli::AdminCommand::Links };
    let lost = tokio::task::spawn_blocking(move || signalbox::client::admin(&args)).await.unwrap();
    assert_eq!(told(lost).0, 3);
    node.stop().await;
}
