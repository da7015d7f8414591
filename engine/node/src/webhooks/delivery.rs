//! One try to deliver one event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use signalbox_core::exchange::{Answer, Event, Unsent};
use signalbox_core::gate::Released;
use signalbox_core::outcome::ErrorClass;

use super::Ground;
use super::event::WebhookEventBody;
use super::signature::sign;
use super::target::Target;

/// Posts the event, and says what the exchange is to know of it.
pub(super) async fn deliver(ground: Ground, target: Arc<Target>, released: Box<Released>) -> Event {
    let permit = released.permit();
    let unsent = Event::Unsent { permit, why: Unsent::NotWritten };
    let left = released.deadline() - ground.clock.now().mono;
    let Ok(Ok(_held)) = tokio::time::timeout(left, ground.requests.acquire()).await else { return unsent };
    if ground.clock.now().mono >= released.deadline() {
        return unsent;
    }
    let event = WebhookEventBody::of(&released, &target.account);
    let Ok(body) = serde_json::to_vec(&event) else {
        return Event::Unsent { permit, why: Unsent::NotEncodable };
    };
    let begun = Instant::now();
    let answer = post(&ground, &target, &event, body).await;
    let result = match &answer {
        Answer::Taken { .. } | Answer::Joined { .. } => "taken",
        Answer::Refused { class: ErrorClass::Permanent, .. } => "refused",
        Answer::Refused { .. } | Answer::Silent => "failed",
    };
    let webhook = target.name.clone();
    metrics::counter!("webhook_requests_total", "webhook" => webhook.clone(), "result" => result)
        .increment(1);
    metrics::histogram!("webhook_request_duration_seconds", "webhook" => webhook)
        .record(begun.elapsed().as_secs_f64());
    Event::Answered { permit, answer }
}

async fn post(ground: &Ground, target: &Target, event: &WebhookEventBody, body: Vec<u8>) -> Answer {
    let seconds = ground.clock.now().wall.0.div_euclid(1_000_000);
    let request = target
        .client
        .post(target.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header("Signalbox-Signature", sign(&target.secret, seconds, &body))
        .header("Signalbox-Event", &event.id)
        .header("Signalbox-Attempt", event.attempt)
        .body(body);
    let exchange = async {
        let mut response = request.send().await?;
        let status = response.status();
        read_out(&mut response, target.max_answer).await;
        Ok::<StatusCode, reqwest::Error>(status)
    };
    match tokio::time::timeout(target.timeout.max(Duration::from_millis(1)), exchange).await {
        Ok(Ok(status)) => answer(status),
        Ok(Err(error)) => {
            // The URL may hold a secret of the target.
            let error = error.without_url();
            let cause = &error as &dyn std::error::Error;
            tracing::debug!(error = cause, webhook = target.name, "an event was not delivered");
            Answer::Refused { class: ErrorClass::Temporary, status: 0 }
        }
        Err(_elapsed) => Answer::Refused { class: ErrorClass::Temporary, status: 0 },
    }
}

/// Reads an answer to its end, so that the connection can be used again, unless it is longer than it may be.
async fn read_out(response: &mut reqwest::Response, most: usize) {
    let mut read = 0;
    while read <= most
        && let Ok(Some(chunk)) = response.chunk().await
    {
        read += chunk.len();
    }
}

/// What a status means.
fn answer(status: StatusCode) -> Answer {
    let class = match status.as_u16() {
        200..300 => return Answer::Taken { remote_id: bytes::Bytes::new() },
        429 => ErrorClass::Throttling,
        408 | 500..600 => ErrorClass::Temporary,
        _ => ErrorClass::Permanent,
    };
    Answer::Refused { class, status: u32::from(status.as_u16()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning() {
        let class = |status: u16| match answer(StatusCode::from_u16(status).unwrap()) {
            Answer::Taken { .. } | Answer::Joined { .. } => None,
            Answer::Refused { class, status: told } => {
                assert_eq!(told, u32::from(status));
                Some(class)
            }
            Answer::Silent => panic!("an answer is never silence"),
        };
        assert_eq!([200, 202, 204].map(class), [None; 3]);
        assert_eq!(class(429), Some(ErrorClass::Throttling));
        assert_eq!([408, 500, 503].map(class), [Some(ErrorClass::Temporary); 3]);
        assert_eq!([301, 400, 404, 410].map(class), [Some(ErrorClass::Permanent); 4]);
    }
}
