//! One run: from what came to the next step that waits.

mod turn;

use signalbox_invocation::{
    Entry, Excess, Failure, Invocation, Limits, OptChange, OptSubject, Outcome, Send, Status, Wait, WebAnswer,
};

use crate::flow::Flow;
use crate::step::{Ask, At, Ending, Message, Work};
use turn::Turn;

/// Most steps of one run; one more is a [`Failure`], never an end in silence.
pub const MAX_STEPS: usize = 100;
/// The variable that counts repeats of a question. No variable of a flow can have its name.
const TRIES: &str = "$tries";

/// Runs a flow for one invocation.
///
/// A message of the device goes to the step that waits (`conversation.position`); without a position the flow begins at
/// its start. A wait or call names the step that made it in `then`; what comes for a step that waits no more changes
/// nothing and is logged.
///
/// # Errors
/// See [`Failure`]: what the run wanted until then is forgotten.
pub fn run(flow: &Flow, invocation: &Invocation, limits: &Limits) -> Result<Outcome, Failure> {
    let mut turn = Turn::new(flow, invocation, limits);
    match (enter(&mut turn), &invocation.entry) {
        (Ok(()), _) => turn.done(),
        // A first message to a contact that lacks something is filtered (TXS-21); an answer is not left out so.
        (Err(failure), Entry::Begin) => turn.bad_data().ok_or(failure),
        (Err(failure), _) => Err(failure),
    }
}

fn enter(turn: &mut Turn<'_>) -> Result<(), Failure> {
    let (flow, entry) = (turn.flow, &turn.given.entry);
    match entry {
        Entry::Begin => go(turn, Some(flow.start)),
        Entry::MoHandler => message(turn),
        Entry::OptOutHandler => {
            respond(turn, &flow.responses.opt_out, "optOut")?;
            turn.opt_out(flow.responses.level);
            turn.outcome.ended = true;
            Ok(())
        }
        Entry::HelpHandler => {
            respond(turn, &flow.responses.help, "help")?;
            stay(turn);
            Ok(())
        }
        Entry::Method(_) => {
            let missing = || Failure::NoMethod(entry.name().to_owned());
            if entry.is_opt_in() {
                respond(turn, flow.responses.opt_in.as_ref().ok_or_else(missing)?, "optIn")?;
                stay(turn);
                return Ok(());
            }
            let at = flow.index.get(entry.name()).copied().ok_or_else(missing)?;
            called(turn, at)
        }
    }
}

fn respond<'e>(turn: &mut Turn<'e>, message: &'e Message, key: &'static str) -> Result<(), Failure> {
    let position = turn.given.conversation.position.clone();
    send(turn, message, key)?;
    turn.outcome.position = position;
    Ok(())
}

/// What is waited for goes on being waited for.
fn stay(turn: &mut Turn<'_>) {
    let position = &turn.given.conversation.position;
    turn.outcome.position.clone_from(position);
    if let Some(Work::Ask(ask)) = turn.flow.index.get(position).map(|at| &turn.flow.steps[*at].work) {
        turn.outcome.wait = wait(ask, position);
    }
}

/// A message of the device.
fn message(turn: &mut Turn<'_>) -> Result<(), Failure> {
    let (flow, position) = (turn.flow, turn.given.conversation.position.as_str());
    if position.is_empty() {
        return go(turn, Some(flow.start));
    }
    let at = flow.index.get(position).copied().ok_or_else(|| Failure::NoMethod(position.to_owned()))?;
    match &flow.steps[at].work {
        Work::Ask(ask) => answered(turn, at, ask),
        Work::Call(_) => {
            turn.note(at, "a message came while the answer of a service is waited for; it is passed over");
            stay(turn);
            Ok(())
        }
        Work::Agent { next: None, .. } => go(turn, Some(at)),
        Work::Send { .. }
        | Work::Branch { .. }
        | Work::Set { .. }
        | Work::Store { .. }
        | Work::Collect { .. }
        | Work::Agent { next: Some(_), .. }
        | Work::OptOut { .. }
        | Work::End(_) => {
            if flow.after_end.is_some() {
                return go(turn, flow.after_end);
            }
            turn.note(at, "a message came behind the end, and the flow has no `afterEnd`");
            stay(turn);
            turn.outcome.ended = true;
            Ok(())
        }
    }
}

