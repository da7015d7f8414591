//! `signalbox flow` and `signalbox script`: flows and scripts of files, without a node.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use signalbox_consent::Words;
use signalbox_flow::{Checked, Flow, Names, Severity, check, picture};
use signalbox_invocation::{
    Account, Channel, Conversation, Device, Entry, Invocation, InvocationId, Limits, SubCampaign,
    SubCampaignKind, Version,
};
use signalbox_script::{Pool, Settings, WorkerCommand};

use super::{
    Happening, MAX_HAPPENINGS, Rehearsal, Rehearsed, TriedContact, TriedDevice, from_folder, from_zip,
};
use crate::cli::{FlowCheckArgs, FlowCommand, FlowPictureArgs, ScriptCommand, ScriptTestArgs};
use crate::dialog::Source;

/// Checks or draws a flow.
///
/// # Errors
/// When the file cannot be read, or the flow cannot be run.
pub fn flow(command: &FlowCommand) -> anyhow::Result<()> {
    match command {
        FlowCommand::Check(args) => check_flow(args),
        FlowCommand::Picture(args) => draw_flow(args),
    }
}

/// Rehearses a script or a flow.
///
/// # Errors
/// When the file cannot be read, or a run of it fails.
pub fn script(command: &ScriptCommand) -> anyhow::Result<()> {
    match command {
        ScriptCommand::Test(args) => test_script(args),
    }
}

/// A pool of one worker, for as long as a command takes.
///
/// # Errors
/// When the worker does not come up.
pub(crate) fn one_worker() -> anyhow::Result<Pool> {
    let worker = WorkerCommand::this_program(&["script-worker"]).context("the program's own path")?;
    let settings = Settings { workers: 1, ..Settings::new(worker) };
    Pool::start(settings, |_| {}).context("a script worker cannot be started")
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// A script of one file, or a bundle: a folder or a zip archive.
fn read_script(file: &Path) -> anyhow::Result<String> {
    let bundle = if file.is_dir() {
        from_folder(file)
    } else if file.extension().is_some_and(|extension| extension == "zip") {
        let octets = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        from_zip(&octets)
    } else {
        return read(file);
    };
    Ok(bundle.with_context(|| format!("{}", file.display()))?.to_source())
}

/// Reads a flow, and prints what is wrong with it.
fn read_flow(file: &Path, names: &Names<'_>) -> anyhow::Result<Flow> {
    let Checked { flow, problems } = check(&read(file)?, names);
    for problem in &problems {
        let kind = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
        let (line, column) = (problem.line, problem.column);
        eprintln!("{kind}: {}:{line}:{column}: {path}{}", file.display(), problem.message);
    }
    flow.with_context(|| format!("{} cannot be run", file.display()))
}

fn check_flow(args: &FlowCheckArgs) -> anyhow::Result<()> {
    let set = |names: &[String]| (!names.is_empty()).then(|| names.iter().cloned().collect());
    let (programs, services) = (set(&args.programs), set(&args.services));
    let names = Names { programs: programs.as_ref(), services: services.as_ref() };
    let flow = read_flow(&args.file, &names)?;
    println!("{}: right, {} steps", args.file.display(), flow.steps().count());
    Ok(())
}

fn draw_flow(args: &FlowPictureArgs) -> anyhow::Result<()> {
    let drawn = picture(&read_flow(&args.file, &Names::default())?);
    match &args.out {
        Some(out) => fs::write(out, drawn).with_context(|| format!("{} cannot be written", out.display())),
        None => print(&drawn),
    }
}

/// Prints a text, a closed pipe being no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn test_script(args: &ScriptTestArgs) -> anyhow::Result<()> {
    let is_flow = args.flow || args.file.extension().is_some_and(|extension| extension == "json");
    let (source, pool) = if is_flow {
        (Source::Flow(Arc::new(read_flow(&args.file, &Names::default())?)), None)
    } else {
        (Source::JavaScript(read_script(&args.file)?.into()), Some(one_worker()?))
    };
    let happenings = happenings(args)?;
    let words = Words::shipped().context("the words of consent")?;
    let mut rehearsal = Rehearsal::new(source, given(args)?, words, Limits::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut runs = Vec::with_capacity(happenings.len());
    for happening in &happenings {
        runs.push(runtime.block_on(rehearsal.happen(happening, pool.as_ref())));
    }
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&runs)?))?;
    } else {
        print(&happenings.iter().zip(&runs).map(|(what, came)| shown(what, came)).collect::<String>())?;
    }
    let failed = runs.iter().filter(|run| run.failure.is_some()).count();
    if failed > 0 {
        bail!("{failed} of {} runs failed", runs.len());
    }
    Ok(())
}

