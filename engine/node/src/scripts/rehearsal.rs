//! Rehearsals: conversations that nobody has, in memory (MQ-10).
//!
//! What happens to the conversation is what the dialog server would have happen: words of consent go to their handlers
//! (OPT-02), `nextAction` names the method for the next message (TXS-08), a run that fails leaves nothing.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use signalbox_consent::Words;
use signalbox_consent::words::Asks;
use signalbox_dialog::{NEXT_ACTION, separate};
use signalbox_invocation::{
    ContactAttempt, Cut, Entry, Excess, Failure, Invocation, Limits, Outcome, Side, Status, Value, Wait,
    WebAnswer, WebCall,
};
use signalbox_script::Pool;
use signalbox_text::Encoding;
use signalbox_text::choose::{Choices, choose};
use utoipa::ToSchema;

use crate::dialog::Source;

/// Most that happens in one rehearsal.
pub const MAX_HAPPENINGS: usize = 50;
/// Messages that instructions are shown of what was before.
const HISTORY: usize = 50;
const SECOND: i64 = 1_000_000;

/// Something that happens to a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Happening {
    /// A first message to the contact is wanted.
    Begin {},
    /// The device writes.
    Message {
        /// What it writes.
        text: String,
    },
    /// No message came in the time that was waited for one.
    NoReply {},
    /// The web service that was called first answers.
    Answer {
        /// HTTP status; zero when none came.
        #[serde(default)]
        status: u16,
        /// The body.
        #[serde(default)]
        body: String,
        /// Why there is none.
        #[serde(default)]
        error: String,
    },
}

/// What came of something that happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Rehearsed {
    /// The method or step that was run; none where nothing was.
    pub entry: Option<String>,
    /// Why nothing was run, or what a person should know of it.
    pub note: Option<String>,
    /// Why it came to nothing.
    pub failure: Option<RehearsedFailure>,
    /// The texts that would be sent, in order.
    pub texts: Vec<RehearsedText>,
    /// Session variables after it.
    #[schema(value_type = Object)]
    pub variables: BTreeMap<String, serde_json::Value>,
    /// What would be kept of the device after it.
    #[schema(value_type = Object)]
    pub stored: BTreeMap<String, serde_json::Value>,
    /// The step at which a flow stands after it.
    pub position: String,
    /// Seconds that a reply is waited for, where the instructions say so.
    pub wait_seconds: Option<u32>,
    /// What runs when none comes; empty where the conversation ends then.
    pub wait_then: Option<String>,
    /// True when the conversation is at its end.
    pub ended: bool,
    /// What the workflow is told: `ok`, `bad_data` or the script's own word.
    pub status: String,
    /// Why an agent is to see it.
    pub flag: Option<String>,
    /// How far each opt-out reaches; `default` for the account's own level.
    pub opt_outs: Vec<String>,
    /// The web services that would be called.
    pub calls: Vec<RehearsedCall>,
    /// What the instructions wrote for their author.
    pub log: Vec<String>,
    /// The steps that were taken.
    pub trace: Vec<RehearsedStep>,
    /// What it cost in ticks of 10,000 operations, or in a flow's steps and expressions.
    pub ticks: u64,
    /// Microseconds that it took.
    pub micros: u64,
}

/// A failure of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RehearsedFailure {
    /// Its name, as in metrics and in the completion status.
    pub name: &'static str,
    /// What was wrong.
    pub problem: String,
}

/// A text that would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RehearsedText {
    /// The program that it belongs to.
    pub program: String,
    /// The text.
    pub text: String,
    /// The alphabet that it needs: `gsm7` or `ucs2`.
    pub encoding: &'static str,
    /// Segments that it is sent in.
    pub segments: usize,
}

/// A web service that would be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RehearsedCall {
    /// Its name.
    pub service: String,
    /// What is put behind its URL.
    pub path: String,
    /// The body.
    pub body: String,
    /// The method or step that is run with the answer.
    pub then: String,
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RehearsedStep {
    /// Which.
    pub at: String,
    /// What it did.
    pub did: String,
}

/// A conversation in memory.
#[derive(Debug)]
pub struct Rehearsal {
    source: Source,
    words: Words,
    limits: Limits,
    given: Invocation,
    wait: Option<Wait>,
    calls: VecDeque<WebCall>,
    /// A reply is waited for: a question is open.
    open: bool,
}

impl Rehearsal {
    /// One that has not begun. `given` says with whom and when; its texts are of the [`Happening`]s.
    #[must_use]
    pub fn new(source: Source, mut given: Invocation, words: Words, limits: Limits) -> Self {
        given.test = true;
        Self { source, words, limits, given, wait: None, calls: VecDeque::new(), open: false }
    }