/// The method of a step: its wait ran out, its service answered, or it is begun with.
fn called(turn: &mut Turn<'_>, at: At) -> Result<(), Failure> {
    let given = turn.given;
    if !given.timed_out && given.answer.is_none() {
        return go(turn, Some(at));
    }
    if given.conversation.position != turn.flow.steps[at].id {
        turn.note(at, "what was waited for came too late: the conversation is at another step");
        stay(turn);
        return Ok(());
    }
    match (&turn.flow.steps[at].work, &given.answer) {
        (Work::Ask(ask), None) => {
            turn.step(at, || "no answer came in time".to_owned());
            turn.tries(0);
            go(turn, ask.wait.and_then(|(_, next)| next))
        }
        (Work::Call(call), Some(answer)) => {
            let good = is_good(answer);
            turn.step(at, || match answer.status {
                0 => format!("no answer of {}: {}", call.service, answer.error),
                status => format!("{} answered with status {status}", call.service),
            });
            if let (true, Some(name)) = (good, &call.save) {
                turn.set(name, Some(answer.body.as_str().into()));
            }
            go(turn, Some(if good { call.next } else { call.otherwise }))
        }
        _ => {
            turn.note(at, "the step waits for something else than what came");
            stay(turn);
            Ok(())
        }
    }
}

fn is_good(answer: &WebAnswer) -> bool {
    answer.error.is_empty() && (200..300).contains(&answer.status)
}

fn answered<'e>(turn: &mut Turn<'e>, at: At, ask: &'e Ask) -> Result<(), Failure> {
    let text = turn.given.attempt.as_ref().map_or("", |attempt| attempt.text.as_str());
    turn.pay(at, ask.saved.expected.cost(text))?;
    let taken = ask.saved.expected.take(text, turn.given.now, &turn.flow.surroundings);
    if let Some(value) = taken {
        turn.step(at, || match &ask.saved.name {
            Some(name) => format!("the answer fits, {name} is {value}"),
            None => "the answer fits".to_owned(),
        });
        if let Some(name) = &ask.saved.name {
            turn.set(name, Some(value));
        }
        turn.tries(0);
        return go(turn, ask.next);
    }
    let tries = turn.tried();
    if tries < ask.retries {
        turn.step(at, || format!("the answer does not fit, asked again ({} of {})", tries + 1, ask.retries));
        turn.tries(tries + 1);
        let text = ask.retry.as_ref().unwrap_or(&ask.message.text);
        let text = turn.text(at, text)?;
        turn.outcome.sends.push(Send { program: ask.message.program.clone(), text, cut: ask.message.cut });
        stop(turn, at, ask);
        return Ok(());
    }
    turn.step(at, || "the answer does not fit".to_owned());
    turn.tries(0);
    go(turn, ask.otherwise)
}

fn wait(ask: &Ask, id: &str) -> Option<Wait> {
    ask.wait.map(|(seconds, _)| Wait { seconds, then: id.to_owned() })
}

fn stop(turn: &mut Turn<'_>, at: At, ask: &Ask) {
    let id = &turn.flow.steps[at].id;
    turn.outcome.position.clone_from(id);
    turn.outcome.wait = wait(ask, id);
}

