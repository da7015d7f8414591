use signalbox_invocation::Entry;

use super::object::Object;
use super::read::{Reading, Used, level};
use crate::answer::{Choice, Expected};
use crate::expression::{Node, SyntaxError, compile, is_variable, parse};
use crate::step::{Ask, Call, Case, Ending, Saved, Step, Work};
use crate::template::{Escape, Template};

/// Longest wait for a reply in seconds: 30 days.
const MAX_WAIT: u32 = 30 * 86_400;
/// Most repeats of a question.
const MAX_RETRIES: u32 = 10;
/// Most cases of a branch, and choices of an answer.
const MAX_CASES: usize = 100;
/// Longest name of a variable in octets.
const MAX_NAME: usize = 64;
/// Numbers that an answer may be, whatever its bounds.
const MAX_NUMBER: f64 = 1e15;

const KINDS: [(&str, Kind); 10] = [
    ("send", Kind::Send),
    ("ask", Kind::Ask),
    ("branch", Kind::Branch),
    ("set", Kind::Set),
    ("store", Kind::Store),
    ("call", Kind::Call),
    ("collect", Kind::Collect),
    ("agent", Kind::Agent),
    ("optOut", Kind::OptOut),
    ("end", Kind::End),
];

#[derive(Clone, Copy)]
enum Kind {
    Send,
    Ask,
    Branch,
    Set,
    Store,
    Call,
    Collect,
    Agent,
    OptOut,
    End,
}

/// Reads one step; `None` when it has an error that was told.
pub(crate) fn step(reading: &Reading<'_>, id: &str, object: &Object<'_>) -> Option<Step> {
    match Entry::method(id) {
        Ok(entry @ Entry::Method(_)) if !entry.is_opt_in() => {}
        Ok(entry) => {
            object.error("", format!("a step cannot be called `{entry}`: that is an entry of scripts"));
        }
        Err(error) => object.error("", error.to_string()),
    }
    let title = object.text("title").unwrap_or_default().to_owned();
    // Where a designer keeps the step's place on its canvas.
    object.get("canvas");
    let kind = object.required("kind", object.word("kind", &KINDS))?;
    let work = match kind {
        Kind::Send => {
            let message = reading.message(object, "text");
            let next = reading.target(object, "next");
            message.map(|message| Work::Send { message, next })
        }
        Kind::Ask => ask(reading, object).map(|ask| Work::Ask(Box::new(ask))),
        Kind::Branch => branch(reading, object),
        Kind::Set => {
            let (name, value, next) = kept(reading, object)?;
            reading.set.borrow_mut().insert(name.clone());
            Some(Work::Set { name, value, next })
        }
        Kind::Store => {
            let (name, value, next) = kept(reading, object)?;
            Some(Work::Store { name, value, next })
        }
        Kind::Call => call(reading, object).map(|call| Work::Call(Box::new(call))),
        Kind::Collect => collect(reading, object),
        Kind::Agent => {
            let reason = object.required("reason", reading.template(object, "reason", Escape::None));
            let next = reading.target(object, "next");
            reason.map(|reason| Work::Agent { reason, next })
        }
        Kind::OptOut => Some(Work::OptOut { level: level(object), next: reading.target(object, "next") }),
        Kind::End => ending(reading, object).map(Work::End),
    };
    let summary = summary(object, kind);
    object.close();
    Some(Step { id: id.to_owned(), title, summary, work: work? })
}

/// What a picture shows of a step.
fn summary(object: &Object<'_>, kind: Kind) -> String {
    let text = |key| object.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    match kind {
        Kind::Send | Kind::Ask => text("text").to_owned(),
        Kind::Set | Kind::Store if object.get("value").is_none() => format!("{} is forgotten", text("name")),
        Kind::Set | Kind::Store => format!("{} = {}", text("name"), text("value")),
        Kind::Call => format!("{} {}", text("service"), text("path")).trim().to_owned(),
        Kind::Collect => {
            let from = if object.get("from").is_some() { text("from") } else { "answer" };
            let expected = object.get("answer").and_then(|answer| answer.get("kind"));
            format!("{from} as {}", expected.and_then(serde_json::Value::as_str).unwrap_or_default())
        }
        Kind::Agent => text("reason").to_owned(),
        Kind::End => match (object.get("badData"), object.get("status")) {
            (Some(_), _) => format!("bad data: {}", text("badData")),
            (None, Some(_)) => text("status").to_owned(),
            (None, None) => String::new(),
        },
        Kind::OptOut => text("level").to_owned(),
        Kind::Branch => String::new(),
    }
}