    /// Lets something happen.
    pub async fn happen(&mut self, happening: &Happening, pool: Option<&Pool>) -> Rehearsed {
        self.given.now = self.given.now.saturating_add(SECOND);
        (self.given.attempt, self.given.answer, self.given.timed_out) = (None, None, false);
        match self.entry(happening) {
            Ok(entry) => self.run(entry, pool).await,
            Err(note) => Rehearsed { note: Some(note), ..self.left() },
        }
    }

    /// Where instructions begin; why they do not otherwise.
    fn entry(&mut self, happening: &Happening) -> Result<Entry, String> {
        match happening {
            Happening::Begin {} => Ok(Entry::Begin),
            Happening::Message { text } => self.message(text),
            Happening::NoReply {} => {
                let Some(wait) = self.wait.take() else {
                    return Err("the instructions do not wait for a reply".to_owned());
                };
                let waited = i64::from(wait.seconds).saturating_mul(SECOND);
                self.given.now = self.given.now.saturating_add(waited);
                self.given.timed_out = true;
                let entry = Entry::method(&wait.then);
                entry.map_err(|_| {
                    self.end();
                    "no reply came, and nothing was to be run then: the conversation ends".to_owned()
                })
            }
            Happening::Answer { status, body, error } => {
                let Some(call) = self.calls.pop_front() else {
                    return Err("no web service was called".to_owned());
                };
                let (status, body, error) = (*status, body.clone(), error.clone());
                let most = self.limits.web_body;
                let body = cut(body, most);
                self.given.answer = Some(WebAnswer { service: call.service, status, body, error });
                let entry = Entry::method(&call.then);
                entry.map_err(|_| "the answer is not waited for by any method".to_owned())
            }
        }
    }

    fn message(&mut self, text: &str) -> Result<Entry, String> {
        let asks = self.words.classify(text, self.open);
        let attempt = self.attempt(Side::Mo, text.to_owned());
        self.remember(attempt.clone());
        self.given.attempt = Some(attempt);
        // Whatever was waited for, this is the message.
        (self.wait, self.open) = (None, false);
        match asks {
            Asks::OptOut(_) => Ok(Entry::OptOutHandler),
            Asks::Help => Ok(Entry::HelpHandler),
            Asks::OptIn => Ok(Entry::opt_in()),
            Asks::Nothing => {
                let named = self.given.conversation.variables.get(NEXT_ACTION);
                let named = named.and_then(|name| Entry::method(name.as_text()?).ok());
                Ok(named.unwrap_or(Entry::MoHandler))
            }
        }
    }

    async fn run(&mut self, entry: Entry, pool: Option<&Pool>) -> Rehearsed {
        let name = entry.name().to_owned();
        self.given.entry = entry;
        self.given.seed = self.given.seed.wrapping_add(1);
        let outcome = match (&self.source, pool) {
            (Source::Flow(flow), _) => signalbox_flow::run(flow, &self.given, &self.limits),
            (Source::JavaScript(script), Some(pool)) => {
                pool.dry_run(script.clone(), self.given.clone()).await
            }
            (Source::JavaScript(_), None) => {
                Err(Failure::Invalid("there are no workers for scripts".to_owned()))
            }
        };
        let kept = outcome.and_then(|outcome| self.keep(outcome));
        let rehearsed = match kept {
            Ok(rehearsed) => rehearsed,
            Err(Failure::NoMethod(_)) if self.given.entry.is_opt_in() => {
                let note = "opts in again, which is answered by the sub-campaign's own text".to_owned();
                return Rehearsed { note: Some(note), ..self.left() };
            }
            Err(failure) => {
                let failure = RehearsedFailure { name: failure.name(), problem: failure.to_string() };
                Rehearsed { failure: Some(failure), ..self.left() }
            }
        };
        Rehearsed { entry: Some(name), ..rehearsed }
    }

