use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde_json::Value;
use signalbox_invocation::Level;

use super::graph;
use super::object::{Findings, Object};
use super::places::Places;
use super::problem::{Problem, Severity};
use super::steps;
use crate::expression::{DateOrder, Surroundings};
use crate::flow::{Flow, Responses};
use crate::step::{At, Message, Step};

/// Version of the format that this crate reads.
const VERSION: i64 = 1;
/// Longest document in octets.
const MAX_DOCUMENT: usize = 1 << 20;
/// Most steps of a flow.
const MAX_STEPS: usize = 1_000;

/// Names that a flow may use; `None` leaves them unchecked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'n> {
    /// Approved programs (TXS-13).
    pub programs: Option<&'n BTreeSet<String>>,
    /// Web services of the account (TXS-17).
    pub services: Option<&'n BTreeSet<String>>,
}

/// A document that was looked at.
#[derive(Debug)]
pub struct Checked {
    /// The flow, unless a problem is an error.
    pub flow: Option<Flow>,
    /// All problems, in the order of the document.
    pub problems: Vec<Problem>,
}

/// Reads a document and says everything that is wrong with it.
#[must_use]
pub fn check(text: &str, names: &Names<'_>) -> Checked {
    let failed = |line, column, message: String| {
        let problem = Problem { severity: Severity::Error, line, column, path: String::new(), message };
        Checked { flow: None, problems: vec![problem] }
    };
    if text.len() > MAX_DOCUMENT {
        return failed(1, 1, format!("the document has {} octets, the limit is {MAX_DOCUMENT}", text.len()));
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let told = error.to_string();
            let told = told.split(" at line ").next().unwrap_or_default();
            return failed(error.line(), error.column(), format!("this is no JSON: {told}"));
        }
    };
    let places = Places::of(text);
    let findings: Findings = RefCell::default();
    for path in &places.repeated {
        findings.borrow_mut().push((Severity::Error, path.clone(), "the key is there twice".to_owned()));
    }
    let flow = Object::of(&value, String::new(), &findings).and_then(|root| flow(&root, names));
    let mut problems: Vec<Problem> = findings
        .into_inner()
        .into_iter()
        .map(|(severity, path, message)| {
            let (line, column) = places.find(&path);
            Problem { severity, line, column, path, message }
        })
        .collect();
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let broken = problems.iter().any(|problem| problem.severity == Severity::Error);
    Checked { flow: flow.filter(|_| !broken), problems }
}

/// What the steps of a document are read with.
pub(crate) struct Reading<'r> {
    pub names: &'r Names<'r>,
    pub ids: BTreeMap<&'r str, At>,
    /// Variables and kept values that are looked at, with the object and key where.
    pub used: RefCell<Vec<Used>>,
    pub set: RefCell<BTreeSet<String>>,
}

/// A variable where it is looked at.
pub(crate) struct Used {
    pub path: String,
    pub variable: String,
}

