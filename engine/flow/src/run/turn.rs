use signalbox_invocation::{Cost, Failure, Invocation, Limits, Outcome, Status, Step, Value};

use super::TRIES;
use crate::expression::{Budget, Datum, Evaluator, Node, Trouble};
use crate::flow::Flow;
use crate::step::At;
use crate::template::Template;

/// What one run has to work with, and what it wants until now.
pub(super) struct Turn<'e> {
    pub flow: &'e Flow,
    pub given: &'e Invocation,
    pub outcome: Outcome,
    limits: &'e Limits,
    budget: Budget,
    drawn: u64,
    missing: Vec<String>,
    /// How many of the missing were told.
    told: usize,
    /// What a strict flow lacked, and where.
    lacked: Option<String>,
}

impl<'e> Turn<'e> {
    pub(super) fn new(flow: &'e Flow, given: &'e Invocation, limits: &'e Limits) -> Self {
        Self {
            flow,
            given,
            limits,
            outcome: Outcome::default(),
            budget: Budget::new(limits),
            drawn: 0,
            missing: Vec::new(),
            told: 0,
            lacked: None,
        }
    }

    /// What is told of a contact whose data a strict flow cannot work with (TXS-21): nothing of the run is done.
    pub(super) fn bad_data(mut self) -> Option<Outcome> {
        let status = Status::BadData(self.lacked.take()?);
        let Outcome { log, trace, .. } = self.outcome;
        let cost = Cost { ticks: self.budget.ticks(), ..Cost::default() };
        Some(Outcome { status, ended: true, log, trace, cost, ..Outcome::default() })
    }

    pub(super) fn done(mut self) -> Result<Outcome, Failure> {
        self.outcome.cost.ticks = self.budget.ticks();
        self.limits.check(&self.outcome)?;
        Ok(self.outcome)
    }

    /// Gives something its value with what is known now.
    fn evaluated<T, S>(
        &mut self,
        at: &str,
        subject: &S,
        work: impl for<'w> FnOnce(&mut Evaluator<'w>, &'w S) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        let mut evaluator = Evaluator {
            given: self.given,
            surroundings: &self.flow.surroundings,
            variables: &self.outcome.variables,
            stored: &self.outcome.stored,
            budget: &mut self.budget,
            drawn: &mut self.drawn,
            missing: &mut self.missing,
        };
        let lacked = &mut self.lacked;
        let value = work(&mut evaluator, subject).map_err(|trouble| match trouble {
            Trouble::Wrong(message) => Failure::Threw { message, at: format!("step {at}") },
            Trouble::Missing(name) => {
                let message = format!("`{name}` is missing");
                *lacked = Some(format!("{message} (step {at})"));
                Failure::Threw { message, at: format!("step {at}") }
            }
            Trouble::Failed(failure) => failure,
        })?;
        for told in self.told..self.missing.len() {
            let did = format!("`{}` is missing, an empty text stands for it", self.missing[told]);
            self.log(at, &did);
            self.step_at(at, || did);
        }
        self.told = self.missing.len();
        Ok(value)
    }

    pub(super) fn value(&mut self, at: At, node: &Node) -> Result<Datum<'static>, Failure> {
        self.evaluated(&self.flow.steps[at].id, node, |evaluator, node| {
            evaluator.value(node).map(Datum::into_owned)
        })
    }

    pub(super) fn value_text(&mut self, at: At, node: &Node) -> Result<String, Failure> {
        self.evaluated(&self.flow.steps[at].id, node, |evaluator, node| {
            let value = evaluator.value(node)?;
            Ok(evaluator.text(&value).into_owned())
        })
    }

    /// A value as it is kept; without an expression it is forgotten.
    pub(super) fn kept(&mut self, at: At, node: Option<&Node>) -> Result<Option<Value>, Failure> {
        node.map(|node| self.value(at, node).map(Datum::into_value)).transpose()
    }

    pub(super) fn text(&mut self, at: At, template: &Template) -> Result<String, Failure> {
        self.text_at(&self.flow.steps[at].id, template)
    }

    pub(super) fn text_at(&mut self, at: &str, template: &Template) -> Result<String, Failure> {
        let limit = self.limits.text;
        self.evaluated(at, template, |evaluator, template| template.write(evaluator, limit))
    }

    /// The body of a call, which may be longer than a text.
    pub(super) fn long_text(&mut self, at: At, template: &Template) -> Result<String, Failure> {
        let limit = self.limits.web_body;
        self.evaluated(&self.flow.steps[at].id, template, |evaluator, template| {
            template.write(evaluator, limit)
        })
    }

    pub(super) fn pay(&mut self, at: At, operations: u64) -> Result<(), Failure> {
        self.evaluated(&self.flow.steps[at].id, &(), |evaluator, ()| evaluator.budget.spend(operations))
    }

    pub(super) fn set(&mut self, name: &str, value: Option<Value>) {
        change(&mut self.outcome.variables, name, value);
    }

    pub(super) fn store(&mut self, name: &str, value: Option<Value>) {
        change(&mut self.outcome.stored, name, value);
    }

    /// How often the question at which the conversation stands was repeated.
    pub(super) fn tried(&self) -> u32 {
        match self.given.conversation.variables.get(TRIES) {
            // A count that was written here: small and whole.
            Some(Value::Number(tries)) => *tries as u32,
            Some(Value::Text(_) | Value::Date(_)) | None => 0,
        }
    }

    pub(super) fn tries(&mut self, tries: u32) {
        if tries > 0 {
            self.set(TRIES, Some(Value::Number(f64::from(tries))));
        } else if self.given.conversation.variables.contains_key(TRIES) {
            self.set(TRIES, None);
        }
    }

    /// The step at which the run is, or the response it writes.
    pub(super) fn here(&self, what: &'static str) -> String {
        match self.outcome.position.as_str() {
            "" => what.to_owned(),
            position => position.to_owned(),
        }
    }

    pub(super) fn step(&mut self, at: At, did: impl FnOnce() -> String) {
        let flow = self.flow;
        self.step_at(&flow.steps[at].id, did);
    }

    /// A line of the trace, which a test alone is given.
    pub(super) fn step_at(&mut self, at: &str, did: impl FnOnce() -> String) {
        if self.given.test {
            self.outcome.trace.push(Step { at: at.to_owned(), did: did() });
        }
    }

    /// A line for who wrote the flow, in the log and the trace.
    pub(super) fn note(&mut self, at: At, did: &str) {
        let flow = self.flow;
        self.log(&flow.steps[at].id, did);
        self.step(at, || did.to_owned());
    }

    fn log(&mut self, at: &str, did: &str) {
        if self.outcome.log.len() < self.limits.log {
            self.outcome.log.push(format!("{at}: {did}"));
        }
    }
}

fn change(changes: &mut Vec<(String, Option<Value>)>, name: &str, value: Option<Value>) {
    match changes.iter_mut().find(|(changed, _)| changed == name) {
        Some((_, changed)) => *changed = value,
        None => changes.push((name.to_owned(), value)),
    }
}