fn ask(reading: &Reading<'_>, object: &Object<'_>) -> Option<Ask> {
    let message = reading.message(object, "text");
    let saved = saved(reading, object);
    let wait = object.object("wait").and_then(|wait| {
        let seconds = wait.required("seconds", wait.within("seconds", 1, MAX_WAIT));
        let next = reading.target(&wait, "next");
        wait.close();
        Some((seconds?, next))
    });
    let retries = object.within("retries", 0, MAX_RETRIES).unwrap_or(0);
    let retry = reading.template(object, "retryText", Escape::None);
    if retry.is_some() && retries == 0 {
        object.error("retryText", "it is never sent: `retries` says how often");
    }
    let next = reading.target(object, "next");
    let otherwise = reading.target(object, "otherwise");
    let saved = saved?;
    let strict = !matches!(saved.expected, Expected::Text { most: usize::MAX });
    if strict && object.get("otherwise").is_none() {
        object.error("", "not every answer fits: `otherwise` names the step behind the last that does not");
    }
    Some(Ask { message: message?, saved, wait, retries, retry, next, otherwise })
}

fn branch(reading: &Reading<'_>, object: &Object<'_>) -> Option<Work> {
    let objects = object.objects("cases");
    object.required("cases", object.get("cases"));
    if objects.is_empty() || objects.len() > MAX_CASES {
        object.error("cases", format!("a branch has 1 to {MAX_CASES} cases"));
    }
    let wanted = objects.len();
    let cases: Vec<Case> = objects
        .iter()
        .filter_map(|case| {
            let when = case.required("when", reading.expression(case, "when"));
            let label = case.text("label").or(case.text("when")).unwrap_or_default().to_owned();
            let next = case.required("next", reading.target(case, "next"));
            case.close();
            Some(Case { when: when?, label, next: next? })
        })
        .collect();
    let otherwise = object.required("otherwise", reading.target(object, "otherwise"))?;
    (cases.len() == wanted).then_some(Work::Branch { cases, otherwise })
}

fn kept(reading: &Reading<'_>, object: &Object<'_>) -> Option<(String, Option<Node>, Option<usize>)> {
    let name = variable(object, "name");
    object.required("name", name.as_ref());
    let value = reading.expression(object, "value");
    let next = reading.target(object, "next");
    let broken = value.is_none() && object.get("value").is_some();
    (!broken).then_some((name?, value, next))
}

fn call(reading: &Reading<'_>, object: &Object<'_>) -> Option<Call> {
    let service = object.required("service", object.text("service"));
    if let (Some(name), Some(known)) = (service, reading.names.services)
        && !known.contains(name)
    {
        object.error("service", format!("there is no web service `{name}`"));
    }
    let path = match object.get("path") {
        Some(_) => reading.template(object, "path", Escape::Percent),
        None => Template::parse("", Escape::Percent).ok(),
    };
    let escapes = [("json", Escape::Json), ("form", Escape::Percent), ("none", Escape::None)];
    let escape = object.word("bodyForm", &escapes).unwrap_or(Escape::Json);
    let body = reading.template(object, "body", escape);
    let save = variable(object, "save");
    reading.set.borrow_mut().extend(save.clone());
    let next = object.required("next", reading.target(object, "next"));
    let otherwise = object.required("otherwise", reading.target(object, "otherwise"));
    Some(Call { service: service?.to_owned(), path: path?, body, save, next: next?, otherwise: otherwise? })
}

fn collect(reading: &Reading<'_>, object: &Object<'_>) -> Option<Work> {
    let from = match object.get("from") {
        Some(_) => reading.expression(object, "from"),
        None => parse("answer").ok().map(|parsed| parsed.node),
    };
    object.required("answer", object.get("answer"));
    let saved = saved(reading, object);
    let next = object.required("next", reading.target(object, "next"));
    let otherwise = object.required("otherwise", reading.target(object, "otherwise"));
    Some(Work::Collect { from: from?, saved: saved?, next: next?, otherwise: otherwise? })
}

fn ending(reading: &Reading<'_>, object: &Object<'_>) -> Option<Ending> {
    let bad_data = reading.template(object, "badData", Escape::None);
    let status = reading.template(object, "status", Escape::None);
    match (bad_data, status) {
        (Some(_), Some(_)) => {
            object.error("status", "`badData` is a status already");
            None
        }
        (Some(reason), None) => Some(Ending::BadData(reason)),
        (None, Some(status)) => Some(Ending::Other(status)),
        (None, None) => Some(Ending::Plain),
    }
}