/// Goes through steps until one waits or the conversation ends.
fn go<'e>(turn: &mut Turn<'e>, first: Option<At>) -> Result<(), Failure> {
    let flow = turn.flow;
    let mut next = first;
    let mut steps = 0;
    if turn.outcome.position.is_empty() {
        turn.outcome.position.clone_from(&turn.given.conversation.position);
    }
    while let Some(at) = next {
        steps += 1;
        if steps > MAX_STEPS {
            let excess =
                Excess { what: "steps of one run".to_owned(), found: steps as u64, limit: MAX_STEPS as u64 };
            return Err(excess.into());
        }
        turn.pay(at, 5)?;
        let step = &flow.steps[at];
        turn.outcome.position.clone_from(&step.id);
        next = match &step.work {
            Work::Send { message, next } => {
                send(turn, message, "send")?;
                *next
            }
            Work::Ask(ask) => {
                send(turn, &ask.message, "ask")?;
                turn.tries(0);
                stop(turn, at, ask);
                return Ok(());
            }
            Work::Branch { cases, otherwise } => {
                let mut chosen = None;
                for case in cases {
                    if turn.value(at, &case.when)?.truth() {
                        chosen = Some(case);
                        break;
                    }
                }
                turn.step(at, || chosen.map_or_else(|| "otherwise".to_owned(), |case| case.label.clone()));
                Some(chosen.map_or(*otherwise, |case| case.next))
            }
            Work::Set { name, value, next } => {
                let value = turn.kept(at, value.as_ref())?;
                turn.step(at, || described(name, value.as_ref()));
                turn.set(name, value);
                *next
            }
            Work::Store { name, value, next } => {
                let value = turn.kept(at, value.as_ref())?;
                turn.step(at, || format!("stored: {}", described(name, value.as_ref())));
                turn.store(name, value);
                *next
            }
            Work::Call(call) => {
                let path = turn.text(at, &call.path)?;
                let body = match &call.body {
                    Some(body) => turn.long_text(at, body)?,
                    None => String::new(),
                };
                turn.step(at, || format!("calls {} {path}", call.service));
                let (service, then) = (call.service.clone(), step.id.clone());
                turn.outcome.calls.push(signalbox_invocation::WebCall { service, path, body, then });
                return Ok(());
            }
            Work::Collect { from, saved, next, otherwise } => {
                let from = turn.value_text(at, from)?;
                turn.pay(at, saved.expected.cost(&from))?;
                let taken = saved.expected.take(&from, turn.given.now, &flow.surroundings);
                turn.step(at, || if taken.is_some() { "fits".to_owned() } else { "does not fit".to_owned() });
                match taken {
                    Some(value) => {
                        if let Some(name) = &saved.name {
                            turn.set(name, Some(value));
                        }
                        Some(*next)
                    }
                    None => Some(*otherwise),
                }
            }
            Work::Agent { reason, next } => {
                let reason = turn.text(at, reason)?;
                turn.step(at, || format!("an agent is to see it: {reason}"));
                turn.outcome.flag = Some(reason);
                if next.is_none() {
                    return Ok(());
                }
                *next
            }
            Work::OptOut { level, next } => {
                turn.step(at, || "opted out".to_owned());
                turn.opt_out(*level);
                *next
            }
            Work::End(ending) => {
                let status = match ending {
                    Ending::Plain => Status::Ok,
                    Ending::BadData(reason) => Status::BadData(turn.text(at, reason)?),
                    Ending::Other(status) => Status::Other(turn.text(at, status)?),
                };
                turn.step(at, || "the end".to_owned());
                turn.outcome.status = status;
                None
            }
        };
    }
    turn.outcome.ended = true;
    Ok(())
}

fn described(name: &str, value: Option<&signalbox_invocation::Value>) -> String {
    match value {
        Some(value) => format!("{name} is {value}"),
        None => format!("{name} is forgotten"),
    }
}

fn send<'e>(turn: &mut Turn<'e>, message: &'e Message, what: &'static str) -> Result<(), Failure> {
    let at = turn.here(what);
    let text = turn.text_at(&at, &message.text)?;
    turn.step_at(&at, || format!("sends: {text}"));
    turn.outcome.sends.push(Send { program: message.program.clone(), text, cut: message.cut });
    Ok(())
}

impl Turn<'_> {
    fn opt_out(&mut self, level: Option<signalbox_invocation::Level>) {
        let channels = vec![signalbox_invocation::Channel::Text];
        self.outcome.opt_outs.push(OptChange { level, subject: OptSubject::Device, channels });
    }
}
