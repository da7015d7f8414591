//! The steps of a flow, read and ready to be run.

use signalbox_invocation::{Cut, Level};

use crate::answer::Expected;
use crate::expression::Node;
use crate::template::Template;

/// Place of a step among the steps of its flow.
pub(crate) type At = usize;

/// A step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub id: String,
    /// What people call it, for pictures.
    pub title: String,
    /// Its main text as it was written, for pictures.
    pub summary: String,
    pub work: Work,
}

/// What a step does. A step that `next` names comes behind it; without one the conversation ends.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Send { message: Message, next: Option<At> },
    Ask(Box<Ask>),
    Branch { cases: Vec<Case>, otherwise: At },
    Set { name: String, value: Option<Node>, next: Option<At> },
    Store { name: String, value: Option<Node>, next: Option<At> },
    Call(Box<Call>),
    Collect { from: Node, saved: Saved, next: At, otherwise: At },
    Agent { reason: Template, next: Option<At> },
    OptOut { level: Option<Level>, next: Option<At> },
    End(Ending),
}

/// A text with the program it is sent under.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub program: String,
    pub text: Template,
    pub cut: Cut,
}

/// What is expected, and the variable that keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    pub expected: Expected,
    pub name: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub message: Message,
    pub saved: Saved,
    /// Seconds, and the step behind a time-out; `None` leaves the wait to the sub-campaign.
    pub wait: Option<(u32, Option<At>)>,
    /// How often it is asked again.
    pub retries: u32,
    /// The text then; the first one when there is none.
    pub retry: Option<Template>,
    pub next: Option<At>,
    /// Behind the last answer that does not fit.
    pub otherwise: Option<At>,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub when: Node,
    /// For pictures and the trace.
    pub label: String,
    pub next: At,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub service: String,
    pub path: Template,
    pub body: Option<Template>,
    /// The variable that keeps the body of the answer.
    pub save: Option<String>,
    pub next: At,
    /// When no answer came, or its status is not of 200 to 299.
    pub otherwise: At,
}

#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Plain,
    BadData(Template),
    Other(Template),
}

impl Work {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Send { .. } => "send",
            Self::Ask(_) => "ask",
            Self::Branch { .. } => "branch",
            Self::Set { .. } => "set",
            Self::Store { .. } => "store",
            Self::Call(_) => "call",
            Self::Collect { .. } => "collect",
            Self::Agent { .. } => "agent",
            Self::OptOut { .. } => "optOut",
            Self::End(_) => "end",
        }
    }

    /// Ways out of the step, with what each stands for; `None` ends the conversation.
    pub(crate) fn ways(&self) -> Vec<(String, Option<At>)> {
        let way = |label: &str, at: Option<At>| (label.to_owned(), at);
        match self {
            Self::Send { next, .. } | Self::Set { next, .. } | Self::Store { next, .. } => {
                vec![way("", *next)]
            }
            // Without a step behind it the agent keeps the conversation.
            Self::Agent { next, .. } => next.map(|next| vec![way("", Some(next))]).unwrap_or_default(),
            Self::OptOut { next, .. } => vec![way("", *next)],
            Self::Ask(ask) => {
                let mut ways = vec![way("answer", ask.next)];
                if !matches!(ask.saved.expected, Expected::Text { .. }) || ask.otherwise.is_some() {
                    ways.push(way("does not fit", ask.otherwise));
                }
                if let Some((seconds, then)) = ask.wait {
                    ways.push((format!("nothing in {}", duration(seconds)), then));
                }
                ways
            }
            Self::Branch { cases, otherwise } => {
                let mut ways: Vec<_> =
                    cases.iter().map(|case| (case.label.clone(), Some(case.next))).collect();
                ways.push(way("otherwise", Some(*otherwise)));
                ways
            }
            Self::Call(call) => vec![way("answer", Some(call.next)), way("no answer", Some(call.otherwise))],
            Self::Collect { next, otherwise, .. } => {
                vec![way("fits", Some(*next)), way("does not fit", Some(*otherwise))]
            }
            Self::End(_) => Vec::new(),
        }
    }

    /// True when a run stops here until something comes.
    pub(crate) fn waits(&self) -> bool {
        match self {
            Self::Ask(_) | Self::Call(_) => true,
            Self::Agent { next, .. } => next.is_none(),
            Self::Send { .. }
            | Self::Branch { .. }
            | Self::Set { .. }
            | Self::Store { .. }
            | Self::Collect { .. }
            | Self::OptOut { .. }
            | Self::End(_) => false,
        }
    }
}

/// A time in its largest whole unit.
pub(crate) fn duration(seconds: u32) -> String {
    for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "min")] {
        if seconds >= unit && seconds.is_multiple_of(unit) {
            return format!("{} {name}", seconds / unit);
        }
    }
    format!("{seconds} s")
}
