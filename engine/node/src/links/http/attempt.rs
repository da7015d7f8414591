//! One attempt: a request, its answer, and what the exchange is to know of it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response};
use signalbox_core::exchange::{Answer, Event, Unsent};
use signalbox_core::gate::Released;
use signalbox_core::id::SessionId;
use signalbox_core::outcome::ErrorClass;

use super::answer::{Verdict, judge};
use super::fields::{Fields, NotSayable};
use super::found::Document;
use super::request::{Written, begin_without_body, request};
use crate::links::line::Ground;
use crate::links::settings::LinkSettings;

/// What the attempts of a session share.
#[derive(Clone)]
pub(super) struct Door {
    pub ground: Ground,
    pub link: Arc<LinkSettings>,
    pub client: Client,
    pub session: SessionId,
}

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Done {
    pub events: Vec<Event>,
    /// The other end cannot be reached.
    pub lost: Option<String>,
    /// It took the message.
    pub taken: bool,
}

impl Done {
    fn unsent(parts: &[Released], why: Unsent) -> Self {
        let events = parts.iter().map(|part| Event::Unsent { permit: part.permit(), why }).collect();
        Self { events, lost: None, taken: false }
    }
}

/// A message that is under way, in one part or joined of several.
pub(super) struct Attempt {
    door: Door,
    parts: Vec<Released>,
    request: reqwest::Request,
    written: Arc<Written>,
}

impl Attempt {
    /// Prepares the request; without one, what the exchange is to know.
    pub(super) fn prepare(door: &Door, parts: Vec<Released>) -> Result<Self, Done> {
        let now = door.ground.clock.now();
        let deadline = parts.iter().map(|part| part.deadline()).min().unwrap_or(now.mono);
        if now.mono >= deadline {
            return Err(Done::unsent(&parts, Unsent::NotWritten));
        }
        let made = match door.link.http.as_ref() {
            Some(settings) => Fields::of_whole(&parts, &door.link, now.wall)
                .and_then(|fields| request(&fields, settings, &door.ground.clock, deadline)),
            None => Err(NotSayable::Request),
        };
        match made {
            Ok((request, written)) => Ok(Self { door: door.clone(), parts, request, written }),
            Err(error) => {
                if let Some(first) = parts.first() {
                    tracing::warn!(
                        link = door.link.name,
                        message = %first.id(),
                        destination = %first.destination().masked(),
                        error = &error as &dyn std::error::Error,
                        "message cannot be sent over http"
                    );
                }
                Err(Done::unsent(&parts, Unsent::NotEncodable))
            }
        }
    }

    /// Tells whether the message may have arrived, also after a panic.
    pub(super) fn written(&self) -> Arc<Written> {
        self.written.clone()
    }

    /// Sends it and waits for the answer, both within the link's times.
    pub(super) async fn run(self) -> Done {
        let Self { door, parts, request, written } = self;
        let times = &door.link.times;
        let begun = door.ground.clock.now().mono;
        begin_without_body(&request, &written);
        let exchange = async {
            let mut response = door.client.execute(request).await?;
            let body = read(&mut response, max_size(&door.link)).await?;
            Ok::<_, reqwest::Error>((response, body))
        };
        let answered = tokio::time::timeout(times.bind + times.response, exchange).await;
        let took = door.ground.clock.now().mono - begun;
        let done = match answered {
            Ok(Ok((response, body))) => door.judged(&parts, &response, &body),
            Ok(Err(error)) => door.failed(&parts, &written, error),
            Err(_elapsed) if written.maybe() => door.silent(&parts, "no answer in time"),
            Err(_elapsed) => door.unreachable(&parts, "not written in time".to_owned()),
        };
        door.count(&done, took);
        done
    }
}

fn max_size(link: &LinkSettings) -> usize {
    let size = link.http.as_ref().map_or(0, |http| http.row.answer.max_size.bytes());
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// The body up to the bound; what is longer is cut, and its connection not used again.
async fn read(response: &mut Response, most: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            break;
        }
    }
    Ok(body)
}

/// The answer to a message for each of its parts: the first has the id and the receipts.
fn answered(parts: &[Released], answer: &Answer) -> impl Iterator<Item = Event> {
    parts.iter().enumerate().map(move |(index, part)| {
        let answer = match answer {
            Answer::Taken { remote_id } if index > 0 => Answer::Joined { remote_id: remote_id.clone() },
            other => other.clone(),
        };
        Event::Answered { permit: part.permit(), answer }
    })
}

impl Door {
    fn judged(&self, parts: &[Released], response: &Response, body: &[u8]) -> Done {
        let Some(http) = self.link.http.as_ref() else {
            return Done::unsent(parts, Unsent::NotEncodable);
        };
        let status = response.status().as_u16();
        let document = Document::new(response.headers(), body, Vec::new());
        let now = self.ground.clock.now().wall;
        let Verdict { answer, pause } =
            judge(&http.row.answer, &self.link.rules.now(), status, &document, now);
        let mut events = Vec::with_capacity(2);
        if let Some(wait) = pause.filter(|wait| !wait.is_zero()) {
            // Before the answer: what it frees must not leave in between.
            events.push(Event::Pause { session: self.session, wait });
        }
        match &answer {
            Answer::Taken { .. } | Answer::Joined { .. } => {}
            Answer::Refused { class, .. } => {
                tracing::debug!(link = self.link.name, status, ?class, "message refused over http");
            }
            Answer::Silent => {
                tracing::warn!(link = self.link.name, status, "the answer says nothing of the message");
            }
        }
        let taken = matches!(answer, Answer::Taken { .. });
        events.extend(answered(parts, &answer));
        Done { events, lost: None, taken }
    }

    /// No answer came. If the request may be on its way the message is in doubt, else it was not sent.
    fn failed(&self, parts: &[Released], written: &Written, error: reqwest::Error) -> Done {
        let connecting = error.is_connect();
        // The URL may hold a secret.
        let text = crate::links::describe(&error.without_url());
        if connecting || !written.maybe() {
            return self.unreachable(parts, text);
        }
        self.silent(parts, &text)
    }

    fn silent(&self, parts: &[Released], problem: &str) -> Done {
        tracing::warn!(link = self.link.name, problem, "no answer over http, the message is in doubt");
        let events = answered(parts, &Answer::Silent).collect();
        Done { events, lost: None, taken: false }
    }

    fn unreachable(&self, parts: &[Released], problem: String) -> Done {
        Done { lost: Some(problem), ..Done::unsent(parts, Unsent::NotWritten) }
    }

    fn count(&self, done: &Done, took: Duration) {
        let result = match done.events.last() {
            Some(Event::Answered { answer: Answer::Taken { .. } | Answer::Joined { .. }, .. }) => "taken",
            Some(Event::Answered { answer: Answer::Silent, .. }) => "in_doubt",
            Some(Event::Answered { answer: Answer::Refused { class, .. }, .. }) => match class {
                ErrorClass::Throttling | ErrorClass::QueueFull => "throttled",
                ErrorClass::Temporary => "failed",
                ErrorClass::Permanent => "refused",
                ErrorClass::Fatal => "fatal",
            },
            _ => "not_sent",
        };
        let link = self.link.name.clone();
        metrics::counter!("http_link_requests_total", "link" => link.clone(), "result" => result)
            .increment(1);
        metrics::histogram!("http_link_request_duration_seconds", "link" => link).record(took.as_secs_f64());
    }
}
