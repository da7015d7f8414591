use serde::{Deserialize, Serialize};

use crate::outcome::{Outcome, Status};
use crate::value::Value;

/// Bounds of one run and of what it may want; each hit is a [`Failure`](crate::Failure) with the limit's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Time of the processor until the run is interrupted, in milliseconds (TXS-14).
    pub soft_ms: u32,
    /// Time until the process that runs it is killed, in milliseconds.
    pub hard_ms: u32,
    /// Ticks of 10,000 operations (TXS-15, D10).
    pub ticks: u64,
    /// Heap of the instructions in octets.
    pub heap: usize,
    /// Calls of the API.
    pub calls: u32,
    /// Texts of one run.
    pub sends: usize,
    /// Octets of one text in UTF-8.
    pub text: usize,
    /// Session variables of a conversation, and kept values of a device.
    pub variables: usize,
    /// Octets of a variable's name.
    pub name: usize,
    /// Octets of a value.
    pub value: usize,
    /// Calls of web services.
    pub web_calls: usize,
    /// Octets of the body of a call or an answer.
    pub web_body: usize,
    /// Lines that are kept of what was logged, and octets of each.
    pub log: usize,
    /// Longest wait for a reply in seconds.
    pub wait: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            soft_ms: 50,
            hard_ms: 500,
            ticks: 1_000,
            heap: 4 << 20,
            calls: 1_000,
            sends: 20,
            text: 4_000,
            variables: 200,
            name: 64,
            value: 4_000,
            web_calls: 4,
            web_body: 64 << 10,
            log: 100,
            wait: 30 * 86_400,
        }
    }
}

/// A bound that an outcome does not keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what}: {found}, the limit is {limit}")]
pub struct Excess {
    /// What there is too much of.
    pub what: String,
    /// How much there is.
    pub found: u64,
    /// How much there may be.
    pub limit: u64,
}

impl Limits {
    /// Checks what a run wants. Who runs instructions is not believed: the parent asks this before it commits.
    ///
    /// # Errors
    /// The first bound that is not kept.
    pub fn check(&self, outcome: &Outcome) -> Result<(), Excess> {
        at_most("texts", outcome.sends.len(), self.sends)?;
        for send in &outcome.sends {
            at_most("octets of a text", send.text.len(), self.text)?;
            at_most("octets of a program's name", send.program.len(), self.name)?;
        }
        for (what, values) in [("session variables", &outcome.variables), ("kept values", &outcome.stored)] {
            at_most(what, values.len(), self.variables)?;
            for (name, value) in values {
                at_most("octets of a variable's name", name.len(), self.name)?;
                self.value(value.as_ref())?;
            }
        }
        at_most("calls of web services", outcome.calls.len(), self.web_calls)?;
        for call in &outcome.calls {
            at_most("octets of a call's body", call.body.len(), self.web_body)?;
            at_most("octets of a call's path", call.path.len(), self.value)?;
            at_most("octets of a service's name", call.service.len(), self.name)?;
            at_most("octets of a method's name", call.then.len(), self.name)?;
        }
        if let Some(wait) = &outcome.wait {
            at_most("seconds of a wait", wait.seconds as usize, self.wait as usize)?;
            at_most("octets of a method's name", wait.then.len(), self.name)?;
        }
        if let Status::BadData(text) | Status::Other(text) = &outcome.status {
            at_most("octets of the status", text.len(), self.value)?;
        }
        at_most("octets of a flow's position", outcome.position.len(), self.value)?;
        at_most("octets of a flag's reason", outcome.flag.as_ref().map_or(0, String::len), self.value)?;
        at_most("opt-outs", outcome.opt_outs.len(), 16)?;
        at_most("lines of the log", outcome.log.len(), self.log)
    }

    fn value(&self, value: Option<&Value>) -> Result<(), Excess> {
        match value {
            Some(Value::Number(number)) if !number.is_finite() => {
                Err(Excess { what: "numbers that are none".to_owned(), found: 1, limit: 0 })
            }
            Some(value) => at_most("octets of a value", value.octets(), self.value),
            None => Ok(()),
        }
    }
}

fn at_most(what: &str, found: usize, limit: usize) -> Result<(), Excess> {
    if found <= limit {
        return Ok(());
    }
    Err(Excess { what: what.to_owned(), found: found as u64, limit: limit as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Cut, Send};

    #[test]
    fn each_bound_is_told_by_name() {
        let limits = Limits { sends: 1, text: 3, value: 3, ..Limits::default() };
        let send = |text: &str| Send { program: "p".into(), text: text.into(), cut: Cut::Whole };
        let told = |outcome: Outcome| limits.check(&outcome).map_err(|excess| excess.to_string());
        assert_eq!(told(Outcome { sends: vec![send("abc")], ..Outcome::default() }), Ok(()));
        assert_eq!(
            told(Outcome { sends: vec![send("a"), send("b")], ..Outcome::default() }),
            Err("texts: 2, the limit is 1".to_owned())
        );
        assert_eq!(
            told(Outcome { sends: vec![send("abcd")], ..Outcome::default() }),
            Err("octets of a text: 4, the limit is 3".to_owned())
        );
        let number = vec![("n".to_owned(), Some(Value::Number(f64::NAN)))];
        assert!(told(Outcome { variables: number, ..Outcome::default() }).is_err());
        let text = vec![("t".to_owned(), Some(Value::from("long")))];
        assert!(told(Outcome { stored: text, ..Outcome::default() }).is_err());
    }
}