fn happenings(args: &ScriptTestArgs) -> anyhow::Result<Vec<Happening>> {
    let happenings = match &args.happenings {
        Some(json) => serde_json::from_str(json).context("--happenings")?,
        None => {
            let begin = (!args.inbound).then_some(Happening::Begin {});
            let messages = args.messages.iter().map(|text| Happening::Message { text: text.clone() });
            begin.into_iter().chain(messages).collect::<Vec<_>>()
        }
    };
    if happenings.len() > MAX_HAPPENINGS {
        bail!("{} things are to happen, the limit is {MAX_HAPPENINGS}", happenings.len());
    }
    Ok(happenings)
}

fn given(args: &ScriptTestArgs) -> anyhow::Result<Invocation> {
    let contact: TriedContact = match &args.contact {
        Some(json) => serde_json::from_str(json).context("--contact")?,
        None => TriedContact::default(),
    };
    let device: TriedDevice = match &args.device {
        Some(json) => serde_json::from_str(json).context("--device")?,
        None => TriedDevice::default(),
    };
    let device = Device::from(device);
    Ok(Invocation {
        id: InvocationId(1),
        version: Version { account: 1, script: 1, version: 1 },
        entry: Entry::Begin,
        now: jiff::Timestamp::now().as_microsecond(),
        seed: args.seed,
        test: true,
        account: Account { name: "test".to_owned(), channels: vec![Channel::Text] },
        contact: contact.with(&device),
        device,
        conversation: Conversation { source_address: "12345".to_owned(), ..Conversation::default() },
        sub_campaign: SubCampaign {
            id: 1,
            name: "test".to_owned(),
            campaign: String::new(),
            kind: if args.inbound { SubCampaignKind::Inbound } else { SubCampaignKind::Outbound },
        },
        call_pass: None,
        attempt: None,
        stored: [].into(),
        answer: None,
        timed_out: false,
    })
}

/// What came of something, as people read it.
fn shown(happening: &Happening, came: &Rehearsed) -> String {
    let mut out = match happening {
        Happening::Begin {} => "* begin\n".to_owned(),
        Happening::Message { text } => format!("< {text}\n"),
        Happening::NoReply {} => "* no reply came\n".to_owned(),
        Happening::Answer { status, .. } => format!("* a web service answered with status {status}\n"),
    };
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing into a string cannot fail.
        let _ = writeln!(out, "    {text}");
    };
    let ran = came.entry.as_deref().unwrap_or("nothing");
    line(format_args!("ran {ran}: {} ticks, {} µs", came.ticks, came.micros));
    came.note.iter().for_each(|note| line(format_args!("{note}")));
    came.trace.iter().for_each(|step| line(format_args!("{}: {}", step.at, step.did)));
    came.log.iter().for_each(|text| line(format_args!("log: {text}")));
    for call in &came.calls {
        line(format_args!("calls {} {} {}", call.service, call.path, call.body));
    }
    came.flag.iter().for_each(|reason| line(format_args!("an agent is to see it: {reason}")));
    came.opt_outs.iter().for_each(|level| line(format_args!("opts out: {level}")));
    came.variables.iter().for_each(|(name, value)| line(format_args!("{name} = {value}")));
    came.stored.iter().for_each(|(name, value)| line(format_args!("stored {name} = {value}")));
    if let Some(seconds) = came.wait_seconds {
        line(format_args!("waits {seconds} s for a reply"));
    }
    if came.status != "ok" {
        line(format_args!("status {}", came.status));
    }
    if came.ended {
        line(format_args!("the conversation is at its end"));
    }
    if let Some(failure) = &came.failure {
        line(format_args!("failed: {}: {}", failure.name, failure.problem));
    }
    for text in &came.texts {
        let size = format!("{}, {} × {}", text.program, text.segments, text.encoding);
        let _ = writeln!(out, "> {} [{size}]", text.text);
    }
    out
}