fn saved(reading: &Reading<'_>, object: &Object<'_>) -> Option<Saved> {
    let name = variable(object, "save");
    reading.set.borrow_mut().extend(name.clone());
    let expected = match object.get("answer") {
        None => Some(Expected::Text { most: usize::MAX }),
        Some(_) => object.object("answer").and_then(|answer| {
            let expected = expected(&answer);
            answer.close();
            expected
        }),
    };
    Some(Saved { expected: expected?, name })
}

fn expected(object: &Object<'_>) -> Option<Expected> {
    let kinds = ["text", "number", "date", "choice", "pattern", "email", "phone"].map(|kind| (kind, kind));
    let kind = object.required("kind", object.word("kind", &kinds))?;
    match kind {
        "number" => {
            let least = object.number("least").unwrap_or(-MAX_NUMBER);
            let most = object.number("most").unwrap_or(MAX_NUMBER);
            if least > most {
                object.error("least", format!("{least} is more than the most, {most}"));
            }
            Some(Expected::Number { least, most, whole: object.flag("whole") })
        }
        "date" => Some(Expected::Date { earliest: object.whole("earliest"), latest: object.whole("latest") }),
        "choice" => choices(object).map(Expected::Choice),
        "pattern" => {
            let pattern = object.required("pattern", object.text("pattern"))?;
            match compile(pattern) {
                Ok(pattern) => Some(Expected::Pattern(Box::new(pattern))),
                Err(message) => {
                    object.error("pattern", message);
                    None
                }
            }
        }
        "email" => Some(Expected::Email),
        "phone" => Some(Expected::Phone),
        _ => {
            let most = object.within("most", 1, 4_000).and_then(|most| usize::try_from(most).ok());
            Some(Expected::Text { most: most.unwrap_or(usize::MAX) })
        }
    }
}

fn choices(object: &Object<'_>) -> Option<Vec<Choice>> {
    let objects = object.objects("choices");
    object.required("choices", object.get("choices"));
    if objects.is_empty() || objects.len() > MAX_CASES {
        object.error("choices", format!("an answer has 1 to {MAX_CASES} choices"));
        return None;
    }
    let mut known: Vec<String> = Vec::new();
    let wanted = objects.len();
    let mut choices = Vec::new();
    for choice in &objects {
        let value = choice.required("value", choice.text("value"));
        let written = choice.list("words").map(Vec::as_slice).unwrap_or_default();
        let mut words: Vec<String> = value.map(signalbox_text::fold).into_iter().collect();
        for word in written {
            match word.as_str() {
                Some(word) => words.push(signalbox_text::fold(word)),
                None => choice.error("words", "each of the words is a text"),
            }
        }
        choice.close();
        words.retain(|word| !word.is_empty());
        words.dedup();
        if let Some(word) = words.iter().find(|word| known.contains(word)) {
            choice.error("", format!("`{word}` is another choice already"));
        }
        known.extend(words.iter().cloned());
        if let Some(value) = value {
            choices.push(Choice { value: value.to_owned(), words });
        }
    }
    (choices.len() == wanted).then_some(choices)
}

/// The name of a variable or kept value that a key gives.
fn variable(object: &Object<'_>, key: &'static str) -> Option<String> {
    let name = object.text(key)?;
    if is_variable(name) && name.len() <= MAX_NAME {
        return Some(name.to_owned());
    }
    object.error(key, format!("`{name}` cannot be the name of a variable: letters, digits and `_`, at most {MAX_NAME}, and no word of the language"));
    None
}

impl Reading<'_> {
    pub(crate) fn template(
        &self,
        object: &Object<'_>,
        key: &'static str,
        escape: Escape,
    ) -> Option<Template> {
        let text = object.text(key)?;
        let template = Self::syntax(object, key, Template::parse(text, escape))?;
        self.note(object, key, &template.variables);
        Some(template)
    }

    fn expression(&self, object: &Object<'_>, key: &'static str) -> Option<Node> {
        let text = object.text(key)?;
        let parsed = Self::syntax(object, key, parse(text))?;
        self.note(object, key, &parsed.variables);
        Some(parsed.node)
    }

    fn syntax<T>(object: &Object<'_>, key: &str, read: Result<T, SyntaxError>) -> Option<T> {
        read.map_err(|error| object.error(key, error.to_string())).ok()
    }

    fn note(&self, object: &Object<'_>, key: &str, variables: &[String]) {
        let path = object.path_of(key);
        let used = variables.iter().map(|variable| Used { path: path.clone(), variable: variable.clone() });
        self.used.borrow_mut().extend(used);
    }
}
