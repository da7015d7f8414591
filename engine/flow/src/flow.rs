use std::collections::BTreeMap;

use signalbox_invocation::Level;

use crate::document::{Names, Problems, check};
use crate::expression::Surroundings;
use crate::step::{At, Message, Step};

/// A flow that was read and can be run: immutable, shared between threads.
#[derive(Clone, Debug)]
pub struct Flow {
    pub(crate) name: String,
    pub(crate) start: At,
    /// The step for messages that come when the conversation is at its end.
    pub(crate) after_end: Option<At>,
    pub(crate) steps: Vec<Step>,
    pub(crate) index: BTreeMap<String, At>,
    pub(crate) surroundings: Surroundings,
    pub(crate) responses: Responses,
}

/// What is answered whatever the step (TXS-16).
#[derive(Clone, Debug)]
pub(crate) struct Responses {
    pub help: Message,
    pub opt_out: Message,
    /// How far an opt-out reaches; `None` for the account's default (D8).
    pub level: Option<Level>,
    pub opt_in: Option<Message>,
}

impl Flow {
    /// Reads a document, whatever programs and services it names.
    ///
    /// # Errors
    /// All its problems, when one of them is an error.
    pub fn read(text: &str) -> Result<Self, Problems> {
        let checked = check(text, &Names::default());
        checked.flow.ok_or(Problems(checked.problems))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ids of its steps in order, with the kind and title of each.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &'static str, &str)> {
        self.steps.iter().map(|step| (step.id.as_str(), step.work.kind(), step.title.as_str()))
    }
}