fn flow(root: &Object<'_>, names: &Names<'_>) -> Option<Flow> {
    match root.required("version", root.whole("version")) {
        Some(VERSION) | None => {}
        Some(other) => {
            root.error("version", format!("version {other} is not known; this is read: {VERSION}"));
            return None;
        }
    }
    let name = root.required("name", root.text("name")).unwrap_or_default().to_owned();
    // Said for who reads the document; nothing depends on it.
    root.text("description");
    root.get("$schema");
    let surroundings = surroundings(root);
    let all = root.required("steps", root.object("steps"))?;
    let ids: BTreeMap<&str, At> = all.entries().enumerate().map(|(at, (id, _))| (id.as_str(), at)).collect();
    if ids.is_empty() || ids.len() > MAX_STEPS {
        root.error("steps", format!("a flow has 1 to {MAX_STEPS} steps, this one {}", ids.len()));
    }
    let reading = Reading { names, ids, used: RefCell::default(), set: RefCell::default() };
    let start = root.required("start", reading.target(root, "start"));
    let after_end = reading.target(root, "afterEnd");
    let help = root.required("help", root.object("help"));
    let opt_out = root.required("optOut", root.object("optOut"));
    let opt_in = root.object("optIn");
    let level = opt_out.as_ref().and_then(|object| object.word("level", &LEVELS));
    let response = |object: Option<Object<'_>>| {
        let object = object?;
        let message = reading.message(&object, "text");
        object.close();
        message
    };
    let (help, opt_out, opt_in) = (response(help), response(opt_out), response(opt_in));
    let steps: Vec<Option<Step>> =
        all.entries().map(|(id, object)| steps::step(&reading, id, &object?)).collect();
    root.close();
    // Where a step could not be read, what leads to it and from it cannot be judged.
    let steps: Vec<Step> = steps.into_iter().collect::<Option<_>>()?;
    let start = start?;
    graph::check(&all, start, after_end, &steps);
    for used in reading.used.borrow().iter() {
        if !reading.set.borrow().contains(&used.variable) {
            let message = format!(
                "no step sets the variable `{}`; it is empty unless the conversation brings it",
                used.variable
            );
            all.warning_at(&used.path, message);
        }
    }
    let index = steps.iter().enumerate().map(|(at, step)| (step.id.clone(), at)).collect();
    let responses = Responses { help: help?, opt_out: opt_out?, level, opt_in };
    Some(Flow { name, start, after_end, steps, index, surroundings, responses })
}

const LEVELS: [(&str, Level); 3] =
    [("campaign", Level::Campaign), ("account", Level::Account), ("enterprise", Level::Enterprise)];

pub(crate) fn level(object: &Object<'_>) -> Option<Level> {
    object.word("level", &LEVELS)
}

fn surroundings(root: &Object<'_>) -> Surroundings {
    let zone = root.text("zone").and_then(|name| match TimeZone::get(name) {
        Ok(zone) => Some(zone),
        Err(_) => {
            root.error("zone", format!("there is no time zone `{name}`"));
            None
        }
    });
    let order = root.word("dateOrder", &[("dmy", DateOrder::DayFirst), ("mdy", DateOrder::MonthFirst)]);
    let region = root.text("country").and_then(|country| match country.parse() {
        Ok(region) => Some(region),
        Err(_) => {
            root.error(
                "country",
                format!("there is no country `{country}`: two capital letters of ISO 3166-1"),
            );
            None
        }
    });
    Surroundings {
        zone: zone.unwrap_or(TimeZone::UTC),
        order: order.unwrap_or_default(),
        region,
        strict: root.flag("strict"),
    }
}

impl Reading<'_> {
    /// The step that a key names.
    pub(crate) fn target(&self, object: &Object<'_>, key: &'static str) -> Option<At> {
        let id = object.text(key)?;
        let found = self.ids.get(id).copied();
        if found.is_none() {
            object.error(key, format!("there is no step `{id}`"));
        }
        found
    }

    /// The text of a key with the program and cut beside it.
    pub(crate) fn message(&self, object: &Object<'_>, key: &'static str) -> Option<Message> {
        let program = object.required("program", object.text("program"));
        if let (Some(name), Some(known)) = (program, self.names.programs)
            && !known.contains(name)
        {
            object.error("program", format!("there is no program `{name}`"));
        }
        if program == Some("") {
            object.error("program", "without a program nothing is sent");
        }
        let text = object.required(key, self.template(object, key, crate::template::Escape::None));
        if object.get(key).and_then(Value::as_str).is_some_and(|text| text.trim().is_empty()) {
            object.error(key, "the text is empty");
        }
        use signalbox_invocation::Cut;
        let cut = object.word("cut", &[("whole", Cut::Whole), ("separate", Cut::Separate)]);
        Some(Message { program: program?.to_owned(), text: text?, cut: cut.unwrap_or(Cut::Whole) })
    }
}