    /// Makes the outcome the conversation's state, as the dialog server does.
    fn keep(&mut self, outcome: Outcome) -> Result<Rehearsed, Failure> {
        self.limits.check(&outcome)?;
        let mut kept = self.given.conversation.variables.clone();
        let mut stored = self.given.stored.clone();
        change(&mut kept, &outcome.variables);
        change(&mut stored, &outcome.stored);
        let found = kept.len().max(stored.len());
        if found > self.limits.variables {
            let (found, limit) = (found as u64, self.limits.variables as u64);
            return Err(Excess { what: "variables".to_owned(), found, limit }.into());
        }
        self.given.conversation.variables = kept;
        self.given.stored = stored;
        self.given.conversation.position.clone_from(&outcome.position);
        let filtered = matches!(outcome.status, Status::BadData(_));
        let texts = if filtered { Vec::new() } else { texts(&outcome) };
        for text in &texts {
            let attempt = self.attempt(Side::Mt, text.text.clone());
            self.remember(attempt);
        }
        if outcome.ended {
            self.end();
        } else {
            self.open = true;
            self.wait.clone_from(&outcome.wait);
            self.calls.extend(outcome.calls.iter().cloned());
        }
        let calls = outcome.calls.into_iter().map(|call| RehearsedCall {
            service: call.service,
            path: call.path,
            body: call.body,
            then: call.then,
        });
        let level = |level: Option<signalbox_invocation::Level>| match level {
            None => "default".to_owned(),
            Some(level) => format!("{level:?}").to_lowercase(),
        };
        Ok(Rehearsed {
            note: filtered.then(|| "the attempt is filtered: nothing is sent".to_owned()),
            texts,
            ended: outcome.ended,
            status: match outcome.status {
                Status::Ok => "ok".to_owned(),
                Status::BadData(why) => format!("bad_data: {why}"),
                Status::Other(status) => status,
            },
            flag: outcome.flag,
            opt_outs: outcome.opt_outs.iter().map(|change| level(change.level)).collect(),
            calls: calls.collect(),
            log: outcome.log,
            trace: outcome
                .trace
                .into_iter()
                .map(|step| RehearsedStep { at: step.at, did: step.did })
                .collect(),
            ticks: outcome.cost.ticks,
            micros: outcome.cost.micros,
            ..self.left()
        })
    }

    /// The state as it is.
    fn left(&self) -> Rehearsed {
        let shown = |values: &BTreeMap<String, Value>| {
            values.iter().map(|(name, value)| (name.clone(), json(value))).collect()
        };
        Rehearsed {
            variables: shown(&self.given.conversation.variables),
            stored: shown(&self.given.stored),
            position: self.given.conversation.position.clone(),
            wait_seconds: self.wait.as_ref().map(|wait| wait.seconds),
            wait_then: self.wait.as_ref().map(|wait| wait.then.clone()),
            status: "ok".to_owned(),
            ..Rehearsed::default()
        }
    }

    fn end(&mut self) {
        self.given.conversation.variables.remove(NEXT_ACTION);
        self.given.conversation.position.clear();
        self.calls.clear();
        (self.wait, self.open) = (None, false);
    }

    fn attempt(&self, side: Side, text: String) -> ContactAttempt {
        ContactAttempt {
            id: format!("rehearsed-{}", self.given.conversation.history.len() + 1),
            side,
            at: self.given.now,
            device: self.given.device.address.clone(),
            source_address: self.given.conversation.source_address.clone(),
            text,
            status: String::new(),
            sub_campaign: self.given.sub_campaign.name.clone(),
            keyword: None,
        }
    }

    fn remember(&mut self, attempt: ContactAttempt) {
        let history = &mut self.given.conversation.history;
        history.push(attempt);
        if history.len() > HISTORY {
            history.remove(0);
        }
    }
}

fn change(values: &mut BTreeMap<String, Value>, changes: &[(String, Option<Value>)]) {
    for (name, value) in changes {
        match value {
            Some(value) => values.insert(name.clone(), value.clone()),
            None => values.remove(name),
        };
    }
}

fn texts(outcome: &Outcome) -> Vec<RehearsedText> {
    let parts = outcome.sends.iter().flat_map(|send| {
        let texts = match send.cut {
            Cut::Whole => vec![send.text.clone()],
            Cut::Separate => separate(&send.text),
        };
        texts.into_iter().map(|text| (send.program.clone(), text))
    });
    parts
        .map(|(program, text)| {
            let choice = choose(&text, &Choices::default());
            let gsm = choice.as_ref().is_ok_and(|choice| matches!(choice.encoding, Encoding::Gsm7(_)));
            let segments = choice.map_or(0, |choice| choice.count.segments);
            RehearsedText { program, text, encoding: if gsm { "gsm7" } else { "ucs2" }, segments }
        })
        .collect()
}

/// A value as JSON has it: dates as texts of RFC 3339.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Date(micros) => match jiff::Timestamp::from_microsecond(*micros) {
            Ok(at) => at.to_string().into(),
            Err(_) => (*micros).into(),
        },
    }
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
